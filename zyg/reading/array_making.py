"""Functions that make arrays: `np.zeros`, `np.arange`, `np.array`, …"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.kinds import numba_type
from zyg.ir.program import Const, Operand, Type, Var
from zyg.ir.scalars import b1, f8, i8
from zyg.passes.slots import zero
from zyg.reading import arrays, lists, maps, operators, reshaping
from zyg.reading.arrays import ONE, ZERO
from zyg.reading.captured import opened
from zyg.reading.choice import may_be_array
from zyg.reading.describe import described
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.heads import ListHead, MemoryListHead, TupleHead, UnionHead
from zyg.reading.iteration import elements
from zyg.reading.list_arrays import array_of
from zyg.reading.nest import nest
from zyg.reading.values import Node, Static, Value
from zyg.rules import primitives as p
from zyg.rules.combining import linspaces

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

DTYPES: dict[Type, Any] = {
    f8: np.float64,
    scalars.f4: np.float32,
    scalars.c16: np.complex128,
    scalars.c8: np.complex64,
    i8: np.int64,
    b1: np.bool_,
}
_SCALAR_TYPES: dict[Any, Type] = {float: f8, int: i8, bool: b1, complex: scalars.c16}


def dtype_from(reader: FunctionReader, value: Value | None, default: Type) -> Type:
    """The machine type that a dtype argument names."""
    if value is None or (isinstance(value, Static) and value.obj is None):
        return default
    if isinstance(value, Static):
        if value.obj in _SCALAR_TYPES:
            return _SCALAR_TYPES[value.obj]
        try:
            found = numba_type(np.zeros((), np.dtype(value.obj)))
        except TypeError:
            found = None
        if found is not None:
            return found
    raise unsupported("this dtype is not supported in native code", reader.pos, "Use float64, float32, complex or int.")


def dims_from(reader: FunctionReader, value: Value) -> tuple[Operand, ...]:
    """The dimensions that a shape argument names, checked not to be negative."""
    items = [value] if isinstance(value, (Var, Const)) else elements(reader, value)
    dims = []
    for item in items:
        dim = number(reader, item, "a shape")
        if dim.type not in (i8, b1):
            raise unsupported("dimensions must be integers", reader.pos)
        dim = reader.cast(dim, i8)
        if not (isinstance(dim, Const) and int(dim.value.real) >= 0) and not reader.spec.is_length(dim):
            reader.guard(reader.emit(operator.ge, (dim, ZERO), b1), _negative, "ValueError(negative dimensions)")
            dim = reader.length(dim)
        dims.append(dim)
    return tuple(dims)


def _negative() -> BaseException:
    return ValueError("negative dimensions are not allowed")


def filled(reader: FunctionReader, dims: Sequence[Operand], value: Operand, dtype: Type) -> Node:
    """A new array with one value everywhere."""
    if isinstance(value, Const) and value.value == 0:
        return arrays.allocate(reader, dims, dtype, zeros=True)
    out = arrays.allocate(reader, dims, dtype)
    maps.assign(reader, out, arrays.cast_to(reader, value, dtype))
    return out


def _argument(args: Sequence[Value], kws: dict[str, Value], position: int, name: str) -> Value | None:
    return args[position] if len(args) > position else kws.get(name)


@handles(np.result_type)
def _result_type(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    kinds = [
        dtype_from(reader, arg, f8) if isinstance(arg, Static) else arrays.dtype_of(arg)
        for arg in maps.weak(reader, args)
    ]
    return Static(np.dtype(DTYPES[kinds[0] if len(set(kinds)) == 1 else scalars.promote(*kinds)]))


def _constant_array(value: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        wanted = _argument(args, kws, 0, "shape")
        assert wanted is not None
        dims = dims_from(reader, wanted)
        dtype = dtype_from(reader, _argument(args, kws, 1, "dtype"), f8)
        if value is None:
            return arrays.allocate(reader, dims, dtype)
        return filled(reader, dims, reader.cast(Const(float(value), f8), dtype), dtype)

    return handler


HANDLERS[np.zeros] = _constant_array(0.0)
HANDLERS[np.ones] = _constant_array(1.0)
HANDLERS[np.empty] = _constant_array(None)


@handles(np.full)
def _full(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    shape, fill = _argument(args, kws, 0, "shape"), _argument(args, kws, 1, "fill_value")
    assert shape is not None and fill is not None
    value = number(reader, fill, "full")
    return filled(
        reader, dims_from(reader, shape), value, dtype_from(reader, _argument(args, kws, 2, "dtype"), value.type)
    )


def _like(value: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        model = args[0]
        given = list(args[1:])
        fill: Operand | None = None if value is None else Const(float(value), f8)
        if value == "given":
            fill = number(reader, given.pop(0) if given else kws["fill_value"], "full_like")
        dtype = dtype_from(reader, given[0] if given else kws.get("dtype"), arrays.dtype_of(model))
        if not isinstance(model, Node):
            return reader.cast(fill or Const(0.0, f8), dtype)
        if fill is None:
            return arrays.allocate(reader, arrays.shape(model), dtype)
        return filled(reader, arrays.shape(model), reader.cast(fill, dtype), dtype)

    return handler


HANDLERS[np.zeros_like] = _like(0.0)
HANDLERS[np.ones_like] = _like(1.0)
HANDLERS[np.empty_like] = _like(None)
HANDLERS[np.full_like] = lambda reader, args, kws: _like_given(reader, args, kws)


def _like_given(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    fill = number(reader, args[1] if len(args) > 1 else kws["fill_value"], "full_like")
    dtype = dtype_from(reader, args[2] if len(args) > 2 else kws.get("dtype"), arrays.dtype_of(args[0]))
    if isinstance(args[0], (Var, Const)):
        return reader.cast(fill, dtype)
    return filled(reader, arrays.shape(args[0]), reader.cast(fill, dtype), dtype)


@handles(np.arange)
def _arange(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    numbers = [number(reader, arg, "arange") for arg in args]
    start: Operand = ZERO
    step: Operand = ONE
    if len(numbers) == 1:
        stop = numbers[0]
    else:
        start, stop = numbers[:2]
        step = numbers[2] if len(numbers) > 2 else ONE
    kind = scalars.promote(start.type, stop.type, step.type)
    dtype = dtype_from(reader, _argument(args, kws, 3, "dtype"), kind)
    distance = stop if start == ZERO else operators.binary(reader, operator.sub, stop, start)
    if kind == i8 and step == ONE:
        count = distance if reader.spec.is_length(distance) else arrays.most(reader, distance, ZERO)
    else:
        ratio = reader.emit(operator.truediv, (reader.cast(distance, f8), reader.cast(step, f8)), f8)
        whole = reader.cast(reader.emit(np.ceil, (ratio,), f8), i8)
        count = arrays.most(reader, whole, ZERO)
    out = arrays.allocate(reader, (reader.length(count),), dtype)

    def body(index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        offset = operators.binary(reader, operator.mul, index[0], step) if step != ONE else index[0]
        value = operators.binary(reader, operator.add, start, offset) if start != ZERO else offset
        arrays.store(reader, out, index, value)
        return ()

    nest(reader, "arange", arrays.shape(out), (), body)
    return out


@handles(np.linspace)
def _linspace(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if any(arrays.is_arraylike(arg) or is_sequence(arg) for arg in args[:2]):
        return reader.spec.calls.call(reader, Static(linspaces), args, kws)
    if set(kws) - {"num", "endpoint"} or len(args) > 4:
        raise unsupported("of linspace, the arguments num and endpoint are compiled", reader.pos)
    start, stop = (reader.cast(number(reader, arg, "linspace"), f8) for arg in args[:2])
    count_value = _argument(args, kws, 2, "num")
    end_value = _argument(args, kws, 3, "endpoint")
    end = not (isinstance(end_value, Const) and not end_value.value)
    count = dims_from(reader, count_value if count_value is not None else Const(50, i8))[0]
    parts = arrays.most(reader, arrays.sub(reader, count, ONE), ONE) if end else arrays.most(reader, count, ONE)
    width = reader.emit(operator.sub, (stop, start), f8)
    step = reader.emit(operator.truediv, (width, reader.cast(parts, f8)), f8)
    out = arrays.allocate(reader, (count,), f8)
    last = arrays.sub(reader, count, ONE)

    def body(index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        at = reader.emit(operator.mul, (reader.cast(index[0], f8), step), f8)
        value = reader.emit(operator.add, (start, at), f8)
        if end:
            final = reader.emit(operator.eq, (index[0], last), b1)
            some = reader.emit(operator.gt, (last, ZERO), b1)
            final = reader.emit(operator.and_, (final, some), b1)
            value = reader.emit(p.select, (final, stop, value), f8)
        arrays.store(reader, out, index, value)
        return ()

    nest(reader, "linspace", (count,), (), body)
    return out


@handles(np.eye, np.identity)
def _eye(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    rows = dims_from(reader, args[0])[0]
    other = _argument(args, kws, 1, "M")
    columns = rows if other is None or isinstance(other, Static) else dims_from(reader, other)[0]
    diagonal = _argument(args, kws, 2, "k")
    shift = ZERO if diagonal is None else number(reader, diagonal, "eye")
    out = arrays.allocate(reader, (rows, columns), dtype_from(reader, kws.get("dtype"), f8))

    def body(index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        on = reader.emit(operator.eq, (arrays.add(reader, index[0], shift), index[1]), b1)
        arrays.store(reader, out, index, on)
        return ()

    nest(reader, "eye", (rows, columns), (), body)
    return out


def _triangle(comparison: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        value = as_array(reader, args[0])
        diagonal = _argument(args, kws, 1, "k")
        shift = ZERO if diagonal is None else reader.cast(number(reader, diagonal, "a triangle"), i8)
        dims = arrays.shape(value)
        if not isinstance(value, Node) or len(dims) < 2:
            raise unsupported("a triangle needs a matrix, or a stack of them", reader.pos)
        out = arrays.allocate(reader, dims, value.head.dtype)

        def body(index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
            bound = arrays.add(reader, index[-2], shift)
            inside = reader.emit(comparison, (index[-1], bound), b1)
            element = maps.Elements(reader, False).at(value, index)
            arrays.store(reader, out, index, reader.emit(p.select, (inside, element, zero(element.type)), element.type))
            return ()

        nest(reader, "triangle", dims, (), body)
        return out

    return handler


HANDLERS[np.tril] = _triangle(operator.le)
HANDLERS[np.triu] = _triangle(operator.ge)


# --- from other objects ---------------------------------------------------------------------------------


def is_sequence(value: Value) -> bool:
    """Is it a tuple or list?"""
    return isinstance(value, Node) and isinstance(value.head, (TupleHead, ListHead, MemoryListHead))


def is_list(value: Value) -> bool:
    """Whether a value is a list; NumPy's functions take it for an array where a tuple may be a shape or axes."""
    return isinstance(value, Node) and isinstance(value.head, ListHead)


