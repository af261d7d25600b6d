"""What an index selects from an array: a view, or the positions that index arrays and masks give."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zyg.errors import by_stretching, unsupported
from zyg.ir.memory import mem_store
from zyg.ir.program import Const, Op, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, maps
from zyg.reading.array_making import as_array
from zyg.reading.arrays import ONE, ZERO, add, dtype_of, mul, offset, shape, strides, sub
from zyg.reading.heads import ListHead, SliceHead, TupleHead
from zyg.reading.maps import Elements
from zyg.reading.nest import nest
from zyg.reading.values import Node, Static, Value
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


@dataclass(frozen=True, slots=True)
class Selection:
    """What an index selects: a view, and by index arrays and masks positions along some of its axes.

    picks: for each axis of the view the positions along it, or None.  dims: those of the positions, broadcast together.
    at: where these stand in the result, behind so many of the other axes.
    """

    view: Node
    picks: tuple[Node | None, ...] = ()
    dims: tuple[Operand, ...] = ()
    at: int = 0

    @property
    def is_view(self) -> bool:
        return all(pick is None for pick in self.picks)

    def shape(self) -> list[Operand]:
        """The dimensions of what is selected."""
        others = [n for n, pick in zip(shape(self.view), self.picks, strict=True) if pick is None]
        return [*others[: self.at], *self.dims, *others[self.at :]]

    def place(self, reader: FunctionReader, index: Sequence[Operand]) -> list[Operand]:
        """The index, in the view, of the element at `index` of what is selected."""
        picked = list(index[self.at : self.at + len(self.dims)])
        others = iter([*index[: self.at], *index[self.at + len(self.dims) :]])
        elements = Elements(reader, False, self.dims)
        return [next(others) if pick is None else elements.at(pick, picked) for pick in self.picks]


def _index_error(i: int, n: int) -> BaseException:
    return IndexError(f"index {i} is out of bounds for an axis of size {n}")


def in_range(reader: FunctionReader, i: Operand, n: Operand) -> Operand:
    """Index `i` of an axis of size `n`, counted from its start; raises IndexError."""
    if isinstance(i, Const):
        number = int(i.value.real)
        at: Operand = i if number >= 0 else add(reader, n, i)
        ok = reader.emit(operator.lt, (i, n), b1) if number >= 0 else reader.emit(operator.ge, (at, ZERO), b1)
    else:
        negative = reader.emit(operator.lt, (i, ZERO), b1)
        at = reader.emit(p.select, (negative, add(reader, i, n), i), i8)
        low = reader.emit(operator.ge, (at, ZERO), b1)
        high = reader.emit(operator.lt, (at, n), b1)
        ok = reader.emit(operator.and_, (low, high), b1)
    reader.guard(ok, _index_error, "IndexError", i, n)
    return at


def _parts(reader: FunctionReader, index: Value, ndim: int) -> list[Value]:
    """The index as one entry per axis of the array, besides None entries."""
    entries = list(index.items) if isinstance(index, Node) and isinstance(index.head, TupleHead) else [index]
    if isinstance(index, Static) and isinstance(index.obj, tuple):
        entries = [_of_object(reader, item) for item in index.obj]
    entries = [_of_list(reader, e) if isinstance(e, Node) and isinstance(e.head, ListHead) else e for e in entries]
    used = sum(
        arrays.ndim_of(e) if is_mask(e) else 1
        for e in entries
        if not (isinstance(e, Static) and (e.obj in (None, ...)))
    )
    if used > ndim:
        raise unsupported(f"too many indices for an array of {ndim} dimensions: {used}", reader.pos)
    full = [Static(slice(None))] * (ndim - used)
    dots = [k for k, e in enumerate(entries) if isinstance(e, Static) and e.obj is ...]
    if dots:
        return [*entries[: dots[0]], *full, *entries[dots[0] + 1 :]]
    return [*entries, *full]


def _of_list(reader: FunctionReader, entry: Node) -> Value:
    return as_array(reader, entry) if entry.items else arrays.allocate(reader, (ZERO,), i8)


def _of_object(reader: FunctionReader, obj: Any) -> Value:
    return Const(obj, i8) if isinstance(obj, int) else Static(obj)


def is_mask(value: Value) -> bool:
    return arrays.is_arraylike(value) and dtype_of(value) == b1


def select(reader: FunctionReader, array: Node, index: Value) -> Selection:
    """What `array[index]` refers to."""
    start = offset(array)
    dims: list[Operand] = []
    steps: list[Operand] = []
    picks: list[Node | None] = []
    entries = _parts(reader, index, array.head.ndim)
    advanced: list[int] = []
    before = 0
    axis = 0
    own_dims, own_steps = shape(array), strides(reader, array)
    for number, entry in enumerate(entries):
        if isinstance(entry, Static) and entry.obj is None:
            dims.append(ONE)
            steps.append(ZERO)
            picks.append(None)
        elif arrays.is_arraylike(entry):
            advanced.append(number)
            count = arrays.ndim_of(entry) if is_mask(entry) else 1
            picks += _positions(reader, entry, own_dims[axis : axis + count])
            dims += own_dims[axis : axis + count]
            steps += own_steps[axis : axis + count]
            axis += count
        elif isinstance(entry, (Var, Const)):
            if entry.type == b1:
                raise unsupported("a truth value as an index, which is a mask", reader.pos, "Write int(…).")
            if entry.type != i8:
                raise unsupported("only integers, slices, None, ... and arrays of them index an array", reader.pos)
            advanced.append(number)
            at = in_range(reader, reader.cast(entry, i8), own_dims[axis])
            start = add(reader, start, mul(reader, at, own_steps[axis]))
            axis += 1
        elif _is_slice(entry):
            first, length, stride = _slice(reader, entry, own_dims[axis])
            start = add(reader, start, mul(reader, first, own_steps[axis]))
            dims.append(length)
            steps.append(mul(reader, stride, own_steps[axis]))
            picks.append(None)
            axis += 1
        else:
            raise unsupported("this kind of index is not compiled", reader.pos)
        if len(advanced) == 0:
            before = len(dims)
    # NumPy: what index arrays pick comes first, unless they and the numbers beside them stand together
    together = not advanced or advanced[-1] - advanced[0] == len(advanced) - 1
    view = arrays.view(reader, array, start, dims, steps)
    found = [shape(pick) for pick in picks if pick is not None]
    picked = maps.broadcast(reader, found, _pick_error) if found else ()
    return Selection(view, tuple(picks), picked, before if together else 0)


def _pick_error(a: int, b: int) -> BaseException:
    return IndexError(f"index arrays could not be broadcast together with dimensions {a} and {b}")


def _is_slice(entry: Value) -> bool:
    if isinstance(entry, Static):
        return isinstance(entry.obj, slice)
    return isinstance(entry, Node) and isinstance(entry.head, SliceHead)


def _bounds(reader: FunctionReader, entry: Value) -> list[Operand | None]:
    items: Sequence[Value]
    if isinstance(entry, Static):
        items = [Static(None) if v is None else Const(v, i8) for v in (entry.obj.start, entry.obj.stop, entry.obj.step)]
    else:
        assert isinstance(entry, Node)
        items = entry.items
    found: list[Operand | None] = []
    for item in items:
        if isinstance(item, Static) and item.obj is None:
            found.append(None)
        elif isinstance(item, (Var, Const)) and item.type in (i8, b1):
            found.append(reader.cast(item, i8))
        else:
            raise unsupported("slice bounds must be integers", reader.pos)
    return found


def _slice(reader: FunctionReader, entry: Value, n: Operand) -> tuple[Operand, Operand, Operand]:
    """First index, length and step of a slice of an axis of size n (Python's slice.indices)."""
    low, high, step = _bounds(reader, entry)
    step = ONE if step is None else step
    if not isinstance(step, Const):
        raise unsupported("the step of a slice must be known when compiling", reader.pos)
    width = int(step.value.real)
    if width == 0:
        raise unsupported("slice step cannot be zero", reader.pos)
    single = _single(low, high) if width == 1 and not reader.spec.stretching else None
    if single is not None:
        # One element, so that the dimension is known to be 1 and broadcasts
        at = single if int(single.value.real) >= 0 else add(reader, n, single)
        there = reader.emit(operator.lt, (single, n), b1) if at is single else reader.emit(operator.ge, (at, ZERO), b1)
        reader.guard(there, _empty_slice, "IndexError(slice)")
        return at, ONE, step
    if width > 0:
        # Where a start that is known lies behind the end nothing is left, and it does not matter where that begins
        known = isinstance(low, Const) and int(low.value.real) >= 0
        first = ZERO if low is None else low if known else _clamped(reader, low, n, ZERO, n)
        end = n if high is None else _clamped(reader, high, n, ZERO, n)
        distance = sub(reader, end, first)
    else:
        last = sub(reader, n, ONE)
        first = last if low is None else _clamped(reader, low, n, Const(-1, i8), last)
        end = Const(-1, i8) if high is None else _clamped(reader, high, n, Const(-1, i8), last)
        distance = sub(reader, first, end)
    if abs(width) > 1:
        rounded = add(reader, distance, Const(abs(width) - 1, i8))
        distance = reader.emit(operator.floordiv, (rounded, Const(abs(width), i8)), i8)
    if not (low is None and high is None):
        distance = arrays.most(reader, distance, ZERO)
    return first, distance, step


def _single(low: Operand | None, high: Operand | None) -> Const | None:
    """The index of the one element of slices like `[:1]`, `[2:3]` and `[-1:]`."""
    if isinstance(low, Const) and int(low.value.real) == -1 and high is None:
        return low
    start = ZERO if low is None else low
    if isinstance(start, Const) and isinstance(high, Const):
        first, end = int(start.value.real), int(high.value.real)
        if end - first == 1 and end != 0:
            return Const(first, i8)
    return None


def _empty_slice() -> BaseException:
    text = "a slice of one element lies outside its axis, which native code supports only where nothing is written"
    return by_stretching(IndexError(text))


def _clamped(reader: FunctionReader, bound: Operand, n: Operand, low: Operand, high: Operand) -> Operand:
    if isinstance(bound, Const):
        number = int(bound.value.real)
        if number >= 0:
            return arrays.least(reader, bound, high) if number > 0 or high is not n else ZERO
        return arrays.most(reader, add(reader, n, bound), low)
    negative = reader.emit(operator.lt, (bound, ZERO), b1)
    at = reader.emit(p.select, (negative, add(reader, bound, n), bound), i8)
    return arrays.least(reader, arrays.most(reader, at, low), high)


def _positions(reader: FunctionReader, entry: Value, dims: Sequence[Operand]) -> list[Node]:
    """The positions along axes of these sizes that an index array or a mask names, checked."""
    entry = maps.settle(reader, entry)
    assert isinstance(entry, Node)
    if dtype_of(entry) == b1:
        return _masked(reader, entry, dims)
    if dtype_of(entry) != i8:
        raise unsupported("arrays used as indices must be of integer type", reader.pos)
    out = arrays.allocate(reader, shape(entry), i8)

    def body(elements: Elements, index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        position = in_range(reader, elements.at(entry, index), dims[0])
        if elements.flat:
            reader.ops.append(Op(mem_store, (arrays.memory(out), index[0], position), (), reader.pos))
        else:
            arrays.store(reader, out, index, position)
        return ()

    maps.over(reader, "indices", shape(entry), [entry], (), body)
    return [out]


def _masked(reader: FunctionReader, mask: Node, dims: Sequence[Operand]) -> list[Node]:
    """np.nonzero of a mask, which has these dimensions."""
    for own, n in zip(shape(mask), dims, strict=True):
        reader.guard(reader.emit(operator.eq, (own, n), b1), mask_error, "IndexError(mask)", own, n)
    size = arrays.size(reader, dims)
    places = [arrays.allocate(reader, (size,), i8) for _ in dims]

    def body(index: list[Operand], state: list[Operand]) -> Sequence[Operand]:
        on = arrays.load(reader, mask, index)
        for place, i in zip(places, index, strict=True):
            arrays.store(reader, place, [state[0]], i)
        return [add(reader, state[0], reader.cast(on, i8))]

    (count,) = nest(reader, "mask", dims, [ZERO], body)
    return [arrays.c_array(arrays.memory(place), ZERO, [reader.length(count)]) for place in places]


def mask_error(size: int, n: int) -> BaseException:
    return IndexError(f"boolean index did not match indexed array: its size is {size}, the axis has {n}")
