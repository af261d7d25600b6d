"""Forward mode: a program → one that carries tangents beside every varied value, one for each of some directions.

Original:  y = f(a, b)
Tangent:   ẏ = ∂f/∂a · ȧ + ∂f/∂b · ḃ
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from numba import types

from zyg.adjoint.activity import differentiable, passes, shadow_type
from zyg.adjoint.differentiate import adjoint_of
from zyg.adjoint.directions import Directions, carries, has_tangent
from zyg.adjoint.finite import is_singular
from zyg.adjoint.partials import check_known, check_taken, domain, of_python, tangent_kind
from zyg.adjoint.trace import Emitter
from zyg.errors import not_differentiable
from zyg.ir.external import External
from zyg.ir.matrices import factor_tangents, mem_gemm, mem_pack, mem_sum
from zyg.ir.memory import (
    ALLOCATIONS,
    WRITES,
    MemoryType,
    holds_handles,
    mem_copy,
    mem_like,
    mem_load,
    mem_new,
    mem_reserve,
    mem_zeros,
)
from zyg.ir.program import (
    Block,
    Call,
    Callback,
    Capture,
    Const,
    Custom,
    Edge,
    End,
    Module,
    Op,
    Operand,
    Pos,
    Program,
    Return,
    Var,
    with_edges,
)
from zyg.ir.scalars import f8
from zyg.ir.tape import (
    StackType,
    TapeType,
    pop,
    push,
    tape_get,
    tape_larger,
    tape_new,
    tape_put,
    tape_reserve,
    tape_zeros,
)
from zyg.passes.simplify import inline, simplify_program
from zyg.passes.slots import zero
from zyg.rules import primitives as p
from zyg.rules.elementwise import find, singular

Mask = tuple[bool, ...]


class _Tangents:
    def __init__(self, module: Module, width: int, wide: bool) -> None:
        self.programs = dict(module.programs)
        self.width, self.wide = width, wide
        self.made: dict[tuple[str, Mask], str] = {}
        self.flipped: dict[str, str] = {}
        self.entry = module.entry
        self.singular = any(map(is_singular, module.programs.values()))

    def is_singular(self, op: Op) -> bool:
        """May an op have an infinite derivative at a finite value?"""
        return op.fn in singular or (self.singular and isinstance(op.fn, Call))

    def of(self, name: str, varied: Mask) -> str:
        """The program with a tangent parameter per varied parameter and a tangent result per differentiable one, for
        each direction."""
        key = (name, varied)
        if key not in self.made:
            new, number = f"tangent.{name}", 1
            while new in self.programs:
                number += 1
                new = f"tangent.{name}.{number}"
            self.made[key] = new
            self.programs[new] = self.programs[name]
            self.programs[new] = simplify_program(_Tangent(self, self.programs[name], varied).run(new))
        return self.made[key]

    def transposed(self, custom: Custom, known: int) -> str:
        """The adjoint of a rule's pullback as a function of its cotangents: all but its first `known` parameters."""
        if custom.backward not in self.flipped:
            back = self.programs[custom.backward]
            varied = [i >= known for i in range(len(back.params))]
            inlined = inline(Module(self.programs, custom.backward)).programs
            whole = Module({**self.programs, **inlined}, custom.backward)
            self.programs, self.flipped[custom.backward] = adjoint_of(whole, varied)
        return self.flipped[custom.backward]


