"""How native code says that something went wrong, and how that becomes an exception again.

Every place that can fail has a number, its status; 0 is success.  The run-time values that an exception wants to
name are left in the report, a buffer of 16-byte slots that the caller provides.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numba import types

from zyg.codegen.machine import parts, size
from zyg.codegen.tracebacks import traceback_to
from zyg.ir.memory import MemoryType
from zyg.ir.program import Const, Failure, Operand, Pos, Type

SLOT = 16

OUT_OF_MEMORY = Failure(lambda: MemoryError("out of memory for what the reverse program needs"), "MemoryError")
TOO_DEEP = Failure(
    lambda: RecursionError("maximum recursion depth exceeded in native code: the thread's stack is nearly full"),
    "RecursionError",
)

_CODES = {"i1": "?", "i64": "q", "float": "f", "double": "d", "ptr": "Q"}

# A buffer is its address and its number of elements
Number: TypeAlias = int | float | complex | bool | tuple[int, int]


def slot_format(type: Type) -> str:
    """The `struct` format of a number or buffer of `type` in a slot."""
    registers = parts(type)
    return "".join(_CODES[part] for part in registers) + f"{SLOT - sum(map(size, registers))}x"


class Slots:
    """Consecutive slots for numbers and buffers of given types."""

    __slots__ = ("_format", "_made")

    def __init__(self, kinds: Sequence[Type]) -> None:
        self._format = struct.Struct("=" + "".join(map(slot_format, kinds)))
        self._made = tuple(_made_of(kind) for kind in kinds)

    def read(self, buffer: bytes) -> list[Number]:
        """What is in them."""
        raw = iter(self._format.unpack_from(buffer))
        return [next(raw) if made is None else made(next(raw), next(raw)) for made in self._made]

    def filled(self, leaves: Sequence[Number]) -> bytes:
        """The bytes that hold `leaves`; struct.error where one is of another type."""
        flat: list[Any] = []
        for leaf, made in zip(leaves, self._made, strict=True):
            if made is None:
                flat.append(leaf)
            elif isinstance(leaf, tuple):
                flat += leaf
            else:
                number = complex(leaf)
                flat += (number.real, number.imag)
        return self._format.pack(*flat)


def _made_of(kind: Type) -> Callable[[Any, Any], Number] | None:
    """How two values from a slot become one; None where there is one."""
    if isinstance(kind, types.Complex):
        return complex
    return _pair if isinstance(kind, MemoryType) else None


def _pair(address: int, count: int) -> Number:
    return address, count


def read_slots(slots: Sequence[Type], buffer: bytes) -> list[Number]:
    """The numbers of the given types in consecutive slots."""
    return Slots(slots).read(buffer)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that can fail: what to raise, where in the source it is, and the operands that the exception names."""

    failure: Failure
    pos: Pos
    operands: tuple[Const | Type, ...]

    @property
    def reported(self) -> tuple[Type, ...]:
        """The types of the operands known at run time only, in the order of their slots."""
        return tuple(operand for operand in self.operands if not isinstance(operand, Const))

    def error(self, report: bytes) -> BaseException:
        values = iter(read_slots(self.reported, report))
        error = self.failure.build(*(o.value if isinstance(o, Const) else next(values) for o in self.operands))
        if self.failure.raised:
            return error
        return error.with_traceback(traceback_to(self.pos))


class Sites:
    """The sites of a module, in the order of their statuses."""

    def __init__(self) -> None:
        self._sites: list[Site] = []

    def status(self, failure: Failure, pos: Pos, operands: Sequence[Operand]) -> int:
        kept = tuple(operand if isinstance(operand, Const) else operand.type for operand in operands)
        self._sites.append(Site(failure, pos, kept))
        return len(self._sites)

    @property
    def all(self) -> tuple[Site, ...]:
        return tuple(self._sites)
