"""Memory of one outermost call.  Every block is on a list in the call's context, so that all exits free all of it.

A block begins with its neighbours in a ring (previous, next) and the context holds the rings' heads.  A program that
gives no memory away puts a mark (a ring member in its own frame) on the list and frees what is newer when it leaves.
What is given to the caller from outside moves to a ring of its own, which is freed only if the call fails.
"""

from __future__ import annotations

from zyg.codegen.assembly import Assembly, Body, Value
from zyg.codegen.machine import integer_constant
from zyg.codegen.support import Routine, Support

# The context: three rings (tapes and buffers; stacks, which outlive the programs that push; what is given away), the
# lowest address that the machine stack may reach, and the report of the failure.
TAPES, STACKS, GIVEN, FLOOR, REPORT, CONTEXT_SIZE = 0, 16, 32, 48, 56, 64

HEADER = 16
_MOST_ROWS = 1 << 40

_TEXT = f"""
declare noalias ptr @calloc(i64, i64) nounwind
declare noalias ptr @malloc(i64) nounwind
declare noalias ptr @realloc(ptr, i64) nounwind
declare void @free(ptr) nounwind
define ptr @"zyg.link"(ptr %list, ptr %block) nounwind {{
entry:
  %missing = icmp eq ptr %block, null
  br i1 %missing, label %none, label %some
none:
  ret ptr null
some:
  %at = getelementptr i8, ptr %list, i64 8
  %next = load ptr, ptr %at
  %own = getelementptr i8, ptr %block, i64 8
  store ptr %list, ptr %block
  store ptr %next, ptr %own
  store ptr %block, ptr %next
  store ptr %block, ptr %at
  %data = getelementptr i8, ptr %block, i64 {HEADER}
  ret ptr %data
}}
define void @"zyg.move"(ptr %list, ptr %data) nounwind {{
entry:
  %block = getelementptr i8, ptr %data, i64 -{HEADER}
  %own = getelementptr i8, ptr %block, i64 8
  %previous = load ptr, ptr %block
  %next = load ptr, ptr %own
  %link = getelementptr i8, ptr %previous, i64 8
  store ptr %next, ptr %link
  store ptr %previous, ptr %next
  %again = call ptr @"zyg.link"(ptr %list, ptr %block)
  ret void
}}
define noalias ptr @"zyg.alloc"(ptr %list, i64 %rows, i64 %width) nounwind {{
entry:
  %absurd = icmp ugt i64 %rows, {_MOST_ROWS}
  br i1 %absurd, label %none, label %some
none:
  ret ptr null
some:
  %bytes = mul i64 %rows, %width
  %all = add i64 %bytes, {HEADER}
  %block = call ptr @malloc(i64 %all)
  %data = call ptr @"zyg.link"(ptr %list, ptr %block)
  ret ptr %data
}}
define noalias ptr @"zyg.zeros"(ptr %list, i64 %rows, i64 %width) nounwind {{
entry:
  %absurd = icmp ugt i64 %rows, {_MOST_ROWS}
  br i1 %absurd, label %none, label %some
none:
  ret ptr null
some:
  %bytes = mul i64 %rows, %width
  %all = add i64 %bytes, {HEADER}
  %block = call ptr @calloc(i64 %all, i64 1)
  %data = call ptr @"zyg.link"(ptr %list, ptr %block)
  ret ptr %data
}}
; A grown block keeps its place in the ring: it belongs to the program that made it
define ptr @"zyg.grow"(ptr %list, ptr %data, i64 %rows, i64 %width) nounwind {{
entry:
  %first = icmp eq ptr %data, null
  br i1 %first, label %new, label %old
new:
  %fresh = call ptr @"zyg.alloc"(ptr %list, i64 %rows, i64 %width)
  ret ptr %fresh
old:
  %absurd = icmp ugt i64 %rows, {_MOST_ROWS}
  br i1 %absurd, label %none, label %sane
sane:
  %bytes = mul i64 %rows, %width
  %all = add i64 %bytes, {HEADER}
  %before = getelementptr i8, ptr %data, i64 -{HEADER}
  %block = call ptr @realloc(ptr %before, i64 %all)
  %missing = icmp eq ptr %block, null
  br i1 %missing, label %none, label %moved
none:
  ret ptr null
moved:
  %own = getelementptr i8, ptr %block, i64 8
  %previous = load ptr, ptr %block
  %next = load ptr, ptr %own
  %link = getelementptr i8, ptr %previous, i64 8
  store ptr %block, ptr %link
  store ptr %block, ptr %next
  %grown = getelementptr i8, ptr %block, i64 {HEADER}
  ret ptr %grown
}}
define void @"zyg.release"(ptr %list, ptr %mark) nounwind {{
entry:
  %at = getelementptr i8, ptr %list, i64 8
  %newest = load ptr, ptr %at
  br label %loop
loop:
  %block = phi ptr [ %newest, %entry ], [ %next, %freeing ]
  %own = getelementptr i8, ptr %block, i64 8
  %next = load ptr, ptr %own
  %done = icmp eq ptr %block, %mark
  br i1 %done, label %close, label %freeing
freeing:
  call void @free(ptr %block)
  br label %loop
close:
  %all = icmp eq ptr %mark, %list
  %kept = select i1 %all, ptr %list, ptr %next
  store ptr %list, ptr %kept
  store ptr %kept, ptr %at
  ret void
}}
"""


