"""Derivatives of elementwise functions, each stated once.

`dy` is the result's cotangent in reverse mode and the operand's tangent in forward mode.  For holomorphic
functions of complex numbers the passes conjugate; the others are in `nonholomorphic`.

At kinks: `abs` (real or complex) at 0 gives 0, `hypot` at the origin and `copysign` of 0 too, and so do
`arctan2` and `angle` at the origin; ties of maximum and minimum split evenly (ints cannot: the first operand
takes it all).  `x ** n` never takes log(x); the derivative by an exponent is 0 where the base is 0, and nan
where the base is negative.  Numbers of bits, digits and the like carry no gradient.

At a pole of the derivative where the function itself is finite (`sqrt` at 0), the limit, inf, is given, but
a cotangent of exactly 0 stays 0: `x * sqrt(x)` has a derivative at 0.  The other way round, `annihilating`
rules turn an infinite cotangent into 0 where the partial derivative is 0: `sqrt(x ** 2)` is a kink.

Of two values of which one is chosen, as by `where` and `maximum`, the other gets no cotangent (`if_true`): not even
nan, where its derivative is infinite or undefined.

A guard may only replace what is infinite or undefined.  One that also caught regular points, `dy == 0` alone
say, would give right gradients and wrong second derivatives, which take the derivative of the rule.
"""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from zyg.rules import primitives as p
from zyg.rules import special as s
from zyg.rules.primitives import apply, polygamma, powi, reassociate_add, select
from zyg.rules.registry import Partial, Partials, Table, partials, unknown

elementwise = Table()
SQRT_PI, SQRT_2PI = math.sqrt(math.pi), math.sqrt(2.0 * math.pi)
SQRT2, SQRT_2_PI = math.sqrt(2.0), math.sqrt(2.0 / math.pi)
LN2, LN10 = math.log(2.0), math.log(10.0)


def _finite(x: Any) -> Any:
    """Neither inf nor nan; for complex numbers too, for which there is no primitive."""
    return x - x == 0


