"""Iteration on abstract values: `iter`, `next`, and all elements at once."""

from __future__ import annotations

import operator as op
import sys
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, lists, maps, operators, records
from zyg.reading.captured import opened
from zyg.reading.describe import described
from zyg.reading.front import is_arithmetic
from zyg.reading.heads import (
    ClosureHead,
    DictHead,
    ElementHead,
    FlatHead,
    GeneratorHead,
    IterHead,
    ListHead,
    MappedHead,
    NextHead,
    PartialHead,
    RangeHead,
    TupleHead,
)
from zyg.reading.rolled import rolled
from zyg.reading.special_methods import special_method
from zyg.reading.tables import keys_of, stands_for
from zyg.reading.values import Node, Static, Value, constant, is_iterator, tuple_of
from zyg.rules import lists as written
from zyg.rules import places
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


UNROLL = 64


def elements(reader: FunctionReader, value: Value, count: int | None = None) -> list[Value]:
    """All elements of an iterable whose length is known when reading; of an array or a list in memory also if
    there must be `count`."""
    if isinstance(value, Node) and isinstance(value.head, GeneratorHead):
        value = reader.spec.calls.call(reader, Static(list), [value], {})
    value = opened(reader, operators.known(reader, value))
    if isinstance(value, Node):
        _check_iteration(reader, value)
        if isinstance(value.head, (TupleHead, ListHead)):
            return list(value.items)
        in_memory = lists.in_memory(value)
        length = arrays.shape(value)[0] if arrays.is_arraylike(value) else None
        if in_memory and count is not None:
            length = lists.of_length(reader, value)
        if count is not None and isinstance(length, Var):
            expected = Const(count, i8)
            same = reader.emit(op.eq, (length, expected), b1)
            reader.guard(same, _unpack_error, "ValueError(unpack)", length, expected)
            length = expected
        if isinstance(length, Const) and in_memory:
            return [lists.element(reader, value, Const(k, i8)) for k in range(int(length.value.real))]
        if isinstance(length, Const):
            array = maps.settle(reader, value)
            places = range(int(length.value.real))
            return [maps.element(reader, Node(ElementHead(), (array, Const(k, i8)))) for k in places]
        if isinstance(value.head, DictHead):
            return [Static(key) for key in value.head.keys]
        if records.is_shared_dict(value):
            return [Static(k) if isinstance(k, str) else constant(k) for k in records.entries(reader, value)]
        if isinstance(value.head, RangeHead) and all(isinstance(part, Const) for part in value.items):
            parts = [int(part.value) for part in value.items if isinstance(part, Const)]  # type: ignore[arg-type]
            if len(range(*parts)) <= UNROLL:
                return [constant(i) for i in range(*parts)]
        if isinstance(value.head, IterHead) and value.head.kind == "tuple":
            return list(value.items[value.head.position :])
        if isinstance(value.head, IterHead) and value.head.kind == "zip":
            columns = [elements(reader, inner) for inner in value.items]
            return [tuple_of(row) for row in zip(*columns, strict=False)]
        if is_iterator(value, "map"):
            rows = zip(*(elements(reader, inner) for inner in value.items[1:]), strict=False)
            return [reader.spec.calls.call(reader, value.items[0], list(row), {}) for row in rows]
        if isinstance(value.head, IterHead) and value.head.kind == "enumerate":
            inner = elements(reader, value.items[0])
            start = value.items[1]
            return [
                tuple_of([operators.apply(reader, op.add, [start, constant(i)]), item]) for i, item in enumerate(inner)
            ]
    if isinstance(value, Static) and isinstance(value.obj, str):
        return [Static(letter) for letter in value.obj]
    raise unsupported(f"the length of {described(value)} is not known when compiling", reader.pos)


def _check_iteration(reader: FunctionReader, value: Node) -> None:
    """Raise where the class of a named tuple or instance says how it is iterated over."""
    if special_method(reader, value, "__iter__") is not None:
        raise unsupported(f"{described(value)} that defines __iter__ is not iterable in native code", reader.pos)


def _unpack_error(length: int, expected: int) -> BaseException:
    if length > expected:
        got = f", got {length}" if sys.version_info >= (3, 14) else ""
        return ValueError(f"too many values to unpack (expected {expected}{got})")
    return ValueError(f"not enough values to unpack (expected {expected}, got {length})")


