"""Buffers as native code, against the interpreter."""

from __future__ import annotations

import ctypes
import operator
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba import types
from test_codegen_programs import BOOL, C128, F32, F64, INT, Maker, allocated, counted, integer, module, real

from zyg.codegen.arena import block_of
from zyg.codegen.compile import Native, compile_module
from zyg.ir.interpret import interpret
from zyg.ir.memory import (
    MemoryType,
    mem_add,
    mem_apart,
    mem_copy,
    mem_give,
    mem_like,
    mem_load,
    mem_new,
    mem_size,
    mem_store,
    mem_zeros,
)
from zyg.ir.program import Branch, Call, Edge, Failure, Guard, Jump, Module, Operand, Return, Type, Var
from zyg.ir.tape import StackType, TapeType, pop, push, stack_new, tape_get, tape_new, tape_put
from zyg.rules.primitives import cast, select

DTYPES: dict[Type, type] = {
    BOOL: np.bool_,
    INT: np.int64,
    F64: np.float64,
    F32: np.float32,
    C128: np.complex128,
    types.complex64: np.complex64,
}
VECTOR = MemoryType(F64)


def handle(array: np.ndarray) -> tuple[int, int]:
    return array.ctypes.data, array.size


def taken(pair: Any, dtype: Any) -> np.ndarray:
    """The numbers in a buffer that a call has left, which is freed."""
    address, count = pair
    raw = ctypes.string_at(address, count * np.dtype(dtype).itemsize)
    free = ctypes.CDLL(None).free
    free.argtypes = (ctypes.c_void_p,)
    free(block_of(address))
    return np.frombuffer(raw, dtype)


def run(native: Native, *args: Any) -> tuple[Any, ...]:
    return native.call(*(handle(arg) if isinstance(arg, np.ndarray) else arg for arg in args))


def both(programs: Module, *args: Any) -> tuple[Any, ...]:
    """What native code gives and leaves in its arguments, which is what the interpreter does."""
    mine, other = ([arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args] for _ in range(2))
    got, expected = run(compile_module(programs), *mine), interpret(programs, other)
    found = []
    for value, reference in zip(got, expected, strict=True):
        result: Any = taken(value, reference.dtype) if isinstance(reference, np.ndarray) else value
        np.testing.assert_allclose(result, reference, rtol=1e-14)
        found.append(result)
    for one, reference in zip(mine, other, strict=True):
        np.testing.assert_allclose(one, reference, rtol=1e-14)
    return tuple(found)


def each(m: Maker, start: int, trips: Operand, body: Any) -> None:
    """A loop in blocks start .. start + 2 that carries nothing."""

    def step(i: Var, nothing: Var) -> Operand:
        body(i)
        return nothing

    counted(m, start, trips, step, integer(0))


def numbers(dtype: Any, count: int) -> np.ndarray:
    random = np.random.default_rng(count)
    values = random.normal(size=count) * 10
    if np.dtype(dtype).kind == "c":
        return (values + 1j * random.normal(size=count)).astype(dtype)
    return values > 0 if dtype is np.bool_ else values.astype(dtype)


@pytest.mark.parametrize("kind", DTYPES, ids=str)
def test_elements_of_every_type(kind: Type) -> None:
    """y[n - 1 - i] = x[i], z[i] += x[i] (but for bools), and copies, zeros and sizes of them."""
    memory = MemoryType(kind)
    m = Maker("f", memory, memory)
    x, z = m.params
    n = m.op(mem_size, (x,), INT)
    y = m.op(mem_new, (n,), memory)
    zeros, like = m.op(mem_zeros, (integer(3),), memory), m.op(mem_like, (x,), memory)
    last = m.op(operator.sub, (n, integer(1)), INT)

    def body(i: Var) -> None:
        value = m.op(mem_load, (x, i), kind)
        m.do(mem_store, y, m.op(operator.sub, (last, i), INT), value)
        m.do(mem_store if kind == BOOL else mem_add, z, i, value)

    each(m, 1, n, body)
    copy = m.op(mem_copy, (y,), memory)
    m.do(mem_store, like, integer(1), m.op(mem_load, (x, integer(2)), kind))
    for result in (y, zeros, like, copy):
        m.do(mem_give, result)
    m.end(Return((y, zeros, like, copy, n)))
    dtype = DTYPES[kind]
    x0 = numbers(dtype, 100)
    y0, zeros0, _, copied, size = both(module(m.program(memory, memory, memory, memory, INT)), x0, numbers(dtype, 101))
    assert size == 100 and (y0 == x0[::-1]).all() and (copied == y0).all() and not zeros0.any()


