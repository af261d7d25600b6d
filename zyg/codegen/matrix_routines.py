"""Routines on matrices, compiled once in a process, which call BLAS where it is faster than loops.

BLAS comes with SciPy, whose `cython_blas` exports its functions to compiled code; they are given names here.
"""

from __future__ import annotations

from zyg.codegen.assembly import Assembly, Value
from zyg.codegen.exported import name_blas
from zyg.codegen.machine import integer_constant
from zyg.codegen.matrix_writer import COPIED, LETTERS, ONE, ZERO, Writer
from zyg.ir.program import Type
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8

# Products of fewer multiplications are computed by loops: calling BLAS costs more
_SMALL = 200
_NULL = Value("ptr", "null")
_PLAIN = Value("i8", str(ord("N")))
GEMM_PARAMS = (
    *("c", "crs", "ccs", "a", "ars", "acs", "b", "brs", "bcs"),
    *("m", "n", "k", "conj_a", "conj_b", "fresh"),
)
SUM_PARAMS = ("c", "crs", "ccs", "a", "ars", "acs", "m", "n")
PACK_PARAMS = ("c", "a", "ars", "acs", "m", "n")


def _loops_name(kind: Type) -> str:
    return f"zyg.loops.{LETTERS[kind]}"


def gemm_name(kind: Type) -> str:
    return f"zyg.gemm.{LETTERS[kind]}"


def _sum_name(kind: Type) -> str:
    return f"zyg.sum.{LETTERS[kind]}"


def _turned_name(kind: Type) -> str:
    return f"zyg.turned.{LETTERS[kind]}"


def _write_gemm(assembly: Assembly, kind: Type) -> None:
    """C += A' B', or C = A' B' where C is fresh: its elements are undefined then.

    Few multiplications, or strides that BLAS does not take: loops.  A vector: gemv.  Otherwise gemm, with copies of
    factors that BLAS does not take.
    """
    w = Writer(assembly, kind, gemm_name(kind), GEMM_PARAMS)
    b = w.b
    c, crs, ccs, a, ars, acs, b_, brs, bcs, m, n, k, conj_a, conj_b, _ = w.params

    def below(*numbers: Value) -> Value:
        return w.all(*(b.compare("icmp slt", x, integer_constant(2**31 - 1)) for x in numbers))

    work = b.binary("mul", b.binary("mul", m, n), k)
    with w.when(b.compare("icmp sle", work, integer_constant(_SMALL)), leave=True):
        b.call("void", _loops_name(kind), *w.params)
    for row, column, mat, vec, vec_step, out, out_step, own, other, rows in (
        (ars, acs, a, b_, brs, c, crs, conj_a, conj_b, m),
        (bcs, brs, b_, a, acs, c, ccs, conj_b, conj_a, n),
    ):
        with w.when(b.compare("icmp eq", n if mat is a else m, ONE)):
            for unit, lead, trans in ((row, column, False), (column, row, True)):
                fits = w.all(
                    b.compare("icmp eq", unit, ONE),
                    b.compare("icmp sge", lead, k if trans else rows),
                    b.compare("icmp sgt", vec_step, ZERO),
                    b.compare("icmp sgt", out_step, ZERO),
                    below(rows, k, lead, vec_step, out_step),
                    b.compare("icmp eq", other, ZERO),
                    # BLAS does not conjugate without transposing
                    *([] if trans else [b.compare("icmp eq", own, ZERO)]),
                )
                with w.when(fits, leave=True):
                    _gemv(w, trans, own, mat, lead, vec, vec_step, out, out_step, rows)
    loops = w.any(
        *(b.compare("icmp eq", x, ONE) for x in (m, n, k)),
        w.negated(below(m, n, k, ars, acs, brs, bcs, crs, ccs)),
    )
    with w.when(loops, leave=True):
        b.call("void", _loops_name(kind), *w.params)
    _by_gemm(w)
    b.give([])
    b.finish()


