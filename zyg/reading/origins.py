"""Where buffers may have been made, as far as that can be told while a function is read.

Buffers made in different places of one function are different, and so are those that it makes from those that existed
before it was called.  Of what comes out of a list, say, nothing is known.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from zyg.ir.memory import MemoryType
from zyg.ir.program import Operand
from zyg.reading.values import Value, structure, variables

_OUTSIDE: frozenset[Hashable] = frozenset(("outside",))


class Origins:
    """What is known of the buffers of the functions that are being read."""

    def __init__(self) -> None:
        self._new: set[Operand] = set()
        self._of: dict[Operand, frozenset[Hashable]] = {}

    def is_new(self, buffer: Operand) -> bool:
        """Is this the very result of making a buffer, which nobody has known before?"""
        return buffer in self._new

    def are_apart(self, one: Operand, two: Operand) -> bool:
        """Are two buffers known to be different?"""
        if one is two:
            return False
        if self.is_new(one) or self.is_new(two):
            return True
        first, second = self._of.get(one), self._of.get(two)
        return first is not None and second is not None and first.isdisjoint(second)

    def made(self, buffer: Operand, *place: Hashable) -> None:
        """The buffer is new; the place where it is made, if that is one."""
        self._new.add(buffer)
        if place:
            self._of[buffer] = frozenset((place,))

    def outside(self, values: Iterable[Value]) -> None:
        """The buffers in these values have existed before the function is called."""
        for value in values:
            self._of.update((leaf, _OUTSIDE) for leaf in variables(value) if isinstance(leaf.type, MemoryType))

    def stands_for(self, new: Operand, *others: Operand) -> None:
        """The variable `new`, of which nothing is known yet, is one of these."""
        known = [self._of[other] for other in others if other in self._of]
        if len(known) == len(others):
            self._of[new] = frozenset[Hashable]().union(*known)

    def forget(self, value: Value) -> None:
        """The buffers in `value` may be any."""
        for leaf in variables(value):
            self._of.pop(leaf, None)

    def extend(self, value: Value, other: Value | None) -> bool:
        """The buffers in `value` may also be those in `other`; is less known of them than before?"""
        own = [leaf for leaf in variables(value) if leaf in self._of]
        if not own:
            return False
        if other is None or structure(other) != structure(value):
            self.forget(value)
            return True
        less = False
        for leaf, alternative in zip(variables(value), variables(other), strict=True):
            known = self._of.get(leaf)
            if known is None:
                continue
            more = self._of.get(alternative)
            if more is None:
                del self._of[leaf]
                less = True
            elif not more <= known:
                self._of[leaf] = known | more
                less = True
        return less
