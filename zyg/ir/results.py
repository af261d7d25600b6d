"""The buffers that a module gives to its caller: its own and no other's."""

from __future__ import annotations

from dataclasses import replace

from zyg.ir.memory import ALLOCATIONS, WRITES, MemoryType, mem_copy, mem_give
from zyg.ir.program import Block, Call, Module, Op, Operand, Pos, Program, Return, Var, edges


def give_results(module: Module) -> Module:
    """`module` whose entry gives away the buffers that it returns, or copies where they are not its own."""
    main = module.main
    if not any(isinstance(kind, MemoryType) for kind in main.results):
        return module
    origins = _origins(main)
    blocks = {label: _given(block, origins) for label, block in main.blocks.items()}
    return module.with_programs({**module.programs, module.entry: replace(main, blocks=blocks)})


def _given(block: Block, origins: dict[Var, frozenset[object]]) -> Block:
    if not isinstance(block.end, Return):
        return block
    ops = list(block.ops)
    pos = ops[-1].pos if ops else Pos("", 0, "")
    values: list[Operand] = []
    taken: set[object] = set()
    for value in block.end.values:
        if isinstance(value, Var) and isinstance(value.type, MemoryType):
            made = origins.get(value, frozenset((None,)))
            if made & taken or not all(isinstance(origin, Op) for origin in made):
                copy = Var(value.type, value.name)
                ops.append(Op(mem_copy, (value,), (copy,), pos))
                value = copy
            taken |= made
            ops.append(Op(mem_give, (value,), (), pos))
        values.append(value)
    return Block(block.params, tuple(ops), Return(tuple(values)))


def _origins(program: Program) -> dict[Var, frozenset[object]]:
    """The allocations and parameters that a buffer may come from; None stands for whatever is not known."""
    found: dict[Var, frozenset[object]] = {q: frozenset((q,)) for q in program.params}
    for op in program.ops():
        for result in op.results:
            if isinstance(result.type, MemoryType):
                found[result] = frozenset((op,)) if op.fn in ALLOCATIONS else frozenset((None,))
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


def writes_parameters(module: Module) -> bool:
    """Whether the entry may write into a buffer that it is given."""
    return bool(written_parameters(module))


def written_parameters(module: Module) -> frozenset[int]:
    """The numbers of the entry's parameters into whose buffers it may write."""
    main = module.main
    origins = _origins(main)
    written: set[object] = set()

    def made(buffer: Operand) -> frozenset[object]:
        return origins.get(buffer, frozenset((None,))) if isinstance(buffer, Var) else frozenset((None,))

    for op in main.ops():
        if op.fn in WRITES:
            written |= made(op.args[0])
        elif isinstance(op.fn, Call) and any(isinstance(arg.type, MemoryType) for arg in op.args):
            callee = module.programs[op.fn.callee]
            if any(inner.fn in WRITES for inner in callee.ops()) or callee.calls():
                written |= {origin for arg in op.args if isinstance(arg.type, MemoryType) for origin in made(arg)}
    numbered = [(i, q) for i, q in enumerate(main.params) if isinstance(q.type, MemoryType)]
    return frozenset(i for i, q in numbered if None in written or q in written)
