"""Cotangents that are none where something else was chosen stay so, whatever they are multiplied by.

    Original:  u = log(x); y = select(x > 0, u, 0)     Adjoint:  du = if_true(x > 0, dy); dx = du / x

Where x is 0 that is 0 / 0, although y does not depend on u there.  So what is linear in such a cotangent comes first,
and the choice last:

    dx = if_true(x > 0, dy / x)

This is done of reverse code only: 0 · inf of the user's own is nan.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from zyg.adjoint.mirrored import accumulate
from zyg.ir.graph import graph_of
from zyg.ir.program import Block, Const, Op, Operand, Program, Var
from zyg.passes.slots import zero
from zyg.rules import primitives as p

_GATES = (p.if_true, p.if_false)
_FIRST = frozenset((operator.truediv, operator.neg, np.conj, np.real, np.imag, np.ldexp, p.cast, p.over))
_SUMS = frozenset((accumulate, operator.add, operator.sub))


def through_gates(program: Program) -> Program:
    """`program` with choices of cotangents behind what is linear in them, as selections."""
    if not any(op.fn in _GATES for op in program.ops()):
        return program
    gates: dict[Var, Op] = {}
    blocks = dict(program.blocks)
    for label in graph_of(program).order:
        block = program.blocks[label]
        ops = [moved for op in block.ops for moved in _moved(op, gates)]
        blocks[label] = Block(block.params, tuple(map(_selection, ops)), block.end)
    return program.with_blocks(blocks)


def _moved(op: Op, gates: dict[Var, Op]) -> Iterator[Op]:
    """`op` with the gate of an operand behind it."""
    if op.fn in _GATES:
        gates[op.result] = op
        yield op
        return
    found = _gated(op, gates)
    if found is None:
        yield op
        return
    gate, args = found
    inner = Var(op.result.type, op.result.name)
    yield from _moved(replace(op, args=args, results=(inner,)), gates)
    outer = gates[op.result] = Op(gate.fn, (gate.args[0], inner), op.results, op.pos)
    yield outer


def _gated(op: Op, gates: dict[Var, Op]) -> tuple[Op, tuple[Operand, ...]] | None:
    """A gate of what `op` is linear in, and the operands without it."""
    of = [gates.get(arg) if isinstance(arg, Var) else None for arg in op.args]
    if op.fn in _SUMS:
        a, b = of
        if a is not None and b is not None and (a.fn, a.args[0]) == (b.fn, b.args[0]):
            return a, (a.args[1], b.args[1])
        return None
    for i, gate in enumerate(of):
        if gate is not None and _is_linear(op, i):
            return gate, (*op.args[:i], gate.args[1], *op.args[i + 1 :])
    return None


def _is_linear(op: Op, i: int) -> bool:
    """Whether the result is 0 where operand `i` is, with the others finite."""
    if op.fn in (operator.mul, p.annihilated, p.times):
        return True
    if op.fn is p.select:
        return i > 0 and _is_zero(op.args[3 - i])
    if op.fn is p.make_complex:
        return _is_zero(op.args[1 - i])
    return i == 0 and op.fn in _FIRST


def _is_zero(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value == 0


def _selection(op: Op) -> Op:
    if op.fn not in _GATES:
        return op
    cond, dy = op.args
    none = zero(op.result.type)
    return Op(p.select, (cond, dy, none) if op.fn is p.if_true else (cond, none, dy), op.results, op.pos)
