"""Random scalar programs: `random_source(seed)` is a module that defines `f(x, y, …, n)`.

Every float variable stays within ±LIMIT and every int within 0…INT_LIMIT, by construction (`random_expressions`).

    python tests/random_programs.py --seed 17            # print the program, run zyg against the reference
    python tests/random_programs.py --seed 17 --shrink   # the smallest program that fails in the same way
    python tests/random_programs.py --seed 0 --count 500 # all that fail, one line each
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from random_expressions import INT_LIMIT, Expressions, Scope


class Programs(Expressions):
    """Random statements and functions."""

    def __init__(self, seed: int, size: int) -> None:
        super().__init__(seed)
        self.size = size
        self.lines: list[str] = []
        self.indent = 0
        self.loops = 0
        self.result = "float"

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; what it defines is not visible after it."""
        self.line(head)
        outer, self.scope = self.scope, self.scope.copy()
        self.indent += 1
        start = len(self.lines)
        yield
        if len(self.lines) == start:
            self.line("pass")
        self.indent -= 1
        self.scope = outer

    def assign(self) -> None:
        """Assign a new or an old float."""
        text = self.small(3)
        old = self.scope.assignable
        if old and self.chance(0.55):
            self.line(f"{self.random.choice(old)} = {text}")
        else:
            self.define(self.fresh("v"), text)

    def define(self, name: str, text: str) -> None:
        self.line(f"{name} = {text}")
        self.scope.floats.append(name)
        self.scope.own.add(name)

    def statement(self, depth: int) -> None:
        simple: list[tuple[float, Callable[[], None]]] = [
            (6, self.assign),
            (4, self.augment),
            (2, self.swap),
            (2, self.tuples),
            (1.5, self.flag),
            (1, self.integer),
            (1, self.walrus),
            (0.5, self.check),
            (1.5, self.local_function),
        ]
        nested: list[tuple[float, Callable[[], None]]] = []
        if depth > 0:
            nested = [
                (4, lambda: self.branch(depth - 1)),
                (1, lambda: self.partial_definition(depth - 1)),
            ]
            if self.loops < 3:
                nested += [
                    (3, lambda: self.range_loop(depth - 1)),
                    (2, lambda: self.tuple_loop(depth - 1)),
                    (2.5, lambda: self.while_loop(depth - 1)),
                ]
        choices = simple + nested
        self.random.choices([make for _, make in choices], [weight for weight, _ in choices])[0]()

    def body(self, depth: int, count: int) -> None:
        for _ in range(count):
            self.statement(depth)

    def augment(self) -> None:
        old = self.scope.assignable
        if not old:
            return self.assign()
        name, way = self.random.choice(old), self.random.randrange(5)
        if way <= 1:
            self.line(f"{name} {'+-'[way]}= {self.small(2)}")
            self.line(self.random.choice([f"{name} *= 0.5", f"{name} = 3 * sin({name})", f"{name} /= 2"]))
        elif way == 2:
            self.line(f"{name} *= {self.small(2, 1.0)}")
        elif way == 3:
            self.line(f"{name} /= 1.1 + ({self.small(2)}) ** 2")
        else:
            self.line(f"{name} %= {self.random.choice(['1.3', '2.7'])}")

    def swap(self) -> None:
        names = self.scope.assignable
        if len(set(names)) < 2:
            return self.assign()
        a, b = self.random.sample(sorted(set(names)), 2)
        right = f"{b}, {a}" if self.chance(0.5) else f"{b}, {self.small(2)}"
        self.line(f"{a}, {b} = {right}")

    def tuples(self) -> None:
        way = self.random.randrange(3)
        if way == 0 or not self.scope.pairs:
            name = self.fresh("t")
            old = [pair for pair in self.scope.pairs if pair in self.scope.own]
            if old and self.chance(0.5):
                name = self.random.choice(old)
            self.line(f"{name} = ({self.small(2)} + 0.0, {self.small(2)} + 0.0)")
            if name not in self.scope.pairs:
                self.scope.pairs.append(name)
                self.scope.own.add(name)
        elif way == 1:
            a, b = self.fresh("v"), self.fresh("v")
            self.line(f"{a}, {b} = {self.random.choice(self.scope.pairs)}")
            self.scope.floats += [a, b]
            self.scope.own |= {a, b}
        else:
            a, b, c = self.fresh("v"), self.fresh("v"), self.fresh("v")
            self.line(f"{a}, ({b}, {c}) = {self.small(2)} + 0.0, {self.random.choice(self.scope.pairs)}")
            self.scope.floats += [a, b, c]
            self.scope.own |= {a, b, c}

    def flag(self) -> None:
        name = self.fresh("c")
        self.line(f"{name} = {self.condition(1)}" if self.chance(0.5) else f"{name} = not ({self.condition(1)})")
        if not self.lines[-1].rstrip().endswith("% 3"):
            self.scope.bools.append(name)

    def integer(self) -> None:
        name = self.fresh("i")
        base = self.random.choice([*self.scope.ints, "5", "3"])
        way = self.random.randrange(4)
        text = (
            f"({base} * {self.random.randint(1, 4)} + {self.random.randint(0, 5)}) % {INT_LIMIT + 1}",
            f"int(abs({self.small(1)}))",
            f"({base} + 1) // 2",
            f"min({base}, {self.random.randint(1, INT_LIMIT)})",
        )[way]
        self.line(f"{name} = {text}")
        self.scope.ints.append(name)

    def walrus(self) -> None:
        inner, name = self.fresh("w"), self.fresh("v")
        self.define(name, f"0.25 * ({inner} := {self.small(2)}) * cos({inner})")
        self.scope.floats.append(inner)
        self.scope.own.add(inner)

    def check(self) -> None:
        e = self.small(2)
        if self.chance(0.5):
            self.line(f"assert {e} < 50.0, 'out of bounds'")
        else:
            self.line(f"if {e} > 50.0:")
            self.line("    raise ValueError('out of bounds')")

    def local_function(self) -> None:
        """A lambda, a nested def, or a choice between two, that captures what is not assigned again, mostly."""
        name, way = self.fresh("g"), self.random.randrange(3)
        outer, self.scope = self.scope, self.scope.copy()
        if self.chance(0.95):
            captured = [self.fresh("k") for _ in range(self.random.randint(1, 2))]
            for constant in captured:
                self.line(f"{constant} = {self.small(2)}")
            self.scope.floats = [*captured, "K"]
            self.scope.ints, self.scope.bools, self.scope.pairs = [], [], []
        if way == 0:
            self.line(f"{name} = lambda t: {self.with_parameters(['t'], lambda: self.small(2))}")
        elif way == 1:
            one = self.with_parameters(["t"], lambda: self.small(2))
            other = self.with_parameters(["t"], lambda: self.small(2))
            self.line(f"{name} = (lambda t: {one}) if {self.condition(1)} else (lambda t: {other})")
        else:
            self.nested_function(name, ["t"])
        self.scope = outer
        self.scope.functions.append((name, 1))

    def nested_function(self, name: str, parameters: list[str]) -> None:
        outer_loops, outer_result = self.loops, self.result
        self.loops, self.result = max(self.loops, 2), "float"
        with self.block(f"def {name}({', '.join(parameters)}):"):
            self.scope.own = set(parameters)
            self.scope.floats += parameters
            self.body(1, self.random.randint(0, 2))
            self.line(f"return {self.small(2)}")
        self.loops, self.result = outer_loops, outer_result

    def returned(self) -> None:
        """A return statement of this function's kind."""
        if self.result == "pair":
            self.line(f"return {self.small(2)} + 0.0, {self.small(1)} + 0.0")
        else:
            self.line(f"return {self.small(2)}")

    def branch(self, depth: int) -> None:
        with self.block(f"if {self.condition(2)}:"):
            self.body(depth, self.random.randint(1, 3))
            if self.chance(0.08):
                self.returned()
        if self.chance(0.3):
            with self.block(f"elif {self.condition(1)}:"):
                self.body(depth, self.random.randint(1, 2))
        if self.chance(0.6):
            with self.block("else:"):
                self.body(depth, self.random.randint(1, 3))

    def partial_definition(self, depth: int) -> None:
        """A value defined under a condition, and used under it later."""
        condition, name = self.fresh("c"), self.fresh("p")
        self.line(f"{condition} = {self.small(1)} < {self.number()}")
        with self.block(f"if {condition}:"):
            self.line(f"{name} = {self.small(2)}")
        self.statement(depth)
        with self.block(f"if {condition}:"):
            self.scope.floats += [name] * 3
            self.assign()

    def exits(self, counted: bool) -> None:
        """Perhaps leave the turn or the loop, or the function."""
        if self.chance(0.35):
            ways = ["break", "break", "continue", "return"] if counted else ["break", "return"]
            way = self.random.choice(ways)
            with self.block(f"if {self.condition(1)}:"):
                if self.chance(0.3):
                    self.assign()
                if way == "return":
                    self.returned()
                else:
                    self.line(way)

    def turns(self, depth: int, counted: bool) -> None:
        self.loops += 1
        self.body(depth, self.random.randint(1, 2))
        self.exits(counted)
        self.body(depth, self.random.randint(1, 2))
        self.loops -= 1

    def otherwise(self, depth: int) -> None:
        if self.chance(0.15):
            with self.block("else:"):
                self.body(depth, 1)

    def range_loop(self, depth: int) -> None:
        i, n = self.fresh("i"), self.random.choice([*self.scope.ints, "3", "4"])
        ranges = [
            f"range({n})",
            f"range({n} % 3 + 1)",
            "range(5, 0, -2)",
            f"range(1, {n})",
            f"range({n}, -1, -2)",
            "range(0)",
        ]
        chosen = self.random.choices(ranges, [5, 4, 2, 2, 2, 0.3])[0]
        form = self.random.randrange(6)
        self.scope.ints, outer = [*self.scope.ints], self.scope.ints
        if form == 0:
            k = self.fresh("i")
            head = f"for {k}, {i} in enumerate({chosen}):"
            self.scope.ints.append(k)
        elif form == 1:
            head = f"for {i} in reversed({chosen}):"
        else:
            head = f"for {i} in {chosen}:"
        self.scope.ints.append(i)
        with self.block(head):
            self.turns(depth, counted=True)
        self.scope.ints = outer
        self.otherwise(depth)

    def tuple_loop(self, depth: int) -> None:
        members = ", ".join(self.small(1) + " + 0.0" for _ in range(self.random.randint(2, 3)))
        v, form = self.fresh("v"), self.random.randrange(3)
        i = self.fresh("i")
        head = (
            f"for {v} in ({members}):",
            f"for {i}, {v} in enumerate(({members})):",
            f"for {v}, {i} in zip(({members}), range(1, 6)):",
        )[form]
        with self.block(head):
            self.scope.floats += [v, v]
            if form:
                self.scope.ints.append(i)
            self.turns(depth, counted=True)
        self.otherwise(depth)

    def while_loop(self, depth: int) -> None:
        n = self.fresh("n")
        self.line(f"{n} = 0")
        condition = "True" if self.chance(0.2) else f"{n} < {self.random.randint(2, 5)}"
        if condition != "True" and self.chance(0.5):
            condition += f" and {self.condition(1)}"
        with self.block(f"while {condition}:"):
            self.scope.ints.append(n)
            self.line(f"{n} += 1")
            if condition == "True":
                self.line(f"if {n} > 4 or {self.condition(1)}:")
                self.line("    break")
            self.turns(depth, counted=True)
        if condition != "True":
            self.otherwise(depth)

    def helper(self) -> None:
        """A function at the top level, of one of several kinds."""
        kind = self.random.choices(["plain", "pair", "recursive", "higher"], [4, 2, 2, 1.5])[0]
        name = self.fresh("h")
        self.scope = Scope(["K"], [], [], [], [], set())
        self.loops, self.result = 1, "pair" if kind == "pair" else "float"
        parameters = {"recursive": "p, n", "higher": "u, q"}.get(kind, "p, q=0.75")
        with self.block(f"def {name}({parameters}):"):
            floats = [part.split("=")[0] for part in parameters.split(", ") if part not in ("n", "u")]
            self.scope.floats += floats * 2
            self.scope.own = set(floats)
            if kind == "recursive":
                with self.block("if n <= 0:"):
                    self.line(f"return {self.small(2)}")
                again = f"{name}({self.small(2)}, n - {self.random.randint(1, 2)})"
                self.define(self.fresh("v"), again)
                if self.chance(0.4):
                    with self.block(f"if {self.condition(1)}:"):
                        self.line(f"return 0.5 * {name}({self.small(1)}, n - 2) + {self.small(1, 2.0)}")
            if kind == "higher":
                self.scope.functions.append(("u", 1))
            self.body(min(self.size, 2), self.random.randint(0, self.size))
            self.returned()
        self.helpers.append((name, kind))
        self.line("")
        self.line("")

    def module(self) -> str:
        self.line(f"K = {self.number()}")
        self.line("")
        self.line("")
        for _ in range(self.random.randint(0, self.size)):
            self.helper()
        floats = ["x", "y", "z"][: self.random.randint(1, 3)]
        self.scope = Scope([*floats, *floats, "K"], ["n"], [], [], [], set(floats))
        self.loops, self.result = 0, "float"
        with self.block(f"def f({', '.join(floats)}, n):"):
            self.body(self.size, self.random.randint(1, 2 * self.size))
            recent = self.scope.floats[-3:]
            self.line(f"return {self.small(2)} + {' + '.join(recent)}")
        return "\n".join(self.lines) + "\n"


def random_source(seed: int, size: int) -> str:
    """The module text for a seed, of size 1 (some 10 lines) to 3 (up to 200); the same on every Python."""
    return Programs(seed, size).module()


def main() -> None:
    import argparse

    import trial
    from shrinker import shrunk

    import zyg  # noqa: F401  (so that the children need not import it)

    parser = argparse.ArgumentParser(description="Run random programs against forward arithmetic.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=0, help="of all programs; without it, by the seed")
    parser.add_argument("--count", type=int, default=1, help="run so many seeds, and print only those that fail")
    parser.add_argument("--shrink", action="store_true", help="find the smallest program that fails in the same way")
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.count):
        subject = trial.case(seed, options.size or trial.size_of(seed))
        failure = trial.isolated_verdict(subject)
        if options.count == 1:
            print(subject.source)
        if failure is not None and options.shrink:
            subject, failure = shrunk(trial, subject, failure)
            print(subject.source)
        if failure is not None or options.count == 1:
            print(f"seed {seed}, at {subject.points}: {failure.kind + ': ' + failure.text if failure else 'agrees'}")


if __name__ == "__main__":
    main()
