"""Loops that add up a number are reversed while they run, for the cotangent 1, where the sum is needed in any case.

    Original:  for k in …: s += f(k, a)
    Forward:   for k in …: s += f(k, a); p += ∂f/∂a(k, a)        Adjoint:  da += p · ds

So every iteration runs once, and nothing is kept of it.  Such a loop becomes a call of a program whose derivative is
given: its forward program gives the sums and the partial derivatives `p`, numbers and buffers, and its backward program
adds these, times ds, to the adjoints.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from numba import types

from zyg.adjoint.activity import active, differentiable, shadow_type
from zyg.adjoint.deferred import can_be_deferred, gives_sums_only, is_needed, way_out
from zyg.adjoint.iterations import Iteration, iterations
from zyg.adjoint.partials import tangent_kind
from zyg.adjoint.trace import Emitter
from zyg.ir.graph import Loop, graph_of
from zyg.ir.memory import mem_add, mem_like, mem_load, mem_size
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Const,
    Custom,
    Edge,
    Jump,
    Op,
    Operand,
    Pos,
    Program,
    Return,
    Type,
    Var,
    edges,
)
from zyg.ir.scalars import b1, i8
from zyg.passes.canonical import Canonical, canonical
from zyg.passes.slots import zero
from zyg.rules import primitives as p

Mask = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Adopt:
    """How programs are taken in: a new one, by its name; and the reverse of an iteration, which gives the sums, too."""

    program: Callable[[Program], str]
    reverse: Callable[[Program, Mask, Mask], str]
    is_singular: Callable[[str], bool]


def with_sums_at_once(
    program: Program, varied: Sequence[bool], useful: Sequence[bool], wanted: bool, adopt: Adopt
) -> Program:
    """`program` with calls for the loops that are reversed in this way.  wanted: are its results?"""
    form = canonical(program)
    found = iterations(program)
    if not found or form.exit is None:
        return program
    given = [v for v, on in zip(program.params, varied, strict=True) if on]
    outputs = [i for i, on in enumerate(useful) if on and differentiable(program.results[i])]
    live = active(form.program, form.graph, given, outputs)
    blocks = dict(form.program.blocks)
    for header, iteration in found.items():
        loop = form.graph.loop_of[header]
        assert loop is not None
        if _is_fit(form, loop, iteration, live, wanted):
            _call(blocks, form, loop, _Sums(form, loop, iteration, live, adopt))
    return program if blocks == dict(form.program.blocks) else form.program.with_blocks(blocks)


def _is_fit(form: Canonical, loop: Loop, iteration: Iteration, live: set[Var], wanted: bool) -> bool:
    """Would the forward sweep run the loop in any case, and is the adjoint of one number all that it takes?"""
    sums = [total for total in iteration.sums if total in live]
    on = [var for var in iteration.given if var in live]
    if iteration.plain or len(sums) != 1 or not on or not gives_sums_only(form, loop, iteration):
        return False
    if any(isinstance(var.type, types.Integer) for var in on):
        return False
    if loop.parent is not None and any(shadow_type(var.type) is not None for var in on):
        return False
    needed = any(is_needed(form.program, live, total, wanted) for total in iteration.sums)
    if not needed and not wanted and can_be_deferred(form, loop, iteration):
        return False
    return needed or iteration.stays


def _call(blocks: dict[int, Block], form: Canonical, loop: Loop, sums: _Sums) -> None:
    """A call in the place of the loop's header, which is left at once."""
    header = form.graph.blocks[loop.header]
    out = way_out(form, loop)
    pos = next((op.pos for label in loop.blocks for op in form.graph.blocks[label].ops), Pos("", 0, ""))
    results = tuple(Var(total.type, total.name) for total in sums.iteration.sums)
    starts = dict(zip(header.params, _entry(form, loop).args, strict=True))
    args = [starts[var] if var in sums.iteration.steps else var for var in sums.iteration.given]
    ops = [*header.ops, Op(Call(sums.name, writes=False), (*args, sums.trips), results, pos)]
    totals: dict[Operand, Operand] = {}
    for total, result in zip(sums.iteration.sums, results, strict=True):
        totals[total] = Var(total.type, total.name)
        ops.append(Op(operator.add, (total, result), (totals[total],), pos))  # type: ignore[arg-type]
    left = Edge(out.target, tuple(totals.get(arg, arg) for arg in out.args))
    blocks[loop.header] = Block(header.params, tuple(ops), Jump(left))
    reachable = graph_of(form.program.with_blocks(blocks)).order
    for label in set(blocks).difference(reachable):
        del blocks[label]


