"""A random program of `random_structures` on trial: value, derivatives, and what it leaves in arguments and globals."""

from __future__ import annotations

import dataclasses
import functools
import traceback
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from jets import Discarded
from random_structures import random_source
from sources import compiled
from trial import Failure, isolated, kind_of

ARGNUMS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10)
STEP = 1e-3
GLOBALS = ("G", "GW", "GD", "GL", "GO")
LATE = ("at run time they are not",)  # refusals that may come when something has been written
ASPECTS = ("native", "dynamic", "callees", "forward", "along", "second")


@dataclass(frozen=True, slots=True)
class Case:
    """values, slopes: of two calls, between which globals are bound anew.  left: descriptions of what the calls leave.
    curvature: the second derivative of the first call along the direction; None if that is not sure."""

    name: str
    source: str
    values: tuple[float, float]
    slopes: tuple[float, float]
    left: tuple[Any, Any]
    curvature: float | None
    aspects: tuple[str, ...] = ASPECTS


_compiled = functools.lru_cache(4)(compiled)


def module(source: str, name: str) -> dict[str, Any]:
    """The names of a program, defined anew; functions of several such modules share their code."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(_compiled(source, f"<{name}>"), space)
    return space


def described(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """What can be compared with ==, numbers rounded, with the classes of all that is in a value."""
    kind = type(value).__name__
    if id(value) in seen:
        return "itself"
    seen = (*seen, id(value))
    if isinstance(value, np.ndarray):
        return kind, str(value.dtype), [round(float(v), 8) + 0.0 for v in value.ravel()]
    if isinstance(value, float):
        return "number" if kind == "float64" else kind, round(float(value), 8) + 0.0
    if isinstance(value, (list, tuple)):
        return kind, [described(item, seen) for item in value]
    if isinstance(value, dict):
        return kind, [(key, described(item, seen)) for key, item in value.items()]
    if isinstance(value, types.FunctionType):
        return value.__name__, [described(cell.cell_contents, seen) for cell in value.__closure__ or ()]
    if isinstance(value, functools.partial):
        return described([value.func, value.args, value.keywords], seen)
    if callable(value) and not hasattr(value, "__dict__"):
        return "callable"
    if hasattr(value, "__dict__"):
        return kind, [(key, described(item, seen)) for key, item in vars(value).items()]
    return kind, value


def state(space: dict[str, Any], args: Sequence[Any]) -> Any:
    kept = space["Body"].rate, space["Counted"].made, space["remember"].__defaults__
    return described([*args, *(space[name] for name in GLOBALS), *kept])


def plain(source: str, name: str, t: float, calls: int) -> tuple[float, Any]:
    """The value of the last of some calls, at t along the direction, and what it leaves."""
    space = module(source, name)
    for n in range(calls):
        if n:
            space["rebind"]()
        args = space["arguments"](t if n == calls - 1 else 0.0)
        with np.errstate(all="raise", under="ignore"):
            y = float(space["f"](*args))
    return y, state(space, args)


def difference(f: Callable[[float], float]) -> tuple[float, float | None]:
    """f'(0) and f''(0) by central differences; raises `Discarded` where those of other widths disagree."""
    low, high = {}, {}
    middle = f(0.0)
    for k in (1, 2, 4):
        high[k], low[k] = f(STEP / k), f(-STEP / k)
    first = {k: (high[k] - low[k]) / (2 * STEP / k) for k in high}
    best, other = (4 * first[2] - first[1]) / 3, (4 * first[4] - first[2]) / 3
    if not abs(best - other) <= 1e-8 * (1.0 + abs(best)):
        raise Discarded("no derivative here")
    second = {k: (high[k] - 2 * middle + low[k]) / (STEP / k) ** 2 for k in high}
    better, worse = (4 * second[2] - second[1]) / 3, (4 * second[4] - second[2]) / 3
    return best, better if abs(better - worse) <= 1e-5 * (1.0 + abs(better)) else None


