"""Arrays with other dimensions, or their axes in another order: `np.reshape`, `np.moveaxis`, `np.broadcast_to`."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zyg.errors import ValueArgumentError, by_stretching, unsupported
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, maps
from zyg.reading.array_making import as_array
from zyg.reading.array_reductions import axes_of
from zyg.reading.arrays import ONE, ZERO, offset, shape, strides
from zyg.reading.handlers import handles, number
from zyg.reading.iteration import elements
from zyg.reading.nest import renamed
from zyg.reading.reshaping import flattened, ravel, reshaped
from zyg.reading.values import Node, Static, Value, constant, tuple_of
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def in_c_order(reader: FunctionReader, name: str, kws: dict[str, Value]) -> dict[str, Value]:
    """Keyword arguments without an order, which must be "C"."""
    order = kws.get("order")
    if order is not None and not (isinstance(order, Static) and order.obj == "C"):
        raise unsupported(f"{name} in another order than C is not compiled", reader.pos, "Transpose before.")
    return {key: value for key, value in kws.items() if key != "order"}


def is_columnwise(kws: dict[str, Value]) -> bool:
    order = kws.get("order")
    return isinstance(order, Static) and order.obj == "F"


def columnwise(reader: FunctionReader, array: Value, name: str, args: list[Value]) -> Value:
    """`array.reshape(…, order="F")` and the like: that of the transposed array in C order, transposed."""
    turned = transposed(reader, array, None)
    if name != "reshape":
        return (flattened if name == "flatten" else ravel)(reader, array_of(reader, turned))
    items = args if len(args) != 1 or isinstance(args[0], (Var, Const)) else elements(reader, args[0])
    return transposed(reader, reshape(reader, array_of(reader, turned), items[::-1]), None)


def array_of(reader: FunctionReader, value: Value) -> Node:
    found = maps.settle(reader, as_array(reader, value))
    if isinstance(found, (Var, Const)):  # a number: an array without dimensions
        made = arrays.allocate(reader, (ONE,), found.type)
        arrays.store(reader, made, (ZERO,), found)
        return arrays.c_array(arrays.memory(made), ZERO, [])
    assert isinstance(found, Node)
    return found


def transposed(reader: FunctionReader, value: Value, axes: list[int] | None) -> Value:
    """The view with its axes in another order; a number is itself."""
    if isinstance(value, (Var, Const)):
        return value
    array = array_of(reader, value)
    order = list(range(array.head.ndim))[::-1] if axes is None else axes
    dims, steps = shape(array), strides(reader, array)
    found = arrays.view(reader, array, offset(array), [dims[k] for k in order], [steps[k] for k in order])
    several = [k for k in order if dims[k] != ONE]
    return found if several == sorted(several) else arrays.turned(reader, found)


def reshape(reader: FunctionReader, array: Node, items: list[Value]) -> Value:
    """`array.reshape(*items)`; a number, if there are no dimensions."""
    total = arrays.size(reader, shape(array))
    dims: list[Operand] = []
    free: int | None = None
    for k, item in enumerate(items):
        dim = number(reader, item, "reshape")
        if isinstance(dim, Const) and int(dim.value.real) == -1:
            free = k
            dims.append(ONE)
        else:
            dims.append(_extent(reader, reader.cast(dim, i8), total))
    if free is not None:
        others = arrays.size(reader, dims)
        some = reader.emit(operator.gt, (others, ZERO), b1)
        reader.guard(some, _reshape_error, "ValueError(reshape)", total)
        if others == ONE:
            dims[free] = total
        else:
            dims[free] = reader.length(reader.emit(operator.floordiv, (total, others), i8))
    same = reader.emit(operator.eq, (arrays.size(reader, dims), total), b1)
    reader.guard(same, _reshape_error, "ValueError(reshape)", total)
    found = reshaped(reader, array, dims)
    return found if dims else arrays.load(reader, found, [])


def _extent(reader: FunctionReader, dim: Operand, total: Operand) -> Operand:
    if isinstance(dim, Var) and not reader.spec.is_length(dim):
        reader.guard(reader.emit(operator.ge, (dim, ZERO), b1), _reshape_error, "ValueError(reshape)", total)
        return reader.length(dim)
    return dim


def _reshape_error(total: int) -> BaseException:
    return ValueError(f"cannot reshape an array of size {total} into this shape")


@handles(np.reshape)
def _reshape(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if len(args) > 2:
        args, kws = args[:2], {"order": args[2], **kws}
    wanted = args[1] if len(args) > 1 else kws.get("shape", kws.get("newshape"))
    assert wanted is not None
    items: list[Value] = [wanted] if isinstance(wanted, (Var, Const)) else elements(reader, wanted)
    if is_columnwise(kws):
        return columnwise(reader, array_of(reader, args[0]), "reshape", items)
    in_c_order(reader, "reshape", kws)
    return reshape(reader, array_of(reader, args[0]), items)


@handles(np.diagonal)
def _diagonal(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """A view, which NumPy lets nobody write into: diagonals of two axes, as the last one."""
    array = array_of(reader, args[0])
    given = dict(zip(("offset", "axis1", "axis2"), args[1:], strict=False)) | kws
    shift = reader.cast(number(reader, given.get("offset", Const(0, i8)), "diagonal"), i8)
    first, second = (
        axes_of(reader, given.get(name, constant(default)), array.head.ndim)[0]
        for name, default in (("axis1", 0), ("axis2", 1))
    )
    if first == second:
        raise unsupported("axis1 and axis2 cannot be the same", reader.pos)
    row = arrays.most(reader, reader.emit(operator.neg, (shift,), i8), ZERO)
    column = arrays.most(reader, shift, ZERO)
    dims, steps = shape(array), strides(reader, array)
    rows, columns, down, right = dims[first], dims[second], steps[first], steps[second]
    count = arrays.least(reader, arrays.sub(reader, rows, row), arrays.sub(reader, columns, column))
    count = reader.length(arrays.most(reader, count, ZERO))
    start = arrays.add(reader, arrays.mul(reader, row, down), arrays.mul(reader, column, right))
    others = [k for k in range(len(dims)) if k not in (first, second)]
    view = arrays.view(
        reader,
        array,
        arrays.add(reader, offset(array), start),
        [*(dims[k] for k in others), count],
        [*(steps[k] for k in others), arrays.add(reader, down, right)],
    )
    view = Node(view.head, (renamed(reader, arrays.buffer_of(array)), *view.items[1:]))
    return arrays.frozen(reader, view, "NumPy's diagonals are read-only")


@handles(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """A view whose last dimensions are windows, which overlap; NumPy lets nobody write into it."""
    array = array_of(reader, args[0])
    given = dict(zip(("window_shape", "axis"), args[1:], strict=False)) | kws
    if set(given) - {"window_shape", "axis"}:
        raise unsupported("of sliding_window_view, the arguments window_shape and axis are compiled", reader.pos)
    wanted, axis = given["window_shape"], given.get("axis", Static(None))
    sizes = [wanted] if isinstance(wanted, (Var, Const)) else elements(reader, wanted)
    ndim = array.head.ndim
    if isinstance(axis, Static) and axis.obj is None:
        axes = list(range(ndim))
    else:
        axes = [axes_of(reader, a, ndim)[0] for a in ([axis] if isinstance(axis, Const) else elements(reader, axis))]
    if len(axes) != len(sizes):
        raise unsupported("sliding_window_view needs a window size for each axis", reader.pos)
    dims, steps = list(shape(array)), list(strides(reader, array))
    for k, size in zip(axes, sizes, strict=True):
        width = reader.cast(number(reader, size, "a window"), i8)
        fits = reader.emit(operator.le, (width, dims[k]), b1)
        some = reader.emit(operator.ge, (width, ZERO), b1)
        reader.guard(reader.emit(operator.and_, (fits, some), b1), _window_error, "ValueError(window)")
        dims[k] = reader.length(arrays.add(reader, arrays.sub(reader, dims[k], width), ONE))
        dims.append(reader.length(width))
        steps.append(steps[k])
    buffer = renamed(reader, arrays.buffer_of(array))
    windows = Node(replace(array.head, ndim=len(dims), layout="A"), (buffer, offset(array), *dims, *steps))
    return arrays.frozen(reader, windows, "windows that overlap are read-only")


def _window_error() -> BaseException:
    return ValueError("window shape cannot be larger than input array shape")


@handles(np.ravel)
def _ravel(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if len(args) > 1:
        kws = {"order": args[1], **kws}
    if is_columnwise(kws):
        return columnwise(reader, array_of(reader, args[0]), "ravel", [])
    in_c_order(reader, "ravel", kws)
    if isinstance(args[0], (Var, Const)):
        return reader.spec.calls.call(reader, Static(np.atleast_1d), args[:1], {})
    return ravel(reader, array_of(reader, args[0]))


@handles(np.transpose)
def _transpose(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    axes = args[1] if len(args) > 1 else kws.get("axes")
    if axes is None or (isinstance(axes, Static) and axes.obj is None):
        return transposed(reader, args[0], None)
    ndim = arrays.ndim_of(args[0])
    order = [axes_of(reader, item, ndim)[0] for item in elements(reader, axes)]
    if sorted(order) != list(range(ndim)):
        raise unsupported("transpose needs every axis once", reader.pos)
    return transposed(reader, args[0], order)


@handles(np.swapaxes)
def _swapaxes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    ndim = arrays.ndim_of(args[0])
    a, b = (axes_of(reader, axis, ndim)[0] for axis in args[1:3])
    order = list(range(ndim))
    order[a], order[b] = b, a
    return transposed(reader, args[0], order)


@handles(np.moveaxis)
def _moveaxis(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    ndim = arrays.ndim_of(args[0])
    moved, places = (
        [axes_of(reader, axis, ndim)[0] for axis in (axes.items if isinstance(axes, Node) else (axes,))]
        for axes in (args[1:3] if len(args) > 2 else (kws["source"], kws["destination"]))
    )
    order = [k for k in range(ndim) if k not in moved]
    for place, a in sorted(zip(places, moved, strict=True)):
        order.insert(place, a)
    return transposed(reader, args[0], order)


@handles(np.expand_dims)
def _expand_dims(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array = array_of(reader, args[0])
    axis = args[1] if len(args) > 1 else kws["axis"]
    places = axes_of(reader, axis, array.head.ndim + (len(axis.items) if isinstance(axis, Node) else 1))
    return inserted(reader, array, places)


def inserted(reader: FunctionReader, array: Node, places: tuple[int, ...]) -> Node:
    """The view with dimensions of 1 at places, in ascending order, among its dimensions."""
    dims, steps = list(shape(array)), list(strides(reader, array))
    for place in places:
        dims.insert(place, ONE)
        steps.insert(place, ZERO)
    return arrays.view(reader, array, offset(array), dims, steps)


@handles(np.squeeze)
def _squeeze(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array = array_of(reader, args[0])
    dims, steps = shape(array), strides(reader, array)
    wanted = args[1] if len(args) > 1 else kws.get("axis")
    gone = axes_of(reader, wanted, len(dims)) if wanted is not None else [k for k, d in enumerate(dims) if d == ONE]
    for k in gone:
        if dims[k] != ONE:
            same = reader.emit(operator.eq, (dims[k], ONE), b1)
            reader.guard(same, _squeeze_error, "ValueError(squeeze)")
    kept = [k for k in range(len(dims)) if k not in gone]
    if wanted is None:
        for k in kept:
            if not isinstance(dims[k], Const):
                several = reader.emit(operator.ne, (dims[k], ONE), b1)
                reader.guard(several, _single_error, "ValueError(squeeze)")
    if not kept:
        return arrays.load(reader, array, [ZERO] * len(dims))
    return arrays.view(reader, array, offset(array), [dims[k] for k in kept], [steps[k] for k in kept])


def _single_error() -> BaseException:
    return ValueError("a dimension that only happens to be 1 cannot be squeezed out in native code; name the axis")


def _squeeze_error() -> BaseException:
    return ValueError("cannot select an axis to squeeze out which has size not equal to one")


@handles(np.broadcast_to)
def _broadcast_to(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    items = [number(reader, item, "broadcast_to") for item in elements(reader, args[1])]
    value = as_array(reader, args[0])
    if arrays.ndim_of(value) > len(items):
        raise ValueArgumentError("input operand has more dimensions than allowed by the axis remapping", reader.pos)
    if not isinstance(value, Node) and not items:
        return value
    if not isinstance(value, Node):
        made = arrays.allocate(reader, (ONE,), value.type)  # type: ignore[union-attr]
        arrays.store(reader, made, (ZERO,), value)  # type: ignore[arg-type]
        value = made
    array = array_of(reader, value)
    given, steps = shape(array), strides(reader, array)
    extra = len(items) - len(given)
    out: list[Operand] = [ZERO] * extra
    for dim, step, wanted in zip(given, steps, items[extra:], strict=True):
        if dim == ONE and wanted != ONE:
            out.append(ZERO)
            continue
        fits = reader.emit(operator.eq, (dim, wanted), b1)
        if reader.spec.stretching and isinstance(dim, Var) and dim is not wanted:
            single = reader.emit(operator.eq, (dim, ONE), b1)
            fits = reader.emit(operator.or_, (fits, single), b1)
            step = reader.emit(p.select, (single, ZERO, step), i8)
        reader.guard(fits, _broadcast_to_error, "ValueError(broadcast)", dim, wanted)
        out.append(step)
    buffer = renamed(reader, arrays.buffer_of(array))
    stretched = Node(replace(array.head, ndim=len(items), layout="A"), (buffer, offset(array), *items, *out))
    return arrays.frozen(reader, stretched, "what np.broadcast_to gives is read-only")


def _broadcast_to_error(dim: int, wanted: int) -> BaseException:
    error = ValueError(f"an array cannot be broadcast from {dim} to {wanted} elements")
    return by_stretching(error) if dim == 1 else error


@handles(np.broadcast_shapes)
def _broadcast_shapes(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    shapes = []
    for arg in args:
        items: list[Value] = [arg] if isinstance(arg, (Var, Const)) else elements(reader, arg)
        shapes.append([number(reader, item, "a shape") for item in items])
    return tuple_of(maps.broadcast(reader, shapes, stretching=reader.spec.stretching))
