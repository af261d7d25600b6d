"""What the reader asks about Python's operations on abstract values.

The answers need the reader in turn (a call reads another function), so it is handed them rather than importing them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from zyg.ir.program import Operand
from zyg.ir.values import Node, Value

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader


class Semantics(Protocol):
    """The meaning of calls, operators, attributes, items and iteration."""

    def call(self, reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]) -> Value:
        """`fn(*args, **kws)`."""

    def operator(self, reader: FunctionReader, fn: Any, args: list[Value]) -> Value:
        """`fn(*args)` for a function of the module `operator`."""

    def truth(self, reader: FunctionReader, value: Value) -> Operand:
        """`bool(value)`."""

    def attribute(self, reader: FunctionReader, value: Value, name: str) -> Value:
        """`value.name`."""

    def item(self, reader: FunctionReader, value: Value, index: Value) -> Value:
        """`value[index]`."""

    def elements(self, reader: FunctionReader, value: Value) -> list[Value]:
        """All elements of an iterable whose length is known when reading."""

    def iterator(self, reader: FunctionReader, value: Value) -> Node:
        """`iter(value)`."""

    def advance(self, reader: FunctionReader, value: Value) -> tuple[Node, Node]:
        """What `next` gives (as a `NextHead` node) and the iterator after it."""
