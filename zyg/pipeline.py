"""The way of a function, from Python to native code.

read → inline and simplify → (adjoint → record, where a derivative is called) → lift → simplify → compile
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from zyg.codegen.compile import Native, compile_module
from zyg.codegen.guards import Looked
from zyg.errors import UnsupportedError, unsupported
from zyg.ir.memory import MemoryType
from zyg.ir.program import Const, Module, Op, Operand, Pos, Program, Type, Var
from zyg.ir.tree import Tree, leaves
from zyg.ir.verify import checked, checked_module
from zyg.passes.composed import written_out
from zyg.passes.first_writes import first_additions_as_writes
from zyg.passes.hoisted import with_hoisted_reads
from zyg.passes.hoisted_buffers import with_hoisted_buffers
from zyg.passes.lane_quotients import lanes_by_reciprocals
from zyg.passes.last_writes import without_last_writes
from zyg.passes.lift import lift_captures
from zyg.passes.neighbour_sums import sums_of_neighbours
from zyg.passes.once import checks_once
from zyg.passes.ranges import prove_comparisons
from zyg.passes.read_through import read_through
from zyg.passes.reciprocals import with_reciprocals
from zyg.passes.register_sums import sums_in_registers
from zyg.passes.results import give_results, written_parameters
from zyg.passes.simplify import inline, simplify, simplify_program
from zyg.passes.simplify_memory import simplify_memory
from zyg.passes.staying import staying, told_apart
from zyg.passes.upward import upward
from zyg.passes.versions import version_loops
from zyg.reading import python
from zyg.reading.captures import Captures, is_frozen
from zyg.reading.maps import without_parts
from zyg.reading.naming import name_parameters
from zyg.reading.shape import of_tree, tree_of
from zyg.reading.sites import Reread, Sites
from zyg.reading.specialise import Specialiser
from zyg.reading.values import Path, Value, rebuild, variables
from zyg.rules import primitives as p

Build = Callable[[Any, list[Value]], Value]
Adjust = Callable[[Module], tuple[Module, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """A function read for one kind of arguments, and its derivatives taken; what it looked at besides.

    module: its entry takes the leaves of the arguments, then those of what is captured, and returns those of result.
    written: the numbers of the buffers among its entry's parameters that it may write into.
    note: what `adjust` had to say about it (see `lower`).  stretching: see there.  called: the marks of the functions
    that it calls, for which rules may be given.  ordered: what it writes rests on arguments being in C order.
    files: those of the functions that were read.
    """

    module: Module
    result: Tree
    looked: Looked
    fast: frozenset[str]
    written: frozenset[int]
    note: Any = None
    stretching: bool = False
    called: frozenset[Hashable] = frozenset()
    ordered: bool = False
    files: frozenset[str] = frozenset()

    @property
    def has_arrays(self) -> bool:
        """Whether buffers are among what its entry takes or gives."""
        main = self.module.main
        return any(isinstance(kind, MemoryType) for kind in (*(q.type for q in main.params), *main.results))

    def compile(self, packed: bool = False) -> Native:
        """Native code.  packed: with the function that Python calls."""
        return compile_module(self.module, packed, self.fast)


def lower(
    name: str,
    args: Sequence[Tree],
    build: Build,
    lifted_ints: frozenset[Path] = frozenset(),
    frozen: bool = False,
    sought: Sequence[Any] = (),
    stretching: bool = False,
    adjust: Adjust | None = None,
) -> Lowered:
    """What `build` reads for arguments of these kinds.

    lifted_ints: the captured ints that are inputs too.  frozen: captured numbers are constants.
    sought: see `Captures`.  stretching: any dimension may turn out to be 1 and is stretched then, which costs time.
    adjust: gives another module for the one that was read, and a note.
    """
    sites = Sites()
    pos = Pos("<arguments>", 0, name)
    while True:
        try:
            captures = Captures(lifted_ints, frozen, sought)
            with _without_collections():
                return _lowered(name, args, build, Specialiser(python, captures, sites, stretching), adjust)
        except Reread as reread:
            sites.start_over(reread.pos or pos)
        except Exception as error:
            if not sites.has_rolled and isinstance(error, RecursionError):
                raise unsupported("the calls in this function are nested too deeply to be compiled", None) from None
            if not sites.has_rolled:
                raise
            sites = Sites(rolls=False)  # what unrolled code says is what counts


@contextmanager
def _without_collections() -> Iterator[None]:
    """While programs are made Python does not search for unreachable cycles: it would look through everything that is
    alive, compilers included, time and again, and programs have no cycles."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _lowered(name: str, args: Sequence[Tree], build: Build, spec: Specialiser, adjust: Adjust | None) -> Lowered:
    captures = spec.captures
    pos = Pos("<arguments>", 0, name)
    values = [of_tree(tree, (("arg", i),), partial(captures.value, pos=pos)) for i, tree in enumerate(args)]
    params = tuple(v for value in values for v in variables(value) if isinstance(v, Var))
    entry, result = spec.synthetic(name, params, lambda reader: _in_variables(reader, build(reader, values)))
    if spec.sites.changed:
        raise Reread
    spec.programs[entry] = name_parameters(spec.programs[entry], spec.programs)
    spec.programs[entry] = replace(spec.programs[entry], distinct=True)
    module = checked_module(Module(spec.programs, entry).reachable())
    _print("read", module)
    module = _without_rules(module)
    # What is known of the sizes of buffers is found out when the program is fitted
    fitted = _has_buffers(module)
    module = checked_module(inline(module, largest=5000, stay=staying(module.reachable()), prove_entry=not fitted))
    module = told_apart(module)
    note: Any = None
    if adjust is not None:
        module, note = adjust(module)
        module = checked_module(module)
    module = checked_module(lanes_by_reciprocals(written_out(module)))
    inputs = sorted(captures.inputs.values(), key=lambda pair: pair[0])
    kinds: list[Type] = [kind for _, shape in inputs for kind in leaves(shape)]
    module = checked_module(give_results(simplify(checked_module(lift_captures(module, kinds)))))
    if fitted or _has_buffers(module):
        module = module.with_programs({name: _fitted(program) for name, program in module.programs.items()})
    _print("final", module)
    looked = Looked(captures.guards, captures.inputs, captures.homes)
    fast = spec.fast or frozenset()
    written = written_parameters(module)
    first = len(module.main.params) - len(kinds)
    if any(is_frozen(path) and first + number in written for path, (number, _) in captures.inputs.items()):
        raise UnsupportedError(
            f"{name} writes into a captured array, which is a constant in @njit code\nPass the array as an argument."
        )
    called, files = frozenset(spec.called_functions), frozenset(spec.files)
    return Lowered(module, tree_of(result), looked, fast, written, note, spec.stretching, called, spec.ordered, files)


