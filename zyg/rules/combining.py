"""Functions that combine neighbours and vectors: differences, products, convolutions, statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, still


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


@library(np.diff)
def _diff(a: Any, n: int = 1, axis: Any = -1) -> Any:
    if n == 0:
        return a
    x = np.moveaxis(a, axis, -1)
    y = np.moveaxis(x[..., 1:] - x[..., :-1], -1, axis)
    return y if n == 1 else _diff(y, n - 1, axis)


@library(np.ediff1d)
def _ediff1d(ary: Any) -> Any:
    return _diff(np.ravel(ary))


@library(np.gradient)
def _gradient(f: Any, spacing: Any = 1.0, axis: Any = None) -> Any:
    if axis is None:
        if f.ndim > 1:
            raise ValueError("gradient of several dimensions needs an axis")
        return _gradient(f, spacing, 0)
    x = np.moveaxis(f, axis, 0)
    n = x.shape[0]
    if n < 2:
        raise ValueError("Shape of array too small to calculate a numerical gradient")
    y = np.empty(x.shape, np.result_type(f, 1.0))
    y[0] = (x[1] - x[0]) / spacing
    y[n - 1] = (x[n - 1] - x[n - 2]) / spacing
    y[1 : n - 1] = (x[2:] - x[: n - 2]) / (2.0 * spacing)
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
def _cross(a: Any, b: Any) -> Any:
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError("cross needs vectors of 3 elements along the last axis")
    x = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    y = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    z = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.stack((x, y, z), axis=-1)


@library(np.kron)
def _kron(a: Any, b: Any) -> Any:
    if a.ndim == 1 and b.ndim == 1:
        return np.ravel(a[:, np.newaxis] * b[np.newaxis, :])
    x, y = np.atleast_2d(a), np.atleast_2d(b)
    product = x[:, np.newaxis, :, np.newaxis] * y[np.newaxis, :, np.newaxis, :]
    return product.reshape((x.shape[0] * y.shape[0], x.shape[1] * y.shape[1]))


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
def _average(a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Any:
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
    return c[0, 0] if m.ndim == 1 and y is None else c


@library(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = np.atleast_2d(_cov(x, y, rowvar))
    d = np.sqrt(np.diagonal(c))
    return c / d[:, np.newaxis] / d[np.newaxis, :]


def _without_nan(a: Any, value: float) -> Any:
    return np.where(np.isnan(a), np.full_like(a, value), a)


@library(np.nansum)
def _nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(_without_nan(a, 0.0), axis=axis, keepdims=keepdims)


@library(np.nanprod)
def _nanprod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
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
def _nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _nansum(a, axis, keepdims) / _numbers_in(a, axis, keepdims)


@library(np.nanvar)
def _nanvar(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    center = _nanmean(a, axis, True)
    d = _without_nan(a - center, 0.0)
    return np.sum(d * d, axis=axis, keepdims=keepdims) / (_numbers_in(a, axis, keepdims) - ddof)


@library(np.nanstd)
def _nanstd(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_nanvar(a, axis, ddof, keepdims))


@library(np.nanmax)
def _nanmax(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(_without_nan(a, -np.inf), axis=axis, keepdims=keepdims)


@library(np.nanmin)
def _nanmin(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(_without_nan(a, np.inf), axis=axis, keepdims=keepdims)


# --- polynomials --------------------------------------------------------------------------------------------


@library(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    y = x * 0.0
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


@library(np.polynomial.polynomial.polyval)
def _polyval_ascending(x: Any, c: Any) -> Any:
    return _polyval(c[::-1], x)


@library(np.polynomial.polynomial.polymul)
def _polymul(c1: Any, c2: Any) -> Any:
    return _convolve(c1, c2)


@library(np.polynomial.polynomial.polyadd)
def _polyadd(c1: Any, c2: Any) -> Any:
    y = np.zeros(max(c1.shape[0], c2.shape[0]), np.result_type(c1, c2))
    y[: c1.shape[0]] += c1
    y[: c2.shape[0]] += c2
    return y


@library(np.polynomial.polynomial.polysub)
def _polysub(c1: Any, c2: Any) -> Any:
    return _polyadd(c1, -c2)


@library(np.polynomial.polynomial.polyint)
def _polyint(c: Any) -> Any:
    y = np.zeros(c.shape[0] + 1, np.result_type(c, 1.0))
    y[1:] = c / np.arange(1, c.shape[0] + 1)
    return y


# --- ranges -------------------------------------------------------------------------------------------------


@library(np.logspace)
def _logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0) -> Any:
    return base ** np.linspace(start, stop, num, endpoint)


@library(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    return start * (stop / start) ** np.linspace(0.0, 1.0, num, endpoint)


@library(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0) -> Any:
    big = np.finfo(x.dtype).max
    y = np.where(np.isnan(x), np.full_like(x, nan), x)
    y = np.where(y == np.inf, np.full_like(x, big), y)
    return np.where(y == -np.inf, np.full_like(x, -big), y)


@library(np.unwrap)
def _unwrap(p: Any) -> Any:
    y = np.array(p)
    for i in range(1, p.shape[0]):
        turns = np.round((still(p[i]) - still(y[i - 1])) / (2.0 * np.pi))
        y[i] = p[i] - 2.0 * np.pi * turns
    return y


@library(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    n = minlength
    for i in range(x.shape[0]):
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
def _allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08) -> Any:
    return np.all(isclose(a, b, rtol, atol))


@library(np.array_equal)
def _array_equal(a1: Any, a2: Any) -> Any:
    if a1.ndim != a2.ndim:
        return False
    if a1.shape != a2.shape:
        return False
    return np.all(still(a1) == still(a2))
