"""How many rows the tape of a loop has: the trips of the loops around it and of itself, where all are known in front.

A loop is left in a last visit, which may be partial: what is defined where it is left, or on the way there, is kept
once more than the rest.
"""

from __future__ import annotations

from zyg.ir.graph import Loop
from zyg.ir.program import Operand, Var
from zyg.passes.canonical import Canonical


class Rows:
    """The rows of the tapes of one program's loops."""

    def __init__(self, form: Canonical) -> None:
        self.graph, self.counts = form.graph, form.counts

    def trips(self, loop: Loop) -> list[Operand] | None:
        """The trip counts of the loops around and of `loop`, if all are known in front of the nest."""
        nest = loop.nest
        trips = []
        for one in nest:
            count = self.counts[one.header].trips
            if count is None or (isinstance(count, Var) and self.graph.homes.get(count) in nest[0].blocks):
                return None
            trips.append(count)
        return trips

    def is_in_last_visit(self, loop: Loop, label: int) -> bool:
        """May a block of a loop whose trips are known run in its last visit, in which it is left?"""
        ((test, _),) = self.graph.ways_out(loop)
        return label == test or not self.graph.dominates(test, label)
