"""A random program on arrays of several dtypes on trial; `array_trial` does the same for float64.

What is narrow in a program is wide in its twin, whose derivatives are compared with differences.  The program's own
derivatives are compared with its twin's, as far as float32 is precise.  For complex arguments the gradient pairs with
a direction as `real(sum(conj(gradient) * direction))`.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from array_trial import REBOUND, STRETCHED, Arrays, _difference, _moved
from array_trial import at_point as at_point
from jets import Discarded
from random_dtypes import random_source, wide
from sources import defined
from trial import Failure, isolated, kind_of

NAMES = {"np": np, "math": math}
NARROW_STEP = 3e-3
ALL = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Case:
    """A program of three arrays, what it is tried with, and what its wide twin should give."""

    name: str
    source: str
    args: Arrays
    directions: tuple[Arrays, ...]
    value: float
    after: Arrays
    slopes: tuple[float, ...]
    aspects: tuple[str, ...] = ("reverse", "forward", "narrow", "second")

    @property
    def wide_args(self) -> Arrays:
        return tuple(map(_widened, self.args))


def _widened(a: np.ndarray) -> np.ndarray:
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64, order="K")


def _function(name: str, source: str) -> Callable[..., Any]:
    found: Callable[..., Any] = defined(source, f"<{name}>", NAMES)["f"]
    return found


def _plain(f: Callable[..., Any], args: Arrays) -> tuple[float, Arrays]:
    given = tuple(a.copy() for a in args)
    with np.errstate(all="raise", under="ignore"):
        return float(f(*given)), given


def tried(name: str, source: str, args: Arrays, directions: tuple[Arrays, ...]) -> Case:
    """The case of a program; raises `Discarded` where it is no fair test."""
    narrow, f = _function(name, source), _function(name, wide(source))
    subject = Case(name, source, args, directions, 0.0, args, ())
    try:
        value, after = _plain(f, subject.wide_args)
        slopes = tuple(_difference(lambda t, d=d: _plain(f, _moved(subject.wide_args, d, t))[0]) for d in directions)
        rounded, _ = _plain(narrow, args)
    except (ArithmeticError, ValueError, UnboundLocalError, RecursionError) as error:
        raise Discarded(str(error)) from error
    if not (np.isfinite(value) and abs(value) < 1e4 and all(abs(s) < 1e5 for s in slopes)):
        raise Discarded("too large")
    if abs(rounded - value) > 1e-4 * (1.0 + abs(value)):
        raise Discarded("float32 goes another way")
    return replace(subject, value=value, after=after, slopes=slopes)


def case(seed: int) -> Case:
    """The first program of this seed's sequence that is a fair test."""
    for attempt in count():
        name = f"seed {seed}"
        source = random_source(seed * 1009 + attempt)
        module = defined(source, f"<{name}>", NAMES)
        rng = np.random.default_rng(seed * 1009 + attempt)
        args, *directions = (
            tuple(
                _drawn(rng, shape, np.dtype(dtype))
                for shape, dtype in zip(module["SHAPES"], module["DTYPES"], strict=True)
            )
            for _ in range(3)
        )
        try:
            found = tried(name, source, args, tuple(tuple(map(_widened, d)) for d in directions))
        except Discarded:
            continue
        if any(found.slopes):
            return replace(found, args=tuple(_laid_out(rng, a) for a in args))
    raise AssertionError


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    real = rng.uniform(-1.0, 1.0, shape)
    return (real + 1j * rng.uniform(-1.0, 1.0, shape) if dtype.kind == "c" else real).astype(dtype)


