"""Which buffers a program's variables may hold, and which of them may change when.

Variables that may hold the same buffer because one is passed on as the other are of one class.  Different classes are
different buffers, except that what comes from places that a program does not see (a tape, a stack, a call, a capture)
may be any buffer that was there before or that was given away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zyg.ir.graph import Graph
from zyg.ir.memory import ALLOCATIONS, WRITES, is_memory, mem_give
from zyg.ir.program import Call, Op, Operand, Program, Return, Type, Var, edges
from zyg.ir.tape import StackType, TapeType, push, tape_put
from zyg.rules import primitives as p


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the buffers of a class come from: parameters of the program, its allocations, places it does not see."""

    params: frozenset[Var] = frozenset()
    allocations: frozenset[Var] = frozenset()
    unknown: bool = False

    def __or__(self, other: Origin) -> Origin:
        return Origin(self.params | other.params, self.allocations | other.allocations, self.unknown or other.unknown)


def classes(program: Program) -> dict[Var, Var]:
    """For every variable that holds a buffer, a representative of its class."""
    parent: dict[Var, Var] = {}

    def find(var: Var) -> Var:
        parent.setdefault(var, var)
        while parent[var] is not var:
            parent[var] = parent[parent[var]]
            var = parent[var]
        return var

    def unite(a: Operand, b: Operand) -> None:
        if isinstance(a, Var) and isinstance(b, Var) and is_memory(a.type):
            parent[find(a)] = find(b)

    for param in program.params:
        unite(param, param)
    for block in program.blocks.values():
        for param in block.params:
            unite(param, param)
        for op in block.ops:
            for result in op.results:
                unite(result, result)
            if op.fn is p.select:
                unite(op.args[1], op.result)
                unite(op.args[2], op.result)
            elif op.fn in _PASSING:
                unite(op.args[0], op.result)
        for edge in edges(block.end):
            for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                unite(arg, param)
    return {var: find(var) for var in list(parent)}


_PASSING = frozenset((p.identity, p.stop_gradient))


def origins(program: Program) -> dict[Var, Origin]:
    """Where the buffers of each class come from."""
    of = classes(program)
    found = dict.fromkeys(of.values(), Origin())
    for param in program.params:
        if param in of:
            found[of[param]] |= Origin(params=frozenset((param,)))
    for op in program.ops():
        for result in op.results:
            if result in of and op.fn in ALLOCATIONS:
                found[of[result]] |= Origin(allocations=frozenset((result,)))
            elif result in of and op.fn is not p.select and op.fn not in _PASSING:
                found[of[result]] |= Origin(unknown=True)
    return found


def escapes(program: Program) -> set[Var]:
    """The classes with a buffer that is passed to a call, returned, put on a tape or stack, or given away."""
    of = classes(program)
    out = list(_kept(program))
    out += [arg for op in program.ops() if isinstance(op.fn, Call) for arg in op.args]
    return {of[operand] for operand in out if isinstance(operand, Var) and operand in of}


def _kept(program: Program) -> Iterator[Operand]:
    """What may still be reached by others when the op that they were an operand of is over."""
    for block in program.blocks.values():
        for op in block.ops:
            if op.fn in (tape_put, push, mem_give):
                yield from op.args
        if isinstance(block.end, Return):
            yield from block.end.values


class Buffers:
    """The classes of a program, which of them may share elements, and what writes to them."""

    def __init__(self, program: Program) -> None:
        self.of = classes(program)
        self.origins = origins(program)
        self.escaping = escapes(program)
        self.kept = {self.of[operand] for operand in _kept(program) if isinstance(operand, Var) and operand in self.of}

    def class_of(self, operand: Operand) -> Var | None:
        """The class of a buffer; None for a constant, which stands for none in code that is never reached."""
        return self.of[operand] if isinstance(operand, Var) else None

    def is_local(self, cls: Var) -> bool:
        """Are all its buffers made here, and known to nobody else?"""
        origin = self.origins[cls]
        return not origin.params and not origin.unknown and cls not in self.escaping

    def may_share(self, a: Var, b: Var) -> bool:
        """May buffers of two classes be the same, given that one of them is written to?"""
        if a is b:
            return True
        one, two = self.origins[a], self.origins[b]
        return (one.unknown and self._is_reachable(b)) or (two.unknown and self._is_reachable(a))

    def _is_reachable(self, cls: Var) -> bool:
        origin = self.origins[cls]
        return bool(origin.unknown or origin.params) or cls in self.escaping

    def written(self, op: Op) -> frozenset[Var]:
        """The classes that an op may write to, up to `may_share`."""
        if op.fn in WRITES:
            cls = self.class_of(op.args[0])
            return frozenset((cls,)) if cls is not None else frozenset()
        if not isinstance(op.fn, Call):
            return frozenset()
        found = {self.of[arg] for arg in op.args if isinstance(arg, Var) and arg in self.of}
        if any(_holds_buffers(arg.type) for arg in op.args):
            found |= self.kept | {cls for cls, origin in self.origins.items() if origin.unknown or origin.params}
        return frozenset(found)

    def may_write(self, op: Op, cls: Var) -> bool:
        """May an op write to a buffer of this class?"""
        return any(self.may_share(cls, other) for other in self.written(op))


def _holds_buffers(kind: Type) -> bool:
    return isinstance(kind, StackType) or (
        isinstance(kind, TapeType) and any(is_memory(field) or _holds_buffers(field) for field in kind.fields)
    )


def settled(program: Program, graph: Graph) -> Callable[..., bool]:
    """Tells of an op that reads a buffer (operand number `number`) whether what it may read stays as it is.

    That is so if nothing writes to the buffer afterwards, on any path.
    """
    buffers = Buffers(program)
    after = _after(graph)
    home = {op: (label, i) for label in graph.order for i, op in enumerate(program.blocks[label].ops)}
    writes = [(op, *place) for op, place in home.items() if buffers.written(op)]
    last: dict[Var, dict[int, int]] = {}

    def is_settled(op: Op, number: int = 0) -> bool:
        cls = buffers.class_of(op.args[number])
        if op not in home:
            return False
        if cls is None:
            return True
        if cls not in last:
            last[cls] = {label: i for write, label, i in writes if buffers.may_write(write, cls)}
        label, index = home[op]
        return last[cls].get(label, -1) < index and not any(after[label] >> other & 1 for other in last[cls])

    return is_settled


def _after(graph: Graph) -> dict[int, int]:
    """For every block the set, by bits, of those that may run when it has ended; itself, if it is in a cycle."""
    found = dict.fromkeys(graph.order, 0)
    changed = True
    while changed:
        changed = False
        for label in reversed(graph.order):
            reached = 0
            for edge in edges(graph.blocks[label].end):
                reached |= 1 << edge.target | found[edge.target]
            if reached != found[label]:
                found[label], changed = reached, True
    return found
