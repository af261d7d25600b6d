"""Which calls stay calls in a large module of which no more derivatives are taken.

Compilers need more than twice as long for twice the code, so a program that would be copied to several places of a
large one is compiled once, if what it does takes longer than calling it: it loops over buffers.  What calls it then
tells it apart which buffers are different.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations

from zyg.ir.external import External
from zyg.ir.graph import graph_of
from zyg.ir.matrices import mem_gemm
from zyg.ir.memory import is_memory
from zyg.ir.program import Call, Module, Op, Program, Var
from zyg.passes.memory_facts import buffers_of
from zyg.passes.results import written_parameters

_LARGE_MODULE = 500
_LARGE_PROGRAM = 100


def staying(module: Module) -> frozenset[str]:
    """The programs that are not to be inlined where they are called."""
    places = Counter(op.fn.callee for program in module.programs.values() for op in _calls(program))

    @cache
    def size(name: str) -> int:
        """The ops of a program with all calls inlined."""
        program = module.programs[name]
        if program.recursive:
            return _own(program)
        return _own(program) + sum(size(op.fn.callee) for op in _calls(program))

    @cache
    def loops(name: str) -> bool:
        program = module.programs[name]
        works = any(isinstance(op.fn, External) or op.fn is mem_gemm for op in program.ops())
        if works or any(loop is not None for loop in graph_of(program).loop_of.values()):
            return True
        return not program.recursive and any(loops(op.fn.callee) for op in _calls(program))

    if size(module.entry) < _LARGE_MODULE:
        return frozenset()
    return frozenset(
        name
        for name, program in module.programs.items()
        if places[name] > 1
        and size(name) >= _LARGE_PROGRAM
        and any(is_memory(param.type) for param in program.params)
        and not any(is_memory(kind) for kind in program.results)
        and loops(name)
    )


def _own(program: Program) -> int:
    return sum(len(block.ops) for block in program.blocks.values())


def _calls(program: Program) -> list[Op]:
    return [op for op in program.ops() if isinstance(op.fn, Call)]


def told_apart(module: Module) -> Module:
    """`module`, its programs `distinct` where all calls of them pass different buffers, if one of them is written."""
    programs = dict(module.programs)
    changed = len(programs) > 1
    while changed:
        changed = False
        sites: dict[str, list[tuple[Program, Op]]] = {}
        for program in programs.values():
            for op in _calls(program):
                sites.setdefault(op.fn.callee, []).append((program, op))
        for name, calls in sites.items():
            if not programs[name].distinct and not programs[name].recursive:
                written = written_parameters(Module(programs, name).reachable())
                if all(_are_different(caller, op, written) for caller, op in calls):
                    programs[name], changed = replace(programs[name], distinct=True), True
    return module.with_programs(programs)


def _are_different(caller: Program, call: Op, written: frozenset[int]) -> bool:
    """Are the buffers that a call passes different, where the callee writes into one of two?"""
    buffers = buffers_of(caller)
    passed = [(i, arg) for i, arg in enumerate(call.args) if isinstance(arg, Var) and is_memory(arg.type)]
    return not any(
        buffers.may_share(buffers.of[one], buffers.of[two])
        for (i, one), (j, two) in combinations(passed, 2)
        if i in written or j in written
    )
