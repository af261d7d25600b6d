"""Loops over lists and tuples of many things of one kind, such as the layers of a network.

Such a loop is unrolled: its body is read for each element, of which everything is known then.  Where that comes to much
code, it is a loop over a list in memory instead, read and compiled once.  Whether it does shows when the function has
been read, so it is read again then (see `sites`).  What cannot be compiled in this way is unrolled after all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zyg.ir.program import Call, Const, Op, Var
from zyg.reading import lists
from zyg.reading.heads import ArrayHead, DictHead, ListHead, TupleHead
from zyg.reading.values import Node, Value, structure

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_FEWEST = 3
# Ops that the iterations come to, from which on they are one loop
_LARGE = 500


def rolled(reader: FunctionReader, value: Node) -> Node:
    """`value`, or a list in memory with its elements if the loop over it that begins here has turned out large."""
    sites = reader.spec.sites
    if not sites.rolls or not _is_uniform(value):
        return value
    site = sites.at(reader.key, (*reader.at, "rolled"))
    if site.in_memory:
        return lists.display(reader, value.items, "rolled")
    reader.unrolled.append(site)
    return value


def roll_large(reader: FunctionReader) -> None:
    """When the function has been read: its loops over uniform elements will be in memory, if they came to much."""
    if reader.unrolled and sum(_ops_in_iterations(reader)) >= _LARGE:
        for site in reader.unrolled:
            site.top.in_memory = reader.spec.sites.has_rolled = True
            lists.change(reader, site.top)


def _is_uniform(value: Node) -> bool:
    """Are these elements, all of one kind, that hold arrays and nothing that code may depend on?"""
    head = value.head
    if len(value.items) < _FEWEST or not isinstance(head, (ListHead, TupleHead)) or getattr(head, "cls", None):
        return False
    if isinstance(head, ListHead) and head.site is not None:
        return False
    kind = structure(value.items[0])
    return all(structure(item) == kind for item in value.items) and _is_data(value.items[0])


def _is_data(value: Value) -> bool:
    """Is it an array, or a tuple or dict with numbers and at least one?"""
    if not isinstance(value, Node):
        return False
    if isinstance(value.head, ArrayHead):
        return True
    if not isinstance(value.head, (TupleHead, DictHead)):
        return False
    inner = [item for item in value.items if not isinstance(item, (Var, Const))]
    return bool(inner) and all(map(_is_data, inner))


def _ops_in_iterations(reader: FunctionReader) -> Iterator[int]:
    """The ops of each iteration that was unrolled, with those of the programs that it calls."""
    sizes: dict[str, int] = {}

    def size(op: Op) -> int:
        if not isinstance(op.fn, Call):
            return 1
        name = op.fn.callee
        if name not in sizes:
            sizes[name] = 1
            program = reader.spec.programs.get(name)
            sizes[name] = sum(map(size, program.ops())) if program is not None else 1
        return sizes[name]

    for (_, positions), state in reader.states.items():
        if positions is not None:
            yield sum(map(size, state.ops))
