"""Random programs on arrays: `random_source(seed)` is a module that defines `f(x, y, z)`.

x has one dimension, y two and z one or three; the module's `SHAPES` says of which sizes.  Values stay small by
construction: what is stored is bounded, and loops are short.

    python tests/random_arrays.py --seed 17            # print the program, run zyg against differences
    python tests/random_arrays.py --seed 17 --shrink   # the smallest program that fails in the same way
    python tests/random_arrays.py --seed 0 --count 500 # all that fail
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

Shape = tuple[int, ...]


@dataclass(slots=True)
class Scope:
    """The names that may be used: arrays of reals and their shapes, floats, ints; `fixed` ones must not be rebound.

    Arrays of complex numbers, ints and truth values are made by programs of several dtypes only (`random_dtypes`).
    """

    arrays: dict[str, Shape] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)
    complexes: dict[str, Shape] = field(default_factory=dict)
    integers: dict[str, Shape] = field(default_factory=dict)
    masks: dict[str, Shape] = field(default_factory=dict)
    complex_numbers: list[str] = field(default_factory=list)

    def copy(self) -> Scope:
        return Scope(*(type(part)(part) for part in (getattr(self, f.name) for f in fields(self))))


class Arrays:
    """Random expressions of arrays, and places in them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.scope = Scope()
        self.names = 0
        self.expressions: list[tuple[str, Shape]] = []

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def pick(self, *options: tuple[float, Callable[[], str]]) -> str:
        return self.random.choices([fn for _, fn in options], [weight for weight, _ in options])[0]()

    def fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def constant(self) -> str:
        return f"{self.random.choice([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1, -0.3, -0.6])}"

    def some(self, ndim: int | None = None, least: int = 0) -> str | None:
        """The name of an array, of `ndim` dimensions."""
        found = [
            name
            for name, shape in self.scope.arrays.items()
            if (ndim is None or len(shape) == ndim) and all(n >= least for n in shape)
        ]
        return self.random.choice(found) if found else None

    # --- numbers --------------------------------------------------------------------------------------

    def number(self, depth: int = 1) -> str:
        """A float expression, bounded."""
        options: list[tuple[float, Callable[[], str]]] = [(1, self.constant), (5, self.element)]
        if self.scope.numbers:
            options.append((3, lambda: self.random.choice(self.scope.numbers)))
        if depth > 0:
            a = lambda: self.number(depth - 1)  # noqa: E731
            options += [
                (1, lambda: f"({a()} + {a()}) * 0.5"),
                (1, lambda: f"({a()} - {a()}) * 0.5"),
                (2, lambda: f"{a()} * {a()} * 0.5"),
                (1, lambda: f"math.sin({a()})"),
                (0.5, lambda: f"{a()} / (1.5 + {a()} ** 2)"),
                (3, lambda: self.reduced(depth - 1)),
                (0.5, lambda: f"({a()} if {self.condition()} else {a()})"),
            ]
        return self.pick(*options)

    def element(self) -> str:
        name = self.some(least=1)
        if name is None:
            return self.constant()
        return f"{name}[{', '.join(self.index(n) for n in self.scope.arrays[name])}]"

    def index(self, n: int) -> str:
        """An int within an axis of size n ≥ 1."""
        if self.scope.counters and self.chance(0.4):
            counter = self.random.choice(self.scope.counters)
            return f"{counter} % {n}" if self.chance(0.8) else f"-1 - {counter} % {n}"
        return str(self.random.randrange(-n, n))

    def reduced(self, depth: int) -> str:
        name = self.some(least=1)
        if name is None:
            return self.constant()
        inner = self.array(self.scope.arrays[name], depth)
        return self.pick(
            (3, lambda: f"math.tanh(np.sum({inner}))"),
            (1, lambda: f"np.mean({inner})"),
            (0.7, lambda: f"np.max({inner})"),
            (0.7, lambda: f"({inner}).sum() * 0.2"),
            (0.5, lambda: f"np.cos(np.dot({self.vector()}, {self.vector()}))"),
        )

    def vector(self) -> str:
        return self.array((3,), 1)

    def condition(self) -> str:
        name = self.some(least=1)
        tests = [(2.0, lambda: f"{self.number(1)} > {self.constant()}")]
        if name is not None:
            tests.append((1.0, lambda: f"np.sum({name}) < {self.constant()}"))
        if self.scope.counters:
            tests.append((2.0, lambda: f"{self.random.choice(self.scope.counters)} % 2 == {self.random.randrange(2)}"))
        return self.pick(*tests)

    # --- arrays ---------------------------------------------------------------------------------------

    def array(self, shape: Shape, depth: int = 1) -> str:
        """An expression of an array of this shape, bounded."""
        options: list[tuple[float, Callable[[], str]]] = [(0.3, lambda: self.made(shape))]
        found = self.view_of(shape)
        if found is not None:
            options.append((4 if depth else 10, lambda: found))
        if depth > 0:
            a = lambda: self.array(shape, depth - 1)  # noqa: E731
            b = lambda: self.operand(shape, depth - 1)  # noqa: E731
            options += [
                (2, lambda: f"({a()} + {b()}) * 0.5"),
                (1, lambda: f"({b()} - {a()}) * 0.5"),
                (3, lambda: f"{a()} * {b()} * 0.5"),
                (1, lambda: f"np.sin({a()})"),
                (1, lambda: f"np.tanh({a()})"),
                (0.5, lambda: f"{a()} / (1.5 + {b()} ** 2)"),
                (0.7, lambda: f"np.where({self.mask(shape)}, {a()}, {b()})"),
                (0.5, lambda: f"np.maximum({a()}, {b()})"),
                (0.5, lambda: f"({a()}).copy()"),
                (0.7, lambda: self.taken(shape)),
            ]
            options += [
                (1.5, lambda name=name: f"{name}({a()}, {b()})")  # type: ignore[misc]
                for name, known in self.expressions
                if known == shape
            ]
            if len(shape) >= 1:
                options.append((0.7, lambda: self.summed(shape, depth - 1)))
            if len(shape) == 2:
                options += [
                    (0.5, lambda: f"({self.array(shape[::-1], depth - 1)}).T"),
                    (0.5, lambda: f"np.tanh({self.array((shape[0], 2), 0)} @ {self.array((2, shape[1]), 0)})"),
                ]
        return self.pick(*options)

    def operand(self, shape: Shape, depth: int) -> str:
        """A number, or an array that broadcasts to `shape`."""
        if self.chance(0.25):
            return self.number(min(depth, 1))
        if self.chance(0.3) and shape:
            cut = self.random.randrange(len(shape))
            part = [1 if self.chance(0.3) else n for n in shape[cut:]]
            return self.array(tuple(part), depth)
        return self.array(shape, depth)

    def mask(self, shape: Shape) -> str:
        found = self.view_of(shape) or self.made(shape)
        return f"{found} {self.random.choice('<>')} {self.constant()}"

    def made(self, shape: Shape) -> str:
        size = 1
        for n in shape:
            size *= n
        return self.pick(
            (1, lambda: f"np.ones({shape}) * {self.number(0)}"),
            (1, lambda: f"np.full({shape}, {self.number(0)})"),
            (1, lambda: f"np.cos(np.arange({size}) * {self.number(0)}).reshape({shape})"),
            (0.3, lambda: f"np.zeros({shape})"),
        )

    def taken(self, shape: Shape) -> str:
        """Elements picked by an index array or a mask."""
        name = self.some(len(shape), least=1)
        if name is None or not shape:
            return self.made(shape)
        own = self.scope.arrays[name]
        if own[1:] != shape[1:]:
            return self.made(shape)
        places = [self.random.randrange(-own[0], own[0]) for _ in range(shape[0])]
        return f"{name}[np.array({places}, dtype=np.int64)]" if places else self.made(shape)

    def summed(self, shape: Shape, depth: int) -> str:
        """An array of this shape as a sum along an axis of one with one more dimension."""
        if len(shape) > 2:
            return self.made(shape)
        axis = self.random.randrange(len(shape) + 1)
        bigger = (*shape[:axis], self.random.randint(1, 3), *shape[axis:])
        how = self.random.choice(["np.mean", "np.mean", "np.max"])
        return f"{how}({self.array(bigger, depth)}, axis={axis if self.chance(0.7) else axis - len(bigger)})"

    def view_of(self, shape: Shape) -> str | None:
        """A view, of this shape, of an array that there is."""
        found = [name for name, own in self.scope.arrays.items() if own == shape]
        options: list[str] = list(found) * 3
        for name, own in self.scope.arrays.items():
            if len(own) == len(shape) and all(n >= m for n, m in zip(own, shape, strict=True)):
                options.append(f"{name}[{', '.join(self.slice(n, m) for n, m in zip(own, shape, strict=True))}]")
            if len(own) == len(shape) + 1 and own[1:] == shape and own[0] > 0:
                options.append(f"{name}[{self.index(own[0])}]")
            if len(own) == len(shape) + 1 == 2 and own[0] == shape[0] and own[1] > 0:
                options.append(f"{name}[:, {self.index(own[1])}]")
            if len(own) == 2 and own[::-1] == shape:
                options.append(f"{name}.T")
            if _size(own) == _size(shape) and shape:
                options.append(f"{name}.reshape({', '.join(map(str, shape))})")
                if len(shape) == 1:
                    options.append(f"{name}.ravel()")
        return self.random.choice(options) if options else None

    def slice(self, n: int, m: int) -> str:
        """A slice that takes m of n elements."""
        if n == m and self.chance(0.5):
            return self.random.choice([":", "::1", "::-1", f"-{n + 2}:", f":{n + 3}"] if n else [":"])
        if m == 0:
            return "0:0"
        step = self.random.randint(1, max(1, (n - 1) // max(m - 1, 1)))
        start = self.random.randint(0, n - 1 - (m - 1) * step)
        last = start + (m - 1) * step
        if self.chance(0.3):
            stop = start - 1
            return f"{last}:{'' if stop < 0 else stop}:{-step}"
        text = f"{start - n if self.chance(0.2) else start}:{last + 1 if last + 1 < n or self.chance(0.5) else ''}"
        return text if step == 1 else f"{text}:{step}"

    def place(self) -> tuple[str, Shape] | None:
        """Something to assign to, `name[…]`, and its shape."""
        name = self.some(least=1)
        if name is None:
            return None
        own = self.scope.arrays[name]
        kind = self.random.random()
        if kind < 0.12 and own:
            size = self.random.randint(1, 3)
            places = [self.random.randrange(-own[0], own[0]) for _ in range(size)]
            return f"{name}[np.array({places})]", (size, *own[1:])
        if kind < 0.24:
            return f"{name}[{self.mask(own)}]", ()
        if kind < 0.3:
            return f"{name}[...]", own
        parts, shape = [], []
        for n in own:
            if self.chance(0.45):
                parts.append(self.index(n))
            else:
                m = self.random.randint(1, n)
                parts.append(self.slice(n, m))
                shape.append(m)
        while len(parts) > 1 and parts[-1] == ":" and self.chance(0.5):
            parts.pop()
        return f"{name}[{', '.join(parts)}]", tuple(shape)


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


class Programs(Arrays):
    """Random statements and functions."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.lines: list[str] = []
        self.indent = 0
        self.loops = 0
        self.helpers: list[tuple[str, list[Shape], str]] = []
        self.returns = True

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

    def statement(self, depth: int) -> None:
        simple: list[tuple[float, Callable[[], None]]] = [
            (3, self.new),
            (2, self.view),
            (6, self.store),
            (4, self.augment),
            (2, self.whole),
            (1, self.out),
            (1.5, self.swap),
            (1, self.rebind),
            (2, self.scalar),
            (1, self.tuples),
            (1, self.choice),
            (1.5, self.call),
            (0.7, self.closure),
            (1, self.overlap),
        ]
        if depth > 0 and self.loops < 2:
            simple += [(2.5, lambda: self.loop(depth - 1)), (1, lambda: self.while_loop(depth - 1))]
        if depth > 0:
            simple.append((2, lambda: self.branch(depth - 1)))
        self.random.choices([fn for _, fn in simple], [weight for weight, _ in simple])[0]()

    def body(self, depth: int, most: int) -> None:
        for _ in range(self.random.randint(1, most)):
            self.statement(depth)

    def shape(self) -> Shape:
        if self.chance(0.5) and self.scope.arrays:
            return self.random.choice(list(self.scope.arrays.values()))
        return tuple(self.random.randint(1, 4) for _ in range(self.random.choice([1, 1, 2, 2, 3])))

    def new(self) -> None:
        shape, name = self.shape(), self.fresh("a")
        how = self.random.random()
        if how < 0.2:
            self.line(f"{name} = np.empty({shape})")
            self.line(f"{name}[:] = {self.operand(shape, 1)}")
        elif how < 0.35 and (model := self.some()):
            shape = self.scope.arrays[model]
            self.line(f"{name} = np.{self.random.choice(['zeros_like', 'ones_like'])}({model})")
        elif how < 0.45 and (model := self.some()):
            shape = self.scope.arrays[model]
            self.line(f"{name} = {model}.copy()")
        else:
            self.line(f"{name} = {self.array(shape)}")
        self.scope.arrays[name] = shape

    def view(self) -> None:
        shape = self.shape()
        found = self.view_of(shape)
        if found is not None:
            name = self.fresh("v")
            self.line(f"{name} = {found}")
            self.scope.arrays[name] = shape

    def store(self) -> None:
        found = self.place()
        if found is not None:
            place, shape = found
            value = self.operand(shape, 1) if shape else self.number()
            self.line(f"{place} = {value}")

    def augment(self) -> None:
        found = self.place()
        if found is not None:
            place, shape = found
            op = self.random.choice(["+=", "-=", "*=", "*=", "/="])
            value = self.operand(shape, 1) if shape else self.number(1)
            self.line(f"{place} {op} {f'(1.5 + ({value}) ** 2)' if op == '/=' else value}")

    def whole(self) -> None:
        name = self.some()
        if name is not None:
            op = self.random.choice(["+=", "-=", "*=", "*="])
            self.line(f"{name} {op} {self.operand(self.scope.arrays[name], 1)}")

    def out(self) -> None:
        name = self.some()
        if name is not None:
            shape = self.scope.arrays[name]
            fn = self.random.choice(["multiply", "add", "subtract"])
            self.line(f"np.{fn}({self.operand(shape, 1)}, {self.array(shape, 1)}, out={name})")

    def overlap(self) -> None:
        name = self.some(least=2)
        if name is not None:
            value = self.random.choice([f"{name}[:-1]", f"{name}[:-1] * 0.7", f"{name}[-2::-1]", f"{name}[1:][::-1]"])
            self.line(f"{name}[1:] {self.random.choice(['=', '+=', '*='])} {value}")

    def swap(self) -> None:
        a = self.some()
        if a is None or a in self.scope.fixed:
            return
        others = [
            name
            for name, shape in self.scope.arrays.items()
            if shape == self.scope.arrays[a] and name != a and name not in self.scope.fixed
        ]
        if others:
            b = self.random.choice(others)
            self.line(f"{a}, {b} = {b}, {a}")

    def rebind(self) -> None:
        name = self.some()
        if name is not None and name not in self.scope.fixed:
            self.line(f"{name} = {self.array(self.scope.arrays[name], 1)}")

    def scalar(self) -> None:
        free = [name for name in self.scope.numbers if name not in self.scope.fixed]
        if free and self.chance(0.5):
            self.line(f"{self.random.choice(free)} = {self.number()}")
        else:
            name = self.fresh("s")
            self.line(f"{name} = {self.number()}")
            self.scope.numbers.append(name)

    def tuples(self) -> None:
        a, b = self.some(least=1), self.some(least=1)
        if a is None or b is None:
            return
        t = self.fresh("t")
        self.line(f"{t} = ({a}, {b})")
        shape = self.scope.arrays[b]
        self.line(
            f"{t}[1][{', '.join(self.index(n) for n in shape)}] {self.random.choice(['=', '*='])} {self.number(1)}"
        )
        if self.chance(0.5):
            p, q = self.fresh("p"), self.fresh("q")
            self.line(f"{p}, {q} = {t}")
            self.scope.arrays |= {p: self.scope.arrays[a], q: shape}

    def choice(self) -> None:
        a = self.some()
        if a is not None:
            shape = self.scope.arrays[a]
            b = self.view_of(shape)
            name = self.fresh("c")
            self.line(f"{name} = {a} if {self.condition()} else {b}")
            self.scope.arrays[name] = shape

    def call(self) -> None:
        if not self.helpers:
            return
        name, shapes, gives = self.random.choice(self.helpers)
        args = []
        for shape in shapes:
            found = self.view_of(shape)
            args.append(found if found is not None and self.chance(0.8) else self.array(shape, 1))
        if len(set(shapes)) < len(shapes) and self.chance(0.4):
            args = args[:1] * len(args)
        text = f"{name}({', '.join(args)}, {self.number(1)})"
        if gives == "none":
            self.line(text)
        elif gives == "number":
            new = self.fresh("s")
            self.line(f"{new} = {text}")
            self.scope.numbers.append(new)
        else:
            new = self.fresh("r")
            self.line(f"{new} = {text}")
            self.scope.arrays[new] = shapes[0]

    def closure(self) -> None:
        """A local function that captures an array and may write into it."""
        a = self.some(least=1)
        if a is None:
            return
        name, t, shape = self.fresh("g"), self.fresh("u"), self.scope.arrays[a]
        self.scope.fixed.add(a)
        self.line(f"def {name}({t}):")
        if self.chance(0.5):
            self.line(f"    {a}[{', '.join(self.index(n) for n in shape)}] *= {t}")
        self.line(f"    return np.sum({a} * {t}) * 0.2")
        new = self.fresh("s")
        self.line(f"{new} = {name}({self.number(1)})")
        self.scope.numbers.append(new)

    def loop(self, depth: int) -> None:
        self.loops += 1
        kind, i = self.random.random(), self.fresh("i")
        name = self.some(least=1)
        with self.block(self._head(kind, i, name)):
            if kind < 0.6 or name is None:
                self.scope.counters.append(i)
            else:
                self.scope.fixed.add(i)
                shape = self.scope.arrays[name][1:]
                if shape:
                    self.scope.arrays[i] = shape
                else:
                    self.scope.numbers.append(i)
            self.body(depth, 2)
            self.leave()
        self.loops -= 1

    def _head(self, kind: float, i: str, name: str | None) -> str:
        if kind < 0.4 or name is None:
            return f"for {i} in range({self.random.randint(0, 4)}):"
        if kind < 0.5:
            return f"for {i} in range(len({name}) - 1, -1, -1):"
        if kind < 0.6:
            return f"for {i}, _ in enumerate({name}):"
        return f"for {i} in {name}:"

    def leave(self) -> None:
        if self.chance(0.25):
            self.line(f"if {self.condition()}:")
            self.line(f"    {self.random.choice(['break', 'continue'])}")
            self.body(0, 2)

    def while_loop(self, depth: int) -> None:
        self.loops += 1
        k = self.fresh("k")
        name = self.some()
        self.line(f"{k} = 0")
        test = f"np.sum({name} * {name}) > {self.constant()} and {k} < 4" if name else f"{k} < 3"
        with self.block(f"while {test}:"):
            self.line(f"{k} += 1")
            self.scope.counters.append(k)
            self.body(depth, 2)
            self.leave()
        self.loops -= 1

    def branch(self, depth: int) -> None:
        with self.block(f"if {self.condition()}:"):
            self.body(depth, 2)
            if self.returns and self.chance(0.1):
                self.line(f"return {self.number()}")
        if self.chance(0.6):
            with self.block("else:"):
                self.body(depth, 2)

    def helper(self) -> None:
        """A function of arrays and a number that writes into its arguments."""
        name = self.fresh("h")
        shapes = [self.random.choice([(3,), (3,), (2, 3), (4,)]) for _ in range(self.random.randint(1, 2))]
        params = [self.fresh("b") for _ in shapes]
        s = self.fresh("w")
        gives = self.random.choice(["none", "number", "array"])
        self.scope = Scope(dict(zip(params, shapes, strict=True)), [s])
        self.returns = gives == "number"
        with self.block(f"def {name}({', '.join((*params, s))}):"):
            self.body(1, 2)
            if gives == "number":
                self.line(f"return {self.number()}")
            elif gives == "array":
                own = [n for n, shape in self.scope.arrays.items() if shape == shapes[0]]
                self.line(f"return {self.random.choice(own)}")
        self.helpers.append((name, shapes, gives))

    def expression(self) -> None:
        """A function that is one expression of its arguments, or a few."""
        name, shape = self.fresh("e"), self.random.choice([(3,), (4,), (2, 3)])
        a, b = self.fresh("b"), self.fresh("b")
        self.scope = Scope({a: shape, b: shape}, [])
        with self.block(f"def {name}({a}, {b}):"):
            for _ in range(self.random.randint(0, 2)):
                new = self.fresh("v")
                self.line(f"{new} = {self.array(shape, 1)}")
                self.scope.arrays[new] = shape
            self.line(f"return {self.array(shape, 2)}")
        self.expressions.append((name, shape))

    def source(self) -> str:
        for _ in range(self.random.randint(0, 2)):
            self.expression()
        if self.chance(0.4):
            self.helper()
        last = (3, 2, 2) if self.chance(0.3) else (self.random.randint(1, 4),)
        shapes = [(self.random.randint(2, 5),), (self.random.randint(2, 3), self.random.randint(2, 4)), last]
        self.scope = Scope({"x": shapes[0], "y": shapes[1], "z": shapes[2], "G": (3,)}, [])
        self.scope.fixed.add("G")
        self.returns = True
        self.line("G = np.array([0.3, -0.7, 0.9])")
        self.line(f"SHAPES = {shapes}")
        with self.block("def f(x, y, z):"):
            if self.chance(0.7):
                self.line("x = x.copy()")
                self.line("y = y.copy()")
                self.line("z = z.copy()")
            self.scope.arrays.pop("G") if self.chance(0.5) else None
            if "G" in self.scope.arrays:
                self.scope.arrays.pop("G")
                self.line("g = G * 1.0")
                self.scope.arrays["g"] = (3,)
            for _ in range(self.random.randint(2, 5)):
                self.statement(self.random.choice([1, 1, 2]))
            parts = [f"{w} * np.sum({name} * {name})" for w, name in zip(_WEIGHTS, self.scope.arrays, strict=False)]
            parts += [f"{w} * {name}" for w, name in zip(_WEIGHTS, self.scope.numbers, strict=False)]
            self.line(f"return {' + '.join(parts)}")
        return "\n".join(self.lines) + "\n"


_WEIGHTS = [0.3, 0.5, 0.7, 0.4, 0.6, 0.9, 0.8, 1.1, 1.3, 0.2, 0.45, 0.35, 0.65, 0.75, 0.85, 0.95, 1.05, 1.15, 1.25]


def random_source(seed: int) -> str:
    return Programs(seed).source()


def run(trial: Any) -> None:
    """The command line: `trial` is the module that makes cases and tries them."""
    import argparse

    from shrinker import shrunk

    import zyg  # noqa: F401  (so that the children need not import it)

    parser = argparse.ArgumentParser(description="Run random array programs against differences.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1, help="run so many seeds, and print only those that fail")
    parser.add_argument("--shrink", action="store_true", help="find the smallest program that fails in the same way")
    parser.add_argument("--aspects", default=",".join(trial.ASPECTS), help="what is tried")
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.count):
        subject = replace(trial.case(seed), aspects=tuple(options.aspects.split(",")))
        failure = trial.isolated_verdict(subject)
        if options.count == 1:
            print(subject.source)
        if failure is not None and options.shrink:
            subject, failure = shrunk(trial, subject, failure)
            print(subject.source)
        if failure is not None or options.count == 1:
            print(f"seed {seed}: {failure.kind + ': ' + failure.text if failure else 'agrees'}", flush=True)


if __name__ == "__main__":
    import array_trial

    run(array_trial)
