"""Single elements of arrays of doubles, read and written: each costs the same, however large the array.

Where a shadow is an array of NumPy's, its elements are reached by a `memoryview`, which lies among the cotangents of
numbers, under the number of the buffer; where it is differentiated in turn, that lies there itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.dynamic.buffers import ArrayRef, Buffer
from zyg.dynamic.number import Number
from zyg.dynamic.tape import Sweep

_DOUBLE = np.dtype(np.float64)
_FLOATS = frozenset((float, np.float64, int))
Place = tuple[int, ...]  # that of the first element in its buffer; for each dimension their number and distance


def place_of(root: Any, buffer: Buffer) -> Place:
    """Where the elements of an array are; () if it is not one of doubles with one or two dimensions."""
    if type(root) is not np.ndarray or root.dtype != _DOUBLE or buffer.root.dtype != _DOUBLE or not 1 <= root.ndim <= 2:
        return ()
    start = root.__array_interface__["data"][0] - buffer.low
    steps = [start, *root.strides]
    if any(step % _DOUBLE.itemsize for step in steps) or (0 in root.strides):
        return ()
    place = [start // _DOUBLE.itemsize]
    for count, stride in zip(root.shape, root.strides, strict=True):
        place += [count, stride // _DOUBLE.itemsize]
    return tuple(place)


def view_of(sweep: Sweep, buffer: Buffer, make: bool) -> Any:
    """The elements of a shadow; None if there is none yet and `make` is false."""
    view = sweep.numbers[buffer.index]
    if view is None:
        whole = ArrayRef(buffer, 0, (buffer.size // _DOUBLE.itemsize,), (_DOUBLE.itemsize,), _DOUBLE).shadow(
            sweep, make
        )
        if whole is not None:
            view = memoryview(whole) if type(whole) is np.ndarray else whole  # type: ignore[arg-type]
            sweep.numbers[buffer.index] = view
    return view


def _element(buffer: Buffer, position: int) -> ArrayRef:
    return ArrayRef(buffer, position * _DOUBLE.itemsize, (), (), _DOUBLE)


class ElementRead:
    """Original: y = a[i]     Adjoint: da[i] += dy"""

    __slots__ = ("buffer", "index", "position")
    buffer: Buffer
    index: int
    position: int

    def reverse(self, sweep: Sweep) -> None:
        numbers = sweep.numbers
        dy = numbers[self.index]
        if dy is None:
            return
        view = numbers[self.buffer.index]
        if view is None:
            view = view_of(sweep, self.buffer, True)
        if type(view) is not memoryview or type(dy) in _FLOATS:
            view[self.position] = view[self.position] + dy
        else:
            _element(self.buffer, self.position).give(sweep, dy)


class ElementWrite:
    """Original: a[i] = v     Adjoint: dv += da[i]; da[i] = 0"""

    __slots__ = ("buffer", "index", "position")
    buffer: Buffer
    position: int
    index: int  # of the number v, -1 if it is not differentiated

    def reverse(self, sweep: Sweep) -> None:
        view = sweep.numbers[self.buffer.index]
        if view is None:
            view = view_of(sweep, self.buffer, False)
            if view is None:
                return
        dv = view[self.position]
        if self.index >= 0 and (type(dv) is Number or dv != 0.0):
            sweep.accumulate(self.index, dv)
        view[self.position] = 0.0


def read(array: Any, position: int, y: Any) -> Number:
    """The element `y` of an array, recorded."""
    buffer = array.buffer
    tape = buffer.tape
    made = Number()
    made.value, made.tape, made.index = y, tape, tape.new()
    tape.made.append(made)
    step = ElementRead()
    step.buffer, step.index, step.position = buffer, made.index, position
    tape.record(step)
    return made


def write(array: Any, position: int, value: Any) -> None:
    """An element has been written, recorded."""
    buffer = array.buffer
    step = ElementWrite()
    step.buffer, step.position, step.index = buffer, position, -1
    if type(value) is Number:
        buffer.active = True
        step.index = value.index
    buffer.tape.record(step)
