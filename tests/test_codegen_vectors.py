"""Loops as vector code: elementary functions of several elements at once, and sums."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_codegen_memory import DTYPES, each, numbers, run, vectorises
from test_codegen_programs import BOOL, F32, F64, INT, Maker, counted, module

from zyg.codegen import vectors
from zyg.codegen.compile import Native, compile_module
from zyg.ir.interpret import interpret
from zyg.ir.memory import MemoryType, mem_load, mem_size, mem_store
from zyg.ir.program import Branch, Const, Edge, Jump, Module, Return, Type, Var
from zyg.rules.primitives import reassociate_add

pytestmark = pytest.mark.skipif(not vectors.load(), reason="no vector functions here")

UNARY = (
    *(np.exp, np.log, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan),
    *(np.arcsinh, np.arccosh, np.arctanh, np.exp2, np.expm1, np.log2, np.log10, np.log1p, np.cbrt, math.erf, math.erfc),
)
BINARY = (operator.pow, np.arctan2, np.hypot)
SPECIAL = (
    0.0,
    -0.0,
    1e-310,
    1.0,
    -1.0,
    0.5,
    -0.3,
    3.0,
    -3.0,
    20.0,
    300.0,
    -745.0,
    1e10,
    1e300,
    math.inf,
    -math.inf,
    math.nan,
)


def mapped(fn: Any, kind: Type, arity: int = 1) -> Module:
    """y[i] = fn(x[i], ...)"""
    vector = MemoryType(kind)
    m = Maker("f", *(vector,) * (arity + 1))
    *xs, y = m.params
    each(
        m,
        1,
        m.op(mem_size, (y,), INT),
        lambda i: m.do(mem_store, y, i, m.op(fn, [m.op(mem_load, (x, i), kind) for x in xs], kind)),
    )
    m.end(Return(()))
    return module(m.program())


def is_vector_code(native: Native) -> bool:
    return vectorises(native) and "_ZGV" in native.asm


def agree(programs: Module, native: Native, xs: list[np.ndarray]) -> None:
    """Vectors and what is left over at the end give what the interpreter gives, but for four units in the last."""
    mine, reference = np.zeros_like(xs[0]), np.zeros_like(xs[0])
    run(native, *xs, mine)
    interpret(programs, [*xs, reference])
    np.testing.assert_allclose(mine, reference, rtol=5 * float(np.finfo(mine.dtype).eps), atol=1e-45)
    assert (np.signbit(mine) == np.signbit(reference))[~np.isnan(reference)].all()


@pytest.mark.parametrize("kind", [F64, F32], ids=str)
@pytest.mark.parametrize("fn", UNARY, ids=lambda fn: fn.__name__)
def test_functions_of_one_number(fn: Any, kind: Type) -> None:
    programs = mapped(fn, kind)
    native = compile_module(programs)
    assert is_vector_code(native)
    with np.errstate(all="ignore"):
        x = np.concatenate([np.linspace(-3, 3, 101), np.repeat(SPECIAL, 16)]).astype(DTYPES[kind])
        agree(programs, native, [x])


@pytest.mark.parametrize("kind", [F64, F32], ids=str)
@pytest.mark.parametrize("fn", BINARY, ids=lambda fn: fn.__name__)
def test_functions_of_two_numbers(fn: Any, kind: Type) -> None:
    programs = mapped(fn, kind, 2)
    native = compile_module(programs)
    assert is_vector_code(native)
    with np.errstate(all="ignore"):
        special = np.repeat(SPECIAL, len(SPECIAL)), np.tile(SPECIAL, len(SPECIAL))
        pairs = np.abs(numbers(float, 101)), numbers(float, 103)[:101]
        xs = [np.concatenate([np.repeat(s, 16), p]).astype(DTYPES[kind]) for s, p in zip(special, pairs, strict=True)]
        agree(programs, native, xs)


def test_a_call_outside_loops_stays_a_scalar_call() -> None:
    m = Maker("f", F64)
    m.end(Return((m.op(np.sin, (m.op(np.cos, m.params),)),)))
    native = compile_module(module(m.program(F64)))
    assert "_ZGV" not in native.asm
    assert native.call(0.5) == (math.sin(math.cos(0.5)),)


def test_functions_on_both_sides_of_a_branch() -> None:
    """y[i] = exp(x[i]) if x[i] > 0 else tanh(x[i])"""
    vector = MemoryType(F64)
    m = Maker("f", vector, vector)
    x, y = m.params
    n = m.op(mem_size, (x,), INT)
    m.end(Jump(Edge(1, (Const(0, INT),))))
    (i,) = m.block(1, INT)
    m.end(Branch(m.op(operator.lt, (i, n), BOOL), Edge(2), Edge(6)))
    m.block(2)
    value = m.op(mem_load, (x, i))
    m.end(Branch(m.op(operator.gt, (value, Const(0.0, F64)), BOOL), Edge(3), Edge(4)))
    m.block(3)
    m.end(Jump(Edge(5, (m.op(np.exp, (value,)),))))
    m.block(4)
    m.end(Jump(Edge(5, (m.op(np.tanh, (value,)),))))
    (chosen,) = m.block(5, F64)
    m.do(mem_store, y, i, chosen)
    m.end(Jump(Edge(1, (m.op(operator.add, (i, Const(1, INT)), INT),))))
    m.block(6)
    m.end(Return(()))
    programs = module(m.program())
    native = compile_module(programs)
    assert is_vector_code(native)
    agree(programs, native, [np.linspace(-3, 3, 101)])


def summed(term: Callable[[Maker, Var], Var], add: Any) -> Module:
    vector = MemoryType(F64)
    m = Maker("f", vector)
    (x,) = m.params
    n = m.op(mem_size, (x,), INT)
    total = counted(m, 1, n, lambda i, s: m.op(add, (s, term(m, m.op(mem_load, (x, i))))), Const(0.0, F64))
    m.end(Return((total,)))
    return module(m.program(F64))


@pytest.mark.parametrize("add", [operator.add, reassociate_add])
def test_sums_of_functions(add: Any) -> None:
    programs = summed(lambda m, x: m.op(np.exp, (x,)), add)
    native = compile_module(programs)
    assert is_vector_code(native)
    x = numbers(float, 1001) / 10
    assert run(native, x)[0] == pytest.approx(interpret(programs, [x])[0], rel=1e-14)


def test_a_sum_that_is_free_has_several_parts_and_any_other_has_the_order_written() -> None:
    x = np.random.default_rng(0).normal(size=1001) * 10.0 ** np.random.default_rng(1).integers(-8, 8, size=1001)
    for add in (operator.add, reassociate_add):
        programs = summed(lambda m, x: m.op(operator.mul, (x, x)), add)
        native = compile_module(programs)
        assert vectorises(native)
        (expected,) = interpret(programs, [x])
        (got,) = run(native, x)
        if add is operator.add:
            assert got == expected
        else:
            assert got == pytest.approx(expected, rel=1e-13) and "fadd reassoc" in native.llvm
