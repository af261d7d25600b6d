"""Where ways meet: the kind of value that covers several, and what passes a value where such a kind is expected."""

from __future__ import annotations

import operator
from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numba import types

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import (
    Const,
    Op,
    Operand,
    Type,
    Var,
)
from zyg.reading import arrays
from zyg.reading.front import Unassigned
from zyg.reading.heads import ArrayHead, ClosureHead, MaybeHead, MethodHead, PartialHead, TupleHead, UnionHead
from zyg.reading.values import Node, Static, Value, is_array, is_list, is_operand, one_class, structure
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def join_local(reader: FunctionReader, name: str, old: Value | None, new: Value | None) -> Value:
    plain = name.split(".")[0]
    shown = "a value" if name.startswith("$") else f"variable {plain!r}"
    if old is None or new is None or is_unassigned(old) != is_unassigned(new):
        known = new if old is None or is_unassigned(old) else old
        assert known is not None
        if isinstance(known, Node) and isinstance(known.head, MaybeHead):
            return known
        return Node(MaybeHead(plain), (Var(types.boolean), known))
    maybe = [v for v in (old, new) if isinstance(v, Node) and isinstance(v.head, MaybeHead)]
    if maybe:
        a, b = (v.items[1] if isinstance(v, Node) and isinstance(v.head, MaybeHead) else v for v in (old, new))
        return Node(MaybeHead(plain), (Var(types.boolean), join(reader, a, b, shown)))
    return join(reader, old, new, shown)


def join(reader: FunctionReader, old: Value | None, new: Value, what: str) -> Value:
    """The kind of value that covers both."""
    if old is None or structure(old) == structure(new):
        return new if old is None else old
    if isinstance(old, Node) and isinstance(new, Node) and old.head != new.head and one_class(old) is one_class(new):
        if one_class(old) is not None:
            return reader.spec.calls.join_records(reader, old, new)
    if is_list(old) and is_list(new):
        assert isinstance(old, Node) and isinstance(new, Node)
        return reader.spec.calls.join_lists(reader, old, new)
    if isinstance(old, (Var, Const)) and isinstance(new, (Var, Const)):
        if old.type == new.type:
            return reader.as_frozen(Var(old.type), old, new)
        return Var(scalars.promote(old.type, new.type))
    if (
        isinstance(old, Node)
        and isinstance(new, Node)
        and old.head == new.head
        and len(old.items) == len(new.items)
        and not isinstance(old.head, UnionHead)
    ):
        return Node(old.head, tuple(join(reader, a, b, what) for a, b in zip(old.items, new.items, strict=True)))
    strided = _as_strided(old, new)
    if strided is not None:
        return join(reader, *strided, what)
    if any(isinstance(v, Node) and isinstance(v.head, TupleHead) for v in (old, new)) and not any(
        isinstance(v, Static) for v in (old, new)
    ):
        raise unsupported(
            f"{what} may be tuples of different sizes, or a tuple and a number, depending on the path taken",
            reader.pos,
            "Give it one kind of value on all paths.",
        )
    return _union(reader, old, new)


def _union(reader: FunctionReader, old: Value, new: Value) -> Value:
    alternatives: list[Value] = []
    for value in (old, new):
        several = isinstance(value, Node) and isinstance(value.head, UnionHead)
        for one in value.items[1:] if several and isinstance(value, Node) else (value,):
            index = _alternative(one, alternatives)
            if index is None:
                alternatives.append(one)
            elif structure(alternatives[index]) != structure(one):
                alternatives[index] = join(reader, alternatives[index], one, "a value")
    if any(_captures_its_kind(one) for one in alternatives):
        raise unsupported(
            "a function captures functions of its own kind, and that may go on at run time",
            reader.pos,
            "Keep what the functions capture in an array, and call one function in a loop.",
        )
    return Node(UnionHead(), (Var(types.int64), *alternatives))


_FUNCTIONS = (ClosureHead, PartialHead, MethodHead)
_MOST_INSIDE = 3  # functions of one kind, each captured by the next


def _captures_its_kind(value: Value, inside: tuple[Any, ...] = ()) -> bool:
    """Are functions nested so deeply that a loop must be nesting them?"""
    if not isinstance(value, Node):
        return False
    if isinstance(value.head, _FUNCTIONS):
        inside = (*inside, value.head)
        if inside.count(value.head) > _MOST_INSIDE:
            return True
    return any(_captures_its_kind(item, inside) for item in value.items)