def _write_loops(assembly: Assembly, kind: Type) -> None:
    """C[i, :] += A[i, l] B[l, :] where the rows of B and C lie in order; else C[i, j] += A[i, :] · B[:, j].

    Where it is the columns of A and C that lie in order: Cᵀ += Bᵀ Aᵀ.
    """
    w = Writer(assembly, kind, _loops_name(kind), GEMM_PARAMS)
    b = w.b
    c, crs, ccs, a, ars, acs, b_, brs, bcs, m, n, k, conj_a, conj_b, fresh = w.params
    in_order = w.all(b.compare("icmp eq", bcs, ONE), b.compare("icmp eq", ccs, ONE), b.compare("icmp sgt", n, ONE))
    is_fresh = b.compare("icmp ne", fresh, ZERO)
    columns = w.all(b.compare("icmp eq", ars, ONE), b.compare("icmp eq", crs, ONE), b.compare("icmp sgt", m, ONE))
    with w.when(w.all(columns, w.negated(in_order)), leave=True):
        b.call("void", _loops_name(kind), c, ccs, crs, b_, bcs, brs, a, acs, ars, n, m, k, conj_b, conj_a, fresh)
    # Rows that share elements, as of views by windows, are added
    are_apart = w.any(b.compare("icmp sge", crs, n), b.compare("icmp sle", m, ONE))
    with w.when(w.all(in_order, is_fresh, are_apart, b.compare("icmp eq", k, ONE)), leave=True), w.loop(m) as i:
        factor = w.conjugate(w.load(w.at(a, (i, ars))), conj_a)
        with w.loop(n) as j:
            other = w.conjugate(w.load(w.at(b_, (j, ONE))), conj_b)
            w.store(w.times(factor, other), w.at(c, (i, crs), (j, ONE)))
    with w.when(is_fresh):
        clear(w)
    with w.when(in_order, leave=True), w.loop(m) as i, w.loop(k) as at:
        factor = w.conjugate(w.load(w.at(a, (i, ars), (at, acs))), conj_a)
        with w.loop(n) as j:
            place = w.at(c, (i, crs), (j, ONE))
            other = w.conjugate(w.load(w.at(b_, (at, brs), (j, ONE))), conj_b)
            w.store(w.plus(w.load(place), w.times(factor, other)), place)
    # Strides of 1 are told to LLVM
    with w.when(w.all(b.compare("icmp eq", acs, ONE), b.compare("icmp eq", brs, ONE)), leave=True):
        _dots(w, ONE, ONE)
    _dots(w, acs, brs)
    w.done()


def clear(w: Writer) -> None:
    """C = 0."""
    c, crs, ccs, m, n = (w.params[i] for i in (0, 1, 2, 9, 10))
    with w.loop(m) as i, w.loop(n) as j:
        w.store(w.constant(0.0), w.at(c, (i, crs), (j, ccs)))


def _kept(w: Writer) -> Value:
    """What BLAS multiplies C by before it adds to it."""
    place = w.number(1.0)
    with w.when(w.b.compare("icmp ne", w.params[14], ZERO)):
        w.store(w.constant(0.0), place)
    return place


def _dots(w: Writer, acs: Value, brs: Value) -> None:
    c, crs, ccs, a, ars, _, b_, _, bcs, m, n, k, conj_a, conj_b, _ = w.params
    with w.loop(m) as i, w.loop(n) as j:
        place = w.at(c, (i, crs), (j, ccs))
        start = w.constant(0.0)
        with w.sums(k, start) as (at, total):
            one = w.conjugate(w.load(w.at(a, (i, ars), (at, acs))), conj_a)
            two = w.conjugate(w.load(w.at(b_, (at, brs), (j, bcs))), conj_b)
            total.append(w.plus(total[0], w.times(one, two)))
        w.store(w.plus(w.load(place), total[0]), place)


def _gemv(
    w: Writer,
    trans: bool,
    conj: Value,
    mat: Value,
    lead: Value,
    vec: Value,
    vec_step: Value,
    out: Value,
    out_step: Value,
    rows: Value,
) -> None:
    """out += mat' · vec; mat lies column after column, or row after row (trans)."""
    k = w.params[11]
    height, length = (k, rows) if trans else (rows, k)
    w.blas(
        "gemv",
        *(w.letter(w.turning(conj) if trans else _PLAIN), w.whole(height), w.whole(length), w.number(1.0)),
        *(mat, w.whole(lead), vec, w.whole(vec_step), _kept(w), out, w.whole(out_step)),
    )


