"""The adjoint of each op: reverse code that adds to the adjoints of its operands.

Every active variable v has a slot for its adjoint dv, which is taken (and reset) where v's definition is reversed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cached_property
from typing import Any

from numba import types

from zyg.adjoint.activity import cell_of, differentiable, passes, shadow_type
from zyg.adjoint.finite import finite
from zyg.adjoint.infinite import Infinite
from zyg.adjoint.mirrored import STACK, Adjoint, Callees, Handle, Need, Shadow, accumulate
from zyg.adjoint.partials import check_taken, cotangents, domain, of_python, tangent_kind
from zyg.adjoint.restoring import Restore
from zyg.adjoint.trace import Emitter
from zyg.errors import not_differentiable, unsupported
from zyg.ir.external import External
from zyg.ir.graph import Graph
from zyg.ir.matrices import ONE, ZERO, Matrix, factor_adjoints, matrix, mem_gemm, mem_pack, mem_sum, sum_of
from zyg.ir.memory import ELEMENT_WRITES, MemoryType, holds_handles, mem_add, mem_like, mem_load, mem_store
from zyg.ir.program import Block, Call, Callback, Const, Custom, Guard, Op, Operand, Pos, Program, Type, Var
from zyg.ir.scalars import b1, i8
from zyg.ir.tape import StackType, pop, push, tape_get, tape_larger, tape_new, tape_put, tape_reserve, tape_zeros
from zyg.ir.whole import whole_copy
from zyg.passes.memory_facts import settled
from zyg.passes.slots import Load, Store, zero
from zyg.rules import primitives as p
from zyg.rules.elementwise import find, singular


class OpAdjoints:
    """blocks: the forward sweep, in which calls are replaced by calls that leave what their reverse needs.

    old: what stores overwrite, where it may be put back (see `restoring`).  late: the shadows that reverse code makes.
    infinite: may the cotangents that are given be infinite?
    """

    def __init__(
        self,
        program: Program,
        graph: Graph,
        blocks: dict[int, Block],
        active: set[Var],
        shadows: dict[Var, Var],
        classes: dict[Var, Var],
        int_adjoint: Type,
        callees: Callees,
        old: dict[Op, Var],
        late: frozenset[Var],
        infinite: bool,
    ) -> None:
        self.old, self.late = old, late
        self.program = program
        self.graph = graph
        self.blocks = blocks
        self.active = active
        self.shadows = shadows
        self.classes = classes
        self.int_adjoint = int_adjoint
        self.callees = callees
        self.pos = Pos("", 0, program.name)
        # Fields of tapes that active numbers are read from
        self.cells = {
            cell_of(classes, op)
            for block in program.blocks.values()
            for op in block.ops
            if op.fn is tape_get and op.result in active and op.result not in shadows
        }
        found = Infinite(program, graph, active, classes, self._is_singular, infinite)
        self.infinite, self._infinite_arrives_at = found.found, found.arrives_at

    # --- values -------------------------------------------------------------------------------------

    def kind(self, kind: Type) -> Type:
        """The type of the adjoint of a value of type `kind`."""
        return self.int_adjoint if isinstance(kind, (types.Integer, types.Boolean)) else kind

    def need(self, ops: list[Op], operand: Operand) -> Operand:
        if not isinstance(operand, Var) or operand in self.late:
            return operand
        value = Var(operand.type, operand.name)
        ops.append(Op(Need(operand), (), (value,), self.pos))
        return value

    def load(self, ops: list[Op], var: Var) -> Var:
        value = Var(self.kind(var.type), f"d_{var.name}" if var.name else "")
        ops.append(Op(Load(Adjoint(var)), (), (value,), self.pos))
        return value

    def take(self, ops: list[Op], var: Var) -> Var:
        value = self.load(ops, var)
        ops.append(Op(Store(Adjoint(var)), (zero(value.type),), (), self.pos))
        return value

    def contribute(self, ops: list[Op], operand: Operand, value: Operand) -> None:
        """d_operand += value."""
        assert not isinstance(operand.type, MemoryType)
        if not isinstance(operand, Var) or operand not in self.active:
            return
        kind = self.kind(operand.type)
        value = Emitter(ops, self.pos).convert(value, kind)
        old = self.load(ops, operand)
        total = Var(kind, old.name)
        ops.append(Op(accumulate, (old, value), (total,), self.pos))
        ops.append(Op(Store(Adjoint(operand)), (total,), (), self.pos))

    # --- ops ----------------------------------------------------------------------------------------

    def acts(self, op: Op) -> bool:
        """Whether the reverse sweep has something to do for `op`."""
        if op.fn is mem_store:
            return op.args[0] in self.active and not holds_handles(op.args[0].type)
        if op.fn is tape_put:
            return cell_of(self.classes, op) in self.cells
        if op.fn is mem_add:
            # What is added to a buffer that nobody looks at has no derivative
            return op.args[0] in self.active and op.args[-1] in self.active and op.args[-1] not in self.shadows
        if isinstance(op.fn, (Call, Callback)):
            # What Python only reads passes no derivative on
            reached = op.results if isinstance(op.fn, Callback) and not op.fn.writes else (*op.args, *op.results)
            if any(v in self.active and v in self.shadows for v in reached):
                return True
        if op.fn in (mem_gemm, mem_sum):
            return op.args[0] in self.active and any(arg in self.active for arg in op.args[4:])
        if op.fn is mem_pack:
            return op.result in self.active and op.args[0] in self.active
        return any(r in self.active and r not in self.shadows for r in op.results)

    def _is_singular(self, op: Op) -> bool:
        """May an op have an infinite derivative at a finite value?"""
        if op in finite(self.program):
            return False
        return op.fn in singular or (isinstance(op.fn, Call) and self.callees.is_singular(op.fn.callee))

    def tape_shadows(self, ops: list[Op]) -> None:
        """Every tape of the primal program that holds active values gets a shadow, all zero.

        Where a loop makes a new tape each time round, these share one shadow, which has the rows of the largest.
        """
        used = [
            self.classes[op.args[0]]
            for block in self.program.blocks.values()
            for op in block.ops
            if op.fn is tape_get and op.result in self.active and isinstance(op.args[0], Var)
        ]
        entry = self.graph.order[0]
        for tape in dict.fromkeys(used):
            kind = tape.type
            empty = Var(kind, "tape")
            start = [Op(tape_new, (Const(0, i8),), (empty,), self.pos), Op(Store(Handle(tape)), (empty,), (), self.pos)]
            for label in self.graph.order:
                block = self.blocks[label]
                out: list[Op] = list(start) if label == entry else []
                for op in block.ops:
                    out.append(op)
                    if op.fn in (tape_new, tape_zeros, tape_reserve) and self.classes.get(op.result) is tape:
                        before, largest = Var(kind, "tape"), Var(kind, "tape")
                        out.append(Op(Load(Handle(tape)), (), (before,), op.pos))
                        out.append(Op(tape_larger, (op.result, before), (largest,), op.pos))
                        out.append(Op(Store(Handle(tape)), (largest,), (), op.pos))
                self.blocks[label] = Block(block.params, tuple(out), block.end)
            handle, shadow = Var(kind, "tape"), Var(kind, "d_tape")
            ops.append(Op(Load(Handle(tape)), (), (handle,), self.pos))
            ops.append(Op(tape_zeros, (handle,), (shadow,), self.pos))
            ops.append(Op(Store(Shadow(tape)), (shadow,), (), self.pos))

    def _reverse_tape(self, ops: list[Op], op: Op) -> None:
        """Original: T[row] = v    Adjoint: dv += dT[row]; dT[row] = 0
        Original: v = T[row]    Adjoint: dT[row] += dv; dv = 0
        """
        tape, _ = cell_of(self.classes, op)
        shadow = Var(tape.type, "d_tape")
        place = (shadow, self.need(ops, op.args[1]), op.args[2])
        value = op.args[3] if op.fn is tape_put else op.result
        old = Var(value.type, "")
        new = self.take(ops, op.result) if op.fn is tape_get else None
        ops.append(Op(Load(Shadow(tape)), (), (shadow,), op.pos))
        ops.append(Op(tape_get, place, (old,), op.pos))
        if new is None:
            ops.append(Op(tape_put, (*place, zero(value.type)), (), op.pos))
            self.contribute(ops, value, old)
            return
        total = Var(value.type, "")
        ops.append(Op(operator.add, (old, new), (total,), op.pos))
        ops.append(Op(tape_put, (*place, total), (), op.pos))

    def _reverse_memory(self, ops: list[Op], op: Op) -> None:
        """Original: v = m[i]     Adjoint: dm[i] += dv; dv = 0
        Original: m[i] = v     Adjoint: dv += dm[i]; dm[i] = 0
        Original: m[i] += v    Adjoint: dv += dm[i]
        """
        memory = op.args[0]
        assert isinstance(memory, Var)
        shadow = self.need(ops, self.shadows[memory])
        assert isinstance(shadow.type, MemoryType)
        place = (shadow, self.need(ops, op.args[1]))
        kind = shadow.type.dtype
        if op.fn is mem_load:
            value = Emitter(ops, op.pos).convert(self.take(ops, op.result), kind)
            ops.append(Op(mem_add, (*place, value), (), op.pos))
            return
        old = Var(kind, "")
        ops.append(Op(mem_load, place, (old,), op.pos))
        if op.fn is mem_store:
            ops.append(Op(mem_store, (*place, zero(kind)), (), op.pos))
        if op in self.old:
            known = (self.need(ops, memory), place[1], self.need(ops, self.old[op]))
            ops.append(Op(Restore(self.old[op]), known, (), op.pos))
        self.contribute(ops, op.args[2], old)

    def _reverse_matrices(self, ops: list[Op], op: Op) -> None:
        """Original: y = pack(A)   Adjoint: dA += dy
        Original: C += A        Adjoint: dA += dC
        Original: C += A B      Adjoint: dA += dC Bᴴ; dB += Aᴴ dC
        """
        known = Op(op.fn, tuple(self.need(ops, arg) for arg in op.args), op.results, op.pos)
        target = op.result if op.fn is mem_pack else op.args[0]
        assert isinstance(target, Var)
        seed = self.need(ops, self.shadows[target])
        if op.fn is mem_gemm:
            da, db = (
                self.need(ops, self.shadows[a]) if isinstance(a, Var) and a in self.active else None
                for a in (op.args[4], op.args[8])
            )
            ops += factor_adjoints(known, seed, da, db, self._infinite_arrives_at(op.args[0]))
            return
        if op.fn is mem_pack:
            source, extents = matrix(known, 0), known.args[4:]
            added = Matrix(seed, ZERO, extents[1], ONE)
        else:
            source, extents = matrix(known, 1), known.args[8:]
            added = matrix(known, 0).over(seed)
        original = op.args[0] if op.fn is mem_pack else op.args[4]
        assert isinstance(original, Var)
        ops.append(sum_of(source.over(self.need(ops, self.shadows[original])), added, extents, op.pos))

    def reverse(self, ops: list[Op], op: Op) -> None:
        if op.fn in (push, pop):
            raise unsupported(
                "a second reverse sweep over a recursive function",
                op.pos,
                "Use zyg.jvp of the gradient.",
            )
        if isinstance(op.fn, External):
            if any(arg in self.active for arg in op.args) and not op.fn.is_constant:
                raise not_differentiable(f"{op.fn.__name__} of LAPACK has no derivative", op.pos)
            return
        if not self.acts(op):
            return
        if op.fn in (tape_put, tape_get):
            self._reverse_tape(ops, op)
            return
        if op.fn is mem_load or op.fn in ELEMENT_WRITES:
            self._reverse_memory(ops, op)
            return
        if op.fn in (mem_gemm, mem_pack, mem_sum):
            self._reverse_matrices(ops, op)
            return
        if isinstance(op.fn, Call):
            self._reverse_call(ops, op)
            return
        if isinstance(op.fn, Callback):
            raise of_python(op)
        assert not isinstance(op.fn, Guard)
        dy = self.take(ops, op.result)
        if op.fn in (p.cast, p.identity):
            # Original: y = cast(a)    Adjoint: da += cast(dy)  (the real part where a is real)
            self.contribute(ops, op.args[0], dy)
            return
        for arg, value in zip(op.args, cotangents(ops, op, dy, self._partials, self.pos, self.need), strict=True):
            if value is not None:
                self.contribute(ops, arg, value)

    def _partials(self, op: Op) -> tuple[Any, ...] | None:
        needed = [isinstance(arg, Var) and arg in self.active and passes(op, i) for i, arg in enumerate(op.args)]
        infinite = any(r in self.infinite for r in op.results)
        rules = find(op.fn, domain(op), careful=infinite)
        check_taken(op)
        if rules is None:
            name = getattr(op.fn, "__name__", op.fn)
            raise not_differentiable(f"{name} has no derivative rule", op.pos, "Write one with @zyg.adjoint.")
        return tuple(rule if on else None for rule, on in zip(rules, needed, strict=True))

    def _reverse_call(self, ops: list[Op], op: Op) -> None:
        """Original: y… = f(a…)    Adjoint: da… += f.reverse(tape, dy…), where f.forward has left the tape."""
        varied = tuple(isinstance(a, Var) and a in self.active for a in op.args)
        useful = tuple(r in self.active for r in op.results)
        shadows = [self.shadows[a] for a in op.args if isinstance(a, Var) and a in self.shadows]
        custom = self.callees.signature(op.fn.callee).custom
        if custom is not None:
            self._reverse_custom(ops, op, custom)
            return
        at_once = self.callees.at_once(op.fn.callee, varied, useful)
        if at_once is not None:
            self._reverse_at_once(ops, op, at_once)
            return
        forward, backward = self.callees.pair(op.fn.callee, varied, useful)
        dys = [self.take(ops, r) for r in op.results if r in self.active]
        varied = tuple(on and a not in self.shadows for a, on in zip(op.args, varied, strict=True))
        kinds = [a.type for a, on in zip(op.args, varied, strict=True) if on]
        stack = Var(StackType("residuals"), "stack")
        ops.append(Op(Load(STACK), (), (stack,), op.pos))
        outs = tuple(Var(self.kind(kind), "") for kind in kinds)
        ops.append(Op(Call(backward), (*dys, stack), outs, op.pos))
        for arg, value in zip((a for a, on in zip(op.args, varied, strict=True) if on), outs, strict=True):
            self.contribute(ops, arg, value)
        self._replace_call(op, forward, shadows)

    def _reverse_at_once(self, ops: list[Op], op: Op, gradient: str) -> None:
        """Original: y = f(a…)    Forward: y, ya… = grad f(a…)    Adjoint: da… += ya · dy…"""
        (given,) = (r for r in op.results if r in self.active)
        varied = [a for a in op.args if isinstance(a, Var) and a in self.active]
        partials = [Var(self.kind(a.type), "") for a in varied]
        assert isinstance(op.fn, Call)
        call = Op(Call(gradient, op.fn.writes), (*op.args, Const(1.0, given.type)), (*op.results, *partials), op.pos)
        self._swap_call(op, call)
        dy = self.take(ops, given)
        for arg, partial in zip(varied, partials, strict=True):
            emitter = Emitter(ops, op.pos)
            slope = emitter.convert(self.need(ops, partial), dy.type)
            value = Var(dy.type)
            # Where either is 0, the other may be infinite: the derivative is 0, as in a rule
            ops.append(Op(p.annihilated if self._is_singular(op) else operator.mul, (slope, dy), (value,), op.pos))
            if given in self.infinite:
                at_zero, chosen = emitter.emit(operator.eq, (slope, zero(slope.type)), b1), Var(dy.type)
                ops.append(Op(p.select, (at_zero, zero(dy.type), value), (chosen,), op.pos))
                value = chosen
            self.contribute(ops, arg, value)

    def _replace_call(self, op: Op, forward: str, shadows: list[Var]) -> None:
        stack = Var(StackType("residuals"), "stack")
        load = Op(Load(STACK), (), (stack,), op.pos)
        self._swap_call(op, load, Op(Call(forward), (*op.args, *shadows, stack), op.results, op.pos))

    def _reverse_custom(self, ops: list[Op], op: Op, custom: Custom) -> None:
        """Original: y… = f(a…)    Adjoint: da… += back(saved…, dy…), where the rule gave y… and saved….

        Buffers among a… and y… that back reads, and that are written later, are copied.
        """
        rule, back = self.callees.signature(custom.forward), self.callees.signature(custom.backward)
        saved = tuple(Var(kind, "saved") for kind in rule.results[len(op.results) :])
        new = [Op(Call(custom.forward, writes=False), op.args, (*op.results, *saved), op.pos)]
        given = [self.need(ops, v) for v in saved]
        every = (*op.args, *op.results)
        for number in custom.kept:
            value = every[number]
            if isinstance(value.type, MemoryType) and not self._is_settled(op, number):
                assert isinstance(value, Var)
                copying, value = whole_copy(value, op.pos)
                new += copying
            given.append(self.need(ops, value))
        self._swap_call(op, *new)
        emitter = Emitter(ops, op.pos)
        seeds: list[Operand] = []
        for r in op.results:
            if shadow_type(r.type) is not None:
                seeds.append(self._shadow(ops, r))
            elif differentiable(r.type):
                dy = self.take(ops, r) if r in self.active else zero(tangent_kind(r.type))
                seeds.append(emitter.convert(dy, back.params[len(given) + len(seeds)].type))
        shadows = [self._shadow(ops, arg) for arg in op.args if shadow_type(arg.type) is not None]
        outs = tuple(Var(kind) for kind in back.results)
        ops.append(Op(Call(custom.backward), (*given, *seeds, *shadows), outs, op.pos))
        targets = [arg for arg in op.args if differentiable(arg.type)]
        for arg, value in zip(targets, outs, strict=True):
            self.contribute(ops, arg, value)

    def _shadow(self, ops: list[Op], memory: Operand) -> Operand:
        """The shadow of a buffer; of one that is not active, zeros that nobody else sees."""
        if isinstance(memory, Var) and memory in self.shadows:
            return self.need(ops, self.shadows[memory])
        kind = shadow_type(memory.type)
        assert kind is not None
        zeros = Var(kind)
        ops.append(Op(mem_like, (self.need(ops, memory),), (zeros,), self.pos))
        return zeros

    @cached_property
    def _is_settled(self) -> Callable[..., bool]:
        return settled(self.program, self.graph)

    def _swap_call(self, op: Op, *new: Op) -> None:
        for label, block in self.blocks.items():
            if op in block.ops:
                at = block.ops.index(op)
                self.blocks[label] = Block(block.params, (*block.ops[:at], *new, *block.ops[at + 1 :]), block.end)
                return