@pytest.mark.parametrize("count", [0, 1])
def test_buffers_without_elements_are_buffers(count: int) -> None:
    m = Maker("f", INT, VECTOR)
    n, x = m.params
    made = [m.op(fn, (n,), VECTOR) for fn in (mem_zeros, mem_zeros)]
    made += [m.op(fn, (x,), VECTOR) for fn in (mem_like, mem_copy)]
    for result in made:
        m.do(mem_give, result)
    m.end(Return(tuple(made)))
    programs = module(m.program(*(VECTOR,) * 4))
    for values in both(programs, count, np.ones(count)):
        assert len(values) == count


def test_whether_buffers_share_elements() -> None:
    m = Maker("f", VECTOR, VECTOR, MemoryType(C128))
    x, y, z = m.params
    m.end(Return((m.op(mem_apart, (x, y), BOOL), m.op(mem_apart, (y, x), BOOL), m.op(mem_apart, (x, z), BOOL))))
    programs = module(m.program(BOOL, BOOL, BOOL))
    native = compile_module(programs)
    a = np.zeros(10)
    places = [a[start:end] for start, end in ((0, 5), (5, 10), (4, 6), (0, 0), (5, 5), (0, 10))]
    for x0 in places:
        for y0 in places:
            for z0 in (a[2:6].view(np.complex128), a[6:].view(np.complex128), a[:0].view(np.complex128)):
                assert run(native, x0, y0, z0) == interpret(programs, (x0, y0, z0))


def test_whether_fresh_buffers_share_elements() -> None:
    m = Maker("f", INT)
    x = m.op(mem_new, m.params, VECTOR)
    y = m.op(mem_copy, (x,), VECTOR)
    m.end(Return((m.op(mem_apart, (x, y), BOOL), m.op(mem_apart, (x, x), BOOL))))
    assert both(module(m.program(BOOL, BOOL)), 4) == (True, False)
    assert both(module(m.program(BOOL, BOOL)), 0) == (True, True)


def test_buffers_that_are_too_large() -> None:
    for fn in (mem_new, mem_zeros):
        m = Maker("f", INT)
        x = m.op(fn, m.params, VECTOR)
        last = m.op(operator.sub, (m.op(mem_size, (x,), INT), integer(1)), INT)
        m.do(mem_store, x, last, real(2.0))
        m.end(Return((m.op(mem_load, (x, integer(0))),)))
        native = compile_module(module(m.program(F64)))
        assert native.call(1) == (2.0,)
        for count in (2**62, 2**59, 2**45):
            with pytest.raises(MemoryError):
                native.call(count)


def squares() -> tuple[Module, Module]:
    """f(x, times) sums g(x) over and over; g needs a work array of its own.  Also f that makes it itself."""
    g = Maker("g", VECTOR)
    (x,) = g.params
    total = _sum_of_squares(g, x, 1)
    g.do(Guard(Failure(lambda: ValueError("large"), "ValueError")), g.op(operator.lt, (total, real(1e6)), BOOL))
    g.end(Return((total,)))
    f = Maker("f", VECTOR, INT)
    x, times = f.params

    def body(i: Var, s: Var) -> Operand:
        (part,) = f.do(Call("g"), x, results=(F64,))
        return f.op(operator.add, (s, part))

    f.end(Return((counted(f, 1, times, body, real(0.0)),)))
    return module(f.program(F64), g.program(F64)), module(g.program(F64))