def _by_gemm(w: Writer) -> None:
    """One call of gemm, which wants matrices column after column, or told to be transposed.

    C row after row is Cᵀ column after column: Cᵀ += B'ᵀ A'ᵀ.  C with other strides is computed apart and added.
    """
    b = w.b
    c, crs, ccs, a, ars, acs, b_, brs, bcs, m, n, k, conj_a, conj_b, fresh = w.params

    def in_order(unit: Value, lead: Value, count: Value) -> Value:
        return b.binary("and", b.compare("icmp eq", unit, ONE), b.compare("icmp sge", lead, count))

    rowwise, columnwise = in_order(ccs, crs, n), in_order(crs, ccs, m)
    good = b.binary("or", rowwise, columnwise)
    flipped = b.binary("or", rowwise, w.negated(columnwise))

    def choose(x: Value, y: Value) -> Value:
        return b.select(flipped, x, y)

    # The factors of what is computed, by their strides within columns and between them
    height, length = choose(n, m), choose(m, n)
    given = (
        (choose(b_, a), choose(bcs, ars), choose(brs, acs), height, k, choose(conj_b, conj_a)),
        (choose(a, b_), choose(acs, brs), choose(ars, bcs), k, length, choose(conj_a, conj_b)),
    )
    plain = [
        b.binary("and", in_order(rs, cs, rows), b.compare("icmp eq", conj, ZERO)) for _, rs, cs, rows, _, conj in given
    ]
    fits = [b.binary("or", p, in_order(cs, rs, cols)) for p, (_, rs, cs, _, cols, _) in zip(plain, given, strict=True)]
    copies = [w.memory(fit, b.binary("mul", f[3], f[4])) for fit, f in zip(fits, given, strict=True)]
    apart = w.memory(good, b.binary("mul", m, n))
    owned = (*copies, apart)
    missing = [
        b.binary("and", w.negated(x), b.compare("icmp eq", y, _NULL)) for x, y in zip((*fits, good), owned, strict=True)
    ]
    with w.when(w.any(*missing), leave=True):
        b.call("void", _loops_name(w.kind), *w.params)
        w.free(*owned)
    factors = []
    for (data, rs, cs, rows, cols, conj), is_plain, fit, copy in zip(given, plain, fits, copies, strict=True):
        with w.when(w.negated(fit)):
            b.call("void", _turned_name(w.kind), copy, data, cs, rs, cols, rows, conj)
        letter = b.select(b.binary("or", is_plain, w.negated(fit)), _PLAIN, w.turning(conj))
        factors.append((b.select(fit, data, copy), b.select(fit, b.select(is_plain, cs, rs), rows), letter))
    with w.when(w.all(w.negated(good), b.compare("icmp ne", fresh, ZERO))):
        clear(w)
    (one, lead_one, letter_one), (two, lead_two, letter_two) = factors
    w.blas(
        "gemm",
        *(w.letter(letter_one), w.letter(letter_two), w.whole(height), w.whole(length), w.whole(k), w.number(1.0)),
        *(one, w.whole(lead_one), two, w.whole(lead_two), _kept(w)),
        *(b.select(good, c, apart), w.whole(b.select(good, b.select(rowwise, crs, ccs), n))),
    )
    with w.when(w.negated(good)):
        b.call("void", _sum_name(w.kind), c, crs, ccs, apart, n, ONE, m, n)
    w.free(*owned)


def _write_sum(assembly: Assembly, kind: Type) -> None:
    """C += A."""
    w = Writer(assembly, kind, _sum_name(kind), SUM_PARAMS)
    b, ccs, acs = w.b, w.params[2], w.params[5]
    with w.when(w.all(b.compare("icmp eq", ccs, ONE), b.compare("icmp eq", acs, ONE)), leave=True):
        _add_rows(w, ONE, ONE)
    _add_rows(w, ccs, acs)
    w.done()


def _add_rows(w: Writer, ccs: Value, acs: Value) -> None:
    c, crs, _, a, ars, _, m, n = w.params
    with w.loop(m) as i, w.loop(n) as j:
        place = w.at(c, (i, crs), (j, ccs))
        w.store(w.plus(w.load(place), w.load(w.at(a, (i, ars), (j, acs)))), place)


def _write_pack(assembly: Assembly, kind: Type) -> None:
    w = Writer(assembly, kind, f"zyg.pack.{(LETTERS | COPIED)[kind]}", PACK_PARAMS)
    c, a, ars, acs, m, n = w.params
    with w.loop(m) as i, w.loop(n) as j:
        w.store(w.load(w.at(a, (i, ars), (j, acs))), w.at(c, (i, n), (j, ONE)))
    w.b.give([])
    w.b.finish()


def _write_turned(assembly: Assembly, kind: Type) -> None:
    """`pack`, and conjugated if `conj_a`."""
    w = Writer(assembly, kind, _turned_name(kind), (*PACK_PARAMS, "conj_a"))
    c, a, ars, acs, m, n, conj = w.params
    with w.loop(m) as i, w.loop(n) as j:
        w.store(w.conjugate(w.load(w.at(a, (i, ars), (j, acs))), conj), w.at(c, (i, n), (j, ONE)))
    w.done()


def _text(kind: Type) -> str:
    assembly = Assembly()
    for write in (_write_loops, _write_turned, _write_gemm, _write_sum, _write_pack):
        write(assembly, kind)
    return str(assembly)


def text_i() -> str:
    return _packing(i8)


def text_b() -> str:
    return _packing(b1)


def _packing(kind: Type) -> str:
    assembly = Assembly()
    _write_pack(assembly, kind)
    return str(assembly)


def text_s() -> str:
    name_blas("s", "gemm", "gemv")
    return _text(f4)


def text_d() -> str:
    name_blas("d", "gemm", "gemv")
    return _text(f8)


def text_c() -> str:
    name_blas("c", "gemm", "gemv")
    return _text(c8)


def text_z() -> str:
    name_blas("z", "gemm", "gemv")
    return _text(c16)
