"""`np.pad` in the modes that copy elements or compute from them, one axis after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import refuse


def padded(array: Any, pairs: Any, mode: str, end_values: Any, constant_values: Any) -> Any:
    """`np.pad`, given the widths of each axis; of values, one for all or pairs for each axis."""
    y = array
    for k in (0, 1, 2, 3, 4, 5, 6, 7)[: array.ndim]:
        x = np.moveaxis(y, k, 0)
        before, after = pairs[k]
        if mode == "constant":
            low, high = _ends(constant_values, k)
            y = np.moveaxis(_constant(x, before, after, low, high), 0, k)
        elif mode == "linear_ramp":
            low, high = _ends(end_values, k)
            y = np.moveaxis(_ramp(x, before, after, low, high), 0, k)
        elif mode in ("edge", "reflect", "symmetric", "wrap"):
            y = np.moveaxis(_copied(x, before, after, mode), 0, k)
        elif mode == "empty":
            y = np.moveaxis(_constant(x, before, after, 0, 0), 0, k)
        else:
            value = _statistic(x, mode)
            y = np.moveaxis(_constant(x, before, after, value, value), 0, k)
    return y


def _ends(values: Any, axis: int) -> Any:
    """The values before and after, along an axis, of what may be one number, one pair, or a pair for each axis."""
    if np.ndim(values) == 0:
        return values, values
    pair = values if np.ndim(values) == 1 else values[axis] if len(values) > 1 else values[0]
    return pair[0], pair[-1]


def _constant(x: Any, before: int, after: int, low: Any, high: Any) -> Any:
    n = x.shape[0]
    y = np.empty((before + n + after, *x.shape[1:]), x.dtype)
    y[:before] = low
    y[before : before + n] = x
    y[before + n :] = high
    return y


def _ramp(x: Any, before: int, after: int, low: Any, high: Any) -> Any:
    n = x.shape[0]
    y = np.empty((before + n + after, *x.shape[1:]), x.dtype)
    for i in range(before):
        y[i] = low + (x[0] - low) * (i / before)
    y[before : before + n] = x
    for i in range(after):
        y[before + n + i] = high + (x[n - 1] - high) * ((after - 1 - i) / after)
    return y


def _statistic(x: Any, mode: str) -> Any:
    if mode == "mean":
        return np.mean(x, axis=0)
    if mode == "maximum":
        return np.max(x, axis=0)
    if mode == "minimum":
        return np.min(x, axis=0)
    if mode == "median":
        return np.median(x, axis=0)
    return refuse("this mode of np.pad is not compiled")


def _copied(x: Any, before: int, after: int, mode: str) -> Any:
    n = x.shape[0]
    if n == 0:
        raise ValueError("can't extend empty axis using modes other than 'constant' or 'empty'")
    y = np.empty((before + n + after, *x.shape[1:]), x.dtype)
    for i in range(before + n + after):
        y[i] = x[_source(i - before, n, mode)]
    return y


def _source(i: int, n: int, mode: str) -> int:
    """Where the element comes from that stands at i, counted from the first of n."""
    if mode == "edge":
        return min(max(i, 0), n - 1)
    if mode == "wrap":
        return i % n
    if mode == "symmetric":
        j = i % (2 * n)
        return min(j, 2 * n - 1 - j)
    period = max(2 * (n - 1), 1)
    j = i % period
    return min(j, period - j) if n > 1 else 0
