"""Powers that need a loop or a branch, as support routines."""

from __future__ import annotations

from zyg.codegen.support import Routine, Support

_INTEGER = """
define i64 @"zyg.ipow"(i64 %x, i64 %n) nounwind memory(none) {
entry:
  %negative = icmp slt i64 %n, 0
  br i1 %negative, label %zero, label %loop
loop:
  %rest = phi i64 [ %n, %entry ], [ %halved, %next ]
  %factor = phi i64 [ %x, %entry ], [ %squared, %next ]
  %product = phi i64 [ 1, %entry ], [ %taken, %next ]
  %more = icmp ne i64 %rest, 0
  br i1 %more, label %next, label %done
next:
  %odd = trunc i64 %rest to i1
  %multiplied = mul i64 %product, %factor
  %taken = select i1 %odd, i64 %multiplied, i64 %product
  %squared = mul i64 %factor, %factor
  %halved = lshr i64 %rest, 1
  br label %loop
done:
  ret i64 %product
zero:
  ret i64 0
}"""

# z ** n: as CPython, by repeated squaring up to 100, beyond by polar coordinates, which lose less.
_COMPLEX_INTEGER = """
declare i64 @llvm.abs.i64(i64, i1)
define { double, double } @"zyg.cpowi"(double %re, double %im, i64 %n) nounwind memory(none) {
entry:
  %size = call i64 @llvm.abs.i64(i64 %n, i1 false)
  %large = icmp ugt i64 %size, 100
  br i1 %large, label %far, label %loop
far:
  %exponent = sitofp i64 %n to double
  %polar = call { double, double } @"zyg.cpolar"(double %re, double %im, double %exponent, double 0.0)
  ret { double, double } %polar
loop:
  %rest = phi i64 [ %size, %entry ], [ %halved, %next ]
  %fr = phi double [ %re, %entry ], [ %sr, %next ]
  %fi = phi double [ %im, %entry ], [ %si, %next ]
  %pr = phi double [ 1.0, %entry ], [ %tr, %next ]
  %pi = phi double [ 0.0, %entry ], [ %ti, %next ]
  %more = icmp ne i64 %rest, 0
  br i1 %more, label %next, label %done
next:
  %odd = trunc i64 %rest to i1
  %prfr = fmul double %pr, %fr
  %pifi = fmul double %pi, %fi
  %prfi = fmul double %pr, %fi
  %pifr = fmul double %pi, %fr
  %mr = fsub double %prfr, %pifi
  %mi = fadd double %prfi, %pifr
  %tr = select i1 %odd, double %mr, double %pr
  %ti = select i1 %odd, double %mi, double %pi
  %frfr = fmul double %fr, %fr
  %fifi = fmul double %fi, %fi
  %frfi = fmul double %fr, %fi
  %sr = fsub double %frfr, %fifi
  %si = fadd double %frfi, %frfi
  %halved = lshr i64 %rest, 1
  br label %loop
done:
  %negative = icmp slt i64 %n, 0
  br i1 %negative, label %invert, label %give
invert:
  %ar = call double @llvm.fabs.f64(double %pr)
  %ai = call double @llvm.fabs.f64(double %pi)
  %wide = fcmp oge double %ar, %ai
  %big = select i1 %wide, double %pr, double %pi
  %small = select i1 %wide, double %pi, double %pr
  %ratio = fdiv double %small, %big
  %scaled = fmul double %small, %ratio
  %bottom = fadd double %big, %scaled
  %first = select i1 %wide, double 1.0, double %ratio
  %second = select i1 %wide, double %ratio, double 1.0
  %ir = fdiv double %first, %bottom
  %turned = fneg double %second
  %ii = fdiv double %turned, %bottom
  br label %give
give:
  %gr = phi double [ %pr, %done ], [ %ir, %invert ]
  %gi = phi double [ %pi, %done ], [ %ii, %invert ]
  %half = insertvalue { double, double } poison, double %gr, 0
  %whole = insertvalue { double, double } %half, double %gi, 1
  ret { double, double } %whole
}"""

