"""A random program of NumPy calls on trial: zyg's value, effects and derivatives against the plain program's.

First derivatives are compared along random directions with differences of the plain program in wide numbers, second
ones with differences of the first.  A program is no fair test where these do not converge.
"""

from __future__ import annotations

import random
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from array_trial import at_point as at_point
from jets import Discarded
from random_numpy import NAMES, arguments, as_given, random_source, wide
from sources import defined
from trial import Failure, isolated, kind_of

# What may be refused: what NumPy's numbers can do and Python's cannot, the order of complex numbers, dimensions that
# happen to be 1 in programs that write into their arguments, writes that rest on the order of elements in NumPy, norms
# of matrices without elements; and in dynamic mode what has no rule there.
REFUSALS = (
    *(
        "has no attribute",
        "cannot be indexed",
        "does not support item assignment",
        "needs an array",
        "of complex numbers",
        "' is not supported",
        "and endpoint are compiled",
        "zero-size array to reduction operation",
    ),
    # Kinds of values that depend on the path, and what is not known when compiling
    *(
        "is rebound while",
        "the length of a list is not known",
        "may be an array or an array",
        "cannot be given to Python",
    ),
    *(
        "of more than three dimensions",
        "whose elements overlap",
        "of complex128 has no native code",
        "a complex number",
        "only happens to be 1",
        "does not lie in C order",
        "depends on its order in NumPy",
    ),
)
STEP = 1e-4

Arrays = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A program of three arrays, what it is tried with, and what it should give: its results, the arguments behind it,
    and along each direction how all results move, as one vector of reals."""

    name: str
    source: str
    args: Arrays
    directions: tuple[Arrays, ...]
    results: Any
    after: Arrays
    slopes: tuple[np.ndarray, ...]
    aspects: tuple[str, ...] = ("reverse", "forward", "second", "dynamic")

    @property
    def single(self) -> bool:
        return not isinstance(self.results, tuple)

    @property
    def narrow(self) -> bool:
        return "F4" in self.source.split("DTYPES", 1)[1] or "C8" in self.source.split("DTYPES", 1)[1]


def _function(name: str, source: str) -> Callable[..., Any]:
    found: Callable[..., Any] = defined(source, f"<{name}>", NAMES)["f"]
    return found


def _plain(f: Callable[..., Any], args: Arrays) -> tuple[Any, Arrays]:
    given = tuple(as_given(a) for a in args)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        return f(*given), given


def flat(y: Any) -> np.ndarray:
    """All numbers of a result, as reals."""
    parts = [np.ravel(np.asarray(v)) for v in (y if isinstance(y, tuple) else (y,))]
    wide_parts = [
        p.astype(np.complex128).view(np.float64) if p.dtype.kind == "c" else p.astype(np.float64) for p in parts
    ]
    return np.concatenate([*wide_parts, np.zeros(0)])


def _widened(a: Any) -> Any:
    return np.asarray(a).astype(np.complex128 if np.iscomplexobj(a) else np.float64)


def _moved(args: Arrays, direction: Arrays, t: float) -> Arrays:
    return tuple(_widened(a) + t * d for a, d in zip(args, direction, strict=True))


def _difference(f: Callable[[float], np.ndarray]) -> np.ndarray:
    """f'(0) by central differences of two widths; raises `Discarded` where they disagree."""
    d1, d2, d3 = ((f(h) - f(-h)) / (2 * h) for h in (STEP, STEP / 2, STEP / 4))
    best, other = (4 * d2 - d1) / 3, (4 * d3 - d2) / 3
    if not np.all(np.abs(best - other) <= 1e-6 * (1.0 + np.abs(best))) or not np.all(
        np.abs(best - d1) < 1e-2 * (1 + np.abs(best))
    ):
        raise Discarded("no derivative here")
    return best


def tried(name: str, source: str, args: Arrays, directions: tuple[Arrays, ...]) -> Case:
    """The case of a program; raises `Discarded` where it is no fair test."""
    f, plain = _function(name, wide(source)), _function(name, source)
    try:
        results, after = _plain(plain, args)
        if not np.all(np.isfinite(flat(results))):
            raise Discarded("not finite")
        slopes = tuple(_difference(lambda t, d=d: flat(_plain(f, _moved(args, d, t))[0])) for d in directions)
    except Discarded:
        raise
    except Exception as error:
        raise Discarded(str(error)) from error
    if not all(np.all(np.abs(s) < 1e4) for s in slopes):
        raise Discarded("too large")
    return Case(name, source, args, directions, results, after, slopes)


