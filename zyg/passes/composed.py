"""Arithmetic of rules that has derivatives of its own, written out once no more are taken.

over(a, b)    becomes   select((a == 0) & (b == 0), 0, a / b)
times(a, b)   becomes   select((a == 0) & (b - b != 0), 0, a * b)
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from zyg.ir.lanes import truth_of
from zyg.ir.program import Block, Module, Op, Operand, Program, Type, Var
from zyg.passes.slots import zero
from zyg.rules import primitives as p


def written_out(module: Module) -> Module:
    """`module` in which arithmetic of rules is that of numbers."""
    return module.with_programs({name: _written_out(program) for name, program in module.programs.items()})


def _written_out(program: Program) -> Program:
    if not any(op.fn in p.composed for op in program.ops()):
        return program
    blocks = {
        label: Block(block.params, tuple(one for op in block.ops for one in _ops(op)), block.end)
        for label, block in program.blocks.items()
    }
    return program.with_blocks(blocks)


def _ops(op: Op) -> Iterator[Op]:
    if op.fn not in p.composed:
        yield op
        return
    a, b = op.args
    kind = op.result.type
    none, truth = zero(kind), truth_of(kind)

    def made(fn: object, args: tuple[Operand, ...], kind: Type) -> Op:
        return Op(fn, args, (Var(kind),), op.pos)

    still = made(operator.eq, (a, none), truth)
    if op.fn is p.over:
        before: tuple[Op, ...] = ()
        bad, plain = made(operator.eq, (b, none), truth), made(operator.truediv, (a, b), kind)
    else:
        before = (made(operator.sub, (b, b), kind),)
        bad, plain = made(operator.ne, (before[0].result, none), truth), made(operator.mul, (a, b), kind)
    both = made(operator.and_, (still.result, bad.result), truth)
    yield from (still, *before, bad, both, plain)
    yield Op(p.select, (both.result, none, plain.result), op.results, op.pos)
