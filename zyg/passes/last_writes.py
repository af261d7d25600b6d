"""Stores to elements of buffers of zeros that nobody looks at again before the buffers are made anew.

Reverse code takes the adjoint of an element and makes it zero, which matters only if it is added to again.

    for k in range(n): v = d[k]; d[k] = 0; …      becomes      for k in range(n): v = d[k]; …
"""

from __future__ import annotations

from zyg.ir.memory import mem_like, mem_load, mem_store, mem_zeros
from zyg.ir.program import Block, Op, Program, Var
from zyg.passes.coverage import Nest, is_once
from zyg.passes.touches import Place, Touches


def without_last_writes(program: Program) -> Program:
    """`program` without stores that nobody sees."""
    if not any(op.fn in (mem_zeros, mem_like) for op in program.ops()):
        return program
    touches = Touches(program)
    dropped = {
        op
        for memory, (place, _) in touches.made.items()
        if touches.is_simple(memory)
        for at, op in touches.of.get(memory, ())
        if op.fn is mem_store and op.args[0] is memory and _is_last(touches, memory, place, at, op)
    }
    if not dropped:
        return program
    return program.with_blocks(
        {
            label: Block(block.params, tuple(op for op in block.ops if op not in dropped), block.end)
            for label, block in program.blocks.items()
        }
    )


def _is_last(touches: Touches, memory: Var, made: Place, at: Place, store: Op) -> bool:
    """Is the element looked at only before it is stored to?"""
    own = {
        op
        for (label, i), op in touches.of[memory]
        if op.fn is mem_load and label == at[0] and i < at[1] and op.args[1] == store.args[1]
    }
    looked = lambda op: op not in own and not (op.fn is mem_store and op.args[2] is not memory)  # noqa: E731
    if touches.is_reached(memory, at, made, looked):
        return False
    around = touches.around(at[0], made[0])
    if not touches.is_reached(memory, at, made, own.__contains__):
        return True
    return bool(around) and is_once(Nest(touches.program, touches.graph, around, at[0]), store.args[1], store.pos)
