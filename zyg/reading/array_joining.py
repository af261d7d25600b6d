"""Arrays put together: `np.concatenate`, `np.stack` and their kin."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Type
from zyg.ir.scalars import b1
from zyg.reading import arrays, maps
from zyg.reading.array_making import as_array, dtype_from
from zyg.reading.array_reductions import axes_of
from zyg.reading.array_views import inserted
from zyg.reading.arrays import offset, shape, strides
from zyg.reading.handlers import HANDLERS, Handler, handles
from zyg.reading.iteration import elements
from zyg.reading.values import Node, Static, Value, constant

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _parts(reader: FunctionReader, value: Value) -> list[Node]:
    """The arrays in a sequence of them, or along the first axis of an array; numbers as arrays of one element."""
    if arrays.is_arraylike(value):
        dims = shape(value)
        if not isinstance(dims[0], Const):
            raise unsupported("the number of arrays to put together must be known when compiling", reader.pos)
    found = []
    for item in elements(reader, value):
        array = maps.settle(reader, as_array(reader, item))
        found.append(array if isinstance(array, Node) else _single(reader, array))
    if not found:
        raise unsupported("at least one array is needed", reader.pos)
    return found


def _single(reader: FunctionReader, value: Value) -> Node:
    """A number as an array of no dimensions."""
    assert not isinstance(value, (Node, Static))
    out = arrays.allocate(reader, (), value.type)
    arrays.store(reader, out, (), value)
    return out


def joined(reader: FunctionReader, parts: Sequence[Node], axis: int, dtype: Type | None = None) -> Node:
    """The arrays one behind the other along an axis."""
    ndim = parts[0].head.ndim
    if any(part.head.ndim != ndim for part in parts):
        raise unsupported("arrays to put together must have the same number of dimensions", reader.pos)
    kinds = {part.head.dtype for part in parts}
    kind = dtype or (kinds.pop() if len(kinds) == 1 else scalars.promote(*kinds))
    dims = list(shape(parts[0]))
    for part in parts[1:]:
        for k, (own, dim) in enumerate(zip(dims, shape(part), strict=True)):
            if k != axis and own != dim:
                same = reader.emit(operator.eq, (own, dim), b1)
                reader.guard(same, _mismatch, "ValueError(concatenate)", own, dim)
        dims[axis] = arrays.add(reader, dims[axis], shape(part)[axis])
    if len(parts) > 1:
        dims[axis] = reader.length(dims[axis])
    out = arrays.allocate(reader, dims, kind)
    steps = strides(reader, out)
    start = offset(out)
    for part in parts:
        width = shape(part)[axis]
        extents = [width if k == axis else dim for k, dim in enumerate(dims)]
        maps.assign(reader, arrays.view(reader, out, start, extents, steps), part)
        start = arrays.add(reader, start, arrays.mul(reader, width, steps[axis]))
    return out


def _mismatch(a: int, b: int) -> BaseException:
    return ValueError(f"arrays to put together have dimensions {a} and {b} where they must be equal")


def _axis(reader: FunctionReader, args: Sequence[Value], kws: dict[str, Value], ndim: int, default: int = 0) -> int:
    axis = args[1] if len(args) > 1 else kws.get("axis", constant(default))
    return axes_of(reader, axis, ndim)[0]


@handles(np.concatenate)
def _concatenate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    axis = args[1] if len(args) > 1 else kws.get("axis", constant(0))
    parts = _parts(reader, args[0])
    dtype = dtype_from(reader, kws["dtype"], parts[0].head.dtype) if "dtype" in kws else None
    if isinstance(axis, Static):
        return joined(reader, [_flat(reader, part) for part in parts], 0, dtype)
    return joined(reader, parts, axes_of(reader, axis, parts[0].head.ndim)[0], dtype)


def _flat(reader: FunctionReader, part: Node) -> Node:
    from zyg.reading.reshaping import ravel

    return ravel(reader, part)


@handles(np.stack)
def _stack(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    parts = _parts(reader, args[0])
    axis = _axis(reader, args, kws, parts[0].head.ndim + 1)
    return joined(reader, [inserted(reader, part, (axis,)) for part in parts], axis)


def _at_least(reader: FunctionReader, part: Node, ndim: int) -> Node:
    """As `np.atleast_1d`, `_2d` and `_3d` do."""
    own = part.head.ndim
    if own >= ndim:
        return part
    if ndim == 3 and own > 0:
        return inserted(reader, _at_least(reader, part, 2), (2,))
    return inserted(reader, part, tuple(range(ndim - own)))


def _joining(prepare: Callable[[FunctionReader, Node], Node], axis: Callable[[Node], int]) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        parts = [prepare(reader, part) for part in _parts(reader, args[0])]
        return joined(reader, parts, axis(parts[0]))

    return handler


def _column(reader: FunctionReader, part: Node) -> Node:
    return inserted(reader, _at_least(reader, part, 1), (1,)) if part.head.ndim < 2 else part


HANDLERS[np.hstack] = _joining(lambda reader, part: _at_least(reader, part, 1), lambda part: int(part.head.ndim > 1))
HANDLERS[np.vstack] = _joining(lambda reader, part: _at_least(reader, part, 2), lambda part: 0)
HANDLERS[np.dstack] = _joining(lambda reader, part: _at_least(reader, part, 3), lambda part: 2)
HANDLERS[np.column_stack] = _joining(_column, lambda part: 1)
if hasattr(np, "row_stack"):
    HANDLERS[np.row_stack] = HANDLERS[np.vstack]


def _at_least_handler(ndim: int) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        from zyg.reading.values import tuple_of

        found = []
        for arg in args:
            array = maps.settle(reader, as_array(reader, arg))
            found.append(_at_least(reader, array if isinstance(array, Node) else _single(reader, array), ndim))
        return found[0] if len(found) == 1 else tuple_of(found)

    return handler


HANDLERS[np.atleast_1d] = _at_least_handler(1)
HANDLERS[np.atleast_2d] = _at_least_handler(2)
HANDLERS[np.atleast_3d] = _at_least_handler(3)


@handles(np.append)
def _append(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    parts = []
    for arg in args[:2]:
        array = maps.settle(reader, as_array(reader, arg))
        parts.append(array if isinstance(array, Node) else _single(reader, array))
    axis = args[2] if len(args) > 2 else kws.get("axis")
    if axis is None or isinstance(axis, Static):
        return joined(reader, [_flat(reader, part) for part in parts], 0)
    return joined(reader, parts, axes_of(reader, axis, parts[0].head.ndim)[0])
