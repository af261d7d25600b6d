"""Several divisions by one number in a reverse sweep as products with its reciprocal.

    x / d, y / d   becomes   r = 1 / d, x * r, y * r

The last digit may differ, which matters to no sum of adjoints.  It would to what decides: branches of the reverse
sweep must go as those of the forward sweep went.  So quotients on which a branch, a guard, an index, a comparison of
sizes, an int or what is written to memory rests stay as they are, but for what is added to memory.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from numba import types

from zyg.ir.lanes import dtype_of_lanes
from zyg.ir.memory import mem_add
from zyg.ir.program import Block, Branch, Const, Op, Operand, Program, Var, edges
from zyg.ir.tape import is_pure

_EQUALITIES = frozenset((operator.eq, operator.ne))


def with_reciprocals(program: Program) -> Program:
    """`program`, in whose reverse sweeps no block divides twice by the same number."""
    if not any(_shared(block) for block in program.blocks.values()):
        return program
    exact = _exact(program)
    return program.with_blocks({label: _rewritten(block, exact) for label, block in program.blocks.items()})


def _divisor(op: Op) -> Var | None:
    """What an op of a reverse sweep divides by."""
    if op.fn is not operator.truediv or not op.pos.reverse or not isinstance(op.result.type, types.Float):
        return None
    return op.args[1] if isinstance(op.args[1], Var) else None


def _shared(block: Block, exact: frozenset[Operand] = frozenset()) -> set[Var]:
    """The divisors of more than one op."""
    once: set[Var] = set()
    more: set[Var] = set()
    for op in block.ops:
        divisor = _divisor(op)
        if divisor is not None and op.result not in exact:
            (more if divisor in once else once).add(divisor)
    return more


def _rewritten(block: Block, exact: frozenset[Operand]) -> Block:
    shared = _shared(block, exact)
    if not shared:
        return block
    reciprocals: dict[Var, Var] = {}
    ops: list[Op] = []
    for op in block.ops:
        divisor = _divisor(op)
        if divisor is None or divisor not in shared or op.result in exact:
            ops.append(op)
            continue
        if divisor not in reciprocals:
            reciprocals[divisor] = Var(divisor.type)
            one = Const(1.0, divisor.type)
            ops.append(Op(operator.truediv, (one, divisor), (reciprocals[divisor],), op.pos))
        ops.append(Op(operator.mul, (op.args[0], reciprocals[divisor]), op.results, op.pos))
    return Block(block.params, tuple(ops), block.end)


def _exact(program: Program) -> frozenset[Operand]:
    """What must not change by a digit."""
    made = {result: op for op in program.ops() for result in op.results}
    feeding: dict[Operand, list[Operand]] = {}
    for block in program.blocks.values():
        for edge in edges(block.end):
            for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                feeding.setdefault(param, []).append(arg)
    found: set[Operand] = set()
    todo = list(_deciding(program))
    while todo:
        operand = todo.pop()
        if isinstance(operand, Var) and operand not in found:
            found.add(operand)
            todo += made[operand].args if operand in made else feeding.get(operand, ())
    return frozenset(found)


def _deciding(program: Program) -> Iterator[Operand]:
    for block in program.blocks.values():
        for op in block.ops:
            if op.fn is mem_add:
                yield op.args[1]
            elif not is_pure(op) or not all(_is_real(result) or _is_zero_test(op) for result in op.results):
                yield from op.args
        if isinstance(block.end, Branch):
            yield block.end.cond


def _is_real(var: Var) -> bool:
    return isinstance(dtype_of_lanes(var.type), (types.Float, types.Complex))


def _is_zero_test(op: Op) -> bool:
    """Is it the question whether a number is zero, or a combination of such?"""
    if op.fn in _EQUALITIES:
        return any(isinstance(arg, Const) and arg.value == 0 for arg in op.args)
    return op.fn in (operator.and_, operator.or_, operator.not_)
