"""Functions in arguments: derivatives by what they capture, native, dynamic, reverse and forward."""

from __future__ import annotations

import functools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import zyg

MODES = pytest.mark.parametrize("mode", ["native", "dynamic"])


def applied(fn, *args):
    return fn(*args)


def in_table(table, t):
    return table["a"](t)


def wave(k):
    def inner(t):
        return math.sin(k * t)

    return inner


def powers(k):
    def f(n):
        return k if n == 0 else math.sin(k * f(n - 1))

    return f


def mutual(k):
    def even(n):
        return k if n == 0 else math.sin(odd(n - 1) * k)

    def odd(n):
        return 1.0 if n == 0 else math.cos(even(n - 1) * k)

    return even


class Quadratic:
    def __init__(self, w):
        self.w = w

    def at(self, t):
        return self.w * t * t


# What a function captures, found in its gradient; and its derivative by that
K = 2.0
BY_K = 0.5 * math.cos(1.0)
CASES: dict[str, tuple[Any, Any, Any, Any, float]] = {
    "closure": (applied, wave(K), lambda g: g.k, SimpleNamespace(k=1.0), BY_K),
    "in a dict": (in_table, {"a": wave(K)}, lambda g: g["a"].k, {"a": SimpleNamespace(k=1.0)}, BY_K),
    "partial": (
        applied,
        functools.partial(lambda a, t: math.sin(a * t), K),
        lambda g: g.args[0],
        SimpleNamespace(func=None, args=(1.0,), keywords={}),
        BY_K,
    ),
    "by name": (
        applied,
        functools.partial(lambda t, a: math.sin(a * t), a=K),
        lambda g: g.keywords["a"],
        SimpleNamespace(func=None, args=(), keywords={"a": 1.0}),
        BY_K,
    ),
    "method": (in_table, {"a": Quadratic(K).at}, lambda g: g["a"].w, {"a": SimpleNamespace(w=1.0)}, 0.25),
}


@MODES
@pytest.mark.parametrize("name", CASES)
def test_reverse_and_forward(name, mode):
    fn, given, found, tangent, expected = CASES[name]
    assert found(zyg.grad(fn, mode=mode)(given, 0.5)) == pytest.approx(expected, rel=1e-12)
    assert found(zyg.pullback(fn, given, 0.5, mode=mode)[1](2.0)[0]) == pytest.approx(2 * expected, rel=1e-12)
    assert zyg.jvp(fn, (given, 0.5), (tangent, 0.0), mode=mode)[1] == pytest.approx(expected, rel=1e-12)


@MODES
def test_captured_arrays(mode):
    def weighted(w):
        return lambda t: np.sum(np.sin(w * t)) * w[0]

    w, t, dw, dt = np.array([1.0, 2.0]), 0.5, np.array([0.3, 0.4]), 0.2
    for fn, given, dot in (
        (applied, weighted(w), SimpleNamespace(w=dw)),
        (in_table, {"a": weighted(w)}, {"a": SimpleNamespace(w=dw)}),
    ):
        h = 1e-6
        ends = [weighted(w + s * dw)(t + s * dt) for s in (-h, h)]
        slope = zyg.jvp(fn, (given, t), (dot, dt), mode=mode)[1]
        assert slope == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-8)
        found = zyg.pullback(fn, given, t, mode=mode)[1](1.0)
        by_w = (found[0]["a"] if isinstance(given, dict) else found[0]).w
        assert by_w @ dw + found[1] * dt == pytest.approx(slope, rel=1e-12)
    assert zyg.jvp(applied, (weighted(w), t), (None, dt), mode=mode)[1] == pytest.approx(found[1] * dt, rel=1e-12)


@MODES
def test_derivatives_and_checkpoints_of_closures(mode):
    k, t = 3.0, 0.5
    by_k = math.cos(k * t) - k * t * math.sin(k * t)
    assert zyg.grad(applied, mode=mode)(zyg.grad(wave(k)), t).k == pytest.approx(by_k, rel=1e-12)
    assert zyg.grad(in_table, mode=mode)({"a": zyg.grad(wave(k))}, t)["a"].k == pytest.approx(by_k, rel=1e-12)
    assert zyg.grad(applied, mode=mode)(zyg.checkpoint(wave(k)), t).k == pytest.approx(t * math.cos(k * t), rel=1e-12)
    curved = zyg.grad(applied, (0, 1), mode=mode)(zyg.diaghessian(wave(k)), t)
    assert curved[0].k == pytest.approx(-2 * k * math.sin(k * t) - k * k * t * math.cos(k * t), rel=1e-12)
    assert curved[1] == pytest.approx(-(k**3) * math.cos(k * t), rel=1e-12)


