"""The part of calling that is the same for all specialisations: compiled once in a process, called by name.

    resolve(caller, args, count, names)   the entry of last resort: calls the method `_resolve` of the caller
    is_exactly(obj, class) -> bool        an instance of the class itself
    has_code(obj, code) -> bool           a Python function with this code
    equal(obj, constant) -> bool          the same class and value
    <machine type>(obj, out) -> bool      a number, of Python or NumPy, that stands for one of this type; stores it
    tuple(class, length)                  an instance of the namedtuple class, without its items
    fail(hook, status, report, size)      sets the exception that hook(status, report) returns; gives null

An object that is asked about may be null: no.
"""

from __future__ import annotations

import re
import types as pytypes
from functools import cache
from typing import Any

import numpy as np

from zyg.codegen import caller_layout as layout
from zyg.codegen import caller_load
from zyg.codegen.assembly import Assembly, Body, Label, Value
from zyg.codegen.caller_environment import Environment
from zyg.codegen.guards import CLASSES
from zyg.codegen.machine import load, store
from zyg.ir.program import Type

# CPython sets the sign bit of the number of arguments where the place in front of them may be borrowed.
COUNT_MASK = (1 << 63) - 1

RESOLVE, IS_EXACTLY, HAS_CODE, EQUAL, TUPLE, FAIL = (
    f"zyg.caller.{name}" for name in ("resolve", "is_exactly", "has_code", "equal", "tuple", "fail")
)
NUMBERS = {type: f"zyg.caller.{type}" for type in CLASSES}

OBJ, OUT, NULL = Value("ptr", "%obj"), Value("ptr", "%out"), Value("ptr", "null")
TRUE, FALSE = Value("i1", "true"), Value("i1", "false")

_RESOLVE = f"""
define ptr @"{RESOLVE}"(ptr %self, ptr %args, i64 %flagged, ptr %names) {{
entry:
  %count = and i64 %flagged, {COUNT_MASK}
  %all = add i64 %count, 1
  %method = load ptr, ptr @"zyg.caller.support"
  %borrowable = icmp slt i64 %flagged, 0
  br i1 %borrowable, label %borrow, label %copy
borrow:
  %front = getelementptr ptr, ptr %args, i64 -1
  %before = load ptr, ptr %front
  store ptr %self, ptr %front
  %quick = call ptr @PyObject_VectorcallMethod(ptr %method, ptr %front, i64 %all, ptr %names)
  store ptr %before, ptr %front
  ret ptr %quick
copy:
  %bare = icmp eq ptr %names, null
  br i1 %bare, label %allocate, label %keywords
keywords:
  %named = call i64 @PyTuple_Size(ptr %names)
  br label %allocate
allocate:
  %extra = phi i64 [ 0, %copy ], [ %named, %keywords ]
  %given = add i64 %count, %extra
  %size = shl i64 %given, 3
  %room = add i64 %size, 8
  %buffer = call ptr @PyMem_Malloc(i64 %room)
  %none = icmp eq ptr %buffer, null
  br i1 %none, label %nomemory, label %call
nomemory:
  %null = call ptr @PyErr_NoMemory()
  ret ptr %null
call:
  store ptr %self, ptr %buffer
  %rest = getelementptr i8, ptr %buffer, i64 8
  call void @llvm.memcpy.p0.p0.i64(ptr %rest, ptr %args, i64 %size, i1 false)
  %slow = call ptr @PyObject_VectorcallMethod(ptr %method, ptr %buffer, i64 %all, ptr %names)
  call void @PyMem_Free(ptr %buffer)
  ret ptr %slow
}}"""

_CACHE = (
    ""
    if layout.TUPLE_HASH is None
    else f"""
  %hash = getelementptr i8, ptr %obj, i64 {layout.TUPLE_HASH}
  store i64 -1, ptr %hash"""
)

_TUPLE = f"""
define ptr @"{TUPLE}"(ptr %class, i64 %length) {{
entry:
  %obj = call ptr @PyType_GenericAlloc(ptr %class, i64 %length)
  %none = icmp eq ptr %obj, null
  br i1 %none, label %done, label %fill
fill:{_CACHE}
  br label %done
done:
  ret ptr %obj
}}"""

_FAIL = f"""
define ptr @"{FAIL}"(ptr %hook, i32 %status, ptr %report, i64 %size) {{
entry:
  %wide = sext i32 %status to i64
  %number = call ptr @PyLong_FromLongLong(i64 %wide)
  %bytes = call ptr @PyBytes_FromStringAndSize(ptr %report, i64 %size)
  %no.number = icmp eq ptr %number, null
  %no.bytes = icmp eq ptr %bytes, null
  %short = or i1 %no.number, %no.bytes
  br i1 %short, label %release, label %ask
ask:
  %error = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %hook, ptr %number, ptr %bytes, ptr null)
  %no.error = icmp eq ptr %error, null
  br i1 %no.error, label %release, label %set
set:
  %at = getelementptr i8, ptr %error, i64 {layout.TYPE}
  %class = load ptr, ptr %at
  call void @PyErr_SetObject(ptr %class, ptr %error)
  call void @Py_DecRef(ptr %error)
  br label %release
release:
  call void @Py_DecRef(ptr %number)
  call void @Py_DecRef(ptr %bytes)
  ret ptr null
}}"""

