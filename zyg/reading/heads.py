"""Heads: what kind of object a compound value is.

A head is static and hashable; what is inside the object are the items of its node (`zyg.reading.values`).
"""

from __future__ import annotations

import types as pytypes
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zyg.ir.program import Type

if TYPE_CHECKING:
    from zyg.reading.values import Static


@dataclass(frozen=True, slots=True)
class TupleHead:
    cls: type | None = None


@dataclass(frozen=True, slots=True)
class ClosureHead:
    """A function made while reading: its code, where its globals live, and the names of what it captures.

    items: the captured values, then the defaults, then the keyword-only defaults.
    """

    code: pytypes.CodeType
    scope: Static
    captures: tuple[str, ...]
    defaults: int
    kwdefaults: tuple[str, ...]
    siblings: tuple[tuple[str, pytypes.CodeType], ...] = ()


@dataclass(frozen=True, slots=True)
class PartialHead:
    """`functools.partial`: items are the function, the positional and the keyword arguments."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MethodHead:
    """A method of a value, bound: items are the value."""

    name: str


@dataclass(frozen=True, slots=True)
class ListHead:
    """A list that nobody changes, or one from outside: items are its elements.  site: where it is made (see `sites`)
    in code that is read."""

    site: Any = None


@dataclass(frozen=True, slots=True)
class MemoryListHead:
    """A list in memory: items are a buffer with its length, and a growable one for each number in its elements.

    kind: the structure of its elements, None if it never has any.
    """

    site: Any
    kind: Hashable


@dataclass(frozen=True, slots=True)
class DictHead:
    """A dict with constant string keys that nobody changes: keyword arguments, one from outside, or a display.

    site: where it is made, if in code that is read (see `sites`).
    """

    keys: tuple[str, ...]
    site: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RecordHead:
    """A dict or instance in memory: items are its turns, and a cell for each number in what it holds (see `records`).

    kind: the keys, each with the structure of what is under it.
    """

    site: Any
    kind: Hashable


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """An instance of a class: items are its attributes of these names."""

    cls: type
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceHead:
    """A slice; items are start, stop and step."""


@dataclass(frozen=True, slots=True)
class SuperHead:
    """`super()` in a method of `cls`: items are the instance."""

    cls: type


@dataclass(frozen=True, slots=True)
class GeneratorHead:
    """A generator expression that has not run: items are its function and the iterator that it is given."""


@dataclass(frozen=True, slots=True)
class RangeHead:
    """items: start, stop, step."""


@dataclass(frozen=True, slots=True)
class LazyHead:
    """A Python object that is only built if an exception needs it: `fn(*items)`."""

    fn: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ErrorHead:
    """An exception instance; items are its arguments."""

    cls: type[BaseException]


@dataclass(frozen=True, slots=True)
class IterHead:
    """An iterator; items are its sources and its position.

    kind: "range" (start, step, count, position), "tuple" (the elements; `position` is static),
    "enumerate" (inner iterator, start, position), "zip" (inner iterators), "map" (function, inner iterators), "filter"
    (function, what it goes through; nothing has been asked for), "array", "list" and "reversed list" (what is iterated
    over, position).
    """

    kind: str
    position: int = -1


@dataclass(frozen=True, slots=True)
class ArrayHead:
    """An array, or a view of one: index arithmetic over a buffer.

    layout "C": items are the buffer, the offset of the first element and the dimensions, elements lie in C order;
    "A": also the strides, in elements.  part: "real" or "imag" where the elements are parts of those of the buffer.
    """

    dtype: Type
    ndim: int
    layout: str = "C"
    part: str = ""


@dataclass(frozen=True, slots=True)
class MapHead:
    """An elementwise result that has not been computed yet: items are its dimensions, then the operands."""

    fn: Callable[..., Any]
    options: tuple[tuple[str, Any], ...]
    dtype: Type
    ndim: int


@dataclass(frozen=True, slots=True)
class FlatHead:
    """`x.flat` of an array that does not lie in C order: items are the array."""


@dataclass(frozen=True, slots=True)
class ElementHead:
    """What iteration over an array comes to, not read before it is known to exist: items are array and position."""


@dataclass(frozen=True, slots=True)
class MappedHead:
    """What iteration over a map comes to, a call that is not made before it is known that there are arguments: items
    are the function and the arguments."""


@dataclass(frozen=True, slots=True)
class NextHead:
    """The result of `iternext`: items are whether there is an element, and the element."""


@dataclass(frozen=True, slots=True)
class MaybeHead:
    """A local that may be unassigned: items are a bool (assigned?) and the value."""

    name: str


@dataclass(frozen=True, slots=True)
class UnionHead:
    """One of several values of different kinds: items are the number of the one it is, then the alternatives."""
