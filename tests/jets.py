"""Forward arithmetic to second order: numbers that carry a gradient and a Hessian, exact to rounding.

A program that calls `sin` by a global name runs on jets by giving it `NAMES` for globals.  A `Watch` records how
close the run came to a place where a derivative does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


class Discarded(Exception):
    """The program is no fair test at this point: too long, too large, or too near a kink."""


@dataclass(slots=True)
class Watch:
    """What a run may cost, and how near a kink it may come."""

    operations: int = 20_000
    margin: float = 1e-6
    largest: float = 1e6

    def step(self) -> None:
        self.operations -= 1
        if self.operations < 0:
            raise Discarded("too long")

    def kink(self, distance: float) -> None:
        if not distance > self.margin:
            raise Discarded("near a kink")


@dataclass(frozen=True, slots=True, eq=False)
class Jet:
    """A value with its gradient and Hessian."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    watch: Watch

    def __post_init__(self) -> None:
        self.watch.step()
        if not (abs(self.value) < self.watch.largest and np.abs(self.hessian).max() < self.watch.largest):
            raise Discarded("too large")

    def through(self, value: float, first: float, second: float) -> Jet:
        """f(self), given f, f' and f'' here."""
        outer = np.outer(self.gradient, self.gradient)
        return Jet(value, first * self.gradient, first * self.hessian + second * outer, self.watch)

    def lifted(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return other
        return Jet(float(other), np.zeros_like(self.gradient), np.zeros_like(self.hessian), self.watch)

    def distance(self, other: Any) -> float:
        """The margin of a comparison; what is equal with all its derivatives has no kink."""
        other = self.lifted(other)
        same = not (self.gradient - other.gradient).any() and not (self.hessian - other.hessian).any()
        distance = abs(self.value - other.value)
        return math.inf if same and distance == 0.0 else distance

    def __add__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return self.through(self.value + other, 1.0, 0.0)
        return Jet(self.value + other.value, self.gradient + other.gradient, self.hessian + other.hessian, self.watch)

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return self.through(-self.value, -1.0, 0.0)

    def __pos__(self) -> Jet:
        return self

    def __sub__(self, other: Any) -> Jet:
        return self + -other

    def __rsub__(self, other: Any) -> Jet:
        return -self + other

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return self.through(self.value * other, float(other), 0.0)
        cross = np.outer(self.gradient, other.gradient)
        return Jet(
            self.value * other.value,
            self.value * other.gradient + other.value * self.gradient,
            self.value * other.hessian + other.value * self.hessian + cross + cross.T,
            self.watch,
        )

    __rmul__ = __mul__

    def inverse(self) -> Jet:
        r = 1.0 / self.value
        return self.through(r, -r * r, 2.0 * r * r * r)

    def __truediv__(self, other: Any) -> Jet:
        return self * (other.inverse() if isinstance(other, Jet) else 1.0 / other)

    def __rtruediv__(self, other: Any) -> Jet:
        return self.inverse() * other

    def __pow__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return exp(other * log(self))
        x, n = self.value, other
        second = 0.0 if n in (0, 1) else n * (n - 1) * x ** (n - 2)
        return self.through(x**n, 0.0 if n == 0 else n * x ** (n - 1), second)

    def __rpow__(self, other: Any) -> Jet:
        return exp(self * math.log(other))

    def __floordiv__(self, other: float) -> float:
        quotient = self.value / other
        self.watch.kink(abs(quotient - round(quotient)))
        return self.value // other

    def __mod__(self, other: float) -> Jet:
        return self - (self // other) * other

    def __divmod__(self, other: float) -> tuple[float, Jet]:
        return self // other, self % other

    def __abs__(self) -> Jet:
        self.watch.kink(self.distance(0.0))
        return -self if self.value < 0 else self

    def __int__(self) -> int:
        self.watch.kink(abs(self.value - round(self.value)))
        return int(self.value)

    def __floor__(self) -> int:
        self.watch.kink(abs(self.value - round(self.value)))
        return math.floor(self.value)

    def __lt__(self, other: Any) -> bool:
        self.watch.kink(self.distance(other))
        return self.value < self.lifted(other).value

    def __gt__(self, other: Any) -> bool:
        self.watch.kink(self.distance(other))
        return self.value > self.lifted(other).value

    def __le__(self, other: Any) -> bool:
        self.watch.kink(self.distance(other))
        return self.value <= self.lifted(other).value

    def __ge__(self, other: Any) -> bool:
        self.watch.kink(self.distance(other))
        return self.value >= self.lifted(other).value


def seeds(values: Sequence[float], watch: Watch) -> list[Jet]:
    """The independent variables at these values."""
    n = len(values)
    return [Jet(value, np.eye(n)[i], np.zeros((n, n)), watch) for i, value in enumerate(values)]


def _lifted(plain: Callable[[float], float], partials: Callable[[float, float], tuple[float, float]]) -> Any:
    """An elementary function on jets and numbers; `partials(x, y)` gives f'(x) and f''(x), y = f(x)."""

    def on_jets(x: Any) -> Any:
        if not isinstance(x, Jet):
            return plain(x)
        y = plain(x.value)
        return x.through(y, *partials(x.value, y))

    return on_jets


sin = _lifted(math.sin, lambda x, y: (math.cos(x), -y))
cos = _lifted(math.cos, lambda x, y: (-math.sin(x), -y))
tanh = _lifted(math.tanh, lambda x, y: (1 - y * y, -2 * y * (1 - y * y)))
atan = _lifted(math.atan, lambda x, y: (1 / (1 + x * x), -2 * x / (1 + x * x) ** 2))
asinh = _lifted(math.asinh, lambda x, y: ((1 + x * x) ** -0.5, -x * (1 + x * x) ** -1.5))
exp = _lifted(math.exp, lambda x, y: (y, y))
expm1 = _lifted(math.expm1, lambda x, y: (y + 1, y + 1))
log = _lifted(math.log, lambda x, y: (1 / x, -1 / x**2))
log1p = _lifted(math.log1p, lambda x, y: (1 / (1 + x), -1 / (1 + x) ** 2))
sqrt = _lifted(math.sqrt, lambda x, y: (0.5 / y, -0.25 / y**3))
sinh = _lifted(math.sinh, lambda x, y: (math.cosh(x), y))
cosh = _lifted(math.cosh, lambda x, y: (math.sinh(x), y))
_ERF = 2 / math.sqrt(math.pi)
erf = _lifted(math.erf, lambda x, y: (_ERF * math.exp(-x * x), -2 * x * _ERF * math.exp(-x * x)))


def hypot(x: Any, y: Any) -> Any:
    return sqrt(x * x + y * y)


def atan2(y: Any, x: Any) -> Any:
    """For x > 0, which is where it is called."""
    return atan(y / x)


NAMES: dict[str, Any] = {
    "sin": sin,
    "cos": cos,
    "tanh": tanh,
    "atan": atan,
    "asinh": asinh,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "sqrt": sqrt,
    "sinh": sinh,
    "cosh": cosh,
    "erf": erf,
    "hypot": hypot,
    "atan2": atan2,
    "floor": math.floor,
}
PLAIN: dict[str, Any] = {name: getattr(math, name) for name in NAMES}
