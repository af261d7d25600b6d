"""Random programs of classes, dicts, closures and calls: `random_source(seed)` is a module that defines
`f(a, b, w, cfg, pt, body, n, fun, part, held, hist)`, `arguments()`, and `rebind()`, which changes globals.

    python tests/random_structures.py 0 200    # tries these seeds
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Sequence

from structure_forms import (
    ALWAYS,
    ATOMS,
    BLOCKS,
    CONDITIONS,
    DYNAMIC,
    FIRST,
    IN_CLOSURES,
    NUMBERS,
    REFUSED,
    STATEMENTS,
    SUMS,
)
from structure_modules import HEAD, TAIL
from structure_wild import DYNAMIC as WILD
from structure_wild import HEAD as WILD_HEAD
from structure_wild import STATEMENTS as MORE

_HOLE = re.compile(r"\{(=?)(" + "|".join([*"EISBC", "K", *FIRST]) + r")\}")
_STATEMENTS = STATEMENTS | MORE
_ARGUMENTS = frozenset(("a", "b", "w", "cfg", "pt", "body"))


class Structures:
    """Random statements.  names: variables by kind: numbers a, arrays w, dicts of numbers d, instances o and p, lists
    of numbers l, lists of instances q, functions c, pairs t."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.indent = 1
        self.count = 0
        self.depth = 0
        self.loops: list[str] = []
        self.last: dict[str, str] = {}
        self.names = {kind: list(names) for kind, names in FIRST.items()}
        self.wild = self.random.random() < 0.4
        kinds = [kind for kind in _STATEMENTS if self.wild or kind not in DYNAMIC | WILD]
        self.kinds = self.random.sample(kinds, min(len(kinds), self.random.randint(6, 26)))
        if not self.wild:
            self.names |= {"o": ["o0"], "p": ["p0"]}

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def pick(self, kind: str) -> str:
        return self.random.choice(self.names[kind])

    def one(self, *texts: str) -> str:
        return self.random.choice(texts)

    def fresh(self, kind: str) -> str:
        """A new name, or an old one where a new one might be unbound later."""
        if self.depth or self.random.random() < 0.25:
            return self.random.choice([n for n in self.names[kind] if n not in _ARGUMENTS] or self.names[kind])
        self.count += 1
        return f"{kind}{self.count}"

    def keep(self, name: str) -> None:
        kind = name[0]
        if name not in self.names[kind]:
            self.names[kind].append(name)

    def number(self, depth: int = 0) -> str:
        forms = ATOMS if depth > 1 or self.random.random() < 0.4 else NUMBERS
        return self.filled(self.form(forms), depth + 1)

    def form(self, forms: Sequence[str]) -> str:
        """One of them; where native code shall take the program, one that it knows."""
        while True:
            found = self.random.choice(forms)
            if self.wild or not any(words in found for words in REFUSED):
                return found

    def whole(self) -> str:
        return self.random.choice([*self.loops, "n", "1", "2", f"len({self.pick('l')})"])

    def filled(self, form: str, depth: int = 0) -> str:
        """A form with its holes filled."""
        return _HOLE.sub(lambda hole: self.hole(hole[2], bool(hole[1]), depth), form)

    def hole(self, kind: str, same: bool, depth: int) -> str:
        if same:
            return self.last[kind]
        if kind == "E":
            return self.number(depth)
        if kind == "B":
            return self.condition(depth)
        if kind in self.names:
            self.last[kind] = self.pick(kind)
            return self.last[kind]
        if kind == "S":
            return self.one('"k"', '"r"', '"x"', '"z"')
        if kind == "K":
            return self.one('"sin"', '"cos"', '"own"')
        return self.whole() if kind == "I" else f"{self.random.uniform(-1, 1):.3f}"

    def condition(self, depth: int) -> str:
        return self.filled(self.form(CONDITIONS), max(depth, 1))

    def statement(self) -> None:
        kind = self.random.choice([*self.kinds, *ALWAYS])
        getattr(self, f"do_{kind}")() if kind in BLOCKS else self.simple(kind)

    def simple(self, kind: str) -> None:
        form = self.form(_STATEMENTS[kind])
        made = form.split(" = ", 1)[0]
        if made in FIRST:
            name = self.fresh(made)
            self.line(self.filled(f"{name} = {form.split(' = ', 1)[1]}"))
            self.keep(name)
        else:
            for part in self.filled(form).split("\n"):
                self.line(part)

    def body(self, low: int = 1, high: int = 3) -> None:
        self.indent += 1
        self.depth += 1
        for _ in range(self.random.randint(low, high)):
            self.statement()
        self.depth -= 1
        self.indent -= 1

    def block(self, head: str) -> None:
        self.line(head)
        self.body()

    def do_branch(self) -> None:
        if self.depth > 1:
            return self.simple("number")
        self.block(f"if {self.condition(1)}:")
        if self.random.random() < 0.6:
            self.block(self.one("else:", f"elif {self.condition(1)}:"))
        return None

    def do_loop(self) -> None:
        if self.depth > 1:
            return self.simple("number")
        self.count += 1
        i = f"i{self.count}"
        forms = (
            f"for {i} in range({self.one('2', '3', 'n')}):",
            f"for {i}, v{i} in enumerate({self.pick('l')}[:4]):",
            f"for {i}, (o{i}, v{i}) in enumerate(zip({self.pick('q')}[:3], {self.pick('w')})):",
            f"for {i}, k{i} in enumerate(list({self.pick('d')})[:3]):",
        )
        head = self.random.choice(forms if self.wild else forms[:3])
        self.line(head)
        self.loops.append(i)
        self.indent += 1
        a = self.pick("a")
        if f"v{i}" in head:
            self.line(f"{a} = math.sin({a} + v{i})")
        if f"o{i}" in head:
            self.line(self.one(f"o{i}.p += {a}", f"{a} = o{i}.p * {a}", f"o{i}.m[0] = {a}"))
        if f"k{i}" in head:
            self.line(f"{a} = {a} * {self.one('0.5', '0.25')} if k{i} in ('k', 'x') else math.sin({a})")
        if self.random.random() < 0.5:
            self.line(f"if {self.condition(1)}:")
            self.line(f"    {self.one('continue', 'break', 'continue', f'return {a} * 0.5')}")
        self.indent -= 1
        self.body()
        if self.random.random() < 0.15:
            self.block("else:")
        self.loops.pop()
        return None

    def do_while(self) -> None:
        if self.depth > 1:
            return self.simple("number")
        self.count += 1
        name = f"j{self.count}"
        self.line(f"{name} = 0")
        self.line(f"while {name} < {self.one('2', 'n', 'n + 1')}{self.one('', f' and {self.condition(1)}')}:")
        self.line(f"    {name} += 1")
        self.loops.append(name)
        self.body()
        self.loops.pop()
        return None

    def do_closure(self) -> None:
        """A function defined here, of what is here, which may be bound anew later."""
        name = self.fresh("c")
        if self.random.random() < 0.5:
            self.line(f"{name} = lambda t: {self.one('0.5 * t + ', 'math.sin(t) * ')}{self.number(1)}")
        else:
            self.line(f"def {name}(t, s={self.one('0.5', self.number(1))}):")
            self.line(f"    {self.one('', self.filled(self.form(IN_CLOSURES)))}".rstrip() or "    pass")
            self.line(f"    return math.sin(t * s) + {self.number(1)}")
        self.keep(name)

    def do_try(self) -> None:
        a = self.pick("a")
        self.block("try:")
        self.line(self.filled("    {a} = {d}[{S}] * {E}"))
        self.line("except KeyError as error:")
        self.line(f"    {a} = {a} * 0.5 + len(str(error))" if self.random.random() < 0.5 else f"    {a} = {a} * 0.5")
        if self.random.random() < 0.3:
            self.line("finally:")
            self.line(self.filled("    {a} = math.sin({E})"))

    def do_with(self) -> None:
        self.block(self.filled("with Scope({d}) as inside:"))
        self.line(self.filled("    {a} = math.sin(inside['depth'] + {E})"))

    def do_match(self) -> None:
        a = self.pick("a")
        self.line(f"match {self.filled(self.one('{t}', '{p}', '{o}', '({E}, {E})', '{d}', '({I} % 3, {E})'))}:")
        self.line(f"    case Pair(u, v): {a} = math.sin(u * v + {a})")
        self.line(f"    case Point(x=x, y=y): {a} = x * y + 0.1 * {a}")
        self.line(f"    case Heavy(mass=mass): {a} = mass * {a}")
        self.line(f"    case Body(p=p): {a} = math.sin(p)")
        self.line(f"    case {{'k': k, **rest}}: {a} = k + len(rest)")
        self.line(f"    case (0, y) | (1, y) if {self.condition(1)}: {a} = y")
        self.line(f"    case (_, y): {a} = 0.5 * y")
        self.line(f"    case _: {a} = 0.3 * {a}")

    def source(self) -> str:
        for _ in range(self.random.randint(5, 12)):
            self.statement()
        sums = [f"0.{k % 7 + 2} * math.sin({name})" for k, name in enumerate(self.names["a"])]
        for kind, form in SUMS.items():
            sums += [form.replace("@", name) for name in self.names[kind]]
        rebound = any(line.strip().startswith(("G = ", "GF = ")) for line in self.lines)
        declared = "\n    global G, GF" if rebound else ""
        start = (
            f"\n\ndef f(a, b, w, cfg, pt, body, n, fun, part, held, hist):{declared}\n"
            "    a0, w0, d0, o0, p0 = a * b, w * a, {'k': a, 'x': b}, Body(a, b), Point(b, a)\n"
            f"    l0, q0, t0, c0 = [a, b], [o0, {'Heavy.of(b)' if self.wild else 'o0 + o0'}], Pair(a, b), adder(b)\n"
        )
        sums += ["math.sin(fun(0.3))", "part(0.2)", "held.apply(0.4)", "hist[0].norm() * hist[1].y"]
        self.line("return " + " + ".join(sums))
        return HEAD + WILD_HEAD + start + "\n".join(self.lines) + TAIL


def random_source(seed: int) -> str:
    return Structures(seed).source()


if __name__ == "__main__":
    from structure_trial import try_seeds

    try_seeds(range(*map(int, sys.argv[1:3])), sys.argv[3:])
