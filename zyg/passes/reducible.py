"""Loops with one way in.

The mirror image of a loop that is left at several places is entered at several places.  Before such a program
is transformed again, the ways into each loop are led through one block, the dispatcher, which branches to
where they were going; it becomes the loop's header.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

from zyg.ir.components import components
from zyg.ir.graph import graph_of
from zyg.ir.program import Block, Branch, Const, Edge, Op, Operand, Pos, Program, Var, edges, with_edges
from zyg.ir.scalars import b1, i8
from zyg.passes.slots import zero


def reducible(program: Program) -> Program:
    """`program`, each of its loops with one way in."""
    blocks = {label: program.blocks[label] for label in graph_of(program).order}
    todo = [frozenset(blocks)]
    while todo:
        for component in loops(blocks, todo.pop()):
            entries = entries_of(blocks, component)
            if len(entries) > 1:
                _dispatch(blocks, component, entries)
            # What remains without the header is the inside of the loop.
            inside = component - {entries[0]}
            if inside and len(component) > 1:
                todo.append(inside)
    return program.with_blocks(blocks)


def loops(blocks: dict[int, Block], among: frozenset[int]) -> list[frozenset[int]]:
    """The strongly connected components of more than one block, of the graph restricted to `among`."""
    found = components(sorted(among), lambda label: _successors(blocks, label, among))
    return [frozenset(group) for group in found if len(group) > 1]


def _successors(blocks: dict[int, Block], label: int, among: Iterable[int]) -> list[int]:
    return [edge.target for edge in edges(blocks[label].end) if edge.target in among]


def entries_of(blocks: dict[int, Block], component: frozenset[int]) -> list[int]:
    """The blocks of a loop that are reached from outside, in order."""
    outside = (block for label, block in blocks.items() if label not in component)
    return sorted({edge.target for block in outside for edge in edges(block.end)} & component)


def _dispatch(blocks: dict[int, Block], component: frozenset[int], entries: list[int]) -> None:
    """Lead all ways from outside, and those inside that go to the first entry, through a new block."""
    first = max(blocks) + 1
    groups = {entry: tuple(Var(v.type, v.name) for v in blocks[entry].params) for entry in entries}
    which = Var(i8, "entry")

    def led(edge: Edge) -> Edge:
        args: list[Operand] = [Const(entries.index(edge.target), i8)]
        for entry, group in groups.items():
            args += edge.args if entry == edge.target else [zero(v.type) for v in group]
        return Edge(first, tuple(args))

    for label, block in list(blocks.items()):
        ways = set(entries[:1]) if label in component else set(entries)
        if any(edge.target in ways for edge in edges(block.end)):
            end = with_edges(block.end, lambda edge, ways=ways: led(edge) if edge.target in ways else edge)  # type: ignore[misc]
            blocks[label] = Block(block.params, block.ops, end)
    params = (which, *(v for group in groups.values() for v in group))
    pos = next((op.pos for label in sorted(component) for op in blocks[label].ops), Pos("", 0, ""))
    for place, entry in enumerate(entries[:-1]):
        here = Var(b1)
        test = Op(operator.eq, (which, Const(place, i8)), (here,), pos)
        rest = entries[-1] if place == len(entries) - 2 else first + place + 1
        other = Edge(rest, groups.get(rest, ()))
        blocks[first + place] = Block(
            params if place == 0 else (), (test,), Branch(here, Edge(entry, groups[entry]), other)
        )
