"""Random functions of two buffers that read and write them, buffers of their own, and each by several names."""

from __future__ import annotations

import random

HEAD = "def f(x, z, n, a):\n    n = extent(n)\n    y = zeros(n)\n    w = zeros(n)\n    s = 0.0\n    v = 1.0\n"


class Accesses:
    """The text of one function `f(x, z, n, a)`; indices are in range wherever they are used."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.buffers = ["x", "z", "y", "w"]
        self.indices: list[str] = []
        self.fresh = 0
        self.body(1, 5)
        result = self.random.choice(("s", "s, y", "s + v", "(s, w)"))
        self.text = HEAD + "\n".join(self.lines) + f"\n    return {result}\n"

    def body(self, indent: int, size: int) -> None:
        buffers, indices = list(self.buffers), list(self.indices)
        for _ in range(self.random.randint(1, size)):
            self.statement("    " * indent, indent)
        self.buffers, self.indices = buffers, indices

    def index(self) -> str:
        i = self.random.choice(self.indices)
        return self.random.choice((i, i, i, f"({i} + 1) % n", f"(1 + {i}) % n", f"n - 1 - {i}"))

    def element(self) -> str:
        return f"load({self.random.choice(self.buffers)}, {self.index()})"

    def number(self) -> str:
        kinds = ["s", "v", "0.5", "a"] + [self.element() for _ in range(4) if self.indices]
        return self.random.choice(kinds)

    def statement(self, pad: str, indent: int) -> None:
        kind = self.random.randrange(12 if indent < 4 else 8)
        if kind < 6 and self.indices:
            value = f"{self.number()} {self.random.choice('+-*')} {self.number()}"
            text = f"{self.random.choice(self.buffers)}, {self.index()}, {value}"
            fn = self.random.choice(("store", "store", "add"))
            self.lines.append(f"{pad}{fn}({text})" if kind < 4 else f"{pad}s = s * 0.5 + {self.number()}")
        elif kind < 7:
            self.lines.append(f"{pad}v = {self.number()} - {self.number()}")
        elif kind == 7:
            self.fresh += 1
            name, (b, c) = f"b{self.fresh}", self.random.choices(self.buffers, k=2)
            self.lines.append(
                f"{pad}{name} = {b} if {self.number()} > 0.3 else {self.random.choice((c, f'copy({c})'))}"
            )
            self.buffers.append(name)
        elif kind < 10:
            self.lines.append(f"{pad}if {self.number()} > {self.number()}:")
            self.body(indent + 1, 3)
            if self.random.random() < 0.5:
                self.lines.append(f"{pad}else:")
                self.body(indent + 1, 3)
        else:
            self.fresh += 1
            name = f"i{self.fresh}"
            self.lines.append(f"{pad}for {name} in range({self.random.choice(('n', 'n - 1'))}):")
            self.indices.append(name)
            self.body(indent + 1, 4)
            self.indices.pop()