def coerced(reader: FunctionReader, value: Value | None, target: Value, ops: list[Op]) -> list[Operand]:
    """The operands that pass `value` where values of kind `target` are expected (one per variable leaf)."""
    if isinstance(target, Const):
        return []
    if isinstance(target, Var):
        if value is None or not isinstance(value, (Var, Const)):
            return [_zero(target.type)]
        return [cast_into(reader, value, target.type, ops)]
    if isinstance(target, Static):
        return []
    items: tuple[Value | None, ...]
    if isinstance(target.head, MaybeHead):
        if value is None or is_unassigned(value):
            items = (Const(False, types.boolean), None)
        elif isinstance(value, Node) and isinstance(value.head, MaybeHead):
            items = value.items
        else:
            items = (Const(True, types.boolean), value)
    elif isinstance(target.head, UnionHead):
        if value is None:
            items = (Const(0, types.int64), *[None] * (len(target.items) - 1))
        elif isinstance(value, Node) and isinstance(value.head, UnionHead):
            return _coerced_union(reader, value, target, ops)
        else:
            index = _alternative(value, target.items[1:])
            assert index is not None
            items = tuple(value if i == index else None for i in range(len(target.items) - 1))
            items = (Const(index, types.int64), *items)
    elif isinstance(value, Node) and is_array(value) and len(value.items) < len(target.items):
        reader.ops, outer = ops, reader.ops
        items = (*value.items, *arrays.strides(reader, value))
        reader.ops = outer
    elif isinstance(value, Node):
        items = value.items
    else:
        items = (None,) * len(target.items)
    return [
        operand for item, goal in zip(items, target.items, strict=True) for operand in coerced(reader, item, goal, ops)
    ]


def _coerced_union(reader: FunctionReader, value: Node, target: Node, ops: list[Op]) -> list[Operand]:
    """A union passed where one with more alternatives is expected: its alternatives come first there."""
    by_target: list[Value | None] = [None] * (len(target.items) - 1)
    tag: Operand = Const(0, types.int64)
    for number, one in enumerate(value.items[1:]):
        index = _alternative(one, target.items[1:])
        assert index is not None
        if by_target[index] is not None:
            raise unsupported("one of several values of one kind, as a call has given it", reader.pos)
        by_target[index] = one
        first = value.items[0]
        assert isinstance(first, (Var, Const))
        same = Var(types.boolean)
        ops.append(Op(operator.eq, (first, Const(number, types.int64)), (same,), reader.pos))
        chosen = Var(types.int64)
        ops.append(Op(p.select, (same, Const(index, types.int64), tag), (chosen,), reader.pos))
        tag = chosen
    out: list[Operand] = [tag]
    for one_or_none, goal in zip(by_target, target.items[1:], strict=True):
        out += coerced(reader, one_or_none, goal, ops)
    return out


def cast_into(reader: FunctionReader, operand: Operand, kind: Type, ops: list[Op]) -> Operand:
    if operand.type == kind:
        return operand
    folded = scalars.fold(p.cast, (operand,), kind)
    if folded is not None:
        return folded
    var = Var(kind, getattr(operand, "name", ""))
    ops.append(Op(p.cast, (operand,), (var,), reader.pos))
    return var


def is_unassigned(value: Value) -> bool:
    return isinstance(value, Static) and value.obj is Unassigned


def _as_strided(a: Value, b: Value) -> tuple[Node, Node] | None:
    """Two arrays of one type, of which one has strides of its own, as such; None for anything else."""
    if not (isinstance(a, Node) and isinstance(b, Node) and is_array(a) and is_array(b)):
        return None
    if replace(a.head, layout="A") != replace(b.head, layout="A") or a.head.layout == b.head.layout:
        return None

    def strided(array: Node) -> Node:
        missing = 2 + 2 * array.head.ndim - len(array.items)
        return Node(replace(array.head, layout="A"), (*array.items, *(Var(types.int64) for _ in range(missing))))

    return strided(a), strided(b)


def _alternative(value: Value, among: Any) -> int | None:
    """Which alternative of a union `value` belongs to: one of the same kind, up to machine types."""

    def kind(v: Value) -> Hashable:
        if is_operand(v):
            return "number"
        if isinstance(v, Static):
            return v.key()
        assert isinstance(v, Node)
        if isinstance(v.head, ArrayHead):
            return replace(v.head, layout="A")
        return (v.head, tuple(kind(item) for item in v.items))

    for number, one in enumerate(among):
        if kind(one) == kind(value):
            return number
    return None


def _zero(kind: Type) -> Const:
    if kind == types.boolean:
        return Const(False, kind)
    return Const(0 if isinstance(kind, types.Integer) else 0.0, kind)
