"""Programs as text that reads like Python, each line with the user's line that it came from.

    def grad_power(x: float64, n: int64) -> float64:
        ...
        while n > 0:                                    # power.py:3  while n > 0:

The reverse sweep's lines say so: `# power.py:4 reverse`.
"""

from __future__ import annotations

import linecache
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numba import types

from zyg.ir.memory import mem_add, mem_load, mem_store
from zyg.ir.program import Call, Const, Edge, Failure, Guard, Module, Op, Operand, Pos, Program, Raise, Var
from zyg.ir.tape import tape_get, tape_put
from zyg.passes.layout import laid_out
from zyg.printing.spelling import Spelling
from zyg.printing.structure import (
    Body,
    Break,
    Continue,
    Goto,
    Here,
    If,
    Leave,
    Pass,
    Repeat,
    Statement,
    breaks,
    structure,
)
from zyg.reading.values import Node, Recipe, Static, Value, leaves
from zyg.rules import primitives as p

_CHOICE, _NOT, _COMPARE, _UNARY, _POWER, _ATOM = 10, 20, 30, 100, 110, 120
_INFIX: dict[Any, tuple[str, int]] = {
    operator.lt: ("<", _COMPARE),
    operator.le: ("<=", _COMPARE),
    operator.gt: (">", _COMPARE),
    operator.ge: (">=", _COMPARE),
    operator.eq: ("==", _COMPARE),
    operator.ne: ("!=", _COMPARE),
    operator.or_: ("|", 40),
    operator.xor: ("^", 50),
    operator.and_: ("&", 60),
    operator.lshift: ("<<", 70),
    operator.rshift: (">>", 70),
    operator.add: ("+", 80),
    p.reassociate_add: ("+", 80),
    operator.sub: ("-", 80),
    operator.mul: ("*", 90),
    operator.truediv: ("/", 90),
    operator.floordiv: ("//", 90),
    operator.mod: ("%", 90),
    operator.pow: ("**", _POWER),
    p.powi: ("**", _POWER),
}
_JUMPS = ("break", "continue", "return", "raise", "goto")
_TURNED = {
    operator.lt: operator.ge,
    operator.le: operator.gt,
    operator.gt: operator.le,
    operator.ge: operator.lt,
    operator.eq: operator.ne,
    operator.ne: operator.eq,
}
_INDENT = "    "
_MARGIN = 60


def source(module: Module) -> str:
    """All programs of a module, its entry first."""
    names = _program_names(module)
    others = (program for name, program in module.programs.items() if name != module.entry)
    return "\n\n".join(_Writer(program, names).text() for program in (module.main, *others))


