"""Arrays that are computed before they are assigned are made only where they have to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg


def advance(u: Any, new: Any) -> None:
    new[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])


def by_helper(x: Any) -> Any:
    u, new = x.copy(), x.copy()
    for _ in range(4):
        advance(u, new)
        u, new = new, u
    return np.sum(u**2)


def by_helper_in_one_direction(x: Any) -> Any:
    u, new = x.copy(), x.copy()
    for _ in range(4):
        advance(u, new)
        u[:] = new
    return np.sum(u**2)


def added_up(x: Any) -> Any:
    total = np.zeros((3, 4))
    for i in range(2):
        for j in range(2):
            total += np.sin(x[i : i + 3, j : j + 4])
    return np.sum(total**2)


def copied_back(x: Any) -> Any:
    u, before = x.copy(), np.zeros(len(x))
    for _ in range(3):
        new = np.zeros(len(x))
        for i in range(1, len(x) - 1):
            new[i] = u[i - 1] * u[i + 1] - before[i]
        before[:] = u
        u[:] = new
    return np.sum(u * before)


def one_by_two_names(x: Any) -> Any:
    a = x.copy()
    b = a
    for _ in range(3):
        a[1:] = 0.5 * b[:-1]
    return np.sum(a**2)


def by_two_names_at_times(x: Any) -> Any:
    a, b = x.copy(), np.ones(len(x))
    for k in range(4):
        a[1:] = 0.5 * b[:-1] + 0.1 * a[1:]
        if k == 1:
            b = a
    return np.sum(a * b)


def exchanged(x: Any) -> Any:
    a, b = x.copy(), 2.0 * x
    for k in range(5):
        a[1:] = 0.5 * b[:-1] * a[0]
        if k % 2 == 0:
            a, b = b, a
        else:
            a = b
    return np.sum(a * b)


def changed_between(x: Any) -> Any:
    a, b = x.copy(), np.zeros(len(x))
    for k in range(3):
        c = a * a
        a[k] = 3.0
        b[:] = c
    return np.sum(a * b)


def turned(x: Any) -> Any:
    a = x.copy()
    for _ in range(2):
        a[:] = a[::-1] * 0.5 + a
    return np.sum(a**3)


def found_in_a_list(x: Any) -> Any:
    rows = [x.copy(), x * 2.0]
    for k in range(2):
        one, two = rows[k], rows[1]
        one[1:] = two[:-1]
    return np.sum(rows[0] * rows[1])


PROGRAMS = [
    by_helper,
    by_helper_in_one_direction,
    copied_back,
    one_by_two_names,
    by_two_names_at_times,
    exchanged,
    changed_between,
    turned,
    found_in_a_list,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_same_as_numpy(f: Callable[..., Any]) -> None:
    x = np.random.default_rng(0).normal(size=6)
    value, _ = zyg.value_and_grad(f, mode="native")(x)
    assert value == pytest.approx(f(x), rel=1e-14)
    zyg.check_grads(f, (x,), 2 if f is copied_back else 1)


@pytest.mark.parametrize(
    ("f", "buffers"),
    [(added_up, 2), (copied_back, 7), (by_helper_in_one_direction, 5)],
    ids=lambda f: getattr(f, "__name__", None),
)
def test_no_copies(f: Callable[..., Any], buffers: int) -> None:
    """Only the arrays of the program are made, and their adjoints."""
    x = np.random.default_rng(0).normal(size=(5, 6) if f is added_up else 6)
    text = zyg.inspect_adjoint(zyg.grad(f), x)
    assert sum(text.count(make) for make in ("mem_new(", "mem_zeros(")) == buffers
    zyg.check_grads(f, (x,), 1)


def test_what_is_read_several_times_is_computed_once() -> None:
    def program(x: Any) -> Any:
        weights = np.zeros(len(x))
        for j in range(len(x)):
            weights[j] = np.exp(x[j])
        s = 0.0
        for i in range(len(x)):
            for j in range(len(x)):
                s += weights[j] * x[i]
        return s

    x = np.linspace(0.1, 0.9, 5)
    text = zyg.inspect_adjoint(zyg.grad(program), x)
    assert sum(" exp(" in line.split("#")[0] for line in text.splitlines()) == 1
    np.testing.assert_allclose(zyg.grad(program)(x), np.exp(x) * np.sum(x) + np.sum(np.exp(x)), rtol=1e-13)
