"""Products of matrices: values as NumPy gives them, derivatives of all orders, factors that are overwritten."""

from __future__ import annotations

import numpy as np
import pytest

import zyg

rng = np.random.default_rng(0)
SHAPES = [
    ((2, 3), (3, 4)),
    ((20, 30), (30, 25)),
    ((0, 3), (3, 2)),
    ((3, 0), (0, 2)),
    ((1, 40), (40, 30)),
    ((40, 50), (50, 1)),
    ((30, 1), (1, 30)),
    ((40, 30), (30,)),
    ((30,), (30, 40)),
    ((5,), (5,)),
    ((3, 4, 5), (5, 6)),
    ((3, 4, 5), (3, 5, 2)),
    ((2, 1, 4, 5), (3, 5, 2)),
    ((4, 5), (3, 5, 2)),
    ((3, 12, 11), (11,)),
]
KINDS = {"f8": 1e-10, "f4": 1e-3, "c16": 1e-10, "c8": 1e-3}


def numbers(shape, kind="f8"):
    x = rng.standard_normal(shape) / np.sqrt(max(shape[-1], 1))
    if kind[0] == "c":
        x = x + 1j * rng.standard_normal(shape) / np.sqrt(max(shape[-1], 1))
    return x.astype(kind)


def loss(a, b):
    y = a @ b
    return np.sum(np.real(y * np.conj(y)))


def slope(a, b, i, f):
    """The derivative of f(a, b) for its argument number i in a random direction, and that direction."""
    args = [a, b]
    d = numbers(args[i].shape, args[i].dtype.str[1:]).astype(complex if np.iscomplexobj(args[i]) else float)
    wide = [x.astype(complex if np.iscomplexobj(x) else float) for x in args]
    h = 1e-5
    up, down = (f(*(x + s * h * d if j == i else x for j, x in enumerate(wide))) for s in (1, -1))
    return (up - down) / (2 * h), d


CASES = [(shapes, "f8") for shapes in SHAPES] + [(SHAPES[i], kind) for kind in ("f4", "c16", "c8") for i in (0, 1, 5)]


@pytest.mark.parametrize(("shapes", "kind"), CASES, ids=str)
def test_gradient(shapes, kind):
    a, b = (numbers(shape, kind) for shape in shapes)
    value, gradients = zyg.value_and_grad(loss, (0, 1))(a, b)
    tolerance = KINDS[kind]
    np.testing.assert_allclose(value, loss(a, b), rtol=tolerance)
    for i, gradient in enumerate(gradients):
        assert gradient.dtype == a.dtype and gradient.shape == (a, b)[i].shape
        wanted, d = slope(a, b, i, loss)
        np.testing.assert_allclose(np.sum(np.real(np.conj(gradient) * d)), wanted, rtol=max(tolerance, 1e-6), atol=1e-6)
    _, dy = zyg.jvp(loss, (a, b), (a, b))
    np.testing.assert_allclose(dy, 4 * loss(a, b), rtol=tolerance, atol=1e-8)


def wide(x):
    """The same numbers, strewn in memory."""
    big = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)
    big[::2, ::3] = x
    return big[::2, ::3]


def reversed_(x):
    return np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]


LAYOUTS = [np.ascontiguousarray, np.asfortranarray, wide, reversed_]


def strided(a, b):
    """Views are made inside, where no copy of an argument hides their strides."""
    y = a.T[::-1] @ b.T
    z = a[::2, ::-1] @ b[::2].T
    return np.sum(np.real(y * np.conj(y))) + np.sum(np.real(z * np.conj(z)))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", ["f8", "c16"])
@pytest.mark.parametrize("n", [3, 24])
def test_strides(n, kind, layout):
    a, b = layout(numbers((n, n), kind)), layout(numbers((n, n), kind))
    gradients = zyg.grad(strided, (0, 1))(a, b)
    for i, gradient in enumerate(gradients):
        wanted, d = slope(a, b, i, strided)
        np.testing.assert_allclose(np.sum(np.real(np.conj(gradient) * d)), wanted, rtol=1e-6)


def overwritten(a, x):
    """The factor is written over when it has been used."""
    h = x * 1.0
    s = 0.0
    for _ in range(3):
        h[:] = np.tanh(a @ h)
        s += h[0] * h[-1]
    return s + np.sum(h)


def history(a, x):
    """Every row is computed from the one before, in one array."""
    rows = np.zeros((4, x.shape[0]))
    rows[0] = x
    for t in range(3):
        rows[t + 1] = np.sin(a @ rows[t])
    return np.sum(rows * rows)


def grown(a, x):
    """Both factors are one matrix, which is then scaled in place."""
    b = a + 0.0
    c = b @ b.T
    b *= 2.0
    return np.sum(c @ x) + np.sum(b @ x * x)