def _entry(form: Canonical, loop: Loop) -> Edge:
    (front,) = (at for at in form.graph.preds[loop.header] if at not in loop.blocks)
    (edge,) = edges(form.graph.blocks[front].end)
    return edge


class _Sums:
    """The programs of one loop: `name` gives its sums for what an iteration takes, where counters start, and trips."""

    def __init__(self, form: Canonical, loop: Loop, iteration: Iteration, live: set[Var], adopt: Adopt) -> None:
        self.iteration, self.live, self.adopt = iteration, live, adopt
        self.pos = next((op.pos for op in iteration.program.ops()), Pos("", 0, ""))
        trips = form.counts[loop.header].trips
        assert trips is not None
        self.trips: Operand = trips
        self.varied = tuple(var in live for var in iteration.given)
        self.useful = tuple(total in live for total in iteration.sums)
        self.kinds = [var.type for var in iteration.given]
        self.totals = [total.type for total in iteration.sums]
        one = adopt.program(iteration.program)
        self.singular = adopt.is_singular(one)
        forward = adopt.program(self._loop(f"{iteration.program.name}s.forward", adopt.reverse, True))
        backward = adopt.program(self._backward(f"{iteration.program.name}s.backward"))
        whole = self._loop(f"{iteration.program.name}s", lambda *_: one, False)
        self.name = adopt.program(replace(whole, custom=Custom(forward, backward)))

    def _on(self, memory: bool) -> list[int]:
        """Which of what an iteration takes is active, of numbers or of buffers."""
        return [
            number
            for number, (kind, on) in enumerate(zip(self.kinds, self.varied, strict=True))
            if on and (shadow_type(kind) is not None) is memory
        ]

    def _loop(self, name: str, run: Callable[[Program, Mask, Mask], str], partials: bool) -> Program:
        """The loop over calls of `run`, which also gives partial derivatives of what is active, or takes buffers to add
        them to, if `partials`."""
        params = tuple(Var(kind, var.name) for kind, var in zip(self.kinds, self.iteration.given, strict=True))
        trips = Var(i8, "trips")
        slopes = [self.kinds[number] for number in self._on(False)] if partials else []
        opening, shadows = [], []
        for number in self._on(True) if partials else []:
            kind = shadow_type(self.kinds[number])
            assert kind is not None
            shadows.append(Var(kind, "partial"))
            opening.append(Op(mem_like, (params[number],), (shadows[-1],), self.pos))
        kinds = [*self.totals, *slopes]
        k, more, after = Var(i8, "k"), Var(b1), Var(i8, "k")
        sums, later = [Var(kind, "s") for kind in kinds], [Var(kind, "s") for kind in kinds]
        ops: list[Op] = []
        args: list[Operand] = []
        for param, var in zip(params, self.iteration.given, strict=True):
            if var not in self.iteration.steps:
                args.append(param)
                continue
            ahead, at = Var(i8), Var(i8)
            ops.append(Op(operator.mul, (k, Const(self.iteration.steps[var], i8)), (ahead,), self.pos))
            ops.append(Op(operator.add, (param, ahead), (at,), self.pos))
            args.append(at)
        if partials:
            args += [Const(1.0, kind) for kind, on in zip(self.totals, self.useful, strict=True) if on]
        found = tuple(Var(kind) for kind in kinds)
        callee = run(self.iteration.program, self.varied, self.useful)
        ops.append(Op(Call(callee, writes=partials), (*args, *shadows), found, self.pos))
        for number, (before, value, total) in enumerate(zip(sums, found, later, strict=True)):
            add = operator.add if number < len(self.totals) else p.reassociate_add
            ops.append(Op(add, (before, value), (total,), self.pos))
        ops.append(Op(operator.add, (k, Const(1, i8)), (after,), self.pos))
        first = tuple(zero(kind) for kind in kinds)
        blocks = {
            0: Block((), tuple(opening), Jump(Edge(1, (Const(0, i8), *first)))),
            1: Block((k, *sums), (Op(operator.lt, (k, trips), (more,), self.pos),), Branch(more, Edge(2), Edge(3))),
            2: Block((), tuple(ops), Jump(Edge(1, (after, *later)))),
            3: Block((), (), Return((*sums, *shadows))),
        }
        results = (*kinds, *(shadow.type for shadow in shadows))
        return Program(name, (*params, trips), results, blocks, distinct=self.iteration.program.distinct)

    def _backward(self, name: str) -> Program:
        """da += p · ds"""
        numbers, buffers = self._on(False), self._on(True)
        slopes = {number: Var(self.kinds[number], "partial") for number in numbers}
        partials = {number: Var(self._shadow(number), "partial") for number in buffers}
        seeds = [Var(tangent_kind(kind), "ds") for kind in self.totals]
        all_shadows = [number for number, kind in enumerate(self.kinds) if shadow_type(kind) is not None]
        shadows = {number: Var(self._shadow(number), "da") for number in all_shadows}
        seed = seeds[self.useful.index(True)]
        blocks: dict[int, Block] = {}
        opening: list[Op] = []
        given: list[Operand] = []
        for number, kind in enumerate(self.kinds):
            if number in slopes:
                given.append(self._product(opening, slopes[number], seed))
            elif differentiable(kind):
                given.append(zero(tangent_kind(kind)))
        given.append(zero(tangent_kind(i8)))  # the number of iterations
        label = 0
        for number in buffers:
            self._added(blocks, label, tuple(opening), partials[number], shadows[number], seed)
            opening, label = [], label + 3
        blocks[label] = Block((), tuple(opening), Return(tuple(given)))
        params = (*slopes.values(), *partials.values(), *seeds, *shadows.values())
        results = tuple(operand.type for operand in given)
        return Program(name, params, results, blocks, distinct=True)

    def _shadow(self, number: int) -> Type:
        kind = shadow_type(self.kinds[number])
        assert kind is not None
        return kind

    def _product(self, ops: list[Op], slope: Var, seed: Var) -> Operand:
        """slope · seed, and 0 for no seed if the slope may be infinite; the slope may be complex, the seed is real."""
        emitter = Emitter(ops, self.pos)
        times = p.annihilated if self.singular else operator.mul
        return emitter.emit(times, (slope, emitter.convert(seed, slope.type)), slope.type)

    def _added(
        self, blocks: dict[int, Block], label: int, opening: tuple[Op, ...], partial: Var, shadow: Var, seed: Var
    ) -> None:
        """Blocks that add a buffer, times the seed, to a shadow, and go on behind them."""
        size, i, more, after = Var(i8), Var(i8, "i"), Var(b1), Var(i8, "i")
        count = Op(mem_size, (partial,), (size,), self.pos)
        slope = Var(partial.type.dtype)  # type: ignore[attr-defined]
        ops = [Op(mem_load, (partial, i), (slope,), self.pos)]
        ops.append(Op(mem_add, (shadow, i, self._product(ops, slope, seed)), (), self.pos))
        ops.append(Op(operator.add, (i, Const(1, i8)), (after,), self.pos))
        blocks[label] = Block((), (*opening, count), Jump(Edge(label + 1, (Const(0, i8),))))
        test = Op(operator.lt, (i, size), (more,), self.pos)
        blocks[label + 1] = Block((i,), (test,), Branch(more, Edge(label + 2), Edge(label + 3)))
        blocks[label + 2] = Block((), tuple(ops), Jump(Edge(label + 1, (after,))))
