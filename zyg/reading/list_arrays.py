"""Arrays of what lists hold, and functions that put arrays in lists together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.program import Const, Type, Var
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8, promote
from zyg.reading import arrays, lists
from zyg.reading.describe import described
from zyg.reading.heads import TupleHead
from zyg.reading.values import Node, Static, Value
from zyg.rules import lists as written

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_DTYPES: dict[Type, Any] = {
    f8: np.float64,
    f4: np.float32,
    c16: np.complex128,
    c8: np.complex64,
    i8: np.int64,
    b1: np.bool_,
}


def _call(reader: FunctionReader, fn: Any, *args: Value) -> Value:
    return reader.spec.call(reader, Static(fn), list(args), {})


def array_of(reader: FunctionReader, value: Node) -> Value:
    """`np.array(value)` of a list in memory."""

    element = lists.element_of(value.head.site)
    if element is None or value.head.kind is None:
        return arrays.allocate(reader, (Const(0, i8),), f8)
    kind = _number_of(reader, element)
    fn = written.array_of_numbers if isinstance(element, (Var, Const)) else written.array_of_arrays
    return _call(reader, fn, value, Static(_DTYPES[kind]))


def _number_of(reader: FunctionReader, element: Value) -> Type:
    """The type of the numbers in an element."""
    if isinstance(element, (Var, Const)) or arrays.is_arraylike(element):
        return arrays.dtype_of(element)
    if lists.in_memory(element):
        assert isinstance(element, Node)
        inner = lists.element_of(element.head.site)
        return f8 if inner is None else _number_of(reader, inner)
    if isinstance(element, Node) and isinstance(element.head, TupleHead) and element.items:
        kinds = {_number_of(reader, item) for item in element.items}
        return kinds.pop() if len(kinds) == 1 else promote(*kinds)
    raise unsupported(f"a list of {described(element)} is not an array", reader.pos)


def array_function(reader: FunctionReader, fn: Any, args: list[Value], kws: dict[str, Value]) -> Value | None:
    """A function that puts the arrays (or numbers) in a list in memory together; None for other functions."""
    if any(fn is one for one in (np.concatenate, np.stack)) and len(args) == 2 and not kws:
        args, kws = args[:1], {"axis": args[1]}
    if len(args) != 1 or not lists.in_memory(args[0]) or not any(fn is one for one in _TOGETHER):
        return None
    values = args[0]
    assert isinstance(values, Node)
    element = lists.element_of(values.head.site)
    ndim = arrays.ndim_of(element) if element is not None and arrays.is_arraylike(element) else 0
    axis = kws.get("axis", Const(0, i8))
    plain = element is None or isinstance(element, (Var, Const)) or arrays.is_arraylike(element)
    if set(kws) - {"axis"} or not isinstance(axis, Const) or not plain:
        raise unsupported(f"{fn.__name__} of these cannot be compiled", reader.pos)
    if fn is np.stack or (fn is np.vstack and ndim == 1) or (fn is np.column_stack and ndim == 1):
        made = array_of(reader, values)
        to = 1 if fn is np.column_stack else int(axis.value.real)
        if to == 0:
            return made
        return reader.spec.calls.call(reader, Static(np.moveaxis), [made, Const(0, i8), Const(to, i8)], {})
    along = 1 if fn in (np.hstack, np.column_stack) and ndim > 1 else int(axis.value.real)
    if element is None or ndim == 0 or not -ndim <= along < ndim:
        raise unsupported(
            f"{fn.__name__} of a list whose length is not known, along this axis", reader.pos, "Make an array first."
        )
    together = written.arrays_side_by_side(along % ndim) if along % ndim else written.arrays_in_a_row
    return _call(reader, together, values, Static(_DTYPES[arrays.dtype_of(element)]))


_TOGETHER = (np.stack, np.vstack, np.hstack, np.column_stack, np.concatenate)


def total(reader: FunctionReader, items: Value, start: Value) -> Value:
    """`sum(items, start)` where it is not known when compiling how many there are."""
    element = lists.element_of(items.head.site) if isinstance(items, Node) and lists.in_memory(items) else None
    rows = arrays.is_arraylike(items) and arrays.ndim_of(items) > 1
    if start == Const(0, i8) and (rows or (element is not None and arrays.is_arraylike(element))):
        return _call(reader, written.total_of_arrays, items)
    return _call(reader, written.total, items, start)
