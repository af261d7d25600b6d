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
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from zyg.adjoint.activity import active, differentiable, handle_classes, shadow_type
from zyg.adjoint.adjoint_ops import OpAdjoints
from zyg.adjoint.deferred import can_be_deferred, is_needed, way_out
from zyg.adjoint.iterations import Iteration, iterations
from zyg.adjoint.late_shadows import with_late_shadows
from zyg.adjoint.mirrored import CUT, Callees, Counter, Reversed
from zyg.adjoint.restoring import with_old_values
from zyg.adjoint.shadows import with_shadows
from zyg.adjoint.snapshots import with_snapshots
from zyg.adjoint.trace import Emitter
from zyg.ir.graph import Loop, graph_of
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Const,
    Edge,
    End,
    Jump,
    Op,
    Operand,
    Program,
    Return,
    Type,
    Var,
    edges,
    with_edges,
)
from zyg.ir.scalars import b1, i8
from zyg.passes.canonical import canonical
from zyg.passes.slots import Load, Store, zero
from zyg.rules import primitives as p


class _Adjoint:
    def __init__(
        self,
        program: Program,
        varied: Sequence[bool],
        useful: Sequence[bool],
        int_adjoint: Type,
        callees: Callees,
        restoring: bool,
        wanted: bool,
        infinite: bool,
    ) -> None:
        self.canonical = form = canonical(program)
        self.program = form.program
        self.graph = form.graph
        given = [v for v, on in zip(program.params, varied, strict=True) if on]
        self.inputs = [v for v in given if differentiable(v.type)]
        buffers = [v for v in given if shadow_type(v.type) is not None]
        self.outputs = [i for i, on in enumerate(useful) if on and differentiable(program.results[i])]
        self.active = active(self.program, self.graph, given, self.outputs)
        self.iterations: dict[int, Iteration] = {}
        self.deferred: dict[int, int] = {}
        for header, iteration in iterations(program).items():
            if not any(total in self.active for total in iteration.sums):
                continue
            needed = any(is_needed(self.program, self.active, total, wanted) for total in iteration.sums)
            deferred = not wanted and not needed and can_be_deferred(form, self._loop(header), iteration)
            # What runs in the forward sweep anyway is better kept, if it is numbers, than computed again
            once = deferred if iteration.stays or iteration.plain else not needed
            if iteration.works or once:
                self.iterations[header] = iteration
                if deferred:
                    self.deferred[header] = way_out(form, self._loop(header)).target
        kept = with_snapshots(self.program, self.graph, self.active)
        if kept is not self.program:
            self.program, self.graph = kept, graph_of(kept)
            self.active = active(self.program, self.graph, given, self.outputs)
        has_rule = lambda name: callees.signature(name).custom is not None  # noqa: E731
        shadowed = with_shadows(self.program, self.active, buffers, has_rule)
        self.program, self.shadows, self.shadow_params = shadowed.program, shadowed.of, shadowed.given
        self.program, self.late = with_late_shadows(self.program, self.shadows, partial(_keeps, callees))
        old: dict[Op, Var] = {}
        if restoring:
            self.program, old = with_old_values(self.program, self.active)
        self.graph = graph_of(self.program)
        self.canonical = replace(form, program=self.program, graph=self.graph)
        self.blocks: dict[int, Block] = dict(self.program.blocks)
        self.fresh = max(self.blocks) + 1
        self.ops = OpAdjoints(
            self.program,
            self.graph,
            self.blocks,
            self.active,
            self.shadows,
            handle_classes(self.program, self.graph),
            int_adjoint,
            callees,
            old,
            frozenset(op.result for ops in self.late.values() for op in ops),
            infinite,
        )
        self.active_blocks = {label for label in self.graph.order if self._is_active(label)}

    # --- the graph ----------------------------------------------------------------------------------

    def run(self) -> Reversed:
        program = self.program
        seeds = tuple(Var(self.ops.kind(program.results[i]), f"d_result{i or ''}") for i in self.outputs)
        if self.canonical.exit is None:
            values = tuple(zero(kind) for kind in program.results)
            assert not any(isinstance(block.end, Return) for block in program.blocks.values()), values
            results = (*program.results, *(self.ops.kind(v.type) for v in self.inputs))
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
        results = (*program.results, *(self.ops.kind(v.type) for v in self.inputs))
        done = replace(self.program, params=self._parameters(seeds), results=results, blocks=self.blocks)
        return Reversed(done, self.canonical, self.mirror[self.canonical.exit], self.mirror, seeds, self.deferred)

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
        if label in self.iterations:
            return [pred for pred in preds if pred not in self._loop(label).blocks]
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
        return any(self.ops.acts(op) for op in block.ops)

    def _loop(self, header: int) -> Loop:
        loop = self.graph.loop_of[header]
        assert loop is not None
        return loop

    # --- one block ----------------------------------------------------------------------------------

    def _reverse_block(self, label: int, seeds: tuple[Var, ...]) -> None:
        block = self.program.blocks[label]
        ops: list[Op] = []
        if label == self.canonical.exit:
            assert isinstance(block.end, Return)
            ops.append(Op(CUT, block.end.values, (), self.ops.pos))
            self.ops.tape_shadows(ops)
            for seed, i in zip(seeds, self.outputs, strict=True):
                self.ops.contribute(ops, block.end.values[i], seed)
        for op in self.late.get(label, ()):
            count = self.ops.need(ops, op.args[0])
            ops.append(Op(op.fn, (count,), op.results, op.pos))
        for op in reversed(block.ops):
            self.ops.pos = op.pos
            self.ops.reverse(ops, op)
        end = self._back(label, ops)
        self.blocks[self.mirror[label]] = Block((), tuple(ops), end)

    def _back(self, label: int, ops: list[Op]) -> End:
        """Where reverse control goes after the mirror image of `label`; may append to `ops`."""
        if label == self.graph.order[0]:
            return self._finish(ops)
        before = self._before(label)
        if label in self.iterations:
            return self._back_by_iterations(label, before[0], ops)
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
        values = tuple(self.ops.need(ops, v) for v in end.values)
        return Return((*values, *(self.ops.load(ops, v) for v in self.inputs)))

    def _back_round(self, header: int, before: list[int], ops: list[Op]) -> End:
        loop = self.graph.loop_of[header]
        assert loop is not None
        (latch,) = loop.latches
        (outside,) = (pred for pred in before if pred != latch)
        count, first, less = Var(i8, "k"), Var(b1), Var(i8, "k")
        ops.append(Op(Load(Counter(header)), (), (count,), self.ops.pos))
        ops.append(Op(operator.eq, (count, Const(0, i8)), (first,), self.ops.pos))
        again = self._leave(latch, header)
        step = (
            Op(operator.sub, (count, Const(1, i8)), (less,), self.ops.pos),
            Op(Store(Counter(header)), (less,), (), self.ops.pos),
        )
        target = self.blocks[again]
        self.blocks[again] = Block(target.params, (*target.ops, *step), target.end)
        return Branch(first, Edge(self._leave(outside, header)), Edge(again))

    def _back_by_iterations(self, header: int, outside: int, ops: list[Op]) -> End:
        """Original:  s += f(k, …)    Adjoint:  d… += reverse f(k, …), for the cotangent ds

        Iterations come in the order of the forward sweep, so that the first one that fails is the first to run.
        """
        iteration = self.iterations[header]
        pos = self.ops.pos
        at, more = Var(i8, "k"), Var(b1)
        ops.append(Op(Load(Counter(header)), (), (at,), pos))
        trips = self.canonical.counts[header].trips
        assert trips is not None
        ops.append(Op(operator.lt, (at, self.ops.need(ops, trips)), (more,), pos))
        inner: list[Op] = []
        emitter = Emitter(inner, pos)
        inner.append(Op(Store(Counter(header)), (emitter.emit(operator.add, (at, Const(1, i8)), i8),), (), pos))
        args: list[Operand] = []
        for var in iteration.given:
            if var not in iteration.steps:
                args.append(self.ops.need(inner, var))
                continue
            ahead = emitter.emit(operator.mul, (at, Const(iteration.steps[var], i8)), i8)
            args.append(emitter.emit(operator.add, (self.ops.need(inner, iteration.starts[var]), ahead), i8))
        varied = tuple(var in self.active for var in iteration.given)
        useful = tuple(total in self.active for total in iteration.sums)
        seeds = [self.ops.load(inner, total) for total in iteration.sums if total in self.active]
        on = [var for var in iteration.given if var in self.active]
        shadows = [self.ops.need(inner, self.shadows[var]) for var in on if var in self.shadows]
        numbers = [var for var in on if var not in self.shadows]
        zeros = tuple(Var(total.type) for total in iteration.sums)
        outs = tuple(Var(self.ops.kind(var.type)) for var in numbers)
        infinite = any(total in self.ops.infinite for total in iteration.sums)
        backward = self.ops.callees.iteration(iteration.program, varied, useful, not iteration.plain, infinite)
        inner.append(Op(Call(backward), (*args, *seeds, *shadows), (*zeros, *outs), pos))
        for var, out in zip(numbers, outs, strict=True):
            self.ops.contribute(inner, var, out)
        again = self._block(tuple(inner), Jump(Edge(self.mirror[header])))
        return Branch(more, Edge(again), Edge(self._leave(outside, header)))

    def _choice(self, label: int, before: list[int], ops: list[Op]) -> Operand:
        """Which of the blocks `before` control came from: the condition that decided it, or a number."""
        top = self.graph.idom[label]
        end = self.program.blocks[top].end
        if len(before) == 2 and isinstance(end, Branch) and self.graph.loop_of[top] is self.graph.loop_of[label]:
            sides = [self._side(top, end, pred, label) for pred in before]
            if sorted(map(str, sides)) == ["False", "True"] and isinstance(end.cond, Var):
                if sides[0] is False:
                    before.reverse()
                return self.ops.need(ops, end.cond)
        source = Var(b1 if len(before) == 2 else i8, "came_from")
        block = self.blocks[label]
        self.blocks[label] = Block((*block.params, source), block.ops, block.end)
        self.program = self.program.with_blocks({**self.program.blocks})
        for number, pred in enumerate(before):
            tag = Const(number == 0, b1) if len(before) == 2 else Const(number, i8)
            old = self.blocks[pred]
            end_ = with_edges(old.end, lambda e, tag=tag: Edge(e.target, (*e.args, tag)) if e.target == label else e)  # type: ignore[misc]
            self.blocks[pred] = Block(old.params, old.ops, end_)
        return self.ops.need(ops, source)

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
        ops.append(Op(operator.eq, (chosen, Const(0, i8)), (here,), self.ops.pos))
        end: End = Jump(Edge(self._leave(before[-1], label)))
        for number in range(len(before) - 2, 0, -1):
            same = Var(b1)
            test = self._block((Op(operator.eq, (chosen, Const(number, i8)), (same,), self.ops.pos),), end)
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
                    moved.append((arg, self.ops.take(ops, param)))
            for arg, value in moved:
                self.ops.contribute(ops, arg, value)
        self._enter_loops(ops, pred, label)
        return self._block(tuple(ops), Jump(Edge(self.mirror[pred])))

    def _enter_loops(self, ops: list[Op], pred: int, label: int) -> None:
        """Reverse control enters the loops that the edge pred → label left: their counters are set."""
        loop = self.graph.loop_of[pred]
        while loop is not None and label not in loop.blocks:
            if not self._passive_region(loop.header):
                upward = loop.header in self.iterations
                at_exit = Const(0, i8) if upward else self._count_at_exit(ops, loop.header, pred, label)
                ops.append(Op(Store(Counter(loop.header)), (at_exit,), (), self.ops.pos))
            loop = loop.parent

    def _count_at_exit(self, ops: list[Op], header: int, pred: int, label: int) -> Operand:
        counted = self.canonical.counts[header]
        if counted.trips is not None:
            emitter = Emitter(ops, self.ops.pos)
            trips = self.ops.need(ops, counted.trips)
            some = emitter.emit(operator.gt, (trips, Const(0, i8)), b1)
            return emitter.emit(p.select, (some, trips, Const(0, i8)), i8)
        (edge,) = (e for e in edges(self.program.blocks[pred].end) if e.target == label)
        at = edge.args.index(counted.counter)
        return self.ops.need(ops, self.program.blocks[label].params[at])


def _keeps(callees: Callees, op: Op) -> bool:
    """Whether an op is a call whose forward sweep is given shadows: not one with a rule."""
    return isinstance(op.fn, Call) and callees.signature(op.fn.callee).custom is None


def reverse(
    program: Program,
    varied: Sequence[bool],
    useful: Sequence[bool],
    int_adjoint: Type,
    callees: Callees,
    restoring: bool,
    wanted: bool,
    infinite: bool,
) -> Reversed:
    """The mirror image of `program`, for cotangents of the parameters `varied` from those of the results `useful`.

    Its parameters are the program's and then one cotangent per useful result; its results the program's and
    then one cotangent per varied parameter.  int_adjoint: the type of the adjoints of ints.
    restoring: may overwritten elements be put back in reverse?  wanted: are the program's own results?
    infinite: may the cotangents of the results be infinite?
    """
    return _Adjoint(program, varied, useful, int_adjoint, callees, restoring, wanted, infinite).run()
