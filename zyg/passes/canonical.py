"""The form that the adjoint pass works on.

One exit block; every loop has one way in, one block before it that only jumps to it, one latch, and a counter of its
iterations; an edge between two blocks is the only one between them; and a value defined in a loop is used
outside only through a parameter of a block there (loop-closed SSA).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass

from zyg.ir.facts import fact
from zyg.ir.graph import Graph, Loop, graph_of, substitute, uses
from zyg.ir.program import (
    Block,
    Branch,
    Const,
    Edge,
    End,
    Jump,
    Op,
    Operand,
    Pos,
    Program,
    Return,
    Var,
    edges,
    with_edges,
)
from zyg.ir.scalars import i8
from zyg.ir.verify import checked
from zyg.passes.reducible import reducible
from zyg.passes.trips import Trips
from zyg.rules import primitives as p


@dataclass(frozen=True, eq=False)
class Counted:
    """What is known of a loop's iterations: its counter, and their number where that is known at entry."""

    counter: Var
    trips: Operand | None


@dataclass(frozen=True, eq=False)
class Canonical:
    program: Program
    graph: Graph
    exit: int | None
    counts: dict[int, Counted]


@fact
def canonical(program: Program) -> Canonical:
    """`program` in the form described above; `exit` is None if it never returns."""
    program = checked(reducible(program))
    blocks = dict(program.blocks)
    _split_double_edges(blocks)
    exit_label = _single_exit(program, blocks)
    blocks = _loop_shape(program, blocks)
    counts = _counters(program, blocks)
    blocks = _close(program, blocks, counts)
    done = checked(program.with_blocks(blocks))
    return Canonical(done, graph_of(done), exit_label, counts)


def _fresh(blocks: dict[int, Block]) -> int:
    return max(blocks) + 1


def _split_double_edges(blocks: dict[int, Block]) -> None:
    for label, block in list(blocks.items()):
        end = block.end
        if isinstance(end, Branch) and end.then.target == end.other.target:
            between = _fresh(blocks)
            blocks[between] = Block((), (), Jump(end.other))
            blocks[label] = Block(block.params, block.ops, Branch(end.cond, end.then, Edge(between)))


def _single_exit(program: Program, blocks: dict[int, Block]) -> int | None:
    returns = [(label, block.end) for label, block in blocks.items() if isinstance(block.end, Return)]
    if not returns:
        return None
    exit_label = _fresh(blocks)
    params = tuple(Var(kind, "result") for kind in program.results)
    blocks[exit_label] = Block(params, (), Return(params))
    for label, end in returns:
        block = blocks[label]
        blocks[label] = Block(block.params, block.ops, Jump(Edge(exit_label, end.values)))
    return exit_label


def _redirect(blocks: dict[int, Block], sources: Iterable[int], old: int, new: int) -> None:
    for label in sources:
        block = blocks[label]
        end: End = with_edges(block.end, lambda edge: Edge(new, edge.args) if edge.target == old else edge)
        blocks[label] = Block(block.params, block.ops, end)


def _loop_shape(program: Program, blocks: dict[int, Block]) -> dict[int, Block]:
    graph = graph_of(program.with_blocks(blocks))
    loops = {loop.header: loop for loop in all_loops(graph)}
    for header, loop in loops.items():
        outside = [pred for pred in graph.preds[header] if pred not in loop.blocks]
        for sources in (outside, list(loop.latches)):
            if len(sources) == 1 and isinstance(blocks[sources[0]].end, Jump):
                continue
            between = _fresh(blocks)
            if len(sources) == 1:
                # What comes from one place is passed on as it is: a counter that starts with 0 can be seen to
                (edge,) = (edge for edge in edges(blocks[sources[0]].end) if edge.target == header)
                source = blocks[sources[0]]
                blocks[between] = Block((), (), Jump(edge))
                end = with_edges(source.end, lambda e, edge=edge, to=between: Edge(to) if e is edge else e)  # type: ignore[misc]
                blocks[sources[0]] = Block(source.params, source.ops, end)
                continue
            params = tuple(Var(param.type, param.name) for param in blocks[header].params)
            blocks[between] = Block(params, (), Jump(Edge(header, params)))
            _redirect(blocks, sources, header, between)
    return blocks


def all_loops(graph: Graph) -> list[Loop]:
    """Every loop, outer ones first."""
    found: dict[int, Loop] = {}
    for loop in graph.loop_of.values():
        while loop is not None:
            found.setdefault(loop.header, loop)
            loop = loop.parent
    return sorted(found.values(), key=lambda loop: loop.depth)


