"""Activity: which values depend on a differentiated input (varied) and reach the output (useful)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable

import numpy as np
from numba import types

from zyg.ir.graph import Graph
from zyg.ir.program import Call, Op, Operand, Program, Return, Type, Var, edges
from zyg.ir.tape import StackType, TapeType, tape_get, tape_put
from zyg.rules import primitives as p
from zyg.rules.elementwise import inactive

_NUMBERS = (types.Float, types.Complex, types.Integer)
NEVER = frozenset((p.stop_gradient, operator.not_, p.is_nonzero))


def differentiable(kind: Type) -> bool:
    """Whether values of a type can carry a cotangent."""
    return isinstance(kind, _NUMBERS) and not isinstance(kind, types.Boolean)


def passes(op: Op, i: int) -> bool:
    """Whether operand `i` of an elementwise op can influence its result differentiably."""
    if op.fn in inactive or op.fn in NEVER:
        return False
    if op.fn is p.cast:
        kind = op.result.type
        return not isinstance(kind, types.Boolean) and not (
            isinstance(kind, types.Integer) and not isinstance(op.args[0].type, types.Integer)
        )
    if op.fn is p.select:
        return i > 0
    if op.fn in (p.powi, np.ldexp, p.round_digits):
        return i == 0
    if op.fn is p.polygamma:
        return i == 1
    return differentiable(op.args[i].type)


def active(program: Program, graph: Graph, inputs: Iterable[Var], outputs: Iterable[int]) -> set[Var]:
    """The variables that are varied (for `inputs`) and useful (for the results numbered `outputs`)."""
    varied = _varied(program, graph, set(inputs))
    useful = _useful(program, graph, set(outputs))
    return {var for var in varied & useful if differentiable(var.type)}


def _until_stable(step: Callable[[set[Var]], None], found: set[Var]) -> set[Var]:
    size = -1
    while len(found) != size:
        size = len(found)
        step(found)
    return found


def _varied(program: Program, graph: Graph, inputs: set[Var]) -> set[Var]:
    def step(found: set[Var]) -> None:
        for label in graph.order:
            for op in program.blocks[label].ops:
                if isinstance(op.fn, Call):
                    if any(arg in found for arg in op.args):
                        found.update(r for r in op.results if differentiable(r.type))
                elif op.fn is tape_put and op.args[3] in found:
                    found.update(arg for arg in op.args[:1] if isinstance(arg, Var))
                elif op.fn is tape_get and op.args[0] in found:
                    found.update(op.results)
                elif len(op.results) == 1 and not isinstance(op.result.type, (TapeType, StackType)):
                    if any(arg in found and passes(op, i) for i, arg in enumerate(op.args)):
                        found.add(op.result)
            for edge in edges(program.blocks[label].end):
                params = program.blocks[edge.target].params
                found.update(q for q, arg in zip(params, edge.args, strict=True) if arg in found)

    return _until_stable(step, inputs)


def _useful(program: Program, graph: Graph, outputs: set[int]) -> set[Var]:
    def add(found: set[Var], operand: Operand) -> None:
        if isinstance(operand, Var):
            found.add(operand)

    def step(found: set[Var]) -> None:
        for label in reversed(graph.order):
            block = program.blocks[label]
            if isinstance(block.end, Return):
                for i, value in enumerate(block.end.values):
                    if i in outputs:
                        add(found, value)
            for edge in edges(block.end):
                for q, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                    if q in found:
                        add(found, arg)
            for op in reversed(block.ops):
                if isinstance(op.fn, Call):
                    if any(r in found for r in op.results):
                        for arg in op.args:
                            add(found, arg)
                elif len(op.results) == 1 and op.result in found:
                    for i, arg in enumerate(op.args):
                        if passes(op, i):
                            add(found, arg)

    return _until_stable(step, set())
