"""Tapes and stacks: run-time storage for residuals, and what ops do to the world.

A tape has rows and a fixed tuple of field types (in its type).  Every (row, field) is written at most once
before it is read; `tape_get` of an unwritten field is undefined (its value is never used).
"""

from __future__ import annotations

from typing import Any

from numba import types

from zyg.ir.memory import mem_load
from zyg.ir.program import Call, Const, Guard, Op, Type
from zyg.rules.primitives import Primitive, powi, table


class TapeType(types.Type):
    """The type of a tape with the given fields; `growable` ones are extended by `tape_reserve`."""

    def __init__(self, fields: tuple[Type, ...], growable: bool) -> None:
        self.fields = fields
        self.growable = growable
        super().__init__(name=f"tape({', '.join(map(str, fields))}{', ...' if growable else ''})")


class StackType(types.Type):
    """The type of the stack shared by the frames of recursive programs; a program that uses it takes it as a
    parameter.  There is one stack per call from outside and per use (`role`)."""

    def __init__(self, role: str) -> None:
        self.role = role
        super().__init__(name=f"stack({role})")


def tape_new(rows: Any) -> Any:
    """A tape with room for `rows` (int64, ≥ 0) rows; its fields are those of the result's type."""
    raise RuntimeError(_PLACES)


def tape_zeros(tape: Any) -> Any:
    """A tape with as many rows as `tape`, all fields (those of the result's type) zero."""
    raise RuntimeError(_PLACES)


def tape_larger(a: Any, b: Any) -> Any:
    """The one of two tapes that has more rows."""
    raise RuntimeError(_PLACES)


def tape_reserve(tape: Any, row: Any) -> Any:
    """`tape`, grown where needed so that row number `row` exists; the operand must not be used afterwards."""
    raise RuntimeError(_PLACES)


def tape_put(tape: Any, row: Any, field: Any, value: Any) -> None:
    """Store `value` in field number `field` (a Const) of row `row`; no result."""
    raise RuntimeError(_PLACES)


def tape_get(tape: Any, row: Any, field: Any) -> Any:
    """The value of field number `field` (a Const) of row `row`."""
    raise RuntimeError(_PLACES)


def stack_new() -> Any:
    """An empty stack (result type StackType); made once, in the outermost program."""
    raise RuntimeError(_PLACES)


def push(stack: Any, *values: Any) -> None:
    """Push a record of values (of any machine types, tapes included); no result."""
    raise RuntimeError(_PLACES)


def pop(stack: Any) -> Any:
    """Pop the record pushed last; the op's results are its fields, in order and of the types pushed."""
    raise RuntimeError(_PLACES)


_PLACES = "tapes and stacks exist in compiled or interpreted programs only"

for _fn in (tape_new, tape_zeros, tape_reserve, tape_put, push, pop, stack_new):
    table[_fn] = Primitive(_fn.__name__, 1, effect=True)
table[tape_get] = Primitive("tape_get", 1)
table[tape_larger] = Primitive("tape_larger", 1)


def is_pure(op: Op) -> bool:
    """May the op be removed if unused, repeated, and moved to where its operands are available?

    `tape_get` and `mem_load` are not pure in the last sense: they must stay between the writes around them, and an
    element must not be read before the guard of its index.
    """
    if isinstance(op.fn, (Call, Guard)) or op.fn in (tape_get, mem_load):
        return False
    known = table.get(op.fn)
    return known is not None and not known.effect


def cost(op: Op) -> int:
    """The price of one evaluation in additions; complex operands count four times."""
    if op.fn not in table:
        return 0  # a captured input
    factor = 4 if any(isinstance(a.type, types.Complex) for a in op.args) else 1
    if op.fn is powi and isinstance(op.args[1], Const):  # a few products
        return (2 if 0 < op.args[1].value.real <= 4 else 8) * factor
    return table[op.fn].cost * factor
