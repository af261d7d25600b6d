"""Roots whose derivative is finite wherever it matters, because what they are of is not zero there.

A root is so where its argument is certainly positive (`sqrt(x * x + 1)`), where the way to it says so
(`if s > 0: r = sqrt(s)`), and where the way to everything that it is used for says so:

    r = sqrt(s)
    if r < 1e-4: return a
    return s / r

If r is 0 here, no tangent of it is used, and no cotangent arrives.  Where a block fails for a root of its own that is
0, as for a divisor, nothing that it is used for matters.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

import numpy as np
from numba import types

from zyg.ir.facts import fact
from zyg.ir.graph import Graph, graph_of
from zyg.ir.program import Block, Branch, Const, Guard, Op, Operand, Program, Var, edges, end_operands
from zyg.passes.conditions import NEGATED, SWAPPED, conditions_in
from zyg.rules import primitives as p
from zyg.rules.elementwise import inactive, roots, singular

_COPIES = frozenset((p.identity, p.stop_gradient))
# The derivative of a root of smaller exponent may overflow where its argument is not 0
_LEAST_EXPONENT = 0.05
_DEPTH = 60


@fact
def finite(program: Program) -> frozenset[Op]:
    """The ops of kinds that may have an infinite derivative that do not have one, or not where it matters."""
    found, left = set(), []
    for op in program.ops():
        exponent = _exponent(op)
        if op.fn in roots or (exponent is not None and _LEAST_EXPONENT <= exponent < 1):
            left.append(op)
        elif exponent is not None and exponent >= 1:
            found.add(op)
    return frozenset(found | _away_from_zero(program, left) if left else found)


def is_singular(program: Program) -> bool:
    """May an op of the program itself have an infinite derivative at a finite value?"""
    return any(op.fn in singular and op not in finite(program) for op in program.ops())


def _exponent(op: Op) -> float | None:
    """The exponent of a real power, if it is constant."""
    if op.fn is not operator.pow or not isinstance(op.result.type, types.Float):
        return None
    return float(op.args[1].value.real) if isinstance(op.args[1], Const) else None


def _away_from_zero(program: Program, ops: list[Op]) -> set[Op]:
    """Those of the ops, which are 0 only where their first argument is, that are used only where they are not."""
    graph, signs = graph_of(program), Signs(program)
    asked: dict[Operand, Op] = {op.result: op for op in ops}
    found = {op for op in ops if signs.is_positive(op.args[0])}
    unsafe: set[Op] = set()
    for label in graph.order:
        block = program.blocks[label]
        known = set(signs.known_at(label))
        made = {op.result for op in block.ops if len(op.results) == 1 and asked.get(op.result) is op}
        for op in block.ops:
            if isinstance(op.fn, Guard):
                passed = set(signs.nonzero_if(op.args[0], True))
                found |= {asked[root] for root in passed & made}
                known |= passed
            elif op.fn not in inactive:
                unsafe.update(asked[arg] for arg in op.args if arg in asked and arg not in known)
            if len(op.results) == 1 and asked.get(op.result) is op and op.args[0] in known:
                found.add(op)
        unsafe.update(asked[arg] for arg in _leaving(block) if arg in asked and arg not in known)
    return found | {op for op in ops if op not in unsafe}


def _leaving(block: Block) -> list[Operand]:
    """What a block passes on or returns."""
    return [arg for edge in edges(block.end) for arg in edge.args] or list(end_operands(block.end))


class Signs:
    """What is known of the signs of the floats of a program; nan counts as what is wanted."""

    def __init__(self, program: Program) -> None:
        self.graph: Graph = graph_of(program)
        self.blocks = program.blocks
        self._feeding: dict[Var, list[Operand]] = {}
        for label in self.graph.order:
            for edge in edges(self.blocks[label].end):
                for param, arg in zip(self.blocks[edge.target].params, edge.args, strict=True):
                    self._feeding.setdefault(param, []).append(arg)
        self._depth = 0
        self._positive: dict[Operand, bool] = {}
        self._nonnegative: dict[Operand, bool] = {}
        self._known: dict[int, frozenset[Operand]] = {}

    def is_positive(self, operand: Operand) -> bool:
        return self._always(operand, self._positive, self._makes_positive, lambda value: value > 0)

    def is_nonnegative(self, operand: Operand) -> bool:
        return self._always(operand, self._nonnegative, self._makes_nonnegative, lambda value: value >= 0)

    def _always(
        self,
        operand: Operand,
        cache: dict[Operand, bool],
        makes: Callable[[Op], bool],
        holds: Callable[[float], bool],
    ) -> bool:
        """By induction over the steps of a run: parameters of blocks are taken to be so while what is passed to them
        is looked at."""
        if isinstance(operand, Const):
            return not isinstance(operand.value, complex) and holds(operand.value)
        if self._depth > _DEPTH:
            return False
        if operand not in cache:
            self._depth += 1
            fresh = set(cache)
            cache[operand] = True
            op = self.graph.made.get(operand)
            if op is not None:
                answer = makes(op)
            else:
                feeding = self._feeding.get(operand, [])
                answer = bool(feeding) and all(self._always(arg, cache, makes, holds) for arg in feeding)
            if not answer:
                # What was found meanwhile may rest on the assumption
                for later in cache.keys() - fresh:
                    if cache[later]:
                        del cache[later]
                cache[operand] = False
            self._depth -= 1
        return cache[operand]

    def _makes_positive(self, op: Op) -> bool:
        """Products and quotients of positive numbers may underflow to 0."""
        args = op.args
        if op.fn in _COPIES or op.fn is np.sqrt or op.fn is operator.abs:
            return self.is_positive(args[0])
        if op.fn is p.cast:
            return _keeps_size(op) and self.is_positive(args[0])
        if op.fn is operator.add:
            return any(self.is_positive(a) and self.is_nonnegative(b) for a, b in (args, args[::-1]))
        if op.fn is np.maximum:
            return any(map(self.is_positive, args))
        if op.fn is np.minimum:
            return all(map(self.is_positive, args))
        return op.fn is p.select and all(map(self.is_positive, args[1:]))

    def _makes_nonnegative(self, op: Op) -> bool:
        args = op.args
        if op.fn in (operator.abs, np.exp, np.exp2, np.sqrt, np.cosh):
            return True
        if op.fn is operator.mul and args[0] == args[1] and isinstance(args[0], Var):
            return True
        if op.fn is p.powi and isinstance(args[1], Const) and int(args[1].value.real) % 2 == 0:
            return True
        if op.fn in _COPIES or op.fn is p.cast:
            return not isinstance(args[0].type, types.Complex) and self.is_nonnegative(args[0])
        if op.fn in (operator.add, operator.mul, operator.truediv, np.minimum):
            return all(map(self.is_nonnegative, args))
        if op.fn is np.maximum:
            return any(map(self.is_nonnegative, args))
        return op.fn is p.select and all(map(self.is_nonnegative, args[1:]))

    def known_at(self, label: int) -> frozenset[Operand]:
        """What is not 0 where a block starts."""
        if label not in self._known:
            known: set[Operand] = set()
            if label != self.graph.order[0]:
                above = self.graph.idom[label]
                known |= self.known_at(above)
                for op in self.blocks[above].ops:
                    if isinstance(op.fn, Guard):
                        known.update(self.nonzero_if(op.args[0], True))
                end = self.blocks[above].end
                if self.graph.preds[label] == (above,) and isinstance(end, Branch):
                    ways = [edge.target for edge in edges(end)]
                    if ways.count(label) == 1:
                        known.update(self.nonzero_if(end.cond, ways[0] == label))
            self._known[label] = frozenset(known)
        return self._known[label]

    def nonzero_if(self, cond: Operand, holds: bool) -> Iterator[Operand]:
        """What is not 0 if a condition is as stated."""
        for op, value in conditions_in(cond, holds, self.graph.made):
            if op.fn is p.is_nonzero and value:
                yield op.args[0]
            elif op.fn in (operator.eq, operator.ne) and (op.fn is operator.ne) is value:
                for x, y in (op.args, op.args[::-1]):
                    if isinstance(y, Const) and y.value == 0:
                        yield x
            elif op.fn in SWAPPED:
                stated = op.fn if value else NEGATED[op.fn]
                for x, y, relation in ((*op.args, stated), (*op.args[::-1], SWAPPED[stated])):
                    if relation is operator.gt and self.is_nonnegative(y):
                        yield x
                    if relation is operator.ge and self.is_positive(y):
                        yield x


def _keeps_size(op: Op) -> bool:
    """Is a cast one to floats that can be as small?"""
    given, made = op.args[0].type, op.result.type
    if not isinstance(made, types.Float):
        return False
    return not isinstance(given, types.Float) or made.bitwidth >= given.bitwidth
