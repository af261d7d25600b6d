"""Which values may have an infinite cotangent: those that a function with an infinite derivative is computed from; and
which an infinite tangent: those that are computed from such functions.

Rules are careful there: a partial derivative of zero wins (`sqrt(x ** 2)` at 0 is a kink).  Numbers are followed
through variables, buffers and tapes, from the functions back to what they are computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from zyg.adjoint.activity import cell_of
from zyg.ir.external import External
from zyg.ir.graph import Graph
from zyg.ir.matrices import mem_pack
from zyg.ir.memory import ELEMENT_WRITES, WRITES, MemoryType, mem_load, read_buffers
from zyg.ir.program import Call, Callback, Op, Operand, Program, Return, Var, edges
from zyg.ir.tape import pop, push, tape_get, tape_put
from zyg.passes.memory_facts import held, with_held

Cell = tuple[Var, object]
_WHOLE = (WRITES - ELEMENT_WRITES) | {mem_pack}


class Infinite:
    """found: the variables.  Where `results`, the cotangents that the program is given may be infinite, too."""

    def __init__(
        self,
        program: Program,
        graph: Graph,
        active: set[Var],
        classes: Mapping[Var, Var],
        is_singular: Callable[[Op], bool],
        results: bool,
    ) -> None:
        self.program, self.graph, self.active, self.classes = program, graph, active, dict(classes)
        self.is_singular = is_singular
        self._holds = held(program, self.classes)
        self.found: set[Var] = set()
        self.cells: set[Cell] = set()
        if results:
            for block in program.blocks.values():
                if isinstance(block.end, Return):
                    for value in block.end.values:
                        self._add(value)
            for param in program.params:
                self._add_buffer(param)  # what is written there is looked at afterwards
        if results or any(is_singular(op) for op in program.ops()):
            size = -1
            while len(self.found) + len(self.cells) != size:
                size = len(self.found) + len(self.cells)
                self._step()

    def arrives_at(self, buffer: Operand) -> bool:
        """May the adjoint of an element of a buffer be infinite?"""
        assert isinstance(buffer, Var)
        own = self.classes.get(buffer, buffer)
        return any(cls is own for cls, _ in self.cells)

    def _add(self, operand: Operand) -> None:
        if isinstance(operand, Var) and operand in self.active:
            self.found.add(operand)
            self._add_buffer(operand)

    def _add_buffer(self, operand: Operand) -> None:
        self.cells.update(self._cells(operand))

    def _cells(self, operand: Operand) -> set[Cell]:
        """The elements of a buffer, and of those that it holds."""
        if not isinstance(operand, Var) or not isinstance(operand.type, MemoryType):
            return set()
        return {(cls, None) for cls in with_held((self.classes.get(operand, operand),), self._holds)}

    def _step(self) -> None:
        for label in reversed(self.graph.order):
            block = self.program.blocks[label]
            for edge in edges(block.end):
                for param, arg in zip(self.program.blocks[edge.target].params, edge.args, strict=True):
                    if param in self.found:
                        self._add(arg)
            for op in reversed(block.ops):
                self._visit(op)

    def _visit(self, op: Op) -> None:
        if op.fn is tape_put or op.fn in ELEMENT_WRITES:
            if cell_of(self.classes, op) in self.cells:
                self._add(op.args[-1])
        elif op.fn in (tape_get, mem_load):
            if op.result in self.found:
                self.cells.add(cell_of(self.classes, op))
        elif op.fn in _WHOLE:
            if self._cells(op.result if op.fn is mem_pack else op.args[0]) & self.cells:
                for operand in read_buffers(op):
                    self._add_buffer(operand)
        elif self.is_singular(op) or any(r in self.found for r in op.results) or self._is_written(op):
            for arg in op.args:
                self._add(arg)

    def _is_written(self, op: Op) -> bool:
        """Is it a call that may write where an infinite cotangent may come from?"""
        if not isinstance(op.fn, (Call, Callback, External)):
            return False
        return any(self._cells(operand) & self.cells for operand in (*op.args, *op.results))


def infinite_tangents(
    program: Program, order: Sequence[int], active: set[Var], is_singular: Callable[[Op], bool], given: bool
) -> set[Var]:
    """The variables that may have an infinite tangent: what is computed from functions with an infinite derivative.

    given: may the tangents of the parameters be infinite?  What is read from memory may be whatever was put there.
    """
    found = {param for param in program.params if param in active} if given else set[Var]()
    if not given and not any(is_singular(op) for op in program.ops()):
        return found
    kept, size = given, -1
    while size != len(found) + kept:
        size = len(found) + kept
        for label in order:
            block = program.blocks[label]
            for op in block.ops:
                arrives = any(isinstance(arg, Var) and arg in found for arg in op.args)
                if arrives and (op.fn in WRITES or op.fn in (tape_put, push)):
                    kept = True
                reads = kept and op.fn in (mem_load, tape_get, pop)
                if arrives or reads or is_singular(op):
                    found.update(result for result in op.results if result in active)
            for edge in edges(block.end):
                for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                    if isinstance(arg, Var) and arg in found and param in active:
                        found.add(param)
    return found
