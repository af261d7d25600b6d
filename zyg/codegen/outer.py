"""The functions by which native code is entered.

*Outer*: takes and gives registers by value.  A program that cannot fail and needs no memory is its own outer
function, with the plain signature of C: `define i64 @"zyg.f"(i64 %x)`.  Otherwise the outer function takes the
address of a report last (if any failure reports values), gives a status before the results, and frees all memory
but what is left to the caller.

*Packed*: `i32 entry(ptr in, ptr out, ptr report)`; numbers and handles are in slots of 16 bytes (see
`failures.slot_format`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zyg.codegen import arena, depth
from zyg.codegen.arena_layout import CONTEXT_SIZE, FLOOR, GIVEN, REPORT, STACKS, TAPES
from zyg.codegen.assembly import Assembly, Body, Value, struct, symbol
from zyg.codegen.emit import Emission, internal_symbol, param_values, received, result_parts
from zyg.codegen.failures import SLOT, Sites
from zyg.codegen.machine import Parts, all_parts, load, parts, store
from zyg.codegen.outline import Outline, outlines, reported_values
from zyg.ir.memory import mem_give
from zyg.ir.program import Module, Type
from zyg.ir.tape import push


@dataclass(frozen=True, slots=True)
class Outer:
    """The outer function of a module, as seen by a caller in LLVM.

    fails: it gives a status (`i32`, 0 for success) before its results.  report_slots: if not 0, it takes the
    address of a buffer of so many 16-byte slots after its parameters.
    """

    symbol: str
    params: tuple[Type, ...]
    results: tuple[Type, ...]
    fails: bool
    report_slots: int

    @property
    def packed_symbol(self) -> str:
        return f"{self.symbol}.packed"

    def parameter_parts(self) -> tuple[str, ...]:
        return all_parts(self.params) + ("ptr",) * bool(self.report_slots)

    def result_parts(self) -> tuple[str, ...]:
        return ("i32",) * self.fails + all_parts(self.results)

    def declare(self, assembly: Assembly) -> None:
        """For modules other than its own."""
        params = ["i1 zeroext" if part == "i1" else part for part in self.parameter_parts()]
        result = struct(self.result_parts())
        assembly.declare(self.symbol, "zeroext i1" if result == "i1" else result, params, "nounwind")

    def call(self, b: Body, args: Sequence[Parts], report: Value | None = None) -> tuple[Value | None, list[Parts]]:
        """Call it: the status, if it gives one, and the results.  Without `report`, what it says is dropped."""
        registers = [value for arg in args for value in arg]
        if self.report_slots:
            registers.append(report or b.slot(self.report_slots * SLOT))
        types = self.result_parts()
        arguments = ", ".join(f"i1 zeroext {v.ref}" if v.type == "i1" else str(v) for v in registers)
        result = struct(types)
        if result == "void":
            b.line(f"call void {symbol(self.symbol)}({arguments})")
            return None, []
        extended = "zeroext i1" if result == "i1" else result
        found = b.scatter(b.value(result, f"call {extended} {symbol(self.symbol)}({arguments})"), types)
        status = found.pop(0) if self.fails else None
        results = []
        for type in self.results:
            count = len(parts(type))
            results.append(tuple(found[:count]))
            del found[:count]
        return status, results


def emit_module(assembly: Assembly, module: Module, name: str) -> tuple[Outer, Sites]:
    """Add the module's programs and its outer function."""
    module = module.reachable()
    main = module.main
    facts = outlines(module)
    sites = Sites()
    own = facts[main.name]
    slots = max(map(reported_values, module.programs.values()))
    outer = Outer(name, tuple(var.type for var in main.params), main.results, own.fails, slots)
    plain = not own.fails and not own.context
    called = {name for program in module.programs.values() for name in program.calls()}
    for program in module.programs.values():
        is_outer = plain and program is main
        Emission(
            assembly,
            sites,
            module.programs,
            facts,
            program,
            name if is_outer else internal_symbol(program.name),
            "" if is_outer else "internal",
            program is main and main.name not in called,
        ).run()
    if not plain:
        _emit_outer(assembly, module, facts, outer)
    return outer, sites


def _emit_outer(assembly: Assembly, module: Module, facts: Mapping[str, Outline], outer: Outer) -> None:
    main = module.main
    arguments = param_values(main.params)
    registers = [value for argument in arguments for value in argument]
    report = Value("ptr", "%report")
    taken = registers + [report] * bool(outer.report_slots)
    b = Body(assembly, outer.symbol, struct(outer.result_parts()), taken, "")
    rings, given = [], None
    if facts[main.name].context:
        context = b.slot(CONTEXT_SIZE)
        uses_stack = any(op.fn is push for program in module.programs.values() for op in program.ops())
        rings = [arena.ring(b, context, which) for which in (TAPES, STACKS)[: 1 + uses_stack]]
        if any(op.fn is mem_give for program in module.programs.values() for op in program.ops()):
            given = arena.ring(b, context, GIVEN)
            arena.empty_ring(b, given)
        for head in rings:
            arena.empty_ring(b, head)
        if arena.is_used(assembly):
            arena.first_room(b, context)
        if any(outline.recursive for outline in facts.values()):
            b.store(depth.floor(b), b.offset(context, FLOOR))
        if outer.report_slots:
            b.store(report, b.offset(context, REPORT))
        registers.insert(0, context)
    types = result_parts(main, facts[main.name])
    found = received(b, internal_symbol(main.name), types, registers)
    if arena.is_used(assembly):
        for head in rings:
            arena.release_all(b, head)
    if given is not None:
        failed, done = b.label("failed"), b.label("done")
        b.branch(b.compare("icmp eq", found[0], Value("i32", "0")), done, failed, expect=True)
        b.here = failed
        arena.release_all(b, given)
        b.jump(done)
        b.here = done
    b.give(found)
    b.finish()


def emit_packed(assembly: Assembly, outer: Outer) -> None:
    """Add the packed function; where the module does not define it, the outer function is declared."""
    outer.declare(assembly)
    inputs, outputs, report = (Value("ptr", f"%{name}") for name in ("in", "out", "report"))
    b = Body(assembly, outer.packed_symbol, "i32", [inputs, outputs, report], "")
    args = [load(b, type, b.offset(inputs, k * SLOT), "") for k, type in enumerate(outer.params)]
    status, results = outer.call(b, args, report)
    for number, value in enumerate(results):
        store(b, value, b.offset(outputs, number * SLOT), "")
    b.give([status or Value("i32", "0")])
    b.finish()
