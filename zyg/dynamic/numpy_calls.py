"""NumPy's functions on tracked numbers and arrays."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, fresh, is_array, plain_index, top_tape, wrapped
from zyg.dynamic.buffers import owner_of
from zyg.dynamic.contents import changed
from zyg.dynamic.functions import hooked
from zyg.dynamic.linear import matmul, moved, total
from zyg.dynamic.number import Number
from zyg.dynamic.state import STATE
from zyg.dynamic.ufuncs import elementwise_call, plain_root
from zyg.errors import DifferentiationError
from zyg.reading.custom import RULES
from zyg.rules import primitives as p
from zyg.rules.library import LIBRARY

NUMPY: dict[Any, Callable[..., Any]] = {}


def numpy_function(*functions: Any) -> Callable[[Any], Any]:
    """Register the decorated function as what `functions` do where an argument is being differentiated."""

    def register(written: Any) -> Any:
        for fn in functions:
            NUMPY[fn] = written
        return written

    return register


def call_numpy(fn: Any, args: Sequence[Any], kws: dict[str, Any]) -> Any:
    """`fn(*args, **kws)`, of which an argument is tracked."""
    if fn in RULES:
        from zyg.dynamic.custom import by_rule

        return by_rule(fn)(*args, **kws)
    found = tracked_in((args, kws))
    out = kws.get("out")
    if out is not None:
        y = call_numpy(fn, args, {name: value for name, value in kws.items() if name != "out"})
        (out[0] if isinstance(out, tuple) else out)[...] = y
        return out
    if top_tape(found) is None:
        for value in found:
            if type(value) is Array:
                value.keep()
        return adopted(fn(*changed(tuple(args), plain_root), **changed(kws, plain_root)), found)
    if fn in NUMPY:
        return NUMPY[fn](*args, **kws)
    if fn in ONE or fn in SEVERAL:
        return _movement(fn, args, kws)
    from zyg.dynamic.native import by_native_code

    args = [_one_array(arg) for arg in args]
    try:
        return by_native_code(fn, args, kws)
    except DifferentiationError:
        if fn not in LIBRARY:
            raise
    from zyg.dynamic.resolve import HOOKS

    return hooked(LIBRARY[fn], HOOKS, always=True)(*args, **kws)


def _one_array(value: Any) -> Any:
    """Lists of numbers, some of them tracked, as an array; anything else as it is."""
    if type(value) not in (list, tuple) or not tracked_in(value):
        return value
    inside = [_one_array(item) for item in value]
    of_numbers = all(type(item) is Number or isinstance(item, (int, float, complex, np.generic)) for item in value)
    rows = all(new is not old or is_array(new) for new, old in zip(inside, value, strict=True))
    return as_array(value) if of_numbers or (rows and not any(map(is_array, value))) else value


def tracked_in(value: Any) -> list[Any]:
    """The tracked values in arguments."""
    found: list[Any] = []

    def note(item: Any) -> Any:
        found.append(item)
        return item

    changed(value, note)
    return found


def adopted(result: Any, sources: Sequence[Any]) -> Any:
    """What NumPy made of plain arrays: views belong to the buffer of what they are views of."""
    if isinstance(result, (tuple, list)):
        items = [adopted(item, sources) for item in result]
        if isinstance(result, tuple) and type(result) is not tuple:
            return tuple.__new__(type(result), items)
        return type(result)(items)
    if type(result) is not np.ndarray:
        return result
    owner = owner_of(result)
    for source in sources:
        if type(source) is Array and owner_of(source.__zyg_root__) is owner:
            return view_like(source, result)
    return fresh(result, STATE.tape)


def view_like(source: Any, root: np.ndarray[Any, Any]) -> Any:
    """The view `root` of the array inside of `source`, on all of its levels."""
    if type(source) is not Array:
        return root
    return Array(view_like(source.value, root), source.buffer)


# --- views and the movement of elements -------------------------------------------------------------------


def _named(*names: str) -> frozenset[Any]:
    return frozenset(getattr(np, name) for name in names if hasattr(np, name))


# of one array, and of a sequence of them
ONE = _named(
    *("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "squeeze", "expand_dims", "broadcast_to"),
    *("atleast_1d", "atleast_2d", "atleast_3d", "flip", "fliplr", "flipud", "rot90", "roll", "repeat", "tile"),
    *("take", "take_along_axis", "delete", "diag", "diagonal", "diagflat", "tril", "triu", "pad", "resize", "copy"),
    *("split", "array_split", "hsplit", "vsplit", "dsplit", "unstack", "permute_dims", "matrix_transpose"),
)
SEVERAL = _named(
    *("concatenate", "concat", "stack", "hstack", "vstack", "dstack", "column_stack", "block", "append"),
)


def _movement(fn: Any, args: Sequence[Any], kws: dict[str, Any]) -> Any:
    args, kws = list(args), dict(kws)
    if fn is np.append:
        first = (
            [np.ravel(arg) for arg in args[:2]]
            if kws.get("axis", args[2] if len(args) > 2 else None) is None
            else args[:2]
        )
        return np.concatenate(first, axis=kws.get("axis", args[2] if len(args) > 2 else None) or 0)
    if fn is np.block:
        return _block(args[0] if args else kws["arrays"])
    if fn in SEVERAL:
        name = "tup" if fn not in (np.concatenate, np.stack) else "arrays"
        parts = [as_array(part) for part in (args.pop(0) if args else kws.pop(name))]
        rest, named = changed(tuple(args), plain_root), changed(kws, plain_root)
        return moved(parts, lambda items: fn(list(items), *rest, **named))
    if fn is np.pad:
        mode = kws.get("mode", args[2] if len(args) > 2 else "constant")
        if not isinstance(mode, str) or mode in ("linear_ramp", "maximum", "mean", "median", "minimum", "empty"):
            raise _unknown(fn)
        if np.any(np.asarray(kws.get("constant_values", 0)) != 0):
            raise _unknown(fn)
    array = as_array(
        args.pop(0) if args else kws.pop(next(name for name in ("a", "m", "arr", "array", "ary") if name in kws))
    )
    rest, named = plain_index(tuple(args)), changed(kws, plain_root)
    return viewed_or_moved(array, lambda item: fn(item, *rest, **named))


def _block(arrays: Any) -> Any:
    parts: list[Any] = []

    def placed(value: Any, items: Any) -> Any:
        if isinstance(value, list):
            return [placed(item, items) for item in value]
        if items is None:
            parts.append(as_array(value))
            return None
        return next(items)

    placed(arrays, None)
    return moved(parts, lambda items: np.block(placed(arrays, iter(items))))


def viewed_or_moved(array: Any, move: Callable[[Any], Any]) -> Any:
    """What `move` makes of an array: views of it, or copies of elements."""
    if type(array) is Array:
        root = array.__zyg_root__
        y = move(root)
        found = y if isinstance(y, (tuple, list)) else [y]
        if all(isinstance(item, np.ndarray) and owner_of(item) is owner_of(root) for item in found):
            views = [view_like(array, item) for item in found]
            return type(y)(views) if isinstance(y, (tuple, list)) else views[0]
    return moved([array], lambda items: move(items[0]))


def _unknown(fn: Any) -> Exception:
    from zyg.dynamic.places import refusal

    return refusal(f"np.{fn.__name__} has no derivative rule for these arguments")


# --- making arrays ----------------------------------------------------------------------------------------


def as_array(value: Any, dtype: Any = None) -> Any:
    """Numbers and arrays, nested in lists and tuples, as one array."""
    if isinstance(value, (list, tuple)):
        if not tracked_in(value):
            return fresh(np.array(value, dtype), STATE.tape)
        value = _joined([as_array(item) for item in value])
    if dtype is not None:
        value = value.astype(dtype) if is_array(value) else wrapped(np.asarray(value, dtype), STATE.tape)
    return value


def _joined(items: Sequence[Any]) -> Any:
    if top_tape(items) is None:
        return fresh(np.array([plain_root(item) for item in items]), STATE.tape)
    return moved(items, _joined)


def make_array(value: Any, dtype: Any = None, *, copy: Any = True, **kws: Any) -> Any:
    """`np.array` and `np.asarray`."""
    if type(value) is Array:
        made = value if dtype is None else value.astype(dtype)
        return made.copy() if copy and made is value else made
    if not isinstance(value, (list, tuple, Number)) or not tracked_in(value):
        return fresh(np.array(value, dtype, copy=copy, **kws), STATE.tape)
    if type(value) is Number:
        return _joined([value]).reshape(())
    return as_array(value, dtype)


# --- reductions and the like ------------------------------------------------------------------------------


@numpy_function(np.sum)
def _sum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, **kws: Any) -> Any:
    _no_more(np.sum, kws)
    a = as_array(a)
    return total(a if dtype is None else a.astype(dtype), _axis(axis), bool(keepdims))


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
    count = functools.reduce(operator.mul, (a.shape[n] for n in left), 1)
    y = matmul(
        np.transpose(a, (*free_a, *left)).reshape(-1, count), np.transpose(b, (*right, *free_b)).reshape(count, -1)
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
def _linspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, **kws: Any) -> Any:
    if kws:
        raise _unknown(np.linspace)
    steps = np.linspace(0.0, 1.0, int(num), bool(endpoint))
    return start * (1.0 - steps) + stop * steps


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
    *_named(
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