def _program_names(module: Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in (module.entry, *module.programs):
        if name not in names:
            plain = base = re.sub(r"\W+", "_", re.sub(r"\[.*\]", "", name))
            while plain in names.values():
                plain += "_"
            names[name] = plain if plain == base else f"{base}_{len(names)}"
    return names


Line = tuple[int, str, Pos | None]


class _Writer:
    def __init__(self, program: Program, names: dict[str, str]) -> None:
        self.program = program
        self.programs = names
        self.layout = laid_out(program)
        self.graph = self.layout.graph
        self.spelling = Spelling(self.layout.program)

    def text(self) -> str:
        program, name = self.program, self.spelling.name
        params = ", ".join(f"{name(param)}: {param.type}" for param in program.params)
        results = ", ".join(map(str, program.results))
        results = f"({results})" if len(program.results) > 1 else results or "None"
        lines = [f"def {self.programs[program.name]}({params}) -> {results}:"]
        last: tuple[str, int] | None = None
        for depth, text, pos in self.render(structure(self.layout), 1):
            text = _INDENT * depth + text
            if pos is not None and pos.line:
                text = f"{text:<{_MARGIN}}  # {PurePath(pos.file).name}:{pos.line}{' reverse' if pos.reverse else ''}"
                if last != (pos.file, pos.line):
                    text = f"{text}  {linecache.getline(pos.file, pos.line).strip()}".rstrip()
                last = pos.file, pos.line
            lines.append(text)
        return "\n".join(lines)

    # --- statements -----------------------------------------------------------------------------------------

    def render(self, statements: Sequence[Statement], depth: int) -> list[Line]:
        out: list[Line] = []
        for statement in statements:
            if isinstance(statement, Body):
                out += self._body(statement.block, depth)
            elif isinstance(statement, Pass):
                out += self._pass(statement.edge, depth)
            elif isinstance(statement, If):
                out += self._if(statement, depth)
            elif isinstance(statement, Repeat):
                out += self._loop(statement, depth)
            elif isinstance(statement, Leave):
                out += self._leave(statement, depth)
            else:
                out.append((depth, _word(statement), None))
        return out

    def _body(self, label: int, depth: int) -> list[Line]:
        out: list[Line] = []
        for op in self.layout.plain.blocks[label].ops:
            if not (len(op.results) == 1 and op.result in self.spelling.inlined):
                out += self._op(op, depth)
        return out

    def _op(self, op: Op, depth: int) -> list[Line]:
        if isinstance(op.fn, Guard):
            failing = self._raise(op.fn.failure, op.args[1:])
            return [(depth, f"if {self.negated(op.args[0])}:", op.pos), (depth + 1, failing, op.pos)]
        if op.fn in (mem_store, mem_add, tape_put):
            place = ", ".join(self.write(arg) for arg in op.args[1:-1])
            sign = "+=" if op.fn is mem_add else "="
            return [(depth, f"{self.write(op.args[0])}[{place}] {sign} {self.write(op.args[-1])}", op.pos)]
        right = self.call(op)[0]
        left = ", ".join(self.spelling.name(result) for result in op.results)
        return [(depth, f"{left} = {right}" if left else right, op.pos)]

    def _pass(self, edge: Edge, depth: int) -> list[Line]:
        """Assignments, in one line where one needs what another overwrites."""
        name, params = self.spelling.name, self.graph.blocks[edge.target].params
        pairs = [(name(param), arg) for param, arg in zip(params, edge.args, strict=True)]
        pairs = [(left, arg) for left, arg in pairs if self.write(arg) != left]
        needed = [{name(part) for part in self.spelling.parts(arg)} for _, arg in pairs]
        if any(left in later for i, (left, _) in enumerate(pairs) for later in needed[i + 1 :]):
            left, right = ", ".join(left for left, _ in pairs), ", ".join(self.write(arg) for _, arg in pairs)
            return [(depth, f"{left} = {right}", self._first_pos(arg for _, arg in pairs))]
        return [(depth, f"{left} = {self.write(arg)}", self._first_pos([arg])) for left, arg in pairs]

    def _if(self, statement: If, depth: int) -> list[Line]:
        then, other = self.render(statement.then, depth + 1), self.render(statement.other, depth + 1)
        pos = self._first_pos([statement.cond])
        if not then and not other:
            return []
        if not then:
            return [(depth, f"if {self.negated(statement.cond)}:", pos), *other]
        head = (depth, f"if {self.write(statement.cond)}:", pos)
        if not other:
            return [head, *then]
        if other[-1][0] == depth + 1 and other[-1][1].startswith(_JUMPS):
            turned = (depth, f"if {self.negated(statement.cond)}:", pos)
            return [turned, *other, *((d - 1, text, at) for d, text, at in then)]
        if other[0][1].startswith("if ") and all(d > depth + 1 or _continues(text) for d, text, _ in other[1:]):
            chain = [(d - 1, text, at) for d, text, at in other]
            return [head, *then, (depth, f"el{chain[0][1]}", chain[0][2]), *chain[1:]]
        return [head, *then, (depth, "else:", None), *other]

    def _loop(self, loop: Repeat, depth: int) -> list[Line]:
        body = loop.body
        if len(body) > 1 and isinstance(body[0], Body) and not self._body(body[0].block, depth):
            test = body[1]
            if isinstance(test, If):
                for turned, leaving, staying in ((False, test.other, test.then), (True, test.then, test.other)):
                    after = self._on_leaving(leaving, loop, depth)
                    if after is not None:
                        cond = self.negated(test.cond) if turned else self.write(test.cond)
                        inside = self.render((*staying, *body[2:]), depth + 1) or [(depth + 1, "pass", None)]
                        return [(depth, f"while {cond}:", self._first_pos([test.cond])), *inside, *after]
        return [(depth, "while True:", None), *self.render(body, depth + 1)]

    def _on_leaving(self, statements: Sequence[Statement], loop: Repeat, depth: int) -> list[Line] | None:
        """What is done on the way out of a loop, if this is its only one or nothing is done."""
        if not statements or not isinstance(statements[-1], Break):
            return None
        if not all(isinstance(statement, Pass) for statement in statements[:-1]):
            return None
        after = self.render(statements[:-1], depth)
        return after if not after or breaks(loop.body) == 1 else None

    def _leave(self, statement: Leave, depth: int) -> list[Line]:
        end = statement.end
        if isinstance(end, Raise):
            return [(depth, self._raise(end.failure, end.args), end.pos)]
        values = ", ".join(map(self.write, end.values))
        return [(depth, f"return {values}".rstrip(), self._first_pos(end.values))]

    def _raise(self, failure: Failure, operands: Sequence[Operand]) -> str:
        recipe = failure.build
        if not (isinstance(recipe, Recipe) and isinstance(recipe.value, Node)):
            return f"raise {failure.text.partition('(')[0]}"
        supply = iter(operands)
        args = [self._piece(item, supply) for item in recipe.value.items]
        return f"raise {recipe.value.head.cls.__name__}({', '.join(args)})"

    def _piece(self, value: Value, supply: Iterator[Operand]) -> str:
        """Part of an exception; what is only made when it is raised, as dots."""
        if isinstance(value, Static):
            return repr(value.obj)
        if not isinstance(value, Node):
            return self.write(next(supply))
        for _ in leaves(value):
            next(supply)
        return "..."

    def _first_pos(self, operands: Iterable[Operand]) -> Pos | None:
        for operand in operands:
            if isinstance(operand, Var) and operand in self.spelling.inlined:
                return self.spelling.inlined[operand].pos
        return None

    # --- expressions ----------------------------------------------------------------------------------------

    def write(self, operand: Operand, level: int = 0) -> str:
        """An operand, in brackets where an operator of this level would bind more tightly."""
        if isinstance(operand, Const):
            value = operand.value.item() if isinstance(operand.value, np.generic) else operand.value
            text = repr(value)
            return f"({text})" if text.startswith("-") and level > _UNARY else text
        if operand in self.spelling.inlined:
            text, own = self.call(self.spelling.inlined[operand])
            return f"({text})" if own < level else text
        return self.spelling.name(operand)

    def negated(self, cond: Operand) -> str:
        op = self.spelling.inlined.get(cond) if isinstance(cond, Var) else None
        if op is not None and op.fn is p.is_nonzero:
            return f"{self.write(op.args[0], _COMPARE + 1)} == 0"
        if op is not None and op.fn is operator.not_:
            return self.write(op.args[0])
        if op is not None and op.fn in _TURNED:
            turned = _TURNED[op.fn]
            if op.args[0].type == types.int64 or turned in (operator.eq, operator.ne):  # others differ for nan
                return self.call(Op(turned, op.args, op.results, op.pos))[0]
        return f"not {self.write(cond, _NOT)}"

    def call(self, op: Op) -> tuple[str, int]:
        """An op as an expression, and how tightly its operator binds."""
        fn, args = op.fn, op.args
        if fn in _INFIX and len(args) == 2:
            sign, level = _INFIX[fn]
            right = level if fn in (operator.pow, p.powi) else level + 1
            left = level + 1 if right == level or level == _COMPARE else level
            return f"{self.write(args[0], left)} {sign} {self.write(args[1], right)}", level
        if fn is operator.neg:
            return f"-{self.write(args[0], _UNARY)}", _UNARY
        if fn is operator.invert:
            return f"~{self.write(args[0], _UNARY)}", _UNARY
        if fn is operator.not_:
            return f"not {self.write(args[0], _NOT)}", _NOT
        if fn is p.is_nonzero:
            return f"{self.write(args[0], _COMPARE + 1)} != 0", _COMPARE
        if fn is p.select:
            cond, a, b = (self.write(arg, _CHOICE + 1) for arg in args)
            return f"{a} if {cond} else {b}", _CHOICE
        if fn is p.identity:
            return self.write(args[0]), 0
        if fn in (mem_load, tape_get):
            return f"{self.write(args[0])}[{', '.join(self.write(arg) for arg in args[1:])}]", _ATOM
        written = ", ".join(self.write(arg) for arg in args)
        return f"{self._name_of(op)}({written})", _ATOM

    def _name_of(self, op: Op) -> str:
        if isinstance(op.fn, Call):
            return self.programs.get(op.fn.callee, op.fn.callee)
        if op.fn is p.cast:
            return str(op.result.type)
        return p.table[op.fn].name if op.fn in p.table else str(getattr(op.fn, "__name__", op.fn))


def _word(statement: Statement) -> str:
    if isinstance(statement, Goto):
        return f"goto block{statement.block}"
    if isinstance(statement, Here):
        return f"block{statement.block}:"
    assert isinstance(statement, (Break, Continue))
    return type(statement).__name__.lower()


def _continues(text: str) -> bool:
    return text.startswith(("elif ", "else:"))
