"""Random programs whose loops add up numbers: what an iteration does, and what is done with the sums, vary.

    python tests/random_sums.py --seed 100 --count 50

Reverse mode treats such loops in its own ways (`zyg/adjoint/iterations.py`, `deferred.py`, `sums_at_once.py`); forward
mode knows nothing of them, so that the two are compared.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sources import defined

NAMES = {"np": np, "math": math}
ROWS, COLUMNS = 11, 3


class Programs:
    """Statements over x (ROWS × COLUMNS) and w (3 × 3), and a number c."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.indent = 0
        self.names = 0

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self.indent += 1
        yield
        self.indent -= 1

    def value(self, numbers: list[str], depth: int = 2) -> str:
        """An expression, bounded, of positive or negative numbers."""
        if depth == 0 or self.chance(0.2):
            return self.random.choice(
                [*numbers, *numbers, "c", "w[0, 1]", "w[1, 2]", f"{self.random.uniform(0.3, 1.6):.2f}"]
            )
        a, b = self.value(numbers, depth - 1), self.value(numbers, depth - 1)
        return self.random.choice(
            [
                f"({a} + {b})",
                f"({a} - 0.5 * {b})",
                f"{a} * {b}",
                f"math.sin({a})",
                f"math.exp(0.2 * math.sin({a}))",
                f"{a} / math.sqrt(1.0 + {b} ** 2)",
                f"math.sqrt(0.5 + {a} * {a})",
                f"{a} / (1.5 + math.cos({b}))",
                f"math.log(1.5 + {a} ** 2)",
            ]
        )

    def test(self, numbers: list[str]) -> str:
        return f"{self.value(numbers, 1)} {self.random.choice(['<', '>'])} {self.random.uniform(-0.5, 1.5):.2f}"

    def inner(self, numbers: list[str], arrays: list[str]) -> None:
        """A loop in an iteration, which makes a number or fills a work array."""
        kind = self.random.choice(["range", "range", "while", "break", "array"])
        j, s = self.fresh("j"), self.fresh("s")
        if kind == "array" and arrays:
            a = self.random.choice(arrays)
            with self.block(f"for {j} in range({COLUMNS}):"):
                self.line(f"{a}[{j}] = {self.value([*numbers, f'x[i, {j}]', f'w[1, {j}]'])}")
            if self.chance(0.5):
                with self.block(f"for {j} in range(1, {COLUMNS}):"):
                    self.line(f"{a}[{j}] += 0.5 * {a}[{j} - 1] * {self.value(numbers, 1)}")
            numbers += [f"{a}[{self.random.randrange(COLUMNS)}]"]
            return
        self.line(f"{s} = {self.value(numbers, 1)}")
        if kind == "while":
            k = self.fresh("k")
            self.line(f"{k} = 0")
            with self.block(f"while {s} < {self.random.uniform(0.8, 2.5):.2f} and {k} < 7:"):
                self.line(f"{s} = 0.3 + 1.1 * {s} + 0.1 * {self.value([*numbers, s], 1)}")
                self.line(f"{k} += 1")
        else:
            with self.block(f"for {j} in range({self.random.choice([str(COLUMNS), 'i % 3', '2'])}):"):
                self.line(f"{s} = 0.5 * {s} + {self.value([*numbers, s, f'x[i, {j}]', f'w[{j}, 0]'])}")
                if kind == "break":
                    with self.block(f"if {self.test([s])}:"):
                        self.line("break")
        numbers.append(s)

    def loop(self, totals: list[str], outside: list[str], arrays: list[str]) -> None:
        i = "i"
        count = self.random.choice(["len(x)", "len(x)", "len(x) - 1", f"range({ROWS} - 1, 0, -2)", "len(x) // 2"])
        head = count if count.startswith("range") else f"range({count})"
        with self.block(f"for {i} in {head}:"):
            numbers = ["x[i, 0]", "x[i, 1]", *outside]
            for _ in range(self.random.choice([0, 0, 1, 1, 2])):
                self.inner(numbers, arrays)
            if self.chance(0.3):
                t = self.fresh("t")
                self.line(f"{t} = {self.value(numbers)}")
                numbers.append(t)
            if self.chance(0.15):
                with self.block(f"if {self.test(numbers)}:"):
                    self.line("continue")
            for total in totals:
                sign = self.random.choice(["+=", "+=", "-="])
                if self.chance(0.3):
                    with self.block(f"if {self.test(numbers)}:"):
                        self.line(f"{total} {sign} {self.value(numbers)}")
                    if self.chance(0.3):
                        with self.block("else:"):
                            self.line(f"{total} += {self.value(numbers)}")
                else:
                    self.line(f"{total} {sign} {self.value(numbers)}")
            if self.chance(0.1):
                with self.block(f"if {self.value(numbers)} > 1e6:"):
                    self.line('raise ValueError(f"large at {i}")')

    def sums(self, outside: list[str]) -> list[str]:
        """A loop and what it adds up."""
        totals = [self.fresh("total") for _ in range(self.random.choice([1, 1, 1, 2]))]
        for total in totals:
            self.line(f"{total} = {self.random.choice(['0.0', '1.0', outside[-1] if outside else '0.5'])}")
        arrays = [self.fresh("a") for _ in range(self.random.choice([0, 0, 1]))]
        for a in arrays:
            self.line(f"{a} = np.zeros({COLUMNS})")
        self.loop(totals, outside, arrays)
        return totals

    def module(self) -> str:
        with self.block("def f(x, w, c):"):
            if self.chance(0.2):
                self.line("x = x * w[0, 0]")
            numbers: list[str] = []
            for _ in range(self.random.choice([1, 1, 1, 2])):
                shape = self.random.choice(["plain", "plain", "branch", "loop"])
                if shape == "branch":
                    start = self.fresh("total")
                    self.line(f"{start} = 0.7")
                    with self.block(f"if {self.test(['w[0, 2]', *numbers])}:"):
                        found = self.sums(numbers)
                        self.line(f"{start} = {self.value(found)}")
                    numbers.append(start)
                elif shape == "loop":
                    y = self.fresh("y")
                    self.line(f"{y} = 0.4")
                    with self.block(f"for _ in range({self.random.choice(['2', '3', 'len(w)'])}):"):
                        found = self.sums([*numbers, y])
                        self.line(f"{y} = math.sin({y} + 0.1 * {self.value(found, 1)})")
                    numbers.append(y)
                else:
                    numbers += self.sums(numbers)
            if self.chance(0.2):
                self.line("x[0, 1] = 2.0 * x[0, 1]" if self.lines[1].strip().startswith("x =") else "w = w * 2.0")
            ending = self.random.choice(["sum", "scaled", "nonlinear", "array"])
            last = " + ".join(f"0.{3 + n} * {name}" for n, name in enumerate(numbers))
            if ending == "sum":
                self.line(f"return {last}")
            elif ending == "scaled":
                self.line(f"return math.exp(-0.1 * c) * ({last}) / len(x) + w[2, 2] ** 2")
            elif ending == "array":
                self.line(f"return {last} + 0.1 * np.sum(x * x) - np.sum(w) * c")
            else:
                self.line(f"return {self.value(numbers)} + 0.1 * ({last}) ** 2")
        return "\n".join(self.lines) + "\n"