def _sum_of_squares(m: Maker, x: Operand, start: int) -> Var:
    n = m.op(mem_size, (x,), INT)
    work = m.op(mem_like, (x,), VECTOR)

    def square(i: Var) -> None:
        value = m.op(mem_load, (x, i))
        m.do(mem_add, work, i, m.op(operator.mul, (value, value)))

    each(m, start, n, square)
    return counted(m, start + 3, n, lambda i, s: m.op(operator.add, (s, m.op(mem_load, (work, i)))), real(0.0))


def test_a_callee_frees_its_buffers() -> None:
    programs, _ = squares()
    assert both(programs, np.arange(4.0), 5) == (70.0,)
    native = compile_module(programs)
    before = allocated()
    assert run(native, np.ones(1000), 20_000) == (2e7,)
    after = allocated()
    if before is not None:
        assert after is not None and after - before < 1 << 20


@pytest.mark.parametrize("given", [False, True])
def test_failed_calls_free_their_buffers(given: bool) -> None:
    """Fails after it has made a buffer, which it may have left to its caller already."""
    m = Maker("f", VECTOR)
    (x,) = m.params
    made = m.op(mem_copy, (x,), VECTOR)
    if given:
        m.do(mem_give, made)
        m.do(mem_give, made)
    first = m.op(mem_load, (made, integer(0)))
    m.do(Guard(Failure(lambda x: ValueError(x), "ValueError")), m.op(operator.gt, (first, real(0.0)), BOOL), first)
    m.end(Return((made, made) if given else ()))
    native = compile_module(module(m.program(*(VECTOR, VECTOR) if given else ())))
    good, bad = np.ones(1000), np.zeros(1000)
    results = run(native, good)
    if given:
        assert results[0] == results[1] and (taken(results[0], np.float64) == good).all()
    before = allocated()
    for _ in range(10_000):
        with pytest.raises(ValueError, match=r"^0\.0$"):
            run(native, bad)
    after = allocated()
    if before is not None:
        assert after is not None and after - before < 1 << 20


def test_what_is_given_is_the_caller_s_and_the_rest_is_freed() -> None:
    """g makes and returns two buffers; f gives one of them to its caller."""
    g = Maker("g", VECTOR)
    (x,) = g.params
    g.end(Return((g.op(mem_copy, (x,), VECTOR), g.op(mem_like, (x,), VECTOR))))
    f = Maker("f", VECTOR)
    one, two = f.do(Call("g"), *f.params, results=(VECTOR, VECTOR))
    f.do(mem_store, two, integer(1), f.op(mem_load, (one, integer(1))))
    f.do(mem_give, two)
    f.end(Return((two,)))
    programs = module(f.program(VECTOR), g.program(VECTOR, VECTOR))
    (got,) = both(programs, np.arange(3.0))
    assert got.tolist() == [0.0, 1.0, 0.0]
    native = compile_module(programs)
    before = allocated()
    for _ in range(10_000):
        taken(run(native, np.ones(1000))[0], np.float64)
    after = allocated()
    if before is not None:
        assert after is not None and after - before < 1 << 20


