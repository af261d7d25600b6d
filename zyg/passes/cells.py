"""Small buffers that only one variable holds, and whose elements are named one by one: they become variables.

The length of a list that has one name in the end, and what a record holds, are such cells.  As variables they are
counted, proved about and differentiated like any other.
"""

from __future__ import annotations

from zyg.ir.memory import MemoryType, mem_load, mem_new, mem_store, mem_zeros
from zyg.ir.program import Block, Const, Op, Program, Type, Var, edges, end_operands
from zyg.passes.slots import Load, Store, promote, zero

Cell = tuple[Var, int]


def promote_cells(program: Program) -> Program:
    """`program` with variables in place of such buffers."""
    made = {op.result for op in program.ops() if op.fn in (mem_new, mem_zeros) and not _is_growable(op.result)}
    if not made:
        return program
    made -= set(_used_otherwise(program))
    if not made:
        return program
    cells = sorted(
        {_cell(op) for op in program.ops() if op.fn in (mem_load, mem_store) and op.args[0] in made},
        key=lambda cell: cell[1],
    )
    blocks = {}
    for label, block in program.blocks.items():
        ops: list[Op] = []
        for op in block.ops:
            if op.fn in (mem_new, mem_zeros) and op.result in made:
                fresh = [cell for cell in cells if cell[0] is op.result]
                ops += (Op(Store(cell), (zero(_element(cell)),), (), op.pos) for cell in fresh)
            elif op.fn is mem_load and op.args[0] in made:
                ops.append(Op(Load(_cell(op)), (), op.results, op.pos))
            elif op.fn is mem_store and op.args[0] in made:
                ops.append(Op(Store(_cell(op)), op.args[2:], (), op.pos))
            else:
                ops.append(op)
        blocks[label] = Block(block.params, tuple(ops), block.end)
    return promote(program.with_blocks(blocks))


def _is_growable(buffer: Var) -> bool:
    return isinstance(buffer.type, MemoryType) and buffer.type.growable


def _element(cell: Cell) -> Type:
    kind = cell[0].type
    assert isinstance(kind, MemoryType)
    return kind.dtype


def _cell(op: Op) -> Cell:
    buffer, index = op.args[:2]
    assert isinstance(buffer, Var) and isinstance(index, Const)
    return buffer, int(index.value.real)


def _used_otherwise(program: Program) -> list[Var]:
    """The variables that are used but to read and write elements with a constant number."""
    found: list[Var] = []
    for block in program.blocks.values():
        for op in block.ops:
            accesses = op.fn in (mem_load, mem_store) and isinstance(op.args[1], Const)
            found += (arg for arg in op.args[1 if accesses else 0 :] if isinstance(arg, Var))
        found += (arg for arg in end_operands(block.end) if isinstance(arg, Var))
        found += (arg for edge in edges(block.end) for arg in edge.args if isinstance(arg, Var))
    return found
