"""Forms that may be ≥ 0 where blocks with several ways in start: guesses, each to be proved on every way in.

A loop's counter is compared with what it starts with, and with what the conditions for another iteration say of its
next value.  Where that does not suffice, parameters of a loop are also compared with each other, as they start; a
parameter of any other block with what the edges pass to it; and all of them with what the program compares them with.
A guess about what a block gets is also one about the parameters of other blocks that pass it on.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

from zyg.ir.graph import Graph, Loop
from zyg.ir.program import Const, Op, Operand, Var
from zyg.ir.scalars import i8
from zyg.passes.conditions import NEGATED, comparison, facts_of
from zyg.passes.intervals import SAME, Way, ways
from zyg.passes.linear import Linear, constant, variable
from zyg.rules import primitives as p

_CONDITIONS = 8
_GUESSES = 16
_PARTNERS = 4
_DEPTH = 30
_LINEAR = SAME | {operator.add, operator.sub, operator.neg, operator.mul}


class Guesses:
    """The guesses about one program."""

    def __init__(self, graph: Graph, relevant: set[Var]) -> None:
        self.graph = graph
        self.ways = ways(graph)
        self.made: dict[Var, Op] = {}
        self.home: dict[Var, int] = {}
        self.params: dict[int, list[Var]] = {}
        for label in graph.order:
            for param in graph.blocks[label].params:
                self.home[param] = label
            for op in graph.blocks[label].ops:
                for result in op.results:
                    self.home[result], self.made[result] = label, op
            params = [param for param in graph.blocks[label].params if param in relevant and param.type is i8]
            if params and len(self.ways[label]) > 1:
                self.params[label] = params
        self.loops = {label: Repetition(self, loop) for label in self.params if (loop := self._headed(label))}

    def _headed(self, label: int) -> Loop | None:
        loop = self.graph.loop_of[label]
        return loop if loop is not None and loop.header == label else None

    def of_counters(self) -> dict[int, list[Linear]]:
        """Guesses, by block, about what loops count."""
        found = {}
        for label, loop in self.loops.items():
            counters = [param for param in self.params[label] if loop.counts(param)]
            forms = [form for param in counters for form in loop.starts(param)]
            forms += [form for form in loop.conditions() if not form.terms.keys().isdisjoint(counters)]
            found[label] = list(_by_key(forms).values())
        return found

    def further(self, wanted: set[Var]) -> dict[int, list[Linear]]:
        """More guesses, by block, about those of the parameters that are wanted."""
        found: dict[int, dict[object, Linear]] = {}
        for label, params in self.params.items():
            chosen = [param for param in params if param in wanted]
            loop = self.loops.get(label)
            if chosen:
                for form in self._of_loop(loop, chosen) if loop else self._of_join(label, chosen):
                    self._guess(label, form, found)
        for form in self._comparisons(wanted):
            for label in {self.home[var] for var in form.terms if var in wanted and self._varies(var)}:
                self._guess(label, form, found)
        return {label: list(forms.values()) for label, forms in found.items()}

    def _of_loop(self, loop: Repetition, params: Sequence[Var]) -> Iterator[Linear]:
        for param in params:
            if not loop.counts(param):
                yield variable(param)
                yield from loop.starts(param)
        yield from loop.conditions()
        for a in params:
            for b in loop.params[:_PARTNERS]:
                if a is not b:
                    yield from loop.pair(a, b)

    def _guess(self, label: int, form: Linear, found: dict[int, dict[object, Linear]]) -> None:
        """Add a guess, if it is about the parameters of the block and otherwise about what dominates it."""
        forms, params = found.setdefault(label, {}), self.params[label]
        if form.key in forms or len(forms) >= _GUESSES or form.terms.keys().isdisjoint(params):
            return
        if not all(var in params or self.available(var, label) for var in form.terms):
            return
        forms[form.key] = form
        for way in self.ways[label]:
            before = self._before(way, form)
            for home in {self.home[var] for var in before.terms if self._varies(var)}:
                if not self.graph.dominates(home, label):
                    self._guess(home, before, found)

    def _before(self, way: Way, form: Linear) -> Linear:
        """What a form over the parameters of a block is on an edge to it."""
        given = dict(zip(self.graph.blocks[way.edge.target].params, way.edge.args, strict=True))

        def passed(var: Var) -> Linear:
            return self.expanded(given[var], self._varies) if var in given else variable(var)

        return form.replaced(passed)

    def _varies(self, var: Var) -> bool:
        """Is it a parameter that guesses are about?"""
        label = self.home.get(var)
        return label is not None and var in self.params.get(label, ())

    def _comparisons(self, relevant: set[Var]) -> Iterator[Linear]:
        """What the program asks of integers, and what is a little weaker."""
        for op in self.made.values():
            compared = comparison(op)
            if compared is not None and not relevant.isdisjoint(op.args):
                relation, *sides = compared
                for x, y in product(*map(self._arms, sides)):
                    above, below = x.minus(y), y.minus(x)
                    yield from (above, below)
                    if relation not in (operator.eq, operator.ne):
                        yield (below if relation in (operator.lt, operator.ge) else above).shifted(-1)

    def _arms(self, operand: Operand) -> list[Linear]:
        """The forms that an operand may have: two for one that is selected."""
        op = self.made.get(operand) if isinstance(operand, Var) else None
        arms = op.args[1:] if op is not None and op.fn is p.select else (operand,)
        return [self.expanded(arm, self._varies) for arm in arms]

    def available(self, var: Var, label: int) -> bool:
        home = self.home.get(var)
        return home is None or (home != label and self.graph.dominates(home, label))

    def passed(self, way: Way, param: Var) -> Operand:
        return way.edge.args[self.graph.blocks[way.edge.target].params.index(param)]

    def expanded(
        self,
        operand: Operand,
        stop: Callable[[Var], bool],
        depth: int = 0,
        found: dict[Var, Linear] | None = None,
    ) -> Linear:
        """The operand in terms of variables at which to stop, as far as it is linear; wrapping is not asked about."""
        if isinstance(operand, Const):
            return constant(int(operand.value.real))
        found = {} if found is None else found
        if operand not in found:
            found[operand] = self._expanded(operand, stop, depth, found)
        return found[operand]

    def _expanded(self, operand: Var, stop: Callable[[Var], bool], depth: int, found: dict[Var, Linear]) -> Linear:
        op = self.made.get(operand)
        if depth > _DEPTH or stop(operand):
            return variable(operand)
        if op is None:
            incoming = self.ways[self.home[operand]] if operand in self.home else []
            if len(incoming) != 1:
                return variable(operand)
            return self.expanded(self.passed(incoming[0], operand), stop, depth + 1, found)
        if op.fn not in _LINEAR:
            return variable(operand)
        args = [self.expanded(arg, stop, depth + 1, found) for arg in op.args if arg.type is i8]
        if op.fn in SAME:
            return args[0]
        if op.fn is operator.add:
            return args[0].plus(args[1])
        if op.fn is operator.sub:
            return args[0].minus(args[1])
        if op.fn is operator.neg:
            return args[0].times(-1)
        if op.fn is operator.mul and not (args[0].terms and args[1].terms):
            return args[1].times(args[0].const) if not args[0].terms else args[0].times(args[1].const)
        return variable(operand)

    def _of_join(self, label: int, params: Sequence[Var]) -> Iterator[Linear]:
        def stop(var: Var) -> bool:
            return self.available(var, label)

        for param in params:
            yield variable(param)
            for way in self.ways[label]:
                form = self.expanded(self.passed(way, param), stop)
                if all(map(stop, form.terms)):
                    yield variable(param).minus(form)
                    yield form.minus(variable(param))


class Repetition:
    """A loop: how its parameters start and what they are in the next iteration."""

    def __init__(self, guesses: Guesses, loop: Loop) -> None:
        self.guesses, self.loop = guesses, loop
        self.params = guesses.params[loop.header]
        self.entries = [way for way in guesses.ways[loop.header] if way.source not in loop.blocks]
        self.repeats = [way for way in guesses.ways[loop.header] if way.source in loop.blocks]
        self.nexts = [
            {param: guesses.expanded(guesses.passed(way, param), self._stop) for param in self.params}
            for way in self.repeats
        ]

    def _inside(self, var: Var) -> bool:
        return self.guesses.home.get(var) in self.loop.blocks

    def _stop(self, var: Var) -> bool:
        return not self._inside(var) or var in self.params

    def _steps(self, param: Var) -> list[int] | None:
        """What is added to a parameter in the iterations, if these are constants."""
        steps = [next_[param].minus(variable(param)) for next_ in self.nexts]
        return None if any(step.terms for step in steps) else [step.const for step in steps]

    def counts(self, param: Var) -> bool:
        steps = self._steps(param)
        return steps is not None and (min(steps) >= 0 or max(steps) <= 0)

    def starts(self, param: Var) -> Iterator[Linear]:
        """Guesses that a parameter is on one side of what it starts with."""
        steps = self._steps(param)
        for start in self._start(param):
            if steps is None or max(steps) > 0:
                yield variable(param).minus(start)
            if steps is None or min(steps) < 0:
                yield start.minus(variable(param))

    def _start(self, param: Var) -> list[Linear]:
        found = []
        for way in self.entries:
            start = self.guesses.passed(way, param)
            if isinstance(start, Const):
                found.append(constant(int(start.value.real)))
            elif self.guesses.available(start, self.loop.header):
                found.append(variable(start))
        return found

    def pair(self, a: Var, b: Var) -> Iterator[Linear]:
        """Guesses that the distance of two parameters is on one side of what it is at the start."""
        for first, second in zip(self._start(a), self._start(b), strict=False):
            apart = variable(a).minus(first).minus(variable(b).minus(second))
            yield apart
            yield apart.times(-1)

    def conditions(self) -> Iterator[Linear]:
        """What the conditions for another iteration say, of the values in the next one."""
        for way, next_ in zip(self.repeats, self.nexts, strict=True):
            stands: dict[Var, Linear] = {}
            for param, form in next_.items():
                inner = [var for var in form.terms if self._inside(var)]
                if len(inner) == 1 and form.terms[inner[0]] == 1:
                    stands[inner[0]] = variable(param).minus(form.minus(variable(inner[0])))
            for relation, x, y in self._on_the_way(way):
                for fact in _readings(relation, x, y):
                    if all(var in stands or not self._inside(var) for var in fact.terms):
                        yield fact.replaced(lambda var, stands=stands: stands.get(var, variable(var)))  # type: ignore[misc]

    def _on_the_way(self, way: Way) -> Iterator[tuple[object, Linear, Linear]]:
        """The comparisons that decide for another iteration."""
        graph, made = self.guesses.graph, self.guesses.made
        conds = [(way.cond, way.taken)]
        label = way.source
        while label != self.loop.header and len(conds) < _CONDITIONS:
            incoming = self.guesses.ways[label]
            if len(incoming) == 1:
                conds.append((incoming[0].cond, incoming[0].taken))
            label = graph.idom[label]
        for cond, holds in conds:
            compared = comparison(made[cond]) if isinstance(cond, Var) and cond in made else None
            if compared is not None:
                relation, x, y = compared
                sides = self.guesses.expanded(x, self._stop), self.guesses.expanded(y, self._stop)
                yield relation if holds else NEGATED[relation], *sides


def _by_key(forms: Iterable[Linear]) -> dict[object, Linear]:
    return {form.key: form for form in forms}


def _readings(relation: object, x: Linear, y: Linear) -> tuple[Linear, ...]:
    """The facts that a relation states, or may state where it says that two values differ."""
    if relation is operator.ne:
        return x.minus(y).shifted(-1), y.minus(x).shifted(-1)
    return facts_of(relation, x, y)
