"""Programs on buffers, as Python functions, and their runs in the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import numpy as np
from indexing import read

from zyg.ir import interpret as interpreter
from zyg.ir.handlers import handles, number
from zyg.ir.interpret import interpret
from zyg.ir.memory import (
    ALLOCATIONS,
    MemoryType,
    mem_add,
    mem_copy,
    mem_give,
    mem_load,
    mem_new,
    mem_size,
    mem_store,
    mem_zeros,
)
from zyg.ir.program import Module, Op, Operand, Program, Type, Var
from zyg.ir.read import FunctionReader
from zyg.ir.scalars import f8, i8
from zyg.ir.values import Static, Value

FLOATS = MemoryType(f8)


class Buffer:
    """The elements of a buffer."""

    def __init__(self, cells: list[float]) -> None:
        self.cells = [np.float64(cell) for cell in cells]


Log = list[tuple[Op, Buffer, int]]


def new(n: int) -> Any: ...
def zeros(n: int) -> Any: ...
def copy(b: Any) -> Any: ...
def size(b: Any) -> int: ...
def load(b: Any, i: int) -> float: ...
def store(b: Any, i: int, v: float) -> None: ...
def add(b: Any, i: int, v: float) -> None: ...
def give(b: Any) -> None: ...


def _operand(reader: FunctionReader, value: Value) -> Operand:
    return value if isinstance(value, Var) and isinstance(value.type, MemoryType) else number(reader, value, "it")


def _handler(name: Callable[..., Any], fn: Any, kind: Any) -> None:
    @handles(name)
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        operands = [_operand(reader, arg) for arg in args]
        if len(operands) == 3:
            operands[2] = reader.cast(operands[2], f8)
        if kind is not None:
            return reader.emit(fn, tuple(operands), kind)
        reader.ops.append(Op(fn, tuple(operands), (), reader.pos))
        return Static(None)


for _name, _fn, _kind in (
    (new, mem_new, FLOATS),
    (zeros, mem_zeros, FLOATS),
    (copy, mem_copy, FLOATS),
    (size, mem_size, i8),
    (load, mem_load, f8),
    (store, mem_store, None),
    (add, mem_add, None),
    (give, mem_give, None),
):
    _handler(_name, _fn, _kind)


def _access(op: Op, values: list[Any], log: Log) -> tuple[Any, ...]:
    if op.fn is mem_new or op.fn is mem_zeros:
        return (Buffer([0.0 if op.fn is mem_zeros else -777.0] * int(values[0])),)
    buffer = values[0]
    if op.fn is mem_copy:
        return (Buffer(buffer.cells),)
    if op.fn is mem_size:
        return (np.int64(len(buffer.cells)),)
    if op.fn is mem_give:
        return ()
    index = int(values[1])
    assert 0 <= index < len(buffer.cells), f"element {index} of a buffer with {len(buffer.cells)}"
    log.append((op, buffer, index))
    if op.fn is mem_load:
        return (buffer.cells[index],)
    buffer.cells[index] = buffer.cells[index] + values[2] if op.fn is mem_add else values[2]
    return ()


def run(program: Program, args: Sequence[Any], log: Log | None = None) -> tuple[Any, Any]:
    """The results of a program, or its error, and what the buffers among the arguments hold then.

    Arguments that are lists become buffers.  `log` gets every access of an element.
    """
    given = [Buffer(arg) if isinstance(arg, list) else arg for arg in args]
    apply, seen = interpreter._apply, [] if log is None else log

    def applied(module: Module, op: Op, values: list[Any]) -> tuple[Any, ...]:
        return _access(op, values, seen) if op.fn in _ACCESSES else apply(module, op, values)

    results: Any
    with mock.patch.object(interpreter, "_apply", applied):
        try:
            found = interpret(Module({program.name: program}, program.name), given)
            results = tuple(value.cells if isinstance(value, Buffer) else value for value in found)
        except (IndexError, ValueError, UnboundLocalError) as error:
            results = type(error), str(error)
    return results, [arg.cells for arg in given if isinstance(arg, Buffer)]


_ACCESSES = (*ALLOCATIONS, mem_size, mem_give, mem_load, mem_store, mem_add)


def read_own(fn: Callable[..., Any], *kinds: Type) -> Program:
    """The program of a function that calls no others, as it is read."""
    module = read(fn, *kinds)
    (own,) = (program for name, program in module.programs.items() if name != module.entry)
    return own
