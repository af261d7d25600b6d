"""Shadows that need not live before the reverse sweep: those of buffers that a loop makes anew in each iteration.

Such a buffer is of use in its own iteration only, so its shadow can be made where the iteration begins to be reversed;
then the forward sweep neither makes nor keeps it.

    Original:  loop: …; m = mem_new(n); …       Adjoint:  reversed loop: m′ = mem_zeros(n); …
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zyg.ir.graph import Graph, Loop, graph_of, uses
from zyg.ir.memory import mem_zeros
from zyg.ir.program import Block, Op, Operand, Program, Var


def with_late_shadows(
    program: Program, shadows: Mapping[Var, Var], forward: Callable[[Op], bool]
) -> tuple[Program, dict[int, list[Op]]]:
    """`program` without the shadows that can be late, and what makes them, by the latch of the loop they belong to.

    shadows: those of the buffers in `program`.  forward: whether the forward sweep, too, is given the shadows of what a
    call is given.
    """
    graph = graph_of(program)
    if not any(graph.loop_of.values()):
        return program, {}
    used = set().union(*(uses(block) for block in program.blocks.values()))
    args = (arg for op in program.ops() if forward(op) for arg in op.args)
    given = {shadows[arg] for arg in args if isinstance(arg, Var) and arg in shadows}
    wanted = {shadow for shadow in shadows.values() if shadow not in used and shadow not in given}
    late: dict[int, list[Op]] = {}
    blocks = dict(program.blocks)
    for label in graph.order:
        loop = graph.loop_of[label]
        if loop is None or not _whole(graph, loop, label):
            continue
        block = blocks[label]
        found = [
            op for op in block.ops if op.fn is mem_zeros and op.result in wanted and _is_outside(op, loop, graph.homes)
        ]
        if found:
            late.setdefault(loop.latches[0], []).extend(found)
            blocks[label] = Block(block.params, tuple(op for op in block.ops if op not in found), block.end)
    return program.with_blocks(blocks) if late else program, late


def _whole(graph: Graph, loop: Loop, label: int) -> bool:
    """Does every iteration that is reversed begin at the loop's latch and come by `label`?"""
    return label != loop.header and graph.is_left_at_header(loop) and graph.dominates(label, loop.latches[0])


def _is_outside(op: Op, loop: Loop, homes: dict[Var, int]) -> bool:
    def outside(operand: Operand) -> bool:
        return not isinstance(operand, Var) or homes.get(operand) not in loop.blocks

    return all(map(outside, op.args))
