"""Reading and writing parts of arrays: `x[i]`, `x[1:, ::-1]`, `x[mask] = v`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.adjoint.activity import shadow_type
from zyg.errors import ValueArgumentError, by_stretching, unsupported
from zyg.ir import scalars
from zyg.ir.memory import mem_add, mem_like
from zyg.ir.program import Const, Op, Operand, Type, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, maps, operators
from zyg.reading.array_making import as_array, is_sequence
from zyg.reading.arrays import ONE, ZERO, add, dtype_of, offset, shape, strides
from zyg.reading.handlers import handles
from zyg.reading.maps import Elements
from zyg.reading.nest import nest
from zyg.reading.reshaping import ravel
from zyg.reading.selection import Selection, is_mask, mask_error, select
from zyg.reading.values import Node, Static, Value, array_like
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def get(reader: FunctionReader, array: Node, index: Value) -> Value:
    """`array[index]`: a number, a view, or for index arrays and masks a copy."""
    if is_mask(index) and arrays.ndim_of(index) == array.head.ndim > 1:
        index, array = _flat_mask(reader, array, index)
    found = select(reader, array, index)
    if found.is_view:
        if id(array) in reader.spec.flat and found.view.head.ndim:
            return maps.materialise(reader, found.view)
        return found.view if found.view.head.ndim else arrays.load(reader, found.view, [])
    dims = found.shape()
    out = arrays.allocate(reader, dims, array.head.dtype)

    def body(at: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        arrays.store(reader, out, at, arrays.load(reader, found.view, found.place(reader, at)))
        return ()

    nest(reader, "gather", dims, (), body)
    if (found.picks and found.picks[0] is None) or arrays.is_turned(reader, array):
        reader.spec.unsure.add(arrays.buffer_of(out))  # NumPy moves the axes that were picked
    return out


def _flat_mask(reader: FunctionReader, array: Node, mask: Value) -> tuple[Value, Node]:
    mask = maps.settle(reader, mask)
    assert isinstance(mask, Node)
    for a, b in zip(shape(array), shape(mask), strict=True):
        reader.guard(reader.emit(operator.eq, (a, b), b1), mask_error, "IndexError(mask)", b, a)
    return ravel(reader, mask), ravel(reader, array)


def put(reader: FunctionReader, array: Node, index: Value, value: Value) -> None:
    """`array[index] = value`."""
    arrays.check_writable(reader, array)
    masked = is_mask(index)
    if masked and arrays.ndim_of(index) == array.head.ndim and arrays.ndim_of(value) == 0:
        _put_where(reader, array, index, value)
        return
    if masked and array.head.ndim > 1 and arrays.ndim_of(index) == array.head.ndim and array.head.layout == "C":
        index, array = _flat_mask(reader, array, index)
    found = select(reader, array, index)
    view = found.view
    if not found.is_view:
        _scatter(reader, found, value)
        return
    if view.head.ndim == 0:
        if not isinstance(value, (Var, Const)):
            raise unsupported("an array element cannot be set to an array", reader.pos)
        maps.settle_all(reader)
        arrays.store(reader, view, [], value)
        return
    value = ready(reader, view, value)
    maps.settle_all(reader)
    maps.assign(reader, view, value)


def fits(reader: FunctionReader, view: Node, value: Value) -> Value:
    """`value` checked against the dimensions of what it is assigned to."""
    if not isinstance(value, Node):
        return value
    dims, given = shape(view), shape(value)
    while len(given) > len(dims) and given[0] == ONE and arrays.is_array(value):
        value = arrays.view(reader, value, offset(value), given[1:], strides(reader, value)[1:])
        given = shape(value)
    if len(given) > len(dims):
        raise unsupported(f"an array of {len(given)} dimensions assigned to one of {len(dims)}", reader.pos)
    for dim, own in zip(given[::-1], dims[::-1], strict=False):
        if dim not in (ONE, own):
            same = reader.emit(operator.eq, (dim, own), b1)
            if reader.spec.stretching:
                same = reader.emit(operator.or_, (same, reader.emit(operator.eq, (dim, ONE), b1)), b1)
            reader.guard(same, _assign_error, "ValueError(broadcast)", dim, own)
    return value


def _assign_error(given: int, own: int) -> BaseException:
    text = f"could not broadcast an input array with dimension {given} into dimension {own}"
    return ValueError(text) if given != 1 else by_stretching(ValueError(f"{text}{maps.STRETCH_HINT}"))


def ready(reader: FunctionReader, view: Node, value: Value) -> Value:
    """`value` for assignment to `view`, computed beforehand where it is read from the buffer being written."""
    if not arrays.is_arraylike(value):
        if not isinstance(value, (Var, Const)):
            raise unsupported("only numbers and arrays can be assigned to parts of arrays", reader.pos)
        return value
    value = fits(reader, view, value)
    if all(_same_view(array, view) or _apart(reader, array, view) for array in maps.arrays_in(value)):
        return value
    assert isinstance(value, Node)
    return maps.materialise(reader, value)


def _same_view(a: Node, b: Node) -> bool:
    return a.items == b.items and a.head == b.head


def _apart(reader: FunctionReader, a: Node, b: Node) -> bool:
    """Whether two arrays are known to lie in different buffers."""
    return reader.spec.origins.are_apart(arrays.buffer_of(a), arrays.buffer_of(b))


def update(reader: FunctionReader, fn: Any, args: list[Value]) -> Value:
    """`a += b` and the like for an array `a`: in place."""
    target, value = args
    assert isinstance(target, Node)
    arrays.check_writable(reader, target)
    value = as_array(reader, value)
    if fn is operator.matmul:
        found = fits(reader, target, operators.apply(reader, fn, [target, value]))
    else:
        found = operators.apply(reader, fn, [target, ready(reader, target, value)])
    keeps_kind(reader, target, found)
    maps.settle_all(reader)
    maps.assign(reader, target, found)
    return target


def keeps_kind(reader: FunctionReader, target: Node, value: Value) -> None:
    """In-place arithmetic must not lose the fraction or the imaginary part."""
    rank: dict[Type, int] = {b1: 0, i8: 1, scalars.f4: 2, scalars.f8: 2, scalars.c8: 3, scalars.c16: 3}
    if rank[dtype_of(value)] > rank[target.head.dtype]:
        raise unsupported(
            f"an array of {target.head.dtype} cannot hold the {dtype_of(value)} result of in-place arithmetic",
            reader.pos,
            "Write a = a + b, or make the array of that type.",
        )


def check_same(reader: FunctionReader, model: Value, given: Value) -> Value:
    """`given`, an array or number with the dimensions of `model`; raises where they differ."""
    if arrays.ndim_of(model) != arrays.ndim_of(given) or not (
        isinstance(given, (Var, Const)) or arrays.is_arraylike(given)
    ):
        raise ValueArgumentError(
            f"a cotangent or tangent of {arrays.ndim_of(given)} dimensions for a value of {arrays.ndim_of(model)}",
            reader.pos,
        )
    for own, dim in zip(shape(model), shape(given), strict=True):
        if own != dim:
            same = reader.emit(operator.eq, (own, dim), b1)
            reader.guard(same, _shape_error, "ValueError(shape)", own, dim)
    return given


def _shape_error(own: int, given: int) -> BaseException:
    return ValueArgumentError(f"a cotangent or tangent has dimension {given} where the value has {own}")


def like(reader: FunctionReader, model: Node, given: Value) -> Var:
    """A buffer that holds `given` where the array `model` has its elements in its own buffer."""
    value = check_same(reader, model, as_array(reader, given))
    kind = shadow_type(arrays.memory(model).type)
    assert kind is not None
    buffer = Var(kind, "dot")
    reader.ops.append(Op(mem_like, (arrays.memory(model),), (buffer,), reader.pos))
    maps.assign(reader, array_like(model, buffer, lambda leaf: leaf), value)
    return buffer


def _put_where(reader: FunctionReader, array: Node, mask: Value, value: Value) -> None:
    """`array[mask] = number`: element by element, so that a mask costs no list of positions."""
    assert isinstance(value, (Var, Const))
    mask = maps.settle(reader, mask)
    for a, b in zip(shape(array), shape(mask), strict=True):
        reader.guard(reader.emit(operator.eq, (a, b), b1), mask_error, "IndexError(mask)", b, a)
    maps.settle_all(reader)
    number = arrays.cast_to(reader, value, array.head.dtype)

    def body(elements: Elements, index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        on = elements.at(mask, index)
        old = elements.at(array, index)
        new = reader.emit(p.select, (on, number, old), array.head.dtype)
        if elements.flat:
            arrays.store_at(reader, array, add(reader, offset(array), index[0]), new)
        else:
            arrays.store(reader, array, index, new)
        return ()

    maps.over(reader, "put", shape(array), [array, mask], (), body)


def _scatter(reader: FunctionReader, found: Selection, value: Value) -> None:
    view, dims = found.view, found.shape()
    if isinstance(value, Node):
        shaped = arrays.c_array(arrays.buffer_of(view), ZERO, dims)
        array = fits(reader, shaped, maps.settle(reader, value))
        assert isinstance(array, Node)
        value = array if _apart(reader, array, view) else maps.materialise(reader, array)
    maps.settle_all(reader)

    def body(at: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        arrays.store(reader, view, found.place(reader, at), Elements(reader, False, dims).at(value, at))
        return ()

    nest(reader, "scatter", dims, (), body)


@handles(np.subtract.at)
def _subtract_at(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array, index, value = args
    value = as_array(reader, value) if is_sequence(value) else value
    return _add_at(reader, [array, index, operators.apply(reader, operator.neg, [value])], kws)


@handles(np.add.at)
def _add_at(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """`np.add.at(array, index, value)`: elements that the index names several times are added to as often."""
    array, index, value = args
    if not (isinstance(array, Node) and arrays.is_array(array)):
        raise unsupported("np.add.at needs an array", reader.pos)
    arrays.check_writable(reader, array)
    found = select(reader, array, index)
    dims = found.shape()
    if isinstance(value, Node):
        shaped = arrays.c_array(arrays.buffer_of(array), ZERO, dims)
        value = maps.settle(reader, fits(reader, shaped, as_array(reader, value)))
        assert isinstance(value, Node)
        value = value if _apart(reader, value, array) else maps.materialise(reader, value)
    maps.settle_all(reader)

    def body(at: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        number = Elements(reader, False, dims).at(value, at)
        arrays.store(reader, found.view, found.place(reader, at), number, mem_add)
        return ()

    nest(reader, "add_at", dims, (), body)
    return Static(None)
