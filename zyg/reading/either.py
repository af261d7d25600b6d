"""One of two values of one kind, by a condition that is known at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand, Var
from zyg.reading.nest import selected
from zyg.reading.values import Node, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def choose(reader: FunctionReader, cond: Operand, a: Value, b: Value) -> Value:
    """`a if cond else b` of two values of one kind."""
    if isinstance(cond, Const):
        return a if cond.value else b
    if isinstance(a, (Var, Const)) and isinstance(b, (Var, Const)):
        kind = a.type if a.type == b.type else scalars.promote(a.type, b.type)
        return selected(reader, cond, reader.cast(a, kind), reader.cast(b, kind))
    if isinstance(a, Node) and isinstance(b, Node) and a.head == b.head and len(a.items) == len(b.items):
        return Node(a.head, tuple(choose(reader, cond, x, y) for x, y in zip(a.items, b.items, strict=True)))
    if a == b:
        return a
    raise unsupported("one of two values of different kinds", reader.pos)
