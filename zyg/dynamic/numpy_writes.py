"""NumPy's functions that write into arrays, or call Python functions, in terms of indices and loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, is_array
from zyg.dynamic.contents import changed
from zyg.dynamic.indices import plain_index
from zyg.dynamic.numpy_calls import as_array, numpy_function, tracked_in
from zyg.dynamic.places import refusal
from zyg.dynamic.resolve import BY_TYPE, call_in_place_of, resolve, seen
from zyg.dynamic.ufuncs import plain_root


class Flat:
    """`array.flat`: the elements in C order, read and written."""

    __slots__ = ("array", "position")

    def __init__(self, array: Any) -> None:
        self.array, self.position = array, 0

    def __len__(self) -> int:
        return int(self.array.size)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.position >= len(self):
            raise StopIteration
        self.position += 1
        return self[self.position - 1]

    def _places(self, index: Any) -> Any:
        found = np.arange(len(self))[plain_index(index)]
        return tuple([int(n) if np.ndim(found) == 0 else n for n in np.unravel_index(found, self.array.shape)])

    def __getitem__(self, index: Any) -> Any:
        return self.array[self._places(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        places = self._places(index)
        self.array[places] = _filling(value, np.shape(places[0])) if np.ndim(places[0]) else value


def _filling(values: Any, shape: tuple[int, ...]) -> Any:
    """Values repeated until there are enough, as `np.put` does."""
    values = np.ravel(as_array(values)) if np.ndim(plain_root(values)) or isinstance(values, (list, tuple)) else values
    if not is_array(values):
        return values
    count = int(np.prod(shape))
    return values[np.arange(count) % max(len(values), 1)].reshape(shape)


def _set_flat(array: Array, value: Any) -> None:
    Flat(array)[:] = value


def _set_part(name: str) -> Callable[[Array, Any], None]:
    def write(array: Array, value: Any) -> None:
        if array.dtype.kind == "c":
            getattr(array, name)[...] = value
        elif name == "real":
            array[...] = value
        else:
            raise TypeError("array does not have imaginary part to set")

    return write


def _get_part(name: str) -> Callable[[Array], Any]:
    from zyg.dynamic.array_members import member

    return lambda array: member(array, name)


Array.flat = property(Flat, _set_flat)  # type: ignore[attr-defined]
for _name in ("real", "imag"):
    setattr(Array, _name, property(_get_part(_name), _set_part(_name)))


@numpy_function(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    src = as_array(src)
    kind = np.result_type(plain_root(src))
    if not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"Cannot cast array data from {kind!r} to {dst.dtype!r} according to the rule {casting!r}")
    dst[...] = src if where is True else np.where(where, src, dst)


@numpy_function(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    if mode != "raise":
        raise refusal(f"np.put with mode={mode!r} has no derivative rule")
    Flat(a)[np.asarray(plain_index(ind)).ravel()] = v


@numpy_function(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    mask = np.asarray(plain_root(mask), bool)
    a[mask] = _filling(values, a.shape)[mask] if np.ndim(plain_root(as_array(values))) else values


@numpy_function(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    mask = np.asarray(plain_root(mask), bool)
    arr[mask] = _filling(vals, (int(mask.sum()),))


@numpy_function(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if wrap or a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise refusal("np.fill_diagonal has no derivative rule for these arguments")
    places = np.arange(min(a.shape))
    a[(places,) * a.ndim] = _filling(val, places.shape)


@numpy_function(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, *args: Any, **kws: Any) -> Any:
    from zyg.dynamic.native import by_native_code

    y = by_native_code(np.nan_to_num, [as_array(x), True, *args], kws)
    if copy:
        return y
    x[...] = y
    return x


@numpy_function(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    at = np.asarray(plain_index(indices))
    if axis is None:
        Flat(arr)[at.ravel()] = values if np.ndim(plain_root(values)) == 0 else np.ravel(as_array(values))
        return
    if at.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    axis = axis % arr.ndim
    shape = (*arr.shape[:axis], 1, *arr.shape[axis + 1 :])
    places = [
        at if k == axis else np.arange(n).reshape([-1 if j == k else 1 for j in range(arr.ndim)])
        for k, n in enumerate(shape)
    ]
    arr[tuple(places)] = values


@numpy_function(np.meshgrid)
def _meshgrid(*xi: Any, copy: Any = True, sparse: Any = False, indexing: str = "xy") -> Any:
    vectors = [np.ravel(as_array(x)) for x in xi]
    sizes = [len(v) for v in vectors]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    shape = tuple(sizes[n] for n in order)
    found = []
    for n, v in enumerate(vectors):
        own = tuple(sizes[n] if m == n else 1 for m in order)
        y = v.reshape(own)
        y = y if sparse else np.broadcast_to(y, shape)
        found.append(y.copy() if copy else y)
    return tuple(found)


# --- functions that call what they are given ----------------------------------------------------------------


def _called_with(fn: Any) -> Callable[..., Any]:
    found = resolve(fn)
    return lambda *args: found(*[seen(arg) for arg in args])


@numpy_function(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kws: Any) -> Any:
    arr = np.moveaxis(as_array(arr), axis, -1)
    found = resolve(func1d)
    rows = [as_array(found(arr[index], *args, **kws)) for index in np.ndindex(*arr.shape[:-1])]
    own = np.shape(plain_root(rows[0]))
    y = np.stack(rows).reshape((*arr.shape[:-1], *own))
    last = arr.ndim - 1
    return np.moveaxis(y, range(last, last + len(own)), range(axis % arr.ndim, axis % arr.ndim + len(own)))


@numpy_function(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kws: Any) -> Any:
    x = as_array(x)
    if x.ndim == 0:
        raise refusal("np.piecewise of a number has no derivative rule")
    given = list(condlist) if np.ndim(plain_root(condlist[0])) else [condlist]
    conditions = [np.asarray(plain_root(condition), bool) for condition in given]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    y = seen(np.zeros(x.shape, x.dtype))
    for condition, fn in zip(conditions, funclist, strict=True):
        if not callable(fn):
            y[condition] = fn
        elif condition.any():
            y[condition] = resolve(fn)(x[condition], *args, **kws)
    return y


@call_in_place_of(np.fromiter)
def _fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, **kws: Any) -> Any:
    if kws:
        return np.fromiter(iter, dtype, count, **kws)
    items = [item for _, item in zip(range(count), iter, strict=False)] if count >= 0 else list(iter)
    if not tracked_in(items):
        return seen(np.fromiter(items, dtype, count))
    return as_array(items, dtype)


def _vectorized(fn: Any) -> Callable[..., Any]:
    def call(*args: Any, **kws: Any) -> Any:
        if not tracked_in((args, kws)):
            return fn(*args, **kws)
        if kws or fn.signature is not None or fn.excluded:
            raise refusal("np.vectorize with keywords, signature= or excluded= has no derivative rule")
        arrays = [as_array(arg) for arg in args]
        shape = np.broadcast_shapes(*[np.shape(plain_root(a)) for a in arrays])
        spread = [np.broadcast_to(a, shape) if is_array(a) else a for a in arrays]
        called = _called_with(fn.pyfunc)
        items = [called(*[a[i] if is_array(a) else a for a in spread]) for i in np.ndindex(*shape)]
        if isinstance(items[0], tuple):
            columns = zip(*items, strict=True)
            return tuple([as_array(list(column)).reshape(shape) for column in columns])
        if not shape:
            return items[0]
        kind = None if fn.otypes is None else np.dtype(fn.otypes[0])
        if kind is None and np.result_type(*changed(items[:1], plain_root)).kind in "iub":
            raise refusal("np.vectorize makes ints of all values if the first one is an int", "Give otypes=[float].")
        return as_array(items, kind).reshape(shape)

    return call


BY_TYPE[np.vectorize] = _vectorized
