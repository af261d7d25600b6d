"""The routine that makes the Python object of a result: it reads the table of its parts, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from numba import types

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Assembly, Value
from zyg.codegen.caller_layout import WORD
from zyg.codegen.caller_table import NUMBERS, Make, Part
from zyg.codegen.caller_writer import NULL, Objects, Writer, number
from zyg.codegen.machine import load
from zyg.ir.program import Type

MAKE = "zyg.caller.make"
ROWS, COUNT, OUT, STACK = Value("ptr", "%rows"), Value("i64", "%count"), Value("ptr", "%out"), Value("ptr", "%stack")


class Maker(Writer):
    """`make(rows, count, out, stack) -> ptr`: a new reference, or null and the exception is set.

    Rows put objects on the stack, and take those that they put into tuples.
    """

    def __init__(self, assembly: Assembly, objects: Objects) -> None:
        super().__init__(assembly, objects, MAKE, "ptr", [ROWS, COUNT, OUT, STACK])
        self._top = self.variable(STACK)

    def define(self) -> None:
        body = self.body
        row, left = self.variable(ROWS), self.variable(COUNT)

        def make() -> None:
            obj = self._object(self.at(row, 0))
            self.require(body.compare("icmp ne", obj, NULL))
            self._push(obj)
            body.store(body.offset(self.at(row, 0), len(Part) * WORD), row)
            body.store(body.binary("sub", self.at(left, 0, "i64"), number(1)), left)

        self.while_(lambda: body.compare("icmp ne", self.at(left, 0, "i64"), number(0)), make)
        body.give([self.at(STACK, 0)])
        body.here = self.no
        empty = lambda: body.compare("icmp ne", self.at(self._top, 0), STACK)  # noqa: E731
        self.while_(empty, lambda: self._release(self._pop()))
        body.give([NULL])
        body.finish()

    def _object(self, row: Value) -> Value:
        """A new reference, or null."""

        def word(column: Part, type: str = "i64") -> Value:
            return self.at(row, column * WORD, type)

        what, obj, size = word(Part.WHAT), word(Part.WHAT, "ptr"), word(Part.SIZE)
        cases: Mapping[int, Callable[[], Value]] = {
            Make.OBJECT: lambda: self._held(obj),
            Make.TUPLE: lambda: self._filled(self.ask("ptr", "PyTuple_New", size), size),
            Make.INSTANCE: lambda: self._filled(self._instance(obj, size), size),
        }
        numbers = {
            Make.NUMBER + index: lambda type=type: self._number(type, self.body.offset(OUT, what))
            for index, type in enumerate(NUMBERS)
        }
        return self.choose("ptr", word(Part.MAKE), {**cases, **numbers})

    def _held(self, obj: Value) -> Value:
        self.ask("void", "Py_IncRef", obj)
        return obj

    def _instance(self, cls: Value, size: Value) -> Value:
        """A tuple of the class, without items; the class is not asked, as it would not be in unpickling."""
        obj = self.ask("ptr", "PyType_GenericAlloc", cls, size)
        if layout.TUPLE_HASH is not None:
            self.require(self.body.compare("icmp ne", obj, NULL))
            self.body.store(number(-1), self.body.offset(obj, layout.TUPLE_HASH))
        return obj

    def _filled(self, whole: Value, size: Value) -> Value:
        """A tuple with the last `size` objects on the stack as its items."""
        body = self.body
        self.require(body.compare("icmp ne", whole, NULL))
        left = self.variable(size)

        def move() -> None:
            index = body.binary("sub", self.at(left, 0, "i64"), number(1))
            body.store(index, left)
            items = body.offset(whole, layout.TUPLE_ITEMS)
            body.store(self._pop(), body.value("ptr", f"getelementptr ptr, {items}, {index}"))

        self.while_(lambda: body.compare("icmp ne", self.at(left, 0, "i64"), number(0)), move)
        return whole

    def _number(self, type: Type, place: Value) -> Value:
        body = self.body
        parts = load(body, type, place, "")
        if type == types.boolean:
            return self.ask("ptr", "PyBool_FromLong", body.convert("zext", parts[0], "i64"))
        if isinstance(type, types.Integer):
            return self.ask("ptr", "PyLong_FromLongLong", parts[0])
        doubles = [body.convert("fpext", part, "double") for part in parts]
        if isinstance(type, types.Complex):
            return self.ask("ptr", "PyComplex_FromDoubles", *doubles)
        return self.ask("ptr", "PyFloat_FromDouble", *doubles)

    def _push(self, obj: Value) -> None:
        top = self.at(self._top, 0)
        self.body.store(obj, top)
        self.body.store(self.body.offset(top, WORD), self._top)

    def _pop(self) -> Value:
        top = self.body.offset(self.at(self._top, 0), -WORD)
        self.body.store(top, self._top)
        return self.at(top, 0)

    def _release(self, obj: Value) -> None:
        self.ask("void", "Py_DecRef", obj)
