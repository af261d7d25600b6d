"""Which sweep an op belongs to: reverse code may be a digit off, and listings tell."""

from __future__ import annotations

from dataclasses import replace

from zyg.adjoint.mirrored import CUT
from zyg.ir.program import Block, Op, Program, edges
from zyg.passes.simplify import is_pure


def mark_reverse(program: Program) -> Program:
    """`program` with positions that say so for all that comes after the cut between the sweeps."""
    blocks = dict(program.blocks)
    todo: list[int] = []
    for label, block in program.blocks.items():
        at = next((number for number, op in enumerate(block.ops) if op.fn is CUT), None)
        if at is not None:
            blocks[label] = Block(block.params, block.ops[:at] + _marked(block.ops[at:]), block.end)
            todo = [edge.target for edge in edges(block.end)]
    seen: set[int] = set()
    while todo:
        label = todo.pop()
        if label not in seen:
            seen.add(label)
            block = blocks[label]
            blocks[label] = Block(block.params, _marked(block.ops), block.end)
            todo += [edge.target for edge in edges(block.end)]
    return program.with_blocks(blocks)


def all_reverse(program: Program) -> Program:
    """`program`, an iteration that is run again for the reverse sweep's sake: its arithmetic belongs to that."""
    blocks = {
        label: Block(block.params, tuple(_marked((op,))[0] if is_pure(op) else op for op in block.ops), block.end)
        for label, block in program.blocks.items()
    }
    return program.with_blocks(blocks)


def _marked(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    return tuple(Op(op.fn, op.args, op.results, replace(op.pos, reverse=True)) for op in ops)
