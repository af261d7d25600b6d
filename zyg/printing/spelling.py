"""How the values of a program are written: which as parts of larger expressions, which under one name.

A value that is used once, in its block and in the same line of the user's, is written where it is used.  Values of
which one becomes the other (what a block is passed, and its parameter) share a name where they are never needed at
the same time, so that a loop reads `r = r * x`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zyg.ir.graph import graph_of
from zyg.ir.memory import mem_load
from zyg.ir.program import Edge, Op, Operand, Pos, Program, Var, edges, end_operands
from zyg.ir.tape import is_pure, tape_get, tape_reserve
from zyg.reading.naming import base_name

_LARGEST = 5
_UNNAMED = "t"


class Spelling:
    """`inlined`: the ops written inside others, by their result.  `name`: of everything else."""

    def __init__(self, program: Program) -> None:
        self.program, self.graph = program, graph_of(program)
        self.inlined: dict[Var, Op] = {}
        self._choose_inlined()
        self._clashes: dict[Var, set[Var]] = {}
        self._find_clashes()
        self._leader: dict[Var, Var] = {}
        self._members: dict[Var, list[Var]] = {}
        self._merge()
        self._names: dict[Var, str] = {}
        self._taken: set[str] = set()
        for param in self.program.params:
            self.name(param)

    def name(self, var: Var) -> str:
        leader = self._find(var)
        if leader not in self._names:
            bases = [base_name(member) for member in self._members.get(leader, [leader])]
            base = next((name for name in bases if name), _UNNAMED)
            name, number = base, 0
            while name in self._taken:
                number += 1
                name = f"{base}_{number}" if base != _UNNAMED else f"{base}{number}"
            self._taken.add(name)
            self._names[leader] = name
        return self._names[leader]

    def parts(self, operand: Operand) -> Iterator[Var]:
        """The named variables that writing `operand` names."""
        if isinstance(operand, Var):
            if operand in self.inlined:
                for arg in self.inlined[operand].args:
                    yield from self.parts(arg)
            else:
                yield operand

    # --- expressions ----------------------------------------------------------------------------------------

    def _choose_inlined(self) -> None:
        uses: dict[Var, int] = {}
        for label in self.graph.order:
            block = self.graph.blocks[label]
            for operand in _operands(block.ops, block.end):
                if isinstance(operand, Var):
                    uses[operand] = uses.get(operand, 0) + 1
        homes: dict[Var, tuple[int, Pos | None]] = {}
        for label in self.graph.order:
            block = self.graph.blocks[label]
            for op in block.ops:
                homes |= {arg: (label, op.pos) for arg in op.args if isinstance(arg, Var)}
            for operand in _operands((), block.end):
                if isinstance(operand, Var):
                    homes[operand] = label, None
        for label in self.graph.order:
            block = self.graph.blocks[label]
            where: dict[Var, int] = {}
            for number, op in enumerate(block.ops):
                where |= dict.fromkeys((arg for arg in op.args if isinstance(arg, Var)), number)
            last = len(block.ops)
            where |= dict.fromkeys((operand for operand in _operands((), block.end) if isinstance(operand, Var)), last)
            sizes: dict[Var, int] = {}
            for number, op in enumerate(block.ops):
                if len(op.results) != 1 or base_name(op.result) or uses.get(op.result) != 1:
                    continue
                size = 1 + sum(sizes.get(arg, 0) for arg in op.args if isinstance(arg, Var))
                at = where.get(op.result)
                reads = self._reads(op)
                near = at is not None and _may_wait(block.ops[number : at + 1], at == last, reads)
                if size <= _LARGEST and (near or (at is None and not reads and self._may_move(op, label, homes))):
                    self.inlined[op.result] = op
                    sizes[op.result] = size

    def _reads(self, op: Op) -> bool:
        """Does writing `op` read memory that could be written in between?"""
        inside = (self.inlined[arg] for arg in op.args if isinstance(arg, Var) and arg in self.inlined)
        return op.fn in _READS or any(map(self._reads, inside))

    def _may_move(self, op: Op, label: int, homes: dict[Var, tuple[int, Pos | None]]) -> bool:
        """May an op be written in another block, the only one that uses it?"""
        home, pos = homes[op.result]
        near = pos is None or (pos.file, pos.line) == (op.pos.file, op.pos.line)
        return near and is_pure(op) and self.graph.loop_of[home] is self.graph.loop_of[label]

    # --- names ----------------------------------------------------------------------------------------------

    def _find_clashes(self) -> None:
        live_in = self._live_in()
        for label in self.graph.order:
            block = self.graph.blocks[label]
            live = self._live_out(label, live_in)
            for operand in _own(block.end):
                live |= set(self.parts(operand))
            for op in reversed(block.ops):
                if len(op.results) == 1 and op.result in self.inlined:
                    continue
                live -= set(op.results)
                for result in op.results:
                    self._clash(result, live | set(op.results))
                for arg in op.args:
                    live |= set(self.parts(arg))
            for param in block.params:
                self._clash(param, live | set(block.params))
            if label == self.program.entry:
                for param in self.program.params:
                    self._clash(param, live | set(self.program.params))

    def _clash(self, var: Var, others: Iterable[Var]) -> None:
        for other in others:
            if other is not var:
                self._clashes.setdefault(var, set()).add(other)
                self._clashes.setdefault(other, set()).add(var)

    def _live_out(self, label: int, live_in: dict[int, set[Var]]) -> set[Var]:
        live: set[Var] = set()
        for edge in edges(self.graph.blocks[label].end):
            live |= live_in[edge.target] - set(self.graph.blocks[edge.target].params)
            live |= {part for arg in edge.args for part in self.parts(arg)}
        return live

    def _live_in(self) -> dict[int, set[Var]]:
        live_in: dict[int, set[Var]] = {label: set() for label in self.graph.order}
        changed = True
        while changed:
            changed = False
            for label in reversed(self.graph.order):
                block = self.graph.blocks[label]
                live = self._live_out(label, live_in)
                for operand in _own(block.end):
                    live |= set(self.parts(operand))
                for op in reversed(block.ops):
                    live -= set(op.results)
                    if not (len(op.results) == 1 and op.result in self.inlined):
                        live |= {part for arg in op.args for part in self.parts(arg)}
                if live != live_in[label]:
                    live_in[label], changed = live, True
        return live_in

    def _merge(self) -> None:
        for var, other in self._pairs():
            a, b = self._find(var), self._find(other)
            if a is b or a.type != b.type or b in self._clashes.get(a, ()):
                continue
            names = {name for v in (a, b) for m in self._members.get(v, [v]) if (name := base_name(m))}
            fixed = [v for v in (a, b) if any(m in self.program.params for m in self._members.get(v, [v]))]
            if len(names) > 1 or (fixed and len(names) == 1 and not all(base_name(v) for v in fixed)):
                continue
            self._members[a] = self._members.get(a, [a]) + self._members.get(b, [b])
            self._leader[b] = a
            for clash in self._clashes.pop(b, set()):
                self._clashes[clash].discard(b)
                self._clash(a, (clash,))

    def _pairs(self) -> Iterator[tuple[Var, Var]]:
        """What should have one name, in the order of the program."""
        for label in self.graph.order:
            block = self.graph.blocks[label]
            for op in block.ops:
                if op.fn is tape_reserve and isinstance(op.args[0], Var):
                    yield op.result, op.args[0]
            for edge in edges(block.end):
                for param, arg in zip(self.graph.blocks[edge.target].params, edge.args, strict=True):
                    if isinstance(arg, Var) and arg not in self.inlined:
                        yield param, arg

    def _find(self, var: Var) -> Var:
        while var in self._leader:
            var = self._leader[var]
        return var


def _may_wait(ops: tuple[Op, ...], to_the_end: bool, reads: bool) -> bool:
    """May the first op, which `reads` memory or not, be written as part of the last, or of the end of the block?"""
    op, *between = ops
    if not to_the_end:
        using = between.pop()
        if (using.pos.file, using.pos.line) != (op.pos.file, op.pos.line):
            return False
    if reads:
        return all(is_pure(other) or other.fn in _READS for other in between)
    return is_pure(op)


_READS = (tape_get, mem_load)


def _own(end: object) -> tuple[Operand, ...]:
    return end_operands(end)  # type: ignore[arg-type]


def _operands(ops: Iterable[Op], end: object) -> Iterator[Operand]:
    for op in ops:
        yield from op.args
    yield from _own(end)
    found: tuple[Edge, ...] = edges(end)  # type: ignore[arg-type]
    for edge in found:
        yield from edge.args
