"""Random programs that write arrays in place, in loops and branches, under changing names."""

from __future__ import annotations

import random
from collections.abc import Iterator

HEADER = "def f(x, n):\n    a, b, s, t = x.copy(), np.zeros(len(x)), 0.0, 0.3\n"


class InPlace:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.left = 8

    def source(self) -> str:
        """`f(x, n)` for a vector x of at least one element."""
        lines = [HEADER]
        while self.left > 0:
            lines += self.statement(1, [])
        return "".join(lines) + "    return s + np.sum(a * b) + t + np.sum(np.sin(b))\n"

    def statement(self, depth: int, counters: list[str]) -> Iterator[str]:
        self.left -= 1
        pad, pick = "    " * depth, self.rng.random()
        if pick < 0.3 and depth < 4:
            yield from self.loop(depth, counters)
        elif pick < 0.4 and depth < 4:
            condition = self.rng.choice([f"{self.value(counters)} > 0.1", f"{self.index(counters)} > 1", "n > 2"])
            yield f"{pad}if {condition}:\n"
            yield from self.body(depth + 1, counters)
            if self.rng.random() < 0.5:
                yield f"{pad}else:\n"
                yield from self.body(depth + 1, counters)
        elif pick < 0.46:
            yield f"{pad}a, b = b, a\n"
        elif pick < 0.56:
            yield f"{pad}t = {self.expression(counters)}\n"
        elif pick < 0.64:
            yield f"{pad}s += {self.expression(counters)}\n"
        elif pick < 0.69:
            yield f"{pad}{self.whole()}\n"
        elif pick < 0.72 and counters:
            yield f"{pad}if {self.value(counters)} > 0.9:\n{pad}    break\n"
        else:
            sign = self.rng.choice(["=", "=", "+=", "*="])
            yield f"{pad}{self.name()}[{self.index(counters)}] {sign} {self.expression(counters)}\n"

    def whole(self) -> str:
        """A statement about whole arrays, which may be one array by two names."""
        one, two, three = self.name(), self.name(), self.name()
        return self.rng.choice(
            [
                f"{one}[1:] = 0.5 * {two}[:-1] * t",
                f"{one}[:] = 0.5 * {two} + 0.1 * {three}",
                f"{one}[::-1] = {two}",
                f"{one} += 0.3 * {two}[::-1] * {three}",
                f"{one} = {two}",
                f"{one} = {two}.copy()",
                f"{one} = 0.7 * {two} - t",
                f"c = {one} * t; {two}[0] = t; {three}[:] = c",
            ]
        )

    def loop(self, depth: int, counters: list[str]) -> Iterator[str]:
        pad, counter = "    " * depth, "ijk"[len(counters)]
        kind = self.rng.random()
        if kind < 0.75:
            ends = ["n", "3", "len(x)", *(f"{c} + 1" for c in counters), *counters, "len(x) - 1, -1, -1"]
            yield f"{pad}for {counter} in range({self.rng.choice(ends)}):\n"
            yield from self.body(depth + 1, [*counters, counter])
        else:
            yield f"{pad}{counter} = 0\n{pad}while {counter} < n and {self.value(counters)} < 0.95:\n"
            yield f"{pad}    {counter} += 1\n"
            yield from self.body(depth + 1, [*counters, counter])

    def body(self, depth: int, counters: list[str]) -> Iterator[str]:
        for _ in range(self.rng.randint(1, 4)):
            yield from self.statement(depth, counters)

    def name(self) -> str:
        return self.rng.choice("ab")

    def index(self, counters: list[str]) -> str:
        base = self.rng.choice([*counters, *counters, "0", "n", "2"])
        return self.rng.choice([f"({base} + {self.rng.randint(0, 3)}) % len(x)", f"{base} % len(x)", "0", "-1"])

    def value(self, counters: list[str]) -> str:
        return self.rng.choice(
            ["t", f"{self.name()}[{self.index(counters)}]", f"{self.name()}[{self.index(counters)}]"]
        )

    def expression(self, counters: list[str]) -> str:
        one, two = self.value(counters), self.value(counters)
        forms = [f"np.sin({one})", f"0.5 * {one} * {two}", f"0.3 * {one} - 0.6 * {two}", f"{one} / (2.0 + {two} ** 2)"]
        return self.rng.choice(forms)
