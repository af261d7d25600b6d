"""The words of a reverse program that still names primal values freely: its slots, needs and marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zyg.ir.program import Program, Var
from zyg.passes.canonical import Canonical
from zyg.rules import primitives as p


@dataclass(frozen=True, slots=True)
class Need:
    """The `fn` of an op in reverse code that stands for the primal value `var`."""

    var: Var

    @property
    def __name__(self) -> str:
        return f"primal {self.var.name}"


@dataclass(frozen=True, slots=True)
class Counter:
    """The slot that holds, in reverse, the number of the iteration being reversed of the loop at `header`."""

    header: int


@dataclass(frozen=True, slots=True)
class Adjoint:
    """The slot of the adjoint of `var`."""

    var: Var


@dataclass(frozen=True, slots=True)
class Handle:
    """The slot of the current handle of a tape that the primal program keeps."""

    tape: Var


@dataclass(frozen=True, slots=True)
class Shadow:
    """The slot of the shadow of such a tape: its adjoints, row by row."""

    tape: Var


@dataclass(frozen=True, eq=False)
class Reversed:
    """A program and its mirror image, still with slots and needs: what `record` completes.

    deferred: the headers of loops that the reverse sweep runs instead of the forward sweep, and the blocks behind them.
    """

    program: Program
    canonical: Canonical
    start: int | None
    mirror: dict[int, int]
    cotangents: tuple[Var, ...]
    deferred: Mapping[int, int] = field(default_factory=dict)


Mask = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Callees:
    """What reverse code calls for the callees of a program, by the masks of what is varied and what is useful.

    signature: of a program by its name.  pair: the names of the forward and reverse programs.  at_once: see
    `differentiate`.  iteration: the reverse of an iteration (see `iterations`); does it have memory of its own, and may
    it be given infinite cotangents?  is_singular: may it have an infinite derivative where its value is finite?
    """

    signature: Callable[[str], Program]
    pair: Callable[[str, Mask, Mask], tuple[str, str]]
    at_once: Callable[[str, Mask, Mask], str | None]
    iteration: Callable[[Program, Mask, Mask, bool, bool], str]
    is_singular: Callable[[str], bool]


STACK = "stack"


def accumulate(a: Any, b: Any) -> Any:
    """a + b, where a constant zero is the symbolic zero; replaced by a plain addition in the end."""
    return a + b


def CUT(*results: Any) -> None:
    """Marks the point between the forward and the reverse sweep; compiled programs do not contain it."""


p.table[accumulate] = p.Primitive("accumulate")
p.table[CUT] = p.Primitive("cut", effect=True)
