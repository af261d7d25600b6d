"""Inlining of calls: the caller's block is split at the call and the callee's blocks put in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from zyg.ir.graph import substitute
from zyg.ir.memory import is_memory
from zyg.ir.program import Block, Call, Edge, End, Jump, Op, Operand, Pos, Program, Raise, Return, Var, with_edges
from zyg.rules import lists, tables
from zyg.rules import numbers as library

_LIBRARIES = (library.__file__, lists.__file__, tables.__file__)

# A reverse sweep cannot be taken again where its buffers are left on the stack of a call
LARGEST_OF_ARRAYS = 20_000


def inline_calls(program: Program, callees: Mapping[str, Program], largest: int) -> Program:
    """`program` with its calls of `callees` inlined; recursive and larger callees stay calls."""
    blocks: dict[int, Block] = {}
    fresh = max(program.blocks) + 1
    todo = list(program.blocks.items())[::-1]
    while todo:
        label, block = todo.pop()
        at = next((i for i, op in enumerate(block.ops) if _inlinable(op, callees, largest)), None)
        if at is None:
            blocks[label] = block
            continue
        op = block.ops[at]
        callee = callees[op.fn.callee]
        labels = {old: fresh + i for i, old in enumerate(callee.blocks)}
        fresh += len(labels)
        after, fresh = fresh, fresh + 1
        blocks[label] = Block(block.params, block.ops[:at], Jump(Edge(labels[callee.entry])))
        for old, copied in _copy(callee, op.args, op.pos).items():
            end: End = with_edges(copied.end, lambda edge, labels=labels: Edge(labels[edge.target], edge.args))  # type: ignore[misc]
            if isinstance(end, Return):
                end = Jump(Edge(after, end.values))
            blocks[labels[old]] = Block(copied.params, copied.ops, end)
        todo.append((after, Block(op.results, block.ops[at + 1 :], block.end)))
    return program.with_blocks(blocks)


def _inlinable(op: Op, callees: Mapping[str, Program], largest: int) -> bool:
    if not isinstance(op.fn, Call) or op.fn.callee not in callees:
        return False
    callee = callees[op.fn.callee]
    if callee.recursive or callee.apart or callee.custom is not None:
        return False
    if any(is_memory(kind) for kind in (*(param.type for param in callee.params), *callee.results)):
        largest = max(largest, LARGEST_OF_ARRAYS)
    return sum(len(block.ops) for block in callee.blocks.values()) <= largest


def _copy(callee: Program, args: tuple[Operand, ...], site: Pos) -> dict[int, Block]:
    """The callee's blocks over fresh variables, its parameters replaced, its positions seen from the call."""
    names: dict[Var, Operand] = dict(zip(callee.params, args, strict=True))

    def new(operand: Operand) -> Operand:
        if not isinstance(operand, Var):
            return operand
        if operand not in names:
            names[operand] = Var(operand.type, operand.name)
        return names[operand]

    def var(old: Var) -> Var:
        made = new(old)
        assert isinstance(made, Var)
        return made

    # Many ops have the very same position
    known: dict[int, Pos] = {}

    def seen(pos: Pos) -> Pos:
        if id(pos) not in known:
            known[id(pos)] = (
                site if pos.file in _LIBRARIES else replace(pos, caller=seen(pos.caller) if pos.caller else site)
            )
        return known[id(pos)]

    result = {}
    for label, block in callee.blocks.items():
        params = tuple(var(param) for param in block.params)
        moved = substitute(block, new)
        ops = tuple(Op(op.fn, op.args, tuple(var(r) for r in op.results), seen(op.pos)) for op in moved.ops)
        end = (
            Raise(moved.end.failure, moved.end.args, seen(moved.end.pos)) if isinstance(moved.end, Raise) else moved.end
        )
        result[label] = Block(params, ops, end)
    return result
