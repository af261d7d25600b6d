"""Builtin functions of containers, iterables and functions: `len`, `range`, `zip`, `max`, `map`, `partial`, …"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir import arrays, operators, scalars
from zyg.ir.handlers import HANDLERS, Handler, handles, number
from zyg.ir.iteration import elements, iterator
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.ir.values import (
    IterHead,
    Node,
    PartialHead,
    RangeHead,
    SliceHead,
    Static,
    Value,
    constant,
    tuple_of,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader


@handles(len)
def _len(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if arrays.is_arraylike(args[0]):
        return arrays.shape(args[0])[0]
    return constant(len(elements(reader, args[0])))


@handles(tuple)
def _tuple(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return tuple_of(elements(reader, args[0]) if args else [])


@handles(range)
def _range(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    numbers = [number(reader, arg, "range") for arg in args]
    if any(x.type not in (i8, b1) for x in numbers):
        raise unsupported("range needs integers", reader.pos)
    ints = [reader.cast(x, i8) for x in numbers]
    if len(ints) == 1:
        ints = [Const(0, i8), *ints]
    if len(ints) == 2:
        ints.append(Const(1, i8))
    return Node(RangeHead(), tuple(ints))


@handles(enumerate)
def _enumerate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    start = args[1] if len(args) > 1 else kws.get("start", constant(0))
    inner = iterator(reader, args[0])
    return Node(IterHead("enumerate"), (inner, start, Static(None)))


@handles(zip)
def _zip(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    strict = kws.get("strict", constant(False))
    if not (isinstance(strict, Const) and not strict.value):
        if not isinstance(strict, Const) or len({len(elements(reader, arg)) for arg in args}) > 1:
            raise unsupported("zip(strict=True) of iterables of different lengths", reader.pos)
    return Node(IterHead("zip"), tuple(iterator(reader, arg) for arg in args))


@handles(reversed)
def _reversed(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = args[0]
    if isinstance(value, Node) and isinstance(value.head, RangeHead):
        forward = iterator(reader, value)
        start, step, count, _ = (part for part in forward.items if isinstance(part, (Var, Const)))
        before = reader.emit(operator.sub, (count, Const(1, i8)), i8)
        last = reader.emit(operator.add, (start, reader.emit(operator.mul, (before, step), i8)), i8)
        back = reader.emit(operator.neg, (step,), i8)
        return Node(IterHead("range"), (last, back, count, Const(0, i8)))
    return Node(IterHead("tuple", 0), tuple(reversed(elements(reader, value))))


@handles(iter)
def _iter(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return iterator(reader, args[0])


@handles(sum)
def _sum(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    total = args[1] if len(args) > 1 else kws.get("start", constant(0))
    for item in elements(reader, args[0]):
        total = operators.apply(reader, operator.add, [total, item])
    return total


def _extremum(better: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        items = args if len(args) > 1 else elements(reader, args[0])
        key = kws.get("key")
        if not items:
            if "default" in kws:
                return kws["default"]
            raise unsupported("min or max of an empty tuple", reader.pos)

        def rank(item: Value) -> Value:
            return item if key is None else reader.spec.calls.call(reader, key, [item], {})

        best, best_rank = items[0], rank(items[0])
        for item in items[1:]:
            its = rank(item)
            wins = operators.truth(reader, operators.apply(reader, better, [its, best_rank]))
            best, best_rank = _choose(reader, wins, item, best), _choose(reader, wins, its, best_rank)
        return best

    return handler


def _choose(reader: FunctionReader, cond: Operand, a: Value, b: Value) -> Value:
    """`a if cond else b` of two values of one kind."""
    if isinstance(cond, Const):
        return a if cond.value else b
    if isinstance(a, (Var, Const)) and isinstance(b, (Var, Const)):
        kind = a.type if a.type == b.type else scalars.promote(a.type, b.type)
        return reader.emit(p.select, (cond, reader.cast(a, kind), reader.cast(b, kind)), kind)
    if isinstance(a, Node) and isinstance(b, Node) and a.head == b.head and len(a.items) == len(b.items):
        return Node(a.head, tuple(_choose(reader, cond, x, y) for x, y in zip(a.items, b.items, strict=True)))
    if a == b:
        return a
    raise unsupported("min or max of values of different kinds", reader.pos)


HANDLERS[max] = _extremum(operator.gt)
HANDLERS[min] = _extremum(operator.lt)


@handles(slice)
def _slice(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    parts = [Static(None), *args] if len(args) == 1 else list(args)
    return Node(SliceHead(), tuple([*parts, Static(None)][:3]))


@handles(map)
def _map(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    columns = [elements(reader, arg) for arg in args[1:]]
    rows = zip(*columns, strict=False)
    return Node(IterHead("tuple", 0), tuple(reader.spec.calls.call(reader, args[0], list(row), {}) for row in rows))


@handles(functools.reduce)
def _reduce(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    items = elements(reader, args[1])
    total = args[2] if len(args) > 2 else items.pop(0)
    for item in items:
        total = reader.spec.calls.call(reader, args[0], [total, item], {})
    return total


@handles(functools.partial)
def _partial(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Node(PartialHead(tuple(kws)), (*args, *kws.values()))
