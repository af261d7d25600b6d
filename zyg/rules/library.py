"""NumPy's functions written in Python: the reader compiles them like the user's own code.

Each is a plain function of arrays and numbers; where it branches on `ndim` or on keyword arguments, the branch is
decided when compiling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

LIBRARY: dict[Any, FunctionType] = {}
# Functions of this package whose derivative is not that of their code, and their rules
PULLBACKS: dict[FunctionType, FunctionType] = {}


# Those that see lists as they are; to all others they are arrays
OF_LISTS: set[FunctionType] = set()


def library(*functions: Any, lists: bool = False) -> Callable[[Any], Any]:
    """Register the decorated function as what `functions` do.  lists: are lists that are given to it no arrays?"""

    def register(written: Any) -> Any:
        for fn in functions:
            LIBRARY[fn] = written
        if lists:
            OF_LISTS.add(written)
        return written

    return register


def still(x: Any) -> Any:
    """`x`, of which no derivative is taken."""
    return x


def refuse(what: str) -> Any:
    """Stop compiling: what native code does not know."""
    raise RuntimeError(what)


def rows_of(a: Any) -> Any:
    """All rows of an array, one behind the other; they may be empty."""
    return np.ascontiguousarray(a).reshape((math.prod(a.shape[:-1]), a.shape[-1]))


def stack_of(a: Any) -> Any:
    """All matrices of an array, one behind the other; they may be empty."""
    return np.ascontiguousarray(a).reshape((math.prod(a.shape[:-2]), *a.shape[-2:]))


def square(a: Any) -> Any:
    """`a`, a matrix or a stack of them, which are then known to be square."""
    if a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return a


def pullback(function: Any) -> Callable[[Any], Any]:
    """Register the decorated function as the rule of `function`: with its arguments it gives (y, back)."""

    def register(rule: Any) -> Any:
        PULLBACKS[function] = rule
        return rule

    return register


@library(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return _inner(np.conj(a.ravel()), b.ravel())


def _inner(a: Any, b: Any) -> Any:
    if a.shape[0] != b.shape[0]:
        raise ValueError("shapes are not aligned")
    return np.sum(a * b)


@library(np.inner)
def _inner_product(a: Any, b: Any) -> Any:
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return _inner(a, b)
    if np.ndim(b) > 2:
        return np.tensordot(a, b, axes=(-1, -1))
    return np.dot(a, np.transpose(b))


@library(np.outer, np.linalg.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.ravel(a)[:, np.newaxis] * np.ravel(b)[np.newaxis, :]


@library(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@library(np.linalg.trace)
def _matrix_trace(x: Any, offset: int = 0) -> Any:
    return _trace(x, offset, -2, -1)


@library(np.linalg.diagonal)
def _matrix_diagonal(x: Any, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@library(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    n = v.shape[0] + abs(k)
    y = np.zeros((n, n), v.dtype)
    row = max(-k, 0)
    column = max(k, 0)
    for i in range(v.shape[0]):
        y[row + i, column + i] = v[i]
    return y


@library(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: None = None, out: None = None) -> Any:
    if axis is None:
        flat = np.ravel(a)
        y = np.empty(flat.shape[0], np.result_type(a, 0) if a.dtype == np.bool_ else a.dtype)
        s = flat[0] * 0 if flat.shape[0] > 0 else 0
        for i in range(flat.shape[0]):
            s = s + flat[i]
            y[i] = s
        return y
    y = np.empty(a.shape, a.dtype)
    x = np.moveaxis(a, axis, 0)
    z = np.moveaxis(y, axis, 0)
    for i in range(x.shape[0]):
        if i == 0:
            z[i] = x[i]
        else:
            z[i] = z[i - 1] + x[i]
    return y


@library(np.flipud)
def _flipud(m: Any) -> Any:
    return m[::-1]
