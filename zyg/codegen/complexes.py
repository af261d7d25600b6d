"""complex128 and complex64, as pairs of reals.

Arithmetic is CPython's (division scaled, so that it does not overflow on the way), elementary functions are C99's.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.codegen.assembly import Body, Value
from zyg.codegen.integer import product_power
from zyg.codegen.libm import FREE_SUM, complex_function, function, intrinsic, narrow, real, widen
from zyg.codegen.machine import Parts, integer_constant, known_integer, known_real
from zyg.codegen.powers import COMPLEX_INTEGER_POWER, COMPLEX_POWER
from zyg.codegen.support import Routine
from zyg.rules.primitives import (
    annihilated,
    attach,
    identity,
    is_nonzero,
    powi,
    reassociate_add,
    stop_gradient,
    within_rule,
    without_cotangent,
)

_LONGEST_PRODUCT = 32


def _componentwise(opcode: str) -> Callable[..., Parts]:
    def lower(b: Body, x: Parts, y: Parts) -> Parts:
        return tuple(b.binary(opcode, u, v) for u, v in zip(x, y, strict=True))

    return lower


def _same(b: Body, x: Parts) -> Parts:
    return x


def _multiply(b: Body, x: Parts, y: Parts) -> Parts:
    re = b.binary("fsub", b.binary("fmul", x[0], y[0]), b.binary("fmul", x[1], y[1]))
    return re, b.binary("fadd", b.binary("fmul", x[0], y[1]), b.binary("fmul", x[1], y[0]))


def _divide(b: Body, x: Parts, y: Parts) -> Parts:
    """Smith's method: divide through by the larger component of y."""
    sizes = [intrinsic(b, "fabs", v) for v in y]
    wide = b.compare("fcmp oge", sizes[0], sizes[1])
    big, small = b.select(wide, y[0], y[1]), b.select(wide, y[1], y[0])
    zero = b.compare("fcmp oeq", big, real(big, 0.0))
    ratio = b.select(zero, real(big, 0.0), b.binary("fdiv", small, big))
    bottom = b.binary("fadd", big, b.binary("fmul", small, ratio))
    p, q = b.select(wide, x[0], x[1]), b.select(wide, x[1], x[0])
    top = b.binary("fsub", q, b.binary("fmul", p, ratio))
    re = b.binary("fdiv", b.binary("fadd", p, b.binary("fmul", q, ratio)), bottom)
    return re, b.binary("fdiv", b.select(wide, top, b.unary("fneg", top)), bottom)


def _doubled(b: Body, routine: Routine, x: Parts, *args: Value) -> Parts:
    """A routine for complex128, whatever the width of x."""
    whole = routine(b, *(widen(b, v) for v in x), *args)
    return tuple(narrow(b, b.member(whole, k, "double"), x[0].type) for k in (0, 1))


def _power(b: Body, x: Parts, y: Parts) -> Parts:
    exponent = known_real(y[0])
    if exponent is not None and known_real(y[1]) == 0.0 and exponent.is_integer() and abs(exponent) <= _LONGEST_PRODUCT:
        return _integer_power(b, x, (integer_constant(int(exponent)),))
    return _doubled(b, COMPLEX_POWER, x, *(widen(b, v) for v in y))


def _integer_power(b: Body, x: Parts, n: Parts) -> Parts:
    exponent = known_integer(n[0])
    if exponent is None or abs(exponent) > _LONGEST_PRODUCT:
        return _doubled(b, COMPLEX_INTEGER_POWER, x, n[0])
    one = real(x[0], 1.0), real(x[0], 0.0)
    if exponent == 0:
        return one
    product: Parts = product_power(abs(exponent), x, lambda u, v: _multiply(b, u, v))
    return product if exponent > 0 else _divide(b, one, product)


def _equal(b: Body, x: Parts, y: Parts) -> Parts:
    return (b.binary("and", b.compare("fcmp oeq", x[0], y[0]), b.compare("fcmp oeq", x[1], y[1])),)


def _different(b: Body, x: Parts, y: Parts) -> Parts:
    return (b.binary("or", b.compare("fcmp une", x[0], y[0]), b.compare("fcmp une", x[1], y[1])),)


def _is_nonzero(b: Body, x: Parts) -> Parts:
    return _different(b, x, (real(x[0], 0.0), real(x[0], 0.0)))


