"""Tracked values that outlive their derivative: in the places where they are found, their plain values take over.

What is not found (held by generators, other threads, objects of C) behaves as its value does.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.instances import attributes
from zyg.dynamic.number import Number
from zyg.dynamic.tape import Tape

_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_CLOSED = Tape(None)
_CLOSED.open = False
_ROUNDS = 8
_FIXED = (tuple, frozenset)  # in whose place new ones are put
_MOST, _LONGEST = 3_000, 30_000
_ENDS = (int, float, complex, str, bytes, type(None), np.ndarray, type, types.ModuleType, types.CodeType, Number)


def _references() -> int:
    """How many references are counted for what only a list refers to, in a loop over it; versions of CPython differ."""
    count = sys.getrefcount
    made = [object()]
    return next(count(value) for value in made)


_REFERENCES = _references()


def strip_outliving(tape: Tape, roots: Sequence[Any]) -> None:
    """Exchange the tracked values of a closed tape that something else still refers to; that is looked for among the
    roots first, and what they hold."""
    found, counts = _outliving(tape)
    if not found:
        return
    of_tape = {id(tape.entries), id(found)}
    near = _nearby(roots)
    if near is not None:
        if _strip_among(near, found, counts):
            return
        near = _with_young(near, of_tape)
        if _strip_among(near, found, counts):
            return
    del near
    _strip(found, of_tape)


def _outliving(tape: Tape) -> tuple[list[Any], dict[int, int]]:
    """Them, and how often each is referred to.

    What is on the tape no longer refers to it, so that it is gone as soon as it has been swept.
    """
    tape.arrays.clear()
    count = sys.getrefcount
    found: list[Any] = []
    counts: dict[int, int] = {}
    for value in tape.made:
        (value if type(value) is Number else value.buffer).tape = _CLOSED
        references = count(value)
        if references > _REFERENCES:
            found.append(value)
            counts[id(value)] = references - _REFERENCES
    tape.made.clear()
    for entry in tape.entries:
        if type(entry) is Number:
            entry.tape = _CLOSED
            references = count(entry)
            if references > _REFERENCES:
                found.append(entry)
                counts[id(entry)] = references - _REFERENCES
    return found, counts


def _strip_among(near: dict[int, Any], found: list[Any], counts: dict[int, int]) -> bool:
    """Do it in these objects.  False, and nothing is done, if not all references are from there."""
    holders: list[Any] = []
    new_tuples: dict[int, None] = {}  # their ids, those in front that others hold
    waiting = counts
    for _ in range(_ROUNDS):
        left = dict(waiting)
        tuples: list[Any] = []
        holder = None
        for holder in near.values():
            inside = [item for item in map(id, gc.get_referents(holder)) if item in left]
            if inside:
                (tuples if issubclass(type(holder), _FIXED) else holders).append(holder)
                for item in inside:
                    left[item] -= 1
        del holder
        if any(left.values()):
            return False
        waiting = {}
        for old in tuples:  # to which `near` refers besides
            waiting[id(old)] = sys.getrefcount(old) - _REFERENCES - 1
            new_tuples.pop(id(old), None)
            new_tuples[id(old)] = None
        if not waiting:
            instead: dict[int, Any] = {id(value): value.value for value in found}
            for number in new_tuples:
                instead[number] = _new_tuple(near[number], instead)
            for holder in holders:
                _exchange(holder, instead)
            return True
    return False


def _new_tuple(old: Any, instead: dict[int, Any]) -> Any:
    items = [instead.get(id(item), item) for item in old]
    base = tuple if isinstance(old, tuple) else frozenset
    return base(items) if type(old) is base else base.__new__(type(old), items)


def _nearby(roots: Sequence[Any]) -> dict[int, Any] | None:
    """What is reached from these objects through containers, instances, cells, and the globals that functions name, by
    its id; None if that is too much."""
    found: dict[int, Any] = {}
    waiting = list(roots)
    while waiting:
        item = waiting.pop()
        if id(item) in found:
            continue
        is_long = issubclass(type(item), (list, dict, set)) and len(item) > _LONGEST
        if is_long or len(found) > _MOST or len(waiting) > _MOST:
            return None
        found[id(item)] = item
        inside: Iterable[Any] = gc.get_referents(item)
        if type(item) is types.FunctionType:
            names = item.__globals__
            found[id(names)] = names
            inside = [names[name] for name in item.__code__.co_names if name in names]
            inside += [item.__closure__, item.__defaults__, item.__kwdefaults__]
        waiting += [part for part in inside if not issubclass(type(part), _ENDS)]
    return found


def _with_young(near: dict[int, Any], own: set[int]) -> dict[int, Any]:
    """These, and what the garbage collector has not looked at: the cycles that a call has left, above all."""
    found = dict(near)
    own = own | {id(near), id(found)}
    for item in gc.get_objects(generation=0):
        if id(item) not in own:
            found[id(item)] = item
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
            if issubclass(type(holder), _FIXED):
                instead[id(holder)] = _new_tuple(holder, instead)
                kept.append(holder)
                waiting.append(holder)
            else:
                _exchange(holder, instead)


def _exchange(holder: Any, instead: dict[int, Any]) -> None:
    if isinstance(holder, dict):
        for key, item in list(holder.items()):
            if id(item) in instead:
                holder[key] = instead[id(item)]
        if any(id(key) in instead for key in holder):
            items = [(instead.get(id(key), key), item) for key, item in holder.items()]
            holder.clear()
            holder.update(items)
    elif type(holder) is functools.partial:
        partial: Any = holder
        held = partial.func, partial.args, partial.keywords
        partial.__setstate__((*[instead.get(id(item), item) for item in held], vars(partial)))
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
