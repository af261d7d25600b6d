"""Which buffers a program's variables may hold, and which of them may change when.

Variables that may hold the same buffer because one is passed on as the other are of one class.  Different classes are
different buffers, except that what comes from places that a program does not see (a stack, a call, a capture, a tape
that others know) may be any buffer that was there before or that was given away.  All handles that are stored in
buffers of one class, or found in them, are of one class: what those buffers *hold*.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zyg.ir.external import External
from zyg.ir.facts import fact
from zyg.ir.graph import Graph, graph_of
from zyg.ir.memory import ALLOCATIONS, WRITES, holds_handles, is_memory, mem_give, mem_keep, mem_load, mem_store
from zyg.ir.program import Call, Callback, Op, Operand, Program, Return, Type, Var, edges
from zyg.ir.tape import StackType, TapeType, push, tape_get, tape_new, tape_put, tape_reserve, tape_zeros
from zyg.rules import primitives as p


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the buffers of a class come from: parameters of the program, its allocations, places it does not see."""

    params: frozenset[Var] = frozenset()
    allocations: frozenset[Var] = frozenset()
    unknown: bool = False

    def __or__(self, other: Origin) -> Origin:
        return Origin(self.params | other.params, self.allocations | other.allocations, self.unknown or other.unknown)


class _Groups:
    """Sets of things that are one and the same, as far as is known."""

    def __init__(self) -> None:
        self.parent: dict[Hashable, Hashable] = {}

    def find(self, one: Hashable) -> Hashable:
        self.parent.setdefault(one, one)
        while self.parent[one] is not one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def unite(self, a: Hashable, b: Hashable) -> None:
        self.parent[self.find(a)] = self.find(b)


def _flows(program: Program, wanted: Callable[[Type], bool]) -> _Groups:
    """The variables of types that are `wanted`, grouped where one is passed on as the other."""
    groups = _Groups()

    def unite(a: Operand, b: Operand) -> None:
        if isinstance(a, Var) and isinstance(b, Var) and wanted(a.type):
            groups.unite(a, b)

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
    return groups


_PASSING = frozenset((p.identity, p.stop_gradient, tape_reserve))


@fact
def _own_tapes(program: Program) -> dict[Var, Hashable]:
    """The tapes that are made here and that nobody else knows, each with a representative of its group."""
    groups = _flows(program, lambda kind: isinstance(kind, TapeType))
    shared: list[Operand] = list(program.params)
    for block in program.blocks.values():
        for op in block.ops:
            if isinstance(op.fn, Call) or op.fn in (push, tape_put):
                shared += op.args[1:] if op.fn is tape_put else op.args
            if op.fn not in _TAPES:
                shared += op.results
        if isinstance(block.end, Return):
            shared += block.end.values
    known = {groups.find(operand) for operand in shared if operand in groups.parent}
    return {
        tape: groups.find(tape) for tape in groups.parent if isinstance(tape, Var) and groups.find(tape) not in known
    }


_TAPES = frozenset((tape_new, tape_zeros, p.select, *_PASSING))


@fact
def classes(program: Program) -> dict[Var, Var]:
    """For every variable that holds a buffer, a representative of its class.

    What the program finds in a tape of its own, or in a buffer of handles, is what has been put there.
    """
    groups = _flows(program, is_memory)
    tapes = _own_tapes(program)
    for op in program.ops():
        kept = op.args[3] if op.fn is tape_put else op.result if op.fn is tape_get else None
        if isinstance(kept, Var) and is_memory(kept.type) and op.args[0] in tapes:
            groups.unite((tapes[op.args[0]], op.args[2]), kept)
    unite_held(program, groups.find, groups.unite)
    members: dict[Hashable, Var] = {}
    for var in groups.parent:
        if isinstance(var, Var):
            members.setdefault(groups.find(var), var)
    return {var: members[groups.find(var)] for var in groups.parent if isinstance(var, Var)}


def unite_held(program: Program, find: Callable[[Any], Any], unite: Callable[[Any, Any], None]) -> bool:
    """Unite the handles that buffers of one class hold; whether there were any to unite."""
    places = [
        (op.args[0], op.result if op.fn is mem_load else op.args[2])
        for op in program.ops()
        if op.fn in (mem_load, mem_store) and holds_handles(op.args[0].type)
    ]
    united, changed = False, True
    while changed:
        changed = False
        held: dict[Hashable, Var] = {}
        for buffer, handle in places:
            if isinstance(buffer, Var) and isinstance(handle, Var):
                other = held.setdefault(find(buffer), handle)
                if find(other) is not find(handle):
                    unite(other, handle)
                    united = changed = True
    return united


def held(program: Program, of: Mapping[Var, Var]) -> dict[Var, Var]:
    """For every class of buffers of handles, the class of what they hold."""
    found: dict[Var, Var] = {}
    for op in program.ops():
        if op.fn in (mem_load, mem_store) and holds_handles(op.args[0].type):
            handle = op.result if op.fn is mem_load else op.args[2]
            if isinstance(op.args[0], Var) and isinstance(handle, Var):
                found[of[op.args[0]]] = of[handle]
    return found