def text() -> str:
    return _TEXT


_support = Support(__name__, "text")
# Nothing but these routines reads or writes what lies before a block's data, so an allocation that is not used may go
_FRESH = (
    'nounwind willreturn allocsize(1, 2) "alloc-family"="zyg" memory(argmem: readwrite, inaccessiblemem: readwrite)'
)
_ALLOC = Routine(
    _support, "zyg.alloc", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,uninitialized")'
)
_ZEROS = Routine(_support, "zyg.zeros", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,zeroed")')
_GROW = Routine(_support, "zyg.grow", "ptr", ("ptr", "ptr", "i64", "i64"), "cold nounwind willreturn")
_LINK = Routine(_support, "zyg.link", "ptr", ("ptr", "ptr"), "nounwind willreturn")
_MOVE = Routine(_support, "zyg.move", "void", ("ptr", "ptr"), "nounwind willreturn")
_RELEASE = Routine(_support, "zyg.release", "void", ("ptr", "ptr"), "nounwind willreturn")


def ring(b: Body, context: Value, which: int) -> Value:
    return b.offset(context, which)


def empty_ring(b: Body, head: Value) -> None:
    b.store(head, head)
    b.store(head, b.offset(head, 8))


def allocate(b: Body, head: Value, rows: Value, width: int, zero: bool = False) -> Value:
    """Fresh memory for `rows` rows of `width` bytes; null if there is none."""
    return (_ZEROS if zero else _ALLOC)(b, head, rows, integer_constant(width))


def grow(b: Body, head: Value, data: Value, rows: Value, width: int) -> Value:
    """The memory `data` (or null) extended to `rows` rows, wherever it is then; null if there is none."""
    return _GROW(b, head, data, rows, integer_constant(width))


def move(b: Body, head: Value, data: Value) -> None:
    """Put allocated memory on another ring."""
    _MOVE(b, head, data)


def block_of(data: int) -> int:
    """What the C library's `free` wants to be given, for memory at `data` that a call has left to its caller.

    A call may leave the same memory several times, in several of its results; it is freed once.
    """
    return data - HEADER


def mark(b: Body, head: Value) -> Value:
    """Remember what the ring holds now."""
    member = b.slot(HEADER)
    _LINK(b, head, member)
    return member


def release(b: Body, head: Value, since: Value) -> None:
    """Free all that is newer than the mark, and drop the mark; with the head itself as mark, all there is."""
    _RELEASE(b, head, since)


def is_used(assembly: Assembly) -> bool:
    """Does anything in the module allocate?"""
    return _support in assembly.required
