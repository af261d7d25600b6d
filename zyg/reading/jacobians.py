"""Derivatives that are arrays: Jacobians column by column or row by row, Hessians, and what is made of them.

What a derivative is assembled of is written in Python below and read like the user's functions, over two primitives:
`slope`, a directional derivative in forward mode, and `slopes_back`, a pullback.  `f` is a function of one argument
`x`, a number or an array, or of several, `xs`; the other arguments are bound to it beforehand.

    Jacobian:  J[i, j] = ∂yᵢ/∂xⱼ     forward: J[:, j] = f′(x) eⱼ      reverse: J[i, :] = eᵢᵀ f′(x)
    Hessian:   the Jacobian of the gradient, forward over reverse
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.adjoint.activity import shadow_type
from zyg.errors import ArgumentError, ValueArgumentError
from zyg.ir.memory import mem_like
from zyg.ir.program import Const, Op, Var
from zyg.ir.scalars import c8, c16, f4, f8
from zyg.reading import arrays
from zyg.reading.derive import (
    DERIVATIVES,
    GradientHead,
    Options,
    chosen_arguments,
    gradient_call,
    jvp_call,
    pullback_call,
)
from zyg.reading.describe import described
from zyg.reading.foreign import repeating
from zyg.reading.handlers import HANDLERS
from zyg.reading.inner import settled
from zyg.reading.values import Node, Static, TupleHead, Value, array_like, constant, is_array, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


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


# --- written in Python ------------------------------------------------------------------------------------


def slope(f: Any, x: Any, *directions: Any) -> Any:
    """The derivatives of `f` at `x` along some directions, made by `seed_for` if x is an array: a tuple.

    They may be views of these directions.
    """
    raise RuntimeError(_PLACES)


def seed_for(x: Any) -> Any:
    """Zeros in the shape of an array; where that is in C order, they lie in a shadow of its buffer."""
    raise RuntimeError(_PLACES)


def slopes_back(f: Any, xs: Any, dy: Any) -> Any:
    """The cotangents of `xs` for the cotangent `dy` of `f(*xs)`."""
    raise RuntimeError(_PLACES)


def each(fn: Any, tuples: Any, *others: Any) -> Any:
    """What `fn` gives of the first items of some tuples, of their second ones, and so on: a tuple."""
    raise RuntimeError(_PLACES)


_PLACES = "this is a word of zyg's own programs"


def by_columns(f: Any, x: Any, y: Any) -> Any:
    """The Jacobian of an array `y = f(x)` by a number, or by an array, four columns in each sweep."""
    if np.ndim(x) == 0:
        return slope(f, x, 1.0)[0]
    n, m = x.size, y.size
    jacobian = np.empty((m, n), y.dtype)
    seeds = seed_for(x), seed_for(x), seed_for(x), seed_for(x)
    a, b, c, d = each(raveled, (seeds,))
    for k in range(0, n, 4):
        a[k] = 1.0
        if k + 1 < n:
            b[k + 1] = 1.0
        if k + 2 < n:
            c[k + 2] = 1.0
        if k + 3 < n:
            d[k + 3] = 1.0
        p, q, r, s = each(raveled, (slope(f, x, *seeds),))
        if k + 3 < n:
            for i in range(m):
                jacobian[i, k] = p[i]
                jacobian[i, k + 1] = q[i]
                jacobian[i, k + 2] = r[i]
                jacobian[i, k + 3] = s[i]
            d[k + 3] = 0.0
        else:
            for i in range(m):
                jacobian[i, k] = p[i]
                if k + 1 < n:
                    jacobian[i, k + 1] = q[i]
                if k + 2 < n:
                    jacobian[i, k + 2] = r[i]
        a[k] = 0.0
        if k + 1 < n:
            b[k + 1] = 0.0
        if k + 2 < n:
            c[k + 2] = 0.0
    return shaped(jacobian, x, y)


def raveled(x: Any) -> Any:
    """All numbers of an array in C order: a view, of one that lies so."""
    return x.ravel()


def slopes_of_number(f: Any, x: Any, y: Any) -> Any:
    """The derivatives of a number by all entries of an array, in forward mode."""
    n = x.size
    gradient = np.empty(n, x.dtype)
    seed = seed_for(x)
    a = seed.ravel()
    for k in range(n):
        a[k] = 1.0
        (gradient[k],) = slope(f, x, seed)
        a[k] = 0.0
    return gradient.reshape(x.shape)


def by_rows(f: Any, xs: Any, y: Any) -> Any:
    """The Jacobians of an array `y = f(*xs)` by arrays and numbers, a row of each in a sweep."""
    m = y.size
    seed = np.zeros(m, y.dtype)
    jacobians = each(rows_for, (xs,), y)
    for k in range(m):
        seed[k] = 1.0
        each(put_row, (jacobians, slopes_back(f, xs, seed.reshape(y.shape))), k)
        seed[k] = 0.0
    return each(shaped, (jacobians, xs), y)


def rows_for(x: Any, y: Any) -> Any:
    """Room for a Jacobian: an array for each number in `y`."""
    return np.empty((y.size, np.size(x)), y.dtype)


def put_row(jacobian: Any, row: Any, k: Any) -> Any:
    """Row `k` of a Jacobian, a number or an array; number by number, since nothing overlaps."""
    if np.ndim(row) == 0:
        jacobian[k, 0] = row
    else:
        flat = row.ravel()
        for j in range(flat.size):
            jacobian[k, j] = flat[j]


def shaped(jacobian: Any, x: Any, y: Any) -> Any:
    """A Jacobian from its rows."""
    return jacobian.reshape(y.shape + np.shape(x))


def by_columns_each(fs: Any, xs: Any, y: Any) -> Any:
    """The Jacobians of `y` by each of `xs`, of which each of `fs` is a function."""
    return each(by_columns, (fs, xs), y)


def by_fewer(f: Any, fs: Any, xs: Any, y: Any) -> Any:
    """The Jacobians of an array by arrays and numbers, by their rows if they are clearly fewer than all columns."""
    columns = 0
    for size in each(np.size, (xs,)):
        columns += size
    if 2 * y.size < columns:
        return by_rows(f, xs, y)
    return by_columns_each(fs, xs, y)


def diagonal_of_slopes(g: Any, x: Any) -> Any:
    """∂gⱼ/∂xⱼ for an array g(x) of the shape of x."""
    n = x.size
    diagonal = np.empty(n, x.dtype)
    seed = seed_for(x)
    a = seed.ravel()
    for k in range(n):
        a[k] = 1.0
        (column,) = slope(g, x, seed)
        diagonal[k] = column.ravel()[k]
        a[k] = 0.0
    return diagonal.reshape(x.shape)


# --- primitives -------------------------------------------------------------------------------------------


def _slope(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, x, *directions = args
    lent = is_array(x) and _in_order(x)
    with repeating(reader, "a Jacobian"):
        found = jvp_call(reader, fn, [x], [[direction] for direction in directions], lent)
    assert isinstance(found, Node)
    return tuple_of(found.items[1:])


def _in_order(array: Value) -> bool:
    return isinstance(array, Node) and array.head.layout == "C"


def _seed_for(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    (x,) = args
    assert isinstance(x, Node)
    if not _in_order(x):
        return reader.spec.calls.call(reader, Static(np.zeros), [tuple_of(arrays.shape(x)), Static(x.head.dtype)], {})
    buffer = arrays.memory(x)
    kind = shadow_type(buffer.type)
    assert kind is not None
    seed = Var(kind, "seed")
    reader.ops.append(Op(mem_like, (buffer,), (seed,), reader.pos))
    return array_like(x, seed, lambda leaf: leaf)


def _slopes_back(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, xs, dy = args
    assert isinstance(xs, Node)
    with repeating(reader, "a Jacobian"):
        found = pullback_call(reader, fn, list(xs.items), dy)
    assert isinstance(found, Node)
    return found.items[1]


def _each(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fn, tuples, *others = args
    assert isinstance(tuples, Node)
    columns = [item.items for item in tuples.items if isinstance(item, Node)]
    return tuple_of([reader.spec.calls.call(reader, fn, [*items, *others], {}) for items in zip(*columns, strict=True)])


HANDLERS[slope] = _slope
HANDLERS[seed_for] = _seed_for
HANDLERS[slopes_back] = _slopes_back
HANDLERS[each] = _each


# --- derivatives ------------------------------------------------------------------------------------------


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
        return [
            _written(reader, slopes_of_number, one, x, y) if is_array(x) else _slope_of_number(reader, one, x)
            for one, x in placed
        ]
    xs, fs = tuple_of([x for _, x in placed]), tuple_of([one for one, _ in placed])
    if mode == "jacfwd" or (mode == "jacobian" and not any(is_array(x) for _, x in placed)):
        found = _written(reader, by_columns_each, fs, xs, y)
    elif mode == "jacrev":
        found = _written(reader, by_rows, f, xs, y)
    else:
        found = _written(reader, by_fewer, f, fs, xs, y)
    assert isinstance(found, Node)
    return list(found.items)


def _slope_of_number(reader: FunctionReader, f: Value, x: Value) -> Value:
    return _only(_slope(reader, [f, x, constant(1.0)], {}))


def _only(found: Value) -> Value:
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


def jacobian_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `jacobian(fn, …)(*args, **kws)`: for several arguments, tuples in the structure of the result."""
    args, kws = settled(reader, args, kws)
    chosen = chosen_arguments(options.argnums, len(args), reader)
    y = reader.spec.calls.settle(reader, reader.spec.calls.call(reader, fn, args, kws))

    def of(fn: Value, y: Value) -> Value:
        if isinstance(y, Node) and isinstance(y.head, TupleHead):
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
    found = jvp_call(reader, whole, args, [tangents])
    assert isinstance(found, Node)
    return found.items[1]


def diaghessian_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `diaghessian(fn, …)(*args, **kws)`."""
    chosen = chosen_arguments(options.argnums, len(args), reader)
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
