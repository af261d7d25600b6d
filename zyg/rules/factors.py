"""Factorizations of matrices by LAPACK, and their derivatives.

A factorization is computed of values alone (`still`).  What the user gets passes through a function whose value is just
that and whose rule is the closed form of its derivative, in terms of such functions again, so that it has derivatives
of all orders.  The closed forms are those of Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), Murray, "Differentiation of the Cholesky decomposition" (2016), Walter and
Lehmann, "Algorithmic differentiation of linear algebra functions" (2010), Townsend, "Differentiating the singular value
decomposition" (2016), Boeddeker et al., "On the computation of complex-valued gradients" (2017), and Golub and
Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973).

LAPACK wants matrices column after column: the memory of an array holds, so read, its transpose.  Its `getrs`, `laswp`
and `trtrs` are not used: OpenBLAS gives the smallest of matrices to several threads there, which takes long if others
wait for the processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.foreign import Foreign
from zyg.rules.library import pullback, still

getrf = Foreign("getrf", "iibib")
potrf = Foreign("potrf", "cibi")
trsm = Foreign("trsm", "cccciixbibi", home="blas")
interchange = Foreign("interchange", "iiibb", home="zyg.codegen.pivot_routines")
geqrf = Foreign("geqrf", "iibibbi")
orgqr = Foreign("orgqr", "iiibibbi", "ungqr")
syevd = Foreign("syevd", "ccibibbibi")
heevd = Foreign("", "ccibibbibibi", "heevd")
gesdd = Foreign("gesdd", "ciibibbibibib")
gesdd_complex = Foreign("", "ciibibbibibibb", "gesdd")
geev = Foreign("geev", "ccibibbbibibi")
geev_complex = Foreign("", "ccibibbibibib", "geev")


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
        trsm("L", "L", "N", "U", n, columns, 1, lu, max(n, 1), x, max(n, 1))
        trsm("L", "U", "N", "N", n, columns, 1, lu, max(n, 1), x, max(n, 1))
    else:
        trsm("L", "U", "T", "N", n, columns, 1, lu, max(n, 1), x, max(n, 1))
        trsm("L", "L", "T", "U", n, columns, 1, lu, max(n, 1), x, max(n, 1))
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
    trsm("L", half, turned, ones, n, columns, 1, t, max(n, 1), x, max(n, 1))
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


# --- eigenvalues --------------------------------------------------------------------------------------------


def eigh_of(a: Any) -> Any:
    """Eigenvalues and eigenvectors of values alone, of which the lower triangle is used."""
    n = a.shape[0]
    v = np.array(still(a).T)
    kind = np.real(v[:0, :0]).dtype
    w = np.empty(n, kind)
    integers = np.empty(3 + 5 * n, np.int64)
    if v.dtype == kind:
        size = 1 + 6 * n + 2 * n * n
        status = syevd("V", "L", n, v, max(n, 1), w, np.empty(size, kind), size, integers, 3 + 5 * n)
    else:
        size = 1 + 5 * n + 2 * n * n
        work = 2 * n + n * n + 1
        status = heevd(
            *("V", "L", n, v, max(n, 1), w, np.empty(work, v.dtype), work),
            *(np.empty(size, kind), size, integers, 3 + 5 * n),
        )
    if status != 0:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")
    return w, np.array(v.T)


def differences(w: Any) -> Any:
    """1 / (wⱼ - wᵢ), and 0 where that has no value."""
    d = w[np.newaxis, :] - w[:, np.newaxis]
    some = d != 0
    return np.where(some, 1.0, 0.0) / np.where(some, d, 1.0)


def eigh(a: Any, w: Any, v: Any) -> Any:
    return w, v


@pullback(eigh)
def _eigh_rule(a: Any, w: Any, v: Any) -> Any:
    """Original: a v = v diag(w)    Adjoint: s = v (diag(dw) + F∘(vᴴ dv)) vᴴ; da = Φ(s + sᴴ), Fᵢⱼ = 1 / (wⱼ - wᵢ)"""
    w, v = eigh(a, w, v)

    def back(dy: Any) -> Any:
        dw, dv = dy
        inner = differences(w) * (conjugate_transpose(v) @ dv) + np.diag(dw)
        s = v @ inner @ conjugate_transpose(v)
        return half_lower(s + conjugate_transpose(s)), None, None

    return (w, v), back


def eigenvalues(a: Any, w: Any, v: Any) -> Any:
    return w


@pullback(eigenvalues)
def _eigenvalues_rule(a: Any, w: Any, v: Any) -> Any:
    """Original: a v = v diag(w)    Adjoint: s = v diag(dw) vᴴ; da = Φ(s + sᴴ)"""
    w, v = eigh(a, w, v)

    def back(dw: Any) -> Any:
        s = (v * dw) @ conjugate_transpose(v)
        return half_lower(s + conjugate_transpose(s)), None, None

    return w, back


def eig_of(a: Any) -> Any:
    """Eigenvalues and right eigenvectors of values alone; of real matrices real ones."""
    n = a.shape[0]
    t = np.array(still(a).T)
    kind = np.real(t[:0, :0]).dtype
    v = np.empty((n, n), t.dtype)
    w = np.empty(n, t.dtype)
    unused = np.empty(1, t.dtype)
    size = 34 * n + 1
    work = np.empty(size, t.dtype)
    if t.dtype == kind:
        imaginary = np.empty(n, kind)
        status = geev("N", "V", n, t, max(n, 1), w, imaginary, unused, 1, v, max(n, 1), work, size)
        if np.any(imaginary != 0):
            raise ValueError("complex eigenvalues of a real matrix: pass a complex one")
    else:
        status = geev_complex("N", "V", n, t, max(n, 1), w, unused, 1, v, max(n, 1), work, size, np.empty(2 * n, kind))
    if status != 0:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")
    return w, np.array(v.T)


def eig(a: Any, w: Any, v: Any) -> Any:
    return w, v


@pullback(eig)
def _eig_rule(a: Any, w: Any, v: Any) -> Any:
    """Original: a v = v diag(w)    Adjoint: da = v⁻ᴴ (diag(dw) + F̅∘(vᴴ dv - vᴴv Re diag(vᴴ dv))) vᴴ"""
    w, v = eig(a, w, v)

    def back(dy: Any) -> Any:
        dw, dv = dy
        h = conjugate_transpose(v)
        inner = h @ dv
        inner = inner - (h @ v) * np.real(np.diagonal(inner))[np.newaxis, :]
        middle = np.conj(differences(w)) * inner + np.diag(dw)
        lu, pivots, _ = lu_of(h)
        return solved(h, middle @ h, lu, pivots, False), None, None

    return (w, v), back


# --- orthogonal factors -------------------------------------------------------------------------------------


def qr_of(a: Any) -> Any:
    """The reduced QR factors of values alone, of no more columns than rows."""
    m, n = a.shape
    q = np.array(still(a).T)
    tau = np.empty(n, q.dtype)
    size = 32 * max(m, 1)
    work = np.empty(size, q.dtype)
    geqrf(m, n, q, max(m, 1), tau, work, size)
    r = np.zeros((n, n), q.dtype)
    for i in range(n):
        for j in range(i, n):
            r[i, j] = q[j, i]
    orgqr(m, n, n, q, max(m, 1), tau, work, size)
    return np.array(q.T), r


def qr(a: Any, q: Any, r: Any) -> Any:
    return q, r


@pullback(qr)
def _qr_rule(a: Any, q: Any, r: Any) -> Any:
    """Original: a = q r    Adjoint: da = (dq + q c(r drᴴ - dqᴴ q)) r⁻ᴴ, c(m) = tril(m) + tril(m, -1)ᴴ"""
    q, r = qr(a, q, r)

    def back(dy: Any) -> Any:
        dq, dr = dy
        middle = r @ conjugate_transpose(dr) - conjugate_transpose(dq) @ q
        middle = np.tril(middle) + conjugate_transpose(np.tril(middle, -1))
        right = dq + q @ middle
        return conjugate_transpose(triangular(r, conjugate_transpose(right), False, False, False)), None, None

    return (q, r), back


def svd_of(a: Any, whole: bool) -> Any:
    """Singular vectors and values of values alone; whole: all of the former."""
    m, n = a.shape
    k = min(m, n)
    t = np.array(still(a))
    kind = np.real(t[:0, :0]).dtype
    rows, columns = (m, n) if whole else (k, k)
    s = np.empty(k, kind)
    u = np.empty((m, rows), t.dtype)
    v = np.empty((columns, n), t.dtype)
    size = 5 * k * k + 7 * max(m, n) + 65 * (m + n) + 9 * k + 1
    integers = np.empty(4 * k + 1, np.int64)
    jobs = "A" if whole else "S"
    work = np.empty(size, t.dtype)
    if t.dtype == kind:
        status = gesdd(jobs, n, m, t, max(n, 1), s, v, max(n, 1), u, max(rows, 1), work, size, integers)
    else:
        reals = np.empty(5 * k * k + 7 * k + 2 * max(m, n) * k + 2 * k * k + k + 1, kind)
        status = gesdd_complex(
            *(jobs, n, m, t, max(n, 1), s, v, max(n, 1), u, max(rows, 1), work, size),
            *(reals, integers),
        )
    if status != 0:
        raise np.linalg.LinAlgError("SVD did not converge")
    return u, s, v


def svd(a: Any, u: Any, s: Any, v: Any) -> Any:
    return u, s, v


@pullback(svd)
def _svd_rule(a: Any, u: Any, s: Any, v: Any) -> Any:
    """Original: a = u diag(s) v, uᴴu = v vᴴ = 1
    Adjoint: da = u (E∘skew(uᴴ du) s + s E∘skew(v dvᴴ) + diag(ds)) v + (1 - uuᴴ) du s⁻¹ v + u s⁻¹ dv (1 - vᴴv),
    Eᵢⱼ = 1 / (sⱼ² - sᵢ²), skew(m) = m - mᴴ
    """
    u, s, v = svd(a, u, s, v)

    def back(dy: Any) -> Any:
        du, ds, dv = dy
        gaps = differences(s * s)
        some = s != 0
        inverse = np.where(some, 1.0, 0.0) / np.where(some, s, 1.0)
        left = conjugate_transpose(u) @ du
        right = v @ conjugate_transpose(dv)
        middle = (
            (gaps * (left - conjugate_transpose(left))) * s[np.newaxis, :]
            + s[:, np.newaxis] * (gaps * (right - conjugate_transpose(right)))
            + np.diag(ds)
        )
        turn = 0.5 * (np.diagonal(left) - np.conj(np.diagonal(left))) * inverse
        outside = (du - u @ left) * inverse[np.newaxis, :]
        below = inverse[:, np.newaxis] * (dv - conjugate_transpose(right) @ v)
        return (u @ (middle + np.diag(turn)) + outside) @ v + u @ below, None, None, None

    return (u, s, v), back


def singular_values(a: Any, u: Any, s: Any, v: Any) -> Any:
    return s


@pullback(singular_values)
def _singular_values_rule(a: Any, u: Any, s: Any, v: Any) -> Any:
    """Original: a = u diag(s) v    Adjoint: da = u diag(ds) v"""
    u, s, v = svd(a, u, s, v)

    def back(ds: Any) -> Any:
        return (u * ds) @ v, None, None, None

    return s, back


def pinv(a: Any, value: Any) -> Any:
    return value


@pullback(pinv)
def _pinv_rule(a: Any, value: Any) -> Any:
    """Original: p = a⁺    Adjoint: da = -pᴴ dp pᴴ + (1 - a p) dpᴴ p pᴴ + pᴴ p dpᴴ (1 - p a), at constant rank"""
    p = pinv(a, value)

    def back(dp: Any) -> Any:
        h = conjugate_transpose(p)
        g = conjugate_transpose(dp)
        one = g @ p @ h
        two = h @ p @ g
        return -(h @ dp @ h) + one - a @ (p @ one) + two - (two @ p) @ a, None

    return p, back
