"""Discrete Fourier transforms, which NumPy computes, called back: no compiled routine of its can be called.

All are one transform, of complex numbers, between functions written here in Python.  It is linear and its matrix
symmetric, so that its rule is that transform once more; all orders follow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zyg.rules.foreign import FromPython
from zyg.rules.library import library, pullback


def _in_place(a: Any, factor: float, inverse: bool, *axes: int) -> tuple[()]:
    for axis in axes:
        if inverse:
            np.fft.ifft(a, axis=axis, norm="forward", out=a)
        else:
            np.fft.fft(a, axis=axis, out=a)
    if factor != 1.0:
        a *= factor
    return ()


in_place = FromPython(_in_place, "np.fft")


def transform(a: Any, axes: Any, factor: float, inverse: bool) -> Any:
    y = a.astype(np.complex64 if a.dtype == np.float32 or a.dtype == np.complex64 else np.complex128)
    if y.size > 0:
        in_place(y, factor, inverse, *axes)
    return y


@pullback(transform)
def _transform_rule(a: Any, axes: Any, factor: float, inverse: bool) -> Any:
    """Original: y = F a    Adjoint: da = Fᴴ dy, where Fᴴ is the other transform; the real part of it for a real a"""
    y = transform(a, axes, factor, inverse)

    def back(dy: Any) -> Any:
        da = transform(dy, axes, factor, not inverse)
        return da if np.iscomplexobj(a) else np.real(da), None, None, None

    return y, back


def _fitted(a: Any, n: Any, axis: int) -> Any:
    """`a` cut off at `n` numbers along an axis, or filled up with zeros."""
    if n is None:
        return a
    x = np.moveaxis(a, axis, -1)
    y = np.zeros((*x.shape[:-1], n), x.dtype)
    m = min(n, x.shape[-1])
    y[..., :m] = x[..., :m]
    return np.moveaxis(y, -1, axis)


def _factor(n: int, norm: Any, inverse: bool) -> float:
    if n < 1:
        raise ValueError("Invalid number of FFT data points specified.")
    if norm is None or norm == "backward":
        return 1.0 / n if inverse else 1.0
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    if norm == "forward":
        return 1.0 if inverse else 1.0 / n
    raise ValueError("Invalid norm value; should be 'backward', 'ortho' or 'forward'.")


def _along(a: Any, n: Any, axis: int, norm: Any, inverse: bool) -> Any:
    x = _fitted(a, n, axis)
    return transform(x, (axis,), _factor(x.shape[axis], norm, inverse), inverse)


@library(np.fft.fft)
def _fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _along(a, n, axis, norm, False)


@library(np.fft.ifft)
def _ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _along(a, n, axis, norm, True)


# --- of real numbers: half of the spectrum ----------------------------------------------------------------


@library(np.fft.rfft)
def _rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    if np.iscomplexobj(a):
        raise TypeError("ufunc 'rfft_n_even' did not contain a loop with signature matching types")
    y = np.moveaxis(_along(a, n, axis, norm, False), axis, -1)
    return np.moveaxis(y[..., : y.shape[-1] // 2 + 1], -1, axis)


@library(np.fft.irfft)
def _irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    half = np.moveaxis(a, axis, -1)
    count = 2 * (half.shape[-1] - 1) if n is None else n
    whole = _mirrored(_fitted(half, count // 2 + 1, -1), count)
    return np.real(np.moveaxis(_along(whole, None, -1, norm, True), -1, axis))


def _mirrored(half: Any, n: int) -> Any:
    """The `n` numbers of a spectrum that belongs to real numbers."""
    whole = np.zeros((*half.shape[:-1], n), half.dtype)
    k = n // 2 + 1
    whole[..., :k] = half
    whole[..., k:] = np.conj(half[..., n - k : 0 : -1])
    return whole


def _other(norm: Any) -> Any:
    return "forward" if norm is None or norm == "backward" else "backward" if norm == "forward" else norm


@library(np.fft.hfft)
def _hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _irfft(np.conj(a), n, axis, _other(norm))


@library(np.fft.ihfft)
def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return np.conj(_rfft(a, n, axis, _other(norm)))


# --- along several axes -----------------------------------------------------------------------------------


def _axes(a: Any, s: Any, axes: Any) -> Any:
    if axes is not None:
        return axes
    every = (0, 1, 2, 3, 4, 5, 6, 7)[: a.ndim]
    return every if s is None else every[a.ndim - len(s) :]


def _in_turn(a: Any, s: Any, axes: Any, norm: Any, inverse: bool) -> Any:
    """The transform along several axes."""
    if s is not None:
        for k in (0, 1, 2, 3, 4, 5, 6, 7)[: len(axes)]:
            a = _fitted(a, s[k], axes[k])
    count = 1
    for axis in axes:
        count *= a.shape[axis]
    return transform(a, axes, _factor(count, norm, inverse), inverse)


@library(np.fft.fftn)
def _fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return _in_turn(a, s, _axes(a, s, axes), norm, False)


@library(np.fft.ifftn)
def _ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return _in_turn(a, s, _axes(a, s, axes), norm, True)


@library(np.fft.fft2)
def _fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _in_turn(a, s, axes, norm, False)


@library(np.fft.ifft2)
def _ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _in_turn(a, s, axes, norm, True)


@library(np.fft.rfftn)
def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    every = _axes(a, s, axes)
    half = _rfft(a, None if s is None else s[-1], every[-1], norm)
    return half if len(every) == 1 else _in_turn(half, None if s is None else s[:-1], every[:-1], norm, False)


@library(np.fft.irfftn)
def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    every = _axes(a, s, axes)
    if len(every) > 1:
        a = _in_turn(a, None if s is None else s[:-1], every[:-1], norm, True)
    return _irfft(a, None if s is None else s[-1], every[-1], norm)


@library(np.fft.rfft2)
def _rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _rfftn(a, s, axes, norm)


@library(np.fft.irfft2)
def _irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _irfftn(a, s, axes, norm)


# --- the order of frequencies -----------------------------------------------------------------------------


def _turned(x: Any, axes: Any, back: bool) -> Any:
    every = (0, 1, 2, 3, 4, 5, 6, 7)[: x.ndim] if axes is None else axes if isinstance(axes, tuple) else (axes,)
    for k in every:
        first = x.shape[k] // 2 if back else (x.shape[k] + 1) // 2
        y = np.moveaxis(x, k, 0)
        z = np.empty(y.shape, y.dtype)
        z[: y.shape[0] - first], z[y.shape[0] - first :] = y[first:], y[:first]
        x = np.moveaxis(z, 0, k)
    return x


@library(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return _turned(x, axes, False)


@library(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return _turned(x, axes, True)