class _Tangent(Directions):
    def __init__(self, tangents: _Tangents, program: Program, varied: Mask) -> None:
        given = tangents.singular and program.name != tangents.entry
        super().__init__(program, varied, tangents.width, tangents.is_singular, given, tangents.wide)
        self.tangents = tangents

    def run(self, name: str) -> Program:
        blocks = {}
        for label in self.order:
            block = self.program.blocks[label]
            params = (*block.params, *self.every(q for q in block.params if q in self.active))
            ops: list[Op] = []
            if label == self.program.entry:
                for _ in self.lanes():
                    for q in self.program.params:
                        if isinstance(q.type, MemoryType) and carries(q.type) and q not in self.dots[self.lane]:
                            if holds_handles(q.type):
                                raise not_differentiable(
                                    "forward mode over a list of arrays that is captured or passed on",
                                    _pos(self.program),
                                )
                            ops.append(Op(mem_like, (q,), (self.twin(q),), _pos(self.program)))
            for op in block.ops:
                self.op(ops, op)
            end: End = with_edges(block.end, self.edge)
            if isinstance(end, Return):
                end = Return((*end.values, *self.every(v for v in end.values if has_tangent(v.type))))
            blocks[label] = Block(tuple(q for q in params if isinstance(q, Var)), tuple(ops), end)
        slopes = [self.kind(kind) for kind in self.program.results if has_tangent(kind)]
        results = (*self.program.results, *slopes * self.width)
        inputs = (dot for lane in self.inputs for dot in lane)
        return Program(
            name,
            (*self.program.params, *inputs),
            results,
            blocks,
            self.program.recursive,
            distinct=self.program.distinct,
            hidden=self.program.hidden,
        )

    def edge(self, edge: Edge) -> Edge:
        params = self.program.blocks[edge.target].params
        more = self.every(arg for q, arg in zip(params, edge.args, strict=True) if q in self.active)
        return Edge(edge.target, (*edge.args, *more))

    def op(self, ops: list[Op], op: Op) -> None:
        shares = any(isinstance(a.type, StackType) for a in op.args)
        if isinstance(op.fn, Call) and (shares or any(v in self.active for v in (*op.args, *op.results))):
            self.call(ops, op)
            return
        if op.fn in (push, pop):
            self.stack(ops, op)
            return
        ops.append(op)
        for _ in self.lanes():
            self.along(ops, op)

    def along(self, ops: list[Op], op: Op) -> None:
        """What becomes of `op` in the direction at hand."""
        if isinstance(op.fn, External):
            if any(arg in self.moving for arg in op.args) and not op.fn.is_constant:
                raise not_differentiable(f"{op.fn.__name__} of LAPACK has no derivative", op.pos)
            return
        if isinstance(op.fn, Callback):
            if any(v in self.moving for v in ((*op.args, *op.results) if op.fn.writes else op.results)):
                raise of_python(op)
            return
        if op.fn in (tape_new, tape_zeros, tape_larger, tape_reserve, tape_put, tape_get):
            self.tape(ops, op)
            return
        if op.fn is mem_load or op.fn in WRITES or op.fn is mem_reserve or op.fn in ALLOCATIONS:
            self.memory(ops, op)
            return
        if not any(r in self.active for r in op.results):
            return
        if isinstance(op.fn, Capture):  # a captured array: it does not move
            ops.append(Op(mem_like, (op.result,), (self.twin(op.result),), op.pos))
            return
        emitter = Emitter(ops, op.pos)
        target = self.dot(op.result)
        assert isinstance(target, Var)
        total: Operand | None = None
        if op.fn in (p.cast, p.identity):
            total = emitter.convert(self.dot(op.args[0]), target.type)
        else:
            for arg, rule in zip(op.args, self.rules(op), strict=True):
                if rule is None or not (isinstance(arg, Var) and arg in self.active):
                    continue
                check_known(op, rule)
                values: dict[str, Any] = {"dy": emitter.symbol(self.dot(arg)), "y": emitter.symbol(op.result)}
                values |= {n: emitter.symbol(a) for n, a in zip("abc", op.args, strict=False)}
                part = emitter.convert(emitter.operand(rule(values), target.type), target.type)
                total = part if total is None else emitter.emit(operator.add, (total, part), target.type)
        if total is None:
            total = zero(target.type)
        ops.append(Op(p.cast, (total,), (target,), op.pos))

    def tape(self, ops: list[Op], op: Op) -> None:
        """The same op on the twin tape, with tangents for values."""
        if op.fn is tape_new:
            ops.append(Op(op.fn, op.args, (self.twin(op.result),), op.pos))
        elif op.fn is tape_larger:
            ops.append(Op(op.fn, (self.twin(op.args[0]), self.twin(op.args[1])), (self.twin(op.result),), op.pos))
        elif op.fn in (tape_zeros, tape_reserve):
            ops.append(Op(op.fn, (self.twin(op.args[0]), *op.args[1:]), (self.twin(op.result),), op.pos))
        elif op.fn is tape_put and carries(op.args[3].type):
            ops.append(Op(op.fn, (self.twin(op.args[0]), *op.args[1:3], self.dot(op.args[3])), (), op.pos))
        elif op.fn is tape_get and op.result in self.active and carries(op.result.type):
            ops.append(Op(op.fn, (self.twin(op.args[0]), *op.args[1:]), (self.twin(op.result),), op.pos))

    def memory(self, ops: list[Op], op: Op) -> None:
        """The same op on the buffer of tangents."""
        if op.fn in ALLOCATIONS:
            if op.result in self.active:
                fn = mem_zeros if op.fn is mem_new else op.fn
                # What is made like a buffer of ints is all zero, and so are its tangents
                of_buffer = op.fn in (mem_copy, mem_pack) or (op.fn is mem_like and op.args[0] in self.active)
                args = (self.twin(op.args[0]), *op.args[1:]) if of_buffer else op.args
                ops.append(Op(fn, args, (self.twin(op.result),), op.pos))
            return
        if op.fn is mem_gemm:
            one, two = (self.twin(a) if a in self.active else None for a in (op.args[4], op.args[8]))
            ops += factor_tangents(op, self.twin(op.args[0]), one, two, bool(self.infinite))
            return
        if op.fn is mem_sum:
            added = self.twin(op.args[4])
            ops.append(Op(mem_sum, (self.twin(op.args[0]), *op.args[1:4], added, *op.args[5:]), (), op.pos))
            return
        if op.args[0] not in self.active:
            if op.fn in WRITES and op.args[2] in self.active:
                raise not_differentiable("forward mode of ints kept in arrays is not supported", op.pos)
            return
        place = (self.twin(op.args[0]), op.args[1])
        if op.fn is mem_reserve:
            ops.append(Op(mem_reserve, place, (), op.pos))
        elif op.fn is mem_load:
            if op.result in self.active:
                ops.append(Op(mem_load, place, (self.twin(op.result),), op.pos))
        else:
            ops.append(Op(op.fn, (*place, self.dot(op.args[2])), (), op.pos))

    def stack(self, ops: list[Op], op: Op) -> None:
        """Records hold the tangents of their floating values and tapes behind the values themselves."""
        if op.fn is push:
            dots = self.every(a for a in op.args[1:] if isinstance(a.type, TapeType) or carries(a.type))
            ops.append(Op(push, (*op.args, *dots), (), op.pos))
            return
        kept = [r for r in op.results if isinstance(r.type, TapeType) or carries(r.type)]
        dots_ = tuple(self.target(r) for _ in self.lanes() for r in kept)
        ops.append(Op(pop, op.args, (*op.results, *dots_), op.pos))

    def rules(self, op: Op) -> tuple[Any, ...]:
        careful = any(isinstance(arg, Var) and arg in self.infinite for arg in op.args)
        rules = find(op.fn, domain(op), forward=True, careful=careful)
        check_taken(op)
        if rules is None:
            raise not_differentiable(f"{getattr(op.fn, '__name__', op.fn)} has no derivative rule", op.pos)
        return tuple(rule if passes(op, i) else None for i, rule in enumerate(rules))

    def call(self, ops: list[Op], op: Op) -> None:
        varied = tuple(isinstance(a, Var) and a in self.active for a in op.args)
        custom = self.tangents.programs[op.fn.callee].custom
        if custom is not None and not custom.plain:
            self.custom(ops, op, custom)
            return
        callee = self.tangents.of(op.fn.callee, varied)
        dots = self.every(a for a, on in zip(op.args, varied, strict=True) if on)
        outs = [self.target(r) for _ in self.lanes() for r in op.results if has_tangent(r.type)]
        ops.append(Op(Call(callee), (*op.args, *dots), (*op.results, *outs), op.pos))

    def transposed(self, ops: list[Op], op: Op, custom: Custom) -> None:
        """ẏ = J ȧ, where the rule's pullback gives Jᵀ dy for any dy: its adjoint, as a function of dy, at ȧ."""
        rule = self.tangents.programs[custom.forward]
        saved = tuple(Var(kind) for kind in rule.results[len(op.results) :])
        ops.append(Op(Call(custom.forward, writes=False), op.args, (*op.results, *saved), op.pos))
        every = (*op.args, *op.results)
        known = (*saved, *(every[number] for number in custom.kept))
        flipped = self.tangents.transposed(custom, len(known))
        for _ in self.lanes():
            given: list[Operand] = list(known)
            twins: list[Operand] = []
            slopes: list[Var] = []
            for r in op.results:
                kind = shadow_type(r.type)
                if kind is not None:
                    made = self.twin(r) if carries(r.type) else Var(kind)
                    ops.append(Op(mem_like, (r,), (made,), op.pos))
                    given.append(_zeros(ops, r, kind, op.pos))
                    twins.append(made)
                elif differentiable(r.type):
                    given.append(zero(tangent_kind(r.type)))
                    slopes.append(self.target(r))
            seeds = [self.dot(a) for a in op.args if differentiable(a.type)]
            for a in op.args:
                kind = shadow_type(a.type)
                if kind is not None:
                    given.append(_zeros(ops, a, kind, op.pos))
                    twins.append(self.twin(a) if carries(a.type) else _zeros(ops, a, kind, op.pos))
            values = tuple(Var(kind) for kind in self.tangents.programs[custom.backward].results)
            ops.append(Op(Call(flipped), (*given, *seeds, *twins), (*values, *slopes), op.pos))

    def custom(self, ops: list[Op], op: Op, custom: Custom) -> None:
        """ẏᵢ = ⟨pullback(eᵢ), ȧ⟩: the rows of the Jacobian, one call of the user's pullback each."""
        kinds_of = [v.type for v in (*op.args, *op.results)]
        if any(isinstance(kind, (MemoryType, types.Complex)) for kind in kinds_of):
            self.transposed(ops, op, custom)
            return
        rule, back = self.tangents.programs[custom.forward], self.tangents.programs[custom.backward]
        saved = tuple(Var(kind) for kind in rule.results[len(op.results) :])
        ops.append(Op(Call(custom.forward), op.args, (*op.results, *saved), op.pos))
        every = (*op.args, *op.results)
        kept = (*saved, *(every[number] for number in custom.kept))
        emitter = Emitter(ops, op.pos)
        outputs = [r for r in op.results if differentiable(r.type)]
        inputs = [a for a in op.args if differentiable(a.type)]
        for i, result in enumerate(outputs):
            if not isinstance(self.dot(result), Var):
                continue
            kinds = [param.type for param in back.params[len(kept) :]]
            unit = tuple(emitter.convert(Const(1.0 if j == i else 0.0, f8), kind) for j, kind in enumerate(kinds))
            row = tuple(Var(kind) for kind in back.results)
            ops.append(Op(Call(custom.backward), (*kept, *unit), row, op.pos))
            for _ in self.lanes():
                target = self.twin(result)
                total: Operand = zero(target.type)
                for arg, slope in zip(inputs, row, strict=True):
                    if isinstance(arg, Var) and arg in self.active:
                        given = emitter.convert(slope, target.type)
                        part = emitter.emit(operator.mul, (given, self.dot(arg)), target.type)
                        total = emitter.emit(operator.add, (total, part), target.type)
                ops.append(Op(p.identity, (total,), (target,), op.pos))