@MODES
def test_functions_that_capture_themselves(mode):
    slope = zyg.grad(lambda k: powers(k)(3))(0.7)
    assert zyg.grad(lambda f: f(3), mode=mode)(powers(0.7)).k == pytest.approx(slope, rel=1e-12)
    g = zyg.grad(lambda f: f(3), mode=mode)(mutual(0.7))
    assert g.k + g.odd.k == pytest.approx(zyg.grad(lambda k: mutual(k)(3))(0.7), rel=1e-12)


def test_one_function_as_two_arguments():
    """Each argument has its own partial derivative, which native code does not tell."""

    def two(f, g, t):
        return f(t) * g(2 * t)

    f = wave(K)
    first, second, _ = zyg.grad(two, (0, 1, 2), mode="dynamic")(f, f, 0.5)
    assert first.k == pytest.approx(0.5 * math.cos(1.0) * math.sin(2.0), rel=1e-12)
    assert second.k == pytest.approx(math.sin(1.0) * math.cos(2.0), rel=1e-12)
    captured = zyg.grad(lambda g, t: g(t) * f(t), mode="dynamic")(f, 0.5)
    assert captured.k == pytest.approx(0.5 * math.cos(1.0) * math.sin(1.0), rel=1e-12)
    for call in (
        lambda: zyg.grad(two, mode="native")(f, f, 0.5),
        lambda: zyg.pullback(two, f, f, 0.5, mode="native")[1](1.0),
        lambda: zyg.grad(lambda d: two(d["a"], d["b"], 0.5), mode="native")({"a": f, "b": f}),
        lambda: zyg.grad(lambda g, t: g(t) * f(t), mode="native")(f, 0.5),
    ):
        with pytest.raises(zyg.UnsupportedError, match="is reached in two ways"):
            call()
    assert zyg.grad(two, 2, mode="native")(f, f, 0.5) == pytest.approx(
        2.0 * (math.cos(1.0) * math.sin(2.0) + 2 * math.sin(1.0) * math.cos(2.0)), rel=1e-12
    )


def test_variables_that_a_function_rebinds():
    def counter(total):
        def add(x):
            nonlocal total
            total = math.sin(total + x)
            return total

        return add, lambda: total

    add, get = counter(0.5)
    expected = add(0.3) + add(0.6), get()
    add, get = counter(0.5)
    y, (g, _) = zyg.value_and_grad(lambda f, x: f(x) + f(2 * x), (0, 1), mode="dynamic")(add, 0.3)
    assert (y, get()) == expected
    a = math.sin(0.8)
    assert g.total == pytest.approx(math.cos(0.8) * (1 + math.cos(a + 0.6)), rel=1e-12)
    add, get = counter(0.5)
    with pytest.raises(zyg.ZygError, match="reached in two ways"):
        zyg.grad(lambda f, g, x: f(x) * g(), (0, 1), mode="dynamic")(add, get, 0.3)


def times(x, y):
    return x * x * y


INNER = zyg.grad(times, 0)


def test_a_derivative_that_is_replaced_by_another():
    global INNER

    def by_argument(g, x):
        return g(x, 2.0)

    def by_name(x):
        return INNER(x, 2.0)

    for argnums, expected in ((0, 4.0), (1, 6.0), (0, 4.0)):
        INNER = zyg.grad(times, argnums)
        assert zyg.grad(by_name)(3.0) == expected
        assert zyg.grad(by_argument, 1)(INNER, 3.0) == expected
    INNER = zyg.grad(times, 0)
    assert np.isclose(zyg.grad(by_argument, 1)(zyg.diaghessian(lambda x, y: x**3 * y), 3.0), 12.0)


def test_tangents_of_ints_in_structures():
    for mode in ("native", "dynamic"):
        y, dy = zyg.jvp(lambda x: {"y": x * 2, "l": [x, (3, 1)]}, (0.5,), (2.0,), mode=mode)
        assert y == {"y": 1.0, "l": [0.5, (3, 1)]}
        assert dy == {"y": 4.0, "l": [2.0, (None, None)]}


def test_ints_in_structures_do_not_move_with_their_tangents():
    p = {"n": 3, "w": 2.0, "l": [1, True, 1.5]}

    def f(p):
        return p["n"] * p["w"] ** 2 + p["l"][0] * p["l"][2]

    for mode in ("native", "dynamic"):
        assert zyg.jvp(f, (p,), (p,), mode=mode) == (13.5, 25.5)
        slope = zyg.jvp(zyg.grad(f, mode=mode), (p,), (p,), mode=mode)[1]
        assert slope == {"n": None, "w": 12.0, "l": [None, None, 0.0]}
        assert zyg.jvp(lambda n, w: n * w, (3, 2.0), (1.0, 1.0), mode=mode) == (6.0, 5.0)
    assert zyg.hvp(f)(p, p) == slope


def test_polynomials_of_numpy():
    cubic = np.poly1d([1.0, 2.0, 3.0])
    slope = zyg.grad(lambda x: cubic(x) * cubic(x), mode="dynamic")
    assert slope(0.7) == pytest.approx(2 * cubic(0.7) * cubic.deriv()(0.7), rel=1e-12)
