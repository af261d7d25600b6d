"""Hand-made programs as native code: control, calls, failures, tapes, stacks, recursion."""

from __future__ import annotations

import ctypes
import math
import operator
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numba import types

from zyg.codegen.compile import Native, compile_module
from zyg.ir.interpret import interpret
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Const,
    Edge,
    End,
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
from zyg.rules.primitives import cast, make_complex

HERE = Pos("<test>", 7, "f")
BOOL, INT, F64, F32, C128 = types.boolean, types.int64, types.float64, types.float32, types.complex128


def integer(value: int) -> Const:
    return Const(value, INT)


def real(value: float) -> Const:
    return Const(value, F64)


class Maker:
    """Blocks of a program, written one after the other."""

    def __init__(self, name: str, *params: Type) -> None:
        self.name = name
        self.params = tuple(Var(kind, f"p{k}") for k, kind in enumerate(params))
        self.blocks: dict[int, Block] = {}
        self._ops: list[Op] = []
        self._block: tuple[int, tuple[Var, ...]] = (0, ())

    def op(self, fn: Any, args: Sequence[Operand], result: Type = F64) -> Var:
        out = Var(result)
        self._ops.append(Op(fn, tuple(args), (out,), HERE))
        return out

    def do(self, fn: Any, *args: Operand, results: Sequence[Type] = ()) -> tuple[Var, ...]:
        out = tuple(Var(kind) for kind in results)
        self._ops.append(Op(fn, args, out, HERE))
        return out

    def end(self, end: End) -> None:
        number, params = self._block
        self.blocks[number] = Block(params, tuple(self._ops), end)
        self._ops = []

    def block(self, number: int, *params: Type) -> tuple[Var, ...]:
        self._block = (number, tuple(Var(kind, f"b{number}_{k}") for k, kind in enumerate(params)))
        return self._block[1]

    def program(self, *results: Type, recursive: bool = False) -> Program:
        return Program(self.name, self.params, results, self.blocks, recursive)


def module(*programs: Program) -> Module:
    return Module({program.name: program for program in programs}, programs[0].name)


def both(programs: Module, *args: Any) -> tuple[Any, ...]:
    """What native code gives, which is what the interpreter gives."""
    got = compile_module(programs).call(*args)
    for mine, reference in zip(got, interpret(programs, args), strict=True):
        assert mine == pytest.approx(complex(reference), rel=1e-14, nan_ok=True)
    return got


def counted(m: Maker, start: int, trips: Operand, body: Callable[[Var, Var], Operand], initial: Operand) -> Var:
    """A loop in blocks start .. start + 2; the value carried, in block start + 2."""
    m.end(Jump(Edge(start, (integer(0), initial))))
    i, carried = m.block(start, INT, initial.type)
    m.end(Branch(m.op(operator.lt, (i, trips), BOOL), Edge(start + 1), Edge(start + 2)))
    m.block(start + 1)
    new = body(i, carried)
    m.end(Jump(Edge(start, (m.op(operator.add, (i, integer(1)), INT), new))))
    m.block(start + 2)
    return carried


# --- control ------------------------------------------------------------------------------------------------


def sum_of_powers() -> Module:
    m = Maker("f", F64, INT)
    x, n = m.params
    total = counted(m, 1, n, lambda i, s: m.op(operator.add, (m.op(operator.mul, (s, x)), real(1.0))), real(0.0))
    m.end(Return((total,)))
    return module(m.program(F64))


def test_loop() -> None:
    assert both(sum_of_powers(), 2.0, 10) == (1023.0,)
    assert both(sum_of_powers(), 2.0, -1) == (0.0,)


def test_plain_signature_and_a_constant_loop_that_vanishes() -> None:
    m = Maker("f", INT)
    total = counted(m, 1, integer(5), lambda i, s: m.op(operator.add, (s, integer(1)), INT), integer(0))
    m.end(Return((total,)))
    native = compile_module(module(m.program(INT)))
    assert not native.outer.fails and not native.outer.report_slots
    head, *rest = native.llvm[native.llvm.index("define") :].splitlines()
    assert head.startswith("define") and "i64 @zyg.f" in head and "(i64" in head
    assert [line.strip() for line in rest if line.strip() and not line.endswith(":")] == ["ret i64 5", "}"]


