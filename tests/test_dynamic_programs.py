"""Programs of users in dynamic mode: value, gradient and second derivative, against CPython and differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from dynamic_algorithms import ALGORITHMS
from dynamic_array_programs import ARRAY_PROGRAMS, LIKE_ARRAYS
from dynamic_programs import PROGRAMS

import zyg


def slope(fn: Any, x: float, h: float) -> float:
    """f'(x), by differences of fourth order."""
    return float(8 * (fn(x + h) - fn(x - h)) - (fn(x + 2 * h) - fn(x - 2 * h))) / (12 * h)


@pytest.mark.parametrize("x", [0.37, 0.81])
@pytest.mark.parametrize("name", [*PROGRAMS, *ALGORITHMS])
def test_program(name: str, x: float) -> None:
    fn = {**PROGRAMS, **ALGORITHMS}[name]
    first = zyg.grad(fn, mode="dynamic")
    y, g = zyg.value_and_grad(fn, mode="dynamic")(x)
    plain = fn(x)
    assert math.isclose(y, plain, rel_tol=1e-14)
    assert type(y) is type(plain.item() if isinstance(plain, np.float64) else plain)
    assert type(g) is float
    assert g == pytest.approx(slope(fn, x, 1e-3), rel=1e-8, abs=1e-8)
    second = zyg.grad(first, mode="dynamic")(x)
    assert type(second) is float
    assert second == pytest.approx(slope(first, x, 1e-3), rel=1e-8, abs=1e-8)


POINT = np.array([0.7, -0.4, 0.3, 1.1, -0.8, 0.55])
WEIGHTS = np.arange(1.0, 7.0)


@pytest.mark.parametrize("name", [*ARRAY_PROGRAMS, *LIKE_ARRAYS])
def test_array_program(name: str) -> None:
    fn = {**ARRAY_PROGRAMS, **LIKE_ARRAYS}[name]
    first = zyg.grad(fn, mode="dynamic")

    def along(a: Any) -> Any:
        return np.sum(first(a) * WEIGHTS)

    y, g = zyg.value_and_grad(fn, mode="dynamic")(POINT.copy())
    assert y == pytest.approx(fn(POINT.copy()), rel=1e-14)
    h = zyg.grad(along, mode="dynamic")(POINT.copy())
    for unit in (np.array([0.3, -0.5, 0.9, 0.2, 0.7, -0.4]), np.array([-0.6, 0.8, 0.1, -0.9, 0.4, 0.3])):
        assert g @ unit == pytest.approx(slope(lambda t, u=unit: fn(POINT + t * u), 0.0, 1e-3), rel=1e-7, abs=1e-7)
        assert h @ unit == pytest.approx(slope(lambda t, u=unit: along(POINT + t * u), 0.0, 1e-3), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(
    "name", ["array2", "concat", "sinlist", "matmul", "setlist", "prod", "swap", "iadd", "flat", "copyto", "attrs"]
)
def test_third_order(name: str) -> None:
    """Three levels: what is made while the inner ones are taken belongs to the outer ones, too."""
    fn = {**ARRAY_PROGRAMS, **LIKE_ARRAYS}[name]

    def line(t: Any) -> Any:
        return fn(POINT + t * WEIGHTS * 0.1)

    def second(t: Any) -> Any:
        return zyg.grad(zyg.grad(line, mode="dynamic"), mode="dynamic")(t)

    third = zyg.grad(second, mode="dynamic")(0.1)
    assert third == pytest.approx(slope(second, 0.1, 1e-3), rel=1e-6, abs=1e-6)
