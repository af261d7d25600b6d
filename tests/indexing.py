"""Programs that index, as Python functions: `extent(n)` is the length of an array, `at(i, n)` a checked index."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from zyg.ir.memory import length
from zyg.ir.program import Const, Guard, Module, Operand, Program, Type, Var
from zyg.ir.scalars import b1, i8
from zyg.passes.simplify import inline
from zyg.reading import python
from zyg.reading.handlers import handles, number
from zyg.reading.read import FunctionReader
from zyg.reading.specialise import Specialiser
from zyg.reading.values import Static, Value
from zyg.rules import primitives as p


def extent(n: int) -> int:
    """The length of an array, n ≥ 0."""
    return n


def at(i: int, n: int) -> int:
    """The index `i` of a dimension of extent `n`, from 0 on."""
    return range(n)[i]


def position(reader: FunctionReader, i: Operand, n: Operand) -> Operand:
    """Where `x[i]` is along a dimension of extent `n`; a guard for it is emitted."""
    negative = reader.emit(operator.lt, (i, Const(0, i8)), b1)
    found = reader.emit(p.select, (negative, reader.emit(operator.add, (i, n), i8), i), i8)
    low = reader.emit(operator.ge, (found, Const(0, i8)), b1)
    high = reader.emit(operator.lt, (found, n), b1)
    ok = reader.emit(operator.and_, (low, high), b1)
    reader.guard(ok, lambda i: IndexError(f"index {i} is out of bounds"), "IndexError", i)
    return found


@handles(extent)
def _extent(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return reader.emit(length, (number(reader, args[0], "extent"),), i8)


@handles(at)
def _at(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return position(reader, number(reader, args[0], "at"), number(reader, args[1], "at"))


def read(fn: Callable[..., Any], *kinds: Type) -> Module:
    """The module of a function of arguments of these types, as it is read."""
    spec = Specialiser(python)
    args = [Var(kind, name) for kind, name in zip(kinds, fn.__code__.co_varnames, strict=False)]
    entry, _ = spec.synthetic(fn.__name__, tuple(args), lambda reader: python.call(reader, Static(fn), list(args), {}))
    return Module(spec.programs, entry).reachable()


def simplified(module: Module) -> Program:
    """Its entry, with what it calls inlined."""
    return inline(module, largest=5000).main


def guards(program: Program) -> int:
    return sum(isinstance(op.fn, Guard) for op in program.ops())
