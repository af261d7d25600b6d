"""The arena's routines, as LLVM text: blocks, rooms, what is kept for the next call, and marks.  See `arena`."""

from __future__ import annotations

from zyg.codegen.arena_layout import END, FRAME_ROOM, FREE, HEADER, LINE, NEXT

_MOST_ROWS = 1 << 40

# What is kept: blocks of at least so many bytes, so many of them, and so many bytes in all
_LEAST_KEPT = 1 << 15
_PLACES = 48
_MOST_KEPT = 1 << 28
_LOOSE = 64

# Rooms: the largest buffer that has a place in one, and how large they become, each twice what the one before was
_LARGEST_IN_ROOM = 1 << 21
_LARGEST_ROOM = 1 << 25


def _zeroed(name: str, largest: int) -> str:
    """The routine that gives what `name` gives, or for more bytes than that is for a block, all zero."""
    return f"""define noalias ptr @"zyg.{name}.zeros"(ptr %context, i64 %rows, i64 %width) nounwind {{
entry:
  %bytes = mul i64 %rows, %width
  %few = icmp ule i64 %rows, {largest}
  %less = icmp ule i64 %bytes, {largest}
  %small = and i1 %few, %less
  br i1 %small, label %piece, label %block
block:
  %own = call ptr @"zyg.zeros"(ptr %context, i64 %rows, i64 %width)
  ret ptr %own
piece:
  %data = call ptr @"zyg.{name}"(ptr %context, i64 %rows, i64 %width)
  %lack = icmp eq ptr %data, null
  br i1 %lack, label %end, label %clear
clear:
  call void @llvm.memset.p0.i64(ptr %data, i8 0, i64 %bytes, i1 false)
  br label %end
end:
  ret ptr %data
}}
"""


