"""What proofs about the integers of a program rest on, apart from how its variables and blocks are called."""

from __future__ import annotations

import hashlib

from zyg.ir.graph import graph_of
from zyg.ir.memory import mem_new, mem_zeros
from zyg.ir.program import Branch, Const, Guard, Operand, Program, Var, edges


def skeleton(program: Program, relevant: set[Var]) -> bytes:
    """Equal for programs in which the values that are `relevant` come about alike and are asked about alike."""
    order = graph_of(program).order
    labels = {label: number for number, label in enumerate(order)}
    numbers: dict[Var, int] = {}
    said: list[object] = []

    def word(operand: Operand) -> object:
        if isinstance(operand, Const):
            return repr(operand.value), operand.type.name
        return numbers.setdefault(operand, len(numbers))

    for label in order:
        block = program.blocks[label]
        said.append(("block", *(word(param) for param in block.params if param in relevant)))
        for op in block.ops:
            if isinstance(op.fn, Guard):
                said.append(("guard", word(op.args[0])))
            elif op.fn in (mem_new, mem_zeros):
                said.append(("made", word(op.args[0])))
            elif not relevant.isdisjoint(op.results):
                name = getattr(op.fn, "__name__", None) or repr(op.fn)
                said.append((name, *map(word, op.results), *map(word, op.args)))
        if isinstance(block.end, Branch):
            said.append(word(block.end.cond))
        for edge in edges(block.end):
            params = program.blocks[edge.target].params
            passed = [word(arg) for param, arg in zip(params, edge.args, strict=True) if param in relevant]
            said.append((labels[edge.target], *passed))
    return hashlib.sha256(repr(said).encode()).digest()
