"""Arrays of Numba's as buffers of zyg's, and back.

Native code sees C-contiguous buffers of machine types.  An argument that is not one is copied for the call; if the
function writes into it, the copy is written back.  A result's memory is freed when its last array of Numba's is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import load_item, make_array, populate_array, store_item

from zyg.codegen.arena import DROP, block_of
from zyg.errors import ValueArgumentError
from zyg.ir.program import Type
from zyg.ir.tree import ArrayTree
from zyg.nopython.kinds import dtype_of

_WORD = ir.IntType(64)
_OVERLAP = "arguments overlap or interleave in memory and the function writes into arrays; pass a copy of one of them"


@dataclass(frozen=True, eq=False)
class _Loan:
    """An array that is lent.  copy: where the address of the copy is kept, or null; None if it never needs one."""

    kind: types.Array
    array: Any
    copy: Any
    written: bool


class Loans:
    """The arrays that are lent for one call."""

    def __init__(self, context: Any, builder: Any) -> None:
        self._context, self._builder = context, builder
        self._loans: list[_Loan] = []

    def lend(self, kind: types.Array, value: Any, written: bool) -> list[Any]:
        """The registers of an array's buffer and dimensions."""
        builder = self._builder
        array = make_array(kind)(self._context, builder, value)
        address = builder.bitcast(array.data, cgutils.voidptr_t)
        copy = None
        if kind.layout != "C" or kind.dtype != dtype_of(kind) or not kind.aligned:
            copy = cgutils.alloca_once(builder, cgutils.voidptr_t)
            address = self._in_order(kind, array, copy)
        self._loans.append(_Loan(kind, array, copy, written))
        return [address, array.nitems, *cgutils.unpack_tuple(builder, array.shape)]

    def check_apart(self) -> None:
        """Arrays that a function writes into must not overlap others that it was given."""
        for number, one in enumerate(self._loans):
            for other in self._loans[:number]:
                if one.written or other.written:
                    with cgutils.if_unlikely(self._builder, self._overlap(one, other)):
                        self._free()
                        self._context.call_conv.return_user_exc(self._builder, ValueArgumentError, (_OVERLAP,))

    def end(self) -> None:
        """What was written into copies goes to the arrays; the copies are freed."""
        for loan in self._loans:
            if loan.copy is not None and loan.written:
                with cgutils.if_unlikely(self._builder, cgutils.is_not_null(self._builder, self._copy_of(loan))):
                    self._walk(loan.kind, loan.array, self._copy_of(loan), back=True)
        self._free()

    def _free(self) -> None:
        for loan in self._loans:
            if loan.copy is not None:
                with cgutils.if_unlikely(self._builder, cgutils.is_not_null(self._builder, self._copy_of(loan))):
                    self._context.nrt.free(self._builder, self._copy_of(loan))

    def _copy_of(self, loan: _Loan) -> Any:
        return self._builder.load(loan.copy)

    def _in_order(self, kind: types.Array, array: Any, copy: Any) -> Any:
        """The address of the elements in C order, as zyg holds them: a copy's if they do not lie so."""
        builder = self._builder
        null = cgutils.voidptr_t(None)
        builder.store(null, copy)
        with builder.if_else(self._lies_in_order(kind, array), likely=True) as (lies, must_copy):
            with lies:
                before = builder.block
                own = builder.bitcast(array.data, cgutils.voidptr_t)
            with must_copy:
                width = self._context.get_abi_sizeof(self._context.get_data_type(dtype_of(kind)))
                bytes = builder.add(builder.mul(array.nitems, _WORD(width)), _WORD(1))
                made = self._context.nrt.allocate_unchecked(builder, bytes)
                with cgutils.if_unlikely(builder, cgutils.is_null(builder, made)):
                    self._free()
                    self._context.call_conv.return_user_exc(builder, MemoryError, ("an array that must be copied",))
                builder.store(made, copy)
                self._walk(kind, array, made, back=False)
                after = builder.block
        address = builder.phi(cgutils.voidptr_t)
        address.add_incoming(own, before)
        address.add_incoming(made, after)
        return address

    def _lies_in_order(self, kind: types.Array, array: Any) -> Any:
        builder = self._builder
        if kind.dtype != dtype_of(kind) or not kind.aligned:
            return cgutils.false_bit
        found = builder.icmp_signed("==", array.nitems, _WORD(0))
        steps, width = cgutils.true_bit, array.itemsize
        for dim, stride in reversed(self._axes(array)):
            fits = builder.or_(builder.icmp_signed("==", stride, width), builder.icmp_signed("==", dim, _WORD(1)))
            steps = builder.and_(steps, fits)
            width = builder.mul(width, dim)
        return builder.or_(found, steps)

    def _axes(self, array: Any) -> list[tuple[Any, Any]]:
        dims = cgutils.unpack_tuple(self._builder, array.shape)
        return list(zip(dims, cgutils.unpack_tuple(self._builder, array.strides), strict=True))

    def _walk(self, kind: types.Array, array: Any, copy: Any, back: bool) -> None:
        """Copy all elements to the copy, or back."""
        context, builder = self._context, self._builder
        dims, strides = (cgutils.unpack_tuple(builder, part) for part in (array.shape, array.strides))
        dense = types.Array(dtype_of(kind), kind.ndim, "C")
        start = builder.bitcast(copy, context.get_data_type(dense.dtype).as_pointer())
        with cgutils.loop_nest(builder, dims, _WORD) as index:
            theirs = cgutils.get_item_pointer2(context, builder, array.data, dims, strides, "A", index)
            ours = cgutils.get_item_pointer2(context, builder, start, dims, strides, "C", index)
            if back:
                number = context.cast(builder, load_item(context, builder, dense, ours), dense.dtype, kind.dtype)
                store_item(context, builder, kind, number, theirs)
            else:
                number = context.cast(builder, load_item(context, builder, kind, theirs), kind.dtype, dense.dtype)
                store_item(context, builder, dense, number, ours)

    def _overlap(self, one: _Loan, other: _Loan) -> Any:
        builder = self._builder
        (low, high), (start, end) = self._extent(one), self._extent(other)
        return builder.and_(builder.icmp_unsigned("<", low, end), builder.icmp_unsigned("<", start, high))

    def _extent(self, loan: _Loan) -> tuple[Any, Any]:
        """The addresses between which all elements lie; equal ones for an empty array."""
        builder = self._builder
        low = builder.ptrtoint(loan.array.data, _WORD)
        high = builder.add(low, loan.array.itemsize)
        for dim, stride in self._axes(loan.array):
            span = builder.mul(builder.sub(dim, _WORD(1)), stride)
            negative = builder.icmp_signed("<", span, _WORD(0))
            low = builder.add(low, builder.select(negative, span, _WORD(0)))
            high = builder.add(high, builder.select(negative, _WORD(0), span))
        empty = builder.icmp_signed("==", loan.array.nitems, _WORD(0))
        return low, builder.select(empty, low, high)