def _zeros(ops: list[Op], buffer: Operand, kind: MemoryType, pos: Pos) -> Var:
    made = Var(kind)
    ops.append(Op(mem_like, (buffer,), (made,), pos))
    return made


def _pos(program: Program) -> Pos:
    for op in program.ops():
        return op.pos
    return Pos("", 0, program.name)


def jvp(module: Module, varied: Sequence[bool], width: int = 1, wide: bool = False) -> Module:
    """A module whose entry takes a tangent per varied parameter besides, and gives a tangent per result; `width` times,
    one direction behind the other, or `wide`, with one lane for each direction (see `fits_lanes`)."""
    work = _Tangents(module, width, wide)
    made = work.of(module.entry, tuple(varied))
    return Module(work.programs, made).reachable()


def fits_lanes(module: Module) -> bool:
    """Whether tangents of all that a module computes can be lanes: of real numbers, element by element."""
    return all(map(_fits_lanes, module.programs.values()))


def _fits_lanes(program: Program) -> bool:
    if program.custom is not None and not program.custom.plain:
        return False
    kinds = [param.type for param in program.params]
    for op in program.ops():
        if isinstance(op.fn, (External, Callback)):
            return False
        kinds += [result.type for result in op.results]
    return not any(map(_is_other, kinds))


def _is_other(kind: Any) -> bool:
    if isinstance(kind, TapeType):
        return any(map(_is_other, kind.fields))
    if isinstance(kind, MemoryType):
        return holds_handles(kind) or _is_other(kind.dtype)
    return isinstance(kind, (types.Complex, StackType))