def _without_rules(module: Module) -> Module:
    """`module`, of which no more derivatives are taken."""
    return module.with_programs({n: replace(program, custom=None) for n, program in module.programs.items()})


def _has_buffers(module: Module) -> bool:
    return any(isinstance(kind, MemoryType) for program in module.programs.values() for kind in _kinds(program))


def _kinds(program: Program) -> Iterator[Type]:
    yield from (param.type for param in program.params)
    yield from (result.type for op in program.ops() for result in op.results)


def _fitted(program: Program) -> Program:
    """`program` with the accesses to buffers that it needs, their guards in front of loops where that can be."""
    lean = simplify_memory(program)
    proved = prove_comparisons(lean)
    program = checked(simplify_program(proved))
    if proved is not lean:
        program = checked(simplify_program(simplify_memory(program)))
    program = checked(with_hoisted_reads(simplify_program(upward(program))))
    program = checked(simplify_program(with_reciprocals(sums_in_registers(program))))
    program = checked(simplify_program(sums_of_neighbours(program)))
    program = checked(simplify_program(first_additions_as_writes(without_last_writes(program))))
    program = checked(simplify_program(read_through(program)))
    program = checked(simplify_program(checks_once(program)))
    return checked(with_hoisted_buffers(simplify_program(version_loops(program))))


def _in_variables(reader: Any, result: Value) -> Value:
    """`result`, its constants in variables too: a program returns all numbers of the tree of its result."""

    def variable(leaf: Operand) -> Operand:
        if isinstance(leaf, Const):
            var = Var(leaf.type)
            reader.ops.append(Op(p.identity, (leaf,), (var,), reader.pos))
            return var
        return leaf

    return rebuild(python.frozen(reader, without_parts(reader, python.settle(reader, result))), variable)


def _print(stage: str, module: Module) -> None:
    """With ZYG_PRINT=read,final in the environment, the program after these stages is printed."""
    if stage in os.environ.get("ZYG_PRINT", "").split(","):
        from zyg.printing.show import show

        print(f"--- {stage}\n{show(module)}")
