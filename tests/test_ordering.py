"""Selections and places in an order, against NumPy's: repeated values, nan, several axes; and what they cost."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pytest

import zyg

Q = np.array([0.9, 0.1, 0.5, 0.5, 0.0, 1.0, 0.33])
OF_VECTORS: dict[str, Any] = {
    "median": lambda x: np.median(x),
    "quantiles": lambda x: np.quantile(x, Q),
    "quantile": lambda x: np.quantile(x, 0.7),
    "nanquantiles": lambda x: np.nanquantile(x, Q),
    "nanmedian": lambda x: np.nanmedian(x),
    "lower": lambda x: np.quantile(x, 0.37, method="lower"),
    "higher": lambda x: np.quantile(x, Q, method="higher"),
    "percentile": lambda x: np.percentile(x, 37.0, method="median_unbiased"),
    **{
        method: lambda x, method=method: np.quantile(x, Q, method=method)
        for method in ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf")
    },
    "partition": lambda x: np.partition(x, len(x) // 2)[len(x) // 2],
    "first of partition": lambda x: np.sort(np.partition(x, (0, len(x) // 3))[: len(x) // 3 + 1]),
    "last of partition": lambda x: np.partition(x, -1)[-1],
    "argpartition": lambda x: x[np.argpartition(x, len(x) // 2)[len(x) // 2]],
    "sort": lambda x: np.sort(x),
    "searchsorted": lambda x: np.searchsorted(np.sort(x), x),
    "searchsorted right": lambda x: np.searchsorted(np.sort(x), x, side="right"),
}


def vectors() -> Any:
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 7, 20, 41):
        x = rng.normal(size=n)
        yield from (x, np.round(x), np.sort(x), np.sort(x)[::-1].copy(), np.ones(n))
        yield np.where(rng.uniform(size=n) < 0.3, np.nan, x)


@pytest.mark.parametrize("name", OF_VECTORS)
def test_of_vectors(name):
    f = OF_VECTORS[name]
    pull = zyg.pullback
    for x in vectors():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            np.testing.assert_allclose(pull(f, x)[0], f(x), rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, (0, 1), (1, 2), None])
def test_along_axes(axis):
    a = np.random.default_rng(1).normal(size=(4, 5, 3))
    for f in (lambda a: np.quantile(a, Q, axis=axis), lambda a: np.median(a, axis=axis, keepdims=True)):
        np.testing.assert_allclose(zyg.pullback(f, a)[0], f(a), rtol=1e-13)


@pytest.mark.parametrize("kind", ["f8", "f4", "i8", "?"])
def test_orders_are_stable(kind):
    """Vectors shorter and longer than the runs that are merged; nan come last, in the order in which they are given."""
    rng = np.random.default_rng(3)
    order = zyg.value_and_grad(lambda c, x: c * np.sum(np.argsort(x) * np.arange(len(x))), mode="native")
    chosen = zyg.grad(lambda x, w: np.sum(np.sort(x) * w), mode="native")
    for n in (0, 1, 12, 13, 24, 25, 37, 100, 1000):
        x = np.round(3 * rng.normal(size=n))
        if kind[0] == "f":
            x[rng.uniform(size=n) < 0.2] = np.nan
        x = x > 0 if kind == "?" else x.astype(kind) if kind[0] == "f" else x.astype(np.int64)
        expected = np.argsort(x, kind="stable")
        assert order(1.0, x)[0] == np.sum(expected * np.arange(n))
        if kind == "f8":
            w = rng.normal(size=n)
            np.testing.assert_array_equal(chosen(x, w)[expected], w)


def test_loops_over_selections():
    """Iterations that put elements of their own in order are reversed one by one."""
    rows = np.random.default_rng(4).normal(size=(40, 5))

    def f(a):
        s = 0.0
        for i in range(a.shape[0]):
            s += np.median(a[i]) * np.sin(np.sort(a[i])[1])
        return s

    assert "iteration" in zyg.inspect_adjoint(zyg.grad(f), rows)
    zyg.check_grads(f, (rows[:12],), order=2, modes=("rev", "fwd"))


def test_derivatives_of_selections():
    x = np.array([0.3, -1.2, 2.4, 0.9, -0.4, 1.5, -2.2, 0.05, 1.1])

    def f(x):
        quantiles = np.sum(np.quantile(x, np.array([0.1, 0.5, 0.77])) ** 3)
        return quantiles + np.median(x) ** 2 + np.sum(np.partition(x, 3)[:4] ** 2)

    zyg.check_grads(f, (x,), order=2)


def test_partition_out_of_bounds():
    with pytest.raises(ValueError, match="out of bounds"):
        zyg.grad(lambda x: np.partition(x, 3)[0], mode="native")(np.ones(3))


def test_search_looks_at_few_elements():
    """Places of numbers among many cost their logarithm, not a look at all of them."""
    knots, x = np.linspace(0.0, 1.0, 200_000), np.random.default_rng(2).uniform(size=5_000)
    gradient = zyg.grad(lambda x, y: np.sum(np.interp(x, knots, y)) + np.searchsorted(knots, x)[0], (0, 1))
    gradient(x[:2], knots)
    start = time.perf_counter()
    gradient(x, knots)
    assert time.perf_counter() - start < 0.1  # a look at all of them is a second


@pytest.mark.parametrize("x", [np.ones(200_000), np.r_[0:100_000, 100_000:0:-1].astype(float)], ids=["equal", "hill"])
def test_selection_is_linear(x):
    gradient = zyg.grad(np.median)
    gradient(x[:3])
    start = time.perf_counter()
    gradient(x)
    assert time.perf_counter() - start < 0.1
