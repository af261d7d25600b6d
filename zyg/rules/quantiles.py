"""Medians, quantiles and percentiles, of all elements or of those that are not nan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zyg.rules.library import library, refuse, rows_of, still
from zyg.rules.ordering import selected


def _rows(a: Any, axis: Any) -> Any:
    """The vectors, or blocks, along one or several axes as rows of a matrix."""
    if axis is None:
        return np.reshape(a, (1, -1))
    if isinstance(axis, tuple):
        count = len(axis)
        last = np.ascontiguousarray(np.moveaxis(a, axis, (-4, -3, -2, -1)[4 - count :]))
        kept = a.ndim - count
        return np.reshape(last, (math.prod(last.shape[:kept]), math.prod(last.shape[kept:])))
    return rows_of(np.moveaxis(a, axis, -1))


def _place(q: Any, n: int, method: str) -> Any:
    """Where, among n sorted elements, a quantile is; methods of Hyndman and Fan (1996) and NumPy's older ones."""
    if method in ("linear", "lower", "higher", "midpoint", "nearest"):
        return q * (n - 1)
    if method == "weibull":
        return min(max(q * (n + 1) - 1.0, 0.0), n - 1.0)
    if method == "hazen":
        return min(max(q * n - 0.5, 0.0), n - 1.0)
    if method == "median_unbiased":
        return min(max(q * (n + 1.0 / 3.0) - 2.0 / 3.0, 0.0), n - 1.0)
    if method == "normal_unbiased":
        return min(max(q * (n + 0.25) - 0.625, 0.0), n - 1.0)
    if method in ("interpolated_inverted_cdf", "averaged_inverted_cdf"):
        return min(max(q * n - 1.0, 0.0), n - 1.0)
    if method == "inverted_cdf":
        return max(np.ceil(still(q) * n - 1.0), 0.0)
    if method == "closest_observation":  # of two as close, the one that is even, counted from 1
        below = np.floor(still(q) * n - 1.5)
        return max(below if still(q) * n - 1.5 == below and below % 2 == 1 else below + 1, 0.0)
    return refuse("this method of np.quantile is not compiled")


def _neighbours(q: Any, n: int, method: str) -> Any:
    """The elements, of n sorted ones, between which a quantile is."""
    below = int(np.floor(still(_place(q, n, method))))
    return below, min(below + 1, n - 1)


def _quantile_of(x: Any, order: Any, n: int, q: Any, method: str) -> Any:
    """The quantile of the first n elements of a vector in their order, between neighbours linearly, or one of them."""
    at = _place(q, n, method)
    below, above = _neighbours(q, n, method)
    part = at - below
    if method in ("lower", "higher", "midpoint"):
        part = 0.0 if method == "lower" or still(at) == below else 1.0 if method == "higher" else 0.5
    if method == "averaged_inverted_cdf":
        part = 0.0 if still(q) * n < 1.0 else 0.5 if still(at) == below else 1.0
    if method == "nearest":
        part = np.round(still(at)) - below
    if x[order[n - 1]] != x[order[n - 1]]:
        below = above = n - 1
    low = x[order[below]]
    return low + (x[order[above]] - low) * part


def _check(a: Any, q: Any) -> None:
    if np.any(still(q) < 0) or np.any(still(q) > 1):
        raise ValueError("Quantiles must be in the range [0, 1]")
    if a.size == 0:
        raise IndexError("index -1 is out of bounds for axis 0 with size 0")


def _count(x: Any, skip: bool) -> Any:
    """How many elements take part: nan come last in the order."""
    return np.sum(~np.isnan(still(x))) if skip else x.shape[0]


def _several(a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip: bool) -> Any:
    rows = _rows(a, axis)
    places = np.ravel(q)
    _check(a, places)
    y = np.empty((places.shape[0], rows.shape[0]), np.result_type(a.dtype, np.float32))
    for i in range(rows.shape[0]):
        x = rows[i]
        n = _count(x, skip)
        sought = np.empty(2 * places.shape[0], np.int64)
        for k in range(places.shape[0]):
            sought[2 * k], sought[2 * k + 1] = _neighbours(places[k], n, method)
        order = selected(x, sought)
        for k in range(places.shape[0]):
            y[k, i] = _quantile_of(x, order, n, places[k], method)
    return np.reshape(y, (*np.shape(q), *_outer(a, axis, keepdims)))


def _outer(a: Any, axis: Any, keepdims: bool) -> Any:
    """The dimensions of a reduction's result."""
    dims = a.shape
    if axis is None:
        return (1, 1, 1, 1, 1, 1, 1, 1)[: a.ndim] if keepdims else ()
    axes = axis if isinstance(axis, tuple) else (axis,)
    kept: Any = ()
    for k in (0, 1, 2, 3, 4, 5, 6, 7)[: a.ndim]:
        gone = k in axes or k - a.ndim in axes
        if keepdims or not gone:
            length = 1 if gone else dims[k]
            kept = (*kept, length)
    return kept


def _one(a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip: bool) -> Any:
    if axis is None and not keepdims:
        _check(a, q)
        flat = np.ravel(a)
        n = _count(flat, skip)
        return _quantile_of(flat, selected(flat, np.array(_neighbours(q, n, method))), n, q, method)
    y = _several(a, np.full(1, q), axis, method, keepdims, skip)
    return y[0]


def _middle(a: Any, axis: Any, keepdims: bool, skip: bool) -> Any:
    """The median: unlike other quantiles, nan where there are no elements."""
    if np.size(a) == 0:
        return np.sum(a, axis=axis, keepdims=keepdims) + np.nan
    return _one(a, 0.5, axis, "linear", keepdims, skip)


def _quantiles(a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip: bool) -> Any:
    if np.ndim(q) > 0:
        return _several(a, q, axis, method, keepdims, skip)
    return _one(a, q, axis, method, keepdims, skip)


@library(np.quantile)
def _quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    return _quantiles(a, q, axis, method, keepdims, False)


@library(np.percentile)
def _percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    return _quantiles(a, q / 100.0, axis, method, keepdims, False)


@library(np.nanquantile)
def _nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    return _quantiles(a, q, axis, method, keepdims, True)


@library(np.nanpercentile)
def _nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    return _quantiles(a, q / 100.0, axis, method, keepdims, True)


@library(np.median)
def _median(a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _middle(a, axis, keepdims, False)


@library(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    return _middle(a, axis, keepdims, True)
