"""A tour: the examples of the README, run for real and printed with what they give.

`python -m zyg` takes the README from the installed package's metadata.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import linecache
import re
import traceback
from importlib.metadata import metadata
from typing import Any

_FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def sections(text: str) -> list[tuple[str, list[doctest.Example]]]:
    """The headings of a Markdown text, each with the examples below it.

    >>> [(title, len(examples)) for title, examples in sections("# A\\n\\n```python\\n>>> 1 + 1\\n2\\n```\\n")]
    [('A', 1)]
    """
    found = []
    for part in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        parser = doctest.DocTestParser()
        found.append((title, [example for block in _FENCE.findall(body) for example in parser.get_examples(block)]))
    return found


def run(example: doctest.Example, names: dict[str, Any], name: str) -> str:
    """What an example prints; `name` is that of its source in tracebacks."""
    linecache.cache[name] = (len(example.source), None, example.source.splitlines(keepends=True), name)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(ast.parse(example.source, name, "single"), name, "single"), names)
        except Exception as error:
            out.write("".join(traceback.format_exception_only(error)))
    return out.getvalue()


def main() -> None:
    """Print every example of the README with its result."""
    payload = metadata("zyg").get_payload()  # type: ignore[attr-defined]
    names: dict[str, Any] = {"__name__": "__main__"}
    for title, examples in sections(str(payload)):
        if examples:
            print(f"\n{title}\n{'-' * len(title)}")
        for number, example in enumerate(examples):
            first, *rest = re.sub(r"  # doctest: .*", "", example.source).rstrip("\n").split("\n")
            print("\n".join([f">>> {first}", *(f"... {line}" for line in rest)]))
            print(run(example, names, f"<{title}, {number}>"), end="")


if __name__ == "__main__":
    main()
