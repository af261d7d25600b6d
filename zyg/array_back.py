"""What `pullback` gives besides the value where arrays are involved."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from zyg.buffers import Lent
from zyg.errors import UnsupportedError, ValueArgumentError
from zyg.ir.tree import ArrayTree
from zyg.ir.tree import leaves as types_of
from zyg.shapes import assemble, items_like, items_of, leaves, mapped, rebuilt, tree
from zyg.transformed import Called


class ArrayBack:
    """The pullback of a function at some arguments; it holds copies of their arrays and of those captured.

    Called with a cotangent of the structure and the dimensions of the value, as often as wanted, it gives a tuple of
    one cotangent per argument.  Raises ValueArgumentError where the cotangent does not fit.
    """

    __slots__ = ("_args", "_called", "_found", "_inputs", "_places", "_y")

    def __init__(self, called: Called, args: tuple[Any, ...], y: Any) -> None:
        self._called = called
        self._args = copy.deepcopy(args)
        self._y = copy.deepcopy(_floating(y))
        self._found, inputs = called.find((*self._args, self._y))
        self._inputs = [_kept(value) for value in inputs]
        first = sum(1 for arg in self._args for _ in types_of(tree(arg)))
        self._places = slice(first, first + sum(1 for _ in types_of(tree(self._y))))
        lowered, behind = self._found.lowered, self._places.stop
        for number, shape in lowered.looked.inputs.values():
            if isinstance(shape, ArrayTree) and behind + number in lowered.written:
                raise UnsupportedError("the pullback of a function that writes into captured arrays is not supported")

    def __call__(self, dy: Any) -> Any:
        numbers: list[Any] = []
        fitted = _fitted(dy, self._y)
        leaves(fitted, tree(self._y), numbers)
        found = self._found
        inputs = [_kept(value) if n in found.lowered.written else value for n, value in enumerate(self._inputs)]
        inputs[self._places] = numbers
        try:
            values = found.run(inputs)
        except (ValueError, IndexError, UnsupportedError) as error:
            if not found.is_given_up(error):
                raise
            self.__init__(self._called, self._args, self._y)  # type: ignore[misc]
            return self(dy)
        return assemble(found.result, iter(values))[1]


def _kept(value: Any) -> Any:
    """An input that nobody else can change."""
    if not isinstance(value, Lent):
        return value
    array = value.array.copy()
    kept = Lent((array.__array_interface__["data"][0], array.size))
    kept.array = kept.original = array
    return kept


def _floating(y: Any) -> Any:
    """A cotangent like `y`: ints are floats in it."""
    if isinstance(y, np.ndarray):
        return y if y.dtype.kind in "fc" else y.astype(float)
    if isinstance(y, int) and not isinstance(y, bool):
        return float(y)
    return y if items_of(y) is None else mapped(y, _floating)


def _fitted(dy: Any, like: Any) -> Any:
    """`dy` with the types that native code was made for."""
    inside = items_of(like)
    if inside is not None:
        return rebuilt(like, [_fitted(a, b) for a, b in zip(items_like(dy, like), inside, strict=True)])
    if isinstance(like, np.ndarray):
        found = np.zeros_like(like) if dy is None else np.asarray(dy)
        if found.shape != like.shape:
            raise ValueArgumentError(f"the cotangent has the shape {found.shape}, the value has {like.shape}")
        if found.dtype.kind == "c" and like.dtype.kind != "c":
            raise ValueArgumentError("the cotangent is complex, the value is real")
        return np.ascontiguousarray(found, like.dtype)
    if isinstance(like, (float, complex)):
        return type(like)(0 if dy is None else dy)
    return like
