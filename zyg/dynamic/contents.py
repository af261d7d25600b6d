"""Values inside containers: looked for, taken out."""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, wrapped
from zyg.dynamic.instances import attributes, is_open, members, with_members
from zyg.dynamic.number import Number, lowered
from zyg.dynamic.state import STATE

_DEEPEST = 40
_SIMPLE = frozenset((float, int, str, bool, type(None), complex, bytes, np.float64))


def is_active(value: Any) -> bool:
    """Is it a number or array that is being differentiated?"""
    kind = type(value)
    if kind is Number:
        return type(lowered(value)) is Number
    return wrapped(value, STATE.tape).__zyg_active__ if kind in (Array, np.ndarray) and STATE.tape else False


def active_in(value: Any, depth: int = 0) -> bool:
    """Is something that is being differentiated in it?"""
    kind = type(value)
    if kind in _SIMPLE:
        return False
    if kind is Number or kind is Array or kind is np.ndarray:
        return is_active(value)
    if depth > _DEEPEST:
        return False
    if issubclass(kind, (tuple, list, set, frozenset, deque)):
        return any(active_in(item, depth + 1) for item in value)
    if issubclass(kind, dict):
        return any(active_in(key) or active_in(item, depth + 1) for key, item in value.items())
    return False


def changed(
    value: Any,
    change: Callable[[Any], Any],
    depth: int = 0,
    instances: dict[int, Any] | None = None,
    functions: bool = False,
) -> Any:
    """`value` with `change` applied to the tracked values in it: itself where there are none, copies of containers.

    instances: also to those that instances hold, and to arrays that are differentiated where they are, such as
    parameters; what has become of each instance, by its id.  functions: also to those that functions hold.
    """
    kind = type(value)
    if kind in _SIMPLE or depth > _DEEPEST:
        return value
    if kind is Number or kind is Array:
        return change(value)
    if kind is np.ndarray:
        return change(wrapped(value, STATE.tape)) if instances is not None and is_active(value) else value
    if issubclass(kind, (tuple, list, set, frozenset, deque)):
        items = [changed(item, change, depth + 1, instances, functions) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        if issubclass(kind, tuple) and kind is not tuple:
            return tuple.__new__(kind, items)
        return kind(items)
    if issubclass(kind, dict):
        found = {
            changed(key, change): changed(item, change, depth + 1, instances, functions) for key, item in value.items()
        }
        return value if all(value.get(key) is item for key, item in found.items()) else found
    if instances is not None and is_open(kind):
        if id(value) not in instances:
            instances[id(value)] = value  # where it holds itself
            held = attributes(value)
            found = {name: changed(item, change, depth + 1, instances, functions) for name, item in held.items()}
            if any(found[name] is not item for name, item in held.items()):
                instances[id(value)] = with_members(value, found)
        return instances[id(value)]
    if functions and instances is not None:
        return _changed_function(value, lambda held: changed(held, change, depth + 1, instances, True), instances)
    return value


def _changed_function(fn: Any, new: Callable[[Any], Any], known: dict[int, Any]) -> Any:
    """A copy of a closure, method or partial that holds something else; itself where that is the same."""
    if isinstance(fn, types.MethodType):
        owner = new(fn.__self__)
        return fn if owner is fn.__self__ else types.MethodType(fn.__func__, owner)
    if type(fn) is functools.partial:
        func, args, named = new(fn.func), new(fn.args), new(fn.keywords)
        same = func is fn.func and args is fn.args and named is fn.keywords
        return fn if same else functools.partial(func, *args, **named)
    if not isinstance(fn, types.FunctionType) or fn.__closure__ is None:
        return fn
    if id(fn) not in known:
        known[id(fn)] = fn  # where it captures itself
        before = members(fn) or {}
        after = {name: new(item) for name, item in before.items()}
        if any(after[name] is not item for name, item in before.items()):
            cells = dict(zip(fn.__code__.co_freevars, fn.__closure__, strict=True))
            own = [name for name, item in before.items() if item is fn]
            others = {name: item for name, item in after.items() if item is not before[name]}
            cells |= {name: types.CellType(after[name]) for name in (*others, *own)}
            made = types.FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, tuple(cells.values()))
            made.__kwdefaults__ = fn.__kwdefaults__
            for name in own:
                cells[name].cell_contents = made
            known[id(fn)] = made
    return known[id(fn)]


def holders_in(value: Any, found: dict[int, tuple[Any, list[Any]]], depth: int = 0) -> None:
    """Gather the lists, dicts and instances in it, and what they hold, by their ids."""
    kind = type(value)
    if kind in _SIMPLE or depth > _DEEPEST or id(value) in found:
        return
    inside = held(value)
    if inside is not None and not isinstance(value, tuple):
        found[id(value)] = value, inside
    for item in inside or ():
        holders_in(item, found, depth + 1)


def held(value: Any) -> list[Any] | None:
    """What a container or an instance holds; None for anything else."""
    if isinstance(value, (list, tuple, deque)):
        return list(value)
    if isinstance(value, dict):
        return [part for pair in value.items() for part in pair]
    return list(attributes(value).values()) if is_open(type(value)) else None


def plain(value: Any) -> Any:
    """A tracked value as the plain number or array that it is."""
    return value.__zyg_root__


def plain_text(value: Any) -> Any:
    """`value` to be written as text, which carries no gradient."""
    return changed(value, plain)


def released(value: Any) -> Any:
    """`value`, in which nothing is being differentiated, for a function that knows plain values only."""
    return changed(value, _released)


def _released(value: Any) -> Any:
    if type(value) is Array:
        value.keep()
    return value.__zyg_root__
