"""What is done to tracked values, in order, and the reverse sweep over it."""

from __future__ import annotations

import itertools
import weakref
from typing import Any, Protocol

import numpy as np

from zyg.dynamic.cotangents import add, cotangents

_levels = itertools.count(1)


class Step(Protocol):
    """A record that is no operation on numbers."""

    def reverse(self, sweep: Sweep) -> None:
        """Hand the cotangent of its results on to its operands."""


class Tape:
    """The record of one derivative being taken.

    Tapes that are opened later have a higher level: of several, the innermost derivative records.  An operation on
    numbers is recorded as (primitive, number of the result, numbers of the operands or -1, operands, result), where
    the values are those of the levels below.  made: the tracked objects, to find those that outlive the tape.
    outer: the tape of the derivative around this one.  buffers: of arrays that came from
    outside, by their memory; arrays: these, by identity; arguments: the buffers of arguments.  callee: the
    function with a loop that was called last, and `begun`, how long the tape was then.  natively: native code may run
    such functions.
    """

    __slots__ = (
        *("arguments", "arrays", "begun", "buffers", "callee", "entries", "level", "made", "natively"),
        *("new", "open", "outer"),
    )

    def __init__(self, outer: Tape | None) -> None:
        self.outer = outer
        self.level = next(_levels)
        self.open = True
        self.entries: list[Any] = []
        self.made: list[Any] = []
        self.new = itertools.count().__next__
        self.buffers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.arrays: dict[int, Any] = {}
        self.arguments: list[Any] = []
        self.callee: Any = None
        self.begun = 0
        self.natively = True


class Sweep:
    """One reverse sweep: cotangents of numbers by number, shadows of buffers by buffer.

    built: gradients of containers that are being put together, so that one may hold itself.
    """

    __slots__ = ("built", "numbers", "shadows")

    def __init__(self) -> None:
        self.numbers: dict[int, Any] = {}
        self.shadows: dict[Any, Any] = {}
        self.built: dict[int, Any] = {}

    def accumulate(self, index: int, dy: Any) -> None:
        known = self.numbers.get(index)
        self.numbers[index] = dy if known is None else add(known, dy)

    def run(self, tape: Tape) -> None:
        """From the end of the tape to its beginning."""
        numbers = self.numbers
        with np.errstate(all="ignore"):
            for entry in reversed(tape.entries):
                if type(entry) is not tuple:
                    entry.reverse(self)
                    continue
                fn, out, operands, values, y = entry
                dy = numbers.pop(out, None)
                if dy is None:
                    continue
                for index, da in zip(operands, cotangents(fn, dy, values, y, operands), strict=True):
                    if da is not None:
                        known = numbers.get(index)
                        numbers[index] = da if known is None else add(known, da)
