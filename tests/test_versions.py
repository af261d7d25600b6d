"""Loops with and without guards do the same, up to the element where they fail."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from buffers import FLOATS, add, load, run, store
from indexing import at, extent, guards, read, simplified
from sources import defined

from zyg.ir.graph import Graph
from zyg.ir.program import Guard, Module, Program
from zyg.ir.scalars import i8
from zyg.ir.verify import verify
from zyg.passes.simplify import simplify_program
from zyg.passes.versions import version_loops

SEEDS = int(os.environ.get("ZYG_SEEDS", "40"))
NUMBERS = (-(2**63), -(2**62), -3, -1, 0, 1, 2, 3, 4, 5, 6, 2**31, 2**62, 2**63 - 2, 2**63 - 1)


def up_to(x, n, a, b):
    n = extent(n)
    s = 0.0
    for i in range(a):
        s += load(x, at(i, n))
        store(x, at(i, n), s)
    return s


def part(x, n, a, b):
    n = extent(n)
    i = -7
    for i in range(a, b):
        add(x, at(i, n), 1.0)
    return i


def strided(x, n, a, b):
    n = extent(n)
    s = 0.0
    for i in range(3):
        s += load(x, at(a + i * b, n))
    return s


def fixed_place(x, n, a, b):
    n = extent(n)
    for i in range(n):
        store(x, at(b, n), load(x, i) + load(x, at(a, n)))


def downward(x, n, a, b):
    n = extent(n)
    i = a
    while i > b:
        store(x, at(i, n), 0.5 * i)
        i -= 1
    return i


def by_twos(x, n, a, b):
    n = extent(n)
    i = a
    while i < b:
        store(x, at(i, n), 0.5 * i)
        i += 2
    return i


def conditional(x, n, a, b):
    n = extent(n)
    s = 0.0
    for i in range(n):
        if load(x, i) > 0:
            s += load(x, at(i + a, n))
    return s


def scaled(x, n, a, b):
    n = extent(n)
    for i in range(5):
        store(x, at(i * a, n), 1.0)


def inner(x, n, a, b):
    n = extent(n)
    s = 0.0
    for i in range(n):
        for j in range(i, a):
            s += load(x, at(j, n)) * i
    return s


def data_dependent(x, n, a, b):
    n = extent(n)
    s = 0.0
    for i in range(n):
        s += load(x, at(int(load(x, i)), n)) + load(x, at(i + a, n))
    return s


def left_early(x, n, a, b):
    n = extent(n)
    s = 0.0
    for i in range(a):
        s += load(x, at(i, n))
        if s > 2:
            break
    return s


# CPython 3.13 lays the loops of some out in another way, in which they keep their guards
VERSIONED = (up_to, part, strided, fixed_place, scaled, inner)
if sys.version_info < (3, 13):
    VERSIONED += (downward, by_twos, conditional)
AS_IT_IS = (data_dependent, left_early)


def unguarded_loops(program: Program) -> int:
    """Innermost loops that no guard is in."""
    graph = Graph(program)
    loops = {loop.header: loop for loop in graph.loop_of.values() if loop is not None}
    parents = {loop.parent.header for loop in loops.values() if loop.parent is not None}
    return sum(
        not any(isinstance(op.fn, Guard) for label in loop.blocks for op in program.blocks[label].ops)
        for header, loop in loops.items()
        if header not in parents
    )


def check(program: Program, versioned: Program, points: list[tuple[int, int, int]]) -> None:
    verify(Module({"f": versioned}, "f"))
    for n, a, b in points:
        args = ([0.75 * i - 0.5 for i in range(n)], n, a, b)
        assert repr(run(versioned, args)) == repr(run(program, args)), args


@pytest.mark.parametrize("fn", VERSIONED, ids=lambda fn: fn.__name__)
def test_versions(fn: Callable[..., Any]) -> None:
    program = simplified(read(fn, FLOATS, i8, i8, i8))
    versioned = simplify_program(version_loops(program))
    assert unguarded_loops(program) == 0
    assert unguarded_loops(versioned) == 1
    points = [(n, a, b) for n in (0, 1, 4) for a in NUMBERS for b in NUMBERS]
    check(program, versioned, points)


@pytest.mark.parametrize("fn", AS_IT_IS, ids=lambda fn: fn.__name__)
def test_loops_left_as_they_are(fn: Callable[..., Any]) -> None:
    program = simplified(read(fn, FLOATS, i8, i8, i8))
    assert version_loops(program) is program


def random_source(seed: int) -> str:
    chooser = random.Random(seed)
    pick = chooser.choice
    lines = ["def f(x, n, a, b):", "    n = extent(n)", "    s = 0.0", "    i = 0"]
    for _ in range(2):
        steps = chooser.randint(1, 3)
        head, step = pick(
            (
                ("for i in range(a, b):", None),
                ("for i in range(b):", None),
                ("for i in range(b, a, -1):", None),
                ("for i in range(n + 1):", None),
                (f"i = a\n    while i < {pick('bn')}:", f"i += {steps}"),
                (f"i = b\n    while i >= {pick('0a')}:", f"i -= {steps}"),
            )
        )
        lines.append(f"    {head}")
        for _ in range(chooser.randint(1, 3)):
            index = pick(("i", "i", "i + 1", "i - a", "n - 1 - i", "2 * i + b", "i * 3 - 1", "b - i"))
            value = pick(("s", "1.5", f"load(x, at({pick(('a', 'i', 'i - 1'))}, n))"))
            access = pick(("store(x, at({}, n), {} * 0.5)", "add(x, at({}, n), {})", "s = load(x, at({}, n)) - {}"))
            lines.append("        " + access.format(index, value))
        if step is not None:
            lines.append(f"        {step}")
    return "\n".join([*lines, "    return s, i", ""])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_loops(seed: int) -> None:
    names = {"extent": extent, "at": at, "load": load, "store": store, "add": add}
    fn = defined(random_source(seed), f"<versions {seed}>", names)["f"]
    program = simplified(read(fn, FLOATS, i8, i8, i8))
    versioned = simplify_program(version_loops(program))
    chooser = random.Random(seed)
    check(program, versioned, [(chooser.randint(0, 6), *chooser.choices(NUMBERS, k=2)) for _ in range(40)])


def test_the_guards_of_a_versioned_loop_stay_in_the_other() -> None:
    program = simplified(read(up_to, FLOATS, i8, i8, i8))
    assert guards(version_loops(program)) == guards(program)
