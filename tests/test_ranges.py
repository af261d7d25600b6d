"""Comparisons that are certain lose their guards; all others keep them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from buffers import store, zeros
from indexing import at, extent, guards, read, simplified
from random_indexing import EXTREMES, Source
from sources import defined

from zyg.ir.interpret import interpret
from zyg.ir.program import Module, Program
from zyg.ir.scalars import i8
from zyg.ir.verify import verify
from zyg.passes.ranges import prove_comparisons
from zyg.passes.simplify import simplify_program

SEEDS = int(os.environ.get("ZYG_SEEDS", "40"))
Function = Callable[..., Any]


def whole(n):
    n = extent(n)
    s = 0
    for i in range(n):
        s += at(i, n) * 3
    return s


def inner(n):
    n = extent(n)
    s = 0
    for i in range(1, n - 1):
        s += at(i - 1, n) + 2 * at(i, n) - 5 * at(i + 1, n)
    return s


def triangle(n, m):
    n, m = extent(n), extent(m)
    if n != m:
        raise ValueError
    s = 0
    for i in range(n):
        for j in range(i):
            s += at(i, n) * at(j, m) - at(j, n) * 7 * at(i, m)
        for j in range(i + 1, n):
            s += at(i, n) * at(j, m) - at(j, n) * 7 * at(i, m)
    return s


def backward(n):
    n = extent(n)
    s = 0
    for i in range(n - 1, -1, -1):
        s = 3 * s + at(i, n)
    for i in range(n):
        s = 3 * s + at(n - 1 - i, n)
    for i in reversed(range(n)):
        s = 3 * s + at(i, n)
    return s


def shortest(n, m):
    n, m = extent(n), extent(m)
    s = 0
    for i in range(min(n, m, n + 1)):
        s += at(i, n) + 2 * at(i, m)
    for i in range(max(n, m), n + m):
        s += at(i - n, m) + at(i - m, n)
    return s


def from_the_end(n):
    n = extent(n)
    s = 0
    for i in range(n):
        s = 3 * s + at(-1 - i, n) + at(-n + i, n)
    return s


def around(n):
    n = extent(n)
    s = 0
    for i in range(n):
        s = 3 * s + at(i - 1, n) + at((i + 1) % n, n)
    return s


def while_below(n):
    n = extent(n)
    s = i = 0
    while i < n:
        s = 3 * s + at(i, n)
        i += 1
    return s


def two_counters(n):
    n = extent(n)
    s = i = 0
    j = n - 1
    while i < j:
        s = 3 * s + at(i, n) + 2 * at(j, n)
        i += 1
        j -= 1
    return s


def steps(n):
    n = extent(n)
    s = 0
    for i in range(0, n, 2):
        s = 3 * s + at(i, n)
    for i in range(1, n - 1, 3):
        s = 3 * s + at(i, n) + at(i + 1, n)
    for i in range(n - 2, 0, -2):
        s = 3 * s + at(i, n) + at(i + 1, n)
    return s


def search(n, key):
    n = extent(n)
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if at(middle, n) < key:
            low = middle + 1
        else:
            high = middle
    return low


def insertion(n, key):
    n = extent(n)
    s = 0
    for i in range(1, n):
        j = i
        while j > 0 and at(j - 1, n) * 7 % 5 > key % 5:
            s = 3 * s + at(j, n)
            j -= 1
    return s


def compaction(n, key):
    n = extent(n)
    s = m = 0
    for i in range(n):
        if at(i, n) % 3 != key % 3:
            s = 3 * s + at(m, n)
            m += 1
    return s + m


def clipped(n, k):
    n = extent(n)
    k = k % 8
    s = 0
    for i in range(n):
        for j in range(max(0, i - k), min(n, i + k + 1)):
            s = 3 * s + at(j, n)
    return s


def tree(n, k):
    n = extent(n)
    s = 0
    for i in range(1, n):
        child = i
        while child > 0:
            s = 3 * s + at(child, n) - at((child - 1) // 2, n)
            child = (child - 1) // 2
    return s


def twice(i, n):
    n = extent(n)
    return at(i, n) + 2 * at(i, n)


def halves(n):
    n = extent(n)
    s = 0
    half = n // 2
    for i in range(half):
        s = 3 * s + at(i, n) + at(i + half, n) + at(2 * i, n) + at(2 * i + 1, n)
    return s


def chosen(n, k):
    n = extent(n)
    s = 0
    for i in range(n):
        j = i if k > 0 else n - 1 - i
        s = 3 * s + at(j, n)
    return s


def stopped(n, k):
    n = extent(n)
    i = 0
    while i < n:
        if at(i, n) == k:
            break
        i += 1
    return i if i == n else at(i, n)


def last(n):
    n = extent(n)
    return at(-1, n) + at(n - 1, n) if n > 0 else 0


def allocated(n, k):
    b = zeros(n)
    s = 0
    for i in range(1, n - 1):
        s = 3 * s + at(i, n) - at(n - 1 - i, n)
        store(b, i, 1.0)
    return s


# With the number of guards that stay
FREE: list[tuple[Function, int, int]] = [
    (whole, 1, 0),
    (inner, 1, 0),
    (triangle, 2, 0),
    (backward, 1, 0),
    (shortest, 2, 0),
    (from_the_end, 1, 0),
    (around, 1, 0),
    (while_below, 1, 0),
    (two_counters, 1, 0),
    (steps, 1, 0),
    (search, 2, 0),
    (insertion, 2, 0),
    (compaction, 2, 0),
    (clipped, 2, 0),
    (tree, 2, 0),
    (halves, 1, 0),
    (chosen, 2, 0),
    (stopped, 2, 0),
    (last, 1, 0),
    (twice, 2, 1),
    (allocated, 2, 0),
]


def proved(module: Module) -> Program:
    """The entry of a module with the comparisons in it proved."""
    program = simplify_program(prove_comparisons(simplified(module)))
    verify(Module({program.name: program}, program.name))
    return program


def outcome(module: Any, args: tuple[int, ...]) -> Any:
    try:
        return interpret(module, args)
    except (IndexError, ValueError, UnboundLocalError) as error:
        return type(error), str(error)


@pytest.mark.parametrize(("fn", "arity", "kept"), FREE, ids=[fn.__name__ for fn, _, _ in FREE])
def test_certain_comparisons(fn: Function, arity: int, kept: int) -> None:
    module = read(fn, *[i8] * arity)
    program = proved(module)
    assert sum(map(guards, module.programs.values())) > kept
    assert guards(program) == kept
    for n in range(6):
        for k in range(6) if arity > 1 else (0,):
            args = (n, k)[:arity]
            assert outcome(Module({program.name: program}, program.name), args) == outcome(module, args), args


def any_index(n, i):
    return at(i, extent(n))


def wraps(n, i):
    return at(0, extent(n)) if i + 1 > i else 7


def between(n, i):
    n = extent(n)
    s = 0
    for j in range(i, n):
        s += at(j, n)
    return s


def beyond(n, i):
    n = extent(n)
    s = 0
    for j in range(n):
        s += at(j + 1, n)
    return s


def wrong_extent(n, m):
    n, m = extent(n), extent(m)
    s = 0
    for j in range(n):
        s += at(j, m)
    return s


def not_yet_positive(n, i):
    n = extent(n)
    s = 0
    while i < n:
        s = 3 * s + at(i, n)
        i += 1
    return s


def leaps(n, i):
    n = extent(n)
    s = j = 0
    while j < n:
        s = 3 * s + at(j, n) + 1
        j += i
        if s > 1000:
            break
    return s


def distance(n, i):
    n = extent(n)
    if i < 0:
        d = n - i
        return at(0, n) if d > 0 else 7
    return 8


@pytest.mark.parametrize(
    "fn",
    [any_index, wraps, between, beyond, wrong_extent, not_yet_positive, leaps, distance],
    ids=lambda fn: fn.__name__,
)
def test_uncertain_comparisons(fn: Function) -> None:
    module = read(fn, i8, i8)
    program = proved(module)
    assert guards(program) > 0
    for n in range(5):
        for i in (-(2**63), -(2**63) + 1, -7, *range(-5, 6), 2**62, 2**63 - 2, 2**63 - 1):
            if i < (0 if fn is wrong_extent else -7 if fn is between else i):
                continue
            args = (n, i)
            assert outcome(Module({program.name: program}, program.name), args) == outcome(module, args), args


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_programs(seed: int) -> None:
    source = Source(seed).text
    names = {"extent": extent, "at": at}
    module = read(defined(source, f"<indexing {seed}>", names)["f"], i8, i8, i8, i8)
    program = proved(module)
    chooser = random.Random(seed)
    for _ in range(12):
        args = (chooser.randint(0, 4), chooser.randint(0, 4), chooser.choice(EXTREMES), chooser.choice(EXTREMES))
        found = outcome(Module({program.name: program}, program.name), args)
        assert found == outcome(module, args), f"{args}\n{source}"