def case(seed: int, written: Callable[[int], str] = random_source) -> Case:
    """The first program of this seed's sequence that is a fair test."""
    for attempt in count():
        name = f"seed {seed}"
        source = written(seed * 1009 + attempt)
        rng = np.random.default_rng(seed * 1009 + attempt)
        args = arguments(source, rng)
        directions = tuple(tuple(_widened(a) for a in arguments(source, rng)) for _ in range(2))
        try:
            found = tried(name, source, args, directions)
        except Discarded:
            continue
        if any(np.any(s) for s in found.slopes):
            return _laid_out(found, random.Random(seed))
    raise AssertionError


def _laid_out(subject: Case, chooser: random.Random) -> Case:
    """Sometimes the arguments lie otherwise in memory."""

    def other(a: Any) -> Any:
        kind = chooser.random()
        if kind < 0.15 and a.ndim > 1:
            return np.asfortranarray(a)
        if kind < 0.3 and a.ndim:
            return np.repeat(a, 2, axis=-1)[..., ::2]
        return a[::-1].copy()[::-1] if kind < 0.4 and a.ndim else a

    return replace(subject, args=tuple(map(other, subject.args)))


def at_other_text(subject: Case, source: str) -> Case:
    """The same trial of another program; raises `Discarded` where that one is no fair test."""
    found = tried(subject.name, source, subject.args, subject.directions)
    return replace(found, aspects=subject.aspects)


def _given(subject: Case) -> Arrays:
    """Copies of the arguments that lie in memory as they do; numbers of those without dimensions."""
    return tuple(_copied(a) for a in subject.args)


def _copied(a: Any) -> Any:
    if a.ndim == 0:
        return a.item()
    if a.size == 0 or a.flags.c_contiguous or a.flags.f_contiguous:
        return a.copy(order="K")
    if a.strides[0] < 0:
        return a[::-1].copy()[::-1]
    return np.repeat(a, 2, axis=-1)[..., ::2]


def _effects(subject: Case, given: Arrays) -> str:
    """What is wrong with the arguments behind a call."""
    for a, b in zip(given, subject.after, strict=True):
        if isinstance(a, np.ndarray) and not np.allclose(a, b, rtol=_rtol(subject), atol=_rtol(subject)):
            return f"arguments are left as {given}, should be {subject.after}"
    return ""


def _rtol(subject: Case) -> float:
    return 1e-4 if subject.narrow else 1e-9


def _kinds(y: Any, expected: Any, narrow: bool) -> str:
    """What is wrong with shapes and dtypes of a result; of narrow programs with their kinds only, since numbers that
    NumPy gives widen arrays there."""
    for a, b in zip(
        y if isinstance(y, tuple) else (y,), expected if isinstance(expected, tuple) else (expected,), strict=True
    ):
        if np.shape(a) != np.shape(b):
            return f"shape {np.shape(a)}, should be {np.shape(b)}"
        if np.ndim(b) and not narrow and np.asarray(a).dtype != np.asarray(b).dtype:
            return f"dtype {np.asarray(a).dtype}, should be {np.asarray(b).dtype}"
        if np.asarray(a).dtype.kind != np.asarray(b).dtype.kind:
            return f"{np.asarray(a).dtype}, should be {np.asarray(b).dtype}"
    return ""


def _dot(gradient: Arrays, direction: Arrays) -> float:
    return float(sum(np.sum(np.conj(np.asarray(g)) * d).real for g, d in zip(gradient, direction, strict=True)))


def _first(zyg: Any, f: Callable[..., Any], subject: Case, mode: str = "native") -> Any:
    given = _given(subject)
    if subject.single:
        y, gradient = zyg.value_and_grad(f, (0, 1, 2), mode=mode)(*given)
        cotangent = np.ones(1)
    else:
        y, back = zyg.pullback(f, *given, mode=mode)
        rng = np.random.default_rng(5)
        seeds = tuple(_like(v, rng) for v in subject.results)
        gradient, cotangent = back(seeds), flat(seeds)
    wrong = _effects(subject, given) or _kinds(y, subject.results, subject.narrow)
    if wrong:
        return wrong
    for g, a in zip(gradient, subject.args, strict=True):
        if np.shape(g) != np.shape(a) or (np.ndim(a) and np.asarray(g).dtype != a.dtype):
            return f"gradient of {np.shape(g)} {np.asarray(g).dtype}, should be {a.shape} {a.dtype}"
    mask = _floats(subject.results)
    slopes = [float(np.dot(cotangent * mask, s)) for s in subject.slopes]
    return [*flat(y), *(_dot(gradient, d) for d in subject.directions)], [*flat(subject.results), *slopes]


def _floats(results: Any) -> np.ndarray:
    """1 at numbers that move."""
    return flat(
        tuple(
            np.ones_like(v) * (1 + 1j if np.iscomplexobj(v) else float(np.asarray(v).dtype.kind == "f"))
            for v in (results if isinstance(results, tuple) else (results,))
        )
    )


