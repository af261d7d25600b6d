"""Conditions on 64-bit integers: as linear facts, and which values they rest on."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

from zyg.ir.program import Branch, Const, Guard, Op, Operand, Program, Var, edges
from zyg.ir.scalars import b1, i8
from zyg.passes.linear import Linear
from zyg.rules import primitives as p

NEGATED: dict[Any, Any] = {
    operator.lt: operator.ge,
    operator.ge: operator.lt,
    operator.gt: operator.le,
    operator.le: operator.gt,
    operator.eq: operator.ne,
    operator.ne: operator.eq,
}
SWAPPED: dict[Any, Any] = {
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}


def conditions_in(cond: Operand, holds: bool, made: Mapping[Var, Op]) -> Iterator[tuple[Op, bool]]:
    """What is as stated if `cond` is `holds`: the ops that make conditions, itself among them, with their values."""
    todo = [(cond, holds)]
    while todo:
        part, value = todo.pop()
        op = made.get(part) if isinstance(part, Var) else None
        if op is None:
            continue
        yield op, value
        if op.fn is (operator.and_ if value else operator.or_):
            todo += [(arg, value) for arg in op.args]
        elif op.fn is operator.not_:
            todo.append((op.args[0], not value))


def comparison(op: Op) -> tuple[Any, Operand, Operand] | None:
    """Relation and sides of an op that compares int64 values."""
    if op.fn in NEGATED and op.args[0].type is i8:
        return op.fn, op.args[0], op.args[1]
    if op.fn is p.is_nonzero and op.args[0].type is i8:
        return operator.ne, op.args[0], Const(0, i8)
    return None


def facts_of(relation: Any, x: Linear, y: Linear) -> tuple[Linear, ...]:
    """The forms that are ≥ 0, all of them, if and only if `relation(x, y)`; there are none for `ne`."""
    if relation is operator.lt:
        return (y.minus(x).shifted(-1),)
    if relation is operator.le:
        return (y.minus(x),)
    if relation is operator.gt:
        return (x.minus(y).shifted(-1),)
    if relation is operator.ge:
        return (x.minus(y),)
    return (x.minus(y), y.minus(x)) if relation is operator.eq else ()


def deciding(program: Program) -> set[Var]:
    """The values that comparisons of integers rest on; none, if no comparison of integers decides a guard."""
    defining = {result: op for op in program.ops() for result in op.results}
    guards = [op.args[0] for op in program.ops() if isinstance(op.fn, Guard)]
    if not _comparisons(defining, guards):
        return set()
    others = [op.args[0] for op in program.ops() if op.fn is p.select]
    others += [block.end.cond for block in program.blocks.values() if isinstance(block.end, Branch)]
    return sources(program, [*guards, *others])


def sources(program: Program, conds: list[Operand]) -> set[Var]:
    """The values that comparisons of integers in these conditions rest on."""
    defining = {result: op for op in program.ops() for result in op.results}
    feeding: dict[Var, list[Operand]] = {}
    for block in program.blocks.values():
        for edge in edges(block.end):
            for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                feeding.setdefault(param, []).append(arg)
    found: set[Var] = set()
    todo: list[Operand] = [arg for op in _comparisons(defining, conds) for arg in op.args]
    while todo:
        operand = todo.pop()
        if not isinstance(operand, Var) or operand in found or operand.type not in (i8, b1):
            continue
        found.add(operand)
        if operand in defining:
            todo += defining[operand].args
        todo += feeding.get(operand, [])
    return found


def _comparisons(defining: Mapping[Var, Op], conds: list[Operand]) -> list[Op]:
    """The comparisons of integers that conditions are made of."""
    found: list[Op] = []
    seen: set[Var] = set()
    todo = list(conds)
    while todo:
        cond = todo.pop()
        if not isinstance(cond, Var) or cond in seen or cond not in defining:
            continue
        seen.add(cond)
        op = defining[cond]
        if comparison(op) is not None:
            found.append(op)
        elif op.fn in (operator.and_, operator.or_, operator.not_):
            todo += op.args
    return found
