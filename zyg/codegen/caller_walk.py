"""The routine that looks at the guards of an entry: it reads their table, row by row.

Guards as straight code would hardly be faster, since what takes the time is looking up names, but each of them
would cost LLVM half a millisecond.

All references are borrowed.  What is looked at is held by the caller's function or by its arguments, and no
Python code runs between the first look and the last: names in namespaces are strings, whose comparison is C.
"""

from __future__ import annotations

import functools
import types as pytypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Assembly, Value
from zyg.codegen.caller_layout import WORD
from zyg.codegen.caller_table import NUMBERS, ArrayWord, Expect, Go, Guard, Pair
from zyg.codegen.caller_writer import FALSE, NULL, TRUE, Objects, Writer, number
from zyg.codegen.failures import SLOT
from zyg.codegen.machine import load, store
from zyg.ir.kinds import CLASSES
from zyg.ir.program import Type

WALK = "zyg.caller.walk"
ROWS, COUNT, FUNCTION = Value("ptr", "%rows"), Value("i64", "%count"), Value("ptr", "%function")
ARGS, OUT, SEEN = Value("ptr", "%args"), Value("ptr", "%out"), Value("ptr", "%seen")


class Walk(Writer):
    """`walk(rows, count, function, args, out, seen) -> bool`: do all guards hold?  Numbers go to slots of `out`."""

    def __init__(self, assembly: Assembly, objects: Objects) -> None:
        super().__init__(assembly, objects, WALK, "i1", [ROWS, COUNT, FUNCTION, ARGS, OUT, SEEN])

    def define(self) -> None:
        body = self.body
        row, place, left = self.variable(ROWS), self.variable(SEEN), self.variable(COUNT)

        def step(variable: Value, by: int) -> None:
            body.store(body.offset(self.at(variable, 0), by), variable)

        def look() -> None:
            obj = self._look(self.at(row, 0))
            body.store(obj, self.at(place, 0))
            step(row, len(Guard) * WORD)
            step(place, WORD)
            body.store(body.binary("sub", self.at(left, 0, "i64"), number(1)), left)

        self.while_(lambda: body.compare("icmp ne", self.at(left, 0, "i64"), number(0)), look)
        body.give([TRUE])
        body.here = self.no
        # A lookup that raised is a guard that does not hold.
        self.ask("void", "PyErr_Clear")
        body.give([FALSE])
        body.finish()

    def _look(self, row: Value) -> Value:
        """The object of a row, which is as expected."""

        def word(column: Guard, type: str = "i64") -> Value:
            return self.at(row, column * WORD, type)

        parent = self.at(SEEN, word(Guard.PARENT))
        steps = self._steps(parent, word(Guard.WHERE), word(Guard.WHERE, "ptr"))
        obj = self.choose("ptr", word(Guard.GO), steps)
        expected = word(Guard.EXPECT)
        self.require(self.same(self.same(obj, NULL), self.same(expected, number(Expect.MISSING))))
        checks = self._checks(
            obj, word(Guard.WHAT), word(Guard.WHAT, "ptr"), word(Guard.EXTRA), word(Guard.EXTRA, "ptr")
        )
        self.require(self.choose("i1", expected, checks))
        return obj

    def _steps(self, parent: Value, where: Value, named: Value) -> Mapping[int, Callable[[], Value]]:
        return {
            Go.FUNCTION: lambda: FUNCTION,
            Go.ARGUMENT: lambda: self.at(ARGS, where),
            Go.OBJECT: lambda: named,
            Go.SAME: lambda: parent,
            Go.FIELD: lambda: self.at(parent, where),
            Go.KEY: lambda: self.ask("ptr", "PyDict_GetItemWithError", parent, named),
            Go.ENTRY: lambda: self.at(self.at(parent, layout.LIST_ITEMS), where),
            Go.MEMBERS: lambda: self._members(parent),
            Go.CELL: lambda: self.at(self.at(self.at(parent, layout.FUNCTION_CLOSURE), where), layout.CELL_CONTENTS),
        }

    def _checks(
        self, obj: Value, what: Value, wanted: Value, extra: Value, extra_address: Value
    ) -> Mapping[int, Callable[[], Value]]:
        numbers = {
            Expect.NUMBER + index: lambda type=type: self._number(type, obj, self.body.offset(OUT, what))
            for index, type in enumerate(NUMBERS)
        }
        return {
            Expect.ANYTHING: lambda: TRUE,
            Expect.MISSING: lambda: TRUE,
            Expect.SAME: lambda: self.same(obj, wanted),
            Expect.EQUAL: lambda: self._equal(obj, wanted),
            Expect.CLASS: lambda: self.same(self._class(obj), wanted),
            Expect.CODE: lambda: self._has_code(obj, wanted),
            Expect.CODE_IN: lambda: self._has_code_in(obj, wanted, extra),
            Expect.TUPLE: lambda: self._is_tuple(obj, wanted, extra),
            Expect.DICT: lambda: self._is_dict(obj, extra),
            Expect.ONE: lambda: self.same(obj, self.at(SEEN, extra)),
            Expect.OTHER: lambda: self.body.compare("icmp ne", obj, self.at(SEEN, extra)),
            Expect.LIST: lambda: self._is_list(obj, extra),
            Expect.KEYS: lambda: self._has_keys(obj, wanted),
            Expect.ARRAY: lambda: self._array(obj, self.body.offset(OUT, what), extra_address),
            Expect.APART: lambda: self._apart(extra_address),
            **numbers,
        }

    def _class(self, obj: Value) -> Value:
        return self.at(obj, layout.TYPE)

    def _is_a(self, obj: Value, cls: type) -> Value:
        return self.same(self._class(obj), self.object(cls))

    def _equal(self, obj: Value, constant: Value) -> Value:
        self.require(self.same(self._class(obj), self._class(constant)))
        answer = self.ask("i32", "PyObject_RichCompareBool", obj, constant, Value("i32", "2"))
        return self.same(answer, Value("i32", "1"))

    def _has_code(self, obj: Value, code: Value) -> Value:
        self.require(self._is_a(obj, pytypes.FunctionType))
        return self.same(self.at(obj, layout.FUNCTION_CODE), code)

    def _has_code_in(self, obj: Value, code: Value, namespace: Value) -> Value:
        self.require(self._has_code(obj, code))
        return self.same(self.at(obj, layout.FUNCTION_GLOBALS), self.at(SEEN, namespace))

    def _is_tuple(self, obj: Value, cls: Value, size: Value) -> Value:
        self.require(self.same(self._class(obj), cls))
        return self.same(self.at(obj, layout.TUPLE_SIZE, "i64"), size)

    def _is_dict(self, obj: Value, size: Value) -> Value:
        self.require(self._is_a(obj, dict))
        return self.same(self.ask("i64", "PyDict_Size", obj), size)

    def _is_list(self, obj: Value, size: Value) -> Value:
        self.require(self._is_a(obj, list))
        return self.same(self.at(obj, layout.LIST_SIZE, "i64"), size)

    def _members(self, obj: Value) -> Value:
        """The dict of an instance, which holds it."""
        found = self.ask("ptr", "PyObject_GenericGetDict", obj, NULL)
        self.require(self.body.compare("icmp ne", found, NULL))
        self._drop(found)
        return found

    def _has_keys(self, obj: Value, names: Value) -> Value:
        """Is it a dict with these keys in this order?"""
        body = self.body
        size = self.at(names, layout.TUPLE_SIZE, "i64")
        self.require(self._is_dict(obj, size))
        at, key, done = self.variable(number(0)), self.variable(NULL), self.variable(number(0))

        def more() -> Value:
            return body.compare("icmp ne", self.at(done, 0, "i64"), size)

        def compare() -> None:
            self.ask("i32", "PyDict_Next", obj, at, key, NULL)
            items = body.offset(names, layout.TUPLE_ITEMS)
            place = body.value("ptr", f"getelementptr ptr, {items}, {self.at(done, 0, 'i64')}")
            found, name = self.at(key, 0), self.at(place, 0)
            same = self.variable(body.convert("zext", self.same(found, name), "i64"))

            def look_closer() -> None:
                equal = self._equal(found, name)
                body.store(body.convert("zext", equal, "i64"), same)

            self.when(self.same(self.at(same, 0, "i64"), number(0)), look_closer, likely=False)
            self.require(body.compare("icmp ne", self.at(same, 0, "i64"), number(0)))
            body.store(body.binary("add", self.at(done, 0, "i64"), number(1)), done)

        self.while_(more, compare)
        return TRUE

    def _array(self, obj: Value, out: Value, words: Value) -> Value:
        """Store buffer and dimensions of an array that native code can take as it is."""
        body = self.body
        self.require(self._is_a(obj, np.ndarray))
        self.require(self.same(self.at(obj, layout.ARRAY_DTYPE), self.at(words, ArrayWord.DTYPE * WORD)))
        ndim = self.at(words, ArrayWord.NDIM * WORD, "i64")
        own = body.convert("sext", self.at(obj, layout.ARRAY_NDIM, "i32"), "i64")
        self.require(self.same(own, ndim))
        wanted = self.at(words, ArrayWord.FLAGS * WORD, "i64")
        flags = body.convert("zext", self.at(obj, layout.ARRAY_FLAGS, "i32"), "i64")
        self.require(self.same(body.binary("and", flags, wanted), wanted))
        dims, known = self.variable(self.at(obj, layout.ARRAY_DIMS)), body.offset(words, ArrayWord.KNOWN * WORD)
        known, slot = self.variable(known), self.variable(body.offset(out, SLOT))
        left, size = self.variable(ndim), self.variable(number(1))

        def step(variable: Value, by: int) -> None:
            body.store(body.offset(self.at(variable, 0), by), variable)

        def measure() -> None:
            dim = self.at(self.at(dims, 0), 0, "i64")
            must_be_one = self.same(self.at(self.at(known, 0), 0, "i64"), number(1))
            self.require(self.same(must_be_one, self.same(dim, number(1))))

            def pass_on() -> None:
                body.store(dim, self.at(slot, 0))
                step(slot, SLOT)

            self.when(body.binary("xor", must_be_one, TRUE), pass_on)
            body.store(body.binary("mul", self.at(size, 0, "i64"), dim), size)
            body.store(body.binary("sub", self.at(left, 0, "i64"), number(1)), left)
            step(dims, WORD)
            step(known, WORD)

        self.while_(lambda: body.compare("icmp ne", self.at(left, 0, "i64"), number(0)), measure)
        body.store(self.at(obj, layout.ARRAY_DATA), out)
        body.store(self.at(size, 0, "i64"), body.offset(out, WORD))
        return TRUE

    def _apart(self, words: Value) -> Value:
        """Two arrays in slots that do not overlap."""
        body = self.body

        def ends(slot: Pair, width: Pair) -> tuple[Value, Value]:
            place = body.offset(OUT, self.at(words, slot * WORD, "i64"))
            start = self.at(place, 0, "i64")
            size = body.binary("mul", self.at(place, WORD, "i64"), self.at(words, width * WORD, "i64"))
            return start, body.binary("add", start, size)

        one, one_end = ends(Pair.ONE, Pair.ONE_SIZE)
        other, other_end = ends(Pair.OTHER, Pair.OTHER_SIZE)
        before = body.compare("icmp ule", one_end, other)
        return body.binary("or", before, body.compare("icmp ule", other_end, one))

    def _number(self, type: Type, obj: Value, out: Value) -> Value:
        """Store the number, if the object is one; does it fit?"""
        body = self.body
        cls = self._class(obj)
        own, *others = CLASSES[type]
        if own is int:
            return self._integer(obj, cls, others, out)
        self.require(self._among(cls, (own, *others)))
        if own is bool:
            truth = [self.same(obj, self.object(true)) for true in (True, np.True_)]
            body.store(body.convert("zext", body.binary("or", *truth), "i8"), out)
        else:
            store(body, load(body, type, body.offset(obj, layout.NUMBER), ""), out, "")
        return TRUE

    def _integer(self, obj: Value, cls: Value, others: Sequence[Any], out: Value) -> Value:
        """NumPy's integers are asked for a Python int: to read each class in its own way would be much code."""
        body = self.body
        number = self.variable(obj)
        foreign, own = body.label("foreign"), body.label("own")
        body.branch(self.same(cls, self.object(int)), own, foreign, expect=True)
        body.here = foreign
        self.require(self._among(cls, others))
        body.store(self.ask("ptr", "PyNumber_Index", obj), number)
        self.require(body.compare("icmp ne", self.at(number, 0), NULL))
        body.jump(own)
        body.here = own
        overflow = body.slot(4)
        found = self.at(number, 0)
        body.store(self.ask("i64", "PyLong_AsLongLongAndOverflow", found, overflow), out)
        self.when(body.compare("icmp ne", found, obj), lambda: self._drop(found), likely=False)
        return self.same(body.load("i32", overflow), Value("i32", "0"))

    def _among(self, cls: Value, classes: Sequence[Any]) -> Value:
        same = [self.same(cls, self.object(one)) for one in classes]
        return functools.reduce(lambda a, b: self.body.binary("or", a, b), same)

    def _drop(self, obj: Value) -> None:
        self.ask("void", "Py_DecRef", obj)
