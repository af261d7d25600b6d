"""Random functions of integers: two extents and two arbitrary numbers, loops, conditions, checked indices."""

from __future__ import annotations

import random

EXTREMES = (-(2**63), -(2**63) + 1, -(2**62), -3, -1, 0, 1, 2, 5, 2**62, 2**63 - 2, 2**63 - 1)
HEAD = "def f(n, m, a, b):\n    n, m = extent(n), extent(m)\n    s = 0\n"


class Source:
    """The text of one function `f(n, m, a, b)`."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.names = ["n", "m", "a", "b"]
        self.fixed = {"n", "m"}
        self.fresh = 0
        self.body(1, 4)
        self.text = HEAD + "\n".join(self.lines) + "\n    return s\n"

    def name(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"

    def value(self) -> str:
        return self.random.choice([*self.names, *self.names, str(self.random.randint(-2, 3))])

    def expression(self, depth: int = 2) -> str:
        kind = self.random.randrange(12)
        if depth == 0 or kind < 4:
            return self.value()
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        if kind < 8:
            return f"({a} {self.random.choice('+-')} {b})"
        if kind == 8:
            return f"({a} * {self.random.choice((-2, -1, 2, 3))})"
        if kind == 9:
            return f"({a} {self.random.choice(('//', '%'))} {self.random.randint(1, 3)})"
        return f"{self.random.choice(('min', 'max'))}({a}, {b})"

    def condition(self) -> str:
        relation = self.random.choice(("<", "<=", ">", ">=", "==", "!="))
        return f"{self.expression()} {relation} {self.expression()}"

    def body(self, indent: int, size: int) -> None:
        before = list(self.names)
        for _ in range(self.random.randint(1, size)):
            self.statement(indent)
        self.names = before

    def statement(self, indent: int) -> None:
        pad = "    " * indent
        kind = self.random.randrange(10 if indent < 4 else 6)
        changeable = [name for name in self.names if name not in self.fixed]
        if kind < 2:
            text, name = self.expression(), self.name()
            self.lines.append(f"{pad}{name} = {text}")
            self.names.append(name)
        elif kind == 2 and changeable:
            self.lines.append(f"{pad}{self.random.choice(changeable)} = {self.expression()}")
        elif kind < 5:
            self.lines.append(f"{pad}s = 3 * s + ({self.condition()})")
        elif kind == 5:
            i, n = self.expression(), self.random.choice("nm")
            self.lines.append(f"{pad}if {self.condition()}:")
            self.lines.append(f"{pad}    s = 3 * s + at({i}, {n})")
        elif kind < 7:
            self.lines.append(f"{pad}if {self.condition()}:")
            self.body(indent + 1, 3)
            if self.random.random() < 0.5:
                self.lines.append(f"{pad}else:")
                self.body(indent + 1, 3)
        else:
            self.loop(indent, kind)

    def loop(self, indent: int, kind: int) -> None:
        pad, n, i = "    " * indent, self.random.choice("nm"), self.name()
        if kind == 7:
            self.lines.append(f"{pad}{i} = {self.random.choice(('0', '1', n, n + ' - 1'))}")
            step, test = self.random.choice(
                ((1, f"{i} < {n}"), (2, f"{i} < {n} - 1"), (-1, f"{i} > 0"), (-1, f"{i} >= 1"))
            )
            self.lines.append(f"{pad}while {test}:")
        else:
            start, stop = self.random.choice(("0", "1", "-1")), self.random.choice((n, f"{n} - 1", f"{n} + 1", "3"))
            self.lines.append(f"{pad}for {i} in range({start}, {stop}):")
        self.names.append(i)
        self.fixed.add(i)
        self.body(indent + 1, 3)
        if kind == 7:
            self.lines.append(f"{pad}    {i} += {step}")
        if self.random.random() < 0.3:
            self.names.remove(i)
