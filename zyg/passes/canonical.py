"""The form that the adjoint pass works on.

One exit block; every loop has one way in, one block before it that only jumps to it, one latch, and a counter of its
iterations; an edge between two blocks is the only one between them; and a value defined in a loop is used
outside only through a parameter of a block there (loop-closed SSA).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
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
from zyg.ir.verify import checked, checked_closed
from zyg.passes.reducible import reducible
from zyg.passes.slots import Load, Store, promote
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
    done = checked_closed(program.with_blocks(blocks))
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


def _redirect(blocks: dict[int, Block], sources: Iterable[int], old: int, new: int, without: Sequence[bool]) -> None:
    """Lead edges to `old` to `new`, without some of their arguments."""

    def led(edge: Edge) -> Edge:
        kept = tuple(arg for arg, dropped in zip(edge.args, without, strict=True) if not dropped)
        return Edge(new, kept)

    for label in sources:
        block = blocks[label]
        end: End = with_edges(block.end, lambda edge: led(edge) if edge.target == old else edge)
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
            # So is what several places agree on, as the next value of a counter
            given = [edge.args for at in sources for edge in edges(blocks[at].end) if edge.target == header]
            shared = [len(set(args)) == 1 for args in zip(*given, strict=True)]
            passed = [
                args[0] if same else Var(param.type, param.name)
                for param, same, args in zip(blocks[header].params, shared, zip(*given, strict=True), strict=True)
            ]
            params = tuple(var for var, same in zip(passed, shared, strict=True) if not same and isinstance(var, Var))
            blocks[between] = Block(params, (), Jump(Edge(header, tuple(passed))))
            _redirect(blocks, sources, header, between, shared)
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
    """Loop-closed SSA; a counter that is not known beforehand leaves its loop too.

    Each value that leaves a loop goes through a slot that is stored on every way out, where a block of its own receives
    it as a parameter, and loaded where it is used.
    """
    graph = graph_of(program.with_blocks(blocks))
    homes, loop_of = graph.homes, graph.loop_of
    number = {var: i for i, var in enumerate(homes)}
    escaping: dict[int, set[Var]] = {header: set() for header in counts}
    loaded: dict[int, dict[Var, Var]] = {label: {} for label in graph.order}

    def is_away(label: int, var: Var) -> bool:
        """Is a block outside the loop that a value is defined in?"""
        loop = loop_of[homes[var]] if var in homes else None
        return loop is not None and label not in loop.blocks

    def reading(label: int, var: Var) -> Var:
        """What stands for a value in a block."""
        return loaded[label].setdefault(var, Var(var.type, var.name)) if is_away(label, var) else var

    for header, count in counts.items():
        if count.trips is None:
            escaping[header].add(count.counter)
    for label in graph.order:
        for var in sorted(uses(blocks[label]) & homes.keys(), key=number.__getitem__):
            reading(label, var)
            for loop in _left(loop_of[homes[var]], label):
                escaping[loop.header].add(var)
    if not any(escaping.values()):
        return blocks
    pos = _any_pos(blocks)
    made: dict[int, Block] = {}
    first = _fresh(blocks)
    ways: dict[tuple[int, int], Edge] = {}
    for label in sorted(graph.order):
        for edge in edges(blocks[label].end):
            left = list(_left(loop_of[label], edge.target))
            if not left:
                continue
            leaving = {v for loop in left for v in escaping[loop.header] if graph.dominates(homes[v], label)}
            alive = sorted(leaving, key=number.__getitem__)
            inside = [v for v in edge.args if isinstance(v, Var) and homes.get(v) in left[-1].blocks]
            alive += dict.fromkeys(v for v in inside if v not in leaving)
            if not alive:
                continue
            landing = first + len(made)
            params = {v: Var(v.type, v.name) for v in alive}
            stores = tuple(Op(Store(v), (params[v],), (), pos) for v in alive if v in leaving)
            # What comes from an earlier loop is loaded here, for a value of the loop that is left would not do
            earlier = {
                v: Var(v.type, v.name)
                for v in edge.args
                if isinstance(v, Var) and v not in params and is_away(label, v)
            }
            loads = tuple(Op(Load(v), (), (own,), pos) for v, own in earlier.items())
            own = params | earlier
            args = tuple(own.get(a, a) if isinstance(a, Var) else a for a in edge.args)
            made[landing] = Block(tuple(params.values()), (*stores, *loads), Jump(Edge(edge.target, args)))
            ways[label, edge.target] = Edge(landing, tuple(reading(label, v) for v in alive))
    closed = dict(blocks)
    for label in graph.order:
        block, names = blocks[label], loaded[label]

        def landing_first(edge: Edge, label: int = label) -> Edge:
            return ways.get((label, edge.target), edge)

        end = with_edges(block.end, landing_first)
        if end is not block.end:
            block = Block(block.params, block.ops, end)
        if names:
            loads = tuple(Op(Load(var), (), (name,), pos) for var, name in names.items())
            block = substitute(block, lambda o, names=names: names.get(o, o))  # type: ignore[misc]
            block = Block(block.params, (*loads, *block.ops), block.end)
        closed[label] = block
    return dict(promote(program.with_blocks({**closed, **made})).blocks)


def _left(loop: Loop | None, label: int) -> Iterator[Loop]:
    """A loop and those around it, innermost first, as far as they do not hold a block."""
    while loop is not None and label not in loop.blocks:
        yield loop
        loop = loop.parent