def _like(v: Any, rng: np.random.Generator) -> Any:
    w = rng.uniform(-1.0, 1.0, np.shape(v))
    if np.iscomplexobj(v):
        w = w + 1j * rng.uniform(-1.0, 1.0, np.shape(v))
    if not np.ndim(v):
        return complex(w) if np.iscomplexobj(v) else float(w)
    return w.astype(np.asarray(v).dtype if np.asarray(v).dtype.kind in "fc" else np.float64)


def _tangents(subject: Case) -> Arrays:
    return tuple(
        d.astype(a.dtype) if a.ndim else d.item() for a, d in zip(subject.args, subject.directions[0], strict=True)
    )


def _forward(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    given = _given(subject)
    y, dy = zyg.jvp(f, given, _tangents(subject), mode="native")
    wrong = _effects(subject, given) or _kinds(y, subject.results, subject.narrow)
    if wrong:
        return wrong
    moved = tuple(
        np.zeros(np.shape(v)) if d is None or np.asarray(v).dtype.kind not in "fc" else d
        for d, v in zip(dy if isinstance(dy, tuple) else (dy,), y if isinstance(y, tuple) else (y,), strict=True)
    )
    return [*flat(y), *flat(moved)], [*flat(subject.results), *subject.slopes[0]]


def _dynamic(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    return _first(zyg, f, subject, "dynamic")


def _second(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    """Reverse over reverse, or forward over reverse."""
    if not subject.single or subject.narrow or any(np.iscomplexobj(a) for a in subject.args):
        return [], []
    gradient = zyg.grad(f, (0, 1, 2), mode="native")
    u, v, w = _tangents(subject)
    if hash(subject.name) % 2:
        _, product = zyg.jvp(gradient, _given(subject), (u, v, w), mode="native")
    else:

        def along(x: Any, y: Any, z: Any) -> Any:
            gx, gy, gz = gradient(x, y, z)
            return np.sum(gx * u) + np.sum(gy * v) + np.sum(gz * w)

        product = zyg.grad(along, (0, 1, 2), mode="native")(*_given(subject))

    def at(t: float) -> np.ndarray:
        moved = _moved(subject.args, (u, v, w), t)
        return flat(gradient(*(a.item() if a.ndim == 0 else a for a in moved)))

    try:
        expected = _difference(at)
    except Discarded:
        return [], []
    return [*flat(product)], [*expected]


def _jacobian(zyg: Any, f: Callable[..., Any], subject: Case) -> Any:
    """By columns and by rows, times the directions."""
    results = subject.results if isinstance(subject.results, tuple) else (subject.results,)
    if subject.narrow or any(map(np.iscomplexobj, (*subject.args, *results))):
        return [], []

    def joined(x: Any, y: Any, z: Any) -> Any:
        return np.concatenate([np.ravel(part) * 1.0 for part in f(x, y, z)])

    actual, expected = [], []
    for how in (zyg.jacfwd, zyg.jacrev):
        found = how(f if subject.single else joined, (0, 1, 2))(*_given(subject))
        for direction, slope in zip(subject.directions, subject.slopes, strict=True):
            parts = [np.tensordot(j, d, np.ndim(d)) for j, d in zip(found, direction, strict=True)]
            actual += list(np.ravel(sum(parts)))
            expected += list(slope * _floats(subject.results))
    return actual, expected


ASPECTS: dict[str, Any] = {
    "reverse": _first,
    "forward": _forward,
    "second": _second,
    "dynamic": _dynamic,
    "jacobian": _jacobian,
}


def verdict(subject: Case) -> Failure | None:
    """What zyg gets wrong, if anything."""
    import zyg

    f = _function(subject.name, subject.source)
    for aspect in subject.aspects:
        try:
            answer = ASPECTS[aspect](zyg, f, subject)
        except Exception as error:
            if any(words in str(error) for words in REFUSALS):
                return None
            if aspect == "dynamic" and isinstance(error, zyg.DifferentiationError):
                return None
            return Failure(aspect, 0, kind_of(error), traceback.format_exc())
        if isinstance(answer, str):
            return Failure(aspect, 0, "wrong kind", answer)
        actual, expected = answer
        tolerance = 2e-3 if subject.narrow else 1e-5 if aspect == "second" else 1e-6
        scale = 1.0 + max((abs(e) for e in expected), default=0.0)
        if not all(abs(a - e) <= tolerance * scale for a, e in zip(actual, expected, strict=True)):
            pairs = enumerate(zip(actual, expected, strict=True))
            wrong = [f"number {k}: {a}, should be {e}" for k, (a, e) in pairs if not abs(a - e) <= tolerance * scale]
            return Failure(aspect, 0, f"wrong {aspect}", f"of {len(actual)}: " + "; ".join(wrong[:5]))
    return None


def isolated_verdict(subject: Case, seconds: int = 300) -> Failure | None:
    """`verdict` in a process of its own for each aspect, so that a crash or a loop without end is a failure too."""
    return isolated(verdict, subject, seconds)
