"""`check_grads`: derivatives against finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from zyg.api import grad, jvp, pullback
from zyg.entry import assemble, leaves, tree
from zyg.ir.tree import Leaf, Tree, TupleTree


def check_grads(
    fn: Callable[..., Any],
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] = ("rev", "fwd"),
    atol: float | None = None,
    rtol: float | None = None,
) -> None:
    """Raise AssertionError, naming argument and entry, if a derivative of `fn` differs from finite differences.

    >>> check_grads(lambda x, y: x * y * y, (2.0, 3.0))
    """
    near = {"atol": 1e-6 if atol is None else atol, "rtol": 1e-5 if rtol is None else rtol}
    shapes = [tree(arg) for arg in args]
    y, _ = pullback(fn, *args)
    outputs: list[Any] = []
    leaves(y, tree(y), outputs)
    for number, (arg, shape) in enumerate(zip(args, shapes, strict=True)):
        flat: list[Any] = []
        leaves(arg, shape, flat)
        for entry, value in enumerate(flat):
            if not isinstance(value, (float, complex)):
                continue
            for direction in (1.0, 1j) if isinstance(value, complex) else (1.0,):
                _check_entry(fn, args, shapes, number, entry, direction, modes, near)
    if order > 1:
        for number, arg in enumerate(args):
            if isinstance(arg, float) and isinstance(y, float):
                check_grads(grad(fn, number), args, order - 1, modes, atol, rtol)


def _moved(args: Sequence[Any], shapes: Sequence[Tree], number: int, entry: int, by: complex) -> list[Any]:
    flat: list[Any] = []
    leaves(args[number], shapes[number], flat)
    flat[entry] = flat[entry] + (by if isinstance(flat[entry], complex) else by.real)
    return [assemble(shapes[number], iter(flat)) if i == number else arg for i, arg in enumerate(args)]


def _flat(value: Any) -> list[Any]:
    out: list[Any] = []
    leaves(value, tree(value), out)
    return out


def _check_entry(
    fn: Callable[..., Any],
    args: Sequence[Any],
    shapes: Sequence[Tree],
    number: int,
    entry: int,
    direction: complex,
    modes: Sequence[str],
    near: dict[str, float],
) -> None:
    size = 1e-3
    points = [_flat(fn(*_moved(args, shapes, number, entry, k * size * direction))) for k in (-2, -1, 1, 2)]
    slopes = [(a - 8 * b + 8 * c - d) / (12 * size) for a, b, c, d in zip(*points, strict=True)]
    here = f"argument {number}, entry {entry}"
    if "rev" in modes:
        y, back = pullback(fn, *args)
        for i, slope in enumerate(slopes):
            seed = assemble(_floating(tree(y)), iter([1.0 if j == i else 0.0 for j in range(len(slopes))]))
            found = back(seed)[number]
            mine = _differentiable(found, shapes[number])[entry]
            parts = (slope.real, (mine.conjugate() * direction).real)
            _compare(parts[1], parts[0], f"reverse mode: {here}, result {i}", near)
    if "fwd" in modes:
        tangents = [_zeros(arg, shape) for arg, shape in zip(args, shapes, strict=True)]
        tangents = _moved(tangents, [tree(t) for t in tangents], number, entry, direction)
        _, dy = jvp(fn, tuple(args), tuple(tangents))
        for i, (slope, mine) in enumerate(zip(slopes, _flat(dy), strict=False)):
            _compare(mine, slope, f"forward mode: {here}, result {i}", near)


def _differentiable(found: Any, shape: Tree) -> list[Any]:
    if isinstance(shape, TupleTree):
        return [leaf for item, part in zip(found, shape.items, strict=True) for leaf in _differentiable(item, part)]
    return [found] if isinstance(shape, Leaf) else []


def _floating(shape: Tree) -> Tree:
    return shape


def _zeros(value: Any, shape: Tree) -> Any:
    if isinstance(shape, TupleTree):
        return assemble(shape, iter([leaf * 0 for leaf in _flat(value)]))
    return value * 0 if isinstance(shape, Leaf) else None


def _compare(mine: complex, expected: complex, what: str, near: dict[str, float]) -> None:
    if math.isnan(expected.real):
        return
    if not abs(mine - expected) <= near["atol"] + near["rtol"] * abs(expected):
        raise AssertionError(f"{what}: derivative {mine!r}, finite differences {expected!r}")
