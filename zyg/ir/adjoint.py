"""The adjoint pass: a program → one that computes its results and then, in reverse, its cotangents.

The control-flow graph is mirrored.  Every active variable v has a slot for its adjoint dv; the ops of a block
contribute to the adjoints of their operands in reverse order, a block parameter's adjoint flows to the
argument on the edge that was taken.  Reverse code may name any primal value (`Need`); where it comes from is
decided afterwards, in `record`.

    Original:  y = f(a, b)
    Adjoint:   da += ∂f/∂a · dy;  db += ∂f/∂b · dy;  dy = 0

    Original:  goto B(a)            with block B(x)
    Adjoint:   da += dx;  dx = 0    in front of the mirror image of the block that jumped
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import types

from zyg.errors import not_differentiable
from zyg.ir.activity import active, cell_of, differentiable, handle_classes, passes, shadow_type
from zyg.ir.canonical import Canonical, canonical
from zyg.ir.graph import Graph
from zyg.ir.memory import WRITES, MemoryType, mem_add, mem_load, mem_store
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Const,
    Edge,
    End,
    Guard,
    Jump,
    Op,
    Operand,
    Pos,
    Program,
    Raise,
    Return,
    Type,
    Var,
    edges,
    with_edges,
)
from zyg.ir.scalars import b1, c8, c16, f8, i8
from zyg.ir.shadows import with_shadows
from zyg.ir.slots import Load, Store, zero
from zyg.ir.tape import StackType, pop, push, tape_get, tape_new, tape_put, tape_reserve, tape_zeros
from zyg.ir.trace import Emitter
from zyg.rules import primitives as p
from zyg.rules.elementwise import Domain, find, nonholomorphic, singular


@dataclass(frozen=True, slots=True)
class Need:
    """The `fn` of an op in reverse code that stands for the primal value `var`."""

    var: Var

    @property
    def __name__(self) -> str:
        return f"primal {self.var.name}"


@dataclass(frozen=True, slots=True)
class Counter:
    """The slot that holds, in reverse, the number of the iteration being reversed of the loop at `header`."""

    header: int


@dataclass(frozen=True, slots=True)
class Adjoint:
    """The slot of the adjoint of `var`."""

    var: Var


@dataclass(frozen=True, slots=True)
class Handle:
    """The slot of the current handle of a tape that the primal program keeps."""

    tape: Var


@dataclass(frozen=True, slots=True)
class Shadow:
    """The slot of the shadow of such a tape: its adjoints, row by row."""

    tape: Var


@dataclass(frozen=True, eq=False)
class Reversed:
    """A program and its mirror image, still with slots and needs: what `record` completes."""

    program: Program
    canonical: Canonical
    start: int | None
    mirror: dict[int, int]
    cotangents: tuple[Var, ...]


PairOf = Callable[[str, tuple[bool, ...], tuple[bool, ...]], tuple[str, str, bool]]
Signature = Callable[[str], Program]
STACK = "stack"


def accumulate(a: Any, b: Any) -> Any:
    """a + b, where a constant zero is the symbolic zero; replaced by a plain addition in the end."""
    return a + b


def CUT() -> None:
    """Marks the point between the forward and the reverse sweep; compiled programs do not contain it."""


p.table[accumulate] = p.Primitive("accumulate")
p.table[CUT] = p.Primitive("cut", effect=True)


class _Adjoint:
    def __init__(
        self,
        program: Program,
        varied: Sequence[bool],
        useful: Sequence[bool],
        int_adjoint: Type,
        pair_of: PairOf,
        signature: Signature,
    ) -> None:
        self.signature = signature
        self.canonical = form = canonical(program)
        self.program = form.program
        self.graph = form.graph
        given = [v for v, on in zip(program.params, varied, strict=True) if on]
        self.inputs = [v for v in given if differentiable(v.type)]
        buffers = [v for v in given if shadow_type(v.type) is not None]
        self.outputs = [i for i, on in enumerate(useful) if on and differentiable(program.results[i])]
        self.active = active(self.program, self.graph, given, self.outputs)
        shadowed = with_shadows(self.program, self.active, buffers)
        self.program, self.shadows, self.shadow_params = shadowed.program, shadowed.of, shadowed.given
        self.graph = Graph(self.program)
        self.canonical = replace(form, program=self.program, graph=self.graph)
        self.classes = handle_classes(self.program, self.graph)
        self.int_adjoint = int_adjoint
        self.pair_of = pair_of
        self.blocks: dict[int, Block] = dict(self.program.blocks)
        self.fresh = max(self.blocks) + 1
        self.sources: dict[int, Var] = {}
        self.active_blocks = {label for label in self.graph.order if self._is_active(label)}
        self.infinite = self._reaches_singular()
        self.pos = Pos("", 0, program.name)
        self.calls: dict[int, tuple[str, tuple[bool, ...], tuple[bool, ...]]] = {}

    # --- the graph ----------------------------------------------------------------------------------

    def run(self) -> Reversed:
        program = self.program
        seeds = tuple(Var(self.kind(program.results[i]), f"d_result{i or ''}") for i in self.outputs)
        if self.canonical.exit is None:
            values = tuple(zero(kind) for kind in program.results)
            assert not any(isinstance(block.end, Return) for block in program.blocks.values()), values
            results = (*program.results, *(self.kind(v.type) for v in self.inputs))
            done = replace(self.program, params=self._parameters(seeds), results=results)
            return Reversed(done, self.canonical, None, {}, seeds)
        reach = self._mirrored()
        self.mirror = {}
        for label in reach:
            self.mirror[label] = self.fresh
            self.fresh += 1
        for label in reach:
            self._reverse_block(label, seeds)
        exit_block = self.blocks[self.canonical.exit]
        self.blocks[self.canonical.exit] = Block(
            exit_block.params, exit_block.ops, Jump(Edge(self.mirror[self.canonical.exit]))
        )
        results = (*program.results, *(self.kind(v.type) for v in self.inputs))
        done = replace(self.program, params=self._parameters(seeds), results=results, blocks=self.blocks)
        return Reversed(done, self.canonical, self.mirror[self.canonical.exit], self.mirror, seeds)

    def _parameters(self, seeds: tuple[Var, ...]) -> tuple[Var, ...]:
        """The program's own, the seeds, and the shadows of the buffers among the inputs."""
        count = len(self.program.params) - len(self.shadow_params)
        return (*self.program.params[:count], *seeds, *self.shadow_params)

    def _mirrored(self) -> list[int]:
        """Forward blocks whose mirror image is needed, from the exit back."""
        assert self.canonical.exit is not None
        found, todo = [], [self.canonical.exit]
        while todo:
            label = todo.pop()
            if label not in found:
                found.append(label)
                todo += self._before(label)
        return found

    def _before(self, label: int) -> list[int]:
        """The blocks that reverse control can go to from the mirror image of `label`."""
        preds = [pred for pred in self.graph.preds[label] if pred in self.graph.idom]
        if len(preds) <= 1:
            return preds
        return [self.graph.idom[label]] if self._passive_region(label) else preds

    def _passive_region(self, label: int) -> bool:
        """Nothing active happens between the immediate dominator of `label` and `label`, and no loop is left there
        whose iterations are reversed."""
        if any(param in self.active and param not in self.shadows for param in self.blocks[label].params):
            return False
        top = self.graph.idom[label]
        loop = self.graph.loop_of[top]
        while loop is not None and label not in loop.blocks:
            if not self._passive_region(loop.header):
                return False
            loop = loop.parent
        seen, todo = {top}, list(self.graph.preds[label])
        while todo:
            at = todo.pop()
            if at not in seen:
                if at in self.active_blocks:
                    return False
                seen.add(at)
                todo += self.graph.preds[at]
        return True

    def _is_active(self, label: int) -> bool:
        block = self.program.blocks[label]
        if any(v in self.active and v not in self.shadows for v in block.params):
            return True
        return any(self._acts(op) for op in block.ops)

    def _acts(self, op: Op) -> bool:
        """Whether the reverse sweep has something to do for `op`."""
        if op.fn is mem_store:
            return op.args[0] in self.active
        if op.fn in (tape_put, mem_add):
            return op.args[-1] in self.active and op.args[-1] not in self.shadows
        if isinstance(op.fn, Call) and any(arg in self.active and arg in self.shadows for arg in op.args):
            return True
        return any(r in self.active and r not in self.shadows for r in op.results)

    def _reaches_singular(self) -> set[Var]:
        """Values that a function with an infinite derivative may be computed from."""
        found: set[Var] = set()
        size = -1
        while len(found) != size:
            size = len(found)
            for label in self.graph.order:
                block = self.program.blocks[label]
                for op in block.ops:
                    if op.fn in singular or any(r in found for r in op.results) or isinstance(op.fn, Call):
                        found.update(a for a in op.args if isinstance(a, Var) and a in self.active)
                for edge in edges(block.end):
                    for param, arg in zip(self.program.blocks[edge.target].params, edge.args, strict=True):
                        if param in found and isinstance(arg, Var):
                            found.add(arg)
        return found

    # --- one block ----------------------------------------------------------------------------------

    def _reverse_block(self, label: int, seeds: tuple[Var, ...]) -> None:
        block = self.program.blocks[label]
        ops: list[Op] = []
        if label == self.canonical.exit:
            ops.append(Op(CUT, (), (), self.pos))
            self._shadows(ops)
            assert isinstance(block.end, Return)
            for seed, i in zip(seeds, self.outputs, strict=True):
                self._contribute(ops, block.end.values[i], seed)
        for op in reversed(block.ops):
            self.pos = op.pos
            self._reverse_op(ops, op)
        end = self._back(label, ops)
        self.blocks[self.mirror[label]] = Block((), tuple(ops), end)

    def _back(self, label: int, ops: list[Op]) -> End:
        """Where reverse control goes after the mirror image of `label`; may append to `ops`."""
        if label == self.graph.order[0]:
            return self._finish(ops)
        before = self._before(label)
        if len(self.graph.preds[label]) > 1 and self._passive_region(label):
            return Jump(Edge(self._leave(before[0], label, flow=False)))
        if len(before) == 1:
            return Jump(Edge(self._leave(before[0], label)))
        loop = self.graph.loop_of[label]
        if loop is not None and loop.header == label:
            return self._back_round(label, before, ops)
        chosen = self._choice(label, before, ops)
        return self._decide(label, before, chosen, ops)

    def _finish(self, ops: list[Op]) -> Return:
        assert self.canonical.exit is not None
        end = self.program.blocks[self.canonical.exit].end
        assert isinstance(end, Return)
        values = tuple(self._need(ops, v) for v in end.values)
        return Return((*values, *(self._load(ops, v) for v in self.inputs)))

    def _back_round(self, header: int, before: list[int], ops: list[Op]) -> End:
        loop = self.graph.loop_of[header]
        assert loop is not None
        (latch,) = loop.latches
        (outside,) = (pred for pred in before if pred != latch)
        count, first, less = Var(i8, "k"), Var(b1), Var(i8, "k")
        ops.append(Op(Load(Counter(header)), (), (count,), self.pos))
        ops.append(Op(operator.eq, (count, Const(0, i8)), (first,), self.pos))
        again = self._leave(latch, header)
        step = (
            Op(operator.sub, (count, Const(1, i8)), (less,), self.pos),
            Op(Store(Counter(header)), (less,), (), self.pos),
        )
        target = self.blocks[again]
        self.blocks[again] = Block(target.params, (*target.ops, *step), target.end)
        return Branch(first, Edge(self._leave(outside, header)), Edge(again))

    def _choice(self, label: int, before: list[int], ops: list[Op]) -> Operand:
        """Which of the blocks `before` control came from: the condition that decided it, or a number."""
        top = self.graph.idom[label]
        end = self.program.blocks[top].end
        if len(before) == 2 and isinstance(end, Branch) and self.graph.loop_of[top] is self.graph.loop_of[label]:
            sides = [self._side(top, end, pred, label) for pred in before]
            if sorted(map(str, sides)) == ["False", "True"] and isinstance(end.cond, Var):
                if sides[0] is False:
                    before.reverse()
                return self._need(ops, end.cond)
        source = Var(b1 if len(before) == 2 else i8, "came_from")
        block = self.blocks[label]
        self.blocks[label] = Block((*block.params, source), block.ops, block.end)
        self.program = self.program.with_blocks({**self.program.blocks})
        for number, pred in enumerate(before):
            tag = Const(number == 0, b1) if len(before) == 2 else Const(number, i8)
            old = self.blocks[pred]
            end_ = with_edges(old.end, lambda e, tag=tag: Edge(e.target, (*e.args, tag)) if e.target == label else e)  # type: ignore[misc]
            self.blocks[pred] = Block(old.params, old.ops, end_)
        self.sources[label] = source
        return self._need(ops, source)

    def _side(self, top: int, end: Branch, pred: int, label: int) -> bool | None:
        """On which side of the branch that ends `top` the predecessor `pred` of `label` lies."""
        if pred == top:
            return end.then.target == label
        for side, target, other in (
            (True, end.then.target, end.other.target),
            (False, end.other.target, end.then.target),
        ):
            only = self.graph.preds[target] == (top,) and target != label and target != other
            if only and self.graph.dominates(target, pred):
                return side
        return None

    def _decide(self, label: int, before: list[int], chosen: Operand, ops: list[Op]) -> End:
        if len(before) == 2:
            return Branch(chosen, Edge(self._leave(before[0], label)), Edge(self._leave(before[1], label)))
        here = Var(b1)
        ops.append(Op(operator.eq, (chosen, Const(0, i8)), (here,), self.pos))
        end: End = Jump(Edge(self._leave(before[-1], label)))
        for number in range(len(before) - 2, 0, -1):
            same = Var(b1)
            test = self._block((Op(operator.eq, (chosen, Const(number, i8)), (same,), self.pos),), end)
            end = Jump(Edge(test)) if not isinstance(end, Jump) else end
            rest = self._block((), end) if not isinstance(end, Jump) else end.to.target
            self.blocks[test] = Block(
                (), self.blocks[test].ops, Branch(same, Edge(self._leave(before[number], label)), Edge(rest))
            )
            end = Jump(Edge(test))
        assert isinstance(end, Jump)
        return Branch(here, Edge(self._leave(before[0], label)), end.to)

    def _block(self, ops: tuple[Op, ...], end: End) -> int:
        label, self.fresh = self.fresh, self.fresh + 1
        self.blocks[label] = Block((), ops, end)
        return label

    def _leave(self, pred: int, label: int, flow: bool = True) -> int:
        """A block that reverses the edge pred → label and goes on to the mirror image of `pred`."""
        ops: list[Op] = []
        if flow:
            block = self.program.blocks[label]
            (edge,) = (e for e in edges(self.program.blocks[pred].end) if e.target == label)
            moved = []
            for param, arg in zip(block.params, edge.args, strict=True):
                if param in self.active and param not in self.shadows:
                    moved.append((arg, self._take(ops, param)))
            for arg, value in moved:
                self._contribute(ops, arg, value)
        self._enter_loops(ops, pred, label)
        return self._block(tuple(ops), Jump(Edge(self.mirror[pred])))

    def _enter_loops(self, ops: list[Op], pred: int, label: int) -> None:
        """Reverse control enters the loops that the edge pred → label left: their counters are set."""
        loop = self.graph.loop_of[pred]
        while loop is not None and label not in loop.blocks:
            if not self._passive_region(loop.header):
                at_exit = self._count_at_exit(ops, loop.header, pred, label)
                ops.append(Op(Store(Counter(loop.header)), (at_exit,), (), self.pos))
            loop = loop.parent

    def _count_at_exit(self, ops: list[Op], header: int, pred: int, label: int) -> Operand:
        counted = self.canonical.counts[header]
        if counted.trips is not None:
            emitter = Emitter(ops, self.pos)
            trips = self._need(ops, counted.trips)
            some = emitter.emit(operator.gt, (trips, Const(0, i8)), b1)
            return emitter.emit(p.select, (some, trips, Const(0, i8)), i8)
        (edge,) = (e for e in edges(self.program.blocks[pred].end) if e.target == label)
        at = edge.args.index(counted.counter)
        return self._need(ops, self.program.blocks[label].params[at])

    # --- values -------------------------------------------------------------------------------------

    def kind(self, kind: Type) -> Type:
        """The type of the adjoint of a value of type `kind`."""
        return self.int_adjoint if isinstance(kind, types.Integer) else kind

    def _need(self, ops: list[Op], operand: Operand) -> Operand:
        if not isinstance(operand, Var):
            return operand
        value = Var(operand.type, operand.name)
        ops.append(Op(Need(operand), (), (value,), self.pos))
        return value

    def _load(self, ops: list[Op], var: Var) -> Var:
        value = Var(self.kind(var.type), f"d_{var.name}" if var.name else "")
        ops.append(Op(Load(Adjoint(var)), (), (value,), self.pos))
        return value

    def _take(self, ops: list[Op], var: Var) -> Var:
        value = self._load(ops, var)
        ops.append(Op(Store(Adjoint(var)), (zero(value.type),), (), self.pos))
        return value

    def _contribute(self, ops: list[Op], operand: Operand, value: Operand) -> None:
        """d_operand += value."""
        assert not isinstance(operand.type, MemoryType)
        if not isinstance(operand, Var) or operand not in self.active:
            return
        kind = self.kind(operand.type)
        value = Emitter(ops, self.pos).convert(value, kind)
        old = self._load(ops, operand)
        total = Var(kind, old.name)
        ops.append(Op(accumulate, (old, value), (total,), self.pos))
        ops.append(Op(Store(Adjoint(operand)), (total,), (), self.pos))

    # --- ops ----------------------------------------------------------------------------------------

    def _shadows(self, ops: list[Op]) -> None:
        """Every tape of the primal program that holds active values gets a shadow, all zero."""
        used = {
            self.classes[op.args[0]]
            for block in self.program.blocks.values()
            for op in block.ops
            if op.fn is tape_get and op.result in self.active and isinstance(op.args[0], Var)
        }
        entry = self.graph.order[0]
        for tape in sorted(used, key=lambda v: (v.name, str(v.type), id(v))):
            kind = tape.type
            empty = Var(kind, "tape")
            start = [Op(tape_new, (Const(0, i8),), (empty,), self.pos), Op(Store(Handle(tape)), (empty,), (), self.pos)]
            for label in self.graph.order:
                block = self.blocks[label]
                out: list[Op] = list(start) if label == entry else []
                for op in block.ops:
                    out.append(op)
                    if op.fn in (tape_new, tape_reserve) and self.classes.get(op.result) is tape:
                        out.append(Op(Store(Handle(tape)), (op.result,), (), op.pos))
                self.blocks[label] = Block(block.params, tuple(out), block.end)
            handle, shadow = Var(kind, "tape"), Var(kind, "d_tape")
            ops.append(Op(Load(Handle(tape)), (), (handle,), self.pos))
            ops.append(Op(tape_zeros, (handle,), (shadow,), self.pos))
            ops.append(Op(Store(Shadow(tape)), (shadow,), (), self.pos))

    def _reverse_tape(self, ops: list[Op], op: Op) -> None:
        """Original: T[row] = v    Adjoint: dv += dT[row]
        Original: v = T[row]    Adjoint: dT[row] += dv; dv = 0
        """
        tape, _ = cell_of(self.classes, op)
        shadow = Var(tape.type, "d_tape")
        place = (shadow, self._need(ops, op.args[1]), op.args[2])
        value = op.args[3] if op.fn is tape_put else op.result
        old = Var(value.type, "")
        new = self._take(ops, op.result) if op.fn is tape_get else None
        ops.append(Op(Load(Shadow(tape)), (), (shadow,), op.pos))
        ops.append(Op(tape_get, place, (old,), op.pos))
        if new is None:
            self._contribute(ops, value, old)
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
        shadow = self._need(ops, self.shadows[memory])
        assert isinstance(shadow.type, MemoryType)
        place = (shadow, self._need(ops, op.args[1]))
        kind = shadow.type.dtype
        if op.fn is mem_load:
            value = Emitter(ops, op.pos).convert(self._take(ops, op.result), kind)
            ops.append(Op(mem_add, (*place, value), (), op.pos))
            return
        old = Var(kind, "")
        ops.append(Op(mem_load, place, (old,), op.pos))
        if op.fn is mem_store:
            ops.append(Op(mem_store, (*place, zero(kind)), (), op.pos))
        self._contribute(ops, op.args[2], old)

    def _reverse_op(self, ops: list[Op], op: Op) -> None:
        if op.fn in (push, pop):
            raise not_differentiable(
                "a second reverse sweep over a recursive function is not supported",
                op.pos,
                "Use zyg.jvp of the gradient.",
            )
        if not self._acts(op):
            return
        if op.fn in (tape_put, tape_get):
            self._reverse_tape(ops, op)
            return
        if op.fn is mem_load or op.fn in WRITES:
            self._reverse_memory(ops, op)
            return
        if isinstance(op.fn, Call):
            self._reverse_call(ops, op)
            return
        assert not isinstance(op.fn, Guard)
        dy = self._take(ops, op.result)
        if op.fn in (p.cast, p.identity):
            # Original: y = cast(a)    Adjoint: da += cast(dy)  (the real part where a is real)
            self._contribute(ops, op.args[0], dy)
            return
        for arg, value in zip(op.args, cotangents(ops, op, dy, self._partials, self.pos, self._need), strict=True):
            if value is not None:
                self._contribute(ops, arg, value)

    def _partials(self, op: Op) -> tuple[Any, ...] | None:
        needed = [isinstance(arg, Var) and arg in self.active and passes(op, i) for i, arg in enumerate(op.args)]
        infinite = any(r in self.infinite for r in op.results)
        rules = find(op.fn, domain(op), careful=infinite)
        if rules is None:
            name = getattr(op.fn, "__name__", op.fn)
            raise not_differentiable(f"{name} has no derivative rule", op.pos, "Write one with @zyg.adjoint.")
        return tuple(rule if on else None for rule, on in zip(rules, needed, strict=True))

    def _reverse_call(self, ops: list[Op], op: Op) -> None:
        """Original: y… = f(a…)    Adjoint: da… += f.reverse(tape, dy…), where f.forward has left the tape."""
        varied = tuple(isinstance(a, Var) and a in self.active for a in op.args)
        useful = tuple(r in self.active for r in op.results)
        shadows = [self.shadows[a] for a in op.args if isinstance(a, Var) and a in self.shadows]
        forward, backward, custom = self.pair_of(op.fn.callee, varied, useful)
        if custom:
            self._reverse_custom(ops, op, forward, backward)
            return
        dys = [self._take(ops, r) for r in op.results if r in self.active]
        varied = tuple(on and a not in self.shadows for a, on in zip(op.args, varied, strict=True))
        kinds = [a.type for a, on in zip(op.args, varied, strict=True) if on]
        stack = Var(_stack_type(), "stack")
        ops.append(Op(Load(STACK), (), (stack,), op.pos))
        outs = tuple(Var(self.kind(kind), "") for kind in kinds)
        ops.append(Op(Call(backward), (*dys, stack), outs, op.pos))
        for arg, value in zip((a for a, on in zip(op.args, varied, strict=True) if on), outs, strict=True):
            self._contribute(ops, arg, value)
        self._replace_call(op, forward, shadows)

    def _replace_call(self, op: Op, forward: str, shadows: list[Var]) -> None:
        stack = Var(_stack_type(), "stack")
        load = Op(Load(STACK), (), (stack,), op.pos)
        self._swap_call(op, load, Op(Call(forward), (*op.args, *shadows, stack), op.results, op.pos))

    def _reverse_custom(self, ops: list[Op], op: Op, forward: str, backward: str) -> None:
        """Original: y… = f(a…)    Adjoint: da… += back(saved…, dy…), where the rule gave y… and saved…."""
        dys = [
            self._take(ops, r) if r in self.active else zero(tangent_kind(r.type))
            for r in op.results
            if differentiable(r.type)
        ]
        rule, back = self.signature(forward), self.signature(backward)
        saved = tuple(Var(kind, "saved") for kind in rule.results[len(op.results) :])
        self._swap_call(op, Op(Call(forward), op.args, (*op.results, *saved), op.pos))
        emitter = Emitter(ops, op.pos)
        given = [self._need(ops, v) for v in saved]
        kinds = [param.type for param in back.params[len(saved) :]]
        seeds = [emitter.convert(dy, kind) for dy, kind in zip(dys, kinds, strict=True)]
        outs = tuple(Var(kind) for kind in back.results)
        ops.append(Op(Call(backward), (*given, *seeds), outs, op.pos))
        targets = [arg for arg in op.args if differentiable(arg.type)]
        for arg, value in zip(targets, outs, strict=True):
            self._contribute(ops, arg, value)

    def _swap_call(self, op: Op, *new: Op) -> None:
        for label, block in self.blocks.items():
            if op in block.ops:
                at = block.ops.index(op)
                self.blocks[label] = Block(block.params, (*block.ops[:at], *new, *block.ops[at + 1 :]), block.end)
                return


