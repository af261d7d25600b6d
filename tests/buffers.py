"""Programs on buffers, as Python functions, and their runs in the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
from indexing import read

from zyg.ir import interpret as interpreter
from zyg.ir.interpret import interpret
from zyg.ir.memory import (
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
from zyg.ir.scalars import f8, i8
from zyg.reading.handlers import handles, number
from zyg.reading.read import FunctionReader
from zyg.reading.values import Static, Value

FLOATS = MemoryType(f8)


Log = list[tuple[Op, np.ndarray, int]]


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


def run(program: Program, args: Sequence[Any], log: Log | None = None) -> tuple[Any, Any]:
    """The results of a program, or its error, and what the buffers among the arguments hold then.

    Arguments that are lists become buffers.  `log` gets every access of an element.
    """
    given = [np.array(arg, dtype=float) if isinstance(arg, list) else arg for arg in args]
    access = interpreter._memory

    def logged(op: Op, values: list[Any]) -> tuple[Any, ...]:
        if log is not None and op.fn in (mem_load, mem_store, mem_add):
            log.append((op, values[0], int(values[1])))
        return access(op, values)

    results: Any
    with mock.patch.object(interpreter, "_memory", logged):
        try:
            found = interpret(Module({program.name: program}, program.name), given)
            results = tuple(value.tolist() for value in found)
        except (IndexError, ValueError, UnboundLocalError) as error:
            results = type(error), str(error)
    return results, [arg.tolist() for arg in given if isinstance(arg, np.ndarray)]


def read_own(fn: Callable[..., Any], *kinds: Type) -> Program:
    """The program of a function that calls no others, as it is read; its parameters are different buffers."""
    module = read(fn, *kinds)
    (own,) = (program for name, program in module.programs.items() if name != module.entry)
    return replace(own, distinct=True)
