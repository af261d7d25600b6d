"""The test in front of a loop that its guards hold in all iterations.

What is affine modulo 2**64 is so in truth if nothing wraps: a counter within ±2**62 that runs over less than 2**31
values, slopes below 2**31 and first values within ±2**62 make sure of that, and are part of the test.
"""

from __future__ import annotations

import operator
from typing import Any

from zyg.ir.program import Const, Op, Operand, Pos, Type, Var
from zyg.ir.scalars import b1, fold, i8
from zyg.passes.conditions import NEGATED, comparison
from zyg.passes.guarded_loop import WIDE, Decided, GuardedLoop
from zyg.rules import primitives as p

_FAR = 2**62


class FrontTest:
    """The ops in front of a loop that tell whether its conditions are decided as wanted."""

    def __init__(self, loop: GuardedLoop, start: Operand, pos: Pos) -> None:
        self.loop, self.counting, self.pos = loop, loop.counting, pos
        self.ops: list[Op] = []
        self.results: dict[object, Operand] = {}
        self.ok: Operand = Const(True, b1)
        first, last = start, self._last(start)
        low, high = (first, last) if self.counting.step > 0 else (last, first)
        self._near(low, high)
        distance = self._emit(operator.sub, high, low)
        self._demand(operator.ge, distance, Const(0, i8))
        self._demand(operator.lt, distance, Const(WIDE, i8))
        for decided in loop.decided:
            self._decide(decided, first, last)

    def _emit(self, fn: Any, *args: Operand, kind: Type = i8) -> Operand:
        known = fold(fn, args, kind)
        if known is not None:
            return known
        key = (fn, *(arg if isinstance(arg, Var) else repr(arg) for arg in args))
        if key not in self.results:
            result = Var(kind)
            self.ops.append(Op(fn, args, (result,), self.pos))
            self.results[key] = result
        return self.results[key]

    def _demand(self, fn: Any, *args: Operand) -> None:
        self._and(self._emit(fn, *args, kind=b1))

    def _and(self, cond: Operand) -> None:
        if isinstance(cond, Const) and cond.value:
            return
        self.ok = (
            cond if isinstance(self.ok, Const) and self.ok.value else self._emit(operator.and_, self.ok, cond, kind=b1)
        )

    def _near(self, low: Operand, high: Operand) -> None:
        self._demand(operator.ge, low, Const(-_FAR, i8))
        self._demand(operator.lt, high, Const(_FAR, i8))

    def _last(self, first: Operand) -> Operand:
        """The last value of the counter for which the body runs, or one beyond it."""
        counting = self.counting
        bound = counting.bound
        if counting.relation in (operator.lt, operator.gt):
            bound = self._emit(operator.sub if counting.step > 0 else operator.add, bound, Const(1, i8))
        if counting.early:
            return bound
        beyond = self._emit(operator.lt if counting.step > 0 else operator.gt, first, bound, kind=b1)
        return self._emit(p.select, beyond, bound, first)

    def _decide(self, decided: Decided, first: Operand, last: Operand) -> None:
        loop, cond = self.loop, decided.cond
        if loop.is_invariant(cond):
            value = self._value(cond, first)
            self._and(value if decided.outcome else self._emit(operator.not_, value, kind=b1))
            return
        compared = comparison(loop.made[cond])
        assert compared is not None
        relation, *sides = compared
        for side in sides:
            if not loop.is_invariant(side):
                at_first, slope = self._value(side, first), self._slope(side)
                self._near(at_first, at_first)
                self._demand(operator.gt, slope, Const(-WIDE, i8))
                self._demand(operator.lt, slope, Const(WIDE, i8))
        for k in (first, last):
            self._demand(relation if decided.outcome else NEGATED[relation], *(self._value(side, k) for side in sides))

    def _value(self, operand: Operand, k: Operand) -> Operand:
        """The value of an affine operand or an invariant one where the counter is `k`."""
        if operand is self.counting.counter:
            return k
        if operand not in self.loop.inside:
            return operand
        assert isinstance(operand, Var)
        op = self.loop.made[operand]
        if op.fn is p.select and not self.loop.is_invariant(operand):
            return self._value(op.args[2], k)
        return self._emit(op.fn, *(self._value(arg, k) for arg in op.args), kind=operand.type)

    def _slope(self, operand: Operand) -> Operand:
        """What an affine operand increases by with the counter."""
        if operand is self.counting.counter:
            return Const(1, i8)
        if self.loop.is_invariant(operand):
            return Const(0, i8)
        assert isinstance(operand, Var)
        op = self.loop.made[operand]
        if op.fn is p.select:
            return self._slope(op.args[2])
        if op.fn is operator.mul:
            factor, rest = op.args if self.loop.is_invariant(op.args[0]) else op.args[::-1]
            return self._emit(operator.mul, self._value(factor, Const(0, i8)), self._slope(rest))
        return self._emit(op.fn, *map(self._slope, op.args))
