"""`itertools`, written in Python where it is not known when compiling how many elements there are: as lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def pairs(values: Any) -> Any:
    """`combinations(values, 2)`"""
    made = []
    for i in range(len(values)):
        for j in range(i + 1, len(values)):
            made.append((values[i], values[j]))
    return made


def product_at(several: Any, k: int) -> Any:
    """The element number k of `product(*several)`, the last of which goes fastest."""
    if len(several) == 1:
        return (several[0][k],)
    size = len(several[-1])
    return (*product_at(several[:-1], k // size), several[-1][k % size])


def rows_at(values: Any, k: int) -> Any:
    """The element number k of `pairwise(values)`, for an array of arrays"""
    return values[k], values[k + 1]


def neighbours_at(held: Any, k: int) -> Any:
    """The element number k of `pairwise(values)`; the cell keeps what was read for the one before."""
    values, cell = held
    first = values[k] if k == 0 else cell[0]
    second = values[k + 1]
    cell[0] = second
    return first, second


def sum_at(held: Any, k: int) -> Any:
    """The element number k of `accumulate(values)`; the cell keeps the one before."""
    values, cell = held
    total = values[k] if k == 0 else cell[0] + values[k]
    cell[0] = total
    return total


def cell_like(values: Any) -> Any:
    """A place for an element of an array"""
    return np.zeros(1, dtype=values.dtype)


def cell_of(values: Any) -> Any:
    """A place for an element of a list, if it has any"""
    return values[:1]


def itself(value: Any) -> Any:
    return value


def item_at(values: Any, k: int) -> Any:
    return values[k]


def starred(fn: Callable[..., Any], row: Any) -> Any:
    return fn(*row)


def called(fn: Callable[[], Any]) -> Any:
    return fn()


def item_getter(*keys: Any) -> Callable[[Any], Any]:
    """`operator.itemgetter(*keys)`"""
    if len(keys) == 1:
        key = keys[0]
        return lambda value: value[key]
    return lambda value: tuple([value[key] for key in keys])


def attribute_getter(name: Any) -> Callable[[Any], Any]:
    """`operator.attrgetter(name)`"""
    return lambda value: getattr(value, name)
