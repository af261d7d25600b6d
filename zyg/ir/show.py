"""Programs as text."""

from __future__ import annotations

import linecache
import operator
from typing import Any

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

_INFIX: dict[Any, str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
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


def show(what: Module | Program, source: bool = False) -> str:
    """A readable listing; with `source`, lines end with the user's line that they came from.

    The text of a program depends on nothing but the program.
    """
    if isinstance(what, Program):
        return _Listing(what, source).text()
    first = what.main
    others = [program for name, program in what.programs.items() if name != what.entry]
    return "\n\n".join(_Listing(program, source).text() for program in (first, *others))


class _Listing:
    def __init__(self, program: Program, source: bool) -> None:
        self.program = program
        self.source = source
        self.names: dict[Var, str] = {}
        self.taken: dict[str, int] = {}
        self.last: tuple[str, int] | None = None
        self.lines: list[str] = []

    def text(self) -> str:
        program = self.program
        params = ", ".join(f"{self.name(q)}: {q.type}" for q in program.params)
        results = ", ".join(map(str, program.results))
        self.lines.append(f"program {program.name}({params}) -> {results or 'None'}")
        for label, block in program.blocks.items():
            given = ", ".join(f"{self.name(q)}: {q.type}" for q in block.params)
            self.lines.append(f"  b{label}({given}):" if given else f"  b{label}:")
            for op in block.ops:
                self.line(self.op(op), op.pos)
            self.line(self.end(block.end), block.end.pos if isinstance(block.end, Raise) else None)
        return "\n".join(self.lines)

    def line(self, text: str, pos: Pos | None) -> None:
        text = f"    {text}"
        if self.source and pos is not None and pos.line and (pos.file, pos.line) != self.last:
            self.last = (pos.file, pos.line)
            code = linecache.getline(pos.file, pos.line).strip()
            text = f"{text:<48}  # {pos.file.rsplit('/', 1)[-1]}:{pos.line}  {code}".rstrip()
        self.lines.append(text)

    def name(self, operand: Operand) -> str:
        if isinstance(operand, Const):
            return repr(operand.value)
        if operand not in self.names:
            base = operand.name.lstrip("$").split(".")[0] or "v"
            if not base.isidentifier():
                base = "v"
            number = self.taken.get(base, 0)
            self.taken[base] = number + 1
            self.names[operand] = base if number == 0 and base != "v" else f"{base}.{number}"
        return self.names[operand]

    def op(self, op: Op) -> str:
        args = [self.name(arg) for arg in op.args]
        fn = op.fn
        if isinstance(fn, Guard):
            return f"guard {args[0]} else raise {fn.failure}"
        if fn in _INFIX and len(args) == 2:
            right = f"{args[0]} {_INFIX[fn]} {args[1]}"
        elif fn in _PREFIX:
            right = f"{_PREFIX[fn]}{args[0]}"
        elif getattr(fn, "__name__", "") == "cast":
            right = f"{op.result.type}({args[0]})"
        elif getattr(fn, "__name__", "") == "select":
            right = f"{args[1]} if {args[0]} else {args[2]}"
        else:
            name = fn.callee if isinstance(fn, Call) else getattr(fn, "__name__", str(fn))
            right = f"{name}({', '.join(args)})"
        if not op.results:
            return right
        return f"{', '.join(self.name(r) for r in op.results)} = {right}"

    def edge(self, edge: Edge) -> str:
        args = ", ".join(self.name(arg) for arg in edge.args)
        return f"b{edge.target}({args})" if args else f"b{edge.target}"

    def end(self, end: End) -> str:
        if isinstance(end, Jump):
            return f"goto {self.edge(end.to)}"
        if isinstance(end, Branch):
            return f"if {self.name(end.cond)}: goto {self.edge(end.then)} else {self.edge(end.other)}"
        if isinstance(end, Return):
            return f"return {', '.join(self.name(v) for v in end.values)}"
        return f"raise {end.failure}"
