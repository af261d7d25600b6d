"""Writes coverage.md from the forms that the tests call functions in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

HEAD = """# NumPy's functions: the forms that are tested

Each is tested natively: its value against NumPy's, its gradient against difference quotients; the first form of each
in forward mode and at second order, too. V is a vector, M a matrix, C has three dimensions; other letters are
constants. Linear algebra and `scipy.special` have tests of their own. This table is written by `docs/make_coverage.py`.

| function | forms |
|---|---|
"""


def table(forms: Mapping[str, tuple[str, ...]]) -> str:
    """The page."""
    rows = (f"| `{name}` | {', '.join(f'`{form}`' for form in given)} |" for name, given in sorted(forms.items()))
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path.insert(0, str(here.parent / "tests"))
    from forms import EVERY

    (here / "coverage.md").write_text(table(EVERY))
