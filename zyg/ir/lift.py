"""Lifted captures become parameters: of the entry, and of every program that reads one or calls one that does."""

from __future__ import annotations

from dataclasses import replace

from zyg.ir.captures import Capture
from zyg.ir.graph import substitute
from zyg.ir.program import Block, Call, Module, Op, Operand, Program, Type, Var


def lift_captures(module: Module, kinds: list[Type]) -> Module:
    """`module` without `Capture` ops; its entry takes the captured values after its own parameters."""
    module = module.reachable()
    needs = {
        name: {op.fn.index for op in program.ops() if isinstance(op.fn, Capture)}
        for name, program in module.programs.items()
    }
    size = -1
    while sum(map(len, needs.values())) != size:
        size = sum(map(len, needs.values()))
        for name, program in module.programs.items():
            for callee in program.calls():
                needs[name] |= needs[callee]
    needs[module.entry] = set(range(len(kinds)))
    names = [""] * len(kinds)
    for program in module.programs.values():
        for op in program.ops():
            if isinstance(op.fn, Capture):
                names[op.fn.index] = op.fn.name
    inputs = list(zip(kinds, names, strict=True))
    lifted = {name: _lift(program, sorted(needs[name]), needs, inputs) for name, program in module.programs.items()}
    return module.with_programs(lifted)


def _lift(program: Program, own: list[int], needs: dict[str, set[int]], all_inputs: list[tuple[Type, str]]) -> Program:
    inputs = {index: Var(*all_inputs[index]) for index in own}
    renamed: dict[Var, Operand] = {}
    blocks: dict[int, Block] = {}
    for label, block in program.blocks.items():
        ops = []
        for op in block.ops:
            if isinstance(op.fn, Capture):
                renamed[op.result] = inputs[op.fn.index]
            elif isinstance(op.fn, Call):
                more = tuple(inputs[index] for index in sorted(needs[op.fn.callee]))
                ops.append(Op(op.fn, (*op.args, *more), op.results, op.pos))
            else:
                ops.append(op)
        blocks[label] = Block(block.params, tuple(ops), block.end)

    def new(operand: Operand) -> Operand:
        return renamed.get(operand, operand) if isinstance(operand, Var) else operand

    blocks = {label: substitute(block, new) for label, block in blocks.items()}
    return replace(program, params=(*program.params, *inputs.values()), blocks=blocks)
