"""Programs as text, Python-like where Python has the form.

program f(x: float64) -> float64
  b0:
    y = sin(x)                                # f.py:3  y = math.sin(x)
    return y
"""

from __future__ import annotations

import linecache
import operator
from pathlib import PurePath
from typing import Any

import numpy as np

from zyg.ir.program import (
    Branch,
    Call,
    Const,
    Edge,
    End,
    Guard,
    Jump,
    Module,
    Op,
    Operand,
    Pos,
    Program,
    Raise,
    Return,
    Var,
)
from zyg.reading.naming import base_name
from zyg.rules import primitives as p

_INFIX: dict[Any, str] = {
    operator.add: "+",
    p.reassociate_add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    p.powi: "**",
    operator.lshift: "<<",
    operator.rshift: ">>",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
}
_PREFIX: dict[Any, str] = {operator.neg: "-", operator.not_: "not ", operator.invert: "~"}
_WIDTH = 48
_UNNAMED = "t"


def show(what: Module | Program, source: bool = False) -> str:
    """A readable listing; with `source`, lines end with the user's line that they came from.

    The text of a program depends on nothing but the program; a module's entry comes first.
    """
    if isinstance(what, Program):
        return _Listing(what, source).text()
    others = (program for name, program in what.programs.items() if name != what.entry)
    return "\n\n".join(_Listing(program, source).text() for program in (what.main, *others))


class Names:
    """Names of variables in text: the user's where it is free, `x.1`, `x.2` … where it is not."""

    def __init__(self) -> None:
        self._names: dict[Var, str] = {}
        self._taken: dict[str, int] = {}

    def of(self, operand: Operand) -> str:
        if isinstance(operand, Const):
            return _literal(operand.value)
        if operand not in self._names:
            base = base_name(operand) or _UNNAMED
            number = self._taken.get(base, 0)
            self._taken[base] = number + 1
            self._names[operand] = f"{base}.{number}" if number else base
        return self._names[operand]

    def list(self, operands: tuple[Operand, ...]) -> str:
        return ", ".join(map(self.of, operands))


def _literal(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _atom(operand: Operand, name: str) -> str:
    """`name` as an operand of an operator: a literal with a sign gets brackets."""
    signed = isinstance(operand, Const) and isinstance(operand.value, (int, float, np.generic)) and name[0] == "-"
    return f"({name})" if signed else name


def op_text(op: Op, names: Names) -> str:
    """One op as a statement."""
    right = _right(op, names)
    return f"{names.list(op.results)} = {right}" if op.results else right


def _right(op: Op, names: Names) -> str:
    fn = op.fn
    args = [names.of(arg) for arg in op.args]
    if isinstance(fn, Guard):
        return f"guard {args[0]} else raise {fn.failure}{_given(op.args[1:], names)}"
    atoms = [_atom(arg, name) for arg, name in zip(op.args, args, strict=True)]
    if fn in _INFIX and len(args) == 2:
        return f"{atoms[0]} {_INFIX[fn]} {atoms[1]}"
    if fn in _PREFIX and len(args) == 1:
        return f"{_PREFIX[fn]}{atoms[0]}"
    if fn is p.cast and len(args) == len(op.results) == 1:
        return f"{op.result.type}({args[0]})"
    if fn is p.select and len(args) == 3:
        return f"{args[1]} if {args[0]} else {args[2]}"
    if fn is p.identity and len(args) == 1:
        return args[0]
    name = p.table[fn].name if fn in p.table else getattr(fn, "__name__", str(fn))
    return f"{fn.callee if isinstance(fn, Call) else name}({', '.join(args)})"


def _given(values: tuple[Operand, ...], names: Names) -> str:
    return f" with {names.list(values)}" if values else ""


def end_text(end: End, names: Names) -> str:
    """A terminator as a statement."""
    if isinstance(end, Jump):
        return f"goto {_edge(end.to, names)}"
    if isinstance(end, Branch):
        return f"if {names.of(end.cond)}: goto {_edge(end.then, names)} else {_edge(end.other, names)}"
    if isinstance(end, Return):
        return f"return {names.list(end.values)}".rstrip()
    return f"raise {end.failure}{_given(end.args, names)}"


def _edge(edge: Edge, names: Names) -> str:
    return f"b{edge.target}({names.list(edge.args)})" if edge.args else f"b{edge.target}"


class _Listing:
    def __init__(self, program: Program, source: bool) -> None:
        self.program = program
        self.source = source
        self.names = Names()
        self.last: tuple[str, int] | None = None
        self.lines: list[str] = []

    def text(self) -> str:
        program = self.program
        results = ", ".join(map(str, program.results))
        self.lines.append(f"program {program.name}({self.typed(program.params)}) -> {results or 'None'}")
        for label, block in program.blocks.items():
            self.lines.append(f"  b{label}({self.typed(block.params)}):" if block.params else f"  b{label}:")
            for op in block.ops:
                self.line(op_text(op, self.names), op.pos)
            self.line(end_text(block.end, self.names), block.end.pos if isinstance(block.end, Raise) else None)
        return "\n".join(self.lines)

    def typed(self, params: tuple[Var, ...]) -> str:
        return ", ".join(f"{self.names.of(q)}: {q.type}" for q in params)

    def line(self, text: str, pos: Pos | None) -> None:
        text = f"    {text}"
        if self.source and pos is not None and pos.line and (pos.file, pos.line) != self.last:
            self.last = (pos.file, pos.line)
            code = linecache.getline(pos.file, pos.line).strip()
            text = f"{text:<{_WIDTH}}  # {PurePath(pos.file).name}:{pos.line}  {code}".rstrip()
        self.lines.append(text)
