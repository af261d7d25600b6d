"""Derivatives that are arrays: Jacobians column by column or row by row, Hessians, and what is made of them.

Which sweeps (`zyg.reading.sweeps`) give a Jacobian is chosen here: rows for all arguments at once where they are fewer
than the columns, columns for all parts of a result at once.

    Hessian:   the Jacobian of the gradient, forward over reverse
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zyg.adjoint.tangent import fits_lanes
from zyg.errors import ArgumentError, ValueArgumentError
from zyg.ir.lanes import LanesType, dtype_of_lanes, extract, lanes_for, unit
from zyg.ir.memory import MemoryType, mem_new
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import c8, c16, f4, f8
from zyg.passes.slots import zero
from zyg.reading import arrays
from zyg.reading.derive import DERIVATIVES, GradientHead, Options, chosen_arguments, gradient_call
from zyg.reading.describe import described
from zyg.reading.foreign import repeating
from zyg.reading.heads import TupleHead
from zyg.reading.indexing import check_same
from zyg.reading.inner import read_inner, settled
from zyg.reading.pushforward import jvp_call
from zyg.reading.repeatable import repeatable
from zyg.reading.sweep_words import in_order, slope
from zyg.reading.sweeps import (
    by_columns_each,
    by_fewer,
    by_rows,
    by_rows_at_once,
    diagonal_of_slopes,
    direction_for,
    slopes_of_number,
)
from zyg.reading.values import Node, Static, Value, constant, is_array, rebuild, tuple_of, variables

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

WIDTH = 4
_MOST_NUMBERS = 8


@dataclass(frozen=True, slots=True)
class PlacedHead:
    """A function of some of its arguments: items are the function, then its other arguments, then those by name."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        fn, *others = node.items
        given = others[: len(others) - len(self.names)]
        for number, arg in sorted(zip(self.numbers, args, strict=True), key=lambda pair: pair[0]):
            given.insert(number, arg)
        named = others[len(others) - len(self.names) :]
        return reader.spec.calls.call(reader, fn, given, dict(zip(self.names, named, strict=True)))


@dataclass(frozen=True, slots=True)
class PartHead:
    """The function that gives one entry of the tuple that another gives; its item is that one."""

    number: int

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        found = reader.spec.calls.settle(reader, reader.spec.calls.call(reader, node.items[0], args, kws))
        assert isinstance(found, Node)
        return found.items[self.number]


def _written(reader: FunctionReader, fn: Callable[..., Any], *args: Value) -> Value:
    return reader.spec.calls.call(reader, Static(fn), list(args), {})


def _jacobians_of_value(
    reader: FunctionReader, f: Value, placed: list[tuple[Value, Value]], y: Value, mode: str
) -> list[Value]:
    """Those by each argument; f is the function of all of them, `placed` that of each alone, and the argument."""
    if isinstance(y, Static):
        return [Static(None)] * len(placed)
    if not (isinstance(y, (Var, Const)) or is_array(y)):
        raise ArgumentError(
            f"a Jacobian needs a function of numbers or arrays that gives some; this one gives {described(y)}",
            reader.pos,
            "Return an array, a number or a tuple of them.",
        )
    _check_real(reader, y)
    if isinstance(y, (Var, Const)):
        if len(placed) > 1 and not any(is_array(x) for _, x in placed):
            return _columns(reader, f, placed, [y])[0]
        return [
            _written(reader, slopes_of_number, one, x, y) if is_array(x) else _slope_of_number(reader, one, x)
            for one, x in placed
        ]
    if mode == "jacfwd" or (mode == "jacobian" and not any(is_array(x) for _, x in placed)):
        return _columns(reader, f, placed, [y])[0]
    xs, fs = tuple_of([x for _, x in placed]), tuple_of([one for one, _ in placed])
    lanes, rows = _lanes(y)
    if mode == "jacrev":
        found = _written(reader, rows, f, xs, y, lanes)
    else:
        found = _written(reader, by_fewer, f, fs, xs, y, lanes, Static(rows))
    assert isinstance(found, Node)
    return list(found.items)


def _lanes(y: Value) -> tuple[Value, Callable[..., Any]]:
    """The numbers of the rows that one sweep gives, and what makes sweeps of so many."""
    dims = [int(dim.value.real) for dim in arrays.shape(y) if isinstance(dim, Const)]
    count = math.prod(dims) if len(dims) == len(arrays.shape(y)) else WIDTH + 1
    lanes = tuple_of([constant(lane) for lane in range(min(max(count, 1), WIDTH))])
    return lanes, by_rows_at_once if 0 < count <= WIDTH else by_rows


def _columns(
    reader: FunctionReader, f: Value | None, placed: list[tuple[Value, Value]], ys: Sequence[Value]
) -> list[list[Value]]:
    """The Jacobians of each of `ys` by each argument; f is the function of all of them, if they are different ones."""
    if f is not None and len(placed) > 1 and not any(is_array(x) for _, x in placed):
        return _by_numbers(reader, f, [x for _, x in placed])
    xs, fs = tuple_of([x for _, x in placed]), tuple_of([one for one, _ in placed])
    found = _written(reader, by_columns_each, fs, xs, tuple_of(ys))
    assert isinstance(found, Node)
    by_argument = [item.items for item in found.items if isinstance(item, Node)]
    return [list(row) for row in zip(*by_argument, strict=True)]


