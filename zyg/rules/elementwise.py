"""Derivatives of elementwise functions, each stated once.

`dy` is the result's cotangent in reverse mode and the operand's tangent in forward mode.  For holomorphic
functions of complex numbers the passes conjugate; the others are in `nonholomorphic`.

At kinks: `abs` at 0 gives 0; ties of maximum and minimum split evenly (for ints: the first operand);
`hypot` at the origin gives 0; `x ** n` never takes log(x).  At poles the limit, inf, is given.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from zyg.rules import primitives as p
from zyg.rules.primitives import apply, polygamma, powi, select
from zyg.rules.registry import Partial, Table

elementwise = Table()
SQRT_PI = math.sqrt(math.pi)
LN2, LN10 = math.log(2.0), math.log(10.0)

# --- arithmetic -----------------------------------------------------------------------------------------
elementwise[operator.add] = (lambda dy: dy), (lambda dy: dy)
elementwise[operator.sub] = (lambda dy: dy), (lambda dy: -dy)
elementwise[operator.mul] = (lambda dy, b: dy * b), (lambda dy, a: dy * a)
elementwise[operator.truediv] = (lambda dy, b: dy / b), (lambda dy, b, y: -(dy / b) * y)
elementwise[operator.neg] = lambda dy: -dy
elementwise[operator.abs] = lambda dy, a: select(a > 0, dy, select(a < 0, -dy, dy * 0))
elementwise[operator.mod] = (lambda dy: dy), (lambda dy, a, b: -dy * np.floor(a / b))
elementwise[np.fmod] = (lambda dy: dy), (lambda dy, a, b: -dy * np.trunc(a / b))
elementwise[operator.pow] = (
    lambda dy, a, b: select(b == 0, dy * 0, dy * (b * a ** select(b == 0, b + 1, b - 1))),
    lambda dy, a, y: select(a == 0, dy * 0, dy * (y * np.log(select(a == 0, a + 1, a)))),
)
elementwise[powi] = (lambda dy, a, b: dy * (b * powi(a, select(b == 0, b, b - 1)))), None
elementwise[p.identity] = lambda dy: dy
elementwise[select] = None, (lambda dy, a: select(a, dy, dy * 0)), (lambda dy, a: select(a, dy * 0, dy))

# --- powers, exponentials and logarithms ----------------------------------------------------------------
elementwise[np.sqrt] = lambda dy, y: dy / (2 * y)
elementwise[np.cbrt] = lambda dy, y: dy / (3 * y * y)
elementwise[np.exp] = lambda dy, y: dy * y
elementwise[np.exp2] = lambda dy, y: dy * (y * LN2)
elementwise[np.expm1] = lambda dy, a: dy * np.exp(a)
elementwise[np.log] = lambda dy, a: dy / a
elementwise[np.log2] = lambda dy, a: dy / (a * LN2)
elementwise[np.log10] = lambda dy, a: dy / (a * LN10)
elementwise[np.log1p] = lambda dy, a: dy / (1 + a)
elementwise[np.logaddexp] = (
    lambda dy, a, b: dy / (1 + np.exp(select(a == b, b * 0, b - a))),
    lambda dy, a, b: dy / (1 + np.exp(select(a == b, a * 0, a - b))),
)
elementwise[np.logaddexp2] = (
    lambda dy, a, b: dy / (1 + np.exp2(select(a == b, b * 0, b - a))),
    lambda dy, a, b: dy / (1 + np.exp2(select(a == b, a * 0, a - b))),
)

# --- trigonometric and hyperbolic -----------------------------------------------------------------------
elementwise[np.sin] = lambda dy, a: dy * np.cos(a)
elementwise[np.cos] = lambda dy, a: -dy * np.sin(a)
elementwise[np.tan] = lambda dy, y: dy * (1 + y * y)
elementwise[np.arcsin] = lambda dy, a: dy / np.sqrt((1 - a) * (1 + a))
elementwise[np.arccos] = lambda dy, a: -dy / np.sqrt((1 - a) * (1 + a))
elementwise[np.arctan] = lambda dy, a: dy / (1 + a * a)
elementwise[np.sinh] = lambda dy, a: dy * np.cosh(a)
elementwise[np.cosh] = lambda dy, a: dy * np.sinh(a)
elementwise[np.tanh] = lambda dy, y: dy * ((1 - y) * (1 + y))
elementwise[np.arcsinh] = lambda dy, a: dy / np.sqrt(1 + a * a)
elementwise[np.arccosh] = lambda dy, a: dy / (np.sqrt(a - 1) * np.sqrt(a + 1))
elementwise[np.arctanh] = lambda dy, a: dy / ((1 - a) * (1 + a))
elementwise[np.arctan2] = (
    lambda dy, a, b: dy * (b / (a * a + b * b)),
    lambda dy, a, b: -dy * (a / (a * a + b * b)),
)
elementwise[np.hypot] = (
    lambda dy, a, y: dy * (a / select(y == 0, y + 1, y)),
    lambda dy, b, y: dy * (b / select(y == 0, y + 1, y)),
)

# --- special functions (NIST Digital Library of Mathematical Functions, chapters 5 and 7) ----------------
elementwise[math.erf] = lambda dy, a: dy * (2 / SQRT_PI * np.exp(-a * a))
elementwise[math.erfc] = lambda dy, a: -dy * (2 / SQRT_PI * np.exp(-a * a))
elementwise[math.gamma] = lambda dy, a, y: dy * (y * polygamma(0, a))
elementwise[math.lgamma] = lambda dy, a: dy * polygamma(0, a)

# --- piecewise ------------------------------------------------------------------------------------------


def _larger(dy: Any, a: Any, b: Any) -> Any:
    return select(a > b, dy, select(a == b, dy * 0.5, dy * 0))


def _nan(x: Any) -> Any:
    return x != x


elementwise[np.maximum] = (lambda dy, a, b: _larger(dy, a, b)), (lambda dy, a, b: _larger(dy, b, a))
elementwise[np.minimum] = (lambda dy, a, b: _larger(dy, b, a)), (lambda dy, a, b: _larger(dy, a, b))
elementwise[np.fmax] = (
    lambda dy, a, b: select(_nan(b), dy, _larger(dy, a, b)),
    lambda dy, a, b: select(_nan(a), dy, _larger(dy, b, a)),
)
elementwise[np.fmin] = (
    lambda dy, a, b: select(_nan(b), dy, _larger(dy, b, a)),
    lambda dy, a, b: select(_nan(a), dy, _larger(dy, a, b)),
)
elementwise[np.copysign] = (
    lambda dy, a, y: select(apply(np.signbit, a) == apply(np.signbit, y), dy, -dy) * apply(np.sign, a * a),
    None,
)
elementwise[np.ldexp] = (lambda dy, b: apply(np.ldexp, dy, b)), None
elementwise[p.frexp_mantissa] = lambda dy, a: apply(np.ldexp, dy, -p.frexp_exponent(a))
elementwise[np.nextafter] = (lambda dy: dy), None

# --- of complex numbers, not holomorphic: cotangents and tangents with ∂f/∂x + i ∂f/∂y as the gradient -----


def _direction(a: Any) -> Any:
    size = abs(a)
    return a / select(size == 0, size + 1, size)


def _re(x: Any) -> Any:
    return apply(np.real, x)


nonholomorphic: dict[Any, tuple[tuple[Partial | None, ...], tuple[Partial | None, ...]]] = {}


def _state(fn: Any, cotangent: Any, tangent: Any) -> None:
    table = Table()
    table["cotangent"], table["tangent"] = cotangent, tangent
    nonholomorphic[fn] = (table.get("cotangent") or (), table.get("tangent") or ())


_state(operator.abs, lambda dy, a: dy * _direction(a), lambda dy, a: _re(apply(np.conj, _direction(a)) * dy))
_state(np.real, lambda dy: dy, _re)
_state(np.imag, lambda dy: dy * 1j, lambda dy: apply(np.imag, dy))
_state(np.conj, lambda dy: apply(np.conj, dy), lambda dy: apply(np.conj, dy))
_state(
    np.angle,
    lambda dy, a: dy * (a * 1j) / _re(a * apply(np.conj, a)),
    lambda dy, a: apply(np.imag, apply(np.conj, a) * dy) / _re(a * apply(np.conj, a)),
)
_state(
    p.make_complex,
    (_re, lambda dy: apply(np.imag, dy)),
    (lambda dy: p.make_complex(dy, dy * 0), lambda dy: p.make_complex(dy * 0, dy)),
)

# --- results without a gradient -------------------------------------------------------------------------
inactive: frozenset[Any] = frozenset(
    (
        operator.floordiv,
        operator.and_,
        operator.or_,
        operator.xor,
        operator.invert,
        operator.lshift,
        operator.rshift,
        operator.lt,
        operator.le,
        operator.gt,
        operator.ge,
        operator.eq,
        operator.ne,
        operator.not_,
        p.is_nonzero,
        p.frexp_exponent,
        p.round_digits,
        np.floor,
        np.ceil,
        np.trunc,
        np.rint,
        np.sign,
        np.isnan,
        np.isinf,
        np.isfinite,
        np.signbit,
        np.spacing,
        np.heaviside,
        math.gcd,
    )
)
# Written by the passes themselves.
handled: frozenset[Any] = frozenset((p.cast, p.stop_gradient, p.polygamma))

# A finite value but an infinite derivative somewhere: cotangents in front of these may be inf.
singular: frozenset[Any] = frozenset((np.sqrt, np.cbrt, operator.pow, np.arcsin, np.arccos, np.arccosh))


def _annihilate(rule: Partial) -> Partial:
    """The rule with a zero partial derivative that makes zero of an infinite cotangent."""

    def fn(**values: Any) -> Any:
        dy = values["dy"]
        local = rule({**values, "dy": dy * 0 + 1 if not hasattr(dy, "one") else dy.one()})
        return select(local == 0, dy * 0 if not hasattr(dy, "one") else dy.zero(), dy * local)

    return Partial(fn, rule.names)


_ANNIHILATING = frozenset((operator.mul, powi, operator.pow, operator.abs, np.hypot))


def annihilating(fn: Any) -> tuple[Partial | None, ...] | None:
    """The rules of `fn` in which a zero partial derivative wins over an infinite cotangent, if it has such."""
    rules = elementwise.get(fn) if fn in _ANNIHILATING else None
    return None if rules is None else tuple(rule and _annihilate(rule) for rule in rules)
