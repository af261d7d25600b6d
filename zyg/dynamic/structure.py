"""Arguments with tracked values in place of their numbers and arrays, and gradients of the same structure.

Containers are copied, so that other threads, and other ways to them, see no tracked values; what the function writes
into a copy is written into the original afterwards.
"""

from __future__ import annotations

import array
import copy
import dataclasses
import decimal
import enum
import functools
import numbers
import types
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, fresh, wrapped
from zyg.dynamic.buffers import ArrayRef, Buffer, argument_buffer, buffer_of
from zyg.dynamic.contents import active_in
from zyg.dynamic.instances import attributes, is_open, members, with_members
from zyg.dynamic.number import COMPLEX, Number, lowest, number
from zyg.dynamic.places import refusal
from zyg.dynamic.state import STATE
from zyg.dynamic.tape import Sweep, Tape
from zyg.errors import ArgumentError
from zyg.steering import checkpoint
from zyg.transformed import Transformed

# What holds numbers, or is one, but cannot be differentiated by
_NOT_NUMBERS = (numbers.Number, decimal.Decimal, deque, set, frozenset, np.ndarray, array.array)
Gradient = Callable[[Sweep], Any]  # the gradient of a part of an argument, from a sweep that has ended
_MOST = 100_000


class Tracking:
    """The arguments of one derivative.  copies: originals, their copies, and what lay in both at the beginning."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.copies: list[tuple[Any, Any, Any, Any]] = []
        self.held: list[Buffer] = []
        self._known: dict[int, tuple[Any, Any]] = {}
        self._count = 0
        self._originals: dict[int, Any] = {}

    def argument(self, value: Any) -> tuple[Any, Gradient]:
        """A whole argument: an int counts as a number here."""
        self._known = {}
        root = lowest(value)
        if isinstance(root, (int, np.integer)) and not isinstance(root, (bool, np.bool_, enum.Enum)):
            return self._number(value, int(root) if type(value) is not Number else value, 0)
        made, gradient = self.part(value)
        structure = isinstance(root, (bool, np.bool_, enum.Enum))
        if gradient is _nothing and isinstance(root, _NOT_NUMBERS) and not structure:
            raise ArgumentError(
                f"no derivative is taken by an argument of type {type(root).__name__}",
                None,
                "Pass floats: as numbers, arrays of NumPy, lists, dicts, or instances of your own classes.",
            )
        return made, gradient

    def part(self, value: Any, in_cell: bool = False) -> tuple[Any, Gradient]:
        """A part of an argument, tracked, and what gives its gradient.  in_cell: a function captures it."""
        root = getattr(value, "__zyg_root__", value)
        if isinstance(root, (float, complex, np.floating, np.complexfloating)):
            return self._number(value, value if type(value) is Number else _own(root), 0j if _is_complex(root) else 0.0)
        if isinstance(root, np.ndarray) and type(root) is np.ndarray:
            return self._array(value, root)
        known = self._known.get(id(value))  # a container that holds itself
        if known is not None:
            if type(known[0]) is _Later and not in_cell:
                raise refusal("an argument is a function that is held by a container that it captures")
            return known
        try:
            return self._container(value)
        finally:
            self._known.pop(id(value), None)

    def _container(self, value: Any) -> tuple[Any, Gradient]:
        self._count += 1
        if self._count > _MOST:
            raise ArgumentError(f"an argument has more than {_MOST} parts, each counted wherever it is held")
        if isinstance(value, (int, str, bytes, type(None), enum.Enum, type, types.ModuleType)):
            return value, _nothing
        if isinstance(value, tuple):
            return self._tuple(value)
        if isinstance(value, (list, dict)):
            return self._list(value) if isinstance(value, list) else self._dict(value)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return self._method(value)
        if type(value) is functools.partial:
            return self._partial(value)
        if isinstance(value, (Transformed, checkpoint)):
            made, give = self.part(value.fn)
            if made is value.fn:
                return value, _nothing
            return (checkpoint(made) if isinstance(value, checkpoint) else value.of(made)), give
        return self._object(value)

    def _number(self, value: Any, below: Any, zero: Any) -> tuple[Any, Gradient]:
        made = number(below, self.tape)
        index = made.index

        def gradient(sweep: Sweep) -> Any:
            found = sweep.numbers[index]
            if found is None:
                return zero
            if type(zero) is int:
                return found.item() if isinstance(found, np.generic) else found
            return complex_of(found) if isinstance(zero, COMPLEX) else real(found)

        return made, gradient

    def _array(self, value: Any, root: np.ndarray[Any, Any]) -> tuple[Any, Gradient]:
        if root.dtype.kind not in "fciub":
            return value, _nothing
        if root.ndim == 0:
            return self.part(root.item() if root is value else value.item())
        buffer = argument_buffer(self.tape, root)
        made = Array(wrapped(value, self.tape.outer), buffer)
        place = ArrayRef.of(buffer, root)

        def gradient(sweep: Sweep) -> Any:
            found = place.take(sweep)
            if found is None:
                return fresh(np.zeros(root.shape, buffer.shadow_dtype()), STATE.tape)
            return found.copy()

        return made, gradient

    def parameter(self, value: np.ndarray[Any, Any]) -> Gradient:
        """A captured array: what is read from its memory counts, however it is reached."""
        buffer = buffer_of(self.tape, value)
        buffer.active = self.tape.parameters = True
        self.held.append(buffer)
        place = ArrayRef.of(buffer, value)

        def gradient(sweep: Sweep) -> Any:
            found = place.take(sweep)
            return np.zeros(value.shape, buffer.shadow_dtype()) if found is None else found.copy()

        return gradient

    def _tuple(self, value: Any) -> tuple[Any, Gradient]:
        parts = [self.part(item) for item in value]
        gradients = [gradient for _, gradient in parts]

        def gradient(sweep: Sweep) -> Any:
            return tuple_like(value, [give(sweep) for give in gradients])

        if all(new is old for (new, _), old in zip(parts, value, strict=True)):
            return value, gradient
        return tuple_like(value, [part for part, _ in parts]), gradient

    def _list(self, value: list[Any]) -> tuple[Any, Gradient]:
        made: list[Any] = copy.copy(value)
        token = object()  # not what is tracked, which is to be gone when the call has ended
        gradients: list[Gradient] = []

        def gradient(sweep: Sweep) -> Any:
            found = sweep.built.get(token)
            if found is None:
                found = sweep.built[token] = []
                found.extend([give(sweep) for give in gradients])
            return found

        self._known[id(value)] = made, gradient
        for i, item in enumerate(value):
            made[i], give = self.part(item)
            gradients.append(give)
        return self._copied(value, made, list(value), list(made)), gradient

    def _dict(self, value: dict[Any, Any]) -> tuple[Any, Gradient]:
        made = copy.copy(value)
        token = object()
        gradients: dict[Any, Gradient] = {}

        def gradient(sweep: Sweep) -> Any:
            found = sweep.built.get(token)
            if found is None:
                found = sweep.built[token] = {}
                found.update({key: give(sweep) for key, give in gradients.items()})
            return found

        self._known[id(value)] = made, gradient
        for key, item in value.items():
            made[key], gradients[key] = self.part(item)
        return self._copied(value, made, dict(value), dict(made)), gradient

    def _object(self, value: Any) -> tuple[Any, Gradient]:
        """An instance of a class of the user's: a copy with tracked attributes."""
        cls = type(value)
        if not is_open(cls):
            return value, _nothing
        before = attributes(value)
        made = with_members(value, {})
        token = object()
        gradients: dict[str, Gradient] = {}

        def gradient(sweep: Sweep) -> Any:
            result = sweep.built.get(token)
            if result is not None:
                return result
            like = dataclasses.is_dataclass(value)
            result = sweep.built[token] = object.__new__(cls) if like else types.SimpleNamespace()
            for name, give in gradients.items():
                if like or give is not _nothing:
                    object.__setattr__(result, name, give(sweep))
            return result

        self._known[id(value)] = made, gradient
        found: dict[str, Any] = {}
        for name, item in before.items():
            found[name], gradients[name] = self.part(item)
            object.__setattr__(made, name, found[name])
        if all(give is _nothing for give in gradients.values()):
            return value, gradient if dataclasses.is_dataclass(value) else _nothing
        self.copies.append((value, made, before, found))
        return made, gradient

    def _function(self, value: types.FunctionType) -> tuple[Any, Gradient]:
        """A function: one entry per captured variable.  One that captures itself captures its copy, too."""
        later = _Later()
        self._known[id(value)] = later, _nothing
        cells: dict[str, Any] = dict(zip(value.__code__.co_freevars, value.__closure__ or (), strict=True))
        chosen: dict[str, Gradient] = {}
        for name, cell in cells.items():
            try:
                before = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            made, give = self.part(before, in_cell=True)
            if type(made) is _Later:
                cells[name] = types.CellType(made)
                made.cells.append(cells[name])
            elif give is not _nothing:
                chosen[name] = give
                cells[name] = types.CellType(made)
                self.copies.append((cell, cells[name], [before], [made]))
        copy = value
        if chosen:
            own = value.__globals__, value.__name__, value.__defaults__, tuple(cells.values())
            copy = types.FunctionType(value.__code__, *own)
            copy.__kwdefaults__ = value.__kwdefaults__
        for cell in later.cells:
            cell.cell_contents = copy

        def gradient(sweep: Sweep) -> Any:
            return types.SimpleNamespace(**{name: give(sweep) for name, give in chosen.items()})

        return copy, gradient if chosen else _nothing

    def _method(self, value: types.MethodType) -> tuple[Any, Gradient]:
        owner, give = self.part(value.__self__)
        return (value, _nothing) if give is _nothing else (types.MethodType(value.__func__, owner), give)

    def _partial(self, value: functools.partial[Any]) -> tuple[Any, Gradient]:
        """A partial: a namespace of its function, its arguments, and those by name."""
        held = {"func": value.func, "args": value.args, "keywords": value.keywords}
        parts = {name: self.part(item) for name, item in held.items()}
        if all(parts[name][0] is item for name, item in held.items()):
            return value, _nothing
        made = functools.partial(parts["func"][0], *parts["args"][0], **parts["keywords"][0])

        def gradient(sweep: Sweep) -> Any:
            found = {name: give(sweep) for name, (_, give) in parts.items()}
            return types.SimpleNamespace(**{name: item for name, item in found.items() if item is not None})

        return made, gradient

    def _copied(self, value: Any, made: Any, before: Any, after: Any) -> Any:
        """The copy; the original itself where nothing in it is tracked."""
        items = (before.values(), after.values()) if isinstance(before, dict) else (before, after)
        if all(new is old for old, new in zip(*items, strict=True)):
            return value
        self.copies.append((value, made, before, after))
        return made

    def original(self, made: Any) -> Any:
        """The container of which `made` is a copy; anything else as it is."""
        return self._originals.get(id(made), made)

    def settled(self, item: Any, seen: set[int] | None = None) -> Any:
        """What stays when the call has ended, without tracked values: containers keep their identity."""
        kind = type(item)
        if kind is Number:
            return item.value if item.tape is self.tape else item
        if kind is Array:
            return item.value if item.buffer.tape is self.tape else item
        seen = set() if seen is None else seen
        if isinstance(item, tuple):
            items = [self.settled(part, seen) for part in item]
            return item if all(new is old for new, old in zip(items, item, strict=True)) else tuple_like(item, items)
        original = self.original(item)
        if original is not item or id(item) in seen or not isinstance(item, (list, dict)):
            return original
        seen.add(id(item))
        for key, part in list(enumerate(item) if isinstance(item, list) else item.items()):
            new = self.settled(part, seen)
            if new is not part:
                item[key] = new
        return item

    def write_back(self) -> None:
        """What was written into copies, into the originals."""
        self._originals = {id(made): original for original, made, _, _ in self.copies}
        counts = Counter(id(original) for original, _, _, _ in self.copies)
        for original, made, before, after in self.copies:
            written = not _same(_contents(made), after)
            if not _same(_contents(original), before) or (written and counts[id(original)] > 1):
                raise refusal(
                    f"a {type(original).__name__} is changed that is reached in two ways: as (part of) an argument, and"
                    " otherwise",
                    "Reach it in one way only, or pass a copy.",
                )
            if written:
                self._write(original, made, before, after)

    def _write(self, original: Any, made: Any, before: Any, after: Any) -> None:
        items = (after.values(), before.values()) if isinstance(before, dict) else (after, before)
        untracked = {id(new): old for new, old in zip(*items, strict=True)}

        def plain(item: Any) -> Any:
            return untracked[id(item)] if id(item) in untracked else self.settled(item)

        now = _contents(made)
        if isinstance(original, types.CellType):
            original.cell_contents = plain(now[0])
        elif isinstance(original, list):
            original[:] = [plain(item) for item in now]
        elif isinstance(original, dict):
            kept = {name: plain(item) for name, item in now.items()}
            original.clear()
            original.update(kept)
        else:
            for name in before:
                if name not in now:
                    object.__delattr__(original, name)
            for name, item in now.items():
                if name not in after or after[name] is not item:
                    object.__setattr__(original, name, plain(item))


