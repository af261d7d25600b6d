"""Buffers of zeros that something is added to once, or that are written, everywhere, before anybody looks at them.

    d = zeros(n); for k in range(n): d[k] += v      becomes      d = new(n); for k in range(n): d[k] = v
    d = zeros(n); for k in range(n): d[k] = v       becomes      d = new(n); for k in range(n): d[k] = v
    C = zeros(m * n); C += A B                      becomes      C = new(m * n); C = A B

If these are fewer elements than the buffer has, it is cleared in front of them after all.  For just before `codegen`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zyg.ir.matrices import mem_gemm, mem_product
from zyg.ir.memory import (
    mem_add,
    mem_clear_from,
    mem_clear_unless,
    mem_like,
    mem_new,
    mem_size,
    mem_store,
    mem_zeros,
)
from zyg.ir.program import Block, Op, Program, Var
from zyg.ir.scalars import i8
from zyg.passes.coverage import Nest, coverage
from zyg.passes.touches import Place, Touches


def first_additions_as_writes(program: Program) -> Program:
    """`program`, in which what is added to zeros first is written."""
    if not any(op.fn in (mem_zeros, mem_like) for op in program.ops()):
        return program
    found = list(_firsts(Touches(program)))
    if not found:
        return program
    replaced = {first.made: first.fresh for first in found} | {first.addition: first.write for first in found}
    ahead: dict[int, list[Op]] = {}
    for first in found:
        ahead.setdefault(first.front, []).extend(first.ahead)
    blocks = {}
    for label, block in program.blocks.items():
        ops = [new for op in block.ops for new in replaced.get(op, (op,))]
        blocks[label] = Block(block.params, (*ops, *ahead.get(label, ())), block.end)
    return program.with_blocks(blocks)


@dataclass(frozen=True, slots=True, eq=False)
class First:
    """made: the zeros; addition: the first one to them; and what takes their places.  ahead: the ops at the end of the
    block `front`, in front of the loops around the addition."""

    made: Op
    fresh: tuple[Op, ...]
    addition: Op
    write: tuple[Op, ...]
    front: int
    ahead: tuple[Op, ...]


def _firsts(touches: Touches) -> Iterator[First]:
    for memory, (place, made) in touches.made.items():
        if touches.is_simple(memory):
            for at, op in touches.of.get(memory, ()):
                first = _first(touches, memory, place, made, at, op)
                if first is not None:
                    yield first
                    break


def _first(touches: Touches, memory: Var, place: Place, made: Op, at: Place, op: Op) -> First | None:
    around = touches.around(at[0], place[0])
    size = made.args[0] if made.fn is mem_zeros else None
    fresh = _undefined(made)
    if op.fn is mem_gemm and op.args[0] is memory and memory not in op.args[1:] and not around:
        if touches.is_reached(memory, place, at, _any):
            return None
        return First(made, fresh, op, (Op(mem_product, op.args, (), op.pos),), at[0], ())
    if op.fn not in (mem_add, mem_store) or op.args[0] is not memory or op.args[2] is memory or not around:
        return None
    if [touch for touch in touches.of[memory] if touch[0][0] in around[0].blocks] != [(at, op)]:
        return None
    nest = Nest(touches.program, touches.graph, around, at[0])
    covered = coverage(nest, op.args[1], size, op.pos)
    if covered is None or touches.is_reached(memory, place, (around[0].header, 0), _any):
        return None
    write = Op(mem_store, op.args, (), op.pos)
    if covered.is_whole:
        return First(made, fresh, op, (write,), nest.front, ())
    check = Op(mem_clear_from if covered.is_first else mem_clear_unless, (memory, covered.count), (), op.pos)
    return First(made, fresh, op, (write,), nest.front, (*covered.ops, check))


def _any(op: Op) -> bool:
    return True


def _undefined(made: Op) -> tuple[Op, ...]:
    """A new buffer of the same size, its elements undefined."""
    if made.fn is mem_zeros:
        return (Op(mem_new, made.args, made.results, made.pos),)
    count = Var(i8)
    return Op(mem_size, made.args, (count,), made.pos), Op(mem_new, (count,), made.results, made.pos)
