"""Additions to adjoints, once every contribution is known."""

from __future__ import annotations

import operator

from numba import types

from zyg.adjoint.gates import through_gates
from zyg.adjoint.mirrored import accumulate
from zyg.ir.graph import substitute
from zyg.ir.program import Block, Const, Op, Operand, Program, Var
from zyg.passes.simplify import simplify_program
from zyg.rules import primitives as p


def plain(program: Program) -> Program:
    """`accumulate` of a symbolic zero is its other operand; what remains is addition in any order."""
    while True:
        program = simplify_program(program)
        renamed: dict[Var, Operand] = {}

        def final(operand: Operand, renamed: dict[Var, Operand] = renamed) -> Operand:
            while isinstance(operand, Var) and operand in renamed:
                operand = renamed[operand]
            return operand

        for op in program.ops():
            if op.fn is accumulate:
                for a, b in (op.args, op.args[::-1]):
                    if isinstance(a, Const) and a.value == 0:
                        renamed[op.result] = b
                        break
            elif op.fn is p.identity:
                renamed[op.result] = op.args[0]
        if not renamed:
            break
        blocks = {}
        for label, block in program.blocks.items():
            ops = tuple(op for op in block.ops if not (op.results and op.results[0] in renamed))
            blocks[label] = substitute(Block(block.params, ops, block.end), final)
        program = program.with_blocks(blocks)
    program = through_gates(program)
    blocks = {
        label: Block(block.params, tuple(map(_added, block.ops)), block.end) for label, block in program.blocks.items()
    }
    return program.with_blocks(blocks)


def _added(op: Op) -> Op:
    """The order of contributions is free."""
    if op.fn is not accumulate:
        return op
    whole = isinstance(op.result.type, types.Integer)
    return Op(operator.add if whole else p.reassociate_add, op.args, op.results, op.pos)
