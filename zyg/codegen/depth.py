"""How deep native recursion may go: the lowest address that the machine stack of this thread should reach.

A recursive function compares its frame's address with it.  The main thread's stack is looked up once in Python
(asking the C library would parse a file at every call), other threads are asked about when they call.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm

from zyg.codegen.assembly import Body, Value
from zyg.codegen.support import Routine, Support

_USUAL_STACK = 8 << 20
# Where nothing is known about the stack: what a call from outside may use
_BLIND_BUDGET = 128 << 10

_BOUNDS = "zyg.main_stack"

_COMMON = f"""
blind:
  %guess = sub i64 %here, {_BLIND_BUDGET}
  %guessed = inttoptr i64 %guess to ptr
  ret ptr %guessed
}}"""

_LINUX = (
    f"""
@"{_BOUNDS}" = external global [2 x i64]
declare i64 @pthread_self() nounwind
declare i32 @pthread_getattr_np(i64, ptr) nounwind
declare i32 @pthread_attr_getstack(ptr, ptr, ptr) nounwind
declare i32 @pthread_attr_destroy(ptr) nounwind
define ptr @"zyg.floor"(ptr %frame) nounwind {{
entry:
  %attributes = alloca [128 x i8], align 16
  %base.at = alloca i64
  %size.at = alloca i64
  %here = ptrtoint ptr %frame to i64
  %floor = load i64, ptr @"{_BOUNDS}"
  %top = load i64, ptr getelementptr (i8, ptr @"{_BOUNDS}", i64 8)
  %above = icmp uge i64 %here, %floor
  %below = icmp ult i64 %here, %top
  %main = and i1 %above, %below
  br i1 %main, label %known, label %asking
known:
  %known.floor = inttoptr i64 %floor to ptr
  ret ptr %known.floor
asking:
  %self = call i64 @pthread_self()
  %failed = call i32 @pthread_getattr_np(i64 %self, ptr %attributes)
  %worked = icmp eq i32 %failed, 0
  br i1 %worked, label %asked, label %blind
asked:
  %got = call i32 @pthread_attr_getstack(ptr %attributes, ptr %base.at, ptr %size.at)
  %gone = call i32 @pthread_attr_destroy(ptr %attributes)
  %base = load i64, ptr %base.at
  %size = load i64, ptr %size.at
  %used = sub i64 %here, %base
  %inside = icmp ult i64 %used, %size
  br i1 %inside, label %thread, label %blind
thread:
  %margin = lshr i64 %size, 2
  %lowest = add i64 %base, %margin
  %lowest.at = inttoptr i64 %lowest to ptr
  ret ptr %lowest.at"""
    + _COMMON
)

_MAC = (
    """
declare i64 @pthread_self() nounwind
declare i64 @pthread_get_stackaddr_np(i64) nounwind
declare i64 @pthread_get_stacksize_np(i64) nounwind
define ptr @"zyg.floor"(ptr %frame) nounwind {
entry:
  %here = ptrtoint ptr %frame to i64
  %self = call i64 @pthread_self()
  %top = call i64 @pthread_get_stackaddr_np(i64 %self)
  %size = call i64 @pthread_get_stacksize_np(i64 %self)
  %used = sub i64 %top, %here
  %inside = icmp ult i64 %used, %size
  br i1 %inside, label %thread, label %blind
thread:
  %base = sub i64 %top, %size
  %margin = lshr i64 %size, 2
  %lowest = add i64 %base, %margin
  %lowest.at = inttoptr i64 %lowest to ptr
  ret ptr %lowest.at"""
    + _COMMON
)

_ELSEWHERE = (
    """
define ptr @"zyg.floor"(ptr %frame) nounwind {
entry:
  %here = ptrtoint ptr %frame to i64
  br label %blind"""
    + _COMMON
)


def _main_stack() -> tuple[int, int]:
    """The floor and the top of the main thread's stack; (0, 0) if unknown, which no address lies between."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_STACK)
    usable = _USUAL_STACK if limit == resource.RLIM_INFINITY else limit
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return 0, 0
    for line in maps.splitlines():
        if line.endswith("[stack]"):
            top = int(line.split()[0].split("-")[1], 16)
            return top - usable + usable // 4, top
    return 0, 0


@cache
def _register_main_stack() -> ctypes.Array[ctypes.c_int64]:
    bounds = (ctypes.c_int64 * 2)(*_main_stack())
    llvm.add_symbol(_BOUNDS, ctypes.addressof(bounds))
    return bounds


def text() -> str:
    if sys.platform == "linux" and llvm.address_of_symbol("pthread_getattr_np"):
        _register_main_stack()
        return _LINUX
    return _MAC if sys.platform == "darwin" else _ELSEWHERE


_FLOOR = Routine(Support(__name__, "text"), "zyg.floor", "ptr", ("ptr",), "nounwind willreturn")


def _frame_address(b: Body) -> Value:
    b.assembly.declare("llvm.frameaddress.p0", "ptr", ["i32"])
    return b.call("ptr", "llvm.frameaddress.p0", Value("i32", "0"))


def floor(b: Body) -> Value:
    """The lowest address for the frames of recursive functions called from here."""
    return _FLOOR(b, _frame_address(b))


def is_above(b: Body, lowest: Value) -> Value:
    """Is there room below this function's frame?"""
    return b.compare("icmp ugt", _frame_address(b), lowest)
