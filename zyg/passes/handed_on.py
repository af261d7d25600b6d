"""Buffers that one nest of loops fills and a later one reads, each element in one place: they are not made.

    m = new(n · w)
    for i in range(n): for j in range(w): m[i·w + j] = f(i, j)         becomes
    for i in range(n): for j in range(w): … m[i·w + j] …               for i …: for j …: … f(i, j) …

So it is with what is computed before it is assigned to elements of an array, where the array might have been among what
it is computed from, but was not.  Nothing that `f` reads may be written until `m` has been read.  What the first nest
checks it still checks.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zyg.ir.graph import Loop, graph_of
from zyg.ir.memory import mem_load, mem_new, mem_store
from zyg.ir.program import Block, Guard, Op, Operand, Pos, Program, Var, edges
from zyg.ir.tape import is_pure
from zyg.passes.coverage import Nest, is_once
from zyg.passes.memory_facts import buffers_of
from zyg.passes.read_through import is_plain, users_of

_MOST_OPS = 60
_NOWHERE = Pos("", 0, "")


@dataclass(frozen=True, slots=True, eq=False)
class _Handed:
    """A buffer with the only ops that write and read it; the ops that compute what is written, and what stands for the
    counters of the first nest where it is read."""

    store: Op
    load: Op
    ops: tuple[Op, ...]
    counters: dict[Operand, Operand]

    def computed(self) -> Iterator[Op]:
        """What computes the element in place of the load."""
        values = dict(self.counters)
        value = self.store.args[2]
        for op in self.ops:
            result = self.load.result if op.result is value else Var(op.result.type, op.result.name)
            yield Op(op.fn, tuple(values.get(arg, arg) for arg in op.args), (result,), op.pos)
            values[op.result] = result


def handed_on(program: Program) -> Program:
    """`program` without such buffers; the same object if there are none."""
    while True:
        found = next(_Finder(program).found(), None)
        if found is None:
            return program
        blocks = dict(program.blocks)
        for label, block in program.blocks.items():
            if found.store in block.ops or found.load in block.ops:
                ops: list[Op] = []
                for op in block.ops:
                    if op is found.load:
                        ops += found.computed()
                    elif op is not found.store:
                        ops.append(op)
                blocks[label] = Block(block.params, tuple(ops), block.end)
        program = program.with_blocks(blocks)


class _Finder:
    def __init__(self, program: Program) -> None:
        self.program = program

    def found(self) -> Iterator[_Handed]:
        new = {op.result: op for op in self.program.ops() if op.fn is mem_new and is_plain(op.result.type)}
        pairs = _pairs(self.program, new)
        if not pairs:
            return
        self.graph = graph_of(self.program)
        self.buffers = buffers_of(self.program)
        self.homes = {op: label for label in self.graph.order for op in self.program.blocks[label].ops}
        for memory, (store, load) in pairs.items():
            handed = self._handed(new[memory], store, load)
            if handed is not None:
                yield handed

    def _handed(self, new: Op, store: Op, load: Op) -> _Handed | None:
        if not all(op in self.homes for op in (new, store, load)):
            return None
        around = self.graph.loop_of[self.homes[new]]
        first, second = self._loops(store, around), self._loops(load, around)
        if not first or not second or first[0] is second[0]:
            return None
        if not self.graph.dominates(first[0].header, second[0].header):
            return None
        wanted = {param for loop in first for param in self.program.blocks[loop.header].params}
        ops = self._needed(store, first[0], wanted)
        if ops is None or not self._is_unwritten(ops, store, load, first[0], self.homes[new]):
            return None
        counters: dict[Operand, Operand] = {}
        nest = Nest(self.program, self.graph, first, self.homes[store])
        if not nest.is_regular() or not self._match(nest, store.args[1], load.args[1], counters):
            return None
        if any(arg in wanted and arg not in counters for op in ops for arg in op.args):
            return None
        other = Nest(self.program, self.graph, second, self.homes[load])
        if not is_once(other, load.args[1], _NOWHERE):
            return None  # what is read several times is computed once
        if store.args[1] not in counters and not self._run_alike(nest, other, store, counters):
            return None
        return _Handed(store, load, ops, counters)

    def _loops(self, op: Op, around: Loop | None) -> list[Loop]:
        """The loops in `around` that an op is in, the outermost first; none if it is not in `around`."""
        loops = self.graph.around(self.homes[op])
        if around is None:
            return loops
        return loops[around.depth :] if around in loops else []

    def _needed(self, store: Op, nest: Loop, given: set[Var]) -> tuple[Op, ...] | None:
        """The ops in the nest, in order, that compute what is stored from parameters of the loops around.

        None if there is more to it, or if they are too many.
        """
        value = store.args[2]
        needed: set[Op] = set()
        todo: list[Operand] = [value]
        while todo:
            operand = todo.pop()
            if not isinstance(operand, Var) or self.graph.homes.get(operand) not in nest.blocks:
                continue
            op = self.graph.made.get(operand)
            if op is None:
                if operand is value or operand not in given:
                    return None
                continue
            if not (is_pure(op) or op.fn is mem_load) or len(op.results) != 1:
                return None
            if op not in needed:
                needed.add(op)
                todo += op.args
        if not needed or len(needed) > _MOST_OPS:
            return None
        return tuple(
            op
            for label in self.graph.order
            if label in nest.blocks
            for op in self.program.blocks[label].ops
            if op in needed
        )

    def _is_unwritten(self, ops: Iterable[Op], store: Op, load: Op, nest: Loop, made: int) -> bool:
        """Does nothing write what these ops read, from when the nest begins to when the last element has been read?"""
        read = {cls for op in ops if op.fn is mem_load and (cls := self.buffers.class_of(op.args[0])) is not None}
        for label in {*nest.blocks, *self._between(nest, self.homes[load], made)}:
            for op in self.program.blocks[label].ops:
                if op is not store and any(self.buffers.may_write(op, cls) for cls in read):
                    return False
                if (
                    label in nest.blocks
                    and op is not store
                    and not (is_pure(op) or op.fn is mem_load or isinstance(op.fn, Guard))
                ):
                    return False
        return True

    def _between(self, nest: Loop, end: int, made: int) -> set[int]:
        """The blocks that may run when the nest has ended, until the one at the `end` has run for the last time."""

        def reached(start: Iterable[int], forward: bool) -> set[int]:
            seen: set[int] = set()
            todo = list(start)
            while todo:
                label = todo.pop()
                if label not in seen and label not in nest.blocks and label != made:
                    seen.add(label)
                    block = self.program.blocks[label]
                    todo += [edge.target for edge in edges(block.end)] if forward else self.graph.preds[label]
            return seen

        outside = [edge.target for label in nest.blocks for edge in edges(self.program.blocks[label].end)]
        return reached(outside, True) & reached([end], False)

    def _match(self, nest: Nest, written: Operand, read: Operand, counters: dict[Operand, Operand]) -> bool:
        """Is the one index the other one, but for the counters?"""
        if nest.counter(written) is not None:
            return counters.setdefault(written, read) == read
        if nest.is_fixed(written):
            return written == read
        one, two = (self.graph.made.get(x) if isinstance(x, Var) else None for x in (written, read))
        if one is None or two is None or one.fn is not two.fn or one.fn not in (operator.add, operator.mul):
            return False
        return all(self._match(nest, a, b, counters) for a, b in zip(one.args, two.args, strict=True))

    def _run_alike(self, nest: Nest, other: Nest, store: Op, counters: dict[Operand, Operand]) -> bool:
        """Do the counters that stand for each other come by the same numbers, and by each element once?"""
        if not is_once(nest, store.args[1], _NOWHERE):
            return False
        for counter, operand in counters.items():
            one, two = nest.counter(counter), other.counter(operand)
            if one is None or two is None or not (nest.starts_at_zero(counter) and other.starts_at_zero(operand)):
                return False
            extents = [n.extent(n.loops[i], _NOWHERE) for n, i in ((nest, one), (other, two))]
            if any(extent is None or extent[1] for extent in extents):
                return False
            if nest.factors(extents[0][0]) != nest.factors(extents[1][0]):  # type: ignore[index]
                return False
        return True


def _pairs(program: Program, memories: Iterable[Var]) -> dict[Var, tuple[Op, Op]]:
    """The buffers that one op writes to and one reads, and nothing else uses, with these."""
    users = users_of(program, set(memories))
    found: dict[Var, tuple[Op, Op]] = {}
    for memory, ops in users.items():
        if isinstance(memory, Var) and len(ops) == 2 and None not in ops:
            stores = [op for op in ops if op is not None and op.fn is mem_store and op.args[0] is memory]
            loads = [op for op in ops if op is not None and op.fn is mem_load]
            if len(stores) == 1 and len(loads) == 1:
                found[memory] = stores[0], loads[0]
    return found
