"""Methods and attributes of tracked arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, fresh, is_kept
from zyg.dynamic.contents import changed
from zyg.dynamic.indices import plain_index
from zyg.dynamic.numpy_calls import adopted, view_like, viewed_or_moved
from zyg.dynamic.places import refusal
from zyg.dynamic.state import STATE
from zyg.dynamic.ufuncs import elementwise_call, plain_root
from zyg.rules import primitives as p

# Methods that are functions of NumPy's with the same arguments
_FUNCTIONS = frozenset(
    (
        *(
            "sum",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "prod",
            "cumsum",
            "cumprod",
            "dot",
            "trace",
            "clip",
            "repeat",
            "take",
        ),
        *("argmax", "argmin", "argsort", "nonzero", "searchsorted", "any", "all", "round", "swapaxes", "squeeze"),
        *("diagonal",),
    )
)
_PLAIN = frozenset(("strides", "itemsize", "nbytes", "flags"))


def member(array: Array, name: str) -> Any:
    """`array.name`."""
    if name in _MEMBERS:
        return _MEMBERS[name](array)
    if name in _METHODS:
        method = _METHODS[name]
        return lambda *args, **kws: method(array, *args, **kws)
    if name in _FUNCTIONS:
        fn = getattr(np, name)
        return lambda *args, **kws: fn(array, *args, **kws)
    if name == "__array_struct__" or (name == "__array_interface__" and array.__zyg_active__):
        raise AttributeError(name)  # NumPy asks for `__array__` then, which refuses what is differentiated
    root = array.__zyg_root__
    if name in _PLAIN or not hasattr(root, name) or name.startswith("__"):
        if name == "__array_interface__":
            array.keep()
        return getattr(root, name)
    if callable(getattr(root, name)):
        return lambda *args, **kws: _other(array, name, args, kws)
    if not array.__zyg_active__:
        array.keep()
        return getattr(root, name)
    raise refusal(f"the member {name!r} of an array has no derivative rule")


def _other(array: Array, name: str, args: Any, kws: Any) -> Any:
    if array.__zyg_active__:
        raise refusal(f"the method {name!r} of an array has no derivative rule")
    array.keep()
    found = getattr(array.__zyg_root__, name)(*changed(args, plain_root), **changed(kws, plain_root))
    return adopted(found, [array])


def copied(array: Array, order: str = "C") -> Any:
    return elementwise_call(p.identity, lambda value: value.copy(order), (array,))


def as_type(array: Any, dtype: Any) -> Any:
    wanted = np.dtype(dtype)

    def convert(value: Any) -> Any:
        return value.astype(wanted)

    if not is_kept(array, wanted):
        return fresh(plain_root(array).astype(wanted), STATE.tape)
    if array.dtype.kind == "c" and wanted.kind != "c":
        return np.real(array).astype(wanted)
    if array.dtype == wanted:
        return copied(array)
    return elementwise_call(p.identity, convert, (array,))


def _reshape(array: Array, *shape: Any, order: str = "C") -> Any:
    wanted = plain_index(shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)
    return viewed_or_moved(array, lambda item: np.reshape(item, wanted, order=order))  # type: ignore[call-overload]


def _transpose(array: Array, *axes: Any) -> Any:
    wanted = None if not axes or axes[0] is None else axes[0] if isinstance(axes[0], (tuple, list)) else axes
    return viewed_or_moved(array, lambda item: np.transpose(item, wanted))


def _item(array: Array, *index: Any) -> Any:
    if len(index) == 1 and isinstance(index[0], (int, np.integer)):
        return np.ravel(array)[index[0]]
    if index:
        return array[index[0] if isinstance(index[0], tuple) else index]
    if array.size != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    return np.reshape(array, (1,))[0]


def _tolist(array: Array) -> Any:
    if array.ndim == 0:
        return _item(array)
    return [item.tolist() if type(item) is Array else getattr(item, "item", lambda item=item: item)() for item in array]


def _fill(array: Array, value: Any) -> None:
    array[...] = value


def _flatten(array: Array, order: str = "C") -> Any:
    return np.ravel(copied(array, "C"), order=order)  # type: ignore[call-overload]


def _ravel(array: Array, order: str = "C") -> Any:
    return viewed_or_moved(array, lambda item: np.ravel(item, order=order))  # type: ignore[call-overload]


def _sort(array: Array, axis: int = -1, *args: Any, **kws: Any) -> None:
    array[...] = np.sort(array, axis=axis)


def _base(array: Array) -> Any:
    base = array.__zyg_root__.base
    return view_like(array, base) if isinstance(base, np.ndarray) else base


def _view(array: Array, *args: Any) -> Any:
    if args:
        return _other(array, "view", args, {})
    return view_like(array, array.__zyg_root__.view())


def _real(array: Array) -> Any:
    return view_like(array, array.__zyg_root__.real) if array.dtype.kind == "c" else array


def _imag(array: Array) -> Any:
    root = array.__zyg_root__
    return view_like(array, root.imag) if root.dtype.kind == "c" else fresh(np.zeros_like(root), STATE.tape)


def _conjugate(array: Array) -> Any:
    return np.conj(array) if array.dtype.kind == "c" else array


_MEMBERS: dict[str, Callable[[Array], Any]] = {
    "T": _transpose,
    "base": _base,
    "mT": lambda array: np.swapaxes(array, -1, -2),
    "real": _real,
    "imag": _imag,
}
_METHODS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "item": _item,
    "tolist": _tolist,
    "fill": _fill,
    "flatten": _flatten,
    "ravel": _ravel,
    "sort": _sort,
    "view": _view,
    "conj": _conjugate,
    "conjugate": _conjugate,
}
