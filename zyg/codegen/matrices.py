"""Ops on matrices: calls of routines that are compiled once in a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from zyg.codegen import matrix_careful, matrix_routines
from zyg.codegen.assembly import Value
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, integer_constant, width
from zyg.codegen.matrix_careful import CAREFUL_PARAMS
from zyg.codegen.matrix_routines import GEMM_PARAMS, PACK_PARAMS, SUM_PARAMS
from zyg.codegen.matrix_writer import COPIED, LETTERS, POINTERS
from zyg.codegen.memory import allocated, clear_unless, element_of
from zyg.codegen.support import Routine, Support
from zyg.ir.matrices import careful, flags, mem_gemm, mem_pack, mem_product, mem_sum
from zyg.ir.program import Op, Type


class _Routines:
    """The routines of one type of element."""

    def __init__(self, kind: Type) -> None:
        letter = (LETTERS | COPIED)[kind]

        usual = Support(matrix_routines.__name__, f"text_{letter}")
        care = Support(matrix_careful.__name__, f"text_{letter}", needs=(usual,))

        def routine(name: str, params: Sequence[str], support: Support = usual) -> Routine:
            types = tuple("ptr" if p in POINTERS else "i64" for p in params)
            return Routine(support, f"zyg.{name}.{letter}", "void", types)

        self.gemm = routine("gemm", GEMM_PARAMS)
        self.careful = routine("careful", CAREFUL_PARAMS, care)
        self.sum = routine("sum", SUM_PARAMS)
        self.pack = routine("pack", PACK_PARAMS)


@cache
def _routines(kind: Type) -> _Routines:
    return _Routines(kind)


def _matrix(f: Frame, op: Op, args: tuple[Parts, ...], number: int) -> tuple[Value, Value, Value]:
    """The address of the first element, and the strides."""
    (data, _), (first,), (rows,), (columns,) = args[4 * number : 4 * number + 4]
    bytes = f.body.binary("mul", first, integer_constant(width(element_of(op.args[4 * number]))))
    return f.body.offset(data, bytes), rows, columns


def _gemm(f: Frame, op: Op, args: tuple[Parts, ...], fresh: int = 0) -> list[Parts]:
    matrices = [value for number in range(3) for value in _matrix(f, op, args, number)]
    extents = (value for (value,) in args[12:15])
    given = (*matrices, *extents, *map(integer_constant, (*flags(op), fresh)))
    routines = _routines(element_of(op.args[0]))
    if any(careful(op)):
        routines.careful(f.body, *given, *map(integer_constant, careful(op)))
    else:
        routines.gemm(f.body, *given)
    return []


def _product(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    """C = A B, and the other elements of its buffer are zero; where C is a view that holds elements twice, it is the
    sum of what is in their places."""
    b, one = f.body, integer_constant(1)
    (rows,), (columns,), (m,), (n,) = (*args[2:4], *args[12:14])
    in_order = [
        b.binary("and", b.compare("icmp eq", unit, one), b.binary("or", b.compare("icmp sge", lead, length), single))
        for unit, lead, length, single in (
            (columns, rows, n, b.compare("icmp sle", m, one)),
            (rows, columns, m, b.compare("icmp sle", n, one)),
        )
    ]
    count = b.select(b.binary("or", *in_order), b.binary("mul", m, n), integer_constant(-1))
    clear_unless(f, op.args[0], args[0], count)
    return _gemm(f, op, args, fresh=1)


def _sum(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    matrices = [value for number in range(2) for value in _matrix(f, op, args, number)]
    _routines(element_of(op.args[0])).sum(f.body, *matrices, *(value for (value,) in args[8:]))
    return []


def _pack(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    (m,), (n,) = args[4:]
    copy = allocated(f, element_of(op.result), f.body.binary("mul", m, n), op, zero=False)
    _routines(element_of(op.result)).pack(f.body, copy[0], *_matrix(f, op, args, 0), m, n)
    return [copy]


lowering: dict[Any, Callable[[Frame, Op, tuple[Parts, ...]], list[Parts]]] = {
    mem_gemm: _gemm,
    mem_product: _product,
    mem_sum: _sum,
    mem_pack: _pack,
}
