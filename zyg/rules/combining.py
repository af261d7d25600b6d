"""Functions that combine neighbours and vectors: differences, products, convolutions, statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, refuse, still


@library(np.cumprod)
def _cumprod(a: Any, axis: Any = None) -> Any:
    if axis is None:
        flat = np.ravel(a)
        y = np.empty(flat.shape[0], a.dtype)
        for i in range(flat.shape[0]):
            y[i] = flat[i] if i == 0 else y[i - 1] * flat[i]
        return y
    y = np.empty(a.shape, a.dtype)
    x = np.moveaxis(a, axis, 0)
    z = np.moveaxis(y, axis, 0)
    for i in range(x.shape[0]):
        if i == 0:
            z[i] = x[i]
        else:
            z[i] = z[i - 1] * x[i]
    return y


def largest_so_far(a: Any, axis: int = 0) -> Any:
    """`np.maximum.accumulate`."""
    y = np.empty(a.shape, a.dtype)
    x = np.moveaxis(a, axis, 0)
    z = np.moveaxis(y, axis, 0)
    for i in range(x.shape[0]):
        if i == 0:
            z[i] = x[i]
        else:
            z[i] = np.maximum(z[i - 1], x[i])
    return y


def smallest_so_far(a: Any, axis: int = 0) -> Any:
    """`np.minimum.accumulate`."""
    return -largest_so_far(-a, axis)


def log_of_sum(a: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    """`np.logaddexp.reduce`."""
    return _folded(np.logaddexp, -np.inf, a, axis, keepdims)


def log2_of_sum(a: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    """`np.logaddexp2.reduce`."""
    return _folded(np.logaddexp2, -np.inf, a, axis, keepdims)


def root_of_squares(a: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    """`np.hypot.reduce`."""
    return _folded(np.hypot, 0.0, a, axis, keepdims)


def _folded(fn: Any, first: float, a: Any, axis: Any, keepdims: bool) -> Any:
    """The elements along an axis combined one after another; `first` of none."""
    if axis is None:
        if keepdims:
            return refuse("this reduction over all axes with keepdims is not compiled")
        return _folded(fn, first, np.ravel(a), 0, False)
    if isinstance(axis, tuple):
        return refuse("this reduction over several axes is not compiled")
    x = np.moveaxis(a, axis, 0)
    y = np.full(x.shape[1:], first, a.dtype) if a.ndim > 1 else first
    for i in range(x.shape[0]):
        y = fn(y, x[i])
    return np.expand_dims(y, axis) if keepdims else y


@library(np.diff)
def _diff(a: Any, n: int = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    if prepend is not None:
        a = np.concatenate((_slab(prepend, a, axis), a), axis=axis)
    if append is not None:
        a = np.concatenate((a, _slab(append, a, axis)), axis=axis)
    if n == 0:
        return a
    x = np.moveaxis(a, axis, -1)
    y = np.moveaxis(x[..., 1:] - x[..., :-1], -1, axis)
    return y if n == 1 else _diff(y, n - 1, axis)


def _slab(value: Any, a: Any, axis: int) -> Any:
    """What is put before or behind an array: a number as an array of one element along the axis."""
    if np.ndim(value) > 0:
        return value
    return np.moveaxis(np.full((1, *np.moveaxis(a, axis, 0).shape[1:]), value), 0, axis)


@library(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    y = _diff(np.ravel(ary))
    if to_begin is not None:
        y = np.concatenate((np.atleast_1d(to_begin), y))
    if to_end is not None:
        y = np.concatenate((y, np.atleast_1d(to_end)))
    return y


@library(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = (0, 1, 2, 3, 4, 5, 6, 7)[: f.ndim] if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if edge_order != 1:
        return refuse("np.gradient with edge_order other than 1 is not compiled")
    if len(varargs) > 1 and len(varargs) != len(axes):
        raise TypeError("invalid number of arguments")
    found: Any = ()
    for k in (0, 1, 2, 3, 4, 5, 6, 7)[: len(axes)]:
        spacing = 1.0 if len(varargs) == 0 else varargs[0] if len(varargs) == 1 else varargs[k]
        found = (*found, _slopes(f, spacing, axes[k]))
    return found[0] if len(axes) == 1 else found


def _slopes(f: Any, spacing: Any, axis: int) -> Any:
    x = np.moveaxis(f, axis, 0)
    n = x.shape[0]
    if n < 2:
        raise ValueError("Shape of array too small to calculate a numerical gradient")
    y = np.empty(x.shape, np.result_type(f, 1.0))
    if np.ndim(spacing) == 0:
        y[0] = (x[1] - x[0]) / spacing
        y[n - 1] = (x[n - 1] - x[n - 2]) / spacing
        y[1 : n - 1] = (x[2:] - x[: n - 2]) / (2.0 * spacing)
    else:
        h = spacing[1:] - spacing[:-1]
        y[0] = (x[1] - x[0]) / h[0]
        y[n - 1] = (x[n - 1] - x[n - 2]) / h[n - 2]
        for i in range(1, n - 1):
            low, high = h[i - 1], h[i]
            y[i] = ((x[i + 1] - x[i]) / high * low + (x[i] - x[i - 1]) / low * high) / (low + high)
    return np.moveaxis(y, 0, axis)


@library(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    z = np.moveaxis(y, axis, -1)
    means = 0.5 * (z[..., 1:] + z[..., :-1])
    if x is None:
        return np.sum(means * dx, axis=-1)
    if x.ndim == 1:
        return np.sum(means * (x[1:] - x[:-1]), axis=-1)
    w = np.moveaxis(x, axis, -1)
    return np.sum(means * (w[..., 1:] - w[..., :-1]), axis=-1)


@library(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    m, n = a.shape[0], v.shape[0]
    if m == 0 or n == 0:
        raise ValueError("a and v cannot be empty")
    full = np.zeros(m + n - 1, np.result_type(a, v))
    for i in range(n):
        full[i : i + m] += v[i] * a
    if mode == "full":
        return full
    small, large = min(m, n), max(m, n)
    if mode == "same":
        start = (small - 1) // 2
        return full[start : start + large]
    return full[small - 1 : large]


@library(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    if a.shape[0] < v.shape[0]:
        return _convolve(np.conj(v[::-1]), a, mode)
    return _convolve(a, np.conj(v[::-1]), mode)


@library(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError("cross needs vectors of 3 elements along the last axis")
    x = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    y = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    z = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.stack((x, y, z), axis=axisc)


@library(np.kron)
def _kron(a: Any, b: Any) -> Any:
    if a.ndim == 1 and b.ndim == 1:
        return np.ravel(a[:, np.newaxis] * b[np.newaxis, :])
    n = max(a.ndim, b.ndim)
    x = np.reshape(a, (*(1, 1, 1)[: n - a.ndim], *a.shape))
    y = np.reshape(b, (*(1, 1, 1)[: n - b.ndim], *b.shape))
    if n == 2:
        product = x[:, None, :, None] * y[None, :, None, :]
        return product.reshape((x.shape[0] * y.shape[0], x.shape[1] * y.shape[1]))
    if n > 3:
        return refuse("np.kron of more than three dimensions")
    product = x[:, None, :, None, :, None] * y[None, :, None, :, None, :]
    return product.reshape((x.shape[0] * y.shape[0], x.shape[1] * y.shape[1], x.shape[2] * y.shape[2]))


@library(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


@library(np.vander)
def _vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    n = x.shape[0] if N is None else N
    y = np.empty((x.shape[0], n), x.dtype)
    power = np.ones_like(x)
    for j in range(n):
        y[:, j if increasing else n - 1 - j] = power
        power = power * x
    return y


# --- statistics ---------------------------------------------------------------------------------------------


@library(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if returned:
        return refuse("np.average with returned= is not compiled")
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    if weights.ndim == a.ndim or axis is None:
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        return np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    x = np.moveaxis(a, axis, -1)
    return np.sum(x * weights, axis=-1) / np.sum(weights)


@library(np.cov)
def _cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    x = np.atleast_2d(m)
    if not rowvar and m.ndim > 1:
        x = x.T
    if y is not None:
        z = np.atleast_2d(y)
        x = np.concatenate((x, z if rowvar else z.T), axis=0)
    freedom = (0 if bias else 1) if ddof is None else ddof
    d = x - np.mean(x, axis=1, keepdims=True)
    c = (d @ np.conj(d.T)) / (x.shape[1] - freedom)
    return np.squeeze(c)


@library(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    d = np.sqrt(np.diagonal(c))
    return c / d[:, np.newaxis] / d[np.newaxis, :]


def _without_nan(a: Any, value: float) -> Any:
    return np.where(np.isnan(a), np.full_like(a, value), a)


@library(np.nansum)
def _nansum(a: Any, axis: Any = None, dtype: None = None, out: None = None, keepdims: bool = False) -> Any:
    return np.sum(_without_nan(a, 0.0), axis=axis, keepdims=keepdims)


@library(np.nanprod)
def _nanprod(a: Any, axis: Any = None, dtype: None = None, out: None = None, keepdims: bool = False) -> Any:
    return np.prod(_without_nan(a, 1.0), axis=axis, keepdims=keepdims)


@library(np.nancumsum)
def _nancumsum(a: Any, axis: Any = None) -> Any:
    return np.cumsum(_without_nan(a, 0.0), axis)


@library(np.nancumprod)
def _nancumprod(a: Any, axis: Any = None) -> Any:
    return _cumprod(_without_nan(a, 1.0), axis)


def _numbers_in(a: Any, axis: Any, keepdims: bool) -> Any:
    return np.sum(np.where(np.isnan(still(a)), 0.0, 1.0), axis=axis, keepdims=keepdims)


@library(np.nanmean)
def _nanmean(a: Any, axis: Any = None, dtype: None = None, out: None = None, keepdims: bool = False) -> Any:
    return _nansum(a, axis, keepdims=keepdims) / _numbers_in(a, axis, keepdims)


@library(np.nanvar)
def _nanvar(
    a: Any, axis: Any = None, dtype: None = None, out: None = None, ddof: int = 0, keepdims: bool = False
) -> Any:
    center = _nanmean(a, axis, keepdims=True)
    d = _without_nan(a - center, 0.0)
    return np.sum(d * d, axis=axis, keepdims=keepdims) / (_numbers_in(a, axis, keepdims) - ddof)


@library(np.nanstd)
def _nanstd(
    a: Any, axis: Any = None, dtype: None = None, out: None = None, ddof: int = 0, keepdims: bool = False
) -> Any:
    return np.sqrt(_nanvar(a, axis, ddof=ddof, keepdims=keepdims))


@library(np.nanmax)
def _nanmax(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.max(_without_nan(a, -np.inf), axis=axis, keepdims=keepdims)


@library(np.nanmin)
def _nanmin(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.min(_without_nan(a, np.inf), axis=axis, keepdims=keepdims)


# --- ranges -------------------------------------------------------------------------------------------------


def linspaces(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """`np.linspace` between arrays, along a new axis."""
    parts = np.linspace(0.0, 1.0, num, endpoint)
    width = np.asarray(stop) - np.asarray(start)
    at = np.reshape(parts, (num, 1, 1, 1, 1, 1, 1, 1)[: 1 + np.ndim(width)])
    return np.moveaxis(start + at * width, 0, axis)


@library(np.logspace)
def _logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0) -> Any:
    return base ** np.linspace(start, stop, num, endpoint)


@library(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    return start * (stop / start) ** np.linspace(0.0, 1.0, num, endpoint)


@library(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    big = np.finfo(np.asarray(x).dtype if np.ndim(x) else np.float64).max
    high, low = big if posinf is None else posinf, -big if neginf is None else neginf
    y = np.where(np.isnan(x), np.full_like(x, nan), x)
    y = np.where(x == np.inf, np.full_like(x, high), y)
    y = np.where(x == -np.inf, np.full_like(x, low), y)
    if not copy:
        x[...] = y
        return x
    return y


@library(np.unwrap)
def _unwrap(p: Any, discont: None = None, axis: int = -1, *, period: float = 2.0 * np.pi) -> Any:
    x = np.moveaxis(p, axis, 0)
    turns = np.zeros(x.shape)
    for i in range(1, x.shape[0]):
        turns[i] = turns[i - 1] + np.round((still(x[i]) - still(x[i - 1])) / period)
    return np.moveaxis(x - period * turns, 0, axis)


@library(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    n = minlength
    for i in range(x.shape[0]):
        if x[i] < 0:
            raise ValueError("'list' argument must have no negative elements")
        n = max(n, x[i] + 1)
    if weights is None:
        counts = np.zeros(n, np.int64)
        for i in range(x.shape[0]):
            counts[x[i]] += 1
        return counts
    y = np.zeros(n)
    for i in range(x.shape[0]):
        y[x[i]] += weights[i]
    return y


def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """`np.isclose` of arrays."""
    x, y = still(a), still(b)
    near = (np.abs(x - y) <= atol + rtol * np.abs(y)) & np.isfinite(y)
    same = near | (x == y)
    return same | (np.isnan(x) & np.isnan(y)) if equal_nan else same


@library(np.allclose)
def _allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    return np.all(isclose(a, b, rtol, atol, equal_nan))


@library(np.array_equal)
def _array_equal(a1: Any, a2: Any) -> Any:
    if a1.ndim != a2.ndim:
        return False
    if a1.shape != a2.shape:
        return False
    return np.all(still(a1) == still(a2))


@library(np.vecdot, np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    return np.sum(np.conj(x1) * x2, axis=axis)


@library(np.asarray_chkfinite)
def _asarray_chkfinite(a: Any, dtype: None = None, order: None = None) -> Any:
    if not np.all(np.isfinite(still(a))):
        raise ValueError("array must not contain infs or NaNs")
    return a


@library(np.isreal)
def _isreal(x: Any) -> Any:
    return np.imag(still(x)) == 0


@library(np.iscomplex)
def _iscomplex(x: Any) -> Any:
    return np.imag(still(x)) != 0


@library(np.isposinf)
def _isposinf(x: Any) -> Any:
    return still(x) == np.inf


@library(np.isneginf)
def _isneginf(x: Any) -> Any:
    return still(x) == -np.inf


if hasattr(np, "cumulative_sum"):

    @library(np.cumulative_sum)
    def _cumulative_sum(x: Any, *, axis: Any = None) -> Any:
        return np.cumsum(x, 0 if axis is None else axis)
