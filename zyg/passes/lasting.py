"""Reads of elements that nothing writes to afterwards, though their buffer is written to: they can be repeated later.

    for k in …: for i in k+1 …: for j in k+1 …: L[i, j] -= L[i, k] * L[k, j]

Here `L[i, j]` is written again, `L[i, k]` and `L[k, j]` are not.  A write that runs after a read does so in the same
iteration of all loops around both, or in a later iteration of one of them and any iteration of those in it.  In every
such case the two indices have to differ, as polynomials of the loops' counters.  Where both are row · width + column
with 0 ≤ column < width, it is enough that rows or columns differ.

Polynomials are exact.  That indices are equal to theirs, and not only up to multiples of 2⁶⁴, follows from what their
differences consist of: counters, of which none gets far within centuries, and extents of arrays that exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zyg.ir.graph import Loop
from zyg.ir.memory import mem_add, mem_store
from zyg.ir.program import Op, Var, edges
from zyg.passes.canonical import Canonical
from zyg.passes.index_forms import Bounds, IndexForms, proves
from zyg.passes.memory_facts import Buffers, only_allocations
from zyg.passes.polynomial import Polynomial, constant, variable


class Lasting:
    """Tells of a load whether what it reads stays in its element until the program ends.

    What is made in a loop is another buffer in the next iteration.
    """

    def __init__(self, form: Canonical, buffers: Buffers) -> None:
        self.graph, self.buffers = form.graph, buffers
        self.program = form.program
        self.forms = IndexForms(form)
        self._writes = [op for op in self.forms.place if buffers.written(op)]
        self._known: dict[Op, bool] = {}

    def __call__(self, load: Op) -> bool:
        if load not in self._known:
            self._known[load] = load in self.forms.place and self._lasts(load)
        return self._known[load]

    def _lasts(self, load: Op) -> bool:
        memory = load.args[0]
        if not isinstance(memory, Var):
            return False
        cls = self.buffers.of[memory]
        if self.program.recursive and not self.buffers.is_local(cls):
            return False  # its reverse sweep runs when others may have written
        writes = [op for op in self._writes if self.buffers.may_write(op, cls)]
        if not all(op.fn in (mem_store, mem_add) and op.args[0] is memory for op in writes):
            return False
        around = self.forms.around(load)
        home = self.graph.homes.get(memory)
        made_in = [loop for loop in around if home in loop.blocks]
        if made_in and cls not in only_allocations(self.program):
            return False
        return all(self._differs_from(load, write, around, len(made_in)) for write in writes)

    def _differs_from(self, load: Op, write: Op, around: Sequence[Loop], made_in: int) -> bool:
        """Does the write reach another element whenever it runs after the load, in the same buffer?"""
        common = [loop for loop in around if loop in self.forms.around(write)]
        cases = [_Case(self.forms, load, write, common[: n + 1], True) for n in range(made_in, len(common))]
        if self._follows(load, write, common[-1] if common else None):
            cases.append(_Case(self.forms, load, write, common, False))
        return all(case.differ() for case in cases)

    def _follows(self, load: Op, write: Op, inside: Loop | None) -> bool:
        """Can the write run after the load before the next iteration of the loop?"""
        (label, at), (there, index) = self.forms.place[load], self.forms.place[write]
        if label == there and index > at:
            return True
        seen: set[int] = set()
        todo = [label]
        while todo:
            for edge in edges(self.graph.blocks[todo.pop()].end):
                target = edge.target
                if target not in seen and (inside is None or (target in inside.blocks and target != inside.header)):
                    seen.add(target)
                    todo.append(target)
        return there in seen


class _Case:
    """A write that runs after a load.

    shared: loops around both, of which all but the last are in the same iteration.  later: of the last one the write is
    in a later iteration, else in the same one, too.  What else varies in the write has names of its own.
    """

    def __init__(self, forms: IndexForms, load: Op, write: Op, shared: Sequence[Loop], later: bool) -> None:
        self.forms, self.load, self.write = forms, load, write
        self.same = list(shared[:-1] if later else shared)
        self.new: dict[Var, Var] = {}
        self.counters: set[Var] = set()
        before = forms.bounds(load)
        after = [bound for bound in forms.bounds(write) if not self._is_same(bound.counter)]
        for bound in after:
            self.new[bound.counter] = Var(bound.counter.type, bound.counter.name)
            self.counters.add(self.new[bound.counter])
        own = [Bounds(self.new[bound.counter], (), tuple(map(self._renamed, bound.high))) for bound in after]
        if later:
            # The last of the shared loops is the outermost one that is not in the same iteration
            first, second = forms.counts[shared[-1].header].counter, own[-1]
            own[-1] = Bounds(second.counter, (variable(first).shifted(1),), second.high)
            before = [
                Bounds(first, (), (*bound.high, variable(second.counter).shifted(-1)))
                if bound.counter is first
                else bound
                for bound in before
            ]
        self.bounds = [*own, *before]

    def _is_same(self, var: Var) -> bool:
        loop = self.forms.loop_of(var)
        return loop is None or loop in self.same

    def _renamed(self, form: Polynomial) -> Polynomial:
        def new(var: Var) -> Polynomial:
            if self._is_same(var):
                return variable(var)
            if var not in self.new:
                self.new[var] = Var(var.type, var.name)
            return variable(self.new[var])

        return form.replaced(new)

    def _is_nonnegative(self, var: Var) -> bool:
        return var in self.counters or self.forms.is_nonnegative(var)

    def differ(self) -> bool:
        return self._apart(self.forms.form(self.load.args[1]), self.forms.form(self.write.args[1]))

    def _apart(self, read: Polynomial, written: Polynomial) -> bool:
        """read, written: the indices or parts of them, in the variables of the load and of the write."""
        difference = self._renamed(written).minus(read)
        for distance in (difference, constant(0).minus(difference)):
            if proves(distance.shifted(-1), self.bounds, self._is_nonnegative):
                return True
        for width in self._widths(read, written):
            (row, column), (other_row, other_column) = read.divided(width), written.divided(width)
            if self._is_column(column, width, self.load) and self._is_column(other_column, width, self.write):
                return self._apart(row, other_row) or self._apart(column, other_column)
        return False

    def _widths(self, read: Polynomial, written: Polynomial) -> Iterator[Var]:
        """What rows may be as wide as: what does not vary and is a factor, once, of something."""
        products = [product for form in (read, written) for product in form.terms]
        for var in dict.fromkeys(var for product in products for var in product):
            if self.forms.loop_of(var) is None and any(len(product) > 1 and var in product for product in products):
                if all(product.count(var) <= 1 for product in products):
                    yield var

    def _is_column(self, form: Polynomial, width: Var, op: Op) -> bool:
        """Is 0 ≤ form < width where the op runs?"""
        return self.forms.holds(form, op) and self.forms.holds(variable(width).minus(form).shifted(-1), op)
