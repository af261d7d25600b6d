"""Loops that the forward sweep leaves to the reverse sweep, which runs their iterations again anyway.

    for k in …: s += f(k, …)      forward: nothing      reverse: for k in …: run f(k, …) and reverse it

That is so if nobody needs the sums, and if what lies between the two runs of the loop neither fails nor has effects: so
the first iteration that fails ends the program, as it would have done.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping

from zyg.adjoint.iterations import Iteration
from zyg.ir.graph import Loop, uses
from zyg.ir.memory import ALLOCATIONS, mem_give, mem_load
from zyg.ir.program import Block, Branch, Edge, Jump, Op, Operand, Program, Return, Var, edges
from zyg.passes.canonical import Canonical
from zyg.passes.simplify import is_pure
from zyg.rules import primitives as p


def is_needed(program: Program, active: set[Var], total: Var, wanted: bool) -> bool:
    """Does reverse code, or whoever wants the results, need the value of a sum, as far as can be told?"""
    seen: set[Operand] = {total}
    todo: list[Var] = [total]
    while todo:
        value = todo.pop()
        found: list[Var] = []
        for block in program.blocks.values():
            for op in block.ops:
                if value in op.args:
                    if not _is_linear(op, value, active):
                        return True
                    found.append(op.result)
            if isinstance(block.end, Return) and value in block.end.values and wanted:
                return True
            if isinstance(block.end, Branch) and block.end.cond is value:
                return True
            for edge in edges(block.end):
                params = program.blocks[edge.target].params
                found += [param for param, arg in zip(params, edge.args, strict=True) if arg is value]
        todo += [var for var in found if var not in seen]
        seen.update(found)
    return False


def _is_linear(op: Op, value: Var, active: set[Var]) -> bool:
    """Does the adjoint of an op do without this operand's value?"""
    if op.fn in (operator.add, operator.sub, operator.neg, p.reassociate_add, p.cast, p.identity):
        return True
    others = [arg for arg in op.args if arg is not value]
    if op.fn is p.select:
        return op.args[0] is not value
    scaled = op.fn is operator.mul or (op.fn is operator.truediv and op.args[1] is not value)
    return scaled and len(others) == 1 and others[0] not in active


def can_be_deferred(form: Canonical, loop: Loop, iteration: Iteration) -> bool:
    """Whether a loop, whose sums nobody needs, can be left to the reverse sweep."""
    for label in _behind(form, way_out(form, loop).target):
        block = form.graph.blocks[label]
        if label in loop.blocks or not isinstance(block.end, (Jump, Branch, Return)):
            return False
        if not all(is_pure(op) or op.fn in ALLOCATIONS or op.fn in (mem_load, mem_give) for op in block.ops):
            return False
        inner = form.graph.loop_of[label]
        if inner is not None and inner.header == label and form.counts[label].trips is None:
            return False
    return gives_sums_only(form, loop, iteration)


def gives_sums_only(form: Canonical, loop: Loop, iteration: Iteration) -> bool:
    """Whether nothing that a loop makes is used behind it but its sums."""
    out = way_out(form, loop)
    params = form.graph.blocks[out.target].params
    left = {param for param, arg in zip(params, out.args, strict=True) if _is_made(form, loop, arg, iteration)}
    return not any(left & uses(form.graph.blocks[label]) for label in _behind(form, out.target))


def way_out(form: Canonical, loop: Loop) -> Edge:
    """Where a loop that is left at its header goes on."""
    (out,) = (edge for edge in edges(form.graph.blocks[loop.header].end) if edge.target not in loop.blocks)
    return out


def _is_made(form: Canonical, loop: Loop, operand: object, iteration: Iteration) -> bool:
    """Is it something else than a sum that the loop makes?"""
    return isinstance(operand, Var) and operand not in iteration.sums and form.graph.homes.get(operand) in loop.blocks


def _behind(form: Canonical, start: int) -> Iterator[int]:
    """The blocks that control may come to from `start` on."""
    seen = {start}
    todo = [start]
    while todo:
        label = todo.pop()
        yield label
        for edge in edges(form.graph.blocks[label].end):
            if edge.target not in seen:
                seen.add(edge.target)
                todo.append(edge.target)


def without_deferred(program: Program, deferred: Mapping[int, int]) -> Program:
    """`program`, whose loops with these headers are left at once, for the blocks behind them."""
    blocks = dict(program.blocks)
    for header, behind in deferred.items():
        block = blocks[header]
        (out,) = (edge for edge in edges(block.end) if edge.target == behind)
        blocks[header] = Block(block.params, block.ops, Jump(out))
    return program.with_blocks(blocks)