def _counters(program: Program, blocks: dict[int, Block]) -> dict[int, Counted]:
    """A counter for every loop: the one that it has (for loops over range), or a new parameter."""
    graph = graph_of(program.with_blocks(blocks))
    counts = {}
    defined = {op.result: op for block in blocks.values() for op in block.ops if len(op.results) == 1}
    trips = Trips(dict(blocks), graph)
    for loop in all_loops(graph):
        header, (latch,) = blocks[loop.header], loop.latches
        (before,) = (pred for pred in graph.preds[loop.header] if pred not in loop.blocks)
        starts = blocks[before].end
        repeats = blocks[latch].end
        assert isinstance(starts, Jump) and isinstance(repeats, Jump)
        counter = None
        for param, start, again in zip(header.params, starts.to.args, repeats.to.args, strict=True):
            if param.type == i8 and start == Const(0, i8) and isinstance(again, Var) and again in defined:
                op = defined[again]
                if op.fn is operator.add and op.args in ((param, Const(1, i8)), (Const(1, i8), param)):
                    counter = param
                    break
        if counter is None:
            counter, after = Var(i8, "k"), Var(i8, "k")
            step = Op(operator.add, (counter, Const(1, i8)), (after,), _any_pos(blocks))
            blocks[loop.header] = Block((*header.params, counter), header.ops, header.end)
            source = blocks[before]
            blocks[before] = Block(source.params, source.ops, Jump(Edge(loop.header, (*starts.to.args, Const(0, i8)))))
            source = blocks[latch]
            blocks[latch] = Block(
                source.params, (*source.ops, step), Jump(Edge(loop.header, (*repeats.to.args, after)))
            )
        counts[loop.header] = Counted(counter, _trips(blocks, graph, trips, loop, before))
    return counts


def _trips(blocks: dict[int, Block], graph: Graph, trips: Trips, loop: Loop, before: int) -> Operand | None:
    """The number of iterations, computed in the block in front of the loop, where that can be told there."""
    found = trips.of(loop, _any_pos(blocks))
    if found is None:
        return None
    number, ops = found
    home = _homes(blocks).get(number) if isinstance(number, Var) else None
    earlier = graph.loop_of[home] if home is not None else None
    if isinstance(number, Var) and earlier is not None and before not in earlier.blocks:
        # Computed by an earlier loop, outside of which it will have another name
        own = Var(i8, number.name)
        ops, number = (*ops, Op(p.identity, (number,), (own,), _any_pos(blocks))), own
    block = blocks[before]
    blocks[before] = Block(block.params, (*block.ops, *ops), block.end)
    return number


def _homes(blocks: dict[int, Block]) -> dict[Var, int]:
    return {
        var: label
        for label, block in blocks.items()
        for var in (*block.params, *(result for op in block.ops for result in op.results))
    }


def _any_pos(blocks: dict[int, Block]) -> Pos:
    for block in blocks.values():
        for op in block.ops:
            return op.pos
    return Pos("", 0, "")


def _close(program: Program, blocks: dict[int, Block], counts: dict[int, Counted]) -> dict[int, Block]:
    """Loop-closed SSA, innermost loops first; a counter that is not known beforehand leaves its loop too."""
    for loop in reversed(all_loops(graph_of(program.with_blocks(blocks)))):
        count = counts[loop.header]
        blocks = _close_loop(program, blocks, loop, count.counter if count.trips is None else None)
    return blocks


def _close_loop(program: Program, blocks: dict[int, Block], loop: Loop, counter: Var | None) -> dict[int, Block]:
    homes = _homes(blocks)
    inside = {v for v, home in homes.items() if home in loop.blocks}
    used = {v for label in blocks if label not in loop.blocks for v in uses(blocks[label]) if v in inside}
    escaping = [v for v in homes if v in used or v is counter]
    if not escaping:
        return blocks
    from zyg.passes.slots import Load, Store, promote

    # Each escaping value goes through a slot that is stored on the way out of the loop, where a block of its
    # own receives it as a parameter.
    blocks = dict(blocks)
    pos = _any_pos(blocks)
    exits = [
        (label, edge)
        for label in sorted(loop.blocks)
        for edge in edges(blocks[label].end)
        if edge.target not in loop.blocks
    ]
    outside = [label for label in blocks if label not in loop.blocks]
    graph = graph_of(program.with_blocks(blocks))
    for label, edge in exits:
        alive = [v for v in escaping if graph.dominates(homes[v], label)]
        alive += [v for v in edge.args if isinstance(v, Var) and v in inside and v not in alive]
        landing = _fresh(blocks)
        params = tuple(Var(v.type, v.name) for v in alive)
        stores = tuple(Op(Store(v), (param,), (), pos) for v, param in zip(alive, params, strict=True) if v in escaping)
        passed = dict(zip(alive, params, strict=True))
        args = tuple(passed.get(a, a) if isinstance(a, Var) else a for a in edge.args)
        blocks[landing] = Block(params, stores, Jump(Edge(edge.target, args)))
        source = blocks[label]
        out = Edge(landing, tuple(alive))
        end = with_edges(source.end, lambda e, edge=edge, out=out: out if e is edge else e)  # type: ignore[misc]
        blocks[label] = Block(source.params, source.ops, end)
    for label in outside:
        block = blocks[label]
        names = uses(block)
        named = [v for v in escaping if v in names]
        if named:
            loaded = {v: Var(v.type, v.name) for v in named}
            loads = tuple(Op(Load(v), (), (loaded[v],), pos) for v in named)
            body = substitute(block, lambda o, loaded=loaded: loaded.get(o, o))  # type: ignore[misc]
            blocks[label] = Block(block.params, (*loads, *body.ops), body.end)
    return dict(promote(program.with_blocks(blocks)).blocks)
