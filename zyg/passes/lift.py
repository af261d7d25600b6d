"""Lifted captures become parameters: of the entry, and of every program that reads one or calls one that does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from zyg.errors import not_differentiable
from zyg.ir.graph import substitute
from zyg.ir.program import Block, Call, Capture, Module, Op, Operand, Pos, Program, Type, Var


def lift_captures(module: Module, kinds: list[Type]) -> Module:
    """`module` without `Capture` ops; its entry takes the captured values after its own parameters."""
    module = module.reachable()
    needs = _needs(module.programs, set(range(len(kinds))))
    needs[module.entry] = set(range(len(kinds)))
    inputs = _inputs(module, enumerate(kinds))
    return module.with_programs({name: _lift(program, needs, inputs) for name, program in module.programs.items()})


def open_captures(module: Module, wanted: Sequence[tuple[int, Type]], suffix: str) -> Module:
    """`module` whose entry takes the captured values of these numbers, which ascend, after its own parameters.

    Programs that read them are copied under names that end in `suffix`, for others call them as they are.  What rules
    of users capture stays captured: no derivative is taken through it.
    """
    module = module.reachable()
    open_to = {name: program for name, program in module.programs.items() if program.custom is None}
    needs = _needs(open_to, {number for number, _ in wanted})
    needs[module.entry] = {number for number, _ in wanted}
    inputs = _inputs(module, wanted)
    names = {name: f"{name}{suffix}" if needs.get(name) else name for name in module.programs}
    opened = {names[n]: _lift(open_to[n], needs, inputs).renamed(names) for n, own in needs.items() if own}
    return Module({**module.programs, **opened}, names[module.entry]).reachable()


def _needs(programs: Mapping[str, Program], wanted: set[int]) -> dict[str, set[int]]:
    """The captures that each program is to be given: those that it or a program that it calls reads."""
    needs = {
        name: {op.fn.index for op in program.ops() if isinstance(op.fn, Capture)} & wanted
        for name, program in programs.items()
    }
    size = -1
    while sum(map(len, needs.values())) != size:
        size = sum(map(len, needs.values()))
        for name, program in programs.items():
            for callee in program.calls():
                needs[name] |= needs.get(callee, set())
    return needs


def _inputs(module: Module, wanted: Iterable[tuple[int, Type]]) -> dict[int, tuple[Type, str]]:
    """Type and name of captured values by their numbers."""
    ops = (op for program in module.programs.values() for op in program.ops())
    names = {op.fn.index: op.fn.name for op in ops if isinstance(op.fn, Capture)}
    return {number: (kind, names.get(number, "")) for number, kind in wanted}


def _lift(program: Program, needs: dict[str, set[int]], every: Mapping[int, tuple[Type, str]]) -> Program:
    inputs = {index: Var(*every[index]) for index in sorted(needs[program.name])}
    renamed: dict[Var, Operand] = {}
    blocks: dict[int, Block] = {}
    for label, block in program.blocks.items():
        ops = []
        for op in block.ops:
            if isinstance(op.fn, Capture) and op.fn.index in inputs:
                renamed[op.result] = inputs[op.fn.index]
            elif isinstance(op.fn, Call):
                more = tuple(inputs[index] for index in sorted(needs.get(op.fn.callee, ())))
                ops.append(Op(op.fn, (*op.args, *more), op.results, op.pos))
            else:
                ops.append(op)
        blocks[label] = Block(block.params, tuple(ops), block.end)

    def new(operand: Operand) -> Operand:
        return renamed.get(operand, operand) if isinstance(operand, Var) else operand

    blocks = {label: substitute(block, new) for label, block in blocks.items()}
    return replace(program, params=(*program.params, *inputs.values()), blocks=blocks)


def check_rules(module: Module, wanted: set[int], pos: Pos) -> None:
    """No derivative is taken through what the rules of users capture."""
    for program in module.programs.values():
        for op in program.ops():
            if isinstance(op.fn, Capture) and op.fn.index in wanted:
                raise not_differentiable(
                    f"a rule of @zyg.adjoint reads {op.fn.name!r}, by which a derivative is taken",
                    op.pos if op.pos.line else pos,
                    "Pass it to the function as an argument, so that the rule gives its cotangent.",
                )
