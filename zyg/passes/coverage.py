"""Which elements of a buffer a nest of loops comes by: each at most once, and how many.

The index is a sum of the loops' counters by strides.  If the strides are 1, the extent of the loop with stride 1, the
product of two extents and so on, in whatever order the loops are nested, no two iterations have the same index.
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass

from zyg.ir.graph import Graph, Loop
from zyg.ir.program import Branch, Const, Jump, Op, Operand, Pos, Program, Var
from zyg.ir.scalars import b1, fold, i8
from zyg.passes.trips import Trips
from zyg.rules import primitives as p

Factors = tuple[int, Counter[Var]]


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """count: of elements; ops: what computes it in front of the nest.

    is_whole: these are certainly all.  is_first: they are the first ones.
    """

    count: Operand
    ops: tuple[Op, ...]
    is_whole: bool
    is_first: bool


class Nest:
    """Loops one in the other, the outermost first, around the block `label`, which runs in each iteration."""

    def __init__(self, program: Program, graph: Graph, loops: list[Loop], label: int) -> None:
        self.program, self.graph, self.loops, self.label = program, graph, loops, label
        self.outside = [at for at in graph.preds[loops[0].header] if at not in loops[0].blocks]
        self.made, self.homes = graph.made, graph.homes
        self.trips = Trips(program.blocks, graph)

    @property
    def front(self) -> int:
        """The block in front of the nest."""
        return self.outside[0]

    def is_regular(self) -> bool:
        """Is each loop left at its header only, to go on, and the next one run in each of its iterations?"""
        inner = [loop.header for loop in self.loops[1:]] + [self.label]
        for loop, within in zip(self.loops, inner, strict=True):
            entries = [at for at in self.graph.preds[loop.header] if at not in loop.blocks]
            jumps = (*entries, *loop.latches)
            if len(entries) != 1 or not self.graph.is_left_at_header(loop) or within == loop.header:
                return False
            if not all(isinstance(self.program.blocks[at].end, Jump) for at in jumps):
                return False
            if not isinstance(self.program.blocks[loop.header].end, Branch):
                return False
            if not self.graph.dominates(within, loop.latches[0]):
                return False
        return True

    def is_fixed(self, operand: Operand) -> bool:
        """Is the operand known in front of the nest?"""
        return not isinstance(operand, Var) or self.homes.get(operand) not in self.loops[0].blocks

    def counter(self, operand: Operand) -> int | None:
        """The number of the loop that counts by this variable, by one in each iteration."""
        for number, loop in enumerate(self.loops):
            params = self.program.blocks[loop.header].params
            if operand in params:
                step = self.trips.step(loop, params.index(operand))
                return number if step in (1, -1) else None
        return None

    def starts_at_zero(self, operand: Operand) -> bool:
        """Is the operand 0 in the first iteration, and does it only grow with the counters?"""
        if self.is_fixed(operand):
            return operand == Const(0, i8)
        number = self.counter(operand)
        if number is not None:
            loop = self.loops[number]
            at = self.program.blocks[loop.header].params.index(operand)
            (front,) = (label for label in self.graph.preds[loop.header] if label not in loop.blocks)
            end = self.program.blocks[front].end
            return isinstance(end, Jump) and end.to.args[at] == Const(0, i8) and self.trips.step(loop, at) == 1
        op = self.made.get(operand) if isinstance(operand, Var) else None
        if op is not None and op.fn is operator.mul:
            return any(
                self.is_fixed(one) and self.starts_at_zero(two) for one, two in (op.args, op.args[::-1])
            )  # by a stride that is an extent
        return op is not None and op.fn is operator.add and all(map(self.starts_at_zero, op.args))

    def extent(self, loop: Loop, pos: Pos) -> tuple[Operand, tuple[Op, ...]] | None:
        """How often a loop repeats, if that is known in front of the nest; and the ops that tell."""
        found = self.trips.of(loop, pos)
        if found is None:
            return None
        extent, ops = found
        own = {result for op in ops for result in op.results}
        known = all(arg in own or self.is_fixed(arg) for op in ops for arg in op.args)
        return found if known and (extent in own or self.is_fixed(extent)) else None

    def factors(self, operand: Operand, ops: tuple[Op, ...] = ()) -> Factors:
        """The operand as a product: a constant and the other factors."""
        if isinstance(operand, Const):
            return int(operand.value.real), Counter()
        op = self.made.get(operand)
        if op is not None and op.fn is operator.mul:
            (one, some), (two, more) = (self.factors(arg) for arg in op.args)
            return one * two, some + more
        return 1, Counter((operand,))

    def strides(self, operand: Operand) -> list[Factors] | None:
        """By what the operand grows with the counter of each loop, if it is a sum of such."""
        nothing: list[Factors] = [(0, Counter()) for _ in self.loops]
        if self.is_fixed(operand):
            return nothing
        number = self.counter(operand)
        if number is not None:
            return [(1, Counter()) if i == number else zero for i, zero in enumerate(nothing)]
        op = self.made.get(operand) if isinstance(operand, Var) else None
        if op is None or op.fn not in (operator.add, operator.sub, operator.mul):
            return None
        a, b = map(self.strides, op.args)
        if a is None or b is None:
            return None
        if op.fn is operator.mul:
            for fixed, own in ((op.args[0], b), (op.args[1], a)):
                if self.is_fixed(fixed):
                    scale, more = self.factors(fixed)
                    return [(scale * c, more + rest) if c else (c, rest) for c, rest in own]
            return None
        sums: list[Factors] = []
        for (c, one), (d, two) in zip(a, b, strict=True):
            if c and d and one != two:
                return None
            sums.append((c + d if op.fn is operator.add else c - d, one if c else two))
        return sums


def is_once(nest: Nest, index: Operand, pos: Pos) -> bool:
    """Does the nest come by each element at most once?"""
    return coverage(nest, index, None, pos) is not None


def coverage(nest: Nest, index: Operand, size: Operand | None, pos: Pos) -> Coverage | None:
    """The elements that the nest comes by, of a buffer of `size` elements, if it comes by each at most once."""
    if not nest.is_regular():
        return None
    strides = nest.strides(index)
    if strides is None:
        return None
    extents: list[Operand] = []
    ops: list[Op] = []
    for loop in nest.loops:
        found = nest.extent(loop, pos)
        if found is None:
            return None
        extents.append(found[0])
        ops += found[1]
    known = [nest.factors(extent) for extent in extents]
    if not _are_apart(strides, known):
        return None
    total = _product(known)
    if size is not None and nest.factors(size) == total:
        return Coverage(size, (), True, True)
    count: Operand = Const(1, i8)
    for extent in extents:
        count = _emit(ops, operator.mul, (count, _at_least_zero(ops, extent, pos)), pos)
    return Coverage(count, tuple(ops), False, nest.starts_at_zero(index))


def _are_apart(strides: list[Factors], extents: list[Factors]) -> bool:
    """Do the loops, in some order, have the strides 1, the first extent, the product of the first two, …?"""
    left = [(stride, extent) for stride, extent in zip(strides, extents, strict=True) if extent != (1, Counter())]
    wanted: Factors = (1, Counter())
    while left:
        fitting = next((pair for pair in left if (abs(pair[0][0]), pair[0][1]) == wanted), None)
        if fitting is None:
            return False
        left.remove(fitting)
        wanted = _product([wanted, fitting[1]])
    return True


def _product(factors: list[Factors]) -> Factors:
    scale, rest = 1, Counter[Var]()
    for c, more in factors:
        scale, rest = scale * c, rest + more
    return scale, rest


def _at_least_zero(ops: list[Op], count: Operand, pos: Pos) -> Operand:
    some = _emit(ops, operator.gt, (count, Const(0, i8)), pos)
    return _emit(ops, p.select, (some, count, Const(0, i8)), pos)


def _emit(ops: list[Op], fn: object, args: tuple[Operand, ...], pos: Pos) -> Operand:
    kind = b1 if fn is operator.gt else i8
    known = fold(fn, args, kind)
    if known is not None:
        return known
    result = Var(kind)
    ops.append(Op(fn, args, (result,), pos))
    return result
