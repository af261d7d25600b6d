"""Abstract values: what the reader knows of a Python object while it reads.

A value is a machine operand, an object known when reading (`Static`), or a `Node`: a static head that says
what kind of object it is, over the values inside it.  Tuples, closures, ranges and iterators are nodes, so a
program never sees them: only the operands at their leaves become its variables.
"""

from __future__ import annotations

import types as pytypes
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numba import types

from zyg.ir.kinds import numba_type
from zyg.ir.memory import MemoryType
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import real_of
from zyg.reading.heads import (
    ArrayHead,
    ClosureHead,
    DictHead,
    ErrorHead,
    IterHead,
    LazyHead,
    ListHead,
    MapHead,
    MemoryListHead,
    ObjectHead,
    RangeHead,
    RecordHead,
    SliceHead,
    TupleHead,
)
from zyg.rules.tables import STANDING_FOR

Path: TypeAlias = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """An object in a key: equal only to itself, and alive as long as the key is."""

    obj: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.obj is self.obj

    def __hash__(self) -> int:
        return id(self.obj)


def extended(path: Path | None, kind: str, what: Any) -> Path | None:
    """One step on from what `path` leads to; nothing is reached from a constant of the code."""
    return None if path is None else (*path, (kind, what))


@dataclass(frozen=True, slots=True)
class Static:
    """An object known when reading, and how it is reached from the function that is differentiated."""

    obj: Any
    path: Path | None = None

    def key(self) -> Hashable:
        return ("static", type(self.obj), self.obj if isinstance(self.obj, (str, bytes)) else id(self.obj))


@dataclass(frozen=True, slots=True)
class Node:
    """A compound value: `head` is static and hashable, `items` are inside it."""

    head: Any
    items: tuple[Value, ...]


Value: TypeAlias = Var | Const | Static | Node


def constant(value: bool | int | float | complex) -> Const:
    typ = numba_type(value)
    assert typ is not None
    return Const(value, typ)


CONTAINERS = (TupleHead, ListHead, DictHead, ObjectHead)


def is_container(value: Value | None) -> bool:
    """Whether a value is a tuple, list, dict or instance with what it holds."""
    return isinstance(value, Node) and isinstance(value.head, CONTAINERS)


def is_iterator(value: Value | None, *kinds: str) -> bool:
    """Is it an iterator, of one of these kinds if any are given?"""
    return isinstance(value, Node) and isinstance(value.head, IterHead) and (not kinds or value.head.kind in kinds)


def is_operand(value: Value) -> bool:
    return isinstance(value, (Var, Const))


def leaves(value: Value) -> Iterator[Operand]:
    """The machine operands of a value, in order."""
    if isinstance(value, (Var, Const)):
        yield value
    elif isinstance(value, Node):
        for item in value.items:
            yield from leaves(item)


def variables(value: Value) -> Iterator[Operand]:
    """The leaves that are not constants."""
    return (leaf for leaf in leaves(value) if isinstance(leaf, Var))


def rebuild(value: Value, new: Callable[[Operand], Value]) -> Value:
    """`value` with each leaf replaced."""
    if isinstance(value, (Var, Const)):
        return new(value)
    if isinstance(value, Node):
        return Node(value.head, tuple(rebuild(item, new) for item in value.items))
    return value


def is_same_array(one: Value, other: Value) -> bool:
    """Are two abstract values one array, as `a` is behind `a *= 2`?"""
    if not (isinstance(one, Node) and isinstance(other, Node) and is_array(one)) or one.head != other.head:
        return False
    pairs = zip(one.items, other.items, strict=True)
    return all(a is b or (isinstance(a, Const) and isinstance(b, Const) and a == b) for a, b in pairs)


def is_array(value: Value | None) -> bool:
    return isinstance(value, Node) and isinstance(value.head, ArrayHead)


def is_view(value: Value, of: Value) -> bool:
    """Is `value` an array in the buffer of the array `of`?"""
    if not (isinstance(value, Node) and isinstance(of, Node) and is_array(value) and is_array(of)):
        return False
    return value.items[0] is of.items[0]


def is_list(value: Value | None) -> bool:
    return isinstance(value, Node) and isinstance(value.head, (ListHead, MemoryListHead))


def class_of_node(value: Node) -> type | None:
    """The class of the Python object that a node stands for; None where it is none of those that have one here."""
    head = value.head
    found: type | None = None
    if isinstance(head, TupleHead):
        found = head.cls or tuple
    elif isinstance(head, ObjectHead):
        found = head.cls
    elif isinstance(head, RecordHead):
        found = STANDING_FOR.get(head.site.top.cls, head.site.top.cls)
    else:
        found = _NODE_CLASSES.get(type(head))
    return found


_NODE_CLASSES: dict[type, type] = {
    ArrayHead: np.ndarray,
    MapHead: np.ndarray,
    ListHead: list,
    MemoryListHead: list,
    DictHead: dict,
    ClosureHead: pytypes.FunctionType,
    SliceHead: slice,
    RangeHead: range,
    LazyHead: str,
}


