"""Sweeps that make arrays of derivatives: columns of Jacobians in forward mode, rows in reverse.

They are written in Python and read like the user's functions, over a few words (`zyg.reading.sweep_words`).  `f` is a
function of one argument `x`, a number or an array, or of several, `xs`; the other arguments are bound to it beforehand.

    Jacobian:  J[i, j] = ∂yᵢ/∂xⱼ     forward: J[:, j] = f′(x) eⱼ      reverse: J[i, :] = eᵢᵀ f′(x)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.reading.sweep_words import (
    count_of_lanes,
    each,
    fits_lanes,
    lane_of,
    rows_along,
    rows_fit_lanes,
    rows_in_lanes,
    same_room,
    seed_for,
    seed_of_lanes,
    slope,
    slopes,
    slopes_in_lanes,
    unit_like,
)


def by_columns(f: Any, x: Any, ys: Any) -> Any:
    """The Jacobians of the parts `ys` of `f(x)`, arrays and numbers, by a number, or by an array: four columns of each
    in a sweep.
    """
    if np.ndim(x) == 0:
        return slopes(f, x, 1.0)[0]
    if fits_lanes(f, x):
        return by_columns_in_lanes(f, x, ys)
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


def by_columns_in_lanes(f: Any, x: Any, ys: Any) -> Any:
    """The Jacobians of the parts `ys` of `f(x)` by an array, as many columns of each in a sweep as there are lanes."""
    jacobians = each(columns_for, (ys,), x)

    def put(columns: Any, k: Any, count: Any, width: Any) -> None:
        each(put_columns_of_lanes, (jacobians, columns), k, count, width)

    columns_in_lanes(f, x, put)
    return each(shaped_by, (jacobians, ys), x)


def columns_in_lanes(f: Any, x: Any, put: Any) -> None:
    """`put` what each sweep gives: the derivatives of the parts of `f(x)` by some elements of an array."""
    sweep_in_lanes(lambda seed: slopes_in_lanes(f, x, seed), x, put)


def sweep_in_lanes(sweep: Any, x: Any, put: Any) -> None:
    """`put(sweep(seed), k, count, width)` for seeds with a unit in each of `count` lanes, from element k of `x` on."""
    n = x.size
    seed = seed_of_lanes(x)
    flat = seed.ravel()
    width = count_of_lanes(seed)
    for k in range(0, n, width):
        count = min(width, n - k)
        put_units_in_lanes(flat, k, count, 1.0)
        put(sweep(seed), k, count, width)
        put_units_in_lanes(flat, k, count, 0.0)


def put_units_in_lanes(seed: Any, k: Any, count: Any, value: float) -> None:
    """Element k of a seed in its first lane, the next one in the second, and so on."""
    for lane in range(count):
        seed[k + lane] = unit_like(seed[k], lane, value)


def put_columns_of_lanes(jacobian: Any, columns: Any, k: Any, count: Any, width: Any) -> None:
    """`count` columns of a Jacobian from k on."""
    if np.ndim(columns) == 0:
        for lane in range(count):
            jacobian[0, k + lane] = lane_of(columns, lane)
    else:
        flat = columns.ravel()
        if count == width:
            for i in range(flat.size):
                numbers = flat[i]
                for lane in range(width):
                    jacobian[i, k + lane] = lane_of(numbers, lane)
        else:
            for i in range(flat.size):
                numbers = flat[i]
                for lane in range(count):
                    jacobian[i, k + lane] = lane_of(numbers, lane)


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
    if fits_lanes(f, x):

        def put(found: Any, k: Any, count: Any, width: Any) -> None:
            for lane in range(count):
                gradient[k + lane] = lane_of(found[0], lane)

        columns_in_lanes(f, x, put)
        return gradient.reshape(x.shape)
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
    if rows_fit_lanes(f, xs, y):
        return by_rows_in_lanes(f, xs, y)
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
    if rows_fit_lanes(f, xs, y):
        return by_rows_in_lanes(f, xs, y)
    jacobians = each(rows_for, (xs,), y)
    seeds = each(cotangent_for, (lanes,), y)
    each(put_unit, (each(raveled, (seeds,)), lanes), 0, y.size, 1.0)
    each(put_rows, (rows_along(f, xs, *seeds), lanes), jacobians, 0, y.size)
    return each(shaped, (jacobians, xs), y)


def by_rows_in_lanes(f: Any, xs: Any, y: Any) -> Any:
    """As `by_rows`, with a row in each lane."""
    jacobians = each(rows_for, (xs,), y)
    none = np.zeros(y.shape, y.dtype)

    def put(rows: Any, k: Any, count: Any, width: Any) -> None:
        each(put_rows_of_lanes, (rows, jacobians), k, count)

    sweep_in_lanes(lambda seed: rows_in_lanes(f, xs, none, seed), none, put)
    return each(shaped, (jacobians, xs), y)


def put_rows_of_lanes(rows: Any, jacobian: Any, k: Any, count: Any) -> None:
    """`count` rows of a Jacobian from k on, of a number or an array."""
    if np.ndim(rows) == 0:
        for lane in range(count):
            jacobian[k + lane, 0] = lane_of(rows, lane)
    else:
        flat = rows.ravel()
        for j in range(flat.size):
            numbers = flat[j]
            for lane in range(count):
                jacobian[k + lane, j] = lane_of(numbers, lane)


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
    if fits_lanes(g, x):

        def put(columns: Any, k: Any, count: Any, width: Any) -> None:
            entries = columns[0].ravel()
            for lane in range(count):
                diagonal[k + lane] = lane_of(entries[k + lane], lane)

        columns_in_lanes(g, x, put)
        return diagonal.reshape(x.shape)
    seed = seed_for(x)
    a = seed.ravel()
    for k in range(n):
        a[k] = 1.0
        (column,) = slope(g, x, seed)
        diagonal[k] = column.ravel()[k]
        a[k] = 0.0
    return diagonal.reshape(x.shape)
