"""Reductions of some elements only (`where=`), that start at a number (`initial=`), or in another type (`dtype=`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.rules.library import refuse

MASKED: dict[Any, Any] = {}


def _masked(*functions: Any) -> Callable[[Any], Any]:
    def register(written: Any) -> Any:
        for fn in functions:
            MASKED[fn] = written
        return written

    return register


def _chosen(a: Any, where: Any, otherwise: Any) -> Any:
    return np.where(where, a, otherwise)


def _as(a: Any, dtype: Any) -> Any:
    return a if dtype is None else np.asarray(a).astype(dtype)


@_masked(np.sum)
def _sum(
    a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 0, where: Any = True
) -> Any:
    return np.sum(_chosen(_as(a, dtype), where, 0), axis=axis, keepdims=keepdims) + initial


@_masked(np.prod)
def _prod(
    a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 1, where: Any = True
) -> Any:
    return np.prod(_chosen(_as(a, dtype), where, 1), axis=axis, keepdims=keepdims) * initial


@_masked(np.max, np.amax)
def _max(a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    if initial is None:
        return refuse("np.max with where= needs initial=")
    if axis == ():
        return np.maximum(_chosen(a, where, initial), initial)
    return np.max(_with_one_more(_chosen(a, where, initial), axis, initial), axis=axis, keepdims=keepdims)


@_masked(np.min, np.amin)
def _min(a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    if initial is None:
        return refuse("np.min with where= needs initial=")
    if axis == ():
        return np.minimum(_chosen(a, where, initial), initial)
    return np.min(_with_one_more(_chosen(a, where, initial), axis, initial), axis=axis, keepdims=keepdims)


def _with_one_more(a: Any, axis: Any, value: Any) -> Any:
    """`a`, and along each axis that is reduced one element more."""
    axes = (0, 1, 2, 3, 4, 5, 6, 7)[: a.ndim] if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for k in axes:
        rest = np.moveaxis(a, k, 0).shape[1:]
        a = np.concatenate((a, np.moveaxis(np.full((1, *rest), value), 0, k)), axis=k)
    return a


def _count(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    ones = np.ones(np.shape(a))
    return np.sum(_chosen(ones, where, 0.0), axis=axis, keepdims=keepdims)


@_masked(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    a = _as(a, dtype)
    return np.sum(_chosen(a, where, 0), axis=axis, keepdims=keepdims) / _count(a, axis, keepdims, where)


@_masked(np.var)
def _var(a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True) -> Any:
    a = _as(a, dtype)
    off = np.abs(a - _mean(a, axis=axis, keepdims=True, where=where)) ** 2
    return np.sum(_chosen(off, where, 0), axis=axis, keepdims=keepdims) / (_count(a, axis, keepdims, where) - ddof)


@_masked(np.std)
def _std(a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True) -> Any:
    return np.sqrt(_var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where))


@_masked(np.any)
def _any(a: Any, axis: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    return np.any(np.logical_and(a, where), axis=axis, keepdims=keepdims)


@_masked(np.all)
def _all(a: Any, axis: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    return np.all(np.logical_or(a, np.logical_not(where)), axis=axis, keepdims=keepdims)
