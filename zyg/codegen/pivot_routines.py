"""The interchanges of LAPACK's pivots, compiled once in a process, and run by one thread."""

from __future__ import annotations

_TEXT = """
define void @"zyg.interchange.{letter}"(i64 %n, i64 %rows, i64 %undo, ptr %x, ptr %pivots) nounwind {{
entry:
  %last = sub i64 %n, 1
  %backwards = icmp ne i64 %undo, 0
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %row, label %done
row:
  %r = phi i64 [ 0, %entry ], [ %r.next, %row.end ]
  %more = icmp slt i64 %r, %rows
  br i1 %more, label %first, label %done
first:
  %start = mul i64 %r, %n
  %line = getelementptr {held}, ptr %x, i64 %start
  br label %swap
swap:
  %k = phi i64 [ 0, %first ], [ %k.next, %swap ]
  %mirrored = sub i64 %last, %k
  %i = select i1 %backwards, i64 %mirrored, i64 %k
  %pivot = getelementptr i32, ptr %pivots, i64 %i
  %counted = load i32, ptr %pivot
  %wide = sext i32 %counted to i64
  %j = sub i64 %wide, 1
  %one = getelementptr {held}, ptr %line, i64 %i
  %other = getelementptr {held}, ptr %line, i64 %j
  %a = load {held}, ptr %one, align 4
  %b = load {held}, ptr %other, align 4
  store {held} %b, ptr %one, align 4
  store {held} %a, ptr %other, align 4
  %k.next = add i64 %k, 1
  %again = icmp slt i64 %k.next, %n
  br i1 %again, label %swap, label %row.end
row.end:
  %r.next = add i64 %r, 1
  br label %row
done:
  ret void
}}
"""


def text_s() -> str:
    """Swap, in every row of `x`, the elements i and pivots[i], counted from 1: in order, or backwards to undo it."""
    return _TEXT.format(letter="s", held="i32")


def text_d() -> str:
    return _TEXT.format(letter="d", held="i64")


def text_c() -> str:
    return _TEXT.format(letter="c", held="i64")


def text_z() -> str:
    return _TEXT.format(letter="z", held="i128")
