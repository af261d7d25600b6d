"""A program that gives up where Python would raise, or compute otherwise than machine numbers do.

Dynamic mode runs it in place of a Python function; where it gives up, the function is run by CPython.  Ints stay below
2**53, so that none wraps, and each is a float exactly; what elementary functions, quotients and powers give is finite.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numba import types

from zyg.errors import UnsupportedError
from zyg.ir.memory import MemoryType, mem_load
from zyg.ir.program import (
    Block,
    Call,
    Callback,
    Const,
    Failure,
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
from zyg.ir.scalars import FLOAT, FLOAT2, b1, f8, i8
from zyg.passes.results import origins
from zyg.rules import primitives as p

LARGEST = 2**53

_MAY_RAISE = frozenset(
    (
        *(fn for fn in (*FLOAT.values(), *FLOAT2.values()) if fn not in (np.isnan, np.isinf, np.isfinite, np.signbit)),
        *(operator.truediv, operator.floordiv, operator.mod, operator.pow, p.powi, np.ldexp, p.round_digits),
    )
)
_MAY_WRAP = frozenset((operator.add, p.reassociate_add, operator.sub))
_KNOWN = (types.float64, types.int64, types.boolean)


class GivenUp(Exception):
    """CPython must run the function."""


def exact(module: Module) -> Module:
    """`module` with guards that raise `GivenUp`.

    Raises UnsupportedError where that cannot be: recursion, calls of Python, other numbers than ints and doubles.
    """
    module = module.reachable()
    if module.main.calls():
        raise UnsupportedError("a function that calls itself, or large ones")
    main = module.main
    for kind in _types(main):
        if (kind.dtype if isinstance(kind, MemoryType) else kind) not in _KNOWN:
            raise UnsupportedError(f"values of type {kind}")
    if any(isinstance(value, Const) and value.type == i8 and abs(value.value) > LARGEST for value in _operands(main)):
        raise UnsupportedError("a large int")
    if any(isinstance(op.fn, (Callback, Call)) or op.fn is operator.lshift for op in main.ops()):
        raise UnsupportedError("a call of Python, or a shift")
    _check_results(main)
    blocks = {
        label: Block(block.params, tuple(new for op in block.ops for new in _guarded(op)), block.end)
        for label, block in main.blocks.items()
    }
    return Module({module.entry: replace(main, blocks=blocks)}, module.entry)


def _types(program: Program) -> Iterator[Type]:
    yield from (param.type for param in program.params)
    yield from program.results
    yield from (result.type for op in program.ops() for result in op.results)


def _operands(program: Program) -> Iterator[Operand]:
    for block in program.blocks.values():
        for op in block.ops:
            yield from op.args
        for edge in edges(block.end):
            yield from edge.args
        yield from end_operands(block.end)


def _check_results(program: Program) -> None:
    """Arrays that the program gives are its own, each another."""
    found = origins(program)
    for block in program.blocks.values():
        if isinstance(block.end, Return):
            taken: set[object] = set()
            for value in block.end.values:
                if isinstance(value, Var) and isinstance(value.type, MemoryType):
                    made = found.get(value, frozenset((None,)))
                    if made & taken or not all(isinstance(origin, Op) for origin in made):
                        raise UnsupportedError("it gives an array that it has not made, or one twice")
                    taken |= made


def _failed(*_: Any) -> BaseException:
    return GivenUp()


_FAILURE = Failure(_failed, "given up")


def _guarded(op: Op) -> Iterator[Op]:
    """An op, and what checks that its result is Python's."""

    def emit(fn: Any, args: tuple[Operand, ...], kind: Type) -> Var:
        made.append(Op(fn, args, (Var(kind),), op.pos))
        return made[-1].result

    def require(ok: Operand) -> None:
        made.append(Op(Guard(_FAILURE), (ok,), (), op.pos))

    def require_small(value: Operand, largest: Const) -> None:
        low = Const(-largest.value, largest.type)
        for bound, fn in ((largest, operator.le), (low, operator.ge)):
            require(emit(fn, (value, bound), b1))

    made: list[Op] = []
    if op.fn is p.cast and op.result.type == i8 and op.args[0].type == f8:
        require_small(op.args[0], Const(float(LARGEST), f8))
    yield from made
    made.clear()
    yield op
    if len(op.results) == 1:
        y = op.result
        if y.type == f8 and op.fn in _MAY_RAISE:
            require(emit(np.isfinite, (y,), b1))
        elif y.type == i8 and op.fn in (operator.mul, operator.pow):
            a, b = (emit(p.cast, (arg,), f8) for arg in op.args)
            require_small(emit(op.fn, (a, b), f8), Const(float(LARGEST), f8))
        elif y.type == i8 and (op.fn in _MAY_WRAP or op.fn is mem_load):
            require_small(y, Const(LARGEST, i8))
    yield from made
