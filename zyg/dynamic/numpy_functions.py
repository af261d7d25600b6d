"""NumPy's functions in terms of others whose derivatives are known, and those whose results carry no gradient."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.dynamic.array import is_array, wrapped
from zyg.dynamic.contents import changed
from zyg.dynamic.linear import matmul, total
from zyg.dynamic.numpy_calls import NUMPY, adopted, as_array, named, numpy_function, tracked_in, unknown_form
from zyg.dynamic.state import STATE
from zyg.dynamic.ufuncs import elementwise_call, plain_root
from zyg.rules import primitives as p


@numpy_function(np.sum)
def _sum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, **kws: Any) -> Any:
    _no_more(np.sum, kws)
    a = as_array(a)
    return total(a if dtype is None else a.astype(dtype), _axis(axis), bool(keepdims))


@numpy_function(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, **kws: Any) -> Any:
    """Views, or the arrays themselves where they are of one shape."""
    _no_more(np.broadcast_arrays, kws)
    given = [as_array(arg) for arg in args]
    shape = np.broadcast_shapes(*(np.shape(a) for a in given))
    return tuple(a if np.shape(a) == shape else np.broadcast_to(a, shape) for a in given)


@numpy_function(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, **kws: Any) -> Any:
    _no_more(np.mean, kws)
    a = as_array(a, dtype)
    return total(a, _axis(axis), bool(keepdims)) / _count(a, axis)


@numpy_function(np.var)
def _var(a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: Any = False, **kws: Any) -> Any:
    _no_more(np.var, kws)
    a = as_array(a, dtype)
    apart = a - _mean(a, axis, keepdims=True)
    square = np.real(apart * np.conj(apart)) if a.dtype.kind == "c" else apart * apart
    return total(square, _axis(axis), bool(keepdims)) / (_count(a, axis) - ddof)


@numpy_function(np.std)
def _std(a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: Any = False, **kws: Any) -> Any:
    return np.sqrt(_var(a, axis, dtype, ddof=ddof, keepdims=keepdims, **kws))


def _axis(axis: Any) -> Any:
    return (
        tuple(int(n) for n in axis)
        if isinstance(axis, (tuple, list))
        else None
        if axis is None
        else operator.index(axis)
    )


def _count(a: Any, axis: Any) -> int:
    axis = _axis(axis)
    shape = np.shape(plain_root(a))
    chosen = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return functools.reduce(operator.mul, (shape[n] for n in chosen), 1)


def _no_more(fn: Any, kws: dict[str, Any]) -> None:
    for name, value in kws.items():
        if value is not np._NoValue and value is not None:
            from zyg.dynamic.places import refusal

            raise refusal(f"np.{fn.__name__} with {name}= has no derivative rule")


def _extremum(choose: Any) -> Callable[..., Any]:
    def extremum(a: Any, axis: Any = None, *, keepdims: Any = False, **kws: Any) -> Any:
        """Ties share the derivative evenly."""
        _no_more(choose, kws)
        a = as_array(a)
        plain = plain_root(a)
        chosen = plain == choose(plain, axis=_axis(axis), keepdims=True)
        value = choose(plain, axis=_axis(axis), keepdims=bool(keepdims))
        shares = chosen / np.sum(chosen, axis=_axis(axis), keepdims=True)
        slope = total(np.where(chosen, a, 0) * shares, _axis(axis), bool(keepdims))
        return elementwise_call(p.attach, p.attach, (value, slope)) if is_array(slope) else p.attach(value, slope)

    return extremum


NUMPY |= {np.max: _extremum(np.max), np.min: _extremum(np.min)}


@numpy_function(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return np.where(plain_root(condition))
    a, b = (as_array(choice) for choice in choices)
    condition = np.asarray(plain_root(condition))
    return elementwise_call(p.select, _selected, (condition, a, b))


def _selected(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, a, b)


@numpy_function(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = as_array(a)
    a = a if low is None else np.maximum(a, as_array(low))
    return a if high is None else np.minimum(a, as_array(high))


@numpy_function(np.dot)
def _dot(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    if np.ndim(plain_root(a)) == 0 or np.ndim(plain_root(b)) == 0:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return np.tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


@numpy_function(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.ravel(as_array(a))[:, np.newaxis] * np.ravel(as_array(b))[np.newaxis, :]


@numpy_function(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    if np.ndim(plain_root(a)) == 0 or np.ndim(plain_root(b)) == 0:
        return a * b
    return np.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


@numpy_function(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return matmul(np.conj(np.ravel(as_array(a))), np.ravel(as_array(b)))


@numpy_function(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(a), as_array(b)
    if isinstance(axes, (int, np.integer)):
        left, right = tuple(range(a.ndim - int(axes), a.ndim)), tuple(range(int(axes)))
    else:
        left, right = (tuple(n) if isinstance(n, (tuple, list)) else (n,) for n in axes)
    left, right = tuple(n % a.ndim for n in left), tuple(n % b.ndim for n in right)
    free_a, free_b = ([n for n in range(x.ndim) if n not in used] for x, used in ((a, left), (b, right)))
    shape = tuple(a.shape[n] for n in free_a) + tuple(b.shape[n] for n in free_b)
    count = math.prod(a.shape[n] for n in left)
    rows, columns = math.prod(a.shape[n] for n in free_a), math.prod(b.shape[n] for n in free_b)
    y = matmul(
        np.transpose(a, (*free_a, *left)).reshape(rows, count),
        np.transpose(b, (*right, *free_b)).reshape(count, columns),
    )
    return y.reshape(shape) if shape else y[0, 0]


@numpy_function(np.real)
def _real(a: Any) -> Any:
    return a.real


@numpy_function(np.imag)
def _imag(a: Any) -> Any:
    return a.imag


@numpy_function(np.angle)
def _angle(a: Any, deg: Any = False) -> Any:
    y = elementwise_call(np.angle, np.angle, (as_array(a),)) if is_array(a) else p.apply(np.angle, a)
    return np.degrees(y) if deg else y


@numpy_function(np.sort)
def _sort(a: Any, axis: Any = -1, *args: Any, **kws: Any) -> Any:
    a = as_array(a)
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, np.argsort(plain_root(a), axis=axis, kind="stable"), axis)


@numpy_function(np.linspace)
def _linspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, *, axis: int = 0, **kws: Any) -> Any:
    if kws:
        raise unknown_form(np.linspace)
    steps = np.linspace(0.0, 1.0, int(num), bool(endpoint))
    ndim = max(np.ndim(start), np.ndim(stop))
    steps = steps.reshape(-1, *[1] * ndim)
    return np.moveaxis(start * (1.0 - steps) + stop * steps, 0, axis) if ndim else start * (1.0 - steps) + stop * steps


@numpy_function(np.full_like)
def _full_like(a: Any, fill_value: Any, *args: Any, **kws: Any) -> Any:
    y = wrapped(np.empty_like(plain_root(a), *args, **kws), STATE.tape)
    y[...] = fill_value
    return y


def without_derivative(*functions: Any) -> None:
    """Results of these carry no gradient."""
    for fn in functions:
        NUMPY[fn] = functools.partial(_on_plain, fn)


def _on_plain(fn: Any, /, *args: Any, **kws: Any) -> Any:
    found = tracked_in((args, kws))
    return adopted(
        fn(*changed(args, plain_root), **changed(kws, plain_root)), [v for v in found if not v.__zyg_active__]
    )


without_derivative(
    *named(
        *(
            "argmax",
            "argmin",
            "argsort",
            "argwhere",
            "nonzero",
            "flatnonzero",
            "count_nonzero",
            "searchsorted",
            "digitize",
        ),
        *(
            "shape",
            "ndim",
            "size",
            "any",
            "all",
            "allclose",
            "isclose",
            "array_equal",
            "array_equiv",
            "round",
            "around",
        ),
        *(
            "zeros_like",
            "ones_like",
            "empty_like",
            "result_type",
            "can_cast",
            "iscomplexobj",
            "isrealobj",
            "shares_memory",
        ),
        *("may_share_memory", "array_repr", "array_str", "array2string", "min_scalar_type", "common_type", "isrealobj"),
        *("lexsort", "argpartition", "nanargmax", "nanargmin", "isreal", "iscomplex", "sign"),
        *("unravel_index", "ravel_multi_index", "isin", "isposinf", "isneginf", "fix"),
    )
)
