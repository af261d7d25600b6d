"""The same elements with other dimensions: a view exactly where NumPy gives one, else a copy.

Where that rests on strides that are known at run time only, the program decides there.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zyg.ir.program import Const, Operand
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, maps
from zyg.reading.arrays import ONE, ZERO, add, mul, offset, shape, strides
from zyg.reading.heads import ArrayHead
from zyg.reading.nest import choose
from zyg.reading.values import Node
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def ravel(reader: FunctionReader, array: Node) -> Node:
    """`array.ravel()`: a view if the elements lie in C order, one behind the other."""
    if array.head.part:
        return flattened(reader, array)
    arrays.other_dimensions(reader, array)
    found = ordered(reader, array)
    if arrays.buffer_of(array) in reader.spec.frozen:
        reader.spec.frozen.setdefault(arrays.buffer_of(found), reader.spec.frozen[arrays.buffer_of(array)])
    return arrays.c_array(arrays.memory(found), offset(found), [arrays.size(reader, shape(array))])


def ordered(reader: FunctionReader, array: Node) -> Node:
    """`array` if its elements lie in C order, one behind the other, else a copy."""
    if array.head.layout == "C":
        return array
    buffer, start = choose(
        reader,
        "ravel",
        _is_contiguous(reader, array),
        lambda: [arrays.memory(array), offset(array)],
        lambda: [arrays.memory(maps.in_order(reader, array)), ZERO],
    )
    return arrays.c_array(buffer, start, shape(array))


def flattened(reader: FunctionReader, array: Node) -> Node:
    """A copy in one dimension, in C order."""
    copy = maps.in_order(reader, array)
    return arrays.c_array(arrays.memory(copy), ZERO, [arrays.size(reader, shape(array))])


def reshaped(reader: FunctionReader, array: Node, dims: Sequence[Operand]) -> Node:
    """`array.reshape(dims)`, which has as many elements."""
    if array.head.part:
        whole = reshaped(reader, maps.whole_of(array), dims)
        return Node(replace(whole.head, dtype=array.head.dtype, part=array.head.part), whole.items)
    if tuple(dims) != shape(array) and array.head.ndim > 1:
        arrays.other_dimensions(reader, array)
    if array.head.layout == "C":
        return arrays.c_array(arrays.memory(array), offset(array), dims)
    if tuple(dims) == shape(array):
        return array
    inner = _c_strides(reader, dims)
    if array.head.ndim == 1:
        (step,) = strides(reader, array)
        return arrays.view(reader, array, offset(array), dims, [mul(reader, step, n) for n in inner])

    def viewed() -> list[Operand]:
        return [arrays.memory(array), offset(array), *(_distance(reader, array, n) for n in inner)]

    def copied() -> list[Operand]:
        return [arrays.memory(maps.in_order(reader, array)), ZERO, *inner]

    fits = _fits(reader, array, inner)
    buffer, start, *steps = choose(reader, "reshape", fits, viewed, copied)
    if arrays.buffer_of(array) in reader.spec.frozen:
        reader.spec.frozen.setdefault(buffer, reader.spec.frozen[arrays.buffer_of(array)])
    return Node(ArrayHead(array.head.dtype, len(dims), "A"), (buffer, start, *dims, *steps))


def _c_strides(reader: FunctionReader, dims: Sequence[Operand]) -> list[Operand]:
    found: list[Operand] = [ONE] * len(dims)
    for axis in range(len(dims) - 2, -1, -1):
        found[axis] = mul(reader, found[axis + 1], dims[axis + 1])
    return found


def _is_contiguous(reader: FunctionReader, array: Node) -> Operand:
    """Whether every axis of more than one element has the stride of C order."""
    ok: Operand = Const(True, b1)
    dims, steps = shape(array), strides(reader, array)
    for dim, step, wanted in zip(dims, steps, _c_strides(reader, dims), strict=True):
        same = reader.emit(operator.eq, (step, wanted), b1)
        single = reader.emit(operator.le, (dim, ONE), b1)
        ok = reader.emit(operator.and_, (ok, reader.emit(operator.or_, (same, single), b1)), b1)
    empty = reader.emit(operator.eq, (arrays.size(reader, dims), ZERO), b1)
    return reader.emit(operator.or_, (ok, empty), b1)


def _fits(reader: FunctionReader, array: Node, inner: Sequence[Operand]) -> Operand:
    """Whether a view can have axes of these C strides: they meet where neighbouring axes of the array do not run on.

    An axis runs on into the next one inside it if its stride is that one's stride times its length; axes of one
    element do not count.
    """
    dims, steps = shape(array), strides(reader, array)
    outer = _c_strides(reader, dims)
    ok: Operand = Const(True, b1)
    run: Operand = ZERO
    inside: Operand = Const(False, b1)
    for dim, step, place in zip(dims[::-1], steps[::-1], outer[::-1], strict=True):
        several = reader.emit(operator.ne, (dim, ONE), b1)
        breaks = reader.emit(operator.ne, (step, run), b1)
        breaks = reader.emit(operator.and_, (breaks, reader.emit(operator.and_, (inside, several), b1)), b1)
        meets: Operand = Const(False, b1)
        for other in inner:
            meets = reader.emit(operator.or_, (meets, reader.emit(operator.eq, (place, other), b1)), b1)
        fine = reader.emit(operator.or_, (meets, reader.emit(operator.not_, (breaks,), b1)), b1)
        ok = reader.emit(operator.and_, (ok, fine), b1)
        run = reader.emit(p.select, (several, mul(reader, step, dim), run), i8)
        inside = reader.emit(operator.or_, (inside, several), b1)
    return ok


def _distance(reader: FunctionReader, array: Node, number: Operand) -> Operand:
    """How far the element with this number, in C order, lies behind the first one."""
    found: Operand = ZERO
    for dim, step in zip(shape(array)[::-1], strides(reader, array)[::-1], strict=True):
        size = arrays.most(reader, dim, ONE)
        index = reader.emit(operator.mod, (number, size), i8)
        number = reader.emit(operator.floordiv, (number, size), i8)
        found = add(reader, found, mul(reader, index, step))
    return found
