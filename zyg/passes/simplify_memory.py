"""Accesses of buffers that need not be made: elements that are known, stores of what is there, and stores and
allocations that nothing reads.

Nothing moves: an access that stays stays behind the guards that it was behind.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from zyg.ir.graph import Graph, graph_of, substitute
from zyg.ir.memory import (
    ALLOCATIONS,
    ELEMENT_WRITES,
    WRITES,
    MemoryType,
    mem_add,
    mem_like,
    mem_load,
    mem_reserve,
    mem_size,
    mem_store,
    mem_zeros,
    read_buffers,
)
from zyg.ir.program import (
    Block,
    Call,
    Callback,
    Const,
    Edge,
    Guard,
    Op,
    Operand,
    Program,
    Var,
    edges,
    end_operands,
    with_edges,
)
from zyg.ir.tape import tape_get
from zyg.passes.early_additions import is_zero, with_early_additions
from zyg.passes.memory_facts import Buffers, buffers_of
from zyg.passes.simplify import is_pure
from zyg.passes.slots import zero


def simplify_memory(program: Program) -> Program:
    """`program` without needless accesses and allocations; the same object if there are none."""
    buffers = buffers_of(program)
    if not buffers.of:
        return program
    program = with_early_additions(program)
    program = _Elements(program, buffers_of(program)).run()
    return _without_unread(program, buffers_of(program))


@dataclass(frozen=True, slots=True)
class _Element:
    """An element whose value is known: which buffer (and of what class), and where in it, as base and offset."""

    buffer: Var
    cls: Var
    base: Hashable
    offset: int

    def is_apart(self, other: _Element) -> bool:
        """Is it certainly not the other element of the same buffer?"""
        return self.buffer is other.buffer and self.base == other.base and self.offset != other.offset


class _Elements:
    """One walk over a program that passes values on from stores and loads to later loads."""

    def __init__(self, program: Program, buffers: Buffers) -> None:
        self.program, self.buffers = program, buffers
        self.graph = graph_of(program)
        self.made = {result: op for op in program.ops() for result in op.results}
        self.renamed: dict[Var, Operand] = {}
        self.known: dict[int, dict[_Element, Operand]] = {}
        self.written = {
            label: frozenset(cls for op in program.blocks[label].ops for cls in buffers.written(op))
            for label in self.graph.order
        }

    def run(self) -> Program:
        blocks = {label: self._block(label) for label in self.graph.order}
        blocks = {label: substitute(block, self._final) for label, block in blocks.items()}
        old = self.program.blocks
        same = len(blocks) == len(old) and all(blocks[label] is old[label] for label in old)
        return self.program if same else self.program.with_blocks(blocks)

    def _final(self, operand: Operand) -> Operand:
        while isinstance(operand, Var) and operand in self.renamed:
            operand = self.renamed[operand]
        return operand

    def _block(self, label: int) -> Block:
        block = self.program.blocks[label]
        known = self._at_start(label)
        ops: list[Op] = []
        unseen: dict[_Element, tuple[Op, Operand | None]] = {}
        for op in map(self._of_first, block.ops):
            if _is_access(op) and isinstance(self._final(op.args[0]), Const):
                # There is no such buffer: control never comes here
                self.renamed.update((result, zero(result.type)) for result in op.results)
                continue
            element = self._element(op)
            value = known.get(element) if element is not None else None
            if element is not None and value is None and op.fn is mem_load and self._is_zero(element.cls):
                value = zero(op.result.type)
            if value is not None and op.fn is mem_load:
                self.renamed[op.result] = value
                continue
            if value is not None and op.fn is mem_add and op.pos.reverse and is_zero(self._final(value)):
                op = Op(mem_store, op.args, (), op.pos)
            if element is not None and op.fn is mem_store and element in unseen:
                overwritten, value = unseen.pop(element)
                ops.remove(overwritten)
            if value is not None and op.fn is mem_store and _is_same(self._final(value), self._final(op.args[2])):
                known[element] = value  # type: ignore[index]
                continue
            self._see(unseen, op, element)
            if element is not None and op.fn is mem_store:
                unseen[element] = op, value
            self._forget(known, self.buffers.written(op), element)
            if element is not None and op.fn is mem_load:
                known[element] = op.result
            elif element is not None and op.fn is mem_store:
                known[element] = op.args[2]
            ops.append(op)
        self.known[label] = known
        return block if ops == list(block.ops) else Block(block.params, tuple(ops), block.end)

    def _see(self, unseen: dict[_Element, tuple[Op, Operand | None]], op: Op, at: _Element | None) -> None:
        """Take those out of `unseen` that may be seen: stores, with what was there before."""
        if isinstance(op.fn, (Call, Callback)):
            unseen.clear()
        elif isinstance(op.fn, Guard):
            for element in list(unseen):
                if not self.buffers.is_own(element.cls):
                    del unseen[element]
        else:
            touched = [cls for arg in op.args if isinstance(arg, Var) and (cls := self.buffers.of.get(arg)) is not None]
            for element, (store, _) in list(unseen.items()):
                if at is not None and element.is_apart(at):
                    continue
                if any(self.buffers.may_share(element.cls, cls) for cls in touched):
                    del unseen[element]
                    if op.fn is mem_store:  # nobody has read it, but it may be another value now
                        unseen[element] = store, None

    def _of_first(self, op: Op) -> Op:
        """What only asks how large a buffer is asks the one that this one was made like."""
        if op.fn not in (mem_like, mem_size):
            return op
        (buffer,) = op.args
        while isinstance(buffer, Var) and isinstance(buffer.type, MemoryType) and not buffer.type.growable:
            made = self.made.get(buffer)
            if made is None or made.fn is not mem_like:
                break
            (buffer,) = made.args
        return op if buffer is op.args[0] else Op(op.fn, (buffer,), op.results, op.pos)

    def _at_start(self, label: int) -> dict[_Element, Operand]:
        if label == self.graph.order[0]:
            return {}
        above = self.graph.idom[label]
        known = dict(self.known[above])
        for between in _between(self.graph, above, label):
            self._forget(known, self.written[between], None)
        return known

    def _forget(self, known: dict[_Element, Operand], written: Iterable[Var], at: _Element | None) -> None:
        for cls in written:
            for element in list(known):
                if self.buffers.may_share(element.cls, cls) and not (at is not None and element.is_apart(at)):
                    del known[element]

    def _is_zero(self, cls: Var) -> bool:
        """Are the buffers of a class zero from the start and never written?"""
        made = self.buffers.origins[cls].allocations
        zeroed = all(self.made[allocation].fn in (mem_zeros, mem_like) for allocation in made)
        return zeroed and self.buffers.is_local(cls) and not any(cls in written for written in self.written.values())

    def _element(self, op: Op) -> _Element | None:
        if op.fn is not mem_load and op.fn not in ELEMENT_WRITES:
            return None
        buffer = self._final(op.args[0])
        cls = self.buffers.class_of(buffer)
        if not isinstance(buffer, Var) or cls is None:
            return None
        return _Element(buffer, cls, *self._split(self._final(op.args[1])))

    def _split(self, index: Operand) -> tuple[Hashable, int]:
        """An index as base plus offset; that the sum may wrap makes no difference."""
        offset = 0
        while isinstance(index, Var):
            op = self.made.get(index)
            if op is None or op.fn not in (operator.add, operator.sub):
                return index, offset % 2**64
            a, b = map(self._final, op.args)
            if op.fn is operator.add and isinstance(a, Const):
                a, b = b, a
            if not isinstance(b, Const):
                return index, offset % 2**64
            step = int(b.value.real)
            index, offset = a, offset + (step if op.fn is operator.add else -step)
        return None, (offset + int(index.value.real)) % 2**64


def _is_access(op: Op) -> bool:
    return op.fn is mem_load or op.fn in ELEMENT_WRITES or op.fn is mem_reserve


def _is_same(a: Operand, b: Operand) -> bool:
    """Do operands hold the same bits?  Constants that are equal need not."""
    if isinstance(a, Const) and isinstance(b, Const):
        return a.type == b.type and repr(a.value) == repr(b.value)
    return a is b


def _between(graph: Graph, above: int, label: int) -> set[int]:
    """The blocks that may run between the end of a block and the start of one that it dominates."""
    found: set[int] = set()
    todo = list(graph.preds[label])
    while todo:
        pred = todo.pop()
        if pred != above and pred not in found:
            found.add(pred)
            todo += graph.preds[pred]
    return found


def _without_unread(program: Program, buffers: Buffers) -> Program:
    """Without the loads, allocations and block parameters that nothing needs, and stores that no needed load sees."""
    made = {result: op for op in program.ops() for result in op.results}
    feeding: dict[Var, list[Operand]] = {}
    for block in program.blocks.values():
        for edge in edges(block.end):
            for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                feeding.setdefault(param, []).append(arg)
    stores: dict[Var, list[Op]] = {}
    kept: set[Op] = set()
    needed: set[Var] = set()
    todo: list[Operand] = [v for block in program.blocks.values() for v in end_operands(block.end)]

    def keep(op: Op) -> None:
        if op in kept:
            return
        kept.add(op)
        todo.extend(op.args)
        for buffer in read_buffers(op):
            cls = buffers.class_of(buffer)
            for store in stores.pop(cls, ()) if cls is not None else ():
                keep(store)

    for op in program.ops():
        cls = buffers.class_of(op.args[0]) if op.fn in WRITES or op.fn is mem_reserve else None
        if cls is not None and buffers.is_local(cls):
            stores.setdefault(cls, []).append(op)
    waiting = {op for ops in stores.values() for op in ops}
    for op in program.ops():
        if op not in waiting and not _removable(op):
            keep(op)
    while todo:
        operand = todo.pop()
        if isinstance(operand, Var) and operand not in needed:
            needed.add(operand)
            todo += feeding.get(operand, [])
            if operand in made:
                keep(made[operand])
    return _trimmed(program, kept, needed)


def _removable(op: Op) -> bool:
    return op.fn in ALLOCATIONS or op.fn in (mem_load, tape_get) or is_pure(op)


def _trimmed(program: Program, kept: set[Op], needed: set[Var]) -> Program:
    if all(kept.issuperset(block.ops) and needed.issuperset(block.params) for block in program.blocks.values()):
        return program
    places = {
        label: [i for i, param in enumerate(block.params) if param in needed] for label, block in program.blocks.items()
    }

    def trim(edge: Edge) -> Edge:
        return Edge(edge.target, tuple(edge.args[i] for i in places[edge.target]))

    blocks = {}
    for label, block in program.blocks.items():
        params = tuple(block.params[i] for i in places[label])
        blocks[label] = Block(params, tuple(op for op in block.ops if op in kept), with_edges(block.end, trim))
    return program.with_blocks(blocks)
