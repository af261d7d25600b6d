"""What is known of buffers, and accesses that need not be made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from buffers import FLOATS, Log, add, copy, give, load, new, read_own, run, size, store, zeros
from indexing import extent
from random_accesses import Accesses
from sources import defined

from zyg.ir.graph import Graph
from zyg.ir.memory import ALLOCATIONS, mem_add, mem_give, mem_load, mem_new, mem_store
from zyg.ir.program import Block, Call, Module, Op, Pos, Program, Return, Var
from zyg.ir.scalars import f8, i8
from zyg.ir.tape import StackType, TapeType, pop, push, tape_get, tape_put
from zyg.ir.verify import verify
from zyg.passes.memory_facts import Origin, classes, escapes, origins, settled
from zyg.passes.simplify import simplify_program
from zyg.passes.simplify_memory import simplify_memory

SEEDS = int(os.environ.get("ZYG_SEEDS", "40"))
HERE = Pos("f.py", 1, "f")


def count(program: Program, *fns: Any) -> int:
    return sum(op.fn in fns for op in program.ops())


def named(program: Program, name: str) -> set[Var]:
    """The representatives of the variables of this name."""
    of = classes(program)
    return {of[var] for var in of if var.name.lstrip("$").split(".")[0] == name}


def chosen(x, z, n):
    y = zeros(n)
    w = zeros(n)
    b = x if n > 2 else y
    for i in range(n):
        store(b, i, load(z, i))
        b = z
    return load(w, 0)


def test_classes() -> None:
    program = read_own(chosen, FLOATS, FLOATS, i8)
    x, y, z, w = (named(program, name) for name in "xyzw")
    assert x == y == z != w
    (cls,) = x
    assert {var.name for var in origins(program)[cls].params} == {"x", "z"}
    assert len(origins(program)[cls].allocations) == 1
    (cls,) = w
    origin = origins(program)[cls]
    assert not origin.params and not origin.unknown and len(origin.allocations) == 1
    assert not escapes(program)


def test_escapes_and_unknown_origins() -> None:
    kept, put, pushed, given, passed, own = (
        Var(FLOATS, name) for name in ("kept", "put", "pushed", "given", "passed", "own")
    )
    tape, stack = Var(TapeType((FLOATS,), False), "tape"), Var(StackType("r"), "stack")
    got, popped = Var(FLOATS, "got"), Var(FLOATS, "popped")
    n, value = Var(i8, "n"), Var(f8, "value")
    news = [Op(mem_new, (n,), (var,), HERE) for var in (kept, put, pushed, given, passed, own)]
    ops = (
        *news,
        Op(tape_put, (tape, n, n, put), (), HERE),
        Op(push, (stack, pushed), (), HERE),
        Op(mem_give, (given,), (), HERE),
        Op(pop, (stack,), (popped,), HERE),
        Op(tape_get, (tape, n, n), (got,), HERE),
        Op(Call("g"), (passed,), (), HERE),
        Op(mem_load, (own, n), (value,), HERE),
    )
    program = Program("f", (n, tape, stack), (FLOATS,), {0: Block((), ops, Return((kept,)))})
    of = classes(program)
    assert escapes(program) == {of[var] for var in (kept, put, pushed, given, passed)}
    assert origins(program)[of[got]] == origins(program)[of[popped]] == Origin(unknown=True)
    assert origins(program)[of[own]] == Origin(allocations=frozenset((own,)))


def squares(x, n):
    s = 0.0
    for i in range(n):
        s += load(x, i) * load(x, i)
    return s


def doubled(x, n):
    y = zeros(n)
    for i in range(n):
        store(y, i, load(x, i) * 2)
    s = 0.0
    for i in range(n):
        s += load(y, i)
    return s


def in_place(x, n):
    s = 0.0
    for i in range(n):
        s += load(x, i)
        store(x, i, s)
    return s


def other(x, z, n):
    s = 0.0
    for i in range(n):
        s += load(x, i)
        store(z, i, s)
    return s


def flags(program: Program) -> list[bool]:
    is_settled = settled(program, Graph(program))
    return [is_settled(op) for op in program.ops() if op.fn is mem_load]


def test_settled() -> None:
    assert flags(read_own(squares, FLOATS, i8)) == [True, True]
    assert flags(read_own(doubled, FLOATS, i8)) == [True, True]
    assert flags(read_own(in_place, FLOATS, i8)) == [False]
    assert flags(read_own(other, FLOATS, FLOATS, i8)) == [True]
    assert flags(replace(read_own(other, FLOATS, FLOATS, i8), distinct=False)) == [False]
    assert flags(read_own(chosen, FLOATS, FLOATS, i8)) == [False, True]


def test_calls_and_what_is_unknown_are_not_settled() -> None:
    x, z, own, got = (Var(FLOATS, name) for name in ("x", "z", "own", "got"))
    tape, n = Var(TapeType((FLOATS,), False), "tape"), Var(i8, "n")
    values = [Var(f8) for _ in range(4)]
    loads = [Op(mem_load, (buffer, n), (value,), HERE) for buffer, value in zip((x, z, own, got), values, strict=True)]
    get = Op(tape_get, (tape, n, n), (got,), HERE)
    make = Op(mem_new, (n,), (own,), HERE)
    for last, expected in (
        (Op(mem_store, (x, n, values[0]), (), HERE), [False, True, True, False]),
        (Op(mem_store, (got, n, values[0]), (), HERE), [False, False, True, False]),
        (Op(mem_store, (own, n, values[0]), (), HERE), [True, True, False, True]),
        (Op(Call("g"), (z,), (), HERE), [True, False, True, False]),
        (Op(Call("g"), (tape,), (), HERE), [False, False, True, False]),
        (Op(Call("g"), (n,), (), HERE), [True, True, True, True]),
    ):
        blocks = {0: Block((), (make, get, *loads, last), Return(()))}
        assert flags(Program("f", (x, z, tape, n), (), blocks, distinct=True)) == expected


def reuses(x, n):
    for i in range(n):
        store(x, i, load(x, i) * load(x, i) + 1)
        store(x, i, load(x, i) * 2)
        add(x, i, 1.0)
        add(x, i, load(x, i))
    return load(x, 0) if n > 0 else 0.0


def neighbours(x, n):
    s = 0.0
    for i in range(1, n - 1):
        a = load(x, i - 1) + load(x, i + 1)
        store(x, i, a)
        s += load(x, i - 1) * load(x, i + 1)
    return s


def across_branches(x, z, n):
    s = 0.0
    for i in range(n):
        a = load(x, i)
        if a > 0:
            store(z, i, a)
            s += load(x, i)
        else:
            s -= load(x, i)
        s += load(x, i)
    return s


def not_across_a_store(x, n):
    s = 0.0
    for i in range(n):
        a = load(x, i)
        if a > 0:
            store(x, 0, a * 2)
        s += load(x, i)
    return s


def round_the_loop(x, n):
    s = 0.0
    if n > 0:
        s = load(x, 0)
        for i in range(n):
            s += load(x, 0)
            store(x, i, s)
    return s


def unread(x, n):
    y = zeros(n)
    w = new(n)
    for i in range(n):
        store(y, i, load(x, i))
        add(y, i, load(y, i))
        store(w, i, load(y, i))
    return load(x, 0)


def untouched(x, n):
    y = zeros(n)
    s = 0.0
    for i in range(n):
        s += load(x, i) * load(y, i)
    return s


def measured(x, n):
    y = new(n)
    for i in range(n):
        store(y, i, load(x, i))
    return size(y)


def copied(x, n):
    y = copy(x)
    store(y, 0, 5.0)
    z = copy(y)
    return load(z, 0)


def put_back(x, n):
    for i in range(n):
        store(x, i, load(x, i))
    return 0.0


def signed_zero(x, n):
    store(x, 0, 0.0)
    store(x, 0, -0.0)
    return load(x, 0)


def kept(x, n):
    y = zeros(n)
    store(y, 0, 3.0)
    give(y)
    return y


# With how many loads, stores, additions and allocations stay
SIMPLER: list[tuple[Callable[..., Any], int, tuple[int, int, int, int]]] = [
    (reuses, 1, (3, 1, 2, 0)),
    (neighbours, 1, (2, 1, 0, 0)),
    (across_branches, 2, (1, 1, 0, 0)),
    (not_across_a_store, 1, (2, 1, 0, 0)),
    (round_the_loop, 1, (2, 1, 0, 0)),
    (unread, 1, (1, 0, 0, 0)),
    (untouched, 1, (1, 0, 0, 0)),
    (measured, 1, (0, 0, 0, 1)),
    (copied, 1, (1, 1, 0, 2)),
    (put_back, 1, (0, 0, 0, 0)),
    (signed_zero, 1, (0, 1, 0, 0)),
    (kept, 1, (0, 1, 0, 1)),
]


@pytest.mark.parametrize(("fn", "buffers", "expected"), SIMPLER, ids=[fn.__name__ for fn, _, _ in SIMPLER])
def test_needless_accesses(fn: Callable[..., Any], buffers: int, expected: tuple[int, ...]) -> None:
    program = simplify_program(read_own(fn, *[FLOATS] * buffers, i8))
    simpler = simplify_memory(program)
    verify(Module({"f": simpler}, "f"))
    assert tuple(count(simpler, *fns) for fns in ((mem_load,), (mem_store,), (mem_add,), ALLOCATIONS)) == expected
    for n in (1, 2, 4):
        args = [[float(i * i % 5 - 2 + k) for i in range(n)] for k in range(buffers)]
        assert repr(run(simpler, (*args, n))) == repr(run(program, (*args, n)))


def random_program(seed: int) -> tuple[Program, str]:
    source = Accesses(seed).text
    names = {"extent": extent, "zeros": zeros, "copy": copy, "load": load, "store": store, "add": add}
    program = read_own(defined(source, f"<accesses {seed}>", names)["f"], FLOATS, FLOATS, i8, f8)
    return simplify_program(program), source


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_accesses(seed: int) -> None:
    program, source = random_program(seed)
    simpler = simplify_memory(program)
    verify(Module({"f": simpler}, "f"))
    is_settled = settled(program, Graph(program))
    for n in range(4):
        args = ([0.1 * i for i in range(n)], [1.0 - 0.4 * i for i in range(n)], n, 0.25 * seed % 1.3 - 0.5)
        log: Log = []
        assert repr(run(simpler, args)) == repr(run(program, args, log)), f"{args}\n{source}"
        assert not overwritten(log, is_settled), f"{args}\n{source}"


def overwritten(log: Log, is_settled: Callable[[Op], bool]) -> list[Op]:
    """The loads said to be settled, of elements that are written later."""
    found: list[Op] = []
    written: set[tuple[int, int]] = set()
    for op, buffer, index in reversed(log):
        if op.fn is not mem_load:
            written.add((id(buffer), index))
        elif (id(buffer), index) in written and is_settled(op):
            found.append(op)
    return found