def tangent_kind(kind: Type) -> Type:
    """The type in which rules of users receive and give the cotangent of a value of type `kind`."""
    return f8 if isinstance(kind, types.Integer) and not isinstance(kind, types.Boolean) else kind


def _stack_type() -> Type:
    return StackType("residuals")


def domain(op: Op) -> Domain:
    """What the rule of an op is about: ints, real or complex numbers."""
    kinds = [arg.type for arg in op.args]
    if op.fn is p.make_complex or any(kind in (c8, c16) for kind in kinds):
        return "complex"
    return "integer" if all(isinstance(kind, (types.Integer, types.Boolean)) for kind in kinds) else "real"


def cotangents(
    ops: list[Op], op: Op, dy: Operand, partials: Any, pos: Pos, need: Callable[[list[Op], Operand], Operand]
) -> list[Operand | None]:
    """The contribution of `op` to each operand, by its rule."""
    emitter = Emitter(ops, pos)
    is_complex = dy.type in (c8, c16)
    conjugate = is_complex and not (op.fn in nonholomorphic and domain(op) == "complex")
    found: list[Operand | None] = []
    for rule in partials(op):
        if rule is None:
            found.append(None)
            continue
        seed = emitter.emit(np.conj, (dy,), dy.type) if conjugate else dy
        values: dict[str, Any] = {"dy": emitter.symbol(seed)}
        for name, arg in zip("abc", op.args, strict=False):
            if name in rule.names:
                values[name] = emitter.symbol(need(ops, arg))
        if "y" in rule.names:
            values["y"] = emitter.symbol(need(ops, op.result))
        out = emitter.operand(rule(values), dy.type)
        found.append(emitter.emit(np.conj, (out,), out.type) if conjugate and out.type in (c8, c16) else out)
    return found


def reverse(
    program: Program,
    varied: Sequence[bool],
    useful: Sequence[bool],
    int_adjoint: Type,
    pair_of: PairOf,
    signature: Signature,
) -> Reversed:
    """The mirror image of `program`, for cotangents of the parameters `varied` from those of the results `useful`.

    Its parameters are the program's and then one cotangent per useful result; its results the program's and
    then one cotangent per varied parameter.  int_adjoint: the type of the adjoints of ints.
    """
    return _Adjoint(program, varied, useful, int_adjoint, pair_of, signature).run()


__all__ = ["Need", "Raise", "Reversed", "reverse"]
