"""Linear algebra: values as NumPy gives them, derivatives of both modes and second order, in all types."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zyg

rng = np.random.default_rng(0)
N = 4
WEIGHTS = rng.standard_normal((N, N))


def matrix(kind: str = "f8", n: int = N) -> Any:
    a = rng.standard_normal((n, n))
    if kind == "c16":
        a = a + 1j * rng.standard_normal((n, n))
    return a + n * np.eye(n)


def positive(kind: str = "f8") -> Any:
    a = matrix(kind)
    return a @ a.conj().T


def total(y):
    return np.sum(np.real(y * np.conj(y)) * np.arange(1.0, y.size + 1).reshape(y.shape))


def solve_matrix(a):
    return total(np.linalg.solve(a, WEIGHTS))


def solve_vector(a):
    return total(np.linalg.solve(a, WEIGHTS[0]))


def right_side(b):
    return total(np.linalg.solve(WEIGHTS + 4 * np.eye(N), b))


def inverse(a):
    return total(np.linalg.inv(a))


def cholesky(a):
    return total(np.linalg.cholesky(a))


def eigenvalues(a):
    w, v = np.linalg.eigh(a)
    return np.sum(w**2 * np.arange(1.0, N + 1)) + np.sum(np.real(v * np.conj(v)) * WEIGHTS)


def determinant(a):
    return np.real(np.linalg.det(a)) ** 2


def log_determinant(a):
    sign, log = np.linalg.slogdet(a)
    return log + np.real(sign)


def orthogonal(a):
    q, r = np.linalg.qr(a)
    return total(q) + total(r)


def singular(a):
    u, s, v = np.linalg.svd(a, full_matrices=False)
    return np.sum(np.real(u * np.conj(u)) * WEIGHTS) + np.sum(s**3) + np.sum(np.real(v * np.conj(v)) * WEIGHTS)


def pseudoinverse(a):
    return total(np.linalg.pinv(a[:, :2]))


def general_eigenvalues(a):
    w, v = np.linalg.eig(a)
    return np.sum(np.real(w * w)) + np.sum(np.real(v * np.conj(v)) * WEIGHTS)


def norms(a):
    vectors = np.sum(np.linalg.norm(a, np.inf, axis=0) * np.arange(1.0, N + 1)) + np.linalg.norm(a[0], 3)
    return np.linalg.norm(a) + np.linalg.norm(a, 2) + np.linalg.norm(a, "nuc") + np.linalg.norm(a, 1) + vectors


def powers(a):
    return total(np.linalg.matrix_power(a, 3)) * 1e-4 + total(np.linalg.matrix_power(a, -2)) + np.linalg.cond(a)


def least_squares(a):
    x, residuals, _, s = np.linalg.lstsq(a[:, :2], WEIGHTS[0])
    return np.sum(np.sin(x)) + np.sum(residuals) + np.sum(s)


GENERAL = [solve_matrix, solve_vector, right_side, inverse]
SYMMETRIC = [cholesky, eigenvalues]
MORE = [determinant, log_determinant, orthogonal, singular, pseudoinverse, norms, powers, least_squares]
CASES = [(f, "general") for f in GENERAL] + [(f, "positive") for f in SYMMETRIC]
FIRST = [
    *((f, what, "f8") for f, what in CASES),
    *((f, "general", "f8") for f in MORE),
    (general_eigenvalues, "positive", "f8"),
    *((f, "general", "c16") for f in (inverse, log_determinant, singular)),
    *((f, "positive", "c16") for f in SYMMETRIC),
]
SECOND = [(inverse, "general"), (cholesky, "positive"), (eigenvalues, "positive"), (pseudoinverse, "general")]


def point(what: str, kind: str) -> Any:
    return matrix(kind) if what == "general" else positive(kind)


def direction(a: Any) -> Any:
    d = rng.standard_normal(a.shape)
    return d + 1j * rng.standard_normal(a.shape) if np.iscomplexobj(a) else d


def slope(f: Any, a: Any, d: Any, h: float = 1e-5) -> Any:
    return (f(a + h * d) - f(a - h * d)) / (2 * h)


def pairing(g: Any, d: Any) -> Any:
    return np.sum(np.real(np.conj(g) * d))


@pytest.mark.parametrize(("f", "what", "kind"), FIRST, ids=lambda x: getattr(x, "__name__", x))
def test_first_order(f, what, kind):
    a = point(what, kind)
    d = direction(a)
    value, gradient = zyg.value_and_grad(f)(a)
    np.testing.assert_allclose(value, f(a), rtol=1e-10)
    wanted = slope(f, a, d)
    np.testing.assert_allclose(pairing(gradient, d), wanted, rtol=1e-6)
    np.testing.assert_allclose(zyg.jvp(f, (a,), (d,))[1], wanted, rtol=1e-6)


@pytest.mark.parametrize(("f", "what"), SECOND, ids=lambda x: getattr(x, "__name__", x))
def test_second_order(f, what):
    a = point(what, "f8")
    u, d = direction(a), direction(a)

    def along(a):
        return np.sum(zyg.grad(f)(a) * u)

    np.testing.assert_allclose(pairing(zyg.grad(along)(a), d), slope(along, a, d), rtol=1e-5)


def test_single_precision():
    a = matrix().astype(np.float32)
    gradient = zyg.grad(inverse)(a)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, zyg.grad(inverse)(a.astype(float)), rtol=1e-3, atol=1e-4)


def test_stacks():
    a = np.stack([matrix(), matrix(), matrix()])
    d = direction(a)
    np.testing.assert_allclose(pairing(zyg.grad(solve_matrix)(a), d), slope(solve_matrix, a, d), rtol=1e-6)


def test_results_may_be_written():
    """What a pullback keeps is not what the caller has."""

    def f(a):
        b = a * 1.0
        y = np.linalg.inv(b)
        b *= 2.0
        s = np.sum(y * y)
        y *= 3.0
        return s + np.sum(y * b)

    a = matrix()
    d = direction(a)
    np.testing.assert_allclose(pairing(zyg.grad(f)(a), d), slope(f, a, d), rtol=1e-6)


def test_in_loops():
    def f(a):
        x = np.ones(N)
        for _ in range(3):
            x = np.sin(np.linalg.solve(a, x))
        return np.sum(x)

    a = matrix()
    d = direction(a)
    np.testing.assert_allclose(pairing(zyg.grad(f)(a), d), slope(f, a, d), rtol=1e-6)


@pytest.mark.parametrize("f", [inverse, solve_matrix])
def test_singular(f):
    with pytest.raises(np.linalg.LinAlgError):
        zyg.grad(f)(np.zeros((N, N)))


def test_not_positive():
    with pytest.raises(np.linalg.LinAlgError):
        zyg.grad(cholesky)(-np.eye(N))


def test_not_square():
    with pytest.raises(np.linalg.LinAlgError):
        zyg.grad(inverse)(np.ones((2, 3)))


def test_determinant_of_singular_matrices():
    a = np.outer([1.0, 2.0, 3.0], [1.0, 1.0, 2.0]) + np.diag([0.0, 0.0, 1.0])
    d = direction(a)
    np.testing.assert_allclose(pairing(zyg.grad(np.linalg.det)(a), d), slope(np.linalg.det, a, d), rtol=1e-6)


def test_empty():
    assert zyg.grad(inverse)(np.zeros((0, 0))).shape == (0, 0)


@pytest.mark.parametrize(
    "factors",
    [
        lambda a: np.linalg.eig(a @ np.swapaxes(a, -1, -2))[1],
        lambda a: np.linalg.qr(a)[0],
        lambda a: np.linalg.svd(a, full_matrices=False)[2],
    ],
)
def test_factors_of_stacks_are_those_of_their_matrices(factors):
    a = rng.standard_normal((2, 3, 4))
    one = zyg.value_and_grad(lambda a: total(factors(a)), mode="native")

    def whole(a):
        y = factors(a)
        return total(y[0]) + total(y[1])

    value, gradient = zyg.value_and_grad(whole, mode="native")(a)
    parts = [one(part) for part in a]
    np.testing.assert_allclose(value, sum(value for value, _ in parts))
    np.testing.assert_allclose(gradient, [part for _, part in parts], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "p", [np.array([1.0, -6.0, 11.0, -6.0]), np.array([0.0, 2.0, -6.1, 4.0, 0.0]), np.array([1, 2j, 3])]
)
def test_roots(p):
    """The derivative of a root r by the coefficient of x^k is -r^k / p'(r)."""
    np.testing.assert_allclose(zyg.pullback(np.roots, p, mode="native")[0], np.roots(p))
    r = np.roots(p)
    g = zyg.grad(lambda p: np.sum(np.real(np.roots(p) * np.arange(1.0, r.size + 1))), mode="native")(p)
    slopes = -(r[:, None] ** np.arange(p.size)[::-1]) / np.polyval(np.polyder(p), r)[:, None]
    expected = np.conj(np.arange(1.0, r.size + 1) @ slopes)
    some = p != 0
    np.testing.assert_allclose(g[some], expected[some], rtol=1e-8, atol=1e-12)


