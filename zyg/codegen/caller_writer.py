"""Writing a routine that handles Python objects: the instructions that all of them consist of."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import llvmlite.binding as llvm

from zyg.codegen.assembly import Assembly, Body, Value, symbol
from zyg.codegen.caller_layout import WORD

NULL, TRUE, FALSE = Value("ptr", "null"), Value("i1", "true"), Value("i1", "false")


def number(value: int) -> Value:
    return Value("i64", str(int(value)))


class Objects:
    """The objects that routines refer to: a table beside them, registered by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._objects: list[Any] = []

    def address_of(self, obj: object) -> str:
        """An expression of LLVM's: where in the table the object is."""
        place = next((place for place, other in enumerate(self._objects) if other is obj), len(self._objects))
        if place == len(self._objects):
            self._objects.append(obj)
        return f"getelementptr (i8, ptr {symbol(self.name)}, i64 {place * WORD})"

    def register(self, assembly: Assembly) -> object:
        """Make the table known to LLVM and to a module; it must be kept as long as the routines."""
        assembly.define(self.name, f"{symbol(self.name)} = external global ptr")
        table = (ctypes.py_object * len(self._objects))(*self._objects)
        llvm.add_symbol(self.name, ctypes.addressof(table))
        return table


class Writer:
    """A routine under construction, and where it goes if something does not hold: block `no`."""

    def __init__(self, assembly: Assembly, objects: Objects, name: str, result: str, params: Sequence[Value]) -> None:
        self.body = Body(assembly, name, result, params, "")
        self.objects = objects
        self.no = self.body.label("no")

    def at(self, obj: Value, offset: Value | int, type: str = "ptr") -> Value:
        return self.body.load(type, self.body.offset(obj, offset))

    def object(self, obj: object) -> Value:
        """A borrowed reference to an object known now."""
        never_changes = f"!invariant.load {self.body.assembly.metadata('!{}')}"
        return self.body.value("ptr", f"load ptr, ptr {self.objects.address_of(obj)}, {never_changes}")

    def ask(self, result: str, function: str, *args: Value) -> Value:
        self.body.assembly.declare(function, result, [arg.type for arg in args])
        return self.body.call(result, function, *args)

    def same(self, a: Value, b: Value) -> Value:
        return self.body.compare("icmp eq", a, b)

    def require(self, holds: Value) -> None:
        going_on = self.body.label("ok")
        self.body.branch(holds, going_on, self.no, expect=True)
        self.body.here = going_on

    def choose(self, type: str, selector: Value, cases: Mapping[int, Callable[[], Value]]) -> Value:
        """What the case of this number gives; one of them applies."""
        body = self.body
        labels = {case: body.label("case") for case in cases}
        chosen, never = body.label("chosen"), body.label("never")
        value = body.phi(chosen, type, "chosen")
        targets = " ".join(f"{selector.type} {int(case)}, label %{label.name}" for case, label in labels.items())
        body.line(f"switch {selector}, label %{never.name} [ {targets} ]")
        for case, give in cases.items():
            body.here = labels[case]
            value.incoming.append((give().ref, body.here.name))
            body.jump(chosen)
        body.here = never
        body.line("unreachable")
        body.here = chosen
        return value.value

    def while_(self, holds: Callable[[], Value], do: Callable[[], None]) -> None:
        """A loop.  What changes in it is in memory, which LLVM turns into registers."""
        body = self.body
        test, inside, after = body.label("test"), body.label("inside"), body.label("after")
        body.jump(test)
        body.here = test
        body.branch(holds(), inside, after)
        body.here = inside
        do()
        body.jump(test)
        body.here = after

    def when(self, holds: Value, do: Callable[[], None], likely: bool | None = None) -> None:
        inside, after = self.body.label("inside"), self.body.label("after")
        self.body.branch(holds, inside, after, expect=likely)
        self.body.here = inside
        do()
        self.body.jump(after)
        self.body.here = after

    def leave(self, holds: Value, give: Callable[[], Value], likely: bool = False) -> None:
        """Return what `give` computes, if `holds`."""
        inside, after = self.body.label("leave"), self.body.label("stay")
        self.body.branch(holds, inside, after, expect=likely)
        self.body.here = inside
        self.body.give([give()])
        self.body.here = after

    def variable(self, value: Value) -> Value:
        """A place in the frame that holds `value` at first."""
        place = self.body.slot(WORD)
        self.body.store(value, place)
        return place
