"""Strongly connected components."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

Point = TypeVar("Point", bound=Hashable)


def components(points: Iterable[Point], successors: Callable[[Point], list[Point]]) -> Iterator[list[Point]]:
    """The strongly connected components of a graph, each after those that it leads to (Tarjan).

    The successors of a point are asked for when it is reached: they may depend on what was done with components
    given before.
    """
    number: dict[Point, int] = {}
    low: dict[Point, int] = {}
    open_: list[Point] = []
    is_open: set[Point] = set()
    path: list[tuple[Point, list[Point]]] = []

    def enter(point: Point) -> None:
        number[point] = low[point] = len(number)
        open_.append(point)
        is_open.add(point)
        path.append((point, list(successors(point))))

    for root in points:
        if root not in number:
            enter(root)
        while path:
            point, rest = path[-1]
            if rest:
                after = rest.pop()
                if after not in number:
                    enter(after)
                elif after in is_open:
                    low[point] = min(low[point], number[after])
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[point])
            if low[point] == number[point]:
                group = [open_.pop()]
                while group[-1] != point:
                    group.append(open_.pop())
                is_open.difference_update(group)
                yield group