def tried(name: str, source: str) -> Case:
    """The case of a program; raises `Discarded` where it is no fair test."""
    found = []
    try:
        for calls in (1, 2):
            y, left = plain(source, name, 0.0, calls)
            found.append((y, left, *difference(lambda t, calls=calls: plain(source, name, t, calls)[0])))
    except Discarded:
        raise
    except Exception as error:
        raise Discarded(f"{type(error).__name__}: {error}") from error
    (y0, left0, slope0, curvature), (y1, left1, slope1, _) = found
    if not all(abs(v) < 1e3 for v in (y0, y1, slope0, slope1)):
        raise Discarded("too large")
    return Case(name, source, (y0, y1), (slope0, slope1), (left0, left1), curvature)


def case(seed: int) -> Case:
    for attempt in count():
        try:
            return tried(f"structures {seed}", random_source(seed * 1009 + attempt))
        except Discarded:
            continue
    raise AssertionError


def at_other_text(subject: Case, source: str) -> Case:
    return replace(tried(subject.name, source), aspects=subject.aspects)


def tangent(high: Any, low: Any) -> Any:
    """The difference of two arguments, in their structure."""
    if isinstance(low, (float, np.ndarray)):
        return high - low
    if isinstance(low, dict):
        return {key: tangent(high[key], item) for key, item in low.items()}
    if isinstance(low, list):
        return [tangent(a, b) for a, b in zip(high, low, strict=True)]
    if isinstance(low, tuple):
        return tuple(tangent(a, b) for a, b in zip(high, low, strict=True))
    if isinstance(low, types.FunctionType):
        names = low.__code__.co_freevars
        pairs = zip(high.__closure__ or (), low.__closure__ or (), strict=True)
        parts = {n: tangent(a.cell_contents, b.cell_contents) for n, (a, b) in zip(names, pairs, strict=True)}
        return types.SimpleNamespace(**parts)
    if isinstance(low, functools.partial):
        parts = {name: tangent(getattr(high, name), getattr(low, name)) for name in ("func", "args", "keywords")}
        return types.SimpleNamespace(**parts)
    if hasattr(low, "__dict__"):
        items = {name: tangent(vars(high)[name], item) for name, item in vars(low).items()}
        return replace(low, **items) if dataclasses.is_dataclass(low) else types.SimpleNamespace(**items)
    return None


def product(gradient: Any, along: Any) -> float:
    """The derivative along a tangent."""
    if isinstance(along, types.SimpleNamespace) and not any(True for _ in _numbers(along)):
        return 0.0
    if isinstance(along, (float, np.ndarray)):
        if np.shape(gradient) != np.shape(along):
            raise AssertionError(f"a gradient is {gradient!r} for an argument like {along!r}")
        return float(np.sum(gradient * along))
    if isinstance(along, dict):
        return sum(product(gradient[key], item) for key, item in along.items())
    if isinstance(along, (list, tuple)):
        return sum(product(a, b) for a, b in zip(gradient, along, strict=True))
    if hasattr(along, "__dict__"):
        return sum(
            product(getattr(gradient, name, None), item) for name, item in vars(along).items() if item is not None
        )
    return 0.0 if gradient is None else float("nan")


def _numbers(along: Any) -> Iterator[Any]:
    if isinstance(along, (float, np.ndarray)):
        yield along
    elif isinstance(along, (list, tuple, dict)) or hasattr(along, "__dict__"):
        inside = along if isinstance(along, (list, tuple)) else getattr(along, "__dict__", along).values()
        for item in inside:
            yield from _numbers(item)


def directions(space: dict[str, Any]) -> list[Any]:
    return [tangent(a, b) for a, b in zip(space["arguments"](1.0), space["arguments"](0.0), strict=True)]


def _calls(subject: Case, derivative: Callable[[dict[str, Any], Sequence[Any]], tuple[float, float]]) -> None:
    """Two calls, each compared with plain Python's."""
    space = module(subject.source, subject.name)
    for n in range(2):
        if n:
            space["rebind"]()
        args = space["arguments"]()
        before = state(space, args)
        try:
            y, slope = derivative(space, args)
        except Exception as error:
            refused = type(error).__name__ == "UnsupportedError" and not any(words in str(error) for words in LATE)
            if refused and state(space, args) != before:
                raise AssertionError("it is refused after it has changed something") from error
            raise
        near(y, subject.values[n], f"value of call {n}")
        near(slope, subject.slopes[n], f"slope of call {n}", 1e-6)
        left, expected = state(space, args), subject.left[n]
        if left != expected:
            raise AssertionError(f"call {n} leaves\n{left}\nshould be\n{expected}")


