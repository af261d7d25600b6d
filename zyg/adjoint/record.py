"""Where each primal value that reverse code names comes from.

- it is computed once: it stays in its variable (a block parameter carries it where control has joined);
- it is cheap to compute from what is available: computed again;
- it was stored in a buffer, and nothing else in its place since: read there;
- it changes from iteration to iteration: kept in a tape of its loop, a row per iteration.  Where the number
  of iterations is known in front of the loop nest the tape has exactly as many rows, else it grows.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from zyg.adjoint.accumulation import plain
from zyg.adjoint.mirrored import Counter, Need, Reversed
from zyg.adjoint.prune import pruned
from zyg.adjoint.repeats import Elements, Repeats
from zyg.adjoint.residuals import Forward, computed_again
from zyg.adjoint.restoring import Moments, Restore, candidates, is_lost
from zyg.adjoint.rows import Rows
from zyg.ir.graph import Loop
from zyg.ir.memory import mem_store
from zyg.ir.program import Block, Const, Op, Operand, Pos, Program, Var, edges
from zyg.ir.scalars import b1, i8
from zyg.ir.tape import TapeType, tape_get, tape_new, tape_put, tape_reserve
from zyg.passes.slots import Load, Store, promote
from zyg.rules import primitives as p


@dataclass(frozen=True, slots=True)
class Primal:
    """The slot of a primal value that is computed once."""

    var: Var


@dataclass(frozen=True, slots=True)
class Tape:
    """The slot of the tape of the loop at `header`."""

    header: int


@dataclass(frozen=True, slots=True)
class Visits:
    """The slot that counts, over the whole run, how often the loop at `header` was at its start."""

    header: int


@dataclass(eq=False)
class _Kept:
    """What one loop keeps: the stored values, by field number."""

    fields: list[Var] = field(default_factory=list)


class _Record:
    """price: of what is kept and computed again."""

    def __init__(self, reversed_: Reversed, elements: Elements, moments: Moments) -> None:
        self.form = reversed_.canonical
        self.graph = self.form.graph
        self.program = reversed_.program
        self.mirror = reversed_.mirror
        self.rows = Rows(self.form)
        self.homes: dict[Var, int] = {}
        self.defining: dict[Var, Op] = {}
        for label in self.graph.order:
            block = self.program.blocks[label]
            for var in block.params:
                self.homes[var] = label
            for op in block.ops:
                for result in op.results:
                    self.homes[result] = label
                    self.defining[result] = op
        self.counters = {count.counter: header for header, count in self.form.counts.items()}
        self.kept: dict[int, _Kept] = {}
        self.stored: set[Var] = set()
        self.once: set[Var] = set()
        self.found: dict[Var, Operand] = {}
        self.pos = Pos("", 0, self.program.name)
        self.moments = moments
        self.repeats = Repeats(
            self.form, self.program.blocks, self.defining, self._loop, self._is_free, elements, moments
        )
        self.price = self._decide(self.program.blocks)

    def run(self) -> Program:
        blocks = dict(self.program.blocks)
        for label in list(blocks):
            block = blocks[label]
            if any(isinstance(op.fn, (Need, Restore)) for op in block.ops):
                ops: list[Op] = []
                self.found = {}
                for op in block.ops:
                    if isinstance(op.fn, Store) and isinstance(op.fn.key, Counter):
                        self.found = {}
                    if isinstance(op.fn, Restore):
                        if is_lost(self.defining[op.fn.old]):
                            continue
                        op = Op(mem_store, op.args, (), op.pos)
                    if isinstance(op.fn, Need):
                        self.pos = op.pos
                        value = self._source(op.fn.var, ops)
                        ops.append(Op(p.identity, (value,), op.results, op.pos))
                    else:
                        ops.append(op)
                blocks[label] = Block(block.params, tuple(ops), block.end)
        self._store(blocks)
        self._begin(blocks)
        return promote(self.program.with_blocks(blocks))

    # --- decisions ----------------------------------------------------------------------------------

    def _loop(self, var: Var) -> Loop | None:
        home = self.homes.get(var)
        return None if home is None else self.graph.loop_of[home]

    def _is_free(self, operand: Operand) -> bool:
        return not isinstance(operand, Var) or operand in self.counters or self._loop(operand) is None

    def _decide(self, blocks: Mapping[int, Block]) -> float:
        """Choose how what reverse code names becomes available; the price."""
        needs = [
            (label, i, op.fn.var)
            for label, block in blocks.items()
            for i, op in enumerate(block.ops)
            if isinstance(op.fn, Need)
        ]
        self.repeats.restrict(needs)
        wanted = [var for *_, var in needs]
        self.once.update(var for var in wanted if self._loop(var) is None)
        forward = Forward(
            blocks,
            self.graph,
            self.defining,
            self.homes,
            self.repeats.again,
            self._is_free,
            self.repeats.is_repeatable,
            self._is_growing,
        )
        again, price = computed_again(forward, wanted, self.once)
        todo, seen = [var for var in wanted if not self._is_free(var)], set[Var]()
        while todo:
            var = todo.pop(0)
            if var in seen:
                continue
            seen.add(var)
            op = self.repeats.again(var)
            if var in again and op is not None:
                todo += [arg for arg in op.args if isinstance(arg, Var) and not self._is_free(arg)]
            else:
                self._keep(var)
        return price

    def _is_growing(self, home: int) -> bool:
        loop = self.graph.loop_of[home]
        return loop is not None and self.rows.trips(loop) is None

    def _keep(self, var: Var) -> None:
        loop = self._loop(var)
        assert loop is not None
        self.stored.add(var)
        self.kept.setdefault(loop.header, _Kept()).fields.append(var)

    # --- sources in reverse code --------------------------------------------------------------------

    def _source(self, operand: Operand, ops: list[Op]) -> Operand:
        """The value of a primal operand, computed or fetched once in each block."""
        if not isinstance(operand, Var):
            return operand
        if operand not in self.found:
            self.found[operand] = self._fetched(operand, ops)
        return self.found[operand]

    def _fetched(self, operand: Var, ops: list[Op]) -> Operand:
        if operand in self.counters and self._loop(operand) is not None:
            return self._emit(ops, Load(Counter(self.counters[operand])), (), operand)
        if operand in self.once or self._loop(operand) is None:
            self.once.add(operand)
            return self._emit(ops, Load(Primal(operand)), (), operand)
        if operand in self.stored:
            loop = self._loop(operand)
            assert loop is not None
            tape = self._tape(loop, ops)
            row = self._row(loop, ops, forward=False)
            number = self.kept[loop.header].fields.index(operand)
            return self._emit(ops, tape_get, (tape, row, Const(number, i8)), operand)
        op = self.repeats.again(operand)
        assert op is not None
        args = tuple(self._source(arg, ops) for arg in op.args)
        return self._emit(ops, op.fn, args, operand)

    def _emit(self, ops: list[Op], fn: object, args: tuple[Operand, ...], like: Var) -> Var:
        var = Var(like.type, like.name)
        ops.append(Op(fn, args, (var,), self.pos))
        return var

    def _tape(self, loop: Loop, ops: list[Op]) -> Var:
        return self._emit(ops, Load(Tape(loop.header)), (), Var(self._tape_type(loop), "tape"))

    def _tape_type(self, loop: Loop) -> TapeType:
        return TapeType(tuple(var.type for var in self.kept[loop.header].fields), self.rows.trips(loop) is None)

    def _row(self, loop: Loop, ops: list[Op], forward: bool) -> Operand:
        """The row of the iteration that is running (or being reversed)."""
        trips = self.rows.trips(loop)
        if trips is None:
            visits = self._emit(ops, Load(Visits(loop.header)), (), Var(i8, "row"))
            return self._emit(ops, operator.sub, (visits, Const(1, i8)), visits)
        nest = loop.nest
        row: Operand = Const(0, i8)
        for one, count in zip(nest, trips, strict=True):
            counter: Operand = self.form.counts[one.header].counter
            if not forward:
                counter = self._emit(ops, Load(Counter(one.header)), (), Var(i8, "k"))
            if one is nest[0]:
                row = counter
                continue
            size = self._width(count, self._keeps_last_visit(loop, one), ops, forward)
            row = self._emit(ops, operator.mul, (row, size), Var(i8))
            row = self._emit(ops, operator.add, (row, counter), Var(i8))
        return row

    def _width(self, trips: Operand, last: bool, ops: list[Op], forward: bool) -> Operand:
        """Rows per execution of a loop: its trips, and one for the last, partial visit if something is kept then."""
        value = trips if forward else self._source(trips, ops)
        if isinstance(value, Const):
            return Const(max(int(value.value.real), 0) + last, i8)
        some = self._emit(ops, operator.gt, (value, Const(0, i8)), Var(b1))
        count = self._emit(ops, p.select, (some, value, Const(0, i8)), Var(i8))
        return self._emit(ops, operator.add, (count, Const(1, i8)), count) if last else count

    def _keeps_last_visit(self, loop: Loop, one: Loop) -> bool:
        """Is anything in the tape of `loop` defined in the last visit of `one`, it or a loop around it?"""
        return any(self.rows.is_in_last_visit(one, self.homes[var]) for var in self.kept[loop.header].fields)

    # --- the forward sweep --------------------------------------------------------------------------

    def _store(self, blocks: dict[int, Block]) -> None:
        for header, kept in self.kept.items():
            loop = self.graph.loop_of[header]
            assert loop is not None
            if self.rows.trips(loop) is None:
                self._count_visits(blocks, loop)
            for number, var in enumerate(kept.fields):
                ops: list[Op] = []
                tape = self._tape(loop, ops)
                row = self._row(loop, ops, forward=True)
                ops.append(Op(tape_put, (tape, row, Const(number, i8), var), (), self.pos))
                self._after_definition(blocks, var, ops)
        for var in self.once:
            self._after_definition(blocks, var, [Op(Store(Primal(var)), (var,), (), self.pos)])

    def _after_definition(self, blocks: dict[int, Block], var: Var, ops: list[Op]) -> None:
        home = self.homes.get(var, self.graph.order[0])
        block = blocks[home]
        at = next((i + 1 for i, op in enumerate(block.ops) if var in op.results), None)
        if at is None:
            at = next(
                (i for i, op in enumerate(block.ops) if not isinstance(op.fn, (Load, Store)) and op.fn not in _FIRST),
                len(block.ops),
            )
        blocks[home] = Block(block.params, (*block.ops[:at], *ops, *block.ops[at:]), block.end)

    def _count_visits(self, blocks: dict[int, Block], loop: Loop) -> None:
        """Forward: the header begins a row.  Reverse: its mirror image ends one.

        Rows are made in front of the loop where it is known there how many it will take, else one by one.
        """
        trips = self.form.counts[loop.header].trips
        ops: list[Op] = []
        before: Operand = self._emit(ops, Load(Visits(loop.header)), (), Var(i8, "row"))
        last = before
        if trips is not None:
            last = self._emit(ops, operator.add, (before, self._width(trips, False, ops, forward=True)), Var(i8, "row"))
        tape = self._tape(loop, ops)
        grown = self._emit(ops, tape_reserve, (tape, last), tape)
        ops.append(Op(Store(Tape(loop.header)), (grown,), (), self.pos))
        if trips is not None:
            (front,) = (pred for pred in self.graph.preds[loop.header] if pred not in loop.blocks)
            block = blocks[front]
            blocks[front] = Block(block.params, (*block.ops, *ops), block.end)
            ops = []
            before = self._emit(ops, Load(Visits(loop.header)), (), Var(i8, "row"))
        after = self._emit(ops, operator.add, (before, Const(1, i8)), Var(i8, "row"))
        ops.append(Op(Store(Visits(loop.header)), (after,), (), self.pos))
        block = blocks[loop.header]
        blocks[loop.header] = Block(block.params, (*ops, *block.ops), block.end)
        mirrored = self.mirror[loop.header]
        ops = []
        now = self._emit(ops, Load(Visits(loop.header)), (), Var(i8, "row"))
        less = self._emit(ops, operator.sub, (now, Const(1, i8)), now)
        ops.append(Op(Store(Visits(loop.header)), (less,), (), self.pos))
        # After everything in the mirror image of the header, also on the edges that leave it.
        block = blocks[mirrored]
        for edge in edges(block.end):
            out = blocks[edge.target]
            blocks[edge.target] = Block(out.params, (*out.ops, *ops), out.end)
            ops = [Op(op.fn, op.args, op.results, op.pos) for op in _renamed(ops)]

    def _begin(self, blocks: dict[int, Block]) -> None:
        """Tapes: exact ones in front of their loop nest, growing ones empty at the start."""
        for header in self.kept:
            loop = self.graph.loop_of[header]
            assert loop is not None
            trips = self.rows.trips(loop)
            ops: list[Op] = []
            outermost = loop.nest[0]
            if trips is None:
                home, rows = self.graph.order[0], Const(0, i8)
                total: Operand = rows
            else:
                (home,) = (q for q in self.graph.preds[outermost.header] if q not in outermost.blocks)
                total = Const(1, i8)
                for one, count in zip(loop.nest, trips, strict=True):
                    width = self._width(count, self._keeps_last_visit(loop, one), ops, forward=True)
                    total = width if total == Const(1, i8) else self._emit(ops, operator.mul, (total, width), Var(i8))
            tape = self._emit(ops, tape_new, (total,), Var(self._tape_type(loop), "tape"))
            ops.append(Op(Store(Tape(header)), (tape,), (), self.pos))
            block = blocks[home]
            before = ops if trips is None else []
            after = ops if trips is not None else []
            blocks[home] = Block(block.params, (*before, *block.ops, *after), block.end)


_FIRST = frozenset((tape_reserve, operator.add))


def _renamed(ops: list[Op]) -> list[Op]:
    names: dict[Var, Var] = {}
    out = []
    for op in ops:
        for result in op.results:
            names[result] = Var(result.type, result.name)
        args = tuple(names.get(a, a) if isinstance(a, Var) else a for a in op.args)
        out.append(Op(op.fn, args, tuple(names[r] for r in op.results), op.pos))
    return out


def record(reversed_: Reversed) -> Program:
    """A runnable program: forward sweep and reverse sweep in one."""
    elements = Elements(reversed_.canonical)
    best = _recording(reversed_, elements, frozenset())
    for cls in candidates(reversed_, elements.buffers) if best.repeats.read else ():
        if cls in best.repeats.read:
            other = _recording(reversed_, elements, best.moments.restored | {cls})
            if other.price < best.price:
                best = other
    return plain(best.run())


def _recording(reversed_: Reversed, elements: Elements, restored: frozenset[Var]) -> _Record:
    """What to keep if the buffers of the classes `restored` are put back."""
    chosen = Moments(reversed_, elements.buffers, restored)
    blocks = {
        label: Block(
            block.params,
            tuple(op for op in block.ops if not isinstance(op.fn, Restore) or chosen.is_restored(op.fn)),
            block.end,
        )
        for label, block in reversed_.program.blocks.items()
    }
    lean = replace(reversed_, program=pruned(replace(reversed_, program=reversed_.program.with_blocks(blocks))))
    return _Record(lean, elements, Moments(lean, elements.buffers, restored))