def _none_error() -> BaseException:
    return TypeError("None is there at run time, where an array is needed")


def as_array(reader: FunctionReader, value: Value) -> Value:
    """`np.asarray`: an array, what waits, or a number as it is; a list or tuple as a new array."""
    if isinstance(value, Node) and isinstance(value.head, UnionHead) and not may_be_array(value):
        value = operators.known(reader, value, _none_error)
    value = opened(reader, value)
    if isinstance(value, Node) and lists.in_memory(value):
        return array_of(reader, value)
    if not is_sequence(value):
        if isinstance(value, (Var, Const)) or arrays.is_arraylike(value):
            return value
        raise unsupported(f"{described(value)} is not an array", reader.pos)
    assert isinstance(value, Node)
    items = [as_array(reader, item) for item in value.items]
    if not items:
        return arrays.allocate(reader, (ZERO,), f8)
    kinds = {arrays.dtype_of(item) for item in items}
    dtype = kinds.pop() if len(kinds) == 1 else scalars.promote(*kinds)
    inner = maps.broadcast(reader, [arrays.shape(item) for item in items], _uneven)
    if any(len(arrays.shape(item)) != len(inner) for item in items):
        raise unsupported("a nested list whose parts have different depths is not an array", reader.pos)
    for item in items:
        _check_even(reader, arrays.shape(item), inner)
    out = arrays.allocate(reader, (Const(len(items), i8), *inner), dtype)
    for k, item in enumerate(items):
        row = arrays.view(
            reader,
            out,
            arrays.mul(reader, Const(k, i8), arrays.size(reader, inner)),
            inner,
            arrays.strides(reader, out)[1:],
        )
        if inner:
            maps.assign(reader, row, item)
        else:
            assert isinstance(item, (Var, Const))
            arrays.store(reader, row, [], item)
    return out


