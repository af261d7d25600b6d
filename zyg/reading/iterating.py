"""`itertools`, and what `operator` makes functions of.

Where the elements are known and few they are put together when compiling; else they are computed at run time, from
ranges, arrays and lists.  `combinations`, `permutations` and `product` hold what their arguments give when they are
made; the others ask for it bit by bit, so what a loop over them writes can be what they give next: they read nothing
in advance.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import UnsupportedError, unsupported
from zyg.ir.memory import MemoryType
from zyg.ir.program import Call, Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import lists, operators
from zyg.reading.arrays import is_arraylike, shape
from zyg.reading.captured import opened
from zyg.reading.handlers import handles
from zyg.reading.heads import IterHead, PartialHead, RangeHead, SliceHead
from zyg.reading.iteration import UNROLL, each, elements, is_pure, iterator
from zyg.reading.values import Node, Static, Value, is_operand, tuple_of
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


def _settled(reader: FunctionReader, value: Value) -> list[Value] | None:
    """The elements of an iterable, if these are known and few, and nothing that is written later can change them."""
    before = len(reader.ops)
    found = _known(reader, value)
    if any(
        isinstance(op.fn, Call) or any(isinstance(v.type, MemoryType) for v in op.args) for op in reader.ops[before:]
    ):
        del reader.ops[before:]
        return None
    return found


def _few(reader: FunctionReader, value: Value, what: str) -> list[Value]:
    """The elements of what is held when it is given."""
    return _found(reader, _known(reader, value), what)


def _found(reader: FunctionReader, found: list[Value] | None, what: str) -> list[Value]:
    if found is None:
        what = f"{what} of elements that are many, or not known, or computed when they are asked for"
        raise unsupported(f"{what}, cannot be compiled", reader.pos)
    return found


def _asked_for(reader: FunctionReader, value: Value, what: str) -> list[Value]:
    """Functions that give the elements of an iterable."""
    value = opened(reader, operators.known(reader, value))
    if is_arraylike(value) and shape(value) and isinstance(count := shape(value)[0], Const):
        if int(count.value.real) <= UNROLL:
            array = reader.spec.calls.settle(reader, value)
            return [_bound(written.item_at, array, Const(k, i8)) for k in range(int(count.value.real))]
    return [_bound(written.itself, item) for item in _found(reader, _settled(reader, value), what)]


def _bound(fn: Callable[..., Any], *args: Value) -> Node:
    return Node(PartialHead(()), (Static(fn), *args))


def _called(fns: Sequence[Value]) -> Node:
    """An iterator over what functions give, each called when it is its turn."""
    items = [fn.items[1] for fn in fns if isinstance(fn, Node) and fn.items[0] == Static(written.itself)]
    if len(items) == len(fns):
        return Node(IterHead("tuple", 0), tuple(items))
    return Node(IterHead("map"), (Static(written.called), Node(IterHead("tuple", 0), tuple(fns))))


def _cell(reader: FunctionReader, values: Value) -> Value | None:
    """Where a number is kept from one element to the next, of the kind of these; None where they are no numbers."""
    if is_arraylike(values):
        return reader.spec.call(reader, Static(written.cell_like), [values], {}) if len(shape(values)) == 1 else None
    element = lists.element_of(values.head.site) if isinstance(values, Node) and lists.in_memory(values) else None
    if not isinstance(element, (Var, Const)) or element.type == b1:  # bools add up to an int
        return None
    return reader.spec.call(reader, Static(written.cell_of), [values], {})


def _sequence(reader: FunctionReader, value: Value) -> Value:
    """An iterable as what has a length and items: an array or a list."""
    value = opened(reader, operators.known(reader, value))
    if is_arraylike(value) or lists.in_memory(value):
        return reader.spec.calls.settle(reader, value)
    if isinstance(value, Node) and isinstance(value.head, RangeHead):
        return reader.spec.call(reader, Static(collected), [value], {})
    return lists.display(reader, elements(reader, value), "sequence")


def _held(reader: FunctionReader, values: Value) -> Value:
    """What does not change with a list, or an array of numbers."""
    if is_arraylike(values) and len(shape(values)) > 1:
        return values
    return reader.spec.calls.call(reader, Static(np.copy if is_arraylike(values) else list), [values], {})


def _length(reader: FunctionReader, value: Value) -> Operand:
    found = reader.spec.calls.call(reader, Static(len), [value], {})
    return reader.cast(found, i8)  # type: ignore[arg-type]


def _int(reader: FunctionReader, value: Value | None, what: str) -> int:
    if isinstance(value, Const) and type(value.value) is int:
        return value.value
    raise unsupported(f"{what} needs an int that is known when compiling", reader.pos)


def _count(reader: FunctionReader, value: Value | None, what: str) -> int:
    found = _int(reader, value, what)
    if found < 0:
        raise unsupported(f"{what} with a negative number raises ValueError", reader.pos)
    return found


def _rows(reader: FunctionReader, rows: Iterable[Sequence[Value]]) -> Node:
    return iterator(reader, tuple_of([tuple_of(row) for row in rows]))


@handles(itertools.combinations)
def _combinations(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    size = _count(reader, args[1] if len(args) > 1 else kws.get("r"), "combinations")
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
    given = args[1] if len(args) > 1 else kws.get("r", Static(None))
    size = len(known) if given == Static(None) else _count(reader, given, "permutations")
    rows = list(itertools.islice(itertools.permutations(known, size), UNROLL + 1))
    if len(rows) > UNROLL:
        raise unsupported("permutations of many elements cannot be compiled", reader.pos)
    return _rows(reader, rows)


@handles(itertools.product)
def _product(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    args = args * (_count(reader, kws["repeat"], "product") if "repeat" in kws else 1)
    known = [_known(reader, arg) for arg in args]
    columns = [items for items in known if items is not None]
    if len(columns) == len(args):
        rows = list(itertools.islice(itertools.product(*columns), UNROLL + 1))
        if len(rows) <= UNROLL:
            return _rows(reader, rows)
    several = [_held(reader, _sequence(reader, arg)) for arg in args]
    count: Value = Const(1, i8)
    for value in several:
        count = operators.apply(reader, operator.mul, [count, _length(reader, value)])
    return each(written.product_at, tuple_of(several), count)  # type: ignore[arg-type]


@handles(itertools.pairwise)
def _pairwise(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    known = _settled(reader, args[0])
    if known is not None:
        return _rows(reader, itertools.pairwise(known))
    values = _sequence(reader, args[0])
    cell = _cell(reader, values)
    if cell is None and not is_arraylike(values):
        raise unsupported("pairwise of a list of no numbers", reader.pos, "Use zip(values, values[1:]).")
    less = operators.apply(reader, operator.sub, [_length(reader, values), Const(1, i8)])
    count = reader.spec.calls.call(reader, Static(max), [less, Const(0, i8)], {})
    if cell is None:
        return each(written.rows_at, values, count)  # type: ignore[arg-type]
    return each(written.neighbours_at, tuple_of([values, cell]), count)  # type: ignore[arg-type]


@handles(itertools.chain)
def _chain(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _called([item for arg in args for item in _asked_for(reader, arg, "chain")])


@handles(itertools.chain.from_iterable)
def _chained(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _chain(reader, _few(reader, args[0], "chain"), kws)


@handles(itertools.islice)
def _islice(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value, *ends = args
    if not 1 <= len(ends) <= 3:
        raise unsupported("islice takes two to four arguments, none of them by name", reader.pos)
    start, stop, step = (Const(0, i8), *ends, Static(None)) if len(ends) == 1 else (*ends, Static(None))[:3]
    given = [end for end in (start, stop, step) if isinstance(end, Const)]
    if any(_int(reader, end, "islice") < 0 for end in given):
        raise unsupported("islice with negative numbers raises ValueError", reader.pos)
    if isinstance(value, Node) and isinstance(value.head, IterHead):
        raise unsupported("islice of an iterator, which it leaves where it stops, cannot be compiled", reader.pos)
    settled = None if is_arraylike(value) else _settled(reader, value)
    values = _sequence(reader, value if settled is None else tuple_of(settled))
    if settled is None and not is_arraylike(values):
        raise unsupported("islice of a list that may change", reader.pos, "Take a slice of it.")
    sliced = reader.spec.calls.item(reader, values, Node(SliceHead(), (start, stop, step)))
    return iterator(reader, sliced)


@handles(itertools.accumulate)
def _accumulate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn = args[1] if len(args) > 1 else kws.get("func", Static(None))
    plain = isinstance(fn, Static) and fn.obj is None
    initial = kws.get("initial", Static(None))
    begun = not (isinstance(initial, Static) and initial.obj is None)
    known = _settled(reader, args[0])
    if known is None:
        values = _sequence(reader, args[0])
        cell = _cell(reader, values) if plain and not begun else None
        if cell is None:
            raise unsupported("accumulate by a function, or of arrays, or from a value on", reader.pos)
        return each(written.sum_at, tuple_of([values, cell]), _length(reader, values))
    if not (plain or is_pure(fn) or (isinstance(fn, Static) and isinstance(fn.obj, (BuiltinFunctionType, np.ufunc)))):
        raise unsupported("accumulate by a function that is more than an expression", reader.pos)
    made: list[Value] = [initial] if begun else []
    for item in known:
        call = functools.partial(reader.spec.calls.call, reader, Static(operator.add) if plain else fn)
        made.append(call([made[-1], item], {}) if made else item)
    if not all(map(is_operand, made)):
        raise unsupported("accumulate of what is no number cannot be compiled", reader.pos)
    return Node(IterHead("tuple", 0), tuple(made))


@handles(itertools.starmap)
def _starmap(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    rows = _found(reader, _settled(reader, args[1]), "starmap")
    return _called([_bound(written.starred, args[0], row) for row in rows])


@handles(itertools.zip_longest)
def _zip_longest(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fill = _bound(written.itself, kws.get("fillvalue", Static(None)))
    rows = itertools.zip_longest(*[_asked_for(reader, arg, "zip_longest") for arg in args], fillvalue=fill)
    return Node(IterHead("zip"), tuple([_called(column) for column in zip(*rows, strict=True)]))


@handles(itertools.repeat)
def _repeat(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    times = args[1] if len(args) > 1 else kws.get("times")
    return Node(IterHead("tuple", 0), (args[0],) * _int(reader, times, "repeat"))


def _made_by(maker: Callable[..., Any]) -> Callable[..., Value]:
    return lambda reader, args, kws: reader.spec.call(reader, Static(maker), args, kws, fixed=True)


handles(operator.itemgetter)(_made_by(written.item_getter))
handles(operator.attrgetter)(_made_by(written.attribute_getter))
