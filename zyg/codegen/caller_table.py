"""The tables that the routines of `caller_walk` and `caller_call` read: words in memory, one row after the other.

A specialisation is data to these routines, so that to call a new one nothing needs to be compiled but its program.
An array fills several slots (its buffer, then dimensions), and a result may be made of several.  What is captured can
be rebound while the GIL is released: so arrays are held by references of the call's own, as no number need be.
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
    ENTRY = 7  # `where`: an offset among the items of the parent, a list
    MEMBERS = 8  # the dict of the parent, an instance of a class made in Python


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
    OTHER = 10  # not that object
    LIST = 11  # `extra`: its length
    KEYS = 12  # a dict; `what`: a tuple of strings, its keys in this order
    ARRAY = 13  # `what`: the offset of its first slot; `extra`: the address of words, see `ArrayWord`
    APART = 14  # nothing is expected of the object, but that of two arrays; `extra`: the address of words, see `Pair`
    NUMBER = 15  # and following: for each of NUMBERS; `what`: the offset of its slot


class Make(IntEnum):
    """What is made of results: pushed on a stack, after its items have been taken from there."""

    OBJECT = 0  # `what`: the object
    TUPLE = 1  # `size`: its length
    INSTANCE = 2  # `what`: a subclass of tuple; `size`: its length
    LIST = 3  # `size`: its length
    DICT = 4  # `what`: the tuple of its keys; `size`: their number
    MEMBERS = (
        5  # `what`: the tuple of the names; an instance is on the stack, then its attributes; `size`: their number
    )
    BARE = 6  # `what`: a class; an instance without attributes
    SPACE = 7  # a SimpleNamespace with the attributes that are in a dict on the stack
    ARRAY = 8  # `what`: the address of words, see `ResultWord`; `size`: the offset of its first slot
    NUMBER = 9  # and following: for each of NUMBERS; `what`: the offset of its slot


NUMBERS: tuple[Type, ...] = (
    types.boolean,
    types.int64,
    types.float64,
    types.float32,
    types.complex128,
    types.complex64,
)


class ArrayWord(IntEnum):
    """What is expected of an array: behind these come, for each dimension, 1 if it must be 1, 0 if it must not."""

    NDIM = 0
    DTYPE = 1  # the object
    FLAGS = 2  # those that must be set
    KNOWN = 3


class Pair(IntEnum):
    """Two arrays in slots that must not overlap: where, and the bytes of an element."""

    ONE = 0
    ONE_SIZE = 1
    OTHER = 2
    OTHER_SIZE = 3


class ResultWord(IntEnum):
    """How an array is made from a buffer that was given away.

    Behind these come offset, dimensions and, if `STRIDED`, strides in elements: UNKNOWN for those in the next slot.
    """

    NDIM = 0
    DTYPE = 1
    STRIDED = 2
    WIDTH = 3  # of an element, in bytes
    NUMBERS = 4


UNKNOWN = -(1 << 63)


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
    HELD = 16  # offsets in the scratch memory: where the objects are that are held while it runs
    HELD_COUNT = 17


class Chain(IntEnum):
    """The words of a chain."""

    FIRST = 0  # its first entry, or null
    SCRATCH = 1  # the bytes of scratch memory that suffice for all entries


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A reference to an object, as a word."""

    obj: object


Word: TypeAlias = "int | Ref | Words"


class Words:
    """Memory that holds words, and the objects and other such memory that they refer to."""

    __slots__ = ("_kept", "_memory")

    def __init__(self, words: Sequence[Word]) -> None:
        self._kept = [word.obj if isinstance(word, Ref) else word for word in words if not isinstance(word, int)]
        plain = [_plain(word) for word in words]
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


def _plain(word: Word) -> int:
    if isinstance(word, Ref):
        return id(word.obj)
    return word.address if isinstance(word, Words) else word
