"""Products of matrices and vectors: `a @ b`, `np.dot`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from zyg.errors import unsupported
from zyg.ir import matrices, scalars
from zyg.ir.matrices import Matrix
from zyg.ir.memory import mem_add
from zyg.ir.program import Const, Operand, Type
from zyg.ir.scalars import b1
from zyg.reading import arrays, maps, operators
from zyg.reading.array_making import as_array, converted
from zyg.reading.arrays import ONE, ZERO, dtype_of, offset, shape, strides
from zyg.reading.handlers import HANDLERS, handles
from zyg.reading.nest import nest
from zyg.reading.values import Node, Static, Value
from zyg.rules.library import LIBRARY, square

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

# Products of fewer multiplications than this, if it is known when compiling, are loops in the program itself
_FEW = 64


@handles(np.matmul)
def _matmul(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, b = _operands(reader, args, kws)
    if 0 in (arrays.ndim_of(a), arrays.ndim_of(b)):
        raise unsupported("matmul needs arrays, not numbers", reader.pos, "Use * or np.dot.")
    return _product(reader, a, b)


@handles(np.dot)
def _dot(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, b = _operands(reader, args, kws)
    if 0 in (arrays.ndim_of(a), arrays.ndim_of(b)):
        return operators.apply(reader, operator.mul, [a, b])
    if arrays.ndim_of(a) > 2 or arrays.ndim_of(b) > 2:
        last = max(arrays.ndim_of(b) - 2, 0)
        return reader.spec.calls.call(reader, Static(np.tensordot), [a, b, _axes(last)], {})
    return _product(reader, a, b)


def _axes(last: int) -> Value:
    from zyg.reading.values import constant, tuple_of

    return tuple_of([constant(-1), constant(last)])


def _operands(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> list[Value]:
    if kws or len(args) != 2:
        raise unsupported("products of matrices take two operands", reader.pos, "Assign to out[...] instead of out=.")
    return [as_array(reader, arg) for arg in args]


def _product(reader: FunctionReader, a: Value, b: Value) -> Value:
    if arrays.ndim_of(a) == 1 and arrays.ndim_of(b) == 1:
        return reader.spec.call(reader, Static(LIBRARY[np.inner]), [a, b], {})
    kinds = {dtype_of(a), dtype_of(b)}
    kind = kinds.pop() if len(kinds) == 1 else scalars.promote(*kinds)
    one, two = (_settled(reader, value, kind) for value in (a, b))
    rows = one.head.ndim > 1
    columns = two.head.ndim > 1
    inner, other = shape(one)[-1], shape(two)[-2 if columns else 0]
    if inner != other:
        same = reader.emit(operator.eq, (inner, other), b1)
        reader.guard(same, _mismatch, "ValueError(not aligned)", inner, other)
    m = shape(one)[-2] if rows else ONE
    n = shape(two)[-1] if columns else ONE
    outer = maps.broadcast(reader, [shape(one)[:-2], shape(two)[:-2]], stretching=reader.spec.stretching)
    dims = (*outer, *((m,) if rows else ()), *((n,) if columns else ()))
    work = [d.value for d in (m, n, inner) if isinstance(d, Const)]
    few = len(work) == 3 and np.prod(np.real(work)) <= _FEW
    if kind not in (scalars.f4, scalars.f8, scalars.c8, scalars.c16) or few:
        return _looped(reader, kind, one, two, dims, inner)
    out = arrays.allocate(reader, dims, kind, zeros=True)

    def one_product(place: list[Operand]) -> None:
        counts = (len(outer), one.head.ndim - 2, two.head.ndim - 2)
        c, x, y = (_at(reader, array, n, place) for array, n in zip((out, one, two), counts, strict=True))
        steps = strides(reader, out)[len(outer) :]
        left = strides(reader, one)[-2:] if rows else (ZERO, *strides(reader, one))
        right = strides(reader, two)[-2:] if columns else (*strides(reader, two), ZERO)
        mine = (*(steps[:1] if rows else (ZERO,)), *(steps[-1:] if columns else (ZERO,)))
        reader.ops.append(
            matrices.gemm(
                Matrix(arrays.memory(out), c, *mine),
                Matrix(arrays.memory(one), x, *left),
                Matrix(arrays.memory(two), y, *right),
                (m, n, inner),
                (0, 0),
                reader.pos,
            )
        )

    def body(index: list[Operand], _: list[Operand]) -> tuple[Operand, ...]:
        one_product(index)
        return ()

    nest(reader, "products", outer, (), body)
    return out


def _settled(reader: FunctionReader, value: Value, kind: Type) -> Node:
    array = maps.without_parts(reader, maps.settle(reader, value))
    assert isinstance(array, Node)
    return array if dtype_of(array) == kind else converted(reader, array, kind)


def _at(reader: FunctionReader, array: Node, count: int, place: list[Operand]) -> Operand:
    """Where the matrix at `place` of a stack with `count` dimensions starts."""
    at = offset(array)
    if count <= 0:
        return at
    own = place[len(place) - count :]
    for index, step, dim in zip(own, strides(reader, array), shape(array), strict=False):
        if dim != ONE:
            at = arrays.add(reader, at, arrays.mul(reader, maps.along(reader, dim, index), step))
    return at


def _looped(
    reader: FunctionReader, kind: Type, one: Node, two: Node, dims: tuple[Operand, ...], inner: Operand
) -> Value:
    """The product as a loop nest: of ints, and of few numbers."""
    out = arrays.allocate(reader, dims, kind, zeros=True)
    last = len(dims)
    rows, columns = one.head.ndim > 1, two.head.ndim > 1

    def body(index: list[Operand], _: list[Operand]) -> tuple[Operand, ...]:
        place, at = index[:-1], index[-1]
        stack = place[: last - rows - columns]
        x = arrays.load(reader, one, [*_own(reader, one, stack), *((place[len(stack)],) if rows else ()), at])
        y = arrays.load(reader, two, [*_own(reader, two, stack), at, *((place[-1],) if columns else ())])
        product = operators.binary(reader, operator.mul if kind != b1 else operator.and_, x, y)
        if kind == b1:
            old = arrays.load(reader, out, place)
            arrays.store(reader, out, place, reader.emit(operator.or_, (old, product), b1))
        else:
            arrays.store(reader, out, place, product, mem_add)
        return ()

    nest(reader, "product", [*dims, inner], (), body)
    return out


def _own(reader: FunctionReader, array: Node, stack: list[Operand]) -> list[Operand]:
    count = max(array.head.ndim - 2, 0)
    own = stack[len(stack) - count :]
    return [maps.along(reader, dim, i) for i, dim in zip(own, shape(array), strict=False)]


@handles(square)
def _square(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array = maps.without_parts(reader, maps.settle(reader, as_array(reader, args[0])))
    if arrays.ndim_of(array) < 2 or not isinstance(array, Node):
        raise unsupported("this function needs a matrix, or a stack of them", reader.pos)
    *outer, m, n = shape(array)
    if m != n:
        reader.guard(reader.emit(operator.eq, (m, n), b1), _not_square, "LinAlgError(square)")
    if array.head.layout == "C":
        return arrays.c_array(arrays.memory(array), offset(array), [*outer, m, m])
    return arrays.view(reader, array, offset(array), [*outer, m, m], strides(reader, array))


def _not_square() -> BaseException:
    return np.linalg.LinAlgError("Last 2 dimensions of the array must be square")


def _mismatch(a: int, b: int) -> BaseException:
    return ValueError(f"matmul: the operands have dimensions {a} and {b} where they must be equal")


__all__ = ["HANDLERS"]