class _Later:
    """Stands for a function that is being copied, in the cells of functions that it captures."""

    def __init__(self) -> None:
        self.cells: list[types.CellType] = []


def _contents(value: Any) -> Any:
    """What a container holds now."""
    if type(value) is types.CellType:
        return [value.cell_contents]
    return list(value) if isinstance(value, list) else dict(value) if isinstance(value, dict) else attributes(value)


def _same(now: Any, then: Any) -> bool:
    """Do two lists or dicts hold the same objects, in the same order?"""
    if len(now) != len(then):
        return False
    if isinstance(now, list):
        return all(a is b for a, b in zip(now, then, strict=True))
    return all(p is q and a is b for (p, a), (q, b) in zip(now.items(), then.items(), strict=True))


def _nothing(sweep: Sweep) -> None:
    return None


def _own(root: Any) -> Any:
    """Python's number in place of one of NumPy's double ones."""
    return root.item() if type(root) in (np.float64, np.complex128) else root


def _is_complex(root: Any) -> bool:
    return isinstance(root, COMPLEX)


def real(value: Any) -> Any:
    """A cotangent of a float, as one of Python's."""
    if type(value) is float or type(value) is Number:
        return value if type(value) is float or isinstance(value, float) else value.__zyg_convert__(float)
    return float(value.real if isinstance(value, COMPLEX) else value)


def complex_of(value: Any) -> Any:
    return value if type(value) is Number else complex(value)


def tuple_like(example: Any, items: list[Any]) -> Any:
    return tuple(items) if type(example) is tuple else tuple.__new__(type(example), items)


# --- results ----------------------------------------------------------------------------------------------


def outputs(y: Any, tape: Tape, seen: tuple[int, ...] = ()) -> Any:
    """What a sweep starts from: references to the tracked values of a result, in its structure; None elsewhere."""
    from zyg.dynamic.array import operand

    if type(y) in (Number, Array):
        return operand(y, tape)[0]
    if type(y) in _SIMPLE or id(y) in seen:
        return None
    seen = (*seen, id(y))
    if isinstance(y, (tuple, list)):
        return [outputs(item, tape, seen) for item in y]
    held = y if isinstance(y, dict) else members(y)
    if held is not None:
        return {key: outputs(item, tape, seen) for key, item in held.items()}
    if active_in(y):
        raise refusal(
            f"a result of type {type(y).__name__} holds what is being differentiated",
            "Return it in a list, a dict or an instance of a class of yours.",
        )
    return None


_SIMPLE = frozenset((float, int, str, bool, type(None), complex, bytes, np.float64))
