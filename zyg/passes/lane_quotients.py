"""Lanes divided by one number as products with its reciprocal: one division instead of one in each lane.

    x / splat(d)   becomes   r = 1 / d, x * splat(r)

The last digit may differ.  Lanes hold tangents, on which nothing is decided.
"""

from __future__ import annotations

import operator

from zyg.ir.lanes import LanesType, splat
from zyg.ir.program import Block, Const, Module, Op, Operand, Program, Var


def lanes_by_reciprocals(module: Module) -> Module:
    """`module`, in which no lanes are divided by what is the same in all of them."""
    return module.with_programs({name: _rewritten(program) for name, program in module.programs.items()})


def _rewritten(program: Program) -> Program:
    if not any(map(_is_quotient, program.ops())):
        return program
    spread = {op.result: op.args[0] for op in program.ops() if op.fn is splat}
    return program.with_blocks({label: _in_block(block, spread) for label, block in program.blocks.items()})


def _is_quotient(op: Op) -> bool:
    return op.fn is operator.truediv and isinstance(op.result.type, LanesType)


def _in_block(block: Block, spread: dict[Var, Operand]) -> Block:
    reciprocals: dict[Operand, Var] = {}
    ops: list[Op] = []
    for op in block.ops:
        divisor = op.args[1] if _is_quotient(op) else None
        number = spread.get(divisor) if isinstance(divisor, Var) else divisor
        if number is None:
            ops.append(op)
            continue
        if number not in reciprocals:
            kind = op.result.type
            assert isinstance(kind, LanesType)
            by = Const(number.value, kind.dtype) if isinstance(number, Const) else number
            inverse, every = Var(kind.dtype), Var(kind)
            ops.append(Op(operator.truediv, (Const(1.0, kind.dtype), by), (inverse,), op.pos))
            ops.append(Op(splat, (inverse,), (every,), op.pos))
            reciprocals[number] = every
        ops.append(Op(operator.mul, (op.args[0], reciprocals[number]), op.results, op.pos))
    return Block(block.params, tuple(ops), block.end)
