"""What a call of a Python function is given, taken apart for native code: kinds, plain values, what is tracked in them.

Tuples, lists, dicts, instances and functions are copied with plain values in place of the tracked ones, since native
code, and a pullback that runs later, must find what was there at the time of the call.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, operand, wrapped
from zyg.dynamic.instances import is_open, with_members
from zyg.dynamic.number import Number
from zyg.dynamic.state import STATE
from zyg.dynamic.tape import Sweep, Tape
from zyg.passes.exact import LARGEST
from zyg.reading.instances import attributes_of

_MOST = 100  # parts of what one call is given: each costs as much as an operation
_DEEPEST = 10
_ARRAYS = frozenset(("f8", "i8", "b1"))


class NotOpen(Exception):
    """It is for CPython."""


@dataclass(frozen=True, slots=True)
class Opened:
    """kind: what native code is made for.  plain: the value without what is tracked.  tracked: the tracked values in
    it, in its structure; None where there are none.  flat: it is a number, an array or a constant."""

    kind: Hashable
    plain: Any
    tracked: Any
    flat: bool = True


class Opening:
    """The arguments of one call, taken apart together: what is one object in them stays one."""

    def __init__(self) -> None:
        self._count = 0
        self._known: dict[int, Opened] = {}

    def of(self, value: Any, depth: int = 0) -> Opened:
        """Raises `NotOpen` for what native code does not take."""
        kind = type(value)
        if kind is np.ndarray:
            value = wrapped(value, STATE.tape)
            kind = type(value)
        if kind is Number or kind is Array:
            return _tracked(value)
        if kind is int:
            if not -LARGEST <= value <= LARGEST:
                raise NotOpen
            return Opened((int,), value, None)
        if kind in (float, bool, np.float64):
            return Opened((kind,), value, None)
        if value is None or kind is str:
            return Opened(("value", value), value, None)
        self._count += 1
        if self._count > _MOST or depth > _DEEPEST:
            raise NotOpen
        found = self._known.get(id(value))
        if found is None:
            found = self._known[id(value)] = self._structure(value, kind, depth + 1)
        return found

    def _structure(self, value: Any, kind: type, depth: int) -> Opened:
        if kind is types.FunctionType:
            return self._function(value, depth)
        if issubclass(kind, tuple) or kind is list:
            parts = [self.of(item, depth) for item in value]
            return self._made(value, (kind, None), parts, [part.tracked for part in parts], _sequence)
        if kind is dict:
            if not all(type(key) is str for key in value):
                raise NotOpen
            parts = [self.of(item, depth) for item in value.values()]
            return self._made(value, (kind, tuple(value)), parts, _named(value, parts), _dict)
        if is_open(kind) and not _is_strange(kind):
            held = attributes_of(value)
            parts = [self.of(item, depth) for item in held.values()]
            return self._made(value, (id(kind), tuple(held)), parts, _named(held, parts), with_members)
        raise NotOpen

    def _made(self, value: Any, form: Hashable, parts: list[Opened], tracked: Any, like: Any) -> Opened:
        """Of a container: a copy, also where nothing in it is tracked now."""
        names = tracked if isinstance(tracked, dict) else None
        plains = [part.plain for part in parts]
        plain = like(value, plains if names is None else dict(zip(names, plains, strict=True)))
        anything = any(part.tracked is not None for part in parts)
        return Opened((form, *(part.kind for part in parts)), plain, tracked if anything else None, False)

    def _function(self, value: types.FunctionType, depth: int) -> Opened:
        """A function: one that captures something tracked is copied, any other is looked at by native code."""
        parts: dict[str, Opened | None] = {}
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            try:
                parts[name] = self.of(cell.cell_contents, depth)
            except (NotOpen, ValueError):  # ValueError: not assigned yet
                parts[name] = None
        known = {name: part for name, part in parts.items() if part is not None}
        if all(part.tracked is None for part in known.values()):
            return Opened(("function", id(value.__code__)), value, None)
        if depth > 1 or len(known) < len(parts):  # native code gives no cotangents of what inner functions capture
            raise NotOpen
        kinds = ("function", id(value.__code__), *(part.kind for part in known.values()))
        cells = tuple(types.CellType(part.plain) for part in known.values())
        plain = types.FunctionType(value.__code__, value.__globals__, value.__name__, value.__defaults__, cells)
        plain.__kwdefaults__ = value.__kwdefaults__
        return Opened(kinds, plain, {name: part.tracked for name, part in known.items()}, False)


def _tracked(value: Any) -> Opened:
    root = value.__zyg_root__
    if type(value) is Number:
        if type(root) not in (float, np.float64):
            raise NotOpen
        return Opened(("number", type(root)), root, value)
    if type(root) is not np.ndarray or root.ndim == 0 or root.dtype.str[1:] not in _ARRAYS:
        raise NotOpen
    return Opened(("array", root.dtype, root.ndim, root.flags.c_contiguous), root, value)


def _named(names: Any, parts: list[Opened]) -> dict[str, Any]:
    return {name: part.tracked for name, part in zip(names, parts, strict=True)}


def _sequence(value: Any, items: list[Any]) -> Any:
    kind = type(value)
    return kind(items) if kind in (list, tuple) else tuple.__new__(kind, items)


def _dict(value: Any, items: dict[str, Any]) -> Any:
    return items


_OF_USERS = ("__getattr__", "__get__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")


def _is_strange(cls: type) -> bool:
    """Does reading an attribute of its instances, or copying one, run more than Python's own way of doing it?"""
    return any(name in vars(base) for base in cls.__mro__[:-1] for name in _OF_USERS)


# --- what is tracked ---------------------------------------------------------------------------------------


def tracked_values(tracked: Any) -> Iterator[Any]:
    """The numbers and arrays in `Opened.tracked`."""
    if isinstance(tracked, (list, dict)):
        for item in tracked.values() if isinstance(tracked, dict) else tracked:
            yield from tracked_values(item)
    elif tracked is not None:
        yield tracked


def references(tracked: Any, tape: Tape) -> Any:
    """References to them, in their structure."""
    if isinstance(tracked, list):
        return [references(item, tape) for item in tracked]
    if isinstance(tracked, dict):
        return {name: references(item, tape) for name, item in tracked.items()}
    return None if tracked is None else operand(tracked, tape)[0]


def give(refs: Any, cotangent: Any, sweep: Sweep, form: Callable[[Any], Any] = lambda leaf: leaf) -> None:
    """Add a cotangent, its numbers and arrays in the given form, to what is referred to."""
    if refs is None or cotangent is None:
        return
    if isinstance(refs, list):
        for ref, item in zip(refs, cotangent, strict=True):
            give(ref, item, sweep, form)
    elif isinstance(refs, dict):
        held = cotangent if isinstance(cotangent, dict) else attributes_of(cotangent)
        for name, ref in refs.items():
            give(ref, held.get(name), sweep, form)
    else:
        refs.give(sweep, form(cotangent))
