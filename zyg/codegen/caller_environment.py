"""The Python objects that generated code refers to: a table beside the code, filled in when it is loaded.

The code itself contains no address, so it may be kept on disk; everything in a table lives as long as the
process, as the code does.
"""

from __future__ import annotations

import ctypes

from zyg.codegen.assembly import Assembly, Body, Value, symbol
from zyg.codegen.caller_layout import WORD

_immortal: list[object] = []


class Environment:
    """The table of one module."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._numbers: dict[int, int] = {}
        self._objects: list[object] = []

    def number(self, obj: object) -> int:
        """The place of `obj` in the table."""
        number = self._numbers.setdefault(id(obj), len(self._objects))
        if number == len(self._objects):
            self._objects.append(obj)
        return number

    def load(self, body: Body, obj: object) -> Value:
        """A reference to `obj`, borrowed from the table."""
        return body.load("ptr", body.offset(Value("ptr", symbol(self.name)), self.number(obj) * WORD))

    def define(self, assembly: Assembly) -> None:
        """Add the empty table to the module, once everything that it holds is known."""
        assembly.define(
            self.name, f"{symbol(self.name)} = linkonce global [{len(self._objects)} x ptr] zeroinitializer"
        )

    def fill(self, address: int) -> None:
        table = (ctypes.c_void_p * len(self._objects)).from_address(address)
        _immortal.append(self._objects)
        for number, obj in enumerate(self._objects):
            table[number] = id(obj)
