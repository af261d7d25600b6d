"""Additions to elements that have just been set to zero, in front of the other additions of their block.

    t = d[i]; d[i] = 0; d[j] += a; d[i] += t     becomes     t = d[i]; d[i] = 0; d[i] += t; d[j] += a

That i and j may be equal makes no difference, as sums have no order.  What adds to a known zero can be written, and
here nothing remains to be done for `d[i]`.  So it is with the adjoint of `m[i] = m[i] + …`.
"""

from __future__ import annotations

from collections.abc import Sequence

from numba import types

from zyg.ir.memory import MemoryType, mem_add, mem_load, mem_store
from zyg.ir.program import Block, Const, Op, Operand, Program, Var
from zyg.passes.memory_facts import Buffers, buffers_of
from zyg.passes.simplify import is_pure


def with_early_additions(program: Program) -> Program:
    """`program`, its additions to elements set to zero moved up; the same object if there are none to move."""
    buffers = buffers_of(program)
    blocks = {}
    for label, block in program.blocks.items():
        if sum(op.fn is mem_add for op in block.ops) > 1:
            ops = _ordered(block.ops, buffers)
            if ops is not None:
                blocks[label] = Block(block.params, tuple(ops), block.end)
    return program.with_blocks({**program.blocks, **blocks}) if blocks else program


def _ordered(ops: Sequence[Op], buffers: Buffers) -> list[Op] | None:
    new = list(ops)
    moved = False
    for store in ops:
        if store.fn is mem_store and store.pos.reverse and is_zero(store.args[2]):
            moved = _move(new, new.index(store), buffers) or moved
    return new if moved else None


def is_zero(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value == 0 and isinstance(operand.type, types.Float)


def _move(ops: list[Op], at: int, buffers: Buffers) -> bool:
    """Move what is added to the element that number `at` sets to zero up behind it, if other additions are between."""
    memory, index = ops[at].args[:2]
    cls = buffers.class_of(memory)
    others = False
    for number in range(at + 1, len(ops)):
        op = ops[number]
        if cls is None:
            return False
        if op.fn is mem_add and op.args[0] is memory and op.args[1] == index:
            needed = _needed(ops[at + 1 : number], op) if others else None
            if needed is None:
                return False
            chosen = [*needed, op]
            ops[at + 1 : number + 1] = [*chosen, *(other for other in ops[at + 1 : number] if other not in chosen)]
            return True
        if op.fn is mem_add and _may_share(buffers, cls, op.args[0]):
            others = True
        elif not is_pure(op) and not (op.fn in (mem_load, mem_add) and not _may_share(buffers, cls, op.args[0])):
            return False
    return False


def _may_share(buffers: Buffers, cls: Var, memory: Operand) -> bool:
    other = buffers.class_of(memory)
    return other is not None and buffers.may_share(cls, other)


def _needed(between: Sequence[Op], addition: Op) -> list[Op] | None:
    """The ops among these that the addition needs; None if they cannot be moved."""
    wanted = {arg for arg in addition.args if isinstance(arg, Var) and not isinstance(arg.type, MemoryType)}
    found: list[Op] = []
    for op in reversed(between):
        if not wanted.isdisjoint(op.results):
            if not is_pure(op):
                return None
            found.insert(0, op)
            wanted |= {arg for arg in op.args if isinstance(arg, Var)}
    return found
