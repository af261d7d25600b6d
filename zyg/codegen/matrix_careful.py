"""Products of matrices with elements that may be infinite, of which zeros make zeros; apart from the others, since few
programs have such.  They call those of `matrix_routines`.
"""

from __future__ import annotations

from zyg.codegen.assembly import Assembly, Value
from zyg.codegen.machine import Parts
from zyg.codegen.matrix_routines import GEMM_PARAMS, clear, gemm_name
from zyg.codegen.matrix_writer import LETTERS, POINTERS, ZERO, Writer
from zyg.ir.program import Type
from zyg.ir.scalars import c8, c16, f4, f8

CAREFUL_PARAMS = (*GEMM_PARAMS, "scan_a", "scan_b")


def _write_careful(assembly: Assembly, kind: Type) -> None:
    """C += A' B' where an element of A or B may not be finite, if it is to be scanned: zeros make zeros of it."""
    types = ["ptr" if name in POINTERS else "i64" for name in GEMM_PARAMS]
    assembly.declare(gemm_name(kind), "void", types, "nounwind")
    w = Writer(assembly, kind, f"zyg.careful.{LETTERS[kind]}", CAREFUL_PARAMS)
    b = w.b
    c, crs, ccs, a, ars, acs, b_, brs, bcs, m, n, k, conj_a, conj_b, fresh, scan_a, scan_b = w.params
    bad = w.plus(_not_finite(w, a, ars, acs, m, k, scan_a), _not_finite(w, b_, brs, bcs, k, n, scan_b))
    with w.when(w.all(*(b.compare("fcmp ord", part, part) for part in bad)), leave=True):
        b.call("void", gemm_name(kind), *w.params[: len(GEMM_PARAMS)])
    with w.when(b.compare("icmp ne", fresh, ZERO)):
        clear(w)
    none = w.constant(0.0)
    with w.loop(m) as i, w.loop(n) as j:
        with w.sums(k, none) as (at, total):
            one = w.conjugate(w.load(w.at(a, (i, ars), (at, acs))), conj_a)
            two = w.conjugate(w.load(w.at(b_, (at, brs), (j, bcs))), conj_b)
            zero = w.any(*(w.all(*(b.compare("fcmp oeq", part, none[0]) for part in x)) for x in (one, two)))
            product = tuple(b.select(zero, none[0], part) for part in w.times(one, two))
            total.append(w.plus(total[0], product))
        place = w.at(c, (i, crs), (j, ccs))
        w.store(w.plus(w.load(place), total[0]), place)
    w.done()


def _not_finite(w: Writer, data: Value, rs: Value, cs: Value, rows: Value, columns: Value, on: Value) -> Parts:
    """0 if all elements of a matrix are finite, or it is not to be scanned; else nan."""
    b, zero = w.b, w.constant(0.0)
    with w.sums(b.select(b.compare("icmp ne", on, ZERO), rows, ZERO), zero) as (i, outer):
        with w.sums(columns, outer[0]) as (j, inner):
            parts = w.load(w.at(data, (i, rs), (j, cs)))
            nothing = tuple(b.binary("fmul", part, zero[0]) for part in parts)
            inner.append(tuple(b.binary("fadd", x, y) for x, y in zip(inner[0], nothing, strict=True)))
        outer.append(inner[0])
    return outer[0]


def _text(kind: Type) -> str:
    assembly = Assembly()
    _write_careful(assembly, kind)
    return str(assembly)


def text_s() -> str:
    return _text(f4)


def text_d() -> str:
    return _text(f8)


def text_c() -> str:
    return _text(c8)


def text_z() -> str:
    return _text(c16)