_TEXT = f"""
declare noalias ptr @calloc(i64, i64) nounwind
declare noalias ptr @malloc(i64) nounwind
declare noalias ptr @realloc(ptr, i64) nounwind
declare void @free(ptr) nounwind
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
@"zyg.kept" = internal global [{_PLACES} x ptr] zeroinitializer
@"zyg.kept.bytes" = internal global i64 0
@"zyg.kept.next" = internal global i64 0
; A kept block of at least and at most so many bytes, or null
define internal ptr @"zyg.take"(i64 %all, i64 %most) nounwind {{
entry:
  %small = icmp ult i64 %all, {_LEAST_KEPT}
  br i1 %small, label %none, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %after, %next ]
  %place = getelementptr ptr, ptr @"zyg.kept", i64 %i
  %seen = load atomic ptr, ptr %place monotonic, align 8
  %empty = icmp eq ptr %seen, null
  br i1 %empty, label %next, label %try
try:
  %block = atomicrmw xchg ptr %place, ptr null acq_rel
  %gone = icmp eq ptr %block, null
  br i1 %gone, label %next, label %have
have:
  %at = getelementptr i8, ptr %block, i64 16
  %bytes = load i64, ptr %at
  %enough = icmp uge i64 %bytes, %all
  %tight = icmp ule i64 %bytes, %most
  %fits = and i1 %enough, %tight
  br i1 %fits, label %found, label %back
found:
  %less = sub i64 0, %bytes
  %before = atomicrmw add ptr @"zyg.kept.bytes", i64 %less monotonic
  ret ptr %block
back:
  %pair = cmpxchg ptr %place, ptr null, ptr %block acq_rel monotonic
  %put = extractvalue {{ ptr, i1 }} %pair, 1
  br i1 %put, label %next, label %drop
drop:
  %less2 = sub i64 0, %bytes
  %before2 = atomicrmw add ptr @"zyg.kept.bytes", i64 %less2 monotonic
  call void @free(ptr %block)
  br label %next
next:
  %after = add i64 %i, 1
  %more = icmp ult i64 %after, {_PLACES}
  br i1 %more, label %loop, label %none
none:
  ret ptr null
}}
; Keep a block for later, in an empty place or instead of an older one, or free it
define void @"zyg.drop"(ptr %block) nounwind {{
entry:
  %at = getelementptr i8, ptr %block, i64 16
  %bytes = load i64, ptr %at
  %small = icmp ult i64 %bytes, {_LEAST_KEPT}
  %large = icmp ugt i64 %bytes, {_MOST_KEPT // 4}
  %odd = or i1 %small, %large
  br i1 %odd, label %away, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %after, %next ]
  %place = getelementptr ptr, ptr @"zyg.kept", i64 %i
  %seen = load atomic ptr, ptr %place monotonic, align 8
  %empty = icmp eq ptr %seen, null
  br i1 %empty, label %try, label %next
try:
  %before = atomicrmw add ptr @"zyg.kept.bytes", i64 %bytes monotonic
  %sum = add i64 %before, %bytes
  %many = icmp ugt i64 %sum, {_MOST_KEPT}
  br i1 %many, label %full, label %put
full:
  %less = sub i64 0, %bytes
  %undone = atomicrmw add ptr @"zyg.kept.bytes", i64 %less monotonic
  br label %replace
put:
  %pair = cmpxchg ptr %place, ptr null, ptr %block acq_rel monotonic
  %done = extractvalue {{ ptr, i1 }} %pair, 1
  br i1 %done, label %end, label %taken
taken:
  %less2 = sub i64 0, %bytes
  %undone2 = atomicrmw add ptr @"zyg.kept.bytes", i64 %less2 monotonic
  br label %next
next:
  %after = add i64 %i, 1
  %more = icmp ult i64 %after, {_PLACES}
  br i1 %more, label %loop, label %replace
replace:
  %turn = atomicrmw add ptr @"zyg.kept.next", i64 1 monotonic
  %which = urem i64 %turn, {_PLACES}
  %where = getelementptr ptr, ptr @"zyg.kept", i64 %which
  %old = atomicrmw xchg ptr %where, ptr null acq_rel
  %nothing = icmp eq ptr %old, null
  br i1 %nothing, label %away, label %older
older:
  %at2 = getelementptr i8, ptr %old, i64 16
  %bytes2 = load i64, ptr %at2
  %less3 = sub i64 0, %bytes2
  %left = atomicrmw add ptr @"zyg.kept.bytes", i64 %less3 monotonic
  call void @free(ptr %old)
  br label %away
away:
  call void @free(ptr %block)
  br label %end
end:
  ret void
}}
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
; Likewise, of a new block of so many bytes, if there is one
define internal ptr @"zyg.linked"(ptr %list, ptr %block, i64 %all) nounwind {{
entry:
  %missing = icmp eq ptr %block, null
  br i1 %missing, label %none, label %some
none:
  ret ptr null
some:
  %at = getelementptr i8, ptr %block, i64 16
  store i64 %all, ptr %at
  %data = call ptr @"zyg.link"(ptr %list, ptr %block)
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
  %most = shl i64 %all, 1
  %kept = call ptr @"zyg.take"(i64 %all, i64 %most)
  %lack = icmp eq ptr %kept, null
  br i1 %lack, label %make, label %reuse
reuse:
  %old = call ptr @"zyg.link"(ptr %list, ptr %kept)
  ret ptr %old
make:
  %block = call ptr @malloc(i64 %all)
  %data = call ptr @"zyg.linked"(ptr %list, ptr %block, i64 %all)
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
  %most = shl i64 %all, 1
  %kept = call ptr @"zyg.take"(i64 %all, i64 %most)
  %lack = icmp eq ptr %kept, null
  br i1 %lack, label %make, label %reuse
reuse:
  %old = call ptr @"zyg.link"(ptr %list, ptr %kept)
  call void @llvm.memset.p0.i64(ptr %old, i8 0, i64 %bytes, i1 false)
  ret ptr %old
make:
  %block = call ptr @calloc(i64 %all, i64 1)
  %data = call ptr @"zyg.linked"(ptr %list, ptr %block, i64 %all)
  ret ptr %data
}}
; A piece of the room for a small buffer, or a block
define noalias ptr @"zyg.piece"(ptr %context, i64 %rows, i64 %width) nounwind {{
entry:
  %bytes = mul i64 %rows, %width
  %few = icmp ule i64 %rows, {_LARGEST_IN_ROOM}
  %less = icmp ule i64 %bytes, {_LARGEST_IN_ROOM}
  %small = and i1 %few, %less
  br i1 %small, label %seek, label %block
block:
  %own = call ptr @"zyg.alloc"(ptr %context, i64 %rows, i64 %width)
  ret ptr %own
seek:
  %more = add i64 %bytes, {LINE}
  %size = and i64 %more, -{LINE}
  %free.at = getelementptr i8, ptr %context, i64 {FREE}
  %end.at = getelementptr i8, ptr %context, i64 {END}
  %free = load ptr, ptr %free.at
  %end = load ptr, ptr %end.at
  %from = ptrtoint ptr %free to i64
  %to = ptrtoint ptr %end to i64
  %left = sub i64 %to, %from
  %fits = icmp uge i64 %left, %size
  br i1 %fits, label %take, label %full
take:
  %behind = getelementptr i8, ptr %free, i64 %size
  store ptr %behind, ptr %free.at
  ret ptr %free
full:
  %next.at = getelementptr i8, ptr %context, i64 {NEXT}
  %usual = load i64, ptr %next.at
  %least = add i64 %size, {LINE}
  %short = icmp ult i64 %usual, %least
  %room = select i1 %short, i64 %least, i64 %usual
  %made = call ptr @"zyg.alloc"(ptr %context, i64 %room, i64 1)
  %lack = icmp eq ptr %made, null
  br i1 %lack, label %none, label %start
none:
  ret ptr null
start:
  %start.at = ptrtoint ptr %made to i64
  %beyond = add i64 %start.at, {LINE - 1}
  %line = and i64 %beyond, -{LINE}
  %skip = sub i64 %line, %start.at
  %data = getelementptr i8, ptr %made, i64 %skip
  %double = shl i64 %room, 1
  %large = icmp ugt i64 %double, {_LARGEST_ROOM}
  %next = select i1 %large, i64 {_LARGEST_ROOM}, i64 %double
  store i64 %next, ptr %next.at
  %rest = getelementptr i8, ptr %data, i64 %size
  store ptr %rest, ptr %free.at
  %last = getelementptr i8, ptr %made, i64 %room
  store ptr %last, ptr %end.at
  ret ptr %data
}}
; A piece of the room that there is, or a block
define noalias ptr @"zyg.small"(ptr %context, i64 %rows, i64 %width) nounwind {{
entry:
  %bytes = mul i64 %rows, %width
  %more = add i64 %bytes, {LINE}
  %size = and i64 %more, -{LINE}
  %free.at = getelementptr i8, ptr %context, i64 {FREE}
  %end.at = getelementptr i8, ptr %context, i64 {END}
  %free = load ptr, ptr %free.at
  %end = load ptr, ptr %end.at
  %from = ptrtoint ptr %free to i64
  %to = ptrtoint ptr %end to i64
  %left = sub i64 %to, %from
  %fits = icmp uge i64 %left, %size
  %few = icmp ule i64 %rows, {_LARGEST_IN_ROOM}
  %small = and i1 %few, %fits
  br i1 %small, label %take, label %block
take:
  %behind = getelementptr i8, ptr %free, i64 %size
  store ptr %behind, ptr %free.at
  ret ptr %free
block:
  %own = call ptr @"zyg.alloc"(ptr %context, i64 %rows, i64 %width)
  ret ptr %own
}}
{_zeroed("small", FRAME_ROOM)}{_zeroed("piece", _LARGEST_IN_ROOM)}
; A grown block keeps its place in the ring: it belongs to the program that made it.  What grows once will grow again,
; so a kept block may be much larger.
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
  %old.at = getelementptr i8, ptr %before, i64 16
  %old.bytes = load i64, ptr %old.at
  %roomy = icmp uge i64 %old.bytes, %all
  br i1 %roomy, label %same, label %seek
same:
  ret ptr %data
seek:
  %most = mul i64 %all, {_LOOSE}
  %kept = call ptr @"zyg.take"(i64 %all, i64 %most)
  %lack = icmp eq ptr %kept, null
  br i1 %lack, label %stretch, label %copy
copy:
  %kept.at = getelementptr i8, ptr %kept, i64 16
  %kept.bytes = load i64, ptr %kept.at
  call void @llvm.memcpy.p0.p0.i64(ptr %kept, ptr %before, i64 %old.bytes, i1 false)
  call void @"zyg.drop"(ptr %before)
  br label %moved
stretch:
  %larger = call ptr @realloc(ptr %before, i64 %all)
  %missing = icmp eq ptr %larger, null
  br i1 %missing, label %none, label %moved
none:
  ret ptr null
moved:
  %block = phi ptr [ %kept, %copy ], [ %larger, %stretch ]
  %now = phi i64 [ %kept.bytes, %copy ], [ %all, %stretch ]
  %size = getelementptr i8, ptr %block, i64 16
  store i64 %now, ptr %size
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
  call void @"zyg.drop"(ptr %block)
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
