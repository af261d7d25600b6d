"""How native code says that something went wrong, and how that becomes an exception again.

Every place that can fail has a number, its status; 0 is success.  The run-time values that an exception wants to
name are left in the report, a buffer of 16-byte slots that the caller provides.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
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


def read_slots(slots: Sequence[Type], buffer: bytes) -> list[Number]:
    """The numbers of the given types in consecutive slots."""
    raw = iter(struct.unpack_from("=" + "".join(map(slot_format, slots)), buffer))
    return [_number(type, raw) for type in slots]


def _number(type: Type, raw: Iterator[Any]) -> Number:
    if isinstance(type, types.Complex):
        return complex(next(raw), next(raw))
    if isinstance(type, MemoryType):
        return next(raw), next(raw)
    number: Number = next(raw)
    return number


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
