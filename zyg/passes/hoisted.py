"""Reads of tapes that are the same in all iterations of a loop, moved in front of it.

They are mostly the handles of buffers: where these are known in front of a loop LLVM can compare them there, and
vectorise the loop.
"""

from __future__ import annotations

from zyg.ir.graph import Loop, graph_of
from zyg.ir.program import Block, Call, Jump, Op, Operand, Program, Var
from zyg.ir.tape import TapeType, is_pure, pop, tape_get, tape_put, tape_reserve
from zyg.passes.canonical import all_loops


def with_hoisted_reads(program: Program) -> Program:
    """`program` with such reads, and what their rows are computed from, in front of loops; inner loops first.

    The tape must have been written in front of the loop; a field that was never written there is read without use.
    """
    if not any(op.fn is tape_get for op in program.ops()):
        return program
    graph = graph_of(program)
    blocks = dict(program.blocks)
    home = dict(graph.homes)
    changed = False
    for loop in reversed(all_loops(graph)):
        outside = [pred for pred in graph.preds[loop.header] if pred not in loop.blocks]
        if len(outside) == 1 and isinstance(blocks[outside[0]].end, Jump) and not _writes_tapes(blocks, loop):
            for label in graph.order:
                if label in loop.blocks and all(graph.dominates(label, latch) for latch in loop.latches):
                    changed = _hoist(blocks, label, outside[0], loop, home) or changed
    return program.with_blocks(blocks) if changed else program


def _writes_tapes(blocks: dict[int, Block], loop: Loop) -> bool:
    ops = (op for label in loop.blocks for op in blocks[label].ops)
    return any(op.fn in (tape_put, tape_reserve, pop) or isinstance(op.fn, Call) for op in ops)


def _hoist(blocks: dict[int, Block], label: int, target: int, loop: Loop, home: dict[Var, int]) -> bool:
    """Whether there were any to move."""

    def outside(operand: Operand) -> bool:
        return not isinstance(operand, Var) or home.get(operand) not in loop.blocks

    stay: list[Op] = []
    moved: list[Op] = []
    for op in blocks[label].ops:
        exact = op.fn is tape_get and isinstance(op.args[0].type, TapeType) and not op.args[0].type.growable
        if (exact or is_pure(op)) and all(map(outside, op.args)):
            moved.append(op)
            home.update(dict.fromkeys(op.results, target))
        else:
            stay.append(op)
    if moved:
        before = blocks[target]
        blocks[target] = Block(before.params, (*before.ops, *moved), before.end)
        blocks[label] = Block(blocks[label].params, tuple(stay), blocks[label].end)
    return bool(moved)
