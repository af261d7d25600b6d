"""Arrays that are tracked: NumPy computes on the array inside, and writes are seen.

An array that comes from outside or is made while a derivative is taken is tracked from the beginning, so that active
values may be written into it later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from zyg.dynamic.array_steps import AddAt, Gather, Read, Scatter, Write
from zyg.dynamic.buffers import ArrayRef, Buffer, NumberRef, Saved, buffer_of, owner_of, reference, window
from zyg.dynamic.elements import Place, place_of, read, write
from zyg.dynamic.indices import as_view, copied_index, is_basic, plain_index
from zyg.dynamic.number import Number, lowered, lowest, number
from zyg.dynamic.places import refusal
from zyg.dynamic.tape import Tape
from zyg.dynamic.tracked import Tracked

_FLOATS = frozenset((float, np.float64, int))


class Array(Tracked, NDArrayOperatorsMixin):
    """An array on a tape; `value` is the array on the level below, at last one of NumPy's."""

    __slots__ = ("__weakref__", "buffer", "place", "value")
    __array_priority__ = 1e6
    _is = "an array"

    def __init__(self, value: Any, buffer: Buffer) -> None:
        self.value, self.buffer = value, buffer
        self.place: Place | None = None  # see `zyg.dynamic.elements`; None: not looked at yet
        buffer.tape.made.append(self)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return np.ndarray

    @property
    def __zyg_root__(self) -> np.ndarray[Any, Any]:
        value = self.value
        while type(value) is Array:
            value = value.value
        return value  # type: ignore[no-any-return]

    @property
    def __zyg_active__(self) -> bool:
        value: Any = self
        while type(value) is Array:
            if value.buffer.active and value.buffer.tape.open:
                return True
            value = value.value
        return False

    def __zyg_apply__(self, fn: Any, args: tuple[Any, ...]) -> Any:
        from zyg.dynamic.ufuncs import elementwise_call

        return elementwise_call(fn, fn, args)

    def __zyg_convert__(self, to: Any) -> Any:
        return self.astype(to)

    def keep(self) -> None:
        """Its memory may be written by code that does not tell."""
        value: Any = self
        while type(value) is Array:
            value.buffer.keep()
            value = value.value

    def window(self, offset: int, shape: Any, strides: Any, dtype: np.dtype[Any]) -> Array:
        return Array(window(self.value, offset, shape, strides, dtype), self.buffer)

    # --- what it is -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.__zyg_root__.shape)

    @shape.setter
    def shape(self, shape: Any) -> None:
        value: Any = self
        self.place = None
        while type(value.value) is Array:
            value = value.value
            value.place = None
        view = value.value.view()
        view.shape = shape
        value.value = view

    @property
    def dtype(self) -> Any:
        return self.__zyg_root__.dtype

    @property
    def ndim(self) -> int:
        return self.__zyg_root__.ndim

    @property
    def size(self) -> int:
        return self.__zyg_root__.size

    def __len__(self) -> int:
        return len(self.__zyg_root__)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return lowest(item) in self.__zyg_root__

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    # --- elements and parts ---------------------------------------------------------------------------

    def _position(self, index: Any) -> int:
        """The place of an element in the buffer, where that can be told at once; -1 otherwise."""
        place = self.place
        if place is None:
            place = self.place = place_of(self.__zyg_root__, self.buffer)
        if type(index) is int:
            if len(place) == 3:
                start, count, step = place
                if -count <= index < count:
                    return start + (index if index >= 0 else index + count) * step
        elif type(index) is tuple and len(place) == 5 and len(index) == 2:
            i, j = index
            start, rows, down, columns, along = place
            if type(i) is int and type(j) is int and -rows <= i < rows and -columns <= j < columns:
                return start + (i if i >= 0 else i + rows) * down + (j if j >= 0 else j + columns) * along
        return -1

    def __getitem__(self, index: Any) -> Any:
        position = self._position(index) if type(index) is int or type(index) is tuple else -1
        if position >= 0:
            y = self.value[index]
            return read(self, position, y) if self.buffer.active and self.buffer.tape.open else y
        tape = self.buffer.tape
        if not tape.open:
            return self.value[index]
        index = plain_index(index)
        found = self.value[index]
        if is_basic(index):
            if is_array(found):
                return Array(found, self.buffer)
            if not self.buffer.active:
                return found
            place = ArrayRef.of(self.buffer, self.__zyg_root__[as_view(index)])
            return recorded(found, tape, lambda y: Read(place, y))
        if not self.buffer.active:
            return wrapped(found, tape)
        whole = ArrayRef.of(self.buffer, self.__zyg_root__)
        index = copied_index(index)
        return recorded(found, tape, lambda y: Gather(whole, index, y))

    def __setitem__(self, index: Any, value: Any) -> None:
        tape = self.buffer.tape
        if not tape.open:
            self.value[index] = value
            return
        kind = type(value)
        if kind in _FLOATS or (
            kind is Number
            and value.tape is tape
            and (type(value.value) in _FLOATS or type(value.__zyg_root__) in _FLOATS)
        ):
            position = self._position(index)
            if position >= 0:
                self.buffer.before_write()
                self.value[index] = value.value if kind is Number else value
                if kind is Number or self.buffer.active:
                    write(self, position, value)
                return
        index = plain_index(index)
        ref, low = operand(value, tape)
        self.buffer.before_write()
        if is_array(low) and np.may_share_memory(_root(low), self.__zyg_root__):
            low = low.copy()
        self.value[index] = low
        if not is_kept(low, self.dtype):
            ref = None
        if ref is not None:
            self.buffer.active = True
        elif not self.buffer.active:
            return
        root = self.__zyg_root__
        if is_basic(index):
            tape.entries.append(Write(ArrayRef.of(self.buffer, root[as_view(index)]), ref))
        else:
            tape.entries.append(Scatter(ArrayRef.of(self.buffer, root), copied_index(index), ref))

    def add_at(self, index: Any, value: Any) -> None:
        """`self[index] += value`, with every index counted that is there several times."""
        tape = self.buffer.tape
        if not tape.open:
            np.add.at(self.value, index, value)
            return
        index = plain_index(index)
        ref, low = operand(value, tape)
        self.buffer.before_write()
        np.add.at(self.value, index, low)
        if ref is not None:
            self.buffer.active = True
            tape.entries.append(AddAt(ArrayRef.of(self.buffer, self.__zyg_root__), copied_index(index), ref))

    def __getattr__(self, name: str) -> Any:
        from zyg.dynamic.array_members import member

        return member(self, name)

    def copy(self, order: str = "C") -> Any:
        from zyg.dynamic.array_members import copied

        return copied(self, order)

    def astype(self, dtype: Any, *args: Any, **kws: Any) -> Any:
        from zyg.dynamic.array_members import as_type

        always = args[3] if len(args) > 3 else kws.get("copy", True)
        return self if not always and self.dtype == np.dtype(dtype) else as_type(self, dtype)


