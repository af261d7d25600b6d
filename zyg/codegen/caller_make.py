"""The routine that makes the Python object of a result: it reads the table of its parts, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
from numba import types

from zyg.codegen import caller_layout as layout
from zyg.codegen.arena import drop
from zyg.codegen.arena_layout import HEADER
from zyg.codegen.assembly import Assembly, Value, symbol
from zyg.codegen.caller_layout import WORD
from zyg.codegen.caller_table import NUMBERS, UNKNOWN, Make, Part, ResultWord
from zyg.codegen.caller_writer import NULL, TRUE, Objects, Writer, number
from zyg.codegen.failures import SLOT
from zyg.codegen.machine import load
from zyg.ir.program import Type

MAKE, FREE = "zyg.caller.make", "zyg.caller.free"
MOST_DIMS = 64
_NOTHING = ()
ROWS, COUNT, OUT, STACK = Value("ptr", "%rows"), Value("i64", "%count"), Value("ptr", "%out"), Value("ptr", "%stack")


class Maker(Writer):
    """`make(rows, count, out, stack) -> ptr`: a new reference, or null and the exception is set.

    Rows put objects on the stack, and take those that they put into tuples.
    """

    def __init__(self, assembly: Assembly, objects: Objects) -> None:
        super().__init__(assembly, objects, MAKE, "ptr", [ROWS, COUNT, OUT, STACK])
        self._top = self.variable(STACK)
        self._dims, self._steps = (self.body.slot(MOST_DIMS * WORD) for _ in range(2))

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
            Make.LIST: lambda: self._list(size),
            Make.DICT: lambda: self._dict(obj, size),
            Make.BARE: lambda: self.ask("ptr", "PyType_GenericAlloc", obj, number(0)),
            Make.MEMBERS: lambda: self._with_members(obj, size),
            Make.SPACE: self._space,
            Make.ARRAY: lambda: self._array(obj, self.body.offset(OUT, size)),
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

    def _each(self, size: Value, do: Callable[[Value, Value], None]) -> None:
        """Take the last `size` objects from the stack; `do` gets the index and the object of each, first to last."""
        body = self.body
        base = body.offset(self.at(self._top, 0), body.binary("mul", size, number(-WORD)))
        index = self.variable(number(0))

        def one() -> None:
            place = body.value("ptr", f"getelementptr ptr, {base}, {self.at(index, 0, 'i64')}")
            do(self.at(index, 0, "i64"), self.at(place, 0))
            body.store(body.binary("add", self.at(index, 0, "i64"), number(1)), index)

        self.while_(lambda: body.compare("icmp ne", self.at(index, 0, "i64"), size), one)
        body.store(base, self._top)

    def _list(self, size: Value) -> Value:
        whole = self.ask("ptr", "PyList_New", size)
        self.require(self.body.compare("icmp ne", whole, NULL))
        self._each(size, lambda index, item: self._ignored("PyList_SetItem", whole, index, item))
        return whole

    def _ignored(self, function: str, *args: Value) -> None:
        """A call that cannot fail here."""
        self.ask("i32", function, *args)

    def _dict(self, keys: Value, size: Value) -> Value:
        whole = self.ask("ptr", "PyDict_New")
        self.require(self.body.compare("icmp ne", whole, NULL))
        return self._put("PyDict_SetItem", whole, keys, size)

    def _put(self, function: str, whole: Value, names: Value, size: Value) -> Value:
        """Put the last `size` objects on the stack into `whole` under these names; null if one could not be."""
        body = self.body
        failed = self.variable(number(0))

        def put(index: Value, item: Value) -> None:
            items = body.offset(names, layout.TUPLE_ITEMS)
            name = self.at(body.value("ptr", f"getelementptr ptr, {items}, {index}"), 0)
            status = body.convert("sext", self.ask("i32", function, whole, name, item), "i64")
            body.store(body.binary("or", self.at(failed, 0, "i64"), status), failed)
            self._release(item)

        self._each(size, put)
        result = self.variable(whole)

        def give_up() -> None:
            self._release(whole)
            body.store(NULL, result)

        self.when(body.compare("icmp ne", self.at(failed, 0, "i64"), number(0)), give_up, likely=False)
        return self.at(result, 0)

    def _with_members(self, names: Value, size: Value) -> Value:
        """An instance with attributes, written past `__setattr__`, as a class that is frozen does it."""
        body = self.body
        below = body.offset(
            self.at(self._top, 0), body.binary("mul", body.binary("add", size, number(1)), number(-WORD))
        )
        whole = self._put("PyObject_GenericSetAttr", self.at(below, 0), names, size)
        body.store(below, self._top)
        return whole

    def _space(self) -> Value:
        members = self._pop()
        made = self.ask("ptr", "PyObject_Call", self.object(SimpleNamespace), self.object(_NOTHING), members)
        self._release(members)
        return made

    def _array(self, words: Value, place: Value) -> Value:
        """An array over memory that native code has left to it."""
        body = self.body
        data, slot = self.at(place, 0), self.variable(body.offset(place, SLOT))
        at = self.variable(body.offset(words, ResultWord.NUMBERS * WORD))
        ndim, width = self.at(words, ResultWord.NDIM * WORD, "i64"), self.at(words, ResultWord.WIDTH * WORD, "i64")

        def number_of() -> Value:
            known = self.at(self.at(at, 0), 0, "i64")
            body.store(body.offset(self.at(at, 0), WORD), at)
            result = self.variable(known)

            def from_slot() -> None:
                body.store(self.at(self.at(slot, 0), 0, "i64"), result)
                body.store(body.offset(self.at(slot, 0), SLOT), slot)

            self.when(self.same(known, number(UNKNOWN)), from_slot)
            return self.at(result, 0, "i64")

        def read(target: Value, scale: Value | None) -> None:
            index = self.variable(number(0))

            def one() -> None:
                found = number_of()
                found = found if scale is None else body.binary("mul", found, scale)
                body.store(found, body.value("ptr", f"getelementptr i64, {target}, {self.at(index, 0, 'i64')}"))
                body.store(body.binary("add", self.at(index, 0, "i64"), number(1)), index)

            self.while_(lambda: body.compare("icmp ne", self.at(index, 0, "i64"), ndim), one)

        start = body.binary("mul", number_of(), width)
        dims, steps, used = self._dims, self._steps, self.variable(NULL)
        read(dims, None)

        def strided() -> None:
            read(steps, width)
            body.store(steps, used)

        self.when(body.compare("icmp ne", self.at(words, ResultWord.STRIDED * WORD, "i64"), number(0)), strided)
        block = body.offset(data, -HEADER)
        free = Value("ptr", symbol(FREE))
        owner = self.ask("ptr", "PyCapsule_New", block, NULL, free)
        self.require(body.compare("icmp ne", owner, NULL))
        dtype = self._held(self.at(words, ResultWord.DTYPE * WORD))
        flags = Value("i32", str(layout.C_CONTIGUOUS | layout.ALIGNED | layout.WRITEABLE))
        count = body.convert("trunc", ndim, "i32")
        first = body.offset(data, start)
        given = (self.object(np.ndarray), dtype, count, dims, self.at(used, 0), first, flags, NULL)
        made = self.ask("ptr", layout.NEW_ARRAY, *given)
        failed = self.same(made, NULL)
        self.when(failed, lambda: self._release(owner), likely=False)
        self.require(body.binary("xor", failed, TRUE))
        self._ignored(layout.SET_BASE, made, owner)
        return made

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


class Freer(Writer):
    """`free(capsule)`: what owns the memory of an array frees it, when it dies itself."""

    def __init__(self, assembly: Assembly, objects: Objects) -> None:
        super().__init__(assembly, objects, FREE, "void", [Value("ptr", "%capsule")])

    def define(self) -> None:
        block = self.ask("ptr", "PyCapsule_GetPointer", Value("ptr", "%capsule"), NULL)
        drop(self.body, block)
        self.body.give([])
        self.body.here = self.no
        self.body.give([])
        self.body.finish()
