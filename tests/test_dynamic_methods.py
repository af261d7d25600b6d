"""Methods, closures and structures that dynamic mode gives to native code: the same values and derivatives."""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from test_dynamic_callees import runs, same
from test_dynamic_callees import soon as soon

import zyg
from zyg.dynamic import callees

Pair = namedtuple("Pair", "u v")


class Spring:
    rate = 0.5

    def __init__(self, k, w, steps):
        self.k, self.w, self.steps = k, w, steps
        self.calls = 0

    @property
    def half(self):
        return self.k * self.rate

    def relaxed(self, x):
        y = 0.0
        for i in range(self.steps):
            y = math.sin(y + self.half) + x * i
        return y

    def norm(self, scale=1.0):
        total = 0.0
        for i in range(len(self.w)):
            total += self.w[i] * self.w[i] * scale
        return total

    def __call__(self, x):
        y = x
        for _ in range(self.steps):
            y = y - 0.1 * self.relaxed(y)
        return y

    def counted(self, x):
        for _ in range(2):
            self.calls += 1
            x = math.sin(x)
        return x


class Stiff(Spring):
    def relaxed(self, x):
        return 0.5 * super().relaxed(x)


def test_methods():
    def program(x, a):
        spring = Spring(x, a * x, 3)
        first = spring.relaxed(x) + spring.norm(x) * spring.norm()
        spring.k = 0.5 * spring.k
        spring.w[1] = x  # what was read before counts for the first sums
        return first * spring.relaxed(0.25) + spring.norm(scale=2.0) + spring(x) * Spring.relaxed(spring, x)

    same(program, 0.7, np.linspace(0.2, 1.0, 4))
    same(program, 0.7, np.linspace(0.2, 1.0, 4), argnums=1)
    assert runs(Spring.relaxed)[0] > 6
    assert runs(Spring.norm)[0] > 6
    assert runs(Spring.__call__)[0] > 2


def test_methods_that_others_inherit_or_that_are_replaced(monkeypatch):
    def program(x):
        return Stiff(x, None, 3).relaxed(x) * Stiff(2 * x, None, 2)(x) + Spring(x, None, 2)(x)

    same(program, 0.7)
    assert runs(Spring.__call__)[0] > 2
    monkeypatch.setattr(Spring, "rate", 0.8)
    same(program, 0.7)
    monkeypatch.setattr(Spring, "half", property(lambda self: math.cos(self.k)))
    same(program, 0.7)
    monkeypatch.setattr(Spring, "relaxed", lambda self, x: x * x)
    same(program, 0.7)


def test_methods_that_change_their_instance():
    def program(x, seen):
        spring = Spring(x, None, 2)
        y = spring.counted(x) * spring.counted(0.5 * x)
        seen.append(spring.calls)
        return y

    for _ in range(3):
        seen: list[int] = []
        zyg.grad(program, mode="dynamic")(0.7, seen)
        assert seen == [4]


@dataclass(frozen=True)
class Fixed:
    x: float
    y: Any

    def folded(self, n):
        y = self.y[0]
        for i in range(n):
            y = math.sin(y * self.x) + 0.1 * self.y[1].v * i
        return y


def test_dataclasses_tuples_and_dicts():
    def mixed(p, d, items, n):
        y = p.u
        for _ in range(n):
            y = y * math.sin(p.v) + d["k"]["r"] * items[0] + items[1].x
        return y

    def program(x):
        fixed = Fixed(x, (x * x, Pair(1.0, x)))
        found = fixed.folded(3) * fixed.folded(2)
        for n in (2, 3):
            found += mixed(Pair(x, 0.5), {"k": {"r": x, "name": "r", "on": True, "n": None}}, [x, fixed], n)
        return found

    same(program, 0.7)
    assert runs(Fixed.folded)[0] > 2


def test_closures_that_capture_what_is_differentiated():
    def maker(k, w, pair):
        def run(t, n):
            y = 0.0
            for i in range(n):
                y += math.sin(k * t) * w[i % 2] + pair.v
            return y

        return run

    def euler(f, y, n):
        for _ in range(n):
            y = y + 0.1 * f(y)
        return y

    def program(x, a):
        w = a * x
        run = maker(x, w, Pair(1.0, x * x))
        first = run(0.5, 3) * run(x, 2)
        w[0] = 2.0 * x
        k = x
        total = first + run(x, 4) + euler(lambda y: -k * y + math.sin(y), x, 4)
        k = 3.0 * x
        return total * euler(lambda y: -k * y, 0.5, 5) + euler(math.sin, x, 2)

    same(program, 0.7, np.array([0.3, 0.6]))
    same(program, 0.7, np.array([0.3, 0.6]), argnums=1)
    # k is rebound, so that the closures share a cell with what rebinds it: that makes no difference to a call
    assert runs(maker(1.0, None, None))[0] > 4
    assert runs(euler)[0] > 4


def test_closures_in_structures_stay_with_cpython():
    def both(table, x):
        y = 0.25
        for _ in range(3):
            y = y * table["f"](x)
        return y

    def program(x):
        def scaled(t):
            return math.sin(t * x)

        return both({"f": scaled}, 0.5) * both({"f": scaled}, x)

    same(program, 0.7)


def test_an_array_that_becomes_tracked_behind_an_attribute():
    kept = Spring(0.5, np.ones(3), 2)

    def program(x):
        kept.w[:] = 1.0
        before = kept.norm(x)
        kept.w[1] = x
        after = kept.norm(x)
        return before * after + kept.norm()

    same(program, 0.7)


def test_derivatives_of_derivatives():
    def program(x):
        spring = Spring(x, None, 3)
        return spring(x) + spring.relaxed(x) * 2

    def plain(x):
        return program(x)

    first, second = zyg.grad(plain), zyg.grad(zyg.grad(plain))
    slope = zyg.grad(program, mode="dynamic")
    for _ in range(3):
        assert slope(0.7) == pytest.approx(first(0.7), rel=1e-11)
        assert zyg.grad(slope, mode="dynamic")(0.7) == pytest.approx(second(0.7), rel=1e-10)
        assert zyg.jvp(program, (0.7,), (2.0,), mode="dynamic")[1] == pytest.approx(2 * first(0.7), rel=1e-11)
        assert zyg.pullback(program, 0.7, mode="dynamic")[1](3.0)[0] == pytest.approx(3 * first(0.7), rel=1e-11)


def test_short_calls_stay_with_cpython(monkeypatch):
    monkeypatch.setattr(callees, "EACH", 100)

    def brief(x):
        for _ in range(2):
            x = math.sin(x)
        return x

    def long(x):
        for _ in range(200):
            x = math.sin(x)
        return x

    def program(x):
        return sum(brief(x * 0.1 * i) for i in range(50)) + long(x) * long(x)

    same(program, 0.7)
    assert runs(brief) is None
    assert runs(long)[0] > 0


def test_what_classes_define_for_copies_does_not_run():
    class Unique:
        copies = 0

        def __init__(self, k):
            self.k = k

        def __deepcopy__(self, memo):
            Unique.copies += 1
            return self

        def powers(self, n):
            y = 0.25
            for _ in range(n):
                y = y * self.k
            return y

    same(lambda x: Unique(x).powers(3) * Unique(x).powers(2), 0.7)
    assert Unique.copies == 0
