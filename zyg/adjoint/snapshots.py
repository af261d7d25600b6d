"""Copies of what reverse code needs of buffers that are written later."""

from __future__ import annotations

from zyg.ir.graph import Graph
from zyg.ir.matrices import matrix, mem_gemm, packed
from zyg.ir.program import Block, Op, Program, Var
from zyg.passes.memory_facts import settled


def with_snapshots(program: Program, graph: Graph, active: set[Var]) -> Program:
    """`program` whose products take copies of the factors that their reverse needs, where these are written later.

    Original:  C += A B, then A is written    becomes  K = pack(A); C += K B
    """
    if not any(op.fn is mem_gemm for op in program.ops()):
        return program
    is_settled = settled(program, graph)
    blocks = {}
    for label in graph.order:
        block = program.blocks[label]
        ops: list[Op] = []
        for op in block.ops:
            if op.fn is mem_gemm and op.args[0] in active:
                m, n, k = op.args[12:15]
                args = list(op.args)
                for number, other, extents in ((1, 2, (m, k)), (2, 1, (k, n))):
                    if op.args[4 * other] in active and not is_settled(op, 4 * number):
                        copying, copy = packed(matrix(op, number), extents, op.pos)
                        ops.append(copying)
                        args[4 * number : 4 * number + 4] = copy.operands
                ops.append(Op(op.fn, tuple(args), (), op.pos))
            else:
                ops.append(op)
        if len(ops) > len(block.ops):
            blocks[label] = Block(block.params, tuple(ops), block.end)
    return program.with_blocks({**program.blocks, **blocks}) if blocks else program