Array.__name__ = "numpy.ndarray"  # which the interpreter's messages say


def is_array(value: Any) -> bool:
    return type(value) is Array or isinstance(value, np.ndarray)


def _root(value: Any) -> Any:
    return getattr(value, "__zyg_root__", value)


def is_kept(value: Any, dtype: np.dtype[Any]) -> bool:
    """Does an array of this type hold what `value` is, neither rounded nor only whether it is 0?"""
    if dtype.kind in "fc":
        return True
    root = _root(value)
    kind = root.dtype.kind if hasattr(root, "dtype") else np.min_scalar_type(root).kind
    return kind == "b" or (dtype.kind != "b" and kind in "iu")


# --- which tape records -----------------------------------------------------------------------------------


def wrapped(value: Any, tape: Tape | None) -> Any:
    """An array as the tape, and those around it, see it; anything else as it is."""
    while type(value) is Array and not value.buffer.tape.open:
        value = value.value
    if tape is None or not is_array(value) or not (type(value) is Array or type(value) is np.ndarray):
        return value
    if type(value) is Array and value.buffer.tape.level >= tape.level:
        return value
    if not tape.open:
        return wrapped(value, tape.outer)
    root = _root(value)
    known = tape.arrays.get(id(root))
    if known is not None and known.__zyg_root__ is root:
        return known
    made = Array(wrapped(value, tape.outer), buffer_of(tape, root))
    tape.arrays[id(root)] = made
    return made


