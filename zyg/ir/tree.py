"""The shape of an argument or a result: how Python objects are taken apart into flat machine values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from numba import types

from zyg.ir.memory import MemoryType
from zyg.ir.program import Type


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number of one machine type."""

    type: Type


@dataclass(frozen=True, slots=True)
class TupleTree:
    """A tuple, or an instance of the namedtuple class `cls`."""

    items: tuple[Tree, ...]
    cls: type | None = None


@dataclass(frozen=True, slots=True)
class ListTree:
    """A list of known length."""

    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class DictTree:
    """A dict with these strings as keys, in this order."""

    keys: tuple[str, ...]
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class ObjectTree:
    """An instance of `cls` with these attributes and no others."""

    cls: type
    names: tuple[str, ...]
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class ConstTree:
    """An object known when the program is compiled (None, a string, a function): no machine value."""

    value: object


@dataclass(frozen=True, slots=True)
class ArrayTree:
    """An array: its buffer, then those of offset, dimensions and (layout "A") strides that are not `known`."""

    dtype: Type
    ndim: int
    layout: str
    known: tuple[int | None, ...]


Composite: TypeAlias = TupleTree | ListTree | DictTree | ObjectTree
Tree: TypeAlias = Leaf | Composite | ConstTree | ArrayTree


def leaves(tree: Tree) -> Iterator[Type]:
    """The machine types of a tree, in order."""
    if isinstance(tree, Leaf):
        yield tree.type
    elif isinstance(tree, ArrayTree):
        yield MemoryType(tree.dtype)
        yield from (types.int64 for known in tree.known if known is None)
    elif not isinstance(tree, ConstTree):
        for item in tree.items:
            yield from leaves(item)


def holds_arrays(tree: Tree) -> bool:
    """Whether there is an array in a tree."""
    if isinstance(tree, (Leaf, ConstTree)):
        return False
    return isinstance(tree, ArrayTree) or any(map(holds_arrays, tree.items))
