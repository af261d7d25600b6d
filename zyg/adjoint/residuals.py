"""Which primal values the reverse sweep finds on a tape, and which it computes again: a minimum cut.

A value that is needed costs either a place on a tape or its computation, and that needs its operands.  What the forward
sweep computes for the reverse sweep alone is not computed twice if it is computed in reverse: only its place counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from zyg.adjoint.cut import INFINITE, Network
from zyg.ir.graph import Graph
from zyg.ir.memory import ALLOCATIONS, mem_load
from zyg.ir.program import Block, Op, Operand, Var, edges, end_operands
from zyg.ir.tape import cost, tape_get
from zyg.passes.simplify import is_pure

STORE = 10.0  # the price of keeping a value, in additions
GROWING = 3.0  # how many times dearer that is where the tape grows
_TRIPS = 8.0  # how often a loop is taken to run
_MOVED = 0.05  # what an op costs that moves from the forward into the reverse sweep, of its price


@dataclass(frozen=True, eq=False)
class Forward:
    """The forward sweep: what defines each value and where, and what can be told of it.

    again: the op that would give a value in reverse.  free: is an operand there in reverse anyway?
    repeatable: can the op be run in reverse as it is?
    growing: is it not known in front how many rows a tape of the block has?
    """

    blocks: Mapping[int, Block]
    graph: Graph
    defining: Mapping[Var, Op]
    homes: Mapping[Var, int]
    again: Callable[[Var], Op | None]
    free: Callable[[Operand], bool]
    repeatable: Callable[[Op], bool]
    growing: Callable[[int], bool]


def computed_again(forward: Forward, wanted: Iterable[Var], once: Iterable[Var]) -> tuple[set[Var], float]:
    """The values among and behind those `wanted` that are computed in reverse, all others being kept; and the price.

    once: the values needed besides, which stay in variables.
    """
    numbers = _reached(forward, wanted)
    if not numbers:
        return set(), 0.0
    live = _live(forward, once)
    network = Network(2 + 2 * len(numbers))
    for var, number in numbers.items():
        needed, again = 2 + 2 * number, 3 + 2 * number
        op = forward.again(var)
        home = forward.homes[var]
        loop = forward.graph.loop_of[home]
        often = _TRIPS ** ((loop.depth if loop is not None else 1) - 1)
        place = STORE * (GROWING if forward.growing(home) else 1.0)
        network.add(needed, again, often * (place + (0.0 if var in live or op is None else cost(op))))
        if op is None or not forward.repeatable(op):
            network.add(again, 1, INFINITE)
            continue
        moved = var not in live and op is forward.defining.get(var)
        network.add(again, 1, often * cost(op) * (_MOVED if moved else 1.0))
        for arg in op.args:
            if isinstance(arg, Var) and arg in numbers:
                network.add(again, 2 + 2 * numbers[arg], INFINITE)
    for var in wanted:
        if var in numbers:
            network.add(0, 2 + 2 * numbers[var], INFINITE)
    side, price = network.source_side(), network.flow
    return {var for var, number in numbers.items() if 3 + 2 * number in side}, price


def _reached(forward: Forward, wanted: Iterable[Var]) -> dict[Var, int]:
    """The values that those wanted can be computed from, numbered."""
    found: dict[Var, int] = {}
    todo = [var for var in wanted if not forward.free(var)]
    while todo:
        var = todo.pop()
        if var in found:
            continue
        found[var] = len(found)
        op = forward.again(var)
        if op is not None and forward.repeatable(op):
            todo += [arg for arg in op.args if isinstance(arg, Var) and not forward.free(arg)]
    return found


def _live(forward: Forward, once: Iterable[Var]) -> set[Var]:
    """What the forward sweep computes whatever is kept: for its effects, its way and its results."""
    feeding: dict[Var, list[Operand]] = {}
    todo: list[Operand] = list(once)
    for label in forward.graph.order:
        block = forward.blocks[label]
        todo += end_operands(block.end)
        for op in block.ops:
            if not (is_pure(op) or op.fn in (mem_load, tape_get) or op.fn in ALLOCATIONS):
                todo += op.args
        for edge in edges(block.end):
            for param, arg in zip(forward.blocks[edge.target].params, edge.args, strict=True):
                feeding.setdefault(param, []).append(arg)
    live: set[Var] = set()
    while todo:
        operand = todo.pop()
        if not isinstance(operand, Var) or operand in live:
            continue
        live.add(operand)
        todo += feeding.get(operand, ())
        if operand in forward.defining:
            todo += forward.defining[operand].args
    return live