def fresh(value: Any, tape: Tape | None) -> Any:
    """An array that was just made, which nothing else refers to, as the tapes see it."""
    if tape is None or not is_array(value):
        return value
    if type(value) is Array and value.buffer.tape.level >= tape.level:
        return value
    if not tape.open:
        return fresh(value, tape.outer)
    return Array(fresh(value, tape.outer), Buffer(tape, owner_of(_root(value))))


def top_tape(values: Any) -> Tape | None:
    """The innermost tape on which one of the values depends on what is differentiated."""
    top: Tape | None = None
    for value in values:
        kind = type(value)
        if kind is Number:
            value = lowered(value)
            if type(value) is Number and (top is None or value.tape.level > top.level):
                top = value.tape
        else:
            while type(value) is Array:
                tape = value.buffer.tape
                if value.buffer.active and tape.open:
                    if top is None or tape.level > top.level:
                        top = tape
                    break
                value = value.value
    return top


def operand(value: Any, tape: Tape) -> tuple[Any, Any]:
    """A reference to an operand, None where the tape does not differentiate it; and its value on the level below."""
    if type(value) is Number:
        value = lowered(value)
        if type(value) is not Number or value.tape.level < tape.level:
            return None, value
        if value.tape is tape:
            return NumberRef(value), value.value
    elif type(value) is Array:
        while type(value) is Array and (value.buffer.tape.level > tape.level or not value.buffer.tape.open):
            if value.buffer.active and value.buffer.tape.open:
                break
            value = value.value
        if type(value) is not Array or value.buffer.tape.level < tape.level:
            return None, value
        if value.buffer.tape is tape:
            ref = reference(value.buffer, value.__zyg_root__) if value.buffer.active else None
            return ref, value.value
    elif isinstance(value, (list, tuple)):
        from zyg.dynamic.numpy_calls import as_array

        made = as_array(value)
        return operand(made, tape) if type(made) in (Array, Number) else (None, made)
    else:
        return None, value
    raise refusal("a value of an inner derivative is written into an array of an outer one")


def saved(value: Any, low: Any, tape: Tape) -> Any:
    """`low`, an operand's value, as the reverse sweep will find it."""
    if not is_array(low):
        return low
    while type(value) is Array and value.buffer.tape is not tape:
        value = value.value
    made = Saved(low)
    if type(value) is Array:
        value.buffer.saved.append(made)
    else:
        made.keep()
    return made


def loaded(value: Any) -> Any:
    return value.value if type(value) is Saved else value


def recorded(y: Any, tape: Tape, step: Callable[[Any], Any]) -> Any:
    """The result `y` of an operation, tracked, and its step on the tape."""
    while type(y) is Array and y.buffer.tape.level > tape.level and not y.buffer.active:
        y = y.value  # made by a function that asks all tapes: those further in see it when they get it
    if is_array(y):
        while type(y) is Array and y.buffer.tape.level >= tape.level:  # made while an inner derivative is taken
            y = y.value
        made = fresh(fresh(y, tape.outer), tape)
        made.buffer.active = True
        tape.entries.append(step(reference(made.buffer, made.__zyg_root__)))
        return made
    made = number(y, tape)
    tape.entries.append(step(NumberRef(made)))
    return made
