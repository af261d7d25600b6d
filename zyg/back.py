"""What `pullback` gives besides the value: cotangents of the arguments, for any cotangent of the result."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from zyg.adjoint.activity import differentiable
from zyg.codegen.caller import Chain, Entry, numbers_as_read
from zyg.codegen.caller_type import NativeCallable
from zyg.codegen.guards import Looked, Path, guard_rows
from zyg.entry import Specialised, may_run_long
from zyg.errors import ArgumentError, ValueArgumentError, ZygError
from zyg.ir.tree import DictTree, Leaf, ListTree, ObjectTree, Tree, TupleTree
from zyg.ir.tree import leaves as types_of
from zyg.shapes import as_read, assemble, items_like, items_of, leaves, mapped, rebuilt, tree
from zyg.transformed import Called

_chains: weakref.WeakKeyDictionary[Specialised, Chain] = weakref.WeakKeyDictionary()


class Back(NativeCallable):
    """The pullback of a function at some arguments.

    It holds their numbers and those that the function captured at the time, so that native code reads them here:
    for the guards, the tuple of them is the function that is called.
    """

    __slots__ = ("_args", "_called", "_found", "_inputs", "_shape", "_unit")

    def __init__(self, fn: Any, args: tuple[Any, ...], y: Any) -> None:
        self._called, self._args = Called(fn, "pullback"), args
        self._shape, self._unit = tree(y), _unit(y)
        found, self._inputs = self._called.find((*args, self._unit))
        assert isinstance(found, Specialised)
        self._found = found
        held = _without(self._inputs, self._slots())
        chain = _chains.get(self._found)
        if chain is None:
            chain = _chains.setdefault(self._found, self._make_chain())
        chain.attach(self, numbers_as_read(_without(self._found.native.outer.params, self._slots()), held))

    def _slots(self) -> range:
        """The numbers of those inputs that are the cotangent."""
        first = sum(1 for arg in self._args for _ in types_of(tree(arg)))
        return range(first, first + sum(1 for _ in types_of(tree(self._unit))))

    def _make_chain(self) -> Chain:
        found, own = self._found, self._slots()
        types = _without(found.native.outer.params, own)
        order = [*own, *_without(range(len(found.native.outer.params)), own)]
        inputs: dict[Path, tuple[int, Tree]] = {(("item", i),): (i, Leaf(kind)) for i, kind in enumerate(types)}
        rows = guard_rows([tree(self._unit)], Looked({(): ("tuple", (tuple, len(types)))}, inputs, {}), order)
        assert isinstance(found.result, TupleTree)
        y, cotangents = found.result.items
        behind = sum(1 for _ in types_of(y))
        chain = Chain()
        chain.add(Entry(found.native, rows, 1, (), cotangents, behind, may_run_long(found.lowered.module)))
        return chain

    def _resolve(self, *args: Any, **kws: Any) -> Any:
        if len(args) != 1 or kws:
            raise ArgumentError(f"back takes one argument, the cotangent; {len(args) + len(kws)} were given")
        (dy,) = args
        found, inputs = self._found, list(self._inputs)
        numbers: list[Any] = []
        fitted = _fitted(dy, self._shape, self._unit)
        if fitted is None:
            found, inputs = self._for_another_kind(dy)
            leaves(dy, tree(dy), numbers)
        else:
            leaves(fitted, tree(self._unit), numbers)
        first = self._slots().start
        inputs[first : first + len(numbers)] = numbers
        return assemble(found.result, iter(found.native.call(*inputs)))[1]

    def _for_another_kind(self, dy: Any) -> tuple[Specialised, list[Any]]:
        """The specialisation for a cotangent like `dy`, and its inputs with what was captured at the time."""
        found, inputs = self._called.find((*self._args, dy))
        assert isinstance(found, Specialised)
        then, now = self._found.lowered.looked, found.lowered.looked
        if then.checks != now.checks or then.inputs != now.inputs:
            raise ZygError(
                f"what the function captures is of another kind now; call zyg.pullback again for the cotangent {dy!r}"
            )
        captured = len(now.inputs)
        return found, [*inputs[: len(inputs) - captured], *self._inputs[len(self._inputs) - captured :]]


def _without(items: Sequence[Any], slots: range) -> list[Any]:
    return [*items[: slots.start], *items[slots.stop :]]


def _unit(y: Any) -> Any:
    """The cotangent that a pullback is compiled for."""
    return mapped(y, lambda item: 1.0 if isinstance(item, int) and not isinstance(item, bool) else item)


def _fitted(dy: Any, shape: Tree, unit: Any) -> Any:
    """`dy` with numbers of the classes in `unit`, the cotangent of a value of the given shape; or None."""
    inside = items_of(unit)
    if inside is not None and isinstance(shape, (TupleTree, ListTree, DictTree, ObjectTree)):
        parts = zip(items_like(dy, unit), shape.items, inside, strict=True)
        items = [_fitted(item, part, one) for item, part, one in parts]
        lacks = any(new is None and one is not None for new, one in zip(items, inside, strict=True))
        return None if lacks else rebuilt(unit, items)
    if not isinstance(shape, Leaf) or not differentiable(shape.type):
        return unit
    if dy is None:
        return type(unit)(0)
    number = as_read(dy)
    if not isinstance(number, (int, float, complex, np.number)):
        raise ValueArgumentError(f"the cotangent must be a number, like the value; it is {dy!r:.80}")
    if isinstance(number, (complex, np.complexfloating)) and not isinstance(unit, complex):
        raise ValueArgumentError("the cotangent is complex, the value is real")
    if isinstance(number, int) and tree(unit) != shape:
        return None  # of an int result: its cotangents may be ints
    return type(unit)(number)
