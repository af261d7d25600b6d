"""Guards as a table: one row each, in the order in which they are looked at."""

from __future__ import annotations

import ctypes
import sys
import types as pytypes
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from zyg.codegen import caller_layout as layout
from zyg.codegen.failures import SLOT
from zyg.codegen.guards import (
    CLASSES,
    Builtin,
    Check,
    Equal,
    Exactly,
    Guards,
    HasCode,
    Home,
    Node,
    Number,
    Same,
    Step,
    TupleOf,
)

# How deep guards may be nested: a function in a cell of a function in a global ...
DEPTH = 64


class Go(IntEnum):
    """The step from an object to the next; `where` is a name, an index or an offset."""

    FUNCTION = 0
    ARGUMENT = 1
    FIELD = 2
    FIELD_OR_NONE = 3
    CELL = 4
    GLOBAL = 5
    BUILTIN = 6
    MODULE = 7
    DEFAULT = 8
    KWDEFAULT = 9


class Expect(IntEnum):
    """What is expected of the object; `what` is an object to compare with, or the slot of a number."""

    SAME = 0
    EQUAL = 1
    CODE = 2
    CLASS = 3
    TUPLE = 4
    OWNER = 5  # has the code, and its namespace is home
    SHARED = 6  # has the code, and its namespace is home already
    NUMBER = 7  # and following: one for each machine type, in the order of CLASSES


class Column(IntEnum):
    """The words of a row."""

    GO = 0
    DEPTH = 1
    WHERE = 2
    EXPECT = 3
    WHAT = 4
    SIZE = 5


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to an object, held by the row."""

    obj: object


@dataclass(frozen=True, slots=True)
class Row:
    go: Go
    depth: int
    where: int | Ref
    expect: int
    what: int | Ref
    size: int

    def words(self) -> tuple[int, ...]:
        where, what = (id(word.obj) if isinstance(word, Ref) else word for word in (self.where, self.what))
        return (self.go, self.depth, where, self.expect, what, self.size)


def rows(guards: Guards) -> tuple[Row, ...]:
    """The table of the guards.

    Arguments come first: where several signatures alternate, their classes tell them apart at least cost.
    """
    found: list[Row] = []
    for number, node in enumerate(guards.arguments):
        found.extend(_rows(node, 0, Go.ARGUMENT, number * layout.WORD))
    found.extend(_rows(guards.function, 0, Go.FUNCTION, 0))
    if max(row.depth for row in found) >= DEPTH:
        raise ValueError(f"guards are nested more than {DEPTH} deep")
    return tuple(found)


def _rows(node: Node, depth: int, go: Go, where: int | Ref) -> Iterator[Row]:
    yield Row(go, depth, where, *_expectation(node.check))
    for step, child in node.children:
        yield from _rows(child, depth + 1, *_way(node.check, step, child.check))


def sources(guards: Guards) -> dict[int, int]:
    """From the number of each input to that of the one which has its value, and which a row stores."""
    nodes = (node for root in (guards.function, *guards.arguments) for node in root)
    numbers = (node.check for node in nodes if isinstance(node.check, Number))
    return {slot: check.slots[0] for check in numbers for slot in check.slots}


def _expectation(check: Check) -> tuple[int, int | Ref, int]:
    if isinstance(check, Number):
        return Expect.NUMBER + list(CLASSES).index(check.type), check.slots[0] * SLOT, 0
    if isinstance(check, HasCode):
        return _CODES[check.home], Ref(check.code), 0
    if isinstance(check, Exactly):
        return Expect.CLASS, Ref(check.cls), 0
    if isinstance(check, TupleOf):
        return Expect.TUPLE, Ref(check.cls), check.size
    if isinstance(check, Equal):
        singleton = check.value is None or isinstance(check.value, bool)
        return Expect.SAME if singleton else Expect.EQUAL, Ref(check.value), 0
    return Expect.SAME, Ref(check.obj), 0


_CODES = {Home.APART: Expect.CODE, Home.OWNER: Expect.OWNER, Home.SHARED: Expect.SHARED}


def _way(known: Check, step: Step, wanted: Check) -> tuple[Go, int | Ref]:
    """How to go on from an object that has passed the check `known`."""
    kind, *rest = step
    if kind == "globals":
        return Go.BUILTIN if isinstance(wanted, Builtin) else Go.GLOBAL, Ref(sys.intern(rest[0]))
    if kind == "cell":
        return Go.CELL, _item(rest[0])
    if kind == "defaults":
        return Go.FIELD_OR_NONE, layout.FUNCTION_DEFAULTS
    if kind == "kwdefaults":
        return Go.FIELD_OR_NONE, layout.FUNCTION_KWDEFAULTS
    if kind == "default":
        return Go.DEFAULT, rest[0]
    if kind == "kwdefault":
        return Go.KWDEFAULT, Ref(sys.intern(rest[0]))
    if kind == "item":
        return Go.FIELD, _item(rest[0])
    if isinstance(known, Same) and isinstance(known.obj, pytypes.ModuleType):
        return Go.MODULE, Ref(sys.intern(rest[0]))
    cls = known.cls if isinstance(known, Exactly) else type(known.obj) if isinstance(known, Same) else object
    return Go.FIELD, layout.ATTRIBUTES[cls][rest[0]]


def _item(index: int) -> int:
    return layout.TUPLE_ITEMS + index * layout.WORD


_immortal: list[Table] = []


class Table:
    """Memory that holds the words of rows, and the rows, which hold the objects; as immortal as code that reads it."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self._rows = rows
        words = [word for row in rows for word in row.words()]
        self._words = (ctypes.c_ssize_t * len(words))(*words)
        _immortal.append(self)

    @property
    def address(self) -> int:
        return ctypes.addressof(self._words)

    def __len__(self) -> int:
        return len(self._rows)
