"""Native code of hand-made programs: control flow, failures, recursion, tapes and stacks."""

from __future__ import annotations

import math
import operator
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import types

from zyg.codegen.compile import Native, compile_module
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Const,
    Edge,
    Failure,
    Guard,
    Jump,
    Module,
    Op,
    Operand,
    Pos,
    Program,
    Raise,
    Return,
    Type,
    Var,
)
from zyg.ir.tape import (
    StackType,
    TapeType,
    pop,
    push,
    stack_new,
    tape_get,
    tape_new,
    tape_put,
    tape_reserve,
    tape_zeros,
)
from zyg.rules import primitives as p

B, I, F, F4, C, C8 = (  # noqa: E741
    types.boolean,
    types.int64,
    types.float64,
    types.float32,
    types.complex128,
    types.complex64,
)
HERE = Pos("example.py", 3, "f")


def int_(value: int) -> Const:
    return Const(value, I)


class Writer:
    """A list of ops in the making."""

    def __init__(self) -> None:
        self.ops: list[Op] = []

    def __call__(self, fn: Any, *args: Operand, gives: Type | None = None) -> Var:
        result = Var(gives if gives is not None else args[0].type)
        silent = fn in (tape_put, push) or isinstance(fn, Guard)
        self.ops.append(Op(fn, args, () if silent else (result,), HERE))
        return result

    def many(self, fn: Any, *args: Operand, gives: tuple[Type, ...]) -> tuple[Var, ...]:
        results = tuple(Var(kind) for kind in gives)
        self.ops.append(Op(fn, args, results, HERE))
        return results

    def block(self, end: Any, *params: Var) -> Block:
        ops, self.ops = tuple(self.ops), []
        return Block(params, ops, end)


def compiled(*programs: Program) -> Native:
    return compile_module(Module({program.name: program for program in programs}, programs[0].name))


def straight(params: tuple[Var, ...], w: Writer, *results: Operand, name: str = "f") -> Program:
    return Program(name, params, tuple(r.type for r in results), {0: w.block(Return(results))})


# --- forms of functions ---------------------------------------------------------------------------------------


def test_what_cannot_fail_is_one_plain_function() -> None:
    x = Var(I, "x")
    native = compiled(straight((x,), Writer(), int_(5)))
    assert native.llvm.count("define") == 1 and "(i64 %x)" in native.llvm
    assert native.llvm.split("{")[1].split() == ["entry:", "ret", "i64", "5", "}"]
    assert native.call(3) == (5,)
    assert native.asm


def test_equal_calls_are_merged() -> None:
    x, w = Var(F, "x"), Writer()
    native = compiled(straight((x,), w, w(operator.add, w(np.arctan, x), w(np.arctan, x))))
    assert native.llvm.count("@atan(") == 1


def test_loop_and_call() -> None:
    n, i, s, w = Var(I, "n"), Var(I, "i"), Var(F, "s"), Writer()
    first = w.block(Jump(Edge(1, (int_(0), Const(0.0, F)))))
    more = w(operator.lt, i, n, gives=B)
    head = w.block(Branch(more, Edge(2), Edge(3)), i, s)
    (term,) = w.many(Call("g"), w(p.cast, i, gives=F), gives=(F,))
    total, after = w(operator.add, s, term), w(operator.add, i, int_(1))
    body = w.block(Jump(Edge(1, (after, total))))
    last = w.block(Return((s,)))
    y = Var(F, "y")
    callee = straight((y,), w, w(np.sin, y), name="g")
    native = compiled(Program("f", (n,), (F,), {0: first, 1: head, 2: body, 3: last}), callee)
    assert native.call(100)[0] == pytest.approx(sum(math.sin(k) for k in range(100)))


def test_branch_with_both_edges_to_one_block() -> None:
    c, y, w = Var(B, "c"), Var(I, "y"), Writer()
    first = w.block(Branch(c, Edge(1, (int_(7),)), Edge(1, (int_(9),))))
    last = w.block(Return((y,)), y)
    native = compiled(Program("f", (c,), (I,), {0: first, 1: last}))
    assert (native.call(True), native.call(False)) == ((7,), (9,))


def test_guard_reports_values() -> None:
    failure = Failure(lambda a, b, c: ValueError(a, b, c), "ValueError")
    x, z, w = Var(F, "x"), Var(C, "z"), Writer()
    w(Guard(failure), w(operator.gt, x, Const(0.0, F), gives=B), x, int_(4), z)
    native = compiled(straight((x, z), w, x))
    assert native.call(2.0, 1j) == (2.0,)
    with pytest.raises(ValueError) as caught:
        native.call(-2.5, 1 + 2j)
    assert caught.value.args == (-2.5, 4, 1 + 2j)


