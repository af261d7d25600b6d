"""Functions made from source text that error messages and tracebacks can still show."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from types import CodeType
from typing import Any


def compiled(source: str, filename: str) -> CodeType:
    """The code of `source`."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return compile(source, filename, "exec")


def defined(source: str, filename: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The names that `source` defines, executed over a copy of `namespace`."""
    globals_ = dict(namespace)
    exec(compiled(source, filename), globals_)
    return globals_
