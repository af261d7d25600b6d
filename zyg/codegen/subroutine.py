"""Primitives that need a loop or a branch: functions in LLVM's own language, added to a module that calls them."""

from __future__ import annotations

from struct import pack

from zyg.codegen.assembly import Assembly, Body, Value

_INTEGER_POWER = """
define internal i64 @"zyg.ipow"(i64 %x, i64 %n) nounwind memory(none) {
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

_GREATEST_COMMON_DIVISOR = """
declare i64 @llvm.abs.i64(i64, i1)
define internal i64 @"zyg.gcd"(i64 %x, i64 %y) nounwind memory(none) {
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

# z ** n: as CPython, by repeated squaring up to 100, beyond by polar coordinates, which lose less.
_COMPLEX_INTEGER_POWER = """
declare i64 @llvm.abs.i64(i64, i1)
define internal { double, double } @"zyg.cpowi"(double %re, double %im, i64 %n) nounwind memory(none) {
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

_COMPLEX_POLAR_POWER = """
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

_COMPLEX_POWER = """
declare double @llvm.floor.f64(double)
define internal { double, double } @"zyg.cpow"(double %ar, double %ai, double %br, double %bi) nounwind memory(none) {
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
define internal double @"zyg.round"(double %x, i64 %digits) noinline nounwind {
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
define internal double @"zyg.zeta"(double %s, double %q) noinline nounwind memory(none) {
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

_TEXTS = {
    "zyg.zeta.positive": ("double", (), _POSITIVE_ZETA),
    "zyg.zeta": ("double", ("zyg.zeta.positive",), _ZETA),
    "zyg.ipow": ("i64", (), _INTEGER_POWER),
    "zyg.gcd": ("i64", (), _GREATEST_COMMON_DIVISOR),
    "zyg.cpolar": ("{ double, double }", (), _COMPLEX_POLAR_POWER),
    "zyg.cpowi": ("{ double, double }", ("zyg.cpolar",), _COMPLEX_INTEGER_POWER),
    "zyg.cpow": ("{ double, double }", ("zyg.cpowi", "zyg.cpolar"), _COMPLEX_POWER),
    "zyg.round": ("double", (), _ROUND),
}


def add(assembly: Assembly, name: str) -> str:
    """Put subroutine `name` and what it calls into the module; its result type."""
    result, callees, text = _TEXTS[name]
    if not assembly.defines(name):
        for callee in callees:
            add(assembly, callee)
        assembly.import_text(name, text)
    return result


def call(b: Body, name: str, *args: Value) -> Value:
    return b.call(add(b.assembly, name), name, *args)
