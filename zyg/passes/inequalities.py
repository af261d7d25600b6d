"""What is known of integers at the places of a program, and proofs from it.

A place is (block, number of ops before it).  A fact is a linear form that is ≥ 0 at its place and wherever that
place dominates: there its variables still have the values that they had when the place was last passed.

A proof eliminates the variables of a form that is to be ≥ 0, latest definition first: with a fact f ≥ 0 in which the
variable has a coefficient of the same sign, it suffices that the form less a positive multiple of f is ≥ 0.  This is
Fourier and Motzkin's elimination, followed from the goal, to a limited depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import gcd

from zyg.ir.graph import Graph
from zyg.ir.program import Var
from zyg.passes.linear import Key, Linear, constant

Place = tuple[int, int]
Case = tuple[Sequence[Linear], Linear]

Question = tuple[Key, tuple[Key, ...]]
Topic = tuple[Var, bool | None]

LOWEST, HIGHEST = -(2**63), 2**63 - 1
_DEPTH = 8
_STEPS = 24
_SPLITS = 2


@dataclass(slots=True)
class Refutations:
    """Questions that could not be answered, each with where that was and what was looked for meanwhile: the facts about
    a variable with a coefficient of one sign, or the value of a condition."""

    of: dict[Question, dict[Place, frozenset[Topic]]] = field(default_factory=dict)


class Inequalities:
    """Facts by place.

    cases: of a variable that is one of several forms, each of these with the facts that hold where it is.
    refuted: from when at least as much was known; more is put into it.
    """

    def __init__(self, graph: Graph, cases: Callable[[Var, Place], Sequence[Case]], refuted: Refutations) -> None:
        self.cases = cases
        self.rank: dict[Var, int] = {}
        self.intervals: dict[Var, tuple[int, int]] = {}
        self.topics: set[Topic] = set()
        self.learnt: dict[Topic, list[Place]] = {}
        self._facts: dict[Topic, list[Linear]] = {}
        self._places: dict[Key, list[Place]] = {}
        self._proved: dict[Question, list[Place]] = {}
        self._refuted = refuted.of
        self._steps = 0
        self._spans = _spans(graph)

    def dominates(self, a: Place, b: Place) -> bool:
        if a[0] == b[0]:
            return a[1] <= b[1]
        first, last = self._spans[a[0]]
        return first < self._spans[b[0]][0] <= last

    def define(self, var: Var) -> None:
        """A variable of which only the type is known; definitions come in order."""
        self.rank[var] = len(self.rank)
        self.intervals[var] = LOWEST, HIGHEST

    def narrow_to(self, var: Var, interval: tuple[int, int]) -> None:
        """Take note that a variable's values lie in an interval wherever it is defined."""
        low, high = self.intervals[var]
        self.intervals[var] = max(low, interval[0]), min(high, interval[1])

    def narrow(self, form: Linear) -> bool:
        """Take note that `form` ≥ 0 wherever its variables are defined, if it has only one; was that possible?"""
        form = form.tightened()
        if len(form.terms) != 1:
            return False
        ((var, coefficient),) = form.terms.items()
        self.narrow_to(var, (-form.const, HIGHEST) if coefficient > 0 else (LOWEST, form.const))
        return True

    def add(self, fact: Linear, place: Place) -> None:
        fact = fact.tightened()
        places = self._places.setdefault(fact.key, [])
        if self.range_of(fact)[0] >= 0 or any(self.dominates(earlier, place) for earlier in places):
            return
        places.append(place)
        for var, coefficient in fact.terms.items():
            topic = var, coefficient > 0
            self._facts.setdefault(topic, []).append(fact)
            self.learnt.setdefault(topic, []).append(place)

    def range_of(self, form: Linear) -> tuple[int, int]:
        """The least and the greatest value that the intervals of the variables allow."""
        low = high = form.const
        for var, coefficient in form.terms.items():
            a, b = self.intervals[var]
            low += coefficient * (a if coefficient > 0 else b)
            high += coefficient * (b if coefficient > 0 else a)
        return low, high

    def fits(self, form: Linear, place: Place) -> bool:
        """Is the form certainly a 64-bit integer?"""
        low, high = self.range_of(form)
        return (low >= LOWEST or self.proves(form.shifted(-LOWEST), place)) and (
            high <= HIGHEST or self.proves(constant(HIGHEST).minus(form), place)
        )

    def proves(self, goal: Linear, place: Place, extra: Sequence[Linear] = ()) -> bool:
        """Is `goal` certainly ≥ 0 at this place, where besides the `extra` facts hold?"""
        goal = goal.tightened()
        low, high = self.range_of(goal)
        if low >= 0 or high < 0:
            return low >= 0
        question = goal.key, tuple([fact.key for fact in extra])
        if any(self.dominates(where, place) for where in self._proved.get(question, ())):
            return True
        refuted = self._refuted.setdefault(question, {})
        known = refuted.get(place)
        if known is None:
            for where, topics in refuted.items():
                if not self.knows_more(place, where, topics):
                    known = refuted[place] = topics
                    break
        if known is not None:
            self.topics |= known
            return False
        outermost = not self._steps
        if outermost:
            self._steps = _STEPS
        with self.noted() as asked:
            proved = self._search(goal, place, tuple(extra), _DEPTH, _SPLITS, set())
        if outermost:
            self._steps = 0
        if proved:
            self._proved.setdefault(question, []).append(place)
        elif outermost:
            refuted[place] = frozenset(asked)
        return proved

    def knows_more(self, place: Place, other: Place, topics: Iterable[Topic]) -> bool:
        """Is anything known of these topics that is not known at another place?"""
        here, there = self._spans[place[0]][0], self._spans[other[0]][0]
        for topic in topics:
            for label, index in self.learnt.get(topic, ()):
                first, last = self._spans[label]
                if index <= place[1] if label == place[0] else first < here <= last:
                    if not (index <= other[1] if label == other[0] else first < there <= last):
                        return True
        return False

    @contextmanager
    def noted(self) -> Iterator[set[Topic]]:
        """The topics that are looked for meanwhile; they count for what goes on around it, too."""
        outer, self.topics = self.topics, set()
        try:
            yield self.topics
        finally:
            outer |= self.topics
            self.topics = outer

    def _search(
        self, goal: Linear, place: Place, extra: tuple[Linear, ...], depth: int, splits: int, seen: set[object]
    ) -> bool:
        low, high = self.range_of(goal)
        if low >= 0:
            return True
        if high < 0 or not depth or self._steps <= 1 or goal.key in seen:
            return False
        self._steps -= 1
        seen.add(goal.key)
        last = max(goal.terms, key=self.rank.__getitem__)
        rests = [_eliminated(goal, fact, last) for fact in self._about(last, goal.terms[last] > 0, place, extra)]
        if any(self.range_of(rest)[0] >= 0 for rest in rests):
            return True
        rests.sort(key=lambda rest: len(rest.terms))
        return any(self._search(rest, place, extra, depth - 1, splits, seen) for rest in rests) or (
            bool(splits) and self._split(goal, last, place, extra, depth - 1, splits - 1)
        )

    def _about(self, var: Var, positive: bool, place: Place, extra: tuple[Linear, ...]) -> Iterable[Linear]:
        for fact in extra:
            if var in fact.terms and (fact.terms[var] > 0) is positive:
                yield fact
        topic = var, positive
        self.topics.add(topic)
        if topic in self._facts:
            for where, fact in zip(reversed(self.learnt[topic]), reversed(self._facts[topic]), strict=True):
                if self.dominates(where, place):
                    yield fact
        low, high = self.intervals[var]
        if positive and low > LOWEST:
            yield Linear({var: 1}, -low)
        if not positive and high < HIGHEST:
            yield Linear({var: -1}, high)

    def _split(self, goal: Linear, var: Var, place: Place, extra: tuple[Linear, ...], depth: int, splits: int) -> bool:
        cases = self.cases(var, place)
        coefficient = goal.terms[var]
        without = goal.plus(Linear({var: 1}, 0), -coefficient)
        return bool(cases) and all(
            self._search(without.plus(form, coefficient), place, (*extra, *facts), depth, splits, set())
            for facts, form in cases
        )


def _eliminated(goal: Linear, fact: Linear, var: Var) -> Linear:
    """A form that is ≥ 0 only if the goal is, given a fact in which `var` has a coefficient of the same sign."""
    wanted, found = goal.terms[var], fact.terms[var]
    common = gcd(wanted, found)
    factor = abs(found) // common
    # Of integers, g ≥ 0 if and only if factor·g > -factor
    return goal.times(factor).shifted(factor - 1).plus(fact, -(abs(wanted) // common)).tightened()


def _spans(graph: Graph) -> dict[int, tuple[int, int]]:
    """For every block its number in a walk of the dominator tree, and the last number among those it dominates."""
    children: dict[int, list[int]] = {label: [] for label in graph.order}
    for label in graph.order[1:]:
        children[graph.idom[label]].append(label)
    number: dict[int, int] = {}
    last: dict[int, int] = {}
    todo = [(graph.order[0], False)]
    while todo:
        label, done = todo.pop()
        if done:
            last[label] = len(number) - 1
        else:
            number[label] = len(number)
            todo.append((label, True))
            todo += [(child, False) for child in children[label]]
    return {label: (number[label], last[label]) for label in graph.order}