def test_values_swapped_round_a_loop() -> None:
    m = Maker("f", F64, F64, INT)
    a0, b0, n = m.params
    m.end(Jump(Edge(1, (integer(0), a0, b0))))
    i, a, b = m.block(1, INT, F64, F64)
    m.end(Branch(m.op(operator.lt, (i, n), BOOL), Edge(2), Edge(3)))
    m.block(2)
    m.end(Jump(Edge(1, (m.op(operator.add, (i, integer(1)), INT), b, a))))
    m.block(3)
    m.end(Return((a, b)))
    swapped = module(m.program(F64, F64))
    assert both(swapped, 1.0, 2.0, 3) == (2.0, 1.0)
    assert both(swapped, 1.0, 2.0, 4) == (1.0, 2.0)


def test_both_edges_of_a_branch_to_one_block() -> None:
    m = Maker("f", F64)
    (x,) = m.params
    m.end(Branch(m.op(operator.gt, (x, real(0.0)), BOOL), Edge(1, (x, integer(1))), Edge(1, (real(0.0), integer(2)))))
    y, k = m.block(1, F64, INT)
    m.end(Return((y, k)))
    program = module(m.program(F64, INT))
    assert both(program, 3.0) == (3.0, 1)
    assert both(program, -3.0) == (0.0, 2)


def test_every_type_goes_in_and_out() -> None:
    kinds = (BOOL, INT, F64, F32, C128, types.complex64)
    m = Maker("f", *kinds)
    m.end(Return(m.params))
    native = compile_module(module(m.program(*kinds)))
    assert native.call(True, -5, 0.1, 0.5, 1 - 2j, 0.25 + 1j) == (True, -5, 0.1, 0.5, 1 - 2j, 0.25 + 1j)
    assert [type(v) for v in native.call(False, 0, 0, 0, 0, 0)] == [bool, int, float, float, complex, complex]
    with pytest.raises(OverflowError, match="64 bits"):
        native.call(True, 2**63, 0.0, 0.0, 0j, 0j)
    with pytest.raises(TypeError, match="arguments of native code"):
        native.call(True, 1.5, 0.0, 0.0, 0j, 0j)


def test_parameters_with_awkward_names() -> None:
    params = tuple(Var(F64, name) for name in ("entry", "context", "α", "x", "x", "x.1", "1", "", "report"))
    native = compile_module(module(Program('lambda <α> "q"', params, (F64,) * 9, {0: Block((), (), Return(params))})))
    assert native.call(*map(float, range(9))) == tuple(map(float, range(9)))


# --- calls and failures -------------------------------------------------------------------------------------


def failing() -> Module:
    """f(x, n) calls g(x, n), which wants x > 0 and n < 10, and raises for n == 5."""
    g = Maker("g", F64, INT)
    x, n = g.params
    positive = Failure(lambda x, k, z: ValueError(f"{x} {k} {z}"), "ValueError")
    z = g.op(make_complex, (x, real(2.0)), C128)
    g.do(Guard(positive), g.op(operator.gt, (x, real(0.0)), BOOL), x, integer(42), z)
    g.do(Guard(Failure(lambda: IndexError("too large"), "IndexError")), g.op(operator.lt, (n, integer(10)), BOOL))
    g.end(Branch(g.op(operator.eq, (n, integer(5)), BOOL), Edge(1), Edge(2)))
    g.block(1)
    g.end(Raise(Failure(lambda n, b: KeyError(n, b), "KeyError"), (n, Const(True, BOOL)), Pos("<test>", 9, "g")))
    g.block(2)
    g.end(Return((g.op(np.sqrt, (x,)), n)))
    f = Maker("f", F64, INT)
    y, k = f.do(Call("g"), *f.params, results=(F64, INT))
    f.end(Return((f.op(operator.add, (y, f.op(cast, (k,)))),)))
    return module(f.program(F64), g.program(F64, INT))


