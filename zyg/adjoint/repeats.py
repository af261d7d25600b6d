"""By which ops reverse code can come by a primal value again: the op that gave it, or a load of where it was stored.

A load gives what it gave if nothing writes to its buffer afterwards, or nothing to its element; or, of a buffer that is
put back, at the times when memory is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from zyg.adjoint.activity import handle_classes
from zyg.adjoint.restoring import Moments
from zyg.ir.graph import Graph, Loop
from zyg.ir.memory import MemoryType, mem_load, mem_store
from zyg.ir.program import Block, Op, Operand, Var
from zyg.ir.tape import cost, tape_get, tape_zeros
from zyg.passes.canonical import Canonical
from zyg.passes.lasting import Lasting
from zyg.passes.memory_facts import buffers_of, settled
from zyg.passes.simplify import is_pure

_DEAR = 4.0  # in additions; what costs less is not read instead


class Elements:
    """What is known of the buffers of one program, whatever is put back."""

    def __init__(self, form: Canonical) -> None:
        self.buffers = buffers_of(form.program)
        self.stays = settled(form.program, form.graph)
        self.lasts = Lasting(form, self.buffers)


class Repeats:
    """What can be had again, if the buffers that `moments` knows are put back.

    blocks: the forward sweep.  defining: the op that gives each value in it.  loop: the innermost one that a value is
    defined in.  free: is an operand there in reverse anyway?  read: the classes of buffers from which something would
    have to be read when memory is as it was.
    """

    def __init__(
        self,
        form: Canonical,
        blocks: Mapping[int, Block],
        defining: Mapping[Var, Op],
        loop: Callable[[Var], Loop | None],
        free: Callable[[Operand], bool],
        elements: Elements,
        moments: Moments,
    ) -> None:
        self.defining, self.loop, self.free = defining, loop, free
        self.elements, self.moments = elements, moments
        self.read: set[Var] = set()
        self._classes = handle_classes(form.program, form.graph)
        # Shadows of tapes: their fields are written again and again
        self._accumulating = {self._classes[op.result] for op in form.program.ops() if op.fn is tape_zeros}
        self._timely: dict[Op, bool] = {}
        self._again: dict[Var, Op | None] = {}
        self._loads: set[Op] = set()
        self._stores = dict(_stored(form.graph, blocks))

    def restrict(self, needs: Iterable[tuple[int, int, Var]]) -> None:
        """Take note of where values are needed: in which block of reverse code, at which op.

        A load of a buffer that is put back can be repeated if it gives what it gave in all of these places.
        """
        if self.moments.restored:
            behind: dict[Var, frozenset[Op]] = {}
            for label, index, var in needs:
                for load in self._loads_behind(var, behind):
                    if self._timely.get(load, True):
                        self._timely[load] = self.moments.can_repeat(load, label, index)

    def _loads_behind(self, var: Var, known: dict[Var, frozenset[Op]]) -> frozenset[Op]:
        """The loads that may be repeated only at times, among what `var` can be computed from."""
        if var not in known:
            op = self.defining.get(var)
            if op is None or self.free(var):
                known[var] = frozenset()
            else:
                own = op.fn is mem_load and not self._is_settled(op)
                further = own or is_pure(op) or self._is_settled(op)
                found = frozenset((op,)) if own else frozenset[Op]()
                for arg in op.args if further else ():
                    if isinstance(arg, Var):
                        found |= self._loads_behind(arg, known)
                known[var] = found
        return known[var]

    def again(self, var: Var) -> Op | None:
        """The op that gives a value in reverse: its own, or the load of where it was stored."""
        if var not in self._again:
            own = self.defining.get(var)
            load = None
            if own is None or cost(own) >= _DEAR or not self.is_repeatable(own):
                load = self._loaded(var)
            self._again[var] = load or own
        return self._again[var]

    def _loaded(self, var: Var) -> Op | None:
        store = self._stores.get(var)
        if store is None or self._is_put_back(store) or not self.elements.lasts(store):
            return None
        load = Op(mem_load, store.args[:2], (var,), store.pos)
        self._loads.add(load)
        return load

    def is_repeatable(self, op: Op) -> bool:
        """Does the op give in reverse what it gave?"""
        if len(op.results) != 1:
            return False
        if op in self._loads or is_pure(op) or self._is_settled(op):
            return True
        if op.fn is not mem_load:
            return False
        cls = self.elements.buffers.class_of(op.args[0])
        if cls is not None:
            self.read.add(cls)
        return self._timely.get(op, False)

    def _is_settled(self, op: Op) -> bool:
        """Does a read give the same at any time in reverse?

        So does one of a tape that was complete before the loop began, and is not added to.
        """
        if op.fn is mem_load:
            return self.elements.stays(op) or (not self._is_put_back(op) and self.elements.lasts(op))
        if op.fn is not tape_get or not isinstance(op.args[0], Var):
            return False
        return self.loop(op.args[0]) is None and self._classes.get(op.args[0]) not in self._accumulating

    def _is_put_back(self, access: Op) -> bool:
        return self.elements.buffers.class_of(access.args[0]) in self.moments.restored


def _stored(graph: Graph, blocks: Mapping[int, Block]) -> Iterator[tuple[Var, Op]]:
    """The values that are stored, in loops, in the blocks that define them, by stores that change no type."""
    for label in graph.order:
        if graph.loop_of[label] is not None:
            own = {*blocks[label].params, *(result for op in blocks[label].ops for result in op.results)}
            for op in blocks[label].ops:
                if op.fn is mem_store and isinstance(op.args[2], Var) and op.args[2] in own:
                    kind = op.args[0].type
                    if isinstance(kind, MemoryType) and kind.dtype == op.args[2].type:
                        yield op.args[2], op
