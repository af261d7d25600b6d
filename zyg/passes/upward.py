"""Loops that count down to 0 and may run in any order count up: processors and LLVM like that better.

The order of iterations is free where all that they leave to each other are sums whose order is free, and where what one
writes none reads.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zyg.ir.graph import Graph, Loop, graph_of, substitute
from zyg.ir.memory import mem_add, mem_load
from zyg.ir.program import Block, Branch, Const, Edge, Op, Operand, Program, Var, edges, end_operands, with_edges
from zyg.ir.scalars import i8
from zyg.ir.tape import tape_get
from zyg.passes.memory_facts import buffers_of
from zyg.passes.simplify import is_pure
from zyg.rules import primitives as p


def upward(program: Program) -> Program:
    """`program`, its loops upward where that makes no difference but for the order of sums."""
    graph = graph_of(program)
    loops = {loop.header: loop for loop in graph.loop_of.values() if loop is not None}
    if not loops:
        return program
    facts = _Facts(program, graph)
    blocks = dict(program.blocks)
    turned = False
    for loop in loops.values():
        down = facts.downward(loop)
        if down is not None and facts.any_order(loop, down):
            _turn(blocks, loop, down)
            turned = True
    return program.with_blocks(blocks) if turned else program


@dataclass(frozen=True, slots=True)
class _Downward:
    """`while k != 0: k = k - 1; …`: the parameter k and its place, and the op that subtracts."""

    counter: Var
    place: int
    step: Op


@dataclass(frozen=True, slots=True)
class _Use:
    """A use of a variable: by an op, or as the argument of an edge that goes to a parameter, or by an end."""

    label: int
    op: Op | None = None
    param: Var | None = None
    target: int = -1


class _Facts:
    def __init__(self, program: Program, graph: Graph) -> None:
        self.program, self.graph = program, graph
        self.buffers = buffers_of(program)
        self.made = {result: op for op in program.ops() for result in op.results}
        self.homes: dict[Var, int] = {}
        self.uses: dict[Operand, list[_Use]] = {}
        for label, block in program.blocks.items():
            for var in (*block.params, *(r for op in block.ops for r in op.results)):
                self.homes[var] = label
            for operand, use in self._uses(label, block):
                self.uses.setdefault(operand, []).append(use)

    def _uses(self, label: int, block: Block) -> Iterator[tuple[Operand, _Use]]:
        for op in block.ops:
            for arg in op.args:
                yield arg, _Use(label, op=op)
        for operand in end_operands(block.end):
            yield operand, _Use(label)
        for edge in edges(block.end):
            for param, arg in zip(self.program.blocks[edge.target].params, edge.args, strict=True):
                yield arg, _Use(label, param=param, target=edge.target)

    # --- counters ---------------------------------------------------------------------------------------------

    def downward(self, loop: Loop) -> _Downward | None:
        """How a loop counts, if it counts down to 0 and is left in its header only."""
        block = self.program.blocks[loop.header]
        end = block.end
        if len(loop.latches) != 1 or not isinstance(end, Branch) or not isinstance(end.cond, Var):
            return None
        if any(self._leaves(loop, label) for label in loop.blocks if label != loop.header):
            return None
        test = self.made.get(end.cond)
        if test is None or test.fn not in (operator.eq, operator.ne) or test.args[1] != Const(0, i8):
            return None
        if (end.then.target in loop.blocks) is (test.fn is operator.eq):
            return None
        (latch,) = loop.latches
        (again,) = (edge for edge in edges(self.program.blocks[latch].end) if edge.target == loop.header)
        for place, param in enumerate(block.params):
            after = again.args[place]
            step = self.made.get(after) if isinstance(after, Var) else None
            if param is test.args[0] and step is not None and self._subtracts_one(step, param):
                return _Downward(param, place, step)
        return None

    def _leaves(self, loop: Loop, label: int) -> bool:
        end = self.program.blocks[label].end
        return not edges(end) or any(edge.target not in loop.blocks for edge in edges(end))

    def _subtracts_one(self, op: Op, counter: Var) -> bool:
        by = Const(1, i8) if op.fn is operator.sub else Const(-1, i8) if op.fn is operator.add else None
        return by is not None and op.args[0] is counter and op.args[1] == by

    # --- order ------------------------------------------------------------------------------------------------

    def any_order(self, loop: Loop, down: _Downward) -> bool:
        """May the iterations run in any order, the last values of none being used?"""
        params = self.program.blocks[loop.header].params
        if self._counts_in_header(loop, down):
            return False
        if not all(param is down.counter or self._is_free_sum(loop, place) for place, param in enumerate(params)):
            return False
        written: set[Var] = set()
        read: list[Var | None] = []
        for label in loop.blocks:
            for op in self.program.blocks[label].ops:
                if op.fn is mem_add:
                    written |= self.buffers.written(op)
                elif op.fn is mem_load:
                    read.append(self.buffers.class_of(op.args[0]))
                elif op.fn is not tape_get and not is_pure(op):
                    return False
        if any(cls is not None and self.buffers.may_share(cls, other) for cls in read for other in written):
            return False
        return not self._used_outside(loop, set(params))

    def _counts_in_header(self, loop: Loop, down: _Downward) -> bool:
        """Is the number of the iteration read by the header, which is visited once more than the rest of the loop?"""
        block = self.program.blocks[loop.header]
        assert isinstance(block.end, Branch) and isinstance(block.end.cond, Var)
        own = (down.step, self.made[block.end.cond])
        leaving = (arg for edge in edges(block.end) if edge.target not in loop.blocks for arg in edge.args)
        read = (arg for op in block.ops if op not in own for arg in op.args)
        return any(arg is down.counter or arg is down.step.result for arg in (*read, *leaving))

    def _used_outside(self, loop: Loop, allowed: set[Var]) -> bool:
        """Is anything but `allowed` that an iteration computes used behind the loop?"""
        inside = (var for var, home in self.homes.items() if home in loop.blocks and var not in allowed)
        return any(
            use.label not in loop.blocks or (use.param is not None and use.target not in loop.blocks)
            for var in inside
            for use in self.uses.get(var, ())
        )

    def _is_free_sum(self, loop: Loop, place: int) -> bool:
        """Does a parameter of the header only take part in sums whose order is free, and come back as their result?"""
        param = self.program.blocks[loop.header].params[place]
        partial, todo = {param}, [param]
        while todo:
            for use in self.uses.get(todo.pop(), ()):
                if use.label not in loop.blocks or (use.param is not None and use.target not in loop.blocks):
                    continue
                if use.op is not None and use.op.fn is p.reassociate_add:
                    reached = use.op.result
                elif use.param is not None and (use.target != loop.header or use.param is param):
                    reached = use.param
                else:
                    return False
                if reached not in partial:
                    partial.add(reached)
                    todo.append(reached)
        return all(self._stays_partial(loop, var, partial) for var in partial)

    def _stays_partial(self, loop: Loop, var: Var, partial: set[Var]) -> bool:
        op = self.made.get(var)
        if op is not None:
            return sum(arg in partial for arg in op.args) == 1
        place = self.program.blocks[self.homes[var]].params.index(var)
        inside = (
            edge.args[place]
            for label in loop.blocks
            for edge in edges(self.program.blocks[label].end)
            if edge.target == self.homes[var]
        )
        return all(arg in partial for arg in inside)


def _turn(blocks: dict[int, Block], loop: Loop, down: _Downward) -> None:
    """k from t to 1, k - 1 from t - 1 to 0, become j from 0 to t - 1: k - 1 is j."""
    (outside,) = (
        label
        for label, block in blocks.items()
        if label not in loop.blocks and any(edge.target == loop.header for edge in edges(block.end))
    )
    trips: list[Operand] = []

    def begin(edge: Edge) -> Edge:
        if edge.target != loop.header:
            return edge
        trips.append(edge.args[down.place])
        return Edge(edge.target, tuple(Const(0, i8) if i == down.place else a for i, a in enumerate(edge.args)))

    before = blocks[outside]
    blocks[outside] = Block(before.params, before.ops, with_edges(before.end, begin))
    up, less, after = Var(i8, down.counter.name), down.step.result, Var(i8, down.counter.name)
    pos = down.step.pos
    header = blocks[loop.header]
    end = header.end
    assert isinstance(end, Branch)
    test = Var(end.cond.type)
    stays = end.then.target in loop.blocks
    tested = Op(operator.ne if stays else operator.eq, (up, trips[0]), (test,), pos)
    for label in loop.blocks:
        block = blocks[label]
        ops = _mirrored(op for op in block.ops if op is not down.step)
        if label == loop.header:
            params = tuple(up if param is down.counter else param for param in block.params)
            made = Op(operator.add, (up, Const(1, i8)), (after,), pos)
            block = Block(params, (made, *ops, tested), Branch(test, end.then, end.other))
        else:
            block = Block(block.params, ops, block.end)
        again = label in loop.latches

        def last(edge: Edge) -> Edge:
            if edge.target != loop.header:
                return edge
            return Edge(edge.target, tuple(after if i == down.place else a for i, a in enumerate(edge.args)))

        block = Block(block.params, block.ops, with_edges(block.end, last)) if again else block
        names = {less: up, down.counter: after}
        blocks[label] = substitute(block, lambda v, names=names: names.get(v, v) if isinstance(v, Var) else v)  # type: ignore[misc]
    _left(blocks, loop, down.counter)


def _mirrored(ops: Iterable[Op]) -> tuple[Op, ...]:
    """The additions to buffers last and in the opposite order: with the order of iterations turned as well, what
    neighbouring iterations add to the same element happens in an order that vectors keep."""
    every = list(ops)
    adds = [op for op in every if op.fn is mem_add]
    return (*(op for op in every if op.fn is not mem_add), *reversed(adds))


def _left(blocks: dict[int, Block], loop: Loop, counter: Var) -> None:
    """Behind the loop the counter was 0."""
    for label, block in blocks.items():
        if label not in loop.blocks:
            blocks[label] = substitute(block, lambda v: Const(0, i8) if v is counter else v)
