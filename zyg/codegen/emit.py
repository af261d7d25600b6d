"""A program as an LLVM function.

Its signature: the context, if it needs one, and the registers of the parameters; the status, if it can fail, and
the registers of the results, several of them as one structure by value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zyg.codegen import arena, callbacks, depth, foreign, matrices, memory, scalar, stack, tape
from zyg.codegen.arena_layout import FLOOR
from zyg.codegen.assembly import Assembly, Body, Label, Phi, Value, local_name, struct
from zyg.codegen.failures import TOO_DEEP, Sites
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, all_parts, constant, parts
from zyg.codegen.outline import Outline, is_always
from zyg.codegen.regions import Regions
from zyg.ir.external import External
from zyg.ir.graph import graph_of
from zyg.ir.memory import mem_keep
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Callback,
    Const,
    Edge,
    Guard,
    Jump,
    Op,
    Operand,
    Pos,
    Program,
    Raise,
    Return,
    Var,
)
from zyg.ir.program import edges as edges_of
from zyg.ir.tape import pop, push, stack_new, tape_get, tape_larger, tape_new, tape_put, tape_reserve, tape_zeros

_SUCCESS = Value("i32", "0")


def param_values(params: Sequence[Var]) -> list[Parts]:
    """The registers of parameters, by names that a reader knows again."""
    taken = {"entry", "context", "report"}
    values: list[Parts] = []
    for number, var in enumerate(params):
        name = local_name(var.name).replace(".", "_")
        if name in taken:
            name = f"{name}.p{number}"
        taken.add(name)
        registers = parts(var.type)
        ends = ("data", "size") if registers[0] == "ptr" else ("re", "im")
        names = [name] if len(registers) == 1 else [f"{name}.{end}" for end in ends]
        values.append(tuple(Value(type, f"%{n}") for type, n in zip(registers, names, strict=True)))
    return values


def result_parts(program: Program, outline: Outline) -> tuple[str, ...]:
    return ("i32",) * outline.fails + all_parts(program.results)


_BITS = {"double": "i64", "float": "i32"}
_MOST_FLOATS, _MOST_INTEGERS = 3, 3


def in_registers(types: Sequence[str]) -> list[str]:
    """The types as which a program gives numbers: of floating-point ones, processors give three in vector registers and
    others on an old stack, which is slow; these go as integers as long as there is room."""
    floats = [number for number, type in enumerate(types) if type in _BITS]
    late = floats[_MOST_FLOATS:]
    if len(types) - len(floats) + len(late) > _MOST_INTEGERS:
        return list(types)
    return [_BITS[type] if number in late else type for number, type in enumerate(types)]


def received(b: Body, name: str, types: Sequence[str], registers: Sequence[Value]) -> list[Value]:
    """What the program's function `name` gives for arguments in these registers."""
    given = in_registers(types)
    found = b.scatter(b.call(struct(given), name, *registers), given)
    return [b.convert("bitcast", value, type) for value, type in zip(found, types, strict=True)]


def _order(program: Program) -> list[int]:
    """The blocks that can be reached, every one behind those that dominate it."""
    done: list[int] = []
    seen = {program.entry}
    todo = [(program.entry, iter([edge.target for edge in edges_of(program.blocks[program.entry].end)]))]
    while todo:
        number, targets = todo[-1]
        for target in targets:
            if target not in seen:
                seen.add(target)
                todo.append((target, iter([edge.target for edge in edges_of(program.blocks[target].end)])))
                break
        else:
            done.append(number)
            todo.pop()
    return done[::-1]


