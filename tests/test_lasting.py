"""Elements that are read, and not written afterwards: what is said of them holds, and their reads can be repeated."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from buffers import FLOATS, Log, add, load, read_own, run, store, zeros
from indexing import at, extent
from random_tables import Tables
from sources import defined
from test_memory_facts import overwritten

import zyg
from zyg.ir.memory import mem_load
from zyg.ir.program import Program
from zyg.ir.scalars import f8, i8
from zyg.passes.canonical import canonical
from zyg.passes.lasting import Lasting
from zyg.passes.memory_facts import buffers_of
from zyg.passes.ranges import prove_comparisons
from zyg.passes.simplify import simplify_program

SEEDS = int(os.environ.get("ZYG_SEEDS", "40"))
NAMES = {"extent": extent, "at": at, "zeros": zeros, "load": load, "store": store, "add": add}


def ready(program: Program) -> Program:
    return simplify_program(prove_comparisons(simplify_program(program)))


def lasting(fn: Callable[..., Any]) -> list[bool]:
    """For each load of a function of a buffer and two extents whether its element stays."""
    form = canonical(ready(read_own(fn, FLOATS, i8, i8)))
    lasts = Lasting(form, buffers_of(form.program))
    loads = [op for label in form.graph.order for op in form.program.blocks[label].ops if op.fn is mem_load]
    return [lasts(op) for op in sorted(loads, key=lambda op: op.pos.line)]


def recurrence(x, n, w):
    n = extent(n)
    for t in range(n - 1):
        store(x, at(t + 1, n), load(x, at(t, n)) * 0.5)


def backward(x, n, w):
    n = extent(n)
    t = n - 2
    while t >= 0:
        store(x, at(t, n), load(x, at(t + 1, n)) * 0.5)
        t -= 1


def elimination(x, n, w):
    n, w = extent(n), extent(w)
    for k in range(n):
        for i in range(k + 1, n):
            factor = load(x, at(i, n) * w + at(k, w))
            store(x, at(i, n) * w + at(k, w), factor / load(x, at(k, n) * w + at(k, w)))
            for j in range(k + 1, n):
                here = load(x, at(i, n) * w + at(j, w))
                left = load(x, at(i, n) * w + at(k, w))
                above = load(x, at(k, n) * w + at(j, w))
                store(x, at(i, n) * w + at(j, w), here - left * above)


def triangle(x, n, w):
    n, w = extent(n), extent(w)
    y = zeros(n * w)
    for i in range(n):
        for j in range(i + 1):
            s = load(x, at(i, n) * w + at(j, w))
            for k in range(j):
                s -= load(y, at(i, n) * w + at(k, w)) * load(y, at(j, n) * w + at(k, w))
            store(y, at(i, n) * w + at(j, w), s)
    return load(y, 0)


def own_stride(x, n, w):
    """Nothing says that a column is less than the width."""
    n = extent(n)
    for i in range(n):
        for j in range(n):
            store(x, at(i * w + j + 1, n), load(x, at(i * w + j, n)))


def sweeps(x, n, w):
    n = extent(n)
    for _ in range(w):
        for i in range(1, n):
            store(x, at(i, n), load(x, at(i - 1, n)))


def found_elsewhere(x, n, w):
    n = extent(n)
    y = zeros(n)
    for i in range(n):
        store(y, at(i + w, n), load(y, at(i, n)) + load(x, at(i, n)))
    return load(y, 0)


CASES = [
    (recurrence, [True]),
    (backward, [True]),
    (elimination, [False, True, False, True, True]),
    (triangle, [True, True, True, True]),
    (own_stride, [False]),
    (sweeps, [False]),
    (found_elsewhere, [False, True, True]),
]


@pytest.mark.parametrize(("fn", "expected"), CASES, ids=[fn.__name__ for fn, _ in CASES])
def test_which_elements_stay(fn: Callable[..., Any], expected: list[bool]) -> None:
    assert lasting(fn) == expected


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_said_to_stay_stays(seed: int) -> None:
    source = Tables(seed).text
    program = ready(read_own(defined(source, f"<tables {seed}>", NAMES)["f"], FLOATS, i8, i8, f8))
    form = canonical(program)
    lasts = Lasting(form, buffers_of(form.program))
    for n, w in ((1, 1), (2, 3), (3, 2), (4, 4)):
        log: Log = []
        run(form.program, ([0.1 * i for i in range(n * w)], n, w, 0.4), log)
        assert not overwritten(log, lasts), f"{n}, {w}\n{source}"


def eliminated(a):
    L = a.copy()
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            L[i, k] /= L[k, k]
            for j in range(k + 1, len(a)):
                L[i, j] -= L[i, k] * L[k, j]
    s = 0.0
    for k in range(len(a)):
        s += np.log(np.abs(L[k, k]))
    return s


def filled(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for t in range(1, len(x)):
        y[t] = np.exp(-y[t - 1] * x[t])
    return np.sum(y * y)


def test_nothing_is_kept_of_elements_that_stay() -> None:
    a = np.random.default_rng(0).normal(size=(6, 6)) + 5.0 * np.eye(6)
    assert "tape" not in zyg.inspect_adjoint(zyg.grad(eliminated), a)
    np.testing.assert_allclose(zyg.grad(eliminated)(a), np.linalg.inv(a).T, rtol=1e-12)
    assert "tape" not in zyg.inspect_adjoint(zyg.grad(filled), a[0])
    zyg.check_grads(filled, (a[0],), 2)
    zyg.check_grads(eliminated, (a,), 2)


def walked(x, n):
    if n <= 0:
        return 0.0
    before = walked(x, n - 1)
    s = 0.0
    for i in range(n):
        s += np.sin(x[i]) * x[i]
    return before + s


def overwritten_behind(x):
    y = x.copy()
    r = walked(y, len(y))
    for i in range(len(y)):
        y[i] = 2.0
    return r


def test_recursive_functions_keep_what_their_callers_overwrite() -> None:
    x = np.array([0.3, 0.7, 1.1])
    expected = (np.cos(x) * x + np.sin(x)) * [3, 2, 1]
    np.testing.assert_allclose(zyg.grad(overwritten_behind)(x), expected, rtol=1e-14)
