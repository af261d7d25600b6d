"""Loops whose iterations have nothing to do with each other but for sums: each is reversed by itself.

    Original:  for k in …: s += f(k, …)        Adjoint:  for k in …: reverse f(k, …) for the cotangent ds

Reverse code runs an iteration again and reverses it at once, so that what it keeps is one iteration's, and is free when
it is done.  An iteration may write into buffers that it has made, and into those of which it overwrites every element
before it reads any: for these it gets buffers of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from numba import types

from zyg.ir.external import External
from zyg.ir.facts import fact
from zyg.ir.graph import Loop, substitute
from zyg.ir.matrices import mem_gemm, mem_sum
from zyg.ir.memory import ALLOCATIONS, MemoryType, holds_handles, mem_add, mem_load, mem_new, mem_store, mem_zeros
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Callback,
    Capture,
    Const,
    Edge,
    Guard,
    Jump,
    Op,
    Operand,
    Program,
    Raise,
    Return,
    Var,
    edges,
    with_edges,
)
from zyg.ir.scalars import i8
from zyg.ir.tape import is_pure
from zyg.passes.canonical import Canonical, all_loops, canonical
from zyg.passes.coverage import Nest, coverage
from zyg.passes.memory_facts import buffers_of, settled
from zyg.passes.slots import zero
from zyg.passes.touches import Place, Touches
from zyg.passes.trips import Trips
from zyg.rules import primitives as p

_FEWEST = 8
_DEAR = 20
_MOST = 64


@dataclass(frozen=True, slots=True, eq=False)
class Iteration:
    """An iteration of a loop as a program, which gives what is added to the `sums`, parameters of the loop's header.

    given: what the program takes.  starts, steps: of those integers among these that the loop counts.
    works: does it write to memory?  stays: must the forward sweep run it, whoever wants its sums?  plain: is it
    a little straight code?
    """

    program: Program
    given: tuple[Var, ...]
    sums: tuple[Var, ...]
    starts: Mapping[Var, Operand]
    steps: Mapping[Var, int]
    works: bool
    stays: bool = False
    plain: bool = False


@fact
def iterations(program: Program) -> dict[int, Iteration]:
    """The loops of a program in canonical form that are reversed in this way, by their headers; none is in another."""
    form = canonical(program)
    found: dict[int, Iteration] = {}
    taken: set[int] = set()
    search: _Search | None = None
    for loop in all_loops(form.graph):
        if loop.header in taken or not _is_candidate(form, loop):
            continue
        search = search or _Search(form)
        iteration = search.iteration(loop)
        if iteration is not None:
            found[loop.header] = iteration
            taken |= loop.blocks
    return found


def _is_candidate(form: Canonical, loop: Loop) -> bool:
    """Are its iterations many, as far as is known, and do they add something?"""
    trips = form.counts[loop.header].trips
    if trips is None or (isinstance(trips, Const) and int(trips.value.real) < _FEWEST):
        return False
    blocks = form.graph.blocks
    return any(isinstance(param.type, types.Float) for param in blocks[loop.header].params)


class _Search:
    def __init__(self, form: Canonical) -> None:
        self.form, self.program, self.graph = form, form.program, form.graph
        self.touches = Touches(form.program)
        self.buffers = buffers_of(form.program)
        self.is_settled = settled(form.program, form.graph)
        self.trips = Trips(form.program.blocks, form.graph)
        self.made = form.graph.made
        self.overwritten: dict[tuple[int, Var], Op | None] = {}

    def iteration(self, loop: Loop) -> Iteration | None:
        header = self.graph.blocks[loop.header]
        if not self.graph.is_left_at_header(loop) or not isinstance(header.end, Branch):
            return None
        if not all(is_pure(op) and not isinstance(op.result.type, types.Float) for op in header.ops):
            return None
        repeat = self.graph.blocks[loop.latches[0]].end
        (front,) = (at for at in self.graph.preds[loop.header] if at not in loop.blocks)
        entry = self.graph.blocks[front].end
        assert isinstance(repeat, Jump) and isinstance(entry, Jump)
        sums: list[Var] = []
        starts: dict[Var, Operand] = {}
        steps: dict[Var, int] = {}
        for at, param in enumerate(header.params):
            if isinstance(param.type, types.Float):
                if not self._is_sum(loop, param, repeat.to.args[at]):
                    return None
                sums.append(param)
                continue
            step = self.trips.step(loop, at) if param.type == i8 else None
            if step is None:
                return None
            starts[param], steps[param] = entry.to.args[at], step
        inside = self._with_raises(loop)
        plain = not any(
            self.graph.loop_of[label] not in (loop, None)
            or any(op.fn in ALLOCATIONS for op in self.graph.blocks[label].ops)
            for label in inside
        )
        stays = self._stays(inside)
        if plain and not self._is_short_and_divides(inside):
            return None
        own = self._own(loop, inside)
        if own is None:
            return None
        outlined = self._outlined(loop, inside, own, sums, starts, steps)
        return outlined and replace(outlined, stays=stays, plain=plain and not outlined.works)

    def _with_raises(self, loop: Loop) -> set[int]:
        """The blocks of the body, and those behind them that only raise."""
        found: set[int] = set()
        todo = [edge.target for edge in edges(self.graph.blocks[loop.header].end) if edge.target in loop.blocks]
        while todo:
            label = todo.pop()
            if label not in found and label != loop.header:
                found.add(label)
                todo += [edge.target for edge in edges(self.graph.blocks[label].end)]
        return found

    # --- sums ---------------------------------------------------------------------------------------

    def _is_sum(self, loop: Loop, param: Var, after: Operand) -> bool:
        """Is `after` the parameter and what is added to it, on every way, and is that all that it is used for?"""
        totals = {param}
        todo = [param]
        while todo:
            total = todo.pop()
            for use in self._uses(loop, total):
                if isinstance(use, Var) and use not in totals:
                    totals.add(use)
                    todo.append(use)
                elif use is None:
                    return False
        for total in totals - {param}:
            op = self.made.get(total)
            if op is None:
                if not all(arg in totals for arg in self._incoming(total)):
                    return False
            elif op.fn in (operator.add, p.reassociate_add):
                if (op.args[0] in totals) is (op.args[1] in totals):
                    return False
            elif op.fn is operator.sub:
                if op.args[0] not in totals or op.args[1] in totals:
                    return False
            elif op.args[0] in totals or op.args[1] not in totals or op.args[2] not in totals:
                return False
        return after in totals

    def _uses(self, loop: Loop, total: Var) -> Iterator[Var | None]:
        """What in the loop is made of a value, or gets it; None for a use that is no step of a sum."""
        for label in loop.blocks:
            block = self.graph.blocks[label]
            for op in block.ops:
                if total in op.args:
                    yield op.result if op.fn in _STEPS else None
            if isinstance(block.end, Branch) and block.end.cond is total:
                yield None
            for edge in edges(block.end):
                for param, arg in zip(self.graph.blocks[edge.target].params, edge.args, strict=True):
                    if arg is total and edge.target in loop.blocks and edge.target != loop.header:
                        yield param

    def _incoming(self, param: Var) -> Iterator[Operand]:
        for block in self.graph.blocks.values():
            for edge in edges(block.end):
                params = self.graph.blocks[edge.target].params
                if param in params:
                    yield edge.args[params.index(param)]

    # --- memory -------------------------------------------------------------------------------------

    def _own(self, loop: Loop, inside: set[int]) -> list[Op] | None:
        """What makes the buffers that an iteration gets anew; None if it does more to memory than it may."""
        own: dict[Var, Op] = {}
        local: set[Operand] = set()
        for label in inside:
            if any(isinstance(param.type, MemoryType) for param in self.graph.blocks[label].params):
                return None
            local |= {op.result for op in self.graph.blocks[label].ops if op.fn in ALLOCATIONS}
        for label in sorted(inside):
            for op in self.graph.blocks[label].ops:
                if isinstance(op.fn, External):
                    if not all(arg in local for arg in op.args if isinstance(arg.type, MemoryType)):
                        return None
                    continue
                if isinstance(op.fn, (Call, Callback)) or not _is_known(op):
                    return None
                written = op.args[0] if op.fn in _WRITING else None
                for number, arg in enumerate(op.args):
                    if not isinstance(arg, Var) or not isinstance(arg.type, MemoryType) or arg in local or arg in own:
                        continue
                    if holds_handles(arg.type):
                        return None
                    place = (loop.header, arg)
                    if place not in self.overwritten:
                        self.overwritten[place] = self._overwritten(loop, inside, arg)
                    made = self.overwritten[place]
                    if made is not None:
                        own[arg] = made
                    elif arg is written or not self.is_settled(op, number):
                        return None
        return list(own.values())

    def _overwritten(self, loop: Loop, inside: set[int], memory: Var) -> Op | None:
        """The op that makes a buffer of which the iteration overwrites all before it reads any, if it is such a one."""
        made = self.made.get(memory)
        if made is None or made.fn not in (mem_new, mem_zeros) or not self.touches.is_simple(memory):
            return None
        touched = self.touches.of.get(memory, [])
        if not self.buffers.is_local(self.buffers.of[memory]) or any(at[0] not in inside for at, _ in touched):
            return None
        (body,) = (edge.target for edge in edges(self.graph.blocks[loop.header].end) if edge.target in loop.blocks)
        for (label, i), op in touched:
            if op.fn is not mem_store or op.args[2] is memory:
                continue
            around = self.touches.around(label, loop.header)
            for outermost in range(len(around)):
                nest = Nest(self.program, self.graph, around[outermost:], label)
                covered = coverage(nest, op.args[1], made.args[0], op.pos)
                if covered is None or not covered.is_whole:
                    continue
                within = around[outermost]
                early = [
                    other
                    for place, other in touched
                    if place[0] in within.blocks and other.fn is not mem_store
                    if not self._is_behind(place, other, (label, i), op)
                ]
                reads = lambda other: other.fn is not mem_store  # noqa: E731
                if not early and not self.touches.is_reached(memory, (body, -1), (within.header, 0), reads):
                    return made
        return None

    def _is_behind(self, place: Place, access: Op, written: Place, store: Op) -> bool:
        """Does the access come by the element that was stored to in the same iteration?"""
        if access.fn not in (mem_load, mem_add) or access.args[1] != store.args[1]:
            return False
        same = place[0] == written[0]
        return place[1] > written[1] if same else self.graph.dominates(written[0], place[0])

    # --- the program --------------------------------------------------------------------------------

    def _outlined(
        self,
        loop: Loop,
        inside: set[int],
        own: list[Op],
        sums: list[Var],
        starts: dict[Var, Operand],
        steps: dict[Var, int],
    ) -> Iteration | None:
        header = self.graph.blocks[loop.header]
        body = {label: self.graph.blocks[label] for label in self.graph.order if label in inside}
        names: dict[Operand, Operand] = {param: zero(param.type) for param in sums}
        for op in (*own, *header.ops, *(op for block in body.values() for op in block.ops)):
            names |= {result: Var(result.type, result.name) for result in op.results}
        for block in body.values():
            names |= {param: Var(param.type, param.name) for param in block.params}
        given: dict[Var, None] = {}

        def new(operand: Operand) -> Operand:
            if isinstance(operand, Var) and operand not in names:
                names[operand] = Var(operand.type, operand.name)
                given[operand] = None
            return names.get(operand, operand)

        def copied(op: Op) -> Op:
            results = tuple(names[result] for result in op.results)
            return Op(op.fn, tuple(map(new, op.args)), results, op.pos)  # type: ignore[arg-type]

        first, entry = max(self.graph.blocks) + 1, 0
        (into,) = (edge for edge in edges(header.end) if edge.target in loop.blocks)
        opening = [Op(mem_new, (new(op.args[0]),), (names[op.result],), op.pos) for op in own]  # type: ignore[arg-type]
        opening += [copied(op) for op in header.ops]
        blocks = {
            first + entry: Block((), tuple(opening), Jump(Edge(into.target, tuple(map(new, into.args))))),
        }
        places = [header.params.index(param) for param in sums]
        for label, block in body.items():
            moved = substitute(block, new)
            end = moved.end
            if isinstance(end, Jump) and end.to.target == loop.header:
                end = Return(tuple(end.to.args[at] for at in places))
            params = tuple(names[param] for param in block.params)
            blocks[label] = Block(params, tuple(copied(op) for op in block.ops), with_edges(end, lambda edge: edge))  # type: ignore[arg-type]
        taken = tuple(given)
        if any(isinstance(var.type, types.Complex) for var in taken):
            return None
        params = tuple(names[var] for var in taken)
        results = tuple(param.type for param in sums)
        program = Program(f"{self.program.name}.iteration", params, results, blocks, distinct=self.program.distinct)  # type: ignore[arg-type]
        works = any(op.fn in ALLOCATIONS for op in program.ops())
        return Iteration(program, taken, tuple(sums), starts, steps, works)

    def _stays(self, inside: set[int]) -> bool:
        """Does an iteration raise, or go on, by numbers that are dear to compute?"""
        for label in inside:
            block, loop = self.graph.blocks[label], self.graph.loop_of[label]
            if isinstance(block.end, Raise):
                return True
            if loop is not None and loop.header == label and self.form.counts[label].trips is None:
                return True
            if any(isinstance(op.fn, Guard) and self._is_dear(op.args[0]) for op in block.ops):
                return True
        return False

    def _is_short_and_divides(self, inside: set[int]) -> bool:
        """Are iterations a little straight code that can fail by what it divides by?

        Of longer ones the processor begins several at once if they are not run and reversed in one go.
        """
        blocks = [self.graph.blocks[label] for label in inside]
        tests = [self.made.get(op.args[0]) for block in blocks for op in block.ops if isinstance(op.fn, Guard)]  # type: ignore[arg-type]
        straight = all(isinstance(block.end, Jump) for block in blocks)
        return (
            straight
            and sum(len(block.ops) for block in blocks) <= _MOST
            and any(test is not None and test.fn is p.is_nonzero for test in tests)
        )

    def _is_dear(self, cond: Operand) -> bool:
        seen: set[Operand] = set()
        todo = [cond]
        while todo:
            operand = todo.pop()
            if operand in seen or not isinstance(operand, Var):
                continue
            seen.add(operand)
            op = self.made.get(operand)
            if op is not None:
                if isinstance(operand.type, types.Float) and op.fn in p.table and p.table[op.fn].cost >= _DEAR:
                    return True
                todo += op.args
        return False


_WRITING = frozenset((mem_store, mem_add, mem_gemm, mem_sum))
_STEPS = frozenset((operator.add, operator.sub, p.reassociate_add, p.select))


def _is_known(op: Op) -> bool:
    """Is it an op on numbers, a guard, or a plain access to memory?"""
    if isinstance(op.fn, (Guard, Capture)) or op.fn in _WRITING or op.fn in ALLOCATIONS or op.fn is mem_load:
        return True
    return is_pure(op) and not any(isinstance(result.type, MemoryType) for result in op.results)
