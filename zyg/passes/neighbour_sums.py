"""Additions of one iteration to neighbouring elements: each element is added to once, when all its parts are known.

    for k in …: d[k] += v; d[k + 1] += w    becomes    s = 0;  for k in …: d[k] += v + s; s = w;  d[k + 1] += s

That is so only if the loop reads none of what it writes there.  The last elements are touched only if the loop has run.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass

from numba import types

from zyg.ir.graph import Graph, Loop, graph_of
from zyg.ir.memory import mem_add
from zyg.ir.program import Block, Branch, Const, Edge, Jump, Op, Operand, Pos, Program, Var, edges, with_edges
from zyg.ir.scalars import b1, i8
from zyg.passes.canonical import all_loops
from zyg.passes.linear import Linear, constant, variable
from zyg.passes.memory_facts import buffers_of
from zyg.passes.register_sums import steady_additions
from zyg.passes.slots import zero
from zyg.passes.trips import counting_up
from zyg.rules import primitives as p

_FARTHEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Additions to one buffer, by how far their elements are from the first one's."""

    additions: Mapping[int, tuple[Op, ...]]

    @property
    def width(self) -> int:
        return max(self.additions)

    @property
    def first(self) -> Op:
        return self.additions[0][0]


def sums_of_neighbours(program: Program) -> Program:
    """`program`, the additions of its innermost loops to neighbouring elements joined."""
    if sum(op.fn is mem_add for op in program.ops()) < 2:
        return program
    graph = graph_of(program)
    buffers = buffers_of(program)
    blocks = dict(program.blocks)
    for loop in all_loops(graph):
        if all(graph.loop_of[label] is loop for label in loop.blocks):
            groups = _groups(loop, graph, list(steady_additions(loop, graph, buffers)))
            if groups:
                _join(blocks, loop, groups)
    return program.with_blocks(blocks)


def _groups(loop: Loop, graph: Graph, additions: list[Op]) -> list[Group]:
    if len(additions) < 2:
        return []
    counters = counting_up(loop, graph)
    inside = {var for var, label in graph.homes.items() if label in loop.blocks}
    found: dict[object, dict[int, list[Op]]] = {}
    for op in additions:
        form = _form(op.args[1], inside, graph.made)
        varying = {var: c for var, c in form.terms.items() if var in inside}
        if isinstance(op.args[2].type, types.Float) and len(varying) == 1 and varying.keys() <= counters:
            if set(varying.values()) == {1}:
                key = op.args[0], op.args[2].type, form.shifted(-form.const).key
                found.setdefault(key, {}).setdefault(form.const, []).append(op)
    groups = []
    for by_place in found.values():
        low = min(by_place)
        if 0 < max(by_place) - low <= _FARTHEST:
            groups.append(Group({place - low: tuple(ops) for place, ops in by_place.items()}))
    return groups


def _form(index: Operand, inside: set[Var], made: Mapping[Var, Op]) -> Linear:
    """The index as a sum; equal forms are equal indices, also where integers wrap."""
    if isinstance(index, Const):
        return constant(int(index.value.real))
    op = made.get(index) if index in inside else None
    if op is not None and op.fn in (operator.add, operator.sub):
        a, b = (_form(arg, inside, made) for arg in op.args)
        return a.plus(b) if op.fn is operator.add else a.minus(b)
    return variable(index)


def _join(blocks: dict[int, Block], loop: Loop, groups: list[Group]) -> None:
    """Rewrite one loop: parameters for what is still to come to the elements ahead, and for where they are."""
    (latch,) = loop.latches
    dropped = {op for group in groups for ops in group.additions.values() for op in ops}
    for label in loop.blocks:
        ops = tuple(op for op in blocks[label].ops if op not in dropped)
        blocks[label] = Block(blocks[label].params, ops, blocks[label].end)
    params: list[Var] = [Var(b1, "ran")]
    first: list[Operand] = [Const(False, b1)]
    again: list[Operand] = [Const(True, b1)]
    joined: list[Op] = []
    behind: list[Op] = []
    for group in groups:
        memory, index, value = group.first.args
        pos = group.first.pos
        place = Var(i8, "place")
        ahead = [Var(value.type, "ahead") for _ in range(group.width)]
        totals: list[Operand] = []
        for distance in range(group.width + 1):
            parts: list[Operand] = [op.args[2] for op in group.additions.get(distance, ())]
            parts += ahead[distance : distance + 1]
            totals.append(_sum(joined, parts, value, pos))
        joined.append(Op(mem_add, (memory, index, totals[0]), (), pos))
        params += [place, *ahead]
        first += [Const(0, i8), *(zero(value.type) for _ in ahead)]
        again += [_next(joined, index, 1, pos), *totals[1:]]
        for distance, rest in enumerate(ahead):
            behind.append(Op(mem_add, (memory, _next(behind, place, distance, pos), rest), (), pos))
    for label, block in list(blocks.items()):
        more = tuple(again if label == latch else first)

        def entering(edge: Edge, more: tuple[Operand, ...] = more) -> Edge:
            return Edge(edge.target, (*edge.args, *more)) if edge.target == loop.header else edge

        ops = (*block.ops, *joined) if label == latch else block.ops
        kept = (*block.params, *params) if label == loop.header else block.params
        blocks[label] = Block(kept, ops, with_edges(block.end, entering))
    _leave(blocks, loop, params[0], behind)


def _sum(ops: list[Op], parts: list[Operand], like: Operand, pos: Pos) -> Operand:
    total: Operand = parts[0] if parts else zero(like.type)
    for part in parts[1:]:
        result = Var(like.type)
        ops.append(Op(p.reassociate_add, (total, part), (result,), pos))
        total = result
    return total


def _next(ops: list[Op], index: Operand, by: int, pos: Pos) -> Operand:
    if not by:
        return index
    result = Var(i8)
    ops.append(Op(operator.add, (index, Const(by, i8)), (result,), pos))
    return result


def _leave(blocks: dict[int, Block], loop: Loop, ran: Var, behind: list[Op]) -> None:
    """Add `behind` where the loop is left, if it has run."""
    header = blocks[loop.header]
    (out,) = (edge for edge in edges(header.end) if edge.target not in loop.blocks)
    test = max(blocks) + 1
    leaving = with_edges(header.end, lambda edge: Edge(test) if edge is out else edge)
    blocks[loop.header] = Block(header.params, header.ops, leaving)
    blocks[test] = Block((), (), Branch(ran, Edge(test + 1), out))
    blocks[test + 1] = Block((), tuple(behind), Jump(out))
