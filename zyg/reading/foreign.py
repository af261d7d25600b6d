"""Calls of compiled routines from outside: ops that read and write whole buffers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zyg.errors import UnsupportedError, unsupported
from zyg.ir import scalars
from zyg.ir.external import External
from zyg.ir.program import Callback, Const, Op, Operand, Pos, Program, Type, Var
from zyg.ir.scalars import i8
from zyg.reading import arrays, maps
from zyg.reading.callback import call_python
from zyg.reading.handlers import number
from zyg.reading.values import Node, Static, Value
from zyg.rules.foreign import DRAWS, PRINTS, Foreign, FromPython

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

LETTERS: dict[Type, str] = {
    **{scalars.f4: "s", scalars.f8: "d", scalars.c8: "c", scalars.c16: "z"},
    **{scalars.i8: "i", scalars.b1: "b"},
}


def foreign_call(reader: FunctionReader, routine: Foreign, args: list[Value]) -> Value:
    """A call of a routine, for the type of the first array."""
    operands: list[Operand] = []
    letter = ""
    for param, arg in zip(routine.params, args, strict=True):
        if param == "c":
            assert isinstance(arg, Static) and isinstance(arg.obj, str)
            operands.append(Const(ord(arg.obj), i8))
        elif param == "b":
            array = maps.settle(reader, arg)
            assert isinstance(array, Node)
            letter = letter or LETTERS[array.head.dtype]
            if letter not in routine.letters:
                raise unsupported(f"{routine.name} of {array.head.dtype} has no native code", reader.pos)
            operands.append(arrays.memory(array))
        else:
            operands.append(reader.cast(number(reader, arg, routine.name), i8))
    if not letter:
        raise unsupported(f"{routine.name} needs an array of floats or complex numbers", reader.pos)
    status = Var(i8, "status")
    maps.settle_all(reader)
    reader.ops.append(Op(External(routine, letter), tuple(operands), (status,), reader.pos))
    return status


def python_call(reader: FunctionReader, routine: FromPython, args: list[Value]) -> Value:
    """A call of Python's function, which may write into its arguments."""
    if reader.spec.repeated and routine.name.startswith(DRAWS):
        raise _other_numbers(reader.spec.repeated, routine.name, reader.pos)
    given = [maps.settle(reader, arg) if arrays.is_arraylike(arg) else arg for arg in args]
    maps.settle_all(reader)
    kinds = [scalars.f8 if letter == "f" else i8 for letter in routine.gives]
    results = call_python(reader, routine.fn, routine.name, given, kinds, writes=not kinds)
    return results[0] if results else Static(None)


def acts(programs: Iterable[Program]) -> bool:
    """Whether it is seen from outside how often programs run: they print, or draw random numbers."""
    callbacks = (op.fn for program in programs for op in program.ops() if isinstance(op.fn, Callback))
    return any(callback.name == PRINTS or callback.name.startswith(DRAWS) for callback in callbacks)


def check_runs_once(reader: FunctionReader, programs: Iterable[Program], what: str) -> None:
    """Refuse programs that draw random numbers, or print, where they would run several times."""
    for program in programs:
        for op in program.ops():
            if isinstance(op.fn, Callback) and op.fn.name == PRINTS:
                raise unsupported(f"{what} runs the function several times, and print would print each time", op.pos)
            if isinstance(op.fn, Callback) and op.fn.name.startswith(DRAWS):
                raise _other_numbers(what, op.fn.name, op.pos if op.pos.line else reader.pos)


def _other_numbers(what: str, draw: str, pos: Pos) -> UnsupportedError:
    return unsupported(
        f"{what} runs the function several times, and {draw} would draw other numbers each time",
        pos,
        "Draw the numbers before, and pass them as an argument.",
    )


@contextmanager
def repeating(reader: FunctionReader, what: str) -> Iterator[None]:
    """While `what` is read, which runs functions several times."""
    before = reader.spec.repeated
    reader.spec.repeated = before or what
    try:
        yield
    finally:
        reader.spec.repeated = before
