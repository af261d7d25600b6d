"""Random programs of roots, powers and branches on them, at points where much is exactly zero."""

from __future__ import annotations

import contextlib
import math
import random

import numpy as np
import pytest
from sources import defined

import zyg

POINTS = [np.array(p) for p in ([0.3, -0.7, 1.1], [0.0, 0.5, -0.4], [0.5, 0.0, 0.5], [1.0, 1.0, 0.0])]
CONDITIONS = (
    *("{} > 0", "{} < 1e-4", "{} >= 0.1", "{} == 0", "{} != 0.0", "not {} > 0", "{} > 0 and x[0] < 9"),
    *("{} < 1e-6 or x[1] > 99", "{} > -1.0", "0.0 < {}"),
)
ROOTS = {
    "root": lambda a: math.sqrt(a),
    "half": lambda a: a**0.5,
    "less": lambda a: a**0.3,
    "more": lambda a: a**1.5,
    "cube": lambda a: np.cbrt(a),
}
ARGUMENTS = ("({0})**2", "({0})**2 + ({1})**2", "({0})**2 + 1e-3", "max({0}, 0.2)")


class Programs:
    """Programs of one seed: names are what may be used so far."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.names = ["x[0]", "x[1]", "x[2]"]

    def expression(self, depth: int = 2) -> str:
        if depth == 0 or self.rng.random() < 0.25:
            return self.rng.choice(self.names)
        forms = (
            "({0} * {1})",
            "({0} + {1})",
            "math.sin({0})",
            "max({0}, 0.1)",
            "({0} - 0.5)",
            "({0} - 1.0)",
        )
        form = self.rng.choice((*forms, "({0} * {1})"))
        return form.format(self.expression(depth - 1), self.expression(depth - 1))

    def root(self) -> str:
        argument = self.rng.choice(ARGUMENTS).format(self.expression(), self.expression(1))
        return f"{self.rng.choice(list(ROOTS))}({argument})"

    def new(self) -> str:
        self.names.append(f"v{len(self.names)}")
        return self.names[-1]

    def source(self) -> str:
        lines = ["def f(x):"]
        for _ in range(self.rng.randint(2, 5)):
            value = self.root() if self.rng.random() < 0.7 else self.expression()
            v = self.new()
            lines.append(f"    {v} = {value}")
            kind = self.rng.random()
            if kind < 0.35:
                one = self.expression()
                other = self.rng.choice((self.expression(), f"x[0] * {v}", f"{v} * {v}"))
                w = self.new()
                cond = self.rng.choice(CONDITIONS).format(v)
                lines += [f"    if {cond}:", f"        {w} = {one}", "    else:", f"        {w} = {other}"]
            elif kind < 0.45:
                lines += [f"    if {v} < 1e-4:", f"        return {self.expression()}"]
            elif kind < 0.55:
                w = self.new()
                lines += [f"    {w} = 0.0", "    for i in range(3):", f"        {w} = {w} + x[i] * {v}"]
        lines.append(f"    return {self.expression(3)} + {self.names[-1]} * {self.rng.choice(self.names)}")
        return "\n".join(lines) + "\n"


def slopes(f, x, h):
    """Difference quotients, NaN where those of two sizes say that there is none."""
    with np.errstate(all="ignore"):
        found = [np.array([(f(x + s * d) - f(x - s * d)) / (2 * s) for d in np.eye(3)]) for s in (h, h / 4)]
        bend = np.array([(f(x + h * d) - 2 * f(x) + f(x - h * d)) / h for d in np.eye(3)])
        same = np.isclose(*found, rtol=1e-3, atol=1e-3) & np.isclose(bend, 0, atol=1e-2)
    return np.where(same, found[1], np.nan)


def is_at_a_root(source, x):
    """Is the argument of a root zero here, so that derivatives are a matter of convention?"""
    zeros = []

    def watched(fn):
        return lambda a: zeros.append(a == 0) or fn(a)

    with contextlib.suppress(ZeroDivisionError):
        defined(source, "<watched>", {"math": math, **{name: watched(fn) for name, fn in ROOTS.items()}})["f"](x)
    return any(zeros)


def check(seed: int) -> int:
    """The number of derivatives that could be compared."""
    source = Programs(seed).source()
    f = defined(source, f"<kinks {seed}>", {"math": math, "np": np, **ROOTS})["f"]
    g, compared = zyg.grad(f, mode="native"), 0
    for x in POINTS:
        gradient, tangents = g(x), [zyg.jvp(f, (x,), (d,))[1] for d in np.eye(3)]
        assert not np.any(np.isnan([*gradient, *tangents])), (x, source)
        if is_at_a_root(source, x):
            continue
        expected, curves = slopes(f, x, 1e-5), slopes(g, x, 1e-5)
        pairs = (("grad", gradient, expected), ("jvp", tangents, expected), ("hessian", zyg.hessian(f)(x), curves))
        for name, found, wanted in pairs:
            known = np.isfinite(wanted)
            compared += int(np.sum(known))
            message = f"{name} at {x} of\n{source}"
            np.testing.assert_allclose(np.array(found)[known], wanted[known], 1e-3, 1e-3, err_msg=message)
    return compared


@pytest.mark.parametrize("seed", range(24))
def test_program(seed):
    check(seed)


def test_enough_is_compared():
    assert sum(check(seed) for seed in range(3)) > 60
