"""Derivatives of functions written inside an `@njit` function: what these capture is passed with each call."""

from __future__ import annotations

import inspect
import types as pytypes
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from zyg.ir.program import Pos
from zyg.nopython.callee import Callee, takes_more
from zyg.nopython.subject import Subject
from zyg.reading import calls
from zyg.reading.derive import GradientHead, Options
from zyg.reading.front import position
from zyg.reading.heads import ClosureHead
from zyg.reading.values import Identity, Node, Static, Value


@dataclass(frozen=True)
class Passed:
    """A captured variable of the caller, whose value comes with the call."""


@dataclass(frozen=True)
class Known:
    """A captured object that is known when the caller is compiled."""

    obj: Any

    def __hash__(self) -> int:
        return hash(type(self.obj))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Known) or type(other.obj) is not type(self.obj):
            return False
        return self.obj is other.obj or (isinstance(self.obj, (int, float)) and repr(self.obj) == repr(other.obj))


@dataclass(frozen=True)
class Made:
    """A function written inside the caller: its code and what it captures, by name; the values of its defaults."""

    code: pytypes.CodeType
    captures: tuple[tuple[str, Source], ...]
    defaults: tuple[Source, ...]

    def value(self, home: Static, passed: Iterator[Value], reader: Any) -> Node:
        names = tuple(name for name, _ in self.captures)
        head = ClosureHead(self.code, home, names, len(self.defaults), ())
        sources = (*(source for _, source in self.captures), *self.defaults)
        return Node(head, tuple(_value(source, home, passed, reader) for source in sources))

    def count(self) -> int:
        """How many values come with a call."""
        sources = (*(source for _, source in self.captures), *self.defaults)
        return sum(s.count() if isinstance(s, Made) else isinstance(s, Passed) for s in sources)


Source: TypeAlias = Passed | Known | Made


def _value(source: Source, home: Static, passed: Iterator[Value], reader: Any) -> Value:
    if isinstance(source, Passed):
        return next(passed)
    if isinstance(source, Made):
        return source.value(home, passed, reader)
    value: Value = reader.spec.captures.value(source.obj, None, reader.pos)
    return value


class Closure(Subject):
    """A function written inside the function `home`, or a derivative of it.

    options: of its first derivative, of that one's, and so on.
    """

    def __init__(self, made: Made, home: pytypes.FunctionType, options: tuple[Options, ...]) -> None:
        self.made, self.home, self.options, self.count = made, home, options, made.count()
        self.name = "_".join((*(one.gives for one in options), made.code.co_name.strip("<>")))

    @property
    def key(self) -> Hashable:
        return self.made, Identity(self.home), self.options

    @property
    def pos(self) -> Pos:
        return position(self.made.code, self.made.code.co_firstlineno)

    def value(self, reader: Any, passed: list[Value]) -> Value:
        fn = self.made.value(Static(self.home), iter(passed), reader)
        for options in self.options:
            fn = Node(GradientHead(options), (fn,))
        return fn


class ClosureDerivative(Callee):
    """A derivative of a function written inside another; what it captures precedes the arguments."""

    def __init__(self, closure: Closure) -> None:
        self.closure, self.name = closure, closure.name

    @property
    def key(self) -> Hashable:
        return self.closure.key

    def signature(self) -> inspect.Signature | None:
        if any(map(takes_more, self.closure.options)):
            return None
        made = self.closure.made
        cells = tuple(pytypes.CellType() for _ in made.code.co_freevars)
        defaults = tuple(None for _ in made.defaults)
        own = inspect.signature(pytypes.FunctionType(made.code, {}, None, defaults, cells))
        captured = [
            inspect.Parameter(f"captured{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(self.closure.count)
        ]
        return inspect.Signature([*captured, *own.parameters.values()])

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        reader.pos = self.closure.pos
        count = self.closure.count
        return calls.call(reader, self.closure.value(reader, args[:count]), args[count:], kws)
