"""Optimised code of derivatives: nothing but arithmetic and elementary functions, and as short as written by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jets import PLAIN
from random_programs import random_source
from sources import defined

import zyg

# Of the C library; others are instructions or intrinsics of LLVM.
ELEMENTARY = frozenset(
    (
        *("sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "hypot", "exp"),
        *("asinh", "acosh", "atanh", "expm1", "log", "log2", "log10", "log1p", "pow", "erf", "erfc", "fmod"),
    )
)
# Of programs with tapes; grad_f is what the entry calls to release them afterwards.
TAPES = re.compile(
    r"zyg\.(alloc|small|piece|grow|link|release|program\.grad_f)|llvm\.(memset|memcpy).*|malloc|calloc|free"
)
# Of functions that are recursive, or too large to be inlined: a test of the depth, and calls.
OUTLINED = re.compile(r"zyg\.floor|zyg\.program\.h\d+(\.\w+)*")
SEEDS = range(100)


def calls(llvm: str) -> set[str]:
    """The names of what is called, elementary functions and intrinsics without effects left out."""
    assert not re.search(r"\bcall [^@\n]*%[\w.]+\(", llvm), "an indirect call"
    found = set(re.findall(r'\bcall [^@\n]*@"?([\w.$]+)', llvm))
    return {name for name in found - ELEMENTARY if not name.startswith("llvm.") or name.startswith("llvm.mem")}


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_call_nothing_else(seed: int) -> None:
    source = random_source(seed, 1)
    f = defined(source, f"<llvm {seed}>", PLAIN)["f"]
    floats = f.__code__.co_argcount - 1
    llvm = zyg.inspect_llvm(zyg.grad(f, tuple(range(floats))), *[0.3] * floats, 2)
    recursive = re.search(r"\bh\d+\(.*\bn - ", source)
    loops = recursive or re.search(r"^\s*(for|while)\b", source, re.MULTILINE)
    for name in calls(llvm):
        assert loops and (TAPES.fullmatch(name) or OUTLINED.fullmatch(name)), f"{name}\n{source}"


def polynomial(x: float) -> float:
    return ((2 * x + 3) * x + 4) * x + 5


def by_loop(x: int) -> int:
    s = 0
    for _ in range(4):
        s += 3 * x
    return s


def by_helper(x: float) -> float:
    return polynomial(x) * 2.0


def pair(p: tuple[float, float]) -> float:
    a, b = p
    return a * b


def through_closure(x: float) -> float:
    scale = lambda y: x * y  # noqa: E731
    return scale(3.0) + scale(4.0)


BY_HAND: list[tuple[Callable[..., Any], Callable[..., Any], Any]] = [
    (lambda x: 5 * x + 3, lambda x: 5, 10),
    (by_loop, lambda x: 12, 10),
    (through_closure, lambda x: 7.0, 0.5),
    (lambda x: math.sin(math.cos(x)), lambda x: -math.cos(math.cos(x)) * math.sin(x), 0.5),
    (lambda x: math.exp(x * x), lambda x: math.exp(x * x) * x * 2, 0.5),
    (lambda x: 1 / x, lambda x: -(1 / x) * (1 / x), 0.5),
    (lambda x: math.exp(-x) * math.sin(x), lambda x: math.exp(-x) * math.cos(x) - math.exp(-x) * math.sin(x), 0.5),
    (lambda x: x * x if x > 0 else -x, lambda x: 2 * x if x > 0 else -1.0, 0.5),
    (lambda x: math.tanh(3 * x), lambda x: 3 * (1 - math.tanh(3 * x)) * (1 + math.tanh(3 * x)), 0.5),
    (polynomial, lambda x: (2 * x + 3) * x + 4 + x * (2 * x + 3) + x * x * 2, 0.5),
    (by_helper, lambda x: ((2 * x + 3) * x + 4) * 2 + 2 * x * (2 * x + 3) + 2 * x * x * 2, 0.5),
    (pair, lambda p: (p[1], p[0]), (0.5, 2.0)),
]


def instructions(llvm: str) -> list[str]:
    body = llvm[llvm.index("{") + 1 : llvm.index("\n}")]
    return [line for line in body.splitlines() if line.startswith("  ")]


@pytest.mark.parametrize(("f", "derivative", "at"), BY_HAND)
def test_no_longer_than_by_hand(f: Any, derivative: Any, at: Any) -> None:
    ours, by_hand = zyg.inspect_llvm(zyg.grad(f), at), zyg.inspect_llvm(derivative, at)
    assert len(instructions(ours)) <= len(instructions(by_hand)), f"{ours}\n\n{by_hand}"
    assert zyg.grad(f)(at) == pytest.approx(derivative(at))


def test_loops_of_known_length_stay_loops_in_large_programs() -> None:
    """Taps of a filter over an image of known size: as straight code they would take seconds."""

    def blurred(image: Any, width: float) -> Any:
        taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * width**2))
        taps = taps / taps.sum()
        padded = np.pad(image, 3, mode="reflect")
        rows, out = np.zeros((14, 20)), np.zeros((14, 14))
        for i in range(7):
            rows += taps[i] * padded[i : i + 14]
        for j in range(7):
            out += taps[j] * rows[:, j : j + 14]
        return np.sum((out - image) ** 2) + np.ptp(out)

    text = zyg.inspect_llvm(zyg.grad(blurred, (0, 1)), np.cos(np.arange(196.0)).reshape(14, 14), 0.9)
    assert text.count("\n") < 4500
