"""Memory of arrays that are tracked, and references to parts of it, whose cotangents lie in shadows.

A shadow has the layout of the memory that it belongs to, so the shadow of a view is the same view of the shadow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from zyg.dynamic.cotangents import kind_of
from zyg.dynamic.number import Number
from zyg.dynamic.places import refusal
from zyg.dynamic.state import STATE
from zyg.dynamic.tape import Sweep, Tape
from zyg.rules import primitives as p


class Saved:
    """An array that the reverse sweep reads: copied when its memory is about to be written."""

    __slots__ = ("__weakref__", "value")

    def __init__(self, value: Any) -> None:
        self.value = value

    def keep(self) -> None:
        self.value = self.value.copy()


class Buffer:
    """Memory, as one tape sees it.

    active: whether what lies in it depends on what is differentiated.  root: the array that spans it.
    index: its number on the tape.  shared: another buffer of the tape lies over the same memory (one array passed as
    two arguments).
    """

    __slots__ = ("__weakref__", "active", "bounds", "index", "root", "saved", "shared", "tape")

    def __init__(self, tape: Tape, root: np.ndarray[Any, Any]) -> None:
        self.tape, self.root, self.index = tape, root, tape.new()
        self.active = self.shared = False
        self.saved: list[Saved] = []
        self.bounds: tuple[int, int] | None = None

    @property
    def low(self) -> int:
        """The address of its first byte."""
        if self.bounds is None:
            self.bounds = byte_bounds(self.root)
        return self.bounds[0]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        if self.bounds is None:
            self.bounds = byte_bounds(self.root)
        return self.bounds[1] - self.bounds[0]

    def keep(self) -> None:
        """Its memory is about to be written, or handed to code that may do so."""
        for saved in self.saved:
            saved.keep()
        self.saved.clear()

    def before_write(self) -> None:
        if self.shared:
            raise refusal(
                "an array is written that is reached in two ways: as two arguments, or as an argument and by the"
                " function itself",
                "Pass a copy.",
            )
        self.keep()

    def shadow_dtype(self) -> np.dtype[Any]:
        return self.root.dtype if self.root.dtype.kind in "fc" else np.dtype(float)


def owner_of(root: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array whose memory `root` is a view of."""
    while isinstance(root.base, np.ndarray):
        root = root.base
    return root


def buffer_of(tape: Tape, root: np.ndarray[Any, Any]) -> Buffer:
    """The buffer of a tape for the memory of an array that comes from outside."""
    owner = owner_of(root)
    found = tape.buffers.get(id(owner))
    if found is None:
        found = Buffer(tape, owner)
        tape.buffers[id(owner)] = found
        for argument in tape.arguments:
            if np.may_share_memory(argument.root, owner):
                argument.shared = found.shared = True
    return found


def is_parameter(root: np.ndarray[Any, Any], tape: Tape) -> bool:
    """Is it part of what a tape differentiates by, without being an argument?"""
    found = tape.buffers.get(id(owner_of(root)))
    return found is not None and bool(found.active)


def argument_buffer(tape: Tape, root: np.ndarray[Any, Any]) -> Buffer:
    """A buffer of its own for an array that is an argument."""
    made = Buffer(tape, root)
    made.active = True
    for other in tape.arguments:
        if np.may_share_memory(other.root, root):
            other.shared = made.shared = True
    tape.arguments.append(made)
    return made


class NumberRef:
    """A number whose cotangent is summed up."""

    __slots__ = ("complex", "index")

    def __init__(self, number: Number) -> None:
        self.index, self.complex = number.index, kind_of(number) == "c"

    def take(self, sweep: Sweep) -> Any:
        return sweep.take(self.index)

    def give(self, sweep: Sweep, dy: Any) -> None:
        if getattr(dy, "ndim", 0):
            dy = np.sum(dy)
        if not self.complex and kind_of(dy) == "c":
            dy = p.apply(np.real, dy)
        sweep.accumulate(self.index, dy)


