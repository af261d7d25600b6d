"""Random expressions, each with a bound on its size, over the names in scope.

An expression is squashed where it might exceed a limit.  Functions are called where they are smooth.  Elementary
functions go by bare names, so that the namespace decides what they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

LIMIT = 4.0
INT_LIMIT = 6


@dataclass(frozen=True, slots=True)
class Sized:
    """An expression's text and a bound on its absolute value."""

    text: str
    bound: float


@dataclass(slots=True)
class Scope:
    """The names that may be read here, and of those the ones that may be assigned."""

    floats: list[str] = field(default_factory=list)
    ints: list[str] = field(default_factory=list)
    bools: list[str] = field(default_factory=list)
    pairs: list[str] = field(default_factory=list)
    functions: list[tuple[str, int]] = field(default_factory=list)
    own: set[str] = field(default_factory=set)

    def copy(self, own: set[str] | None = None) -> Scope:
        return Scope(
            list(self.floats),
            list(self.ints),
            list(self.bools),
            list(self.pairs),
            list(self.functions),
            set(self.own) if own is None else own,
        )

    @property
    def assignable(self) -> list[str]:
        return [name for name in self.floats if name in self.own]


class Expressions:
    """Random expressions over a scope."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.scope = Scope()
        self.helpers: list[tuple[str, str]] = []
        self.names = 0

    def fresh(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def number(self) -> float:
        value = round(self.random.uniform(-2.0, 2.0), 2)
        return value if abs(value) > 0.05 else 0.7

    def fitted(self, e: Sized, limit: float = LIMIT) -> str:
        """`e`, squashed if it might exceed the limit."""
        if e.bound <= limit:
            return e.text
        way = self.random.randrange(4)
        if way == 0 and limit >= 1.0:
            return f"sin({e.text})"
        if way == 1 and limit >= 1.0:
            return f"{min(limit, 2.0)} * tanh({round(2.0 / e.bound, 4)} * ({e.text}))"
        if way == 2 and limit >= 1.6:
            return f"atan({e.text})"
        return f"{max(round(limit / e.bound - 0.0001, 4), 0.0001)} * ({e.text})"

    def atom(self) -> Sized:
        kind = self.random.random()
        if kind < 0.78 and self.scope.floats:
            return Sized(self.random.choice(self.scope.floats), LIMIT)
        if kind < 0.86 and self.scope.ints:
            return Sized(self.random.choice(self.scope.ints), INT_LIMIT)
        if kind < 0.93 and self.scope.pairs:
            return Sized(f"{self.random.choice(self.scope.pairs)}[{self.random.randrange(2)}]", LIMIT)
        if kind < 0.95:
            return Sized(str(self.random.randint(1, 3)), 3.0)
        value = self.number()
        return Sized(f"({value})" if value < 0 else str(value), abs(value))

    def expression(self, depth: int) -> Sized:
        """A float (or int) expression."""
        if depth <= 0 or self.chance(0.12):
            return self.atom()
        makers: list[tuple[int, Callable[[int], Sized]]] = [
            (5, self.sum_or_product),
            (4, self.elementary),
            (2, self.power),
            (1, self.rounded),
            (2, self.chosen),
            (3, self.call),
        ]
        weights = [weight for weight, _ in makers]
        return self.random.choices([maker for _, maker in makers], weights)[0](depth - 1)

    def small(self, depth: int, limit: float = LIMIT) -> str:
        return self.fitted(self.expression(depth), limit)

    def sum_or_product(self, depth: int) -> Sized:
        a, b = self.expression(depth), self.expression(depth)
        way = self.random.randrange(7)
        if way <= 1:
            return Sized(f"({a.text} {'+-'[way]} {b.text})", a.bound + b.bound)
        if way <= 3:
            return Sized(f"({a.text} * {b.text})", a.bound * b.bound)
        if way == 4:
            divisor = self.fitted(b)
            return Sized(f"({a.text} / (1.5 + ({divisor}) ** 2))", a.bound / 1.5)
        if way == 5:
            c = abs(self.number()) + 0.5
            return Sized(f"(-{a.text} / {c:.2f})", a.bound / c)
        return Sized(f"sum(({a.text}, {b.text}, 1))", a.bound + b.bound + 1.0)

    def elementary(self, depth: int) -> Sized:
        a = self.small(depth)
        forms: list[tuple[str, float]] = [
            (f"sin({a})", 1.0),
            (f"cos({a})", 1.0),
            (f"tanh({a})", 1.0),
            (f"atan({a})", 1.6),
            (f"asinh({a})", 2.2),
            (f"erf({a})", 1.0),
            (f"exp(0.5 * {a})" if " " not in a else f"exp(0.5 * ({a}))", 7.5),
            (f"exp(-(({a}) ** 2))", 1.0),
            (f"expm1(tanh({a}))", 1.8),
            (f"log(({a}) ** 2 + 1.3)", 2.9),
            (f"log1p(({a}) ** 2)", 2.9),
            (f"sqrt(({a}) ** 2 + 0.6)", 4.1),
            (f"sinh(0.4 * ({a}))", 2.4),
            (f"cosh(0.4 * ({a}))", 2.6),
            (f"hypot({a}, 1.2)", 4.2),
            (f"atan2({a}, 1.1 + ({self.small(depth)}) ** 2)", 1.6),
            (f"abs({a})", LIMIT),
        ]
        return Sized(*self.random.choice(forms))

    def power(self, depth: int) -> Sized:
        way = self.random.randrange(6)
        if way == 0:
            return Sized(f"({self.small(depth)}) ** 2", LIMIT**2)
        if way == 1:
            return Sized(f"({self.small(depth, 2.0)}) ** 3", 8.0)
        if way == 2:
            return Sized(
                f"(({self.small(depth)}) ** 2 + 0.7) ** {self.random.choice(['0.6', '-0.8', '(1 / 3)', '-1'])}", 6.0
            )
        if way == 3:
            return Sized(f"(1.3 + 0.4 * sin({self.small(depth)})) ** ({self.small(depth)})", 8.4)
        if way == 4 and self.scope.ints:
            exponent = self.random.choice(self.scope.ints)
            return Sized(f"({self.small(depth, 1.2)}) ** {exponent}", 3.0)
        return Sized(f"{self.random.choice(['2', '0.8', '1.4'])} ** ({self.small(depth)})", 16.0)

    def rounded(self, depth: int) -> Sized:
        a, c = self.small(depth), self.random.choice(["1.7", "2.3", "-1.9"])
        forms = [
            (f"(({a}) % {c})", 2.3),
            (f"(({a}) // {c})", 4.0),
            (f"divmod({a}, {c})[1]", 2.3),
            (f"int({a})", LIMIT),
            (f"floor({a})", LIMIT + 1.0),
        ]
        return Sized(*self.random.choice(forms))

    def chosen(self, depth: int) -> Sized:
        a, b, way = self.expression(depth), self.expression(depth), self.random.randrange(5)
        bound = max(a.bound, b.bound)
        if way <= 1:
            return Sized(f"{('max', 'min')[way]}({a.text}, {b.text})", bound)
        if way == 2:
            c = self.expression(depth)
            return Sized(f"max({a.text}, {b.text}, {c.text})", max(bound, c.bound))
        if way == 3:
            return Sized(f"(({self.condition(depth)}) * {a.text})", a.bound)
        return Sized(f"({a.text} if {self.condition(depth)} else {b.text})", bound)

    def call(self, depth: int) -> Sized:
        if self.helpers and (not self.scope.functions or self.chance(0.6)):
            name, kind = self.random.choice(self.helpers)
            a, b = self.small(depth), self.small(depth)
            if kind == "recursive":
                return Sized(f"{name}({a}, {self.random.randint(0, 4)})", LIMIT)
            if kind == "pair":
                return Sized(f"{name}({a}, {b})[{self.random.randrange(2)}]", LIMIT)
            if kind == "higher":
                return Sized(f"{name}({self.function(depth)}, {b})", LIMIT)
            return Sized(f"{name}({a}, q={b})" if self.chance(0.3) else f"{name}({a}, {b})", LIMIT)
        if self.scope.functions:
            name, count = self.random.choice(self.scope.functions)
            return Sized(f"{name}({', '.join(self.small(depth) for _ in range(count))})", LIMIT)
        return self.elementary(depth)

    def function(self, depth: int) -> str:
        """An expression for a function of one argument that keeps within the limit."""
        unary = [name for name, count in self.scope.functions if count == 1]
        if unary and self.chance(0.4):
            return self.random.choice(unary)
        if self.chance(0.25):
            return self.random.choice(["sin", "tanh", "atan"])
        constant = self.scope.copy()
        constant.floats, constant.ints, constant.bools, constant.pairs = ["K"], [], [], []
        outer, self.scope = self.scope, constant
        text = f"lambda t: {self.with_parameters(['t'], lambda: self.small(depth))}"
        self.scope = outer
        return text

    def with_parameters(self, names: list[str], make: Callable[[], str]) -> str:
        """`make()` where these floats may be read and nothing may be assigned."""
        outer = self.scope
        self.scope = outer.copy(own=set())
        self.scope.floats += names * 2
        text = make()
        self.scope = outer
        return text

    def condition(self, depth: int) -> str:
        way, compare = self.random.randrange(9), self.random.choice(["<", ">", "<=", ">="])
        a, b = self.small(min(depth, 1)), self.small(min(depth, 1))
        if way <= 2:
            return f"{a} {compare} {b}"
        if way == 3:
            return f"-1.5 < {a} < {abs(self.number()) + 0.5:.2f}"
        if way == 4 and self.scope.ints:
            i = self.random.choice(self.scope.ints)
            return self.random.choice([f"{i} % 2 == 0", f"{i} % 3", f"{i} != 1", f"{i} > 2", f"1 <= {i} < 4"])
        if way == 5 and self.scope.bools:
            return self.random.choice(["", "not "]) + self.random.choice(self.scope.bools)
        if way == 6 and depth > 0:
            return f"({self.condition(depth - 1)} {self.random.choice(['and', 'or'])} {self.condition(depth - 1)})"
        if way == 7 and depth > 0:
            return f"not ({self.condition(depth - 1)})"
        return f"{a} {compare} {self.number()}"
