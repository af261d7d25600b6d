"""NumPy's arrays as arguments and results of native code.

Native code sees C-contiguous buffers of machine types.  An argument that is not one is copied; if the function
writes into its arguments, the copy is written back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from zyg.codegen.arena import block_of
from zyg.errors import UnsupportedArgumentError, UnsupportedError, ValueArgumentError
from zyg.ir.kinds import DTYPES, array_shape
from zyg.ir.tree import ArrayTree

_AS_THEY_ARE = frozenset(DTYPES.values())
_free = ctypes.CDLL(None).free
_free.argtypes = [ctypes.c_void_p]
_free.restype = None


class Lent(tuple[int, int]):
    """Address and number of elements of a buffer that is lent to native code, with the arrays that must live on."""

    array: np.ndarray[Any, Any]
    original: np.ndarray[Any, Any]


class _Owned:
    """Memory that native code has left to Python."""

    def __init__(self, address: int, shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...], at: int):
        self.block = block_of(address)
        self.__array_interface__ = {
            "data": (address + at, False),
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "version": 3,
        }

    def __del__(self, free: Any = _free) -> None:
        free(self.block)


def array_tree(value: np.ndarray[Any, Any]) -> ArrayTree:
    """The shape of an array argument: dimensions of 1 are known to be 1."""
    found = array_shape(value)
    if found is None:
        raise UnsupportedArgumentError(f"native mode cannot take an array of {value.dtype}")
    return found


def lend(value: np.ndarray[Any, Any], shape: ArrayTree, out: list[Any]) -> None:
    """Append the buffer and the dimensions of an argument to `out`."""
    plain = np.ascontiguousarray(value, DTYPES[shape.dtype])
    lent = Lent((plain.__array_interface__["data"][0], plain.size))
    lent.array, lent.original = plain, value
    out.append(lent)
    out.extend(n for n, known in zip(value.shape, shape.known[1:], strict=True) if known is None)


def in_order(value: Any) -> Any:
    """`value`; of an array in another order or width than native code reads, a copy that it does."""
    if type(value) is not np.ndarray or not value.ndim or (value.flags.c_contiguous and value.dtype in _AS_THEY_ARE):
        return value
    shape = array_shape(value)
    return value if shape is None else np.ascontiguousarray(value, DTYPES[shape.dtype])


def check_in_order(values: Sequence[Any]) -> None:
    """Refuse arrays that do not lie in C order, which were copied: NumPy would reshape them, and what is computed of
    them, to copies, where native code has views."""
    for value in values:
        if isinstance(value, Lent) and not value.original.flags.c_contiguous:
            raise UnsupportedError(
                "the function writes into an array that it has reshaped, and this argument does not lie in C order\n"
                "Pass np.ascontiguousarray of it."
            )


def check_apart(values: Sequence[Any], written: Collection[int]) -> None:
    """Arrays that a function writes into (their numbers are in `written`) must not overlap others that it was given."""
    for number in written:
        one = values[number]
        for k, other in enumerate(values):
            if k != number and isinstance(other, Lent) and _overlap(one.original, other.original):
                raise ValueArgumentError(
                    "arguments or captured arrays overlap in memory and the function writes into one of them\n"
                    "Pass a copy of it."
                )
        if not one.original.flags.writeable:
            raise ValueError("assignment destination is read-only")


def _overlap(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    """Whether they have memory in common, or that is too hard to tell."""
    try:
        return np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def write_back(values: Sequence[Any], written: Collection[int]) -> None:
    """What native code wrote into copies of arguments, into the arguments."""
    for number in written:
        lent = values[number]
        if lent.array is not lent.original:
            np.copyto(lent.original, lent.array, casting="unsafe")


def taken(shape: ArrayTree, values: Iterator[Any]) -> np.ndarray[Any, Any]:
    """The array of a result, which owns its memory."""
    address, _ = next(values)
    numbers = [next(values) if known is None else known for known in shape.known]
    dtype = DTYPES[shape.dtype]
    dims = tuple(numbers[1 : 1 + shape.ndim])
    steps = numbers[1 + shape.ndim :]
    if shape.layout == "C":
        steps = [1] * shape.ndim
        for axis in range(shape.ndim - 2, -1, -1):
            steps[axis] = steps[axis + 1] * dims[axis + 1]
    strides = tuple(step * dtype.itemsize for step in steps)
    owned = _Owned(address, dims, dtype, strides, numbers[0] * dtype.itemsize)
    return np.asarray(owned)
