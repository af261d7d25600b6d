"""Arrays while reading: index arithmetic over buffers.

An array is a `Node` over a buffer handle, the offset of its first element and its dimensions; a view is other
arithmetic over the same buffer.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.memory import MemoryType, mem_load, mem_new, mem_store, mem_zeros
from zyg.ir.program import Const, Op, Operand, Type, Var
from zyg.ir.scalars import b1, i8
from zyg.reading.heads import ArrayHead, MapHead
from zyg.reading.values import Node, Value
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

ZERO, ONE = Const(0, i8), Const(1, i8)


def is_array(value: Value | None) -> bool:
    return isinstance(value, Node) and isinstance(value.head, ArrayHead)


def is_map(value: Value | None) -> bool:
    return isinstance(value, Node) and isinstance(value.head, MapHead)


def is_arraylike(value: Value | None) -> bool:
    return is_array(value) or is_map(value)


def dtype_of(value: Value) -> Type:
    if isinstance(value, (Var, Const)):
        return value.type
    assert isinstance(value, Node)
    kind: Type = value.head.dtype
    return kind


def ndim_of(value: Value) -> int:
    return int(value.head.ndim) if isinstance(value, Node) else 0


def buffer_of(array: Node) -> Var:
    """The buffer that holds the elements of an array, or the complex numbers that they are parts of."""
    found = array.items[0]
    assert isinstance(found, Var)
    return found


def kind_in(buffer: Var) -> Type:
    assert isinstance(buffer.type, MemoryType)
    return buffer.type.dtype


def memory(array: Node) -> Var:
    """The buffer of an array whose elements are those of the buffer."""
    if array.head.part:
        raise unsupported(f"the {array.head.part} part of a complex array", None, "Make a copy of it before.")
    return buffer_of(array)


def shape(value: Value) -> tuple[Operand, ...]:
    """The dimensions of an array or of a result that waits; () for a number."""
    if not isinstance(value, Node):
        return ()
    first = 2 if isinstance(value.head, ArrayHead) else 0
    return _operands(value.items[first : first + value.head.ndim])


def _operands(values: Sequence[Value]) -> tuple[Operand, ...]:
    found = tuple(value for value in values if isinstance(value, (Var, Const)))
    assert len(found) == len(values)
    return found


def strides(reader: FunctionReader, array: Node) -> tuple[Operand, ...]:
    """In elements."""
    head: ArrayHead = array.head
    if head.layout == "A":
        return _operands(array.items[2 + head.ndim :])
    found: list[Operand] = [ONE] * head.ndim
    dims = shape(array)
    for axis in range(head.ndim - 2, -1, -1):
        found[axis] = mul(reader, found[axis + 1], dims[axis + 1])
    return tuple(found)


def offset(array: Node) -> Operand:
    return _operands(array.items[1:2])[0]


def c_array(buffer: Value, start: Operand, dims: Sequence[Operand]) -> Node:
    assert isinstance(buffer, Var) and isinstance(buffer.type, MemoryType)
    return Node(ArrayHead(buffer.type.dtype, len(dims)), (buffer, start, *dims))


def view(
    reader: FunctionReader, array: Node, start: Operand, dims: Sequence[Operand], steps: Sequence[Operand]
) -> Node:
    """Another view of the same buffer; of layout C if its strides are those."""
    buffer = buffer_of(array)
    expected: list[Operand] = [ONE] * len(dims)
    for axis in range(len(dims) - 2, -1, -1):
        expected[axis] = mul(reader, expected[axis + 1], dims[axis + 1])
    if all(a == b or d == ONE for a, b, d in zip(steps, expected, dims, strict=True)):
        return Node(replace(array.head, ndim=len(dims), layout="C"), (buffer, start, *dims))
    found = Node(replace(array.head, ndim=len(dims), layout="A"), (buffer, start, *dims, *steps))
    return turned(reader, found) if len(dims) > 1 and is_turned(reader, array) else found


# --- arithmetic on indices ------------------------------------------------------------------------------


def add(reader: FunctionReader, a: Operand, b: Operand) -> Operand:
    if a == ZERO:
        return b
    return a if b == ZERO else reader.emit(operator.add, (a, b), i8)


def sub(reader: FunctionReader, a: Operand, b: Operand) -> Operand:
    return a if b == ZERO else reader.emit(operator.sub, (a, b), i8)


def mul(reader: FunctionReader, a: Operand, b: Operand) -> Operand:
    if a == ONE or b == ZERO:
        return b
    return a if b == ONE or a == ZERO else reader.emit(operator.mul, (a, b), i8)


def least(reader: FunctionReader, a: Operand, b: Operand) -> Operand:
    if a == b:
        return a
    return reader.emit(p.select, (reader.emit(operator.lt, (a, b), b1), a, b), i8)


def most(reader: FunctionReader, a: Operand, b: Operand) -> Operand:
    if a == b:
        return a
    return reader.emit(p.select, (reader.emit(operator.gt, (a, b), b1), a, b), i8)


def size(reader: FunctionReader, dims: Sequence[Operand]) -> Operand:
    total: Operand = ONE
    for dim in dims:
        total = mul(reader, total, dim)
    return total


def place(reader: FunctionReader, array: Node, index: Sequence[Operand]) -> Operand:
    """The number, in its buffer, of the element at `index` (in range)."""
    at = offset(array)
    head: ArrayHead = array.head
    if head.layout == "C" and head.ndim > 0:
        inner: Operand = index[0]
        for dim, i in zip(shape(array)[1:], index[1:], strict=True):
            inner = add(reader, mul(reader, inner, dim), i)
        return add(reader, at, inner)
    for i, step in zip(index, strides(reader, array), strict=True):
        at = add(reader, at, mul(reader, i, step))
    return at


# --- memory ---------------------------------------------------------------------------------------------


def allocate(reader: FunctionReader, dims: Sequence[Operand], dtype: Type, zeros: bool = False) -> Node:
    """A new array."""
    buffer = reader.emit(mem_zeros if zeros else mem_new, (size(reader, dims),), MemoryType(dtype))
    reader.spec.origins.made(buffer, reader.code, reader.at)
    return c_array(buffer, ZERO, dims)


def frozen(reader: FunctionReader, array: Node, why: str) -> Node:
    """`array`, into which nothing may be written."""
    reader.spec.frozen[buffer_of(array)] = why
    return array


_UNSURE = "whether this is a view of an array that was computed of transposed ones depends on its order in NumPy"


def turned(reader: FunctionReader, array: Node) -> Node:
    """`array`, whose axes lie in another order than those of a C array."""
    reader.spec.turned.add(id(array))
    reader.spec.keep.append(array)
    return array


def is_turned(reader: FunctionReader, value: Value) -> bool:
    """Whether the axes of an array lie in another order than those of a C array, as far as is known."""
    return id(value) in reader.spec.turned


def made_of(reader: FunctionReader, array: Node, given: Iterable[Value]) -> Node:
    """`array`, which NumPy lays out in the order in which the arrays lie that it is computed of."""
    spec, buffer = reader.spec, buffer_of(array)
    if array.head.ndim > 1:
        for value in _arrays_among(given):
            own = buffer_of(value)
            if is_turned(reader, value) or own in spec.unsure:
                spec.unsure.add(buffer)
            if own in spec.following or not spec.origins.is_new(own):
                spec.following.add(buffer)
    return array


def given_by(reader: FunctionReader, array: Node, args: Iterable[Value], moves: bool) -> None:
    """Note of what a function of NumPy gives in which order it lies there: in C order, where it is new, unless one of
    the arguments lies otherwise.  moves: may native code have moved its axes?"""
    spec, buffer = reader.spec, buffer_of(array)
    given = list(_arrays_among(args))
    if array.head.ndim > 1 and buffer not in map(buffer_of, given):
        lies_otherwise = any(is_turned(reader, arg) or buffer_of(arg) in spec.unsure for arg in given)
        if (array.head.layout != "C" and moves) or lies_otherwise:
            spec.unsure.add(buffer)
    elif array.head.ndim > 1 and array.head.layout != "C" and moves:
        turned(reader, array)


def _arrays_among(values: Iterable[Value]) -> Iterator[Node]:
    for value in values:
        if isinstance(value, Node) and isinstance(value.head, ArrayHead):
            yield value
        elif isinstance(value, Node):
            yield from _arrays_among(value.items)


def other_dimensions(reader: FunctionReader, array: Node) -> None:
    """Note that an array is about to be given other dimensions: as a view, if NumPy has it in C order."""
    spec, buffer = reader.spec, buffer_of(array)
    spec.reshaped.add(buffer)
    if array.head.ndim > 1 and buffer in spec.unsure:
        spec.frozen.setdefault(buffer, _UNSURE)


def check_writable(reader: FunctionReader, array: Node) -> None:
    """Refuse to write where NumPy would not, or would write elsewhere, too."""
    spec, buffer = reader.spec, buffer_of(array)
    why = spec.frozen.get(buffer)
    if why is not None:
        raise unsupported(why, reader.pos, "Write into a copy of it, or into the array itself by its indices.")
    if buffer in spec.reshaped and (buffer in spec.following or not spec.origins.is_new(buffer)):
        spec.ordered = True


def load(reader: FunctionReader, array: Node, index: Sequence[Operand]) -> Operand:
    return load_at(reader, array, place(reader, array, index))


def load_at(reader: FunctionReader, array: Node, at: Operand) -> Operand:
    """The element that is, or is part of, number `at` of the buffer."""
    buffer, part = buffer_of(array), array.head.part
    found = reader.emit(mem_load, (buffer, at), kind_in(buffer))
    if part:
        found = reader.emit(getattr(np, part), (found,), array.head.dtype)
    reader.spec.of_numpy.add(found)
    return found


def store(reader: FunctionReader, array: Node, index: Sequence[Operand], value: Operand, fn: Any = mem_store) -> None:
    store_at(reader, array, place(reader, array, index), value, fn)


def store_at(reader: FunctionReader, array: Node, at: Operand, value: Operand, fn: Any = mem_store) -> None:
    """Write the element at number `at` of the buffer, or add to it."""
    buffer, part = buffer_of(array), array.head.part
    number = cast_to(reader, value, array.head.dtype)
    if part:
        other: Operand = Const(0.0, array.head.dtype)
        if fn is mem_store:
            whole = reader.emit(mem_load, (buffer, at), kind_in(buffer))
            other = reader.emit(np.imag if part == "real" else np.real, (whole,), array.head.dtype)
        pair = (number, other) if part == "real" else (other, number)
        number = reader.emit(p.make_complex, pair, kind_in(buffer))
    reader.ops.append(Op(fn, (buffer, at, number), (), reader.pos))


def cast_to(reader: FunctionReader, value: Operand, dtype: Type) -> Operand:
    """`value` as an element of an array of `dtype`, as NumPy casts on assignment."""
    if value.type in (scalars.c8, scalars.c16) and dtype not in (scalars.c8, scalars.c16):
        raise unsupported("a complex number cannot be stored in an array of real numbers", reader.pos, "Use .real.")
    return reader.cast(value, dtype)
