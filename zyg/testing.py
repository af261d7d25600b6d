"""`check_grads`: derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zyg.api import grad, jvp, pullback
from zyg.errors import ArgumentError
from zyg.reading.instances import attributes_of, is_instance
from zyg.shapes import items_of, rebuilt

Path = tuple[int, ...]
_ENTRIES = 100
"""Up to so many numbers each is checked by itself; of more, random directions are, and entries where these differ."""


@dataclass(frozen=True)
class _Near:
    """How far a derivative may be from finite differences with steps of `step`."""

    atol: float
    rtol: float
    step: float

    def __call__(self, found: complex, expected: complex) -> bool:
        return bool(abs(found - expected) <= self.atol + self.rtol * abs(expected))


def check_grads(
    fn: Callable[..., Any],
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] = ("rev", "fwd"),
    atol: float | None = None,
    rtol: float | None = None,
) -> None:
    """Compare the derivatives of `fn` at `args`, up to `order`, with finite differences of fourth order.

    Arguments and results are numbers, arrays and structures of them; floats and complex numbers are varied.  modes:
    "rev" (`pullback`), "fwd" (`jvp`); higher orders differentiate both again.  Of large arguments random directions
    are compared.  atol, rtol: 1e-6 and 1e-5 if not given; 1e-2 where float32 is among the arguments.

    Raises AssertionError, which names mode, argument, entry and both numbers; ValueError for unknown modes.

    >>> check_grads(lambda x, y: x * y * y, (2.0, 3.0), order=2)
    """
    if not set(modes) <= {"rev", "fwd"} or order < 1:
        raise ValueError(f"modes are 'rev' and 'fwd', orders from 1 on; not {modes!r}, {order!r}")
    if not isinstance(args, (tuple, list)):
        raise ArgumentError(f"check_grads takes a tuple of arguments, not {args!r}: write ({args!r},)")
    rough = any(np.asarray(leaf).dtype in (np.float32, np.complex64) for _, leaf in _leaves(args))
    loose = 1e-2 if rough else None
    near = _Near(atol or loose or 1e-6, rtol or loose or 1e-5, 1e-2 if rough else 1e-3)
    _check(fn, tuple(args), order, tuple(modes), near, "")


def _check(
    fn: Callable[..., Any], args: tuple[Any, ...], order: int, modes: tuple[str, ...], near: _Near, above: str
) -> None:
    random = np.random.default_rng(0)
    y = fn(*_copies(args))
    weights = _random_like(y, random)
    slopes = _random_like(args, random)
    for mode in modes:
        _compare(fn, args, weights, mode, near, above)
    if order > 1:
        numbers = tuple(n for n, arg in enumerate(args) if any(True for _ in _leaves(arg)))
        if "rev" in modes and numbers:
            paired = _paired(fn, weights)
            _check(grad(paired, numbers), args, order - 1, modes, near, f"{above}reverse mode, then ")
        if "fwd" in modes:
            along = _along(fn, slopes)
            _check(along, args, order - 1, modes, near, f"{above}forward mode, then ")


def _compare(fn: Callable[..., Any], args: tuple[Any, ...], weights: Any, mode: str, near: _Near, above: str) -> None:
    """Entry by entry, or in random directions where there are many, ⟨weights, f′ direction⟩ both ways."""
    derivative = _reverse(fn, args, weights) if mode == "rev" else _forward(fn, args, weights)
    name = f"{above}{'reverse' if mode == 'rev' else 'forward'} mode"
    units = _units(args)
    if sum(1 for _ in _units(args)) > _ENTRIES:
        random = np.random.default_rng(1)
        directions = [_random_like(args, random) for _ in range(3)]
        if all(_agree(fn, args, weights, direction, derivative, near) for direction in directions):
            return
    for where, direction in units:
        expected = _differences(fn, args, weights, direction, near.step)
        found = derivative(direction)
        if not (near(found, expected) or np.isnan(expected)):
            raise AssertionError(f"{name}: {where}: derivative {found!r}, finite differences {expected!r}")


def _agree(fn: Any, args: Any, weights: Any, direction: Any, derivative: Callable[[Any], float], near: _Near) -> bool:
    return near(derivative(direction), _differences(fn, args, weights, direction, near.step))


def _reverse(fn: Callable[..., Any], args: tuple[Any, ...], weights: Any) -> Callable[[Any], float]:
    cotangents = pullback(fn, *_copies(args))[1](weights)
    return lambda direction: _inner(cotangents, direction)


def _forward(fn: Callable[..., Any], args: tuple[Any, ...], weights: Any) -> Callable[[Any], float]:
    return lambda direction: _inner(weights, jvp(fn, _copies(args), direction)[1])


def _differences(fn: Callable[..., Any], args: Any, weights: Any, direction: Any, step: float) -> float:
    """d/dt ⟨weights, f(args + t direction)⟩ at 0, by differences of fourth order."""
    a, b, c, d = (_inner(weights, fn(*_moved(_copies(args), direction, k * step))) for k in (-2, -1, 1, 2))
    return (a - 8 * b + 8 * c - d) / (12 * step)


# --- structures -------------------------------------------------------------------------------------------


def _is_varied(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return isinstance(value, (float, complex)) or (dtype is not None and dtype.kind in "fc")


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The floats, complex numbers and arrays of them in tuples, lists, dicts and objects, and where each is."""
    inside = items_of(value)
    if inside is not None:
        for number, item in enumerate(inside):
            yield from _leaves(item, (*path, number))
    elif _is_varied(value):
        yield path, value