@pytest.mark.parametrize("f", [overwritten, history, grown], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [3, 30])
def test_overwritten_factors(f, n):
    a, x = numbers((n, n)), numbers((n,))
    for i in (0, 1):
        wanted, d = slope(a, x, i, f)
        np.testing.assert_allclose(np.sum(zyg.grad(f, i)(a, x) * d), wanted, rtol=1e-6)
        tangents = (d, np.zeros(n)) if i == 0 else (np.zeros((n, n)), d)
        np.testing.assert_allclose(zyg.jvp(f, (a, x), tangents)[1], wanted, rtol=1e-6)


@pytest.mark.parametrize("f", [loss, overwritten, history, grown], ids=lambda f: f.__name__)
def test_second_order(f):
    a, x = numbers((12, 12)), numbers((12,))
    u, v = numbers((12, 12)), numbers((12,))

    def along(a, x):
        g, h = zyg.grad(f, (0, 1))(a, x)
        return np.sum(g * u) + np.sum(h * v)

    for i in (0, 1):
        wanted, d = slope(a, x, i, along)
        np.testing.assert_allclose(np.sum(zyg.grad(along, i)(a, x) * d), wanted, rtol=1e-5)


def test_mixed_types():
    a, n = numbers((3, 3)), np.arange(9).reshape(3, 3)
    np.testing.assert_allclose(zyg.grad(lambda a: np.sum(a @ n))(a), np.ones((3, 3)) @ n.T)
    assert (zyg.value_and_grad(lambda x: x * np.sum(n @ n), 0)(1.0)[0]) == np.sum(n @ n)
    np.testing.assert_allclose(zyg.grad(lambda a: np.sum(a @ [1.0, 2.0, 3.0]))(a), np.ones((3, 1)) @ [[1.0, 2.0, 3.0]])


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError):
        zyg.grad(loss)(numbers((2, 3)), numbers((2, 3)))


def test_few_numbers_known_when_compiling():
    def f(x):
        a = np.zeros((2, 2))
        a[0, 0] = a[1, 1] = x
        a[0, 1] = x * x
        return np.sum(a @ a)

    np.testing.assert_allclose(zyg.grad(f)(1.5), 4 * 1.5 + 6 * 1.5**2)


windows = np.lib.stride_tricks.sliding_window_view
OVERLAPPING = {
    "windows": lambda x: windows(x, 3) @ x[:3],
    "part of windows": lambda x: windows(x[1:-2], 3) @ x[:3],
    "windows, transposed": lambda x: x[:3] @ windows(x[:-1], 3).T,
    "as many elements as there are": lambda x: windows(x[: len(x) // 3 + 2], 3) @ x[-3:],
    "rows that are one": lambda x: np.broadcast_to(x, (4, len(x))) @ x,
    "part of it": lambda x: np.broadcast_to(x[: len(x) // 2], (2, len(x) // 2)) @ x[: len(x) // 2],
    "columns that are one": lambda x: np.broadcast_to(x[:, None], (len(x), 3)) @ x[:3],
    "all elements are one": lambda x: np.broadcast_to(x[1], (len(x), 3)) @ x[:3],
    "both factors": lambda x: windows(x, 4) @ windows(x, 4).T,
    "outer": lambda x: np.broadcast_to(x[2], (len(x), 1)) @ np.broadcast_to(x[1], (1, 5)),
}


@pytest.mark.parametrize("n", [6, 12, 90])
@pytest.mark.parametrize("name", OVERLAPPING)
def test_views_that_hold_elements_twice(name, n):
    """Their shadows are written where the elements are: what comes together there is added."""
    view = OVERLAPPING[name]
    f, x = lambda x: np.sum(np.sin(view(x))), numbers((n,))
    g = zyg.grad(f)
    found = g(x)
    d, h = numbers((n,)), 1e-5
    assert np.isclose(np.dot(found, d), (f(x + h * d) - f(x - h * d)) / (2 * h), rtol=1e-6, atol=1e-8)
    assert np.isclose(zyg.jvp(f, (x,), (d,))[1], np.dot(found, d))
    second = (g(x + h * d) - g(x - h * d)) / (2 * h)
    assert np.allclose(zyg.hvp(f)(x, d), second, rtol=1e-5, atol=1e-7)
    assert np.allclose(zyg.grad(lambda x: np.dot(g(x), d))(x), second, rtol=1e-5, atol=1e-7)


def in_place(x):
    a, v, rows = x * 1.0, x[0] * 1.0, x[:2] * 1.0
    a[:, 0] @= x
    a[1] @= x.T
    w = v
    v @= x
    rows @= a
    stack = np.stack([a, x])
    stack @= x
    return np.sum(a * x) + np.sum(w**2) + np.sum(rows * x[:2]) + np.sum(np.sin(stack))


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_in_place(mode):
    x = numbers((3, 3))
    y, g = zyg.value_and_grad(in_place, mode=mode)(x)
    d, h = numbers((3, 3)), 1e-5
    assert np.isclose(y, in_place(x))
    assert np.isclose(np.sum(g * d), (in_place(x + h * d) - in_place(x - h * d)) / (2 * h), rtol=1e-7)
