"""How often a loop repeats, where that can be told in front of it.

    while n > 0: …; n -= 1        n times, if the loop is entered with n > 0
    for i in range(a, b, 3): …    (b - a + 2) // 3 times

The test that decides for another iteration compares something that changes by a constant in each with something that
does not change.  That none of these integers wraps while the loop runs is certain: it would not end within centuries.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from zyg.ir import scalars
from zyg.ir.graph import Graph, Loop
from zyg.ir.program import Block, Branch, Const, Jump, Op, Operand, Pos, Var, edges
from zyg.ir.scalars import i8
from zyg.passes.conditions import NEGATED, SWAPPED, comparison

_LARGEST_STEP = 1 << 31


class Trips:
    """The numbers of repetitions of the loops of one program."""

    def __init__(self, blocks: Mapping[int, Block], graph: Graph) -> None:
        self.blocks = blocks
        self.graph = graph
        self.home, self.made = graph.homes, graph.made

    def of(self, loop: Loop, pos: Pos) -> tuple[Operand, tuple[Op, ...]] | None:
        """The number (none if it is negative), and the ops that compute it in front of the loop.

        Part of another iteration may follow that leaves the loop; it is not counted.
        """
        found = self._test(loop)
        if found is None:
            return None
        relation, tested, bound = found
        param, ahead = self._shifted(tested, loop)
        if param is None or not self._is_fixed(bound, loop):
            return None
        at = self.blocks[loop.header].params.index(param)
        step = self.step(loop, at)
        if step is None:
            return None
        if relation is operator.ne and abs(step) == 1:
            relation = operator.lt if step > 0 else operator.gt
        if relation not in ((operator.lt, operator.le) if step > 0 else (operator.gt, operator.ge)):
            return None
        (before,) = (pred for pred in self.graph.preds[loop.header] if pred not in loop.blocks)
        entering = self.blocks[before].end
        assert isinstance(entering, Jump)
        ops: list[Op] = []
        first = _emit(ops, pos, operator.add, entering.to.args[at], Const(ahead, i8))
        low, high = (first, bound) if step > 0 else (bound, first)
        distance = _emit(ops, pos, operator.sub, high, low)
        more = abs(step) - 1 + (relation in (operator.le, operator.ge))
        distance = _emit(ops, pos, operator.add, distance, Const(more, i8))
        return _emit(ops, pos, operator.floordiv, distance, Const(abs(step), i8)), tuple(ops)

    def _test(self, loop: Loop) -> tuple[Any, Operand, Operand] | None:
        """The comparison that holds for another iteration, if there is one way out and all iterations come by it."""
        ways_out = self.graph.ways_out(loop)
        if len(ways_out) != 1:
            return None
        label, out = ways_out[0]
        end = self.blocks[label].end
        if not isinstance(end, Branch) or not all(self.graph.dominates(label, latch) for latch in loop.latches):
            return None
        compared = comparison(self.made[end.cond]) if isinstance(end.cond, Var) and end.cond in self.made else None
        if compared is None or compared[1].type != i8:
            return None
        relation, x, y = compared
        relation = relation if out is end.other else NEGATED[relation]
        if self._is_fixed(x, loop):
            relation, x, y = SWAPPED.get(relation, relation), y, x
        return relation, x, y

    def _is_fixed(self, operand: Operand, loop: Loop) -> bool:
        return not isinstance(operand, Var) or self.home.get(operand) not in loop.blocks

    def _shifted(self, operand: Operand, loop: Loop) -> tuple[Var | None, int]:
        """A parameter of the loop's header and what is added to it, if that is what the operand is."""
        ahead = 0
        while isinstance(operand, Var) and operand not in self.blocks[loop.header].params:
            op = self.made.get(operand)
            if op is None or self.home[operand] not in loop.blocks or op.fn not in (operator.add, operator.sub):
                return None, 0
            args = op.args if isinstance(op.args[1], Const) or op.fn is operator.sub else op.args[::-1]
            if not isinstance(args[1], Const) or args[1].type != i8:
                return None, 0
            amount = int(args[1].value.real)
            ahead += amount if op.fn is operator.add else -amount
            operand = args[0]
        return (operand, ahead) if isinstance(operand, Var) and abs(ahead) < _LARGEST_STEP else (None, 0)

    def step(self, loop: Loop, at: int) -> int | None:
        """What an iteration adds to the header's parameter number `at`, if that is a constant other than zero."""
        (latch,) = loop.latches
        repeating = self.blocks[latch].end
        assert isinstance(repeating, Jump)
        again = repeating.to.args[at]
        while isinstance(again, Var) and again not in self.made and again in self.blocks[latch].params:
            if len(self.graph.preds[latch]) != 1:
                return None
            number = self.blocks[latch].params.index(again)
            (latch,), to = self.graph.preds[latch], latch
            (edge,) = (edge for edge in edges(self.blocks[latch].end) if edge.target == to)
            again = edge.args[number]
        param, step = self._shifted(again, loop)
        return step if param is self.blocks[loop.header].params[at] and step else None


def counting_up(loop: Loop, graph: Graph) -> set[Var]:
    """The parameters of a loop with one latch that grow by 1 in each iteration."""
    end = graph.blocks[loop.latches[0]].end
    if len(loop.latches) != 1 or not isinstance(end, Jump):
        return set()
    found = set()
    for param, again in zip(graph.blocks[loop.header].params, end.to.args, strict=True):
        op = graph.made.get(again) if isinstance(again, Var) else None
        if param.type == i8 and op is not None and op.fn is operator.add:
            if op.args in ((param, Const(1, i8)), (Const(1, i8), param)):
                found.add(param)
    return found


def _emit(ops: list[Op], pos: Pos, fn: Any, a: Operand, b: Operand) -> Operand:
    if (fn is operator.floordiv and b == Const(1, i8)) or (fn is not operator.floordiv and b == Const(0, i8)):
        return a
    known = scalars.fold(fn, (a, b), i8)
    if known is not None:
        return known
    var = Var(i8)
    ops.append(Op(fn, (a, b), (var,), pos))
    return var
