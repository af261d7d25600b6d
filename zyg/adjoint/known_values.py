"""What rules compute of primal values alone and the primal program has computed, too: it is named, not computed again.

    Original:  s = sin(a); c = cos(a)       Adjoint:  da += ds · cos(a)   becomes   da += ds · c

`record` then decides where c comes from, as for all primal values that reverse code names.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from zyg.adjoint.mirrored import Need, Reversed
from zyg.ir.program import Block, Op, Operand, Var
from zyg.ir.tape import is_pure

Key = tuple[Hashable, ...]


def with_known_values(reversed_: Reversed) -> Reversed:
    """`reversed_`, whose reverse code names values that its primal program has computed wherever control came by."""
    program, graph = reversed_.canonical.program, reversed_.canonical.graph
    computed: dict[Key, list[tuple[int, Var]]] = {}
    for label in graph.order:
        for op in program.blocks[label].ops:
            if is_pure(op) and len(op.results) == 1 and any(isinstance(arg, Var) for arg in op.args):
                key = _key(op, op.args)
                computed.setdefault(key, []).append((label, op.result))
    if not computed:
        return reversed_
    blocks = dict(reversed_.program.blocks)
    for label, mirrored in reversed_.mirror.items():
        block = blocks[mirrored]
        primal: dict[Operand, Operand] = {}
        ops: list[Op] = []
        for op in block.ops:
            if isinstance(op.fn, Need):
                primal[op.result] = op.fn.var
            elif is_pure(op) and len(op.results) == 1 and any(isinstance(arg, Var) for arg in op.args):
                if all(arg in primal or not isinstance(arg, Var) for arg in op.args):
                    key = _key(op, tuple(primal.get(arg, arg) for arg in op.args))
                    for home, result in computed.get(key, ()):
                        if graph.dominates(home, label):
                            primal[op.result] = result
                            op = Op(Need(result), (), op.results, op.pos)
                            break
            ops.append(op)
        blocks[mirrored] = Block(block.params, tuple(ops), block.end)
    return replace(reversed_, program=reversed_.program.with_blocks(blocks))


def _key(op: Op, args: tuple[Operand, ...]) -> Key:
    known = tuple(arg if isinstance(arg, Var) else (arg.type, repr(arg.value)) for arg in args)
    return (op.fn, op.result.type, *known)
