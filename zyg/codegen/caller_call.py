"""What CPython calls when a `NativeCallable` is called, from objects to an object.

call(self, args, flags, names)                 the vectorcall itself
find(self, args, flags, names, scratch, capacity)
                                               the entry of the chain that fits the call, or null; its inputs in scratch

They are compiled once in a process; what differs from one specialisation to the next is in its tables.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from zyg.codegen import caller_layout as layout
from zyg.codegen import jit
from zyg.codegen.assembly import Assembly, Value
from zyg.codegen.caller_layout import WORD
from zyg.codegen.caller_make import MAKE, Freer, Maker
from zyg.codegen.caller_table import Chain, Entry
from zyg.codegen.caller_type import CHAIN, FUNCTION
from zyg.codegen.caller_walk import WALK, Walk
from zyg.codegen.caller_writer import FALSE, NULL, TRUE, Objects, Writer, number

CALL, FIND = "zyg.caller.call", "zyg.caller.find"
SELF, ARGS, FLAGS, NAMES = Value("ptr", "%self"), Value("ptr", "%args"), Value("i64", "%flags"), Value("ptr", "%names")
SCRATCH, CAPACITY = Value("ptr", "%scratch"), Value("i64", "%capacity")

# CPython sets the sign bit of the number of arguments where the place in front of them may be borrowed.
_COUNT_MASK = (1 << 63) - 1
# What is taken from the machine stack; more comes from the heap.
_SMALL = 16 << 10


class _Find(Writer):
    def __init__(self, assembly: Assembly, objects: Objects) -> None:
        super().__init__(assembly, objects, FIND, "ptr", [SELF, ARGS, FLAGS, NAMES, SCRATCH, CAPACITY])

    def define(self) -> None:
        body = self.body
        function = self.at(SELF, FUNCTION)
        self.require(body.compare("icmp ne", function, NULL))
        count = body.binary("and", FLAGS, number(_COUNT_MASK))
        entry = self.variable(self.at(self.at(SELF, CHAIN), Chain.FIRST * WORD))

        def try_one() -> None:
            self.leave(self._fits(self.at(entry, 0), function, count), lambda: self.at(entry, 0), likely=True)
            body.store(self.at(self.at(entry, 0), Entry.NEXT * WORD), entry)

        self.while_(lambda: body.compare("icmp ne", self.at(entry, 0), NULL), try_one)
        body.jump(self.no)
        body.here = self.no
        body.give([NULL])
        body.finish()

    def _fits(self, entry: Value, function: Value, count: Value) -> Value:
        body = self.body
        answer = self.variable(number(0))
        same_count = self.same(count, self.at(entry, Entry.COUNT * WORD, "i64"))
        has_room = body.compare("icmp ule", self.at(entry, Entry.SCRATCH * WORD, "i64"), CAPACITY)
        called_so = body.binary("and", same_count, self._same_names(self.at(entry, Entry.NAMES * WORD)))

        def walk() -> None:
            rows, size = self.at(entry, Entry.GUARDS * WORD), self.at(entry, Entry.GUARD_COUNT * WORD, "i64")
            seen = body.offset(SCRATCH, self.at(entry, Entry.SEEN * WORD, "i64"))
            body.assembly.declare(WALK, "zeroext i1", ["ptr", "i64", "ptr", "ptr", "ptr", "ptr"])
            holds = body.call("i1", WALK, rows, size, function, ARGS, SCRATCH, seen)
            body.store(body.convert("zext", holds, "i64"), answer)

        self.when(body.binary("and", called_so, has_room), walk)
        return body.compare("icmp ne", self.at(answer, 0, "i64"), number(0))

    def _same_names(self, names: Value) -> Value:
        """Are these the call's keyword arguments?  Their names are interned, the tuple of them is not."""
        body = self.body
        answer, left = self.variable(body.convert("zext", self.same(names, NAMES), "i64")), self.variable(number(0))
        neither = body.compare("icmp ne", names, NULL), body.compare("icmp ne", NAMES, NULL)
        differ = body.compare("icmp ne", names, NAMES)

        def item(of: Value) -> Value:
            items = body.offset(of, layout.TUPLE_ITEMS)
            return body.load("ptr", body.value("ptr", f"getelementptr ptr, {items}, {self.at(left, 0, 'i64')}"))

        def count_down() -> Value:
            body.store(body.binary("sub", self.at(left, 0, "i64"), number(1)), left)
            return self.same(item(names), item(NAMES))

        def more() -> Value:
            some = body.compare("icmp ne", self.at(left, 0, "i64"), number(0))
            return body.binary("and", some, body.compare("icmp ne", self.at(answer, 0, "i64"), number(0)))

        def compare() -> None:
            sizes = [self.at(each, layout.TUPLE_SIZE, "i64") for each in (names, NAMES)]
            body.store(sizes[0], left)
            body.store(body.convert("zext", self.same(*sizes), "i64"), answer)
            self.while_(more, lambda: body.store(body.convert("zext", count_down(), "i64"), answer))

        self.when(body.binary("and", differ, body.binary("and", *neither)), compare)
        return body.compare("icmp ne", self.at(answer, 0, "i64"), number(0))


