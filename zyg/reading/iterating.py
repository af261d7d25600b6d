"""`itertools`, and what `operator` makes functions of.

Where the elements are known and few they are put together when compiling; else they are computed at run time, from
ranges, arrays and lists.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from zyg.errors import UnsupportedError, unsupported
from zyg.ir.program import Const, Operand
from zyg.ir.scalars import i8
from zyg.reading import lists, operators
from zyg.reading.arrays import is_arraylike, shape
from zyg.reading.captured import opened
from zyg.reading.handlers import handles
from zyg.reading.heads import IterHead, RangeHead, SliceHead
from zyg.reading.iteration import UNROLL, each, elements, iterator
from zyg.reading.values import Node, Static, Value, tuple_of
from zyg.rules import iterating as written
from zyg.rules.lists import collected

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _known(reader: FunctionReader, value: Value) -> list[Value] | None:
    """The elements of an iterable, if these are known and few."""
    if is_arraylike(value):
        length = shape(value)[0] if shape(value) else Const(0, i8)
        if not isinstance(length, Const) or int(length.value.real) > UNROLL:
            return None
    before = len(reader.ops)
    try:
        found = elements(reader, value)
    except UnsupportedError:
        found = None
    if found is None or len(found) > UNROLL:
        del reader.ops[before:]
        return None
    return found


def _few(reader: FunctionReader, value: Value, what: str) -> list[Value]:
    found = _known(reader, value)
    if found is None:
        raise unsupported(f"{what} of many elements, or of a number that is not known, cannot be compiled", reader.pos)
    return found


def _sequence(reader: FunctionReader, value: Value) -> Value:
    """An iterable as what has a length and items: an array or a list."""
    value = opened(reader, operators.known(reader, value))
    if is_arraylike(value) or lists.in_memory(value):
        return reader.spec.calls.settle(reader, value)
    if isinstance(value, Node) and isinstance(value.head, RangeHead):
        return reader.spec.call(reader, Static(collected), [value], {})
    return lists.display(reader, elements(reader, value), "sequence")


def _length(reader: FunctionReader, value: Value) -> Operand:
    found = reader.spec.calls.call(reader, Static(len), [value], {})
    return reader.cast(found, i8)  # type: ignore[arg-type]


def _int(reader: FunctionReader, value: Value | None, what: str) -> int:
    if isinstance(value, Const) and type(value.value) is int:
        return value.value
    raise unsupported(f"{what} needs an int that is known when compiling", reader.pos)


def _rows(reader: FunctionReader, rows: Iterable[Sequence[Value]]) -> Node:
    return iterator(reader, tuple_of([tuple_of(row) for row in rows]))


@handles(itertools.combinations)
def _combinations(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    size = _int(reader, args[1] if len(args) > 1 else kws.get("r"), "combinations")
    known = _known(reader, args[0])
    rows = None if known is None else list(itertools.islice(itertools.combinations(known, size), UNROLL + 1))
    if rows is not None and len(rows) <= (_FEW if size == 2 else UNROLL):
        return _rows(reader, rows)
    if size != 2:
        raise unsupported("combinations of more than two of many elements cannot be compiled", reader.pos)
    try:
        return iterator(reader, reader.spec.call(reader, Static(written.pairs), [_sequence(reader, args[0])], {}))
    except UnsupportedError:  # they are of different kinds
        if rows is None or len(rows) > UNROLL:
            raise
        return _rows(reader, rows)


_FEW = 16  # loops over so many pairs are unrolled


@handles(itertools.permutations)
def _permutations(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    known = _few(reader, args[0], "permutations")
    size = _int(reader, args[1], "permutations") if len(args) > 1 else len(known)
    rows = list(itertools.islice(itertools.permutations(known, size), UNROLL + 1))
    if len(rows) > UNROLL:
        raise unsupported("permutations of many elements cannot be compiled", reader.pos)
    return _rows(reader, rows)


@handles(itertools.product)
def _product(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    args = args * (_int(reader, kws["repeat"], "product") if "repeat" in kws else 1)
    known = [_known(reader, arg) for arg in args]
    columns = [items for items in known if items is not None]
    if len(columns) == len(args):
        rows = list(itertools.islice(itertools.product(*columns), UNROLL + 1))
        if len(rows) <= UNROLL:
            return _rows(reader, rows)
    several = [_sequence(reader, arg) for arg in args]
    count: Value = Const(1, i8)
    for value in several:
        count = operators.apply(reader, operator.mul, [count, _length(reader, value)])
    return each(written.product_at, tuple_of(several), count)  # type: ignore[arg-type]


@handles(itertools.pairwise)
def _pairwise(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    known = _known(reader, args[0])
    if known is not None:
        return _rows(reader, itertools.pairwise(known))
    values = _sequence(reader, args[0])
    less = operators.apply(reader, operator.sub, [_length(reader, values), Const(1, i8)])
    count = reader.spec.calls.call(reader, Static(max), [less, Const(0, i8)], {})
    return each(written.neighbours_at, values, count)  # type: ignore[arg-type]


@handles(itertools.chain)
def _chain(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Node(IterHead("tuple", 0), tuple([item for arg in args for item in _few(reader, arg, "chain")]))


@handles(itertools.chain.from_iterable)
def _chained(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _chain(reader, _few(reader, args[0], "chain"), kws)


@handles(itertools.islice)
def _islice(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value, *ends = args
    start, stop, step = (Const(0, i8), *ends, Static(None)) if len(ends) == 1 else (*ends, Static(None))[:3]
    given = [end for end in (start, stop, step) if isinstance(end, Const)]
    if any(_int(reader, end, "islice") < 0 for end in given):
        raise unsupported("islice with negative numbers raises ValueError", reader.pos)
    if isinstance(value, Node) and isinstance(value.head, IterHead):
        raise unsupported("islice of an iterator, which it leaves where it stops, cannot be compiled", reader.pos)
    sliced = reader.spec.calls.item(reader, _sequence(reader, value), Node(SliceHead(), (start, stop, step)))
    return iterator(reader, sliced)


@handles(itertools.accumulate)
def _accumulate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn = args[1] if len(args) > 1 else kws.get("func", Static(None))
    plain = isinstance(fn, Static) and fn.obj is None
    known = _known(reader, args[0])
    if known is None:
        if not plain or kws:
            raise unsupported("accumulate by a function, of an unknown number of elements", reader.pos)
        return iterator(reader, reader.spec.call(reader, Static(written.sums_so_far), [_sequence(reader, args[0])], {}))
    made: list[Value] = [kws["initial"]] if "initial" in kws else []
    for item in known:
        call = functools.partial(reader.spec.calls.call, reader, Static(operator.add) if plain else fn)
        made.append(call([made[-1], item], {}) if made else item)
    return Node(IterHead("tuple", 0), tuple(made))


@handles(itertools.starmap)
def _starmap(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    call = reader.spec.calls.call
    rows = [_few(reader, row, "starmap") for row in _few(reader, args[1], "starmap")]
    return Node(IterHead("tuple", 0), tuple([call(reader, args[0], row, {}) for row in rows]))


@handles(itertools.zip_longest)
def _zip_longest(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fill = kws.get("fillvalue", Static(None))
    return _rows(reader, itertools.zip_longest(*[_few(reader, arg, "zip_longest") for arg in args], fillvalue=fill))


@handles(itertools.repeat)
def _repeat(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    times = args[1] if len(args) > 1 else kws.get("times")
    return Node(IterHead("tuple", 0), (args[0],) * _int(reader, times, "repeat"))


def _made_by(maker: Callable[..., Any]) -> Callable[..., Value]:
    return lambda reader, args, kws: reader.spec.call(reader, Static(maker), args, kws, fixed=True)


handles(operator.itemgetter)(_made_by(written.item_getter))
handles(operator.attrgetter)(_made_by(written.attribute_getter))
