"""Generated entries: what a call of a `Caller` runs, from Python objects to Python objects.

An entry checks the arguments and the guards, takes the inputs out of the objects, calls the outer function of its
program and builds the result.  Where something does not fit it goes on to the entry that it is chained to, and
from the last one to the caller's method `_resolve`.

    chain = Chain()
    caller = MyCaller(f, chain.head)
    # in _resolve, where no entry fits:
    entry = compile_entry(module, guards_of(f, trees, checks, lifted), result)
    caller._entry = chain.promote(entry)
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from zyg.codegen.assembly import Assembly, Body, Label, Value
from zyg.codegen.caller_box import Boxer
from zyg.codegen.caller_environment import Environment
from zyg.codegen.caller_rows import Table, rows, sources
from zyg.codegen.caller_support import COUNT_MASK, FAIL, fallback
from zyg.codegen.caller_type import FUNCTION
from zyg.codegen.caller_walk import NULL, WALK
from zyg.codegen.compile import Native, compile_module
from zyg.codegen.failures import SLOT
from zyg.codegen.guards import Guards
from zyg.codegen.machine import Parts, integer_constant, load
from zyg.codegen.outer import Outer
from zyg.ir.graph import Graph
from zyg.ir.program import Module
from zyg.ir.tree import Tree

SELF, ARGS, COUNT, NAMES = Value("ptr", "%self"), Value("ptr", "%args"), Value("i64", "%count"), Value("ptr", "%names")


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """The loaded entry of one specialisation.

    address: what a caller may run.  successor: the word that holds the address of the entry to try next.
    """

    native: Native
    guards: Guards
    result: Tree
    address: int
    successor: ctypes.c_void_p


def compile_entry(module: Module, guards: Guards, result: Tree) -> Entry:
    """Native code for the module, together with its entry.

    The module's parameters are the inputs of the guards; what it returns are the leaves of the result's tree.
    """
    if tuple(var.type for var in module.main.params) != guards.inputs:
        raise ValueError(f"the program takes {module.main.params}, its guards give {guards.inputs}")
    last = fallback()
    emission = _Emission(guards, result, is_worth_releasing(module))
    native = compile_module(module, emission)
    emission.hook.native = native
    place = native.address_of(environment_symbol(native.outer))
    emission.environment.fill(place, {"table": emission.table.address, "successor": last})
    address = native.address_of(entry_symbol(native.outer))
    return Entry(native, guards, result, address, emission.environment.word(place, "successor"))


def is_worth_releasing(module: Module) -> bool:
    """May the program run long?  To give up the GIL and take it again costs as much as some ten divisions."""
    programs = module.reachable().programs.values()
    return len(programs) > 1 or any(program.calls() or any(Graph(program).loop_of.values()) for program in programs)


def entry_symbol(outer: Outer) -> str:
    return f"{outer.symbol}.entry"


def environment_symbol(outer: Outer) -> str:
    return f"{outer.symbol}.environment"


class _Hook:
    """What a failing entry calls: it is in the entry's environment before the native code exists."""

    native: Native

    def __call__(self, status: int, report: bytes) -> BaseException:
        return self.native.error(status, report)


class _Emission:
    """The making of one entry in the module of its program."""

    def __init__(self, guards: Guards, result: Tree, release: bool) -> None:
        self.environment = Environment("")
        self.hook = _Hook()
        self.table = Table(rows(guards))
        self._guards = guards
        self._result = result
        self._release = release

    def __call__(self, assembly: Assembly, outer: Outer) -> None:
        self.environment.name = environment_symbol(outer)
        body = Body(assembly, entry_symbol(outer), "ptr", [SELF, ARGS, COUNT, NAMES], "")
        miss = body.label("miss")
        inputs = self._inputs(body, miss)
        results = self._call(body, outer, inputs)
        body.give([Boxer(body, self.environment).result(self._result, iter(results))])
        body.here = miss
        successor = self.environment.load_word(body, "successor")
        passed = ", ".join(map(str, (SELF, ARGS, COUNT, NAMES)))
        body.give([body.value("ptr", f"musttail call ptr {successor.ref}({passed})")])
        body.finish("")
        self.environment.define(assembly)

    def _inputs(self, body: Body, miss: Label) -> list[Parts]:
        """The program's inputs; control leaves for `miss` where the call is of another kind."""

        def require(holds: Value) -> None:
            going_on = body.label("ok")
            body.branch(holds, going_on, miss, expect=True)
            body.here = going_on

        count = body.binary("and", COUNT, integer_constant(COUNT_MASK))
        require(body.compare("icmp eq", count, integer_constant(len(self._guards.arguments))))
        require(body.compare("icmp eq", NAMES, NULL))
        function = body.load("ptr", body.offset(SELF, FUNCTION))
        require(body.compare("icmp ne", function, NULL))
        kinds = self._guards.inputs
        out = body.slot(max(1, len(kinds)) * SLOT)
        table, size = self.environment.load_word(body, "table"), integer_constant(len(self.table))
        body.assembly.declare(WALK, "zeroext i1", ["ptr", "i64", "ptr", "ptr", "ptr"])
        require(body.call("i1", WALK, table, size, function, ARGS, out))
        source = sources(self._guards)
        return [load(body, kind, body.offset(out, source[slot] * SLOT), "") for slot, kind in enumerate(kinds)]

    def _call(self, body: Body, outer: Outer, inputs: Sequence[Parts]) -> list[Parts]:
        assembly = body.assembly
        report = body.slot(outer.report_slots * SLOT) if outer.report_slots else NULL
        if self._release:
            assembly.declare("PyEval_SaveThread", "ptr", [])
            assembly.declare("PyEval_RestoreThread", "void", ["ptr"])
            thread = body.call("ptr", "PyEval_SaveThread")
            status, results = outer.call(body, inputs, report)
            body.call("void", "PyEval_RestoreThread", thread)
        else:
            status, results = outer.call(body, inputs, report)
        if status is not None:
            self._raise_unless_zero(body, status, report, outer.report_slots * SLOT)
        return results

    def _raise_unless_zero(self, body: Body, status: Value, report: Value, size: int) -> None:
        failed, fine = body.label("failed"), body.label("fine")
        body.branch(body.compare("icmp eq", status, Value("i32", "0")), fine, failed, expect=True)
        body.here = failed
        body.assembly.declare(FAIL, "ptr", ["ptr", "i32", "ptr", "i64"])
        hook = self.environment.load(body, self.hook)
        body.give([body.call("ptr", FAIL, hook, status, report, integer_constant(size))])
        body.here = fine


class Chain:
    """The entries that callers of one kind try, one after the other: those used last, first.

    Entries are changed while others may be running through them, so at every moment each of them leads to the end.
    """

    LIMIT = 4

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: tuple[Entry, ...] = ()

    @property
    def head(self) -> int:
        """The address that a new caller starts with."""
        entries = self._entries
        return entries[0].address if entries else fallback()

    def promote(self, entry: Entry) -> int:
        """Make an entry the first to be tried; gives its address.  It must not be in another chain."""
        with self._lock:
            entries = self._entries
            if entry in entries[1:]:
                before = entries[entries.index(entry) - 1]
                before.successor.value = entry.successor.value
            if entry not in entries[:1]:
                entry.successor.value = self.head
                kept = (entry, *(other for other in entries if other is not entry))[: self.LIMIT]
                kept[-1].successor.value = fallback()
                self._entries = kept
        return entry.address
