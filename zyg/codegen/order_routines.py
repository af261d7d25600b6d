"""Routines that put the elements of vectors in order, compiled once in a process.  All nan come last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zyg.codegen.assembly import Assembly, Body, Value
from zyg.codegen.machine import integer_constant

# How the numbers of each type lie in memory; the letters are those of BLAS, and of types that it does not have
_HELD = {"s": "float", "d": "double", "i": "i64", "b": "i8"}
_ZERO, _ONE = integer_constant(0), integer_constant(1)
# Runs of this many elements are sorted by insertion
_RUN = 12


class _Writer:
    """A routine under construction: variables are slots in its frame."""

    def __init__(self, assembly: Assembly, letter: str, name: str, params: tuple[str, ...]) -> None:
        self.held = _HELD[letter]
        self.params = [Value("i64" if param in ("n", "count") else "ptr", f"%{param}") for param in params]
        self.b = Body(assembly, f"zyg.{name}.{letter}", "void", self.params, "")

    def done(self) -> None:
        self.b.give([])
        self.b.finish("nounwind")

    # --- control --------------------------------------------------------------------------------------------

    def variable(self, value: Value) -> Value:
        place = self.b.slot(8)
        self.b.store(value, place)
        return place

    def get(self, place: Value, type: str = "i64") -> Value:
        return self.b.load(type, place)

    def put(self, place: Value, value: Value) -> None:
        self.b.store(value, place)

    def add(self, place: Value, amount: int = 1) -> None:
        self.put(place, self.plus(self.get(place), integer_constant(amount)))

    @contextmanager
    def loop(self) -> Iterator[_Loop]:
        """A loop that goes on until one of its conditions fails."""
        b = self.b
        loop = _Loop(self)
        b.jump(loop.head)
        b.here = loop.head
        yield loop
        b.jump(loop.head)
        b.here = loop.after

    @contextmanager
    def count(self, start: Value, end: Value) -> Iterator[Value]:
        """`for i in range(start, end)`."""
        at = self.variable(start)
        with self.loop() as loop:
            i = self.get(at)
            loop.goes_on(self.less(i, end))
            yield i
            self.add(at)

    @contextmanager
    def when(self, cond: Value) -> Iterator[None]:
        b = self.b
        then, after = b.label("then"), b.label("after")
        b.branch(cond, then, after)
        b.here = then
        yield
        b.jump(after)
        b.here = after

    # --- numbers --------------------------------------------------------------------------------------------

    def plus(self, x: Value, y: Value) -> Value:
        return self.b.binary("add", x, y)

    def minus(self, x: Value, y: Value) -> Value:
        return self.b.binary("sub", x, y)

    def less(self, x: Value, y: Value) -> Value:
        return self.b.compare("icmp slt", x, y)

    def smaller(self, x: Value, y: Value) -> Value:
        return self.b.select(self.less(x, y), x, y)

    def larger(self, x: Value, y: Value) -> Value:
        return self.b.select(self.less(x, y), y, x)

    def at(self, base: Value, index: Value, type: str) -> Value:
        return self.b.value("ptr", f"getelementptr inbounds {type}, {base}, {index}")

    def key(self, base: Value, index: Value) -> Value:
        return self.b.load(self.held, self.at(base, index, self.held))

    def number(self, base: Value, index: Value) -> Value:
        return self.b.load("i64", self.at(base, index, "i64"))

    def keep(self, base: Value, index: Value, value: Value) -> None:
        self.b.store(value, self.at(base, index, value.type))

    def below(self, x: Value, y: Value) -> Value:
        """x < y"""
        if self.held in ("float", "double"):
            return self.b.compare("fcmp olt", x, y)
        return self.b.compare("icmp ult" if self.held == "i8" else "icmp slt", x, y)

    def is_nan(self, x: Value) -> Value:
        return self.b.compare("fcmp uno", x, x) if self.held in ("float", "double") else Value("i1", "false")

    def swap(self, keys: Value, order: Value, i: Value, j: Value) -> None:
        for base, read in ((keys, self.key), (order, self.number)):
            one, two = read(base, i), read(base, j)
            self.keep(base, i, two)
            self.keep(base, j, one)

    def copy(self, keys: Value, order: Value, i: Value, to_keys: Value, to_order: Value, j: Value) -> None:
        self.keep(to_keys, j, self.key(keys, i))
        self.keep(to_order, j, self.number(order, i))


class _Loop:
    def __init__(self, writer: _Writer) -> None:
        self.b = writer.b
        self.head, self.after = self.b.label("head"), self.b.label("after")

    def goes_on(self, cond: Value) -> None:
        """Leave the loop unless `cond`."""
        then = self.b.label("body")
        self.b.branch(cond, then, self.after)
        self.b.here = then


def _nan_last(w: _Writer, n: Value, keys: Value, order: Value, work: Value) -> Value:
    """Keys that are numbers moved to the front, each with its place in `order`, behind which come those of nan.

    Gives how many numbers there are.
    """
    numbers = w.variable(_ZERO)
    with w.count(_ZERO, n) as i:
        key, at = w.key(keys, i), w.get(numbers)
        nan = w.is_nan(key)
        w.keep(work, w.minus(i, at), i)
        w.keep(keys, at, key)
        w.keep(order, at, i)
        w.put(numbers, w.b.select(nan, at, w.plus(at, _ONE)))
    count = w.get(numbers)
    with w.count(count, n) as i:
        w.keep(order, i, w.number(work, w.minus(i, count)))
    return count


def _write_order(assembly: Assembly, letter: str) -> None:
    """`order`: the stable order of n keys, by merging; keys and both work arrays are overwritten."""
    w = _Writer(assembly, letter, "order", ("n", "keys", "order", "other_keys", "other_order"))
    b = w.b
    n, keys, order, other_keys, other_order = w.params
    run = integer_constant(_RUN)
    n = _nan_last(w, n, keys, order, other_order)
    start = w.variable(_ZERO)
    with w.loop() as runs:
        first = w.get(start)
        runs.goes_on(w.less(first, n))
        end = w.smaller(w.plus(first, run), n)
        with w.count(w.plus(first, _ONE), end) as i:
            key, number = w.key(keys, i), w.number(order, i)
            free = w.variable(i)
            with w.loop() as shift:
                at = w.get(free)
                shift.goes_on(w.less(first, at))
                left = w.minus(at, _ONE)
                shift.goes_on(w.below(key, w.key(keys, left)))
                w.copy(keys, order, left, keys, order, at)
                w.put(free, left)
            w.keep(keys, w.get(free), key)
            w.keep(order, w.get(free), number)
        w.put(start, end)
    width = w.variable(run)
    pairs = [w.variable(value) for value in (keys, order, other_keys, other_order)]
    with w.loop() as rounds:
        length = w.get(width)
        rounds.goes_on(w.less(length, n))
        here = [w.get(pair, "ptr") for pair in pairs]
        w.put(start, _ZERO)
        with w.loop() as merges:
            first = w.get(start)
            merges.goes_on(w.less(first, n))
            middle = w.smaller(w.plus(first, length), n)
            end = w.smaller(w.plus(middle, length), n)
            left, right, place = w.variable(first), w.variable(middle), w.variable(first)
            with w.loop() as both:
                i, j, k = w.get(left), w.get(right), w.get(place)
                both.goes_on(b.binary("and", w.less(i, middle), w.less(j, end)))
                takes_right = w.below(w.key(here[0], j), w.key(here[0], i))
                w.copy(here[0], here[1], b.select(takes_right, j, i), here[2], here[3], k)
                step = b.value("i64", f"zext {takes_right} to i64")
                w.put(right, w.plus(j, step))
                w.put(left, w.plus(i, w.minus(_ONE, step)))
                w.add(place)
            for rest, stop in ((left, middle), (right, end)):
                with w.loop() as one:
                    i = w.get(rest)
                    one.goes_on(w.less(i, stop))
                    w.copy(here[0], here[1], i, here[2], here[3], w.get(place))
                    w.add(rest)
                    w.add(place)
            w.put(start, end)
        for pair, value in zip(pairs, (here[2], here[3], here[0], here[1]), strict=True):
            w.put(pair, value)
        w.put(width, w.plus(length, length))
    found = w.get(pairs[1], "ptr")
    with w.when(b.compare("icmp ne", found, order)), w.count(_ZERO, n) as i:
        w.keep(order, i, w.number(found, i))
    w.done()


def _write_select(assembly: Assembly, letter: str) -> None:
    """`order`: one of n keys that is right at the places, nothing larger before, nothing smaller behind.

    Hoare's selection; each place is looked for between those that have been found.  The keys are overwritten.
    """
    w = _Writer(assembly, letter, "select", ("n", "keys", "order", "count", "places"))
    b = w.b
    n, keys, order, count, places = w.params
    with w.count(_ZERO, n) as i:
        w.keep(order, i, i)
    here, end = w.variable(_ZERO), w.variable(n)
    with w.loop() as apart:
        i = w.get(here)
        apart.goes_on(w.less(i, w.get(end)))
        nan = w.is_nan(w.key(keys, i))
        with w.when(nan):
            w.add(end, -1)
            w.swap(keys, order, i, w.get(end))
        w.put(here, b.select(nan, i, w.plus(i, _ONE)))
    draw = w.variable(_ONE)
    with w.count(_ZERO, count) as k:
        place = w.number(places, k)
        low, high = w.variable(_ZERO), w.variable(w.minus(w.get(end), _ONE))
        with w.count(_ZERO, k) as earlier:
            found = w.number(places, earlier)
            behind = w.larger(w.get(low), w.plus(found, _ONE))
            w.put(low, b.select(w.less(found, place), behind, w.get(low)))
            ahead = w.smaller(w.get(high), w.minus(found, _ONE))
            w.put(high, b.select(w.less(place, found), ahead, w.get(high)))
        with w.loop() as narrowing:
            first, last = w.get(low), w.get(high)
            narrowing.goes_on(w.less(first, last))
            drawn = w.plus(b.binary("mul", w.get(draw), integer_constant(1103515245)), integer_constant(12345))
            w.put(draw, b.binary("and", drawn, integer_constant(2**31 - 1)))
            among = w.plus(w.minus(last, first), _ONE)
            pivot = w.key(keys, w.plus(first, b.binary("urem", w.get(draw), among)))
            left, right = w.variable(first), w.variable(last)
            with w.loop() as parting:
                parting.goes_on(b.compare("icmp sle", w.get(left), w.get(right)))
                with w.loop() as up:
                    up.goes_on(w.below(w.key(keys, w.get(left)), pivot))
                    w.add(left)
                with w.loop() as down:
                    down.goes_on(w.below(pivot, w.key(keys, w.get(right))))
                    w.add(right, -1)
                i, j = w.get(left), w.get(right)
                with w.when(b.compare("icmp sle", i, j)):
                    w.swap(keys, order, i, j)
                    w.add(left)
                    w.add(right, -1)
            i, j = w.get(left), w.get(right)
            in_lower, in_upper = b.compare("icmp sle", place, j), b.compare("icmp sge", place, i)
            w.put(low, b.select(in_lower, first, b.select(in_upper, i, place)))
            w.put(high, b.select(in_upper, last, b.select(in_lower, j, place)))
    w.done()


def _text(letter: str) -> str:
    assembly = Assembly()
    _write_order(assembly, letter)
    _write_select(assembly, letter)
    return str(assembly)


def text_s() -> str:
    return _text("s")


def text_d() -> str:
    return _text("d")


def text_i() -> str:
    return _text("i")


def text_b() -> str:
    return _text("b")
