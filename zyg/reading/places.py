"""All elements of an array one after the other: `x.flat` of arrays that do not lie in C order, `np.ndindex`,
`np.ndenumerate`.

What `x.flat` gives reads the array whenever it is asked, so it is no copy, and there are no strides by which it could
be a view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import i8
from zyg.reading import arrays, maps
from zyg.reading.array_making import as_array
from zyg.reading.handlers import handles, number
from zyg.reading.heads import FlatHead, TupleHead
from zyg.reading.iteration import each
from zyg.reading.reshaping import flattened
from zyg.reading.values import Node, Static, Value, tuple_of
from zyg.rules import places

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def is_flat(value: Value | None) -> bool:
    return isinstance(value, Node) and isinstance(value.head, FlatHead)


def without_flat(reader: FunctionReader, value: Value) -> Value:
    """An array of what `x.flat` holds now; anything else as it is."""
    return flattened(reader, value.items[0]) if isinstance(value, Node) and is_flat(value) else value  # type: ignore[arg-type]


def flat_item(reader: FunctionReader, value: Node, index: Operand) -> Value:
    """`x.flat[index]`"""
    return _call(reader, places.load, value.items[0], _counted(reader, value, index))


def set_flat_item(reader: FunctionReader, value: Node, index: Value, new: Value) -> None:
    """`x.flat[index] = new`"""
    if not (isinstance(index, (Var, Const)) and isinstance(new, (Var, Const))):
        raise unsupported(
            "slices of `.flat` of an array that does not lie in C order are copies in native code",
            reader.pos,
            "Write into the array itself, or element by element.",
        )
    _call(reader, places.store, value.items[0], _counted(reader, value, index), new)


def _counted(reader: FunctionReader, value: Node, index: Operand) -> Value:
    return _call(reader, places.counted, value.items[0], index)


def _call(reader: FunctionReader, fn: Any, *args: Value) -> Value:
    return reader.spec.call(reader, Static(fn), list(args), {}, fixed=True)


@handles(np.ndindex)
def _ndindex(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if len(args) == 1 and isinstance(args[0], Node) and isinstance(args[0].head, TupleHead):
        args = list(args[0].items)
    dims = [reader.cast(number(reader, arg, "ndindex"), i8) for arg in args]
    return each(places.place, tuple_of(dims), arrays.size(reader, dims))


@handles(np.ndenumerate)
def _ndenumerate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array = maps.settle(reader, as_array(reader, args[0]))
    return each(places.numbered, array, arrays.size(reader, arrays.shape(array)))
