"""The buffers that a module gives to its caller: its own and no other's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from zyg.ir.memory import ALLOCATIONS, WRITES, MemoryType, mem_copy, mem_give, mem_load, mem_reserve
from zyg.ir.program import Block, Call, Callback, Module, Op, Operand, Pos, Program, Return, Var, edges
from zyg.passes.memory_facts import Buffers, Origin, buffers_of, sources


def give_results(module: Module) -> Module:
    """`module` whose entry gives away the buffers that it returns, or copies where they are not its own."""
    main = module.main
    if not any(isinstance(kind, MemoryType) for kind in main.results):
        return module
    found = origins(main)
    blocks = {label: _given(block, found) for label, block in main.blocks.items()}
    return module.with_programs({**module.programs, module.entry: replace(main, blocks=blocks)})


def _given(block: Block, made_by: dict[Var, frozenset[object]]) -> Block:
    if not isinstance(block.end, Return):
        return block
    ops = list(block.ops)
    pos = ops[-1].pos if ops else Pos("", 0, "")
    values: list[Operand] = []
    taken: set[object] = set()
    for value in block.end.values:
        if isinstance(value, Var) and isinstance(value.type, MemoryType):
            made = made_by.get(value, frozenset((None,)))
            if made & taken or not all(isinstance(origin, Op) for origin in made):
                copy = Var(value.type, value.name)
                ops.append(Op(mem_copy, (value,), (copy,), pos))
                value = copy
            taken |= made
            ops.append(Op(mem_give, (value,), (), pos))
        values.append(value)
    return Block(block.params, tuple(ops), Return(tuple(values)))


def origins(program: Program) -> dict[Var, frozenset[object]]:
    """The allocations and parameters that a buffer may come from; None stands for whatever is not known.

    A buffer that a call gives, and that is a new one, comes from itself.
    """
    found: dict[Var, frozenset[object]] = {q: frozenset((q,)) for q in program.params}
    made = {op.result: op for op in program.ops() if op.fn in ALLOCATIONS}
    buffers: Buffers | None = None
    for op in program.ops():
        for result in op.results:
            if not isinstance(result.type, MemoryType):
                continue
            new = isinstance(op.fn, Call) and not op.fn.writes
            found[result] = frozenset((op if op.fn in ALLOCATIONS else result if new else None,))
            if op.fn is mem_load:
                buffers = buffers or buffers_of(program)
                origin = buffers.origins[buffers.of[result]]
                if not origin.unknown:
                    found[result] = frozenset((*(made.get(v, v) for v in origin.allocations), *origin.params))
    changed = True
    while changed:
        changed = False
        for block in program.blocks.values():
            for edge in edges(block.end):
                for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                    if isinstance(param.type, MemoryType) and isinstance(arg, Var):
                        merged = found.get(param, frozenset()) | found.get(arg, frozenset())
                        if merged != found.get(param):
                            found[param] = merged
                            changed = True
    return found


def written_parameters(module: Module) -> frozenset[int]:
    """The numbers of the entry's parameters that are buffers into which it may write, itself or by what it calls."""
    found: dict[str, frozenset[int]] = {name: frozenset() for name in module.programs}
    while True:
        now = {name: _written(program, found) for name, program in module.programs.items()}
        if now == found:
            return found[module.entry]
        found = now


def _written(program: Program, of_callee: Mapping[str, frozenset[int]]) -> frozenset[int]:
    found = sources(program)
    written = Origin()
    for op in program.ops():
        if op.fn in WRITES or op.fn is mem_reserve:
            targets: list[Operand] = [op.args[0]]
        elif isinstance(op.fn, Call):
            targets = [op.args[number] for number in of_callee[op.fn.callee]]
        elif isinstance(op.fn, Callback) and op.fn.writes:
            targets = [arg for arg in op.args if isinstance(arg.type, MemoryType)]
        else:
            continue
        for target in targets:
            if isinstance(target, Var):
                written |= found.get(target, Origin())
    return frozenset(
        number
        for number, param in enumerate(program.params)
        if isinstance(param.type, MemoryType) and (written.unknown or param in written.params)
    )


def writes_given(program: Program, programs: Mapping[str, Program]) -> bool:
    """Whether a program may write into a buffer that it has not made."""
    made_by = origins(program)
    for op in program.ops():
        targets: list[Operand] = []
        if op.fn in WRITES or op.fn is mem_reserve:
            targets = [op.args[0]]
        elif isinstance(op.fn, Callback) and op.fn.writes:
            targets = [arg for arg in op.args if isinstance(arg.type, MemoryType)]
        elif isinstance(op.fn, Call) and op.fn.writes:
            targets = [op.args[number] for number in written_parameters(Module(programs, op.fn.callee).reachable())]
        for target in targets:
            made = made_by.get(target, frozenset()) if isinstance(target, Var) else frozenset()
            if None in made or any(param in made for param in program.params):
                return True
    return False
