"""A random program on arrays on trial: zyg's value, effects and derivatives against the plain program's.

First derivatives are compared along random directions with differences of the plain program, second ones with
differences of the first.  A program is no fair test where these do not converge.
"""

from __future__ import annotations

import math
import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from jets import Discarded
from random_arrays import random_source
from sources import defined
from trial import Failure, isolated, kind_of

# What may be refused: closures that capture a name that is rebound, and dimensions that happen to be 1 in programs
# that write into their arguments.
REBOUND = "is rebound while a function that captured it"
STRETCHED = "only happens to be 1"
NAMES = {"np": np, "math": math}
STEP = 1e-4

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A program of three arrays, what it is tried with, and what it should give."""

    name: str
    source: str
    args: Arrays
    directions: tuple[Arrays, ...]
    value: float
    after: Arrays
    slopes: tuple[float, ...]
    aspects: tuple[str, ...] = ("reverse", "forward", "second")


def _function(name: str, source: str) -> Callable[..., Any]:
    found: Callable[..., Any] = defined(source, f"<{name}>", NAMES)["f"]
    return found


def _plain(f: Callable[..., Any], args: Arrays) -> tuple[float, Arrays]:
    given = tuple(a.copy() for a in args)
    with np.errstate(all="raise"):
        return float(f(*given)), given


def _moved(args: Arrays, direction: Arrays, t: float) -> Arrays:
    return tuple(a + t * d for a, d in zip(args, direction, strict=True))


def _difference(f: Callable[[float], np.ndarray | float]) -> Any:
    """f'(0) by central differences of two widths; raises `Discarded` where they disagree."""
    d1, d2, d3 = ((f(h) - f(-h)) / (2 * h) for h in (STEP, STEP / 2, STEP / 4))
    best, other = (4 * d2 - d1) / 3, (4 * d3 - d2) / 3
    if not np.all(np.abs(best - other) <= 1e-6 * (1.0 + np.abs(best))):
        raise Discarded("no derivative here")
    return best


def tried(name: str, source: str, args: Arrays, directions: tuple[Arrays, ...]) -> Case:
    """The case of a program; raises `Discarded` where it is no fair test."""
    f = _function(name, source)
    try:
        value, after = _plain(f, args)
        slopes = tuple(_difference(lambda t, d=d: _plain(f, _moved(args, d, t))[0]) for d in directions)
    except (FloatingPointError, OverflowError, ZeroDivisionError, UnboundLocalError, RecursionError) as error:
        raise Discarded(str(error)) from error
    if not (np.isfinite(value) and abs(value) < 1e4 and all(abs(s) < 1e5 for s in slopes)):
        raise Discarded("too large")
    return Case(name, source, args, directions, value, after, slopes)


def case(seed: int) -> Case:
    """The first program of this seed's sequence that is a fair test."""
    for attempt in count():
        name = f"seed {seed}"
        source = random_source(seed * 1009 + attempt)
        shapes: list[tuple[int, ...]] = defined(source, f"<{name}>", NAMES)["SHAPES"]
        rng = np.random.default_rng(seed * 1009 + attempt)
        args = tuple(rng.uniform(-1.0, 1.0, shape) for shape in shapes)
        directions = tuple(tuple(rng.uniform(-1.0, 1.0, shape) for shape in shapes) for _ in range(2))
        try:
            found = tried(name, source, args, directions)
        except Discarded:
            continue
        if any(found.slopes):
            return _laid_out(found, random.Random(seed))
    raise AssertionError


def _laid_out(subject: Case, chooser: random.Random) -> Case:
    """Sometimes the arguments lie otherwise in memory."""

    def other(a: np.ndarray) -> np.ndarray:
        kind = chooser.random()
        if kind < 0.1:
            return np.asfortranarray(a)
        if kind < 0.2:
            return np.repeat(a, 2, axis=-1)[..., ::2]
        return a[::-1].copy()[::-1] if kind < 0.3 else a

    return replace(subject, args=tuple(map(other, subject.args)))


