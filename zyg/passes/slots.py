"""Slots: variables that a pass may assign many times while it builds, turned into SSA at the end.

While a program is under construction, `Op(Load(key))` and `Op(Store(key))` read and write the slot `key`;
`promote` replaces them by values and block parameters.  These may be needed where control joins behind stores that do
not dominate the join: the iterated dominance frontier of the blocks that store (Cytron et al., Efficiently Computing
Static Single Assignment Form and the Control Dependence Graph, 1991).  Only those that a load asks for are made.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from numba import types

from zyg.ir.graph import graph_of, substitute
from zyg.ir.program import Block, Const, Edge, Op, Operand, Program, Type, Var, with_edges
from zyg.passes.redundant import redundant


@dataclass(frozen=True, slots=True)
class Load:
    key: Hashable

    @property
    def __name__(self) -> str:
        return f"load {self.key}"


@dataclass(frozen=True, slots=True)
class Store:
    key: Hashable

    @property
    def __name__(self) -> str:
        return f"store {self.key}"


def zero(kind: Type) -> Const:
    """The zero of a machine type."""
    if kind == types.boolean:
        return Const(False, kind)
    if isinstance(kind, types.Complex):
        return Const(0j, kind)
    return Const(0 if isinstance(kind, types.Integer) else 0.0, kind)


def promote(program: Program) -> Program:
    """`program` without loads and stores; a slot that was never stored reads as zero."""
    return _Promotion(program).run()


class _Promotion:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.graph = graph_of(program)
        self.last: dict[int, dict[Hashable, Operand]] = {}
        self.phis: dict[int, dict[Hashable, Var]] = {label: {} for label in self.graph.order}
        self.queue: list[tuple[int, Hashable]] = []
        self.renamed: dict[Var, Operand] = {}
        self.incoming: dict[tuple[int, int, Hashable], Operand] = {}
        self.stored: dict[Hashable, list[int]] = {}
        self.joins: dict[Hashable, set[int]] = {}

    def run(self) -> Program:
        for label in self.graph.order:
            stores: dict[Hashable, Operand] = {}
            for op in self.program.blocks[label].ops:
                if isinstance(op.fn, Store):
                    stores[op.fn.key] = op.args[0]
            self.last[label] = stores
            for key in stores:
                self.stored.setdefault(key, []).append(label)
        kept: dict[int, list[Op]] = {}
        for label in self.graph.order:
            current: dict[Hashable, Operand] = {}
            ops: list[Op] = []
            for op in self.program.blocks[label].ops:
                if isinstance(op.fn, Store):
                    current[op.fn.key] = op.args[0]
                elif isinstance(op.fn, Load):
                    if op.fn.key not in current:
                        current[op.fn.key] = self.at_start(label, op.fn.key, op.result)
                    self.renamed[op.result] = current[op.fn.key]
                else:
                    ops.append(op)
            kept[label] = ops
        while self.queue:
            label, key = self.queue.pop()
            for pred in self.graph.preds[label]:
                self.incoming[pred, label, key] = self.at_end(pred, key, self.phis[label][key])
        self.drop_redundant()
        blocks = {}
        for label in self.graph.order:
            block = self.program.blocks[label]

            def extended(edge: Edge, label: int = label) -> Edge:
                more = tuple(self.incoming[label, edge.target, key] for key in self.phis[edge.target])
                return Edge(edge.target, (*edge.args, *more))

            params = (*block.params, *self.phis[label].values())
            blocks[label] = substitute(Block(params, tuple(kept[label]), with_edges(block.end, extended)), self.final)
        return self.program.with_blocks(blocks)

    def drop_redundant(self) -> None:
        """Parameters that have one value whichever way control came are that value."""
        incoming = {
            phi: [self.final(self.incoming[pred, label, key]) for pred in self.graph.preds[label]]
            for label, phis in self.phis.items()
            for key, phi in phis.items()
        }
        found = redundant(incoming)
        self.renamed.update(found)
        for label, phis in self.phis.items():
            self.phis[label] = {key: phi for key, phi in phis.items() if phi not in found}

    def at_end(self, label: int, key: Hashable, like: Var) -> Operand:
        found = self.last[label].get(key)
        return found if found is not None else self.at_start(label, key, like)

    def at_start(self, label: int, key: Hashable, like: Var) -> Operand:
        joins = self.joins.get(key)
        if joins is None:
            joins = self.joins[key] = self.graph.joins_behind(self.stored.get(key, ()))
        while label not in joins:
            if label == self.graph.entry:
                return zero(like.type)
            label = self.graph.idom[label]
            if key in self.last[label]:
                return self.last[label][key]
        if key not in self.phis[label]:
            self.phis[label][key] = Var(like.type, like.name)
            self.queue.append((label, key))
        return self.phis[label][key]

    def final(self, operand: Operand) -> Operand:
        while isinstance(operand, Var) and operand in self.renamed:
            operand = self.renamed[operand]
        return operand