def test_buffers_in_tapes_stacks_and_loops() -> None:
    """Buffers of growing size, made by a callee in a loop, wait on a stack and a tape until they are read."""
    stack, kind = StackType("test"), TapeType((VECTOR, INT), False)
    make = Maker("make", INT, stack, kind)
    n, records, tape = make.params
    made = make.op(mem_zeros, (make.op(operator.add, (n, integer(1)), INT),), VECTOR)
    make.do(mem_store, made, n, make.op(np.sqrt, (make.op(cast, (n,)),)))
    make.do(push, records, made, n)
    make.do(tape_put, tape, n, integer(0), made)
    make.do(tape_put, tape, n, integer(1), n)
    make.end(Return(()))
    m = Maker("f", INT)
    (n,) = m.params
    own = m.op(stack_new, (), stack)
    tape = m.op(tape_new, (n,), kind)
    each(m, 1, n, lambda i: m.do(Call("make"), i, own, tape))

    def back(i: Var, s: Var) -> Operand:
        popped, k = m.do(pop, own, results=(VECTOR, INT))
        kept = m.op(tape_get, (tape, i, integer(0)), VECTOR)
        last = m.op(operator.sub, (m.op(mem_size, (kept,), INT), integer(1)), INT)
        s = m.op(operator.add, (m.op(operator.mul, (s, real(0.5))), m.op(mem_load, (popped, k))))
        return m.op(operator.add, (s, m.op(mem_load, (kept, last))))

    m.end(Return((counted(m, 4, n, back, real(0.0)),)))
    programs = module(m.program(F64), make.program())
    both(programs, 300)
    native = compile_module(programs)
    before = allocated()
    for _ in range(100):
        native.call(300)
    after = allocated()
    if before is not None:
        assert after is not None and after - before < 1 << 20


def test_a_buffer_chosen_by_a_loop() -> None:
    """x and y are swapped in every iteration, with the first written."""
    m = Maker("f", VECTOR, VECTOR, INT)
    x, y, n = m.params
    m.end(Jump(Edge(1, (integer(0), x, y))))
    i, a, b = m.block(1, INT, VECTOR, VECTOR)
    m.end(Branch(m.op(operator.lt, (i, n), BOOL), Edge(2), Edge(3)))
    m.block(2)
    m.do(mem_add, a, integer(0), m.op(mem_load, (b, integer(0))))
    m.end(Jump(Edge(1, (m.op(operator.add, (i, integer(1)), INT), b, a))))
    m.block(3)
    m.end(Return((m.op(mem_load, (a, integer(0))), m.op(mem_load, (b, integer(0))))))
    assert both(module(m.program(F64, F64)), np.ones(1), np.ones(1), 5) == (8.0, 13.0)


# --- what LLVM is told about aliases ------------------------------------------------------------------------


def vectorises(native: Native) -> bool:
    """Is the loop of the outer function vectorised, without comparing addresses when it runs?"""
    text = native.llvm if "vector.body" in native.llvm else str(llvm.parse_bitcode(native.bitcode))
    return "vector.body" in text and "vector.memcheck" not in text


def scaled_into(m: Maker, x: Operand, y: Operand, z: Operand, a: Operand) -> None:
    """y[i] = a x[i]; z[i] += y[i]"""

    def body(i: Var) -> None:
        m.do(mem_store, y, i, m.op(operator.mul, (m.op(mem_load, (x, i)), a)))
        m.do(mem_add, z, i, m.op(mem_load, (y, i)))

    each(m, 1, m.op(mem_size, (x,), INT), body)


def test_different_parameters_are_different_buffers() -> None:
    m = Maker("f", VECTOR, VECTOR, VECTOR, F64)
    scaled_into(m, *m.params)
    m.end(Return(()))
    programs = module(m.program())
    assert vectorises(compile_module(programs))
    both(programs, numbers(float, 101), np.zeros(101), numbers(float, 101), 0.5)


def test_a_parameter_of_a_callee_and_its_own_buffers_are_different() -> None:
    g = Maker("g", VECTOR, F64)
    x, a = g.params
    y, z = (g.op(mem_like, (x,), VECTOR) for _ in range(2))
    scaled_into(g, x, y, z, a)
    g.do(mem_store, x, integer(0), g.op(mem_load, (z, integer(0))))
    g.end(Return(()))
    f = Maker("f", VECTOR, F64)
    f.do(Call("g"), *f.params)
    f.do(Call("g"), *f.params)
    f.end(Return(()))
    programs = module(f.program(), g.program())
    assert vectorises(compile_module(programs))
    both(programs, numbers(float, 101), 0.5)


