"""Overwritten elements are put back or kept: both sweeps agree with forward mode.  ZYG_SEEDS=5000 for a long run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from random_in_place import InPlace
from sources import defined

import zyg

SEEDS = int(os.environ.get("ZYG_SEEDS", "10"))


def agree(f: Callable[..., Any], x: np.ndarray[Any, Any], n: int) -> None:
    rng = np.random.default_rng(0)
    value, dx = zyg.value_and_grad(f)(x, n)
    assert value == pytest.approx(f(x, n), rel=1e-12, abs=1e-12)
    for _ in range(2):
        direction = rng.normal(size=x.shape)
        _, slope = zyg.jvp(lambda x: f(x, n), (x,), (direction,))
        scale = 1.0 + float(np.sum(np.abs(dx * direction)))
        assert abs(slope - float(np.sum(dx * direction))) <= 1e-11 * scale


def cholesky(x, n):
    L = x[:, np.newaxis] * x[np.newaxis, :] + 5.0 * np.eye(len(x))
    for i in range(len(x)):
        for j in range(i):
            L[i, j] = (L[i, j] - np.dot(L[i, :j], L[j, :j])) / L[j, j]
        L[i, i] = np.sqrt(L[i, i] - np.dot(L[i, :i], L[i, :i]))
    return np.sum(np.log(np.diag(L))) + L[-1, 0]


def seidel(x, n):
    u = np.zeros(len(x))
    for _ in range(n):
        for i in range(1, len(x) - 1):
            u[i] = np.sin(0.4 * (u[i - 1] + u[i + 1])) * x[i] + 0.1
    return np.sum(u**2)


def insertion_sort(x, n):
    y = x.copy()
    for i in range(1, len(y)):
        v, j = y[i], i - 1
        while j >= 0 and y[j] > v:
            y[j + 1] = y[j]
            j -= 1
        y[j + 1] = v
    total = 0.0
    for i in range(len(y)):
        total += (i + 1.0) * y[i] ** 2
    return total


def read_then_overwritten(x, n):
    y, total = x.copy(), 0.0
    for i in range(len(x)):
        before = y[i]
        y[i] = 2.0 * before * before
        total += np.sin(before) * y[i]
    return total


def read_behind_the_loop(x, n):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = y[i] * y[i - 1]
    last = y[-1]
    for i in range(len(x)):
        y[i] = 0.0
    return last**2 + np.sum(y)


def overwritten_by_a_constant(x, n):
    y, total = x.copy(), 0.0
    for i in range(n):
        k = i % len(x)
        if i % 3 == 2:
            y[k] = 1.5
        total += y[k] ** 3
        y[k] = np.cos(y[k])
    return total


PROGRAMS = (
    cholesky,
    seidel,
    insertion_sort,
    read_then_overwritten,
    read_behind_the_loop,
    overwritten_by_a_constant,
)


@pytest.mark.parametrize("f", PROGRAMS)
def test_in_place(f: Callable[..., Any]) -> None:
    agree(f, np.random.default_rng(1).normal(size=6), 7)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random(seed: int) -> None:
    source = InPlace(seed).source()
    f = defined(source, f"in_place_{seed}.py", {"np": np})["f"]
    for size, n in ((5, 4), (2, 1), (3, 0)):
        try:
            agree(f, np.random.default_rng(seed).normal(size=size), n)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}\n{source}") from error


def test_an_array_in_place_is_put_back() -> None:
    """Nothing is kept in the innermost loop."""
    text = zyg.inspect_adjoint(zyg.grad(cholesky), np.ones(4), 1)
    inner = [line for line in text.splitlines() if "library" in line and "tape" in line]
    assert not inner