def element(context: Any, builder: Any, kind: types.Array, value: Any) -> tuple[Type, Any]:
    """The number in an array without dimensions, with its type."""
    array = make_array(kind)(context, builder, value)
    dtype = dtype_of(kind)
    return dtype, context.cast(builder, load_item(context, builder, kind, array.data), kind.dtype, dtype)


def constant_registers(context: Any, builder: Any, array: Any, shape: ArrayTree) -> list[Any]:
    """The registers of an array that is part of the code, as Numba holds its own."""
    kind = types.Array(shape.dtype, shape.ndim, "C", readonly=True)
    held = make_array(kind)(context, builder, context.get_constant_generic(builder, kind, array))
    dims = [_WORD(n) for n, known in zip(array.shape, shape.known[1:], strict=True) if known is None]
    return [builder.bitcast(held.data, cgutils.voidptr_t), _WORD(array.size), *dims]


def taken(context: Any, builder: Any, kind: types.Array, shape: ArrayTree, registers: Iterator[Any]) -> Any:
    """The array of a result, which owns its memory."""
    address, _ = next(registers), next(registers)
    start, *numbers = [next(registers) if known is None else _WORD(known) for known in shape.known]
    width = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    array = make_array(kind)(context, builder)
    populate_array(
        array,
        data=builder.bitcast(
            builder.gep(address, [builder.mul(start, _WORD(width))]), context.get_data_type(kind.dtype).as_pointer()
        ),
        shape=numbers[: shape.ndim],
        strides=_strides(builder, shape, numbers, width),
        itemsize=_WORD(width),
        meminfo=_managed(context, builder, builder.gep(address, [_WORD(block_of(0))])),
    )
    return array._getvalue()


def _strides(builder: Any, shape: ArrayTree, numbers: Sequence[Any], width: int) -> list[Any]:
    if shape.layout != "C":
        return [builder.mul(step, _WORD(width)) for step in numbers[shape.ndim :]]
    found = [_WORD(width)]
    for dim in reversed(numbers[1 : shape.ndim]):
        found.insert(0, builder.mul(found[0], dim))
    return found


def _managed(context: Any, builder: Any, block: Any) -> Any:
    """A reference count of Numba's that frees a block of zyg's when it comes to 0."""
    pointer = cgutils.voidptr_t
    release = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [pointer]), DROP.symbol)
    table = builder.bitcast(context.nrt.get_nrt_api(builder), pointer.as_pointer())
    manage = ir.FunctionType(pointer, [pointer, pointer]).as_pointer()
    entry = builder.bitcast(builder.load(builder.gep(table, [_WORD(_MANAGE_MEMORY)])), manage)
    found = builder.call(entry, [block, builder.bitcast(release, pointer)])
    with cgutils.if_unlikely(builder, cgutils.is_null(builder, found)):
        builder.call(release, [block])
        context.call_conv.return_user_exc(builder, MemoryError, ("a result",))
    return found


_MANAGE_MEMORY = 2  # its place in the table of Numba's runtime, `NRT_api_functions`