class Emission:
    """The translation of one program, block by block."""

    def __init__(
        self,
        assembly: Assembly,
        sites: Sites,
        programs: Mapping[str, Program],
        outlines: Mapping[str, Outline],
        program: Program,
        symbol: str,
        linkage: str,
        apart: bool,
    ) -> None:
        """apart: parameters are different buffers if one of them is written."""
        self._programs = programs
        self._outlines = outlines
        self._program = program
        self._outline = outlines[program.name]
        arguments = param_values(program.params)
        context = Value("ptr", "%context") if self._outline.context else None
        registers = [context] if context else []
        registers += [value for argument in arguments for value in argument]
        results = result_parts(program, self._outline)
        self._given = in_registers(results) if linkage else list(results)
        self._body = Body(assembly, symbol, struct(self._given), registers, linkage)
        self._frame = Frame(self._body, context, sites, Regions(program, apart), memory.in_rooms(program))
        self._values: dict[Var, Parts] = dict(zip(program.params, arguments, strict=True))
        self._labels: dict[int, Label] = {}
        self._phis: dict[int, list[Phi]] = {}
        self._framed = tape.framed_tapes(program)
        self._frame.tapes = tape.in_frame(self._body, self._framed)
        self._mark: Value | None = None

    def run(self) -> None:
        order = _order(self._program)
        self._begin(order)
        for number in order:
            if number != self._program.entry:
                self._body.here = self._labels[number]
            block = self._program.blocks[number]
            for op in block.ops:
                self._op(op)
            self._end(block)
        self._finish()

    def _begin(self, order: list[int]) -> None:
        """Lay out blocks and phis; a block with one way in takes its parameters as they come."""
        b = self._body
        entries = dict.fromkeys(order, 0)
        for number in order:
            for edge in edges_of(self._program.blocks[number].end):
                entries[edge.target] += 1
        for number in order[1:]:
            label = self._labels[number] = b.label(f"b{number}")
            if entries[number] > 1:
                block = self._program.blocks[number]
                self._phis[number] = []
                for param in block.params:
                    hint = local_name(param.name)
                    phis = [b.phi(label, part, hint) for part in parts(param.type)]
                    self._phis[number].extend(phis)
                    self._values[param] = tuple(phi.value for phi in phis)
        # before anything that can fail: all ways out go back to the mark
        if self._outline.scoped:
            self._mark = arena.mark(b, self._frame.context)
        self._frame.regions.declare(b)
        if self._outline.recursive:
            lowest = b.load("ptr", b.offset(self._frame.context, FLOOR))
            self._frame.ensure(depth.is_above(b, lowest), TOO_DEEP, self._first_position())

    def _first_position(self) -> Pos:
        for op in self._program.ops():
            return op.pos
        return Pos("<empty>", 0, self._program.name)

    def _finish(self) -> None:
        status = self._frame.begin_exit()
        if status is not None:
            nothing = [Value(type, "poison") for type in all_parts(self._program.results)]
            self._leave([status, *nothing])
        self._body.assembly.aligned |= any(graph_of(self._program).loop_of.values())
        self._body.finish()

    def _leave(self, values: Sequence[Value]) -> None:
        if self._mark is not None:
            arena.release(self._body, self._frame.context, self._mark)
        b = self._body
        b.give([b.convert("bitcast", value, type) for value, type in zip(values, self._given, strict=True)])

    def _read(self, operand: Operand) -> Parts:
        return constant(operand) if isinstance(operand, Const) else self._values[operand]

    # --- ops ------------------------------------------------------------------------------------------------

    def _op(self, op: Op) -> None:
        args = tuple(self._read(arg) for arg in op.args)
        if isinstance(op.fn, Guard):
            if not is_always(op.args[0]):
                self._frame.ensure(args[0][0], op.fn.failure, op.pos, op.args[1:], args[1:])
        elif isinstance(op.fn, Call):
            self._call(op.fn.callee, args, op.results)
        elif isinstance(op.fn, Callback):
            self._values.update(zip(op.results, callbacks.lower(self._frame, op, args), strict=True))
        elif op.fn is mem_keep:
            if self._mark is not None:
                arena.move(self._body, self._mark, args[0][0])
        elif op.fn in _STORAGE:
            results = _STORAGE[op.fn](self, op, args)
            self._values.update(zip(op.results, results, strict=True))
        elif op.fn in memory.lowering:
            results = memory.lowering[op.fn](self._frame, op, args)
            self._values.update(zip(op.results, results, strict=True))
        elif isinstance(op.fn, External):
            self._values[op.result] = foreign.call(self._frame, op, args)
        elif op.fn in matrices.lowering:
            results = matrices.lowering[op.fn](self._frame, op, args)
            self._values.update(zip(op.results, results, strict=True))
        else:
            self._values[op.result] = scalar.lower(self._body, op, args)

    def _call(self, name: str, args: Sequence[Parts], results: Sequence[Var]) -> None:
        b = self._body
        outline = self._outlines[name]
        registers = [self._frame.context] if outline.context else []
        registers += [value for arg in args for value in arg]
        types = result_parts(self._programs[name], outline)
        found = received(b, internal_symbol(name), types, registers)
        if outline.fails:
            self._frame.pass_on(found.pop(0))
        for var in results:
            count = len(parts(var.type))
            self._values[var] = tuple(found[:count])
            del found[:count]

    def _tape_new(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        return [tape.new(self._frame, tape.type_of(op.result), args[0][0], self._framed.get(op), op)]

    def _tape_zeros(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        return [tape.zeros(self._frame, tape.type_of(op.result), args[0], self._framed.get(op), op)]

    def _tape_larger(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        b = self._body
        more = b.compare("icmp ugt", args[0][1], args[1][1])
        return [tuple(b.select(more, one, other) for one, other in zip(*args, strict=True))]

    def _tape_reserve(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        return [tape.reserve(self._frame, tape.type_of(op.result), args[0], args[1][0], op.pos)]

    def _tape_put(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        tape.put(self._frame, op.args[0], args[0], args[1][0], _field(op), args[3])
        return []

    def _tape_get(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        return [tape.get(self._frame, op.args[0], args[0], args[1][0], _field(op))]

    def _stack_new(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        return [stack.new(self._frame)]

    def _push(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        stack.push(self._frame, args[0][0], args[1:], op.pos)
        return []

    def _pop(self, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
        return stack.pop(self._frame, args[0][0], [var.type for var in op.results])

    # --- ends -----------------------------------------------------------------------------------------------

    def _end(self, block: Block) -> None:
        end = block.end
        if isinstance(end, Jump):
            self._go(end.to)
        elif isinstance(end, Branch):
            self._branch(end)
        elif isinstance(end, Return):
            values = [value for operand in end.values for value in self._read(operand)]
            self._leave([_SUCCESS, *values] if self._outline.fails else values)
        else:
            assert isinstance(end, Raise)
            self._frame.fail(end.failure, end.pos, end.args, [self._read(arg) for arg in end.args])

    def _go(self, edge: Edge) -> None:
        self._pass(edge, [value for arg in edge.args for value in self._read(arg)])
        self._body.jump(self._labels[edge.target])

    def _branch(self, end: Branch) -> None:
        b = self._body
        (cond,) = self._read(end.cond)
        then, other = ([value for arg in edge.args for value in self._read(arg)] for edge in (end.then, end.other))
        if end.then.target == end.other.target:
            # A phi has one entry for each block that it is reached from
            self._pass(end.then, [b.select(cond, x, y) for x, y in zip(then, other, strict=True)])
            b.jump(self._labels[end.then.target])
            return
        self._pass(end.then, then)
        self._pass(end.other, other)
        b.branch(cond, self._labels[end.then.target], self._labels[end.other.target])

    def _pass(self, edge: Edge, values: Sequence[Value]) -> None:
        """Hand the values of an edge to the parameters of its target."""
        if edge.target in self._phis:
            for phi, value in zip(self._phis[edge.target], values, strict=True):
                phi.incoming.append((value.ref, self._body.here.name))
            return
        left = list(values)
        for param in self._program.blocks[edge.target].params:
            count = len(parts(param.type))
            self._values[param] = tuple(left[:count])
            del left[:count]


_STORAGE: dict[Any, Any] = {
    tape_new: Emission._tape_new,
    tape_zeros: Emission._tape_zeros,
    tape_larger: Emission._tape_larger,
    tape_reserve: Emission._tape_reserve,
    tape_put: Emission._tape_put,
    tape_get: Emission._tape_get,
    stack_new: Emission._stack_new,
    push: Emission._push,
    pop: Emission._pop,
}


def _field(op: Op) -> int:
    field = op.args[2]
    assert isinstance(field, Const), "the field of a tape access is a literal"
    return int(field.value.real)


def internal_symbol(name: str) -> str:
    """The symbol of the function that programs call; the outermost call has another."""
    return f"zyg.program.{name}"
