"""Ops on matrices in memory: products through BLAS, packed copies, sums.

A matrix is four operands: its buffer, the number of its first element, and the strides between its rows and between
its columns, in elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numba import types

from zyg.ir.program import Const, Op, Operand, Pos, Var
from zyg.ir.scalars import i8
from zyg.rules.primitives import Primitive, table


def mem_gemm(*operands: Any) -> None:
    """C += A' B' of matrices C (m, n), A (m, k), B (k, n); no result.

    Operands: those of C, A and B, then m, n, k, then of A and B what is to be known of them: whether A' is the
    conjugate (1), and whether its elements may be infinite, while zeros of the other matrix make zeros of them
    (`CAREFUL`).  C shares no element with A or B.
    """
    raise RuntimeError(_PLACES)


def mem_product(*operands: Any) -> None:
    """C = A' B', and 0 for elements of the buffer that are none of C's; no result.

    Operands as those of `mem_gemm`.  It is written by the last passes and has no derivative.
    """
    raise RuntimeError(_PLACES)


def mem_pack(*operands: Any) -> Any:
    """A buffer with the elements of a matrix, row after row.  Operands: the matrix, then its rows and columns."""
    raise RuntimeError(_PLACES)


def mem_sum(*operands: Any) -> None:
    """C += A of matrices; no result.  Operands: those of C and A, then the rows and columns of both.

    C shares no element with A.
    """
    raise RuntimeError(_PLACES)


_PLACES = "buffers exist in compiled or interpreted programs only"

for _fn in (mem_gemm, mem_product, mem_pack, mem_sum):
    table[_fn] = Primitive(_fn.__name__, 1, effect=True)

ONE, ZERO = Const(1, i8), Const(0, i8)
CAREFUL = 2
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The operands of one matrix."""

    buffer: Operand
    first: Operand
    rows: Operand
    columns: Operand

    @property
    def operands(self) -> tuple[Operand, ...]:
        return self.buffer, self.first, self.rows, self.columns

    @property
    def transposed(self) -> Matrix:
        return Matrix(self.buffer, self.first, self.columns, self.rows)

    def over(self, buffer: Operand) -> Matrix:
        """The same elements of another buffer."""
        return replace(self, buffer=buffer)


def matrix(op: Op, number: int) -> Matrix:
    """The matrix number `number` among the operands of an op."""
    return Matrix(*op.args[4 * number : 4 * number + 4])


def is_complex(buffer: Operand) -> bool:
    return isinstance(getattr(buffer.type, "dtype", None), types.Complex)


def gemm(
    c: Matrix, a: Matrix, b: Matrix, extents: Sequence[Operand], conjugate: Pair, pos: Pos, careful: Pair = (0, 0)
) -> Op:
    """The op C += A' B'; extents: m, n, k.  careful: may elements of A and B be infinite?"""
    known = zip((int(on and is_complex(c.buffer)) for on in conjugate), careful, strict=True)
    flags = tuple(Const(on + CAREFUL * own, i8) for on, own in known)
    return Op(mem_gemm, (*c.operands, *a.operands, *b.operands, *extents, *flags), (), pos)


def flags(op: Op) -> Pair:
    """Whether the factors of a `mem_gemm` are conjugated."""
    a, b = (int(arg.value.real) % CAREFUL for arg in op.args[15:] if isinstance(arg, Const))
    return a, b


def careful(op: Op) -> Pair:
    """Whether elements of the factors of a `mem_gemm` may be infinite where those of the other one are zero."""
    a, b = (int(arg.value.real) // CAREFUL for arg in op.args[15:] if isinstance(arg, Const))
    return a, b


def factor_adjoints(op: Op, dc: Operand, da: Operand | None, db: Operand | None, infinite: bool = False) -> list[Op]:
    """The ops that add to the shadows `da` and `db` of the factors of a `mem_gemm`, whose result has shadow `dc`.

    infinite: elements of that may be infinite.

    Original:  C += A B        Adjoint:  dA += dC Bᴴ;  dB += Aᴴ dC
    Original:  C += A̅ B        Adjoint:  dA += d̅C̅ Bᵀ;  dB += Aᵀ dC
    """
    c, a, b = (matrix(op, number) for number in range(3))
    m, n, k = op.args[12:15]
    conj_a, conj_b = flags(op)
    care_a, care_b = careful(op)
    care = int(infinite or care_a or care_b)
    seed = c.over(dc)
    ops = []
    if da is not None:
        turned = (conj_a, conj_a ^ conj_b ^ 1)
        ops.append(gemm(a.over(da), seed, b.transposed, (m, k, n), turned, op.pos, (care, care_b)))
    if db is not None:
        turned = (conj_a ^ conj_b ^ 1, conj_b)
        ops.append(gemm(b.over(db), a.transposed, seed, (k, n, m), turned, op.pos, (care_a, care)))
    return ops


def factor_tangents(
    op: Op, c_dot: Operand, a_dot: Operand | None, b_dot: Operand | None, infinite: bool = False
) -> list[Op]:
    """Original:  C += A B        Tangent:  Ċ += Ȧ B + A Ḃ

    infinite: elements of tangents may be infinite.
    """
    c, a, b = (matrix(op, number) for number in range(3))
    care_a, care_b = careful(op)
    care = int(infinite or care_a or care_b)
    found = [(a.over(a_dot), b, (care, care_b))] if a_dot is not None else []
    found += [(a, b.over(b_dot), (care_a, care))] if b_dot is not None else []
    return [gemm(c.over(c_dot), x, y, op.args[12:15], flags(op), op.pos, own) for x, y, own in found]


def sum_of(c: Matrix, a: Matrix, extents: Sequence[Operand], pos: Pos) -> Op:
    """The op C += A."""
    return Op(mem_sum, (*c.operands, *a.operands, *extents), (), pos)


def packed(a: Matrix, extents: Sequence[Operand], pos: Pos) -> tuple[Op, Matrix]:
    """The op that copies A, and its copy as a matrix."""
    buffer = a.buffer
    assert isinstance(buffer, Var)
    copy = Var(buffer.type, buffer.name)
    return Op(mem_pack, (*a.operands, *extents), (copy,), pos), Matrix(copy, ZERO, extents[1], ONE)
