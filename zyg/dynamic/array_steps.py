"""What is on the tape of reading and writing parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.dynamic.buffers import ArrayRef
from zyg.dynamic.tape import Sweep


class Result:
    """One of several results of a step, which is behind it on the tape and does the work."""

    def __init__(self, results: list[Any], ref: Any) -> None:
        results.append(ref)

    def reverse(self, sweep: Sweep) -> None:
        return None


class Read:
    """Original: y = a[i]     Adjoint: da[i] += dy"""

    __slots__ = ("place", "y")

    def __init__(self, place: ArrayRef, y: Any) -> None:
        self.place, self.y = place, y

    def reverse(self, sweep: Sweep) -> None:
        dy = self.y.take(sweep)
        if dy is not None:
            self.place.give(sweep, dy)


class Write:
    """Original: a[...] = v     Adjoint: dv += da; da[...] = 0"""

    __slots__ = ("place", "value")

    def __init__(self, place: ArrayRef, value: Any) -> None:
        self.place, self.value = place, value

    def reverse(self, sweep: Sweep) -> None:
        da = self.place.take(sweep)
        if da is None:
            return
        dv = None if self.value is None else da.copy()
        da[...] = 0
        if dv is not None:
            self.value.give(sweep, dv)


class Gather:
    """Original: y = a[index]     Adjoint: da[index] += dy, for every time that an index is there"""

    __slots__ = ("a", "index", "y")

    def __init__(self, a: ArrayRef, index: Any, y: Any) -> None:
        self.a, self.index, self.y = a, index, y

    def reverse(self, sweep: Sweep) -> None:
        dy = self.y.take(sweep)
        if dy is not None:
            np.add.at(self.a.shadow(sweep, True), self.index, dy)


class Scatter:
    """Original: a[index] = v     Adjoint: dv += da[index], where v was written last; da[index] = 0"""

    __slots__ = ("a", "index", "value")

    def __init__(self, a: ArrayRef, index: Any, value: Any) -> None:
        self.a, self.index, self.value = a, index, value

    def reverse(self, sweep: Sweep) -> None:
        da = self.a.take(sweep)
        if da is None:
            return
        dv = da[self.index] if self.value is not None else None
        da[self.index] = 0
        if dv is not None:
            writer = np.zeros(self.a.shape, np.intp)
            count = np.arange(1, dv.size + 1).reshape(dv.shape)
            writer[self.index] = count
            self.value.give(sweep, dv * (writer[self.index] == count))


class AddAt:
    """Original: a[index] += v, one after the other     Adjoint: dv += da[index]"""

    __slots__ = ("a", "index", "value")

    def __init__(self, a: ArrayRef, index: Any, value: Any) -> None:
        self.a, self.index, self.value = a, index, value

    def reverse(self, sweep: Sweep) -> None:
        da = self.a.take(sweep)
        if da is not None:
            self.value.give(sweep, da[self.index])
