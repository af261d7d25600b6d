"""The tangents of a program's values along several directions at once, which of them there are, and which may be
infinite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from numba import types

from zyg.adjoint.activity import active, differentiable
from zyg.adjoint.finite import finite
from zyg.adjoint.infinite import infinite_tangents
from zyg.adjoint.partials import tangent_kind
from zyg.ir.graph import graph_of
from zyg.ir.lanes import LanesType
from zyg.ir.memory import MemoryType
from zyg.ir.program import Op, Operand, Program, Var
from zyg.ir.tape import TapeType
from zyg.passes.slots import zero


def carries(kind: Any) -> bool:
    """Whether tangents of values of this type are kept beside them in tapes, records and buffers."""
    while isinstance(kind, MemoryType):
        kind = kind.dtype
    return isinstance(kind, (types.Float, types.Complex))


def has_tangent(kind: Any) -> bool:
    """Whether a parameter or result of this type has a tangent: numbers, and buffers of them."""
    return carries(kind) if isinstance(kind, MemoryType) else differentiable(kind)


def _counts(kind: Any) -> bool:
    """Is it the type of an int, or of a buffer of them?"""
    while isinstance(kind, MemoryType):
        kind = kind.dtype
    return isinstance(kind, types.Integer)


class Directions:
    """infinite: the variables whose tangents may be infinite; moving: those that depend on what is varied.

    wide: are the tangents along all directions lanes of one value?  Then there is one direction, as it were.
    given: may tangents of the parameters be infinite?  is_singular: may an op have an infinite derivative?
    """

    def __init__(
        self,
        program: Program,
        varied: Sequence[bool],
        width: int,
        is_singular: Callable[[Op], bool],
        given: bool,
        wide: bool = False,
    ) -> None:
        self.width, self.lane = (1, 0) if wide else (width, 0)
        self.lanes_of_value = width if wide else 1
        self.program = program
        graph = graph_of(program)
        self.order = graph.order
        inputs = [v for v, on in zip(program.params, varied, strict=True) if on and has_tangent(v.type)]
        found = active(program, graph, inputs, [i for i, k in enumerate(program.results) if has_tangent(k)])
        # What calls may write includes buffers of bools
        self.active = {v for v in found if not isinstance(v.type, MemoryType) or carries(v.type) or _counts(v.type)}
        self.moving = frozenset(self.active)
        # Every tape has a twin that holds the tangents of its floating fields.
        self.active |= {
            v
            for block in program.blocks.values()
            for v in (*program.params, *block.params, *(r for op in block.ops for r in op.results))
            if isinstance(v.type, TapeType) or (isinstance(v.type, MemoryType) and carries(v.type))
        }
        if not any(isinstance(v.type, types.Integer) for v in inputs):
            # What an int depends on by other numbers is constant between jumps
            self.active = {v for v in self.active if not _counts(v.type)}
        tame = finite(program)
        self.infinite = infinite_tangents(
            program,
            self.order,
            self.active,
            lambda op: is_singular(op) and op not in tame,
            given,
        )
        self.dots: list[dict[Var, Var]] = [{} for _ in range(self.width)]
        self.inputs = [[Var(self.kind(v.type), f"{v.name}_dot") for v in inputs] for _ in range(self.width)]
        for dots, taken in zip(self.dots, self.inputs, strict=True):
            dots.update({v: dot for v, dot in zip(inputs, taken, strict=True) if v in self.active})

    def kind(self, kind: Any) -> Any:
        """The type of the tangent of a value of type `kind`."""
        kind = tangent_kind(kind)
        return kind if self.lanes_of_value == 1 else _widened(kind, self.lanes_of_value)

    def dot(self, operand: Operand) -> Operand:
        """The tangent of a value along the direction at hand."""
        dots = self.dots[self.lane]
        if isinstance(operand, Var) and operand in self.active:
            if operand not in dots:
                dots[operand] = Var(self.kind(operand.type), f"{operand.name}_dot")
            return dots[operand]
        return zero(self.kind(operand.type))

    def lanes(self) -> Iterator[int]:
        """The directions, each at hand in turn."""
        for lane in range(self.width):
            self.lane = lane
            yield lane

    def every(self, operands: Iterable[Operand]) -> tuple[Operand, ...]:
        """The tangents of values along all directions, one direction behind the other."""
        wanted = list(operands)
        found: list[Operand] = []
        for _ in self.lanes():
            found += map(self.dot, wanted)
        return tuple(found)

    def twin(self, operand: Operand) -> Var:
        found = self.dot(operand)
        assert isinstance(found, Var)
        return found

    def target(self, result: Var) -> Var:
        """Where an op leaves the tangent of a result, whether or not that is looked at."""
        made = self.dot(result)
        return made if isinstance(made, Var) else Var(self.kind(result.type))


def _widened(kind: Any, width: int) -> Any:
    """The type of values that hold lanes where those of type `kind` hold numbers."""
    if isinstance(kind, types.Float):
        return LanesType(kind, width)
    if isinstance(kind, MemoryType) and carries(kind):
        return MemoryType(_widened(kind.dtype, width), kind.growable)
    if isinstance(kind, TapeType):
        return TapeType(tuple(_widened(field, width) for field in kind.fields), kind.growable)
    return kind
