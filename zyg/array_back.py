"""What `pullback` gives besides the value where arrays are involved."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from zyg.array_entry import ArrayEntry
from zyg.buffers import Lent
from zyg.entry import assemble, leaves, tree
from zyg.errors import UnsupportedError, ValueArgumentError
from zyg.ir.tree import ArrayTree
from zyg.ir.tree import leaves as types_of
from zyg.transformed import Called


class ArrayBack:
    """The pullback of a function at some arguments; it holds copies of their arrays and of those captured.

    Called with a cotangent of the structure and the dimensions of the value, as often as wanted, it gives a tuple of
    one cotangent per argument.  Raises ValueArgumentError where the cotangent does not fit.
    """

    __slots__ = ("_args", "_found", "_inputs", "_places", "_y")

    def __init__(self, called: Called, args: tuple[Any, ...], y: Any) -> None:
        self._args = copy.deepcopy(args)
        self._y = copy.deepcopy(_floating(y))
        self._found, inputs = called.find((*self._args, self._y))
        self._inputs = [_kept(value) for value in inputs]
        if isinstance(self._found, ArrayEntry) and self._found.lowered.writes:
            if any(isinstance(shape, ArrayTree) for _, shape in self._found.lowered.inputs.values()):
                raise UnsupportedError("the pullback of a function that writes into captured arrays is not supported")
        first = sum(1 for arg in self._args for _ in types_of(tree(arg)))
        self._places = slice(first, first + sum(1 for _ in types_of(tree(self._y))))

    def __call__(self, dy: Any) -> Any:
        numbers: list[Any] = []
        fitted = _fitted(dy, self._y)
        leaves(fitted, tree(self._y), numbers)
        inputs = list(self._inputs)
        inputs[self._places] = numbers
        found = self._found
        values = found.run(inputs) if isinstance(found, ArrayEntry) else found.native.call(*inputs)
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
    if isinstance(y, tuple):
        items = [_floating(item) for item in y]
        return tuple(items) if type(y) is tuple else tuple.__new__(type(y), items)
    if isinstance(y, np.ndarray):
        return y if y.dtype.kind in "fc" else y.astype(float)
    return float(y) if isinstance(y, int) and not isinstance(y, bool) else y


def _fitted(dy: Any, like: Any) -> Any:
    """`dy` with the types that native code was made for."""
    if isinstance(like, tuple):
        if not isinstance(dy, tuple) or len(dy) != len(like):
            raise ValueArgumentError(f"the cotangent must be a tuple of {len(like)}, like the value; it is {dy!r:.80}")
        items = [_fitted(a, b) for a, b in zip(dy, like, strict=True)]
        return tuple(items) if type(like) is tuple else tuple.__new__(type(like), items)
    if isinstance(like, np.ndarray):
        found = np.zeros_like(like) if dy is None else np.asarray(dy)
        if found.shape != like.shape:
            raise ValueArgumentError(f"the cotangent has the shape {found.shape}, the value has {like.shape}")
        if found.dtype.kind == "c" and like.dtype.kind != "c":
            raise ValueArgumentError("the cotangent is complex, the value is real")
        return np.ascontiguousarray(found, like.dtype)
    if dy is None:
        return type(like)(0)
    return type(like)(dy) if isinstance(like, (float, complex)) else dy
