"""`scipy.linalg`: values as SciPy gives them, derivatives as difference quotients say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import zyg

A = np.cos(np.arange(9.0)).reshape(3, 3) + 3 * np.eye(3)
B = np.array([[0, 1.0, 2, 3], [0.1, 5, 0.3, 4.0], [2.0, 7, 1.0, 0]])
V, W = np.array([0.3, -0.2, 0.5]), np.arange(9.0).reshape(3, 3)

CASES: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "lower": (lambda a: sl.solve_triangular(a, V, lower=True) @ V, A),
    "transposed": (lambda a: np.sum(sl.solve_triangular(a, W, trans="T") * W), A),
    "unit": (lambda a: sl.solve_triangular(a, V, trans=1, lower=True, unit_diagonal=True) @ V, A),
    "right": (lambda b: np.sum(sl.solve_triangular(A, b, check_finite=False) ** 2), V),
    "cho_solve": (lambda a: sl.cho_solve(sl.cho_factor(a @ a.T), V) @ V, A),
    "cho_solve lower": (lambda a: np.sum(sl.cho_solve(sl.cho_factor(a @ a.T, lower=True), W) * W), A),
    "cholesky": (lambda a: np.sum(sl.cholesky(a @ a.T) * W) + np.sum(sl.cholesky(a @ a.T, lower=True) * W), A),
    "solve": (lambda a: np.sum(sl.solve(a, V) ** 2) + np.sum(sl.solve(a @ a.T, V, assume_a="pos")), A),
    "inv": (lambda a: np.sum(sl.inv(a) * W) + sl.det(a) + sl.norm(a) + sl.norm(a, 1), A),
    "svdvals": (lambda a: np.sum(sl.svdvals(a) ** 2 * V), A),
    "block_diag": (lambda a: np.sum(sl.block_diag(a, V, 2.0) ** 2 * np.arange(7)), A),
    "toeplitz": (lambda x: np.sum(sl.toeplitz(x) * W) + np.sum(sl.toeplitz(x, x**2) * W), V),
    "circulant": (lambda x: np.sum(sl.circulant(x) * W) + np.sum(sl.hankel(x) * W) + np.sum(sl.hankel(x, x**2) * W), V),
    "eigvalsh": (lambda a: np.sum(sl.eigvalsh(a + a.T) ** 2 * V) + np.sum(sl.eigvalsh(a + a.T, lower=False)), A),
    "banded": (lambda ab: np.sum(sl.solve_banded((1, 1), ab, np.arange(1.0, 5)) ** 2), B),
    "banded, pivots": (
        lambda ab: np.sum(sl.solve_banded((1, 1), ab, np.arange(8.0).reshape(4, 2)) ** 2),
        B[:, ::-1] * np.array([1, 0.1, 1.0])[:, None],
    ),
    "banded right": (lambda b: np.sum(sl.solve_banded((1, 1), B, b) ** 2), np.arange(1.0, 5)),
    "expm": (lambda a: np.sum(sl.expm(a) * W) * 1e-2 + np.sum(sl.expm(a * 0.01) * W), A),
    "expm, large": (lambda a: np.sum(sl.expm(a * 5) * W) * 1e-9, A),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    f, x = CASES[name]
    d, h = np.cos(np.arange(x.size) + 1.0).reshape(x.shape), 1e-6
    g = zyg.grad(f, mode="native")
    slope = (f(x + h * d) - f(x - h * d)) / (2 * h)
    value, tangent = zyg.jvp(f, (x,), (d,))
    np.testing.assert_allclose(value, f(x), rtol=1e-12)
    np.testing.assert_allclose(tangent, slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.sum(g(x) * d), slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(zyg.grad(f, mode="dynamic")(x), g(x), rtol=1e-9, atol=1e-12)
    curve = (g(x + h * d) - g(x - h * d)) / (2 * h)
    scale = np.max(np.abs(curve))
    np.testing.assert_allclose(zyg.hvp(f)(x, d), curve, rtol=1e-5, atol=1e-6 * (1 + scale))


def test_complex_numbers() -> None:
    z, d, h = A + 1j * np.sin(A), (1 + 2j) * np.cos(W), 1e-6
    for f in (
        lambda a: np.sum(np.abs(sl.cho_solve(sl.cho_factor(a @ np.conj(a.T)), V)) ** 2),
        lambda a: np.sum(np.abs(sl.solve_triangular(a, V, trans=2)) ** 2),
        lambda a: np.sum(np.abs(sl.expm(a * 0.3)) ** 2 * W),
    ):
        value, gradient = zyg.value_and_grad(f, mode="native")(z)
        assert value == pytest.approx(f(z), rel=1e-12)
        assert np.sum(np.conj(gradient) * d).real == pytest.approx((f(z + h * d) - f(z - h * d)) / (2 * h), rel=1e-6)


def test_errors() -> None:
    singular = np.array([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(np.linalg.LinAlgError):
        zyg.grad(lambda a: np.sum(sl.solve_triangular(a, V[:2])), mode="native")(singular)
    with pytest.raises(np.linalg.LinAlgError):
        zyg.grad(lambda a: np.sum(sl.cho_factor(a)[0]), mode="native")(-np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        zyg.grad(lambda a: np.sum(sl.solve_banded((1, 1), a, V)), mode="native")(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="incompatible"):
        zyg.grad(lambda a: np.sum(sl.solve_triangular(a, V)), mode="native")(np.eye(2))
    with pytest.raises(zyg.UnsupportedError, match="tridiagonal"):
        zyg.grad(lambda a: np.sum(sl.solve_banded((0, 1), a, V)), mode="native")(np.ones((2, 3)))
