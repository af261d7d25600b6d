"""Buffers whose overwritten elements are put back in reverse, so that what was read of them can be read again there.

    Original: m[i] = v        Forward: keep m[i]; m[i] = v        Reverse: m[i] = what was kept

When reverse code runs the mirror image of an op, memory then is as it was behind that op.  So a load can be repeated
for an op that is separated from it by no write.  That costs a value for each write in place of one for each read.
Nothing is kept of elements that nobody has looked at since their buffer was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from numba import types

from zyg.adjoint.mirrored import Reversed
from zyg.ir.graph import graph_of
from zyg.ir.memory import ALLOCATIONS, MemoryType, mem_like, mem_load, mem_size, mem_store
from zyg.ir.program import Block, Const, Jump, Op, Program, Var, edges
from zyg.ir.tape import tape_put
from zyg.passes.memory_facts import Buffers, buffers_of
from zyg.passes.slots import zero
from zyg.rules import primitives as p


@dataclass(frozen=True, slots=True)
class Restore:
    """The `fn` of an op `restore(m, i, v)` in reverse code: m[i] = v, if `record` decides so.  old: v as it was."""

    old: Var

    @property
    def __name__(self) -> str:
        return "restore"


def with_old_values(program: Program, active: set[Var]) -> tuple[Program, dict[Op, Var]]:
    """`program`, what is overwritten in buffers that are nobody else's read first; and for each such store, that."""
    buffers = buffers_of(program)
    stores: dict[Var, list[Op]] = {}
    mixed: set[Var] = set()
    read: set[Var | None] = set()
    for op in program.ops():
        if op.fn is mem_load:
            read.add(buffers.class_of(op.args[0]))
        for cls in buffers.written(op):
            if (
                op.fn is mem_store
                and op.args[0] in active
                and isinstance(op.args[2].type, (types.Float, types.Complex))
            ):
                stores.setdefault(cls, []).append(op)
            else:
                mixed.add(cls)
    chosen = {
        op for cls, ops in stores.items() if cls in read and cls not in mixed and buffers.is_local(cls) for op in ops
    }
    if not chosen:
        return program, {}
    unseen = _Unseen(program, buffers)
    old: dict[Op, Var] = {}
    blocks = {}
    for label, block in program.blocks.items():
        ops: list[Op] = []
        for op in block.ops:
            if op in chosen:
                memory = op.args[0]
                assert isinstance(memory.type, MemoryType)
                old[op] = Var(memory.type.dtype, "old")
                if unseen(label, op):
                    ops.append(Op(p.identity, (zero(memory.type.dtype),), (old[op],), op.pos))
                else:
                    ops.append(Op(mem_load, op.args[:2], (old[op],), op.pos))
            ops.append(op)
        blocks[label] = Block(block.params, tuple(ops), block.end)
    return program.with_blocks(blocks), old


def is_lost(old: Op) -> bool:
    """Does the op stand for an old value that nobody has looked at?"""
    return old.fn is p.identity and isinstance(old.args[0], Const)


class _Unseen:
    """Tells of stores whether nobody has read of their buffer since it was made."""

    def __init__(self, program: Program, buffers: Buffers) -> None:
        self.program, self.buffers = program, buffers
        self.graph = graph_of(program)
        self.made = {
            op.result: label for label in self.graph.order for op in program.blocks[label].ops if op.fn in ALLOCATIONS
        }

    def __call__(self, label: int, store: Op) -> bool:
        memory = store.args[0]
        if memory not in self.made or label not in self.graph.idom:
            return False
        assert isinstance(memory, Var)
        cls, first = self.buffers.class_of(memory), self.made[memory]
        ops = self.program.blocks[label].ops
        before = ops[: ops.index(store)]
        if label == first and any(op.result is memory for op in before if op.fn in ALLOCATIONS):
            return not any(self._reads(op, cls) for op in before)
        seen: set[int] = set()
        todo = list(self.graph.preds[label])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += self.graph.preds[at] if at != first else ()
        return not any(self._reads(op, cls) for at in {*seen, label} for op in self.program.blocks[at].ops)

    def _reads(self, op: Op, cls: Var | None) -> bool:
        if op.fn in (mem_store, mem_size, mem_like, tape_put):
            return False
        return any(isinstance(arg, Var) and self.buffers.of.get(arg) is cls for arg in op.args)


def _with_old(ops: Iterable[Op]) -> Iterator[tuple[Op, Op]]:
    """The stores, each with the op that gives what it overwrites."""
    for before, op in pairwise(ops):
        if op.fn is mem_store and (before.fn is mem_load or is_lost(before)):
            yield before, op


