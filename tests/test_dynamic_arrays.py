"""Arrays in dynamic mode: operators, functions, views and writes in place, against differences and native code."""

from __future__ import annotations

import contextlib
import functools
import operator
from typing import Any

import numpy as np
import pytest

import zyg

RNG = np.random.default_rng(7)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
V, W = RNG.normal(size=4), RNG.uniform(0.5, 2.0, size=4)
Z = RNG.normal(size=4) + 1j * RNG.normal(size=4)


def dynamic(fn, argnums=0, **options):
    return zyg.grad(fn, argnums, mode="dynamic", **options)


def differences(fn, args, k, h=1e-6):
    """The gradient by argument `k`, by central differences."""
    g = np.zeros(args[k].shape, args[k].dtype if args[k].dtype.kind in "fc" else float)
    for index in np.ndindex(args[k].shape):
        for step in (h, 1j * h) if args[k].dtype.kind == "c" else (h,):
            values = []
            for sign in (1, -1):
                moved = [np.array(arg) for arg in args]
                moved[k][index] += sign * step
                values.append(fn(*moved))
            g[index] += step / h * (values[0] - values[1]) / (2 * h)
    return g


def check(fn, *args, rtol=1e-6):
    y, gradients = zyg.value_and_grad(fn, tuple(range(len(args))), mode="dynamic")(*[np.array(arg) for arg in args])
    assert y == pytest.approx(fn(*[np.array(arg) for arg in args]), rel=1e-14)
    for k, g in enumerate(gradients):
        assert type(g) is np.ndarray
        assert g.dtype == args[k].dtype
        np.testing.assert_allclose(g, differences(fn, args, k), rtol=rtol, atol=1e-7)


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "operators": (lambda a, w: np.sum((a + 2) * w - a / w + w**a * 3.0 - (-a) % 0.7 + abs(a) // 1), V, W),
    "reflected": (lambda a: np.sum(2 - a + (3 * a) / (1 + a * a) + 2.0**a), V),
    "powers": (lambda w: np.sum(w**2 + w**0.5 + w**-1 + w**3.0 + np.power(w, 2) + np.square(w)), W),
    "broadcasting": (lambda a, v: np.sum(a * v + a[:, :1] * np.ones((3, 4)) + v[None, :] ** 2), A, V),
    "scalars": (lambda a: a[0] * np.sum(a * a[1]) + float(a[2]) * a.item(3) + a.sum() * a[0], V),
    "elementary": (
        lambda a, w: np.sum(np.sin(a) * np.exp(a) + np.log(w) + np.sqrt(w) + np.tanh(a) + np.arctan2(a, w)),
        V,
        W,
    ),
    "pairs": (lambda a, w: np.sum(np.maximum(a, w) + np.hypot(a, w) + np.minimum(a, 0.1) + np.logaddexp(a, w)), V, W),
    "products": (lambda a, b, v: np.sum(np.tanh(a @ b)) + v @ b @ b.T @ v + (a @ v) @ (a @ v), A, B, V),
    "dots": (
        lambda a, b, v: np.dot(a, b).sum() + np.dot(v, v) + np.vdot(v, v) + np.inner(a, v).sum() + v.dot(v),
        A,
        B,
        V,
    ),
    "tensordot": (lambda a, b: np.sum(np.tensordot(a, b, 1) ** 2) + np.sum(np.outer(a[0], b[:, 0]) ** 2), A, B),
    "tensordot of nothing": (lambda a: np.sum(a**2) + np.sum(np.tensordot(a[:0], a[:0], (0, 0))), A),
    "stacked products": (lambda a, b: np.sum(np.sin(a.reshape(3, 1, 4) @ b)) + np.sum((a[None] @ b) ** 2), A, B),
    "reductions": (lambda a: np.sum(a.sum(0) ** 2) + a.mean(axis=1)[0] + a.var() + np.std(a, axis=1).sum(), A),
    "extrema": (lambda a: a.max() * a.min() + np.sum(a.max(axis=0) ** 2) + np.min(a, axis=1, keepdims=True).sum(), A),
    "native": (
        lambda a: np.prod(a[0]) + np.sum(np.cumsum(a, axis=1) ** 2) + np.sum(np.diff(a[0]) ** 2) + np.trace(a[:, :3]),
        A,
    ),
    "norm": (lambda a: np.linalg.norm(a) + np.linalg.norm(a[0]), A),
    "selection": (lambda a, w: np.sum(np.where(a > 0, a * w, w)) + np.sum(np.clip(a, -0.5, 0.5) ** 2), V, W),
    "movement": (
        lambda a: (
            np.sum(np.concatenate([a, 2 * a], axis=1)[:, ::3] ** 2)
            + np.sum(np.stack([a[0], a[1]])[1] ** 3)
            + np.sum(np.roll(a, 1) * a)
            + np.sum(np.repeat(a, 2) ** 2)
            + np.sum(np.tile(a, 2)[0] ** 2)
            + np.sum(np.flip(a, 0)[0] * a[1])
            + np.sum(np.pad(a, 1) ** 2)
            + np.sum(np.diag(a[:, :3]) ** 2)
            + np.sum(np.tril(a) ** 2)
            + np.sum(np.hstack([a, a]) ** 2)
            + np.sum(np.split(a, 2, axis=1)[1] ** 2)
        ),
        A,
    ),
    "made of numbers": (lambda a: np.sum(np.array([[a[0], 1.0], [a[1] * a[2], a[3]]]) ** 2) + np.asarray([a[0]])[0], V),
    "views": (
        lambda a: (
            np.sum(a.T[1] ** 2) + a.reshape(2, 6)[1, 2] ** 2 + np.sum(a.ravel()[::-2] * 3) + a[..., None][1, 2, 0]
        ),
        A,
    ),
    "indices": (lambda a: np.sum(a[[0, 0, 2], [1, 1, 3]] ** 2) + np.sum(a[a > 0] ** 3) + np.sum(a[:, [0, 0]]), A),
    "sorting": (
        lambda a: np.sum(np.sort(a) * np.arange(4)) + a[np.argmax(a)] + np.take_along_axis(a, np.argsort(a), 0)[0],
        V,
    ),
    "conversion": (
        lambda a: np.sum(a.astype(complex).real.astype(float) * 2) + sum(a.tolist()) + sum(a) + sum(v * v for v in a),
        V,
    ),
    "iteration": (lambda a: sum(np.sum(row) * row[0] for row in a) + np.sum([r @ r for r in a]), A),
    "methods": (
        lambda a: (
            a.copy().flatten().cumsum()[-1]
            + a.clip(0, 1).sum()
            + a.squeeze().swapaxes(0, 1)[0, 1]
            + a.take([1, 1]).sum()
        ),
        A,
    ),
    "unpacked": (lambda a: functools.reduce(operator.mul, [*a]) + (lambda p, q, *r: p * q + sum(r))(*a), V),
    "complex": (lambda z: np.sum(np.abs(z * z) + (z**3).real + np.exp(z).imag + z.conj().real * z.imag), Z),
    "complex linear": (lambda z: abs(np.vdot(z, z * z)) + np.sum(np.real((z[:, None] * z) @ z)), Z),
    "made complex": (lambda a: np.sum(np.abs(np.exp(1j * a) + a) ** 2), V),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    fn, *args = PROGRAMS[name]
    check(fn, *args)


# --- writes in place --------------------------------------------------------------------------------------


def test_elements_written():
    def program(x):
        y = np.zeros(len(x))
        for i in range(1, len(x)):
            y[i] = y[i - 1] * x[i] + x[i] ** 2
        y[0] = y[-1] * 2
        return np.sum(y * x)

    check(program, V)


def test_views_and_aliases_written():
    def program(x):
        y = np.zeros((2, len(x)))
        z, row = y, y[1]
        row[:] = x * x
        y[0] += row
        z.T[1] *= x[:2]
        y.reshape(-1)[3:5] = x[0]
        row -= np.sin(x)
        y[y > 1.0] *= 2.0
        y[[0, 1, 0], [2, 2, 2]] = np.stack([x[0], x[1], x[2]])
        return np.sum(y * np.arange(8.0).reshape(2, 4))

    check(program, V)


def test_what_was_read_before_a_write_counts():
    def program(x):
        y = x * 1.0
        a = np.sin(y)  # reads y, which is overwritten
        b = y @ y
        y *= y
        y[:] = y[::-1]
        y += a
        np.exp(y, out=y)
        np.add(y, b, out=y[:])
        np.add.at(y, [0, 0, 1], x[:3] * 2)
        return np.sum(y * a) * b

    check(program, V)


def test_overlapping_operands():
    def program(x):
        y = x * x
        y[1:] = y[:-1]
        y[:-1] += y[1:]
        return np.sum(y * np.arange(4.0))

    check(program, V)


def test_an_argument_is_written():
    def program(x, n):
        x[1] = x[0] * x[2]
        x *= 2.0
        n.fill(3.0)
        return np.sum(x**2)

    x, n = V.copy(), np.zeros(2)
    plain, m = V.copy(), np.zeros(2)
    y = program(plain, m)
    value, g = zyg.value_and_grad(program, mode="dynamic")(x, n)
    assert value == y
    assert np.array_equal(x, plain)
    assert np.array_equal(n, m)
    np.testing.assert_allclose(g, differences(lambda x: program(x, m), [V], 0), rtol=1e-6, atol=1e-8)


GLOBAL = np.zeros(3)


class Layer:
    def __init__(self):
        self.buffer = np.zeros(3)

    def fill(self, x):
        alias = self.buffer
        alias[0] = x * x
        self.buffer[1:] += x
        return np.sum(self.buffer**2)


def test_captured_arrays_are_written():
    layer, local = Layer(), np.zeros(2)
    buffers = [layer.buffer, local]

    def program(x):
        layer.buffer[:] = 0
        y = layer.fill(x)
        GLOBAL[2] = x
        local[...] = GLOBAL[1:] * x
        both = sum(np.sum(b) for b in buffers) + np.sum(np.concatenate(buffers)) + np.sum([*map(np.sum, buffers)])
        return y + local[1] + both + np.sum(next(b for b in buffers if b is local))

    x = 1.5
    expected = 2 * x * 2 * x**2 + 4 * x + 2 * x + 3 * (2 * x + 2 + 2 * x) + 2 * x
    assert dynamic(program)(x) == pytest.approx(expected)
    assert type(layer.buffer) is type(local) is np.ndarray
    assert layer.buffer.tolist() == [2.25, 1.5, 1.5]
    assert GLOBAL[2] == 1.5
    assert buffers[0] is layer.buffer


def test_an_array_reached_in_two_ways():
    x = np.ones(3)

    def reading(a):
        return np.sum(a * x)

    assert np.array_equal(dynamic(reading)(x), np.ones(3))
    assert [g.tolist() for g in dynamic(lambda a, b: np.sum(a * b * b), (0, 1))(x, x)] == [[1.0] * 3, [2.0] * 3]

    def writing(a):
        x[0] = 2.0
        return np.sum(a**2)

    with pytest.raises(zyg.DifferentiationError, match="reached in two ways") as raised:
        dynamic(writing)(x)
    assert "x[0] = 2.0" in str(raised.value)
    with pytest.raises(zyg.DifferentiationError, match="reached in two ways"):
        dynamic(lambda a, b: a.fill(0.0) or np.sum(a * b), (0, 1))(x, x)


def test_arrays_left_behind_are_plain():
    kept = []

    class Model:
        pass

    model = Model()

    def program(x):
        kept.append(x * 2)
        model.state = np.outer(x, x)
        kept.append({"a": [x]})
        return np.sum(x**2)

    x = V.copy()
    dynamic(program)(x)
    assert type(kept[0]) is type(model.state) is np.ndarray
    assert np.array_equal(kept[0], 2 * V)
    assert kept[1]["a"][0] is x


def test_pullbacks_hold_what_they_need():
    x = V.copy()

    def program(x, w):
        y = np.sin(x) * w
        return y, {"s": y @ x}

    (y, _), back = zyg.pullback(program, x, W, mode="dynamic")
    first = back((np.ones(4), {"s": 1.0}))
    y[:] = 0
    x[:] = 0
    second = back((np.ones(4), {"s": 1.0}))
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b)
    np.testing.assert_allclose(first[1], np.sin(V) * (1 + V))
    with pytest.raises(zyg.ValueArgumentError, match="shape"):
        back((np.ones(3), {"s": 1.0}))


# --- functions --------------------------------------------------------------------------------------------


def test_functions_without_a_rule_are_refused():
    def program(x):
        return np.sum(np.linalg.tensorinv(np.diag(x), ind=1))

    with pytest.raises(zyg.DifferentiationError, match="tensorinv has no derivative rule") as raised:
        dynamic(program)(V)
    assert "return np.sum(np.linalg.tensorinv(np.diag(x), ind=1))" in str(raised.value)
    special = pytest.importorskip("scipy.special")
    with pytest.raises(zyg.DifferentiationError, match="has no derivative rule"):
        dynamic(lambda x: np.sum(special.ellipk(x)))(V)
    with pytest.raises(zyg.DifferentiationError, match="has no derivative rule"):
        dynamic(lambda x: np.sum(np.multiply.reduceat(x, [0, 2])))(V)
    # What native code has a derivative for is asked of it.
    counted = dynamic(lambda x: np.sum(np.bincount([0, 1, 1, 2], weights=x) * np.arange(3)))(V)
    assert counted.tolist() == [0.0, 1.0, 1.0, 2.0]
    with pytest.raises(zyg.DifferentiationError, match="has no derivative rule"):
        dynamic(lambda x: np.sum(x.compress([True, False, True, True])))(V)


def test_rules_of_functions_of_arrays():
    special = pytest.importorskip("scipy.special")
    zyg.adjoint(special.j0)(lambda x: (special.j0(x), lambda dy: -dy * special.j1(x)))
    zyg.adjoint(special.j1)(lambda x: (special.j1(x), lambda dy: dy * (special.j0(x) - special.j1(x) / x)))
    check(lambda x: np.sum(special.j0(x) * x), V)
    g = dynamic(lambda x: np.sum(dynamic(lambda y: np.sum(special.j0(y)))(x) * x))(W)
    np.testing.assert_allclose(g, differences(lambda x: -np.sum(special.j1(x) * x), [W], 0), rtol=1e-6)


def test_parameters():
    weights = {"W": A.copy(), "layers": [B.copy()]}
    params = zyg.Params([weights["W"], weights["layers"][0]])

    def loss():
        with contextlib.nullcontext():
            h = np.tanh(weights["W"] @ weights["layers"][0])
            return np.sum(h[:, 0] ** 2) + sum(np.sum(p**2) for p in weights["layers"]) + np.sum(weights["W"].T[0])

    y, g = zyg.withgradient(loss, params, mode="dynamic")
    assert y == pytest.approx(loss())

    def explicit(a, b):
        return np.sum(np.tanh(a @ b)[:, 0] ** 2) + np.sum(b**2) + np.sum(a.T[0])

    for k, p in enumerate(params):
        np.testing.assert_allclose(g[p], differences(explicit, [A, B], k), rtol=1e-6, atol=1e-8)


# --- higher order -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["operators", "reflected", "products", "reductions", "movement", "indices", "native", "complex"]
)
def test_second_order(name):
    fn, *args = PROGRAMS[name]
    if name == "operators":
        args = [np.abs(args[0]), args[1]]

    def along(*args):
        g = dynamic(fn)(*args)
        return np.sum(np.real(g * np.conj(g)))

    x = args[0]
    g = dynamic(along)(*args)
    np.testing.assert_allclose(g, differences(lambda x: along(x, *args[1:]), [x], 0), rtol=1e-5, atol=1e-6)


