"""Loops that the forward sweep leaves to the reverse sweep, which runs their iterations again anyway.

    for k in …: s += f(k, …)      forward: nothing      reverse: for k in …: run f(k, …) and reverse it

That is so if nobody needs the sums, and if what lies between the two runs of the loop neither fails nor has effects: so
the first iteration that fails ends the program, as it would have done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zyg.adjoint.iterations import Iteration
from zyg.ir.graph import Loop, uses
from zyg.ir.memory import ALLOCATIONS, mem_give, mem_load
from zyg.ir.program import Block, Branch, Edge, Jump, Program, Return, Var, edges
from zyg.passes.canonical import Canonical
from zyg.passes.simplify import is_pure


def can_be_deferred(form: Canonical, loop: Loop, iteration: Iteration) -> bool:
    """Whether a loop, whose sums nobody needs, can be left to the reverse sweep."""
    for label in _behind(form, _way_out(form, loop).target):
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
    out = _way_out(form, loop)
    params = form.graph.blocks[out.target].params
    left = {param for param, arg in zip(params, out.args, strict=True) if _is_made(form, loop, arg, iteration)}
    return not any(left & uses(form.graph.blocks[label]) for label in _behind(form, out.target))


def _way_out(form: Canonical, loop: Loop) -> Edge:
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
