"""Buffers, and tapes of known length, that a loop makes anew in each iteration, made once in front of it.

    loop: …; m = mem_zeros(n); …      becomes      m = mem_new(n); loop: …; mem_clear(m); …

For just before `codegen`.  The buffer is known by this one name, to nobody else, so no iteration finds what an earlier
one has left but by elements whose values are undefined.  What it costs is memory that a loop without iterations would
not have asked for.
"""

from __future__ import annotations

from zyg.ir.external import External
from zyg.ir.graph import Loop, graph_of
from zyg.ir.matrices import mem_pack
from zyg.ir.memory import (
    WRITES,
    mem_apart,
    mem_clear,
    mem_copy,
    mem_like,
    mem_load,
    mem_new,
    mem_size,
    mem_zeros,
)
from zyg.ir.program import Block, Jump, Op, Operand, Program, Return, Var, edges
from zyg.ir.tape import TapeType, tape_get, tape_new, tape_put
from zyg.passes.memory_facts import buffers_of

_MADE = (mem_new, mem_zeros, tape_new)
_LOOKING = WRITES | {mem_load, mem_size, mem_copy, mem_like, mem_pack, mem_apart}


def with_hoisted_buffers(program: Program) -> Program:
    """`program` with no allocation in a loop that can be in front of it."""
    if not any(op.fn in _MADE for op in program.ops()):
        return program
    graph = graph_of(program)
    loops = {loop.header: loop for loop in graph.loop_of.values() if loop is not None}
    if not loops:
        return program
    own = _own(program)
    blocks = dict(program.blocks)
    homes = dict(graph.homes)
    for loop in sorted(loops.values(), key=lambda loop: -loop.depth):
        outside = [pred for pred in graph.preds[loop.header] if pred not in loop.blocks]
        if len(outside) != 1 or not isinstance(blocks[outside[0]].end, Jump):
            continue
        for label in graph.order:
            if graph.loop_of[label] is loop and all(graph.dominates(label, latch) for latch in loop.latches):
                _hoist(blocks, label, outside[0], loop, own, homes)
    return program.with_blocks(blocks)


def _hoist(blocks: dict[int, Block], label: int, front: int, loop: Loop, own: set[Var], homes: dict[Var, int]) -> None:
    """Move what can be moved from the block `label` to the end of the block `front`."""

    def outside(operand: Operand) -> bool:
        return not isinstance(operand, Var) or homes.get(operand) not in loop.blocks

    stay: list[Op] = []
    moved: list[Op] = []
    for op in blocks[label].ops:
        if op.fn in _MADE and op.result in own and all(map(outside, op.args)):
            moved.append(Op(tape_new if op.fn is tape_new else mem_new, op.args, op.results, op.pos))
            homes[op.result] = front
            if op.fn is mem_zeros:
                stay.append(Op(mem_clear, (op.result,), (), op.pos))
        else:
            stay.append(op)
    if moved:
        blocks[label] = Block(blocks[label].params, tuple(stay), blocks[label].end)
        blocks[front] = Block(blocks[front].params, (*blocks[front].ops, *moved), blocks[front].end)


def _own(program: Program) -> set[Var]:
    """The allocations whose buffers have no other name and are reached by nobody else."""
    buffers = buffers_of(program)
    found = {op.result for op in program.ops() if op.fn in (mem_new, mem_zeros)}
    found = {var for var in found if buffers.is_local(buffers.of[var])}
    found |= {op.result for op in program.ops() if op.fn is tape_new and not _grows(op.result)}
    for block in program.blocks.values():
        for op in block.ops:
            if op.fn in (tape_put, tape_get):
                found.difference_update(arg for arg in op.args[1:] if isinstance(arg, Var))
            elif op.fn not in _LOOKING and not isinstance(op.fn, External):
                found.difference_update(arg for arg in op.args if isinstance(arg, Var))
            elif op.fn in WRITES:
                found.difference_update(arg for arg in op.args[1:3] if isinstance(arg, Var))
        for edge in edges(block.end):
            found.difference_update(arg for arg in edge.args if isinstance(arg, Var))
        if isinstance(block.end, Return):
            found.difference_update(value for value in block.end.values if isinstance(value, Var))
    return found


def _grows(tape: Var) -> bool:
    return isinstance(tape.type, TapeType) and tape.type.growable
