"""What the reader asks about Python's operations on abstract values.

The answers need the reader in turn (a call reads another function), so it is handed them rather than importing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from zyg.ir.program import Operand, Var
from zyg.reading.sites import Site
from zyg.reading.values import Node, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


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

    def set_item(self, reader: FunctionReader, value: Value, index: Value, new: Value) -> None:
        """`value[index] = new`."""

    def update(self, reader: FunctionReader, fn: Any, args: list[Value]) -> Value:
        """`a += b` and the like of an array `a`, in place."""

    def check_same(self, reader: FunctionReader, model: Value, given: Value) -> Value:
        """`given`, an array or number with the dimensions of `model`; raises where they differ."""

    def like(self, reader: FunctionReader, model: Node, given: Value) -> Var:
        """A buffer that holds `given` where the array `model` has its elements in its own buffer."""

    def settle(self, reader: FunctionReader, value: Value) -> Value:
        """`value` with the arrays in it computed that have waited."""

    def settle_all(self, reader: FunctionReader, names: Sequence[str] | None) -> None:
        """The same for what these locals (or all) hold."""

    def list_element(self, reader: FunctionReader, value: Node, index: Operand) -> Value:
        """The element of a list in memory at an index that is in range."""

    def display(self, reader: FunctionReader, items: Sequence[Value]) -> Node:
        """A new list with these elements."""

    def settle_dict(self, reader: FunctionReader, value: Node) -> Site:
        """The site of a dict, whose dicts are in memory from now on."""

    def dict_display(self, reader: FunctionReader, entries: dict[Any, Value]) -> Node:
        """A new dict with these entries."""

    def join_records(self, reader: FunctionReader, old: Node, new: Node) -> Node:
        """A dict or instance that may be either."""

    def set_attribute(self, reader: FunctionReader, value: Value, name: str, new: Value) -> None:
        """`value.name = new`."""

    def frozen(self, reader: FunctionReader, value: Value) -> Value:
        """`value` with the dicts and instances in it as they are now."""

    def join_lists(self, reader: FunctionReader, old: Node, new: Node) -> Node:
        """A list that may be either."""

    def update_list(self, reader: FunctionReader, fn: Any, value: Node, other: Value) -> Value | None:
        """`value += other` and the like of a list, in place; None where it cannot be."""

    def delete_item(self, reader: FunctionReader, value: Value, index: Value) -> None:
        """`del value[index]`."""

    def elements(self, reader: FunctionReader, value: Value, count: int | None = None) -> list[Value]:
        """All elements of an iterable whose length is known when reading; of an array also if there must be `count`."""

    def iterator(self, reader: FunctionReader, value: Value) -> Node:
        """`iter(value)`."""

    def advance(self, reader: FunctionReader, value: Value) -> tuple[Node, Node]:
        """What `next` gives (as a `NextHead` node) and the iterator after it."""
