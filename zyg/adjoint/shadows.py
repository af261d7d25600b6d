"""Shadows of buffers: every buffer that holds active values gets, in the forward sweep, one for their adjoints.

A shadow has the elements of its buffer at the same indices and travels beside it: along edges, into tapes and out of
them.  So the reverse program finds the adjoint of any element, whatever views and branches led to it.

    Original:  m = mem_new(n)           with m′ = mem_like(m) behind it
    Original:  goto B(m)                becomes goto B(m, m′)

The shadow of a buffer of handles holds the shadows of the buffers that it holds:

    Original:  M[i] = m; m = M[i]       with M′[i] = m′; m′ = M′[i]
    Original:  mem_reserve(m, n)        with mem_reserve(m′, n)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from zyg.adjoint.activity import shadow_type
from zyg.errors import unsupported
from zyg.ir.memory import (
    ALLOCATIONS,
    MemoryType,
    holds_handles,
    mem_like,
    mem_load,
    mem_new,
    mem_reserve,
    mem_store,
    mem_zeros,
)
from zyg.ir.program import Block, Call, Capture, Const, Edge, Op, Operand, Program, Return, Type, Var, with_edges
from zyg.ir.scalars import i8
from zyg.ir.tape import TapeType, pop, push, tape_get, tape_larger, tape_new, tape_put, tape_reserve, tape_zeros


@dataclass(frozen=True, eq=False)
class Shadowed:
    """A program with shadows: `of` gives that of each buffer, `given` are those that are parameters."""

    program: Program
    of: dict[Var, Var]
    given: tuple[Var, ...]


class _Shadows:
    def __init__(
        self, program: Program, active: set[Var], inputs: Iterable[Var], has_rule: Callable[[str], bool]
    ) -> None:
        self.program = program
        self.has_rule = has_rule
        self.active = {v for v in active if isinstance(v.type, MemoryType)}
        self.inputs = [v for v in inputs if v in self.active]
        self.of: dict[Var, Var] = {}
        self.twins: dict[Var, Var] = {}
        self.fields = self._kept()

    def _kept(self) -> dict[TapeType, tuple[int, ...]]:
        """The fields of each type of tape that hold buffers with shadows."""
        found: dict[TapeType, tuple[int, ...]] = {}
        for op in self.program.ops():
            for var in (*op.args, *op.results):
                if isinstance(var.type, TapeType) and var.type not in found:
                    found[var.type] = tuple(
                        i for i, kind in enumerate(var.type.fields) if shadow_type(kind) is not None
                    )
        return {kind: fields for kind, fields in found.items() if fields}

    def shadow(self, memory: Operand) -> Operand:
        """The shadow of a buffer, or the twin of a tape: the shadows of what it keeps."""
        if isinstance(memory, Const):
            return Const(memory.value, self._twin_type(memory))  # never used: a slot that control cannot have stored
        made = self.twins if isinstance(memory.type, TapeType) else self.of
        if memory not in made:
            made[memory] = Var(self._twin_type(memory), f"d_{memory.name}")
        return made[memory]

    def _twin_type(self, memory: Operand) -> Type:
        if isinstance(memory.type, TapeType):
            kept = tuple(shadow_type(memory.type.fields[i]) for i in self.fields[memory.type])
            return TapeType(tuple(k for k in kept if k is not None), memory.type.growable)
        kind = shadow_type(memory.type)
        assert kind is not None
        return kind

    def has(self, operand: Operand) -> bool:
        return operand in self.active or (isinstance(operand.type, TapeType) and operand.type in self.fields)

    def run(self) -> Shadowed:
        program = self.program
        if not self.active:
            return Shadowed(program, {}, ())
        given = [self.shadow(v) for v in self.inputs]
        blocks: dict[int, Block] = {}
        for label, block in program.blocks.items():
            params = [*block.params, *(self.shadow(q) for q in block.params if self.has(q))]
            ops: list[Op] = []
            if label == program.entry:
                for q in program.params:
                    if q in self.active and q not in self.inputs:
                        if holds_handles(q.type):
                            raise unsupported(
                                "a list of arrays, captured or passed on, into which a derivative goes", _pos(program)
                            )
                        ops.append(Op(mem_like, (q,), (self._var(q),), _pos(program)))
            for op in block.ops:
                self._op(ops, op)
            end = with_edges(block.end, lambda edge: self._edge(edge))
            if isinstance(end, Return) and any(self.has(v) for v in end.values) and program.recursive:
                raise unsupported("a recursive function that returns arrays", _pos(program), "Pass the array in.")
            blocks[label] = Block(tuple(q for q in params if isinstance(q, Var)), tuple(ops), end)
        shadows = tuple(v for v in given if isinstance(v, Var))
        done = replace(program, params=(*program.params, *shadows), blocks=blocks)
        return Shadowed(done, self.of, shadows)

    def _var(self, memory: Operand) -> Var:
        found = self.shadow(memory)
        assert isinstance(found, Var)
        return found

    def _edge(self, edge: Edge) -> Edge:
        params = self.program.blocks[edge.target].params
        more = []
        for param, arg in zip(params, edge.args, strict=True):
            if self.has(param):
                more.append(self.shadow(arg))
        return Edge(edge.target, (*edge.args, *more))

    def _op(self, ops: list[Op], op: Op) -> None:
        ops.append(op)
        if op.fn in (push, pop) and any(self.has(v) for v in (*op.args, *op.results)):
            raise unsupported("a second reverse sweep over recursion with arrays", op.pos, "Use zyg.jvp.")
        if isinstance(op.fn, Call) and self.has_rule(op.fn.callee):
            ops += [Op(mem_like, (r,), (self._var(r),), op.pos) for r in op.results if self.has(r)]
        elif isinstance(op.fn, Call) and any(self.has(r) for r in op.results):
            raise unsupported("a recursive function that returns arrays", op.pos, "Pass the array in.")
        if op.fn in ALLOCATIONS and op.result in self.active:
            shadow = self._var(op.result)
            if op.fn in (mem_new, mem_zeros):
                ops.append(Op(mem_zeros, op.args, (shadow,), op.pos))
            else:
                ops.append(Op(mem_like, (op.result,), (shadow,), op.pos))
        elif isinstance(op.fn, Capture) and op.result in self.active:
            ops.append(Op(mem_like, (op.result,), (self._var(op.result),), op.pos))
        elif op.fn is tape_larger and self.has(op.result):
            ops.append(Op(op.fn, tuple(map(self.shadow, op.args)), (self._var(op.result),), op.pos))
        elif op.fn is mem_reserve and op.args[0] in self.active:
            ops.append(Op(mem_reserve, (self.shadow(op.args[0]), op.args[1]), (), op.pos))
        elif op.fn is mem_load and op.result in self.active:
            ops.append(Op(mem_load, (self.shadow(op.args[0]), op.args[1]), (self._var(op.result),), op.pos))
        elif op.fn is mem_store and holds_handles(op.args[0].type) and op.args[0] in self.active:
            ops.append(Op(mem_store, (self.shadow(op.args[0]), op.args[1], self.shadow(op.args[2])), (), op.pos))
        elif op.fn in (tape_new, tape_zeros, tape_reserve) and self.has(op.result):
            args = (self.shadow(op.args[0]), *op.args[1:]) if op.fn is not tape_new else op.args
            ops.append(Op(op.fn, args, (self._var(op.result),), op.pos))
        elif op.fn is tape_put and op.args[3] in self.active:
            tape, row, field, memory = op.args
            ops.append(
                Op(tape_put, (self.shadow(tape), row, self._field(tape, field), self.shadow(memory)), (), op.pos)
            )
        elif op.fn is tape_get and op.result in self.active:
            tape, row, field = op.args
            place = (self.shadow(tape), row, self._field(tape, field))
            ops.append(Op(tape_get, place, (self._var(op.result),), op.pos))

    def _field(self, tape: Operand, field: Operand) -> Const:
        assert isinstance(field, Const) and isinstance(tape.type, TapeType)
        return Const(self.fields[tape.type].index(int(field.value.real)), i8)


def _pos(program: Program):  # type: ignore[no-untyped-def]
    from zyg.ir.program import Pos

    for op in program.ops():
        return op.pos
    return Pos("", 0, program.name)


def with_shadows(
    program: Program, active: set[Var], inputs: Iterable[Var], has_rule: Callable[[str], bool]
) -> Shadowed:
    """`program` with a shadow beside every buffer among `active`; those of `inputs` are parameters.

    has_rule: tells of a program that is called whether its derivative is given.
    """
    return _Shadows(program, active, inputs, has_rule).run()
