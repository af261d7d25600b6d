"""The op that calls a compiled routine from outside."""

from __future__ import annotations

from dataclasses import dataclass

from zyg.rules.foreign import Foreign


@dataclass(frozen=True, slots=True)
class External:
    """The `fn` of an op that calls a routine; its result is the status (int64).

    The operands are as the routine's `params` say, characters as ints.  It may read and write all of its buffers.  It
    has no derivative.
    """

    routine: Foreign
    letter: str

    @property
    def is_constant(self) -> bool:
        """Is all that it works on ints, so that nothing of it moves?"""
        return self.routine.gives

    @property
    def __name__(self) -> str:
        return self.routine.symbol(self.letter)