_POLAR = """
declare double @hypot(double, double) nounwind willreturn memory(none)
declare double @atan2(double, double) nounwind willreturn memory(none)
declare double @llvm.pow.f64(double, double)
declare double @llvm.exp.f64(double)
declare double @llvm.log.f64(double)
declare double @llvm.sin.f64(double)
declare double @llvm.cos.f64(double)
declare double @llvm.fabs.f64(double)
define internal { double, double } @"zyg.cpolar"(double %ar, double %ai, double %br, double %bi) nounwind memory(none) {
entry:
  %size = call double @hypot(double %ar, double %ai)
  %zero = fcmp oeq double %size, 0.0
  br i1 %zero, label %nothing, label %something
nothing:
  %positive = fcmp ogt double %br, 0.0
  %value = select i1 %positive, double 0.0, double 0x7ff8000000000000
  %n0 = insertvalue { double, double } poison, double %value, 0
  %n1 = insertvalue { double, double } %n0, double %value, 1
  ret { double, double } %n1
something:
  %length0 = call double @llvm.pow.f64(double %size, double %br)
  %angle = call double @atan2(double %ai, double %ar)
  %phase0 = fmul double %angle, %br
  %turning = fcmp une double %bi, 0.0
  br i1 %turning, label %turn, label %give
turn:
  %product = fmul double %angle, %bi
  %opposite = fneg double %product
  %damping = call double @llvm.exp.f64(double %opposite)
  %length1 = fmul double %length0, %damping
  %log = call double @llvm.log.f64(double %size)
  %winding = fmul double %bi, %log
  %phase1 = fadd double %phase0, %winding
  br label %give
give:
  %length = phi double [ %length0, %something ], [ %length1, %turn ]
  %phase = phi double [ %phase0, %something ], [ %phase1, %turn ]
  %cos = call double @llvm.cos.f64(double %phase)
  %sin = call double @llvm.sin.f64(double %phase)
  %re = fmul double %length, %cos
  %im = fmul double %length, %sin
  %g0 = insertvalue { double, double } poison, double %re, 0
  %g1 = insertvalue { double, double } %g0, double %im, 1
  ret { double, double } %g1
}"""

_COMPLEX = """
declare double @llvm.floor.f64(double)
define { double, double } @"zyg.cpow"(double %ar, double %ai, double %br, double %bi) nounwind memory(none) {
entry:
  %real = fcmp oeq double %bi, 0.0
  %floor = call double @llvm.floor.f64(double %br)
  %whole = fcmp oeq double %floor, %br
  %size = call double @llvm.fabs.f64(double %br)
  %small = fcmp ole double %size, 100.0
  %both = and i1 %real, %whole
  %all = and i1 %both, %small
  br i1 %all, label %integer, label %general
integer:
  %n = fptosi double %br to i64
  %product = call { double, double } @"zyg.cpowi"(double %ar, double %ai, i64 %n)
  ret { double, double } %product
general:
  %polar = call { double, double } @"zyg.cpolar"(double %ar, double %ai, double %br, double %bi)
  ret { double, double } %polar
}"""

_PAIR = "{ double, double }"
_PURE = "nounwind willreturn memory(none)"


def integer_text() -> str:
    return _INTEGER


def complex_text() -> str:
    return _POLAR + _COMPLEX_INTEGER + _COMPLEX


_integer = Support(__name__, "integer_text")
_complex = Support(__name__, "complex_text")

INTEGER_POWER = Routine(_integer, "zyg.ipow", "i64", ("i64", "i64"), _PURE)
COMPLEX_INTEGER_POWER = Routine(_complex, "zyg.cpowi", _PAIR, ("double", "double", "i64"), _PURE)
COMPLEX_POWER = Routine(_complex, "zyg.cpow", _PAIR, ("double",) * 4, _PURE)
