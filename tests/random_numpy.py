"""Random programs that compose NumPy calls: `random_source(seed)` is a module that defines `f(x, y, z)`.

x has none to four dimensions, y two and z one; the module's `SHAPES` and `DTYPES` say which.  Programs are run while
they are written, so that shapes and dtypes are those that NumPy gives, and what it refuses is not in them.  They return
a number, or a tuple of arrays.

    python tests/random_numpy.py --seed 17            # print the program, run zyg against differences
    python tests/random_numpy.py --seed 17 --shrink   # the smallest program that fails in the same way
    python tests/random_numpy.py --seed 0 --count 500 # all that fail
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy_templates import AXES, COMPLEX, ELEMENTWISE, MATRICES, STRUCTURE, VECTORS, WRITES
from random_arrays import run
from sources import defined

NARROW = "F4, C8 = np.float32, np.complex64\n"
WIDE = "F4, C8 = np.float64, np.complex128\n"
LARGEST, MOST = 6.0, 150
WEIGHTS = (0.3, 0.5, 0.7, 0.4, 0.6, 0.9, 0.8, 1.1, 1.3, 0.2, 0.45, 0.35, 0.65, 0.75, 0.85, 0.95, 1.05, 1.15, 1.25)

Shape = tuple[int, ...]


def wide(source: str) -> str:
    return source.replace(NARROW, WIDE)


class Reached(Exception):
    """Raised where the program is being written, with its variables."""

    def __init__(self, variables: dict[str, Any]) -> None:
        super().__init__()
        self.variables = variables


def _reached(variables: dict[str, Any]) -> None:
    raise Reached(variables)


NAMES = {"np": np, "math": math, "reached": _reached}


class Writer:
    """A program that grows by one statement at a time, each kept only if the program runs."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.helpers: list[str] = []
        self.lines: list[str] = []
        self.indent = 1
        self.names = 0
        self.hidden: set[str] = set()
        self.fixed: set[str] = set()
        self.kept: set[str] = set()
        self.head = ""
        self.args: tuple[Any, ...] = ()

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    # --- running what there is ------------------------------------------------------------------------------

    def source(self, last: str) -> str:
        body = [*self.lines, "    " * self.indent + last]
        return self.head + "".join(self.helpers) + "def f(x, y, z):\n" + "\n".join(body) + "\n"

    def variables(self) -> dict[str, Any] | None:
        """The variables where the program is being written, or None, if it fails on the way there."""
        f = defined(self.source("reached(locals())"), "<random>", NAMES)["f"]
        try:
            with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
                warnings.simplefilter("error")
                f(*map(as_given, self.args))
        except Reached as here:
            return here.variables
        except Exception:
            return None
        return None

    def tried(self, *lines: str) -> dict[str, Any] | None:
        """The variables behind these lines, which stay if they run and make nothing too large."""
        before = list(self.lines)
        self.lines += ["    " * self.indent + line for line in lines]
        found = self.variables()
        if found is not None and all(_fair(v) for v in found.values()):
            return found
        self.lines = before
        return None

    def scope(self) -> dict[str, Any]:
        found = self.variables()
        assert found is not None
        return {
            k: v for k, v in found.items() if k not in self.hidden and isinstance(v, np.ndarray | np.generic | float)
        }

    # --- filling templates ----------------------------------------------------------------------------------

    def constant(self) -> str:
        return str(self.random.choice([0.1, 0.3, 0.4, 0.7, 0.9, 1.1, -0.3, -0.6]))

    def slices(self, shape: Shape) -> str:
        some = self.random.randint(1, max(1, len(shape)))
        options = ("::-1", ":", "1:", "::2", ":-1", "::-2", "-1", "0", "None", "-2:", "0:1", "2:0:-1", "...")
        chosen = [self.random.choice(options) for _ in range(some)]
        while chosen.count("...") > 1:
            chosen.remove("...")
        return ", ".join(chosen)

    def operand(self, scope: dict[str, Any], accepts: Callable[[Any], bool]) -> str | None:
        found = [name for name, value in scope.items() if accepts(value)]
        return self.random.choice(found) if found else None

    def filled(self, template: str, a: str, scope: dict[str, Any]) -> str:
        """The template with `a` as its operand."""
        value = scope[a]
        shape: Shape = np.shape(value)
        choose = self.random.choice
        axis = choose(range(-len(shape), len(shape))) if shape else 0
        n = shape[axis] if shape else 1
        two = self.random.sample(range(len(shape)), 2) if len(shape) > 1 else [0, 0]
        two = [k - len(shape) if self.chance(0.3) else k for k in two]
        others = tuple(self.random.sample(range(len(shape)), self.random.randint(0, len(shape))))
        indices = lambda m: [self.random.randrange(-m, m) for _ in range(self.random.randint(1, 4))] if m else []  # noqa: E731
        like = self.operand(scope, lambda v: np.shape(v) == shape and not np.iscomplexobj(v)) or a
        part = ".real" if np.iscomplexobj(scope[like]) else ""
        vector = self.operand(scope, lambda v: np.ndim(v) == 1 and not np.iscomplexobj(v)) or "z"
        matrix = self.operand(scope, lambda v: np.ndim(v) == 2 and not np.iscomplexobj(v)) or "y"
        least = min(shape[-2:]) if len(shape) > 1 else 1
        square = f"({a}[..., :{least}, :{least}] * 0.3 + 2.0 * np.eye({least}))"
        whole = math.prod(shape)
        divisors = [d for d in range(1, whole + 1) if whole % d == 0]
        divisor = choose(divisors) if divisors else 0
        texts = {
            "{a}": lambda: a,
            "{b}": lambda: choose([like, like, f"np.cos({like})", f"({like} * 0.5)", f"({like} + {self.constant()})"]),
            "{m}": lambda: f"({like}{part} {choose('<>')} {self.constant()})",
            "{u}": lambda: choose(list(scope)),
            "{v}": lambda: choose([vector, "z", f"{matrix}[0]"]),
            "{w}": lambda: choose([vector, "z[:2]", "np.array([0.3, -0.5, 0.2])"]),
            "{q}": lambda: matrix,
            "{P}": lambda: f"({a} @ np.swapaxes({a}, -1, -2) * 0.2 + 2.0 * np.eye({a}.shape[-2]))",
            "{B}": lambda: square,
            "{r}": lambda: f"{a}[..., :{least}, :]",
            "{x}": lambda: str(axis),
            "{n}": lambda: choose([str(n), f"{a}.shape[{axis}]"]),
            "{N}": lambda: str(n),
            "{L}": lambda: choose([str(shape[-1]), f"{a}.shape[-1]"]) if shape else "1",
            "{i}": lambda: str(indices(n)) if self.chance(0.7) else f"np.array({indices(n)})",
            "{i2}": lambda: str(indices(shape[1]) if len(shape) > 1 else [0]),
            "{j}": lambda: str(self.random.randrange(-shape[1], shape[1]) if len(shape) > 1 and shape[1] else 0),
            "{I}": lambda: str(self.random.randrange(-n, n) if n else 0),
            "{t}": lambda: choose([str(axis), str(axis), str(tuple(others)), "None"]),
            "{xx}": lambda: str(tuple(two)),
            "{ax}": lambda: str(self.random.randint(-len(shape) - 1, len(shape))),
            "{kd}": lambda: choose(["", ", keepdims=True"]),
            "{k}": lambda: str(self.random.randint(1, 3)),
            "{K}": lambda: str(self.random.randint(-2, 2)),
            "{c}": self.constant,
            "{p}": lambda: str(tuple(self.random.sample(range(len(shape)), len(shape)))),
            "{s}": lambda: str(shape),
            "{z}": lambda: str(
                choose([(-1,), (divisor, -1), (-1, divisor), (divisor, whole // divisor if divisor else 0)])
            ),
            "{nd}": lambda: str(len(shape)),
            "{pw}": lambda: str([(self.random.randint(0, 2), self.random.randint(0, 2)) for _ in shape]),
            "{sl}": lambda: self.slices(shape),
            "{f}": lambda: choose(["np.sin", "np.tanh", "math.sin" if not shape else "np.cos"]),
        }
        for hole, text in texts.items():
            while hole in template:
                template = template.replace(hole, text(), 1)
        return template

    def expression(self, scope: dict[str, Any]) -> str:
        a = self.random.choice(list(scope))
        value = scope[a]
        ndim = np.ndim(value)
        if np.iscomplexobj(value):
            tables: list[tuple[str, ...]] = [COMPLEX, COMPLEX, STRUCTURE]
        else:
            tables = [ELEMENTWISE, STRUCTURE]
            if ndim >= 1:
                tables += [AXES, AXES]
            if ndim >= 2:
                tables += [MATRICES, MATRICES]
            if ndim == 1:
                tables += [VECTORS]
        return self.filled(self.random.choice(self.random.choice(tables)), a, scope)

    # --- statements -----------------------------------------------------------------------------------------

    def assigned(self) -> bool:
        """name = expression; where names must stay what they are, of the kind that the name has."""
        scope = self.scope()
        text = self.expression(scope)
        if self.chance(0.15):
            other = self.expression(scope)
            text = f"{text} * {other}" if self.chance(0.5) else f"{text} + {other}"
        free = [name for name in scope if name not in self.fixed and not name.startswith("k")]
        rebound = bool(free) and self.chance(0.2)
        name = self.random.choice(free) if rebound else self.fresh("a")
        for form in (text, f"({text}) * 0.1", f"np.tanh({text})"):
            found = self.tried(f"{name} = {form}")
            if found is None:
                continue
            if rebound and name in self.kept and not _same_kind(found[name], scope[name]):
                self.lines.pop()
                return False
            return True
        return False

    def written(self) -> bool:
        scope = self.scope()
        allowed = [name for name in scope if name not in "xyz" or self.chance(0.3)]
        accepts = lambda v: isinstance(v, np.ndarray) and v.flags.writeable and v.dtype.kind in "fc"  # noqa: E731
        a = self.operand({k: scope[k] for k in allowed}, accepts)
        if a is None:
            return False
        text = self.filled(self.random.choice(WRITES), a, scope)
        return self.tried(text) is not None

    def statement(self, depth: int) -> bool:
        kinds: list[tuple[float, Callable[[], bool]]] = [(6, self.assigned), (2, self.written)]
        if depth > 0:
            kinds += [(0.6, self.loop), (0.5, self.branch), (0.5, self.call), (0.3, self.nested)]
        return self.random.choices([fn for _, fn in kinds], [w for w, _ in kinds])[0]()

    def statements(self, count: int, depth: int) -> int:
        done = 0
        for _ in range(12 * count):
            done += self.statement(depth)
            if done == count:
                break
        return done

    @contextmanager
    def block(self, opening: str) -> Iterator[dict[str, Any]]:
        """Statements in a block keep names what they were; the block is dropped if the program fails behind it."""
        scope = self.scope()
        before, kept, hidden = list(self.lines), set(self.kept), set(self.hidden)
        self.kept |= set(scope)
        self.lines.append("    " * self.indent + opening)
        self.indent += 1
        yield scope
        self.indent -= 1
        self.kept = kept
        found = self.tried()
        if found is None:
            self.lines, self.hidden = before, hidden
        else:
            self.hidden |= set(found) - set(scope)

    def loop(self) -> bool:
        counter = self.fresh("k")
        times = self.random.choice(["2", "3", "y.shape[0]", "len(z)"])
        if self.variables() is None:
            return False
        length = len(self.lines)
        with self.block(f"for {counter} in range({times}):"):
            if self.variables() is None:
                self.lines.append("    " * self.indent + "pass")
            else:
                self.hidden.add(counter)
                self.statements(self.random.randint(1, 3), 0)
                self.lines.append("    " * self.indent + "pass")
        return len(self.lines) > length

    def branch(self) -> bool:
        scope = self.scope()
        length = len(self.lines)
        name = self.operand(scope, lambda v: np.size(v) > 0 and not np.iscomplexobj(v))
        if name is None:
            return False
        test = f"np.sum({name}) {self.random.choice('<>')} {self.constant()}"
        if self.tried(f"if not {test}:", "    raise ValueError") is None:
            test = f"not {test}"
        else:
            del self.lines[-2:]
        with self.block(f"if {test}:"):
            self.statements(self.random.randint(1, 2), 0)
            self.lines.append("    " * self.indent + "pass")
        return len(self.lines) > length

    def call(self) -> bool:
        """name = h(a, b), of a function with a few statements of its own."""
        scope = self.scope()
        a, b = self.random.choice(list(scope)), self.random.choice(list(scope))
        name, result = self.fresh("h"), self.fresh("a")
        inner = Writer(self.random.randrange(10**9))
        inner.names, inner.head = 100 * (len(self.helpers) + 1), self.head
        inner.args = tuple(np.array(v) for v in (scope[a], scope[b], scope["z"] if "z" in scope else self.args[2]))
        if np.ndim(inner.args[1]) < 2:
            inner.args = (inner.args[0], np.array(self.args[1]), inner.args[2])
            b = "y"
        if b not in scope or not inner.statements(self.random.randint(1, 3), 0):
            return False
        if any(np.shape(u) != np.shape(v) for u, v in zip(inner.args, (scope[a], scope[b], scope["z"]), strict=True)):
            return False
        out = self.random.choice(list(inner.scope()))
        text = f"def {name}(x, y, z):\n" + "\n".join(inner.lines) + f"\n    return {out}\n\n"
        before = list(self.helpers)
        self.helpers.append(text)
        if self.tried(f"{result} = {name}({a}, {b}, z)") is None:
            self.helpers = before
            return False
        return True

    def nested(self) -> bool:
        """A function of one array that captures others."""
        scope = self.scope()
        a = self.random.choice(list(scope))
        text = self.filled(self.random.choice(ELEMENTWISE + STRUCTURE), "t", {"t": scope[a]} | scope)
        name, result = self.fresh("g"), self.fresh("a")
        self.fixed |= set(scope)
        return self.tried(f"{name} = lambda t: {text}", f"{result} = {name}({a})") is not None

    # --- programs -------------------------------------------------------------------------------------------

    def program(self) -> str:
        ndim = self.random.choice([0, 1, 2, 2, 3, 3, 4])
        sizes = lambda k: tuple(self.random.choice([0, 1, 1, 2, 2, 2, 3, 3, 3, 4]) for _ in range(k))  # noqa: E731
        rows = self.random.choice([1, 2, 3, 3])
        shapes = (
            sizes(ndim),
            (rows, self.random.choice([rows, rows, 1, 2, 4])),
            (self.random.choice([1, 2, 3, 4, 5]),),
        )
        dtypes = [
            self.random.choice(["np.float64"] * 6 + ["F4", "np.complex128"]) if n else "np.float64" for n in (1, 0, 1)
        ]
        self.head = f"{NARROW}SHAPES = {list(shapes)}\nDTYPES = [{', '.join(dtypes)}]\n\n\n"
        self.args = arguments(self.head, self.rng)
        self.statements(self.random.randint(3, 7), 1)
        return self.source(self.result())

    def result(self) -> str:
        scope = self.scope()
        live = [name for name, v in scope.items() if name not in "xyz" or self.chance(0.3)]
        if self.chance(0.35):
            return f"return ({', '.join(live)},)"
        parts = []
        for weight, name in zip(WEIGHTS, live, strict=False):
            if np.iscomplexobj(scope[name]):
                parts.append(
                    self.random.choice(
                        ["np.sum(np.abs({0} + 3.0))", "np.sum({0} * {0}).real", "np.sum({0}.imag)"]
                    ).format(name)
                )
            else:
                parts.append(
                    self.random.choice(["np.sum({0} * {0})", "np.sum(np.sin({0}))", "np.sum({0})"]).format(name)
                )
            parts[-1] = f"{weight} * {parts[-1]}"
        return "return float(" + " + ".join(parts or ["0.0"]) + ")"


def as_given(a: Any) -> Any:
    """An argument as programs get it: a copy, a number for an array without dimensions."""
    return np.copy(a) if np.ndim(a) else np.asarray(a).item()


def arguments(source: str, rng: np.random.Generator) -> tuple[Any, ...]:
    names = defined(source, "<random>", NAMES)
    made = []
    for shape, dtype in zip(names["SHAPES"], names["DTYPES"], strict=True):
        values = rng.uniform(-1.0, 1.0, shape)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * rng.uniform(-1.0, 1.0, shape)
        made.append(np.asarray(values, dtype=dtype))
    return tuple(made)


def _fair(v: Any) -> bool:
    """Whether a variable is neither large nor of many elements."""
    if not isinstance(v, np.ndarray | np.generic | float):
        return True
    v = np.asarray(v)
    return (
        v.ndim <= 5
        and v.size <= MOST
        and v.dtype.kind in "fciub"
        and (not v.size or bool(np.abs(v * 1.0).max() < LARGEST))
    )


def _same_kind(a: Any, b: Any) -> bool:
    return type(a) is type(b) and np.shape(a) == np.shape(b) and np.asarray(a).dtype == np.asarray(b).dtype


def random_source(seed: int) -> str:
    return Writer(seed).program()


if __name__ == "__main__":
    import numpy_trial

    run(numpy_trial)
