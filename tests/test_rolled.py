"""Large loops over lists of things of one kind are one loop, and give what unrolled ones give."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import zyg
from zyg.reading import rolled

rng = np.random.default_rng(3)


def r(*shape):
    return rng.uniform(-0.5, 0.5, shape)


X = r(5, 3)


def perceptron(layers, x):
    for w, b in layers:
        x = np.tanh(x @ w + b)
    return np.sum(x**2)


def of_arrays(weights, x):
    kept = np.zeros(3)
    for k, w in enumerate(weights):
        if w[0, 0] > 10.0:
            continue
        kept += np.sum(x @ w, axis=0) * (k + 1)
        if k == 3:
            break
    else:
        kept *= 2.0
    return np.sum(kept**2)


def of_dicts(params, x):
    for layer in params["layers"]:
        h = np.maximum(x @ layer["in"], 0.0)
        x = x + h @ layer["out"]["w"] * layer["scale"]
    return np.sum(np.sin(x))


def two_lists(weights, biases, x):
    s = 0.0
    for w, b in zip(weights, biases, strict=False):
        s += np.sum(np.exp(x @ w * 0.1 + b))
    return s


def written(weights, x):
    s = 0.0
    for w in weights:
        w[0] = w[1] * w[0]
        s += np.sum(x @ w) ** 2
    return s


def nested(groups, x):
    s = 0.0
    for group in groups:
        for w in group:
            s += np.sum((x @ w) ** 2)
    return s


def other_list_by_index(weights, x):
    powers = (2, 3, 1)
    s = 0.0
    for k, w in enumerate(weights):
        s += np.sum((x @ w) ** powers[k])
    return s


def changes_its_kind(weights, x):
    y = None
    for w in weights:
        y = x @ w if y is None else y @ w
    return np.sum(y**2)


def after_the_loop(weights, x):
    s = 0.0
    for w in weights:
        y = x @ w
        s += np.sum(y) ** 2
    return s + np.sum(y**3) + np.sum(w)


W = [r(3, 3) for _ in range(3)]
CASES = {
    "tuples": (perceptron, ([(r(3, 4), r(4)), (r(4, 6), r(6)), (r(6, 1), r(1))], X)),
    "arrays": (of_arrays, (W, X)),
    "tuple of arrays": (of_arrays, (tuple(r(3, 3) for _ in range(5)), X)),
    "dicts": (of_dicts, ({"layers": [{"in": r(3, 4), "out": {"w": r(4, 3)}, "scale": 0.5 + k} for k in range(4)]}, X)),
    "zip": (two_lists, (W, [r(3) for _ in range(3)], X)),
    "written": (written, (W, X)),
    "nested": (nested, ([W, [r(3, 2) for _ in range(3)], W], X)),
    "one array twice": (nested, ([[W[0], W[0], W[1]]], X)),
    "index": (other_list_by_index, (W, X)),
    "kind": (changes_its_kind, (W, X)),
    "after": (after_the_loop, (W, X)),
    "layouts": (of_arrays, ([np.asfortranarray(w) for w in W], X)),
}


def flat(tree):
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in flat(tree[key])]
    return [leaf for item in tree for leaf in flat(item)] if isinstance(tree, (list, tuple)) else [tree]


def fresh(tree):
    if isinstance(tree, dict):
        return {key: fresh(item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(fresh, tree))
    return tree.copy(order="K") if isinstance(tree, np.ndarray) else tree


@pytest.fixture
def always(monkeypatch):
    """Every loop over uniform elements is rolled."""
    zyg.refresh()
    monkeypatch.setattr(rolled, "_LARGE", 0)
    yield
    zyg.refresh()


def outcome(f, args):
    every = tuple(range(len(args)))
    given = fresh(args)
    y, gradient = zyg.value_and_grad(f, every, mode="native")(*given)
    args = fresh(args)
    tangents = fresh(gradient)
    slope = None if f is written else zyg.jvp(f, args, tangents)[1]
    return [y, *flat(gradient), *flat(given)], slope


@pytest.mark.parametrize("name", CASES)
def test_gives_what_unrolled_gives(name, monkeypatch):
    f, args = CASES[name]
    zyg.refresh()
    one, slope = outcome(f, args)
    zyg.refresh()
    monkeypatch.setattr(rolled, "_LARGE", 0)
    other, rolled_slope = outcome(f, args)
    zyg.refresh()
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    if slope is not None:
        np.testing.assert_allclose(slope, rolled_slope, rtol=1e-12)
        squares = sum(np.sum(np.square(leaf)) for leaf in one[1 : 1 + len(flat(args))] if np.ndim(leaf) or leaf)
        np.testing.assert_allclose(slope, squares, rtol=1e-10)


def loops(f, args):
    return zyg.inspect_adjoint(zyg.grad(f, mode="native"), *args).count("while ")


def test_is_one_loop(always):
    f, (weights, x) = CASES["arrays"]
    assert loops(f, (weights, x)) == loops(f, ([*weights, *weights], x))


def test_small_ones_are_unrolled():
    f, args = CASES["arrays"]
    assert loops(f, args) < loops(f, ([*args[0], *args[0]], args[1]))


def test_second_order(always):
    layers, x = CASES["tuples"][1]

    def through(x):
        return perceptron(layers, x)

    v, h, g = r(5, 3), 1e-6, zyg.grad(through)
    difference = (g(x + h * v) - g(x - h * v)) / (2 * h)
    np.testing.assert_allclose(zyg.hvp(through)(x, v), difference, rtol=1e-6, atol=1e-9)
    twice = zyg.grad(lambda x: np.sum(zyg.grad(through)(x) * v))(x)
    np.testing.assert_allclose(twice, difference, rtol=1e-6, atol=1e-9)


def test_captured_parameters(always):
    weights = [r(3, 3) for _ in range(4)]
    g = zyg.gradient(lambda: of_arrays(weights, X), zyg.Params(weights))
    expected = zyg.grad(of_arrays)(weights, X)
    for w, e in zip(weights, expected, strict=True):
        np.testing.assert_allclose(g[w], e, rtol=1e-12)


def test_inside_njit(always):
    g = zyg.grad(of_arrays)

    @njit
    def norm(weights, x):
        s = 0.0
        for dw in g(weights, x):
            s += np.sum(dw**2)
        return s

    weights = tuple(r(3, 3) for _ in range(4))
    expected = sum(np.sum(dw**2) for dw in g(list(weights), X))
    assert norm(weights, X) == pytest.approx(expected, rel=1e-12)


def test_an_index_out_of_range_is_the_users(always):
    def f(weights, x):
        s = 0.0
        for w in weights:
            s += w[len(x), 0] ** 2
        return s

    with pytest.raises(IndexError):
        zyg.grad(f, mode="native")(W, X)


def test_code_does_not_grow_with_the_list():
    """Without any change: a body that is large enough."""

    def block(p, x):
        m = np.mean(x, axis=1, keepdims=True)
        v = np.var(x, axis=1, keepdims=True)
        y = (x - m) / np.sqrt(v + 1e-5) * p["gain"]
        a = np.exp(y @ p["q"] @ (y @ p["k"]).T)
        a = a / np.sum(a, axis=1, keepdims=True)
        return x + np.maximum(a @ y @ p["v"] + p["bias"], 0.0)

    def f(layers, x):
        for p in layers:
            x = block(p, x)
        return np.sum(x**2)

    def layers(n):
        return [{"gain": r(3), "q": r(3, 3), "k": r(3, 3), "v": r(3, 3), "bias": r(3)} for _ in range(n)]

    assert loops(f, (layers(6), X)) == loops(f, (layers(12), X))
    few, h = layers(6), 1e-6
    g = zyg.grad(f)(few, X)
    few[4]["k"][1, 2] += h
    up = f(few, X)
    few[4]["k"][1, 2] -= 2 * h
    assert g[4]["k"][1, 2] == pytest.approx((up - f(few, X)) / (2 * h), rel=1e-4)
