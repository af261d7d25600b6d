"""The control-flow graph of a program: order, predecessors, dominators, loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from zyg.ir.facts import fact
from zyg.ir.program import (
    Block,
    Branch,
    Edge,
    End,
    Jump,
    Op,
    Operand,
    Program,
    Raise,
    Return,
    Var,
    edges,
    end_operands,
)


@dataclass(frozen=True, eq=False)
class Loop:
    """A natural loop: its header, the blocks in it, and the loop around it."""

    header: int
    blocks: frozenset[int]
    latches: tuple[int, ...]
    parent: Loop | None

    @property
    def depth(self) -> int:
        return 1 + (self.parent.depth if self.parent else 0)

    @property
    def nest(self) -> list[Loop]:
        """The loops around it, the outermost first, and itself."""
        return [*(self.parent.nest if self.parent else ()), self]


class Graph:
    """Facts about the control flow of one program, each computed when first asked for."""

    def __init__(self, program: Program) -> None:
        self.entry = program.entry
        self.blocks: Mapping[int, Block] = program.blocks

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Reachable blocks in reverse postorder."""
        seen: set[int] = set()
        post: list[int] = []
        stack: list[tuple[int, list[int]]] = []

        def visit(label: int) -> None:
            seen.add(label)
            stack.append((label, [edge.target for edge in edges(self.blocks[label].end)][::-1]))

        visit(self.entry)
        while stack:
            label, todo = stack[-1]
            if todo:
                successor = todo.pop()
                if successor not in seen:
                    visit(successor)
            else:
                post.append(label)
                stack.pop()
        return tuple(reversed(post))

    @cached_property
    def preds(self) -> dict[int, tuple[int, ...]]:
        """Predecessors of each reachable block (once each, also where both sides of a branch lead to it)."""
        found: dict[int, list[int]] = {label: [] for label in self.order}
        for label in self.order:
            for edge in edges(self.blocks[label].end):
                if label not in found[edge.target]:
                    found[edge.target].append(label)
        return {label: tuple(preds) for label, preds in found.items()}

    @cached_property
    def idom(self) -> dict[int, int]:
        """Immediate dominators (Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, 2001)."""
        number = {label: i for i, label in enumerate(self.order)}
        entry = self.order[0]
        idom = {entry: entry}
        changed = True
        while changed:
            changed = False
            for label in self.order[1:]:
                known = [pred for pred in self.preds[label] if pred in idom]
                new = known[0]
                for other in known[1:]:
                    a, b = new, other
                    while a != b:
                        while number[a] > number[b]:
                            a = idom[a]
                        while number[b] > number[a]:
                            b = idom[b]
                    new = a
                if idom.get(label) != new:
                    idom[label] = new
                    changed = True
        return idom

    @cached_property
    def frontier(self) -> dict[int, frozenset[int]]:
        """The dominance frontier of each block: where control joins that it decides on, but does not dominate."""
        found: dict[int, set[int]] = {label: set() for label in self.order}
        for label in self.order:
            if len(self.preds[label]) > 1:
                for at in self.preds[label]:
                    while at != self.idom[label]:
                        found[at].add(label)
                        at = self.idom[at]
        return {label: frozenset(joins) for label, joins in found.items()}

    def joins_behind(self, labels: Iterable[int]) -> set[int]:
        """Where what these blocks, and the joins found, decide on joins: their iterated dominance frontier."""
        found: set[int] = set()
        todo = list(labels)
        while todo:
            for join in self.frontier[todo.pop()]:
                if join not in found:
                    found.add(join)
                    todo.append(join)
        return found

    @cached_property
    def finishing(self) -> frozenset[int]:
        """The blocks from which a return can be reached (not only a raise)."""
        seen: set[int] = set()
        todo = [label for label in self.order if isinstance(self.blocks[label].end, Return)]
        while todo:
            label = todo.pop()
            if label not in seen:
                seen.add(label)
                todo += self.preds[label]
        return frozenset(seen)

    @cached_property
    def homes(self) -> dict[Var, int]:
        """The block in which each variable is defined."""
        return {
            var: label
            for label, block in self.blocks.items()
            for var in (*block.params, *(result for op in block.ops for result in op.results))
        }

    @cached_property
    def made(self) -> dict[Var, Op]:
        """The op that each variable is a result of; parameters are none."""
        return {result: op for block in self.blocks.values() for op in block.ops for result in op.results}

    def around(self, label: int) -> list[Loop]:
        """The loops around a block, the outermost first."""
        loop = self.loop_of[label]
        return [] if loop is None else loop.nest

    def ways_out(self, loop: Loop) -> list[tuple[int, Edge]]:
        """The edges, and where they start, by which a loop is left to go on (not only to raise)."""
        return [
            (label, edge)
            for label in loop.blocks
            for edge in edges(self.blocks[label].end)
            if edge.target not in loop.blocks and edge.target in self.finishing
        ]

    def is_left_at_header(self, loop: Loop) -> bool:
        """Is the loop left at its header only, to go on, and repeated from one latch?"""
        return {label for label, _ in self.ways_out(loop)} == {loop.header} and len(loop.latches) == 1

    def dominates(self, a: int, b: int) -> bool:
        while b != a and b != self.order[0]:
            b = self.idom[b]
        return a == b

    @cached_property
    def loop_of(self) -> dict[int, Loop | None]:
        """The innermost loop of each block."""
        latches: dict[int, list[int]] = {}
        for label in self.order:
            for edge in edges(self.blocks[label].end):
                if self.dominates(edge.target, label) and label not in latches.setdefault(edge.target, []):
                    latches[edge.target].append(label)
        bodies: dict[int, set[int]] = {}
        for header, ends in latches.items():
            body, todo = {header}, list(ends)
            while todo:
                label = todo.pop()
                if label not in body:
                    body.add(label)
                    todo.extend(self.preds[label])
            bodies[header] = body
        result: dict[int, Loop | None] = dict.fromkeys(self.order)
        for header in sorted(bodies, key=lambda h: -len(bodies[h])):
            loop = Loop(header, frozenset(bodies[header]), tuple(latches[header]), result[header])
            for label in bodies[header]:
                result[label] = loop
        return result