def test_small_matrices_are_left_to_one_thread() -> None:
    """OpenBLAS has routines that wake others for the smallest of them, and wait until the machine lets these run."""
    if not Path("/proc/self/task").exists():
        pytest.skip("threads are counted as Linux counts them")
    source = (
        "import os, time, numpy as np, zyg\n"
        "def both(a, b): return np.sum(np.linalg.solve(a, b) ** 2) + np.linalg.slogdet(np.linalg.inv(a))[1]\n"
        "solve = zyg.grad(both, (0, 1))\n"
        "chol = zyg.grad(lambda a: np.sum(np.linalg.cholesky(a)))\n"
        "small = [(np.eye(n) + 0.1, np.ones((n, 80))) for n in (2, 4, 40)]\n"
        "def ticks():\n"
        "    others = [int(t) for t in os.listdir('/proc/self/task') if int(t) != os.getpid()]\n"
        "    lines = [open(f'/proc/self/task/{t}/stat').read() for t in others]\n"
        "    return sum(sum(map(int, line.rpartition(')')[2].split()[11:13])) for line in lines)\n"
        "for a, b in small:\n    solve(a, b), chol(a)\n"
        "time.sleep(0.3)  # until the threads that have started sleep\n"
        "before = ticks()\n"
        "for _ in range(700):\n    for a, b in small:\n        solve(a, b), chol(a)\n"
        "print(ticks() - before)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 1, "hundredths of a second"
