"""Arrays of several dtypes: which dtype comes of what, truth values, and parts of complex arrays, which are views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from sources import defined

import zyg

ARRAYS = {
    "f": np.array([0.5, 1.5, 2.5], dtype=np.float32),
    "d": np.array([0.7, -1.1, 0.3]),
    "c": np.array([0.5 + 1j, 0.25 - 0.5j, 1 + 1j], dtype=np.complex64),
    "z": np.array([0.1 + 1j, 0.2 - 0.5j, 0.3 + 1j]),
    "k": np.array([2, 1, 1]),
    "m": np.array([True, False, True]),
    "n": np.array([True, True, False]),
}
EXPRESSIONS = [
    *(f"{a} {op} {b}" for a, b in ("fd", "fc", "fz", "dc", "cz", "fk", "mf", "mc", "mk") for op in "+*/"),
    *(f"{a} {op} {number}" for a in "fc" for op in "*+" for number in ("2", "2.5", "True")),
    *("f * 1j", "f ** 2", "c ** 2", "c ** 0.5", "f ** 0.5", "f ** f", "c ** 3.0", "np.abs(c)", "np.sqrt(f)"),
    *("np.where(m, f, c)", "np.where(m, f, n)", "np.concatenate((f, m))", "np.stack((f, c))", "np.outer(m, f)"),
    *("m * n", "m + n", "np.maximum(m, n)", "np.minimum(m, n)", "np.invert(m)", "~m", "m ^ n", "d[m * n]"),
    *("d[np.invert(m)]", "np.max(np.stack((m, n)), axis=0)", "np.sum(m)", "np.mean(f)", "np.std(c)", "f.astype(int)"),
    *(
        "c.real",
        "z.imag",
        "c.conj()",
        "np.angle(c)",
        "f @ c",
        "np.cumsum(c)",
        "np.full(3, 1j)",
        "f.astype(np.complex64)",
    ),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_dtype_and_value(expression):
    f = defined(f"def f({', '.join(ARRAYS)}):\n    return {expression}, d * 1.0\n", "<dtypes>", {"np": np})["f"]
    expected, _ = f(**ARRAYS)
    (found, _), _ = zyg.pullback(f, *ARRAYS.values())
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if expected.dtype.itemsize < 9 else 1e-14)


def overwritten(z):
    r = z.real
    z[0] = 5.0 + 1j
    return r[0] * r[1]


def scaled(z):
    z = z.copy()
    r, i = z.real, np.imag(z)
    z *= 2.0
    return np.sum(r * r) + np.sum(i[::-1] ** 3)


def set_whole(z):
    w = np.empty(3, dtype=np.complex128)
    w.real = z.imag * 2
    w.imag = z.real**2
    return np.sum((w * w).real)


def written(z):
    z.real[0] = 3.0
    z.imag += z.real[::-1]
    z.imag[1:] *= z.real[1:]
    z.real[z.imag > 0.2] = 0.5
    return np.sum((z * np.conj(z)).real)


def through_names(z):
    def double(part, by):
        part *= by
        return part[1:]

    rest = double(z.T.imag, 3.0)
    rest[0] = 0.25
    for k in range(3):
        rest = z.imag if k == 1 else rest
        rest[k % 2] += z.imag[k] ** 2
    return np.sum(z.real * z.imag) + np.dot(rest, rest)


def reshaped(z):
    w = np.outer(z, z)
    part = w.real.reshape(-1)
    part[::2] = 0.1
    copy = w.imag.ravel()
    copy[:] = 7.0
    w.imag.flat[4] += 2.0
    return np.sum((w * w * w).real) + np.sum(part**2)


@pytest.mark.parametrize("f", [overwritten, scaled, set_whole, written, through_names, reshaped])
@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_parts_are_views(f, mode):
    z = np.array([0.3 + 0.6j, 0.7 - 0.4j, -0.2 + 0.5j])
    found, gradient = zyg.value_and_grad(f, mode=mode)(z.copy())
    assert found == pytest.approx(f(z.copy()))
    expected = [partial(f, z, n, 1.0) + 1j * partial(f, z, n, 1j) for n in range(3)]
    np.testing.assert_allclose(gradient, expected, atol=1e-8)


def partial(f: Any, z: np.ndarray, n: int, direction: complex) -> float:
    def moved(t: float) -> float:
        w = z.copy()
        w[n] += t * direction
        return float(f(w))

    return (moved(1e-6) - moved(-1e-6)) / 2e-6


def test_second_order_through_parts():
    def f(x):
        z = np.zeros(2, dtype=complex)
        z.real = x
        z.imag[0] = x[1] ** 2
        z.imag[1] = x[0] * z.real[1]
        return np.abs(np.sum(z * z)) ** 2

    def g(x):
        a, b = x
        re, im = a * a + b * b - b**4 - (a * b) ** 2, 2 * a * b**2 + 2 * a * b**2
        return re * re + im * im

    x = np.array([0.7, -0.4])
    np.testing.assert_allclose(zyg.hessian(f)(x), zyg.hessian(g)(x), rtol=1e-12)
    np.testing.assert_allclose(zyg.jacfwd(f)(x), zyg.grad(g)(x), rtol=1e-12)


def test_parts_in_lists_are_refused():
    def f(z):
        parts = []
        for _ in range(2):
            parts.append(z.real)
        return np.sum(parts[0]) + np.sum(parts[1])

    with pytest.raises(zyg.UnsupportedError, match=r"a copy"):
        zyg.grad(f, mode="native")(np.array([1j, 2.0]))


def branches(x):
    return x[0] * 2 if ~(x[0] > 0) else x[0] * 3


def selects(x):
    return np.where(~(np.sum(x) > 0), x[0] * 2, x[0] * 3)


def adds(x):
    m = x > 0
    return x[0] * (m[0] + m[1]) + x[1] * ((x[0] > 0) + (x[1] > 0)) * (~np.isnan(x[1]))


@pytest.mark.parametrize("f", [branches, selects, adds])
def test_truth_values_of_numpy(f):
    x = np.array([1.0, 2.0])
    assert zyg.value_and_grad(f, mode="native")(x)[0] == f(x)


def test_inverted_truth_values():
    def inverted(a, b):
        return a * 2 if ~(a > b) else a * 3

    assert zyg.grad(njit(inverted))(2.0, 1.0) == njit(inverted)(1.0, 0.0) == 3.0
    with pytest.raises(zyg.UnsupportedError, match=r"-1 or -2"):
        zyg.grad(inverted, mode="native")(2.0, 1.0)


def test_truth_values_as_indices_are_refused():
    with pytest.raises(zyg.UnsupportedError, match="truth value as an index"):
        zyg.grad(lambda x: x[x[0] > 0][0], mode="native")(np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda z: (z[0] * z[1]).imag,
        lambda z: 0.3 * np.sum(z * z).imag + z[1].real,
        lambda z: complex(z[0]).imag * abs(z[2]),
        lambda z: z[1].conjugate().imag,
    ],
)
def test_parts_of_complex64_numbers(f):
    z = np.array([0.5 + 1j, 0.25 - 0.5j, 1 + 1j], dtype=np.complex64)
    expected = zyg.grad(f, mode="native")(z.astype(np.complex128))
    for mode in ("native", "dynamic"):
        found = zyg.grad(f, mode=mode)(z)
        assert found.dtype == np.complex64
        np.testing.assert_allclose(found, expected, rtol=1e-6)