def one_class(value: Value | None) -> type | None:
    """The class of a dict or instance that the code which is read has made; None for other values."""
    if not isinstance(value, Node) or not isinstance(value.head, (RecordHead, DictHead)) or value.head.site is None:
        return None
    found: type = value.head.site.top.cls
    return STANDING_FOR.get(found, found)


def has_memory_list(value: Value) -> bool:
    """Is there a list in memory in it?"""
    if not isinstance(value, Node):
        return False
    return isinstance(value.head, MemoryListHead) or any(map(has_memory_list, value.items))


def array_like(array: Node, memory: Var, new: Callable[[Var], Operand]) -> Node:
    """An array laid out as `array` in another buffer (of parts, if that is complex), its dimensions renamed."""
    assert isinstance(memory.type, MemoryType)
    dtype, part = memory.type.dtype, array.head.part if isinstance(memory.type.dtype, types.Complex) else ""
    head = ArrayHead(real_of(dtype) if part else dtype, array.head.ndim, array.head.layout, part)
    return Node(head, (memory, *(new(item) if isinstance(item, Var) else item for item in array.items[1:])))


def passed(value: Value, fixed: bool = False) -> Iterator[Operand]:
    """The operands that a call passes for `value`; other constants are part of what its callee knows.

    fixed: all constants are.
    """
    if isinstance(value, Var) or (isinstance(value, Const) and value.type != types.boolean and not fixed):
        yield value
    elif isinstance(value, Node):
        for item in value.items:
            if not (isinstance(value.head, ArrayHead) and isinstance(item, Const)):
                yield from passed(item, fixed)


def parameter(value: Value, name: str | None = None, fixed: bool = False) -> Value:
    """The parameter that receives `value`: a variable for each operand that is passed."""
    if isinstance(value, Var) or (isinstance(value, Const) and value.type != types.boolean and not fixed):
        return Var(value.type, getattr(value, "name", "") if name is None else name)
    if isinstance(value, Node):
        array = isinstance(value.head, ArrayHead)
        items = (item if array and isinstance(item, Const) else parameter(item, name, fixed) for item in value.items)
        return Node(value.head, tuple(items))
    return value


def shared_parameters(
    values: Sequence[Value], fixed: bool, names: Sequence[str | None] | None = None
) -> tuple[list[Operand], list[Value], tuple[int, ...]]:
    """What a call passes for values, and the parameters that receive it: dimensions of arrays that are the same are
    passed once.  The pattern, a part of what the callee knows, says which these are.

    fixed: constants are not passed, but known.
    """
    known: dict[Operand, Var] = {}
    operands: list[Operand] = []
    pattern: list[int] = []
    places: dict[Operand, int] = {}

    def shared(value: Value, name: str | None) -> Value:
        if not isinstance(value, Node):
            operands.extend(passed(value, fixed))
            return parameter(value, name, fixed)
        if not is_array(value):
            return Node(value.head, tuple(shared(item, name) for item in value.items))
        items: list[Value] = []
        for item in value.items:
            if not isinstance(item, Var) or isinstance(item.type, MemoryType):
                items.append(item if isinstance(item, Const) else shared(item, name))
                continue
            if item not in known:
                known[item] = Var(item.type, item.name)
                places[item] = len(places)
                operands.append(item)
            pattern.append(places[item])
            items.append(known[item])
        return Node(value.head, tuple(items))

    formals = [shared(value, name) for value, name in zip(values, names or [None] * len(values), strict=True)]
    return operands, formals, tuple(pattern)


def structure(value: Value) -> Hashable:
    """A key equal for values of the same kind: same heads, same leaf types, same constants."""
    if isinstance(value, Var):
        return value.type
    if isinstance(value, Const):
        return (value.type, repr(value.value))
    if isinstance(value, Static):
        return value.key()
    return (value.head, tuple(structure(item) for item in value.items))


def tuple_of(items: Sequence[Value], cls: type | None = None) -> Node:
    return Node(TupleHead(cls), tuple(items))


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How a Python object is made once the numbers inside it are known: called with the operands' values."""

    value: Value

    @property
    def operands(self) -> tuple[Operand, ...]:
        return tuple(leaves(self.value))

    def __call__(self, *numbers: Any) -> Any:
        return self._make(self.value, iter(numbers))

    def _make(self, node: Value, numbers: Iterator[Any]) -> Any:
        if isinstance(node, (Var, Const)):
            return next(numbers)
        if isinstance(node, Static):
            return node.obj
        parts = [self._make(item, numbers) for item in node.items]
        if isinstance(node.head, ErrorHead):
            return node.head.cls(*parts)
        if isinstance(node.head, LazyHead):
            return node.head.fn(*parts)
        if isinstance(node.head, TupleHead):
            return node.head.cls(*parts) if node.head.cls else tuple(parts)
        return parts
