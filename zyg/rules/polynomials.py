"""Polynomials by their coefficients: ascending as in `np.polynomial.polynomial`, descending for older functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, still


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
    return np.convolve(c1, c2)


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
def _polyint(c: Any, m: int = 1) -> Any:
    y = c * 1.0
    for _ in range(m):
        z = np.zeros(y.shape[0] + 1, y.dtype)
        z[1:] = y / np.arange(1, y.shape[0] + 1)
        y = z
    return y


@library(np.polynomial.polynomial.polyder)
def _polyder(c: Any, m: int = 1) -> Any:
    y = c * 1.0
    for _ in range(m):
        n = y.shape[0]
        z = np.zeros(max(n - 1, 1), y.dtype)
        z[: n - 1] = y[1:] * np.arange(1, n)
        y = z
    return y


@library(np.polynomial.polyutils.trimseq)
def _trimseq(seq: Any) -> Any:
    n = seq.shape[0]
    while n > 1 and seq[n - 1] == 0:
        n -= 1
    return seq[:n]


@library(np.polynomial.polynomial.polydiv)
def _polydiv(c1: Any, c2: Any) -> Any:
    """Quotient and remainder."""
    a, b = _trimseq(c1), _trimseq(c2)
    m, n = a.shape[0], b.shape[0]
    if still(b[n - 1]) == 0:
        raise ZeroDivisionError
    rest = np.array(a) * 1.0
    quotient = np.zeros(max(m - n + 1, 1), rest.dtype)
    for i in range(m - n, -1, -1):
        factor = rest[i + n - 1] / b[n - 1]
        quotient[i] = factor
        rest[i : i + n - 1] -= factor * b[: n - 1]
    return quotient, _trimseq(rest[: max(min(n - 1, m), 1)] * (1.0 if n > 1 else 0.0))


@library(np.roots)
def _roots(p: Any) -> Any:
    """The eigenvalues of the companion matrix; of real coefficients real ones."""
    first, last = 0, p.shape[0]
    while first < last and still(p[first]) == 0:
        first += 1
    while last > first and still(p[last - 1]) == 0:
        last -= 1
    n = max(last - first - 1, 0)
    y = np.zeros(max(p.shape[0] - first - 1, 0), np.result_type(p, 1.0))
    if n > 0:
        q = p[first:last] * 1.0
        companion = np.zeros((n, n), q.dtype)
        companion[0] = -q[1:] / q[0]
        for i in range(1, n):
            companion[i, i - 1] = 1.0
        y[:n] = np.linalg.eigvals(companion)
    return y
