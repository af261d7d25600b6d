"""The keywords of NumPy's functions that their handlers understand: others are refused, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.program import Const
from zyg.reading.values import Static, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_UNDERSTOOD: dict[Any, frozenset[str]] = {
    getattr(np, name): frozenset(keywords.split())
    for names, keywords in {
        "concatenate": "axis dtype",
        "stack append squeeze expand_dims": "axis",
        "hstack vstack dstack column_stack atleast_1d atleast_2d atleast_3d swapaxes broadcast_to tile copy": "",
        "tensordot": "axes",
        "diagonal": "offset axis1 axis2",
        "tril triu": "k",
        "moveaxis": "source destination",
        "transpose": "axes",
        "select": "default",
        "zeros ones empty": "shape dtype",
        "full": "shape fill_value dtype",
        "full_like zeros_like ones_like empty_like": "fill_value dtype",
        "array asarray ascontiguousarray asfortranarray asanyarray": "dtype copy",
        "eye identity": "M k dtype",
        "arange": "dtype",
        "reshape": "shape newshape order copy",
        "ravel": "order",
    }.items()
    for name in names.split()
}
_UNDERSTOOD[np.linalg.tensordot] = _UNDERSTOOD[np.tensordot]

# Those that do not change what elements a new array has, and values that mean nothing
_HARMLESS = frozenset(("order", "like", "subok", "device", "casting"))
_ABSENT = {"out": None, "ndmin": 0, "where": True, "keepdims": False}


def check_keywords(reader: FunctionReader, fn: Any, kws: dict[str, Value]) -> None:
    """An error where the handler of `fn` would not look at a keyword that it is given."""
    if not kws or fn not in _UNDERSTOOD:
        return
    for name, value in kws.items():
        if name in _UNDERSTOOD[fn] or name in _HARMLESS:
            continue
        given = value.obj if isinstance(value, Static) else value.value if isinstance(value, Const) else value
        if name not in _ABSENT or given != _ABSENT[name]:
            raise unsupported(f"np.{fn.__name__} with {name}= is not compiled", reader.pos)
