"""The words of sweeps: what they mean while reading.

`slope`, a directional derivative, and `rows_along`, a pullback, are the primitives; those about lanes have a direction
in each lane.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.adjoint.activity import shadow_type
from zyg.adjoint.tangent import fits_lanes as lanes_fit
from zyg.ir.lanes import LanesType, dtype_of_lanes, extract, lanes_for, unit, width_of
from zyg.ir.memory import MemoryType, mem_like, mem_size
from zyg.ir.program import Const, Op, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays
from zyg.reading.arrays import dtype_of
from zyg.reading.derive import pullback_call
from zyg.reading.foreign import repeating
from zyg.reading.handlers import HANDLERS
from zyg.reading.heads import TupleHead
from zyg.reading.inner import read_inner
from zyg.reading.pushforward import jvp_call
from zyg.reading.values import Node, Static, Value, array_like, is_array, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_PLACES = "this is a word of zyg's own programs"
_LANES = 8


def slope(f: Any, x: Any, *directions: Any) -> Any:
    """The derivatives of `f` at `x` along some directions, made by `seed_for` if x is an array: a tuple.

    They may be views of these directions.
    """
    raise RuntimeError(_PLACES)


def slopes(f: Any, x: Any, *directions: Any) -> Any:
    """As `slope`, each a tuple: of the parts of `f(x)`, or of the one that it has."""
    raise RuntimeError(_PLACES)


def seed_for(x: Any) -> Any:
    """Zeros in the shape of an array; where that is in C order, they lie in a shadow of its buffer."""
    raise RuntimeError(_PLACES)


def rows_along(f: Any, xs: Any, *seeds: Any) -> Any:
    """For each of some cotangents of `f(*xs)`, those of `xs`."""
    raise RuntimeError(_PLACES)


def same_room(x: Any, v: Any) -> Any:
    """Are the buffers of two arrays equally long, and do the arrays lie in order from their beginnings?"""
    raise RuntimeError(_PLACES)


def each(fn: Any, tuples: Any, *others: Any) -> Any:
    """What `fn` gives of the first items of some tuples, of their second ones, and so on: a tuple."""
    raise RuntimeError(_PLACES)


def fits_lanes(f: Any, x: Any) -> bool:
    """Can the derivatives of `f` at the array `x` along several directions be lanes?"""
    raise RuntimeError(_PLACES)


def seed_of_lanes(x: Any) -> Any:
    """As `seed_for`, with a direction in each lane."""
    raise RuntimeError(_PLACES)


def count_of_lanes(seed: Any) -> int:
    """How many lanes the elements of an array have."""
    raise RuntimeError(_PLACES)


def unit_like(number: Any, lane: Any, value: Any) -> Any:
    """`value` in one lane, 0 in the others; as many as `number` has."""
    raise RuntimeError(_PLACES)


def lane_of(number: Any, lane: Any) -> Any:
    """What is in a lane."""
    raise RuntimeError(_PLACES)


def rows_fit_lanes(f: Any, xs: Any, y: Any) -> bool:
    """Can the cotangents of `xs` for several ones of `y = f(*xs)` be lanes?"""
    raise RuntimeError(_PLACES)


def rows_in_lanes(f: Any, xs: Any, none: Any, seed: Any) -> Any:
    """As `rows_along`, with a cotangent in each lane of the seed; none: a cotangent that is 0."""
    raise RuntimeError(_PLACES)


def slopes_in_lanes(f: Any, x: Any, seed: Any) -> Any:
    """As `slopes`, with a direction in each lane."""
    raise RuntimeError(_PLACES)


# --- what they mean ---------------------------------------------------------------------------------------


def _slope(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, x, *directions = args
    lent = is_array(x) and in_order(x)
    with repeating(reader, "a Jacobian"):
        found = jvp_call(reader, fn, [x], [[direction] for direction in directions], lent)
    assert isinstance(found, Node)
    return tuple_of(found.items[1:])


def _fits_lanes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, x = args
    if not in_order(x):
        return Static(False)
    return Static(lanes_fit(read_inner(reader, fn, [x], {})[0]))


def _rows_fit_lanes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, xs, y = args
    assert isinstance(xs, Node) and isinstance(y, Node)
    if _has_rules(reader, fn, xs):
        return Static(False)
    seed = arrays.c_array(arrays.memory(y), arrays.offset(y), arrays.shape(y))
    return Static(lanes_fit(read_inner(reader, Node(_PulledHead(), (fn, *xs.items)), [seed], {})[0]))


def _rows_in_lanes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, xs, none, seed = args
    assert isinstance(xs, Node)
    with repeating(reader, "a Jacobian"):
        found = jvp_call(reader, Node(_PulledHead(), (fn, *xs.items)), [none], [[seed]], lent=True, wide=True)
    assert isinstance(found, Node)
    return found.items[1]


def _seed_of_lanes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    (x,) = args
    assert isinstance(x, Node)
    dims = arrays.shape(x)
    if all(isinstance(dim, Const) for dim in dims):  # not more than there are elements
        count = math.prod(int(dim.value.real) for dim in dims if isinstance(dim, Const))
        width = min(_LANES, lanes_for(count))
    else:
        width = _LANES
    seed = Var(MemoryType(LanesType(x.head.dtype, width)), "seed")
    reader.ops.append(Op(mem_like, (arrays.memory(x),), (seed,), reader.pos))
    return array_like(x, seed, lambda leaf: leaf)


def _unit(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    like, own, value = args
    assert isinstance(like, (Var, Const)) and isinstance(own, (Var, Const)) and isinstance(value, (Var, Const))
    return reader.emit(unit, (reader.cast(value, dtype_of_lanes(like.type)), own), like.type)


def _count_of_lanes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Const(width_of(dtype_of(args[0])), i8)


def _lane_of(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    numbers, own = args
    assert isinstance(numbers, (Var, Const)) and isinstance(own, (Var, Const))
    return reader.emit(extract, (numbers, own), dtype_of_lanes(numbers.type))


def _slopes_in_lanes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, x, seed = args
    with repeating(reader, "a Jacobian"):
        found = jvp_call(reader, fn, [x], [[seed]], lent=True, wide=True)
    assert isinstance(found, Node)
    return found.items[1] if _is_tuple(found.items[1]) else tuple_of([found.items[1]])


def _slopes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    found = _slope(reader, args, kws)
    assert isinstance(found, Node)
    return tuple_of([item if _is_tuple(item) else tuple_of([item]) for item in found.items])


def _is_tuple(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, TupleHead)


def in_order(array: Value) -> bool:
    return isinstance(array, Node) and array.head.layout == "C"


def _seed_for(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    (x,) = args
    assert isinstance(x, Node)
    if not in_order(x):
        return reader.spec.calls.call(reader, Static(np.zeros), [tuple_of(arrays.shape(x)), Static(x.head.dtype)], {})
    buffer = arrays.memory(x)
    kind = shadow_type(buffer.type)
    assert kind is not None
    seed = Var(kind, "seed")
    reader.ops.append(Op(mem_like, (buffer,), (seed,), reader.pos))
    return array_like(x, seed, lambda leaf: leaf)


def _same_room(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    x, v = args
    if not (isinstance(x, Node) and isinstance(v, Node) and x.head == v.head and in_order(x)):
        return Static(False)
    if not arrays.offset(x) == arrays.offset(v) == arrays.ZERO:
        return Static(False)
    one, other = (reader.emit(mem_size, (arrays.memory(array),), i8) for array in (x, v))
    return reader.emit(operator.eq, (one, other), b1)


def _rows_along(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """A pullback is linear in the cotangent, so that it is its own derivative: the forward sweep runs once for all."""
    fn, xs, *seeds = args
    assert isinstance(xs, Node)
    pulled = Node(_PulledHead(), (fn, *xs.items))
    with repeating(reader, "a Jacobian"):
        if _has_rules(reader, fn, xs):
            return tuple_of([reader.spec.calls.call(reader, pulled, [seed], {}) for seed in seeds])
        found = jvp_call(reader, pulled, [seeds[0]], [[seed] for seed in seeds], lent=True)
    assert isinstance(found, Node)
    return tuple_of(found.items[1:])


def _has_rules(reader: FunctionReader, fn: Value, xs: Node) -> bool:
    """Are there rules of users among what a function calls?  They need not be linear."""
    module = read_inner(reader, fn, list(xs.items), {})[0]
    return any(program.custom is not None for program in module.programs.values())


@dataclass(frozen=True, slots=True)
class _PulledHead:
    """The pullback of a function at some arguments, which are the items."""

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        fn, *xs = node.items
        found = pullback_call(reader, fn, xs, args[0])
        assert isinstance(found, Node)
        return found.items[1]


def _each(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, tuples, *others = args
    assert isinstance(tuples, Node)
    columns = [item.items for item in tuples.items if isinstance(item, Node)]
    return tuple_of([reader.spec.calls.call(reader, fn, [*items, *others], {}) for items in zip(*columns, strict=True)])


HANDLERS[slope] = _slope
HANDLERS[slopes] = _slopes
HANDLERS[fits_lanes] = _fits_lanes
HANDLERS[rows_fit_lanes] = _rows_fit_lanes
HANDLERS[rows_in_lanes] = _rows_in_lanes
HANDLERS[seed_of_lanes] = _seed_of_lanes
HANDLERS[unit_like] = _unit
HANDLERS[count_of_lanes] = _count_of_lanes
HANDLERS[lane_of] = _lane_of
HANDLERS[slopes_in_lanes] = _slopes_in_lanes
HANDLERS[seed_for] = _seed_for
HANDLERS[rows_along] = _rows_along
HANDLERS[same_room] = _same_room
HANDLERS[each] = _each
