"""`itertools`, written in Python where it is not known when compiling how many elements there are: as lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


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


def neighbours_at(values: Any, k: int) -> Any:
    """The element number k of `pairwise(values)`"""
    return values[k], values[k + 1]


def sums_so_far(values: Any) -> Any:
    """`accumulate(values)`"""
    made: list[Any] = []
    for i in range(len(values)):
        if i > 0:
            made.append(made[i - 1] + values[i])
        else:
            made.append(values[i])
    return made


def item_getter(*keys: Any) -> Callable[[Any], Any]:
    """`operator.itemgetter(*keys)`"""
    if len(keys) == 1:
        key = keys[0]
        return lambda value: value[key]
    return lambda value: tuple([value[key] for key in keys])


def attribute_getter(name: Any) -> Callable[[Any], Any]:
    """`operator.attrgetter(name)`"""
    return lambda value: getattr(value, name)