def with_held(found: Iterable[Var], holds: Mapping[Var, Var]) -> set[Var]:
    """These classes, what they hold, what that holds, …"""
    closed: set[Var] = set()
    for cls in found:
        while cls not in closed:
            closed.add(cls)
            cls = holds.get(cls, cls)
    return closed


@fact
def origins(program: Program) -> dict[Var, Origin]:
    """Where the buffers of each class come from."""
    of, tapes = classes(program), _own_tapes(program)
    found = dict.fromkeys(of.values(), Origin())
    for param in program.params:
        if param in of:
            found[of[param]] |= Origin(params=frozenset((param,)))
    for op in program.ops():
        for result in op.results:
            if result in of and (op.fn in ALLOCATIONS or (isinstance(op.fn, Call) and not op.fn.writes)):
                found[of[result]] |= Origin(allocations=frozenset((result,)))
            elif result in of and op.fn is not p.select and op.fn not in _PASSING and op.fn is not mem_load:
                if not (op.fn is tape_get and op.args[0] in tapes):
                    found[of[result]] |= Origin(unknown=True)
    holds = held(program, of)
    shared = {cls for cls, origin in found.items() if origin.params or origin.unknown} | _escaping(program, of)
    for cls in with_held((holds[cls] for cls in shared if cls in holds), holds):
        found[cls] |= Origin(unknown=True)
    return found


@fact
def sources(program: Program) -> dict[Var, Origin]:
    """Where the buffer that a variable holds may come from: finer than classes, as what flows in does not flow back."""
    tapes = _own_tapes(program)
    found: dict[Hashable, Origin] = {}
    flows: list[tuple[Hashable, Hashable]] = []
    for param in program.params:
        if is_memory(param.type):
            found[param] = Origin(params=frozenset((param,)))
    for block in program.blocks.values():
        for op in block.ops:
            if op.fn is tape_put and op.args[0] in tapes:
                flows.append((op.args[3], (tapes[op.args[0]], op.args[2])))
            for result in op.results:
                if not is_memory(result.type):
                    continue
                if op.fn in ALLOCATIONS:
                    found[result] = Origin(allocations=frozenset((result,)))
                elif op.fn is tape_get and op.args[0] in tapes:
                    flows.append(((tapes[op.args[0]], op.args[2]), result))
                elif op.fn is mem_load:
                    found[result] = origins(program)[classes(program)[result]]
                elif isinstance(op.fn, Call) and not op.fn.writes:
                    found[result] = Origin(allocations=frozenset((result,)))  # a new one
                elif op.fn is p.select or op.fn in _PASSING:
                    flows += [(arg, result) for arg in op.args if is_memory(arg.type)]
                else:
                    found[result] = Origin(unknown=True)
        for edge in edges(block.end):
            params = program.blocks[edge.target].params
            flows += [(a, q) for q, a in zip(params, edge.args, strict=True) if is_memory(q.type)]
    changed = True
    while changed:
        changed = False
        for source, target in flows:
            old = found.get(target, Origin())
            new = old | found.get(source, Origin())
            if new != old:
                found[target], changed = new, True
    return {var: origin for var, origin in found.items() if isinstance(var, Var) and is_memory(var.type)}


@fact
def escapes(program: Program) -> set[Var]:
    """The classes with a buffer that is passed to a call, returned, put where others find it, or given away."""
    of = classes(program)
    holds = held(program, of)
    foreign = {cls for cls, origin in origins(program).items() if cls in holds and (origin.params or origin.unknown)}
    return with_held(_escaping(program, of), holds) | with_held((holds[cls] for cls in foreign), holds)


def _escaping(program: Program, of: Mapping[Var, Var]) -> set[Var]:
    """Those that escape themselves, not by what holds them."""
    out = list(_kept(program))
    out += [arg for op in program.ops() if isinstance(op.fn, (Call, Callback)) for arg in op.args]
    return {of[operand] for operand in out if isinstance(operand, Var) and operand in of}


def _kept(program: Program) -> Iterator[Operand]:
    """What may still be reached by others when the op that they were an operand of is over."""
    tapes = _own_tapes(program)
    for block in program.blocks.values():
        for op in block.ops:
            if op.fn in (push, mem_give, mem_keep) or (op.fn is tape_put and op.args[0] not in tapes):
                yield from op.args
        if isinstance(block.end, Return):
            yield from block.end.values


