"""The elements of an array by their number in C order, however they lie in memory; the number is in range."""

from __future__ import annotations

from typing import Any

import numpy as np


def load(a: Any, k: Any) -> Any:
    """`a.flat[k]`"""
    if a.ndim == 1:
        return a[k]
    count = np.size(a) // a.shape[0]
    return load(a[k // count], k % count)


def store(a: Any, k: Any, value: Any) -> None:
    """`a.flat[k] = value`"""
    if a.ndim == 1:
        a[k] = value
    else:
        count = np.size(a) // a.shape[0]
        store(a[k // count], k % count, value)


def counted(a: Any, k: Any) -> Any:
    """`k`, counted from the front."""
    n = np.size(a)
    if k < -n or k >= n:
        raise IndexError(f"index {k} is out of bounds for size {n}")
    return k + n if k < 0 else k


def place(shape: Any, k: Any) -> Any:
    """The indices of element number `k`."""
    found: Any = ()
    for dim in shape[:0:-1]:
        found = (k % dim, *found)
        k = k // dim
    return (k, *found) if len(shape) > 0 else ()


def numbered(a: Any, k: Any) -> Any:
    """The indices of element number `k`, and it."""
    return place(a.shape, k), load(a, k) if a.ndim > 0 else a
