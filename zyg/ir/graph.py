"""The control-flow graph of a program: order, predecessors, dominators, loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from zyg.ir.program import (
    Block,
    Branch,
    Edge,
    End,
    Op,
    Operand,
    Program,
    Raise,
    Return,
    Var,
    edges,
    end_operands,
    with_edges,
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


class Graph:
    """Facts about the control flow of one program, each computed when first asked for."""

    def __init__(self, program: Program) -> None:
        self.program = program
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

        visit(self.program.entry)
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


def substitute(block: Block, new: Callable[[Operand], Operand]) -> Block:
    """`block` with every operand replaced."""

    def edge(old: Edge) -> Edge:
        return Edge(old.target, tuple(new(arg) for arg in old.args))

    end: End = with_edges(block.end, edge)
    if isinstance(end, Branch):
        end = Branch(new(end.cond), end.then, end.other)
    elif isinstance(end, Return):
        end = Return(tuple(new(value) for value in end.values))
    elif isinstance(end, Raise):
        end = Raise(end.failure, tuple(new(arg) for arg in end.args), end.pos)
    ops = tuple(Op(op.fn, tuple(new(arg) for arg in op.args), op.results, op.pos) for op in block.ops)
    return Block(block.params, ops, end)


def uses(block: Block) -> set[Var]:
    """Every variable that a block names as an operand."""
    found = [arg for op in block.ops for arg in op.args]
    found += end_operands(block.end)
    found += [arg for edge in edges(block.end) for arg in edge.args]
    return {operand for operand in found if isinstance(operand, Var)}
