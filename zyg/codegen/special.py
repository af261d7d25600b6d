"""Integer and special functions that need a loop, as support routines."""

from __future__ import annotations

from struct import pack

from zyg.codegen.support import Routine, Support

_GREATEST_COMMON_DIVISOR = """
declare i64 @llvm.abs.i64(i64, i1)
define i64 @"zyg.gcd"(i64 %x, i64 %y) nounwind memory(none) {
entry:
  %a0 = call i64 @llvm.abs.i64(i64 %x, i1 false)
  %b0 = call i64 @llvm.abs.i64(i64 %y, i1 false)
  br label %loop
loop:
  %a = phi i64 [ %a0, %entry ], [ %b, %next ]
  %b = phi i64 [ %b0, %entry ], [ %rest, %next ]
  %more = icmp ne i64 %b, 0
  br i1 %more, label %next, label %done
next:
  %rest = urem i64 %a, %b
  br label %loop
done:
  ret i64 %a
}"""

# B(2j) / (2j)!
_EULER_MACLAURIN = (
    *(1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600),
    *(-3617 / 10670622842880000, 43867 / 5109094217170944000, -174611 / 802857662698291200000),
)


def _zeta_terms() -> str:
    lines = [
        "%t0 = fmul double %power, %s",
        "%p0 = fdiv double %t0, %a",
        "%square = fmul double %a, %a",
        "%sum0 = fadd double %start, 0.0",
    ]
    for j, coefficient in enumerate(_EULER_MACLAURIN):
        lines += [
            f"%term{j} = fmul double %p{j}, 0x{pack('>d', coefficient).hex()}",
            f"%sum{j + 1} = fadd double %sum{j}, %term{j}",
            f"%u{j} = fadd double %s, {2 * j + 1}.0",
            f"%w{j} = fadd double %s, {2 * j + 2}.0",
            f"%q{j} = fmul double %u{j}, %w{j}",
            f"%r{j} = fdiv double %q{j}, %square",
            f"%p{j + 1} = fmul double %p{j}, %r{j}",
        ]
    return "\n".join(f"  {line}" for line in lines)


# Hurwitz' zeta function for positive q, by its sum up to q ≥ 10 + s and Euler and Maclaurin's formula from there
_POSITIVE_ZETA = f"""
declare double @llvm.pow.f64(double, double)
define internal double @"zyg.zeta.positive"(double %s, double %q) nounwind memory(none) {{
entry:
  %minus = fneg double %s
  %far = fadd double %s, 10.0
  br label %loop
loop:
  %a = phi double [ %q, %entry ], [ %next, %body ]
  %sum = phi double [ 0.0, %entry ], [ %more, %body ]
  %power = call double @llvm.pow.f64(double %a, double %minus)
  %near = fcmp olt double %a, %far
  br i1 %near, label %body, label %done
body:
  %more = fadd double %sum, %power
  %next = fadd double %a, 1.0
  br label %loop
done:
  %less = fsub double %s, 1.0
  %rising = fneg double %less
  %area = call double @llvm.pow.f64(double %a, double %rising)
  %integral = fdiv double %area, %less
  %half = fmul double %power, 0.5
  %both = fadd double %integral, %half
  %start = fadd double %sum, %both
{_zeta_terms()}
  ret double %sum{len(_EULER_MACLAURIN)}
}}"""

# For negative q and whole s: the terms q, q + 1, ... below 0 are, up to sign, a piece of the sum from r > 0 on
_ZETA = """
declare double @llvm.floor.f64(double)
define double @"zyg.zeta"(double %s, double %q) nounwind memory(none) {
entry:
  %positive = fcmp ogt double %q, 0.0
  br i1 %positive, label %direct, label %negative
direct:
  %value = call double @"zyg.zeta.positive"(double %s, double %q)
  ret double %value
negative:
  %floor = call double @llvm.floor.f64(double %q)
  %fraction = fsub double %q, %floor
  %pole = fcmp oeq double %fraction, 0.0
  br i1 %pole, label %infinite, label %around
infinite:
  ret double 0x7ff0000000000000
around:
  %above = call double @"zyg.zeta.positive"(double %s, double %fraction)
  %r = fsub double 1.0, %fraction
  %end = fsub double 1.0, %q
  %all = call double @"zyg.zeta.positive"(double %s, double %r)
  %beyond = call double @"zyg.zeta.positive"(double %s, double %end)
  %piece = fsub double %all, %beyond
  %order = fptosi double %s to i64
  %odd = trunc i64 %order to i1
  %turned = fneg double %piece
  %signed = select i1 %odd, double %turned, double %piece
  %sum = fadd double %above, %signed
  ret double %sum
}"""

