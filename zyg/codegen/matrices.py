"""Ops on matrices: calls of routines that are compiled once in a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from zyg.codegen import matrix_careful, matrix_routines
from zyg.codegen.assembly import Value
from zyg.codegen.frame import Frame
from zyg.codegen.lane_matrices import Strided, by_columns, pack_lanes, strided
from zyg.codegen.machine import Parts, integer_constant
from zyg.codegen.matrix_careful import CAREFUL_PARAMS
from zyg.codegen.matrix_routines import GEMM_PARAMS, PACK_PARAMS, SUM_PARAMS
from zyg.codegen.matrix_writer import COPIED, LETTERS, POINTERS
from zyg.codegen.memory import allocated, clear_unless, element_of
from zyg.codegen.support import Routine, Support
from zyg.ir.lanes import LanesType, dtype_of_lanes
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


def _gemm(f: Frame, op: Op, args: tuple[Parts, ...], fresh: int = 0) -> list[Parts]:
    c, one, two = (strided(f, op, args, number) for number in range(3))
    m, n, k = (value for (value,) in args[12:15])
    kind = element_of(op.args[0])
    routines = _routines(dtype_of_lanes(kind))

    def product(c: Strided, a: Strided, b: Strided, m: Value, n: Value) -> None:
        matrices = (*c.operands, *a.operands, *b.operands)
        given = (*matrices, m, n, k, *map(integer_constant, (*flags(op), fresh)))
        if any(careful(op)):
            routines.careful(f.body, *given, *map(integer_constant, careful(op)))
        else:
            routines.gemm(f.body, *given)

    if not isinstance(kind, LanesType):
        product(c, one, two, m, n)
    elif isinstance(element_of(op.args[8]), LanesType):
        by_columns(f.body, kind, c, two, n, lambda c, two, wide: product(c, one, two, m, wide))
    else:
        rows = c.turned, one.turned
        by_columns(f.body, kind, *rows, m, lambda c, one, wide: product(c.turned, one.turned, two, wide, n))
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
    c, added = (strided(f, op, args, number) for number in range(2))
    (m,), (n,) = args[8:]
    kind = element_of(op.args[0])
    routines = _routines(dtype_of_lanes(kind))

    def total(c: Strided, added: Strided, n: Value) -> None:
        routines.sum(f.body, *c.operands, *added.operands, m, n)

    if isinstance(kind, LanesType):
        by_columns(f.body, kind, c, added, n, total)
    else:
        total(c, added, n)
    return []


def _pack(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    (m,), (n,) = args[4:]
    copy = allocated(f, element_of(op.result), f.body.binary("mul", m, n), op, zero=False)
    kind = element_of(op.result)
    routines = _routines(dtype_of_lanes(kind))
    if isinstance(kind, LanesType):
        pack_lanes(f.body, kind, routines.pack, copy[0], strided(f, op, args, 0), (m, n))
    else:
        routines.pack(f.body, copy[0], *strided(f, op, args, 0).operands, m, n)
    return [copy]


lowering: dict[Any, Callable[[Frame, Op, tuple[Parts, ...]], list[Parts]]] = {
    mem_gemm: _gemm,
    mem_product: _product,
    mem_sum: _sum,
    mem_pack: _pack,
}