_DECLARATIONS = """
declare ptr @PyObject_VectorcallMethod(ptr, ptr, i64, ptr)
declare i64 @PyTuple_Size(ptr)
declare ptr @PyMem_Malloc(i64)
declare void @PyMem_Free(ptr)
declare ptr @PyErr_NoMemory()
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare ptr @PyType_GenericAlloc(ptr, i64)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyBytes_FromStringAndSize(ptr, i64)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
declare void @PyErr_SetObject(ptr, ptr)
declare void @Py_DecRef(ptr)"""


@cache
def fallback() -> int:
    """The address of `resolve`.  Other generated code may name these functions once this has been called."""
    assembly = Assembly()
    environment = Environment("zyg.caller.support")
    environment.number("_resolve")
    assembly.define("declarations", _DECLARATIONS)
    for text in (_RESOLVE, _TUPLE, _FAIL):
        found = re.search(r'@"([^"]+)"', text)
        assert found is not None
        assembly.define(found[1], text)
    _define_is_exactly(assembly)
    _define_has_code(assembly, environment)
    _define_equal(assembly)
    for type in CLASSES:
        _define_number(assembly, environment, type)
    environment.define(assembly)
    address = caller_load.load(assembly, environment.name)
    environment.fill(address(environment.name))
    return address(RESOLVE)


def _question(assembly: Assembly, name: str) -> tuple[Body, Label, Value]:
    """A function (obj, out) -> bool begun: its body, the way to say no, and the class of the object."""
    body = Body(assembly, name, "i1", [OBJ, OUT], "")
    there, no = body.label("there"), body.label("no")
    body.branch(body.compare("icmp ne", OBJ, NULL), there, no)
    body.here = there
    return body, no, body.load("ptr", body.offset(OBJ, layout.TYPE))


def _answer(body: Body, no: Label, yes: Value) -> None:
    body.give([yes])
    body.here = no
    body.give([FALSE])
    body.finish("")


def _define_is_exactly(assembly: Assembly) -> None:
    body, no, cls = _question(assembly, IS_EXACTLY)
    _answer(body, no, body.compare("icmp eq", cls, OUT))


def _define_has_code(assembly: Assembly, environment: Environment) -> None:
    body, no, cls = _question(assembly, HAS_CODE)
    function = body.label("function")
    body.branch(body.compare("icmp eq", cls, environment.load(body, pytypes.FunctionType)), function, no)
    body.here = function
    code = body.load("ptr", body.offset(OBJ, layout.FUNCTION_CODE))
    _answer(body, no, body.compare("icmp eq", code, OUT))


def _define_equal(assembly: Assembly) -> None:
    body, no, cls = _question(assembly, EQUAL)
    alike, different = body.label("alike"), body.label("different")
    body.branch(body.compare("icmp eq", cls, body.load("ptr", body.offset(OUT, layout.TYPE))), alike, no)
    body.here = alike
    # Identical objects, interned strings say, are told from others without a call.
    same = body.label("same")
    body.branch(body.compare("icmp eq", OBJ, OUT), same, different)
    body.here = same
    body.give([TRUE])
    body.here = different
    assembly.declare("PyObject_RichCompareBool", "i32", ["ptr", "ptr", "i32"])
    answer = body.call("i32", "PyObject_RichCompareBool", OBJ, OUT, Value("i32", "2"))
    _answer(body, no, body.compare("icmp eq", answer, Value("i32", "1")))


def _define_number(assembly: Assembly, environment: Environment, type: Type) -> None:
    body, no, cls = _question(assembly, NUMBERS[type])
    for one in CLASSES[type]:
        this, other = body.label("this"), body.label("other")
        body.branch(body.compare("icmp eq", cls, environment.load(body, one)), this, other)
        body.here = this
        body.give([_store_number(body, environment, type, one)])
        body.here = other
    _answer(body, no, FALSE)


def _store_number(body: Body, environment: Environment, type: Type, cls: Any) -> Value:
    """Store the value of an instance of `cls`; whether it fits."""
    if cls is int:
        body.assembly.declare("PyLong_AsLongLongAndOverflow", "i64", ["ptr", "ptr"])
        overflow = body.slot(4)
        body.store(body.call("i64", "PyLong_AsLongLongAndOverflow", OBJ, overflow), OUT)
        return body.compare("icmp eq", body.load("i32", overflow), Value("i32", "0"))
    held = body.offset(OBJ, layout.NUMBER)
    if cls is bool:
        truth = body.compare("icmp eq", OBJ, environment.load(body, True))
        body.store(body.convert("zext", truth, "i8"), OUT)
    elif issubclass(cls, np.integer):
        narrow = body.load(f"i{8 * cls(0).nbytes}", held)
        body.store(body.convert("sext" if issubclass(cls, np.signedinteger) else "zext", narrow, "i64"), OUT)
    else:
        store(body, load(body, type, held, ""), OUT, "")
    return TRUE
