"""The functions that derivatives are taken of inside `@njit` functions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from zyg.ir.program import Pos
from zyg.reading.front import definition
from zyg.reading.values import Identity, Value
from zyg.transformed import Transformed, plain_name


class Subject:
    """A function, given by how zyg reads it; it may need values that come with each call, in front of the arguments.

    name: what code is called by.  count: of these values.
    """

    name: str
    count: int

    @property
    def key(self) -> Hashable:
        """Equal for functions that code may be shared of."""
        raise NotImplementedError

    @property
    def pos(self) -> Pos:
        raise NotImplementedError

    def value(self, reader: Any, passed: list[Value]) -> Value:
        """The function as an abstract value, given what comes with the call."""
        raise NotImplementedError


class Given(Subject):
    """A function that is known as an object."""

    count = 0

    def __init__(self, fn: Any) -> None:
        self.fn = fn
        self.name = plain_name(fn)

    @property
    def key(self) -> Hashable:
        return key_of(self.fn)

    @property
    def pos(self) -> Pos:
        return definition(self.fn)

    def value(self, reader: Any, passed: list[Value]) -> Value:
        found: Value = reader.spec.captures.value(self.fn, None, reader.pos)
        return found


def key_of(fn: Any) -> Hashable:
    return (key_of(fn.fn), fn.options) if isinstance(fn, Transformed) else Identity(fn)
