"""Methods, operators and functions of lists, written in Python over append, pop, length and items.

The reader compiles them like the user's own code; their exceptions belong to the user's line.
"""

# ruff: noqa: SIM110 -- loops, as any() and all() are written by them

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.rules.library import refuse

_NONE = object()  # no default


def collected(items: Any) -> Any:
    made = []
    for item in items:
        made.append(item)
    return made


def from_array(a: Any) -> Any:
    """`a.tolist()`"""
    if a.ndim == 1:
        return [v for v in a]  # noqa: C416
    if a.ndim == 2:
        return [[v for v in row] for row in a]  # noqa: C416
    if a.ndim == 3:
        return [[[v for v in row] for row in rows] for rows in a]  # noqa: C416
    return refuse("tolist of more than three dimensions")


def extend(values: Any, items: Any) -> None:
    for item in items:
        values.append(item)


def extend_by_list(values: Any, items: Any) -> None:
    for i in range(len(items)):  # the list may be extended by itself
        values.append(items[i])


def insert(values: Any, index: int, item: Any) -> None:
    n = len(values)
    if index < 0:
        index = max(index + n, 0)
    index = min(index, n)
    values.append(item)
    k = n
    while k > index:
        values[k] = values[k - 1]
        k -= 1
    values[index] = item


def pop(values: Any, index: int) -> Any:
    n = len(values)
    if n == 0:
        raise IndexError("pop from empty list")
    if index < 0:
        index += n
    if index < 0 or index >= n:
        raise IndexError("pop index out of range")
    item = values[index]
    _close(values, index)
    return item


def delete(values: Any, index: int) -> None:
    n = len(values)
    if index < 0:
        index += n
    if index < 0 or index >= n:
        raise IndexError("list assignment index out of range")
    _close(values, index)


def _close(values: Any, index: int) -> None:
    for k in range(index, len(values) - 1):
        values[k] = values[k + 1]
    values.pop()


def remove(values: Any, item: Any) -> None:
    for k in range(len(values)):
        if values[k] == item:
            _close(values, k)
            return
    raise ValueError("list.remove(x): x not in list")


def index(values: Any, item: Any, start: Any = 0, stop: Any = None) -> Any:
    n = len(values)
    first = start if start >= 0 else max(start + n, 0)
    last = n if stop is None else _bound(stop, n)
    k = first
    while k < last and k < n:
        if values[k] == item:
            return k
        k += 1
    raise ValueError("x is not in list")


def _bound(stop: int, n: int) -> int:
    return stop if stop >= 0 else max(stop + n, 0)


def count(values: Any, item: Any) -> int:
    found = 0
    for value in values:
        if value == item:
            found += 1
    return found


def copy(values: Any) -> Any:
    made = []
    for i in range(len(values)):
        made.append(values[i])
    return made