def near(actual: float, expected: float, what: str, tolerance: float = 1e-9) -> None:
    if not abs(actual - expected) <= tolerance * (1.0 + abs(expected)):
        raise AssertionError(f"{what} is {actual}, should be {expected}")


def _reverse(zyg: Any, subject: Case, mode: str) -> None:
    def derivative(space: dict[str, Any], args: Sequence[Any]) -> tuple[float, float]:
        y, gradient = zyg.value_and_grad(space["f"], ARGNUMS, mode=mode)(*args)
        moved = directions(space)
        return y, product(gradient, [moved[n] for n in ARGNUMS])

    _calls(subject, derivative)


def _callees(zyg: Any, subject: Case, mode: str) -> None:
    """Dynamic mode where native code runs what it can of the functions that are called, the second time."""
    from zyg.dynamic import callees

    before = callees.WORTH, callees.EACH
    callees.WORTH, callees.EACH = 1, 0
    try:
        _reverse(zyg, subject, mode)
        _reverse(zyg, subject, mode)
        _along(zyg, subject, mode)
    finally:
        callees.WORTH, callees.EACH = before


def _forward(zyg: Any, subject: Case, mode: str) -> None:
    def derivative(space: dict[str, Any], args: Sequence[Any]) -> tuple[float, float]:
        found: tuple[float, float] = zyg.jvp(space["f"], tuple(args), tuple(directions(space)), mode=mode)
        return found

    _calls(subject, derivative)


def _along(zyg: Any, subject: Case, mode: str) -> None:
    """The same with arguments that are made inside, where native code may change them."""
    space = module(subject.source, subject.name)
    for n in range(2):
        if n:
            space["rebind"]()
        y, slope = zyg.value_and_grad(space["along"], mode=mode)(0.0)
        near(y, subject.values[n], f"value of call {n} along")
        near(slope, subject.slopes[n], f"slope of call {n} along", 1e-6)


def _second(zyg: Any, subject: Case, mode: str) -> None:
    if subject.curvature is not None:
        slope = zyg.grad(module(subject.source, subject.name)["along"], mode=mode)
        near(zyg.grad(slope, mode=mode)(0.0), subject.curvature, "second derivative", 1e-4)
        tangent = zyg.jvp(
            zyg.grad(module(subject.source, subject.name)["along"], mode=mode), (0.0,), (1.0,), mode=mode
        )[1]
        near(tangent, subject.curvature, "tangent of the slope", 1e-4)


def _modes(check: Callable[[Any, Case, str], None], *modes: str) -> Callable[[Any, Case], list[str]]:
    """A check in several modes; what native code refuses."""

    def run(zyg: Any, subject: Case) -> list[str]:
        refused = []
        for mode in modes:
            try:
                check(zyg, subject, mode)
            except zyg.UnsupportedError as error:
                if mode != "native" or f"<{subject.name}>" not in str(error):
                    raise
                refused.append(str(error))
        return refused

    return run


CHECKS = {
    "native": _modes(_reverse, "native"),
    "dynamic": _modes(_reverse, "dynamic"),
    "callees": _modes(_callees, "dynamic"),
    "auto": _modes(_reverse, "auto"),
    "forward": _modes(_forward, "native", "dynamic"),
    "along": _modes(_along, "native", "dynamic"),
    "second": _modes(_second, "native", "dynamic"),
}


def verdict(subject: Case) -> Failure | None:
    """What zyg gets wrong, if anything."""
    import zyg

    for aspect in subject.aspects:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                CHECKS[aspect](zyg, subject)
        except Exception as error:
            return Failure(aspect, 0, kind_of(error), traceback.format_exc())
    return None


def isolated_verdict(subject: Case, seconds: int = 100) -> Failure | None:
    """`verdict` in a process of its own for each aspect, so that a crash or a loop without end is a failure too."""
    return isolated(verdict, subject, seconds)


def try_seeds(numbers: Iterable[int], aspects: Sequence[str]) -> None:
    import zyg.dynamic.run  # noqa: F401  (once, not in every child)

    for seed in numbers:
        subject = replace(case(seed), aspects=tuple(aspects) or ASPECTS)
        failure = isolated_verdict(subject)
        if failure is not None:
            print(seed, failure.aspect, failure.kind, flush=True)
