"""Sums over a loop that go to one element are kept in a variable and added to the element once, behind the loop.

    for j in …: d[k] += v          becomes          s = 0;  for j in …: s += v;  d[k] += s

That is so only if the loop reads none of what it writes there.  The element is touched only if the loop has run, since
only then is its index known to be in range.
"""

from __future__ import annotations

import operator

from numba import types

from zyg.ir.graph import Graph, Loop, graph_of
from zyg.ir.memory import mem_add, mem_load
from zyg.ir.program import Block, Branch, Const, Edge, Guard, Jump, Op, Operand, Program, Var, edges, with_edges
from zyg.ir.scalars import b1
from zyg.ir.tape import tape_get
from zyg.passes.canonical import all_loops
from zyg.passes.memory_facts import Buffers, buffers_of
from zyg.passes.simplify import is_pure
from zyg.passes.slots import zero
from zyg.rules import primitives as p


def sums_in_registers(program: Program) -> Program:
    """`program`, the sums of its innermost loops in variables."""
    if not any(op.fn is mem_add for op in program.ops()):
        return program
    graph = graph_of(program)
    buffers = buffers_of(program)
    blocks = dict(program.blocks)
    changed = False
    for loop in all_loops(graph):
        if all(graph.loop_of[label] is loop for label in loop.blocks):
            found = _fixed_sums(loop, graph, buffers)
            if found:
                _keep(blocks, loop, found)
                changed = True
    return program.with_blocks(blocks) if changed else program


def _fixed_sums(loop: Loop, graph: Graph, buffers: Buffers) -> dict[Op, int]:
    """The additions of every iteration to the same element, and their blocks."""
    return {
        op: label
        for op, label in steady_additions(loop, graph, buffers).items()
        if all(not isinstance(arg, Var) or graph.homes.get(arg) not in loop.blocks for arg in op.args[:2])
    }


def steady_additions(loop: Loop, graph: Graph, buffers: Buffers) -> dict[Op, int]:
    """The additions of every iteration to buffers that the loop does not read, and their blocks.

    None if the loop is not left at its header alone, does more than to add up, or may fail where somebody sees what it
    has added by then.  What the header adds is none of them: it runs once more, when the loop is left.
    """
    header = graph.blocks[loop.header]
    if len(loop.latches) != 1 or not isinstance(header.end, Branch) or not isinstance(_latch(graph, loop).end, Jump):
        return {}
    for label in loop.blocks:
        outside = [edge for edge in edges(graph.blocks[label].end) if edge.target not in loop.blocks]
        if (label == loop.header) is not (len(outside) == 1) or not edges(graph.blocks[label].end):
            return {}
    adds: dict[Op, int] = {}
    read: list[Operand] = []
    fails = False
    for label in graph.order:
        for op in graph.blocks[label].ops if label in loop.blocks else ():
            if op.fn is mem_add:
                adds[op] = label
            elif op.fn is mem_load:
                read.append(op.args[0])
            elif op.fn is not tape_get and not isinstance(op.fn, Guard) and not is_pure(op):
                return {}
            fails = fails or isinstance(op.fn, Guard)
    if fails and not all(buffers.is_own(cls) for op in adds for cls in buffers.written(op)):
        return {}
    known = [cls for memory in read if (cls := buffers.class_of(memory)) is not None]
    return {
        op: label
        for op, label in adds.items()
        if label != loop.header
        and graph.dominates(label, loop.latches[0])
        and not any(buffers.may_write(op, cls) for cls in known)
    }


def _latch(graph: Graph, loop: Loop) -> Block:
    return graph.blocks[loop.latches[0]]


def _keep(blocks: dict[int, Block], loop: Loop, adds: dict[Op, int]) -> None:
    """Rewrite one loop: a parameter for each sum, and one that tells whether the loop has run."""
    sums = {op: Var(op.args[2].type, "sum") for op in adds}
    totals = {op: Var(op.args[2].type, "sum") for op in adds}
    ran = Var(b1, "ran")
    for label in sorted(loop.blocks):
        block = blocks[label]
        ops = tuple(_added(op, sums[op], totals[op]) if op in adds else op for op in block.ops)
        params = (*block.params, *sums.values(), ran) if label == loop.header else block.params
        blocks[label] = Block(params, ops, block.end)
    latch = loop.latches[0]
    again: tuple[Operand, ...] = (*totals.values(), Const(True, b1))
    first: tuple[Operand, ...] = (*(zero(var.type) for var in sums.values()), Const(False, b1))
    for label, block in list(blocks.items()):
        more = again if label == latch else first

        def entering(edge: Edge, more: tuple[Operand, ...] = more) -> Edge:
            return Edge(edge.target, (*edge.args, *more)) if edge.target == loop.header else edge

        blocks[label] = Block(block.params, block.ops, with_edges(block.end, entering))
    header = blocks[loop.header]
    (out,) = (edge for edge in edges(header.end) if edge.target not in loop.blocks)
    behind, adding = max(blocks) + 1, max(blocks) + 2
    blocks[loop.header] = Block(
        header.params, header.ops, with_edges(header.end, lambda edge: Edge(behind) if edge is out else edge)
    )
    blocks[behind] = Block((), (), Branch(ran, Edge(adding), out))
    once = tuple(Op(mem_add, (*op.args[:2], sums[op]), (), op.pos) for op in adds)
    blocks[adding] = Block((), once, Jump(out))


def _added(op: Op, before: Var, after: Var) -> Op:
    fn = operator.add if isinstance(after.type, types.Integer) else p.reassociate_add
    return Op(fn, (before, op.args[2]), (after,), op.pos)
