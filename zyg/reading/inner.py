"""A differentiated function as a module of its own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from numba import types

from zyg.errors import ValueArgumentError, unsupported
from zyg.ir.memory import MemoryType, mem_apart, mem_keep
from zyg.ir.program import Block, Capture, Module, Operand, Type, Var
from zyg.ir.verify import checked_module
from zyg.passes.lanes_apart import without_lanes
from zyg.passes.lift import open_captures
from zyg.passes.results import written_parameters
from zyg.passes.simplify import inline
from zyg.reading.captured import opened_whole
from zyg.reading.foreign import check_runs_once
from zyg.reading.maps import without_parts
from zyg.reading.naming import named_after
from zyg.reading.sites import Reread
from zyg.reading.values import Static, Value, has_memory_list, parameter, passed, structure, variables

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def settled(
    reader: FunctionReader, args: Sequence[Value], kws: dict[str, Value], chosen: Container[int]
) -> tuple[list[Value], dict[str, Value]]:
    """The arguments of a derivative, computed where they have waited: it is taken by their elements.

    chosen: those that it is taken by; what they hold is known.
    """
    settle = reader.spec.calls.settle
    frozen = reader.spec.calls.frozen

    def ready(arg: Value) -> Value:
        return frozen(reader, without_parts(reader, settle(reader, arg)))

    own = [opened_whole(reader, arg) if number in chosen else arg for number, arg in enumerate(map(ready, args))]
    return own, {name: ready(arg) for name, arg in kws.items()}


_RESULT = "a function that is differentiated cannot give a list whose length is not known when compiling"


def read_inner(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]
) -> tuple[Module, Value, list[Value], list[Operand], dict[int, Var]]:
    """`fn` as a module whose entry's parameters are the variables of [fn, *args, *kws], then the arrays that it
    captures: one buffer each, however often it is reached, so that it has one shadow.

    Gives the module, the result inside it, its parameters as values, the operands of a call, and the captured
    buffers by their numbers.  What has been read for values of the same kinds is not read again.
    """
    spec = reader.spec
    own = (spec.own_rules, spec.orders, len(args), tuple(kws))
    key = (own, tuple(structure(value) for value in (fn, *args, *kws.values())))
    found = spec.inner.get(key)
    if found is None:
        found = spec.inner[key] = _inner(reader, fn, args, kws)
    if spec.repeated:
        check_runs_once(reader, found.module.programs.values(), spec.repeated)
    operands = [leaf for value in (fn, *args, *kws.values()) for leaf in passed(value)]
    operands += [reader.emit(Capture(number), (), var.type) for number, var in found.captured.items()]
    return found.module, found.result, found.formals, operands, found.captured


@dataclass(frozen=True, slots=True)
class Inner:
    """A differentiated function as it was read; `captured`: the captured buffers by their numbers, in order."""

    module: Module
    result: Value
    formals: list[Value]
    captured: dict[int, Var]


def _inner(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]) -> Inner:
    spec = reader.spec
    formal_fn, *formals = [parameter(value) for value in (fn, *args, *kws.values())]
    for number, name in enumerate(_parameter_names(fn)[: len(args)]):
        formals[number] = named_after(formals[number], name)
    named = dict(zip(kws, formals[len(args) :], strict=True))
    params = tuple(v for value in (formal_fn, *formals) for v in variables(value) if isinstance(v, Var))

    def build(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        y = spec.calls.call(inner, formal_fn, formals[: len(args)], named)
        return spec.calls.frozen(inner, spec.calls.settle(inner, y))

    spec.deriving += 1
    try:
        entry, result = spec.synthetic(_name(fn), params, build)
    finally:
        spec.deriving -= 1
    spec.programs[entry] = replace(spec.programs[entry], distinct=True)
    if spec.sites.changed:
        raise Reread
    if has_memory_list(result):
        raise unsupported(_RESULT, reader.pos, "Make an array of it: np.array(…).")
    module = checked_module(inline(checked_module(_joined(without_lanes(module_of(reader, entry))))))
    arrays = captured_arrays(module)
    opened = open_captures(module, sorted(arrays.items()), ".open")
    captured = dict(zip(sorted(arrays), opened.main.params[len(module.main.params) :], strict=True))
    return Inner(checked_module(opened), result, formals, captured)


def module_of(reader: FunctionReader, entry: str) -> Module:
    """A program that has been read, with what it calls."""
    programs = reader.spec.programs
    try:
        return checked_module(Module(programs, entry).reachable())
    except KeyError:  # what it calls is being read
        raise unsupported(
            "a function that is differentiated, checkpointed or part of a rule inside itself", reader.pos
        ) from None


def _joined(module: Module) -> Module:
    """`module` in which programs that are kept apart may be inlined where they are called, but not what rules keep so.

    They belong to derivatives that have been taken already, and are differentiated again.
    """
    programs = dict(module.programs)
    if not any(program.apart for program in programs.values()):
        return module
    names = {name: f"{name}.joined" if program.apart else name for name, program in programs.items()}
    done: set[str] = set()
    todo = [module.entry]
    while todo:
        name = todo.pop()
        program = module.programs[name]
        if name in done or program.custom is not None:
            continue
        done.add(name)
        todo += program.calls()
        blocks = {
            label: Block(block.params, tuple(op for op in block.ops if op.fn is not mem_keep), block.end)
            for label, block in program.blocks.items()
        }
        made = replace(program, blocks=blocks, apart=False) if program.apart else program
        programs[names[name]] = made.renamed(names)
    return Module(programs, names[module.entry]).reachable()


def captured_arrays(module: Module) -> dict[int, Type]:
    """The numbers and types of the captured buffers that a module reads or writes, but for rules of users."""
    found: dict[int, Type] = {}
    for program in module.reachable().programs.values():
        for op in program.ops():
            if isinstance(op.fn, Capture) and isinstance(op.result.type, MemoryType):
                found[op.fn.index] = op.result.type
    return found


def captured_numbers(module: Module) -> list[tuple[int, Type]]:
    """The numbers and types of the captured numbers that a module reads and a derivative may be taken by."""
    found: dict[int, Type] = {}
    for program in module.reachable().programs.values():
        for op in program.ops():
            if isinstance(op.fn, Capture) and isinstance(op.result.type, (types.Float, types.Complex)):
                found[op.fn.index] = op.result.type
    return sorted(found.items(), key=lambda pair: pair[0])


def _parameter_names(fn: Value) -> tuple[str, ...]:
    code = (
        getattr(fn.obj, "__code__", None)
        if isinstance(fn, Static)
        else getattr(getattr(fn, "head", None), "code", None)
    )
    return code.co_varnames[: code.co_argcount] if code is not None else ()


def _name(fn: Value) -> str:
    if isinstance(fn, Static):
        return getattr(fn.obj, "__name__", "f").replace("<lambda>", "lambda")
    return "closure"


def check_apart(reader: FunctionReader, module: Module, operands: Sequence[Operand]) -> None:
    """Arrays that a function writes into must not overlap others that it is given: its program rests on that."""
    for number in sorted(written := written_parameters(module)):
        for k, other in enumerate(operands):
            if isinstance(other.type, MemoryType) and k != number and (k > number or k not in written):
                apart = reader.emit(mem_apart, (operands[number], other), types.boolean)
                reader.guard(apart, _overlap_error, "ValueError(overlap)")


def _overlap_error() -> BaseException:
    return ValueArgumentError(
        "a differentiated function writes into an array that overlaps another of its arguments; pass a copy"
    )