def reverse(values: Any) -> None:
    n = len(values)
    for k in range(n // 2):
        low = values[k]
        values[k] = values[n - 1 - k]
        values[n - 1 - k] = low


def sort(values: Any, *, key: Any = None, reverse: Any = False) -> None:
    """Merging from below; equal elements keep their order."""
    n = len(values)
    ranks = []
    for i in range(n):
        ranks.append(values[i] if key is None else key(values[i]))
    order = []
    for i in range(n):
        order.append(i)
    width = 1
    while width < n:
        merged = []
        low = 0
        while low < n:
            middle = min(low + width, n)
            high = min(low + 2 * width, n)
            i = low
            j = middle
            while i < middle or j < high:
                if j >= high:
                    take_left = True
                elif i >= middle:
                    take_left = False
                elif reverse:
                    take_left = not (ranks[order[i]] < ranks[order[j]])
                else:
                    take_left = not (ranks[order[j]] < ranks[order[i]])
                if take_left:
                    merged.append(order[i])
                    i += 1
                else:
                    merged.append(order[j])
                    j += 1
            low += 2 * width
        for i in range(n):
            order[i] = merged[i]
        width *= 2
    old = copy(values)
    for i in range(n):
        values[i] = old[order[i]]


def sorted_list(items: Any, *, key: Any = None, reverse: Any = False) -> Any:
    made = list(items)
    made.sort(key=key, reverse=reverse)
    return made


METHODS: dict[str, Callable[..., Any]] = {
    fn.__name__: fn for fn in (extend, insert, pop, remove, index, count, copy, reverse, sort)
}


# --- operators -------------------------------------------------------------------------------------------


def joined(a: Any, b: Any) -> Any:
    made = copy(a)
    extend_by_list(made, b)
    return made


def repeated(values: Any, times: int) -> Any:
    made = []
    for _ in range(times):
        for i in range(len(values)):
            made.append(values[i])
    return made


def repeat_in_place(values: Any, times: int) -> Any:
    n = len(values)
    if times <= 0:
        values.clear()
    for _ in range(times - 1):
        for i in range(n):
            values.append(values[i])
    return values


def equal(a: Any, b: Any) -> bool:
    if len(a) != len(b):
        return False
    for i in range(len(a)):
        if a[i] != b[i]:
            return False
    return True


def contains(values: Any, item: Any) -> bool:
    for value in values:
        if value == item:
            return True
    return False


# --- slices ----------------------------------------------------------------------------------------------


def _first(start: Any, step: int, n: int) -> Any:
    if start is None:
        return 0 if step > 0 else n - 1
    if start < 0:
        return max(start + n, 0 if step > 0 else -1)
    return min(start, n if step > 0 else n - 1)


def _last(stop: Any, step: int, n: int) -> Any:
    if stop is None:
        return n if step > 0 else -1
    if stop < 0:
        return max(stop + n, 0 if step > 0 else -1)
    return min(stop, n if step > 0 else n - 1)


def part(values: Any, start: Any, stop: Any, step: Any) -> Any:
    stride = 1 if step is None else step
    if stride == 0:
        raise ValueError("slice step cannot be zero")
    n = len(values)
    made = []
    for i in range(_first(start, stride, n), _last(stop, stride, n), stride):
        made.append(values[i])
    return made


def set_part(values: Any, start: Any, stop: Any, step: Any, items: Any) -> None:
    stride = 1 if step is None else step
    if stride == 0:
        raise ValueError("slice step cannot be zero")
    n = len(values)
    new = list(items)
    first = _first(start, stride, n)
    last = _last(stop, stride, n)
    if step is not None and stride != 1:
        places = range(first, last, stride)
        size = 0
        for _ in places:
            size += 1
        if size != len(new):
            raise ValueError("attempt to assign sequence to extended slice of another size")
        for k, i in enumerate(places):
            values[i] = new[k]
    else:
        last = max(first, last)
        tail = part(values, last, None, None)
        while len(values) > first:
            values.pop()
        extend_by_list(values, new)
        extend_by_list(values, tail)


def delete_part(values: Any, start: Any, stop: Any, step: Any) -> None:
    stride = 1 if step is None else step
    if stride == 0:
        raise ValueError("slice step cannot be zero")
    n = len(values)
    goes = []
    for _ in range(n):
        goes.append(False)
    for i in range(_first(start, stride, n), _last(stop, stride, n), stride):
        goes[i] = True
    k = 0
    for i in range(n):
        if not goes[i]:
            values[k] = values[i]
            k += 1
    while len(values) > k:
        values.pop()


# --- functions -------------------------------------------------------------------------------------------


def total(items: Any, start: Any = 0) -> Any:
    for item in items:
        start = start + item
    return start


_NO_LARGEST, _NO_SMALLEST = (
    ("max() iterable argument is empty", "min() iterable argument is empty")
    if sys.version_info >= (3, 12)
    else ("max() arg is an empty sequence", "min() arg is an empty sequence")
)


def largest(items: Any, *, key: Any = None, default: Any = _NONE) -> Any:
    made = list(items)
    if len(made) == 0:
        if default is _NONE:
            raise ValueError(_NO_LARGEST)
        return default
    best = made[0]
    for i in range(1, len(made)):
        item = made[i]
        if key is None:
            if item > best:
                best = item
        elif key(item) > key(best):
            best = item
    return best


def smallest(items: Any, *, key: Any = None, default: Any = _NONE) -> Any:
    made = list(items)
    if len(made) == 0:
        if default is _NONE:
            raise ValueError(_NO_SMALLEST)
        return default
    best = made[0]
    for i in range(1, len(made)):
        item = made[i]
        if key is None:
            if item < best:
                best = item
        elif key(item) < key(best):
            best = item
    return best


def filtered(fn: Any, items: Any) -> Any:
    return [item for item in items if (item if fn is None else fn(item))]


def any_of(items: Any) -> bool:
    for item in items:
        if item:
            return True
    return False


def all_of(items: Any) -> bool:
    for item in items:
        if not item:
            return False
    return True


# --- arrays ----------------------------------------------------------------------------------------------


def array_of_numbers(values: Any, dtype: Any) -> Any:
    n = len(values)
    made = np.empty(n, dtype)
    for i in range(n):
        made[i] = values[i]
    return made


def array_of_arrays(values: Any, dtype: Any) -> Any:
    n = len(values)
    if n == 0:
        raise ValueError("an array of an empty list of arrays cannot be made in native code")
    first = np.asarray(values[0])
    made = np.empty((n, *first.shape), dtype)
    for i in range(n):
        row = np.asarray(values[i])
        if row.shape != first.shape:
            raise ValueError("setting an array element with a sequence. The requested array has an inhomogeneous shape")
        made[i] = row
    return made


def arrays_in_a_row(values: Any, dtype: Any) -> Any:
    """np.concatenate along the first axis."""
    if len(values) == 0:
        raise ValueError("need at least one array to concatenate")
    first = values[0]
    n = 0
    for value in values:
        if value.shape[1:] != first.shape[1:]:
            raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
        n += value.shape[0]
    made = np.empty((n, *first.shape[1:]), dtype)
    n = 0
    for value in values:
        made[n : n + value.shape[0]] = value
        n += value.shape[0]
    return made


@functools.cache
def arrays_side_by_side(axis: int) -> Callable[[Any, Any], Any]:
    """np.concatenate along another axis."""

    def side_by_side(values: Any, dtype: Any) -> Any:
        if len(values) == 0:
            raise ValueError("need at least one array to concatenate")
        first = values[0]
        before, behind = first.shape[:axis], first.shape[axis + 1 :]
        n = 0
        for value in values:
            if value.shape[:axis] != before or value.shape[axis + 1 :] != behind:
                raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
            n += value.shape[axis]
        made = np.empty((*before, n, *behind), dtype)
        rows = np.moveaxis(made, axis, 0)
        n = 0
        for value in values:
            rows[n : n + value.shape[axis]] = np.moveaxis(value, axis, 0)
            n += value.shape[axis]
        return made

    return side_by_side


def total_of_arrays(items: Any) -> Any:
    if len(items) == 0:
        raise ValueError("the sum of no arrays is the int 0, which native code cannot give where it may be an array")
    made = items[0] + 0
    for i in range(1, len(items)):
        made = made + items[i]
    return made


# --- dicts -----------------------------------------------------------------------------------------------


def value_at(record: Any, key: Any) -> Any:
    """What a dict holds at a key."""
    return record[key]


def entry_at(record: Any, key: Any) -> Any:
    """A key of a dict, and what is there."""
    return key, record[key]


def item_or(items: Any, key: Any, default: Any) -> Any:
    """`items.get(key, default)`"""
    if key in items:
        return items[key]
    return default