def _annihilated(b: Body, dy: Parts, slope: Parts) -> Parts:
    (on,) = _is_nonzero(b, slope)
    return tuple(b.select(on, v, real(v, 0.0)) for v in _multiply(b, dy, slope))


def _function(name: str) -> Callable[[Body, Parts], Parts]:
    return lambda b, x: complex_function(b, name, *x)


def _logarithm(base: float) -> Callable[[Body, Parts], Parts]:
    def lower(b: Body, x: Parts) -> Parts:
        return tuple(b.binary("fmul", v, real(v, 1 / math.log(base))) for v in complex_function(b, "clog", *x))

    return lower


def _exp2(b: Body, x: Parts) -> Parts:
    return complex_function(b, "cexp", *(b.binary("fmul", v, real(v, math.log(2.0))) for v in x))


def _expm1(b: Body, x: Parts) -> Parts:
    """exp(u + iv) - 1 with 1 - cos v written as 2 sin²(v/2), so that nothing cancels at 0."""
    re, im = (widen(b, v) for v in x)
    half_sin = intrinsic(b, "sin", b.binary("fmul", im, real(im, 0.5)))
    loss = b.binary("fmul", real(im, 2.0), b.binary("fmul", half_sin, half_sin))
    top = b.binary("fsub", b.binary("fmul", function(b, "expm1", re), intrinsic(b, "cos", im)), loss)
    side = b.binary("fmul", intrinsic(b, "exp", re), intrinsic(b, "sin", im))
    return narrow(b, top, x[0].type), narrow(b, side, x[0].type)


def _log1p(b: Body, x: Parts) -> Parts:
    """log |1 + z| is log1p(u (2 + u) + v²) / 2, which keeps small z; far out that square would overflow."""
    re, im = (widen(b, v) for v in x)
    one = real(re, 1.0)
    moved = b.binary("fadd", re, one)
    excess = b.binary("fmul", re, b.binary("fadd", re, real(re, 2.0)))
    excess = b.binary("fadd", excess, b.binary("fmul", im, im))
    near = b.binary("fmul", real(re, 0.5), function(b, "log1p", excess))
    far = intrinsic(b, "log", function(b, "hypot", moved, im))
    is_near = b.compare("fcmp olt", intrinsic(b, "fabs", excess), real(re, 0.5))
    angle = function(b, "atan2", im, moved)
    return narrow(b, b.select(is_near, near, far), x[0].type), narrow(b, angle, x[0].type)


lowering: dict[Any, Callable[..., Parts]] = {
    operator.add: _componentwise("fadd"),
    reassociate_add: _componentwise(FREE_SUM),
    attach: lambda b, x, y: x,
    operator.sub: _componentwise("fsub"),
    operator.mul: _multiply,
    annihilated: _annihilated,
    operator.truediv: _divide,
    operator.neg: lambda b, x: tuple(b.unary("fneg", v) for v in x),
    operator.pow: _power,
    powi: _integer_power,
    operator.eq: _equal,
    operator.ne: _different,
    is_nonzero: _is_nonzero,
    identity: _same,
    stop_gradient: _same,
    within_rule: _same,
    without_cotangent: _same,
    operator.abs: lambda b, x: (function(b, "hypot", *x),),
    np.angle: lambda b, x: (function(b, "atan2", x[1], x[0]),),
    np.real: lambda b, x: x[:1],
    np.imag: lambda b, x: x[1:],
    np.conj: lambda b, x: (x[0], b.unary("fneg", x[1])),
    np.sqrt: _function("csqrt"),
    np.exp: _function("cexp"),
    np.exp2: _exp2,
    np.expm1: _expm1,
    np.log: _function("clog"),
    np.log10: _logarithm(10.0),
    np.log2: _logarithm(2.0),
    np.log1p: _log1p,
    np.sin: _function("csin"),
    np.cos: _function("ccos"),
    np.tan: _function("ctan"),
    np.sinh: _function("csinh"),
    np.cosh: _function("ccosh"),
    np.tanh: _function("ctanh"),
    np.arcsin: _function("casin"),
    np.arccos: _function("cacos"),
    np.arctan: _function("catan"),
    np.arcsinh: _function("casinh"),
    np.arccosh: _function("cacosh"),
    np.arctanh: _function("catanh"),
}