@dataclass(slots=True, eq=False)
class ArrayRef:
    """A part of a buffer: the place of its first element in bytes, and how the others follow."""

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    @staticmethod
    def of(buffer: Buffer, root: np.ndarray[Any, Any]) -> ArrayRef:
        offset = root.__array_interface__["data"][0] - buffer.low
        return ArrayRef(buffer, offset, root.shape, root.strides, root.dtype)

    def shadow(self, sweep: Sweep, make: bool) -> Any:
        """The shadow of this part; None if there is none yet and `make` is false."""
        buffer = self.buffer
        whole = sweep.shadows.get(buffer)
        itemsize = buffer.root.dtype.itemsize
        wanted = buffer.shadow_dtype()
        if whole is None:
            if not make:
                return None
            from zyg.dynamic.array import wrapped

            whole = wrapped(np.zeros(max(buffer.size // itemsize, 1), wanted), STATE.tape)
            sweep.shadows[buffer] = whole
        scale = wanted.itemsize // itemsize if self.dtype == buffer.root.dtype else 0
        if not scale:  # the parts of complex numbers
            if self.dtype.kind not in "fc" or buffer.root.dtype.kind != "c":
                raise refusal(f"an array of {buffer.root.dtype} is read as one of {self.dtype}")
            scale, wanted = 1, self.dtype
        return window(whole, self.offset * scale, self.shape, tuple(s * scale for s in self.strides), wanted)

    def take(self, sweep: Sweep) -> Any:
        return self.shadow(sweep, False)

    def give(self, sweep: Sweep, dy: Any) -> None:
        """Add a cotangent, summed up where the part was broadcast."""
        ref = self
        dy = unbroadcast(dy, self.shape)
        if any(s == 0 and n > 1 for s, n in zip(self.strides, self.shape, strict=True)):
            axes = tuple(i for i, (s, n) in enumerate(zip(self.strides, self.shape, strict=True)) if s == 0 and n > 1)
            dy = np.sum(np.broadcast_to(dy, self.shape), axis=axes, keepdims=True)
            shape = tuple(1 if i in axes else n for i, n in enumerate(self.shape))
            ref = ArrayRef(self.buffer, self.offset, shape, self.strides, self.dtype)
        target = ref.shadow(sweep, True)
        if target.dtype.kind != "c" and kind_of(dy) == "c":
            dy = p.apply(np.real, dy)
        if overlapping(ref.shape, ref.strides, ref.dtype.itemsize):
            raise refusal("a view whose elements overlap in memory is differentiated", "Copy it.")
        np.add(target, dy, out=target, casting="same_kind")


class WholeRef:
    """An array of doubles in C order that is all of its buffer."""

    __slots__ = ("buffer", "shape")

    def __init__(self, buffer: Buffer) -> None:
        self.buffer, self.shape = buffer, buffer.root.shape

    def _general(self) -> ArrayRef:
        return ArrayRef.of(self.buffer, self.buffer.root)

    def shadow(self, sweep: Sweep, make: bool) -> Any:
        return self._general().shadow(sweep, make)

    def take(self, sweep: Sweep) -> Any:
        whole = sweep.shadows.get(self.buffer)
        return whole.reshape(self.shape) if type(whole) is np.ndarray else self.shadow(sweep, False)

    def give(self, sweep: Sweep, da: Any) -> None:
        """Add a cotangent, summed up where the array was broadcast."""
        known = sweep.shadows.get(self.buffer)
        if not isinstance(da, np.ndarray) or da.shape != self.shape or da.dtype != _DOUBLE:
            self._general().give(sweep, da)
        elif known is None:
            from zyg.dynamic.array import wrapped

            plain = type(da) is np.ndarray
            sweep.shadows[self.buffer] = wrapped(da.flatten(), STATE.tape) if plain else da.ravel() + 0.0
        elif type(known) is np.ndarray and type(da) is np.ndarray:
            known += da.ravel()
        else:  # differentiated in turn: a new one costs less than writing into it
            sweep.shadows[self.buffer] = known + da.ravel()
            sweep.numbers[self.buffer.index] = None

    def adopts(self, sweep: Sweep, da: Any) -> bool:
        """Make a cotangent that is nobody else's the shadow, if there is none and it can be that."""
        fits = type(da) is np.ndarray and da.shape == self.shape and da.dtype == _DOUBLE
        if not fits or self.buffer in sweep.shadows:
            return False
        sweep.shadows[self.buffer] = da.ravel()
        return True


_DOUBLE = np.dtype(np.float64)


def reference(buffer: Buffer, root: np.ndarray[Any, Any]) -> ArrayRef | WholeRef:
    """A reference to an array in a buffer."""
    if root is buffer.root and root.dtype == _DOUBLE and root.flags.c_contiguous and root.size:
        return WholeRef(buffer)
    return ArrayRef.of(buffer, root)


def window(whole: Any, offset: int, shape: Any, strides: Any, dtype: np.dtype[Any]) -> Any:
    """The view of a flat array that starts at a byte."""
    if isinstance(whole, np.ndarray) and type(whole) is np.ndarray:
        return np.ndarray(shape, dtype, whole, offset, strides)
    return whole.window(offset, shape, strides, dtype)


def overlapping(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """May two indices lead to one place?"""
    reach = itemsize
    for stride, count in sorted((abs(s), n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride < reach:
            return True
        reach = stride * (count - 1) + reach
    return False


def unbroadcast(dy: Any, shape: tuple[int, ...]) -> Any:
    """`dy` summed up to `shape`, from which it was broadcast."""
    have = getattr(dy, "shape", ())
    if have == shape:
        return dy
    lead = len(have) - len(shape)
    if lead > 0:
        dy = np.sum(dy, axis=tuple(range(lead)))
        have = have[lead:]
    lead = len(shape) - len(have)
    axes = tuple(i for i, n in enumerate(have) if n != shape[i + lead] and shape[i + lead] == 1)
    return np.sum(dy, axis=axes, keepdims=True) if axes else dy
