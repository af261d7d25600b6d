"""Lists and tuples of numbers where NumPy takes array-likes: operators, in place too, and functions; in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg

W = np.array([1.1, 2.2])
F = [1.0, 2.0]
p = {"a": [1.0, 2.0], "b": {"c": [3.0, 4.0]}}


def changed_list(x):
    values = [x]
    values.append(x * x)
    return np.sum(W * values)


def in_place(x):
    w = np.zeros((2, 2))
    w += [x, 2 * x]
    w *= [[1, x], [x, 1]]
    w -= (1, x)
    w[:] = w / F
    return np.sum(w**2)


def list_plus_array(x):
    values = other = [x]
    values += W  # what NumPy's addition gives, a new array
    return np.sum(values) * len(values) * len(other)


PROGRAMS: list[Callable[[float], Any]] = [
    lambda x: np.sum(W * [x, 2 * x]),
    lambda x: np.sum([x, x * x] * W),
    lambda x: np.sum((x, 2.0) - W) + np.sum(W / (x, 2.0)),
    lambda x: np.sum((W * x) ** [2, 1]) + np.sum([x, 1] ** W),
    lambda x: np.sum(W * [[x], [2.0], [x * x]]),
    lambda x: np.sum(np.eye(2) * [[x, 1], [1, x]]),
    lambda x: np.sum(([x, x] < W) * W * x) + np.sum([x > 0, False] * W),
    lambda x: np.sum(W.astype(np.float32) * [x, 2]) + np.sum(np.array([1, 2]) * [x, 1]),
    lambda x: np.sum(1j * W * [x, 2]).imag,
    lambda x: np.sum(W * [v * x for v in F]) + np.sum(W * [np.array([x, 2]), W]),
    lambda x: np.sum(W * F * x) + np.sum(W * x - p["b"]["c"]) ** 2,
    lambda x: np.sum(np.array([F, [x, x]]) ** 2) + np.sum(np.array([p["a"], p["b"]["c"]]) * x),
    lambda x: np.sum(np.stack([F, [x, x]]) ** 2) + np.sum(np.exp([F, [x, x]])),
    changed_list,
    in_place,
    list_plus_array,
]


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("n", range(len(PROGRAMS)))
def test_lists_as_arrays(n: int, mode: str) -> None:
    fn = PROGRAMS[n]
    y, slope = zyg.value_and_grad(fn, mode=mode)(0.7)
    h = 1e-6
    assert np.isclose(y, fn(0.7))
    assert np.isclose(slope, (fn(0.7 + h) - fn(0.7 - h)) / (2 * h), rtol=1e-6)
    bend = (fn(0.7 + 1e-4) - 2 * fn(0.7) + fn(0.7 - 1e-4)) / 1e-8
    assert np.isclose(zyg.grad(zyg.grad(fn, mode=mode), mode=mode)(0.7), bend, rtol=1e-4, atol=1e-6)
    assert np.isclose(zyg.jvp(fn, (0.7,), (1.0,), mode=mode)[1], slope)


@pytest.mark.parametrize("other", [{"a": 1.0}, None, [1.0, [2.0]]])
def test_what_is_no_array_is_for_dynamic_mode(other: Any) -> None:
    with pytest.raises(zyg.UnsupportedError):
        zyg.grad(lambda x: np.sum(W * other) * x, mode="native")(1.0)
    with pytest.raises((TypeError, ValueError)):
        zyg.grad(lambda x: np.sum(W * other) * x, mode="dynamic")(1.0)
