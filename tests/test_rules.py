"""Derivative rules against difference quotients, at kinks, and for completeness over the vocabulary."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest

from zyg.rules import primitives as p
from zyg.rules.elementwise import annihilating, elementwise, handled, inactive, nonholomorphic

POINTS: dict[Any, list[tuple[float, ...]]] = {
    fn: [(0.3,), (0.71,)]
    for fn in (
        *(np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan, np.arcsinh),
        *(np.arctanh, np.sqrt, np.cbrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p),
        *(math.erf, math.erfc, math.gamma, math.lgamma, operator.neg, operator.abs, p.frexp_mantissa),
    )
}
POINTS[np.arccosh] = [(1.3,), (4.0,)]
POINTS |= {
    fn: [(0.7, 1.9), (2.3, 0.6)]
    for fn in (
        *(operator.add, p.reassociate_add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod),
        *(np.fmod, np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.maximum, np.minimum, np.fmax, np.fmin),
    )
}


def values(fn: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    return {"dy": np.float64(1.0), **dict(zip("abc", args, strict=False)), "y": fn(*args)}


def quotient(fn: Any, args: tuple[Any, ...], place: int) -> float:
    def central(step: float) -> float:
        up, down = list(args), list(args)
        up[place] += step
        down[place] -= step
        return float(fn(*up) - fn(*down)) / (2 * step)

    return (4 * central(5e-4) - central(1e-3)) / 3


@pytest.mark.parametrize("fn", POINTS, ids=lambda fn: fn.__name__)
def test_rule_is_the_derivative(fn: Any) -> None:
    for point in POINTS[fn]:
        args = tuple(map(np.float64, point))
        for place, rule in enumerate(elementwise.get(fn) or ()):
            assert rule is not None
            assert rule(values(fn, args)) == pytest.approx(quotient(fn, args, place), rel=1e-7, abs=1e-9)


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
        if (getattr(fn, "__module__", None) or "").startswith("zyg.ir"):
            continue  # storage and marks of the passes, which have no derivative
        assert fn in elementwise or fn in inactive or fn in handled or fn in nonholomorphic, fn
