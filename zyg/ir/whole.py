"""Whole buffers copied and added, as matrices of one row."""

from __future__ import annotations

from zyg.ir.matrices import ONE, ZERO, Matrix, packed, sum_of
from zyg.ir.memory import mem_size
from zyg.ir.program import Op, Pos, Var
from zyg.ir.scalars import i8


def whole_copy(buffer: Var, pos: Pos) -> tuple[tuple[Op, Op], Var]:
    """The ops that copy a buffer, and the copy."""
    size = Var(i8)
    copying, copy = packed(Matrix(buffer, ZERO, size, ONE), (ONE, size), pos)
    assert isinstance(copy.buffer, Var)
    return (Op(mem_size, (buffer,), (size,), pos), copying), copy.buffer


def whole_sum(target: Var, added: Var, pos: Pos) -> tuple[Op, Op]:
    """The ops that add to all elements of a buffer those of another with as many."""
    size = Var(i8)
    one, two = (Matrix(buffer, ZERO, size, ONE) for buffer in (target, added))
    return Op(mem_size, (target,), (size,), pos), sum_of(one, two, (ONE, size), pos)
