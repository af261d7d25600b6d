"""Loop nests made while reading: array operations become programs of counted loops, which are then inlined."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zyg.ir.memory import MemoryType
from zyg.ir.program import Block, Branch, Call, Const, Edge, Jump, Op, Operand, Program, Return, Type, Var, end_operands
from zyg.ir.scalars import b1, i8
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Body = Callable[[list[Operand], list[Operand]], Sequence[Operand]]


def nest(
    reader: FunctionReader, name: str, extents: Sequence[Operand], state: Sequence[Operand], body: Body
) -> list[Operand]:
    """`for i in range(extents[0]): for j in …: state = body([i, j, …], state)`; gives the last state.

    The body is straight code: what it emits must not branch.
    """
    depth = len(extents)
    if depth == 0:
        return list(body([], list(state)))
    pos = reader.pos
    counters = [Var(i8, "ijkl"[d] if d < 4 else f"i{d}") for d in range(depth)]
    states = [[Var(operand.type) for operand in state] for _ in range(depth)]
    outer, reader.ops = reader.ops, []
    try:
        after = tuple(body(list(counters), list(states[-1])))
        inside = tuple(reader.ops)
    finally:
        reader.ops = outer
    header = [1 + d for d in range(depth)]
    blocks: dict[int, Block] = {0: Block((), (), Jump(Edge(1, (Const(0, i8), *state))))}
    for d in range(depth):
        here, on = header[d], Var(b1)
        test = Op(operator.lt, (counters[d], extents[d]), (on,), pos)
        deeper = Edge(header[d + 1], (Const(0, i8), *states[d])) if d + 1 < depth else Edge(2 * depth + 1)
        leave = Edge(depth + d) if d > 0 else Edge(2 * depth)
        blocks[here] = Block((counters[d], *states[d]), (test,), Branch(on, deeper, leave))
        if d > 0:
            blocks[depth + d] = _step(counters[d - 1], header[d - 1], tuple(states[d]), (), pos)
    blocks[2 * depth] = Block((), (), Return(tuple(states[0])))
    blocks[2 * depth + 1] = _step(counters[-1], header[-1], after, inside, pos)
    order = [0, *header, 2 * depth + 1, *range(2 * depth - 1, depth, -1), 2 * depth]
    kinds = tuple(operand.type for operand in state)
    return _called(reader, name, {label: blocks[label] for label in order}, kinds)


def _called(reader: FunctionReader, name: str, blocks: dict[int, Block], kinds: tuple[Type, ...]) -> list[Operand]:
    """The results of a call of a new program with these blocks, which use the reader's variables."""
    params = _free(blocks)
    made = reader.spec.unique(name)
    reader.spec.programs[made] = Program(made, params, kinds, blocks)
    results = tuple(Var(kind) for kind in kinds)
    copies = {old: Var(old.type, old.name) for old in params}
    _rename(reader, made, copies)
    reader.ops.append(Op(Call(made), params, results, reader.pos))
    return list(results)


def choose(
    reader: FunctionReader,
    name: str,
    cond: Operand,
    yes: Callable[[], Sequence[Operand]],
    no: Callable[[], Sequence[Operand]],
) -> list[Operand]:
    """What `yes` gives where `cond` holds, else what `no` gives: only one of them runs."""
    if isinstance(cond, Const):
        return list(yes() if cond.value else no())
    outer = reader.ops
    ways: list[tuple[tuple[Op, ...], tuple[Operand, ...]]] = []
    for way in (yes, no):
        reader.ops = []
        try:
            given = tuple(way())
            ways.append((tuple(reader.ops), given))
        finally:
            reader.ops = outer
    results = tuple(Var(operand.type) for operand in ways[0][1])
    blocks = {0: Block((), (), Branch(cond, Edge(1), Edge(2)))}
    for label, (ops, given) in enumerate(ways, 1):
        blocks[label] = Block((), ops, Jump(Edge(3, given)))
    blocks[3] = Block(results, (), Return(results))
    return _called(reader, name, blocks, tuple(var.type for var in results))


def selected(reader: FunctionReader, cond: Operand, a: Operand, b: Operand) -> Operand:
    """`a if cond else b`; of buffers control decides, so that their shadows travel beside them."""
    if a == b:
        return a
    if isinstance(a.type, MemoryType):
        return choose(reader, "chosen", cond, lambda: [a], lambda: [b])[0]
    return reader.emit(p.select, (cond, a, b), a.type)


def renamed(reader: FunctionReader, buffer: Var) -> Var:
    """The same buffer under another name, for an array that is treated otherwise."""
    (found,) = _called(reader, "view", {0: Block((), (), Return((buffer,)))}, (buffer.type,))
    assert isinstance(found, Var)
    return found


def _step(counter: Var, header: int, state: tuple[Operand, ...], ops: tuple[Op, ...], pos: object) -> Block:
    later = Var(i8, counter.name)
    return Block(
        (),
        (*ops, Op(operator.add, (counter, Const(1, i8)), (later,), pos)),  # type: ignore[arg-type]
        Jump(Edge(header, (later, *state))),
    )


def _free(blocks: dict[int, Block]) -> tuple[Var, ...]:
    """The variables that blocks use without defining them, in the order of their first use."""
    from zyg.ir.program import edges

    defined: set[Operand] = set()
    used: dict[Operand, None] = {}
    for block in blocks.values():
        defined.update(block.params)
        for op in block.ops:
            defined.update(op.results)
            used.update(dict.fromkeys(op.args))
        used.update(dict.fromkeys(end_operands(block.end)))
        used.update(dict.fromkeys(arg for edge in edges(block.end) for arg in edge.args))
    return tuple(operand for operand in used if isinstance(operand, Var) and operand not in defined)


def _rename(reader: FunctionReader, made: str, copies: dict[Var, Var]) -> None:
    """Parameters of their own for a program that was built over its caller's variables."""
    from dataclasses import replace

    from zyg.ir.graph import substitute

    program = reader.spec.programs[made]

    def new(operand: Operand) -> Operand:
        return copies.get(operand, operand) if isinstance(operand, Var) else operand

    blocks = {label: substitute(block, new) for label, block in program.blocks.items()}
    reader.spec.programs[made] = replace(program, params=tuple(copies.values()), blocks=blocks)