def random_source(seed: int) -> str:
    return Programs(seed).module()


def arguments(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.3, 1.5, (ROWS, COLUMNS)), rng.uniform(-0.2, 1.3, (3, 3)), float(rng.uniform(0.2, 1.2))


def check(seed: int, second: bool = True) -> None:
    """Raises AssertionError where the value, or reverse mode against forward mode, is off."""
    import zyg

    source = random_source(seed)
    f = defined(source, f"<sums {seed}>", NAMES)["f"]
    given = arguments(seed)
    fresh = lambda: tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in given)  # noqa: E731
    expected = f(*fresh())
    rng = np.random.default_rng(seed + 1)
    along = tuple(rng.normal(size=np.shape(a)) if np.ndim(a) else float(rng.normal()) for a in given)
    y, slope = zyg.jvp(f, fresh(), along)
    value, gradient = zyg.value_and_grad(f, (0, 1, 2))(*fresh())
    alone = zyg.grad(f, (0, 1, 2))(*fresh())
    tolerance = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose((y, value), expected, err_msg=source, **tolerance)
    for found in (gradient, alone):
        total = sum(np.sum(part * d) for part, d in zip(found, along, strict=True))
        np.testing.assert_allclose(total, slope, err_msg=source, **tolerance)
        for part, other in zip(found, gradient, strict=True):
            np.testing.assert_allclose(part, other, err_msg=source, **tolerance)
    if second:
        inner = lambda x, w, c: zyg.jvp(f, (x, w, c), along)[1]  # noqa: E731
        of_slope = zyg.jvp(inner, fresh(), along)[1]
        products = zyg.jvp(zyg.grad(f, (0, 1, 2)), fresh(), along)[1]
        total = sum(np.sum(part * d) for part, d in zip(products, along, strict=True))
        np.testing.assert_allclose(total, of_slope, err_msg=source, rtol=1e-8, atol=1e-8)


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description="Compare reverse with forward mode on random sums.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1, help="run so many seeds, and print only those that fail")
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.count):
        if options.count == 1:
            print(random_source(seed))
        try:
            check(seed)
        except (ArithmeticError, ValueError) as error:
            print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
        except AssertionError as error:
            print(f"seed {seed}: {str(error)[:3000]}", flush=True)


if __name__ == "__main__":
    main()
