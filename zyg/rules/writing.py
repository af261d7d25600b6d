"""Functions that write into an array: `np.copyto`, `np.put`, `np.fill_diagonal`, …, and `x.sort()`."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, refuse
from zyg.rules.places import store


def sort_in_place(a: Any, axis: int = -1, kind: Any = None) -> None:
    """`a.sort(axis)`"""
    a[...] = np.sort(a, axis=axis)


@library(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = None) -> None:
    if where is None:
        dst[...] = src
    else:
        dst[...] = np.where(where, src, dst)


@library(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if wrap:
        refuse("np.fill_diagonal with wrap=True")
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    values = np.array(np.ravel(val))
    if a.ndim == 2:
        for i in range(min(a.shape[0], a.shape[1])):
            a[i, i] = values[i % values.shape[0]]
    elif a.ndim == 3:
        if a.shape[0] != a.shape[1] or a.shape[1] != a.shape[2]:
            raise ValueError("All dimensions of input must be of equal length")
        for i in range(a.shape[0]):
            a[i, i, i] = values[i % values.shape[0]]
    else:
        refuse("np.fill_diagonal of more than three dimensions")


@library(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    places, values = np.ravel(ind), np.array(np.ravel(v))
    n = np.size(a)
    for k in range(places.shape[0] if values.shape[0] > 0 else 0):
        place = places[k]
        if mode == "wrap":
            place = place % n
        elif mode == "clip":
            place = min(max(place, 0), n - 1)
        else:
            if place < -n or place >= n:
                raise IndexError(f"index {place} is out of bounds for an array of size {n}")
            place = place + n if place < 0 else place
        store(a, place, values[k % values.shape[0]])


def _masked(name: str, a: Any, mask: Any, values: Any) -> tuple[Any, Any]:
    """Where to write, and what: vectors."""
    on = np.ravel(mask)
    if on.shape[0] != np.size(a):
        raise ValueError(f"{name}: mask and data must be the same size")
    return on, np.array(np.ravel(values))


@library(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    on, given = _masked("putmask", a, mask, values)
    for k in range(on.shape[0] if given.shape[0] > 0 else 0):
        if on[k]:
            store(a, k, given[k % given.shape[0]])


@library(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    on, given = _masked("place", arr, mask, vals)
    count = 0
    for k in range(on.shape[0]):
        if on[k]:
            if given.shape[0] == 0:
                raise ValueError("Cannot insert from an empty array!")
            store(arr, k, given[count % given.shape[0]])
            count += 1


@library(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    if axis is None:
        _put(arr, indices, np.broadcast_to(values, indices.shape))
        return
    x, at = np.moveaxis(arr, axis, -1), np.moveaxis(indices, axis, -1)
    v = np.array(np.moveaxis(np.broadcast_to(values, np.broadcast_shapes(indices.shape, np.shape(values))), axis, -1))
    shape = (*x.shape[:-1], at.shape[-1])
    _put_rows(x, np.broadcast_to(at, shape), np.broadcast_to(v, shape))


def _put_rows(x: Any, at: Any, values: Any) -> None:
    for i in range(x.shape[0] if x.ndim > 1 else at.shape[0]):
        if x.ndim > 1:
            _put_rows(x[i], at[i], values[i])
        else:
            x[at[i]] = values[i]
