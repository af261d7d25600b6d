"""Lanes taken apart: programs that are differentiated again compute with numbers, one beside the other.

Original:  y: f8 x 2 = a + b              Apart:  y0 = a0 + b0;  y1 = a1 + b1
Original:  y: f8 x 2 = mem_load(m, i)     Apart:  y0 = mem_load(m, 2 i);  y1 = mem_load(m, 2 i + 1)
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import replace

from numba import types

from zyg.ir.lanes import LanesType, extract, splat, unit
from zyg.ir.matrices import mem_gemm, mem_pack, mem_sum
from zyg.ir.memory import (
    ALLOCATIONS,
    ELEMENT_WRITES,
    MemoryType,
    mem_clear_from,
    mem_clear_unless,
    mem_copy,
    mem_like,
    mem_load,
    mem_reserve,
    mem_size,
    mem_zeros,
)
from zyg.ir.program import (
    Block,
    Call,
    Const,
    Edge,
    End,
    Module,
    Op,
    Operand,
    Program,
    Return,
    Type,
    Var,
    emitted,
    with_edges,
)
from zyg.ir.scalars import i8
from zyg.ir.tape import TapeType, tape_get, tape_put
from zyg.ir.verify import checked_module
from zyg.passes.slots import zero
from zyg.rules import primitives as p


def without_lanes(module: Module) -> Module:
    """`module` in which all values are numbers, and buffers and tapes of such."""
    if not any(map(_is_wide, (kind for program in module.programs.values() for kind in _kinds(program)))):
        return module
    return checked_module(module.with_programs({name: _Apart(one).run() for name, one in module.programs.items()}))


def _kinds(program: Program) -> Iterable[Type]:
    for block in program.blocks.values():
        yield from (param.type for param in block.params)
        for op in block.ops:
            yield from (result.type for result in op.results)
    yield from (param.type for param in program.params)


def _is_wide(kind: Type) -> bool:
    if isinstance(kind, TapeType):
        return any(map(_is_wide, kind.fields))
    return isinstance(kind, LanesType) or _of_lanes(kind) is not None


def _of_lanes(kind: Type) -> LanesType | None:
    """The type of the elements, where it is that of a buffer of lanes."""
    return kind.dtype if isinstance(kind, MemoryType) and isinstance(kind.dtype, LanesType) else None


def _kinds_of(kind: Type) -> tuple[Type, ...]:
    """The types of what stands for a value of type `kind`."""
    if isinstance(kind, LanesType):
        return (kind.dtype,) * kind.width
    if isinstance(kind, MemoryType) and isinstance(kind.dtype, LanesType):
        return (MemoryType(kind.dtype.dtype, kind.growable),)
    if isinstance(kind, TapeType):
        return (TapeType(tuple(one for field in kind.fields for one in _kinds_of(field)), kind.growable),)
    return (kind,)


class _Apart:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.vars: dict[Var, tuple[Var, ...]] = {}

    def run(self) -> Program:
        program = self.program
        blocks = {
            label: Block(
                self.targets(block.params),
                tuple(made for op in block.ops for made in self.op(op)),
                self.end(block),
            )
            for label, block in program.blocks.items()
        }
        results = tuple(one for kind in program.results for one in _kinds_of(kind))
        return replace(program, params=self.targets(program.params), results=results, blocks=blocks)

    def end(self, block: Block) -> End:
        end = with_edges(block.end, lambda edge: Edge(edge.target, self.every(edge.args)))
        return Return(self.every(end.values)) if isinstance(end, Return) else end

    def targets(self, params: Iterable[Var]) -> tuple[Var, ...]:
        return tuple(one for param in params for one in self.var(param))

    def var(self, var: Var) -> tuple[Var, ...]:
        if not _is_wide(var.type):
            return (var,)
        if var not in self.vars:
            self.vars[var] = tuple(Var(kind, var.name) for kind in _kinds_of(var.type))
        return self.vars[var]

    def one(self, operand: Operand) -> tuple[Operand, ...]:
        """What stands for an operand."""
        if isinstance(operand, Var):
            return self.var(operand)
        return tuple(Const(operand.value, kind) for kind in _kinds_of(operand.type))

    def every(self, operands: Iterable[Operand]) -> tuple[Operand, ...]:
        return tuple(one for operand in operands for one in self.one(operand))

    def op(self, op: Op) -> list[Op]:
        held = next((held for v in (*op.args[:1], *op.results) if (held := _of_lanes(v.type))), None)
        if op.fn in (splat, unit, extract):
            return self.moved(op)
        if op.fn in (tape_put, tape_get):
            return self.of_tape(op)
        if held is not None and not isinstance(op.fn, Call):
            return self.of_buffer(op, held.width)
        if isinstance(op.fn, Call) or not any(isinstance(r.type, LanesType) for r in op.results):
            wide = any(map(_is_wide, (v.type for v in (*op.args, *op.results))))
            return [Op(op.fn, self.every(op.args), self.targets(op.results), op.pos)] if wide else [op]
        found = []
        for number, result in enumerate(self.var(op.result)):
            args = tuple(self.one(arg)[number] if isinstance(arg.type, LanesType) else arg for arg in op.args)
            found.append(Op(op.fn, args, (result,), op.pos))
        return found

    def moved(self, op: Op) -> list[Op]:
        """Numbers into lanes, and one out of its lane."""
        if op.fn is splat:
            return [Op(p.identity, op.args, (result,), op.pos) for result in self.var(op.result)]
        found: list[Op] = []
        if op.fn is unit:
            for number, result in enumerate(self.var(op.result)):
                is_here = emitted(found, operator.eq, (op.args[1], Const(number, i8)), types.boolean, op.pos)
                found.append(Op(p.select, (is_here, op.args[0], zero(result.type)), (result,), op.pos))
            return found
        numbers = self.one(op.args[0])
        chosen = numbers[0]
        for number, other in enumerate(numbers[1:], 1):
            is_here = emitted(found, operator.eq, (op.args[1], Const(number, i8)), types.boolean, op.pos)
            chosen = emitted(found, p.select, (is_here, other, chosen), op.result.type, op.pos)
        found.append(Op(p.identity, (chosen,), op.results, op.pos))
        return found

    def of_tape(self, op: Op) -> list[Op]:
        tape, row, field, *value = op.args
        assert isinstance(tape.type, TapeType) and isinstance(field, Const)
        number = int(field.value.real)
        first = sum(len(_kinds_of(kind)) for kind in tape.type.fields[:number])
        (held,) = self.one(tape)
        results = [()] * len(self.every(value)) if value else [(one,) for one in self.var(op.result)]
        return [
            Op(op.fn, (held, row, Const(first + k, i8), *self.every(value)[k : k + 1]), result, op.pos)
            for k, result in enumerate(results)
        ]

    def of_buffer(self, op: Op, width: int) -> list[Op]:
        found: list[Op] = []

        def scaled(count: Operand, more: int = 0) -> Operand:
            product = emitted(found, operator.mul, (count, Const(width, i8)), i8, op.pos)
            return emitted(found, operator.add, (product, Const(more, i8)), i8, op.pos) if more else product

        results = self.targets(op.results)
        if op.fn is mem_load:
            (held,) = self.one(op.args[0])
            for number, result in enumerate(results):
                found.append(Op(mem_load, (held, scaled(op.args[1], number)), (result,), op.pos))
            return found
        if op.fn in ELEMENT_WRITES:
            (held,) = self.one(op.args[0])
            for number, value in enumerate(self.one(op.args[2])):
                found.append(Op(op.fn, (held, scaled(op.args[1], number), value), (), op.pos))
            return found
        if op.fn is mem_size:
            size = emitted(found, mem_size, self.one(op.args[0]), i8, op.pos)
            found.append(Op(operator.floordiv, (size, Const(width, i8)), results, op.pos))
            return found
        if op.fn is mem_like and not _of_lanes(op.args[0].type):
            size = emitted(found, mem_size, op.args, i8, op.pos)
            found.append(Op(mem_zeros, (scaled(size),), results, op.pos))
            return found
        if op.fn is mem_pack:
            return self.packed(op, width)
        if op.fn in (mem_gemm, mem_sum):
            return [one for number in range(width) for one in self.of_matrices(op, width, number)]
        args = self.every(op.args)
        if op.fn in (mem_reserve, mem_clear_from, mem_clear_unless):
            args = (args[0], scaled(args[1]))
        elif op.fn in ALLOCATIONS and op.fn not in (mem_like, mem_copy):
            args = (scaled(args[0]),)
        found.append(Op(op.fn, args, results, op.pos))
        return found

    def of_matrices(self, op: Op, width: int, number: int) -> list[Op]:
        """An op on matrices for the lane `number`."""
        found: list[Op] = []
        args = list(op.args)
        for place in range(0, 12 if op.fn is mem_gemm else 8, 4):
            if _of_lanes(op.args[place].type):
                args[place : place + 4] = self.matrix(found, op, place, width, number)
        found.append(Op(op.fn, tuple(args), (), op.pos))
        return found

    def matrix(self, found: list[Op], op: Op, place: int, width: int, number: int) -> list[Operand]:
        """The operands of the matrix of what is in the lane `number` of one."""
        first, rows, columns = (
            emitted(found, operator.mul, (arg, Const(width, i8)), i8, op.pos) for arg in op.args[place + 1 : place + 4]
        )
        start = emitted(found, operator.add, (first, Const(number, i8)), i8, op.pos)
        return [*self.one(op.args[place]), start, rows, columns]

    def packed(self, op: Op, width: int) -> list[Op]:
        """Packed lane by lane: each is added to zeros."""
        found: list[Op] = []
        (made,) = self.var(op.result)
        m, n = op.args[4:]
        rows = emitted(found, operator.mul, (n, Const(width, i8)), i8, op.pos)
        count = emitted(found, operator.mul, (m, rows), i8, op.pos)
        found.append(Op(mem_zeros, (count,), (made,), op.pos))
        for number in range(width):
            own = (made, Const(number, i8), rows, Const(width, i8))
            found.append(Op(mem_sum, (*own, *self.matrix(found, op, 0, width, number), m, n), (), op.pos))
        return found
