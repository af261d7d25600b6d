"""Passes over loops leave what programs compute as it is, but for the order of sums that have none."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from buffers import FLOATS, add, load, read_own, run, store
from indexing import at, extent, guards

import zyg
from zyg.adjoint.cut import INFINITE, Network
from zyg.ir.graph import Graph
from zyg.ir.memory import mem_add
from zyg.ir.program import Module, Program
from zyg.ir.scalars import i8
from zyg.ir.verify import verify
from zyg.passes.register_sums import sums_in_registers
from zyg.passes.simplify import simplify_program
from zyg.passes.unroll import unrolled
from zyg.passes.upward import upward

SEEDS = int(os.environ.get("ZYG_SEEDS", "60"))
NUMBERS = (0, 1, 2, 3, 5, 8)


def downward(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        add(x, n, 2.0 * load(y, n))
        add(x, n + 1, 1.0)


def read_and_written(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        add(x, n, 2.0 * load(x, n + 1))


def last_value(x, y, n):
    s = 0.0
    while True:
        if n == 0:
            break
        n -= 1
        s = 0.5 * s + load(y, n)
        add(x, n, 1.0)
    return s


def used_behind(x, y, n):
    v = 0.0
    while True:
        if n == 0:
            break
        n -= 1
        v = load(y, n)
        add(x, n, 1.0)
    return v


def stored(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        store(x, 0, load(y, n))


def one_element(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        add(x, 3, load(y, n))
        add(x, n, 1.0)


def sometimes(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        if load(y, n) > 2.0:
            add(x, 3, load(y, n))


def element_that_is_read(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        add(x, 3, load(x, n))


def nested(x, y, n):
    while True:
        if n == 0:
            break
        n -= 1
        m = n
        while True:
            if m == 0:
                break
            m -= 1
            add(x, n, load(y, m))
            add(x, m, load(y, n))


def short(x, y, n):
    n = extent(n)
    for i in range(n):
        s = 1.0
        for k in range(3):
            s *= load(y, at(i, n)) + k
            if s > 40.0:
                break
        for k in range(2, 7, 2):
            for j in range(2):
                add(x, at(k + j, n), s)


def backwards(x, y, n):
    s = 0.0
    for k in range(3, -1, -1):
        s = 2.0 * s + load(y, k)
    return s


ALL = (
    downward,
    read_and_written,
    last_value,
    used_behind,
    stored,
    one_element,
    sometimes,
    element_that_is_read,
    nested,
    short,
    backwards,
)
TURNED = {downward, one_element, sometimes, nested}


def program_of(fn: Callable[..., Any]) -> Program:
    return simplify_program(read_own(fn, FLOATS, FLOATS, i8))


def agree(before: Program, after: Program, n: int) -> None:
    """Whole numbers: sums in any order are the same."""
    verify(Module({after.name: after}, after.name))
    args = [[float(i) for i in range(12)], [float((5 * i) % 7) for i in range(12)], n]
    assert run(after, args) == run(before, args)


@pytest.mark.parametrize("fn", ALL)
@pytest.mark.parametrize("n", NUMBERS)
def test_passes_change_nothing(fn: Callable[..., Any], n: int) -> None:
    program = program_of(fn)
    for change in (upward, sums_in_registers, unrolled, lambda q: sums_in_registers(upward(q))):
        agree(program, change(program), n)
        agree(program, simplify_program(change(program)), n)


@pytest.mark.parametrize("fn", ALL[:9])
def test_loops_are_turned_where_order_is_free(fn: Callable[..., Any]) -> None:
    program = program_of(fn)
    turned = upward(program)
    assert any(op.fn.__name__ == "sub" for op in turned.ops()) is (fn not in TURNED)


def test_sums_leave_the_loop() -> None:
    program = sums_in_registers(program_of(one_element))
    graph = Graph(program)
    inside = [op for label in graph.order if graph.loop_of[label] for op in program.blocks[label].ops]
    assert sum(op.fn is mem_add for op in inside) == 1
    assert sum(op.fn is mem_add for op in program.ops()) == 2


def test_elements_that_are_read_or_written_sometimes_stay() -> None:
    for fn in (sometimes, element_that_is_read):
        program = program_of(fn)
        assert sums_in_registers(program) is program or len(sums_in_registers(program).blocks) == len(program.blocks)


def test_short_loops_are_straight() -> None:
    straight = simplify_program(unrolled(program_of(short)))
    loops = {loop.header for loop in Graph(straight).loop_of.values() if loop is not None}
    assert len(loops) == 2  # the outer one, and the one with two ways out
    assert not any(Graph(unrolled(program_of(backwards))).loop_of.values())
    assert guards(straight) >= guards(program_of(short))


def least_cut(nodes: int, edges: list[tuple[int, int, float]]) -> float:
    """By trying all."""
    best = INFINITE
    for mask in range(1 << (nodes - 2)):
        side = {0} | {i + 2 for i in range(nodes - 2) if mask >> i & 1}
        best = min(best, sum(c for a, b, c in edges if a in side and b not in side))
    return best


@pytest.mark.parametrize("seed", range(SEEDS))
def test_minimum_cut(seed: int) -> None:
    rng = random.Random(seed)
    nodes = rng.randint(3, 9)
    edges = [(rng.randrange(nodes), rng.randrange(nodes), float(rng.randint(1, 9))) for _ in range(rng.randint(2, 24))]
    network = Network(nodes)
    for edge in edges:
        network.add(*edge)
    side = network.source_side()
    assert 0 in side and 1 not in side
    assert sum(c for a, b, c in edges if a in side and b not in side) == pytest.approx(least_cut(nodes, edges))


def broadcast(x, w):
    c = x - w
    s = c * w
    return np.sum(s * c)


def in_a_loop(x, w):
    total = 0.0
    for k in range(3):
        c = np.sin(x * w[k])
        total += np.sum(c * c * c)
    return total


@pytest.mark.parametrize("fn", [broadcast, in_a_loop])
def test_nests_of_numpy_need_no_tapes_that_grow(fn: Callable[..., Any]) -> None:
    args = np.ones((5, 3)), np.array([0.5, 0.6, 0.7])
    text = zyg.inspect_adjoint(zyg.grad(fn, (0, 1)), *args)
    assert "tape_reserve" not in text
    zyg.check_grads(fn, args)


def test_a_buffer_made_in_every_iteration_is_another_each_time() -> None:
    text = zyg.inspect_adjoint(zyg.grad(in_a_loop), np.ones((5, 3)), np.ones(3))
    puts = [line.split("#")[0] for line in text.splitlines() if "] = " in line and line.strip().startswith("tape")]
    assert not any("sin" in line or "* 3" in line for line in puts)