# The decimal digits of the exact binary value are rounded half to even by the C library, as Python's own code does.
# For negative n they are counted from the leading one, whose place log10 gives: a number so close below a power of
# ten that log10 rounds up to it is rounded to that power by any of the lengths in question.
_ROUND = """
@"zyg.round.fixed" = private unnamed_addr constant [5 x i8] c"%.*f\\00"
@"zyg.round.leading" = private unnamed_addr constant [5 x i8] c"%.*e\\00"
declare i32 @snprintf(ptr, i64, ptr, ...) nounwind
declare double @strtod(ptr, ptr) nounwind
declare double @llvm.log10.f64(double)
declare double @llvm.floor.f64(double)
declare double @llvm.fabs.f64(double)
declare double @llvm.copysign.f64(double, double)
declare double @llvm.pow.f64(double, double)
define double @"zyg.round"(double %x, i64 %digits) nounwind {
entry:
  %buffer = alloca [768 x i8], align 16
  %size = call double @llvm.fabs.f64(double %x)
  %finite = fcmp olt double %size, 0x7ff0000000000000
  %zero = fcmp oeq double %size, 0.0
  %fine = icmp sgt i64 %digits, 323
  %infinite = xor i1 %finite, true
  %as0 = or i1 %infinite, %zero
  %as1 = or i1 %as0, %fine
  br i1 %as1, label %same, label %rounding
same:
  ret double %x
rounding:
  %fraction = icmp sge i64 %digits, 0
  br i1 %fraction, label %fixed, label %whole
fixed:
  %count = trunc i64 %digits to i32
  %f = call i32 (ptr, i64, ptr, ...) @snprintf(ptr %buffer, i64 768, ptr @"zyg.round.fixed", i32 %count, double %x)
  br label %read
whole:
  %log = call double @llvm.log10.f64(double %size)
  %floor = call double @llvm.floor.f64(double %log)
  %place = fptosi double %floor to i64
  %coarse = icmp slt i64 %digits, -400
  %bounded = select i1 %coarse, i64 -400, i64 %digits
  %kept = add i64 %place, %bounded
  %some = icmp sge i64 %kept, 0
  br i1 %some, label %leading, label %unit
leading:
  %keep = trunc i64 %kept to i32
  %e = call i32 (ptr, i64, ptr, ...) @snprintf(ptr %buffer, i64 768, ptr @"zyg.round.leading", i32 %keep, double %x)
  br label %read
unit:
  %above = sub i64 0, %bounded
  %exponent = sitofp i64 %above to double
  %step = call double @llvm.pow.f64(double 10.0, double %exponent)
  %middle = fmul double %step, 0.5
  %more = fcmp ogt double %size, %middle
  %result = select i1 %more, double %step, double 0.0
  %signed = call double @llvm.copysign.f64(double %result, double %x)
  ret double %signed
read:
  %number = call double @strtod(ptr %buffer, ptr null)
  ret double %number
}"""

_PURE = "nounwind willreturn memory(none)"


def gcd_text() -> str:
    return _GREATEST_COMMON_DIVISOR


def zeta_text() -> str:
    return _POSITIVE_ZETA + _ZETA


def round_text() -> str:
    return _ROUND


GREATEST_COMMON_DIVISOR = Routine(Support(__name__, "gcd_text"), "zyg.gcd", "i64", ("i64", "i64"), _PURE)
ZETA = Routine(Support(__name__, "zeta_text"), "zyg.zeta", "double", ("double", "double"), _PURE)
ROUND = Routine(Support(__name__, "round_text"), "zyg.round", "double", ("double", "i64"), _PURE)
