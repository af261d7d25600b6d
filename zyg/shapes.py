"""Arguments and results as trees: objects taken apart into machine values, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from zyg.buffers import array_tree, lend, taken
from zyg.errors import UnsupportedArgumentError, ValueArgumentError
from zyg.ir.kinds import CLASSES, array_shape, fits, numba_type
from zyg.ir.tree import ArrayTree, ConstTree, DictTree, Leaf, ListTree, ObjectTree, Tree, TupleTree
from zyg.reading.captured import LONGEST
from zyg.reading.instances import attributes_of, is_instance

_DEEPEST = 100
_TOO_DEEP = "native mode cannot take a structure that contains itself, or is nested very deeply"


def tree(value: Any) -> Tree:
    """The shape of an argument.

    >>> tree((1.0, 2))
    TupleTree(items=(Leaf(type=float64), Leaf(type=int64)), cls=None)
    """
    if isinstance(value, tuple):
        return TupleTree(tuple(map(tree, value)), None if type(value) is tuple else type(value))
    if type(value) is np.ndarray and value.ndim > 0:
        return array_tree(value)
    kind = numba_type(value)
    if kind is not None:
        return Leaf(kind)
    found = _container(value, 0)
    if found is not None:
        return found
    if value is None or isinstance(value, (str, type)) or callable(value):
        return ConstTree(value)
    kind = numba_type(_plain(value))
    if kind is None:
        raise UnsupportedArgumentError(
            f"native mode cannot take an argument of type {type(value).__name__}: {value!r:.80}"
        )
    return Leaf(kind)


def _container(value: Any, depth: int) -> Tree | None:
    """The shape of a list, a dict or an instance; None for anything else."""
    if type(value) is list:
        if len(value) > LONGEST:
            raise UnsupportedArgumentError(
                f"native mode takes lists of up to {LONGEST} items, as it is compiled for each of them; use an array"
            )
        return ListTree(tuple(_inside(item, depth) for item in value))
    if type(value) is dict:
        if not all(type(key) is str for key in value):
            raise UnsupportedArgumentError("native mode takes dicts with strings as keys only")
        return DictTree(tuple(value), tuple(_inside(item, depth) for item in value.values()))
    if is_instance(value):
        members = attributes_of(value)
        return ObjectTree(type(value), tuple(members), tuple(_inside(item, depth) for item in members.values()))
    return None


def _inside(value: Any, depth: int) -> Tree:
    """The shape of something in a container: a bool is structure, and what native code does not know is opaque."""
    if depth > _DEEPEST:
        raise UnsupportedArgumentError(_TOO_DEEP)
    if isinstance(value, tuple):
        items = tuple(_inside(item, depth + 1) for item in value)
        return TupleTree(items, None if type(value) is tuple else type(value))
    found = _container(value, depth + 1)
    if found is not None:
        return found
    if type(value) is np.ndarray and value.ndim > 0:
        return array_shape(value) or ConstTree(value)
    kind = None if isinstance(value, (bool, np.bool_)) else numba_type(value)
    return ConstTree(value) if kind is None else Leaf(kind)


def _plain(value: Any) -> Any:
    """A number of a class that was derived from one of Python's, as one of that; anything else as it is."""
    if isinstance(value, int):
        return int.__pos__(value)
    if isinstance(value, float):
        return float.__pos__(value)
    return complex.__pos__(value) if isinstance(value, complex) else value


def as_read(value: Any, depth: int = 0) -> Any:
    """The argument as native code takes it: its numbers of the classes that guards know."""
    if isinstance(value, tuple) or type(value) in (list, dict):
        old = list(value.values()) if type(value) is dict else list(value)
        if depth > _DEEPEST:
            raise UnsupportedArgumentError(_TOO_DEEP)
        new = [item if type(item) is bool else as_read(item, depth + 1) for item in old]
        return value if all(a is b for a, b in zip(old, new, strict=True)) else rebuilt(value, new)
    if (type(value) is np.ndarray and value.ndim > 0) or is_instance(value):
        return value
    kind = numba_type(value)
    if kind is None:
        value = value if callable(value) else _plain(value)
    elif type(value) not in CLASSES[kind]:
        value = CLASSES[kind][0](value.item())
    if isinstance(value, int) and not fits(value):
        raise OverflowError(f"the integer {value} does not fit in 64 bits")
    return value


