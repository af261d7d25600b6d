"""What Python's numeric functions mean on machine numbers: which primitive, after which conversions.

The types follow Numba: bool counts as int in arithmetic, ints are 64 bits wide, float32 with float32 or bool stays
float32 and with anything else becomes float64.
"""

from __future__ import annotations

import cmath
import math
import operator
from typing import Any

import numpy as np
from numba import types

from zyg.ir.lanes import LanesType, dtype_of_lanes
from zyg.ir.program import Const, Operand, Type
from zyg.rules import primitives as p

f4, f8, c8, c16 = types.float32, types.float64, types.complex64, types.complex128
i8, b1 = types.int64, types.boolean


def promote(*kinds: Type) -> Type:
    """The type that arithmetic on operands of these types is done in.

    >>> promote(types.int64, types.float32)
    float64
    >>> promote(types.boolean, types.float32)
    float32
    """
    for kind in kinds:
        if isinstance(kind, LanesType):
            return LanesType(promote(*map(dtype_of_lanes, kinds)), kind.width)
    kinds = tuple(kind for kind in kinds if kind != b1)
    if any(kind in (c8, c16) for kind in kinds):
        return c8 if all(kind in (c8, f4) for kind in kinds) else c16
    if any(kind in (f4, f8) for kind in kinds):
        return f4 if all(kind is f4 for kind in kinds) else f8
    return i8


def to_float(kind: Type) -> Type:
    """The floating type that elementary functions of `kind` are computed in."""
    return f8 if kind in (i8, b1) else kind


def real_of(kind: Type) -> Type:
    if kind is c8:
        return f4
    return f8 if kind is c16 else kind


# Elementary functions of one floating (or complex) operand: Python's name -> primitive.
_BOTH = ["sqrt", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "log", "log10"]
FLOAT: dict[Any, Any] = {}
for _name in (*_BOTH, "expm1", "log1p", "log2", "exp2", "cbrt", "isnan", "isinf", "isfinite"):
    for _module in (math, cmath, np):
        if hasattr(_module, _name):
            FLOAT[getattr(_module, _name)] = getattr(np, _name)
for _short, _long in {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
}.items():
    for _fn in (getattr(math, _short), getattr(cmath, _short), getattr(np, _long)):
        FLOAT[_fn] = getattr(np, _long)
for _fn in (math.erf, math.erfc, math.gamma, math.lgamma):
    FLOAT[_fn] = _fn
FLOAT |= {fn: fn for fn in (np.floor, np.ceil, np.trunc, np.rint, np.spacing, np.signbit)}

# Functions of two floating operands.
FLOAT2: dict[Any, Any] = {
    math.atan2: np.arctan2,
    math.copysign: np.copysign,
    math.fmod: np.fmod,
    math.remainder: math.remainder,
    math.hypot: np.hypot,
    math.nextafter: np.nextafter,
    **{
        fn: fn
        for fn in (
            np.arctan2,
            np.copysign,
            np.fmod,
            np.hypot,
            np.nextafter,
            np.heaviside,
            np.logaddexp,
            np.logaddexp2,
        )
    },
}
# Functions of two operands in the type that they promote to.
ARITHMETIC2: dict[Any, Any] = {fn: fn for fn in (np.maximum, np.minimum, np.fmax, np.fmin)}

BINARY: dict[Any, Any] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    math.pow: operator.pow,
    np.remainder: operator.mod,
    np.floor_divide: operator.floordiv,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
}
COMPARISONS = frozenset((operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne))

_PYTHON: dict[Type, Any] = {i8: int, f8: float, c16: complex, b1: bool}


def fold(fn: Any, args: tuple[Operand, ...], result: Type) -> Const | None:
    """The value of an op on constants, as Python computes it, where that is a number of type `result`."""
    if not all(isinstance(arg, Const) for arg in args):
        return None
    values: list[Any] = [arg.value for arg in args if isinstance(arg, Const)]
    if fn is p.cast and result in _PYTHON:
        fn, values = _PYTHON[result], values[:1]
    elif fn not in _FOLDABLE:
        return None
    try:
        value = fn(*values)
    except (ArithmeticError, ValueError, TypeError):
        return None
    expected = _PYTHON.get(result)
    if type(value) is not expected or (result == i8 and not -(2**63) <= value < 2**63):
        return None
    return Const(value, result)


_FOLDABLE = frozenset(
    (
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.floordiv,
        operator.mod,
        operator.neg,
        operator.not_,
        operator.abs,
        operator.and_,
        operator.or_,
        operator.xor,
        operator.invert,
        *COMPARISONS,
        p.is_nonzero,
        p.select,
    )
)
