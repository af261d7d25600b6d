"""Divisions in loops: by zero they fail where Python fails, and otherwise cost no more than they must."""

from __future__ import annotations

import math
import random
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg


def inverses(x, y):
    s = 0.0
    for i in range(len(x)):
        s += y[i] / x[i]
    return s


def two_lines(x, y):
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i] / y[i]
        out[i] += 1.0 / (x[i] * x[i])
    return np.sum(out)


def in_place(x, y):
    for i in range(len(x)):
        x[i] = y[i] / x[i]
    return np.sum(x * y)


def pairs(x, y):
    total = 0.0
    for i in range(len(x)):
        for j in range(i):
            total += y[i] * y[j] / math.sqrt((x[i] - x[j]) ** 2)
    return total


def by_branch(x, y):
    total = 0.0
    for i in range(len(x)):
        if y[i] > 0.0:
            total += 1.0 / x[i]
        else:
            total += 2.0 / (x[i] - 1.0)
    return total


def of_its_own(x, y):
    work = np.ones(len(x) + 1)
    s = 0.0
    for i in range(len(x)):
        work[i + 1] = 0.1 * (work[i] + x[i])
        s += y[i] / float(work[i + 1] - 0.2)
        work[i + 1] += 1.0 / x[i]
    return s


def then_a_size(x, y):
    s = 0.0
    for i in range(len(x)):
        s += 1.0 / x[i]
    if s > 2.0:
        raise ValueError("large")
    return s


PROGRAMS = (inverses, two_lines, in_place, pairs, by_branch, of_its_own, then_a_size)


def failure(fn: Callable[..., Any], *args: Any) -> tuple[str, int | None]:
    """The class of the exception, and the line of this file where it flew."""
    try:
        fn(*args)
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
        return type(error).__name__, frames[-1].lineno
    return "", None


@pytest.mark.filterwarnings("ignore:.*divide by zero", "ignore:.*invalid value")
@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda fn: fn.__name__)
def test_zero_divisors_fail_as_in_python(fn: Callable[..., Any]) -> None:
    chooser = random.Random(3)
    g = zyg.value_and_grad(fn, (0, 1))
    failed = 0
    for _ in range(60):
        n = chooser.choice((1, 2, 5, 17, 40))
        x = [chooser.choice((0.0, 1.0, *[1.5 + i] * 40)) + 1e-3 * i for i in range(n)]
        y = [chooser.choice((0.0, *[0.5 + i] * 40)) for i in range(n)]
        if chooser.random() < 0.5:
            x[chooser.randrange(n)] = chooser.choice((0.0, 1.0, x[0], x[n // 2]))
        lists = list(x), list(y)
        wanted = failure(fn, *lists) if fn not in (two_lines, in_place) else failure(fn, *map(Floats, lists))
        arrays = np.array(x), np.array(y)
        assert failure(g, *arrays) == wanted, (x, y)
        failed += bool(wanted[0])
        if fn is in_place and wanted[0]:
            expected = Floats(x)
            with pytest.raises(ZeroDivisionError):
                fn(expected, Floats(y))
            assert arrays[0].tolist() == expected
    assert 5 < failed < 55


class Floats(list):  # type: ignore[type-arg]
    """Elements that are Python's floats: they raise where NumPy's warn."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(list(self), dtype)

    def __mul__(self, other: Any) -> Any:
        return np.asarray(list(self)) * np.asarray(list(other))


@pytest.mark.parametrize("fn", (pairs, inverses), ids=lambda fn: fn.__name__)
def test_gradients_of_quotients(fn: Callable[..., Any]) -> None:
    x, y = np.linspace(0.4, 3.0, 19), np.cos(np.arange(19.0))
    zyg.check_grads(lambda x, y: fn(x, y), (x, y), order=2)


def test_one_division_for_one_divisor() -> None:
    def f(x):
        s = 0.0
        for i in range(len(x)):
            s += 1.0 / math.sqrt(1.0 + x[i] * x[i])
        return s

    text = zyg.inspect_adjoint(zyg.grad(f), np.ones(4))
    code = [line.split("#")[0] for line in text.splitlines()]
    assert sum(" / " in line for line in code) == sum("sqrt(" in line for line in code), text


def test_quotients_that_decide_stay_exact() -> None:
    """The reverse sweep must go the ways of the forward sweep, to the last digit."""

    def f(x, d):
        y = x
        for _ in range(5):
            y = math.sin(y) / d + x / d
            if y / d > 0.3:
                y = y * 1.5
        return y

    for k in range(200):
        x, d = 0.01 * k + 0.003, 1.0 + 0.013 * k
        h = 1e-6
        by_difference = (f(x + h, d) - f(x - h, d)) / (2 * h)
        if abs(f(x + h, d) - f(x, d)) < 1e-3:
            assert zyg.grad(f)(x, d) == pytest.approx(by_difference, rel=1e-4, abs=1e-6)