def rebuilt(value: Any, items: Sequence[Any]) -> Any:
    """A tuple, list, dict or instance like `value` with other items, made without running its constructor."""
    if isinstance(value, tuple):
        return tuple(items) if type(value) is tuple else tuple.__new__(type(value), items)
    if type(value) is list:
        return list(items)
    if type(value) is dict:
        return dict(zip(value, items, strict=True))
    return instance(type(value), tuple(attributes_of(value)), items)


def instance(cls: type, names: Sequence[str], items: Iterable[Any]) -> Any:
    """An instance of `cls` with these attributes, its constructor not called."""
    if cls is SimpleNamespace:
        return SimpleNamespace(**dict(zip(names, items, strict=True)))
    made: Any = object.__new__(cls)
    for name, item in zip(names, items, strict=True):
        object.__setattr__(made, name, item)
    return made


def items_of(value: Any) -> list[Any] | None:
    """What is in a tuple, list, dict or instance, in the order of its tree; None for anything else."""
    if isinstance(value, (tuple, list)):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    return list(attributes_of(value).values()) if is_instance(value) else None


def items_like(given: Any, like: Any) -> list[Any]:
    """What is in `given`, a cotangent of `like`, in the order of what is in that; None stands for Nones.

    Attributes of an instance may be missing.  Raises ValueArgumentError where the structure is another.
    """
    own = items_of(like) or []
    if given is None:
        return [None] * len(own)
    kind = "tuple" if isinstance(like, tuple) else type(like).__name__
    if isinstance(like, (tuple, list)):
        if isinstance(given, (tuple, list)) and len(given) == len(own):
            return list(given)
    else:
        names = like if isinstance(like, dict) else attributes_of(like)
        held = given if isinstance(given, dict) else attributes_of(given) if is_instance(given) else None
        if held is not None and held.keys() <= names.keys() and (like is not names or len(held) == len(own)):
            return [held.get(name) for name in names]
    raise ValueArgumentError(f"the cotangent must be a {kind} of {len(own)}, like the value; it is {given!r:.80}")


def leaves(value: Any, shape: Tree, out: list[Any]) -> None:
    """Append the machine values of an argument to `out`."""
    if isinstance(shape, ArrayTree):
        lend(value, shape, out)
    elif isinstance(shape, Leaf):
        number = as_read(value)
        out.append(number.item() if isinstance(number, np.generic) else number)
    elif not isinstance(shape, ConstTree):
        for item, part in zip(items_of(value) or (), shape.items, strict=True):
            leaves(item, part, out)


def assemble(shape: Tree, values: Iterator[Any]) -> Any:
    """The Python object of a result, its numbers taken from `values`."""
    if isinstance(shape, Leaf):
        return next(values)
    if isinstance(shape, ArrayTree):
        return taken(shape, values)
    if isinstance(shape, ConstTree):
        return shape.value
    items = [assemble(item, values) for item in shape.items]
    if isinstance(shape, TupleTree):
        return tuple(items) if shape.cls is None else tuple.__new__(shape.cls, items)
    if isinstance(shape, ListTree):
        return items
    if isinstance(shape, DictTree):
        return dict(zip(shape.keys, items, strict=True))
    return instance(shape.cls, shape.names, items)


def mapped(value: Any, fn: Callable[[Any], Any]) -> Any:
    """`value` with `fn` of everything in it that is no container."""
    items = items_of(value)
    return fn(value) if items is None else rebuilt(value, [mapped(item, fn) for item in items])


def holds_array(value: Any) -> bool:
    """Whether an argument or result is an array, or a container with one in it."""
    items = items_of(value)
    return isinstance(value, np.ndarray) if items is None else any(map(holds_array, items))
