"""Buffers of which each element is little work on the same element of another, which stays as it is: they are not made.

    m = new(n); for k in range(n): m[k] = 2 · a[k]        becomes        … 2 · a[j] …
    … m[j] …

Elements of `m` that the loop does not write are undefined, so nobody reads them.  For just before `codegen`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zyg.ir.graph import Graph, Loop, graph_of
from zyg.ir.memory import MemoryType, holds_handles, mem_load, mem_new, mem_store, mem_zeros
from zyg.ir.program import Block, Op, Operand, Program, Var, edges, end_operands
from zyg.ir.tape import cost, is_pure
from zyg.passes.memory_facts import settled
from zyg.passes.trips import counting_up

_CHEAP = 3


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A buffer, what writes it, and the ops in order that compute what is written from the loop's counter."""

    memory: Var
    store: Op
    counter: Var
    ops: tuple[Op, ...]

    def at(self, load: Op) -> Iterator[Op]:
        """What computes the element that `load` reads."""
        values: dict[Operand, Operand] = {self.counter: load.args[1]}
        value = self.store.args[2]
        for op in self.ops:
            result = load.result if op.result == value else Var(op.result.type, op.result.name)
            yield Op(op.fn, tuple(values.get(arg, arg) for arg in op.args), (result,), load.pos)
            values[op.result] = result


def read_through(program: Program) -> Program:
    """`program` without such buffers."""
    graph = graph_of(program)
    found = {made.memory: made for made in _found(program, graph)}
    if not found:
        return program
    dropped = {made.store for made in found.values()}
    blocks = {}
    for label, block in program.blocks.items():
        ops: list[Op] = []
        for op in block.ops:
            if op.fn is mem_load and op.args[0] in found:
                ops += found[op.args[0]].at(op)
            elif op not in dropped and not (op.fn is mem_new and op.result in found):
                ops.append(op)
        blocks[label] = Block(block.params, tuple(ops), block.end)
    return program.with_blocks(blocks)


def _found(program: Program, graph: Graph) -> Iterator[Made]:
    """At most one buffer of those that are computed from one another."""
    candidates = [op for op in program.ops() if op.fn is mem_new and is_plain(op.result.type)]
    if not candidates:
        return
    users = users_of(program, {op.result for op in candidates})
    home = {op: label for label in graph.order for op in program.blocks[label].ops}
    stays = settled(program, graph)
    taken: set[Operand] = set()
    for new in candidates:
        memory = new.result
        uses = users[memory]
        stores = [op for op in uses if op is not None and op.fn is mem_store and op.args[0] == memory]
        loads = [op for op in uses if op is not None and op.fn is mem_load]
        if len(stores) != 1 or not loads or len(uses) != len(loads) + 1 or memory in taken:
            continue
        loop = graph.loop_of[home[stores[0]]]
        if loop is None or loop.parent is not graph.loop_of[home[new]]:
            continue
        made = _computed(program.blocks[home[stores[0]]], graph, loop, stores[0])
        if made is None or not all(_is_behind(graph, home[load], loop) for load in loads):
            continue
        sources = [op for op in made.ops if op.fn is mem_load]
        if all(stays(op) and _size(graph, op.args[0]) == new.args[0] and op.args[0] not in taken for op in sources):
            taken |= {memory, *(op.args[0] for op in sources)}
            yield made


def is_plain(kind: object) -> bool:
    return isinstance(kind, MemoryType) and not kind.growable and not holds_handles(kind)


def users_of(program: Program, memories: set[Var]) -> dict[Operand, list[Op | None]]:
    """The ops that use each of these; None where it is passed on."""
    found: dict[Operand, list[Op | None]] = {memory: [] for memory in memories}
    for block in program.blocks.values():
        for op in block.ops:
            for arg in op.args:
                if arg in found:
                    found[arg].append(op)
        for operand in (*end_operands(block.end), *(arg for edge in edges(block.end) for arg in edge.args)):
            if operand in found:
                found[operand].append(None)
    return found


def _size(graph: Graph, memory: Operand) -> Operand | None:
    """The number of elements, if it is known."""
    op = graph.made.get(memory) if isinstance(memory, Var) else None
    return op.args[0] if op is not None and op.fn in (mem_new, mem_zeros) else None


def _computed(block: Block, graph: Graph, loop: Loop, store: Op) -> Made | None:
    """How the elements are computed, if that is little work in a loop that comes by each of them once."""
    memory, index, value = store.args
    if not isinstance(memory, Var) or not isinstance(value, Var) or not isinstance(index, Var):
        return None
    if index not in counting_up(loop, graph):
        return None
    inside = {op.result: op for op in block.ops if len(op.results) == 1}
    needed: set[Op] = set()
    todo: list[Operand] = [value]
    while todo:
        operand = todo.pop()
        if operand == index or not isinstance(operand, Var) or graph.homes.get(operand) not in loop.blocks:
            continue
        op = inside.get(operand)
        if op is None or not (is_pure(op) or (op.fn is mem_load and op.args[1] == index)):
            return None
        if op not in needed:
            needed.add(op)
            todo += op.args
    ops = tuple(op for op in block.ops if op in needed)
    loads = sum(op.fn is mem_load for op in ops)
    if not ops or loads > 1 or sum(cost(op) for op in ops if op.fn is not mem_load) > _CHEAP:
        return None
    return Made(memory, store, index, ops)


def _is_behind(graph: Graph, label: int, loop: Loop) -> bool:
    """Is an element that is read in this block read when the loop has written all, and in no deeper loop?"""
    around = graph.loop_of[label]
    depth = around.depth if around is not None else 0
    return label not in loop.blocks and graph.dominates(loop.header, label) and depth <= loop.depth
