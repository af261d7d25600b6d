"""Random functions that fill and read tables in nested loops, at places that the loops count."""

from __future__ import annotations

import random

HEAD = "def f(x, n, w, a):\n    n = extent(n)\n    w = extent(w)\n    y = zeros(n * w)\n    s = 0.5\n    k = 0\n"


class Tables:
    """The text of one function `f(x, n, w, a)`; x has n * w elements.  Indices may be out of range."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.counters: list[str] = []
        self.fresh = 0
        for _ in range(self.random.randint(1, 2)):
            self.loop(1)
        self.text = HEAD + "\n".join(self.lines) + "\n    return s\n"

    def bound(self) -> str:
        inner = [c for counter in self.counters for c in (counter, f"{counter} + 1")]
        return self.random.choice(["n", "w", "n - 1", "w - 1", "3", *inner, *inner])

    def loop(self, depth: int) -> None:
        pad, counter = "    " * depth, "ijlm"[depth - 1] + str(self.fresh)
        self.fresh += 1
        kind = self.random.random()
        if kind < 0.55:
            low = self.random.choice(["0", "0", "1", *(f"{c} + 1" for c in self.counters), *self.counters])
            self.lines.append(f"{pad}for {counter} in range({low}, {self.bound()}):")
        elif kind < 0.75:
            low = self.random.choice(["-1", "0", *self.counters])
            self.lines.append(f"{pad}for {counter} in range({self.bound()} - 1, {low}, -1):")
        elif kind < 0.85:
            self.lines.append(f"{pad}for {counter} in range(0, {self.bound()}, 2):")
        else:
            self.lines += [f"{pad}{counter} = 0", f"{pad}while {counter} < {self.bound()} and s < 9.0:"]
            self.lines.append(f"{pad}    {counter} += {self.random.choice('112')}")
        self.counters.append(counter)
        for _ in range(self.random.randint(1, 3)):
            self.statement(depth + 1)
        self.counters.pop()

    def statement(self, depth: int) -> None:
        pad, kind = "    " * depth, self.random.random()
        if kind < 0.35 and depth < 5:
            self.loop(depth)
        elif kind < 0.42:
            self.lines.append(f"{pad}if s > {self.random.choice(('0.3', '0.6', 'a'))}:")
            self.statement(depth + 1)
        elif kind < 0.46:
            self.lines.append(f"{pad}k = k + {self.random.choice('123')}")
        elif kind < 0.5:
            self.lines += [f"{pad}if s > 5.0:", f"{pad}    {self.random.choice(('break', 'continue'))}"]
        elif kind < 0.65:
            self.lines.append(f"{pad}s = 0.3 * s + {self.element()}")
        else:
            fn = self.random.choice(("store", "store", "store", "add"))
            self.lines.append(f"{pad}{fn}({self.place()}, 0.5 * {self.element()} + s)")

    def element(self) -> str:
        return f"load({self.place()})"

    def place(self) -> str:
        buffer = self.random.choice(("y", "y", "y", "x"))
        row, column = self.part(), self.part()
        kind = self.random.random()
        if kind < 0.75:
            return f"{buffer}, at({row}, n) * w + at({column}, w)"
        return f"{buffer}, at({self.random.choice((row, f'{row} * w + {column}', f'{row} + {column}'))}, n * w)"

    def part(self) -> str:
        if not self.counters:
            return "0"
        one = self.random.choice([*self.counters, *self.counters, "k", "0"])
        others = [
            f"{one} + 1",
            f"{one} - 1",
            f"n - 1 - {one}",
            f"{one} + {self.random.choice(self.counters)}",
            f"2 * {one}",
        ]
        return self.random.choice([one, one, one, *others])