graph_of = fact(Graph)


def substitute(block: Block, new: Callable[[Operand], Operand]) -> Block:
    """`block` with every operand replaced; the same object, and the same ops in it, where nothing is."""

    def all_new(operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
        for operand in operands:
            if new(operand) is not operand:
                return tuple([new(operand) for operand in operands])
        return operands

    def edge(old: Edge) -> Edge:
        args = all_new(old.args)
        return old if args is old.args else Edge(old.target, args)

    end: End = block.end
    if isinstance(end, Jump):
        to = edge(end.to)
        end = end if to is end.to else Jump(to)
    elif isinstance(end, Branch):
        cond, then, other = new(end.cond), edge(end.then), edge(end.other)
        if not (cond is end.cond and then is end.then and other is end.other):
            end = Branch(cond, then, other)
    elif isinstance(end, Return):
        values = all_new(end.values)
        end = end if values is end.values else Return(values)
    else:
        args = all_new(end.args)
        end = end if args is end.args else Raise(end.failure, args, end.pos)
    ops: list[Op] | None = None
    for i, op in enumerate(block.ops):
        args = all_new(op.args)
        if args is not op.args:
            ops = list(block.ops) if ops is None else ops
            ops[i] = Op(op.fn, args, op.results, op.pos)
    if ops is None and end is block.end:
        return block
    return Block(block.params, block.ops if ops is None else tuple(ops), end)


def uses(block: Block) -> set[Var]:
    """Every variable that a block names as an operand."""
    found = [arg for op in block.ops for arg in op.args]
    found += end_operands(block.end)
    found += [arg for edge in edges(block.end) for arg in edge.args]
    return {operand for operand in found if isinstance(operand, Var)}
