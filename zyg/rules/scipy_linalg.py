"""Functions of `scipy.linalg` in terms of those of `np.linalg`, by name.

What says how memory is used (`overwrite_a`) or whether numbers are looked at before (`check_finite`) changes nothing.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from zyg.rules.assembling import first
from zyg.rules.factors import conjugate_transpose, triangular
from zyg.rules.library import refuse, square

LINALG: dict[str, FunctionType] = {}


def _written(function: Any) -> Any:
    LINALG[function.__name__] = function
    return function


@_written
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    if b.ndim == 1:
        return solve_triangular(a, b[:, np.newaxis], trans, lower, unit_diagonal)[:, 0]
    a = square(a)
    if a.shape[0] != b.shape[0]:
        raise ValueError("shapes of a and b are incompatible")
    kind = np.result_type(a, b, np.float32)
    a, b = a.astype(kind), b.astype(kind)
    if trans in (2, "C"):
        return np.conj(triangular(a, np.conj(b), lower, True, unit_diagonal))
    return triangular(a, b, lower, trans in (1, "T"), unit_diagonal)


@_written
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    if lower:
        return np.linalg.cholesky(a)
    return conjugate_transpose(np.linalg.cholesky(conjugate_transpose(a)))


@_written
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return cholesky(a, lower), lower


@_written
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    c, lower = c_and_lower
    if lower:
        return solve_triangular(c, solve_triangular(c, b, 0, True), 2, True)
    return solve_triangular(c, solve_triangular(c, b, 2, False), 0, False)


@_written
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    if assume_a == "pos":
        return cho_solve(cho_factor(a, lower), b)
    if assume_a is not None and assume_a != "gen":
        return refuse("scipy.linalg.solve is compiled with assume_a='gen' and 'pos'")
    return np.linalg.solve(a.T if transposed else a, b)


@_written
def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return np.linalg.inv(a)


@_written
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return np.linalg.det(a)


@_written
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    return np.linalg.norm(a, ord, axis, keepdims)


@_written
def pinv(a: Any) -> Any:
    return np.linalg.pinv(a)


@_written
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return np.linalg.svd(a, compute_uv=False)


@_written
def block_diag(*arrs: Any) -> Any:
    rows, columns, kind = 0, 0, np.result_type(*arrs)
    for k in first(len(arrs)):
        part = np.atleast_2d(arrs[k])
        rows, columns = rows + part.shape[0], columns + part.shape[1]
    y = np.zeros((rows, columns), kind)
    row, column = 0, 0
    for k in first(len(arrs)):
        part = np.atleast_2d(arrs[k])
        y[row : row + part.shape[0], column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return y


@_written
def toeplitz(c: Any, r: Any = None) -> Any:
    r = np.conj(c) if r is None else r
    y = np.empty((len(c), len(r)), np.result_type(c, r))
    for i in range(len(c)):
        for j in range(len(r)):
            y[i, j] = c[i - j] if i >= j else r[j - i]
    return y


@_written
def solve_banded(
    l_and_u: Any,
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Gaussian elimination with the larger of two rows as pivot, as LAPACK's gtsv."""
    if l_and_u[0] != 1 or l_and_u[1] != 1:
        return refuse("scipy.linalg.solve_banded is compiled for tridiagonal matrices")
    if b.ndim == 1:
        return solve_banded(l_and_u, ab, b[:, np.newaxis])[:, 0]
    n = ab.shape[1]
    if n != b.shape[0]:
        raise ValueError("shapes of ab and b are not compatible.")
    kind = np.result_type(ab, b, np.float32)
    low, main, up = np.zeros(n, kind), ab[1].astype(kind), np.zeros(n, kind)
    low[: n - 1], up[: n - 1] = ab[2, : n - 1], ab[0, 1:]
    further, x = np.zeros(n, kind), b.astype(kind)
    for i in range(n - 1):
        if abs(main[i]) >= abs(low[i]):
            if main[i] == 0:
                raise np.linalg.LinAlgError("singular matrix")
            factor = low[i] / main[i]
            main[i + 1] -= factor * up[i]
            x[i + 1] -= factor * x[i]
        else:
            factor = main[i] / low[i]
            main[i] = low[i]
            second = main[i + 1]
            main[i + 1] = up[i] - factor * second
            up[i] = second
            if i < n - 2:
                further[i] = up[i + 1]
                up[i + 1] = -factor * up[i + 1]
            for k in range(x.shape[1]):
                above = x[i, k]
                x[i, k] = x[i + 1, k]
                x[i + 1, k] = above - factor * x[i + 1, k]
    if n > 0 and main[n - 1] == 0:
        raise np.linalg.LinAlgError("singular matrix")
    for i in range(n - 1, -1, -1):
        for k in range(x.shape[1]):
            s = x[i, k]
            if i < n - 1:
                s -= up[i] * x[i + 1, k]
            if i < n - 2:
                s -= further[i] * x[i + 2, k]
            x[i, k] = s / main[i]
    return x


# Of Padé's approximant of exp of degree 13, from the lowest power (Higham, The Scaling and Squaring Method for the
# Matrix Exponential Revisited, 2005)
_PADE = (
    *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0),
    *(10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0),
)


@_written
def expm(A: Any) -> Any:
    a = square(np.asarray(A) + 0.0)
    if a.ndim != 2:
        return refuse("scipy.linalg.expm of stacks of matrices is not compiled")
    size, times = 0.0, 0
    for j in range(a.shape[1]):
        size = max(size, float(np.sum(np.abs(a[:, j]))))
    while size > 5.371920351148152:
        size, times = size / 2, times + 1
    a = a / 2.0**times
    b, one = _PADE, np.eye(a.shape[0])
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    y = np.linalg.solve(even - odd, even + odd)
    for _ in range(times):
        y = y @ y
    return y


@_written
def circulant(c: Any) -> Any:
    if c.ndim != 1:
        return refuse("scipy.linalg.circulant of several vectors is not compiled")
    n = c.shape[0]
    return c[(np.arange(n)[:, np.newaxis] - np.arange(n)) % n]


@_written
def hankel(c: Any, r: Any = None) -> Any:
    if c.ndim != 1:
        return refuse("scipy.linalg.hankel of several vectors is not compiled")
    row = np.zeros_like(c) if r is None else r
    values = np.concatenate((c, row[1:]))
    return values[np.arange(c.shape[0])[:, np.newaxis] + np.arange(row.shape[0])]


@_written
def eigvalsh(
    a: Any,
    b: Any = None,
    lower: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    if b is not None or subset_by_index is not None or subset_by_value is not None:
        return refuse("scipy.linalg.eigvalsh is compiled for all eigenvalues of one matrix")
    return np.linalg.eigvalsh(a, "L" if lower else "U")
