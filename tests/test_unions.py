"""Variables that are numbers on one path and arrays on another."""

import functools
import math
import sys
from typing import Any

import numpy as np
import pytest

import zyg
from zyg import grad


def sums(x: Any) -> Any:
    s = 0.0
    for i in range(3):
        s = s + x * i
    return np.sum(s**2)


def sums_in_place(x: Any) -> Any:
    s = 0
    for i in range(3):
        s += x * i
    return np.sum(s**2)


def sum_of_a_generator(x: Any) -> Any:
    return np.sum(np.sin(sum(x * i for i in range(3))))


def sum_of_a_list(x: Any) -> Any:
    return np.sum(np.sin(sum([x, x * x])))


def until(x: Any) -> Any:
    s = 0.0
    while np.sum(s) < 5.5:
        s = s + x * x
    return np.dot(s, x) + np.mean(s)


def products(x: Any) -> Any:
    s = 1
    for _ in range(3):
        s = s * x
    return np.sum(s) + s[0]


def matrices(x: Any) -> Any:
    s = 0.0
    for _ in range(2):
        s = s + np.outer(x, x)
    return np.linalg.det(s + np.eye(2)) + s.shape[0] * s[0, 1]


def step(s: Any, x: Any) -> Any:
    return s + x if np.sum(x) > 0 else s * 2


def passed_on(x: Any) -> Any:
    s = 0.0
    for _ in range(3):
        s = step(s, x)
    return np.sum(s * s)


def in_a_dict(x: Any) -> Any:
    d = {"a": 0.0}
    for _ in range(3):
        d["a"] = d["a"] + x
    return np.sum(d["a"] ** 2)


def two_of_them(x: Any) -> Any:
    s = t = 0.0
    for _ in range(3):
        s = s + x
        t = t + s * x
    return np.sum(t)


def alias(x: Any) -> Any:
    s: Any = 0.0
    y = x.copy()
    for i in range(3):
        if i == 1:
            s = y
        s += x  # writes into y from the second time on
    return np.sum(s * y)


def chosen(x: Any) -> Any:
    y = x if x[0] > 0 else 1.0
    z = x if x[0] < 0 else 2.0
    return np.sum(np.exp(y) * z) + np.sum(y) * np.max(z)


PROGRAMS = [
    *(sums, sums_in_place, sum_of_a_generator, sum_of_a_list, products, matrices, passed_on),
    *(in_a_dict, two_of_them, alias, chosen),
    *((until,) if sys.version_info < (3, 14) else ()),  # whose bytecode tests the first round by itself
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_numbers_that_become_arrays(program: Any) -> None:
    x = np.array([0.5, 1.5])
    found = zyg.value_and_grad(program, mode="native")(x)
    expected = zyg.value_and_grad(program, mode="dynamic")(x)
    assert found[0] == pytest.approx(expected[0], rel=1e-12)
    assert np.allclose(found[1], expected[1], rtol=1e-12)
    tangent = np.array([1.0, -2.0])
    assert zyg.jvp(program, (x,), (tangent,), mode="native")[1] == pytest.approx(found[1] @ tangent, rel=1e-12)
    along = zyg.hvp(program)(x, tangent)
    step = 1e-5 * tangent
    differences = (grad(program, mode="native")(x + step) - grad(program, mode="native")(x - step)) / 2e-5
    assert np.allclose(along, differences, rtol=1e-6, atol=1e-6)
    assert x.tolist() == [0.5, 1.5]


def test_a_number_that_stays_one() -> None:
    def program(x: Any, n: int) -> Any:
        s = 0.0
        for _ in range(n):
            s = s + x
        return np.sum(s)

    assert grad(program, mode="native")(np.ones(2), 0).tolist() == [0.0, 0.0]
    assert grad(program, mode="native")(np.ones(2), 3).tolist() == [3.0, 3.0]

    def element(x: Any, n: int) -> Any:
        s = 0.0
        for _ in range(n):
            s = s + x
        return s[0]  # type: ignore[index]

    assert grad(element, mode="native")(np.ones(2), 3).tolist() == [3.0, 0.0]
    with pytest.raises(TypeError, match="a number is there at run time"):
        grad(element, mode="native")(np.ones(2), 0)


# --- captured arrays without dimensions ---------------------------------------------------------------------


def test_captured_numbers_in_arrays() -> None:
    c, n, yes = np.array(3.0), np.array(2), np.array(True)
    g = grad(lambda x: x * c * n + (x if yes else 0.0), mode="native")
    assert g(2.0) == 7.0
    c[...] = 5.0
    assert g(2.0) == 11.0
    c = 4.0
    assert g(2.0) == 9.0
    z = np.array(1 + 2j)
    assert grad(lambda x: (x * z).imag, mode="native")(1.0) == 2.0
    held = {"c": np.array(2.0)}
    assert zyg.hessian(lambda x: x**2 * held["c"])(1.0) == 4.0

    def made() -> Any:
        c = np.array(3.0)
        return lambda x: x * c

    with pytest.warns(zyg.DynamicModeWarning, match="without dimensions"):
        df, dx = grad(lambda f, x: f(x), (0, 1))(made(), 2.0)
    assert (df.c, dx) == (2.0, 3.0)


def test_functions_that_loops_nest_are_for_dynamic_mode():
    """Each round captures the function of the last, so that there is no kind of value for them."""

    def wrapped(x, n):
        c = lambda t: t * x  # noqa: E731
        for _ in range(n):
            c = lambda t, c=c: math.sin(c(t))  # noqa: E731
        return c(x)

    def partial(x, n):
        c = functools.partial(lambda a, t: a * t, x)
        for _ in range(n):
            c = functools.partial(lambda g, t: math.sin(g(t)), c)
        return c(x)

    for f in (wrapped, partial):
        with pytest.raises(zyg.UnsupportedError, match="captures functions of its own kind"):
            zyg.grad(f, mode="native")(0.5, 3)
        with pytest.warns(zyg.DynamicModeWarning, match="captures functions of its own kind"):
            slope = zyg.grad(f)(0.5, 3)
        assert slope == pytest.approx((f(0.5 + 1e-6, 3) - f(0.5 - 1e-6, 3)) / 2e-6, rel=1e-8)
