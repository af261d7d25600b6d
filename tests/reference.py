"""Derivatives of plain Python functions by differences, independent of zyg.

Numbers are looked at as reals: a complex number is two, a tuple is its members, and anything else (ints inside
containers, bools, strings, functions) is structure.  Derivatives are central differences with Richardson's
extrapolation in Ridders' form, which also says how far it may be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_SHRINK = 1.6
_LEVELS = 10
_STARTS = (0.05, 0.01, 0.002, 0.0004)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A derivative and a bound, as good as such can be, of its error."""

    value: float
    error: float


def _ridders(difference: Callable[[float], float], step: float) -> Estimate:
    """Extrapolate `difference(h)`, which is even in h, to h = 0."""
    factor = _SHRINK * _SHRINK
    row = [difference(step)]
    best = Estimate(row[0], abs(row[0]) + 1.0)
    for _ in range(_LEVELS):
        step /= _SHRINK
        new = [difference(step)]
        weight = factor
        for k, old in enumerate(row):
            new.append((new[k] * weight - old) / (weight - 1))
            weight *= factor
            error = max(abs(new[k + 1] - new[k]), abs(new[k + 1] - old))
            if error <= best.error:
                best = Estimate(new[k + 1], error)
        row = new
    return best


def derivative(f: Callable[[float], float]) -> Estimate:
    """f'(0)."""
    return _extrapolated(lambda h: (f(h) - f(-h)) / (2 * h))


def mixed_derivative(f: Callable[[float, float], float]) -> Estimate:
    """∂²f/∂s∂t at (0, 0)."""
    return _extrapolated(lambda h: (f(h, h) - f(h, -h) - f(-h, h) + f(-h, -h)) / (4 * h * h))


def _extrapolated(difference: Callable[[float], float]) -> Estimate:
    """The best of several starts: the larger are the more precise, the smaller keep clear of a kink nearby.

    One alone may be off by more than it says; another start has to agree with it.
    """
    found = [_ridders(difference, step) for step in _STARTS]
    agreed = [
        Estimate(one.value, max(one.error, min(abs(one.value - other.value) for other in found if other is not one)))
        for one in found
    ]
    return min(agreed, key=lambda estimate: estimate.error)


def is_real(x: Any) -> bool:
    return isinstance(x, float | np.floating)


def is_complex(x: Any) -> bool:
    return isinstance(x, complex | np.complexfloating)


def is_integer(x: Any) -> bool:
    return isinstance(x, bool | int | np.integer | np.bool_)


def is_number(x: Any) -> bool:
    """Is `x` a result that `grad` accepts: one real number?"""
    return is_real(x) or (is_integer(x) and not isinstance(x, bool | np.bool_))


def reals(tree: Any) -> Iterator[float]:
    """The real numbers in a tree, in order."""
    if isinstance(tree, tuple):
        for member in tree:
            yield from reals(member)
    elif is_complex(tree):
        yield float(tree.real)
        yield float(tree.imag)
    elif is_real(tree):
        yield float(tree)


def rebuilt(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """`tree` with each number or other leaf replaced."""
    if isinstance(tree, tuple):
        members = [rebuilt(member, leaf) for member in tree]
        return type(tree)(*members) if hasattr(tree, "_fields") else tuple(members)
    return leaf(tree)


def moved(tree: Any, shifts: Iterator[float]) -> Any:
    """`tree` with the next shifts added to its real numbers, in double precision."""

    def leaf(x: Any) -> Any:
        if is_complex(x):
            return complex(x.real + next(shifts), x.imag + next(shifts))
        return float(x) + next(shifts) if is_real(x) else x

    return rebuilt(tree, leaf)


def inner(cotangent: Any, y: Any) -> float:
    """⟨cotangent, y⟩ over the reals; a cotangent for one number may be a plain number."""
    if isinstance(y, tuple):
        return sum(inner(c, member) for c, member in zip(cotangent, y, strict=True))
    if is_complex(y):
        c = complex(cotangent)
        return c.real * float(y.real) + c.imag * float(y.imag)
    if is_real(y) or (is_integer(y) and cotangent is not None):
        return float(cotangent) * float(y)
    return 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """The real function t ↦ ⟨cotangent, fn(args moved by t)⟩ of the chosen arguments' real numbers.

    An int among the chosen arguments itself, not inside a container, is moved as a float.
    """

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    cotangent: Any = 1.0

    @property
    def origin(self) -> tuple[Any, ...]:
        return tuple(float(self.args[i]) if is_integer(self.args[i]) else self.args[i] for i in self.argnums)

    @property
    def size(self) -> int:
        return len(list(reals(self.origin)))

    def __call__(self, shifts: Sequence[float]) -> float:
        feed = iter(shifts)
        args = list(self.args)
        for i, start in zip(self.argnums, self.origin, strict=True):
            args[i] = moved(start, feed)
        return inner(self.cotangent, self.fn(*args))

    def gradient(self) -> list[Estimate]:
        """The partial derivative by each real number."""

        def along(k: int) -> Estimate:
            return derivative(lambda t: self([t if i == k else 0.0 for i in range(self.size)]))

        return [along(k) for k in range(self.size)]

    def directional(self, direction: Sequence[float]) -> Estimate:
        return derivative(lambda t: self([t * v for v in direction]))

    def hessian_times(self, direction: Sequence[float]) -> list[Estimate]:
        """The Hessian times a direction."""

        def along(k: int) -> Estimate:
            return mixed_derivative(
                lambda s, t: self([t * v + (s if i == k else 0.0) for i, v in enumerate(direction)])
            )

        return [along(k) for k in range(self.size)]


def weights(count: int, salt: int = 0) -> list[float]:
    """Fixed numbers of either sign and order one, to contract with."""
    return [round(0.4 + ((7 * k + 3 * salt) % 11) / 10, 3) * (-1) ** (k + salt) for k in range(count)]


def cotangent_for(y: Any, salt: int = 1) -> Any:
    """A cotangent of the structure of `y`: arbitrary weights for its floats and complex numbers, None elsewhere.

    A lone int is a result that can be differentiated and gets a weight too.
    """
    if is_number(y):
        return weights(1, salt)[0]
    feed = iter(weights(len(list(reals(y))), salt))

    def leaf(x: Any) -> Any:
        if is_complex(x):
            return complex(next(feed), next(feed))
        return next(feed) if is_real(x) else None

    return rebuilt(y, leaf)


def differentiable(args: Sequence[Any]) -> tuple[int, ...]:
    """The positions of the arguments that hold a float or a complex number."""
    return tuple(i for i, arg in enumerate(args) if any(True for _ in reals(arg)))
