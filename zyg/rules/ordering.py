"""Functions that follow the order of elements: sorting, places in an order, interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.foreign import Foreign
from zyg.rules.library import library, rows_of, still

_ORDERS = "zyg.codegen.order_routines"
merged = Foreign("order", "ibbbb", home=_ORDERS, letters="sdib")
parted = Foreign("select", "ibbib", home=_ORDERS, letters="sdib")


def _is_before(a: Any, b: Any) -> Any:
    """NumPy's order: nan comes last."""
    return (a < b) | ((b != b) & (a == a))


def vector_order(values: Any) -> Any:
    """The stable order of a vector's elements."""
    keys = np.array(still(values))
    n = keys.shape[0]
    order = np.empty(n, np.int64)
    merged(n, keys, order, np.empty(n, keys.dtype), np.empty(n, np.int64))
    return order


def selected(values: Any, places: Any) -> Any:
    """An order of a vector's elements that is right at these places: nothing larger before, nothing smaller behind."""
    keys = np.array(still(values))
    order = np.empty(keys.shape[0], np.int64)
    parted(keys.shape[0], keys, order, places.shape[0], np.array(places))
    return order


def _rows(a: Any, axis: Any) -> Any:
    """The vectors along an axis as rows of a matrix."""
    last = np.moveaxis(a, axis, -1)
    return rows_of(last)


def _back(rows: Any, a: Any, axis: Any) -> Any:
    """Rows of another length back where the vectors along an axis were."""
    if a.ndim == 1:
        return rows[0]
    outer = np.moveaxis(a, axis, -1).shape[:-1]
    return np.moveaxis(rows.reshape(outer + rows.shape[1:]), -1, axis)


@library(np.argsort)
def _argsort(a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    if axis is None:
        return vector_order(np.ravel(a))
    rows = _rows(a, axis)
    y = np.empty(rows.shape, np.int64)
    for i in range(rows.shape[0]):
        y[i] = vector_order(rows[i])
    return _back(y, a, axis)


@library(np.sort)
def _sort(a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    if axis is None:
        return _sort(np.ravel(a), -1)
    rows = _rows(a, axis)
    y = np.empty(rows.shape, a.dtype)
    for i in range(rows.shape[0]):
        order = vector_order(rows[i])
        for j in range(rows.shape[1]):
            y[i, j] = rows[i, order[j]]
    return _back(y, a, axis)


@library(np.argpartition)
def _argpartition(a: Any, kth: Any, axis: Any = -1) -> Any:
    if axis is None:
        return _argpartition(np.ravel(a), kth)
    rows = _rows(a, axis)
    n = rows.shape[1]
    places = np.atleast_1d(kth)
    if n == 0:
        return _back(np.empty(rows.shape, np.int64), a, axis)
    if np.any(places < -n) or np.any(places >= n):
        raise ValueError("kth is out of bounds")
    y = np.empty(rows.shape, np.int64)
    for i in range(rows.shape[0]):
        y[i] = selected(rows[i], np.where(places < 0, places + n, places))
    return _back(y, a, axis)


@library(np.partition)
def _partition(a: Any, kth: Any, axis: Any = -1) -> Any:
    if axis is None:
        return _partition(np.ravel(a), kth)
    return np.take_along_axis(a, _argpartition(a, kth, axis), axis)


@library(np.ptp)
def _ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@library(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: str = "left") -> Any:
    places = still(a)
    if np.ndim(v) == 0:
        return _place(places, still(v), side == "right")
    flat = np.ravel(v)
    y = np.empty(flat.shape[0], np.int64)
    for i in range(flat.shape[0]):
        y[i] = _place(places, still(flat[i]), side == "right")
    return y.reshape(v.shape)


def _place(a: Any, x: Any, right: bool) -> Any:
    """Behind which elements of a sorted vector x belongs; by halving without branches, which no one could foresee."""
    low: Any = 0
    left: Any = a.shape[0]
    while left > 0:
        half = (left + 1) // 2
        here = a[low + half - 1]
        behind = not _is_before(x, here) if right else _is_before(here, x)
        low = np.where(behind, low + half, low)
        left = np.where(behind, left - half, half - 1)
    return low


@library(np.digitize)
def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    return _searchsorted(bins, x, "left" if right else "right")


@library(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None) -> Any:
    return np.sum(still(a) != 0, axis=axis)


@library(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    if len(xp) != len(fp):
        raise ValueError("fp and xp are not of the same length.")
    if len(xp) == 0:
        raise ValueError("array of sample points is empty")
    places = still(xp)
    if np.ndim(x) == 0:
        return _interp_one(x, places, xp, fp, left, right)
    flat = np.ravel(x)
    y = np.empty(flat.shape[0])
    for i in range(flat.shape[0]):
        y[i] = _interp_one(flat[i], places, xp, fp, left, right)
    return y.reshape(x.shape)


def _interp_one(x: Any, places: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    n = xp.shape[0]
    first = fp[0] if left is None else left
    last = fp[n - 1] if right is None else right
    at = _place(places, still(x), True) - 1
    y = 0.0 * fp[0]
    if at < 0:
        y = first
    elif at >= n - 1:
        y = fp[n - 1] if x == xp[n - 1] else last
    else:
        y = fp[at] + (fp[at + 1] - fp[at]) * ((x - xp[at]) / (xp[at + 1] - xp[at]))
    return y
