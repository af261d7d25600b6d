"""Gradients by arrays of ints and of truth values: arrays of floats, by what they count for as numbers."""

from typing import Any

import numpy as np
import pytest

import zyg
from zyg import grad

MASK, COUNTS, X = np.array([True, False, True]), np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0])


def loop(m: Any, x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        if m[i]:
            s += x[i] * m[i]
        s += m[i]
    return s


def written(m: Any, x: Any) -> Any:
    w = np.zeros(3, dtype=m.dtype)
    w[:] = m
    w[1] = m[0]
    return np.sum(w * x)


def rounded(m: Any, x: Any) -> Any:
    w = np.zeros(3, dtype=np.int64)
    w[0], w[1] = x[0], m[1]
    return np.sum(w * x)


ONES, ZEROS = np.ones(3), np.zeros(3)
# Programs with the gradients by the mask and by the counts, and by x beside the mask
PROGRAMS: list[tuple[Any, Any, Any]] = [
    (lambda m, x: np.sum(m * x), X, MASK * 1.0),
    (lambda m, x: m @ x, X, MASK * 1.0),
    (lambda m, x: np.mean(m) * x[1], ONES * 2 / 3, np.array([0.0, 2 / 3, 0.0])),
    (lambda m, x: np.sum(m.astype(np.int64) * x), X, MASK * 1.0),
    (lambda m, x: np.sum(m.copy().reshape(3, 1) * x), ONES * 6, ONES * 2),
    (lambda m, x: np.sum(np.concatenate((m, m)) * 1.0), ONES * 2, ZEROS),
    (lambda m, x: np.sum(np.where(m > 0, x, 2 * x)), ZEROS, np.array([1.0, 2.0, 1.0])),
    (
        lambda m, x: sum([int(v) for v in m]) * x[0] + float(m[1]) * x[1],
        np.array([1.0, 3.0, 1.0]),
        np.array([2.0, 0, 0]),
    ),
    (written, np.array([3.0, 0.0, 3.0]), ONES),
    (rounded, np.array([0.0, 2.0, 0.0]), np.array([1.0, 0.0, 0.0])),
]
SELECTED: list[tuple[Any, Any, Any]] = [
    (loop, MASK * X + 1, MASK * 1.0),
    (lambda m, x: np.sum(x[m] ** 2), ZEROS, 2 * X * MASK),
    (lambda m, x: np.sum(np.where(m, x, 2 * x)), ZEROS, np.array([1.0, 2.0, 1.0])),
    (lambda m, x: np.sum(~m * x), ZEROS, 1.0 - MASK),
]


def same(found: Any, expected: Any) -> bool:
    return bool(found.dtype == np.float64 and np.allclose(found, expected, rtol=1e-12))


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("n", range(len(PROGRAMS) + len(SELECTED)))
def test_gradients_by_masks(n: int, mode: str) -> None:
    program, by_mask, by_x = (PROGRAMS + SELECTED)[n]
    dm, dx = grad(program, (0, 1), mode=mode)(MASK, X)
    assert same(dm, by_mask)
    assert same(dx, by_x)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint16])
@pytest.mark.parametrize("n", range(len(PROGRAMS)))
def test_gradients_by_ints(n: int, dtype: Any, mode: str) -> None:
    program, by_mask, _ = PROGRAMS[n]
    dm, dx = grad(program, (0, 1), mode=mode)(COUNTS.astype(dtype), X)
    assert same(dm, by_mask)
    assert same(dx, grad(program, 1, mode="native")(COUNTS, X))


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_gradients_by_an_int_are_numbers_of_python(mode: str) -> None:
    found = grad(lambda n, x: np.array([n, x]) @ np.array([x, n]) + int(n) * x, mode=mode)(3, 2.0)
    assert (found, type(found)) == (6.0, float)


@pytest.mark.parametrize("m", [MASK, COUNTS])
def test_other_derivatives(m: Any) -> None:
    _, back = zyg.pullback(lambda m, x: m * x, m, X)
    assert same(back(ONES)[0], X)
    (xx, xm), (mx, mm) = zyg.hessian(lambda x, m: np.sum(x**2 * m), (0, 1))(X, m)
    assert same(xx, np.diag(2.0 * m))
    assert same(xm, np.diag(2 * X))
    assert same(mx, np.diag(2 * X))
    assert same(mm, np.zeros((3, 3)))
    with pytest.raises(zyg.UnsupportedError, match="forward mode by an array of ints"):
        zyg.jvp(lambda m, x: np.sum(m * x), (m, X), (X, ZEROS), mode="native")
    assert zyg.jvp(lambda m, x: np.sum(m * x), (m, X), (X, ZEROS), mode="dynamic")[1] == 14.0
    hooked = grad(lambda x, m: np.sum(zyg.hook(lambda d: 2 * d, m) * x), 1)
    assert same(hooked(X, m), 2 * X)
    assert same(zyg.gradient(lambda: np.sum(m * X), zyg.Params([m]))[m], X)
    assert grad(lambda p: np.sum(p["m"] * X))({"m": m, "n": 3})["n"] is None
