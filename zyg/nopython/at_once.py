"""Functions of zyg's that are called with a function and its arguments: `gradient`, `jvp`, `pullback`."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from zyg.api import gradient, jvp, pullback, pushforward, vjp, withgradient
from zyg.nopython.callee import Callee
from zyg.nopython.subject import Subject
from zyg.reading import arrays, calls, maps
from zyg.reading.derive import pullback_call
from zyg.reading.handlers import HANDLERS
from zyg.reading.values import Node, Value, tuple_of

AT_ONCE = (gradient, withgradient, jvp, pushforward, pullback, vjp)


def at_once(called: Any, subject: Subject) -> Callee:
    """A call of the function `called`, one of those above."""
    return Primal(subject) if called in (pullback, vjp) else AtOnce(called, subject)


class _OfSubject(Callee):
    """What is called with arguments of a function, and the values that this one needs before them."""

    kind: str

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.name = f"{self.kind}_{subject.name}"

    @property
    def key(self) -> Hashable:
        return self.kind, self.subject.key

    def signature(self) -> None:
        return None

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        reader.pos = self.subject.pos
        return self.of(reader, args)

    def of(self, reader: Any, args: list[Value]) -> Value:
        raise NotImplementedError

    def function(self, reader: Any, args: list[Value]) -> tuple[Value, list[Value]]:
        """The function and its own arguments."""
        count = self.subject.count
        return self.subject.value(reader, args[:count]), args[count:]


class AtOnce(_OfSubject):
    """A function whose calls zyg knows how to read."""

    def __init__(self, called: Any, subject: Subject) -> None:
        self.called, self.kind = called, called.__name__
        super().__init__(subject)

    def of(self, reader: Any, args: list[Value]) -> Value:
        fn, own = self.function(reader, args)
        found: Value = HANDLERS[self.called](reader, [fn, *own], {})
        return found


class Primal(_OfSubject):
    """A call of the function for `pullback`: its value, and copies of all that it was called with."""

    kind = "primal"

    def of(self, reader: Any, args: list[Value]) -> Value:
        kept = [_copy(reader, arg) for arg in args]
        fn, own = self.function(reader, args)
        return tuple_of([calls.call(reader, fn, own, {}), tuple_of(kept)])


class Pulled(_OfSubject):
    """The cotangents of the arguments, for a cotangent of the value behind them."""

    kind = "pullback"

    def of(self, reader: Any, args: list[Value]) -> Value:
        fn, own = self.function(reader, args)
        found = pullback_call(reader, fn, own[:-1], own[-1])
        assert isinstance(found, Node)
        return found.items[1]


def _copy(reader: Any, value: Value) -> Value:
    """A value that others cannot change."""
    if isinstance(value, Node) and arrays.is_array(value):
        return maps.materialise(reader, value)
    return Node(value.head, tuple(_copy(reader, item) for item in value.items)) if isinstance(value, Node) else value
