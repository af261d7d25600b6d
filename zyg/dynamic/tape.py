"""What is done to tracked values, in order, and the reverse sweep over it."""

from __future__ import annotations

import itertools
import weakref
from typing import Any, Protocol

import numpy as np

from zyg.dynamic.cotangents import cotangents, of_reals

_levels = itertools.count(1)


class Step(Protocol):
    """A record that is no operation on numbers."""

    def reverse(self, sweep: Sweep) -> None:
        """Hand the cotangent of its results on to its operands."""


class Tape:
    """The record of one derivative being taken.

    Tapes that are opened later have a higher level: of several, the innermost derivative records.  An operation on
    Python's floats is its result, a `Number`, anything else a `Step`; `record` appends one to the entries.  made: the
    tracked objects that are no such results, to find those that outlive the tape.  outer: the tape of the derivative
    around this one.  buffers: of arrays that came from outside, by their memory; arrays: these, by identity;
    arguments: the buffers of arguments.  running: the functions with loops that have been called, and have not ended
    as far as is known, the ids of the frames that called them, and how long the tape was then.  natively: its sweep is
    not differentiated.  forward: it is for forward mode, which hooks have no part in.  parameters: it differentiates by
    captured arrays.  refused: the first refusal of what its function did, which the
    function may have caught.
    """

    __slots__ = (
        *("arguments", "arrays", "buffers", "entries", "forward", "level", "made", "natively"),
        *("new", "open", "outer", "parameters", "record", "refused", "running"),
    )

    def __init__(self, outer: Tape | None) -> None:
        self.outer = outer
        self.level = next(_levels)
        self.open = True
        self.forward = self.parameters = False
        self.entries: list[Any] = []
        self.record = self.entries.append
        self.made: list[Any] = []
        self.new = itertools.count().__next__
        self.buffers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.arrays: dict[int, Any] = {}
        self.arguments: list[Any] = []
        self.running: list[tuple[Any, int, int]] = []
        self.natively = True
        self.refused: Exception | None = None


class Sweep:
    """One reverse sweep: cotangents of numbers by number, shadows of buffers by buffer.

    built: gradients of containers that are being put together, so that one may hold itself.
    """

    __slots__ = ("built", "numbers", "shadows", "tape")

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.numbers: list[Any] = [None] * tape.new()
        self.shadows: dict[Any, Any] = {}
        self.built: dict[object, Any] = {}

    def accumulate(self, index: int, dy: Any) -> None:
        known = self.numbers[index]
        self.numbers[index] = dy if known is None else known + dy

    def take(self, index: int) -> Any:
        """The cotangent of a number, all of whose uses have been reversed."""
        dy, self.numbers[index] = self.numbers[index], None
        return dy

    def run(self) -> None:
        """From the end of the tape to its beginning."""
        from zyg.dynamic.number import Number as number

        numbers = self.numbers
        with np.errstate(all="ignore"):
            for entry in reversed(self.tape.entries):
                if type(entry) is not number:
                    entry.reverse(self)
                    continue
                dy = numbers[entry.index]
                if dy is None:
                    continue
                if type(dy) is np.float64:
                    dy = dy.item()
                if type(dy) is float and dy - dy == 0.0:
                    try:
                        entry.step(numbers, dy, entry.i, entry.j, entry.a, entry.b, entry.value)
                        continue
                    except (ArithmeticError, ValueError):
                        pass
                entry.reverse_carefully(self, dy)


class Operation:
    """An operation on numbers that are not Python's floats: complex ones, others of NumPy's, those of lower levels.

    real: they are floats on the lowest level.
    """

    __slots__ = ("index", "operands", "primitive", "real", "values", "y")

    def __init__(self, primitive: Any, index: int, operands: Any, values: Any, y: Any, real: bool) -> None:
        self.primitive, self.index, self.operands, self.values, self.y = primitive, index, operands, values, y
        self.real = real

    def reverse(self, sweep: Sweep) -> None:
        dy = sweep.take(self.index)
        if dy is None:
            return
        how = of_reals if self.real else cotangents
        given = how(self.primitive, dy, self.values, self.y, self.operands)
        for index, da in zip(self.operands, given, strict=True):
            if da is not None:
                sweep.accumulate(index, da)