def iterator(reader: FunctionReader, value: Value) -> Node:
    """`iter(value)`."""
    value = opened(reader, operators.known(reader, value))
    if isinstance(value, Node):
        if stands_for(value) is not None:
            return iterator(reader, keys_of(reader, value))
        head = value.head
        _check_iteration(reader, value)
        if is_iterator(value, "filter"):
            if not is_pure(value.items[0]):
                raise unsupported(
                    "a filter by more than an expression is not iterable in native code",
                    reader.pos,
                    "Make a list of it.",
                )
            _hold(reader, value.items[1])
            return filtered(reader, value)
        if isinstance(head, IterHead):
            return value
        if id(value) in reader.spec.views:
            return _over_view(reader, *reader.spec.views[id(value)])
        value = rolled(reader, value)
        head = value.head
        if isinstance(head, (TupleHead, DictHead)) or records.is_shared_dict(value):
            return Node(IterHead("tuple", 0), tuple(elements(reader, value)))
        if isinstance(head, RangeHead):
            start, stop, step = (part for part in value.items if isinstance(part, (Var, Const)))
            count = _range_count(reader, start, stop, step)
            return Node(IterHead("range"), (start, step, count, Const(0, i8)))
        if isinstance(head, ListHead):
            return Node(IterHead("tuple", 0), value.items)
        if isinstance(head, FlatHead):
            (array,) = value.items
            return each(places.load, array, arrays.size(reader, arrays.shape(array)))
        if lists.in_memory(value):
            return Node(IterHead("list"), (value, Const(0, i8)))
        if arrays.is_arraylike(value):
            array = maps.settle(reader, value)
            assert isinstance(array, Node)
            return Node(IterHead("array"), (array, Const(0, i8)))
    if isinstance(value, Static) and isinstance(value.obj, str):
        return Node(IterHead("tuple", 0), tuple(elements(reader, value)))
    raise unsupported(f"{described(value)} is not iterable in native code", reader.pos)


def _over_view(reader: FunctionReader, record: Node, name: str) -> Node:
    """An iterator over `record.values()` or `record.items()` of a dict that changes: what is written into it meanwhile
    shows."""
    keys = Node(IterHead("tuple", 0), tuple(elements(reader, record)))
    fn = Static(written.value_at if name == "values" else written.entry_at)
    return Node(IterHead("map"), (Node(PartialHead(()), (fn, record)), keys))


def each(fn: Any, of: Value, count: Operand) -> Node:
    """An iterator that gives fn(of, 0), fn(of, 1), …"""
    numbers = Node(IterHead("range"), (Const(0, i8), Const(1, i8), count, Const(0, i8)))
    return Node(IterHead("map"), (Node(PartialHead(()), (Static(fn), of)), numbers))


def spread(value: Value) -> Value:
    """An iterator that has not begun; over the elements of a range if these are known and few."""
    if isinstance(value, Node) and is_iterator(value, "range") and all(isinstance(item, Const) for item in value.items):
        start, step, count, _ = (int(item.value.real) for item in value.items if isinstance(item, Const))
        if count <= UNROLL:
            return Node(IterHead("tuple", 0), tuple(constant(start + k * step) for k in range(count)))
    return value


def _hold(reader: FunctionReader, source: Value) -> None:
    """See to it that nothing is written that an iterator, which is gone through at once, would come to later."""
    if arrays.is_array(source) and isinstance(source, Node):
        arrays.frozen(
            reader,
            source,
            "native code goes through an array at once where it is filtered: it cannot be written behind that",
        )
    elif lists.in_memory(source):
        raise unsupported(
            "a loop over a filter of a list that is changed",
            reader.pos,
            "Go through list(filter(…)), or ask in the loop.",
        )
    elif isinstance(source, Node) and isinstance(source.head, IterHead):
        for item in source.items:
            _hold(reader, item)


def filtered(reader: FunctionReader, value: Node) -> Node:
    """What a filter gives, all at once."""
    return iterator(reader, reader.spec.call(reader, Static(written.filtered), list(value.items), {}))


def is_pure(fn: Value) -> bool:
    """Whether it makes no difference when a function is called: it calls none, and reads no memory."""
    if isinstance(fn, Static) and fn.obj in (None, bool):
        return True
    return isinstance(fn, Node) and isinstance(fn.head, ClosureHead) and is_arithmetic(fn.head.code)


