"""Attributes and methods of arrays: `x.T`, `x.reshape(…)`, `x.sum()`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Var
from zyg.ir.scalars import b1, c8, c16
from zyg.reading import arrays, maps
from zyg.reading.array_functions import array_call
from zyg.reading.array_making import DTYPES, always_copied, as_array, converted, dtype_from
from zyg.reading.array_views import array_of, columnwise, in_c_order, is_columnwise, reshape, transposed
from zyg.reading.arrays import ONE, ZERO, dtype_of, shape
from zyg.reading.handlers import HANDLERS, handles, number
from zyg.reading.heads import FlatHead, MethodHead, TupleHead
from zyg.reading.iteration import elements
from zyg.reading.reshaping import flattened, ravel, reshaped
from zyg.reading.values import Node, Static, Value, constant, tuple_of
from zyg.rules import lists
from zyg.rules.writing import sort_in_place

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

# Methods that are functions of the same meaning, the array first
_FUNCTIONS: dict[str, Any] = {
    name: getattr(np, name)
    for name in [
        *("sum", "mean", "prod", "max", "min", "var", "std", "any", "all", "argmax", "argmin", "cumsum", "cumprod"),
        *("dot", "trace", "clip", "round", "conj", "squeeze", "swapaxes", "repeat", "diagonal", "argsort"),
        *("transpose", "ravel", "take", "searchsorted", "nonzero", "put"),
    ]
} | {"conjugate": np.conj, "flatten": np.copy, "sort": sort_in_place}


def array_attribute(reader: FunctionReader, value: Value, name: str) -> Value:
    """`value.name` of an array."""
    if name == "shape":
        return tuple_of(shape(value))
    if name == "ndim":
        return constant(arrays.ndim_of(value))
    if name == "size":
        return arrays.size(reader, shape(value))
    if name == "dtype":
        return Static(np.dtype(DTYPES[dtype_of(value)]))
    if name in ("itemsize", "nbytes"):
        width = constant(np.dtype(DTYPES[dtype_of(value)]).itemsize)
        return width if name == "itemsize" else arrays.mul(reader, arrays.size(reader, shape(value)), width)
    if name == "T":
        return transposed(reader, value, None)
    if name == "mT":
        return reader.spec.calls.call(reader, Static(np.matrix_transpose), [value], {})
    if name == "real" and dtype_of(value) not in (c8, c16):
        return value
    if name in ("real", "imag"):
        found = array_call(reader, getattr(np, name), [value], {})
        assert found is not None
        return found
    if name == "flat":
        array = array_of(reader, value)
        if array.head.ndim == 1 or array.head.layout == "C":
            more = array.head.ndim > 1
            found = reshaped(reader, array, [arrays.size(reader, shape(array))]) if more else array
            found = Node(found.head, found.items)
            reader.spec.flat.add(id(found))
            reader.spec.keep.append(found)
            return found
        return Node(FlatHead(), (array,))
    if name in _FUNCTIONS or name in ("reshape", "copy", "astype", "fill", "item", "tolist", "view"):
        return Node(MethodHead(name), (value,))
    raise unsupported(f"the attribute {name!r} of arrays has no native code", reader.pos)


def array_method(reader: FunctionReader, value: Value, name: str, args: list[Value], kws: dict[str, Value]) -> Value:
    """`value.name(*args, **kws)` of an array."""
    if name in ("ravel", "flatten") and len(args) == 1:
        args, kws = [], {"order": args[0], **kws}
    if name in ("reshape", "ravel", "flatten") and is_columnwise(kws):
        return columnwise(reader, array_of(reader, value), name, args)
    if name in ("reshape", "ravel", "flatten"):
        kws = in_c_order(reader, name, kws)
    array = array_of(reader, value) if name not in _FUNCTIONS else value
    if name == "fill":
        assert isinstance(array, Node)
        arrays.check_writable(reader, array)
        maps.settle_all(reader)
        maps.assign(reader, array, number(reader, args[0], "fill"))
        return Static(None)
    if name == "reshape":
        items = args if len(args) != 1 or isinstance(args[0], (Var, Const)) else elements(reader, args[0])
        assert isinstance(array, Node)
        return reshape(reader, array, items)
    if name == "copy":
        assert isinstance(array, Node)
        return array if arrays.is_map(value) else maps.in_order(reader, array)
    if name == "astype":
        assert isinstance(array, Node)
        wanted = dtype_from(reader, args[0] if args else kws.get("dtype"), dtype_of(array))
        if wanted == dtype_of(array) and not always_copied(reader, kws.get("copy")):
            return array
        return converted(reader, array, wanted)
    if name == "view":
        assert isinstance(array, Node)
        wanted = dtype_from(reader, args[0] if args else kws.get("dtype"), dtype_of(array))
        if wanted != dtype_of(array):
            raise unsupported("views of the bytes of an array as another type are not compiled", reader.pos)
        return array
    if name == "item":
        assert isinstance(array, Node)
        if len(args) > 1 or (args and not isinstance(args[0], (Var, Const))):
            return reader.spec.calls.item(reader, array, tuple_of(args) if len(args) > 1 else args[0])
        if args:
            return reader.spec.calls.item(reader, ravel(reader, array), number(reader, args[0], "item"))
        single = reader.emit(operator.eq, (arrays.size(reader, shape(array)), ONE), b1)
        reader.guard(single, _item_error, "ValueError(item)")
        return arrays.load(reader, array, [ZERO] * array.head.ndim)
    if name == "transpose" and args and isinstance(args[0], (Var, Const)):
        args = [tuple_of(args)]
    if name == "flatten":
        return flattened(reader, array_of(reader, value))
    if name == "tolist":
        return reader.spec.call(reader, Static(lists.from_array), [array], {}, fixed=True)
    if name in ("conj", "conjugate") and dtype_of(value) not in (c8, c16):
        return value
    if name in _FUNCTIONS:
        return reader.spec.calls.call(reader, Static(_FUNCTIONS[name]), [value, *args], kws)
    raise unsupported(f"the method {name!r} of arrays has no native code", reader.pos)


def _item_error() -> BaseException:
    return ValueError("can only convert an array of size 1 to a Python scalar")


@handles(np.iscomplexobj)
def _iscomplexobj(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return constant(dtype_of(as_array(reader, args[0])) in (scalars.c8, scalars.c16))


@handles(np.isrealobj)
def _isrealobj(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return constant(dtype_of(as_array(reader, args[0])) not in (scalars.c8, scalars.c16))


@handles(np.finfo)
def _finfo(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    given = args[0]
    return Static(np.finfo(given.obj if isinstance(given, Static) else DTYPES[dtype_of(given)]))


@handles(np.shape)
def _shape(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return tuple_of(shape(as_array(reader, args[0])))


@handles(np.ndim)
def _ndim(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return constant(arrays.ndim_of(as_array(reader, args[0])))


@handles(np.size)
def _size(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return arrays.size(reader, shape(as_array(reader, args[0])))


__all__ = ["HANDLERS", "TupleHead", "array_attribute", "array_method"]
