"""NumPy's functions on tracked numbers and arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, fresh, is_array, top_tape, wrapped
from zyg.dynamic.buffers import owner_of
from zyg.dynamic.contents import changed
from zyg.dynamic.functions import hooked
from zyg.dynamic.indices import plain_index
from zyg.dynamic.linear import moved
from zyg.dynamic.number import Number
from zyg.dynamic.state import STATE, attempt
from zyg.dynamic.ufuncs import plain_root
from zyg.errors import DifferentiationError
from zyg.reading.custom import RULES
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
    if fn is np.einsum:
        view = _rearranged(args, kws)
        if view is not None:
            return view
    if fn in _THE_ARRAY_ITSELF and (args[1] if len(args) > 1 else kws.get("n")) == _THE_ARRAY_ITSELF[fn]:
        return as_array(args[0])
    if fn not in LIBRARY:
        return by_native_code(fn, args, kws)
    with contextlib.suppress(DifferentiationError), attempt():
        return by_native_code(fn, args, kws)
    from zyg.dynamic.resolve import HOOKS

    return hooked(LIBRARY[fn], HOOKS, always=True)(*args, **kws)


# Functions that give the array that they are given, for this second argument
_THE_ARRAY_ITSELF: dict[Any, int] = {np.linalg.matrix_power: 1, np.diff: 0}


def _rearranged(args: Sequence[Any], kws: dict[str, Any]) -> Any:
    """What einsum gives of one array of which nothing is summed: a view.  None for anything else."""
    arrays = [arg for arg in args if type(arg) is Array]
    if len(arrays) != 1:
        return None
    found = np.einsum(*changed(tuple(args), plain_root), **changed(kws, plain_root))
    is_view = type(found) is np.ndarray and owner_of(found) is owner_of(arrays[0].__zyg_root__)
    return view_like(arrays[0], found) if is_view else None


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


def named(*names: str) -> frozenset[Any]:
    return frozenset(getattr(np, name) for name in names if hasattr(np, name))


# of one array, and of a sequence of them
ONE = named(
    *("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "squeeze", "expand_dims", "broadcast_to"),
    *("atleast_1d", "atleast_2d", "atleast_3d", "flip", "fliplr", "flipud", "rot90", "roll", "repeat", "tile"),
    *("take", "take_along_axis", "delete", "diag", "diagonal", "diagflat", "tril", "triu", "pad", "resize", "copy"),
    *("split", "array_split", "hsplit", "vsplit", "dsplit", "unstack", "permute_dims", "matrix_transpose"),
    "trim_zeros",
) | frozenset(getattr(np.linalg, name) for name in ("matrix_transpose", "diagonal") if hasattr(np.linalg, name))
SEVERAL = named(
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
            raise unknown_form(fn)
        if np.any(np.asarray(kws.get("constant_values", 0)) != 0):
            raise unknown_form(fn)
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


def unknown_form(fn: Any) -> Exception:
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
        made = value if dtype is None else value.astype(dtype, copy=False)
        always = bool(copy) if isinstance(copy, int) else getattr(copy, "name", "") == "ALWAYS"
        return made.copy() if always and made is value else made
    if not isinstance(value, (list, tuple, Number)) or not tracked_in(value):
        return fresh(np.array(value, dtype, copy=copy, **kws), STATE.tape)
    if type(value) is Number:
        return _joined([value]).reshape(())
    return as_array(value, dtype)
