"""Who shares memory with whom: views, copies, aliases, overlapping arguments, captured arrays that are written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import zyg

X = np.array([0.3, 0.7, 0.2, 0.9, 0.6, 0.45])


def agrees(f: Any, *args: Any) -> None:
    """Value, effects and derivatives of `f` by its first argument, to second order, against differences."""
    x, *others = args

    def plain(x: np.ndarray) -> float:
        return f(x.copy(), *(np.copy(a) if isinstance(a, np.ndarray) else a for a in others))

    given, written = x.copy(), x.copy()
    value = f(written, *others)
    y, g = zyg.value_and_grad(f)(given, *others)
    assert y == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(given, written, rtol=1e-12)
    v = np.cos(np.arange(x.size) + 1.0).reshape(x.shape)
    h = 1e-5
    slope = (plain(x + h * v) - plain(x - h * v)) / (2 * h)
    assert np.sum(g * v) == pytest.approx(slope, rel=1e-6, abs=1e-7)
    assert zyg.jvp(f, (x.copy(), *others), (v, *map(zeros, others)))[1] == pytest.approx(np.sum(g * v), rel=1e-10)

    def along(x: np.ndarray) -> float:
        return np.sum(zyg.grad(f)(x, *others) * v)

    expected = (zyg.grad(f)(x + h * v, *others) - zyg.grad(f)(x - h * v, *others)) / (2 * h)
    np.testing.assert_allclose(zyg.grad(along)(x.copy()), expected, rtol=1e-5, atol=1e-6)


def zeros(a: Any) -> Any:
    return np.zeros_like(a) if isinstance(a, np.ndarray) else 0


def masked_update(x):
    y = x.copy()
    y[y > 0.5] *= 2.0
    y[y < 0.35] += y[-1]
    return np.sum(y**2)


def gathered_update(x):
    y = np.ones(4)
    index = np.array([0, 1, 1, 2])
    y[index] += x[:4]
    y[index] *= x[1:5]
    m = x.reshape(2, 3).copy()
    m[:, np.array([2, 0])] -= y[1]
    m[np.array([True, False])] *= 3.0
    return np.sum(y**2) + np.sum(m**3)


def matrix_mask(x):
    m = x.reshape(2, 3).copy()
    m[m > 0.5] -= 1.0
    t = m.T
    t[t < 0.25] *= x[0]
    return np.sum(m**3)


def in_tuple(x):
    t = (x.copy(), x * 2)
    t[0][1] += x[0]
    t[1][:] *= t[0]
    return np.sum(t[1] ** 2)


def recursive(a, b, n):
    if n == 0:
        return b[0]
    a[n - 1] += b[n] * 2
    return recursive(a, b, n - 1) + a[n - 1] * b[n]


def aliased_in_recursion(x):
    y = x.copy()
    return recursive(y, y, 4)


@pytest.mark.parametrize(
    "f", [masked_update, gathered_update, matrix_mask, in_tuple, aliased_in_recursion], ids=lambda f: f.__name__
)
def test_updates(f: Any) -> None:
    if f is aliased_in_recursion:  # second derivatives of recursion with arrays are refused
        y, g = zyg.value_and_grad(f)(X)
        h = 1e-6
        expected = [(f(X + e) - f(X - e)) / (2 * h) for e in h * np.eye(6)]
        assert y == pytest.approx(f(X), rel=1e-12)
        np.testing.assert_allclose(g, expected, rtol=1e-5, atol=1e-7)
    else:
        agrees(f, X)


def crossed(a, b):
    s = b[0]
    a[0] = s * s + 1.0
    b[1] += a[0]
    return s + b[0] * a[1]


def crossed_in_a_loop(a, b):
    s = 0.0
    for i in range(len(a) - 1):
        a[i + 1] = b[i] * 2 + a[i + 1]
        s += b[i + 1] * a[i]
    return s


def one_array_twice(x):
    y = x.copy()
    z = y if x[0] > 0.1 else x * 2.0
    w = y[1:]
    return crossed(y, y) + crossed(z, y) * crossed(y[1:], w) + crossed_in_a_loop(y, z)


def captured_and_given(x):
    y = x.copy()

    def g(t):
        y[0] = t[0] * 2
        return t[0] + y[0] * t[1]

    return g(y) + g(y[::-1])


def recursive_twice(a, b, n):
    if n == 0:
        return 0.0
    s = b[n]
    a[n] = s * s + 1.0
    return s + b[n] * 2 + recursive_twice(a, b, n - 1)


def test_a_function_is_given_one_array_twice() -> None:
    agrees(one_array_twice, X)
    agrees(captured_and_given, X)
    y, g = zyg.value_and_grad(lambda x: recursive_twice(x, x, 3))(X.copy())
    assert y == pytest.approx(np.sum(X[1:4] + 2 * (X[1:4] ** 2 + 1)))
    np.testing.assert_allclose(g, [0, *(1 + 4 * X[1:4]), 0, 0])


work = np.zeros(6)


def into_captured(x):
    work[:] = x
    work[1] *= work[0]
    work[2:] += x[:4] * work[1]
    return np.sum(work**2)


def test_a_captured_array_is_written() -> None:
    agrees(into_captured, X)
    into_captured(X)
    expected = work.copy()
    work[:] = 0.0
    zyg.grad(into_captured)(X)
    np.testing.assert_allclose(work, expected)


def swapped_products(x):
    a, b = x.copy(), np.zeros_like(x)
    for _ in range(3):
        b[:] = a * 2 + x
        a, b = b, a
    m = a.reshape(2, 3)
    return np.sum((m @ m.T) ** 2) * 1e-6


def test_what_only_a_tape_holds_is_not_an_argument() -> None:
    """The array captured outside is the argument, too: nothing is written into either."""
    g = zyg.grad(swapped_products)
    np.testing.assert_allclose(
        zyg.grad(lambda x: np.sum(g(x) * X))(X),
        [np.sum((g(X + e) - g(X - e)) * X) / 2e-6 for e in 1e-6 * np.eye(6)],
        rtol=1e-5,
    )


def test_only_what_is_written_must_be_writable_and_apart() -> None:
    def f(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        a[0] = b[0] * c[1]
        return np.sum(a * b * c)

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    b.flags.writeable = False
    da, db, dc = zyg.gradient(f, a, b, b)
    np.testing.assert_allclose(da, [0.0, 16.0])
    np.testing.assert_allclose(db, [72.0, 8.0])
    np.testing.assert_allclose(dc, [36.0, 8.0 + 27.0])
    with pytest.raises(ValueError, match="read-only"):
        zyg.gradient(f, b, a, a)
    with pytest.raises(ValueError, match="overlap"):
        zyg.gradient(f, a, a, b)
    strided = np.zeros((2, 2))[:, 0]
    strided.flags.writeable = False
    zyg.gradient(f, a, strided, b)


def test_inner_gradients_of_the_same_array_twice() -> None:
    def f(a: np.ndarray, b: np.ndarray) -> float:
        return np.sum(a * a * b)

    g = zyg.grad(lambda x: np.sum(zyg.grad(f)(x, x)))(X)
    np.testing.assert_allclose(g, 4 * X)
    m = X.reshape(2, 3)
    g = zyg.grad(lambda m: np.sum(zyg.grad(lambda a, b: np.sum((a @ b) ** 2))(m, m.T)))(m)
    h = 1e-6
    expected = np.zeros(6)
    inner = zyg.grad(lambda a, b: np.sum((a @ b) ** 2))
    for k, e in enumerate(h * np.eye(6)):
        p, q = (X + e).reshape(2, 3), (X - e).reshape(2, 3)
        expected[k] = (np.sum(inner(p, p.T)) - np.sum(inner(q, q.T))) / (2 * h)
    np.testing.assert_allclose(g.ravel(), expected, rtol=1e-6)
    assert math.isfinite(expected[0])


def picked_from_a_tuple(x):
    t = (x.copy(), x * 2.0)
    best = t[0]
    for k in range(4):
        now = t[k % 2] if k < 3 else best
        now[k] = now[k - 1] * best[0] + 1.0
        if now[k] > 1.5:
            best = now
    return np.sum(t[0] ** 2) + np.sum(t[1] * best)


def indexed_by_lists(x):
    m = np.outer(x, x)
    m[np.arange(6), np.arange(6)] = x**3
    m[[0, 1]] = m[[1, 0]]
    m[:, [2, -1]] *= x[[0, 3]]
    return np.sum(m * m.T)


def reversed_views(x):
    y = x.copy()
    m = y.reshape(2, 3)
    v = m.T[1:, ::-1]
    v[:, 0] *= 2
    v += v[::-1]
    y[::-1][:2] = m[1, :2]
    y += y[::-1]
    y[:3], y[3:] = y[3:], y[:3]
    np.multiply(y[:-1], y[1:], out=y[1:])
    return np.sum(y**3)


@pytest.mark.parametrize("f", [picked_from_a_tuple, indexed_by_lists, reversed_views], ids=lambda f: f.__name__)
def test_who_is_who(f: Any) -> None:
    agrees(f, X)


def compared(x):
    x += np.maximum(x, x)
    return 0.5 + 0.0 * x[0]


def chosen_layouts(x):
    m = x.reshape(2, 3).copy()
    t = m[:, :2].T if x[0] > 0.1 else m[:2, :2]
    t[0] *= 3.0
    turned = x.copy()
    for _ in range(3):
        turned[0] *= 2.0
        turned = turned[::-1]
    part = None
    if x[0] > 0.5:
        part = x[::2]
    elif x[1] > 0.5:
        part = x * 2
    return np.sum(m**2) + np.sum(t**3) + np.sum(turned**3) + (0.0 if part is None else np.sum(part**3))


def shrinking(x):
    a, k = x.copy(), 4
    while k > 0:
        a = a[1:] if k % 2 == 0 else a[-2::-1]
        a[0] += x[0] * a[-1]
        k -= 1
    return np.sum(a**2)


@pytest.mark.parametrize("f", [compared, chosen_layouts, shrinking], ids=lambda f: f.__name__)
def test_layouts_meet(f: Any) -> None:
    agrees(f, X + 0.011)


def reshaped_views(x):
    y = x.copy()
    z = y[::2].reshape(1, -1)
    z[0, 0] = 3.0
    z *= x[1]
    m = x.reshape(2, 3).copy()
    w = m[:, :2].reshape(2, 2, 1)
    w[0, 1, 0] = x[5] ** 2
    t = m.T.reshape(-1)
    m[1, 2] = 0.0
    return np.sum(y**2) + np.sum(m**2) + np.sum(t**3)


def ravelled(x, n):
    m = x.reshape(2, 3).copy()
    part = m[:, :n].ravel()
    part *= x[1]
    turned = m.T.ravel()
    m *= 2.0
    return np.sum(m**2) + np.sum(part) + np.sum(turned**3)


def diagonals(x):
    m = x.reshape(2, 3).copy()
    d = np.diagonal(m)
    m[0, 0] = x[5] ** 2
    wide = np.broadcast_to(x, (2, 6))
    return np.sum(d**3) + np.sum(np.diag(m, 1) ** 2) + np.trace(m) + np.sum(wide * wide[::-1])


def test_reshaped_arrays_are_views_where_they_are_in_numpy() -> None:
    agrees(reshaped_views, X)
    agrees(diagonals, X)
    for n in (2, 3):
        agrees(ravelled, X, n)


def test_shapes_that_do_not_fit() -> None:
    g = zyg.grad(lambda x, n: np.sum(x.reshape(n, -1) ** 2))
    np.testing.assert_allclose(g(X, 2), 2 * X)
    for n in (-2, 0, 4):
        with pytest.raises(ValueError, match="reshape"):
            g(X, n)
    by_columns = zyg.grad(lambda x: np.sum(x.reshape((2, 3), order="F")[0]), mode="native")(np.arange(6.0))
    np.testing.assert_array_equal(by_columns, [1.0, 0.0, 1.0, 0.0, 1.0, 0.0])


def test_parts_of_complex_arrays_are_written_through() -> None:
    def part(x):
        z = x * 1j + x**2
        z.real[0] = 5.0
        return np.sum(np.abs(z))

    def parts_in_a_loop(x):
        r = (x * 1j + x**2).imag
        for _ in range(2):
            r *= 2
        return np.sum(r**2)

    agrees(part, X)
    agrees(parts_in_a_loop, X)


def test_writes_that_would_get_lost_are_refused() -> None:
    def wide(x):
        y = np.broadcast_to(x, (2, 6))
        y[0, 0] = 1.0
        return np.sum(y)

    with pytest.raises(zyg.UnsupportedError, match=r"read|copy"):
        zyg.grad(wide, mode="native")(X)


def test_the_real_part_of_a_real_array_is_the_array() -> None:
    def f(x):
        y = x.copy()
        y.real[0] = x[1] * 5
        return np.sum(y**2)

    agrees(f, X)


def scattered(x):
    bins = np.zeros(4)
    np.add.at(bins, np.array([0, 2, 2, 3, 0, 2]), x**2)
    np.add.at(bins, bins > 0.5, bins[0])
    m = x.reshape(2, 3).copy()
    np.add.at(m, (np.array([0, 0, 1]), slice(None)), m[1])
    return np.sum(bins**3) + np.sum(m**2)


def test_additions_to_elements_that_are_named_several_times() -> None:
    agrees(scattered, X)
