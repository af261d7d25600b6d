"""What the native form of each program needs of its callers, found over the whole call graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from zyg.codegen.tape import framed_tapes
from zyg.ir.memory import ALLOCATIONS, WRITES, MemoryType, mem_give, mem_reserve
from zyg.ir.program import Callback, Const, Guard, Module, Operand, Program, Raise, Var
from zyg.ir.tape import TapeType, push, tape_new, tape_put, tape_reserve, tape_zeros

_MEMORY = (TapeType, MemoryType)
_ALLOCATING = frozenset((push, tape_reserve, mem_give, mem_reserve)) | ALLOCATIONS


@dataclass(frozen=True, slots=True)
class Outline:
    """fails: the function gives a status before its results.  context: it takes the context of the outermost call.
    recursive: it checks the depth of the machine stack.  scoped: what it allocates is free when it returns."""

    fails: bool
    context: bool
    recursive: bool
    scoped: bool


def outlines(module: Module) -> Mapping[str, Outline]:
    programs = module.programs
    recursive = {name for name, program in programs.items() if program.recursive or _reaches_itself(name, programs)}
    allocating = _spread(programs, _allocates)
    leaking = _spread(programs, lambda program: any(_keeps_memory(program)))
    fails = _spread(programs, lambda p: p.name in recursive or _allocates(p) or any(True for _ in _failures(p)))
    context = _spread(programs, lambda p: p.name in recursive or _allocates(p) or reported_values(p) > 0)
    return {
        name: Outline(
            name in fails,
            name in context,
            name in recursive,
            name in allocating
            and name not in leaking
            and (program.apart or not any(isinstance(t, _MEMORY) for t in program.results)),
        )
        for name, program in programs.items()
    }


def reported_values(program: Program) -> int:
    """The largest number of run-time values that a failure in `program` names."""
    return max((sum(isinstance(v, Var) for v in values) for values in _failures(program)), default=0)


def _spread(programs: Mapping[str, Program], holds: Callable[[Program], bool]) -> set[str]:
    """The programs for which `holds` is true of themselves or of something they call."""
    found = {name for name, program in programs.items() if holds(program)}
    callers: dict[str, list[str]] = {name: [] for name in programs}
    for name, program in programs.items():
        for callee in program.calls():
            callers[callee].append(name)
    todo = list(found)
    while todo:
        for caller in callers[todo.pop()]:
            if caller not in found:
                found.add(caller)
                todo.append(caller)
    return found


def _reaches_itself(name: str, programs: Mapping[str, Program]) -> bool:
    seen: set[str] = set()
    todo = list(programs[name].calls())
    while todo:
        callee = todo.pop()
        if callee == name:
            return True
        if callee not in seen:
            seen.add(callee)
            todo.extend(programs[callee].calls())
    return False


def _failures(program: Program) -> Iterator[tuple[Operand, ...]]:
    """The operands that each possible failure of `program` names."""
    for block in program.blocks.values():
        for op in block.ops:
            if isinstance(op.fn, Guard) and not is_always(op.args[0]):
                yield op.args[1:]
            elif isinstance(op.fn, Callback):
                yield ()
        if isinstance(block.end, Raise):
            yield block.end.args


def is_always(cond: Operand) -> bool:
    return isinstance(cond, Const) and bool(cond.value)


def _allocates(program: Program) -> bool:
    framed = framed_tapes(program)
    return any(op.fn in _ALLOCATING or (op.fn in (tape_new, tape_zeros) and op not in framed) for op in program.ops())


def _keeps_memory(program: Program) -> Iterator[bool]:
    """Whether each op puts a tape or buffer where it outlives the program: its own tapes do not."""
    given = any(isinstance(param.type, TapeType) for param in program.params)
    for op in program.ops():
        if op.fn is push or (op.fn is tape_put and given):
            yield any(isinstance(arg.type, _MEMORY) for arg in op.args[1 if op.fn is push else 3 :])
        elif op.fn in WRITES and len(op.args) > 2:
            yield isinstance(op.args[2].type, _MEMORY)
