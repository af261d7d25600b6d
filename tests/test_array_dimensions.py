"""Dimensions that only happen to be 1, empty arrays, arrays of none and of four dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_array_memory import X, agrees

import zyg


def product(x, n):
    return np.sum(x[:n] * x)


def assigned(x, n):
    y = np.zeros((3, 2))
    y[:] = x[:n]
    y[:, :n] = x[:3, None]
    y += x[5 : 5 + n]
    return np.sum(y**3) + np.sum(np.where(x > x[:n] * 1.01, x, x[:n] ** 2))


def outside(x, n):
    return np.sum(x[5:6] ** 2) + np.sum(x[6:7]) + np.sum(x[n:][:1] * x)


def matrices(x, n):
    m = x.reshape(2, 3)
    return np.sum((m[:n] + m[:, :n]) ** 2) + np.sum(m[:n].sum(axis=1, keepdims=True) * m)


@pytest.mark.parametrize("f", [product, assigned, outside, matrices], ids=lambda f: f.__name__)
def test_a_dimension_that_happens_to_be_1_is_stretched(f: Any) -> None:
    agrees(f, X, 1)


def test_stretching_code_takes_the_place_of_the_first() -> None:
    g = zyg.grad(product)
    np.testing.assert_allclose(g(X, 6), 2 * X)
    for _ in range(3):
        np.testing.assert_allclose(g(X, 1), X[0] + np.eye(6)[0] * np.sum(X))
        np.testing.assert_allclose(g(X[::-1], 6), 2 * X[::-1])
    for _ in range(2):
        with pytest.raises(ValueError, match="broadcast"):
            g(X, 3)
    y, back = zyg.pullback(lambda x, n: x[:n] * x, X, 1)
    np.testing.assert_allclose(y, X[0] * X)
    for _ in range(2):
        np.testing.assert_allclose(back(np.ones(6))[0], X[0] + np.eye(6)[0] * np.sum(X))


def test_where_something_is_written_it_is_refused() -> None:
    def f(x, n):
        x[0] *= 2.0
        return np.sum(x[:n] * x)

    with pytest.raises(ValueError, match="happens to be 1"):
        zyg.grad(f)(X.copy(), 1)


def emptiness(x):
    y = x.copy()
    y *= 2.0
    y[:] = y[::-1]
    m = np.zeros((3, 0)) + y
    return np.sum(y) + np.sum(m.sum(axis=0)) + np.sum(m.sum(axis=1)) + float(len(y)) + np.sum(y[y > 0])


def test_empty_arrays() -> None:
    y, g = zyg.value_and_grad(emptiness)(np.ones(0))
    assert (y, g.shape) == (0.0, (0,))
    assert zyg.grad(lambda m: np.sum(m @ m.T))(np.ones((3, 0))).shape == (3, 0)
    assert zyg.grad(lambda m: np.sum(m.sum(axis=1) ** 2))(np.ones((0, 3))).shape == (0, 3)
    assert zyg.hessian(lambda x: np.sum(x**3))(np.ones(0)).shape == (0, 0)
    with pytest.raises(IndexError):
        zyg.grad(lambda x: x[0])(np.ones(0))


def four(x):
    c = x.reshape(1, 2, 1, 3) * np.arange(1.0, 5.0).reshape(2, 1, 2, 1)
    c[1, :, 0, ::-1] += c[0, :, 1] ** 2
    c[..., 1] *= c[0, 1, 1, 2]
    d = c.transpose(3, 1, 0, 2)
    d[0] = d[1] * 2.0
    return np.sum(c.sum(axis=(1, 3)) ** 2) + np.sum(d.mean(axis=0)[1] ** 3) + np.sum(d.reshape(3, -1)[:, ::3])


def test_four_dimensions() -> None:
    agrees(four, X)


def test_an_array_without_dimensions_is_a_number() -> None:
    assert zyg.grad(lambda x: x * x)(np.array(3.0)) == 6.0


def test_integers_have_gradients_of_float64() -> None:
    for x in (np.array([1, 2, 3]), np.array([1, 2, 3], dtype=np.int8)):
        g = zyg.grad(lambda x: np.sum(x * x * 0.5))(x)
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, x.astype(float))


def test_an_array_as_two_arguments_has_partial_derivatives() -> None:
    da, db = zyg.gradient(lambda a, b: np.sum(a * a * b), X, X)
    np.testing.assert_allclose(da, 2 * X * X)
    np.testing.assert_allclose(db, X * X)


weights = np.ones(3)


def test_captured_arrays_of_other_shapes() -> None:
    global weights
    g = zyg.grad(lambda x: np.sum(weights * x) + np.sum(weights**2 * x[0]))
    for weights in (np.ones(3), np.full(3, 2.0), np.ones((2, 3)), np.full((2, 1), 3.0), np.ones(1), np.ones(3)):
        expected = np.broadcast_to(weights, np.broadcast_shapes(weights.shape, (3,)))
        expected = expected.reshape(-1, 3).sum(axis=0) + np.sum(weights**2) * np.eye(3)[0]
        np.testing.assert_allclose(g(np.array([1.0, 2.0, 3.0])), expected)


def test_perturbations_are_not_confused() -> None:
    """d/dx of x · ∇_y(x · y³): the inner gradient captures the outer variable."""

    def outer(x):
        inner = zyg.grad(lambda y: np.sum(x * y**3))
        return np.sum(x * inner(2.0 * x))

    np.testing.assert_allclose(zyg.grad(outer)(X), 48 * X**3, rtol=1e-12)
    np.testing.assert_allclose(zyg.hessian(outer)(X), np.diag(144 * X**2), rtol=1e-12)


def test_a_pullback_of_a_function_that_writes_is_reusable() -> None:
    def f(x):
        s = np.sum(x**2)
        x *= 2.0
        return s + np.sum(x**2), x * 3.0

    _, back = zyg.pullback(f, X.copy())
    for _ in range(2):
        np.testing.assert_allclose(back((1.0, np.ones(6)))[0], 10 * X + 6.0)
