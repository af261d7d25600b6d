"""The native function that looks at the guards of an entry: it reads their table, row by row.

Each row says which step to take from an object seen before, and what to expect of the object there; objects seen
are remembered by their depth.  Guards as straight code would hardly be faster, since what takes the time is looking
up names, but each of them would cost LLVM half a millisecond.

All references are borrowed.  What is looked at is held by the caller's function or by its arguments, and no
Python code runs between the first look and the last: names in namespaces are strings, whose comparison is C.
"""

from __future__ import annotations

import types as pytypes
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Assembly, Body, Value
from zyg.codegen.caller_environment import Environment
from zyg.codegen.caller_rows import DEPTH, Column, Expect, Go
from zyg.codegen.guards import CLASSES
from zyg.codegen.machine import load, store
from zyg.ir.program import Type

WALK = "zyg.caller.walk"
NULL, TRUE, FALSE = Value("ptr", "null"), Value("i1", "true"), Value("i1", "false")
TABLE, COUNT, FUNCTION = Value("ptr", "%table"), Value("i64", "%count"), Value("ptr", "%function")
ARGS, OUT = Value("ptr", "%args"), Value("ptr", "%out")


class Walk:
    """`walk(table, count, function, args, out) -> bool`: do all guards hold?  The inputs go to slots of `out`."""

    def __init__(self, assembly: Assembly, environment: Environment) -> None:
        self.body = Body(assembly, WALK, "i1", [TABLE, COUNT, FUNCTION, ARGS, OUT], "")
        self.environment = environment
        self.no = self.body.label("no")
        self.home = self.body.slot(layout.WORD)

    def define(self) -> None:
        """Add the function to the module."""
        body = self.body
        seen = body.slot(DEPTH * layout.WORD + layout.WORD)
        body.store(FUNCTION, seen)
        start = body.here
        loop, some, done = body.label("loop"), body.label("some"), body.label("done")
        row, left = body.phi(loop, "ptr", "row"), body.phi(loop, "i64", "left")
        row.incoming.append((TABLE.ref, start.name))
        left.incoming.append((COUNT.ref, start.name))
        body.jump(loop)
        body.here = loop
        body.branch(body.compare("icmp eq", left.value, _number(0)), done, some)
        body.here = some
        self._look(row.value, seen)
        following = body.offset(row.value, len(Column) * layout.WORD)
        fewer = body.binary("sub", left.value, _number(1))
        row.incoming.append((following.ref, body.here.name))
        left.incoming.append((fewer.ref, body.here.name))
        body.jump(loop)
        body.here = done
        body.give([TRUE])
        body.here = self.no
        # A lookup that raised (comparing a key that is no string, say) is a guard that does not hold.
        self._ask("void", "PyErr_Clear")
        body.give([FALSE])
        body.finish("")

    def _look(self, row: Value, seen: Value) -> None:
        """At one row: find the object, remember it, and require what is expected of it."""
        body = self.body

        def word(column: Column, type: str = "i64") -> Value:
            return body.load(type, body.offset(row, column * layout.WORD))

        place = body.value("ptr", f"getelementptr ptr, {seen}, {word(Column.DEPTH)}")
        parent = body.load("ptr", place)
        where, named = word(Column.WHERE), word(Column.WHERE, "ptr")
        obj = self._choose("ptr", word(Column.GO), self._steps(parent, where, named))
        self._require(body.compare("icmp ne", obj, NULL))
        body.store(obj, body.offset(place, layout.WORD))
        what, wanted = word(Column.WHAT), word(Column.WHAT, "ptr")
        self._require(self._choose("i1", word(Column.EXPECT), self._checks(obj, what, wanted, word(Column.SIZE))))

    # --- steps: the next object, or null where there is none ------------------------------------------------

    def _steps(self, parent: Value, where: Value, name: Value) -> Mapping[int, Callable[[], Value]]:
        return {
            Go.FUNCTION: lambda: parent,
            Go.ARGUMENT: lambda: self._at(ARGS, where),
            Go.FIELD: lambda: self._at(parent, where),
            Go.FIELD_OR_NONE: lambda: self._or_none(self._at(parent, where)),
            Go.CELL: lambda: self._at(self._at(self._at(parent, layout.FUNCTION_CLOSURE), where), layout.CELL_CONTENTS),
            Go.GLOBAL: lambda: self._lookup(self._at(parent, layout.FUNCTION_GLOBALS), name),
            Go.BUILTIN: lambda: self._builtin(parent, name),
            Go.MODULE: lambda: self._lookup(self._ask("ptr", "PyModule_GetDict", parent), name),
            Go.DEFAULT: lambda: self._default(parent, where),
            Go.KWDEFAULT: lambda: self._lookup(self._there(self._at(parent, layout.FUNCTION_KWDEFAULTS)), name),
        }

    def _or_none(self, obj: Value) -> Value:
        return self.body.select(self.body.compare("icmp eq", obj, NULL), self.environment.load(self.body, None), obj)

    def _builtin(self, function: Value, name: Value) -> Value:
        hidden = self._lookup(self._at(function, layout.FUNCTION_GLOBALS), name)
        self._require(self.body.compare("icmp eq", hidden, NULL))
        return self._lookup(self._at(function, layout.FUNCTION_BUILTINS), name)

    def _default(self, function: Value, index: Value) -> Value:
        values = self._there(self._at(function, layout.FUNCTION_DEFAULTS))
        size = self.body.load("i64", self.body.offset(values, layout.TUPLE_SIZE))
        self._require(self.body.compare("icmp sgt", size, index))
        items = self.body.offset(values, layout.TUPLE_ITEMS)
        return self.body.load("ptr", self.body.value("ptr", f"getelementptr ptr, {items}, {index}"))

    # --- checks ---------------------------------------------------------------------------------------------

    def _checks(self, obj: Value, slot: Value, wanted: Value, size: Value) -> Mapping[int, Callable[[], Value]]:
        cls = self._at(obj, layout.TYPE)
        out = self.body.offset(OUT, slot)
        numbers = {
            Expect.NUMBER + index: lambda type=type: self._number(type, obj, cls, out)
            for index, type in enumerate(CLASSES)
        }
        return {
            Expect.SAME: lambda: self._same(obj, wanted),
            Expect.EQUAL: lambda: self._equal(obj, cls, wanted),
            Expect.CODE: lambda: self._has_code(obj, cls, wanted),
            Expect.OWNER: lambda: self._owns(obj, cls, wanted),
            Expect.SHARED: lambda: self._shares(obj, cls, wanted),
            Expect.CLASS: lambda: self._same(cls, wanted),
            Expect.TUPLE: lambda: self._is_tuple(obj, cls, wanted, size),
            **numbers,
        }

    def _same(self, a: Value, b: Value) -> Value:
        return self.body.compare("icmp eq", a, b)

    def _equal(self, obj: Value, cls: Value, constant: Value) -> Value:
        self._require(self._same(cls, self._at(constant, layout.TYPE)))
        answer = self._ask("i32", "PyObject_RichCompareBool", obj, constant, Value("i32", "2"))
        return self.body.compare("icmp eq", answer, Value("i32", "1"))

    def _has_code(self, obj: Value, cls: Value, code: Value) -> Value:
        self._require(self._same(cls, self.environment.load(self.body, pytypes.FunctionType)))
        return self._same(self._at(obj, layout.FUNCTION_CODE), code)

    def _owns(self, obj: Value, cls: Value, code: Value) -> Value:
        self._require(self._has_code(obj, cls, code))
        self.body.store(self._at(obj, layout.FUNCTION_GLOBALS), self.home)
        return TRUE

    def _shares(self, obj: Value, cls: Value, code: Value) -> Value:
        self._require(self._has_code(obj, cls, code))
        return self._same(self._at(obj, layout.FUNCTION_GLOBALS), self.body.load("ptr", self.home))

    def _is_tuple(self, obj: Value, cls: Value, wanted: Value, size: Value) -> Value:
        self._require(self._same(cls, wanted))
        return self.body.compare("icmp eq", self.body.load("i64", self.body.offset(obj, layout.TUPLE_SIZE)), size)

    def _number(self, type: Type, obj: Value, cls: Value, out: Value) -> Value:
        """Store the number, if the object is one."""
        body = self.body
        done = body.label("number")
        answer = body.phi(done, "i1", "fits")
        for one in CLASSES[type]:
            this, other = body.label("this"), body.label("other")
            body.branch(self._same(cls, self.environment.load(body, one)), this, other)
            body.here = this
            answer.incoming.append((self._store(type, one, obj, out).ref, body.here.name))
            body.jump(done)
            body.here = other
        body.jump(self.no)
        body.here = done
        return answer.value

    def _store(self, type: Type, cls: Any, obj: Value, out: Value) -> Value:
        """Store the value of an instance of `cls`; does it fit?"""
        body = self.body
        held = body.offset(obj, layout.NUMBER)
        if cls is int:
            overflow = body.slot(4)
            body.store(self._ask("i64", "PyLong_AsLongLongAndOverflow", obj, overflow), out)
            return body.compare("icmp eq", body.load("i32", overflow), Value("i32", "0"))
        if cls is bool:
            truth = self._same(obj, self.environment.load(body, True))
            body.store(body.convert("zext", truth, "i8"), out)
        elif issubclass(cls, np.integer):
            narrow = body.load(f"i{8 * cls(0).nbytes}", held)
            body.store(body.convert("sext" if issubclass(cls, np.signedinteger) else "zext", narrow, "i64"), out)
        else:
            store(body, load(body, type, held, ""), out, "")
        return TRUE

    # --- small things ---------------------------------------------------------------------------------------

    def _at(self, obj: Value, offset: Value | int) -> Value:
        return self.body.load("ptr", self.body.offset(obj, offset))

    def _there(self, obj: Value) -> Value:
        self._require(self.body.compare("icmp ne", obj, NULL))
        return obj

    def _lookup(self, namespace: Value, name: Value) -> Value:
        return self._ask("ptr", "PyDict_GetItemWithError", namespace, name)

    def _ask(self, result: str, function: str, *args: Value) -> Value:
        self.body.assembly.declare(function, result, [arg.type for arg in args])
        return self.body.call(result, function, *args)

    def _require(self, holds: Value) -> None:
        going_on = self.body.label("ok")
        self.body.branch(holds, going_on, self.no, expect=True)
        self.body.here = going_on

    def _choose(self, type: str, selector: Value, cases: Mapping[int, Callable[[], Value]]) -> Value:
        """What the case of this number gives; one of them applies."""
        body = self.body
        labels = {number: body.label("case") for number in cases}
        chosen, never = body.label("chosen"), body.label("never")
        value = body.phi(chosen, type, "chosen")
        targets = " ".join(f"{selector.type} {number}, label %{label.name}" for number, label in labels.items())
        body.line(f"switch {selector}, label %{never.name} [ {targets} ]")
        for number, give in cases.items():
            body.here = labels[number]
            value.incoming.append((give().ref, body.here.name))
            body.jump(chosen)
        body.here = never
        body.line("unreachable")
        body.here = chosen
        return value.value


def _number(value: int) -> Value:
    return Value("i64", str(value))
