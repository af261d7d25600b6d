"""Random programs that keep numbers and arrays in lists: `random_source(seed)` is a module that defines `f(x, n)`.

`x` is an array of 3; the derivative is by complex steps, so that all functions are holomorphic and branches depend on
ints only.

    python tests/random_lists.py 0 200    # tries these seeds
"""

import random
import sys

import numpy as np
from sources import defined

import zyg


class Lists:
    """Random statements over floats (a…), arrays (w…), lists of floats (p…) and lists of arrays (q…)."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.indent = 1
        self.names = {"a": ["a0"], "w": ["w0"], "p": ["p0"], "q": ["q0"]}
        self.loops = []
        self.count = 0

    def line(self, text):
        self.lines.append("    " * self.indent + text)

    def pick(self, kind):
        return self.random.choice(self.names[kind])

    def fresh(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def whole(self):
        return self.random.choice([*self.loops, "n", "1", "2", f"len({self.pick('p')})"])

    def at(self, name):
        return f"{name}[{self.random.choice(['-1', '0', f'({self.whole()}) % len({name})'])}]"

    def number(self, depth=0):
        pick = self.random.randrange(7 if depth < 2 else 3)
        if pick == 0:
            return self.pick("a")
        if pick == 1:
            return f"x[{self.random.randrange(3)}]"
        if pick == 2:
            return f"{self.random.uniform(-1, 1):.3f}"
        if pick == 3:
            name = self.pick("p")
            return f"({self.at(name)} if len({name}) > 0 else {self.pick('a')})"
        if pick == 4:
            return f"np.sin({self.number(depth + 1)} * {self.number(depth + 1)})"
        if pick == 5:
            return f"(0.5 * {self.number(depth + 1)} + 0.3 * {self.number(depth + 1)} * ({self.whole()}) % 5)".replace(
                " % 5", ""
            )
        name = self.pick("q")
        return f"(np.sum(np.sin({self.at(name)})) if len({name}) > 0 else {self.pick('a')})"

    def array(self):
        pick = self.random.randrange(4)
        if pick == 0:
            return f"np.sin({self.pick('w')} * {self.number(1)})"
        if pick == 1:
            return f"(x * {self.number(1)})"
        if pick == 2:
            return f"(0.5 * {self.pick('w')} + x)"
        return f"(x[::-1] * {self.number(1)})"

    def statement(self, depth):
        kinds = [
            *(["define"] * 2),
            *(["list"] * 3),
            *(["change"] * 6),
            *(["arrays"] * 6),
            *(["block"] * (3 if depth < 2 else 0)),
        ]
        getattr(self, self.random.choice(kinds))(depth)

    def define(self, _):
        if self.random.random() < 0.7:
            name = self.pick("a")
            self.line(f"{name} = np.sin({self.number()})")
        else:
            self.line(f"{self.pick('w')} = {self.array()} + 0.0")

    def list(self, _):
        top = self.indent == 1
        kind = self.random.choice("pq")
        name = self.fresh(kind) if top else self.pick(kind)
        item = self.number if kind == "p" else self.array
        old = self.pick(kind)
        form = self.random.randrange(7)
        if form == 0:
            self.line(f"{name} = []")
        elif form == 1:
            self.line(f"{name} = [{item()}, {item()}]")
        elif form == 2:
            self.line(f"{name} = {old}")
        elif form == 3:
            self.line(f"{name} = {old} if {self.whole()} % 2 == 0 else {self.pick(kind)}")
        elif form == 4:
            self.line(f"{name} = [np.sin(v) * {self.number(1)} for v in {old}]")
        elif form == 5:
            self.line(f"{name} = {old}[{self.random.choice(['1:', ':2', '::-1', '::2'])}]")
        else:
            self.line(f"{name} = short({old}) + [{item()}]")
        if top:
            self.names[kind].append(name)

    def change(self, _):
        name = self.pick("p")
        form = self.random.randrange(10)
        if form < 3:
            self.line(f"if len({name}) < 20: {name}.append({self.number()})")
        elif form == 3:
            self.line(f"if len({name}) > 0: {self.pick('a')} = {name}.pop({self.random.choice(['', '0', '-1'])})")
        elif form == 4:
            self.line(f"if len({name}) > 0: {self.at(name)} = {self.number()}")
        elif form == 5:
            self.line(f"if len({name}) > 0: {self.at(name)} *= {self.number()}")
        elif form == 6:
            self.line(f"if len({name}) < 10: {name}.extend({self.pick('p')}[:3])")
        elif form == 7:
            self.line(f"for v in {name}: {self.pick('a')} = np.sin(v + 0.5 * {self.pick('a')})")
        elif form == 8:
            self.line(f"if len({name}) < 20: {name}.insert({self.whole()} - 1, {self.number()})")
        else:
            self.line(f"pushed({name}, {self.number()}, {self.whole()})")

    def arrays(self, _):
        name, w = self.pick("q"), self.pick("w")
        form = self.random.randrange(9)
        if form < 2:
            self.line(f"if len({name}) < 10: {name}.append({self.random.choice([self.array() + ' + 0.0', w])})")
        elif form == 2:
            self.line(f"if len({name}) > 0: {w} = {name}.pop()")
        elif form == 3:
            self.line(f"if len({name}) > 0: {self.at(name)} = {self.random.choice([self.array() + ' + 0.0', w])}")
        elif form == 4:
            self.line(f"if len({name}) > 0: {self.at(name)}[{self.random.randrange(3)}] = {self.number()}")
        elif form == 5:
            self.line(f"if len({name}) > 0: {w} = {self.at(name)}")
        elif form == 6:
            self.line(f"{w} *= {self.number()}")
        elif form == 7:
            self.line(f"for v in {name}: v[{self.random.randrange(3)}] *= {self.pick('a')}")
        else:
            self.line(f"{w}[{self.random.randrange(3)}] = np.sin({self.number()})")

    def block(self, depth):
        if self.random.random() < 0.6:
            index = f"i{depth}"
            self.line(f"for {index} in range({self.random.choice(['2', '3', 'n'])}):")
            self.loops.append(index)
        else:
            index = None
            self.line(f"if {self.whole()} % 2 == {self.random.randrange(2)}:")
        self.indent += 1
        for _ in range(self.random.randrange(1, 4)):
            self.statement(depth + 1)
        self.indent -= 1
        if index:
            self.loops.pop()

    def source(self):
        for _ in range(self.random.randrange(4, 9)):
            self.statement(0)
        sums = [f"sum({name})" for name in self.names["p"]] + [
            f"sum([np.sum(v * x) for v in {name}])" for name in self.names["q"]
        ]
        values = self.names["a"] + [f"np.sum({name})" for name in self.names["w"]]
        self.line(f"return {' + '.join(f'{0.3 + 0.1 * k:.1f} * {text}' for k, text in enumerate(sums + values))}")
        return _HEAD + "\n".join(self.lines) + "\n"


_HEAD = """
def short(values):
    return values[:5]

