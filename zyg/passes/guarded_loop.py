"""Innermost counted loops whose guards compare what is affine in the counter."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zyg.ir.graph import Graph, Loop
from zyg.ir.program import Branch, Call, Callback, Const, Guard, Operand, Program, Var, edges
from zyg.ir.scalars import b1, i8
from zyg.ir.tape import is_pure, pop, push, tape_reserve
from zyg.passes.conditions import NEGATED, comparison
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
    """What is to be tested in front of one loop, and what holds in its copy."""

    def __init__(self, program: Program, graph: Graph, loop: Loop) -> None:
        self.loop = loop
        self.blocks = {label: program.blocks[label] for label in graph.order if label in loop.blocks}
        self.made = {result: op for block in self.blocks.values() for op in block.ops for result in op.results}
        self.inside = {param for block in self.blocks.values() for param in block.params} | self.made.keys()
        self._invariant: dict[Operand, bool] = {}
        self._check_ops()
        self.counting = self._counting()
        self.decided: dict[Decided, None] = {}
        for label, block in self.blocks.items():
            for op in block.ops:
                if isinstance(op.fn, Guard):
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
