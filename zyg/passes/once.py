"""Loops that only check something, the same in each iteration, check it once.

    for i in range(n): if not ok: raise …      becomes      if n > 0: if not ok: raise …

Such loops are left where nobody asks for what they compute.  For just before `codegen`.
"""

from __future__ import annotations

from zyg.ir.graph import Graph, Loop, graph_of, uses
from zyg.ir.memory import mem_load
from zyg.ir.program import Block, Branch, Edge, Guard, Jump, Pos, Program, Var, edges
from zyg.ir.tape import is_pure
from zyg.passes.trips import Trips


def checks_once(program: Program) -> Program:
    """`program`, whose loops that do nothing but the same checks do them once."""
    if not any(isinstance(op.fn, Guard) for op in program.ops()):
        return program
    graph = graph_of(program)
    trips = Trips(program.blocks, graph)
    blocks = dict(program.blocks)
    for loop in {loop.header: loop for loop in graph.loop_of.values() if loop is not None}.values():
        if _repeats_itself(graph, loop, trips):
            (latch,) = loop.latches
            (out,) = (edge for edge in edges(blocks[loop.header].end) if edge.target not in loop.blocks)
            blocks[latch] = Block(blocks[latch].params, blocks[latch].ops, Jump(out))
    return program.with_blocks(blocks)


def _repeats_itself(graph: Graph, loop: Loop, trips: Trips) -> bool:
    """Is every iteration the same, and is nothing of it used behind the loop?"""
    header = graph.blocks[loop.header]
    entries = [at for at in graph.preds[loop.header] if at not in loop.blocks]
    if len(entries) != 1 or not graph.is_left_at_header(loop) or not isinstance(header.end, Branch):
        return False
    if not all(isinstance(graph.blocks[at].end, Jump) for at in (*entries, *loop.latches)):
        return False
    if any(trips.step(loop, at) is None for at in range(len(header.params))):
        return False
    if trips.of(loop, _pos(graph, loop)) is None:
        return False
    steps = _steps(graph, loop)
    for label in loop.blocks:
        if not all(isinstance(op.fn, Guard) or op.fn is mem_load or is_pure(op) for op in graph.blocks[label].ops):
            return False
    own = {*header.params, *(result for op in header.ops for result in op.results)}
    inner = {label for label in loop.blocks if label != loop.header}
    used = set().union(*(_looked_at(graph, label, loop, steps) for label in inner)) if inner else set()
    if own & used:
        return False
    inside = {var for var, label in graph.homes.items() if label in loop.blocks}
    behind = set().union(*(uses(graph.blocks[label]) for label in graph.order if label not in loop.blocks))
    leaving = {arg for edge in edges(header.end) if edge.target not in loop.blocks for arg in edge.args}
    return not inside & (behind | leaving)


def _steps(graph: Graph, loop: Loop) -> set[Var]:
    """What the loop's parameters are in the next iteration, where that is used for nothing else."""
    end = graph.blocks[loop.latches[0]].end
    assert isinstance(end, Jump)
    return {arg for arg in end.to.args if isinstance(arg, Var)}


def _looked_at(graph: Graph, label: int, loop: Loop, steps: set[Var]) -> set[Var]:
    """The variables that a block uses, but for computing `steps` and passing them on."""
    block = graph.blocks[label]
    kept = tuple(op for op in block.ops if not (is_pure(op) and set(op.results) <= steps))
    return uses(Block(block.params, kept, Jump(Edge(loop.header)) if label in loop.latches else block.end))


def _pos(graph: Graph, loop: Loop) -> Pos:
    return next(op.pos for label in loop.blocks for op in graph.blocks[label].ops)
