"""The buffers of zeros that a program makes, and where it looks at each."""

from __future__ import annotations

from collections.abc import Callable

from zyg.ir.graph import Loop, graph_of
from zyg.ir.memory import MemoryType, holds_handles, mem_like, mem_size, mem_zeros
from zyg.ir.program import Op, Operand, Program, Return, Var, edges
from zyg.passes.memory_facts import buffers_of

Place = tuple[int, int]


class Touches:
    """made: the zeros, by the variable that holds them, with places.  of: the ops that look at each or write to it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.graph = graph_of(program)
        self.made: dict[Var, tuple[Place, Op]] = {}
        self.of: dict[Var, list[tuple[Place, Op]]] = {}
        self._buffers = buffers_of(program)
        self._members: dict[Var, int] = {}
        for cls in self._buffers.of.values():
            self._members[cls] = self._members.get(cls, 0) + 1
        self._given: dict[int, frozenset[Operand]] = {}
        for label in self.graph.order:
            block = program.blocks[label]
            for i, op in enumerate(block.ops):
                if op.fn in (mem_zeros, mem_like):
                    self.made[op.result] = (label, i), op
                for arg in op.args if op.fn not in (mem_size, mem_like) else ():
                    if isinstance(arg, Var) and isinstance(arg.type, MemoryType):
                        self.of.setdefault(arg, []).append(((label, i), op))
            self._given[label] = frozenset(block.end.values) if isinstance(block.end, Return) else frozenset()

    def is_simple(self, memory: Var) -> bool:
        """Has the buffer one name, and elements that are numbers?"""
        kind = memory.type
        assert isinstance(kind, MemoryType)
        return not kind.growable and not holds_handles(kind) and self._members[self._buffers.of[memory]] == 1

    def around(self, label: int, outside: int) -> list[Loop]:
        """The loops around a block that do not hold the block `outside`, the outermost first."""
        return [loop for loop in self.graph.around(label) if outside not in loop.blocks]

    def is_reached(self, memory: Var, start: Place, wall: Place, counts: Callable[[Op], bool]) -> bool:
        """Whether control can come from `start` to an op that `counts`, or to where the buffer is given away, without
        passing `wall` or `start`."""
        touched: dict[int, list[int]] = {}
        for (label, i), op in self.of[memory]:
            if counts(op):
                touched.setdefault(label, []).append(i)

        def between(label: int, low: int, high: int) -> bool:
            return any(low < i < high for i in touched.get(label, ()))

        label, i = start
        end = 1 + max(len(block.ops) for block in self.program.blocks.values())
        if wall[0] == label and wall[1] > i:
            return between(label, i, wall[1])
        if between(label, i, end) or memory in self._given[label]:
            return True
        seen: set[int] = set()
        todo = [edge.target for edge in edges(self.program.blocks[label].end)]
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            stop = min(i if at == label else end, wall[1] if at == wall[0] else end)
            if between(at, -1, stop):
                return True
            if stop < end:
                continue
            if memory in self._given[at]:
                return True
            todo += [edge.target for edge in edges(self.program.blocks[at].end)]
        return False
