"""Nothing outside an array is read or written, and nothing is left behind: not when exceptions fly, either."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_array_memory import X

import zyg


def resident() -> int:
    """Bytes of memory that this process has in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def growth(call: Callable[[], Any]) -> int:
    """How much more memory is in use after 20,000 calls than after 2,000."""
    for _ in range(2_000):
        call()
    before = resident()
    for _ in range(20_000):
        call()
    return resident() - before


def busy(x, stop):
    """Allocates in a loop, keeps rows on tapes, and fails at `stop`."""
    total = 0.0
    for k in range(4):
        work = np.zeros((2, len(x)))
        work[0] = x * (k + 1)
        work[1] = work[0] ** 2
        i = 0
        while work[1, i % 6] < 30.0 and i < 8:
            work[1, i % 6] *= 1.5 + x[i % 6]
            i += 1
        total += np.sum(work[1] * x) + work[stop if k == 2 else 0, 0]
    return total


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow() -> None:
    x = np.linspace(0.1, 0.9, 60)
    g, v = zyg.grad(busy), zyg.value_and_grad(lambda x: np.sum(x[x > 0.5] ** 2))
    strided = np.repeat(x, 2)[::2]

    def succeeds() -> None:
        g(x, 1)
        v(strided)

    def fails() -> None:
        for stop in (2, -3):
            try:
                g(x, stop)
            except IndexError:
                continue
            raise AssertionError

    def pulls_back() -> None:
        y, back = zyg.pullback(halves, x)
        back(y)
        back(y)

    for call in (succeeds, fails, pulls_back):
        assert growth(call) < 3_000_000, call.__name__


def halves(x):
    return np.sin(x[:30]) * x[30:]


def test_the_exception_is_that_of_the_plain_call() -> None:
    for stop in (2, -3):
        with pytest.raises(IndexError):
            busy(X, stop)
        for derivative in (zyg.grad(busy), zyg.grad(lambda x, n: np.sum(zyg.grad(busy)(x, n)))):
            with pytest.raises(IndexError):
                derivative(X, stop)


def surrounded(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A C-contiguous array of n numbers in the middle of a larger one."""
    whole = np.full(3 * n, 7.0)
    whole[n : 2 * n] = X[:n]
    return whole, whole[n : 2 * n]


@pytest.mark.parametrize("i", [-8, -4, 3, 4, 2**40, -(2**63)])
def test_what_lies_around_an_array_is_left_alone(i: int) -> None:
    def writes(x, i):
        x[0] *= 2.0
        x[i] = x[1] ** 2
        return np.sum(x)

    def updates(x, i):
        x[0] *= 2.0
        x[np.array([0, i])] += 1.0
        return np.sum(x)

    def reads(x, i):
        x[0] *= 2.0
        return x[1] * x[i]

    for f in (writes, updates, reads):
        whole, x = surrounded(3)
        plain, y = surrounded(3)
        with pytest.raises(IndexError):
            f(y, i)
        with pytest.raises(IndexError):
            zyg.value_and_grad(f)(x, i)
        np.testing.assert_array_equal(whole, plain)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x[:3] * x[:4]),
        lambda x: np.sum(x.reshape(2, 3) @ x.reshape(2, 3)),
        lambda x: np.sum(np.dot(x[:2], x[:3])),
        lambda x: np.sum(x.reshape(4, 2)),
        lambda x: np.sum(x[np.array([True, False])]),
        lambda x: np.sum(np.where(x[:2] > 0, x[:3], 0.0)),
    ],
)
def test_shapes_that_do_not_fit_raise_what_numpy_raises(f: Any) -> None:
    with pytest.raises((ValueError, IndexError)) as expected:
        f(X)
    with pytest.raises(expected.type):
        zyg.grad(f)(X)


def test_assignments_that_do_not_fit() -> None:
    def f(x, n):
        y = np.zeros(4)
        y[1:] = x[:n]
        y[::2] += x[:2]
        return np.sum(y**2)

    for n in (2, 4):
        with pytest.raises(ValueError, match="broadcast"):
            f(X, n)
        with pytest.raises(ValueError, match="broadcast"):
            zyg.grad(f)(X, n)
    assert zyg.grad(f)(X, 3).shape == (6,)


def test_layouts_and_byte_orders_of_arguments() -> None:
    def f(m):
        m = m.copy()
        m[0] *= m[1] ** 2
        return np.sum(m**3)

    m = X.reshape(2, 3)
    expected = zyg.grad(f)(m)
    wide = np.zeros((4, 6))
    wide[::2, ::2] = m
    turned = np.ascontiguousarray(m[::-1, ::-1])
    for same in (np.asfortranarray(m), wide[::2, ::2], turned[::-1, ::-1], m.astype(">f8"), m.T.copy().T):
        np.testing.assert_allclose(zyg.grad(f)(same), expected, rtol=1e-14)
    unaligned = np.zeros(6 * 8 + 1, dtype=np.uint8)[1:].view(np.float64).reshape(2, 3)
    unaligned[:] = m
    np.testing.assert_allclose(zyg.grad(f)(unaligned), expected, rtol=1e-14)


def test_what_is_written_reaches_arguments_of_any_layout() -> None:
    def f(m):
        m *= 2.0
        m[:, 1] = np.sum(m[0] * m[1])
        return np.sum(m**2)

    m = X.reshape(2, 3)
    plain = m.copy()
    value = f(plain)
    for make in (np.copy, np.asfortranarray, lambda a: a[::-1].copy()[::-1], lambda a: np.repeat(a, 2, 1)[:, ::2]):
        other = make(m)
        y, _ = zyg.value_and_grad(f)(other)
        assert y == pytest.approx(value)
        np.testing.assert_allclose(other, plain)