def _laid_out(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    """Sometimes the arguments lie otherwise in memory."""
    kind = rng.random()
    if kind < 0.1:
        return np.asfortranarray(a)
    if kind < 0.2:
        return np.repeat(a, 2, axis=-1)[..., ::2]
    return a[::-1].copy()[::-1] if kind < 0.3 else a


def at_other_text(subject: Case, source: str) -> Case:
    """The same trial of another program; raises `Discarded` where that one is no fair test."""
    return replace(tried(subject.name, source, subject.args, subject.directions), aspects=subject.aspects)


def _along(gradient: Any, direction: Arrays) -> float:
    return sum(float(np.sum(np.real(np.conj(g) * d))) for g, d in zip(gradient, direction, strict=True))


def _reverse(zyg: Any, subject: Case) -> Any:
    f, given = _function(subject.name, wide(subject.source)), subject.wide_args
    y, gradient = zyg.value_and_grad(f, ALL, mode="native")(*given)
    _check_left(given, subject, 1e-10)
    _check_kinds(gradient, given)
    return [y, *(_along(gradient, d) for d in subject.directions)], [subject.value, *subject.slopes], 1e-6


def _forward(zyg: Any, subject: Case) -> Any:
    y, dy = zyg.jvp(
        _function(subject.name, wide(subject.source)), subject.wide_args, subject.directions[0], mode="native"
    )
    given = tuple(a.copy() for a in subject.args)
    direction = tuple(d.astype(a.dtype) for d, a in zip(subject.directions[0], given, strict=True))
    _, narrow = zyg.jvp(_function(subject.name, subject.source), given, direction, mode="native")
    if abs(narrow - dy) > NARROW_STEP * (1.0 + abs(dy)):
        raise AssertionError(f"the narrow program's tangent is {narrow}, should be {dy}")
    return [y, dy], [subject.value, subject.slopes[0]], 1e-6


def _narrow(zyg: Any, subject: Case) -> Any:
    _, expected = zyg.value_and_grad(_function(subject.name, wide(subject.source)), ALL, mode="native")(
        *subject.wide_args
    )
    given = tuple(a.copy() for a in subject.args)
    y, gradient = zyg.value_and_grad(_function(subject.name, subject.source), ALL, mode="native")(*given)
    _check_left(given, subject, 1e-3)
    _check_kinds(gradient, given)
    return [y, *_flat(gradient)], [subject.value, *_flat(expected)], NARROW_STEP


def _dynamic(zyg: Any, subject: Case) -> Any:
    """Both programs in dynamic mode."""
    found, expected = [], []
    for source, args in ((wide(subject.source), subject.wide_args), (subject.source, subject.args)):
        given = tuple(a.copy() for a in args)
        y, gradient = zyg.value_and_grad(_function(subject.name, source), ALL, mode="dynamic")(*given)
        _check_left(given, subject, 1e-3)
        _check_kinds(gradient, given)
        scale = 1.0 if source != subject.source else 1e-6 / NARROW_STEP
        found += [scale * n for n in (y, *(_along(gradient, d) for d in subject.directions))]
        expected += [scale * n for n in (subject.value, *subject.slopes)]
    return found, expected, 1e-6


def _second(zyg: Any, subject: Case) -> Any:
    gradient = zyg.grad(_function(subject.name, wide(subject.source)), ALL, mode="native")
    u, v, w = subject.directions[0]

    def along(x: Any, y: Any, z: Any) -> Any:
        gx, gy, gz = gradient(x, y, z)
        return np.sum((np.conj(gx) * u).real) + np.sum((np.conj(gy) * v).real) + np.sum((np.conj(gz) * w).real)

    product = zyg.grad(along, ALL, mode="native")(*subject.wide_args)
    try:
        expected = _difference(lambda t: _flat(gradient(*_moved(subject.wide_args, (u, v, w), t))))
    except Discarded:
        return [], [], 1.0
    return _flat(product), expected, 1e-5


def _flat(arrays: Any) -> np.ndarray:
    return np.concatenate([part.ravel() for a in arrays for part in (np.real(a), np.imag(a))])


def _check_left(given: Arrays, subject: Case, tolerance: float) -> None:
    if not all(np.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(given, subject.after, strict=True)):
        raise AssertionError(f"arguments are left as {given}, should be {subject.after}")


def _check_kinds(gradient: Any, given: Arrays) -> None:
    kinds = [(g.dtype, g.shape) for g in gradient]
    if kinds != [(a.dtype, a.shape) for a in given]:
        raise AssertionError(f"gradients are {kinds}")


ASPECTS = {"reverse": _reverse, "forward": _forward, "narrow": _narrow, "second": _second, "dynamic": _dynamic}


def verdict(subject: Case) -> Failure | None:
    """What zyg gets wrong, if anything."""
    import zyg

    for aspect in subject.aspects:
        try:
            actual, expected, tolerance = ASPECTS[aspect](zyg, subject)
        except Exception as error:
            if isinstance(error, zyg.UnsupportedError) and REBOUND in str(error):
                return None
            if STRETCHED in str(error) and _writes(subject):
                return None
            return Failure(aspect, 0, kind_of(error), traceback.format_exc())
        scale = 1.0 + max((abs(e) for e in expected), default=0.0)
        if not all(abs(a - e) <= tolerance * scale for a, e in zip(actual, expected, strict=True)):
            return Failure(aspect, 0, f"wrong {aspect}", f"got {actual}, expected {expected}")
    return None


def isolated_verdict(subject: Case, seconds: int = 300) -> Failure | None:
    """`verdict` in a process of its own for each aspect, so that a crash or a loop without end is a failure too."""
    return isolated(verdict, subject, seconds)


def _writes(subject: Case) -> bool:
    return any((a != b).any() for a, b in zip(subject.wide_args, subject.after, strict=True))