def at_other_text(subject: Case, source: str) -> Case:
    """The same trial of another program; raises `Discarded` where that one is no fair test."""
    found = tried(subject.name, source, subject.args, subject.directions)
    return replace(found, aspects=subject.aspects)


def _first(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    given = tuple(a.copy() for a in subject.args)
    y, gradient = zyg.value_and_grad(f, (0, 1, 2), mode="native")(*given)
    if not all(np.allclose(a, b, rtol=1e-10, atol=1e-10) for a, b in zip(given, subject.after, strict=True)):
        raise AssertionError(f"arguments are left as {given}, should be {subject.after}")
    slopes = [
        sum(float(np.sum(g * d)) for g, d in zip(gradient, direction, strict=True)) for direction in subject.directions
    ]
    return [y, *slopes], [subject.value, *subject.slopes], 1e-6


def _forward(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    given = tuple(a.copy() for a in subject.args)
    y, dy = zyg.jvp(f, given, subject.directions[0], mode="native")
    return [y, dy], [subject.value, subject.slopes[0]], 1e-6


def _second(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    gradient = zyg.grad(f, (0, 1, 2), mode="native")
    u, v, w = subject.directions[0]

    def along(x: Any, y: Any, z: Any) -> Any:
        gx, gy, gz = gradient(x, y, z)
        return np.sum(gx * u) + np.sum(gy * v) + np.sum(gz * w)

    product = zyg.grad(along, (0, 1, 2), mode="native")(*(a.copy() for a in subject.args))
    try:
        expected = _difference(
            lambda t: np.concatenate([g.ravel() for g in gradient(*_moved(subject.args, (u, v, w), t))])
        )
    except Discarded:
        return [], [], 1.0
    return np.concatenate([p.ravel() for p in product]), expected, 1e-5


def _columns(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    """A Hessian, several columns of which a sweep gives, against products with it, one direction in each sweep."""
    a, b, c = subject.args
    (u, _, _), (v, _, _) = subject.directions

    def of_first(x: Any) -> Any:
        return f(x.copy(), b.copy(), c.copy())

    hessian = zyg.hessian(of_first)(a)
    product = zyg.hvp(of_first)
    size = a.size
    actual = hessian.reshape(size, size) @ np.stack([u.ravel(), v.ravel()], axis=-1)
    expected = np.stack([product(a, u).ravel(), product(a, v).ravel()], axis=-1)
    return actual.ravel(), expected.ravel(), 1e-9


ASPECTS = {"reverse": _first, "forward": _forward, "second": _second, "columns": _columns}


def verdict(subject: Case) -> Failure | None:
    """What zyg gets wrong, if anything."""
    import zyg

    f = _function(subject.name, subject.source)
    for aspect in subject.aspects:
        try:
            actual, expected, tolerance = ASPECTS[aspect](zyg, f, subject)
        except zyg.UnsupportedError as error:
            if REBOUND in str(error):
                return None
            return Failure(aspect, 0, kind_of(error), traceback.format_exc())
        except Exception as error:
            if STRETCHED in str(error) and _writes(subject):
                return None
            return Failure(aspect, 0, kind_of(error), traceback.format_exc())
        if not _near(actual, expected, tolerance):
            return Failure(aspect, 0, f"wrong {aspect}", f"got {actual}, expected {expected}")
    return None


def at_point(subject: Case, k: int) -> Case:
    """The case itself: it has one point."""
    assert k == 0
    return subject


def isolated_verdict(subject: Case, seconds: int = 300) -> Failure | None:
    """`verdict` in a process of its own for each aspect, so that a crash or a loop without end is a failure too."""
    return isolated(verdict, subject, seconds)


def _writes(subject: Case) -> bool:
    return any((a != b).any() for a, b in zip(subject.args, subject.after, strict=True))


def _near(actual: Sequence[float], expected: Sequence[float], tolerance: float) -> bool:
    scale = 1.0 + max((abs(e) for e in expected), default=0.0)
    return all(abs(a - e) <= tolerance * scale for a, e in zip(actual, expected, strict=True))
