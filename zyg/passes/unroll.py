"""Short loops whose number of iterations is known when compiling become straight code.

Run before the adjoint pass: what one iteration leaves to the next then needs no tape, and what is computed in each is
seen side by side.
"""

from __future__ import annotations

from collections.abc import Mapping

from zyg.ir.graph import Graph, Loop, graph_of, substitute
from zyg.ir.program import Block, Const, Edge, Jump, Op, Operand, Program, Var, edges, with_edges
from zyg.passes.canonical import all_loops, canonical
from zyg.passes.simplify import simplify_program

_MOST_TRIPS = 8
_MOST_OPS = 120


def unrolled(program: Program) -> Program:
    """`program` with its innermost short loops as straight code, and then those that have become innermost."""
    while any(loop is not None for loop in graph_of(program).loop_of.values()):
        form = canonical(program)
        blocks = dict(form.program.blocks)
        finishing = form.graph.finishing
        found = False
        for loop in all_loops(form.graph):
            trips = form.counts[loop.header].trips
            if isinstance(trips, Const) and _is_short(loop, form.graph, int(trips.value.real)):
                _unroll(blocks, loop, max(int(trips.value.real), 0), finishing)
                found = True
        if not found:
            return program
        program = simplify_program(form.program.with_blocks(blocks))
    return program


def _is_short(loop: Loop, graph: Graph, trips: int) -> bool:
    """Is it innermost, and its code not too long when repeated?"""
    if trips > _MOST_TRIPS or any(graph.loop_of[label] is not loop for label in loop.blocks):
        return False
    return sum(1 + len(graph.blocks[label].ops) for label in loop.blocks) * (trips + 1) <= _MOST_OPS


def _way_out(body: Mapping[int, Block], finishing: frozenset[int]) -> tuple[int, int]:
    """The block where a counted loop is left when it has run to its end, and where to: other ways out only raise."""
    ((label, target),) = {
        (label, edge.target)
        for label, block in body.items()
        for edge in edges(block.end)
        if edge.target not in body and edge.target in finishing
    }
    return label, target


def _unroll(blocks: dict[int, Block], loop: Loop, trips: int, finishing: frozenset[int]) -> None:
    """Replace a loop by its iterations and, behind them, the part of another one that leaves it."""
    fresh = max(blocks) + 1
    inside = sorted(loop.blocks)
    body = {label: blocks[label] for label in inside}
    last, target = _way_out(body, finishing)
    labels = [{label: fresh + turn * len(inside) + i for i, label in enumerate(inside)} for turn in range(trips + 1)]
    for label, block in list(blocks.items()):
        if label in loop.blocks:
            del blocks[label]
        else:
            blocks[label] = _led(block, {loop.header: labels[0][loop.header]})
    for turn, own in enumerate(labels):
        names: dict[Operand, Operand] = {}
        for block in body.values():
            for var in (*block.params, *(result for op in block.ops for result in op.results)):
                names[var] = Var(var.type, var.name)
        following = {loop.header: labels[turn + 1][loop.header]} if turn < trips else {}
        for label, block in body.items():
            copy = _copied(block, names)
            if turn == trips and label == last:
                (leave,) = {edge for edge in edges(copy.end) if edge.target == target}
                copy = Block(copy.params, copy.ops, Jump(leave))
            blocks[own[label]] = _led(copy, own | following)


def _copied(block: Block, names: dict[Operand, Operand]) -> Block:
    def var(old: Var) -> Var:
        new = names[old]
        assert isinstance(new, Var)
        return new

    moved = substitute(block, lambda operand: names.get(operand, operand))
    ops = tuple(Op(op.fn, op.args, tuple(map(var, op.results)), op.pos) for op in moved.ops)
    return Block(tuple(map(var, block.params)), ops, moved.end)


def _led(block: Block, labels: dict[int, int]) -> Block:
    """The block with its edges leading elsewhere."""
    end = with_edges(block.end, lambda edge: Edge(labels.get(edge.target, edge.target), edge.args))
    return Block(block.params, block.ops, end)
