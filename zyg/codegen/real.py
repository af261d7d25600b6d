"""float64 and float32: IEEE arithmetic, and elementary functions of the C library in the operand's own width."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.codegen.assembly import Body, Value
from zyg.codegen.integer import product_power
from zyg.codegen.libm import FREE_SUM, function, intrinsic, narrow, real, special, widen
from zyg.codegen.machine import integer_constant, known_integer, known_real, real_constant
from zyg.codegen.special import ROUND, ZETA
from zyg.rules.primitives import (
    annihilated,
    attach,
    fma,
    frexp_exponent,
    frexp_mantissa,
    identity,
    is_nonzero,
    polygamma,
    powi,
    reassociate_add,
    round_digits,
    stop_gradient,
    within_rule,
    without_cotangent,
)
from zyg.rules.special import SPECIAL, Special

# Beyond this, repeated squaring would lose more than a few units in the last place against `pow`.
_LONGEST_PRODUCT = 32
_LARGEST_SCALE = 1 << 15


def _binary(opcode: str) -> Callable[[Body, Value, Value], Value]:
    return lambda b, x, y: b.binary(opcode, x, y)


def _compare(predicate: str) -> Callable[[Body, Value, Value], Value]:
    return lambda b, x, y: b.compare(f"fcmp {predicate}", x, y)


def _intrinsic(name: str) -> Callable[..., Value]:
    return lambda b, *args: intrinsic(b, name, *args)


def _function(name: str) -> Callable[..., Value]:
    return lambda b, *args: function(b, name, *args)


def _same(b: Body, x: Value) -> Value:
    return x


def _is_nan(b: Body, x: Value) -> Value:
    return b.compare("fcmp uno", x, x)


def _is_finite(b: Body, x: Value) -> Value:
    return b.compare("fcmp olt", intrinsic(b, "fabs", x), real(x, math.inf))


def _sign_bit(b: Body, x: Value) -> Value:
    bits = b.convert("bitcast", x, "i64" if x.type == "double" else "i32")
    return b.compare("icmp slt", bits, Value(bits.type, "0"))


def _divided(b: Body, x: Value, y: Value) -> tuple[Value, Value, Value]:
    """`fmod(x, y)`, whether its sign must be turned to that of y, and (x - fmod(x, y)) / y."""
    remainder = b.binary("frem", x, y)
    quotient = b.binary("fdiv", b.binary("fsub", x, remainder), y)
    inexact = b.compare("fcmp une", remainder, real(x, 0.0))
    y_negative, r_negative = (b.compare("fcmp olt", v, real(x, 0.0)) for v in (y, remainder))
    return remainder, b.binary("and", inexact, b.binary("xor", y_negative, r_negative)), quotient


def _floordiv(b: Body, x: Value, y: Value) -> Value:
    _, turn, quotient = _divided(b, x, y)
    quotient = b.select(turn, b.binary("fsub", quotient, real(x, 1.0)), quotient)
    # The division was of two numbers whose quotient is whole but for rounding
    floor = intrinsic(b, "floor", quotient)
    short = b.compare("fcmp ogt", b.binary("fsub", quotient, floor), real(x, 0.5))
    whole = b.select(short, b.binary("fadd", floor, real(x, 1.0)), floor)
    ratio = b.binary("fdiv", x, y)
    zero = b.compare("fcmp oeq", quotient, real(x, 0.0))
    found = b.select(zero, intrinsic(b, "copysign", real(x, 0.0), ratio), whole)
    return b.select(b.compare("fcmp oeq", y, real(y, 0.0)), ratio, found)


def _mod(b: Body, x: Value, y: Value) -> Value:
    remainder, turn, _ = _divided(b, x, y)
    turned = b.select(turn, b.binary("fadd", remainder, y), remainder)
    zero = b.compare("fcmp oeq", remainder, real(x, 0.0))
    return b.select(zero, intrinsic(b, "copysign", real(x, 0.0), y), turned)


def _power(b: Body, x: Value, y: Value) -> Value:
    exponent = known_real(y)
    if exponent is not None and exponent.is_integer() and abs(exponent) <= _LONGEST_PRODUCT:
        return _integer_power(b, x, integer_constant(int(exponent)))
    return intrinsic(b, "pow", x, y)


def _integer_power(b: Body, x: Value, n: Value) -> Value:
    exponent = known_integer(n)
    if exponent is None or abs(exponent) > _LONGEST_PRODUCT:
        return intrinsic(b, "pow", x, b.convert("sitofp", n, x.type))
    if exponent == 0:
        return real(x, 1.0)
    product: Value = product_power(abs(exponent), x, lambda u, v: b.binary("fmul", u, v))
    return product if exponent > 0 else b.binary("fdiv", real(x, 1.0), product)


def _extreme(name: str) -> Callable[[Body, Value, Value], Value]:
    """nan if one of the operands is; which one of two zeros it is may depend on the order in which a loop is run."""

    def compute(b: Body, x: Value, y: Value) -> Value:
        return intrinsic(b, name, x, y, opcode="call nsz")

    return compute


_maximum = _extreme("maximum")


def _larger_number(b: Body, x: Value, y: Value, predicate: str) -> Value:
    first = b.binary("or", b.compare(predicate, x, y), _is_nan(b, y))
    return b.select(first, x, y)


def _annihilated(b: Body, dy: Value, slope: Value) -> Value:
    return b.select(b.compare("fcmp une", slope, real(slope, 0.0)), b.binary("fmul", dy, slope), real(slope, 0.0))


def _sign(b: Body, x: Value) -> Value:
    positive = b.select(b.compare("fcmp ogt", x, real(x, 0.0)), real(x, 1.0), real(x, 0.0))
    signed = b.select(b.compare("fcmp olt", x, real(x, 0.0)), real(x, -1.0), positive)
    return b.select(_is_nan(b, x), x, signed)


def _log_of_sum(b: Body, x: Value, y: Value) -> Value:
    distance = intrinsic(b, "fabs", b.binary("fsub", x, y))
    rest = function(b, "log1p", intrinsic(b, "exp", b.unary("fneg", distance)))
    larger = _maximum(b, x, y)
    # Equal infinities have no distance
    equal = b.compare("fcmp oeq", x, y)
    return b.binary("fadd", larger, b.select(equal, real(x, math.log(2.0)), rest))


def _log2_of_sum(b: Body, x: Value, y: Value) -> Value:
    distance = intrinsic(b, "fabs", b.binary("fsub", x, y))
    rest = function(b, "log1p", intrinsic(b, "exp2", b.unary("fneg", distance)))
    rest = b.binary("fmul", rest, real(x, math.log2(math.e)))
    larger = _maximum(b, x, y)
    equal = b.compare("fcmp oeq", x, y)
    return b.binary("fadd", larger, b.select(equal, real(x, 1.0), rest))


def _heaviside(b: Body, x: Value, middle: Value) -> Value:
    step = b.select(b.compare("fcmp ogt", x, real(x, 0.0)), real(x, 1.0), real(x, 0.0))
    step = b.select(b.compare("fcmp oeq", x, real(x, 0.0)), middle, step)
    return b.select(_is_nan(b, x), x, step)


def _spacing(b: Body, x: Value) -> Value:
    negative = b.compare("fcmp olt", x, real(x, 0.0))
    outwards = b.select(negative, real(x, -math.inf), real(x, math.inf))
    return b.binary("fsub", function(b, "nextafter", x, outwards), x)


def _scaled(b: Body, x: Value, n: Value) -> Value:
    limit = intrinsic(b, "smin", n, integer_constant(_LARGEST_SCALE))
    limit = intrinsic(b, "smax", limit, integer_constant(-_LARGEST_SCALE))
    name = f"llvm.ldexp.{'f64' if x.type == 'double' else 'f32'}.i32"
    b.assembly.declare(name, x.type, [x.type, "i32"])
    return b.call(x.type, name, x, b.convert("trunc", limit, "i32"))


def _frexp(b: Body, x: Value) -> tuple[Value, Value]:
    name, pair = f"llvm.frexp.{'f64' if x.type == 'double' else 'f32'}.i32", f"{{ {x.type}, i32 }}"
    b.assembly.declare(name, pair, [x.type])
    both = b.call(pair, name, x)
    finite = _is_finite(b, x)
    exponent = b.select(finite, b.member(both, 1, "i32"), Value("i32", "0"))
    return b.select(finite, b.member(both, 0, x.type), x), b.convert("sext", exponent, "i64")


def _round_digits(b: Body, x: Value, digits: Value) -> Value:
    return narrow(b, ROUND(b, widen(b, x), digits), x.type)


def _polygamma(b: Body, order: Value, x: Value) -> Value:
    n = known_integer(order)
    if n is None:
        raise TypeError("the order of polygamma must be a literal")
    if n == 0:
        return narrow(b, special(b, "__pyx_fuse_1psi", widen(b, x)), x.type)
    zeta = ZETA(b, real_constant(n + 1.0, "double"), widen(b, x))
    factor = (-1.0) ** (n + 1) * math.gamma(n + 1.0)
    return narrow(b, b.binary("fmul", real(zeta, factor), zeta), x.type)


def _special(fn: Special) -> Callable[..., Value]:
    def compute(b: Body, *args: Value) -> Value:
        return narrow(b, special(b, fn.symbol, *(widen(b, x) for x in args)), args[0].type)

    return compute


lowering: dict[Any, Callable[..., Value]] = {
    **{fn: _special(fn) for fn in SPECIAL},
    operator.add: _binary("fadd"),
    reassociate_add: _binary(FREE_SUM),
    attach: lambda b, x, y: x,
    operator.sub: _binary("fsub"),
    operator.mul: _binary("fmul"),
    operator.truediv: _binary("fdiv"),
    operator.neg: lambda b, x: b.unary("fneg", x),
    operator.floordiv: _floordiv,
    operator.mod: _mod,
    operator.pow: _power,
    powi: _integer_power,
    operator.lt: _compare("olt"),
    operator.le: _compare("ole"),
    operator.gt: _compare("ogt"),
    operator.ge: _compare("oge"),
    operator.eq: _compare("oeq"),
    operator.ne: _compare("une"),
    is_nonzero: lambda b, x: b.compare("fcmp une", x, real(x, 0.0)),
    identity: _same,
    stop_gradient: _same,
    within_rule: _same,
    without_cotangent: _same,
    operator.abs: _intrinsic("fabs"),
    np.sqrt: _intrinsic("sqrt"),
    np.exp: _intrinsic("exp"),
    np.exp2: _intrinsic("exp2"),
    np.expm1: _function("expm1"),
    np.log: _intrinsic("log"),
    np.log10: _intrinsic("log10"),
    np.log2: _intrinsic("log2"),
    np.log1p: _function("log1p"),
    np.sin: _intrinsic("sin"),
    np.cos: _intrinsic("cos"),
    np.tan: _function("tan"),
    np.sinh: _function("sinh"),
    np.cosh: _function("cosh"),
    np.tanh: _function("tanh"),
    np.arcsin: _function("asin"),
    np.arccos: _function("acos"),
    np.arctan: _function("atan"),
    np.arcsinh: _function("asinh"),
    np.arccosh: _function("acosh"),
    np.arctanh: _function("atanh"),
    np.cbrt: _function("cbrt"),
    np.arctan2: _function("atan2"),
    np.hypot: _function("hypot"),
    math.erf: _function("erf"),
    math.erfc: _function("erfc"),
    math.gamma: _function("tgamma"),
    math.lgamma: _function("lgamma"),
    np.logaddexp: _log_of_sum,
    np.logaddexp2: _log2_of_sum,
    np.floor: _intrinsic("floor"),
    np.ceil: _intrinsic("ceil"),
    np.trunc: _intrinsic("trunc"),
    np.rint: _intrinsic("rint"),
    np.sign: _sign,
    np.copysign: _intrinsic("copysign"),
    np.maximum: _maximum,
    np.minimum: _extreme("minimum"),
    np.fmax: lambda b, x, y: _larger_number(b, x, y, "fcmp oge"),
    np.fmin: lambda b, x, y: _larger_number(b, x, y, "fcmp ole"),
    np.fmod: _binary("frem"),
    math.remainder: _function("remainder"),
    fma: _intrinsic("fma"),
    annihilated: _annihilated,
    np.isnan: _is_nan,
    np.isinf: lambda b, x: b.compare("fcmp oeq", intrinsic(b, "fabs", x), real(x, math.inf)),
    np.isfinite: _is_finite,
    np.signbit: _sign_bit,
    np.nextafter: _function("nextafter"),
    np.spacing: _spacing,
    np.heaviside: _heaviside,
    np.ldexp: _scaled,
    frexp_mantissa: lambda b, x: _frexp(b, x)[0],
    frexp_exponent: lambda b, x: _frexp(b, x)[1],
    round_digits: _round_digits,
    np.real: _same,
    np.imag: lambda b, x: real(x, 0.0),
    np.conj: _same,
    polygamma: _polygamma,
}
