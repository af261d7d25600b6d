"""Maps: what is computed elementwise waits until something needs its elements, in whose loop it is computed then.

A map is a `MapHead` node over its operands; `settle` makes an array of it, `over` and `element` compute elements.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import by_stretching, unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays
from zyg.reading.arrays import (
    ONE,
    ZERO,
    add,
    allocate,
    buffer_of,
    dtype_of,
    frozen,
    is_arraylike,
    kind_in,
    load,
    load_at,
    mul,
    offset,
    shape,
    size,
    store,
    store_at,
    strides,
    view,
)
from zyg.reading.heads import ArrayHead, ElementHead, MapHead, MappedHead, MemoryListHead, NextHead, TupleHead
from zyg.reading.nest import nest
from zyg.reading.values import Node, Value
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def broadcast(
    reader: FunctionReader,
    shapes: Sequence[Sequence[Operand]],
    error: Callable[[int, int], BaseException] | None = None,
    stretching: bool = False,
) -> tuple[Operand, ...]:
    """The dimensions of an elementwise result; a dimension that is 1 is so when compiling, unless `stretching`."""
    ndim = max(map(len, shapes))
    found: list[Operand] = []
    for axis in range(-ndim, 0):
        dims = [dims[axis] for dims in shapes if len(dims) >= -axis]
        kept: Operand = ONE
        for dim in dims:
            if dim in (ONE, kept):
                continue
            if kept == ONE:
                kept = dim
                continue
            same = reader.emit(operator.eq, (kept, dim), b1)
            if stretching:
                one, other = (reader.emit(operator.eq, (n, ONE), b1) for n in (kept, dim))
                fits = reader.emit(operator.or_, (same, reader.emit(operator.or_, (one, other), b1)), b1)
                reader.guard(fits, _broadcast_error, "ValueError(broadcast)", kept, dim)
                kept = reader.length(reader.emit(p.select, (one, dim, kept), i8))
                continue
            reader.guard(same, error or _broadcast_error, "ValueError(broadcast)", kept, dim)
            if isinstance(dim, Const):
                kept = dim
        found.append(kept)
    return tuple(found)


def _broadcast_error(a: int, b: int) -> BaseException:
    text = f"operands could not be broadcast together with dimensions {a} and {b}"
    if 1 not in (a, b):
        return ValueError(text)
    return by_stretching(ValueError(f"{text}{STRETCH_HINT}"))


STRETCH_HINT = (
    " (where a function writes into its arguments, or is called inside @njit, native code does not broadcast a"
    " dimension that only happens to be 1; reshape it explicitly)"
)


def weak(reader: FunctionReader, operands: Sequence[Value]) -> list[Value]:
    """Numbers take the precision of the arrays that they meet, as in NumPy."""
    kinds = {dtype_of(value) for value in operands if is_arraylike(value)}
    if not kinds or not kinds <= {scalars.f4, scalars.c8}:
        return list(operands)
    low = {scalars.f8: scalars.f4, scalars.i8: scalars.f4, scalars.c16: scalars.c8}

    def lowered(value: Value) -> Value:
        if not isinstance(value, (Var, Const)) or value.type not in low:
            return value
        if isinstance(value, Const):
            rounded = np.complex64(value.value) if value.type == scalars.c16 else np.float32(value.value)  # type: ignore[arg-type]
            return Const(rounded.item(), low[value.type])
        return reader.cast(value, low[value.type])

    return [lowered(value) for value in operands]


Compute = Callable[..., Value]


def elementwise(
    reader: FunctionReader,
    compute: Compute,
    operands: Sequence[Value],
    options: tuple[tuple[str, Any], ...] = (),
) -> Node:
    """What `compute(reader, numbers, **options)` gives for each element of arrays (and numbers), waiting.

    What has waited and is stretched is computed first: its elements are wanted several times.
    """
    given = weak(reader, operands)
    dims = broadcast(reader, [shape(value) for value in given], stretching=reader.spec.stretching)
    given = [settle(reader, value) if _is_stretched(shape(value), dims) else value for value in given]
    outer, reader.ops = reader.ops, []
    try:
        sample = compute(reader, [Var(dtype_of(value)) for value in given], **dict(options))
    finally:
        reader.ops = outer
    if not isinstance(sample, (Var, Const)):
        raise unsupported("this function of arrays gives more than one array", reader.pos)
    return Node(MapHead(compute, options, sample.type, len(dims)), (*dims, *given))


def _is_stretched(own: Sequence[Operand], dims: Sequence[Operand]) -> bool:
    """Whether elements of an array of the dimensions `own` are each several ones among `dims`, as far as is known."""
    filled = (ONE,) * (len(dims) - len(own)) + tuple(own)
    return any(dim == ONE != whole for dim, whole in zip(filled, dims, strict=True))


def along(reader: FunctionReader, dim: Operand, i: Operand) -> Operand:
    """The index `i` in an axis of size `dim`, which may be stretched to more elements."""
    if dim == ONE:
        return ZERO
    if not reader.spec.stretching or isinstance(dim, Const):
        return i
    return reader.emit(p.select, (reader.emit(operator.eq, (dim, ONE), b1), ZERO, i), i8)


class Elements:
    """The elements, at one index of a loop, of arrays and of what waits.

    dims: those that the index runs over, if they are not those of the arrays; other dimensions of these are 1.
    """

    def __init__(self, reader: FunctionReader, flat: bool, dims: Sequence[Operand] | None = None) -> None:
        self.reader, self.flat, self.dims = reader, flat, dims
        self.known: dict[int, Operand] = {}

    def at(self, value: Value, index: Sequence[Operand]) -> Operand:
        if isinstance(value, (Var, Const)):
            return value
        assert isinstance(value, Node)
        return self._at(value, index, shape(value) if self.dims is None else self.dims)

    def _at(self, value: Value, index: Sequence[Operand], dims: Sequence[Operand]) -> Operand:
        if isinstance(value, (Var, Const)):
            return value
        assert isinstance(value, Node)
        if id(value) not in self.known:
            self.known[id(value)] = self._compute(value, index, dims)
        return self.known[id(value)]

    def _compute(self, value: Node, index: Sequence[Operand], dims: Sequence[Operand]) -> Operand:
        head = value.head
        if isinstance(head, MapHead):
            operands = [self._at(item, index, dims) for item in value.items[head.ndim :]]
            found = head.fn(self.reader, operands, **dict(head.options))
            assert isinstance(found, (Var, Const))
            return found
        if self.flat:
            at = add(self.reader, offset(value), index[0])
            return load_at(self.reader, value, at)
        own, every = index[len(index) - head.ndim :], dims[len(dims) - head.ndim :]
        place = [self._along(dim, n, i) for dim, n, i in zip(shape(value), every, own, strict=True)]
        return load(self.reader, value, place)

    def _along(self, dim: Operand, n: Operand, i: Operand) -> Operand:
        """The index in an axis of size `dim` that is stretched to `n` elements."""
        return i if dim == n != ONE else along(self.reader, dim, i)


def arrays_in(value: Value) -> list[Node]:
    """The arrays that a value waits for."""
    if not isinstance(value, Node):
        return []
    if isinstance(value.head, ArrayHead):
        return [value]
    return [array for item in value.items for array in arrays_in(item)]


def is_flat(reader: FunctionReader, dims: Sequence[Operand], values: Sequence[Value]) -> bool:
    """Whether all arrays have exactly these dimensions and their elements lie in C order, one behind the other."""
    return all(
        array.head.layout == "C"
        and array.head.ndim == len(dims)
        and all(d == e or not (d == ONE or reader.spec.stretching) for d, e in zip(shape(array), dims, strict=True))
        for value in values
        for array in arrays_in(value)
    )


def over(
    reader: FunctionReader,
    name: str,
    dims: Sequence[Operand],
    values: Sequence[Value],
    state: Sequence[Operand],
    body: Callable[[Elements, list[Operand], list[Operand]], Sequence[Operand]],
) -> list[Operand]:
    """A loop over all elements of `dims`, as one flat loop where the arrays in `values` allow it."""
    flat = len(dims) > 1 and is_flat(reader, dims, values)
    extents = [size(reader, dims)] if flat else list(dims)

    def inside(index: list[Operand], now: list[Operand]) -> Sequence[Operand]:
        return body(Elements(reader, flat, dims), index, now)

    return nest(reader, name, extents, state, inside)


def settle(reader: FunctionReader, value: Value) -> Value:
    """`value` with all that waits in it computed; the same object everywhere in the reader's variables."""
    if not isinstance(value, Node):
        return value
    if isinstance(value.head, MapHead):
        array = materialise(reader, value)
        _replace(reader, value, array)
        return array
    if isinstance(value.head, ElementHead):
        return element(reader, value)
    if isinstance(value.head, MappedHead):
        fn, *given = value.items
        called = Node(TupleHead(), ())  # the call is made once: it does not wait any more while it is made
        _replace(reader, value, called)
        made = reader.spec.calls.call(reader, fn, [settle(reader, item) for item in given], {})
        _replace(reader, called, made)
        return made
    if any(isinstance(item, Node) for item in value.items) and _waits(value):
        return Node(value.head, tuple(settle(reader, item) for item in value.items))
    return value