def test_failures_carry_their_values() -> None:
    native = compile_module(failing())
    assert native.call(4.0, 3) == (5.0,)
    with pytest.raises(ValueError, match=r"-1.5 42 \(-1.5\+2j\)"):
        native.call(-1.5, 3)
    with pytest.raises(IndexError, match="too large"):
        native.call(4.0, 10)
    with pytest.raises(KeyError) as caught:
        native.call(4.0, 5)
    assert caught.value.args == (5, True)
    assert [str(site.pos) for site in native.sites] == ["<test>:7", "<test>:7", "<test>:9"]
    assert native.outer.fails and native.outer.report_slots == 2


def test_a_guard_on_a_literal_is_no_failure() -> None:
    m = Maker("f", F64)
    m.do(Guard(Failure(lambda: ValueError(), "ValueError")), Const(True, BOOL))
    m.end(Return(m.params))
    assert not compile_module(module(m.program(F64))).outer.fails
    m = Maker("f", F64)
    m.do(Guard(Failure(lambda: ValueError("never right"), "ValueError")), Const(False, BOOL))
    m.end(Return(m.params))
    with pytest.raises(ValueError, match="never right"):
        compile_module(module(m.program(F64))).call(1.0)


def test_programs_that_give_nothing() -> None:
    g = Maker("g")
    g.end(Return(()))
    f = Maker("f")
    f.do(Call("g"))
    f.end(Return(()))
    assert compile_module(module(f.program(), g.program())).call() == ()


# --- tapes --------------------------------------------------------------------------------------------------


def reversed_loop(fields: tuple[Type, ...], growable: bool, rows: Operand | None = None) -> Module:
    """Puts sin(i), i, i odd, i - 2i·j for i < n on a tape, then folds them in reverse."""
    kind = TapeType(fields, growable)
    m = Maker("f", INT)
    (n,) = m.params
    empty = m.op(tape_new, (integer(0) if growable else rows or n,), kind)

    def record(i: Var, tape: Var) -> Operand:
        held: Operand = m.op(tape_reserve, (tape, i), kind) if growable else tape
        x = m.op(cast, (i,))
        for number, field in enumerate(fields):
            value: Operand = m.op(np.sin, (x,))
            if field == F32:
                value = m.op(cast, (value,), F32)
            elif field == INT:
                value = i
            elif field == BOOL:
                odd = m.op(operator.and_, (i, integer(1)), INT)
                value = m.op(operator.eq, (odd, integer(1)), BOOL)
            elif field == C128:
                value = m.op(make_complex, (x, m.op(operator.mul, (x, real(-2.0)))), C128)
            m.do(tape_put, held, i, integer(number), value)
        return held

    tape = counted(m, 1, n, record, empty)

    def fold(i: Var, total: Var) -> Operand:
        row = m.op(operator.sub, (m.op(operator.sub, (n, integer(1)), INT), i), INT)
        folded: Operand = m.op(operator.mul, (total, real(0.5)))
        for number, field in enumerate(fields):
            value = m.op(tape_get, (tape, row, integer(number)), field)
            if field == C128:
                value = m.op(np.imag, (value,))
            elif field != F64:
                value = m.op(cast, (value,))
            folded = m.op(operator.add, (folded, value))
        return folded

    m.end(Return((counted(m, 4, n, fold, real(0.0)),)))
    return module(m.program(F64))


@pytest.mark.parametrize("growable", [False, True])
@pytest.mark.parametrize("fields", [(F64,), (BOOL, F64, INT), (F32, BOOL, C128, F64, BOOL)], ids=str)
def test_tapes_keep_what_they_are_given(fields: tuple[Type, ...], growable: bool) -> None:
    programs = reversed_loop(fields, growable)
    for n in (0, 1, 127, 128, 129, 1000):
        both(programs, n)


def test_a_short_tape_of_known_length_is_no_allocation() -> None:
    programs = reversed_loop((F64, INT), False, integer(10))
    native = compile_module(programs)
    assert not native.outer.fails and "zyg.alloc" not in native.asm
    assert native.call(7)[0] == pytest.approx(interpret(programs, [7])[0])


