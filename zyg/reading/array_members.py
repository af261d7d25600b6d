"""Attributes and methods of arrays, and the functions that only rearrange: `x.T`, `x.reshape(…)`, `np.expand_dims`."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import ValueArgumentError, by_stretching, unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, c8, c16, i8
from zyg.reading import arrays, maps
from zyg.reading.array_functions import array_call
from zyg.reading.array_making import DTYPES, always_copied, as_array, converted, dtype_from
from zyg.reading.array_reductions import axes_of
from zyg.reading.arrays import ONE, ZERO, dtype_of, offset, shape, strides
from zyg.reading.handlers import HANDLERS, handles, number
from zyg.reading.heads import FlatHead, MethodHead, TupleHead
from zyg.reading.iteration import elements
from zyg.reading.nest import renamed
from zyg.reading.reshaping import flattened, ravel, reshaped
from zyg.reading.values import Node, Static, Value, constant, tuple_of
from zyg.rules import lists
from zyg.rules import primitives as p
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
        array = _array(reader, value)
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
    if name in ("reshape", "ravel", "flatten") and _is_columnwise(kws):
        return _columnwise(reader, _array(reader, value), name, args)
    if name in ("reshape", "ravel", "flatten"):
        kws = _in_c_order(reader, name, kws)
    array = _array(reader, value) if name not in _FUNCTIONS else value
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
        return flattened(reader, _array(reader, value))
    if name == "tolist":
        return reader.spec.call(reader, Static(lists.from_array), [array], {}, fixed=True)
    if name in ("conj", "conjugate") and dtype_of(value) not in (c8, c16):
        return value
    if name in _FUNCTIONS:
        return reader.spec.calls.call(reader, Static(_FUNCTIONS[name]), [value, *args], kws)
    raise unsupported(f"the method {name!r} of arrays has no native code", reader.pos)


def _item_error() -> BaseException:
    return ValueError("can only convert an array of size 1 to a Python scalar")


def _in_c_order(reader: FunctionReader, name: str, kws: dict[str, Value]) -> dict[str, Value]:
    """Keyword arguments without an order, which must be "C"."""
    order = kws.get("order")
    if order is not None and not (isinstance(order, Static) and order.obj == "C"):
        raise unsupported(f"{name} in another order than C is not compiled", reader.pos, "Transpose before.")
    return {key: value for key, value in kws.items() if key != "order"}


def _is_columnwise(kws: dict[str, Value]) -> bool:
    order = kws.get("order")
    return isinstance(order, Static) and order.obj == "F"


def _columnwise(reader: FunctionReader, array: Value, name: str, args: list[Value]) -> Value:
    """`array.reshape(…, order="F")` and the like: that of the transposed array in C order, transposed."""
    turned = transposed(reader, array, None)
    if name != "reshape":
        return array_method(reader, turned, name, [], {})
    items = args if len(args) != 1 or isinstance(args[0], (Var, Const)) else elements(reader, args[0])
    return transposed(reader, reshape(reader, _array(reader, turned), items[::-1]), None)


def _array(reader: FunctionReader, value: Value) -> Node:
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
    array = _array(reader, value)
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
    if _is_columnwise(kws):
        return _columnwise(reader, _array(reader, args[0]), "reshape", items)
    _in_c_order(reader, "reshape", kws)
    return reshape(reader, _array(reader, args[0]), items)


@handles(np.diagonal)
def _diagonal(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """A view, which NumPy lets nobody write into: diagonals of two axes, as the last one."""
    array = _array(reader, args[0])
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
    array = _array(reader, args[0])
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
    if _is_columnwise(kws):
        return _columnwise(reader, _array(reader, args[0]), "ravel", [])
    _in_c_order(reader, "ravel", kws)
    if isinstance(args[0], (Var, Const)):
        return reader.spec.calls.call(reader, Static(np.atleast_1d), args[:1], {})
    return ravel(reader, _array(reader, args[0]))


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
    array = _array(reader, args[0])
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
    array = _array(reader, args[0])
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
    array = _array(reader, value)
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
