"""Counters of one loop that run in step: all are the first of them, up to what they started from.

Original:  i = a; j = b; while …: …; i += c; j += c
Becomes:   i = a; while …: j = i + (b - a); …; i += c
"""

from __future__ import annotations

import operator
from collections.abc import Mapping

from zyg.ir.graph import graph_of, substitute
from zyg.ir.program import Block, Branch, Const, Edge, Op, Operand, Pos, Program, Var, edges, with_edges
from zyg.ir.scalars import i8


def merge_counters(program: Program) -> Program:
    """`program` with one counter for all that run in step in a loop."""
    graph = graph_of(program)
    made = {op.result: op for op in program.ops() if op.fn is operator.add and op.result.type == i8}
    for header in graph.order:
        loop = graph.loop_of[header]
        outside = [pred for pred in graph.preds[header] if loop is not None and pred not in loop.blocks]
        if loop is None or loop.header != header or len(loop.latches) != 1 or len(outside) != 1:
            continue
        (latch,) = loop.latches
        if sum(edge.target == header for at in (latch, *outside) for edge in edges(program.blocks[at].end)) != 2:
            continue
        steps = _steps(program, header, latch, made)
        by_step: dict[object, list[int]] = {}
        for number, step in steps.items():
            by_step.setdefault(step, []).append(number)
        for numbers in by_step.values():
            if len(numbers) > 1:
                return merge_counters(_merged(program, header, latch, outside[0], numbers))
    return program


def _edge(program: Program, source: int, target: int) -> Edge:
    return next(edge for edge in edges(program.blocks[source].end) if edge.target == target)


def _steps(program: Program, header: int, latch: int, made: Mapping[Var, Op]) -> dict[int, int]:
    """What is added, in each iteration, to those parameters of a loop's header that are counters."""
    found = {}
    again = _edge(program, latch, header).args
    for number, (param, arg) in enumerate(zip(program.blocks[header].params, again, strict=True)):
        op = made.get(arg) if isinstance(arg, Var) else None
        if op is None:
            continue
        for base, step in (op.args, op.args[::-1]):
            if base is param and isinstance(step, Const):
                found[number] = int(step.value.real)
    return found


def _merged(program: Program, header: int, latch: int, outside: int, numbers: list[int]) -> Program:
    block = program.blocks[header]
    tested = _tested(block)
    numbers = sorted(numbers, key=lambda number: block.params[number] not in tested)
    kept, others = numbers[0], numbers[1:]
    first = _edge(program, outside, header).args
    pos = block.ops[0].pos if block.ops else Pos("", 0, program.name)
    before: list[Op] = []
    here: list[Op] = []
    renamed: dict[Var, Operand] = {}
    for number in others:
        start, base = first[number], first[kept]
        if isinstance(start, Const) and isinstance(base, Const):
            distance: Operand = Const(int(start.value.real) - int(base.value.real), i8)
        else:
            distance = Var(i8)
            before.append(Op(operator.sub, (start, base), (distance,), pos))
        if distance == Const(0, i8):
            renamed[block.params[number]] = block.params[kept]
            continue
        copy = Var(i8, block.params[number].name)
        renamed[block.params[number]] = copy
        here.append(Op(operator.add, (block.params[kept], distance), (copy,), pos))
    keep = [number for number in range(len(block.params)) if number not in others]

    def trimmed(edge: Edge) -> Edge:
        return Edge(header, tuple(edge.args[number] for number in keep)) if edge.target == header else edge

    blocks = dict(program.blocks)
    blocks[header] = Block(tuple(block.params[number] for number in keep), (*here, *block.ops), block.end)
    blocks[outside] = Block(blocks[outside].params, (*blocks[outside].ops, *before), blocks[outside].end)
    for label in (outside, latch):
        one = blocks[label]
        blocks[label] = Block(one.params, one.ops, with_edges(one.end, trimmed))

    def new(operand: Operand) -> Operand:
        return renamed.get(operand, operand) if isinstance(operand, Var) else operand

    return program.with_blocks({label: substitute(one, new) for label, one in blocks.items()})


def _tested(block: Block) -> set[Operand]:
    """The variables whose comparison decides whether the loop goes on."""
    if not isinstance(block.end, Branch):
        return set()
    return {arg for op in block.ops if block.end.cond in op.results for arg in op.args}