def test_a_tape_that_vanishes() -> None:
    """Constant trips, known length: the tape is taken apart and the whole folds to a number."""
    m = Maker("f", INT)
    kind = TapeType((INT,), False)
    tape = m.op(tape_new, (integer(3),), kind)

    def record(i: Var, total: Var) -> Operand:
        m.do(tape_put, tape, i, integer(0), i)
        return total

    counted(m, 1, integer(3), record, integer(0))
    total = counted(
        m,
        4,
        integer(3),
        lambda i, s: m.op(operator.add, (s, m.op(tape_get, (tape, i, integer(0)), INT)), INT),
        integer(0),
    )
    m.end(Return((total,)))
    assert "ret i64 3" in compile_module(module(m.program(INT))).llvm


@pytest.mark.parametrize("growable", [False, True])
def test_zeros_like_a_tape(growable: bool) -> None:
    m = Maker("f", INT)
    (n,) = m.params
    kind, shadow = TapeType((F64,), growable), TapeType((F64, BOOL, C128), growable)
    tape = m.op(tape_new, (n,), kind)
    zeros = m.op(tape_zeros, (tape,), shadow)

    def body(i: Var, total: Var) -> Operand:
        for number, field in enumerate(shadow.fields):
            value = m.op(tape_get, (zeros, i, integer(number)), field)
            total = m.op(operator.add, (total, value if field == F64 else m.op(cast, (value,))))
        return total

    m.end(Return((counted(m, 1, n, body, real(0.0)),)))
    assert both(module(m.program(F64)), 100) == (0.0,)


def test_tapes_that_are_too_large() -> None:
    native = compile_module(reversed_loop((F64,), False))
    for rows in (2**62, 2**59, 2**45):
        with pytest.raises(MemoryError):
            native.call(rows)


def test_a_callee_frees_its_tapes_and_returns_those_of_others() -> None:
    """make(n) gives a tape away; total(n) calls make and must free; f calls total in a loop."""
    kind = TapeType((F64,), False)
    make = Maker("make", INT)
    tape = make.op(tape_new, make.params, kind)

    def record(i: Var, s: Var) -> Operand:
        make.do(tape_put, tape, i, integer(0), make.op(cast, (i,)))
        return s

    counted(make, 1, make.params[0], record, integer(0))
    make.end(Return((tape,)))
    total = Maker("total", INT)
    (got,) = total.do(Call("make"), *total.params, results=(kind,))
    summed = counted(
        total,
        1,
        total.params[0],
        lambda i, s: total.op(operator.add, (s, total.op(tape_get, (got, i, integer(0))))),
        real(0.0),
    )
    good = total.op(operator.lt, (summed, real(1e12)), BOOL)
    total.do(Guard(Failure(lambda: ValueError("large"), "ValueError")), good)
    total.end(Return((summed,)))
    f = Maker("f", INT, INT)
    rows, times = f.params

    def body(i: Var, s: Var) -> Operand:
        (part,) = f.do(Call("total"), rows, results=(F64,))
        return f.op(operator.add, (s, part))

    f.end(Return((counted(f, 1, times, body, real(0.0)),)))
    programs = module(f.program(F64), total.program(F64), make.program(kind))
    assert both(programs, 10, 3) == (135.0,)
    native = compile_module(programs)
    before = allocated()
    assert native.call(1000, 20000) == (499500.0 * 20000,)
    if before is not None:
        after = allocated()
        assert after is not None and after - before < 1 << 20
    with pytest.raises(ValueError, match="large"):
        native.call(2_000_000, 1)


# --- memory -------------------------------------------------------------------------------------------------


class _Mallinfo(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ["arena", "ordblks", "smblks", "hblks", "hblkhd", "a", "b", "uordblks", "c", "d"]
    )


def allocated() -> int | None:
    """Bytes that the C library has handed out, where it says."""
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return None
    ask.restype = _Mallinfo
    info = ask()
    return int(info.uordblks + info.hblkhd)


def guarded_tapes() -> Module:
    """Two tapes of n rows, of which one grows, then a failure for n odd."""
    m = Maker("f", INT)
    (n,) = m.params
    fixed = m.op(tape_new, (n,), TapeType((F64,), False))
    kind = TapeType((F64,), True)
    grown = counted(m, 1, n, lambda i, tape: m.op(tape_reserve, (tape, i), kind), m.op(tape_new, (integer(0),), kind))
    m.do(tape_put, fixed, integer(0), integer(0), real(1.0))
    m.do(tape_put, grown, integer(0), integer(0), real(2.0))
    even = m.op(operator.eq, (m.op(operator.and_, (n, integer(1)), INT), integer(0)), BOOL)
    m.do(Guard(Failure(lambda n: ValueError(n), "ValueError")), even, n)
    first, second = (m.op(tape_get, (tape, integer(0), integer(0))) for tape in (fixed, grown))
    m.end(Return((m.op(operator.add, (first, second)),)))
    return module(m.program(F64))


