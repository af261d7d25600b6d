"""What generated code refers to outside itself: a table of words beside it, filled in when it is loaded.

The code itself contains no address, so it may be kept on disk; the objects in a table live as long as the process,
as the code does.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

from zyg.codegen.assembly import Assembly, Body, Value, symbol
from zyg.codegen.caller_layout import WORD

_immortal: list[object] = []


class Environment:
    """The table of one module: references to Python objects, and words that have names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._numbers: dict[int | str, int] = {}
        self._objects: dict[int, object] = {}

    def keep(self, obj: object) -> int:
        """The place of an object in the table."""
        number = self._number(id(obj))
        self._objects[number] = obj
        return number

    def load(self, body: Body, obj: object) -> Value:
        """A reference to `obj`, borrowed from the table."""
        return self._load(body, self.keep(obj))

    def load_word(self, body: Body, name: str) -> Value:
        """A pointer that `fill` provides."""
        return self._load(body, self._number(name))

    def define(self, assembly: Assembly) -> None:
        """Add the empty table to the module, once everything that it holds is known."""
        table = f"[{len(self._numbers)} x ptr] zeroinitializer"
        assembly.define(self.name, f"{symbol(self.name)} = linkonce global {table}")

    def fill(self, address: int, words: Mapping[str, int]) -> None:
        """Put the objects, and the words by name, into the table at `address`."""
        _immortal.append(self._objects)
        for number, obj in self._objects.items():
            self._place(address, number).value = id(obj)
        for name, word in words.items():
            self.word(address, name).value = word

    def word(self, address: int, name: str) -> ctypes.c_void_p:
        """The word of this name in the table at `address`."""
        return self._place(address, self._numbers[name])

    def _number(self, key: int | str) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _load(self, body: Body, number: int) -> Value:
        return body.load("ptr", body.offset(Value("ptr", symbol(self.name)), number * WORD))

    def _place(self, address: int, number: int) -> ctypes.c_void_p:
        return ctypes.c_void_p.from_address(address + number * WORD)
