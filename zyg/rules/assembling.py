"""Arrays put together of others, or by functions that are given: blocks, choices, pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, refuse
from zyg.rules.ordering import vector_order


def first(n: int) -> Any:
    """The numbers below n, each known when compiling."""
    if n > 16:
        return refuse("more than 16 arrays or functions are not compiled here")
    return (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)[:n]


@library(np.block, lists=True)
def _block(arrays: Any) -> Any:
    depth = _depth(arrays)
    return _joined(arrays, max(depth, _ndim(arrays)), depth)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _ndim(arrays: Any) -> int:
    if not isinstance(arrays, list):
        return np.ndim(arrays)
    most = 0
    for k in first(len(arrays)):
        most = max(most, _ndim(arrays[k]))
    return most


def _joined(arrays: Any, ndim: int, depth: int) -> Any:
    if not isinstance(arrays, list):
        return _with_axes(arrays, ndim - np.ndim(arrays))
    found: Any = ()
    for k in first(len(arrays)):
        found = (*found, _joined(arrays[k], ndim, depth - 1))
    return np.concatenate(found, axis=-depth)


def _with_axes(a: Any, more: int) -> Any:
    """`a`, with axes of 1 in front."""
    if np.ndim(a) == 0:
        return _with_axes(np.full(1, a), more - 1)
    for _ in first(more):
        a = a[np.newaxis]
    return a


@library(np.choose, lists=True)
def _choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    n = len(choices)
    a = np.asarray(a)
    if mode == "wrap":
        a = a % n
    elif mode == "clip":
        a = np.clip(a, 0, n - 1)
    elif np.any(np.logical_or(a < 0, a >= n)):
        raise ValueError("invalid entry in choice array")
    if isinstance(choices, (list, tuple)):
        found = np.where(a == 0, choices[0], choices[0] * 0)
        for k in first(n)[1:]:
            found = np.where(a == k, choices[k], found)
        return found
    picked = np.zeros(np.broadcast_shapes(a.shape, choices.shape[1:]), choices.dtype)
    for k in range(n):
        picked = np.where(a == k, choices[k], picked)
    return picked


@library(np.piecewise, lists=True)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
    if not isinstance(condlist, (list, tuple)):
        if np.ndim(condlist) > 1:
            refuse(
                "np.piecewise with an array of several dimensions as conditions, which are its rows, is not compiled"
            )
        condlist = [condlist]
    n = len(condlist)
    if len(funclist) not in (n, n + 1):
        raise ValueError("with {n} condition(s), either {n} or {n + 1} functions are expected")
    y = np.zeros_like(x)
    rest = np.ones(x.shape, np.bool_)
    for k in first(n):
        rest = np.logical_and(rest, np.logical_not(condlist[k]))
    if len(funclist) == n + 1:
        _fill(y, x, rest, funclist[n], args)
    for k in first(n):
        _fill(y, x, condlist[k], funclist[k], args)
    return y


def _fill(y: Any, x: Any, chosen: Any, value: Any, args: Any) -> None:
    if isinstance(value, (int, float, complex)):
        y[chosen] = value
    else:
        y[chosen] = value(x[chosen], *args)


@library(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any) -> Any:
    x = np.moveaxis(arr, axis, -1)
    outer = x.shape[:-1]
    rows = x.reshape(-1, x.shape[-1])
    if rows.shape[0] == 0:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    one = func1d(rows[0], *args)
    y = np.empty((rows.shape[0], *np.shape(one)), np.result_type(one))
    y[0] = one
    for i in range(1, rows.shape[0]):
        y[i] = func1d(rows[i], *args)
    if y.ndim == 1:
        return y.reshape(outer)
    if y.ndim == 2:
        return np.moveaxis(y.reshape((*outer, y.shape[1])), -1, axis)
    return refuse("np.apply_along_axis of a function that gives arrays of several dimensions is not compiled")


@library(np.vectorize)
def _vectorize(pyfunc: Any, otypes: None = None, doc: None = None, excluded: None = None, cache: bool = False) -> Any:
    return lambda *args: vectorized(pyfunc, *args)


def vectorized(pyfunc: Any, *args: Any) -> Any:
    """`pyfunc` of each element."""
    if len(args) == 0:
        return refuse("a vectorized function without arguments is not compiled")
    given = np.broadcast_arrays(*args)
    shape = given[0].shape
    count = given[0].size
    if count == 0:
        raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    if len(args) == 1:
        a = given[0].ravel()
        one = pyfunc(a[0])
        y = np.empty(count, np.result_type(one))
        y[0] = one
        for i in range(1, count):
            y[i] = pyfunc(a[i])
        return y.reshape(shape)
    if len(args) == 2:
        a, b = given[0].ravel(), given[1].ravel()
        one = pyfunc(a[0], b[0])
        y = np.empty(count, np.result_type(one))
        y[0] = one
        for i in range(1, count):
            y[i] = pyfunc(a[i], b[i])
        return y.reshape(shape)
    if len(args) == 3:
        a, b, c = given[0].ravel(), given[1].ravel(), given[2].ravel()
        one = pyfunc(a[0], b[0], c[0])
        y = np.empty(count, np.result_type(one))
        y[0] = one
        for i in range(1, count):
            y[i] = pyfunc(a[i], b[i], c[i])
        return y.reshape(shape)
    return refuse("a vectorized function of more than three arguments is not compiled")


@library(np.fromfunction)
def _fromfunction(function: Any, shape: Any, dtype: Any = float, like: None = None) -> Any:
    return function(*np.indices(shape).astype(dtype))


@library(np.lexsort, lists=True)
def _lexsort(keys: Any, axis: int = -1) -> Any:
    n = len(keys)
    order = vector_order(np.asarray(keys[0]))
    if np.ndim(keys[0]) != 1:
        return refuse("np.lexsort by other keys than vectors is not compiled")
    if isinstance(keys, (list, tuple)):
        for k in first(n)[1:]:
            order = order[vector_order(np.asarray(keys[k])[order])]
    else:
        for k in range(1, n):
            order = order[vector_order(keys[k][order])]
    return order


@library(np.polyfit)
def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: None = None, w: Any = None, cov: None = None) -> Any:
    x = np.asarray(x) + 0.0
    left, right = np.vander(x, deg + 1), np.asarray(y) + 0.0
    if x.shape[0] != right.shape[0]:
        raise TypeError("expected x and y to have same length")
    if w is not None:
        left = left * w[:, np.newaxis]
        right = right * (w[:, np.newaxis] if right.ndim == 2 else w)
    scale = np.sqrt(np.sum(left * left, axis=0))
    limit = len(x) * 2.220446049250313e-16 if rcond is None else rcond
    found = np.linalg.pinv(left / scale, limit) @ right
    return found / (scale[:, np.newaxis] if right.ndim == 2 else scale)


def open_grid(*steps: Any) -> Any:
    """`np.ogrid`, of the numbers along each axis."""
    found: Any = ()
    n = len(steps)
    for k in first(n):
        found = (*found, _with_axes_behind(_with_axes(steps[k], k), n - 1 - k))
    return found


def _with_axes_behind(a: Any, more: int) -> Any:
    for _ in first(more):
        a = a[..., np.newaxis]
    return a


def whole_grid(*steps: Any) -> Any:
    """`np.mgrid`."""
    return np.stack(np.meshgrid(*steps, indexing="ij"))


def rows(*parts: Any) -> Any:
    """`np.r_`."""
    found: Any = ()
    for k in first(len(parts)):
        found = (*found, np.atleast_1d(parts[k]))
    return np.concatenate(found)


def columns(*parts: Any) -> Any:
    """`np.c_`."""
    found: Any = ()
    for k in first(len(parts)):
        found = (*found, _column(np.atleast_1d(parts[k])))
    return np.concatenate(found, axis=-1)


def _column(a: Any) -> Any:
    return a[:, np.newaxis] if np.ndim(a) == 1 else a