def test_failed_calls_free_what_they_allocated() -> None:
    native = compile_module(guarded_tapes())
    assert native.call(1000) == (3.0,)
    before = allocated()
    if before is None:
        pytest.skip("the C library does not tell what is allocated")
    for _ in range(20_000):
        with pytest.raises(ValueError, match="1001"):
            native.call(1001)
    after = allocated()
    assert after is not None and after - before < 1 << 20


# --- recursion ----------------------------------------------------------------------------------------------


def factorial_like() -> Module:
    """f(n) = n + f(n - 1), f(0) = 0."""
    f = Maker("f", INT)
    (n,) = f.params
    f.end(Branch(f.op(operator.le, (n, integer(0)), BOOL), Edge(1), Edge(2)))
    f.block(1)
    f.end(Return((real(0.0),)))
    f.block(2)
    (rest,) = f.do(Call("f"), f.op(operator.sub, (n, integer(1)), INT), results=(F64,))
    y = f.op(np.sqrt, (f.op(operator.add, (rest, f.op(cast, (n,)))),))
    f.end(Return((y,)))
    return module(f.program(F64, recursive=True))


def test_recursion() -> None:
    both(factorial_like(), 50)


def test_recursion_too_deep_is_an_error_in_every_thread() -> None:
    native = compile_module(factorial_like())
    expected = native.call(5000)

    def too_deep() -> tuple[Any, ...]:
        for _ in range(3):
            with pytest.raises(RecursionError, match="maximum recursion depth exceeded in native code"):
                native.call(10**9)
        return native.call(5000)

    assert too_deep() == expected
    with ThreadPoolExecutor(2) as pool:
        assert [future.result() for future in [pool.submit(too_deep) for _ in range(4)]] == [expected] * 4


def test_recursion_in_a_thread_with_a_small_stack() -> None:
    native = compile_module(factorial_like())
    caught: list[BaseException] = []

    def run() -> None:
        try:
            native.call(10**9)
        except RecursionError as error:
            caught.append(error)

    previous = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(previous)
    assert len(caught) == 1


def test_mutual_recursion_needs_no_mark() -> None:
    """even(n) calls odd(n - 1) calls even(n - 2), none of them marked as recursive."""

    def one(name: str, other: str, last: float) -> Program:
        m = Maker(name, INT)
        (n,) = m.params
        m.end(Branch(m.op(operator.le, (n, integer(0)), BOOL), Edge(1), Edge(2)))
        m.block(1)
        m.end(Return((real(last),)))
        m.block(2)
        (rest,) = m.do(Call(other), m.op(operator.sub, (n, integer(1)), INT), results=(F64,))
        m.end(Return((m.op(np.sin, (rest,)),)))
        return m.program(F64)

    programs = module(one("even", "odd", 1.0), one("odd", "even", 2.0))
    both(programs, 9)
    with pytest.raises(RecursionError):
        compile_module(programs).call(10**9)