# --- arithmetic -----------------------------------------------------------------------------------------
elementwise[operator.add] = (lambda dy: dy), (lambda dy: dy)
elementwise[reassociate_add] = (lambda dy: dy), (lambda dy: dy)
elementwise[operator.sub] = (lambda dy: dy), (lambda dy: -dy)
elementwise[operator.mul] = (lambda dy, b: dy * b), (lambda dy, a: dy * a)
elementwise[operator.truediv] = (lambda dy, b: dy / b), (lambda dy, b, y: -(dy / b) * y)
elementwise[operator.neg] = lambda dy: -dy
elementwise[operator.invert] = lambda dy: -dy
elementwise[operator.lshift] = (lambda dy, b: dy * apply(operator.lshift, 1, b)), None
elementwise[operator.abs] = lambda dy, a: dy * np.sign(a)
elementwise[operator.mod] = (lambda dy: dy), (lambda dy, a, b: -dy * (a // b))
elementwise[np.fmod] = (lambda dy: dy), (lambda dy, a, b, y: -dy * np.rint((a - y) / b))
elementwise[math.remainder] = (lambda dy: dy), (lambda dy, a, b, y: -dy * np.rint((a - y) / b))
elementwise[p.annihilated] = (
    lambda dy, b: p.annihilated(dy, b),
    lambda dy, a: select(_finite(a), dy * a, 0),
)
elementwise[p.over] = (lambda dy, b: p.over(dy, b)), (lambda dy, b, y: -p.over(p.annihilated(y, dy), b))
elementwise[p.times] = (lambda dy, b: p.times(dy, b)), (lambda dy, a: p.annihilated(dy, a))
elementwise[p.fma] = (lambda dy, b: dy * b), (lambda dy, a: dy * a), (lambda dy: dy)


def _by_exponent(dy: Any, a: Any, y: Any) -> Any:
    """dy · ∂(aᵇ)/∂b, and 0 for no change of the exponent of a negative number."""
    return select((a == 0) | ((a < 0) & (dy == 0)), 0, dy * (y * np.log(select(a == 0, 1, a))))


elementwise[operator.pow] = (
    lambda dy, a, b: p.times(dy, b * a ** select((a == 0) & (b == 0), 1, b - 1)),
    lambda dy, a, y: _by_exponent(dy, a, y),
)
elementwise[powi] = (
    lambda dy, a, b: dy * (b * powi(a, select(b == 0, 0, b - 1))),
    lambda dy, a, y: _by_exponent(dy, a, y),
)
elementwise[p.identity] = lambda dy: dy
elementwise[p.attach] = None, (lambda dy: dy)
elementwise[select] = None, (lambda dy, a: p.if_true(a, dy)), (lambda dy, a: p.if_false(a, dy))
elementwise[p.if_true] = None, (lambda dy, a: p.if_true(a, dy))
elementwise[p.if_false] = None, (lambda dy, a: p.if_false(a, dy))

# --- powers, exponentials and logarithms ----------------------------------------------------------------
elementwise[np.sqrt] = lambda dy, y: p.over(0.5 * dy, y)
elementwise[np.cbrt] = lambda dy, y: p.over(dy, 3 * y * y)
elementwise[np.exp] = lambda dy, y: dy * y
elementwise[np.exp2] = lambda dy, y: dy * (y * LN2)
elementwise[np.expm1] = lambda dy, a: dy * np.exp(a)  # y + 1 would cancel
elementwise[np.log] = lambda dy, a: dy / a
elementwise[np.log2] = lambda dy, a: dy / (a * LN2)
elementwise[np.log10] = lambda dy, a: dy / (a * LN10)
elementwise[np.log1p] = lambda dy, a: dy / (1 + a)


def _ahead(b: Any, a: Any) -> Any:
    """b - a, and 0 for two equal infinities."""
    return select(np.isinf(a) & (a == b), 0, b - a)


def _share(dy: Any, ratio: Any) -> Any:
    """dy / (1 + ratio), whose derivatives, too, are 0 where the ratio is infinite."""
    infinite = np.isinf(ratio)
    return select(infinite, 0, dy / (1 + select(infinite, 0, ratio)))


elementwise[np.logaddexp] = (
    lambda dy, a, b: _share(dy, np.exp(_ahead(b, a))),
    lambda dy, a, b: _share(dy, np.exp(_ahead(a, b))),
)
elementwise[np.logaddexp2] = (
    lambda dy, a, b: _share(dy, np.exp2(_ahead(b, a))),
    lambda dy, a, b: _share(dy, np.exp2(_ahead(a, b))),
)

# --- trigonometric and hyperbolic -----------------------------------------------------------------------
elementwise[np.sin] = lambda dy, a: dy * np.cos(a)
elementwise[np.cos] = lambda dy, a: -dy * np.sin(a)
elementwise[np.tan] = lambda dy, y: dy * (1 + y * y)
elementwise[np.arcsin] = lambda dy, a: p.over(dy, np.sqrt((1 - a) * (1 + a)))
elementwise[np.arccos] = lambda dy, a: p.over(-dy, np.sqrt((1 - a) * (1 + a)))
elementwise[np.arctan] = lambda dy, a: dy / (1 + a * a)
elementwise[np.sinh] = lambda dy, a: dy * np.cosh(a)
elementwise[np.cosh] = lambda dy, a: dy * np.sinh(a)
elementwise[np.tanh] = lambda dy, y: dy * ((1 - y) * (1 + y))
elementwise[np.arcsinh] = lambda dy, a: dy / np.sqrt(1 + a * a)
elementwise[np.arccosh] = lambda dy, a: p.over(dy, np.sqrt(a - 1) * np.sqrt(a + 1))  # two roots: branch cuts
elementwise[np.arctanh] = lambda dy, a: dy / ((1 - a) * (1 + a))


def _radius(a: Any, b: Any) -> Any:
    """The distance from the origin, whose squares neither overflow nor vanish; 1 at the origin itself."""
    r = np.hypot(a, b)
    return select(r == 0, 1, r)


elementwise[np.arctan2] = (
    lambda dy, a, b: dy * (b / _radius(a, b) / _radius(a, b)),
    lambda dy, a, b: -dy * (a / _radius(a, b) / _radius(a, b)),
)
elementwise[np.hypot] = (
    lambda dy, a, y: dy * (a / select(y == 0, 1, y)),
    lambda dy, b, y: dy * (b / select(y == 0, 1, y)),
)

# --- special functions (NIST Digital Library of Mathematical Functions, chapters 5 to 8 and 10) -----------
elementwise[math.erf] = lambda dy, a: dy * (2 / SQRT_PI * np.exp(-a * a))
elementwise[math.erfc] = lambda dy, a: -dy * (2 / SQRT_PI * np.exp(-a * a))
elementwise[math.gamma] = lambda dy, a, y: dy * (y * polygamma(0, a))
elementwise[math.lgamma] = lambda dy, a: dy * polygamma(0, a)
elementwise[polygamma] = None, (lambda dy, a, b: dy * polygamma(a + 1, b))
elementwise[s.loggamma] = lambda dy, a: dy * polygamma(0, a)
elementwise[s.beta] = (
    lambda dy, a, b, y: dy * (y * (polygamma(0, a) - polygamma(0, a + b))),
    lambda dy, a, b, y: dy * (y * (polygamma(0, b) - polygamma(0, a + b))),
)
elementwise[s.betaln] = (
    lambda dy, a, b: dy * (polygamma(0, a) - polygamma(0, a + b)),
    lambda dy, a, b: dy * (polygamma(0, b) - polygamma(0, a + b)),
)
elementwise[s.gammainc] = (
    unknown("the first argument"),
    lambda dy, a, b: dy * np.exp(s.xlogy(a - 1, b) - b - apply(math.lgamma, a)),
)
elementwise[s.gammaincc] = (
    unknown("the first argument"),
    lambda dy, a, b: -dy * np.exp(s.xlogy(a - 1, b) - b - apply(math.lgamma, a)),
)
elementwise[s.betainc] = (
    unknown("the first argument"),
    unknown("the second argument"),
    lambda dy, a, b, c: dy * np.exp(s.xlogy(a - 1, c) + s.xlog1py(b - 1, -c) - s.betaln(a, b)),
)
elementwise[s.stdtr] = (
    unknown("the degrees of freedom"),
    lambda dy, a, b: dy * (np.exp(-(a + 1) / 2 * np.log1p(b * b / a) - s.betaln(a / 2, 0.5)) / np.sqrt(a)),
)

# the error function's family
elementwise[s.erfinv] = lambda dy, y: dy * (SQRT_PI / 2 * np.exp(y * y))
elementwise[s.erfcinv] = lambda dy, y: -dy * (SQRT_PI / 2 * np.exp(y * y))
elementwise[s.erfcx] = lambda dy, a, y: dy * (2 * a * y - 2 / SQRT_PI)
elementwise[s.erfi] = lambda dy, a: dy * (2 / SQRT_PI * np.exp(a * a))
elementwise[s.dawsn] = lambda dy, a, y: dy * (1 - 2 * a * y)
elementwise[s.ndtr] = lambda dy, a: dy * (np.exp(-a * a / 2) / SQRT_2PI)
elementwise[s.ndtri] = lambda dy, y: dy * (SQRT_2PI * np.exp(y * y / 2))


def _mills(a: Any, y: Any) -> Any:
    """The normal density over its integral, of which y is the logarithm.

    Below 0 by erfcx, as the exponents would cancel there; that overflows above."""
    below = SQRT_2_PI / s.erfcx(-np.minimum(a, 0) / SQRT2)
    return select(a < 0, below, np.exp(-a * a / 2 - y) / SQRT_2PI)


elementwise[s.log_ndtr] = lambda dy, a, y: dy * _mills(a, y)

# logistic functions and entropies
elementwise[s.expit] = lambda dy, a, y: dy * (y * s.expit(-a))
elementwise[s.log_expit] = lambda dy, a: dy * s.expit(-a)
elementwise[s.logit] = lambda dy, a: dy / (a * (1 - a))
elementwise[s.xlogy] = (lambda dy, b: p.times(dy, np.log(b))), (lambda dy, a, b: dy * p.over(a, b))
elementwise[s.xlog1py] = (lambda dy, b: p.times(dy, np.log1p(b))), (lambda dy, a, b: dy * p.over(a, 1 + b))
elementwise[s.entr] = lambda dy, a: p.times(dy, -np.log(a) - 1)
elementwise[s.rel_entr] = (lambda dy, a, b: p.times(dy, np.log(a / b) + 1)), (lambda dy, a, b: -dy * p.over(a, b))
elementwise[s.kl_div] = (lambda dy, a, b: p.times(dy, np.log(a / b))), (lambda dy, a, b: dy * (1 - p.over(a, b)))
elementwise[s.expi] = lambda dy, a: dy * (np.exp(a) / a)
elementwise[s.exp1] = lambda dy, a: -dy * (np.exp(-a) / a)
elementwise[s.cosm1] = lambda dy, a: -dy * np.sin(a)

# Bessel functions, by their neighbours in order: right at 0 too, for all derivatives
_ORDER = unknown("the order")
elementwise[s.j0] = lambda dy, a: -dy * s.j1(a)
elementwise[s.y0] = lambda dy, a: -dy * s.y1(a)
elementwise[s.i0] = lambda dy, a: dy * s.i1(a)
elementwise[s.k0] = lambda dy, a: -dy * s.k1(a)
elementwise[s.j1] = lambda dy, a: dy * ((s.j0(a) - s.jv(2.0, a)) / 2)
elementwise[s.y1] = lambda dy, a: dy * ((s.y0(a) - s.yv(2.0, a)) / 2)
elementwise[s.i1] = lambda dy, a: dy * ((s.i0(a) + s.iv(2.0, a)) / 2)
elementwise[s.k1] = lambda dy, a: -dy * ((s.k0(a) + s.kv(2.0, a)) / 2)
elementwise[s.jv] = _ORDER, (lambda dy, a, b: dy * ((s.jv(a - 1, b) - s.jv(a + 1, b)) / 2))
elementwise[s.yv] = _ORDER, (lambda dy, a, b: dy * ((s.yv(a - 1, b) - s.yv(a + 1, b)) / 2))
elementwise[s.iv] = _ORDER, (lambda dy, a, b: dy * ((s.iv(a - 1, b) + s.iv(a + 1, b)) / 2))
elementwise[s.kv] = _ORDER, (lambda dy, a, b: -dy * ((s.kv(a - 1, b) + s.kv(a + 1, b)) / 2))
elementwise[s.i0e] = lambda dy, a, y: dy * (s.i1e(a) - np.sign(a) * y)
elementwise[s.k0e] = lambda dy, a, y: dy * (y - s.k1e(a))
elementwise[s.i1e] = lambda dy, a, y: dy * ((s.i0e(a) + s.ive(2.0, a)) / 2 - np.sign(a) * y)
elementwise[s.k1e] = lambda dy, a, y: dy * (y - (s.k0e(a) + s.kve(2.0, a)) / 2)
elementwise[s.ive] = (
    _ORDER,
    lambda dy, a, b, y: dy * ((s.ive(a - 1, b) + s.ive(a + 1, b)) / 2 - np.sign(b) * y),
)
elementwise[s.kve] = _ORDER, (lambda dy, a, b, y: dy * (y - (s.kve(a - 1, b) + s.kve(a + 1, b)) / 2))

# --- piecewise ------------------------------------------------------------------------------------------


def _larger(dy: Any, a: Any, b: Any) -> Any:
    return p.if_true(a >= b, dy * select(a == b, 0.5, 1.0))


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
elementwise[np.copysign] = (lambda dy, a, b: dy * (np.sign(a) * np.copysign(1, b))), None
elementwise[np.ldexp] = (lambda dy, b: np.ldexp(dy, b)), None
elementwise[p.frexp_mantissa] = lambda dy, a: np.ldexp(dy, -p.frexp_exponent(a))
elementwise[np.nextafter] = (lambda dy: dy), None
elementwise[np.heaviside] = None, (lambda dy, a: select(a == 0, dy, 0))

# --- of ints, where the rule above would leave them -------------------------------------------------------
integer = Table()
integer[operator.pow] = (
    lambda dy, a, b: dy * (b * a ** select(b == 0, 0, b - 1)),
    lambda dy, a, y: _by_exponent(dy, a, y),
)
integer[np.maximum] = integer[np.fmax] = (
    lambda dy, a, b: select(a >= b, dy, 0),
    lambda dy, a, b: select(a >= b, 0, dy),
)
integer[np.minimum] = integer[np.fmin] = (
    lambda dy, a, b: select(a <= b, dy, 0),
    lambda dy, a, b: select(a <= b, 0, dy),
)

# --- of complex numbers, where the rule above would compare them -------------------------------------------
holomorphic = Table()
holomorphic[operator.pow] = (
    lambda dy, a, b: p.times(dy, b * a ** select((a == 0) & (b == 0), 1, b - 1)),
    lambda dy, a, y: select(a == 0, 0, dy * (y * np.log(select(a == 0, 1, a)))),
)
holomorphic[powi] = (
    lambda dy, a, b: dy * (b * powi(a, select(b == 0, 0, b - 1))),
    lambda dy, a, y: select(a == 0, 0, dy * (y * np.log(select(a == 0, 1, a)))),
)

# --- of complex numbers, not holomorphic: cotangents and tangents with ∂f/∂x + i ∂f/∂y as the gradient -----


@dataclass(frozen=True, slots=True)
class Pair:
    """Both directions of a function that is linear over the real numbers only: ⟨dy, J t⟩ = ⟨Jᵀ dy, t⟩."""

    cotangent: Partials
    tangent: Partials

    def __getitem__(self, direction: int) -> Partials:
        return (self.cotangent, self.tangent)[direction]


def _direction(a: Any) -> Any:
    size = abs(a)
    return a / select(size == 0, 1, size)


def _turn(a: Any) -> Any:
    """The gradient of the angle: i·a / |a|²."""
    size = abs(a)
    return _direction(a) * 1j / select(size == 0, 1, size)


def _re(dy: Any) -> Any:
    return apply(np.real, dy)


def _im(dy: Any) -> Any:
    return apply(np.imag, dy)


def _conj(dy: Any) -> Any:
    return apply(np.conj, dy)


def _pair(cotangent: Any, tangent: Any) -> Pair:
    return Pair(partials(cotangent), partials(tangent))


nonholomorphic: dict[Any, Pair] = {
    operator.abs: _pair(lambda dy, a: dy * _direction(a), lambda dy, a: _re(_conj(_direction(a)) * dy)),
    np.real: _pair(lambda dy: p.make_complex(dy, 0.0), _re),
    np.imag: _pair(lambda dy: p.make_complex(0.0, dy), _im),
    np.conj: _pair(_conj, _conj),
    np.angle: _pair(lambda dy, a: dy * _turn(a), lambda dy, a: _re(_conj(_turn(a)) * dy)),
    p.make_complex: _pair((_re, _im), (lambda dy: p.make_complex(dy, 0.0), lambda dy: p.make_complex(0.0, dy))),
}

# --- results without a gradient -------------------------------------------------------------------------
inactive: frozenset[Any] = frozenset(
    (
        *(operator.floordiv, operator.and_, operator.or_, operator.xor, operator.rshift, math.gcd),
        *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.not_),
        *(np.floor, np.ceil, np.trunc, np.rint, np.sign, np.spacing, p.round_digits, p.frexp_exponent),
        *(np.isnan, np.isinf, np.isfinite, np.signbit, p.is_nonzero),
    )
)
# Written by the passes themselves.
handled: frozenset[Any] = frozenset((p.cast, p.stop_gradient, p.within_rule, p.without_cotangent))

# A finite value but an infinite derivative somewhere: cotangents in front of these may be inf.
singular: frozenset[Any] = frozenset(
    (
        *(np.sqrt, np.cbrt, operator.pow, np.arcsin, np.arccos, np.arccosh),
        *(s.entr, s.xlogy, s.xlog1py, s.rel_entr, s.kl_div, s.gammainc, s.gammaincc, s.betainc),
    )
)

# Of these, the ones whose derivative is infinite only where they are 0.
roots: frozenset[Any] = frozenset((np.sqrt, np.cbrt))

# Functions whose partial derivatives can be 0, also by underflow or saturation.
_VANISHING = frozenset(
    (
        *(operator.mul, operator.truediv, operator.mod, np.fmod, operator.pow, powi, operator.abs),
        *(math.remainder, p.fma),
        *(np.exp, np.exp2, np.expm1, np.logaddexp, np.logaddexp2, np.cos, np.cosh, np.tanh),
        *(np.arctan2, np.hypot, np.copysign, math.erf, math.erfc, s.ndtr, s.log_ndtr, s.expit, s.log_expit),
        *(s.xlogy, s.xlog1py, s.rel_entr, s.kl_div, s.gammainc, s.gammaincc, s.betainc, s.stdtr, s.cosm1, s.dawsn),
        *(s.j0, s.j1, s.jv, s.y0, s.y1, s.yv, s.i0, s.i0e),
    )
)

# Of these, the ones whose partial derivatives may be infinite or nan where there is no cotangent.
_WITH_POLES = frozenset((operator.pow, powi, s.xlogy, s.xlog1py, s.rel_entr, s.kl_div))


def _annihilate(rule: Partial, poles: bool) -> Partial:
    """The rule with a zero partial derivative that makes zero of an infinite cotangent."""

    def careful(**values: Any) -> Any:
        dy, slope = values["dy"], rule({**values, "dy": 1})
        found = p.annihilated(dy, slope)
        return select(slope - slope != 0, p.times(dy, slope), found) if poles else found

    return Partial(careful, rule.names, rule.unknown)


@functools.cache
def annihilating(fn: Any) -> Partials | None:
    """The rules of `fn` in which a zero partial derivative wins over an infinite cotangent, if it has such."""
    rules = elementwise.get(fn) if fn in _VANISHING else None
    return None if rules is None else tuple(rule and _annihilate(rule, fn in _WITH_POLES) for rule in rules)


Domain = Literal["integer", "real", "complex"]


def find(fn: Any, domain: Domain, forward: bool = False, careful: bool = False) -> Partials | None:
    """The rules of `fn` for operands from `domain`: `forward` for tangents; `careful` where a cotangent may be inf.

    `make_complex` counts as complex, by its result.
    """
    if domain == "complex" and fn in nonholomorphic:
        pair = nonholomorphic[fn]
        return pair.tangent if forward else pair.cotangent
    if domain == "complex" and fn in holomorphic:
        return holomorphic.get(fn)
    if domain == "integer" and fn in integer:
        return integer.get(fn)
    return (annihilating(fn) if careful else None) or elementwise.get(fn)
