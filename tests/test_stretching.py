"""Dimensions that happen to be 1 at run time, and rows of uneven lengths: as in NumPy, or the same error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zyg

STRETCHED: dict[str, Any] = {
    "matmul": lambda x: np.sum(np.matmul(x[:-1][:, None, None] * np.arange(4.0).reshape(2, 2), np.ones((3, 2, 2)))),
    "large": lambda x: np.sum((x[:-1][:, None, None] * np.ones((9, 9))) @ np.ones((3, 9, 9)) * x[1]),
    "solve": lambda x: np.sum(np.linalg.solve(x[:-1][:, None, None] * np.eye(2), np.ones((3, 2, 2)))),
    "broadcast_to": lambda x: np.sum(np.broadcast_to(x[:-1], (3,)) * np.arange(3.0)),
    "broadcast_arrays": lambda x: np.sum(np.broadcast_arrays(x[:-1], np.arange(3.0))[0] * np.arange(3.0)),
    "einsum": lambda x: np.sum(np.einsum("ij,jk->ik", np.ones((2, 3)), x[:-1][:, None] * np.ones(2)) ** 2),
    "mapped": lambda x: np.sum(np.sin(x[:-1]) * np.arange(3.0)),
}


@pytest.mark.parametrize("name", STRETCHED)
def test_dimensions_that_happen_to_be_one(name):
    f, x, d, h = STRETCHED[name], np.array([1.5, 0.5]), np.array([0.3, -0.2]), 1e-6
    value, gradient = zyg.value_and_grad(f, mode="native")(x)
    slope = (f(x + h * d) - f(x - h * d)) / (2 * h)
    assert value == pytest.approx(f(x), rel=1e-13)
    assert gradient @ d == pytest.approx(slope, rel=1e-7)
    assert zyg.jvp(f, (x,), (d,))[1] == pytest.approx(slope, rel=1e-7)
    longer = np.arange(1.0, 5.0)
    assert zyg.value_and_grad(f, mode="native")(longer)[0] == pytest.approx(f(longer), rel=1e-13)
    with pytest.raises(ValueError):
        zyg.grad(f, mode="native")(np.ones(3))


UNEVEN: dict[str, Any] = {
    "constants": lambda x: np.sum(np.array([[1.0, 2.0], [3.0]])) * x[0],
    "numbers": lambda x: np.sum(np.array([[x[0], 2.0], [x[1]]])),
    "one and two": lambda x: np.sum(np.array([x[:1], x[:2]])),
    "one at run time": lambda x: np.sum(np.array([x[: len(x) - 2], x[:2]])),
    "interp": lambda x: np.interp(1.0, x[:2], x),
    "repeat": lambda x: np.sum(np.repeat(x, np.array([2, 1]))),
    "repeat less than nothing": lambda x: np.sum(np.repeat(x, np.array([2, -1, 1]))),
}


@pytest.mark.parametrize("name", UNEVEN)
def test_uneven_lengths(name):
    for g in (zyg.grad(UNEVEN[name], mode="native"), UNEVEN[name]):
        for _ in range(2):
            with pytest.raises(ValueError):
                g(np.arange(1.0, 4.0))


def test_even_lengths_known_at_run_time_only():
    g = zyg.grad(lambda x: np.sum(np.array([x[: len(x) - 2], x[:1]]) ** 2), mode="native")
    np.testing.assert_allclose(g(np.arange(1.0, 4.0)), [4, 0, 0])


def test_one_count_repeats_all():
    np.testing.assert_allclose(zyg.grad(lambda x: np.sum(np.repeat(x, [2]) ** 2), mode="native")(np.ones(3)), [4, 4, 4])
