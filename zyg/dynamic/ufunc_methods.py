"""`np.add.reduce`, `np.add.at` and the like on tracked arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, top_tape
from zyg.dynamic.contents import changed
from zyg.dynamic.numpy_calls import adopted, as_array, tracked_in
from zyg.dynamic.places import refusal
from zyg.dynamic.ufuncs import plain_root

_REDUCTIONS: dict[Any, Any] = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
_ACCUMULATIONS: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


def call_method(ufunc: Any, method: str, inputs: Sequence[Any], kws: dict[str, Any]) -> Any:
    found = tracked_in((tuple(inputs), kws))
    if method == "at" and ufunc in (np.add, np.subtract) and type(inputs[0]) is Array:
        value = inputs[2] if ufunc is np.add else np.negative(inputs[2])
        return inputs[0].add_at(inputs[1], value)
    if top_tape(found) is None:
        for value in found:
            if type(value) is Array:
                value.keep()
        return adopted(getattr(ufunc, method)(*changed(tuple(inputs), plain_root), **changed(kws, plain_root)), found)
    if method == "reduce" and ufunc in _REDUCTIONS:
        axis = kws.pop("axis", inputs[1] if len(inputs) > 1 else 0)
        return _REDUCTIONS[ufunc](inputs[0], axis=axis, **kws)
    if method == "accumulate" and ufunc in _ACCUMULATIONS:
        axis = kws.pop("axis", inputs[1] if len(inputs) > 1 else 0)
        return _ACCUMULATIONS[ufunc](inputs[0], axis=axis, **kws)
    if method == "outer":
        a, b = as_array(inputs[0]), as_array(inputs[1])
        return ufunc(np.reshape(a, (*np.shape(plain_root(a)), *(1,) * np.ndim(plain_root(b)))), b, **kws)
    raise refusal(f"np.{ufunc.__name__}.{method} has no derivative rule")
