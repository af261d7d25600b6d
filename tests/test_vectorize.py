"""Functions that `@numba.vectorize` made, and loops over `prange`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit, prange, vectorize

import zyg


@vectorize
def mixed(a, b):
    return a * np.sin(b) if a > 0 else b / (a - 1)


@vectorize(["float64(float64)"], nopython=True)
def cube(a):
    return a**3


@njit(parallel=True)
def pairs(x):
    out, s = np.zeros_like(x), 0.0
    for i in prange(1, len(x)):
        out[i] = x[i - 1] * x[i]
        s += out[i]
    return s + np.sum(out**2)


FUNCTIONS: dict[str, Any] = {
    "arrays": lambda x: np.sum(mixed(x[:, None], x[:2]) ** 2 * np.arange(10.0).reshape(5, 2)),
    "number": lambda x: mixed(x[1], 2.0) + cube(x[0]) + np.sum(cube(x[::2])),
    "waiting": lambda x: np.sum(np.exp(cube(2 * x) * mixed(x, x * x))),
    "int": lambda x: np.sum(cube(np.arange(5)) * x) + cube(2) * x[0],
    "prange": lambda x: pairs(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name):
    f, x, d, h = FUNCTIONS[name], np.linspace(-0.9, 1, 5), np.cos(np.arange(5.0)), 1e-6
    value, gradient = zyg.value_and_grad(f, mode="native")(x)
    slope = (f(x + h * d) - f(x - h * d)) / (2 * h)
    assert value == pytest.approx(f(x), rel=1e-13)
    assert gradient @ d == pytest.approx(slope, rel=1e-7)
    assert zyg.jvp(f, (x,), (d,))[1] == pytest.approx(slope, rel=1e-7)
    g = zyg.grad(f)
    np.testing.assert_allclose(zyg.hvp(f)(x, d), (g(x + h * d) - g(x - h * d)) / (2 * h), rtol=1e-6, atol=1e-6)


def test_no_elements():
    np.testing.assert_array_equal(zyg.grad(lambda x: np.sum(cube(x)), mode="native")(np.zeros(0)), np.zeros(0))


def test_inside_njit():
    @njit
    def inside(x):
        return zyg.grad(pairs)(x)

    x = np.linspace(-0.9, 1, 5)
    np.testing.assert_allclose(inside(x), zyg.grad(pairs)(x))


def test_keywords_are_refused():
    with pytest.raises(zyg.UnsupportedError, match="vectorize"):
        zyg.grad(lambda x: np.sum(cube(x, out=x)), mode="native")(np.ones(3))
