"""The machine types of Python's and NumPy's numbers and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from zyg.ir.program import Type
from zyg.ir.tree import ArrayTree


def numba_type(value: object) -> Type | None:
    """The machine type of a Python or NumPy number, or None.

    >>> numba_type(True), numba_type(3), numba_type(2.0)
    (bool, int64, float64)
    """
    kind = type(value)
    if kind in _MACHINE:
        return _MACHINE[kind]
    dtype = getattr(value, "dtype", None)
    if dtype is not None and getattr(value, "ndim", None) == 0:
        return _NUMPY.get(dtype.str[1:])
    return None


_MACHINE: dict[type, Type] = {
    bool: types.boolean,
    int: types.int64,
    float: types.float64,
    complex: types.complex128,
}
_NUMPY: dict[str, Type] = {
    "b1": types.boolean,
    "f4": types.float32,
    "f8": types.float64,
    "c8": types.complex64,
    "c16": types.complex128,
    **dict.fromkeys(("i1", "i2", "i4", "i8", "u1", "u2", "u4"), types.int64),
}
# The classes whose instances are plain arrays: others may compute in their own way
ARRAYS = (np.ndarray, np.memmap)
# The dtype of arrays that native code reads as they are, by the type of their elements
DTYPES: dict[Type, Any] = {
    types.float64: np.dtype(np.float64),
    types.float32: np.dtype(np.float32),
    types.complex128: np.dtype(np.complex128),
    types.complex64: np.dtype(np.complex64),
    types.int64: np.dtype(np.int64),
    types.boolean: np.dtype(np.bool_),
}
# The classes whose exact instances native code reads as a number of each machine type; Python's own comes first.
CLASSES: dict[Type, tuple[type, ...]] = {
    types.boolean: (bool, np.bool_),
    types.int64: (int, np.int64, np.int32, np.int16, np.int8, np.uint32, np.uint16, np.uint8),
    types.float64: (float, np.float64),
    types.float32: (np.float32,),
    types.complex128: (complex, np.complex128),
    types.complex64: (np.complex64,),
}


def fits(value: int) -> bool:
    """Is this a 64-bit integer?"""
    return -(2**63) <= value < 2**63


def array_shape(value: Any) -> ArrayTree | None:
    """The tree of a NumPy array, whose dimensions of 1 are known to be 1; None if its elements are no numbers."""
    dtype = _NUMPY.get(value.dtype.str[1:])
    if dtype is None:
        return None
    return ArrayTree(dtype, value.ndim, "C", (0, *(1 if n == 1 else None for n in value.shape)))
