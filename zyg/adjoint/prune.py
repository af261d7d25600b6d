"""What reverse code names without need: dropped before anything is recorded."""

from __future__ import annotations

from zyg.adjoint.mirrored import Counter, Need, Reversed, accumulate
from zyg.ir.graph import uses
from zyg.ir.memory import mem_load
from zyg.ir.program import Block, Op, Program, Var
from zyg.ir.tape import tape_get
from zyg.passes.simplify import is_pure
from zyg.passes.slots import Load, Store


def pruned(reversed_: Reversed) -> Program:
    """`reversed_` without needs and adjoint arithmetic that no result depends on."""
    program = reversed_.program
    blocks = dict(program.blocks)
    trips = {n for count in reversed_.canonical.counts.values() if isinstance(n := count.trips, Var)}
    while True:
        used = trips | {arg for block in blocks.values() for arg in _named(block)}
        loaded = {op.fn.key for block in blocks.values() for op in block.ops if isinstance(op.fn, Load)}
        changed = False
        for label, block in blocks.items():
            ops = tuple(op for op in block.ops if not _dead(op, used, loaded))
            if len(ops) != len(block.ops):
                blocks[label] = Block(block.params, ops, block.end)
                changed = True
        if not changed:
            return program.with_blocks(blocks)


def _named(block: Block) -> set[Var]:
    return uses(block) | {op.fn.var for op in block.ops if isinstance(op.fn, Need)}


def _dead(op: Op, used: set[Var], loaded: set[object]) -> bool:
    if isinstance(op.fn, Store):
        return op.fn.key not in loaded and not isinstance(op.fn.key, Counter)
    if isinstance(op.fn, (Load, Need)) or op.fn is accumulate:
        return op.results[0] not in used
    return (is_pure(op) or op.fn in (tape_get, mem_load)) and not any(result in used for result in op.results)
