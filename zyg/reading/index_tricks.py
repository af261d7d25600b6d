"""`np.mgrid[…]`, `np.ogrid[…]`, `np.r_[…]` and `np.c_[…]`: arrays by what stands between brackets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.program import Const
from zyg.ir.scalars import i8
from zyg.reading.array_making import is_list
from zyg.reading.heads import SliceHead, TupleHead
from zyg.reading.values import Node, Static, Value, constant
from zyg.rules import assembling

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_MAKERS: tuple[tuple[Any, Any], ...] = (
    (np.mgrid, assembling.whole_grid),
    (np.ogrid, assembling.open_grid),
    (np.r_, assembling.rows),
    (np.c_, assembling.columns),
)


def array_between_brackets(reader: FunctionReader, obj: Any, index: Value) -> Value | None:
    """`obj[index]` for these objects; None for others."""
    for maker, written in _MAKERS:
        if obj is maker:
            entries, several = _entries(index)
            parts = [_part(reader, entry) for entry in entries]
            if not several and written in (assembling.whole_grid, assembling.open_grid):
                return parts[0]
            return reader.spec.call(reader, Static(written), parts, {}, fixed=True)
    return None


def _entries(index: Value) -> tuple[list[Value], bool]:
    """What stands between the brackets, and whether there are commas."""
    if isinstance(index, Static) and isinstance(index.obj, tuple):
        return [_value(item) for item in index.obj], True
    if isinstance(index, Node) and isinstance(index.head, TupleHead):
        return list(index.items), True
    return [index], False


def _value(item: Any) -> Value:
    return constant(item) if isinstance(item, (bool, int, float, complex)) else Static(item)


def _part(reader: FunctionReader, entry: Value) -> Value:
    """A slice as the numbers that it goes through; anything else as it is."""
    calls = reader.spec.calls
    if isinstance(entry, Static) and isinstance(entry.obj, slice):
        bounds: list[Value] = [_value(item) for item in (entry.obj.start, entry.obj.stop, entry.obj.step)]
    elif isinstance(entry, Node) and isinstance(entry.head, SliceHead):
        bounds = list(entry.items)
    elif isinstance(entry, Static) and isinstance(entry.obj, str):
        raise unsupported("np.r_ and np.c_ with directives are not compiled", reader.pos)
    elif isinstance(entry, Node) and is_list(entry):
        return calls.call(reader, Static(np.asarray), [entry], {})
    else:
        return entry
    start, stop, step = bounds
    start = Const(0, i8) if _is_none(start) else start
    if isinstance(step, Const) and isinstance(step.value, complex):
        return calls.call(reader, Static(np.linspace), [start, stop, constant(int(abs(step.value)))], {})
    return calls.call(reader, Static(np.arange), [start, stop] if _is_none(step) else [start, stop, step], {})


def _is_none(value: Value) -> bool:
    return isinstance(value, Static) and value.obj is None