def _waits(value: Value) -> bool:
    return isinstance(value, Node) and (isinstance(value.head, _WAITING) or any(map(_waits, value.items)))


_WAITING = (MapHead, ElementHead, MappedHead)


def element(reader: FunctionReader, waiting: Node) -> Value:
    """What an iterator over an array has come to: a number, or a view of one dimension less."""
    array, position = waiting.items
    assert isinstance(array, Node) and isinstance(position, (Var, Const))
    if isinstance(array.head, MemoryListHead):
        return reader.spec.calls.list_element(reader, array, position)
    if array.head.ndim == 1:
        return load(reader, array, [position])
    steps = strides(reader, array)
    start = add(reader, offset(array), mul(reader, position, steps[0]))
    return view(reader, array, start, shape(array)[1:], steps[1:])


def part_of(reader: FunctionReader, value: Node, part: str) -> Value:
    """The real or the imaginary part of a complex array: a view, as in NumPy."""
    array = settle(reader, value)
    assert isinstance(array, Node)
    return Node(replace(array.head, dtype=scalars.real_of(array.head.dtype), part=part), array.items)


def whole_of(array: Node) -> Node:
    """The complex array that `array` is a part of."""
    return Node(replace(array.head, dtype=kind_in(buffer_of(array)), part=""), array.items)


