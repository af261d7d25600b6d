"""Calls of compiled routines from outside: ops that read and write whole buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.external import External
from zyg.ir.program import Const, Op, Operand, Var
from zyg.ir.scalars import i8
from zyg.reading import arrays
from zyg.reading.handlers import number
from zyg.reading.values import Node, Static, Value
from zyg.rules.foreign import Foreign

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

LETTERS = {scalars.f4: "s", scalars.f8: "d", scalars.c8: "c", scalars.c16: "z"}


def foreign_call(reader: FunctionReader, routine: Foreign, args: list[Value]) -> Value:
    """A call of a routine, for the type of the first array."""
    operands: list[Operand] = []
    letter = ""
    for param, arg in zip(routine.params, args, strict=True):
        if param == "c":
            assert isinstance(arg, Static) and isinstance(arg.obj, str)
            operands.append(Const(ord(arg.obj), i8))
        elif param == "b":
            array = arrays.settle(reader, arg)
            assert isinstance(array, Node)
            letter = letter or LETTERS[array.head.dtype]
            operands.append(arrays.memory(array))
        else:
            operand = number(reader, arg, routine.name)
            operands.append(reader.cast(operand, i8) if param == "i" else operand)
    if not letter:
        raise unsupported(f"{routine.name} needs an array of floats or complex numbers", reader.pos)
    status = Var(i8, "status")
    arrays.settle_all(reader)
    reader.ops.append(Op(External(routine, letter), tuple(operands), (status,), reader.pos))
    return status
