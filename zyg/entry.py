"""Calling from Python: arguments taken apart, the right specialisation found, its result put together."""

from __future__ import annotations

import builtins
import types as pytypes
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from zyg.errors import ArgumentError
from zyg.ir.program import Type
from zyg.ir.tree import ConstTree, Leaf, Tree, TupleTree
from zyg.ir.values import Identity, Path, Value, numba_type
from zyg.pipeline import Build, Compiled, compile_function

MISSING = object()
_LIMIT = 512
_compiled: dict[Hashable, list[Compiled]] = {}
_lifted: dict[Hashable, frozenset[Path]] = {}
CACHES: list[dict[Any, Any]] = [_compiled, _lifted]


def refresh() -> None:
    """Forget everything compiled.  Never needed for correctness."""
    for cache in CACHES:
        cache.clear()


def tree(value: Any) -> Tree:
    """The shape of an argument.

    >>> tree((1.0, 2))
    TupleTree(items=(Leaf(type=float64), Leaf(type=int64)), cls=None)
    """
    kind = type(value)
    if kind is float or kind is int or kind is bool or kind is complex:
        return Leaf(_type_of(value))
    if isinstance(value, tuple):
        return TupleTree(tuple(tree(item) for item in value), None if kind is tuple else kind)
    if value is None or isinstance(value, (str, pytypes.FunctionType, pytypes.BuiltinFunctionType, np.ufunc, type)):
        return ConstTree(value)
    if callable(value):
        return ConstTree(value)
    return Leaf(_type_of(value))


def _type_of(value: Any) -> Type:
    found = numba_type(value)
    if found is None:
        found = next((numba_type(base()) for base in (int, float, complex) if isinstance(value, base)), None)
    if found is None:
        raise ArgumentError(f"native mode cannot take an argument of type {type(value).__name__}: {value!r:.80}")
    return found


def leaves(value: Any, shape: Tree, out: list[Any]) -> None:
    """Append the machine values of an argument to `out`."""
    if isinstance(shape, TupleTree):
        for item, part in zip(value, shape.items, strict=True):
            leaves(item, part, out)
    elif isinstance(shape, Leaf):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise OverflowError(f"the integer {value} does not fit in 64 bits")
        out.append(value.item() if isinstance(value, (np.generic, np.ndarray)) else value)


def assemble(shape: Tree, values: Any) -> Any:
    """The Python object of a result, its numbers taken from the iterator `values`."""
    if isinstance(shape, Leaf):
        return next(values)
    if isinstance(shape, ConstTree):
        return shape.value
    items = tuple(assemble(item, values) for item in shape.items)
    return items if shape.cls is None else tuple.__new__(shape.cls, items)


def key_of(shape: Tree) -> Hashable:
    """A key equal for arguments that the same code serves."""
    if isinstance(shape, ConstTree):
        value = shape.value
        if isinstance(value, pytypes.FunctionType):
            return value.__code__
        return value if isinstance(value, str) else Identity(value)
    if isinstance(shape, TupleTree):
        return (shape.cls, tuple(key_of(item) for item in shape.items))
    return shape.type


def follow(root: Any, args: Sequence[Any], path: Path) -> Any:
    """What a path leads to now, or MISSING."""
    value = root
    for kind, what in path:
        if kind == "arg":
            value = args[what]
        elif kind == "object":
            value = what.obj
        elif kind == "globals":
            value = value.__globals__.get(what, MISSING)
        elif kind == "cell":
            try:
                value = value.__closure__[what].cell_contents
            except ValueError:
                return MISSING
        elif kind == "default":
            value = value.__defaults__[what] if value.__defaults__ and what < len(value.__defaults__) else MISSING
        elif kind == "kwdefault":
            value = (value.__kwdefaults__ or {}).get(what, MISSING)
        elif kind == "attr":
            value = getattr(value, what, MISSING)
        elif kind == "item":
            value = value[what]
        if value is MISSING:
            return MISSING
    return value


def holds(check: str, what: Any, value: Any, root: Any) -> bool:
    if check == "builtin":
        return value is MISSING and hasattr(builtins, what)
    if value is MISSING:
        return False
    if check == "equal":
        return type(value) is type(what) and bool(value == what)
    if check == "code":
        return isinstance(value, pytypes.FunctionType) and value.__code__ is what
    if check == "tuple":
        return type(value) is what[0] and len(value) == what[1]
    return value is what


class Caller:
    """Finds or compiles the specialisation for a call.

    root: the object that paths of captures start from.  key: what makes calls of different objects share code.
    """

    __slots__ = ("build", "key", "name", "root")

    def __init__(self, name: str, root: Any, key: Hashable, build: Build) -> None:
        self.name = name
        self.root = root
        self.key = key
        self.build = build

    def __call__(self, *args: Any) -> Any:
        shapes = [tree(arg) for arg in args]
        compiled, captured = self.find(args, shapes)
        values: list[Any] = []
        for arg, shape in zip(args, shapes, strict=True):
            leaves(arg, shape, values)
        return assemble(compiled.result, iter(compiled.native.call(*values, *captured)))

    def find(self, args: Sequence[Any], shapes: Sequence[Tree]) -> tuple[Compiled, list[Any]]:
        key = (self.key, tuple(key_of(shape) for shape in shapes))
        entries = _compiled.get(key)
        if entries is None:
            if len(_compiled) >= _LIMIT:
                _compiled.pop(next(iter(_compiled)))
            entries = _compiled[key] = []
        for entry in entries:
            captured = self.captured(entry, args)
            if captured is not None:
                return entry, captured
        lifted = self._changing_ints(key, entries, args)
        entry = compile_function(self.name, shapes, self._with_paths(shapes), lifted)
        entries.insert(0, entry)
        del entries[8:]
        captured = self.captured(entry, args)
        if captured is None:
            raise AssertionError(f"guards of {self.name} do not hold right after compiling it")
        return entry, captured

    def _with_paths(self, shapes: Sequence[Tree]) -> Build:
        from zyg.ir.values import Static

        def build(reader: Any, values: list[Value]) -> Value:
            placed = [
                Static(value.obj, (("arg", i),)) if isinstance(value, Static) else value
                for i, value in enumerate(values)
            ]
            return self.build(reader, placed)

        return build

    def _changing_ints(self, key: Hashable, entries: list[Compiled], args: Sequence[Any]) -> frozenset[Path]:
        """Captured ints that were constants before and have changed become inputs."""
        found = set(_lifted.get(key, frozenset()))
        for entry in entries:
            for path, (check, what) in entry.guards.items():
                now = follow(self.root, args, path)
                if check == "equal" and type(what) is int and type(now) is int and now != what:
                    found.add(path)
        _lifted[key] = frozenset(found)
        return _lifted[key]

    def captured(self, entry: Compiled, args: Sequence[Any]) -> list[Any] | None:
        """The values of the lifted captures, or None if a guard does not hold."""
        for path, (check, what) in entry.guards.items():
            if not holds(check, what, follow(self.root, args, path), self.root):
                return None
        found = []
        for path, (_, kind) in zip(entry.inputs, entry.kinds, strict=True):
            value = follow(self.root, args, path)
            if value is MISSING or numba_type(value) != kind:
                return None
            found.append(value.item() if isinstance(value, np.generic) else value)
        return found
