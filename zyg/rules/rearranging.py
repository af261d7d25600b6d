"""Functions that rearrange, repeat, select and leave out elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, rows_of


@library(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    axes = (0, 1, 2, 3, 4, 5, 6, 7)[: m.ndim] if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for k in axes:
        m = np.moveaxis(np.moveaxis(m, k, 0)[::-1], 0, k)
    return m


@library(np.fliplr)
def _fliplr(m: Any) -> Any:
    return m[:, ::-1]


@library(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    first, second = axes
    turns = k % 4
    if turns == 0:
        return m
    if turns == 2:
        return _flip(m, (first, second))
    t = np.swapaxes(m, first, second)
    return _flip(t, first) if turns == 1 else _flip(t, second)


@library(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        flat = np.ravel(a)
        return _rolled(flat, np.sum(np.asarray(shift))).reshape(a.shape)
    if isinstance(axis, tuple):
        for k in (0, 1, 2, 3, 4, 5, 6, 7)[: len(axis)]:
            a = _roll(a, shift[k] if np.ndim(shift) > 0 else shift, axis[k])
        return a
    return np.moveaxis(_rolled(np.moveaxis(a, axis, 0), shift), 0, axis)


def _rolled(a: Any, shift: Any) -> Any:
    n = a.shape[0]
    y = np.empty(a.shape, a.dtype)
    for i in range(n):
        y[(i + shift) % n] = a[i]
    return y


@library(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        return _repeat(np.ravel(a), repeats, 0)
    x = np.moveaxis(a, axis, 0)
    n = x.shape[0]
    if np.ndim(repeats) > 0:
        return np.moveaxis(_repeated_each(x, repeats), 0, axis)
    y = np.empty((n * repeats, *x.shape[1:]), a.dtype)
    for i in range(n):
        for j in range(repeats):
            y[i * repeats + j] = x[i]
    return np.moveaxis(y, 0, axis)


def _repeated_each(x: Any, repeats: Any) -> Any:
    given = len(repeats)
    if given != x.shape[0] and given != 1:
        raise ValueError("operands could not be broadcast together")
    if np.any(repeats < 0):
        raise ValueError("repeats may not contain negative values.")
    total = x.shape[0] * repeats[0] if given == 1 else np.sum(repeats)
    y = np.empty((total, *x.shape[1:]), x.dtype)
    k = 0
    for i in range(x.shape[0]):
        for _ in range(repeats[0 if given == 1 else i]):
            y[k] = x[i]
            k += 1
    return y


@library(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    y = np.empty(new_shape, a.dtype)
    flat = np.ravel(a)
    out = y.reshape(-1)
    if flat.shape[0] == 0:
        return np.zeros(new_shape, a.dtype)
    for i in range(out.shape[0]):
        out[i] = flat[i % flat.shape[0]]
    return y


@library(np.take)
def _take(a: Any, indices: Any, axis: Any = None, out: None = None, mode: str = "raise") -> Any:
    if mode != "raise":
        n = a.size if axis is None else a.shape[axis]
        indices = np.asarray(indices) % n if mode == "wrap" else np.clip(np.asarray(indices), 0, n - 1)
    if axis is None:
        return np.ravel(a)[indices]
    taken = np.moveaxis(a, axis, 0)[indices]
    return np.moveaxis(taken, 0, axis) if np.ndim(indices) == 1 else taken


@library(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return np.ravel(arr)[np.ravel(indices)]
    if arr.ndim != indices.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    x, at = np.moveaxis(arr, axis, -1), np.moveaxis(indices, axis, -1)
    if x.shape[:-1] != at.shape[:-1]:
        others = np.broadcast_shapes(x.shape[:-1], at.shape[:-1])
        x = np.broadcast_to(x, (*others, x.shape[-1]))
        at = np.broadcast_to(at, (*others, at.shape[-1]))
    rows, places = rows_of(x), rows_of(at)
    y = np.empty(places.shape, arr.dtype)
    for i in range(places.shape[0]):
        for j in range(places.shape[1]):
            y[i, j] = rows[i, places[i, j]]
    return np.moveaxis(y.reshape(at.shape), -1, axis)


@library(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    if axis is None:
        return _delete(np.ravel(arr), obj, 0)
    x = np.moveaxis(arr, axis, 0)
    n = x.shape[0]
    if isinstance(obj, slice) or np.ndim(obj) > 0:
        keep = np.ones(n, np.bool_)
        keep[obj] = False
        return np.moveaxis(x[keep], 0, axis)
    at = obj + n if obj < 0 else obj
    if at < 0 or at >= n:
        raise IndexError("index is out of bounds")
    y = np.empty((n - 1, *x.shape[1:]), arr.dtype)
    y[:at] = x[:at]
    y[at:] = x[at + 1 :]
    return np.moveaxis(y, 0, axis)


@library(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return _insert(np.ravel(arr), obj, values, 0)
    x = np.moveaxis(arr, axis, 0)
    n = x.shape[0]
    if np.ndim(obj) > 0 or (x.ndim == 1 and np.ndim(values) > 0):
        count = np.size(obj) if np.ndim(obj) > 0 else np.size(values)
        return np.moveaxis(_inserted(x, np.zeros(count, np.int64) + obj, np.asarray(values)), 0, axis)
    at = obj + n if obj < 0 else obj
    if at < 0 or at > n:
        raise IndexError("index is out of bounds")
    y = np.empty((n + 1, *x.shape[1:]), arr.dtype)
    y[:at] = x[:at]
    y[at] = values
    y[at + 1 :] = x[at:]
    return np.moveaxis(y, 0, axis)


def _inserted(x: Any, places: Any, values: Any) -> Any:
    """Rows inserted in front of several places."""
    n = x.shape[0]
    at = np.where(places < 0, places + n, places)
    order = np.argsort(at)
    new = np.empty(at.shape[0], np.int64)
    for k in range(at.shape[0]):
        if at[order[k]] < 0 or at[order[k]] > n:
            raise IndexError("index is out of bounds")
        new[order[k]] = at[order[k]] + k
    old = np.ones(n + at.shape[0], np.bool_)
    old[new] = False
    y = np.empty((n + at.shape[0], *x.shape[1:]), x.dtype)
    y[old] = x
    y[new] = values
    return y


@library(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.ravel(arr)[np.ravel(condition)]


@library(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb") -> Any:
    first = 0
    last = filt.shape[0]
    if trim in ("f", "fb", "bf"):
        while first < last and filt[first] == 0:
            first += 1
    if trim in ("b", "fb", "bf"):
        while last > first and filt[last - 1] == 0:
            last -= 1
    return filt[first:last]


@library(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


@library(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axis = axis % a.ndim
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)
