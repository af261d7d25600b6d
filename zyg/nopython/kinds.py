"""Numba's types of arguments and results, and the trees that they are for zyg."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba import types
from numba.core.errors import TypingError

from zyg.ir.program import Type
from zyg.ir.tree import ArrayTree, ConstTree, Leaf, Tree, TupleTree, leaves

_INTEGER = types.int64
_FLOATS = (types.float32, types.float64)
_COMPLEX = (types.complex64, types.complex128)


class Absent:
    """Value of a `ConstTree` for a parameter that the call leaves to its default."""


def members(kind: Any) -> tuple[Any, ...]:
    """The types of the items of a tuple."""
    return tuple(kind)


def known_object(kind: Any) -> Any:
    """The Python object that a type of Numba's stands for: a function, a string.  KeyError if it is none."""
    if kind == types.none:
        return None
    if isinstance(kind, types.StringLiteral):
        return kind.literal_value
    if isinstance(kind, types.Dispatcher):
        return kind.dispatcher
    if isinstance(kind, types.Function):
        return kind.typing_key
    if hasattr(kind, "__zyg_object__"):
        return kind.__zyg_object__
    raise KeyError(kind)


def passed_as(kind: Any) -> Any:
    """The type as which an argument is passed: of numbers, those that zyg computes with."""
    if isinstance(kind, types.StringLiteral):
        return kind
    kind = types.unliteral(kind)
    if isinstance(kind, types.Optional):
        return passed_as(kind.type)
    if isinstance(kind, types.BaseTuple):
        items = [passed_as(item) for item in members(kind)]
        return types.BaseTuple.from_types(items, getattr(kind, "instance_class", None))
    if isinstance(kind, types.Integer):
        return _INTEGER
    return kind


def dtype_of(kind: types.Array) -> Type:
    """The machine type in which zyg holds the elements of an array.  KeyError if it cannot."""
    if isinstance(kind.dtype, types.Integer) and kind.dtype != types.uint64:
        return _INTEGER
    if isinstance(kind.dtype, types.Boolean) or kind.dtype in _FLOATS or kind.dtype in _COMPLEX:
        return kind.dtype
    raise KeyError(kind.dtype)


def tree_of_type(kind: Any) -> Tree:
    """The shape of an argument that is passed as `kind`; none of an array's dimensions is known.

    >>> tree_of_type(types.UniTuple(types.float64, 2))
    TupleTree(items=(Leaf(type=float64), Leaf(type=float64)), cls=None)
    """
    if isinstance(kind, types.Array):
        return _tree_of_array(kind)
    if isinstance(kind, types.Boolean) or kind == _INTEGER or kind in _FLOATS or kind in _COMPLEX:
        return Leaf(kind)
    if isinstance(kind, types.BaseTuple):
        return TupleTree(tuple(map(tree_of_type, members(kind))), getattr(kind, "instance_class", None))
    if isinstance(kind, types.Omitted):
        return ConstTree(Absent)
    try:
        return ConstTree(known_object(kind))
    except KeyError:
        raise TypingError(f"zyg cannot take an argument of type {kind}; it takes numbers, arrays and tuples") from None


def _tree_of_array(kind: types.Array) -> Tree:
    try:
        dtype = dtype_of(kind)
    except KeyError:
        raise TypingError(f"zyg cannot take an array of {kind.dtype}") from None
    return ArrayTree(dtype, kind.ndim, "C", (0, *(None,) * kind.ndim)) if kind.ndim else Leaf(dtype)


def arrays_in(kind: Any, first: int = 0) -> Iterator[tuple[int, types.Array]]:
    """The types of the arrays in an argument, each with the number of its buffer among zyg's parameters.

    first: the number of parameters before this argument.
    """
    if isinstance(kind, types.BaseTuple):
        for item in members(kind):
            yield from arrays_in(item, first)
            first += count_of(item)
    elif isinstance(kind, types.Array) and kind.ndim:
        yield first, kind


def count_of(kind: Any) -> int:
    """How many parameters of zyg's an argument comes to."""
    return sum(1 for _ in leaves(tree_of_type(kind)))


def type_of_tree(tree: Tree) -> Any:
    """Numba's type of a result.

    >>> type_of_tree(TupleTree((Leaf(types.float64), Leaf(types.int64))))
    Tuple((float64, int64))
    """
    if isinstance(tree, Leaf):
        return tree.type
    if isinstance(tree, TupleTree):
        return types.BaseTuple.from_types([type_of_tree(item) for item in tree.items], tree.cls)
    if isinstance(tree, ArrayTree):
        return types.Array(tree.dtype, tree.ndim, "C" if tree.layout == "C" else "A")
    if not isinstance(tree, ConstTree):
        kind = type(tree).__name__.removesuffix("Tree").lower()
        raise TypingError(f"{kind}s cannot be results inside @njit code yet; return numbers and tuples")
    if tree.value is None:
        return types.none
    raise TypingError(f"{tree.value!r:.80} cannot be a result inside @njit code; return numbers, arrays and tuples")
