"""Block parameters that are one value whichever way control came: alone, or going round among themselves.

In a graph with loops that have several entries, as the mirror images of loops with several exits have, parameters may
be redundant only together: each gets, beside one and the same value, only others of them (Braun et al., Simple and
Efficient Construction of Static Single Assignment Form, 2013, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

from zyg.ir.components import components
from zyg.ir.program import Operand, Var

Incoming = Mapping[Var, Sequence[Operand]]


def redundant(incoming: Incoming) -> dict[Var, Operand]:
    """The parameters that equal another operand, with that operand; `incoming` has all that each one is given."""
    found: dict[Var, Operand] = {}

    def final(operand: Operand) -> Operand:
        while isinstance(operand, Var) and operand in found:
            operand = found[operand]
        return operand

    def given(param: Var) -> dict[Hashable, Operand]:
        operands = map(final, incoming[param])
        return {operand if isinstance(operand, Var) else repr(operand): operand for operand in operands}

    def visit(params: Sequence[Var]) -> None:
        for group in components(params, partial(_among, set(params), given)):
            members = set(group)
            outer = {key: value for param in group for key, value in given(param).items() if key not in members}
            if len(outer) == 1:
                (value,) = outer.values()
                found.update((param, value) for param in group)
            elif len(group) > 1:
                visit([param for param in group if given(param).keys() <= members])

    visit(list(incoming))
    return {param: final(param) for param in found}


def _among(params: set[Var], given: Callable[[Var], Mapping[Hashable, Operand]], param: Var) -> list[Var]:
    return [value for value in given(param).values() if isinstance(value, Var) and value in params]