def without_parts(reader: FunctionReader, value: Value) -> Value:
    """`value` with copies, into which nothing may be written, of the parts of complex arrays in it."""
    if not isinstance(value, Node):
        return value
    if isinstance(value.head, ArrayHead):
        if not value.head.part:
            return value
        return frozen(reader, materialise(reader, value), "this copy of a part of a complex array can only be read")
    return Node(value.head, tuple(without_parts(reader, item) for item in value.items))


def materialise(reader: FunctionReader, value: Node) -> Node:
    """A new array with the elements of `value` (an array or what waits)."""
    return arrays.made_of(reader, in_order(reader, value), arrays_in(value))


def in_order(reader: FunctionReader, value: Node) -> Node:
    """The same, which NumPy lays out in C order, too."""
    out = allocate(reader, shape(value), value.head.dtype)
    assign(reader, out, value)
    return out


def assign(reader: FunctionReader, target: Node, value: Value) -> None:
    """target[...] = value, of its dimensions (1 is stretched); the value is not read from what is written."""

    def body(elements: Elements, index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        found = elements.at(value, index)
        if elements.flat:
            store_at(reader, target, add(reader, offset(target), index[0]), found)
        else:
            store(reader, target, index, found)
        return ()

    over(reader, "assign", shape(target), [target, value], (), body)


def _replace(reader: FunctionReader, old: Node, new: Value) -> None:
    for name, value in reader.env.items():
        if value is old:
            reader.env[name] = new
        elif isinstance(value, Node) and not isinstance(value.head, (ArrayHead, MapHead)) and _holds(value, old):
            reader.env[name] = _swap(value, old, new)
    if reader.outer is not None:
        _replace(reader.outer, old, new)


def _holds(value: Value, old: Node) -> bool:
    return value is old or (isinstance(value, Node) and any(_holds(item, old) for item in value.items))


def _swap(value: Value, old: Node, new: Value) -> Value:
    if value is old:
        return new
    if isinstance(value, Node) and _holds(value, old):
        return Node(value.head, tuple(_swap(item, old, new) for item in value.items))
    return value


def settle_all(reader: FunctionReader, names: Sequence[str] | None = None) -> None:
    """Everything that waits in the reader's variables (or in some of them) computed, before memory changes.

    At the end of a block (`names` given) what iteration has come to goes on waiting: its block decides whether it is.
    """
    for name in list(reader.env) if names is None else names:
        value = reader.env.get(name)
        if value is not None and _waits(value) and (names is None or not is_element(value)):
            reader.env[name] = settle(reader, value)
    if names is None and reader.outer is not None:
        settle_all(reader.outer)


def is_element(value: Value | None, heads: tuple[type, ...] = (ElementHead, MappedHead)) -> bool:
    """Whether what iteration has come to waits in `value`."""
    return isinstance(value, Node) and (
        isinstance(value.head, heads)
        or (isinstance(value.head, (TupleHead, NextHead)) and any(is_element(item, heads) for item in value.items))
    )
