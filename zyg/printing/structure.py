"""Control flow as Python has it: branches, loops and ways out of them, made from a graph of blocks.

Every block is written where its immediate dominator leads to it, or, where several ways meet or a loop is left, after
that (Ramsey, Beyond Relooper, 2022).  Falling off the end of a list leads to what follows it; what Python has no word
for is a `Goto`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from zyg.ir.program import Branch, Edge, Jump, Operand, Raise, Return, edges
from zyg.passes.layout import Layout


@dataclass(frozen=True)
class Body:
    """The ops of a block."""

    block: int


@dataclass(frozen=True)
class Pass:
    """The parameters of the block that `edge` leads to get their values."""

    edge: Edge


@dataclass(frozen=True)
class If:
    block: int
    cond: Operand
    then: tuple[Statement, ...]
    other: tuple[Statement, ...]


@dataclass(frozen=True)
class Repeat:
    """A loop that only `Break`, `Goto` and `Leave` end."""

    header: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Break:
    """Out of the innermost loop."""


@dataclass(frozen=True)
class Continue:
    """The innermost loop again."""


@dataclass(frozen=True)
class Goto:
    block: int


@dataclass(frozen=True)
class Here:
    """The place that a `Goto` means."""

    block: int


@dataclass(frozen=True)
class Leave:
    block: int
    end: Return | Raise


Statement: TypeAlias = Body | Pass | If | Repeat | Break | Continue | Goto | Here | Leave
_JUMPS = (Break, Continue, Goto, Leave)


@dataclass(frozen=True)
class _Loop:
    header: int
    follow: _After


# What falling off the end of a list leads to: a block, or (as a negative number) the loop of this header again.
_After: TypeAlias = int | None


def _again(header: int) -> int:
    return -1 - header


def structure(layout: Layout) -> tuple[Statement, ...]:
    """The statements of a program."""
    found = tuple(_Structure(layout).tree(layout.plain.order[0], None, ()))
    wanted = frozenset(_gotos(found))
    return _tidied(found, wanted)


class _Structure:
    def __init__(self, layout: Layout) -> None:
        graph = self.graph = layout.plain
        self.jumps = layout.jumps
        self.number = {label: i for i, label in enumerate(graph.order)}
        self.headers = {loop.header: loop for loop in graph.loop_of.values() if loop is not None}
        self.followers: dict[int, list[int]] = {label: [] for label in graph.order}
        self.placed: set[int] = set()
        ways = dict.fromkeys(graph.order, 0)
        for label in graph.order:
            for edge in edges(graph.blocks[label].end):
                ways[edge.target] += self.number[edge.target] > self.number[label]
        for label in graph.order[1:]:
            home, leaves = self._home(label)
            if leaves or ways[label] > 1:
                self.followers[home].append(label)
                self.placed.add(label)

    def _home(self, label: int) -> tuple[int, bool]:
        """After which block `label` is written, and whether it is out of a loop of that one."""
        home, leaves = self.graph.idom[label], False
        loop = self.graph.loop_of[home]
        while loop is not None and label not in loop.blocks:
            home, leaves = loop.header, True
            loop = loop.parent
        return home, leaves

    def tree(self, label: int, after: _After, loops: tuple[_Loop, ...]) -> list[Statement]:
        """`label` and what it dominates."""
        loop = self.headers.get(label)
        if loop is None:
            return [Here(label), *self._chain(label, self.followers[label], after, loops)]
        inside = [block for block in self.followers[label] if block in loop.blocks]
        outside = [block for block in self.followers[label] if block not in loop.blocks]
        follow = outside[0] if outside else after
        within = (*loops, _Loop(label, follow))
        out: list[Statement] = [Here(label), Repeat(label, tuple(self._chain(label, inside, _again(label), within)))]
        return out + self._rest(outside, after, loops)

    def _chain(self, label: int, followers: list[int], after: _After, loops: tuple[_Loop, ...]) -> list[Statement]:
        first = followers[0] if followers else after
        return [Body(label), *self._end(label, first, loops), *self._rest(followers, after, loops)]

    def _rest(self, followers: list[int], after: _After, loops: tuple[_Loop, ...]) -> list[Statement]:
        out: list[Statement] = []
        for label, following in zip(followers, [*followers[1:], after], strict=False):
            out += self.tree(label, following, loops)
        return out

    def _end(self, label: int, after: _After, loops: tuple[_Loop, ...]) -> list[Statement]:
        end = self.graph.blocks[label].end
        if label in self.jumps:
            edge = self.jumps[label]
            return [*([Pass(edge)] if edge.args else []), Goto(edge.target)]
        if isinstance(end, Jump):
            return self._way(label, end.to, after, loops)
        if isinstance(end, Branch):
            then = self._way(label, end.then, after, loops)
            return [If(label, end.cond, tuple(then), tuple(self._way(label, end.other, after, loops)))]
        return [Leave(label, end)]

    def _way(self, source: int, edge: Edge, after: _After, loops: tuple[_Loop, ...]) -> list[Statement]:
        out: list[Statement] = [Pass(edge)] if edge.args else []
        target = edge.target
        innermost = loops[-1] if loops else None
        if self.number[target] <= self.number[source]:
            if after == _again(target):
                return out
            if innermost is not None and innermost.follow == _again(target):
                out.append(Break())
            else:
                out.append(Continue() if innermost is not None and innermost.header == target else Goto(target))
        elif target not in self.placed:
            out += self.tree(target, after, loops)
        elif after != target:
            out.append(Break() if innermost is not None and innermost.follow == target else Goto(target))
        return out


def breaks(statements: Iterable[Statement]) -> int:
    """How many ways lead out of the loop of which these are the body."""
    count = 0
    for statement in statements:
        if isinstance(statement, If):
            count += breaks(statement.then) + breaks(statement.other)
        count += isinstance(statement, (Break, Goto))
    return count


def _gotos(statements: tuple[Statement, ...]) -> list[int]:
    found = []
    for statement in statements:
        if isinstance(statement, Goto):
            found.append(statement.block)
        elif isinstance(statement, If):
            found += _gotos(statement.then) + _gotos(statement.other)
        elif isinstance(statement, Repeat):
            found += _gotos(statement.body)
    return found


def _tidied(statements: tuple[Statement, ...], wanted: frozenset[int]) -> tuple[Statement, ...]:
    """Without places that nothing goes to, and without `else` behind what never falls through."""
    out: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Repeat):
            out.append(Repeat(statement.header, _tidied(statement.body, wanted)))
        elif isinstance(statement, If):
            then, other = _tidied(statement.then, wanted), _tidied(statement.other, wanted)
            if then and isinstance(then[-1], _JUMPS):
                out += [If(statement.block, statement.cond, then, ()), *other]
            else:
                out.append(If(statement.block, statement.cond, then, other))
        elif not isinstance(statement, Here) or statement.block in wanted:
            out.append(statement)
    return tuple(out)
