"""One of several values, by conditions that are known at run time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand, Var
from zyg.reading.joins import coerced, join
from zyg.reading.nest import selected
from zyg.reading.values import Node, Value, rebuild

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


def one_of(reader: FunctionReader, values: Sequence[Value], conditions: Sequence[Operand]) -> Value:
    """The first of several values whose condition holds; the last one's holds where no other does."""
    kind = values[0]
    for other in values[1:]:
        kind = join(reader, kind, other, "one of these items")
    kind = rebuild(kind, lambda leaf: Var(leaf.type))
    columns = [coerced(reader, value, kind, reader.ops) for value in values]
    chosen: list[Operand] = list(columns[-1])
    for column, here in reversed(list(zip(columns[:-1], conditions, strict=False))):
        chosen = [selected(reader, here, a, b) for a, b in zip(column, chosen, strict=True)]
    picked = iter(chosen)
    return rebuild(kind, lambda leaf: next(picked))
