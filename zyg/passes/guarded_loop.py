"""Innermost counted loops whose guards can be tested in front of them or behind them.

In front: those that compare what is affine in the counter.  Behind: those of divisors of floats, by *doubt*.  Without
its guard a division gives inf or nan and harms nobody, so the loop may run to its end and then, if some divisor was
zero, once more from its start, with guards, to fail where it should.  That it ran is not to be seen then: it writes to
memory only that nobody else sees, and nothing that a guard or a branch in it rests on.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from numba import types

from zyg.ir.graph import Graph, Loop
from zyg.ir.memory import is_memory, mem_load
from zyg.ir.program import Block, Branch, Call, Callback, Const, Guard, Op, Operand, Program, Var, edges
from zyg.ir.scalars import b1, i8
from zyg.ir.tape import is_pure, pop, push, tape_get, tape_put, tape_reserve
from zyg.passes.conditions import NEGATED, comparison
from zyg.passes.memory_facts import Buffers
from zyg.rules import primitives as p

WIDE = 2**31
_LARGEST = 120
_TURNED: dict[Any, Any] = {
    operator.lt: operator.gt,
    operator.gt: operator.lt,
    operator.le: operator.ge,
    operator.ge: operator.le,
}
_NEVER = (push, pop, tape_reserve)


@dataclass(frozen=True, slots=True)
class Counting:
    """A loop's counter: its position among the header's parameters, its step, and the test for another iteration.

    early: the test comes before the body, else it is about the next value.
    """

    place: int
    counter: Var
    step: int
    relation: Any
    bound: Operand
    early: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """A condition that is to be `outcome` in all iterations."""

    cond: Var
    outcome: bool


class Unsuitable(Exception):
    """Why a loop is left as it is."""


class GuardedLoop:
    """What is to be tested in front of one loop, what holds in its copy, and which guards are doubts there."""

    def __init__(self, program: Program, graph: Graph, loop: Loop, buffers: Callable[[], Buffers]) -> None:
        self.loop = loop
        self.blocks = {label: program.blocks[label] for label in graph.order if label in loop.blocks}
        self.made = {result: op for block in self.blocks.values() for op in block.ops for result in op.results}
        self.inside = {param for block in self.blocks.values() for param in block.params} | self.made.keys()
        self._invariant: dict[Operand, bool] = {}
        self._check_ops()
        self.counting = self._counting()
        self.decided: dict[Decided, None] = {}
        self.doubts = [op for block in self.blocks.values() for op in block.ops if self._may_wait(op)]
        if self.doubts:
            self._require(self._vectorises() and self._starts_over(buffers()))
        for label, block in self.blocks.items():
            for op in block.ops:
                if isinstance(op.fn, Guard) and op not in self.doubts:
                    self._require(label != loop.header or not self.counting.early)
                    for part in self._conjuncts(op.args[0]):
                        self._decide(part, True)

    def _require(self, ok: bool) -> None:
        if not ok:
            raise Unsuitable

    def _check_ops(self) -> None:
        ops = [op for block in self.blocks.values() for op in block.ops]
        self._require(len(ops) <= _LARGEST and any(isinstance(op.fn, Guard) for op in ops))
        self._require(not any(isinstance(op.fn, (Call, Callback)) or op.fn in _NEVER for op in ops))

    def _counting(self) -> Counting:
        header, exits = self.loop.header, self._exits()
        self._require(len(self.loop.latches) == 1 and len(exits) == 1)
        (latch,) = self.loop.latches
        label, stays = exits[0]
        end = self.blocks[label].end
        test = self.made.get(end.cond) if isinstance(end, Branch) and isinstance(end.cond, Var) else None
        compared = comparison(test) if test is not None else None
        if compared is None or label not in (header, latch):
            raise Unsuitable
        relation, x, y = compared
        if not stays:
            relation = NEGATED[relation]
        (repeat,) = (edge for edge in edges(self.blocks[latch].end) if edge.target == header)
        for place, (param, after) in enumerate(zip(self.blocks[header].params, repeat.args, strict=True)):
            step = self._step(param, after)
            if not step:
                continue
            tested = param if label == header and header != latch else after
            for a, b, side in ((x, y, relation), (y, x, _TURNED.get(relation))):
                upward = side in (operator.lt, operator.le)
                if a is tested and b not in self.inside and (upward or side in (operator.gt, operator.ge)):
                    if upward is (step > 0):
                        return Counting(place, param, step, side, b, tested is param)
        raise Unsuitable

    def _exits(self) -> list[tuple[int, bool]]:
        """The blocks from which the loop is left, and whether it is stayed in if their condition holds."""
        return [
            (label, edge is not block.end.then)
            for label, block in self.blocks.items()
            for edge in edges(block.end)
            if edge.target not in self.loop.blocks and isinstance(block.end, Branch)
        ]

    def _step(self, param: Var, after: Operand) -> int:
        """What an int64 parameter is increased by in every iteration, if that is a constant; else 0."""
        op = self.made.get(after) if isinstance(after, Var) else None
        if param.type != i8 or op is None or op.fn not in (operator.add, operator.sub):
            return 0
        a, b = op.args if op.args[0] is param else op.args[::-1]
        if a is not param or not isinstance(b, Const) or (op.fn is operator.sub and op.args[0] is not param):
            return 0
        step = int(b.value.real) * (1 if op.fn is operator.add else -1)
        return step if abs(step) < WIDE else 0

    # --- doubts -----------------------------------------------------------------------------------

    def _may_wait(self, op: Op) -> bool:
        """Is it the guard of a float that is another one in each iteration?"""
        if not isinstance(op.fn, Guard) or not isinstance(op.args[0], Var) or self.is_invariant(op.args[0]):
            return False
        test = self.made.get(op.args[0])
        return test is not None and test.fn is p.is_nonzero and isinstance(test.args[0].type, types.Float)

    def _vectorises(self) -> bool:
        """Whether numbers that go from one iteration to the next are only counted and summed up."""
        repeat = next(e for e in edges(self.blocks[self.loop.latches[0]].end) if e.target == self.loop.header)
        params = self.blocks[self.loop.header].params
        return all(
            self._is_sum(param, after)
            for param, after in zip(params, repeat.args, strict=True)
            if isinstance(param.type, (types.Float, types.Complex))
        )

    def _is_sum(self, param: Var, after: Operand) -> bool:
        """Is `after` the sum of `param` and what was added to it in any order, and is it used for nothing else?"""
        used: dict[Operand, int] = {}
        for block in self.blocks.values():
            for operand in (*(arg for op in block.ops for arg in op.args), *_given(block)):
                used[operand] = used.get(operand, 0) + 1
        while after is not param:
            op = self.made.get(after) if isinstance(after, Var) else None
            on = [arg for arg in op.args if param in self._behind([arg])] if op is not None else []
            if op is None or op.fn is not p.reassociate_add or len(on) != 1 or used[after] != 1:
                return False
            (after,) = on
        return used[param] == 1

    def _behind(self, operands: Iterable[Operand]) -> set[Operand]:
        """The operands, what they are computed from in an iteration, and what flows into them from others."""
        seen: set[Operand] = set()
        todo = list(operands)
        while todo:
            at = todo.pop()
            if at in seen or at not in self.inside:
                continue
            seen.add(at)
            if isinstance(at, Var) and at in self.made:
                todo += self.made[at].args
            else:
                todo += [
                    edge.args[block.params.index(at)]
                    for block in self.blocks.values()
                    if at in block.params
                    for other in self.blocks.values()
                    for edge in edges(other.end)
                    if self.blocks.get(edge.target) is block
                ]
        return seen

    def _starts_over(self, buffers: Buffers) -> bool:
        """Whether the loop can be run again, to the same guard, and nobody sees that it was."""
        ops = [op for block in self.blocks.values() for op in block.ops]
        written = set().union(*(buffers.written(op) for op in ops))
        if not all(map(buffers.is_own, written)) or {tape_get, tape_put} <= {op.fn for op in ops}:
            return False
        tests = [arg for op in ops if isinstance(op.fn, Guard) for arg in op.args]
        tests += [block.end.cond for block in self.blocks.values() if isinstance(block.end, Branch)]
        reads = [self.made[at] for at in self._behind(tests) if isinstance(at, Var) and at in self.made]
        return not any(
            any(buffers.may_share(buffers.of[arg], cls) for cls in written)
            for op in reads
            if op.fn is mem_load
            for arg in op.args
            if isinstance(arg, Var) and is_memory(arg.type)
        )

    # --- conditions -------------------------------------------------------------------------------

    def _conjuncts(self, cond: Operand) -> Iterator[Var]:
        op = self.made.get(cond) if isinstance(cond, Var) else None
        if op is not None and op.fn is operator.and_:
            for arg in op.args:
                yield from self._conjuncts(arg)
        elif isinstance(cond, Var):
            yield cond
        else:
            self._require(bool(cond.value))

    def _decide(self, cond: Var, outcome: bool) -> None:
        """Take note that a condition is to be `outcome` throughout, if testing its ends can tell."""
        decided = Decided(cond, outcome)
        if decided in self.decided:
            return
        if not self.is_invariant(cond):
            compared = comparison(self.made[cond]) if cond in self.made else None
            if compared is None:
                raise Unsuitable
            relation, x, y = compared
            self._require((relation if outcome else NEGATED[relation]) is not operator.ne)
            self._check_affine(x)
            self._check_affine(y)
        self.decided[decided] = None

    def is_invariant(self, operand: Operand) -> bool:
        """Is an operand the same in all iterations?"""
        if operand not in self.inside:
            return True
        if operand not in self._invariant:
            op = self.made.get(operand) if isinstance(operand, Var) else None
            self._invariant[operand] = op is not None and is_pure(op) and all(map(self.is_invariant, op.args))
        return self._invariant[operand]

    def _check_affine(self, operand: Operand) -> None:
        """Require that an operand is affine in the counter, given that selections take their second value."""
        if operand is self.counting.counter or self.is_invariant(operand):
            return
        op = self.made.get(operand) if isinstance(operand, Var) else None
        if op is not None and op.fn is p.select and isinstance(op.args[0], Var):
            self._decide(op.args[0], False)
            self._check_affine(op.args[2])
            return
        linear = op is not None and op.fn in (operator.add, operator.sub, operator.neg)
        scaled = op is not None and op.fn is operator.mul and any(map(self.is_invariant, op.args))
        self._require(linear or scaled)
        for arg in op.args if op is not None else ():
            self._check_affine(arg)

    def fixed(self) -> dict[Operand, Operand]:
        """The values of conditions in the copy, where they are computed for counters that count only."""
        late = {result for op in self.blocks[self.loop.header].ops for result in op.results}
        early = late if self.counting.early else set()
        return {d.cond: Const(d.outcome, b1) for d in self.decided if d.cond not in early}


def _given(block: Block) -> Iterator[Operand]:
    """What a block passes on or decides by."""
    if isinstance(block.end, Branch):
        yield block.end.cond
    for edge in edges(block.end):
        yield from edge.args
