"""Loops that keep the square root of what they would: the same derivatives, in little memory."""

import math
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import zyg


def numbers(x, n):
    return zyg.checkpointed_loop(lambda s, i: math.sin(s) * x + 0.01 * i, 0.3, n)


def numbers_by_hand(x, n):
    s = 0.3
    for i in range(n):
        s = math.sin(s) * x + 0.01 * i
    return s


def heat(u, n):
    def step(state, i):
        u, total = state
        v = u.copy()
        v[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
        return v, total + u[2] * i

    u, total = zyg.checkpointed_loop(step, (u, 0.0), n)
    return np.sum(u**2) + total


def heat_by_hand(u, n):
    u = u.copy()
    total = 0.0
    for i in range(n):
        total += u[2] * i
        v = u.copy()
        v[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
        u = v
    return np.sum(u**2) + total


@pytest.mark.parametrize("n", [0, 1, 2, 7, 100])
def test_numbers(n):
    assert numbers(0.9, n) == numbers_by_hand(0.9, n)
    assert zyg.grad(numbers)(0.9, n) == pytest.approx(zyg.grad(numbers_by_hand)(0.9, n))


def test_second_order():
    f, g = (zyg.grad(zyg.grad(h)) for h in (numbers, numbers_by_hand))
    assert f(0.9, 10) == pytest.approx(g(0.9, 10))


def test_arrays_that_are_state_and_captured():
    x = np.linspace(0.5, 1, 4)
    found = zyg.grad(lambda x: np.sum(zyg.checkpointed_loop(lambda u, i: np.sin(u) * x, x, 7)))(x)

    def by_hand(x):
        u = x
        for _ in range(7):
            u = np.sin(u) * x
        return np.sum(u)

    np.testing.assert_allclose(found, zyg.grad(by_hand)(x))


@pytest.mark.parametrize("n", [0, 1, 10])
def test_arrays(n):
    x = np.linspace(0, 1, 6) ** 2
    assert heat(x, n) == pytest.approx(heat_by_hand(x, n))
    np.testing.assert_allclose(zyg.grad(heat)(x, n), zyg.grad(heat_by_hand)(x, n))


def test_a_million_steps_in_little_memory():
    """Keeping every state would take 800 MB; 200 are allowed beyond what is in use when the gradient is compiled."""
    code = """
    import resource
    import numpy as np, zyg
    def f(x, n):
        return np.sum(zyg.checkpointed_loop(lambda u, i: np.sin(u) * x, x, n))
    gradient = zyg.grad(f)
    x = np.linspace(0.5, 1, 100)
    gradient(x, 10)
    size = 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1])
    resource.setrlimit(resource.RLIMIT_AS, (size + 200_000_000, resource.RLIM_INFINITY))
    assert np.all(np.isfinite(gradient(x, 1_000_000)))
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("memory limits are tested on Linux")
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