def _check_even(reader: FunctionReader, dims: Sequence[Operand], whole: Sequence[Operand]) -> None:
    """Rows of an array are not stretched: all are of one length."""
    for own, wanted in zip(dims, whole, strict=True):
        if own == ONE and wanted != ONE:
            reader.guard(reader.emit(operator.eq, (own, wanted), b1), _uneven, "ValueError(inhomogeneous)", own, wanted)


def _uneven(a: int, b: int) -> BaseException:
    return ValueError(f"setting an array element with a sequence. The array has an inhomogeneous shape: {a} and {b}")


@handles(np.array, np.copy)
def _array(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if not always_copied(reader, kws.get("copy")):
        return _asarray(reader, args, {name: arg for name, arg in kws.items() if name != "copy"})
    found = as_array(reader, args[0])
    wanted = _argument(args, kws, 1, "dtype")
    dtype = dtype_from(reader, wanted, arrays.dtype_of(found))
    if not isinstance(found, Node):
        return reader.cast(found, dtype)  # type: ignore[arg-type]
    return converted(reader, found, dtype)


def converted(reader: FunctionReader, value: Node, dtype: Type) -> Node:
    """A new array of type `dtype`."""
    out = arrays.allocate(reader, arrays.shape(value), dtype)
    maps.assign(reader, out, value)
    return arrays.made_of(reader, out, maps.arrays_in(value))


def always_copied(reader: FunctionReader, copy: Value | None, usually: bool = True) -> bool:
    """Whether `copy=` asks for a copy, where there need not be one; usually: what holds if it is not given."""
    if copy is None or isinstance(copy, Static):
        return usually if copy is None else bool(copy.obj)
    if not isinstance(copy, Const):
        raise unsupported("copy= that is not known when compiling", reader.pos, "Pass True or False.")
    return bool(copy.value)


@handles(np.asfortranarray)
def _asfortranarray(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """The array itself if it lies in Fortran's order, else a copy."""
    found = _asarray(reader, args, kws)
    if not isinstance(found, Node) or arrays.ndim_of(found) < 2:
        return _ascontiguousarray(reader, [found], {})
    turned = reader.spec.calls.call(reader, Static(np.transpose), [found], {})
    return reader.spec.calls.call(reader, Static(np.transpose), [_ascontiguousarray(reader, [turned], {})], {})


@handles(np.ascontiguousarray)
def _ascontiguousarray(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """The array itself if it lies in C order, else a copy."""
    found = _asarray(reader, args, kws)
    if not isinstance(found, Node) or found.head.layout == "C":
        return found
    return reshaping.ordered(reader, found)


@handles(np.asarray, np.asanyarray)
def _asarray(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    wanted = _argument(args, kws, 1, "dtype")
    if always_copied(reader, kws.get("copy"), usually=False):
        return _array(reader, args, kws)
    if arrays.is_arraylike(args[0]) and dtype_from(reader, wanted, arrays.dtype_of(args[0])) == arrays.dtype_of(
        args[0]
    ):
        return args[0]
    return _array(reader, args, kws)


__all__ = ["as_array", "converted", "dims_from", "dtype_from", "filled", "is_sequence", "types"]
