"""Captured arrays that the differentiated function writes into, reached in several ways."""

import numpy as np
import pytest

import zyg

WORK = np.zeros(3)
X = np.array([0.3, -0.7, 0.2])


def put(i, value):
    WORK[i] = value


def through_helpers(x):
    for i in range(3):
        put(i, x[i] ** 2)
    WORK[1] *= x[0]
    return np.sum(WORK * x)


def down(x, n):
    if n < 0:
        return 0.0
    WORK[n] = x[n] * x[n]
    return down(x, n - 1) + WORK[n] * x[0]


def recursive(x):
    return down(x, 2) + WORK[1]


def closure():
    y = np.zeros(3)

    def f(x):
        y[0] = x[0] * 2
        x[1] = 5.0
        return np.sum(y) + np.sum(x**2)

    return f, y


@pytest.mark.parametrize("f", [through_helpers, recursive], ids=lambda f: f.__name__)
def test_written_through_several_functions(f):
    def plain(x):
        WORK[:] = 0
        return f(x)

    found = zyg.grad(f)(X)
    left = WORK.copy()
    numeric = [(plain(X + e) - plain(X - e)) / 2e-6 for e in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(found, numeric, atol=1e-8)
    f(X)
    np.testing.assert_allclose(WORK, left)


def test_second_order_and_forward_mode():
    v = np.arange(3.0)
    gradient = zyg.grad(through_helpers)
    numeric = (gradient(X + 1e-6 * v) - gradient(X - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(zyg.hvp(through_helpers)(X, v), numeric, atol=1e-7)
    np.testing.assert_allclose(zyg.grad(lambda x: np.sum(gradient(x) * v))(X), numeric, atol=1e-7)
    assert zyg.jvp(through_helpers, (X,), (v,))[1] == pytest.approx(gradient(X) @ v)


def test_effects_are_those_of_a_call():
    f, y = closure()
    x = X.copy()
    gradient = zyg.grad(f)(x)
    np.testing.assert_allclose(gradient, [2.6, 0.0, 0.4])
    assert y.tolist() == [0.6, 0.0, 0.0] and x[1] == 5.0
