"""Short loops whose number of iterations is known when compiling become straight code.

Run before the adjoint pass: what one iteration leaves to the next then needs no tape, and what is computed in each is
seen side by side.
"""

from __future__ import annotations

from zyg.ir.graph import Graph, Loop, graph_of, substitute
from zyg.ir.program import Block, Branch, Const, Edge, Jump, Op, Operand, Program, Var, edges, with_edges
from zyg.passes.canonical import all_loops, canonical
from zyg.passes.simplify import simplify_program

_MOST_TRIPS = 8
_MOST_OPS = 120


def unrolled(program: Program) -> Program:
    """`program` with its innermost short loops as straight code, and then those that have become innermost."""
    while any(loop is not None for loop in graph_of(program).loop_of.values()):
        form = canonical(program)
        blocks = dict(form.program.blocks)
        found = False
        for loop in all_loops(form.graph):
            trips = form.counts[loop.header].trips
            if isinstance(trips, Const) and _is_short(loop, form.graph, int(trips.value.real)):
                _unroll(blocks, loop, max(int(trips.value.real), 0))
                found = True
        if not found:
            return program
        program = simplify_program(form.program.with_blocks(blocks))
    return program


def _is_short(loop: Loop, graph: Graph, trips: int) -> bool:
    """Is it innermost, left by its header, and its code not too long when repeated?"""
    if not isinstance(graph.blocks[loop.header].end, Branch) or _way_out(graph.blocks[loop.header], loop) is None:
        return False
    if trips > _MOST_TRIPS or any(graph.loop_of[label] is not loop for label in loop.blocks):
        return False
    return sum(1 + len(graph.blocks[label].ops) for label in loop.blocks) * (trips + 1) <= _MOST_OPS


def _way_out(header: Block, loop: Loop) -> Edge | None:
    """The edge by which a loop is left in its header."""
    return next((edge for edge in edges(header.end) if edge.target not in loop.blocks), None)


def _unroll(blocks: dict[int, Block], loop: Loop, trips: int) -> None:
    """Replace a loop by its iterations and, behind them, what its last visit of the header does before it leaves."""
    fresh = max(blocks) + 1
    inside = sorted(loop.blocks)
    body = {label: blocks[label] for label in inside}
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
        if turn == trips:
            header = _copied(body[loop.header], names)
            leave = _way_out(header, loop)
            assert leave is not None
            blocks[own[loop.header]] = Block(header.params, header.ops, Jump(leave))
            return
        for label, block in body.items():
            blocks[own[label]] = _led(_copied(block, names), own | {loop.header: labels[turn + 1][loop.header]})


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