class _Call(Writer):
    def __init__(self, assembly: Assembly, objects: Objects) -> None:
        super().__init__(assembly, objects, CALL, "ptr", [SELF, ARGS, FLAGS, NAMES])

    def define(self) -> None:
        """Take scratch memory, find the entry, run it."""
        body = self.body
        chain = self.at(SELF, CHAIN)
        self.require(body.compare("icmp ne", chain, NULL))
        size = self.at(chain, Chain.SCRATCH * WORD, "i64")
        small, large, ready = body.label("small"), body.label("large"), body.label("ready")
        scratch = body.phi(ready, "ptr", "scratch")
        is_large = body.compare("icmp ugt", size, number(_SMALL))
        body.branch(is_large, large, small, expect=False)
        body.here = small
        onstack = body.value("ptr", f"alloca i8, {size}, align 16")
        scratch.incoming.append((onstack.ref, body.here.name))
        body.jump(ready)
        body.here = large
        heap = self.ask("ptr", "PyMem_Malloc", size)
        self.leave(self.same(heap, NULL), lambda: self.ask("ptr", "PyErr_NoMemory"))
        scratch.incoming.append((heap.ref, body.here.name))
        body.jump(ready)
        body.here = ready

        entry = self.ask("ptr", FIND, SELF, ARGS, FLAGS, NAMES, scratch.value, size)
        result = self.variable(NULL)
        found = body.compare("icmp ne", entry, NULL)
        self.when(found, lambda: body.store(self._run(entry, scratch.value), result), likely=True)
        self.when(is_large, lambda: self._free(scratch.value), likely=False)
        made = body.compare("icmp ne", self.at(result, 0), NULL)
        self.leave(made, lambda: self.at(result, 0), likely=True)
        failed = self.ask("ptr", "PyErr_Occurred")
        self.leave(body.binary("and", found, body.compare("icmp ne", failed, NULL)), lambda: NULL)
        body.jump(self.no)
        body.here = self.no
        body.give([self._resolved()])
        body.finish()

    def _free(self, memory: Value) -> None:
        self.ask("void", "PyMem_Free", memory)

    def _run(self, entry: Value, scratch: Value) -> Value:
        """The result of an entry whose inputs are in place.  While it runs, others may drop it from the chain."""
        body = self.body

        def place(column: Entry) -> Value:
            return body.offset(scratch, self.at(entry, column * WORD, "i64"))

        owner, out, report = self.at(entry, Entry.OWNER * WORD), place(Entry.OUT), place(Entry.REPORT)
        self.ask("void", "Py_IncRef", owner)
        self._for_held(entry, scratch, "Py_IncRef")
        thread, result = self.variable(NULL), self.variable(NULL)
        releases = body.compare("icmp ne", self.at(entry, Entry.RELEASE * WORD, "i64"), number(0))
        self.when(releases, lambda: body.store(self.ask("ptr", "PyEval_SaveThread"), thread))
        code = self.at(entry, Entry.CODE * WORD)
        status = body.value("i32", f"call i32 {code.ref}({scratch}, {out}, {report})")
        self.when(releases, lambda: self._take_gil(self.at(thread, 0)))

        def make() -> None:
            parts, size = self.at(entry, Entry.PARTS * WORD), self.at(entry, Entry.PART_COUNT * WORD, "i64")
            body.store(self.ask("ptr", MAKE, parts, size, out, place(Entry.STACK)), result)

        succeeded = self.same(status, Value("i32", "0"))
        self.when(succeeded, make, likely=True)
        failed = body.binary("xor", succeeded, TRUE)
        size = self.at(entry, Entry.REPORT_SIZE * WORD, "i64")
        self.when(failed, lambda: self._raise(owner, status, report, size), likely=False)
        self._for_held(entry, scratch, "Py_DecRef")
        self._drop(owner)
        return self.at(result, 0)

    def _for_held(self, entry: Value, scratch: Value, do: str) -> None:
        """`do` each object that is held while the entry runs."""
        body = self.body
        left, place = (
            self.variable(self.at(entry, Entry.HELD_COUNT * WORD, "i64")),
            self.variable(self.at(entry, Entry.HELD * WORD)),
        )

        def one() -> None:
            self.ask("void", do, self.at(scratch, self.at(self.at(place, 0), 0, "i64")))
            body.store(body.offset(self.at(place, 0), WORD), place)
            body.store(body.binary("sub", self.at(left, 0, "i64"), number(1)), left)

        self.while_(lambda: body.compare("icmp ne", self.at(left, 0, "i64"), number(0)), one)

    def _take_gil(self, thread: Value) -> None:
        self.ask("void", "PyEval_RestoreThread", thread)

    def _drop(self, obj: Value) -> None:
        self.ask("void", "Py_DecRef", obj)

    def _raise(self, owner: Value, status: Value, report: Value, size: Value) -> None:
        """Set the exception that the owner's method `error(status, report)` returns."""
        body = self.body
        args = body.slot(3 * WORD)
        code = self.ask("ptr", "PyLong_FromLongLong", body.convert("sext", status, "i64"))

        def tell() -> None:
            told = self.ask("ptr", "PyBytes_FromStringAndSize", report, size)

            def ask_owner() -> None:
                for index, value in enumerate((owner, code, told)):
                    body.store(value, body.offset(args, index * WORD))
                method, count = self.object("error"), number(3)
                error = self.ask("ptr", "PyObject_VectorcallMethod", method, args, count, NULL)
                self.when(body.compare("icmp ne", error, NULL), lambda: self._set(error))
                self._drop(told)

            self.when(body.compare("icmp ne", told, NULL), ask_owner)
            self._drop(code)

        self.when(body.compare("icmp ne", code, NULL), tell)

    def _set(self, error: Value) -> None:
        """Set the exception `error`, unless it is None: then the call is resolved anew."""
        body = self.body
        is_error = body.compare("icmp ne", error, self.object(None))

        def set_error() -> None:
            self.ask("void", "PyErr_SetObject", self.at(error, layout.TYPE), error)

        self.when(is_error, set_error)
        self._drop(error)

    def _resolved(self) -> Value:
        """What the method `_resolve` gives for the same arguments."""
        body = self.body
        named = self.variable(number(0))
        has_names = body.compare("icmp ne", NAMES, NULL)
        self.when(has_names, lambda: body.store(self.at(NAMES, layout.TUPLE_SIZE, "i64"), named))
        count = body.binary("and", FLAGS, number(_COUNT_MASK))
        given = body.binary("mul", body.binary("add", count, self.at(named, 0, "i64")), number(WORD))
        both = self.ask("ptr", "PyMem_Malloc", body.binary("add", given, number(WORD)))
        self.leave(self.same(both, NULL), lambda: self.ask("ptr", "PyErr_NoMemory"))
        body.store(SELF, both)
        self.ask("void", "llvm.memcpy.p0.p0.i64", body.offset(both, WORD), ARGS, given, FALSE)
        method, all_of_them = self.object("_resolve"), body.binary("add", count, number(1))
        result = self.ask("ptr", "PyObject_VectorcallMethod", method, both, all_of_them, NAMES)
        self._free(both)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Routines:
    """call: an address.  find: for use from Python."""

    call: int
    find: Any
    _kept: object


@cache
def routines() -> Routines:
    """The routines, compiled when they are first asked for."""
    assembly, objects = Assembly(), Objects("zyg.caller.objects")
    for name, address in layout.numpy_functions().items():
        llvm.add_symbol(name, address)
    for writer in (Walk, Freer, Maker, _Find, _Call):
        writer(assembly, objects).define()
    table = objects.register(assembly)
    for load in assembly.required:
        load()
    library, _ = jit.load(str(assembly), "zyg.caller", arithmetic=False)
    word, pointer = ctypes.c_ssize_t, ctypes.c_void_p
    find = ctypes.PYFUNCTYPE(pointer, ctypes.py_object, pointer, word, pointer, pointer, word)
    return Routines(jit.address_of(library, CALL), find(jit.address_of(library, FIND)), (library, table))