class Moments:
    """Which loads can be repeated where, in a program whose buffers of the classes `restored` are put back."""

    def __init__(self, reversed_: Reversed, buffers: Buffers, restored: frozenset[Var]) -> None:
        self.program = reversed_.canonical.program
        self.graph = reversed_.canonical.graph
        self.reverse = reversed_.program.blocks
        self.buffers, self.restored = buffers, restored
        self.place = {
            op: (label, i) for label in self.graph.order for i, op in enumerate(self.program.blocks[label].ops)
        }
        self.base = {mirrored: label for label, mirrored in reversed_.mirror.items()}
        self._between: dict[tuple[int, int], frozenset[int]] = {}
        self.overwritten = {
            before.result: self.class_of(store)
            for block in self.program.blocks.values()
            for before, store in _with_old(block.ops)
        }

    def class_of(self, access: Op) -> Var | None:
        return self.buffers.class_of(access.args[0])

    def moment(self, label: int, index: int, cls: Var) -> tuple[int, int] | None:
        """The place in the forward sweep with whose memory the op number `index` of a block of reverse code runs."""
        block = self.reverse[label]
        if label not in self.base:
            if not isinstance(block.end, Jump) or block.end.to.target not in self.base:
                return None
            before = self.base[block.end.to.target]
            return before, len(self.program.blocks[before].ops)
        at = self.base[label]
        undone = sum(self._restores(op, cls) for op in block.ops[:index])
        writes = self._writes(at, cls)
        return at, writes[-undone] if undone else len(self.program.blocks[at].ops)

    def _restores(self, op: Op, cls: Var) -> bool:
        return isinstance(op.fn, Restore) and self.overwritten[op.fn.old] is cls

    def is_restored(self, restore: Restore) -> bool:
        """Is the class of the buffer among those that are put back?"""
        return self.overwritten[restore.old] in self.restored

    def _writes(self, label: int, cls: Var) -> list[int]:
        return [i for i, op in enumerate(self.program.blocks[label].ops) if self.buffers.may_write(op, cls)]

    def can_repeat(self, load: Op, label: int, index: int) -> bool:
        """Does the load give there what it gave the last time?"""
        cls = self.class_of(load)
        if cls is None or cls not in self.restored or load not in self.place:
            return False
        moment = self.moment(label, index, cls)
        if moment is None:
            return False
        (home, at), (there, end) = self.place[load], moment
        if home == there:
            return at < end and not any(at < i < end for i in self._writes(home, cls))
        if any(i > at for i in self._writes(home, cls)) or any(i < end for i in self._writes(there, cls)):
            return False
        return not any(self._writes(other, cls) for other in self._on_the_way(home, there))

    def _on_the_way(self, a: int, b: int) -> frozenset[int]:
        """The blocks on ways from the end of a to the start of b that do not come by a again."""
        if (a, b) not in self._between:
            ahead = self._reached([edge.target for edge in edges(self.program.blocks[a].end)], a, forward=True)
            back = self._reached(self.graph.preds[b], a, forward=False)
            self._between[a, b] = ahead & back
        return self._between[a, b]

    def _reached(self, start: Iterable[int], without: int, forward: bool) -> frozenset[int]:
        seen: set[int] = set()
        todo = list(start)
        while todo:
            label = todo.pop()
            if label == without or label in seen:
                continue
            seen.add(label)
            after = [edge.target for edge in edges(self.program.blocks[label].end)]
            todo += after if forward else self.graph.preds[label]
        return frozenset(seen)


def candidates(reversed_: Reversed, buffers: Buffers) -> list[Var]:
    """The classes all of whose stores have a mirror image that can put back what they have overwritten."""
    program, graph = reversed_.canonical.program, reversed_.canonical.graph
    restores: dict[int, set[Var]] = {}
    for label, block in reversed_.program.blocks.items():
        restores[label] = {op.fn.old for op in block.ops if isinstance(op.fn, Restore)}
    olds = set().union(*restores.values()) if restores else set()
    if not olds:
        return []
    found: dict[Var, bool] = {}
    for label in graph.order:
        ops = program.blocks[label].ops
        kept = {store: before.result for before, store in _with_old(ops)}
        for op in ops:
            cls = buffers.class_of(op.args[0]) if op.fn is mem_store else None
            if cls is None:
                continue
            old = kept.get(op)
            mirrored = reversed_.mirror.get(label)
            ok = label not in graph.finishing or (mirrored is not None and old in restores[mirrored])
            found[cls] = found.get(cls, True) and ok
    return [cls for cls, ok in found.items() if ok]
