"""Sets of the elements of arrays.  What is chosen carries its gradient; which are chosen does not change with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.library import library, refuse, still
from zyg.rules.ordering import vector_order


@library(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: None = None,
) -> Any:
    if axis is not None:
        return refuse("np.unique along an axis is not compiled")
    x = np.ravel(ar)
    order = vector_order(x)
    values = still(x)
    n = x.shape[0]
    group = np.empty(n, np.int64)
    first = np.empty(n, np.int64)
    counts = np.zeros(n, np.int64)
    k = -1
    for i in range(n):
        at = order[i]
        if i == 0 or (values[at] != values[order[i - 1]] and not np.isnan(values[order[i - 1]])):
            k += 1
            first[k] = at
        counts[k] += 1
        group[at] = k
    first, counts = first[: k + 1], counts[: k + 1]
    found = x[first]
    if not (return_index or return_inverse or return_counts):
        return found
    result: Any = (found,)
    if return_index:
        result = (*result, first)
    if return_inverse:
        result = (*result, np.reshape(group, np.shape(ar)))
    if return_counts:
        result = (*result, counts)
    return result


@library(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return _unique(np.concatenate((np.ravel(ar1), np.ravel(ar2))))


def _is_in(x: Any, sorted_: Any) -> Any:
    """Whether a number is among sorted ones."""
    at = np.searchsorted(sorted_, x)
    return at < sorted_.shape[0] and sorted_[min(at, sorted_.shape[0] - 1)] == x


def _mask(x: Any, among: Any, invert: bool) -> Any:
    """Which elements of a vector are among others."""
    values, sorted_ = still(x), np.sort(np.ravel(still(among)))
    keep = np.empty(x.shape[0], np.bool_)
    for i in range(x.shape[0]):
        keep[i] = _is_in(values[i], sorted_) != invert
    return keep


@library(np.isin)
def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    return np.reshape(_mask(np.ravel(element), test_elements, invert), np.shape(element))


def _groups(ar1: Any, ar2: Any) -> Any:
    """The elements of two arrays in one vector, and of each group of equal ones: the first, and in which arrays it is.

    A nan equals those of its own array only.
    """
    x, n = np.concatenate((np.ravel(ar1), np.ravel(ar2))), np.size(ar1)
    order, values = vector_order(x), still(x)
    first = np.empty(x.shape[0], np.int64)
    of_one, of_two = np.zeros(x.shape[0], np.bool_), np.zeros(x.shape[0], np.bool_)
    k = 0
    for i in range(x.shape[0]):
        at, before = order[i], order[max(i - 1, 0)]
        equal = values[at] == values[before]
        if not equal and values[at] != values[at] and values[before] != values[before]:
            equal = (at < n) == (before < n)
        if i == 0 or not equal:
            first[k] = at
            k += 1
        if at < n:
            of_one[k - 1] = True
        else:
            of_two[k - 1] = True
    return x, first[:k], of_one[:k], of_two[:k]


@library(np.intersect1d)
def _intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    if return_indices:
        return refuse("np.intersect1d with return_indices is not compiled")
    x, first, of_one, of_two = _groups(ar1, ar2)
    return x[first[np.logical_and(of_one, of_two)]]


@library(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    x = np.ravel(ar1)
    if assume_unique:
        return x[_mask(x, ar2, True)]
    _, first, of_one, of_two = _groups(x, ar2)
    return x[first[np.logical_and(of_one, np.logical_not(of_two))]]


@library(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    x, first, of_one, of_two = _groups(ar1, ar2)
    return x[first[of_one != of_two]]


_upto = range  # the builtin, which an argument hides below


@library(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    x = np.ravel(a)
    edges = _edges(x, bins, range)
    n = edges.shape[0] - 1
    counts = np.zeros(n, np.int64 if weights is None else np.result_type(weights, 0.0))
    values = still(x)
    places = np.searchsorted(still(edges), values, side="right") - 1
    last = still(edges[n])
    flat = x if weights is None else np.ravel(weights)
    for i in _upto(x.shape[0]):
        k = n - 1 if values[i] == last else places[i]
        if 0 <= k < n:
            counts[k] += 1 if weights is None else flat[i]
    if density:
        return counts / (edges[1:] - edges[:-1]) / np.sum(counts), edges
    return counts, edges


def _edges(x: Any, bins: Any, range: Any) -> Any:
    if np.ndim(bins) > 0:
        return bins
    if bins < 1:
        raise ValueError("`bins` must be positive, when an integer")
    if range is not None:
        low, high = range[0] * 1.0, range[1] * 1.0
    elif x.shape[0] == 0:
        low, high = 0.0, 1.0
    else:
        low, high = np.min(x) * 1.0, np.max(x) * 1.0
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)
