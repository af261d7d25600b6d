"""Derivative rules against difference quotients, at kinks, and for completeness over the vocabulary."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest
from numba import types

from zyg.ir.typing import result_type
from zyg.rules import primitives as p
from zyg.rules import special
from zyg.rules.elementwise import (
    annihilating,
    elementwise,
    find,
    handled,
    holomorphic,
    inactive,
    integer,
    nonholomorphic,
)


def is_typed(fn: Any, kinds: tuple[Any, ...]) -> bool:
    try:
        result_type(fn, kinds)
    except (TypeError, KeyError):
        return False
    return True


POINTS: dict[Any, list[tuple[Any, ...]]] = {
    fn: [(0.3,), (0.71,)]
    for fn in (
        *(np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan, np.arcsinh),
        *(np.arctanh, np.sqrt, np.cbrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p),
        *(math.erf, math.erfc, math.gamma, math.lgamma, operator.neg, operator.abs, p.frexp_mantissa),
        p.identity,
    )
}
POINTS[np.arccosh] = [(1.3,), (4.0,)]
POINTS |= {
    fn: [(0.7, 1.9), (2.3, 0.6)]
    for fn in (
        *(operator.add, p.reassociate_add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod),
        *(np.fmod, np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.maximum, np.minimum, np.fmax, np.fmin),
        *(math.remainder, np.copysign, p.attach, p.annihilated, p.over, p.times),
    )
}
POINTS |= {
    operator.invert: [(5,)],
    operator.lshift: [(5, 2)],
    p.powi: [(0.7, 3), (1.9, -2), (0.7, 0)],
    np.ldexp: [(0.7, 3), (0.7, -2)],
    np.nextafter: [(0.7, 2.0)],
    np.heaviside: [(0.0, 0.3), (1.0, 0.3)],
    p.polygamma: [(0, 0.7), (2, 1.9)],
    p.fma: [(0.7, 1.9, -0.4)],
    p.select: [(True, 0.7, 1.9), (False, 0.7, 1.9)],
    p.if_true: [(True, 0.7), (False, 0.7)],
    p.if_false: [(True, 0.7), (False, 0.7)],
}
POINTS |= {fn: [(0.3,) * fn.arity, (0.71, 0.4, 0.6)[: fn.arity]] for fn in special.SPECIAL}
POINTS |= {getattr(special, name): [(2.0, 1.3), (0.5, 0.7)] for name in ("jv", "yv", "iv", "kv", "ive", "kve")}
INTEGERS: dict[Any, list[tuple[Any, ...]]] = {
    operator.pow: [(3, 2), (3, 1), (2, 0)],
    **{fn: [(3, 2), (2, 3)] for fn in (np.maximum, np.fmax, np.minimum, np.fmin)},
}
# What the rule is the derivative of where the primitive itself cannot be asked between ints, or gives one operand's
# value with the derivative of the other.
SMOOTH: dict[Any, Any] = {
    p.powi: operator.pow,
    operator.pow: operator.pow,
    np.ldexp: lambda a, b: a * 2.0**b,
    operator.lshift: lambda a, b: a * 2.0**b,
    operator.invert: lambda a: -a - 1,
    np.nextafter: lambda a, b: a,
    p.attach: lambda a, b: b,
}
ONE = np.float64(1.0)
Z, W = 0.7 - 0.4j, -1.3 + 0.6j


def values(fn: Any, args: tuple[Any, ...], dy: Any = ONE) -> dict[str, Any]:
    return {"dy": dy, **dict(zip("abc", args, strict=False)), "y": fn(*args)}


def quotient(fn: Any, args: tuple[Any, ...], place: int, along: complex = 1.0) -> Any:
    def central(step: float) -> Any:
        up, down = list(args), list(args)
        up[place] += step * along
        down[place] -= step * along
        return (fn(*up) - fn(*down)) / (2 * step)

    return (4 * central(5e-4) - central(1e-3)) / 3


def scalar(x: Any) -> Any:
    return x if isinstance(x, bool) else np.int64(x) if isinstance(x, int) else np.array(x)[()]


@pytest.mark.parametrize("fn", POINTS, ids=lambda fn: fn.__name__)
def test_rule_is_the_derivative(fn: Any) -> None:
    agree(elementwise.get(fn), fn, POINTS[fn])


@pytest.mark.parametrize("fn", INTEGERS, ids=lambda fn: fn.__name__)
def test_rule_of_ints_is_the_derivative(fn: Any) -> None:
    agree(integer.get(fn), fn, INTEGERS[fn])


def agree(rules: Any, fn: Any, points: list[tuple[Any, ...]]) -> None:
    assert any(rules)
    for point in points:
        args = tuple(map(scalar, point))
        for place, rule in enumerate(rules):
            if rule is not None and not rule.unknown:
                expected = quotient(SMOOTH.get(fn, fn), tuple(map(float, args)) if fn in SMOOTH else args, place)
                assert rule(values(fn, args)) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def arity(fn: Any) -> int:
    return len(elementwise.get(fn) or ())


COMPLEX = [
    *(fn for fn in elementwise if fn not in nonholomorphic and is_typed(fn, (types.complex128,) * arity(fn))),
    p.powi,
]


@pytest.mark.parametrize("fn", COMPLEX, ids=lambda fn: fn.__name__)
def test_rule_of_complex_numbers_is_the_derivative(fn: Any) -> None:
    args = (np.complex128(Z), np.int64(3) if fn is p.powi else np.complex128(W))[: arity(fn)]
    for place, rule in enumerate(find(fn, "complex") or ()):
        if rule is not None and args[place].dtype == np.complex128:
            expected = quotient(SMOOTH.get(fn, fn), args, place)
            assert rule(values(fn, args, np.complex128(1.0))) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("fn", nonholomorphic, ids=lambda fn: fn.__name__)
def test_rules_that_are_not_holomorphic(fn: Any) -> None:
    """The tangent is the derivative along a direction, and the cotangent its transpose."""
    real = fn is p.make_complex
    args = (np.float64(0.7), np.float64(-0.4)) if real else (np.complex128(Z),)
    direction = np.float64(1.0) if real else np.complex128(0.6 - 1.7j)
    pair = nonholomorphic[fn]
    for place, (cotangent, tangent) in enumerate(zip(pair.cotangent, pair.tangent, strict=True)):
        assert tangent is not None and cotangent is not None
        slope = tangent(values(fn, args, direction))
        assert slope == pytest.approx(quotient(fn, args, place, direction), rel=1e-7, abs=1e-9)
        dy = np.complex128(0.3 + 0.8j) if np.iscomplexobj(slope) else np.float64(0.3)
        back = cotangent(values(fn, args, dy))
        assert (np.conj(dy) * slope).real == pytest.approx((np.conj(back) * direction).real, rel=1e-12)


def test_every_rule_has_a_case() -> None:
    assert set(elementwise) == set(POINTS)
    assert set(integer) == set(INTEGERS)
    assert set(holomorphic) <= set(COMPLEX)


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        (operator.abs, (0.0,), (0.0,)),
        (np.maximum, (1.0, 1.0), (0.5, 0.5)),
        (np.fmin, (1.0, 1.0), (0.5, 0.5)),
        (np.hypot, (0.0, 0.0), (0.0, 0.0)),
        (np.tanh, (800.0,), (0.0,)),
        (np.logaddexp, (-np.inf, -np.inf), (0.5, 0.5)),
        (np.copysign, (-1e-200, 1.0), (-1.0,)),
        (operator.pow, (0.0, 0.0), (0.0, 0.0)),
        (operator.pow, (0.0, 2.0), (0.0, 0.0)),
    ],
)
def test_kinks(fn: Any, args: tuple[float, ...], expected: tuple[float, ...]) -> None:
    scalars = tuple(map(np.float64, args))
    rules = elementwise.get(fn) or ()
    with np.errstate(all="ignore"):
        assert tuple(float(rule(values(fn, scalars))) for rule in rules if rule) == expected


def test_zero_power_has_no_derivative_even_at_zero() -> None:
    rule = (elementwise.get(p.powi) or ())[0]
    assert rule is not None
    assert rule({"dy": np.float64(1), "a": np.float64(0), "b": np.int64(0)}) == 0


def test_zero_factor_annihilates_an_infinite_cotangent() -> None:
    rule = (annihilating(operator.mul) or ())[0]
    assert rule is not None
    with np.errstate(invalid="ignore"):
        assert rule({"dy": np.float64(np.inf), "a": np.float64(3), "b": np.float64(0)}) == 0


def test_every_primitive_is_accounted_for() -> None:
    for fn in p.table:
        if (getattr(fn, "__module__", None) or "").startswith(("zyg.ir", "zyg.passes", "zyg.adjoint")):
            continue  # storage and marks of the passes, which have no derivative
        assert fn in elementwise or fn in inactive or fn in handled or fn in nonholomorphic, fn
