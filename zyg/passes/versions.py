"""Innermost counted loops without the guards of their indices, for when all indices are in range.

Guards keep LLVM from vectorising a loop.  Where what a guard compares is affine in the counter it holds throughout if
it holds for the first and the last value of the counter.  So in front of the loop these are tested, and the answer
chooses between a copy without guards and the loop as it is, which fails where it should.  Guards that may wait, the
*doubts*, are noted in the copy; if one has failed when it ends, the loop as it is runs from the start.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

from zyg.ir.graph import graph_of, substitute, uses
from zyg.ir.program import Block, Branch, Const, Edge, Guard, Op, Operand, Pos, Program, Var, edges, with_edges
from zyg.ir.scalars import b1
from zyg.passes.front_test import FrontTest
from zyg.passes.guarded_loop import GuardedLoop, Unsuitable
from zyg.passes.memory_facts import buffers_of
from zyg.passes.slots import Load, Store, promote

_NOWHERE = Pos("", 0, "")


def version_loops(program: Program) -> Program:
    """`program`, its loops copied without guards where that may let them be vectorised; for just before `codegen`."""
    graph = graph_of(program)
    inner = {loop.header: loop for loop in graph.loop_of.values() if loop is not None}
    for loop in list(inner.values()):
        outer = loop.parent
        while outer is not None:
            inner.pop(outer.header, None)
            outer = outer.parent
    found = []
    buffers = cache(lambda: buffers_of(program))
    for loop in inner.values():
        try:
            found.append(GuardedLoop(program, graph, loop, buffers))
        except Unsuitable:
            continue
    return _with_copies(program, found) if found else program


@dataclass(frozen=True, slots=True)
class Copy:
    """A loop's copy: where its blocks are, and what stands for the loop's values in it."""

    labels: Mapping[int, int]
    names: Mapping[Operand, Operand]


def _with_copies(program: Program, loops: list[GuardedLoop]) -> Program:
    blocks = dict(program.blocks)
    copies = [_install(loop, blocks) for loop in loops]
    leaving = any(loop.doubts for loop in loops)
    for loop, copy in zip(loops, copies, strict=True):
        leaving = _through_slots(loop, copy, blocks) or leaving
    result = program.with_blocks(blocks)
    return promote(result) if leaving else result


def _install(loop: GuardedLoop, blocks: dict[int, Block]) -> Copy:
    """Add to `blocks` the test and the copy, and lead to the test what led to the loop."""
    header, inside = loop.loop.header, loop.loop.blocks
    fresh = max(blocks) + 1
    labels = {label: fresh + 1 + i for i, label in enumerate(sorted(inside))}
    for label, block in list(blocks.items()):
        if label not in inside:
            end = with_edges(block.end, lambda edge: Edge(fresh, edge.args) if edge.target == header else edge)
            blocks[label] = Block(block.params, block.ops, end)
    params = tuple(Var(param.type, param.name) for param in blocks[header].params)
    guard = next(op for block in loop.blocks.values() for op in block.ops if isinstance(op.fn, Guard))
    test = FrontTest(loop, params[loop.counting.place], guard.pos)
    names: dict[Operand, Operand] = {var: Var(var.type, var.name) for var in loop.inside}
    names |= loop.fixed()
    both = Branch(test.ok, Edge(labels[header], params), Edge(header, params))
    doubts = {names[op.args[0]] for op in loop.doubts}
    doubted = Var(b1, "doubted") if doubts else None
    start = (Op(Store(doubted), (Const(False, b1),), (), guard.pos),) if doubted is not None else ()
    blocks[fresh] = Block(params, (*test.ops, *start), both)
    for label, copied in labels.items():
        blocks[copied] = _copied(blocks[label], names, labels, doubts, doubted)
    if doubted is not None:
        _with_way_back(blocks, set(labels.values()), doubted, Edge(header, params))
    return Copy(labels, names)


def _copied(
    block: Block, names: dict[Operand, Operand], labels: dict[int, int], doubts: set[Operand], doubted: Var | None
) -> Block:
    """A block over the copy's values, without guards; whether one of the `doubts` fails goes to the slot `doubted`."""

    def var(old: Var) -> Var:
        new = names[old]
        return new if isinstance(new, Var) else Var(old.type, old.name)

    moved = substitute(block, lambda operand: names.get(operand, operand))
    ops: list[Op] = []
    for op in moved.ops:
        if not isinstance(op.fn, Guard):
            ops.append(Op(op.fn, op.args, tuple(map(var, op.results)), op.pos))
        elif doubted is not None and op.args[0] in doubts:
            before, fails, after = Var(b1), Var(b1), Var(b1)
            ops.append(Op(Load(doubted), (), (before,), op.pos))
            ops.append(Op(operator.not_, (op.args[0],), (fails,), op.pos))
            ops.append(Op(operator.or_, (before, fails), (after,), op.pos))
            ops.append(Op(Store(doubted), (after,), (), op.pos))
    end = with_edges(moved.end, lambda edge: Edge(labels.get(edge.target, edge.target), edge.args))
    return Block(tuple(map(var, block.params)), tuple(ops), end)


def _with_way_back(blocks: dict[int, Block], copied: set[int], doubted: Var, again: Edge) -> None:
    """Where the copy of a loop is left, the loop is run again if there is doubt."""
    for label in copied:
        for edge in edges(blocks[label].end):
            if edge.target not in copied:
                fresh, value = max(blocks) + 1, Var(b1)
                load = Op(Load(doubted), (), (value,), _NOWHERE)
                blocks[fresh] = Block((), (load,), Branch(value, again, edge))
                leave = Edge(fresh, ())
                end = with_edges(blocks[label].end, lambda e, old=edge, new=leave: new if e == old else e)  # type: ignore[misc]
                blocks[label] = Block(blocks[label].params, blocks[label].ops, end)


def _through_slots(loop: GuardedLoop, copy: Copy, blocks: dict[int, Block]) -> bool:
    """Let what is used outside take the loop's values or those of its copy; is there such a use?"""
    own = {*copy.labels, *copy.labels.values()}
    outside = {label: uses(block) & loop.inside for label, block in blocks.items() if label not in own}
    leaving = set().union(*outside.values())
    for label, copied in copy.labels.items():
        block = blocks[label]
        made = [var for var in (*block.params, *(r for op in block.ops for r in op.results)) if var in leaving]
        stores = [Op(Store(var), (var,), (), _NOWHERE) for var in made]
        others = [Op(Store(var), (copy.names[var],), (), _NOWHERE) for var in made]
        for at, more in ((label, stores), (copied, others)):
            blocks[at] = Block(blocks[at].params, (*blocks[at].ops, *more), blocks[at].end)
    for label, used in outside.items():
        if used:
            loaded = {var: Var(var.type, var.name) for var in used}
            loads = [Op(Load(var), (), (value,), _NOWHERE) for var, value in loaded.items()]
            body = substitute(blocks[label], partial(_renamed, loaded))
            blocks[label] = Block(body.params, (*loads, *body.ops), body.end)
    return bool(leaving)


def _renamed(names: Mapping[Var, Var], operand: Operand) -> Operand:
    return names.get(operand, operand) if isinstance(operand, Var) else operand
