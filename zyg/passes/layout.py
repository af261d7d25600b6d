"""Control flow made ready for being written down: no block that only leads on, and every loop with one way in.

Other ways into a loop end in blocks of their own, which are written as jumps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zyg.ir.graph import Graph, graph_of, uses
from zyg.ir.program import Block, Edge, Jump, Operand, Program, Return, Var, with_edges
from zyg.passes.reducible import entries_of, loops


@dataclass(frozen=True, eq=False)
class Layout:
    """program: without blocks that only lead on.  graph: of it as it is.  plain: of the same with loops of one way in.
    jumps: where the blocks that stand for other ways lead."""

    program: Program
    graph: Graph
    plain: Graph
    jumps: Mapping[int, Edge]


def laid_out(program: Program) -> Layout:
    program = _direct(program)
    graph = graph_of(program)
    blocks = {label: graph.blocks[label] for label in graph.order}
    number = {label: i for i, label in enumerate(graph.order)}
    jumps: dict[int, Edge] = {}
    todo = [frozenset(blocks)]
    while todo:
        for component in loops(blocks, todo.pop()):
            entries = entries_of(blocks, component)
            header = _header(graph, component, entries, number)
            for label in sorted(set(blocks) - component):
                blocks[label] = _cut(blocks[label], set(entries) - {header}, blocks, jumps)
            if len(component) > 1:
                todo.append(component - {header})
    for label, edge in jumps.items():
        blocks[label] = Block((), (), Return(()))
        assert edge.target in blocks
    return Layout(program, graph, graph_of(program.with_blocks(blocks)), jumps)


def _header(graph: Graph, component: frozenset[int], entries: list[int], number: dict[int, int]) -> int:
    """The way in that the loop comes back to."""
    for entry in entries:
        if any(pred in component and number[pred] > number[entry] for pred in graph.preds[entry]):
            return entry
    return entries[0] if entries else min(component, key=number.__getitem__)


def _cut(block: Block, forbidden: set[int], blocks: Mapping[int, Block], jumps: dict[int, Edge]) -> Block:
    def cut(edge: Edge) -> Edge:
        if edge.target not in forbidden:
            return edge
        label = max((*blocks, *jumps)) + 1
        jumps[label] = edge
        return Edge(label)

    return Block(block.params, block.ops, with_edges(block.end, cut))


def _direct(program: Program) -> Program:
    """`program` without blocks that only lead on to another."""
    used_in: dict[Var, set[int]] = {}
    for label, block in program.blocks.items():
        for var in uses(block):
            used_in.setdefault(var, set()).add(label)
    detours = {
        label: block
        for label, block in program.blocks.items()
        if label != program.entry
        and not block.ops
        and isinstance(block.end, Jump)
        and all(used_in.get(param, {label}) == {label} for param in block.params)
    }

    def straight(edge: Edge) -> Edge:
        seen = set()
        while edge.target in detours and edge.target not in seen:
            seen.add(edge.target)
            block = detours[edge.target]
            assert isinstance(block.end, Jump)
            given: dict[Operand, Operand] = dict(zip(block.params, edge.args, strict=True))
            edge = Edge(block.end.to.target, tuple(given.get(arg, arg) for arg in block.end.to.args))
        return edge

    blocks = {
        label: Block(block.params, block.ops, with_edges(block.end, straight))
        for label, block in program.blocks.items()
    }
    return program.with_blocks({label: blocks[label] for label in graph_of(program.with_blocks(blocks)).order})
