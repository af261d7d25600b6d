"""Sweeps that make arrays of derivatives: columns of Jacobians in forward mode, rows in reverse.

They are written in Python and read like the user's functions, over a few words that mean something while reading:
`slope`, a directional derivative, and `rows_along`, a pullback, are the primitives.  `f` is a function of one argument
`x`, a number or an array, or of several, `xs`; the other arguments are bound to it beforehand.

    Jacobian:  J[i, j] = ∂yᵢ/∂xⱼ     forward: J[:, j] = f′(x) eⱼ      reverse: J[i, :] = eᵢᵀ f′(x)
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.adjoint.activity import shadow_type
from zyg.ir.memory import mem_like, mem_size
from zyg.ir.program import Op, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays
from zyg.reading.derive import jvp_call, pullback_call
from zyg.reading.foreign import repeating
from zyg.reading.handlers import HANDLERS
from zyg.reading.inner import read_inner
from zyg.reading.values import Node, Static, TupleHead, Value, array_like, is_array, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

# --- written in Python ------------------------------------------------------------------------------------


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


_PLACES = "this is a word of zyg's own programs"


def by_columns(f: Any, x: Any, ys: Any) -> Any:
    """The Jacobians of the parts `ys` of `f(x)`, arrays and numbers, by a number, or by an array: four columns of each
    in a sweep.
    """
    if np.ndim(x) == 0:
        return slopes(f, x, 1.0)[0]
    n = x.size
    jacobians = each(columns_for, (ys,), x)
    seeds = seed_for(x), seed_for(x), seed_for(x), seed_for(x)
    a, b, c, d = each(raveled, (seeds,))
    for k in range(0, n, 4):
        put_units(a, b, c, d, k, n, 1.0)
        p, q, r, s = slopes(f, x, *seeds)
        each(put_columns, (jacobians, p, q, r, s), k, n)
        put_units(a, b, c, d, k, n, 0.0)
    return each(shaped_by, (jacobians, ys), x)


def put_units(a: Any, b: Any, c: Any, d: Any, k: Any, n: Any, value: float) -> None:
    """Element k of the first seed, k + 1 of the second, and so on, as far as there are such."""
    a[k] = value
    if k + 1 < n:
        b[k + 1] = value
    if k + 2 < n:
        c[k + 2] = value
    if k + 3 < n:
        d[k + 3] = value


def columns_for(y: Any, x: Any) -> Any:
    """Room for a Jacobian of an array, or of a number, by an array."""
    if np.ndim(y) == 0:
        return np.empty((1, x.size), x.dtype)
    return np.empty((y.size, x.size), y.dtype)


def put_columns(jacobian: Any, p: Any, q: Any, r: Any, s: Any, k: Any, n: Any) -> Any:
    """Columns k to k + 3 of a Jacobian, as far as it has them."""
    if np.ndim(p) == 0:
        jacobian[0, k] = p
        if k + 1 < n:
            jacobian[0, k + 1] = q
        if k + 2 < n:
            jacobian[0, k + 2] = r
        if k + 3 < n:
            jacobian[0, k + 3] = s
    else:
        first, second, third, fourth = p.ravel(), q.ravel(), r.ravel(), s.ravel()
        if k + 3 < n:
            for i in range(first.size):
                jacobian[i, k] = first[i]
                jacobian[i, k + 1] = second[i]
                jacobian[i, k + 2] = third[i]
                jacobian[i, k + 3] = fourth[i]
        else:
            for i in range(first.size):
                jacobian[i, k] = first[i]
                if k + 1 < n:
                    jacobian[i, k + 1] = second[i]
                if k + 2 < n:
                    jacobian[i, k + 2] = third[i]


def direction_for(x: Any, v: Any) -> Any:
    """An array that lies as `x` does and holds `v`: `v` itself where it can be."""
    if same_room(x, v):
        return v
    seed = seed_for(x)
    seed[...] = v
    return seed


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


def by_rows(f: Any, xs: Any, y: Any, lanes: Any) -> Any:
    """The Jacobians of an array `y = f(*xs)` by arrays and numbers: as many rows of each in a sweep as there are lanes,
    which are numbered."""
    m = y.size
    jacobians = each(rows_for, (xs,), y)
    seeds = each(cotangent_for, (lanes,), y)
    flat = each(raveled, (seeds,))
    for k in range(0, m, len(lanes)):
        each(put_unit, (flat, lanes), k, m, 1.0)
        each(put_rows, (rows_along(f, xs, *seeds), lanes), jacobians, k, m)
        each(put_unit, (flat, lanes), k, m, 0.0)
    return each(shaped, (jacobians, xs), y)


def by_rows_at_once(f: Any, xs: Any, y: Any, lanes: Any) -> Any:
    """As `by_rows`, where there are as many lanes as rows."""
    jacobians = each(rows_for, (xs,), y)
    seeds = each(cotangent_for, (lanes,), y)
    each(put_unit, (each(raveled, (seeds,)), lanes), 0, y.size, 1.0)
    each(put_rows, (rows_along(f, xs, *seeds), lanes), jacobians, 0, y.size)
    return each(shaped, (jacobians, xs), y)


def cotangent_for(lane: int, y: Any) -> Any:
    """No cotangent, to begin with."""
    return np.zeros(y.shape, y.dtype)


def put_unit(seed: Any, lane: int, k: Any, m: Any, value: float) -> None:
    """Element k + lane of a seed, if there is one."""
    if k + lane < m:
        seed[k + lane] = value


def put_rows(row: Any, lane: int, jacobians: Any, k: Any, m: Any) -> None:
    """Row k + lane of each Jacobian, if there is one."""
    if k + lane < m:
        each(put_row, (jacobians, row), k + lane)


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
    return jacobian.reshape(np.shape(y) + np.shape(x))


def shaped_by(jacobian: Any, y: Any, x: Any) -> Any:
    """A Jacobian from its rows."""
    return jacobian.reshape(np.shape(y) + x.shape)


def by_columns_each(fs: Any, xs: Any, ys: Any) -> Any:
    """The Jacobians of `ys` by each of `xs`, of which each of `fs` is a function."""
    return each(by_columns, (fs, xs), ys)


def only(items: Any) -> Any:
    """The one item of a tuple."""
    return items[0]


def by_fewer(f: Any, fs: Any, xs: Any, y: Any, lanes: Any, by_rows: Any) -> Any:
    """The Jacobians of an array by arrays and numbers, by their rows if they are clearly fewer than all columns."""
    columns = 0
    for size in each(np.size, (xs,)):
        columns += size
    if 2 * y.size < columns:
        return by_rows(f, xs, y, lanes)
    return each(only, (by_columns_each(fs, xs, (y,)),))


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
    lent = is_array(x) and in_order(x)
    with repeating(reader, "a Jacobian"):
        found = jvp_call(reader, fn, [x], [[direction] for direction in directions], lent)
    assert isinstance(found, Node)
    return tuple_of(found.items[1:])


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
        module = read_inner(reader, fn, list(xs.items), {})[0]
        if any(program.custom is not None for program in module.programs.values()):
            return tuple_of([reader.spec.calls.call(reader, pulled, [seed], {}) for seed in seeds])
        found = jvp_call(reader, pulled, [seeds[0]], [[seed] for seed in seeds], lent=True)
    assert isinstance(found, Node)
    return tuple_of(found.items[1:])


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
HANDLERS[seed_for] = _seed_for
HANDLERS[rows_along] = _rows_along
HANDLERS[same_room] = _same_room
HANDLERS[each] = _each
