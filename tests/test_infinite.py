"""Kinks of roots: where what is under the root is 0 with zero slope, the gradient is 0, however it got there."""

import math
from typing import Any

import numpy as np
import pytest

import zyg
from zyg import grad

CALL, ROW = zyg.checkpoint(lambda x: np.sum(x * x)), zyg.checkpoint(lambda x: x * x)
POSITIVE = np.array([[2.0, 1.0], [1.0, 3.0]])


def through_an_array(x: Any) -> Any:
    y = np.empty(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[i]
    return np.sqrt(np.sum(y))


def through_a_list(x: Any) -> Any:
    squares = []
    for v in x:
        squares.append(v * v)
    total = 0.0
    for v in squares:
        total += v
    return math.sqrt(total)


def power(x: Any, n: int) -> Any:
    return x * x if n == 0 else power(x, n - 1) * 1.0


def pair(x: Any, n: int) -> Any:
    return (x * x, x) if n == 0 else pair(x, n - 1)


def work_arrays(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        w = np.zeros(3)
        for j in range(3):
            w[j] = x[i] * j
        for j in range(1, 3):
            w[j] += w[j - 1]
        s += w[2] * w[1]
    return math.sqrt(s)


PROGRAMS = [
    *(through_an_array, through_a_list, work_arrays),
    lambda x: np.linalg.norm(x),
    lambda x: np.linalg.norm(np.outer(x, x)),
    lambda x: np.sum(np.linalg.norm(np.outer(x, x), axis=1)),
    lambda x: np.linalg.norm(x, 3),
    lambda x: np.std(x),
    lambda x: np.sqrt(x @ x),
    lambda x: np.sqrt(x @ (POSITIVE @ x)),
    lambda x: np.sqrt(np.vdot(x, x)),
    lambda x: np.sqrt(np.einsum("i,i", x, x)),
    lambda x: np.sqrt(np.sum((POSITIVE @ x) ** 2)),
    lambda x: np.sum(np.sqrt(x[:, None] * x[None, :])),
    lambda x: math.sqrt(power(x[0], 3)),
    lambda x: math.sqrt(pair(x[0], 3)[0]),
    lambda x: np.sqrt(CALL(x)),
    lambda x: np.sqrt(np.sum(ROW(x))),
]


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("n", range(len(PROGRAMS)))
def test_zero_wins_over_infinity(n: int, mode: str) -> None:
    gradient = grad(PROGRAMS[n], mode=mode)
    assert np.array_equal(gradient(np.zeros(2)), np.zeros(2))
    x = np.array([0.5, 1.5])
    zyg.check_grads(PROGRAMS[n], (x,), order=1, modes=("rev",))
    expected = grad(PROGRAMS[n], mode="native")(x)
    assert np.allclose(gradient(x), expected, rtol=1e-12)


def _powers(x, n):
    for _ in range(n):
        x = abs(x) + (0.3 * x) ** n
        x = x - 2.0 * (x * x) ** 0.3
    return x


def _root_of_power(x):
    return x[1] * math.sqrt(x[0] ** 0.3) + x[1]


def test_no_change_meets_a_pole_with_care():
    # The exponent does not move: the logarithm of a negative base does not count
    x, h = -1.3, 1e-6
    slope = (_powers(x + h, 3) - _powers(x - h, 3)) / (2 * h)
    assert zyg.jvp(_powers, (x, 3), (1.0, 0))[1] == pytest.approx(slope, rel=1e-7)
    assert zyg.grad(_powers, mode="native")(x, 3) == pytest.approx(slope, rel=1e-7)
    at = np.zeros(2)
    np.testing.assert_array_equal(zyg.grad(_root_of_power, mode="native")(at), [0.0, 1.0])
    assert zyg.jvp(_root_of_power, (at,), (np.array([0.0, 1.0]),))[1] == 1.0


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_sums_of_logarithms_of_zero(f):
    """The derivatives of log(e**a + e**b) are 0 where one of the two is log(0), and its second ones, too."""

    def total(x):
        return f(x[0], x[1]) * f(x[1], x[2]) + f(x[2], x[3])

    x = np.array([-np.inf, 0.5, -0.3, -np.inf])
    smaller = np.array([-500.0, 0.5, -0.3, -500.0])
    np.testing.assert_allclose(zyg.grad(total)(x), zyg.grad(total)(smaller), atol=1e-12)
    np.testing.assert_allclose(zyg.hessian(total)(x), zyg.hessian(total)(smaller), atol=1e-12)


def product(a: Any, b: Any) -> Any:
    return np.sum(np.sqrt(a @ b))


def by_elements(a: Any, b: Any) -> Any:
    """The gradient of `product`, zeros of one factor leaving out infinite cotangents."""
    one, two = np.atleast_2d(a), b if b.ndim == 2 else b[:, np.newaxis]
    with np.errstate(divide="ignore"):
        dc = 0.5 / np.sqrt(one @ two)
    da, db = np.zeros_like(one), np.zeros_like(two)
    for i, j, k in np.ndindex(one.shape[0], two.shape[1], one.shape[1]):
        da[i, k] += dc[i, j] * two[k, j] if two[k, j] else 0
        db[k, j] += dc[i, j] * one[i, k] if one[i, k] else 0
    return da.reshape(a.shape), db.reshape(b.shape)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 1, 4), (10, 9, 8), (1, 5, 6)])
def test_products_of_matrices_with_zero_rows(shape: tuple[int, int, int], dtype: Any, mode: str) -> None:
    m, n, k = shape
    rng = np.random.default_rng(3)
    a, b = np.abs(rng.normal(size=(m, k))).astype(dtype), np.abs(rng.normal(size=(k, n))).astype(dtype)
    a[-1], b[0] = 0, 0
    gradient = zyg.grad(product, (0, 1), mode=mode)
    for one, two in ((a, b), (np.asfortranarray(a), b[:, ::-1]), (a, b[:, 0]), (a[-1], b)):
        for found, wanted in zip(gradient(one, two), by_elements(one, two), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_tangents_of_products_of_matrices_with_zero_rows(mode: str) -> None:
    ones = np.array([[1.0, 0.0], [0.0, 0.0]])
    point = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert zyg.jvp(lambda a: np.sum(np.sqrt(a) @ ones), (point,), (np.ones((2, 2)),), mode=mode)[1] == 1.0


def test_second_derivatives_of_products_behind_roots() -> None:
    def at(a: Any) -> Any:
        return np.linalg.norm(a @ POSITIVE) + np.sum(np.sqrt(1 + a @ a))

    zyg.check_grads(at, (np.array([[0.3, 0.2], [0.1, 0.7]]),), order=2)