def _by_numbers(reader: FunctionReader, f: Value, xs: list[Value]) -> list[list[Value]]:
    """The derivatives of each part of `f(*xs)` by each of some numbers, several in a sweep."""
    columns: list[Value] = []
    for first in range(0, len(xs), _MOST_NUMBERS):
        chosen = range(first, min(first + _MOST_NUMBERS, len(xs)))
        if len(chosen) > 1 and _gives_lanes(reader, f, xs):
            columns += _in_lanes(reader, f, xs, chosen)
            continue
        units: list[list[Value]] = [[constant(float(n == k)) for n in range(len(xs))] for k in chosen]
        with repeating(reader, "a Jacobian"):
            found = jvp_call(reader, f, xs, units)
        assert isinstance(found, Node)
        columns += found.items[1:]
    parts = [list(c.items) if isinstance(c, Node) and isinstance(c.head, TupleHead) else [c] for c in columns]
    return [list(row) for row in zip(*parts, strict=True)]


def _gives_lanes(reader: FunctionReader, f: Value, xs: list[Value]) -> bool:
    """Can the derivatives of `f(*xs)`, which are numbers, along several directions be lanes?"""
    module, result, *_ = read_inner(reader, f, xs, {})
    return fits_lanes(module) and not any(isinstance(leaf.type, MemoryType) for leaf in variables(result))


def _in_lanes(reader: FunctionReader, f: Value, xs: list[Value], chosen: range) -> list[Value]:
    """The derivatives of `f(*xs)` by the chosen numbers, each in a lane."""
    kind = LanesType(f8, lanes_for(len(chosen)))
    lane_of = {number: constant(k) for k, number in enumerate(chosen)}
    units: list[Value] = [
        reader.emit(unit, (constant(1.0), lane_of[n]), kind) if n in lane_of else zero(kind) for n in range(len(xs))
    ]
    with repeating(reader, "a Jacobian"):
        found = jvp_call(reader, f, xs, [units], wide=True)
    assert isinstance(found, Node)

    def part(number: Const) -> Callable[[Operand], Operand]:
        return lambda leaf: reader.emit(extract, (leaf, number), dtype_of_lanes(leaf.type))

    return [rebuild(found.items[1], part(number)) for number in lane_of.values()]


def _slope_of_number(reader: FunctionReader, f: Value, x: Value) -> Value:
    found = _written(reader, slope, f, x, constant(1.0))
    assert isinstance(found, Node)
    return found.items[0]


def _check_real(reader: FunctionReader, value: Value) -> None:
    if arrays.dtype_of(value) in (c8, c16):
        raise ArgumentError(
            "Jacobians of complex functions are not defined here",
            reader.pos,
            "Use zyg.jvp or zyg.pullback, or take real and imaginary parts apart.",
        )


def _function_of(fn: Value, args: Sequence[Value], kws: dict[str, Value], chosen: Sequence[int]) -> Node:
    others = [arg for n, arg in enumerate(args) if n not in chosen]
    return Node(PlacedHead(tuple(chosen), tuple(kws)), (fn, *others, *kws.values()))


def _placed(
    reader: FunctionReader, fn: Value, args: Sequence[Value], kws: dict[str, Value], n: int
) -> tuple[Value, Value]:
    """The function of argument `n` alone, and that argument as what is differentiated: of floats."""
    x = reader.spec.calls.settle(reader, args[n])
    if not (isinstance(x, (Var, Const)) or is_array(x)):
        raise ArgumentError(
            f"a Jacobian is taken by a number or an array; argument {n} is {described(x)}",
            reader.pos,
            "Choose another argument by argnums, or pass an array.",
        )
    _check_real(reader, x)
    if is_array(x) and not _is_floating(x):
        x = reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, x, "astype"), [Static(float)], {})
        x = reader.spec.calls.settle(reader, x)
    return _function_of(fn, args, kws, [n]), x


def _is_floating(x: Value) -> bool:
    return arrays.dtype_of(x) in (f4, f8)


def _is_real(y: Value) -> bool:
    """Is it a float, or an array of floats?"""
    return (isinstance(y, (Var, Const)) or is_array(y)) and _is_floating(y)


def _result(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], y: Value) -> Value:
    """What the function gives, of which a Jacobian's room is made, a value as y; if its dimensions are known nothing is
    computed, and it has no elements."""

    def nothing(leaf: Operand) -> Operand:
        if isinstance(leaf.type, MemoryType):
            return reader.emit(mem_new, (arrays.ZERO,), leaf.type)
        return zero(leaf.type) if isinstance(leaf, Var) else leaf

    if _has_known_dimensions(y):
        return rebuild(y, nothing)
    return reader.spec.calls.settle(reader, reader.spec.calls.call(reader, fn, args, kws))


