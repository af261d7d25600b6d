"""Where roots are not zero, derivatives are computed without care for infinite ones; elsewhere a kink is no nan."""

from __future__ import annotations

import math

import numpy as np
import pytest

import zyg


def guarded(x):
    r = math.sqrt(x[0] * x[0] + x[1] * x[1])
    if r < 1e-4:
        return x[0]
    return x[0] * x[1] * math.sin(r) / r


def asked_before(x):
    s = x[0] * x[0] + x[1] * x[1]
    if s > 1e-8:
        return x[0] * x[1] * math.sqrt(s)
    return x[1]


def shifted(x):
    return x[0] * x[1] * math.sqrt(x[0] ** 2 + abs(x[1]) + 1e-12)


def at_least(x):
    return x[0] * math.sqrt(max(x[1], 0.5)) * x[1]


def summed(x):
    s = 1e-3
    for i in range(len(x)):
        s += x[i] * x[i]
    return x[0] * x[1] * math.sqrt(s)


def chained(x):
    s = x[0] * x[0]
    return x[0] * x[1] * math.sqrt(s) if s != 0.0 and x[1] < 1e9 else x[1]


def raised(x):
    return x[0] * x[1] * (x[0] * x[0]) ** 1.5


def divided(x):
    r = math.sqrt(x[0] * x[0] + x[1] * x[1])
    return x[0] / r + x[1] * r


def bare(x):
    return x[1] * x[1] * math.sqrt(x[0] * x[0])


def used_on_both_ways(x):
    r = math.sqrt(x[0] * x[0])
    return x[1] * r if r < 1e-4 else x[1] * x[0] / r


def negative_threshold(x):
    r = math.sqrt(x[0] * x[0])
    return x[1] * r * x[0] if r > -1.0 else x[1]


def underflows(x):
    return x[0] * x[1] * math.sqrt(1e-200 * (x[0] * x[0] + 1e-200))


def reset(x):
    s = 1.0
    for i in range(len(x)):
        s = s + x[i] * x[i] if i > 0 else x[0] * x[0]
    return x[0] * x[1] * math.sqrt(s)


def small_exponent(x):
    return x[1] * (x[0] * x[0]) ** 0.25


FINITE = (guarded, asked_before, shifted, at_least, summed, chained, raised, divided)
CAREFUL = (bare, used_on_both_ways, negative_threshold, underflows, reset, small_exponent)
POINTS = [np.array([0.7, -1.3]), np.array([0.0, 2.0]), np.array([1e-5, 1e-6])]


def _is_careful(f):
    return "annihilated" in zyg.inspect_adjoint(zyg.grad(f, mode="native"), POINTS[0])


@pytest.mark.parametrize("f", FINITE)
def test_no_care_is_taken(f):
    assert not _is_careful(f)


@pytest.mark.parametrize("f", CAREFUL)
def test_care_is_taken(f):
    assert _is_careful(f)


@pytest.mark.parametrize("f", (*FINITE, *CAREFUL))
def test_kinks_are_no_nan(f):
    for x in POINTS:
        g = zyg.grad(f, mode="native")(x)
        tangents = [zyg.jvp(f, (x,), (d,))[1] for d in np.eye(2)]
        assert np.all(np.isfinite(g)), (f, x)
        np.testing.assert_allclose(tangents, g, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f", (*FINITE, bare, used_on_both_ways))
def test_against_differences(f):
    x, h = np.array([0.7, -1.3]), 1e-6
    slopes = [(f(x + h * d) - f(x - h * d)) / (2 * h) for d in np.eye(2)]
    np.testing.assert_allclose(zyg.grad(f, mode="native")(x), slopes, rtol=1e-7, atol=1e-9)
    g = zyg.grad(f)
    curves = [(g(x + h * d) - g(x - h * d)) / (2 * h) for d in np.eye(2)]
    np.testing.assert_allclose(zyg.hessian(f)(x), curves, rtol=1e-6, atol=1e-8)


def test_a_branch_not_taken_leaves_no_nan():
    def f(x):
        r = math.sqrt(x[0] * x[0])
        y = x[1] * 3.0
        if r > 0:
            y += x[0] / r
        return y

    np.testing.assert_array_equal(zyg.grad(f, mode="native")(np.array([0.0, 1.0])), [0.0, 3.0])
    assert zyg.jvp(f, (np.array([0.0, 1.0]),), (np.array([1.0, 1.0]),))[1] == 3.0


@pytest.mark.parametrize(("f", "slope"), [(guarded, [1.0, 0.0]), (asked_before, [0.0, 1.0]), (chained, [0.0, 1.0])])
def test_where_the_root_is_zero(f, slope):
    x = np.zeros(2)
    np.testing.assert_array_equal(zyg.grad(f, mode="native")(x), slope)
    np.testing.assert_array_equal([zyg.jvp(f, (x,), (d,))[1] for d in np.eye(2)], slope)
    assert np.all(np.isfinite(zyg.hessian(f)(x)))
