"""What every pass must leave true; asked in the tests (ZYG_VERIFY=1), since a sound compiler never needs to."""

from __future__ import annotations

import os

from numba import types

from zyg.ir.external import External
from zyg.ir.graph import graph_of, uses
from zyg.ir.memory import MemoryType
from zyg.ir.program import (
    Branch,
    Call,
    Callback,
    Capture,
    Const,
    Edge,
    Guard,
    Module,
    Op,
    Operand,
    Program,
    Return,
    Type,
    Var,
    edges,
    end_operands,
)
from zyg.ir.tape import TapeType
from zyg.ir.typing import result_type, signatures
from zyg.rules.primitives import identity, table


class VerifyError(AssertionError):
    """A module is not well formed."""


def verify(module: Module) -> None:
    """Raise `VerifyError` unless every program is well formed and calls fit their callees."""
    for program in module.programs.values():
        verify_program(program)
        for op in program.ops():
            if isinstance(op.fn, Call):
                _require(op.fn.callee in module.programs, program, f"no program {op.fn.callee}")
                callee = module.programs[op.fn.callee]
                fits = _types(op.args) == _types(callee.params) and _types(op.results) == callee.results
                _require(fits, program, f"call of {callee.name} at {op.pos}")


def verify_program(program: Program) -> None:
    """Raise `VerifyError` unless definitions dominate uses, ops are typed, and edges and returns fit their targets."""
    _shape(program)
    _definitions(program)


def checked(program: Program) -> Program:
    """`program`, as a pass has made it; in the tests it is verified."""
    if os.environ.get("ZYG_VERIFY"):
        verify_program(program)
    return program


def checked_closed(program: Program) -> Program:
    """`program` in loop-closed form: what a loop defines is used outside it by the parameters of blocks alone."""
    if os.environ.get("ZYG_VERIFY"):
        verify_program(program)
        graph = graph_of(program)
        for label in graph.order:
            for var in uses(program.blocks[label]) & graph.homes.keys():
                loop = graph.loop_of[graph.homes[var]]
                _require(loop is None or label in loop.blocks, program, f"{var} has left its loop in {label}")
    return program


def checked_module(module: Module) -> Module:
    """`module`, as a pass has made it; in the tests it is verified."""
    if os.environ.get("ZYG_VERIFY"):
        verify(module)
    return module


def _require(ok: bool, program: Program, what: str) -> None:
    if not ok:
        raise VerifyError(f"{program.name}: {what}")


def _types(operands: tuple[Operand, ...]) -> tuple[Type, ...]:
    return tuple(operand.type for operand in operands)


def _edge(program: Program, edge: Edge) -> None:
    _require(edge.target in program.blocks, program, f"no block {edge.target}")
    _require(edge.target != program.entry, program, "the entry has a predecessor")
    wanted = _types(program.blocks[edge.target].params)
    _require(_types(edge.args) == wanted, program, f"edge to {edge.target}: {edge.args} for {wanted}")


def _shape(program: Program) -> None:
    _require(not program.blocks[program.entry].params, program, "the entry has parameters")
    for block in program.blocks.values():
        for op in block.ops:
            _operation(program, op)
        for edge in edges(block.end):
            _edge(program, edge)
        if isinstance(block.end, Return):
            _require(_types(block.end.values) == program.results, program, f"returns {block.end.values}")
        if isinstance(block.end, Branch):
            _require(block.end.cond.type == types.boolean, program, f"branches on {block.end.cond}")


def _operation(program: Program, op: Op) -> None:
    if isinstance(op.fn, Guard):
        _require(op.args[0].type == types.boolean and not op.results, program, f"guard of {op.args[0]} at {op.pos}")
    elif op.fn is identity and isinstance(op.args[0].type, (TapeType, MemoryType)):
        _require(op.result.type == op.args[0].type, program, f"identity gives {op.results} at {op.pos}")
    elif op.fn in signatures:
        try:
            kind = result_type(op.fn, _types(op.args))
        except TypeError as error:
            raise VerifyError(f"{program.name}: {error} at {op.pos}") from None
        _require(_types(op.results) == (kind,), program, f"{op.fn.__name__} gives {op.results} at {op.pos}")
    else:
        known = isinstance(op.fn, (Call, Callback, Capture, External)) or op.fn in table
        _require(known, program, f"unknown function {op.fn}")


def _definitions(program: Program) -> None:
    defined: set[Var] = set(program.params)
    own: dict[int, set[Var]] = {}
    for label, block in program.blocks.items():
        made = [*block.params, *(var for op in block.ops for var in op.results)]
        _require(len(set(made)) == len(made) and not defined & set(made), program, f"double definition in {label}")
        defined |= set(made)
        own[label] = set(made)
    # What is defined in a block can be used there behind it, and in the blocks that it dominates
    graph = graph_of(program)
    below: dict[int, list[int]] = {label: [] for label in graph.order}
    for label in graph.order[1:]:
        below[graph.idom[label]].append(label)
    live = set(program.params)
    todo = [(program.entry, False)]
    while todo:
        label, done = todo.pop()
        if done:
            live -= own[label]
            continue
        block = program.blocks[label]
        live |= set(block.params)
        for op in block.ops:
            _used(program, op.args, live)
            live |= set(op.results)
        _used(program, end_operands(block.end), live)
        for edge in edges(block.end):
            _used(program, edge.args, live)
        todo.append((label, True))
        todo += [(child, False) for child in below[label]]


def _used(program: Program, operands: tuple[Operand, ...], live: set[Var]) -> None:
    for operand in operands:
        _require(isinstance(operand, Const) or operand in live, program, f"{operand} is used before it is defined")
