"""Lanes divided by one number as products with its reciprocal: one division instead of one in each lane.

    x / splat(d)   becomes   r = 1 / (s * d), x * splat(r) * splat(s)

Here s is 1, but for tiny d, whose reciprocals would be infinite (and 0 times that nan), and for huge ones, whose
reciprocals would lose digits.  The last digit may differ.  Lanes hold tangents, on which nothing is decided.
"""

from __future__ import annotations

import operator

from zyg.ir.lanes import LanesType, splat
from zyg.ir.program import Block, Const, Module, Op, Operand, Pos, Program, Var, emitted
from zyg.ir.scalars import b1, f4
from zyg.rules import primitives as p


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
    factors: dict[Operand, list[Var]] = {}
    ops: list[Op] = []
    for op in block.ops:
        divisor = op.args[1] if _is_quotient(op) else None
        number = spread.get(divisor) if isinstance(divisor, Var) else divisor
        if number is None:
            ops.append(op)
            continue
        kind = op.result.type
        assert isinstance(kind, LanesType)
        if number not in factors:
            by = Const(number.value, kind.dtype) if isinstance(number, Const) else number
            factors[number] = [emitted(ops, splat, (one,), kind, op.pos) for one in _factors(ops, by, op.pos)]
        product = op.args[0]
        for factor in factors[number][:-1]:
            product = emitted(ops, operator.mul, (product, factor), kind, op.pos)
        ops.append(Op(operator.mul, (product, factors[number][-1]), op.results, op.pos))
    return Block(block.params, tuple(ops), block.end)


def _factors(ops: list[Op], d: Operand, pos: Pos) -> list[Var]:
    """Numbers whose product is 1 / d, none of them infinite or subnormal where d is neither 0 nor infinite."""
    limit, step = (2.0**120, 2.0**30) if d.type == f4 else (2.0**1000, 2.0**60)
    one = Const(1.0, d.type)
    if isinstance(d, Const) and 1 / limit < abs(d.value) < limit:
        return [emitted(ops, operator.truediv, (one, d), d.type, pos)]
    size = emitted(ops, operator.abs, (d,), d.type, pos)
    is_huge = emitted(ops, operator.gt, (size, Const(limit, d.type)), b1, pos)
    is_tiny = emitted(ops, operator.lt, (size, Const(1 / limit, d.type)), b1, pos)
    small = emitted(ops, p.select, (is_huge, Const(1 / step, d.type), one), d.type, pos)
    s = emitted(ops, p.select, (is_tiny, Const(step, d.type), small), d.type, pos)
    scaled = emitted(ops, operator.mul, (s, d), d.type, pos)
    return [emitted(ops, operator.truediv, (one, scaled), d.type, pos), s]