def test_indices_are_not_changed_by_stores_of_floats() -> None:
    """y[k[i]] = x for all i: k[i] may be read ahead; and z[0] += x[i] stays in a register."""
    m = Maker("f", VECTOR, VECTOR, MemoryType(INT))
    y, z, k = m.params

    def body(i: Var) -> None:
        m.do(mem_add, y, m.op(mem_load, (k, integer(0)), INT), m.op(mem_load, (z, i)))

    each(m, 1, m.op(mem_size, (z,), INT), body)
    m.end(Return(()))
    programs = module(m.program())
    assert vectorises(compile_module(programs))
    both(programs, np.zeros(3), numbers(float, 101), np.array([2]))


def through_a_tape(m: Maker, x: Var) -> Var:
    tape = m.op(tape_new, (m.op(mem_size, (x,), INT),), TapeType((VECTOR,), False))
    m.do(tape_put, tape, integer(0), integer(0), x)
    return m.op(tape_get, (tape, integer(0), integer(0)), VECTOR)


def through_a_stack(m: Maker, x: Var) -> Var:
    own = m.op(stack_new, (), StackType("test"))
    m.do(push, own, x)
    (found,) = m.do(pop, own, results=(VECTOR,))
    return found


def through_a_call(m: Maker, x: Var) -> Var:
    (found,) = m.do(Call("same"), x, results=(VECTOR,))
    return found


def through_a_choice(m: Maker, x: Var) -> Var:
    return m.op(select, (m.op(mem_apart, (x, x), BOOL), m.op(mem_like, (x,), VECTOR), x), VECTOR)


@pytest.mark.parametrize("way", [through_a_tape, through_a_stack, through_a_call, through_a_choice])
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("inner", [False, True])
def test_one_buffer_under_two_names(way: Any, fresh: bool, inner: bool) -> None:
    """In turns, one name is read and the other written; what was read before is not what is read now."""
    m = Maker("g" if inner else "f", VECTOR)
    (x,) = m.params
    name = m.op(mem_copy, (x,), VECTOR) if fresh else x
    other = way(m, name)
    last = m.op(operator.sub, (m.op(mem_size, (x,), INT), integer(1)), INT)

    def body(i: Var) -> None:
        m.do(mem_store, other, m.op(operator.add, (i, integer(1)), INT), m.op(mem_load, (name, i)))
        m.do(mem_add, name, integer(0), m.op(mem_load, (other, i)))
        m.do(mem_add, other, integer(0), real(1.0))

    each(m, 1, last, body)
    n = m.op(mem_size, (x,), INT)
    total = counted(m, 4, n, lambda i, s: m.op(operator.add, (s, m.op(mem_load, (name, i)))), real(0.0))
    m.end(Return((total,)))
    programs = [m.program(F64)]
    if inner:
        f = Maker("f", VECTOR)
        (found,) = f.do(Call("g"), *f.params, results=(F64,))
        f.end(Return((found,)))
        programs.insert(0, f.program(F64))
    if way is through_a_call:
        same = Maker("same", VECTOR)
        same.end(Return(same.params))
        programs.append(same.program(VECTOR))
    both(module(*programs), np.arange(20.0))


def test_one_buffer_twice_as_an_argument_of_a_callee() -> None:
    g = Maker("g", VECTOR, VECTOR, VECTOR, F64)
    scaled_into(g, *g.params)
    g.end(Return(()))
    f = Maker("f", VECTOR, F64)
    x, a = f.params
    f.do(Call("g"), x, x, x, a)
    f.end(Return(()))
    both(module(f.program(), g.program()), numbers(float, 101), 0.5)


def test_an_allocation_without_use_vanishes() -> None:
    m = Maker("f", VECTOR)
    (x,) = m.params
    y = m.op(mem_like, (x,), VECTOR)
    m.do(mem_store, y, integer(0), real(1.0))
    m.end(Return((m.op(mem_load, (x, integer(0))),)))
    assert "zyg.zeros" not in compile_module(module(m.program(F64))).llvm
