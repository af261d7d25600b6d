"""Routines for equations with factors that LAPACK computed, compiled once in a process.

OpenBLAS gives the smallest equations to several threads, which takes long where others wait for the processor: by its
`getrs`, `laswp` and `trtrs` always, by its `trsm` from 8 rows and columns on.  Here little work is done by one thread.
"""

from __future__ import annotations

from zyg.codegen.exported import name_blas

# So many columns at once, where there are fewer multiplications than OpenBLAS does in one thread if they are a product
_COLUMNS, _MUCH = 7, 1 << 18
_TEXT = """
; Swap, in every row of x, the elements i and pivots[i], counted from 1: in order, or backwards to undo it
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
; Solve A X = X' for the columns of X in place, as BLAS takes these arguments
define void @"zyg.triangular.{letter}"(i64 %uplo, i64 %trans, i64 %diag, i64 %n, i64 %columns, ptr %a, ptr %x)
nounwind {{
entry:
  %side.at = alloca i64
  %uplo.at = alloca i64
  %trans.at = alloca i64
  %diag.at = alloca i64
  %n.at = alloca i64
  %lead.at = alloca i64
  %count.at = alloca i64
  %one.at = alloca {number}
  %lead = call i64 @llvm.smax.i64(i64 %n, i64 1)
  store i64 {left}, ptr %side.at
  store i64 %uplo, ptr %uplo.at
  store i64 %trans, ptr %trans.at
  store i64 %diag, ptr %diag.at
  store i64 %n, ptr %n.at
  store i64 %lead, ptr %lead.at
  store {number} {one}, ptr %one.at
  %square = mul i64 %n, %n
  %work = mul i64 %square, %columns
  %little = icmp ult i64 %work, {_MUCH}
  %threads = icmp ugt i64 %n, {_COLUMNS}
  %few = and i1 %little, %threads
  %step = select i1 %few, i64 {_COLUMNS}, i64 %columns
  %some = icmp sgt i64 %columns, 0
  br i1 %some, label %block, label %done
block:
  %first = phi i64 [ 0, %entry ], [ %next, %block ]
  %left = sub i64 %columns, %first
  %count = call i64 @llvm.smin.i64(i64 %left, i64 %step)
  store i64 %count, ptr %count.at
  %start = mul i64 %first, %n
  %part = getelementptr {held}, ptr %x, i64 %start
  call void @"zyg.blas.{letter}trsm"(ptr %side.at, ptr %uplo.at, ptr %trans.at, ptr %diag.at, ptr %n.at, ptr %count.at,
    ptr %one.at, ptr %a, ptr %lead.at, ptr %part, ptr %lead.at)
  %next = add i64 %first, %step
  %more = icmp slt i64 %next, %columns
  br i1 %more, label %block, label %done
done:
  ret void
}}
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare void @"zyg.blas.{letter}trsm"(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr)
"""


def _text(letter: str, held: str, number: str, one: str) -> str:
    """held: how elements are copied.  BLAS reads ints and characters from the first bytes of words."""
    name_blas(letter, "trsm")
    return _TEXT.format(letter=letter, held=held, number=number, one=one, left=ord("L"), _MUCH=_MUCH, _COLUMNS=_COLUMNS)


def text_s() -> str:
    return _text("s", "i32", "float", "1.0")


def text_d() -> str:
    return _text("d", "i64", "double", "1.0")


def text_c() -> str:
    return _text("c", "i64", "{ float, float }", "{ float 1.0, float 0.0 }")


def text_z() -> str:
    return _text("z", "i128", "{ double, double }", "{ double 1.0, double 0.0 }")
