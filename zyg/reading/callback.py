"""Calls of Python functions from programs: with numbers, and arrays that look into the program's buffers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.ir.program import Callback, Op, Type, Var
from zyg.ir.tree import ArrayTree, ConstTree, DictTree, Leaf, ListTree, ObjectTree, Tree, TupleTree
from zyg.reading.shape import tree_of
from zyg.reading.values import Value, leaves

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def call_python(
    reader: FunctionReader,
    fn: Callable[..., Sequence[Any]],
    name: str,
    args: Sequence[Value],
    results: Sequence[Type],
    writes: bool = False,
) -> list[Var]:
    """Emit a call of `fn(*args)`, whose arguments are Python's objects; arrays among them are views of the buffers."""
    trees = [tree_of(arg) for arg in args]

    def called(*values: Any) -> Sequence[Any]:
        left = iter(values)
        return fn(*[_object(tree, left) for tree in trees])

    outs = [Var(kind) for kind in results]
    operands = tuple(leaf for arg in args for leaf in leaves(arg) if isinstance(leaf, Var) or _is_number(arg))
    reader.ops.append(Op(Callback(called, name, writes), operands, tuple(outs), reader.pos))
    return outs


def owned(value: Any) -> Any:
    """`value`, for keeps: its arrays are copied, as views of buffers are gone when the program is over."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple):
        items = map(owned, value)
        return tuple(items) if type(value) is tuple else tuple.__new__(type(value), items)
    if isinstance(value, list):
        return [owned(item) for item in value]
    if isinstance(value, dict):
        return {key: owned(item) for key, item in value.items()}
    for name, item in list(getattr(value, "__dict__", {}).items()):
        object.__setattr__(value, name, owned(item))
    return value


def _is_number(value: Value) -> bool:
    return not hasattr(value, "items")


def _object(tree: Tree, values: Iterator[Any]) -> Any:
    """The Python object of this shape, its numbers and buffers taken from `values`."""
    if isinstance(tree, Leaf):
        return next(values)
    if isinstance(tree, ConstTree):
        return tree.value
    if isinstance(tree, ArrayTree):
        buffer = next(values)
        offset, *rest = (next(values) if known is None else known for known in tree.known)
        dims, steps = rest[: tree.ndim], rest[tree.ndim :]
        if tree.layout == "C":
            return buffer[offset : offset + math.prod(dims)].reshape(dims)
        strides = [step * buffer.itemsize for step in steps]
        return np.lib.stride_tricks.as_strided(buffer[offset:], dims, strides)
    items = [_object(item, values) for item in tree.items]
    if isinstance(tree, TupleTree):
        return tuple(items) if tree.cls is None else tuple.__new__(tree.cls, items)
    if isinstance(tree, ListTree):
        return items
    names = tree.keys if isinstance(tree, DictTree) else tree.names
    found = dict(zip(names, items, strict=True))
    return found if isinstance(tree, DictTree) else _instance(tree, found)


def _instance(tree: ObjectTree, attributes: dict[str, Any]) -> Any:
    cls: Any = tree.cls
    made = cls.__new__(cls)
    for name, item in attributes.items():
        object.__setattr__(made, name, item)
    return made