def test_second_order_of_writes():
    def program(x):
        y = np.zeros(len(x))
        for i in range(1, len(x)):
            y[i] = y[i - 1] * x[i] + x[i] ** 3
        y[1:] *= x[:-1]
        return np.sum(y**2)

    def along(x):
        return np.sum(dynamic(program)(x) ** 2)

    np.testing.assert_allclose(dynamic(along)(V), differences(along, [V], 0), rtol=1e-5, atol=1e-6)
    y, dy = zyg.jvp(program, (V,), (W,), mode="dynamic")
    assert dy == pytest.approx(np.sum(dynamic(program)(V) * W))
    assert y == program(V)


def test_levels_of_arrays_are_told_apart():
    x = V.copy()
    g = dynamic(lambda x: np.sum(x * dynamic(lambda y: np.sum(x * y * y))(np.ones(4))))(x)
    np.testing.assert_allclose(g, 4 * x)

    def outer(x):
        buffer = np.zeros(4)

        def inner(y):
            buffer[0] = 1.0
            return np.sum(y * y * x) + buffer[0]

        return np.sum(dynamic(inner)(x) ** 2) + buffer[0]

    np.testing.assert_allclose(dynamic(outer)(x), 16 * x**3)

    def sharing(x):
        buffer = np.zeros(4)

        def inner(y):
            buffer[0] = y[0] * x[1]
            return np.sum(buffer * y)

        return np.sum(dynamic(inner)(x)) + buffer[0]

    np.testing.assert_allclose(dynamic(sharing)(x), [3 * x[1], 3 * x[0], 0, 0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.exp(np.array([x[0], 2 * x[1]]))),
        lambda x: np.sum(np.exp(np.array([[x[0], 1.0], [2.0, x[1]]]))),
        lambda x: np.sum(np.exp(np.array([x, 2 * x]))),
        lambda x: np.exp(np.asarray(x[0]) * np.array(x[1])),
    ],
)
def test_second_derivatives_through_arrays_made_of_numbers(f):
    x = np.array([0.3, 0.7])
    inner = zyg.grad(f, mode="dynamic")
    found = zyg.grad(lambda x: np.sum(inner(x)), mode="dynamic")(x)
    native = zyg.grad(f, mode="native")
    np.testing.assert_allclose(found, zyg.jvp(native, (x,), (np.ones(2),))[1])
