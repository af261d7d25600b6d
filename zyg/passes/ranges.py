"""Comparisons of integers that can have only one outcome, such as most bounds checks of array elements.

Why what is proved here is true although 64-bit integers wrap.  Variables stand for the integers that they hold, and
forms over them are exact: they never wrap.  The result of an op is taken apart into the form that the op states only
where that form is proved to be a 64-bit integer; elsewhere it is a variable of its own, of which no more is known than
its type.  So no step concludes `i + 1 > i` of an arbitrary i: a proof needs bounds of i, and these come from conditions
on the way, passed guards, allocations made (of at least 0 elements), intervals that the op itself states (extents of
arrays are in [0, 2**62)), and from forms that hold in every iteration of a loop.  The latter are guessed and hold if,
assumed where their blocks start, they are proved on every edge that leads there: those that are not proved are
dropped, and the proofs done again without them until all hold at once, which is induction over the steps of a run.

A fact that holds where a block starts, or behind a guard, holds wherever that place dominates, since there no variable
that was defined has been given another value.  A comparison is replaced everywhere if it is certain where it is
defined; the condition of a guard, branch or selection also if it is certain there.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping

from zyg.ir.graph import Graph, graph_of, substitute
from zyg.ir.memory import length
from zyg.ir.program import Block, Branch, Const, Guard, Op, Operand, Program, Var
from zyg.ir.scalars import b1, i8
from zyg.passes.conditions import comparison, deciding, sources
from zyg.passes.induction import Guesses
from zyg.passes.inequalities import Place, Refutations
from zyg.passes.intervals import LARGEST_LENGTH, Ranges
from zyg.passes.linear import Linear, constant
from zyg.passes.skeleton import skeleton
from zyg.rules import primitives as p

_ROUNDS = 10


def prove_comparisons(program: Program) -> Program:
    """`program` with constants for comparisons that are certain; the same object if there are none.

    What then is dead is left for `simplify`.
    """
    relevant = deciding(program)
    if not relevant:
        return program
    asked = skeleton(program, relevant)
    if asked in _exhausted:
        return program
    proved = _rewritten(program, _ranges(program, relevant))
    if proved is program:
        _note(asked)
    return proved


def leave_as_proved(program: Program) -> None:
    """What `prove_comparisons` has left of a program, simplified, is not worth another try."""
    relevant = deciding(program)
    if relevant:
        _note(skeleton(program, relevant))


_MOST_NOTED = 1000
_exhausted: dict[bytes, None] = {}


def _note(asked: bytes) -> None:
    _exhausted[asked] = None
    for oldest in list(_exhausted)[:-_MOST_NOTED]:
        _exhausted.pop(oldest, None)


def _ranges(program: Program, relevant: set[Var]) -> Ranges:
    graph = graph_of(program)
    guesses = Guesses(graph, relevant)
    ranges = _settled(program, graph, relevant, guesses.of_counters())
    ranges = ranges or Ranges(program, graph, relevant, {}, Refutations())
    more = guesses.further(sources(program, _uncertain_guards(program, ranges)))
    if not more:
        return ranges
    all_guesses = {label: [*ranges.guesses[label], *more.get(label, ())] for label in graph.order}
    return _settled(program, graph, relevant, all_guesses) or ranges


def _uncertain_guards(program: Program, ranges: Ranges) -> list[Operand]:
    return [
        op.args[0]
        for label in ranges.ways
        for i, op in enumerate(program.blocks[label].ops)
        if isinstance(op.fn, Guard) and ranges.truth(op.args[0], (label, i)) is None
    ]


def _settled(program: Program, graph: Graph, relevant: set[Var], guesses: Mapping[int, list[Linear]]) -> Ranges | None:
    """What is known given those of the guesses that hold; None if that takes too long to find out.

    Ever less is assumed, so what cannot be proved never can.
    """
    refuted = Refutations()
    for _ in range(_ROUNDS):
        ranges = Ranges(program, graph, relevant, guesses, refuted)
        guesses = ranges.proved_guesses()
        if all(len(guesses[label]) == len(ranges.guesses[label]) for label in guesses):
            return ranges
    return None


def _rewritten(program: Program, ranges: Ranges) -> Program:
    renamed: dict[Var, Operand] = {}
    blocks = dict(program.blocks)
    changed = False
    for label, block in program.blocks.items():
        if label not in ranges.ways:
            continue
        ops = []
        for i, op in enumerate(block.ops):
            place = (label, i)
            if isinstance(op.fn, Guard):
                if ranges.truth(op.args[0], place):
                    continue
            else:
                same = _equal(op, place, ranges)
                if same is not None:
                    renamed[op.result] = same
                    continue
            ops.append(op)
        end = block.end
        if isinstance(end, Branch) and isinstance(end.cond, Var):
            outcome = ranges.truth(end.cond, (label, len(block.ops)))
            if outcome is not None:
                end = Branch(Const(outcome, b1), end.then, end.other)
        if len(ops) < len(block.ops) or end is not block.end:
            changed = True
            blocks[label] = Block(block.params, tuple(ops), end)

    def final(operand: Operand) -> Operand:
        while isinstance(operand, Var) and operand in renamed:
            operand = renamed[operand]
        return operand

    return (
        program.with_blocks({label: substitute(block, final) for label, block in blocks.items()})
        if changed
        else program
    )


def _extreme(op: Op, place: Place, ranges: Ranges) -> Operand | None:
    """Which of its operands the larger (or smaller) one of two certainly equals."""
    test = ranges.op_of(op.args[0])
    compared = comparison(test) if test is not None else None
    if compared is None or op.result.type != i8 or set(compared[1:]) != set(op.args[1:]):
        return None
    relation, x, y = compared
    if relation not in (operator.lt, operator.le, operator.gt, operator.ge):
        return None
    larger = (relation in (operator.gt, operator.ge)) is (x == op.args[1])
    for one, other in ((x, y), (y, x)):
        if ranges.known.proves(ranges.form(one, place).minus(ranges.form(other, place)), place):
            return one if larger else other
    return None


def _equal(op: Op, place: Place, ranges: Ranges) -> Operand | None:
    """What the op's result certainly equals."""
    if comparison(op) is not None:
        outcome = ranges.truth(op.result, (place[0], place[1] + 1))
        return None if outcome is None else Const(outcome, b1)
    if op.fn is p.select:
        chosen = ranges.truth(op.args[0], place)
        return _extreme(op, place, ranges) if chosen is None else op.args[1] if chosen else op.args[2]
    if op.fn is length:
        form = ranges.form(op.args[0], place)
        bounds = (form, constant(LARGEST_LENGTH).minus(form))
        return op.args[0] if all(ranges.known.proves(bound, place) for bound in bounds) else None
    return None
