"""Sums, products of matrices, and the movement of elements: what is linear in arrays, with its transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import fresh, is_array, loaded, operand, recorded, saved, top_tape
from zyg.dynamic.buffers import WholeRef, unbroadcast
from zyg.dynamic.cotangents import is_finite, kind_of
from zyg.dynamic.state import STATE
from zyg.dynamic.tape import Sweep
from zyg.rules import primitives as p


def _plain(value: Any) -> Any:
    return getattr(value, "__zyg_root__", value)


def total(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes."""
    top = top_tape((a,))
    if top is None:
        return fresh(np.sum(_plain(a), axis=axis, keepdims=keepdims), STATE.tape)
    ref, low = operand(a, top)
    y = np.sum(low, axis=axis, keepdims=keepdims) if is_array(low) else low
    shape = np.shape(_plain(low))
    axes = range(len(shape)) if axis is None else (axis,) if not isinstance(axis, tuple) else axis
    kept = tuple(1 if i in {n % len(shape) for n in axes} else n for i, n in enumerate(shape)) if shape else ()
    return fresh(recorded(y, top, lambda result: Total(ref, shape, kept, result)), STATE.tape)


class Total:
    """Original: y = sum(a)     Adjoint: da += dy, along the axes that were summed over"""

    __slots__ = ("a", "kept", "result", "shape")

    def __init__(self, a: Any, shape: tuple[int, ...], kept: tuple[int, ...], result: Any) -> None:
        self.a, self.shape, self.kept, self.result = a, shape, kept, result

    def reverse(self, sweep: Sweep) -> None:
        dy = self.result.take(sweep)
        if dy is not None:
            dy = dy.reshape(self.kept) if is_array(dy) else dy
            self.a.give(sweep, np.broadcast_to(dy, self.shape) if is_array(dy) else _full(dy, self.shape))


def _full(dy: Any, shape: tuple[int, ...]) -> Any:
    return np.ones(shape) * dy if shape else dy


def matmul(a: Any, b: Any) -> Any:
    """`a @ b`."""
    top = top_tape((a, b))
    if top is None:
        return fresh(np.matmul(_plain(a), _plain(b)), STATE.tape)
    (ref_a, low_a), (ref_b, low_b) = operand(a, top), operand(b, top)
    y = np.matmul(low_a, low_b)
    kept_a = saved(a, low_a, top) if ref_b is not None else np.shape(_plain(low_a))
    kept_b = saved(b, low_b, top) if ref_a is not None else np.shape(_plain(low_b))
    dims = np.ndim(_plain(low_a)), np.ndim(_plain(low_b))
    return fresh(recorded(y, top, lambda result: Matmul((ref_a, ref_b), (kept_a, kept_b), dims, result)), STATE.tape)


class Matmul:
    """Original: y = a @ b     Adjoint: da += dy @ bᴴ; db += aᴴ @ dy"""

    __slots__ = ("dims", "kept", "refs", "result")

    def __init__(self, refs: Any, kept: Any, dims: tuple[int, int], result: Any) -> None:
        self.refs, self.kept, self.dims, self.result = refs, kept, dims, result

    def reverse(self, sweep: Sweep) -> None:
        dy = self.result.take(sweep)
        if dy is None:
            return
        left, right = self.dims
        if not is_array(dy):
            dy = _full(dy, (1,))
        if left == 1 and right == 1:
            dy = dy.reshape((1, 1))
        elif left == 1:
            dy = dy[..., np.newaxis, :]
        elif right == 1:
            dy = dy[..., np.newaxis]
        a, b = self.refs
        if a is not None:
            other = loaded(self.kept[1])
            other = other[:, np.newaxis] if right == 1 else other
            da = _times(dy, _adjoint(other))
            _add_new(a, sweep, unbroadcast(da, (1, *a.shape) if left == 1 else a.shape).reshape(a.shape))
        if b is not None:
            other = loaded(self.kept[0])
            other = other[np.newaxis, :] if left == 1 else other
            db = _times(_adjoint(other), dy)
            _add_new(b, sweep, unbroadcast(db, (*b.shape, 1) if right == 1 else b.shape).reshape(b.shape))


def _times(a: Any, b: Any) -> Any:
    """`a @ b`, of which one is a cotangent: where that is infinite, zeros of the other win."""
    if is_finite(a) and is_finite(b):
        return np.matmul(a, b)
    a, b = a[..., :, :, np.newaxis], b[..., np.newaxis, :, :]
    return np.sum(np.where((_plain(a) == 0) | (_plain(b) == 0), 0, a * b), axis=-2)


def _add_new(ref: Any, sweep: Sweep, da: Any) -> None:
    """Add a cotangent that was just made."""
    if not (type(ref) is WholeRef and ref.adopts(sweep, da)):
        ref.give(sweep, da)


def _adjoint(a: Any) -> Any:
    turned = np.swapaxes(a, -1, -2)
    return p.apply(np.conj, turned) if kind_of(a) == "c" else turned


def moved(parts: Sequence[Any], move: Callable[[Sequence[Any]], Any]) -> Any:
    """What `move` makes of arrays by taking their elements to other places, or leaving them out, or adding zeros.

    Run on the numbers of the elements, it tells where each comes from.
    """
    top = top_tape(parts)
    if top is None:
        return fresh(move([_plain(part) for part in parts]), STATE.tape)
    pairs = [operand(part, top) for part in parts]
    lows = [low for _, low in pairs]
    sizes = [np.size(_plain(low)) for low in lows]
    starts = np.cumsum([1, *sizes])
    numbered = [
        np.arange(start, start + size).reshape(np.shape(_plain(low)))
        for start, size, low in zip(starts, sizes, lows, strict=False)
    ]
    sources = np.asarray(_plain(move(numbered)))
    y = move(lows)
    if not is_array(y) and top_tape((y,)) is None and np.ndim(y) == 0 and sources.ndim == 0:
        y = np.asarray(y)[()]
    refs = [(ref, int(start), size) for (ref, _), start, size in zip(pairs, starts, sizes, strict=False)]
    return fresh(recorded(y, top, lambda result: Moved(refs, sources, result)), STATE.tape)


class Moved:
    """Original: y[i] = a[sources[i]]     Adjoint: da[sources[i]] += dy[i]"""

    __slots__ = ("refs", "result", "sources")

    def __init__(self, refs: Any, sources: Any, result: Any) -> None:
        self.refs, self.sources, self.result = refs, sources, result

    def reverse(self, sweep: Sweep) -> None:
        dy = self.result.take(sweep)
        if dy is None:
            return
        sources = self.sources.ravel()
        flat = dy.ravel() if is_array(dy) else _full(dy, (1,))
        for ref, start, size in self.refs:
            if ref is None:
                continue
            here = np.flatnonzero((sources >= start) & (sources < start + size))
            if not len(here):
                continue
            da = np.zeros(size, flat.dtype)
            if type(flat) is not np.ndarray:
                da = fresh(da, STATE.tape)
            np.add.at(da, sources[here] - start, flat[here])
            ref.give(sweep, da.reshape(getattr(ref, "shape", ())) if hasattr(ref, "shape") else da[0])
