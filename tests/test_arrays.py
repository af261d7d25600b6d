"""Programs on arrays: values as a plain call gives, gradients as difference quotients say, second derivatives too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import zyg
from zyg.ir.interpret import interpret

rng = np.random.default_rng(0)
V = rng.uniform(0.5, 1.5, 5)
W = rng.uniform(0.5, 1.5, 5)
M = rng.uniform(0.5, 1.5, (3, 4))
S = rng.uniform(0.5, 1.5, (4, 4)) + 3 * np.eye(4)
C = rng.uniform(0.5, 1.5, (2, 3, 4))


def loop(x):
    s = 0.0
    for i in range(len(x)):
        s += math.sin(x[i]) * x[i]
    return s


def iterate(x):
    s = 0.0
    for v in x:
        s += v * v
    return s


def pairs(x):
    s = 0.0
    for i, v in enumerate(x):
        s += v * i
    for v, w in zip(x, x[::-1]):  # noqa: B905
        s += v * w * w
    return s


def rows(m):
    s = 0.0
    for row in m:
        for v in row:
            s += v**3
    return s


def negative_indices(x):
    return x[-1] * x[0] + x[-2] ** 2


def in_place(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] ** 2
        if i > 0:
            y[i] += y[i - 1] * x[i]
    return y[len(x) - 1]


def overwritten(x):
    y = x.copy()
    for _ in range(3):
        for i in range(1, len(y) - 1):
            y[i] = math.sin(y[i - 1] * y[i]) + y[i + 1]
    return y[1] + y[2] * y[3]


def aliases(x):
    y = x.copy()
    z = y
    z[0] = y[1] * 2.0
    z *= y
    return np.sum(y * x)


def chosen(x):
    a = x.copy()
    b = x * 2.0
    c = a if x[0] > 0.7 else b
    c[1] = x[2] ** 2
    return np.sum(a) + np.sum(b * b)


def swapped(x):
    a, b = x.copy(), np.ones(len(x))
    for _ in range(3):
        for i in range(len(a)):
            b[i] = a[i] * a[len(a) - 1 - i]
        a, b = b, a
    return np.sum(a) + b[0]


def work_arrays(x):
    s = 0.0
    for k in range(3):
        w = np.empty(len(x))
        for i in range(len(x)):
            w[i] = x[i] * (k + 1)
        s += np.sum(w * w) * x[k]
    return s


def sliced(x):
    return np.sum(x[1:] * x[:-1]) + np.sum(x[::2]) ** 2 + np.sum(x[::-1] * x) + np.sum(x[-2:] ** 3)


def slice_stores(x):
    y = np.zeros(len(x))
    y[1:] = x[:-1] * 2.0
    y[:2] += x[:2] ** 2
    y[::2] *= 3.0
    y[1:-1] = y[2:] + y[:-2]
    return np.sum(y * x)


def overlapping(x):
    y = x.copy()
    y[1:] = y[:-1]
    y[:-1] = y[1:] * x[0]
    return np.sum(y * y)


def expressions(x):
    return np.sum(np.sin(x) * x + 1) / len(x) + np.exp(-x).sum() + (x**2.5).mean() + np.sqrt(x @ x)


def matrix(m):
    return np.sum(m.T @ m) + np.sum(m[1] * m[:, 1:].sum(axis=1)[1]) + m[2, -1] * m[0, 0]


def axes(m):
    return np.sum(m.sum(axis=0) ** 2) + np.sum(np.mean(m, axis=1) ** 3) + np.sum(m.max(axis=1, keepdims=True) * m)


def broadcast(m):
    a = m[0]
    b = m[:, :1]
    return np.sum(m * a + b) + np.sum(a[:, None] * a[None, :]) + np.sum(np.exp(m - m.max(axis=1)[:, np.newaxis]))


def softmax(m):
    e = np.exp(m - np.max(m, axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(np.log(p[:, 1]))


def reductions(x):
    return x.max() * x.min() + np.prod(x) + np.var(x) + np.std(x) + np.mean(x)


def where(x):
    y = np.where(x > 1.0, x**2, np.sin(x))
    return y.sum() + np.clip(x, 0.8, 1.2).sum() + np.maximum(x, 1.0).sum() + np.abs(x - 1).sum()


def masks(x):
    y = x.copy()
    y[x > 1.0] = 0.0
    z = x[x < 1.2]
    return np.sum(y * y) + np.sum(z**3)


def gather(x):
    index = np.array([0, 2, 2, 1])
    y = np.zeros(3)
    for k in range(4):
        y[index[k] % 3] += x[k] ** 2
    return np.sum(x[index] ** 2) + np.sum(y**2)


def helper(a, k):
    a[k] = a[k] * a[0]
    return a[k]


def callee_writes(x):
    y = x.copy()
    s = helper(y, 1) + helper(y, 2)
    return s + np.sum(y)


def tuple_of_arrays(x):
    parts = (x[:2], x[2:] * 2)
    a, b = parts
    return np.sum(a) * np.sum(b**2)


def reshaped(m):
    r = m.reshape(4, 3)
    f = m.ravel()
    return np.sum(r[1] ** 2) + f[5] * f[7] + np.sum(m.T.reshape(-1)[2:5] ** 3)


def cube(c):
    return (
        np.sum(c.sum(axis=1) ** 2) + np.sum(c[1, :, 2] * c[0, :, 1]) + np.sum(c[..., 1] ** 2) + c.mean(axis=(0, 2))[1]
    )


def cholesky(a):
    n = a.shape[0]
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= low[i, k] * low[j, k]
            if i == j:
                low[i, i] = math.sqrt(s)
            else:
                low[i, j] = s / low[j, j]
    return low[n - 1, n - 1] + low[n - 1, 0] * low[1, 1]


def heat(u0):
    u = u0.copy()
    for _ in range(4):
        new = u.copy()
        for i in range(1, len(u) - 1):
            new[i] = u[i] + 0.1 * (u[i - 1] - 2 * u[i] + u[i + 1]) ** 2
        u = new
    return np.sum(u**2)


def early_return(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 1.3:
            return s * x[i]
        s += x[i] ** 2
    return s


def while_loop(x):
    i, s = 0, 1.0
    while i < len(x) and s < 4.0:
        s *= x[i] + 0.5
        i += 1
    return s * x[0]


def sort(x):
    y = x.copy()
    for i in range(1, len(y)):
        v = y[i]
        j = i - 1
        while j >= 0 and y[j] > v:
            y[j + 1] = y[j]
            j -= 1
        y[j + 1] = v
    return y[0] * 1.0 + y[1] * 2.0 + y[2] * y[3]


def making(x):
    a = np.array([x[0], x[1] * 2, 3.0])
    b = np.arange(3) * x[2]
    c = np.linspace(0, 1, 3) * x[3]
    e = np.eye(3) * x[0]
    f = np.full(3, 2.0) + np.ones(3) * x[1]
    return np.sum(a * b * c) + np.sum(e @ a) + np.sum(f * np.zeros_like(a)) + np.sum(np.cumsum(x) ** 2)


def norms(x):
    return np.linalg.norm(x) + np.dot(x, x) + np.sum(np.outer(x, x)[1]) + np.trace(np.outer(x, x))


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


PROGRAMS: list[tuple[Any, np.ndarray]] = [
    *((f, V) for f in (loop, iterate, pairs, negative_indices, in_place, overwritten, aliases, chosen, swapped)),
    *((f, V) for f in (work_arrays, sliced, slice_stores, overlapping, expressions, reductions, where, masks)),
    *((f, V) for f in (gather, callee_writes, tuple_of_arrays, heat, early_return, while_loop, sort, making, norms)),
    (rosenbrock, V),
    *((f, M) for f in (rows, matrix, axes, broadcast, softmax, reshaped)),
    (cube, C),
    (cholesky, S),
]


def differences(f: Any, x: np.ndarray) -> np.ndarray:
    g = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        h = 1e-6
        a, b = x.copy(), x.copy()
        a[k] += h
        b[k] -= h
        g[k] = (f(a) - f(b)) / (2 * h)
    return g


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_gradient(f: Any, x: np.ndarray) -> None:
    before = x.copy()
    y, g = zyg.value_and_grad(f)(x)
    assert y == pytest.approx(f(x.copy()), rel=1e-12)
    np.testing.assert_allclose(g, differences(f, x), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(x, before)
    _, forward = zyg.jvp(f, (x,), (np.cos(x),))
    assert forward == pytest.approx(np.sum(g * np.cos(x)), rel=1e-10)


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
@pytest.mark.parametrize("kind", ["strided", "reversed", "fortran"])
def test_layouts(f: Any, x: np.ndarray, kind: str) -> None:
    expected = zyg.grad(f)(x)
    if kind == "strided":
        other = np.repeat(x, 2, axis=-1)[..., ::2]
    elif kind == "reversed":
        other = x[::-1].copy()[::-1]
    else:
        other = np.asfortranarray(x)
    np.testing.assert_array_equal(zyg.grad(f)(other), expected)


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_second_order(f: Any, x: np.ndarray) -> None:
    v = np.cos(x)

    def along(x: np.ndarray) -> float:
        return np.sum(zyg.grad(f)(x) * v)

    h = zyg.grad(along)(x)
    t = 1e-5
    expected = (zyg.grad(f)(x + t * v) - zyg.grad(f)(x - t * v)) / (2 * t)
    np.testing.assert_allclose(h, expected, rtol=1e-4, atol=1e-5)


# --- results, captures, pullbacks ---------------------------------------------------------------------------

scale = np.array([1.0, 2.0, 3.0])


def test_array_results() -> None:
    def f(x: np.ndarray, a: float) -> Any:
        return np.sin(x) * a, x[1:] * 2.0

    x, a = np.array([0.3, 0.4, 0.5]), 2.0
    y, back = zyg.pullback(f, x, a)
    np.testing.assert_allclose(y[0], np.sin(x) * a)
    np.testing.assert_allclose(y[1], x[1:] * 2.0)
    dy = (np.array([1.0, 2.0, 3.0]), np.array([5.0, 7.0]))
    for _ in range(2):
        dx, da = back(dy)
        np.testing.assert_allclose(dx, np.cos(x) * a * dy[0] + np.array([0.0, 10.0, 14.0]))
        assert da == pytest.approx(np.sum(np.sin(x) * dy[0]))
    with pytest.raises(ValueError, match="shape"):
        back((np.ones(2), np.ones(2)))
    z, dz = zyg.jvp(f, (x, a), (np.ones(3), 0.5))
    np.testing.assert_allclose(dz[0], np.cos(x) * a + 0.5 * np.sin(x))
    np.testing.assert_allclose(z[1], x[1:] * 2)


def test_captured_arrays_are_read_at_each_call() -> None:
    global scale
    g = zyg.grad(lambda x: np.sum(scale * x * x))
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(g(x), 2 * scale * x)
    scale[0] = 5.0
    np.testing.assert_allclose(g(x), 2 * scale * x)
    scale = np.array([7.0, 8.0, 9.0])
    np.testing.assert_allclose(g(x), 2 * scale * x)


def test_several_arguments() -> None:
    def f(w: np.ndarray, b: np.ndarray, x: np.ndarray) -> float:
        return np.sum(np.tanh(w @ x + b))

    w, b, x = rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=3)
    dw, db, dx = zyg.gradient(f, w, b, x)
    d = 1 - np.tanh(w @ x + b) ** 2
    np.testing.assert_allclose(dw, np.outer(d, x))
    np.testing.assert_allclose(db, d)
    np.testing.assert_allclose(dx, w.T @ d)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.complex64, np.int64, np.int32])
def test_dtypes(dtype: Any) -> None:
    x = np.array([1, 2, 3]).astype(dtype)
    if np.issubdtype(dtype, np.complexfloating):
        x = x + np.array([0.5, 0.2, 0.1]).astype(dtype) * dtype(1j)
    g = zyg.grad(lambda x: np.sum(np.real(x * np.conj(x)) * 1.5))(x)
    assert g.dtype == (x.dtype if x.dtype.kind in "fc" else np.float64)
    np.testing.assert_allclose(g, 3 * x, rtol=1e-6)


def test_arguments_are_written_as_by_a_plain_call() -> None:
    def f(x: np.ndarray) -> float:
        s = np.sum(x**2)
        x[0] = 7.0
        x[1:] *= 2.0
        return s + x[1] * x[0]

    for array in (np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 2.0, 0.0, 3.0])[::2]):
        other = array.copy()
        value = f(other)
        y, g = zyg.value_and_grad(f)(array)
        assert y == value
        np.testing.assert_array_equal(array, other)
        np.testing.assert_allclose(g, [2.0, 4.0 + 14.0, 6.0])


def test_errors() -> None:
    with pytest.raises(IndexError):
        zyg.grad(lambda x: x[3])(np.ones(3))
    with pytest.raises(IndexError):
        zyg.grad(lambda x: x[-4])(np.ones(3))
    with pytest.raises(ValueError, match="broadcast"):
        zyg.grad(lambda x: np.sum(x[1:] * x))(np.ones(3))
    with pytest.raises(ValueError, match="zero-size"):
        zyg.grad(lambda x: np.max(x))(np.ones(0))
    a = np.ones(4)

    def writes(x: np.ndarray, y: np.ndarray) -> float:
        x[0] = y[1]
        return np.sum(x)

    with pytest.raises(ValueError, match="overlap"):
        zyg.grad(writes)(a[:3], a[1:])


def test_empty() -> None:
    assert zyg.grad(lambda x: np.sum(np.sin(x)))(np.ones(0)).shape == (0,)


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_every_access_is_in_range(f: Any, x: np.ndarray) -> None:
    """The interpreter checks each index, in both sweeps."""
    g = zyg.value_and_grad(f)
    expected = g(x)
    found = g.find((x,))[0]
    inputs = [x.ravel().copy(), *(n for n in x.shape if n != 1)]
    for path, (_, shape) in sorted(found.lowered.looked.inputs.items(), key=lambda pair: pair[1][0]):
        raise AssertionError(f"captures {path} of {shape} are not expected here")
    results = interpret(found.lowered.module, inputs)
    assert results[0] == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(np.reshape(results[1], x.shape), expected[1], rtol=1e-9, atol=1e-12)


def test_inner_gradients_refuse_arrays_that_overlap_and_are_written() -> None:
    def writes(a: np.ndarray, b: np.ndarray) -> float:
        a[0] = b[0] * 2
        return a[0] * b[0]

    with pytest.raises(ValueError, match="overlaps"):
        zyg.grad(lambda v: np.sum(zyg.grad(writes)(v, v)))(np.ones(3))
    g = zyg.grad(lambda v: np.sum(zyg.grad(writes, 1)(v.copy(), v)))(np.array([3.0, 1.0]))
    np.testing.assert_allclose(g, [4.0, 0.0])


def test_arrays_are_unpacked_into_names() -> None:
    def f(x: np.ndarray) -> float:
        (a, b), c = x, x[:2] * 3
        d, _ = c
        return a * b * d

    x = np.array([2.0, 5.0])
    np.testing.assert_allclose(zyg.grad(f)(x), [60.0, 12.0])
    rows = np.arange(6.0).reshape(2, 3)

    def products(x: np.ndarray) -> float:
        r, s = x
        return np.sum(r * s)

    np.testing.assert_allclose(zyg.grad(products)(rows), rows[::-1])
    for bad, how in ((np.ones(3), "too many"), (np.ones(0), "not enough")):
        with pytest.raises(ValueError, match=how):
            zyg.grad(f)(bad)


def test_copied_arguments_that_overlap_and_are_written_are_refused() -> None:
    def writes(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
        for i in range(len(x)):
            x[i] += y[i]
        return np.sum(x * y * z)

    g = zyg.grad(writes, (0, 1))
    m = np.arange(24.0).reshape(4, 6)
    for x, y in ((m[:, 0], m[:, 0]), (m[::-1, 1], m[:, 1]), (m[0, ::2], m[0, :3])):
        with pytest.raises(ValueError, match="overlap"):
            g(x, y, m[:, 5])
    z = m[:, 5].copy()
    z.flags.writeable = False
    x, y = m[:, 0].copy(), m[:, 1].copy()
    dx, dy = g(m[:, 0], m[:, 1], z)  # interleaved columns do not overlap, and what is only read may be read-only
    np.testing.assert_allclose(dx, y * z)
    np.testing.assert_allclose(dy, (x + 2 * y) * z)
    np.testing.assert_allclose(m[:, 0], x + y)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.logaddexp.reduce(a[0]),
        lambda a: np.sum(np.logaddexp.reduce(a) ** 2),
        lambda a: np.sum(np.logaddexp.reduce(a, axis=1, keepdims=True) * a),
        lambda a: np.logaddexp2.reduce(a, axis=None),
        lambda a: np.sum(np.hypot.reduce(a, axis=-1) ** 3),
        lambda a: np.sum(np.ravel(a[0, 0])),
    ],
)
def test_folded_ufuncs(f):
    a = np.random.default_rng(0).normal(size=(3, 4))
    assert zyg.value_and_grad(f, mode="native")(a)[0] == pytest.approx(f(a))
    zyg.check_grads(f, (a,), order=2)