def test_raise_in_a_callee() -> None:
    failure = Failure(lambda k: KeyError(k), "KeyError")
    x, w = Var(I, "x"), Writer()
    callee = Program("g", (x,), (), {0: w.block(Raise(failure, (x,), HERE))})
    y = Var(I, "y")
    w.many(Call("g"), y, gives=())
    native = compiled(straight((y,), w, y), callee)
    with pytest.raises(KeyError, match="11"):
        native.call(11)


def counted() -> Program:
    n, w = Var(I, "n"), Writer()
    first = w.block(Branch(w(operator.le, n, int_(0), gives=B), Edge(1), Edge(2)))
    base = w.block(Return((int_(1),)))
    (inner,) = w.many(Call("count"), w(operator.sub, n, int_(1)), gives=(I,))
    step = w.block(Return((w(operator.add, inner, int_(1)),)))
    return Program("count", (n,), (I,), {0: first, 1: base, 2: step}, recursive=True)


def deep() -> Native:
    """Recursion that LLVM cannot turn into a loop: the inner result is needed with others."""
    n, w = Var(F, "n"), Writer()
    first = w.block(Branch(w(operator.le, n, Const(0.0, F), gives=B), Edge(1), Edge(2)))
    base = w.block(Return((n,)))
    (inner,) = w.many(Call("deep"), w(operator.sub, n, Const(1.0, F)), gives=(F,))
    step = w.block(Return((w(np.sin, w(operator.add, inner, w(np.cos, n))),)))
    return compiled(Program("deep", (n,), (F,), {0: first, 1: base, 2: step}, recursive=True))


def test_recursion() -> None:
    assert compiled(counted()).call(10) == (11,)
    native = deep()
    assert math.isfinite(native.call(1000.0)[0])
    with pytest.raises(RecursionError):
        native.call(1e9)
    caught: list[BaseException] = []

    def run() -> None:
        try:
            native.call(1e9)
        except RecursionError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(caught) == 1


# --- storage --------------------------------------------------------------------------------------------------


def tape_round_trip(growable: bool, fields: tuple[Type, ...], fail_at_end: bool = False) -> Native:
    """Write row i of all fields for i < n, then read them in reverse; gives the sums' weighted total."""
    kind = TapeType(fields, growable)
    n, i, j, s, w = Var(I, "n"), Var(I, "i"), Var(I, "j"), Var(F, "s"), Writer()
    carried = Var(kind, "t")
    made = w(tape_new, int_(0) if growable else n, gives=kind)
    first = w.block(Jump(Edge(1, (int_(0), made))))
    head = w.block(Branch(w(operator.lt, i, n, gives=B), Edge(2), Edge(3)), i, carried)
    tape: Var = w(tape_reserve, carried, i, gives=kind) if growable else carried
    odd = w(p.is_nonzero, w(operator.and_, i, int_(1)), gives=B)
    for f, field in enumerate(fields):
        value = odd if field is B else w(p.cast, i, gives=field)
        w(tape_put, tape, i, int_(f), value)
    body = w.block(Jump(Edge(1, (w(operator.add, i, int_(1)), tape))))
    start = w.block(Jump(Edge(4, (w(operator.sub, n, int_(1)), Const(0.0, F)))))
    back = w.block(Branch(w(operator.ge, j, int_(0), gives=B), Edge(5), Edge(6)), j, s)
    total: Var = s
    for f, field in enumerate(fields):
        value = w(tape_get, carried, j, int_(f), gives=field)
        real = w(np.real, value, gives=field.underlying_float) if isinstance(field, types.Complex) else value
        weighted = w(operator.mul, w(p.cast, real, gives=F), Const(float(f + 1), F))
        total = w(operator.add, total, weighted)
    again = w.block(Jump(Edge(4, (w(operator.sub, j, int_(1)), total))))
    if fail_at_end:
        w(Guard(Failure(lambda: ValueError("late"), "ValueError")), w(operator.lt, n, int_(0), gives=B))
    last = w.block(Return((s,)))
    blocks = {0: first, 1: head, 2: body, 3: start, 4: back, 5: again, 6: last}
    return compiled(Program("f", (n,), (F,), blocks))


MANY_FIELDS = (B, F4, C8, I, B, C, F)


@pytest.mark.parametrize("growable", [False, True])
def test_tape(growable: bool) -> None:
    native = tape_round_trip(growable, MANY_FIELDS)
    for n in (0, 1, 5, 100, 1001):
        numbers, odd = sum(range(n)), n // 2
        want = sum((f + 1) * (odd if kind is B else numbers) for f, kind in enumerate(MANY_FIELDS))
        assert native.call(n) == (float(want),)


def resident_pages() -> int:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("needs Linux's account of a process's memory")
    return int(statm.read_text().split()[1])


