"""Algorithms that work in place, as people write them: values, effects and derivatives against independent ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from test_array_memory import agrees

import zyg

rng = np.random.default_rng(1)
V = rng.uniform(0.5, 1.5, 6)
S = rng.uniform(-1.0, 1.0, (4, 4)) + 4 * np.eye(4)
SIGNAL = rng.uniform(-1.0, 1.0, 8)


def cholesky(a):
    n = a.shape[0]
    m = (a + a.T) * 0.5 + 4.0 * np.eye(n)
    for j in range(n):
        m[j, j] = math.sqrt(m[j, j])
        m[j + 1 :, j] /= m[j, j]
        for k in range(j + 1, n):
            m[k:, k] -= m[k:, j] * m[k, j]
    return np.sum(np.log(np.diag(m)))


def lu_with_pivots(a):
    """log |det a|."""
    a = a[::-1].copy()
    n, total = len(a), 0.0
    for j in range(n):
        pivot = j
        for i in range(j + 1, n):
            if abs(a[i, j]) > abs(a[pivot, j]):
                pivot = i
        if pivot != j:
            for k in range(n):
                a[j, k], a[pivot, k] = a[pivot, k], a[j, k]
        for i in range(j + 1, n):
            a[i, j] /= a[j, j]
            a[i, j + 1 :] -= a[i, j] * a[j, j + 1 :]
        total += math.log(abs(a[j, j]))
    return total


def gauss_seidel(b):
    x = np.zeros(len(b))
    for _ in range(60):
        for i in range(len(b)):
            s = b[i]
            if i > 0:
                s += x[i - 1]
            if i < len(b) - 1:
                s += x[i + 1]
            x[i] = s / 4.0
    return np.sum(x * x)


def fft(z):
    """In place, of a length that is a power of 2."""
    n, j = len(z), 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            z[i], z[j] = z[j], z[i]
    size = 2
    while size <= n:
        step = np.exp(-2j * math.pi / size)
        for start in range(0, n, size):
            w = 1.0 + 0.0j
            for k in range(start, start + size // 2):
                odd = z[k + size // 2] * w
                z[k + size // 2] = z[k] - odd
                z[k] += odd
                w *= step
        size *= 2


def spectrum(x):
    z = x + 0.0j * x
    fft(z)
    return np.sum(np.abs(z[1:4]) ** 4)


def insertion_sort(x):
    y = x.copy()
    for i in range(1, len(y)):
        v, j = y[i], i - 1
        while j >= 0 and y[j] > v:
            y[j + 1] = y[j]
            j -= 1
        y[j + 1] = v
    return np.sum(y * np.arange(1.0, len(y) + 1.0))


def prefix_sums(x):
    y = x.copy()
    step = 1
    while step < len(y):
        y[step:] += y[:-step]
        step *= 2
    return np.sum(y**2)


def soft_dtw(x):
    a, b = x[:3], x[3:] * 1.1
    table = np.full((len(a) + 1, len(b) + 1), 1e3)
    table[0, 0] = 0.0
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            costs = np.array([table[i - 1, j], table[i, j - 1], table[i - 1, j - 1]])
            low = np.min(costs)
            table[i, j] = (a[i - 1] - b[j - 1]) ** 2 + low - 0.1 * math.log(np.sum(np.exp((low - costs) / 0.1)))
    return table[-1, -1]


def stencil(x):
    grid = np.zeros((5, 5))
    grid[1:4, 1:3] = x.reshape(3, 2)
    for _ in range(3):
        around = np.zeros_like(grid)
        for i in range(-1, 2):
            for j in range(-1, 2):
                if i != 0 or j != 0:
                    around[1:-1, 1:-1] += grid[1 + i : 4 + i, 1 + j : 4 + j]
        alive = np.exp(-((around - 2.5) ** 2))
        grid[1:-1, 1:-1] = (alive * (0.5 + grid))[1:-1, 1:-1]
    return np.sum(grid**2)


def givens(a):
    """Σ log |rᵢᵢ| of the triangle that rotations make of a."""
    r = a.copy()
    n = len(r)
    for j in range(n):
        for i in range(n - 1, j, -1):
            length = math.hypot(r[i - 1, j], r[i, j])
            if length == 0.0:
                continue
            c, s = r[i - 1, j] / length, r[i, j] / length
            upper, lower = r[i - 1].copy(), r[i]
            r[i - 1] = c * upper + s * lower
            lower *= c
            lower -= s * upper
    return np.sum(np.log(np.abs(np.diagonal(r))))


def heat(u0):
    u, new = u0.copy(), np.empty_like(u0)
    for _ in range(5):
        new[0], new[-1] = u[0], u[-1]
        for i in range(1, len(u) - 1):
            new[i] = u[i] + 0.2 * (u[i - 1] - 2.0 * u[i] + u[i + 1]) * u[i]
        u, new = new, u
    return np.sum(u**2)


def power(a):
    """Elements of a^13 by repeated squaring, buffers swapped."""
    base, result, work = a * 0.2, np.eye(len(a)), np.zeros_like(a)
    n = 13
    while n > 0:
        if n % 2 == 1:
            work[:] = result @ base
            result, work = work, result
        work[:] = base @ base
        base, work = work, base
        n //= 2
    return np.sum(result * a)


def histogram(x):
    bins = np.zeros(4)
    for v in x:
        place = (v - 0.5) * 4.0
        k = min(int(place), 3)
        bins[k] += (1.0 - (place - k)) * v
        bins[(k + 1) % 4] += (place - k) * v
    return np.sum(bins**2)


def running_max(x):
    best, at = np.empty_like(x), 0
    for i in range(len(x)):
        if x[i] > x[at]:
            at = i
        best[i] = x[at] * (i + 1)
    return np.sum(best**2) + x[at]


def work_arrays(x):
    total = 0.0
    for k in range(1, 5):
        work = np.zeros((k, len(x)))
        for i in range(k):
            row = np.empty(len(x))
            row[:] = x * (i + 1)
            if i % 2 == 1:
                row[::2] = work[i - 1, ::2] ** 2
            work[i] = row
        total += np.sum(work[-1] * work[0])
    return total


@pytest.mark.parametrize(
    ("f", "x"),
    [
        *((f, S) for f in (cholesky, lu_with_pivots, givens, power)),
        (spectrum, SIGNAL),
        *((f, V) for f in (gauss_seidel, insertion_sort, prefix_sums, soft_dtw, stencil, heat, histogram)),
        *((f, V) for f in (running_max, work_arrays)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_agrees_with_differences(f: Any, x: np.ndarray) -> None:
    agrees(f, x)


def test_factorisations_have_the_known_gradients() -> None:
    np.testing.assert_allclose(zyg.grad(lu_with_pivots)(S), np.linalg.inv(S[::-1]).T[::-1], rtol=1e-10)
    np.testing.assert_allclose(zyg.grad(givens)(S), np.linalg.inv(S).T, rtol=1e-10)
    m = (S + S.T) * 0.5 + 4.0 * np.eye(4)
    np.testing.assert_allclose(zyg.grad(cholesky)(S), 0.5 * np.linalg.inv(m), rtol=1e-10)


def test_the_fourier_transform_has_the_known_pullback() -> None:
    def transformed(z):
        w = z.copy()
        fft(w)
        return w

    z = SIGNAL + 1j * SIGNAL[::-1]
    y, back = zyg.pullback(transformed, z)
    np.testing.assert_allclose(y, np.fft.fft(z), rtol=1e-12)
    dy = np.exp(1j * np.arange(8.0))
    for _ in range(2):
        np.testing.assert_allclose(back(dy)[0], np.fft.ifft(dy) * 8, rtol=1e-12)


def test_sorting_and_sums_have_the_known_gradients() -> None:
    order = np.argsort(V)
    expected = np.empty(6)
    expected[order] = np.arange(1.0, 7.0)
    np.testing.assert_allclose(zyg.grad(insertion_sort)(V), expected)
    sums = np.cumsum(V)
    np.testing.assert_allclose(zyg.grad(prefix_sums)(V), 2 * np.cumsum(sums[::-1])[::-1], rtol=1e-12)


def test_gauss_seidel_has_the_gradient_of_the_solution() -> None:
    a = 4 * np.eye(6) - np.eye(6, k=1) - np.eye(6, k=-1)
    x = np.linalg.solve(a, V)
    np.testing.assert_allclose(zyg.grad(gauss_seidel)(V), np.linalg.solve(a.T, 2 * x), rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_narrow_arrays_stay_narrow(dtype: Any) -> None:
    def f(x):
        y = x.copy()
        for i in range(1, len(y)):
            y[i] += y[i - 1] * x[i]
        y[::2] *= 2.0
        return np.sum(np.abs(y) ** 2)

    x = V.astype(dtype)
    wide = V.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    g = zyg.grad(f)(x)
    assert g.dtype == x.dtype
    np.testing.assert_allclose(g, zyg.grad(f)(wide), rtol=1e-5)
