"""Specialisations for arrays: what is called, under which conditions, and how its inputs come from Python's objects.

Numbers are checked and taken apart by generated code (`zyg.codegen.caller_call`); a call with arrays goes by here.
"""

from __future__ import annotations

import builtins
import types as pytypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from zyg.buffers import check_apart, lend, write_back
from zyg.codegen.guards import Path
from zyg.ir.tree import ArrayTree, Leaf, Tree, TupleTree
from zyg.ir.values import array_shape, numba_type
from zyg.pipeline import Lowered

_MISSING = object()


class ArrayEntry:
    """A native function with arrays among its inputs or results."""

    __slots__ = ("lowered", "names", "native", "result", "shapes")

    def __init__(self, lowered: Lowered, arguments: Sequence[Tree], names: tuple[str, ...]) -> None:
        self.lowered, self.shapes, self.names = lowered, tuple(arguments), names
        self.native, self.result = lowered.compile(packed=True), lowered.result

    def inputs(self, function: Any, given: Sequence[Any], names: tuple[str, ...]) -> list[Any] | None:
        """The inputs of the native function for these arguments, or None if it is for others."""
        if names != self.names or len(given) != len(self.shapes):
            return None
        found: list[Any] = []
        for value, shape in zip(given, self.shapes, strict=True):
            if not _take(value, shape, found):
                return None
        seen = _Seen(function, given)
        looked = self.lowered.looked
        if not all(seen.holds(path, *check) for path, check in looked.checks.items()):
            return None
        if not all(seen.at(fn).__globals__ is seen.at(home).__globals__ for fn, home in looked.homes.items()):
            return None
        for path, (_, shape) in sorted(self.lowered.inputs.items(), key=lambda pair: pair[1][0]):
            if not _take(seen.at(path), shape, found):
                return None
        return found

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Its results; arrays that it was given hold what it wrote."""
        if not self.lowered.writes:
            return self.native.call(*inputs)
        check_apart(inputs)
        try:
            return self.native.call(*inputs)
        finally:
            write_back(inputs)


def holds_array(value: Any) -> bool:
    """Whether an argument or result is an array, or a tuple with one in it."""
    return any(map(holds_array, value)) if isinstance(value, tuple) else isinstance(value, np.ndarray)


def _take(value: Any, shape: Tree, out: list[Any]) -> bool:
    """Append the machine values of `value` to `out`, if it has this shape."""
    if isinstance(shape, ArrayTree):
        if not isinstance(value, np.ndarray) or value.ndim == 0 or array_shape(value) != shape:
            return False
        lend(value, shape, out)
        return True
    if isinstance(shape, TupleTree):
        if type(value) is not (shape.cls or tuple):
            return False
        assert isinstance(value, tuple)
        if len(value) != len(shape.items):
            return False
        return all(_take(item, part, out) for item, part in zip(value, shape.items, strict=True))
    if isinstance(shape, Leaf):
        if value is _MISSING or isinstance(value, tuple) or numba_type(value) != shape.type:
            return False
        out.append(value.item() if isinstance(value, (np.generic, np.ndarray)) else value)
        return True
    return _same(value, shape.value)


def _same(value: Any, known: Any) -> bool:
    if isinstance(known, str):
        return isinstance(value, str) and value == known
    if isinstance(known, pytypes.FunctionType):
        return isinstance(value, pytypes.FunctionType) and value.__code__ is known.__code__
    return value is known or (type(value) is type(known) and hasattr(type(value), "__zyg_read__"))


class _Seen:
    """What paths lead to in one call, each looked at once; see `zyg.codegen.guards`."""

    def __init__(self, function: Any, given: Sequence[Any]) -> None:
        self._function, self._given = function, given
        self._known: dict[Path, Any] = {(): function}

    def at(self, path: Path) -> Any:
        if path not in self._known:
            self._known[path] = self._step(path)
        return self._known[path]

    def _step(self, path: Path) -> Any:
        kind, what = path[-1]
        if kind == "arg":
            return self._given[what]
        if kind == "object":
            return what.obj
        parent = self.at(path[:-1])
        try:
            if kind == "globals":
                return parent.__globals__.get(what, _MISSING)
            if kind == "cell":
                return parent.__closure__[what].cell_contents
            if kind == "defaults":
                return parent.__defaults__ or ()
            if kind == "kwdefault":
                return (parent.__kwdefaults__ or {}).get(what, _MISSING)
            if kind in ("item", "key"):
                return parent[what]
            return parent if kind == "self" else getattr(parent, what)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return _MISSING

    def holds(self, path: Path, check: str, what: Any) -> bool:
        value = self.at(path)
        if check == "builtin":
            return value is _MISSING and hasattr(builtins, what)
        if check == "equal":
            return type(value) is type(what) and bool(value == what)
        if check == "code":
            return isinstance(value, pytypes.FunctionType) and value.__code__ is what
        if check == "type":
            return type(value) is what
        if check == "tuple":
            return type(value) is what[0] and len(value) == what[1]
        if check == "dict":
            return isinstance(value, dict) and len(value) == what
        return value is (self.at(what) if check == "one" else what)
