"""Passes over loops leave what programs compute as it is, but for the order of sums that have none."""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from buffers import FLOATS, add, load, new, read_own, run, store, zeros
from indexing import at, extent, guards

import zyg
from zyg.adjoint.cut import INFINITE, Network
from zyg.ir.graph import Graph
from zyg.ir.memory import mem_add, mem_new, mem_store, mem_zeros
from zyg.ir.program import Module, Program
from zyg.ir.scalars import i8
from zyg.ir.verify import verify
from zyg.passes.first_writes import first_additions_as_writes
from zyg.passes.hoisted_buffers import with_hoisted_buffers
from zyg.passes.last_writes import without_last_writes
from zyg.passes.neighbour_sums import sums_of_neighbours
from zyg.passes.reciprocals import with_reciprocals
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


def left_at_its_end(x, y, n):
    while True:
        add(x, 3, load(y, n) + 2.0)
        add(x, n, 1.0)
        add(x, n + 1, 1.0)
        if n == 0:
            break
        n -= 1


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


def neighbours(x, y, n):
    for k in range(n):
        add(x, k + 1, load(y, k))
        add(x, k, 2.0 * load(y, k))
        add(x, k + 3, load(y, k + 1))
        add(x, 1 + k, 3.0)


def neighbours_of_a_row(x, y, n):
    for i in range(3):
        for k in range(n // 4):
            add(x, i * 3 + k, load(y, k))
            add(x, i * 3 + k + 1, load(y, k))


def filled(x, y, n):
    a, b = zeros(n), zeros(n)
    for k in range(n):
        add(a, k, load(y, k))
    for k in range(n - 1, -1, -1):
        add(b, k, load(a, k) + load(x, k))
    for k in range(n):
        store(x, k, load(b, k))


def filled_twice(x, y, n):
    a = zeros(n)
    for _ in range(2):
        for k in range(n):
            add(a, k, load(y, k))
    for k in range(n):
        store(x, k, load(a, k))


def partly_filled(x, y, n):
    a = zeros(n + 2)
    for k in range(n):
        add(a, k, load(y, k))
    for k in range(n + 2):
        store(x, k, load(a, k))


def filled_behind(x, y, n):
    a = zeros(n + 2)
    for k in range(n):
        add(a, k + 2, load(y, k))
    for k in range(n + 2):
        store(x, k, load(a, k))


def stored_everywhere(x, y, n):
    a, b = zeros(n), zeros(n + 1)
    for k in range(n):
        store(a, k, 2.0 * load(y, k))
        store(b, k, load(y, k))
    for k in range(n):
        store(x, k, load(a, k) + load(b, k + 1))


def stored_twice(x, y, n):
    a = zeros(n)
    for k in range(1, n):
        store(a, k - 1, load(y, k))
        store(a, k, load(a, k - 1))
    for k in range(n):
        store(x, k, load(a, k))


def filled_by_rows(x, y, n):
    n = extent(n)
    a = zeros(n * 3)
    for i in range(n):
        for j in range(3):
            add(a, i * 3 + j, load(y, i))
    for i in range(n // 3):
        store(x, i, load(a, i))


def filled_by_columns(x, y, n):
    n = extent(n)
    a = zeros(n * n)
    for i in range(n):
        for j in range(n):
            add(a, j * n + i, load(y, i))
    for i in range(n):
        store(x, i, load(a, i))


def overlapping_rows(x, y, n):
    n = extent(n)
    a = zeros(n * 3)
    for i in range(n):
        for j in range(3):
            add(a, i * 2 + j, load(y, i))
    for i in range(n):
        store(x, i, load(a, i))


def looked_at_before(x, y, n):
    a = zeros(n)
    if n > 2:
        store(x, 0, load(a, 1))
    for k in range(n):
        add(a, k, load(y, k))
    for k in range(n):
        store(x, k, load(a, k))


def made_in_a_loop(x, y, n):
    for i in range(3):
        a = zeros(n)
        for k in range(n):
            add(a, k, load(y, k) + i)
        for k in range(n):
            add(a, k, load(x, k))
        for k in range(n):
            store(x, k, load(a, k))


def kept_in_a_loop(x, y, n):
    for i in range(3):
        a = zeros(n)
        if i % 2 == 1:
            for k in range(n):
                add(a, k, load(y, k))
        for k in range(n):
            store(x, k, load(x, k) + load(a, k))


def made_and_left(x, y, n):
    for i in range(3):
        a = new(n)
        for k in range(n):
            store(a, k, load(y, k) + i)
        if load(y, 0) > 100.0:
            break
        for k in range(n):
            add(x, k, load(a, k))


def taken(x, y, n):
    for i in range(3):
        a = zeros(n)
        for k in range(n):
            store(a, k, load(y, k) + i)
        for k in range(n - 1, -1, -1):
            v = load(a, k)
            store(a, k, 0.0)
            add(x, k, v)


def taken_twice(x, y, n):
    a = zeros(n)
    for i in range(3):
        for k in range(n):
            add(a, k, load(y, k) + i)
        for k in range(n - 1, -1, -1):
            v = load(a, k)
            if i > 0:
                store(a, k, 0.0)
            add(x, k, v)


def taken_at_one_place(x, y, n):
    a = zeros(n + 2)
    store(a, 1, 5.0)
    for k in range(n):
        v = load(a, 1)
        store(a, 1, 0.0)
        add(x, k, v)


def looked_at_late(x, y, n):
    a, b = zeros(n), zeros(n)
    for k in range(n):
        store(a, k, load(y, k))
    for k in range(n):
        s = load(y, k) * 2.0 + load(x, k) * 3.0 + load(y, k) * load(x, k)
        add(b, k, s + load(a, k))
    for k in range(n):
        s = load(y, k) * 2.0 + load(x, k) * 3.0 + load(y, k) * load(x, k)
        store(x, k, s + load(b, k))


FILLED = (
    stored_everywhere,
    stored_twice,
    looked_at_late,
    taken,
    taken_twice,
    taken_at_one_place,
    neighbours,
    neighbours_of_a_row,
    filled,
    filled_twice,
    partly_filled,
    filled_behind,
    filled_by_rows,
    filled_by_columns,
    overlapping_rows,
    looked_at_before,
    made_in_a_loop,
    kept_in_a_loop,
    made_and_left,
)


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
    left_at_its_end,
    *FILLED,
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
TURNABLE = (
    downward,
    read_and_written,
    last_value,
    used_behind,
    stored,
    one_element,
    sometimes,
    element_that_is_read,
    nested,
)
ONE_LATCH = (
    (sometimes,) if sys.version_info < (3, 14) else ()
)  # else a branch at the end of a body repeats in two places
TURNED = {downward, one_element, nested, *ONE_LATCH}


CHANGES: tuple[Callable[[Program], Program], ...] = (
    upward,
    sums_in_registers,
    unrolled,
    lambda q: sums_in_registers(upward(q)),
    sums_of_neighbours,
    first_additions_as_writes,
    with_hoisted_buffers,
    lambda q: first_additions_as_writes(simplify_program(sums_of_neighbours(q))),
    lambda q: with_hoisted_buffers(simplify_program(first_additions_as_writes(q))),
    with_reciprocals,
    without_last_writes,
    lambda q: with_hoisted_buffers(first_additions_as_writes(without_last_writes(q))),
)


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
    for change in CHANGES:
        agree(program, change(program), n)
        agree(program, simplify_program(change(program)), n)


@pytest.mark.parametrize("fn", TURNABLE)
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


def zeros_made(fn: Callable[..., Any]) -> int:
    program = simplify_program(first_additions_as_writes(program_of(fn)))
    return sum(op.fn is mem_zeros for op in program.ops())


def test_zeros_that_are_added_to_once_and_everywhere_are_not_made() -> None:
    for fn in (filled, partly_filled, filled_behind, filled_by_rows, filled_by_columns, made_in_a_loop):
        assert zeros_made(fn) == 0, fn
    assert zeros_made(stored_everywhere) == 0
    for fn in (filled_twice, overlapping_rows, looked_at_before, kept_in_a_loop, stored_twice):
        assert zeros_made(fn) == 1, fn


def test_resets_that_nobody_sees_are_dropped() -> None:
    for fn, expected in ((taken, 1), (taken_twice, 1), (taken_at_one_place, 2)):
        program = without_last_writes(program_of(fn))
        assert sum(op.fn is mem_store for op in program.ops()) == expected, fn


def test_neighbours_are_added_to_once() -> None:
    program = simplify_program(sums_of_neighbours(program_of(neighbours)))
    graph = Graph(program)
    inside = [op for label in graph.order if graph.loop_of[label] for op in program.blocks[label].ops]
    assert sum(op.fn is mem_add for op in inside) == 1


def test_buffers_of_iterations_are_made_once() -> None:
    for fn in (made_in_a_loop, kept_in_a_loop, made_and_left):
        program = with_hoisted_buffers(program_of(fn))
        graph = Graph(program)
        inside = [op for label in graph.order if graph.loop_of[label] for op in program.blocks[label].ops]
        assert not any(op.fn in (mem_new, mem_zeros) for op in inside)


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


@pytest.mark.parametrize("steps", [0, 1, 20, 31, 32, 33, 60, 64, 65, 500, 5000])
def test_tapes_outgrow_the_frame(steps):
    """Their first rows lie in the function's frame; there are two of the same kind here, one of which grows twice."""

    def f(x, limit):
        y, k = x, 0
        while k < limit:
            y = y + 0.01 * math.sin(y)
            k += 1
        z, k = x * y, 0
        while k < limit // 2:
            z = z + 0.01 * math.cos(z)
            k += 1
        return y * z

    def slope(x, limit):
        y, dy = x, 1.0
        for _ in range(limit):
            y, dy = y + 0.01 * math.sin(y), dy * (1.0 + 0.01 * math.cos(y))
        z, dz = x * y, y + x * dy
        for _ in range(limit // 2):
            z, dz = z + 0.01 * math.cos(z), dz * (1.0 - 0.01 * math.sin(z))
        return dy * z + y * dz

    assert zyg.grad(f)(0.7, steps) == pytest.approx(slope(0.7, steps), rel=1e-12)
