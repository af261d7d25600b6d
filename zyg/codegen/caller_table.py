"""The tables that the routines of `caller_walk` and `caller_call` read: words in memory, one row after the other.

A specialisation is data to these routines, so that to call a new one nothing needs to be compiled but its program.
A kind of leaf that is more than a number (an array: pointer, shape, strides, owner) is one more `Expect` that
fills several slots, and one more `Make` that reads several.  What is captured can be rebound while the GIL is
released: the owner of memory must then be held by a reference of the call's own, as no number need be.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from numba import types

from zyg.ir.program import Type


class Go(IntEnum):
    """How a row comes to its object, from the object of its parent's row or from nowhere."""

    FUNCTION = 0  # what the caller wraps
    ARGUMENT = 1  # `where`: an offset among the arguments
    OBJECT = 2  # `where`: the object
    SAME = 3  # the parent's object again
    FIELD = 4  # `where`: an offset in the parent
    KEY = 5  # `where`: a string; the parent is a dict
    CELL = 6  # `where`: an offset in the closure of the parent, a function


class Expect(IntEnum):
    """What is expected of the object.  Where there is none, only `MISSING` is satisfied."""

    ANYTHING = 0
    MISSING = 1
    SAME = 2  # `what`: the object
    EQUAL = 3  # `what`: an object of the same class and value
    CLASS = 4  # `what`: its class
    CODE = 5  # a function; `what`: its code
    CODE_IN = 6  # likewise; `extra`: the place of the namespace that must be its own
    TUPLE = 7  # `what`: its class; `extra`: its length
    DICT = 8  # `extra`: its length
    ONE = 9  # the very object that was seen at the place `extra`
    NUMBER = 10  # and following: for each of NUMBERS; `what`: the offset of its slot


class Make(IntEnum):
    """What is made of results: pushed on a stack, after its items have been taken from there."""

    OBJECT = 0  # `what`: the object
    TUPLE = 1  # `size`: its length
    INSTANCE = 2  # `what`: a subclass of tuple; `size`: its length
    NUMBER = 3  # and following: for each of NUMBERS; `what`: the offset of its slot


NUMBERS: tuple[Type, ...] = (
    types.boolean,
    types.int64,
    types.float64,
    types.float32,
    types.complex128,
    types.complex64,
)


class Guard(IntEnum):
    """The words of a row that looks at an object."""

    GO = 0
    PARENT = 1
    WHERE = 2
    EXPECT = 3
    WHAT = 4
    EXTRA = 5


class Part(IntEnum):
    """The words of a row that makes an object."""

    MAKE = 0
    WHAT = 1
    SIZE = 2


class Entry(IntEnum):
    """The words of an entry.  What a call needs besides the inputs is at offsets in its scratch memory."""

    NEXT = 0  # the entry to try next, or null
    OWNER = 1  # the Python object that keeps all this alive
    SCRATCH = 2  # the bytes of scratch memory that it needs
    COUNT = 3  # of positional arguments
    NAMES = 4  # of keyword arguments: a tuple, or null
    GUARDS = 5
    GUARD_COUNT = 6
    SEEN = 7  # offset of the objects looked at
    CODE = 8  # packed function
    OUT = 9  # offset of its results
    REPORT = 10  # offset of its report
    REPORT_SIZE = 11
    RELEASE = 12  # is the GIL to be released while it runs?
    PARTS = 13
    PART_COUNT = 14
    STACK = 15  # offset of the objects made


class Chain(IntEnum):
    """The words of a chain."""

    FIRST = 0  # its first entry, or null
    SCRATCH = 1  # the bytes of scratch memory that suffice for all entries


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A reference to an object, as a word."""

    obj: object


Word: TypeAlias = int | Ref


class Words:
    """Memory that holds words, and the objects that they refer to."""

    __slots__ = ("_kept", "_memory")

    def __init__(self, words: Sequence[Word]) -> None:
        self._kept = [word.obj for word in words if isinstance(word, Ref)]
        plain = [id(word.obj) if isinstance(word, Ref) else word for word in words]
        self._memory = (ctypes.c_ssize_t * max(1, len(plain)))(*plain)

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Word]]) -> Words:
        return cls([word for row in rows for word in row])

    @property
    def address(self) -> int:
        return ctypes.addressof(self._memory)

    def __getitem__(self, number: int) -> int:
        return self._memory[number]

    def __setitem__(self, number: int, word: int) -> None:
        self._memory[number] = word