def pushed(values, item, k):
    if len(values) < 20:
        values.append(item)
    if k % 2 == 0:
        values[0] = values[0] * item

def f(x, n):
    a0 = x[0] * x[1]
    w0 = x * 1.0
    p0 = [x[2]]
    q0 = [x * x]
"""


def random_source(seed):
    return Lists(seed).source()


def trial(seed, second=False):
    """Raises AssertionError where zyg's value or gradients are wrong; the text of what is refused otherwise, or ''."""
    f = defined(random_source(seed), f"<lists {seed}>", {"np": np})["f"]
    x, n = np.array([0.7, -0.4, 1.3]), 3
    with np.errstate(all="ignore"):
        y = f(x, n)
        steps = [f(x + 1e-30j * np.eye(3)[k], n) for k in range(3)]
    slope = np.array([np.imag(step) / 1e-30 for step in steps])
    if not np.all(np.isfinite(slope)) or np.max(np.abs(slope)) > 1e6:
        return "large"
    try:
        value, gradient = zyg.value_and_grad(f, mode="native")(x, n)
    except zyg.ZygError as error:
        return str(error)
    np.testing.assert_allclose(value, y, rtol=1e-9, atol=1e-12)
    scale = max(1.0, np.max(np.abs(slope)))
    np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-9 * scale)
    w = np.array([0.5, 1.0, -0.7])
    np.testing.assert_allclose(zyg.jvp(lambda v: f(v, n), (x,), (w,))[1], slope @ w, rtol=1e-8, atol=1e-9 * scale)
    if second:
        g = zyg.grad(f, mode="native")
        h = 1e-6
        expected = (g(x + h * w, n) - g(x - h * w, n)) / (2 * h)
        scale = max(1.0, np.max(np.abs(expected)))
        along = zyg.jvp(lambda v: g(v, n), (x,), (w,))[1]
        np.testing.assert_allclose(along, expected, rtol=1e-4, atol=1e-5 * scale)
        back = zyg.grad(lambda v: np.sum(g(v, n) * w))(x)
        np.testing.assert_allclose(back, expected, rtol=1e-4, atol=1e-5 * scale)
    return ""


if __name__ == "__main__":
    import traceback

    for number in range(*map(int, sys.argv[1:3])):
        try:
            found = trial(number, second=number % 4 == 0)
        except Exception:
            found = traceback.format_exc(limit=-2)
        if found and found != "large":
            print(number, found.replace("\n", " | ")[:600], flush=True)
