"""The value of a primitive on NumPy scalars, where calling it does not already say: ints that wrap, functions
that would raise."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import types

from zyg.ir.program import Type
from zyg.rules import primitives as p

SMALLEST, LARGEST = -(2**63), 2**63 - 1


def number(value: Any, kind: Type) -> Any:
    """`value` as a NumPy scalar of a machine type; ints wrap at 64 bits, floats saturate when they become ints.

    >>> number(2**63, types.int64)
    np.int64(-9223372036854775808)
    """
    if isinstance(kind, types.Boolean):
        return np.bool_(value)
    if isinstance(kind, types.Integer):
        return _whole(value)
    if isinstance(kind, types.Float):
        return (np.float32 if kind.bitwidth == 32 else np.float64)(np.real(value))
    if isinstance(kind, types.Complex):
        return (np.complex64 if kind.bitwidth == 64 else np.complex128)(value)
    return value


def _whole(value: Any) -> np.int64:
    if isinstance(value, (complex, np.complexfloating)):
        value = value.real
    if isinstance(value, (float, np.floating)):
        return np.int64(0 if value != value else min(int(max(-(2.0**63), min(float(value), 2.0**63))), LARGEST))
    return np.int64((int(value) - SMALLEST) % 2**64 + SMALLEST)


def _int_power(a: int, n: int) -> int:
    return 0 if n < 0 else pow(a, n, 2**64)


def _shift_left(a: int, n: int) -> int:
    return a << n if 0 <= n < 64 else 0


def _shift_right(a: int, n: int) -> int:
    return a >> (n if 0 <= n < 64 else 63)


_OF_INTS: dict[Any, Callable[..., int]] = {
    **{fn: fn for fn in (operator.add, operator.sub, operator.mul, operator.neg, operator.abs, math.gcd)},
    operator.floordiv: lambda a, b: a // b if b else 0,
    operator.mod: lambda a, b: a % b if b else 0,
    operator.pow: _int_power,
    operator.lshift: _shift_left,
    operator.rshift: _shift_right,
}


def _gamma(x: Any) -> float:
    if x == 0:
        return math.copysign(math.inf, x)
    try:
        return math.gamma(x)
    except OverflowError:
        return math.inf
    except ValueError:  # a negative int or -inf
        return math.nan


def _log_gamma(x: Any) -> float:
    try:
        return math.lgamma(x)
    except (OverflowError, ValueError):  # too large, or an int that is not positive
        return math.inf


def _rounded(x: Any, n: Any) -> float:
    try:
        return round(float(x), int(n))
    except OverflowError:
        return math.copysign(math.inf, x)


def _parts(re: Any, im: Any) -> complex:
    return complex(re, im)


_OF_NUMBERS: dict[Any, Callable[..., Any]] = {
    operator.not_: lambda x: not x,
    operator.truediv: np.divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.pow: np.power,
    math.gamma: _gamma,
    math.lgamma: _log_gamma,
    p.round_digits: _rounded,
    p.make_complex: _parts,
}


def evaluate(fn: Any, args: Sequence[Any], kind: Type) -> Any:
    """The result, of type `kind`, of the primitive `fn` on NumPy scalars; never raises."""
    with np.errstate(all="ignore"):
        if fn in _OF_INTS and isinstance(args[0], np.int64):
            return number(_OF_INTS[fn](*map(int, args)), kind)
        return number(_OF_NUMBERS.get(fn, fn)(*args), kind)