def _map(fn: Callable[..., Any], value: Any, *others: Any) -> Any:
    """The structure of `value` with `fn` of each leaf; None in place of what is no leaf."""
    inside = items_of(value)
    if inside is not None:
        rest = [items_of(other) or () for other in others]
        return rebuilt(value, [_map(fn, item, *(other[i] for other in rest)) for i, item in enumerate(inside)])
    return fn(value, *others) if _is_varied(value) else None


def _copies(value: Any) -> Any:
    """`value` with arrays of its own, for functions that write into their arguments."""
    inside = items_of(value)
    if inside is not None:
        return rebuilt(value, [_copies(item) for item in inside])
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def _moved(value: Any, direction: Any, by: float) -> Any:
    """value + by · direction; what is no leaf stays."""
    inside = items_of(value)
    if inside is not None:
        along = items_of(direction) or [None] * len(inside)
        return rebuilt(value, [_moved(item, one, by) for item, one in zip(inside, along, strict=True)])
    if not _is_varied(value):
        return value
    return (
        type(value)(value + by * direction) if isinstance(value, (float, complex)) else _shifted(value, direction, by)
    )


def _shifted(value: Any, direction: Any, by: float) -> Any:
    return (value + by * direction).astype(value.dtype) if _is_varied(value) else value


def _random_like(value: Any, random: np.random.Generator) -> Any:
    def one(leaf: Any) -> Any:
        shape = np.shape(leaf)
        numbers = random.uniform(0.5, 1.5, shape) * random.choice([-1.0, 1.0], shape)
        if np.iscomplexobj(leaf):
            numbers = numbers + 1j * random.uniform(0.5, 1.5, shape)
        if isinstance(leaf, np.ndarray):
            return np.asarray(numbers, leaf.dtype)
        return complex(numbers) if np.iscomplexobj(leaf) else float(numbers)

    return _map(one, value)


def _units(args: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """For each number that is varied, its name and the direction in which only it changes."""
    for path, leaf in _leaves(args):
        for index in np.ndindex(np.shape(leaf)):
            for unit in (1.0, 1j) if np.iscomplexobj(leaf) else (1.0,):
                direction = _map(np.zeros_like, args)
                where = f"argument {path[0]}{''.join(f'[{i}]' for i in path[1:])}"
                if index:
                    where += f", entry {index if len(index) > 1 else index[0]}"
                yield where + (", imaginary part" if unit == 1j else ""), _with(direction, path, index, unit)


def _with(direction: Any, path: Path, index: tuple[int, ...], unit: complex) -> Any:
    """`direction` with one number replaced."""
    if path:
        inside = items_of(direction) or []
        items = [_with(item, path[1:], index, unit) if i == path[0] else item for i, item in enumerate(inside)]
        return _numbers(rebuilt(direction, items))
    new = np.array(direction)
    new[index] = unit
    return new


def _numbers(value: Any) -> Any:
    """Arrays without dimensions as numbers."""
    inside = items_of(value)
    if inside is not None:
        return rebuilt(value, [_numbers(item) for item in inside])
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _names(value: Any) -> tuple[str, ...] | None:
    """The names of what is in a dict or object."""
    if isinstance(value, dict):
        return tuple(value)
    return tuple(attributes_of(value)) if is_instance(value) else None


def _inner(a: Any, b: Any) -> float:
    """Re Σ conj(aᵢ) bᵢ over what both hold; None stands for zero."""
    inside = items_of(a)
    if inside is not None and b is not None:
        names = _names(a)
        if names is not None:  # a namespace has what is differentiable only
            found = dict(zip(_names(b) or (), items_of(b) or (), strict=True))
            return float(sum(_inner(one, found.get(name)) for name, one in zip(names, inside, strict=True)))
        return float(sum(_inner(one, other) for one, other in zip(inside, items_of(b) or (), strict=True)))
    return 0.0 if a is None or b is None else float(np.sum(np.real(np.conj(a) * b)))


def _paired(fn: Callable[..., Any], weights: Any) -> Callable[..., Any]:
    """⟨weights, fn(…)⟩ as a function that can be differentiated."""
    pair = _pairing(weights)

    def paired(*args: Any) -> Any:
        return pair(fn(*args))

    return paired


def _pairing(weights: Any) -> Callable[[Any], Any]:
    if isinstance(weights, dict):
        named = tuple((name, _pairing(weight)) for name, weight in weights.items())

        def by_name(y: Any) -> Any:
            total = 0.0
            for name, part in named:
                total = total + part(y[name])
            return total

        return by_name
    if isinstance(weights, (tuple, list)):
        parts = tuple(_pairing(weight) for weight in weights)

        def several(y: Any) -> Any:
            total = 0.0
            for part, item in zip(parts, y):  # noqa: B905  native code knows no keywords of zip
                total = total + part(item)
            return total

        return several
    if weights is None:
        return lambda y: 0.0
    if np.iscomplexobj(weights):
        return lambda y: np.sum(np.real(np.conj(weights) * y))
    return lambda y: np.sum(weights * y)


def _along(fn: Callable[..., Any], slopes: Any) -> Callable[..., Any]:
    """The derivative of `fn` along fixed tangents, as a function that can be differentiated."""

    def along(*args: Any) -> Any:
        return jvp(fn, args, slopes)[1]

    return along
