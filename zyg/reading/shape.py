"""Between the shapes of Python's objects and abstract values."""

from __future__ import annotations

import types as pytypes
from collections.abc import Callable, Iterator
from typing import Any

from numba import types

from zyg.errors import unsupported
from zyg.ir.memory import MemoryType
from zyg.ir.program import Const, Var
from zyg.ir.tree import ArrayTree, Composite, ConstTree, DictTree, Leaf, ListTree, ObjectTree, Tree, TupleTree
from zyg.reading.describe import described
from zyg.reading.heads import ArrayHead, DictHead, ListHead, ObjectHead, TupleHead
from zyg.reading.values import Node, Path, Static, Value, tuple_of


def tree_of(value: Value) -> Tree:
    """The tree of a result: numbers, arrays and containers of them; anything else must be static."""
    if isinstance(value, (Var, Const)):
        return Leaf(value.type)
    if isinstance(value, Static):
        return ConstTree(value.obj)
    if isinstance(value.head, TupleHead):
        return TupleTree(tuple(tree_of(item) for item in value.items), value.head.cls)
    if isinstance(value.head, ArrayHead):
        known = tuple(int(item.value.real) if isinstance(item, Const) else None for item in value.items[1:])
        return ArrayTree(value.head.dtype, value.head.ndim, value.head.layout, known)
    items = tuple(tree_of(item) for item in value.items)
    if isinstance(value.head, ListHead):
        return ListTree(items)
    if isinstance(value.head, DictHead):
        return DictTree(value.head.keys, items)
    if isinstance(value.head, ObjectHead):
        return ObjectTree(value.head.cls, value.head.names, items)
    raise unsupported(f"{described(value)} cannot be given to Python by native code", None, _GIVE)


_GIVE = "Return numbers, arrays (made of lists by np.array), or containers of them."


def of_tree(tree: Tree, path: Path, known: Callable[[Any, Path], Value]) -> Value:
    """An abstract value of the given shape, reached by `path`; `known` gives those of objects that are known."""
    if isinstance(tree, Leaf):
        return Var(tree.type, "")
    if isinstance(tree, ConstTree):
        return known(tree.value, path)
    if isinstance(tree, ArrayTree):
        numbers = (Var(types.int64, "") if n is None else Const(n, types.int64) for n in tree.known)
        return Node(ArrayHead(tree.dtype, tree.ndim, tree.layout), (Var(MemoryType(tree.dtype), ""), *numbers))
    paths = ((*path, *steps) for steps in steps_into(tree))
    items = tuple(of_tree(item, at, known) for item, at in zip(tree.items, paths, strict=True))
    if isinstance(tree, TupleTree):
        return tuple_of(items, tree.cls)
    if isinstance(tree, ListTree):
        return Node(ListHead(), items)
    if isinstance(tree, DictTree):
        return Node(DictHead(tree.keys), items)
    return Node(ObjectHead(tree.cls, tree.names), items)


def steps_into(tree: Composite) -> Iterator[Path]:
    """The steps from an object of this shape to each of its items."""
    if isinstance(tree, ObjectTree):
        slots = slots_of(tree.cls)
        yield from ((("attr", n),) if n in slots else (("members", None), ("key", n)) for n in tree.names)
    elif isinstance(tree, DictTree):
        yield from ((("key", key),) for key in tree.keys)
    else:
        step = "entry" if isinstance(tree, ListTree) else "item"
        yield from (((step, number),) for number in range(len(tree.items)))


def slots_of(cls: type) -> frozenset[str]:
    """The attributes that instances of `cls` keep in fields of theirs, not in their dict."""
    kind = pytypes.MemberDescriptorType
    members = (name for base in cls.__mro__ for name, found in vars(base).items() if type(found) is kind)
    return frozenset(members) - {"__dict__"}
