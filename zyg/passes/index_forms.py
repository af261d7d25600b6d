"""What indices are, as polynomials of the counters of the loops around, and what is known of these."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from zyg.ir.graph import Loop
from zyg.ir.memory import length
from zyg.ir.program import Branch, Const, Guard, Op, Operand, Var, edges
from zyg.ir.scalars import i8
from zyg.passes.canonical import Canonical
from zyg.passes.conditions import NEGATED, comparison, conditions_in
from zyg.passes.intervals import SAME
from zyg.passes.polynomial import Polynomial, constant, variable

_LARGEST = 16
_DEEPEST = 40
_MOST_FACTS = 32


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a counter is at least, besides 0, and what it is at most."""

    counter: Var
    low: tuple[Polynomial, ...]
    high: tuple[Polynomial, ...]


class IndexForms:
    """The indices of one program."""

    def __init__(self, form: Canonical) -> None:
        self.graph, self.counts = form.graph, form.counts
        self.place = {op: (label, i) for label in self.graph.order for i, op in enumerate(self.graph.blocks[label].ops)}
        self.counters = {count.counter for count in form.counts.values()}
        self._forms: dict[Var, Polynomial] = {}

    def around(self, op: Op) -> list[Loop]:
        """The loops around an op, the outermost first."""
        return self.graph.around(self.place[op][0])

    def loop_of(self, var: Var) -> Loop | None:
        """The innermost loop in which a variable is defined."""
        home = self.graph.homes.get(var)
        return None if home is None else self.graph.loop_of[home]

    def form(self, operand: Operand, depth: int = 0) -> Polynomial:
        """The operand as a polynomial of counters and of what is not computed by sums and products."""
        if isinstance(operand, Const):
            return constant(int(operand.value.real))
        if operand not in self._forms:
            self._forms[operand] = variable(operand)  # for what it is computed from, round a loop
            found = self._computed(operand, depth) if depth < _DEEPEST else variable(operand)
            self._forms[operand] = found if len(found.terms) <= _LARGEST else variable(operand)
        return self._forms[operand]

    def _computed(self, var: Var, depth: int) -> Polynomial:
        op = self.graph.made.get(var)
        if op is None:
            return self._passed_on(var, depth)
        if op.fn in SAME:
            return self.form(op.args[0], depth + 1)
        if op.fn is operator.neg and var.type is i8:
            return constant(0).minus(self.form(op.args[0], depth + 1))
        if op.fn not in (operator.add, operator.sub, operator.mul) or any(arg.type is not i8 for arg in op.args):
            return variable(var)
        one, two = (self.form(arg, depth + 1) for arg in op.args)
        if op.fn is operator.mul:
            return one.times(two) if len(one.terms) * len(two.terms) <= _LARGEST else variable(var)
        return one.plus(two, 1 if op.fn is operator.add else -1)

    def _passed_on(self, var: Var, depth: int) -> Polynomial:
        """A parameter: what changes by a constant in each iteration of its loop is a multiple of the counter."""
        label = self.graph.homes.get(var)
        if label is None or var in self.counters or label == self.graph.order[0]:
            return variable(var)
        number = self.graph.blocks[label].params.index(var)
        given = [
            (pred, edge.args[number])
            for pred in self.graph.preds[label]
            for edge in edges(self.graph.blocks[pred].end)
            if edge.target == label
        ]
        loop = self.graph.loop_of[label]
        if len(given) == 1:
            arg = given[0][1]
            same = (
                not isinstance(arg, Var) or self.loop_of(arg) is None or self.loop_of(arg) in self.graph.around(label)
            )
            return self.form(arg, depth + 1) if same else variable(var)
        if loop is None or loop.header != label or len(given) != 2:
            return variable(var)
        ((_, first),) = (one for one in given if one[0] not in loop.blocks)
        ((_, again),) = (one for one in given if one[0] in loop.blocks)
        step = self.form(again, depth + 1).minus(variable(var))
        if step.variables:
            return variable(var)
        return self.form(first, depth + 1).plus(variable(self.counts[label].counter).times(constant(step.const)))

    # --- what is known where an op runs ------------------------------------------------------------------

    def is_nonnegative(self, var: Var) -> bool:
        op = self.graph.made.get(var)
        return var in self.counters or (op is not None and op.fn is length)

    def bounds(self, op: Op) -> list[Bounds]:
        """Of the counters of the loops around, the innermost first."""
        found: list[Bounds] = []
        label = self.place[op][0]
        for loop in self.around(op):
            count = self.counts[loop.header]
            high: tuple[Polynomial, ...] = ()
            if count.trips is not None:
                ((test, _),) = self.graph.ways_out(loop)
                if label != test and self.graph.dominates(test, label):
                    high = (self.form(count.trips).shifted(-1),)
            found.insert(0, Bounds(count.counter, (), high))
        return found

    def holds(self, goal: Polynomial, op: Op) -> bool:
        """Is the goal certainly ≥ 0 where an op runs?"""
        bounds = self.bounds(op)
        return proves(goal, bounds, self.is_nonnegative) or any(
            proves(goal.minus(fact), bounds, self.is_nonnegative) for fact in self._facts(op)
        )

    def _facts(self, op: Op) -> Iterator[Polynomial]:
        """What is ≥ 0 where an op runs, as guards and branches on the way say."""
        label, at = self.place[op]
        left = _MOST_FACTS
        while left > 0:
            for guard in reversed(self.graph.blocks[label].ops[:at]):
                if isinstance(guard.fn, Guard):
                    yield from self._said(guard.args[0], True)
                    left -= 1
            preds = self.graph.preds[label]
            if len(preds) == 1:
                end = self.graph.blocks[preds[0]].end
                if isinstance(end, Branch):
                    yield from self._said(end.cond, end.then.target == label)
                    left -= 1
            if label == self.graph.order[0]:
                return
            label = self.graph.idom[label]
            at = len(self.graph.blocks[label].ops)

    def _said(self, cond: Operand, holds: bool) -> Iterator[Polynomial]:
        """What is ≥ 0 if a condition is as stated."""
        for op, value in conditions_in(cond, holds, self.graph.made):
            compared = comparison(op)
            if compared is None:
                continue
            relation, x, y = compared
            relation, less = relation if value else NEGATED[relation], self.form(y).minus(self.form(x))
            if relation in (operator.lt, operator.le, operator.eq):
                yield less.shifted(-1 if relation is operator.lt else 0)
            if relation in (operator.gt, operator.ge, operator.eq):
                yield constant(0).minus(less).shifted(-1 if relation is operator.gt else 0)


def proves(
    goal: Polynomial, bounds: Sequence[Bounds], nonnegative: Callable[[Var], bool], tried: frozenset[Var] = frozenset()
) -> bool:
    """Is the goal certainly ≥ 0?  Counters are replaced by what bounds them, as the sign of each asks."""
    if all(c > 0 and all(map(nonnegative, product)) for product, c in goal.terms.items()):
        return True
    for bound in bounds:
        often = goal.coefficient(bound.counter) if bound.counter not in tried else 0
        if often:
            rest = goal.plus(variable(bound.counter), -often)
            limits = (constant(0), *bound.low) if often > 0 else bound.high
            return any(
                proves(rest.plus(limit, often), bounds, nonnegative, tried | {bound.counter}) for limit in limits
            )
    return False
