"""Cells become variables; counters in step become one; growable buffers and buffers of handles mean what they say."""

import operator

import numpy as np
import pytest
from numba import types

import zyg
from zyg.ir.interpret import interpret
from zyg.ir.memory import MemoryType, mem_load, mem_new, mem_reserve, mem_store, mem_zeros
from zyg.ir.program import Block, Branch, Const, Edge, Jump, Module, Op, Pos, Program, Return, Var
from zyg.ir.verify import verify_program
from zyg.passes.cells import promote_cells
from zyg.passes.counters import merge_counters
from zyg.passes.memory_facts import Buffers

INT, F, B = types.int64, types.float64, types.boolean
HERE = Pos("<test>", 1, "f")


def op(fn, *args, kind=None):
    result = () if kind is None else (Var(kind),)
    return Op(fn, args, result, HERE)


def loop_over_cells():
    """cell = 0; j = n; for i in range(n): cell += 2; j += 1; return cell, j"""
    n, i, j, cond = Var(INT, "n"), Var(INT, "i"), Var(INT, "j"), Var(B)
    cell = Var(MemoryType(INT), "cell")
    old, new, later, after, last = Var(INT), Var(INT), Var(INT), Var(INT), Var(INT)
    one = Const(1, INT)
    blocks = {
        0: Block(
            (),
            (Op(mem_new, (one,), (cell,), HERE), op(mem_store, cell, Const(0, INT), Const(0, INT))),
            Jump(Edge(1, (Const(0, INT), n))),
        ),
        1: Block((i, j), (Op(operator.lt, (i, n), (cond,), HERE),), Branch(cond, Edge(2), Edge(3))),
        2: Block(
            (),
            (
                Op(mem_load, (cell, Const(0, INT)), (old,), HERE),
                Op(operator.add, (old, Const(2, INT)), (new,), HERE),
                op(mem_store, cell, Const(0, INT), new),
                Op(operator.add, (i, one), (later,), HERE),
                Op(operator.add, (j, one), (after,), HERE),
            ),
            Jump(Edge(1, (later, after))),
        ),
        3: Block((), (Op(mem_load, (cell, Const(0, INT)), (last,), HERE),), Return((last, j))),
    }
    return Program("f", (n,), (INT, INT), blocks)


def test_cells_become_variables():
    program = promote_cells(loop_over_cells())
    verify_program(program)
    assert not any(one.fn in (mem_new, mem_load, mem_store) for one in program.ops())
    assert interpret(Module({"f": program}, "f"), [5]) == (10, 10)


def test_counters_in_step_become_one():
    program = merge_counters(loop_over_cells())
    verify_program(program)
    assert len(program.blocks[1].params) == 1
    assert interpret(Module({"f": program}, "f"), [5]) == (10, 10)


def test_a_cell_that_is_passed_on_stays():
    cell = Var(MemoryType(INT), "cell")
    blocks = {0: Block((), (Op(mem_new, (Const(1, INT),), (cell,), HERE),), Return((cell,)))}
    program = Program("f", (), (cell.type,), blocks)
    assert promote_cells(program) is program


def test_what_handles_lead_to_is_one_class():
    """Handles that go into one buffer and come out of it are of one class, through buffers of buffers too."""
    inner = MemoryType(F)
    a, b = Var(inner, "a"), Var(inner, "b")
    outer = Var(MemoryType(inner, growable=True), "outer")
    top = Var(MemoryType(outer.type), "top")
    again, found = Var(outer.type), Var(inner, "found")
    ops = (
        Op(mem_zeros, (Const(2, INT),), (a,), HERE),
        Op(mem_zeros, (Const(2, INT),), (b,), HERE),
        Op(mem_new, (Const(0, INT),), (outer,), HERE),
        op(mem_reserve, outer, Const(2, INT)),
        Op(mem_new, (Const(1, INT),), (top,), HERE),
        op(mem_store, top, Const(0, INT), outer),
        op(mem_store, outer, Const(0, INT), a),
        Op(mem_load, (top, Const(0, INT)), (again,), HERE),
        op(mem_store, again, Const(1, INT), b),
        Op(mem_load, (outer, Const(1, INT)), (found,), HERE),
        op(mem_store, found, Const(1, INT), Const(3.0, F)),
        op(mem_load, b, Const(1, INT), kind=F),
    )
    program = Program("f", (), (F,), {0: Block((), ops, Return((ops[-1].result,)))})
    verify_program(program)
    buffers = Buffers(program)
    assert buffers.of[a] is buffers.of[b] is buffers.of[found]
    assert buffers.is_local(buffers.of[a]) and buffers.may_share(buffers.of[found], buffers.of[b])
    assert interpret(Module({"f": program}, "f"), []) == (3.0,)


def test_what_an_unknown_buffer_holds_is_unknown():
    inner = MemoryType(F)
    given, array = Var(MemoryType(inner), "given"), Var(inner, "array")
    found = Var(inner, "found")
    ops = (
        Op(mem_load, (given, Const(0, INT)), (found,), HERE),
        op(mem_store, found, Const(0, INT), Const(1.0, F)),
        op(mem_load, array, Const(0, INT), kind=F),
    )
    program = Program("f", (given, array), (F,), {0: Block((), ops, Return((ops[-1].result,)))})
    buffers = Buffers(program)
    assert buffers.origins[buffers.of[found]].unknown
    assert buffers.may_write(ops[1], buffers.of[array])


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_growth(count):
    def f(x, n):
        values = []
        for i in range(n):
            values.append((x * i, i))
        total = 0.0
        for v, i in values:
            total += v * i
        return total

    expected = float(sum(i * i for i in range(count)))
    np.testing.assert_allclose(zyg.value_and_grad(f, mode="native")(2.0, count), (2.0 * expected, expected))
