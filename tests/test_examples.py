"""The examples do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np

_MINIMISE = runpy.run_path(str(Path(__file__).parent.parent / "examples" / "minimise.py"))


def test_minimise() -> None:
    for name in ("with_gradient", "with_value_and_gradient"):
        found = _MINIMISE[name]()
        assert found.success
        np.testing.assert_allclose(found.x, np.ones(5), atol=1e-4)
