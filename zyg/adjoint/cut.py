"""A minimum cut of a network (Dinic, Algorithm for solution of a problem of maximum flow, 1970)."""

from __future__ import annotations

from collections import deque

INFINITE = 1e18
_SMALL = 1e-9


class Network:
    """Nodes are numbers; 0 is the source and 1 the sink.  flow: what passes, the capacity of the cut."""

    def __init__(self, nodes: int) -> None:
        self._out: list[list[int]] = [[] for _ in range(nodes)]
        self._to: list[int] = []
        self._left: list[float] = []
        self.flow = 0.0

    def add(self, a: int, b: int, capacity: float) -> None:
        """An edge from a to b."""
        for start, end, room in ((a, b, capacity), (b, a, 0.0)):
            self._out[start].append(len(self._to))
            self._to.append(end)
            self._left.append(room)

    def source_side(self) -> set[int]:
        """The nodes on the side of the source of a minimum cut: as few as possible."""
        while True:
            level = self._levels()
            if 1 not in level:
                return set(level)
            untried = {node: list(self._out[node]) for node in level}
            while self._augment(level, untried):
                pass

    def _levels(self) -> dict[int, int]:
        """The distance from the source of each node that more can flow to."""
        level, todo = {0: 0}, deque([0])
        while todo:
            node = todo.popleft()
            for edge in self._out[node]:
                after = self._to[edge]
                if self._left[edge] > _SMALL and after not in level:
                    level[after] = level[node] + 1
                    todo.append(after)
        return level

    def _augment(self, level: dict[int, int], untried: dict[int, list[int]]) -> bool:
        """Send what one more shortest path can take; is there one?"""
        path: list[int] = []
        node = 0
        while node != 1:
            edges = untried[node]
            while edges and not (self._left[edges[-1]] > _SMALL and level.get(self._to[edges[-1]]) == level[node] + 1):
                edges.pop()
            if edges:
                path.append(edges[-1])
                node = self._to[edges[-1]]
            elif path:
                node = self._to[path.pop() ^ 1]
                untried[node].pop()
            else:
                return False
        flow = min(self._left[edge] for edge in path)
        self.flow += flow
        for edge in path:
            self._left[edge] -= flow
            self._left[edge ^ 1] += flow
        return True