def _has_known_dimensions(y: Value) -> bool:
    if is_array(y):
        return all(isinstance(dim, Const) for dim in arrays.shape(y))
    if isinstance(y, Node) and isinstance(y.head, TupleHead):
        return all(map(_has_known_dimensions, y.items))
    return isinstance(y, (Var, Const, Static))


def jacobian_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `jacobian(fn, …)(*args, **kws)`: for several arguments, tuples in the structure of the result."""
    chosen = chosen_arguments(options.argnums, len(args), reader)
    args, kws = settled(reader, args, kws, chosen)
    y, is_given, fn, args, kws = repeatable(reader, fn, args, kws)
    y = y if is_given else _result(reader, fn, args, kws, y)

    def of(fn: Value, y: Value) -> Value:
        if isinstance(y, Node) and isinstance(y.head, TupleHead):
            if options.gives == "jacfwd" and y.items and all(map(_is_real, y.items)):
                placed = [_placed(reader, fn, args, kws, n) for n in chosen]
                f = _function_of(fn, args, kws, chosen) if len(set(chosen)) == len(chosen) else None
                rows = _columns(reader, f, placed, y.items)
                return tuple_of(
                    [row[0] if isinstance(options.argnums, int) else tuple_of(row) for row in rows], y.head.cls
                )
            return tuple_of([of(Node(PartHead(i), (fn,)), item) for i, item in enumerate(y.items)], y.head.cls)
        placed = [_placed(reader, fn, args, kws, n) for n in chosen]
        if options.gives != "jacfwd" and isinstance(y, (Var, Const)) and any(is_array(x) for _, x in placed):
            _check_real(reader, y)
            return gradient_call(reader, fn, args, kws, Options(options.argnums))  # all arguments in one sweep
        if len(set(chosen)) < len(chosen):  # one argument twice: each gets arrays of its own
            found = [_jacobians_of_value(reader, one[0], [one], y, options.gives)[0] for one in placed]
        else:
            found = _jacobians_of_value(reader, _function_of(fn, args, kws, chosen), placed, y, options.gives)
        return found[0] if isinstance(options.argnums, int) else tuple_of(found)

    return of(fn, y)


def _gradient(fn: Value, options: Options) -> Node:
    return Node(GradientHead(Options(options.argnums)), (fn,))


def hessian_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `hessian(fn, …)(*args, **kws)`: the Jacobian of the gradient in forward mode."""
    return jacobian_call(reader, _gradient(fn, options), args, kws, Options(options.argnums, "jacfwd"))


def hvp_call(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options) -> Value:
    """The value of `hvp(fn, …)(*args, v, **kws)`: the derivative of the gradient along v."""
    if not args:
        raise ValueArgumentError("hvp needs the arguments and a vector", reader.pos, "Call it as hvp(f)(x, v).")
    *args, v = args
    chosen = chosen_arguments(options.argnums, len(args), reader)
    given = [v] if isinstance(options.argnums, int) else reader.spec.calls.elements(reader, v)
    if len(given) != len(chosen):
        raise ValueArgumentError(
            f"hvp: {len(given)} vectors for {len(chosen)} arguments", reader.pos, "Give one for each of argnums."
        )
    tangents: list[Value] = [Static(None)] * len(args)
    for n, vector in zip(chosen, given, strict=True):
        tangents[n] = vector
    whole = Node(PlacedHead(tuple(range(len(args))), tuple(kws)), (_gradient(fn, options), *kws.values()))
    args, _ = settled(reader, args, {}, chosen)
    lent = all(is_array(args[n]) and _is_floating(args[n]) and in_order(args[n]) for n in chosen)
    if lent:
        for n in chosen:
            vector = reader.spec.calls.settle(reader, tangents[n])
            lent = lent and is_array(vector)
            tangents[n] = vector
    if lent:
        for n in chosen:
            tangents[n] = _written(reader, direction_for, args[n], check_same(reader, args[n], tangents[n]))
    found = jvp_call(reader, whole, args, [tangents], lent)
    assert isinstance(found, Node)
    return found.items[1]


def diaghessian_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `diaghessian(fn, …)(*args, **kws)`."""
    chosen = chosen_arguments(options.argnums, len(args), reader)
    args, kws = settled(reader, args, kws, chosen)
    _, _, fn, args, kws = repeatable(reader, fn, args, kws)
    found = []
    for n in chosen:
        gradient, x = _placed(reader, _gradient(fn, Options(n)), args, kws, n)
        one = _written(reader, diagonal_of_slopes, gradient, x) if is_array(x) else None
        found.append(_slope_of_number(reader, gradient, x) if one is None else one)
    return found[0] if isinstance(options.argnums, int) else tuple_of(found)


for _mode in ("jacobian", "jacfwd", "jacrev"):
    DERIVATIVES[_mode] = jacobian_call
DERIVATIVES["hessian"] = hessian_call
DERIVATIVES["hvp"] = hvp_call
DERIVATIVES["diaghessian"] = diaghessian_call