class Buffers:
    """The classes of a program, which of them may share elements, and what writes to them."""

    def __init__(self, program: Program) -> None:
        self.distinct, self.hidden = program.distinct, program.hidden
        self.of = classes(program)
        self.origins = origins(program)
        self.escaping = escapes(program)
        self.holds = held(program, self.of)
        kept = {self.of[operand] for operand in _kept(program) if isinstance(operand, Var) and operand in self.of}
        self.kept = with_held(kept, self.holds)

    def class_of(self, operand: Operand) -> Var | None:
        """The class of a buffer; None for a constant, which stands for none in code that is never reached."""
        return self.of[operand] if isinstance(operand, Var) else None

    def is_local(self, cls: Var) -> bool:
        """Are all its buffers made here, and known to nobody else?"""
        origin = self.origins[cls]
        return not origin.params and not origin.unknown and cls not in self.escaping

    def is_own(self, cls: Var) -> bool:
        """Have all its buffers been made here, or does nobody see what is in them if the program fails?"""
        origin = self.origins[cls]
        return self.hidden or (not origin.params and not origin.unknown)

    def may_share(self, a: Var, b: Var) -> bool:
        """May buffers of two classes be the same, given that one of them is written to?"""
        if a is b:
            return True
        one, two = self.origins[a], self.origins[b]
        if not self.distinct and one.params and two.params:
            return True
        return (one.unknown and self._is_reachable(b)) or (two.unknown and self._is_reachable(a))

    def _is_reachable(self, cls: Var) -> bool:
        origin = self.origins[cls]
        return bool(origin.unknown or origin.params) or cls in self.escaping

    def written(self, op: Op) -> frozenset[Var]:
        """The classes that an op may write to, up to `may_share`."""
        if isinstance(op.fn, External):
            return frozenset(self.of[arg] for arg in op.args if isinstance(arg, Var) and arg in self.of)
        if op.fn in WRITES:
            cls = self.class_of(op.args[0])
            return frozenset((cls,)) if cls is not None else frozenset()
        if not isinstance(op.fn, (Call, Callback)) or not op.fn.writes:
            return frozenset()
        found = with_held((self.of[arg] for arg in op.args if isinstance(arg, Var) and arg in self.of), self.holds)
        if any(_holds_buffers(arg.type) for arg in op.args):
            found |= self.kept | {cls for cls, origin in self.origins.items() if origin.unknown or origin.params}
        return frozenset(found)

    def may_write(self, op: Op, cls: Var) -> bool:
        """May an op write to a buffer of this class?"""
        return any(self.may_share(cls, other) for other in self.written(op))


buffers_of = fact(Buffers)


def _holds_buffers(kind: Type) -> bool:
    return isinstance(kind, StackType) or (
        isinstance(kind, TapeType) and any(is_memory(field) or _holds_buffers(field) for field in kind.fields)
    )


def settled(program: Program, graph: Graph) -> Callable[..., bool]:
    """Tells of an op that reads a buffer whether what it may read stays as it is.

    number: of the buffer among its operands and, behind them, its results.  It stays if nothing writes to the buffer
    afterwards, on any path.  What is allocated in a loop, and known by that one name, is another buffer when the
    allocation has been passed again.  What a recursive program has from others may be written by these when it has
    returned: its reverse sweep runs after them.
    """
    buffers = buffers_of(program)
    places = only_allocations(program)
    ways: dict[tuple[int, int], frozenset[int]] = {}
    after = _after(graph)
    home = {op: (label, i) for label in graph.order for i, op in enumerate(program.blocks[label].ops)}
    writes = [(op, *place) for op, place in home.items() if buffers.written(op)]
    last: dict[Var, dict[int, int]] = {}

    def is_settled(op: Op, number: int = 0) -> bool:
        cls = buffers.class_of((*op.args, *op.results)[number])
        if op not in home:
            return False
        if cls is None:
            return True
        if program.recursive and not buffers.is_local(cls):
            return False
        if cls not in last:
            last[cls] = {label: i for write, label, i in writes if buffers.may_write(write, cls)}
        label, index = home[op]
        if last[cls].get(label, -1) > index:
            return False
        if cls in places:
            way = label, places[cls]
            if way not in ways:
                ways[way] = _after_without(graph, *way)
            return not any(other in ways[way] for other in last[cls])
        return not any(after[label] >> other & 1 for other in last[cls])

    return is_settled


@fact
def only_allocations(program: Program) -> dict[Var, int]:
    """The classes of one variable, the result of an allocation that nobody else knows of; and its block."""
    graph, buffers = graph_of(program), buffers_of(program)
    members: dict[Var, int] = {}
    for cls in buffers.of.values():
        members[cls] = members.get(cls, 0) + 1
    return {
        buffers.of[op.result]: label
        for label in graph.order
        for op in program.blocks[label].ops
        if op.fn in ALLOCATIONS and members[buffers.of[op.result]] == 1 and buffers.is_local(buffers.of[op.result])
    }


def _after_without(graph: Graph, start: int, without: int) -> frozenset[int]:
    """The blocks that may run when `start` has ended, before `without` runs again."""
    seen: set[int] = set()
    todo = [edge.target for edge in edges(graph.blocks[start].end)]
    while todo:
        label = todo.pop()
        if label != without and label not in seen:
            seen.add(label)
            todo += [edge.target for edge in edges(graph.blocks[label].end)]
    return frozenset(seen)


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
