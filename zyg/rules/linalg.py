"""`np.linalg`: shapes, types and stacks of matrices; what is computed is in `factors` and `decompositions`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg._linalg import EighResult, EigResult, QRResult, SlogdetResult, SVDResult

from zyg.rules.decompositions import (
    eig,
    eig_of,
    eigenvalues,
    eigh,
    eigh_of,
    pinv,
    qr,
    qr_of,
    singular_values,
    svd,
    svd_of,
)
from zyg.rules.factors import (
    cholesky,
    cholesky_of,
    conjugate_transpose,
    determinant,
    log_determinant,
    lu_of,
    pivot,
    solved,
)
from zyg.rules.library import library, refuse, rows_of, square, stack_of, still


def _numbers(a: Any) -> Any:
    """Ints as floats."""
    if a.dtype == np.int64 or a.dtype == np.bool_:
        return a.astype(np.float64)
    return a


@library(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return _solve(a, b[:, np.newaxis])[..., 0]
    a = square(a)
    if a.shape[-1] != b.shape[-2]:
        raise ValueError("solve: the dimensions of the operands do not fit")
    kind = np.result_type(_numbers(a), _numbers(b))
    if a.ndim == 2 and b.ndim == 2:
        return _solve_one(a.astype(kind), b.astype(kind))
    return _each_of_two(_solve_one, a.astype(kind), b.astype(kind), b.shape[-2:])


def _solve_one(a: Any, b: Any) -> Any:
    lu, pivots, status = lu_of(a)
    if status > 0:
        raise np.linalg.LinAlgError("Singular matrix")
    return solved(a, b, lu, pivots, False)


def _each_of_two(f: Any, a: Any, b: Any, shape: Any) -> Any:
    """f of every pair of matrices in two stacks."""
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    one = stack_of(np.broadcast_to(a, outer + a.shape[-2:]))
    two = stack_of(np.broadcast_to(b, outer + b.shape[-2:]))
    y = np.empty((one.shape[0], *shape), a.dtype)
    for i in range(one.shape[0]):
        y[i] = f(one[i], two[i])
    return y.reshape((*outer, *shape))


def _matvec(x1: Any, x2: Any) -> Any:
    return np.matmul(x1, x2[..., np.newaxis])[..., 0]


def _vecmat(x1: Any, x2: Any) -> Any:
    return np.matmul(np.conj(x1)[..., np.newaxis, :], x2)[..., 0, :]


if hasattr(np, "matvec"):  # since NumPy 2.2
    library(np.matvec)(_matvec)
    library(np.vecmat)(_vecmat)


@library(np.linalg.inv)
def _inv(a: Any) -> Any:
    a = square(_numbers(a))
    if a.ndim == 2:
        return _solve_one(a, np.eye(a.shape[0], dtype=a.dtype))
    stack = stack_of(a)
    y = np.empty(stack.shape, a.dtype)
    for i in range(stack.shape[0]):
        y[i] = _inv(stack[i])
    return y.reshape(a.shape)


@library(np.linalg.cholesky)
def _cholesky(a: Any) -> Any:
    a = square(_numbers(a))
    if a.ndim == 2:
        return cholesky(a, cholesky_of(a))
    stack = stack_of(a)
    y = np.empty(stack.shape, a.dtype)
    for i in range(stack.shape[0]):
        y[i] = _cholesky(stack[i])
    return y.reshape(a.shape)


def _each(f: Any, a: Any, y: Any) -> Any:
    """`y` with f of every matrix in a stack."""
    stack = stack_of(a)
    flat = y.reshape((stack.shape[0], *y.shape[a.ndim - 2 :]))
    for i in range(stack.shape[0]):
        flat[i] = f(np.array(stack[i]))
    return y


@library(np.linalg.det)
def _det(a: Any) -> Any:
    a = square(_numbers(a))
    if a.ndim > 2:
        return _each(_det, a, np.empty(a.shape[:-2], a.dtype))
    lu, pivots, _ = lu_of(a)
    value = np.prod(np.diagonal(lu))
    if _is_odd(pivots, a.shape[0]):
        value = -value
    return determinant(a, value, lu, pivots)


@library(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    a = square(_numbers(a))
    if a.ndim > 2:
        return SlogdetResult(_each(_sign, a, np.empty(a.shape[:-2], a.dtype)), _each(_logdet, a, _real_like(a)))
    lu, pivots, status = lu_of(a)
    diagonal = np.diagonal(lu)
    sizes = np.abs(diagonal)
    log = np.sum(np.log(sizes))
    sign = np.prod(diagonal / sizes)
    if _is_odd(pivots, a.shape[0]):
        sign = -sign
    if status > 0:
        sign, log = np.prod(0 * diagonal), -np.sum(1 / sizes)
    sign, log = log_determinant(a, sign, log, lu, pivots)
    return SlogdetResult(sign, log)


def _is_odd(pivots: Any, n: int) -> Any:
    """Whether rows were swapped an odd number of times."""
    count = 0
    for i in range(n):
        count += 1 if pivot(pivots, i) != i else 0
    return count % 2 == 1


def _real_like(a: Any) -> Any:
    return np.empty(a.shape[:-2], np.real(a[..., :0, :0]).dtype)


def _sign(a: Any) -> Any:
    return _slogdet(a)[0]


def _logdet(a: Any) -> Any:
    return _slogdet(a)[1]


@library(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    a = square(_numbers(a))
    if UPLO == "U":
        a = np.conj(np.swapaxes(a, -1, -2))
    if a.ndim > 2:
        w, v = np.empty(a.shape[:-1], np.real(a[..., :0, :0]).dtype), np.empty(a.shape, a.dtype)
        stack, ws, vs = stack_of(a), rows_of(w), stack_of(v)
        for i in range(stack.shape[0]):
            ws[i], vs[i] = _eigh(np.array(stack[i]))
        return EighResult(w, v)
    w, v = eigh_of(a)
    return EighResult(*eigh(a, w, v))


@library(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    a = square(_numbers(a))
    if UPLO == "U":
        a = np.conj(np.swapaxes(a, -1, -2))
    if a.ndim > 2:
        return _each(_eigvalsh, a, np.empty(a.shape[:-1], np.real(a[..., :0, :0]).dtype))
    w, v = eigh_of(a)
    return eigenvalues(a, w, v)


@library(np.linalg.eig)
def _eig(a: Any) -> Any:
    a = square(_numbers(a))
    if a.ndim > 2:
        w, v = np.empty(a.shape[:-1], a.dtype), np.empty(a.shape, a.dtype)
        stack, ws, vs = stack_of(a), rows_of(w), stack_of(v)
        for i in range(stack.shape[0]):
            ws[i], vs[i] = _eig(np.array(stack[i]))
        return EigResult(w, v)
    w, v = eig_of(a)
    return EigResult(*eig(a, w, v))


@library(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    a = square(_numbers(a))
    if a.ndim > 2:
        return _each(_eigvals, a, np.empty(a.shape[:-1], a.dtype))
    w, v = eig_of(a)
    return eig(a, w, v)[0]


@library(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    a = _numbers(a)
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r"):
        return refuse("of qr, the modes 'reduced' and 'r' are compiled")
    if a.ndim > 2:
        k = min(m, n)
        q, r = np.empty((*a.shape[:-1], k), a.dtype), np.empty((*a.shape[:-2], k, n), a.dtype)
        stack, qs, rs = stack_of(a), stack_of(q), stack_of(r)
        for i in range(stack.shape[0]):
            qs[i], rs[i] = _qr(np.array(stack[i]))
        return r if mode == "r" else QRResult(q, r)
    if n <= m:
        q, r = qr_of(a)
        q, r = qr(a, q, r)
    else:
        # a = [x, z] with x = q u: r = [u, qᴴ z]
        x = np.empty((m, m), a.dtype)
        x[:] = a[:, :m]
        q, u = qr_of(x)
        q, u = qr(x, q, u)
        r = np.empty((m, n), a.dtype)
        r[:, :m] = u
        r[:, m:] = conjugate_transpose(q) @ a[:, m:]
    return r if mode == "r" else QRResult(q, r)


@library(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    a = _numbers(a)
    if not compute_uv:
        return _svdvals(a)
    if a.ndim > 2:
        m, n = a.shape[-2:]
        k = min(m, n)
        rows, columns = (m, n) if full_matrices else (k, k)
        u, v = np.empty((*a.shape[:-1], rows), a.dtype), np.empty((*a.shape[:-2], columns, n), a.dtype)
        s = np.empty((*a.shape[:-2], k), np.real(a[..., :0, :0]).dtype)
        stack, us, ss, vs = stack_of(a), stack_of(u), rows_of(s), stack_of(v)
        for i in range(stack.shape[0]):
            us[i], ss[i], vs[i] = _svd(np.array(stack[i]), full_matrices)
        return SVDResult(u, s, v)
    u, s, v = svd_of(a, full_matrices)
    if full_matrices and a.shape[0] != a.shape[1]:
        return SVDResult(*_svd_whole(a, u, s, v))
    return SVDResult(*svd(a, u, s, v))


def _svd_whole(a: Any, u: Any, s: Any, v: Any) -> Any:
    """The vectors for which there is no singular value turn with the others so that they stay orthogonal to them."""
    k = s.shape[0]
    u1, s, v1 = svd(a, np.array(u[:, :k]), s, np.array(v[:k]))
    u2 = still(np.array(u[:, k:]))
    v2 = still(np.array(v[k:]))
    u2 = u2 - still(u1) @ (np.conj((u1 - still(u1)).T) @ u2)
    v2 = v2 - (v2 @ np.conj((v1 - still(v1)).T)) @ still(v1)
    return np.concatenate((u1, u2), axis=1), s, np.concatenate((v1, v2), axis=0)


@library(np.linalg.svdvals)
def _svdvals(x: Any) -> Any:
    x = _numbers(x)
    if x.ndim > 2:
        kind = np.real(x[..., :0, :0]).dtype
        return _each(_svdvals, x, np.empty((*x.shape[:-2], min(x.shape[-1], x.shape[-2])), kind))
    u, s, v = svd_of(x, False)
    return singular_values(x, u, s, v)


@library(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False) -> Any:
    a = _numbers(a)
    if a.ndim > 2:
        return _each(_pinv, a, np.empty((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype))
    u, s, v = svd_of(a, False)
    return _pinv_by(a, u, s, v, 1e-15 if rcond is None else rcond)[0]


def _pinv_by(a: Any, u: Any, s: Any, v: Any, rcond: Any) -> Any:
    """The inverse by what `svd_of` gives, and the rank: the number of singular values that are not taken to be zero."""
    large = s > (rcond * np.max(s) if s.shape[0] > 0 else 0.0)
    inverse = np.where(large, 1.0, 0.0) / np.where(large, s, 1.0)
    return pinv(a, conjugate_transpose(v) @ (inverse[:, np.newaxis] * conjugate_transpose(u))), np.sum(large)


@library(np.linalg.matrix_rank)
def _matrix_rank(A: Any) -> Any:
    s = svd_of(_numbers(A), False)[1]
    return np.sum(s > np.max(s) * max(A.shape[0], A.shape[1]) * np.finfo(s.dtype).eps)


@library(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    kind = np.result_type(_numbers(a), _numbers(b))
    a, b = a.astype(kind), b.astype(kind)
    m, n = a.shape
    if b.shape[0] != m:
        raise np.linalg.LinAlgError("Incompatible dimensions")
    u, s, v = svd_of(a, False)
    inverse, rank = _pinv_by(a, u, s, v, np.finfo(s.dtype).eps * max(m, n) if rcond is None else rcond)
    x = inverse @ b
    rest = b - a @ x
    residuals = np.atleast_1d(np.sum(_squares(rest), axis=0))
    if rank < n or m <= n:
        residuals = residuals[:0]
    return x, residuals, rank, singular_values(a, u, s, v)


@library(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    a = square(a)
    if n < 0:
        return _matrix_power(_inv(a), -n)
    if n == 1:
        return a
    y = np.zeros(a.shape, a.dtype) + np.eye(a.shape[-1], dtype=a.dtype)
    for _ in range(n):
        y = y @ a
    return y


@library(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p is None:
        s = _svdvals(x)
        return s[..., 0] / s[..., -1]
    if p == 2:
        s = _svdvals(x)
        return s[..., 0] / s[..., -1]
    if p == -2:
        s = _svdvals(x)
        return s[..., -1] / s[..., 0]
    return _norm(x, p, (-2, -1)) * _norm(_inv(x), p, (-2, -1))


@library(np.linalg.multi_dot, lists=True)
def _multi_dot(arrays: Any) -> Any:
    y = np.asarray(arrays[0])
    for a in arrays[1:]:
        y = y @ np.asarray(a)
    return y


def _squares(x: Any) -> Any:
    if np.iscomplexobj(x):
        return np.real(x * np.conj(x))
    return x * x


@library(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = _numbers(x)
    if axis is None:
        if ord is None:
            return np.sqrt(np.sum(_squares(x), keepdims=keepdims))
        if x.ndim == 1:
            return _vector_norm(x, ord, 0, keepdims)
        return _matrix_norm(x, ord, (0, 1), keepdims)
    if isinstance(axis, tuple):
        if len(axis) == 1:
            return _vector_norm(x, ord, axis[0], keepdims)
        return _matrix_norm(x, ord, axis, keepdims)
    return _vector_norm(x, ord, axis, keepdims)


@library(np.linalg.vector_norm)
def _vector_norm_of(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if axis is None:
        y = _vector_norm(_numbers(x).ravel(), ord, 0, False)
        return np.reshape(y, (1,) * x.ndim) if keepdims else y
    return _vector_norm(_numbers(x), ord, axis, keepdims)


@library(np.linalg.matrix_norm)
def _matrix_norm_of(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _matrix_norm(_numbers(x), ord, (-2, -1), keepdims)


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if ord is None:
        return np.sqrt(np.sum(_squares(x), axis=axis, keepdims=keepdims))
    if ord == 2:
        return np.sqrt(np.sum(_squares(x), axis=axis, keepdims=keepdims))
    if ord == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.where(x != 0, 1.0, 0.0), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def _matrix_norm(x: Any, ord: Any, axes: Any, keepdims: bool) -> Any:
    row, column = axes
    if ord is None:
        return np.sqrt(np.sum(_squares(x), axis=axes, keepdims=keepdims))
    if ord == "fro":
        return np.sqrt(np.sum(_squares(x), axis=axes, keepdims=keepdims))
    y = _values_norm(np.moveaxis(x, (row, column), (-2, -1)), ord)
    return np.expand_dims(y, axes) if keepdims else y


def _values_norm(x: Any, ord: Any) -> Any:
    if ord == "nuc":
        return np.sum(_svdvals(x), axis=-1)
    if ord == 2:
        return np.max(_svdvals(x), axis=-1)
    if ord == -2:
        return np.min(_svdvals(x), axis=-1)
    if ord == 1:
        return np.max(np.sum(np.abs(x), axis=-2), axis=-1)
    if ord == -1:
        return np.min(np.sum(np.abs(x), axis=-2), axis=-1)
    if ord == np.inf:
        return np.max(np.sum(np.abs(x), axis=-1), axis=-1)
    if ord == -np.inf:
        return np.min(np.sum(np.abs(x), axis=-1), axis=-1)
    raise ValueError("Invalid norm order for matrices.")
