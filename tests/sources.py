"""Functions made from source text that error messages and tracebacks can still show."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from typing import Any


def defined(source: str, filename: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The names that `source` defines, executed over a copy of `namespace`."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    globals_ = dict(namespace)
    exec(compile(source, filename, "exec"), globals_)
    return globals_