def tree_fold(values: int) -> Module:
    """Walks a binary tree of depth d forward, pushing records, then pops them in reverse.

    Each record holds x, its level and whether it is even, and as many more numbers as `values` says.
    """
    stack = StackType("test")
    kinds = (F64, INT, BOOL, *(F64,) * values)
    down = Maker("down", INT, F64, stack)
    depth, x, records = down.params
    odd = down.op(operator.and_, (depth, integer(1)), INT)
    even = down.op(operator.eq, (odd, integer(0)), BOOL)
    down.do(push, records, x, depth, even, *(x,) * values)
    down.end(Branch(down.op(operator.le, (depth, integer(0)), BOOL), Edge(1), Edge(2)))
    down.block(1)
    down.end(Return((x,)))
    down.block(2)
    less = down.op(operator.sub, (depth, integer(1)), INT)
    (left,) = down.do(Call("down"), less, down.op(np.sin, (x,)), records, results=(F64,))
    (right,) = down.do(Call("down"), less, down.op(np.cos, (x,)), records, results=(F64,))
    down.end(Return((down.op(operator.mul, (left, right)),)))
    m = Maker("f", INT, F64, INT)
    top, start, count = m.params
    own = m.op(stack_new, (), stack)
    (y,) = m.do(Call("down"), top, start, own, results=(F64,))

    def undo(i: Var, total: Var) -> Operand:
        x, level, even, *more = m.do(pop, own, results=kinds)
        total = m.op(operator.add, (m.op(operator.mul, (total, real(0.9))), x))
        total = m.op(operator.add, (total, m.op(cast, (level,))))
        for value in more:
            total = m.op(operator.sub, (total, value))
        return m.op(operator.add, (total, m.op(cast, (even,))))

    m.end(Return((counted(m, 1, count, undo, y),)))
    return module(m.program(F64), down.program(F64, recursive=True))


@pytest.mark.parametrize("values", [0, 3])
def test_a_stack_shared_by_recursive_frames(values: int) -> None:
    for depth in (0, 3, 9):
        both(tree_fold(values), depth, 0.3, 2 ** (depth + 1) - 1)


def test_tapes_travel_on_the_stack() -> None:
    stack, kind = StackType("test"), TapeType((F64,), False)
    make = Maker("make", INT, stack)
    n, records = make.params
    tape = make.op(tape_new, (n,), kind)
    make.do(tape_put, tape, integer(0), integer(0), make.op(cast, (n,)))
    make.do(push, records, tape, n)
    make.end(Return(()))
    m = Maker("f", INT)
    own = m.op(stack_new, (), stack)

    def forward(i: Var, s: Var) -> Operand:
        m.do(Call("make"), m.op(operator.add, (i, integer(1)), INT), own)
        return s

    counted(m, 1, m.params[0], forward, integer(0))

    def back(i: Var, s: Var) -> Operand:
        found, _ = m.do(pop, own, results=(kind, INT))
        return m.op(operator.add, (m.op(operator.mul, (s, real(0.5))), m.op(tape_get, (found, integer(0), integer(0)))))

    m.end(Return((counted(m, 4, m.params[0], back, real(0.0)),)))
    both(module(m.program(F64), make.program()), 300)


# --- threads, and the code itself ---------------------------------------------------------------------------


def test_compiling_and_calling_from_several_threads() -> None:
    def work(seed: int) -> None:
        native = compile_module(guarded_tapes() if seed % 2 else sum_of_powers())
        for n in range(2, 200, 2):
            assert native.call(*((n,) if seed % 2 else (1.0, n)))[0] == (3.0 if seed % 2 else n)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, seed) for seed in range(8)]:
            future.result()


def test_equal_programs_have_equal_code_under_their_own_names() -> None:
    first, second = (compile_module(sum_of_powers()) for _ in range(2))
    assert first.outer.symbol != second.outer.symbol
    assert first.call(2.0, 4) == second.call(2.0, 4) == (15.0,)


def test_native_code_is_linked_into_njit_code() -> None:
    from llvmlite import ir
    from numba import njit
    from numba.extending import intrinsic

    native: Native = compile_module(sum_of_powers())

    @intrinsic  # type: ignore[untyped-decorator]
    def horner(context: Any, x: Any, n: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            outer = native.outer
            context.active_code_library.add_linking_library(native.library)
            double, long = ir.DoubleType(), ir.IntType(64)
            function = ir.Function(builder.module, ir.FunctionType(double, [double, long]), outer.symbol)
            return builder.call(function, args)

        return F64(F64, INT), emit

    @njit  # type: ignore[untyped-decorator]
    def caller(x: float, n: int) -> Any:
        return horner(x, n) + 1.0

    assert caller(2.0, 4) == 16.0
    assert f"call double @{native.outer.symbol}" not in caller.inspect_llvm(caller.signatures[0])


def test_assembly_is_shown() -> None:
    native = compile_module(sum_of_powers())
    assert native.outer.symbol in native.asm and math.isfinite(native.address)
