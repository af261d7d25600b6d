"""Ops on matrices of lanes, by the routines on matrices of numbers: lanes lie beside one another.

C += A B, where B and C are of lanes, is a product of numbers with the columns of all lanes where columns lie beside
one another; else, as many products as there are columns, each with those of one element's lanes.  Likewise the rows,
where A and C are of lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zyg.codegen.assembly import Body, Value
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, integer_constant, width
from zyg.codegen.matrix_writer import repeated
from zyg.codegen.memory import element_of
from zyg.ir.lanes import LanesType
from zyg.ir.program import Op

_ONE = integer_constant(1)


@dataclass(frozen=True, slots=True)
class Strided:
    """The address of a matrix's first element, and the strides between its rows and its columns, in numbers."""

    data: Value
    rows: Value
    columns: Value

    @property
    def turned(self) -> Strided:
        return Strided(self.data, self.columns, self.rows)

    @property
    def operands(self) -> tuple[Value, Value, Value]:
        return self.data, self.rows, self.columns


def strided(f: Frame, op: Op, args: tuple[Parts, ...], number: int) -> Strided:
    """The matrix number `number` among an op's operands."""
    b, kind = f.body, element_of(op.args[4 * number])
    (data, _), (first,), (rows,), (columns,) = args[4 * number : 4 * number + 4]
    data = b.offset(data, b.binary("mul", first, integer_constant(width(kind))))
    if isinstance(kind, LanesType):
        lanes = integer_constant(kind.width)
        rows, columns = b.binary("mul", rows, lanes), b.binary("mul", columns, lanes)
    return Strided(data, rows, columns)


def pack_lanes(
    b: Body, kind: LanesType, pack: Callable[..., object], copy: Value, a: Strided, extents: tuple[Value, Value]
) -> None:
    """Put the elements of a matrix of lanes one behind the other, row after row."""
    m, n = extents
    lanes = integer_constant(kind.width)
    # Rows that lie densely are longer rows of numbers; else each element is such a row, and each row such a matrix
    together = b.compare("icmp eq", a.columns, lanes)
    wide = b.binary("mul", n, lanes)
    bytes = integer_constant(width(kind.dtype))
    with repeated(b, b.select(together, _ONE, m)) as (number, _):
        shift = b.binary("mul", number, bytes)
        data = b.offset(a.data, b.binary("mul", shift, a.rows))
        to = b.offset(copy, b.binary("mul", shift, wide))
        rows = b.select(together, a.rows, a.columns)
        pack(b, to, data, rows, _ONE, b.select(together, m, n), b.select(together, wide, lanes))


Products = Callable[[Strided, Strided, Value], None]


def by_columns(b: Body, kind: LanesType, c: Strided, other: Strided, count: Value, product: Products) -> None:
    """Call `product` of matrices of numbers, and of how many columns they have, until all of c and `other` are done,
    two matrices of lanes with `count` columns."""
    lanes, bytes = integer_constant(kind.width), integer_constant(width(kind.dtype))
    beside = b.compare("icmp eq", count, _ONE)
    both = [b.compare("icmp eq", matrix.columns, lanes) for matrix in (c, other)]
    together = b.binary("or", beside, b.binary("and", *both))
    wide = b.select(together, b.binary("mul", count, lanes), lanes)
    with repeated(b, b.select(together, _ONE, count)) as (number, _):

        def shifted(matrix: Strided) -> Strided:
            step = b.binary("mul", b.binary("mul", number, matrix.columns), bytes)
            return Strided(b.offset(matrix.data, step), matrix.rows, _ONE)

        product(shifted(c), shifted(other), wide)
