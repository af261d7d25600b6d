"""The values of integers as exact linear forms, and the truth of conditions, at the places of one program."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zyg.ir.graph import Graph
from zyg.ir.memory import length, mem_new, mem_size, mem_zeros
from zyg.ir.program import Branch, Const, Edge, Guard, Op, Operand, Program, Var, edges
from zyg.ir.scalars import b1, i8
from zyg.passes.conditions import NEGATED, comparison, facts_of
from zyg.passes.inequalities import HIGHEST, LOWEST, Case, Inequalities, Place, Refutations, Topic
from zyg.passes.linear import Linear, constant, variable
from zyg.rules import primitives as p

LARGEST_LENGTH = 2**62 - 1
SAME = frozenset((p.identity, p.stop_gradient))
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Way:
    """An edge of the graph: the block that it leaves, and what a condition must be for it to be taken."""

    source: int
    edge: Edge
    cond: Operand | None
    taken: bool


def ways(graph: Graph) -> dict[int, list[Way]]:
    """The edges into every block."""
    found: dict[int, list[Way]] = {label: [] for label in graph.order}
    for label in graph.order:
        end = graph.blocks[label].end
        cond = end.cond if isinstance(end, Branch) else None
        for i, edge in enumerate(edges(end)):
            found[edge.target].append(Way(label, edge, cond, i == 0))
    return found


class Ranges:
    """One walk over a program, in which `guessed` forms of blocks are taken to be ≥ 0 where the blocks start.

    relevant: the values that are worth a proof.  guesses: those which hold on the edges from blocks walked before;
    the others are not used.  refuted: see `Inequalities`.
    """

    def __init__(
        self,
        program: Program,
        graph: Graph,
        relevant: set[Var],
        guessed: Mapping[int, Iterable[Linear]],
        refuted: Refutations,
    ) -> None:
        self.program, self.relevant = program, relevant
        self.known = Inequalities(graph, self._cases, refuted)
        self.ways = ways(graph)
        self._made: dict[Var, tuple[Op, Place]] = {}
        self._settled: dict[Var, Linear] = {}
        self._variables: dict[Var, Linear] = {}
        self._tries: dict[Var, dict[Place, tuple[Linear, frozenset[Topic]]]] = {}
        self._depth = 0
        self._walked: set[int] = set()
        self._truths: dict[Var, list[tuple[Place, bool]]] = {}
        for param in program.params:
            self.known.define(param)
        self.guesses: dict[int, list[Linear]] = {}
        for label in graph.order:
            early = [way for way in self.ways[label] if way.source in self._walked]
            self.guesses[label] = [form for form in guessed.get(label, ()) if self._hold(label, form, early)]
            self._walked.add(label)
            self._walk(label, self.guesses[label])

    def _walk(self, label: int, assumed: Iterable[Linear]) -> None:
        block, incoming, start = self.program.blocks[label], self.ways[label], (label, 0)
        for i, param in enumerate(block.params):
            self.known.define(param)
            if len(incoming) == 1 and param.type is i8:
                self._settled[param] = self.form(incoming[0].edge.args[i], start)
        for form in assumed:
            resolved = form.replaced(lambda var: self.form(var, start))
            if not (resolved.terms.keys() <= set(block.params) and self.known.narrow(resolved)):
                self.known.add(resolved, (label, -1))
        if len(incoming) == 1 and incoming[0].cond is not None:
            self._learn(incoming[0].cond, incoming[0].taken, start)
        for i, op in enumerate(block.ops):
            after = (label, i + 1)
            if isinstance(op.fn, Guard):
                self._learn(op.args[0], True, after)
            if op.fn in (mem_new, mem_zeros):
                self.known.add(self.form(op.args[0], after), after)
            for result in op.results:
                if result.type is not i8 and result.type is not b1:
                    continue
                self._made[result] = op, after
                self.known.define(result)
                if result in self.relevant and result.type is i8:
                    self.known.narrow_to(result, self._interval(op, after))
                    for fact in self._stated_facts(result, op, after):
                        self.known.add(fact, after)
                    self.form(result, after)

    # --- values -----------------------------------------------------------------------------------

    def op_of(self, operand: Operand) -> Op | None:
        """The op that an operand is the result of."""
        found = self._made.get(operand) if isinstance(operand, Var) else None
        return found[0] if found is not None else None

    def _interval(self, op: Op, place: Place) -> tuple[int, int]:
        """Bounds of an op's result."""
        if op.fn is length or op.fn is mem_size:
            return 0, LARGEST_LENGTH
        if op.fn is p.cast and op.args[0].type is b1:
            return 0, 1
        ranges = [self.known.range_of(self.form(arg, place)) for arg in op.args if arg.type is i8]
        divisor = _divisor(op)
        if divisor is not None:
            return ranges[0][0] // divisor, ranges[0][1] // divisor
        if op.fn is p.select:
            return min(ranges[0][0], ranges[1][0]), max(ranges[0][1], ranges[1][1])
        if op.fn in (np.maximum, np.minimum):
            better = max if op.fn is np.maximum else min
            return better(ranges[0][0], ranges[1][0]), better(ranges[0][1], ranges[1][1])
        if op.fn is operator.abs and ranges[0][0] > LOWEST:
            return 0, max(-ranges[0][0], ranges[0][1])
        if op.fn is operator.mod and ranges[1][0] > 0:
            return 0, ranges[1][1] - 1
        if op.fn is operator.and_ and ranges[1][0] >= 0:
            return 0, ranges[1][1]
        return LOWEST, HIGHEST

    def _stated_facts(self, var: Var, op: Op, place: Place) -> list[Linear]:
        """The facts that follow from how a value is computed."""
        divisor = _divisor(op)
        if divisor is not None:
            rest = self.form(op.args[0], place).plus(variable(var), -divisor)
            return [rest, constant(divisor - 1).minus(rest)]
        if op.fn is operator.mod:
            last = self.form(op.args[1], place).shifted(-1)
            return [variable(var), last.minus(variable(var))] if self.known.proves(last, place) else []
        sign = self._extreme(op, place)
        return [variable(var).minus(self.form(arg, place)).times(sign) for arg in op.args[-2:]] if sign else []

    def _extreme(self, op: Op, place: Place) -> int:
        """1 if a value is the greater one of its last two operands, -1 if it is the lesser one, else 0."""
        if op.fn in (np.maximum, np.minimum):
            return 1 if op.fn is np.maximum else -1
        cond = op.args[0] if op.fn is p.select else None
        compared = self._compared(cond, True, place) if isinstance(cond, Var) else None
        if compared is None or compared[0] in (operator.eq, operator.ne):
            return 0
        relation, x, y = compared
        sign = 1 if relation in (operator.gt, operator.ge) else -1
        first, second = (self.form(arg, place).key for arg in op.args[1:])
        return sign if (x.key, y.key) == (first, second) else -sign if (x.key, y.key) == (second, first) else 0

    def form(self, operand: Operand, place: Place) -> Linear:
        """The value of an int64 operand, taken apart as far as nothing in it can wrap, given what holds here."""
        if isinstance(operand, Const):
            return constant(int(operand.value.real))
        if operand not in self._settled and operand in self._made and self._depth <= _DEPTH:
            op, made = self._made[operand]
            form = self._taken_apart(op, made)
            if form is None:
                form = variable(operand)
                if op.fn in _ARITHMETIC:
                    self._tries[operand] = {}
            self._settled[operand] = form
        settled = self._settled.get(operand)
        if settled is None:
            settled = self._variables.get(operand)
            if settled is None:
                settled = self._variables[operand] = variable(operand)
        if self._tries.keys().isdisjoint(settled.terms):
            return settled
        return settled.replaced(lambda var: self._form_here(var, place))

    def _form_here(self, var: Var, place: Place) -> Linear:
        """The form of a variable that could not be taken apart where it is defined."""
        tries = self._tries.get(var)
        if tries is None or self._depth > _DEPTH:
            return variable(var)
        known = tries.get(place)
        if known is None:
            for where, (form, topics) in tries.items():
                if form.terms.keys() == {var} and not self.known.knows_more(place, where, topics):
                    known = tries[place] = form, topics
                    break
        if known is not None:
            self.known.topics |= known[1]
            return known[0]
        with self.known.noted() as asked:
            form = self._taken_apart(self._made[var][0], place) or variable(var)
        tries[place] = form, frozenset(asked)
        return form

    def _taken_apart(self, op: Op, place: Place) -> Linear | None:
        self._depth += 1
        form = self._stated(op, place)
        self._depth -= 1
        return form

    def _stated(self, op: Op, place: Place) -> Linear | None:
        args = [self.form(arg, place) for arg in op.args if arg.type is i8]
        form: Linear | None = None
        if op.fn in SAME or (op.fn is p.cast and args) or _divisor(op) == 1:
            return args[0]
        if op.fn is p.select:
            chosen = self.truth(op.args[0], place)
            if chosen is not None:
                return args[0] if chosen else args[1]
            return args[0] if args[0].key == args[1].key else None
        if op.fn is operator.add:
            form = args[0].plus(args[1])
        elif op.fn is operator.sub:
            form = args[0].minus(args[1])
        elif op.fn is operator.neg:
            form = args[0].times(-1)
        elif op.fn is operator.mul and not (args[0].terms and args[1].terms):
            form = args[1].times(args[0].const) if not args[0].terms else args[0].times(args[1].const)
        return form if form is not None and self.known.fits(form, place) else None

    def _cases(self, var: Var, place: Place) -> Sequence[Case]:
        if var not in self._made:
            return ()
        op, _ = self._made[var]
        args = [self.form(arg, place) for arg in op.args if arg.type is i8]
        if op.fn is p.select:
            conds = [self._consequences(op.args[0], taken, place) for taken in (True, False)]
            return tuple(zip(conds, args, strict=True))
        if op.fn in (np.maximum, np.minimum):
            above = args[0].minus(args[1]).times(1 if op.fn is np.maximum else -1)
            return ((above,), args[0]), ((above.times(-1),), args[1])
        if op.fn is operator.abs and self.known.fits(args[0].times(-1), place):
            return ((args[0],), args[0]), ((args[0].times(-1),), args[0].times(-1))
        return ()

    # --- conditions -------------------------------------------------------------------------------

    def _parts(self, cond: Operand, holds: bool, place: Place) -> list[tuple[Var, bool]]:
        """Conditions that are as stated if `cond` is `holds`, itself among them."""
        found: list[tuple[Var, bool]] = []
        todo = [(cond, holds)]
        while todo:
            part, value = todo.pop()
            if isinstance(part, Var):
                found.append((part, value))
                op = self._made[part][0] if part in self._made else None
                if op is not None and op.fn is (operator.and_ if value else operator.or_):
                    todo += [(arg, value) for arg in op.args]
                elif op is not None and op.fn is operator.not_:
                    todo.append((op.args[0], not value))
        return found

    def _compared(self, cond: Var, holds: bool, place: Place) -> tuple[object, Linear, Linear] | None:
        compared = comparison(self._made[cond][0]) if cond in self._made else None
        if compared is None:
            return None
        relation, x, y = compared
        return relation if holds else NEGATED[relation], self.form(x, place), self.form(y, place)

    def _consequences(self, cond: Operand, holds: bool, place: Place) -> tuple[Linear, ...]:
        """Forms that are ≥ 0 if `cond` is `holds`."""
        found: list[Linear] = []
        for part, value in self._parts(cond, holds, place):
            compared = self._compared(part, value, place)
            if compared is None:
                continue
            relation, x, y = compared
            if relation is operator.ne:
                for apart in (x.minus(y), y.minus(x)):
                    if self.known.proves(apart, place, found):
                        found.append(apart.shifted(-1))
            found += facts_of(relation, x, y)
        return tuple(found)

    def _learn(self, cond: Operand, holds: bool, place: Place) -> None:
        for part, value in self._parts(cond, holds, place):
            self._truths.setdefault(part, []).append((place, value))
            self.known.learnt.setdefault((part, None), []).append(place)
        for fact in self._consequences(cond, holds, place):
            self.known.add(fact, place)

    def truth(self, cond: Operand, place: Place) -> bool | None:
        """The value of a condition at this place, if it is certain."""
        if isinstance(cond, Const):
            return bool(cond.value)
        self.known.topics.add((cond, None))
        for where, value in self._truths.get(cond, ()):
            if self.known.dominates(where, place):
                return value
        if cond not in self._made:
            return None
        op, _ = self._made[cond]
        if op.fn is operator.not_:
            inner = self.truth(op.args[0], place)
            return None if inner is None else not inner
        if op.fn in (operator.and_, operator.or_) and cond.type is b1:
            absorbing = op.fn is operator.or_
            parts = [self.truth(arg, place) for arg in op.args]
            return absorbing if absorbing in parts else None if None in parts else not absorbing
        for value in (True, False):
            compared = self._compared(cond, value, place)
            if compared is not None and self._holds(*compared, place):
                return value
        return None

    def _holds(self, relation: object, x: Linear, y: Linear, place: Place) -> bool:
        if relation is operator.ne:
            return any(self.known.proves(form.shifted(-1), place) for form in (x.minus(y), y.minus(x)))
        return all(self.known.proves(fact, place) for fact in facts_of(relation, x, y))

    def proved_guesses(self) -> dict[int, list[Linear]]:
        """Those of the guesses that hold on all edges."""
        return {
            label: [form for form in forms if self._hold(label, form, self.ways[label])]
            for label, forms in self.guesses.items()
        }

    def _hold(self, label: int, form: Linear, incoming: Iterable[Way]) -> bool:
        """Is a form over the parameters of a block certainly ≥ 0 on these edges to it?"""
        return all(self._holds_on(way, form, self.program.blocks[label].params) for way in incoming)

    def _holds_on(self, way: Way, form: Linear, params: Sequence[Var]) -> bool:
        place = (way.source, len(self.program.blocks[way.source].ops))
        given = dict(zip(params, way.edge.args, strict=True))
        form = form.replaced(lambda var: self.form(given.get(var, var), place))
        extra = () if way.cond is None else self._consequences(way.cond, way.taken, place)
        return self.known.proves(form, place, extra)


_ARITHMETIC = frozenset((operator.add, operator.sub, operator.neg, operator.mul, p.select))


def _divisor(op: Op) -> int | None:
    """d, if the op is a floor division by the constant d > 0."""
    last = op.args[-1] if op.args else None
    if not isinstance(last, Const) or last.type is not i8:
        return None
    value = int(last.value.real)
    if op.fn is operator.floordiv and value > 0:
        return value
    return 2**value if op.fn is operator.rshift and 0 <= value < 63 else None
