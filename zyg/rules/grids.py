"""Grids, masks and places: `meshgrid`, `ix_`, triangles, and where elements are."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, still

_EVERY = (0, 1, 2, 3, 4, 5, 6, 7)


@library(np.meshgrid)
def _meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> Any:
    n = len(xi)
    shape: Any = ()
    for x in xi:
        shape = (*shape, np.size(x))
    if indexing == "xy" and n > 1:
        shape = (shape[1], shape[0], *shape[2:])
    found: Any = ()
    for k in _EVERY[:n]:
        axis = 1 - k if indexing == "xy" and n > 1 and k < 2 else k
        ones = (1, 1, 1, 1, 1, 1, 1, 1)
        column = np.reshape(xi[k], (*ones[:axis], -1, *ones[: n - 1 - axis]))
        if not sparse:
            column = np.array(np.broadcast_to(column, shape))
        found = (*found, column)
    return found


@library(np.ix_)
def _ix(*args: Any) -> Any:
    found: Any = ()
    ones = (1, 1, 1, 1, 1, 1, 1, 1)
    for k in _EVERY[: len(args)]:
        at = np.asarray(args[k])
        places = np.nonzero(at)[0] if at.dtype == np.bool_ else at
        found = (*found, np.reshape(places, (*ones[:k], -1, *ones[: len(args) - 1 - k])))
    return found


@library(np.broadcast_arrays)
def _broadcast_arrays(*args: Any) -> Any:
    shape = np.shape(args[0])
    for a in args:
        shape = np.broadcast_shapes(shape, np.shape(a))
    found: Any = ()
    for a in args:
        found = (*found, np.broadcast_to(a, shape))
    return found


@library(np.tri)
def _tri(N: int, M: Any = None, k: int = 0, dtype: Any = np.float64) -> Any:
    return np.tril(np.ones((N, N if M is None else M), dtype), k)


@library(np.nonzero)
def _nonzero(a: Any) -> Any:
    flat = np.ravel(still(a))
    n = 0
    for i in range(flat.shape[0]):
        n += 1 if flat[i] != 0 else 0
    places = np.empty(n, np.int64)
    k = 0
    for i in range(flat.shape[0]):
        if flat[i] != 0:
            places[k] = i
            k += 1
    return np.unravel_index(places, a.shape)


@library(np.unravel_index)
def _unravel_index(indices: Any, shape: Any) -> Any:
    found: Any = ()
    rest = indices
    for k in _EVERY[: len(shape)]:
        length = shape[len(shape) - 1 - k]
        found = (rest % length, *found)
        rest = rest // length
    return found


@library(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any) -> Any:
    place = multi_index[0]
    for k in _EVERY[1 : len(dims)]:
        place = place * dims[k] + multi_index[k]
    return place


@library(np.flatnonzero)
def _flatnonzero(a: Any) -> Any:
    return _nonzero(np.ravel(a))[0]


@library(np.argwhere)
def _argwhere(a: Any) -> Any:
    return np.stack(_nonzero(a), axis=1)


@library(np.tril_indices)
def _tril_indices(n: int, k: int = 0, m: Any = None) -> Any:
    return _nonzero(_tri(n, m, k))


@library(np.triu_indices)
def _triu_indices(n: int, k: int = 0, m: Any = None) -> Any:
    return _nonzero(1.0 - _tri(n, m, k - 1))


@library(np.tril_indices_from)
def _tril_indices_from(arr: Any, k: int = 0) -> Any:
    return _tril_indices(arr.shape[0], k, arr.shape[1])


@library(np.triu_indices_from)
def _triu_indices_from(arr: Any, k: int = 0) -> Any:
    return _triu_indices(arr.shape[0], k, arr.shape[1])


@library(np.diag_indices)
def _diag_indices(n: int, ndim: int = 2) -> Any:
    found: Any = ()
    for _ in _EVERY[:ndim]:
        found = (*found, np.arange(n))
    return found


@library(np.diag_indices_from)
def _diag_indices_from(arr: Any) -> Any:
    if arr.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    for n in arr.shape:
        if n != arr.shape[0]:
            raise ValueError("All dimensions of input must be of equal length")
    return _diag_indices(arr.shape[0], arr.ndim)


@library(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None) -> Any:
    places = _nonzero(condition)[0]
    if axis is None:
        return np.ravel(a)[places]
    return np.moveaxis(np.moveaxis(a, axis, 0)[places], 0, axis)
