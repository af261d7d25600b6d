"""Dicts with keys that show at run time, and sets, against Python's: what they hold, in which order; derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest

import zyg


def obeyed(x, what, keys):
    """A dict to which a sequence of things is done."""
    d = {}
    s = 0.0
    for i in range(len(what)):
        k, op = keys[i], what[i]
        if op == 0:
            d[k] = x[i]
        elif op == 1:
            d[k] = d.get(k, 0.5) * x[i]
        elif op == 2:
            s += d.pop(k, 2.0) * s
        elif op == 3:
            if k in d:
                s += 1.0
                del d[k]
        elif op == 4:
            s += d.setdefault(k, x[i] ** 2)
        elif op == 5 and len(d) > 0:
            last, v = d.popitem()
            s += last * v
        elif op == 6 and len(d) > 5:
            d.clear()
        elif op == 7:
            for name, v in d.items():
                s = 0.9 * s + name * math.sin(v)
        elif op == 8:
            s += d[k] * s
    for name in d:
        s = 0.7 * s + d[name] * name
    return s + sum(d.values()) * len(d)


def agree(f, x):
    """First and second derivatives agree with differences."""
    v, step = np.cos(np.arange(len(x))), 1e-5
    gradient = zyg.grad(f, mode="native")
    ahead, behind = x + step * v, x - step * v
    assert gradient(x) @ v == pytest.approx((f(ahead) - f(behind)) / (2 * step), rel=1e-6)
    differences = (gradient(ahead) - gradient(behind)) / (2 * step)
    np.testing.assert_allclose(zyg.hvp(f)(x, v), differences, rtol=1e-6, atol=1e-6)


def sequences(seed):
    rng = np.random.default_rng(seed)
    for n in (0, 3, 12, 60):
        for spread in (3, 10, 10**12):
            what = rng.integers(0, 8, n)
            yield rng.normal(size=n), what, rng.integers(-spread, spread, n) * rng.integers(1, 3)


def test_a_dict_does_as_it_is_told():
    gradient = zyg.value_and_grad(obeyed, mode="native")
    for seed in range(25):
        for x, what, keys in sequences(seed):
            value, found = gradient(x, what, keys)
            assert value == pytest.approx(obeyed(x, what, keys), rel=1e-12, abs=1e-300)
            if len(x) <= 12 and seed < 2:
                expected = zyg.grad(obeyed, mode="dynamic")(x, what, keys)
                np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-300)
    x, what, keys = np.array([0.3, -0.7, 1.2, 0.4, 0.9]), np.array([0, 0, 4, 1, 7]), np.array([3, 8, 5, 3, 0])
    agree(lambda x: obeyed(x, what, keys), x)
    with pytest.raises(KeyError, match="-4"):
        gradient(np.ones(2), np.array([0, 8]), np.array([4, -4]))


def pairs(x):
    groups = {}
    for i in range(len(x)):
        key = (i % 2, i % 3)
        if key not in groups:
            groups[key] = []
        groups[key].append(x[i])
    s = 0.0
    for (a, b), values in groups.items():
        p = 1.0
        for v in values:
            p *= v
        s += (a + 2 * b) * p * p
    return s


class Totals:
    def __init__(self):
        self.by_key = {}

    def add(self, key, value):
        self.by_key[key] = self.by_key.get(key, 0.0) + value


def of_an_instance(x):
    totals = Totals()
    for i in range(len(x)):
        totals.add(i % 3, x[i] ** 2)
    return totals.by_key[0] * totals.by_key[1] + len(totals.by_key)


def seen_once(x):
    seen, s = {9}, 0.0
    for i in range(len(x)):
        if i * i % 5 not in seen:
            seen.add(i * i % 5)
            s += x[i] ** 3
    seen.discard(9)
    return s * len(seen)


def several_sets(x):
    one, other = set(range(3)), {2, 5}
    one |= {7}
    s = 0.0
    for k in sorted(one | other):
        s = 2.0 * s + k
    return s * x + len(one & other) + 10 * len(one - other)


def remembered(x):
    known = {}

    def value(n):
        if n < 2:
            return x[n]
        if n in known:
            return known[n]
        known[n] = math.sin(value(n - 1)) * value(n - 2) + x[2]
        return known[n]

    return value(6)


@pytest.mark.parametrize("f", [pairs, of_an_instance, seen_once])
def test_derivatives(f):
    x = np.array([0.7, -0.4, 1.3, 0.9, -1.1, 0.35])
    assert zyg.value_and_grad(f, mode="native")(x)[0] == pytest.approx(f(x), rel=1e-14)
    agree(f, x)


def test_operations_of_sets():
    assert zyg.value_and_grad(several_sets, mode="native")(0.5) == (
        several_sets(0.5),
        several_sets(1.0) - several_sets(0.0),
    )


def test_what_a_recursion_remembers():
    """Forward mode passes over what is kept beside numbers: bools in a list."""
    x = np.array([0.7, -0.4, 1.3])
    np.testing.assert_allclose(zyg.grad(remembered, mode="native")(x), zyg.grad(remembered, mode="dynamic")(x))
    zyg.check_grads(zyg.grad(remembered), (x,), modes=("fwd",))


def test_what_iteration_refuses():
    def growing(x):
        d = {}
        for i in range(3):
            d[i] = x[i]
        for k in d:
            d[k + 10] = 1.0
        return d[0]

    with pytest.raises(RuntimeError, match="changed size"):
        zyg.grad(growing, mode="native")(np.ones(3))
    with pytest.raises(zyg.UnsupportedError, match="order"):
        zyg.grad(lambda x: sum([x[k] for k in {1, 2}]), mode="native")(np.ones(3))

    def given_back(x):
        d = {}
        for i in range(3):
            d[i] = x[i]
        return d[0], d

    with pytest.raises(zyg.UnsupportedError, match="cannot be given to Python"):
        zyg.grad(given_back, has_aux=True, mode="native")(np.ones(3))
