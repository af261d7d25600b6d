"""`itertools`, `operator.itemgetter` and `in`, in both modes, with elements that are known when compiling or not."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import zyg

VALUES = [1.0, 2.0, 3.0]


@dataclass
class Body:
    mass: float
    place: np.ndarray


def bodies(x):
    found = [Body(1.0 + i * x, np.array([x * i, i * 0.5 + x * x])) for i in range(5)]
    energy = 0.0
    for a, b in itertools.combinations(found, 2):
        energy -= a.mass * b.mass / np.linalg.norm(a.place - b.place)
    return energy


def of_ranges(x, n=4):
    q = x * np.arange(n)
    total = 0.0
    for i, j in itertools.product(range(n), range(n)):
        if i != j:
            total += math.sin(q[i] - 2 * q[j])
    for i, j, k in itertools.product(range(n), repeat=3):
        total += q[i] * q[j] * q[k] * 0.01
    for i, j in itertools.combinations(range(len(q)), 2):
        total += 1 / (1 + (q[i] - q[j]) ** 2)
    return total


def of_arrays(x, n=4):
    q = x * np.arange(n)
    total = 0.0
    for a, b in itertools.pairwise(q):
        total += (b - a) ** 3
    for a in itertools.accumulate(q):
        total += a * a
    for a in itertools.islice(q, 1, 4, 2):
        total += a**3
    for a, b in itertools.combinations(q, 2):
        total += a * b * b
    return total


def of_many(x):
    total = 0.0
    for i, j in itertools.combinations(range(20), 2):
        total += math.sin(x * i - j)
    return total


def of_none(x):
    total = x
    for a, _ in itertools.combinations([x], 2):
        total += a
    for a, _ in itertools.pairwise(np.zeros(1)):
        total += 9 * x + a
    for i, _ in itertools.product(range(0), range(3)):
        total += x * i
    return total


def put_together(x):
    total = sum([p * q * x for p, q in itertools.product(VALUES, [x, 2.0])])
    total += sum([p * x for p in itertools.chain(VALUES, [x], (x, 1.0))])
    total += sum([p * x for p in itertools.chain.from_iterable([VALUES, [x]])])
    total += sum(itertools.accumulate([x, 2.0, x], operator.mul))
    total += sum(itertools.accumulate([x, x * x], lambda a, b: a * b + 1, initial=2.0))
    total += sum(itertools.starmap(lambda p, q: p * q * x, [(1, 2), (3, x)]))
    total += sum([p * q * x for p, q in itertools.zip_longest(VALUES, [1.0], fillvalue=2.0)])
    total += sum([p * x + q for p, q, _ in itertools.permutations(VALUES)])
    total += sum([p * q for p, q in zip(VALUES, itertools.repeat(x, 2), strict=False)])
    return total + sum([(q - p) * x for p, q in itertools.pairwise(VALUES)])


def getters(x):
    rows = [{"n": 2, "v": x}, {"n": 1, "v": x * x}]
    both = operator.itemgetter("n", "v")
    first = sorted([(2, x), (1, x * x)], key=operator.itemgetter(0))[0][1]
    return sum([a * b for a, b in map(both, rows)]) + first + operator.attrgetter("mass")(Body(x * x, np.ones(1)))


def members(x):
    total = 0.0
    for i in range(-4, 12):
        if i in range(0, 10, 3):
            total += x * i
        if i in range(9, -3, -2):
            total += x * x * i
        if i in np.array([1, 5]):
            total += x**3
    return total


def arrays_that_loops_write(x):
    """Only combinations, permutations and product hold what their arguments are when they are made."""
    total = 0.0
    for make in (
        lambda a: itertools.chain(a, [x]),
        itertools.accumulate,
        reversed,
        lambda a: itertools.islice(a, 1, None),
        lambda a: map(sum, itertools.zip_longest(a, [1.0], fillvalue=2.0)),
        lambda a: map(operator.itemgetter(0), itertools.pairwise(a)),
        lambda a: map(operator.itemgetter(1), itertools.pairwise(a)),
        lambda a: itertools.starmap(lambda i, s: a[i] * s, [(0, 1.0), (2, x)]),
        lambda a: map(sum, itertools.product(a, range(30))),
        lambda a: map(sum, itertools.combinations(a, 2)),
    ):
        a = np.array([x, 2 * x, 3 * x, x * x])
        for v in make(a):
            a[0] *= x
            a[1] += x
            a[2] = a[2] * x + x**3
            total += v * v
    return total


def lists_that_loops_write(x):
    a = [x * i for i in range(6)]
    total = 0.0
    for v, w in itertools.pairwise(a):
        a[3] += x**3
        total += v * w
    for v in itertools.accumulate(a):
        a[3] = x * x
        total += v * x
    for v, i in itertools.product(a, range(3)):
        a[2] += x
        total += v * x * i
    return total


PROGRAMS: list[Callable[..., Any]] = [
    bodies,
    of_ranges,
    of_arrays,
    of_many,
    of_none,
    put_together,
    getters,
    members,
    arrays_that_loops_write,
    lists_that_loops_write,
]


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda fn: fn.__name__)
def test_itertools(program: Any, mode: str) -> None:
    x, h = 0.7, 1e-6
    gradient = zyg.grad(program, mode=mode)
    assert zyg.value_and_grad(program, mode=mode)(x)[0] == pytest.approx(program(x))
    assert gradient(x) == pytest.approx((program(x + h) - program(x - h)) / (2 * h), rel=1e-6)
    assert zyg.jvp(program, (x,), (1.0,), mode=mode)[1] == pytest.approx(gradient(x))
    if program not in (of_ranges, of_arrays):  # some seconds
        bend = (gradient(x + h) - gradient(x - h)) / (2 * h)
        assert zyg.grad(gradient, mode=mode)(x) == pytest.approx(bend, rel=1e-5)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_their_length_is_known_at_run_time(mode: str) -> None:
    for n in (2, 5, 3):
        for program in (of_ranges, of_arrays):
            slope = (program(0.7 + 1e-6, n) - program(0.7 - 1e-6, n)) / 2e-6
            assert zyg.grad(program, mode=mode)(0.7, n) == pytest.approx(slope, rel=1e-6)


def test_they_are_used_once() -> None:
    def program(x):
        found = itertools.combinations([x, x * x, 2.0], 2)
        return sum([a * b for a, b in found]) + sum([a for a, _ in found])

    with pytest.raises(zyg.UnsupportedError, match="Make a list of it"):
        zyg.grad(program, mode="native")(0.7)
    assert zyg.grad(program, mode="dynamic")(0.7) == pytest.approx(3 * 0.49 + 2 + 4 * 0.7)


def test_what_would_be_asked_for_in_advance_is_for_dynamic_mode() -> None:
    def lists(x):
        a = [x * i for i in range(4)]
        total = 0.0
        for v in itertools.islice(a, 1, None):
            a[3] = x**3
            total += v
        return total

    def calls(x):
        log = np.zeros(1)

        def added(a, b):
            log[0] += x
            return a + b

        return sum([v * log[0] for v in itertools.accumulate([x, x, x], added)])

    for program, hint in ((lists, "islice of a list"), (calls, "more than an expression")):
        with pytest.raises(zyg.UnsupportedError, match=hint):
            zyg.grad(program, mode="native")(0.7)
        slope = (program(0.7 + 1e-6) - program(0.7 - 1e-6)) / 2e-6
        assert zyg.grad(program, mode="dynamic")(0.7) == pytest.approx(slope)