def _range_count(reader: FunctionReader, start: Operand, stop: Operand, step: Operand) -> Operand:
    """len(range(start, stop, step)), possibly negative for an empty range."""
    if isinstance(step, Const):
        distance = reader.emit(op.sub, (stop, start), i8)
        if step.value == 1:
            return distance
        if step.value == 0:
            raise unsupported("range() arg 3 must not be zero", reader.pos)
        positive = int(step.value) > 0  # type: ignore[arg-type]
        if not positive:
            distance = reader.emit(op.neg, (distance,), i8)
        size = abs(int(step.value))  # type: ignore[arg-type]
        rounded = reader.emit(op.add, (distance, Const(size - 1, i8)), i8)
        return reader.emit(op.floordiv, (rounded, Const(size, i8)), i8)
    reader.guard(
        reader.emit(p.is_nonzero, (step,), b1),
        lambda: ValueError("range() arg 3 must not be zero"),
        "ValueError(range)",
    )
    positive_step = reader.emit(op.gt, (step, Const(0, i8)), b1)
    ahead = reader.emit(op.sub, (stop, start), i8)
    distance = reader.emit(p.select, (positive_step, ahead, reader.emit(op.neg, (ahead,), i8)), i8)
    size_ = reader.emit(op.abs, (step,), i8)
    rounded = reader.emit(op.add, (distance, reader.emit(op.sub, (size_, Const(1, i8)), i8)), i8)
    return reader.emit(op.floordiv, (rounded, size_), i8)


def advance(reader: FunctionReader, value: Value) -> tuple[Node, Node]:
    """What `next` gives (as a `NextHead` node) and the iterator after it."""
    assert isinstance(value, Node) and isinstance(value.head, IterHead)
    kind = value.head.kind
    if kind == "range":
        start, step, count, position = (part for part in value.items if isinstance(part, (Var, Const)))
        ok = reader.emit(op.lt, (position, count), b1)
        offset = reader.emit(op.mul, (position, step), i8) if step != Const(1, i8) else position
        element = reader.emit(op.add, (start, offset), i8) if start != Const(0, i8) else offset
        after = reader.emit(op.add, (position, Const(1, i8)), i8)
        return Node(NextHead(), (ok, element)), Node(value.head, (start, step, count, after))
    if kind in ("list", "reversed list"):
        return lists.advance(reader, value, kind == "reversed list")
    if kind == "array":
        array, index = value.items
        assert isinstance(array, Node) and isinstance(index, (Var, Const))
        ok = reader.emit(op.lt, (index, arrays.shape(array)[0]), b1)
        after = reader.emit(op.add, (index, Const(1, i8)), i8)
        waiting = Node(ElementHead(), (array, index))
        return Node(NextHead(), (ok, waiting)), Node(value.head, (array, after))
    if kind == "tuple":
        at = value.head.position
        if at >= len(value.items):
            return Node(NextHead(), (Const(False, b1), Static(None))), value
        later = Node(IterHead("tuple", at + 1), value.items)
        return Node(NextHead(), (Const(True, b1), value.items[at])), later
    if kind == "enumerate":
        inner, position_value, _ = value.items
        found, inner_after = advance(reader, inner)
        next_position = operators.apply(reader, op.add, [position_value, Const(1, i8)])
        pair = tuple_of([position_value, found.items[1]])
        return Node(NextHead(), (found.items[0], pair)), Node(value.head, (inner_after, next_position, Static(None)))
    ok_all: Operand = Const(True, b1)
    items: list[Value] = []
    inners: list[Value] = []
    for inner in value.items[kind == "map" :]:
        if ok_all == Const(False, b1):  # the others are not asked
            inners.append(inner)
            items.append(Static(None))
            continue
        found, inner_after = advance(reader, inner)
        flag = found.items[0]
        assert isinstance(flag, (Var, Const))
        ok_all = reader.emit(op.and_, (ok_all, flag), b1)
        items.append(found.items[1])
        inners.append(inner_after)
    if kind == "map":
        fn = value.items[0]
        # Of a loop that is not unrolled, this is what is known of its first round only
        known = ok_all == Const(True, b1) and all(is_iterator(inner, "tuple") for inner in inners)
        mapped = reader.spec.calls.call(reader, fn, items, {}) if known else Node(MappedHead(), (fn, *items))
        return Node(NextHead(), (ok_all, mapped)), Node(value.head, (fn, *inners))
    return Node(NextHead(), (ok_all, tuple_of(items))), Node(value.head, tuple(inners))
