"""The part of calling that is the same for all specialisations: compiled once in a process, called by name.

resolve(caller, args, count, names)   the entry of last resort: calls the method `_resolve` of the caller
tuple(class, length)                  an instance of the namedtuple class, without its items
fail(hook, status, report, size)      sets the exception that hook(status, report) returns; gives null
walk(table, count, function, args, out) -> bool    see `caller_walk`
"""

from __future__ import annotations

import re
from functools import cache

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Assembly
from zyg.codegen.caller_environment import Environment
from zyg.codegen.caller_load import load
from zyg.codegen.caller_walk import Walk

# CPython sets the sign bit of the number of arguments where the place in front of them may be borrowed.
COUNT_MASK = (1 << 63) - 1

RESOLVE, TUPLE, FAIL = (f"zyg.caller.{name}" for name in ("resolve", "tuple", "fail"))

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
    environment.keep("_resolve")  # the first in the table: where `resolve` looks
    assembly.define("declarations", _DECLARATIONS)
    for text in (_RESOLVE, _TUPLE, _FAIL):
        found = re.search(r'@"([^"]+)"', text)
        assert found is not None
        assembly.define(found[1], text)
    Walk(assembly, environment).define()
    environment.define(assembly)
    address = load(assembly, environment.name)
    environment.fill(address(environment.name), {})
    return address(RESOLVE)
