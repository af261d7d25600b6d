"""A random program on trial: zyg's value and derivatives at some points against forward arithmetic."""

from __future__ import annotations

import random
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from isolation import in_child
from jets import NAMES, PLAIN, Discarded, Jet, Watch, seeds
from random_expressions import INT_LIMIT
from random_programs import random_source
from reference import weights
from scalarised import Scalarised, contracted, direction
from sources import defined

POINTS = 2
TOLERANCE = 1e-8
# What may be refused: Numba reads it differently from Python.
REFUSALS = ("is rebound while a function that captured it",)

Point = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    value: float
    gradient: np.ndarray
    hessian: np.ndarray


@dataclass(frozen=True, slots=True)
class Case:
    """A program with the points at which it is tried; an argument of it is a float, the last an int."""

    name: str
    source: str
    points: tuple[Point, ...]
    expected: tuple[Expected, ...]
    aspects: tuple[str, ...] = ("reverse", "forward", "second")


@dataclass(frozen=True, slots=True)
class Failure:
    """kind: what went wrong, without numbers, so that shrinking can keep to it; aspect: of which derivative; point:
    the number of the first point where it did."""

    aspect: str
    point: int
    kind: str
    text: str


def reference(name: str, source: str, point: Point) -> Expected:
    """Value, gradient and Hessian by jets; raises `Discarded` where the program is no fair test."""
    watch = Watch()
    f = defined(source, f"<{name}>", NAMES)["f"]
    n = len(point) - 1
    try:
        y = f(*seeds(point[:-1], watch), point[-1])
    except (OverflowError, ZeroDivisionError, ValueError, AssertionError, RecursionError) as error:
        raise Discarded(str(error)) from error
    if not isinstance(y, Jet):
        return Expected(float(y), np.zeros(n), np.zeros((n, n)))
    return Expected(y.value, y.gradient, y.hessian)


def size_of(seed: int) -> int:
    """Most programs are small: many small ones show more in the same time, and large ones are rarely of use."""
    return 2 if seed % 4 == 3 else 1


def case(seed: int, size: int) -> Case:
    """The first program of this seed's sequence that is a fair test at enough points."""
    for attempt in count():
        name = f"seed {seed}"
        source = random_source(seed * 1009 + attempt, size)
        chooser = random.Random(seed)
        arity = source[source.rindex("def f(") :].split(")", 1)[0].count(",")
        points: list[Point] = []
        expected: list[Expected] = []
        for _ in range(3 * POINTS):
            floats = [round(chooser.uniform(-2.0, 2.0), 3) for _ in range(arity)]
            point = (*floats, chooser.randint(0, INT_LIMIT))
            try:
                answer = reference(name, source, point)
            except Discarded:
                continue
            if answer.gradient.any():
                points.append(point)
                expected.append(answer)
            if len(points) == POINTS:
                return Case(name, source, tuple(points), tuple(expected))
    raise AssertionError


def at_other_text(subject: Case, source: str) -> Case:
    """The same trial of another program; raises `Discarded` where that one is no fair test."""
    expected = tuple(reference(subject.name, source, point) for point in subject.points)
    return replace(subject, source=source, expected=expected)


def _first(zyg: Any, f: Callable[..., Any], subject: Case, k: int) -> tuple[Any, Any]:
    argnums = tuple(range(len(subject.points[k]) - 1))
    y, gradient = zyg.value_and_grad(f, argnums)(*subject.points[k])
    expected = subject.expected[k]
    return [y, *gradient], [expected.value, *expected.gradient]


def _forward(zyg: Any, f: Callable[..., Any], subject: Case, k: int) -> tuple[Any, Any]:
    point, expected = subject.points[k], subject.expected[k]
    along = weights(len(point) - 1)
    y, dy = zyg.jvp(f, point, (*along, 0))
    return [y, dy], [expected.value, float(np.dot(expected.gradient, along))]


def _second(zyg: Any, f: Callable[..., Any], subject: Case, k: int) -> tuple[Any, Any]:
    point, expected = subject.points[k], subject.expected[k]
    argnums = tuple(range(len(point) - 1))
    program = Scalarised(f, point, argnums)
    product = zyg.grad(contracted(subject.name, zyg.grad(f, argnums), program), argnums)(*point)
    return product, expected.hessian @ direction(program)


_ASPECTS = {"reverse": _first, "forward": _forward, "second": _second}


def verdict(subject: Case) -> Failure | None:
    """What zyg gets wrong, if anything."""
    import zyg

    f = defined(subject.source, f"<{subject.name}>", PLAIN)["f"]
    for aspect in subject.aspects:
        for k, point in enumerate(subject.points):
            try:
                actual, expected = _ASPECTS[aspect](zyg, f, subject, k)
            except (zyg.UnsupportedError, zyg.DynamicModeWarning) as error:
                if any(words in str(error) for words in REFUSALS):
                    return None
                return Failure(aspect, k, kind_of(error), f"at {point}: {traceback.format_exc()}")
            except Exception as error:
                return Failure(aspect, k, kind_of(error), f"at {point}: {traceback.format_exc()}")
            if not _near(actual, expected, subject.expected[k]):
                return Failure(aspect, k, f"wrong {aspect}", f"at {point}: got {actual}, expected {list(expected)}")
    return None


def isolated(verdict: Callable[[Any], Failure | None], subject: Any, seconds: int) -> Failure | None:
    """`verdict` of each aspect of a case in a process of its own."""
    for aspect in subject.aspects:
        failure: Failure | None
        failure, died = in_child(lambda aspect=aspect: verdict(replace(subject, aspects=(aspect,))), seconds)
        if died:
            return Failure(aspect, 0, f"died of {died}", "")
        if failure is not None:
            return failure
    return None


def isolated_verdict(subject: Case, seconds: int = 60) -> Failure | None:
    """`verdict` in a process of its own for each derivative, so that a crash or a loop without end is a failure too."""
    for aspect in subject.aspects:
        failure = _in_child(replace(subject, aspects=(aspect,)), seconds)
        if failure is not None:
            return failure
    return None


def _in_child(subject: Case, seconds: int) -> Failure | None:
    failure: Failure | None
    failure, died = in_child(lambda: verdict(subject), seconds)
    if not died:
        return failure
    if len(subject.points) > 1:
        for k in range(len(subject.points)):
            failure = _in_child(at_point(subject, k), seconds)
            if failure is not None:
                return replace(failure, point=k)
    return Failure(subject.aspects[0], 0, f"died of {died}", f"at {subject.points}")


def at_point(subject: Case, k: int) -> Case:
    """The case with its point number `k` alone."""
    return replace(subject, points=subject.points[k : k + 1], expected=subject.expected[k : k + 1])


def kind_of(error: BaseException) -> str:
    """The error's type, where it was raised, and its words without names and numbers."""
    frames = traceback.extract_tb(error.__traceback__)
    words = re.sub(r"[\d.]+|\b[a-z]\d+\b|'[^']*'|<[^>]*>", "", str(error).splitlines()[0] if str(error) else "")
    return f"{type(error).__name__} in {frames[-1].name}: {words}"


def _near(actual: Sequence[Any], expected: Sequence[float], everything: Expected) -> bool:
    scale = max(1.0, float(np.abs(everything.hessian).max()), float(np.abs(everything.gradient).max()))
    if not all(isinstance(a, int | float) for a in actual):
        return False
    return all(abs(a - e) <= TOLERANCE * scale for a, e in zip(actual, expected, strict=True))
