"""Calls with arrays that do not lie in C order, or are of other widths than native code reads."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import zyg


def weighted(a: Any, b: Any) -> Any:
    return np.sum(a * a * np.arange(1.0, a.shape[1] + 1)) * b[0]


LAYOUTS: dict[str, Any] = {
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "transposed": np.arange(6.0).reshape(3, 2).T,
    "steps": np.arange(12.0).reshape(2, 6)[:, ::-2],
    "float32": np.arange(6, dtype=np.float32).reshape(3, 2).T,
    "int32": np.arange(6, dtype=np.int32).reshape(2, 3),
    "bytes": np.arange(6, dtype=np.int8).reshape(3, 2).T,
    "big endian": np.arange(6.0).reshape(2, 3).astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    a, b = LAYOUTS[layout], np.array([2.0, 1.0])[::-1]
    g = zyg.value_and_grad(weighted, (0, 1), mode="native")
    for _ in range(3):
        value, (da, db) = g(a, b)
        assert value == pytest.approx(float(weighted(a, b)))
        np.testing.assert_allclose(da, 2 * a * np.arange(1.0, 4.0) * b[0])
        np.testing.assert_allclose(db, [weighted(a, b) / b[0], 0])
        assert da.dtype == (np.float32 if layout == "float32" else np.float64)
        g(np.ones((2, 3)), np.ones(2))


def test_what_is_written_is_written_into_the_argument():
    def f(x: Any) -> Any:
        x *= 2
        return np.sum(x**2)

    g = zyg.grad(f)
    g(np.ones((2, 2)))
    for _ in range(2):
        x = np.arange(4.0).reshape(2, 2).T
        np.testing.assert_allclose(g(x), 8 * np.arange(4.0).reshape(2, 2).T)
        np.testing.assert_allclose(x, 2 * np.arange(4.0).reshape(2, 2).T)


@pytest.mark.filterwarnings("ignore::zyg.DynamicModeWarning")
def test_dynamic_mode_gets_the_arrays_themselves():
    seen = []

    def f(x: Any, n: Any) -> Any:
        if n is not None:
            return np.sum(x**2)
        seen.append(x.flags.c_contiguous)
        x[0, 0] = 5.0
        return np.sum(x**2)

    g = zyg.grad(f)
    g(np.ones((2, 2)), 1)
    x = np.ones((2, 2))[:, ::-1]
    np.testing.assert_allclose(g(x, None)[1], [2, 2])
    assert x[0, 0] == 5.0 and seen == [False]


def test_errors_are_the_same():
    g = zyg.grad(lambda x, k: x[k, k] * np.sum(x), mode="native")
    g(np.ones((2, 2)), 0)
    x = np.ones((3, 2)).T
    for _ in range(2):
        with pytest.raises(IndexError):
            g(x, 2)
        np.testing.assert_allclose(g(x, 1), np.array([[1.0, 1, 1], [1, 7, 1]]))


def test_layouts_cost_little():
    g, x = zyg.grad(lambda x: np.sum(x) * x[0, 0]), np.ones((5, 6)).T
    for _ in range(3):
        g(x)
    best = min(_time(g, x) for _ in range(20))
    assert best < 3e-5


def _time(g: Any, x: Any) -> float:
    start = time.perf_counter()
    for _ in range(50):
        g(x)
    return (time.perf_counter() - start) / 50
