"""Bools and 64-bit integers: Python's meaning of each primitive, wrapping where Python's ints would grow."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.codegen.assembly import Body, Value
from zyg.codegen.libm import flagged, intrinsic
from zyg.codegen.machine import integer_constant, known_integer
from zyg.codegen.powers import INTEGER_POWER
from zyg.codegen.special import GREATEST_COMMON_DIVISOR
from zyg.ir.memory import length
from zyg.rules.primitives import (
    annihilated,
    identity,
    is_nonzero,
    reassociate_add,
    stop_gradient,
    within_rule,
    without_cotangent,
)

_ZERO, _ONE, _MINUS_ONE = map(integer_constant, (0, 1, -1))
_LAST_SHIFT = integer_constant(63)


def _binary(opcode: str) -> Callable[[Body, Value, Value], Value]:
    return lambda b, x, y: b.binary(opcode, x, y)


def _compare(signed: str) -> Callable[[Body, Value, Value], Value]:
    return lambda b, x, y: b.compare(f"icmp {signed}", x, y)


def _same(b: Body, x: Value) -> Value:
    return x


def _negative(b: Body, x: Value) -> Value:
    return b.binary("sub", _ZERO, x)


def _left_shift(b: Body, x: Value, n: Value) -> Value:
    inside = b.compare("icmp ult", n, integer_constant(64))
    return b.select(inside, b.binary("shl", x, b.binary("and", n, _LAST_SHIFT)), _ZERO)


def _right_shift(b: Body, x: Value, n: Value) -> Value:
    return b.binary("ashr", x, intrinsic(b, "umin", n, _LAST_SHIFT))


def _is_power_of_two(n: int | None) -> bool:
    return n is not None and n > 0 and n & (n - 1) == 0


def _tame(b: Body, y: Value) -> tuple[Value, Value, Value]:
    """A divisor that cannot trap (0 and -1 become 1), and whether it was 0, and whether -1."""
    zero, minus = b.compare("icmp eq", y, _ZERO), b.compare("icmp eq", y, _MINUS_ONE)
    return b.select(b.binary("or", zero, minus), _ONE, y), zero, minus


def _floor_quotient(b: Body, x: Value, y: Value) -> Value:
    quotient = b.binary("sdiv", x, y)
    remainder = b.binary("sub", x, b.binary("mul", quotient, y))
    inexact = b.compare("icmp ne", remainder, _ZERO)
    opposite = b.compare("icmp slt", b.binary("xor", remainder, y), _ZERO)
    return b.binary("add", quotient, b.value("i64", f"sext {b.binary('and', inexact, opposite)} to i64"))


def _floordiv(b: Body, x: Value, y: Value) -> Value:
    divisor = known_integer(y)
    if divisor is not None and _is_power_of_two(divisor):
        return b.binary("ashr", x, integer_constant(divisor.bit_length() - 1))
    if divisor is not None and divisor not in (0, -1):
        return _floor_quotient(b, x, y)
    tame, zero, minus = _tame(b, y)
    quotient = b.select(minus, _negative(b, x), _floor_quotient(b, x, tame))
    return b.select(zero, _ZERO, quotient)


def _mod(b: Body, x: Value, y: Value) -> Value:
    divisor = known_integer(y)
    if divisor is not None and _is_power_of_two(divisor):
        return b.binary("and", x, integer_constant(divisor - 1))
    if divisor is None or divisor in (0, -1):
        y, _, _ = _tame(b, y)
    remainder = b.binary("srem", x, y)
    inexact = b.compare("icmp ne", remainder, _ZERO)
    opposite = b.compare("icmp slt", b.binary("xor", remainder, y), _ZERO)
    return b.binary("add", remainder, b.select(b.binary("and", inexact, opposite), y, _ZERO))


def product_power(n: int, x: Any, multiply: Callable[[Any, Any], Any]) -> Any:
    """x ** n for n ≥ 1 by repeated squaring."""
    result = None
    while n:
        if n & 1:
            result = x if result is None else multiply(result, x)
        n >>= 1
        if n:
            x = multiply(x, x)
    return result


def _power(b: Body, x: Value, n: Value) -> Value:
    exponent = known_integer(n)
    if exponent is None or exponent > 64:
        return INTEGER_POWER(b, x, n)
    if exponent <= 0:
        return _ONE if exponent == 0 else _ZERO
    result: Value = product_power(exponent, x, lambda u, v: b.binary("mul", u, v))
    return result


def _sign(b: Body, x: Value) -> Value:
    positive, negative = b.compare("icmp sgt", x, _ZERO), b.compare("icmp slt", x, _ZERO)
    return b.binary("sub", b.convert("zext", positive, "i64"), b.convert("zext", negative, "i64"))


lowering: dict[Any, Callable[..., Value]] = {
    operator.add: _binary("add"),
    reassociate_add: _binary("add"),
    operator.sub: _binary("sub"),
    operator.mul: _binary("mul"),
    annihilated: _binary("mul"),
    operator.neg: _negative,
    operator.and_: _binary("and"),
    operator.or_: _binary("or"),
    operator.xor: _binary("xor"),
    operator.invert: lambda b, x: b.binary("xor", x, _MINUS_ONE),
    operator.lshift: _left_shift,
    operator.rshift: _right_shift,
    operator.floordiv: _floordiv,
    operator.mod: _mod,
    operator.pow: _power,
    operator.lt: _compare("slt"),
    operator.le: _compare("sle"),
    operator.gt: _compare("sgt"),
    operator.ge: _compare("sge"),
    operator.eq: _compare("eq"),
    operator.ne: _compare("ne"),
    is_nonzero: lambda b, x: b.compare("icmp ne", x, _ZERO),
    identity: _same,
    length: _same,
    stop_gradient: _same,
    within_rule: _same,
    without_cotangent: _same,
    operator.abs: lambda b, x: flagged(b, "abs", x),
    np.sign: _sign,
    np.maximum: lambda b, x, y: intrinsic(b, "smax", x, y),
    np.minimum: lambda b, x, y: intrinsic(b, "smin", x, y),
    np.fmax: lambda b, x, y: intrinsic(b, "smax", x, y),
    np.fmin: lambda b, x, y: intrinsic(b, "smin", x, y),
    math.gcd: GREATEST_COMMON_DIVISOR,
}

bool_lowering: dict[Any, Callable[..., Value]] = {
    operator.and_: _binary("and"),
    operator.or_: _binary("or"),
    operator.xor: _binary("xor"),
    operator.not_: lambda b, x: b.binary("xor", x, Value("i1", "true")),
    operator.lt: _compare("ult"),
    operator.le: _compare("ule"),
    operator.gt: _compare("ugt"),
    operator.ge: _compare("uge"),
    operator.eq: _compare("eq"),
    operator.ne: _compare("ne"),
    is_nonzero: _same,
    identity: _same,
    stop_gradient: _same,
    within_rule: _same,
    without_cotangent: _same,
}
