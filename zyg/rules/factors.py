"""Equations, determinants and Cholesky factors by LAPACK, and their derivatives.

A factorization is computed of values alone (`still`).  What the user gets passes through a function whose value is just
that and whose rule is the closed form of its derivative, in terms of such functions again, so that it has derivatives
of all orders.  The closed forms are those of Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and Murray, "Differentiation of the Cholesky decomposition" (2016).

LAPACK wants matrices column after column: the memory of an array holds, so read, its transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.foreign import Foreign
from zyg.rules.library import pullback, still

getrf = Foreign("getrf", "iibib")
potrf = Foreign("potrf", "cibi")
_EQUATIONS = "zyg.codegen.equation_routines"
triangle = Foreign("triangular", "ccciibb", home=_EQUATIONS)
interchange = Foreign("interchange", "iiibb", home=_EQUATIONS)


def conjugate_transpose(a: Any) -> Any:
    return np.conj(a.T)


def half_lower(a: Any) -> Any:
    """The lower triangle, its diagonal halved."""
    return np.tril(a) - 0.5 * np.eye(a.shape[0], dtype=a.dtype) * a


# --- linear equations ---------------------------------------------------------------------------------------


def lu_of(a: Any) -> Any:
    """LAPACK's factors and pivots of aᵀ, of values alone, and its status: not 0 if a is singular."""
    n = a.shape[0]
    lu = np.array(still(a))
    pivots = np.empty(n // 2 + 1, np.int64)
    status = getrf(n, n, lu, max(n, 1), pivots)
    return lu, pivots, status


def pivot(pivots: Any, i: int) -> Any:
    """Row, counted from 0, with which LAPACK has swapped row i."""
    both = pivots[i // 2]
    return (both & 0xFFFFFFFF if i % 2 == 0 else both >> 32) - 1


def solved(a: Any, b: Any, lu: Any, pivots: Any, transposed: bool) -> Any:
    """The solution x of a x = b, or aᵀ x = b, for matrices."""
    n, columns = b.shape
    x = np.array(b.T)
    if transposed:
        interchange(n, columns, 0, x, pivots)
        triangle("L", "N", "U", n, columns, lu, x)
        triangle("U", "N", "N", n, columns, lu, x)
    else:
        triangle("U", "T", "N", n, columns, lu, x)
        triangle("L", "T", "U", n, columns, lu, x)
        interchange(n, columns, 1, x, pivots)
    return x.T


@pullback(solved)
def _solved_rule(a: Any, b: Any, lu: Any, pivots: Any, transposed: bool) -> Any:
    """Original: x = a⁻¹ b    Adjoint: db = a⁻ᴴ dx; da = -db xᴴ"""
    x = solved(a, b, lu, pivots, transposed)

    def back(dx: Any) -> Any:
        db = np.conj(solved(a, np.conj(dx), lu, pivots, not transposed))
        da = -(np.conj(x) @ db.T) if transposed else -(db @ conjugate_transpose(x))
        return da, db, None, None, None

    return x, back


def determinant(a: Any, value: Any, lu: Any, pivots: Any) -> Any:
    return value


@pullback(determinant)
def _determinant_rule(a: Any, value: Any, lu: Any, pivots: Any) -> Any:
    """Original: y = det a    Adjoint: da = dy adj(a)ᴴ, where adj(a) = det(a) a⁻¹ unless a is singular"""
    y = determinant(a, value, lu, pivots)

    def back(dy: Any) -> Any:
        n = a.shape[0]
        adjugate = np.empty((n, n), a.dtype)
        if value == 0:
            adjugate[:] = _adjugate(a)
        else:
            adjugate[:] = y * solved(a, np.eye(n, dtype=a.dtype), lu, pivots, False)
        return dy * conjugate_transpose(adjugate), None, None, None

    return y, back


def _adjugate(a: Any) -> Any:
    """By Faddeev and LeVerrier: a polynomial of the entries, so that it has derivatives at singular matrices too."""
    n = a.shape[0]
    one = np.eye(n, dtype=a.dtype)
    m = one * 1.0
    for k in range(1, n):
        m = a @ m
        m = np.trace(m) / k * one - m
    return m


def log_determinant(a: Any, sign: Any, log: Any, lu: Any, pivots: Any) -> Any:
    return sign, log


@pullback(log_determinant)
def _log_determinant_rule(a: Any, sign: Any, log: Any, lu: Any, pivots: Any) -> Any:
    """Original: sign exp(log) = det a    Adjoint: da = (dlog + i Im(sign̅ dsign)) a⁻ᴴ"""
    sign, log = log_determinant(a, sign, log, lu, pivots)

    def back(dy: Any) -> Any:
        dsign, dlog = dy
        inverse = solved(a, np.eye(a.shape[0], dtype=a.dtype), lu, pivots, False)
        if np.iscomplexobj(a):
            return (dlog + 1j * np.imag(np.conj(sign) * dsign)) * conjugate_transpose(inverse), None, None, None, None
        return dlog * conjugate_transpose(inverse), None, None, None, None

    return (sign, log), back


def triangular(a: Any, b: Any, lower: bool, transposed: bool, unit: bool) -> Any:
    """The solution x of a x = b, or aᵀ x = b, of which one triangle of a is used; unit: its diagonal is 1."""
    n, columns = b.shape
    x = np.array(b.T)
    t = np.array(a)
    if not unit:
        for i in range(n):
            if a[i, i] == 0:
                raise np.linalg.LinAlgError("singular matrix")
    half, turned, ones = "U" if lower else "L", "N" if transposed else "T", "U" if unit else "N"
    triangle(half, turned, ones, n, columns, t, x)
    return x.T


@pullback(triangular)
def _triangular_rule(a: Any, b: Any, lower: bool, transposed: bool, unit: bool) -> Any:
    """Original: x = a⁻¹ b    Adjoint: db = a⁻ᴴ dx; da = -tri(db xᴴ)"""
    x = triangular(a, b, lower, transposed, unit)

    def back(dx: Any) -> Any:
        db = np.conj(triangular(a, np.conj(dx), lower, not transposed, unit))
        full = -(np.conj(x) @ db.T) if transposed else -(db @ conjugate_transpose(x))
        strict = 1 if unit else 0
        da = np.tril(full, -strict) if lower else np.triu(full, strict)
        return da, db, None, None, None

    return x, back


# --- Cholesky -----------------------------------------------------------------------------------------------


def cholesky_of(a: Any) -> Any:
    """The lower Cholesky factor of values alone, of which the lower triangle is used."""
    n = a.shape[0]
    factor = np.array(still(a))
    status = potrf("U", n, factor, max(n, 1))
    if status > 0:
        raise np.linalg.LinAlgError("Matrix is not positive definite")
    return np.tril(factor)


def cholesky(a: Any, value: Any) -> Any:
    return value


@pullback(cholesky)
def _cholesky_rule(a: Any, value: Any) -> Any:
    """Original: a = l lᴴ    Adjoint: s = l⁻ᴴ Φ(lᴴ dl) l⁻¹; da = Φ(s + sᴴ), Φ the lower triangle, its diagonal halved"""
    l = cholesky(a, value)  # noqa: E741

    def back(dl: Any) -> Any:
        p = half_lower(conjugate_transpose(l) @ dl)
        t = np.conj(triangular(l, np.conj(p), True, True, False))
        s = np.conj(triangular(l, t.T, True, True, False))
        return half_lower(s + conjugate_transpose(s)), None

    return l, back