@pytest.mark.parametrize("growable", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_tapes_are_freed(growable: bool, fails: bool) -> None:
    native = tape_round_trip(growable, (F, F), fails)

    def run(times: int) -> None:
        for _ in range(times):
            try:
                native.call(4000)
            except ValueError:
                assert fails

    run(20)
    before = resident_pages()
    run(1000)
    assert resident_pages() - before < 2000


def test_a_tape_too_long_for_memory() -> None:
    native = tape_round_trip(False, (F,))
    with pytest.raises(MemoryError):
        native.call(2**58)


def test_tape_of_zeros() -> None:
    kind = TapeType((F, I), False)
    n, w = Var(I, "n"), Writer()
    tape = w(tape_new, n, gives=kind)
    zeros = w(tape_zeros, tape, gives=kind)
    w(tape_put, zeros, int_(2), int_(0), Const(1.5, F))
    total = w(
        operator.add, w(tape_get, zeros, int_(2), int_(0), gives=F), w(tape_get, zeros, int_(1), int_(0), gives=F)
    )
    native = compiled(straight((n,), w, total))
    assert native.call(4) == (1.5,)


def test_stack_of_recursive_programs() -> None:
    """One program pushes on its way down, another pops on its way."""
    stack = StackType("reverse")
    s, n, w = Var(stack, "s"), Var(I, "n"), Writer()
    first = w.block(Branch(w(operator.le, n, int_(0), gives=B), Edge(1), Edge(2)))
    base = w.block(Return(()))
    z = w(p.make_complex, w(p.cast, n, gives=F), Const(1.0, F), gives=C)
    w(push, s, n, z, w(p.is_nonzero, n, gives=B))
    w.many(Call("down"), s, w(operator.sub, n, int_(1)), gives=())
    down = Program("down", (s, n), (), {0: first, 1: base, 2: w.block(Return(()))}, recursive=True)
    n, i, total = Var(I, "n"), Var(I, "i"), Var(F, "total")
    made = w.many(stack_new, gives=(stack,))[0]
    w.many(Call("down"), made, n, gives=())
    first = w.block(Jump(Edge(1, (int_(0), Const(0.0, F)))))
    head = w.block(Branch(w(operator.lt, i, n, gives=B), Edge(2), Edge(3)), i, total)
    k, z, ok = w.many(pop, made, gives=(I, C, B))
    both = w(operator.add, w(p.cast, k, gives=F), w(np.real, z, gives=F))
    kept = w(p.select, ok, both, Const(math.nan, F), gives=F)
    step = w(operator.mul, kept, w(p.cast, i, gives=F))
    body = w.block(Jump(Edge(1, (w(operator.add, i, int_(1)), w(operator.add, total, step)))))
    main = Program("f", (n,), (F,), {0: first, 1: head, 2: body, 3: w.block(Return((total,)))})
    native = compiled(main, down)
    for n_ in (0, 3, 3000):
        assert native.call(n_) == (float(sum(2 * (k + 1) * k for k in range(n_))),)


def test_threads_compile_and_run() -> None:
    results: dict[int, Any] = {}

    def run(k: int) -> None:
        x, w = Var(F, "x"), Writer()
        native = compiled(straight((x,), w, w(operator.mul, x, Const(float(k), F))))
        results[k] = native.call(2.0)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: (2.0 * k,) for k in range(6)}


def test_tapes_of_every_frame_of_a_recursion_are_freed() -> None:
    kind = TapeType((F,), False)
    n, w = Var(F, "n"), Writer()
    first = w.block(Branch(w(operator.le, n, Const(0.0, F), gives=B), Edge(1), Edge(2)))
    base = w.block(Return((n,)))
    tape = w(tape_new, w(operator.add, w(p.cast, n, gives=I), int_(200)), gives=kind)
    w(tape_put, tape, int_(7), int_(0), n)
    (inner,) = w.many(Call("f"), w(operator.sub, n, Const(1.0, F)), gives=(F,))
    w(Guard(Failure(lambda: ValueError("thirteen"), "ValueError")), w(operator.ne, n, Const(13.0, F), gives=B))
    step = w.block(Return((w(operator.add, inner, w(tape_get, tape, int_(7), int_(0), gives=F)),)))
    native = compiled(Program("f", (n,), (F,), {0: first, 1: base, 2: step}, recursive=True))
    assert native.call(12.0) == (78.0,)
    before = resident_pages()
    for _ in range(200):
        with pytest.raises(ValueError, match="thirteen"):
            native.call(100.0)
    assert resident_pages() - before < 1000


def test_the_heap_stays_sound() -> None:
    """glibc, asked to check every block, must find nothing wrong."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc checks its heap on demand")
    names = ["test_tape", "test_stack_of_recursive_programs", "test_tapes_of_every_frame_of_a_recursion_are_freed"]
    nodes = [f"{__file__}::{name}" for name in names]
    checking = {**os.environ, "MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *nodes]
    done = subprocess.run(command, env=checking, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_support_routines_load_alone() -> None:
    """Code from a cache names what it needs in any order, so that each support brings what it calls."""
    source = (
        "from zyg.codegen.matrices import _routines\nfrom zyg.ir.scalars import c8, c16, f4, f8\n"
        "for kind in (f4, f8, c8, c16):\n    _routines(kind).careful.support()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
