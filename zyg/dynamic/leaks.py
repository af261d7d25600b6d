"""Tracked values that outlive their derivative: in the places where they are found, their plain values take over.

What is not found (held by generators, other threads, objects of C) behaves as its value does.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from typing import Any

from zyg.dynamic.instances import attributes
from zyg.dynamic.number import Number
from zyg.dynamic.tape import Tape

_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_CLOSED = Tape(None)
_CLOSED.open = False
_ROUNDS = 8


def _references() -> int:
    """How many references are counted for what only a list refers to, in a loop over it; versions of CPython differ."""
    count = sys.getrefcount
    made = [object()]
    return next(count(value) for value in made)


_REFERENCES = _references()


def strip_outliving(tape: Tape) -> None:
    """Exchange the tracked values of a closed tape that something else still refers to."""
    found = _outliving(tape)
    if found:
        _strip(found, {id(tape.entries), id(found)})


def _outliving(tape: Tape) -> list[Any]:
    """Them.  What is on the tape no longer refers to it, so that it is gone as soon as it has been swept."""
    tape.arrays.clear()
    count = sys.getrefcount
    found: list[Any] = []
    for value in tape.made:
        (value if type(value) is Number else value.buffer).tape = _CLOSED
        if count(value) > _REFERENCES:
            found.append(value)
    tape.made.clear()
    for entry in tape.entries:
        if type(entry) is Number:
            entry.tape = _CLOSED
            if count(entry) > _REFERENCES:
                found.append(entry)
    return found


def _strip(found: list[Any], of_tape: set[int]) -> None:
    """Exchange tracked values for what they are on the level below, in all that refers to them but the tape."""
    instead: dict[int, Any] = {id(value): value.value for value in found}
    kept: list[Any] = list(found)
    waiting: list[Any] = list(found)
    for _ in range(_ROUNDS):
        if not waiting:
            return
        referrers = gc.get_referrers(*waiting)
        own = {id(kept), id(waiting), id(referrers), id(instead)}
        waiting = []
        for holder in referrers:
            if id(holder) in own or id(holder) in of_tape or isinstance(holder, types.FrameType):
                continue
            if type(holder) is tuple:
                new = tuple([instead.get(id(item), item) for item in holder])
                instead[id(holder)] = new
                kept.append(holder)
                waiting.append(holder)
            else:
                _exchange(holder, instead)


def _exchange(holder: Any, instead: dict[int, Any]) -> None:
    if isinstance(holder, dict):
        for key, item in list(holder.items()):
            if id(item) in instead:
                holder[key] = instead[id(item)]
    elif isinstance(holder, (list, deque)):
        for i, item in enumerate(holder):
            if id(item) in instead:
                holder[i] = instead[id(item)]
    elif isinstance(holder, set):
        for item in [item for item in holder if id(item) in instead]:
            holder.remove(item)
            holder.add(instead[id(item)])
    elif isinstance(holder, types.CellType):
        if id(holder.cell_contents) in instead:
            holder.cell_contents = instead[id(holder.cell_contents)]
    elif isinstance(holder, BaseException):
        holder.args = tuple([instead.get(id(item), item) for item in holder.args])
    elif type(holder).__flags__ & _HEAP and not isinstance(holder, type):
        for name, item in attributes(holder).items():
            if id(item) in instead:
                object.__setattr__(holder, name, instead[id(item)])
