"""Programs of numbers that only dynamic mode can run, as users write them: each a function of one float."""

from __future__ import annotations

import abc
import asyncio
import bisect
import collections
import concurrent.futures
import contextlib
import contextvars
import copy
import dataclasses
import decimal
import enum
import functools
import heapq
import io
import itertools
import json
import logging
import math
import operator
import pickle
import queue
import random
import re
import statistics
import string
import threading
import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

PROGRAMS: dict[str, Callable[[Any], Any]] = {}


def program(fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS[fn.__name__] = fn
    return fn


# --- classes ----------------------------------------------------------------------------------------------


class Shape(abc.ABC):
    registry: typing.ClassVar[list[type]] = []

    def __init_subclass__(cls, **kws: Any) -> None:
        super().__init_subclass__(**kws)
        Shape.registry.append(cls)

    @property
    @abc.abstractmethod
    def area(self): ...

    def scaled(self, k):
        made = copy.copy(self)
        for name, value in vars(made).items():
            setattr(made, name, value * k)
        return made


class Circle(Shape):
    def __init__(self, r):
        self.r = r

    @property
    def area(self):
        return math.pi * self.r**2


class Box(Shape):
    def __init__(self, a, b):
        self.a, self.b = a, b

    @property
    def area(self):
        return self.a * self.b


@program
def abstract_classes(x):
    shapes = [Circle(x), Box(x, 2.0), Circle(x * x).scaled(x)]
    assert Shape.registry == [Circle, Box]
    return sum(shape.area for shape in shapes) / len(shapes)


class Bounded:
    """A descriptor that checks and counts."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance, value):
        instance.writes = getattr(instance, "writes", 0) + 1
        setattr(instance, self.name, min(max(value, -10.0), 10.0))


class Particle:
    position = Bounded()
    velocity = Bounded()

    def __init__(self, position, velocity):
        self.position, self.velocity = position, velocity

    def step(self, force, dt):
        self.velocity += force(self.position) * dt
        self.position += self.velocity * dt
        return self


@program
def descriptors(x):
    p = Particle(x, 0.5)
    for _ in range(5):
        p.step(lambda q: -math.sin(q), 0.1)
    return p.position * p.velocity + p.writes


class Attributes:
    def __init__(self, **kws):
        object.__setattr__(self, "table", {})
        for name, value in kws.items():
            setattr(self, name, value)

    def __setattr__(self, name, value):
        self.table[name] = value * 2

    def __getattr__(self, name):
        try:
            return self.table[name]
        except KeyError:
            raise AttributeError(name) from None

    def __delattr__(self, name):
        del self.table[name]


@program
def attributes_by_hand(x):
    made = Attributes(a=x, b=x * x)
    made.c = made.a * made.b
    del made.a
    return made.c + (made.b if hasattr(made, "b") and not hasattr(made, "a") else 0.0)


class Matrix:
    def __init__(self, rows):
        self.rows = rows

    def __matmul__(self, other):
        columns = list(zip(*other.rows, strict=True))
        return Matrix([[sum(map(operator.mul, row, column)) for column in columns] for row in self.rows])

    def __imatmul__(self, other):
        self.rows = (self @ other).rows
        return self

    def __getitem__(self, index):
        i, j = index
        return self.rows[i][j]

    def __setitem__(self, index, value):
        i, j = index
        self.rows[i][j] = value

    def __iadd__(self, k):
        for i in range(len(self.rows)):
            self[i, i] += k
        return self

    def __neg__(self):
        return Matrix([[-v for v in row] for row in self.rows])

    def __invert__(self):
        return Matrix([list(row) for row in zip(*self.rows, strict=True)])

    def det(self):
        if len(self.rows) == 1:
            return self.rows[0][0]
        return sum(
            (-1) ** j * v * Matrix([row[:j] + row[j + 1 :] for row in self.rows[1:]]).det()
            for j, v in enumerate(self.rows[0])
        )


@program
def operators_of_a_matrix(x):
    a = Matrix([[x, 1.0, 2.0], [0.5, x * x, 1.0], [math.sin(x), 0.0, 2.0]])
    b = a @ ~a
    b @= a
    b += x
    return (-b).det() / 10.0 + b[0, 2]


class Meta(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.total = sum(args)
        return made


class Counted(metaclass=Meta):
    count = 0

    def __new__(cls, *args):
        cls.count += 1
        return super().__new__(cls)

    def __init__(self, *args):
        self.args = args


@program
def metaclasses(x):
    before = Counted.count
    a, b = Counted(x, x * x), Counted(2.0, x)
    assert Counted.count == before + 2
    return a.total * b.total * a.args[1]


@functools.total_ordering
class Money:
    __slots__ = ("amount", "unit")

    def __init__(self, amount, unit="EUR"):
        self.amount, self.unit = amount, unit

    def __eq__(self, other):
        return isinstance(other, Money) and self.amount == other.amount

    def __lt__(self, other):
        return self.amount < other.amount

    def __hash__(self):
        return hash(self.amount)

    def __radd__(self, other):
        return self if other == 0 else other + self

    def __add__(self, other):
        return Money(self.amount + other.amount)

    def __truediv__(self, k):
        return Money(self.amount / k)

    def __round__(self, digits=0):
        return Money(round(self.amount, digits))

    def __float__(self):
        return self.amount * 2.0

    def __bool__(self):
        return self.amount != 0

    def __format__(self, spec):
        return f"{self.amount:{spec}} {self.unit}"


@program
def ordered_objects(x):
    wallet = [Money(x * k % 1.7) for k in range(1, 5)]
    best = max(wallet)
    assert f"{best:.2f}".endswith("EUR")
    return (sum(wallet) / len(set(wallet))).amount * best.amount + sorted(wallet)[1].amount


@dataclasses.dataclass(order=True)
class Task:
    priority: float
    name: str = dataclasses.field(compare=False)
    cost: float = 1.0
    parts: list[Any] = dataclasses.field(default_factory=list, repr=False)

    def __post_init__(self):
        self.parts.append(self.cost * self.priority)

    @property
    def total(self):
        return sum(self.parts)

    @total.setter
    def total(self, value):
        self.parts = [value]


@program
def dataclasses_in_order(x):
    tasks = [Task(math.cos(k * x), f"t{k}", cost=x + k) for k in range(4)]
    first, *rest = sorted(tasks)
    first.total = first.total * x
    moved = dataclasses.replace(rest[0], cost=x * x, parts=[])
    fields = {f.name: getattr(moved, f.name) for f in dataclasses.fields(moved)}
    return first.total + moved.total * fields["priority"] + max(rest).cost


class Base:
    def __init__(self, x, **kws):
        super().__init__(**kws)
        self.x = x

    def value(self):
        return self.x


class Scaled(Base):
    def __init__(self, *args, k=2.0, **kws):
        super().__init__(*args, **kws)
        self.k = k

    def value(self):
        return self.k * super().value()


class Shifted(Base):
    def __init__(self, *args, b=1.0, **kws):
        super().__init__(*args, **kws)
        self.b = b

    def value(self):
        return super().value() + self.b


class Both(Scaled, Shifted):
    pass


@program
def multiple_inheritance(x):
    return Both(x, k=x * x, b=math.exp(x)).value() * Scaled(x).value()


class Layer:
    __match_args__ = ("w", "b")

    def __init__(self, w, b):
        self.w, self.b = w, b


@program
def pattern_matching(x):
    def run(layer, v):
        match layer:
            case Layer(w, b) if w > 1:
                return w * v + b
            case Layer(w=w):
                return math.tanh(w * v)
            case {"kind": "power", "n": int(n), **rest}:
                return v**n + rest.get("b", 0.0)
            case ("seq", *layers) | ["list", *layers]:
                return functools.reduce(lambda u, one: run(one, u), layers, v)
            case float() as k:
                return v * k
            case _:
                return v

    net = ("seq", Layer(2.0, x), Layer(x, 0.0), {"kind": "power", "n": 2, "b": x}, ["list", x, 3.0, None])
    return run(net, x + 0.1)


# --- functions --------------------------------------------------------------------------------------------


def retried(times):
    def decorate(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kws):
            for attempt in range(times):
                try:
                    return fn(*args, attempt=attempt, **kws)
                except ValueError as error:
                    last = error
            raise last

        wrapper.calls = times
        return wrapper

    return decorate


@program
def decorators_with_arguments(x):
    @retried(3)
    def risky(v, attempt):
        if attempt < 2:
            raise ValueError(v * attempt)
        return math.log(v) * attempt

    return risky(x + 1) * risky.calls


@program
def memoised_recursion(x):
    memo = {}

    def fib(n):
        if n not in memo:
            memo[n] = x if n < 2 else fib(n - 1) * 0.5 + fib(n - 2) * x
        return memo[n]

    @functools.cache
    def binomial(n, k):
        return 1 if k in (0, n) else binomial(n - 1, k) + binomial(n - 1, k - 1)

    return fib(8) + binomial(6, 3) * x + len(memo)


@program
def closures_in_a_list(x):
    adders = [lambda v, k=k: v + k * x for k in range(3)]
    state = {"n": 0.0}

    def counter():
        total = x

        def add(v):
            nonlocal total
            total += v * total
            state["n"] += total
            return total

        def reset():
            nonlocal total
            total = 0.5

        return add, reset

    add, reset = counter()
    y = add(adders[2](1.0))
    reset()
    return y + add(adders[1](x)) + state["n"]


@program
def generators_sent_thrown_closed(x):
    log = []

    def averages():
        total, count = 0.0, 0
        try:
            while True:
                try:
                    value = yield total / count if count else None
                except KeyError as error:
                    value = error.args[0]
                total += value
                count += 1
        finally:
            log.append(total)

    g = averages()
    next(g)
    g.send(x)
    g.send(x * x)
    y = g.throw(KeyError(math.sin(x)))
    g.close()
    return y * log[0]


@program
def generators_that_delegate(x):
    def leaves(tree):
        for node in tree:
            if isinstance(node, (list, tuple)):
                yield from leaves(node)
            else:
                yield node
        return

    def total(tree):
        found = yield from _summed(leaves(tree))
        yield found * x

    def _summed(items):
        s = 0
        for item in items:
            s += item
            yield item
        return s

    *items, last = total([x, [x * x, (2.0, [math.sin(x)])], 1.0])
    return last + sum(items[1:3])


@program
def iterators(x):
    class Steps:
        def __init__(self, x, n):
            self.x, self.n = x, n

        def __iter__(self):
            self.k = 0
            return self

        def __next__(self):
            if self.k == self.n:
                raise StopIteration
            self.k += 1
            return self.x**self.k

    powers = Steps(x, 5)
    pairs = list(itertools.pairwise(powers))
    chunks = [list(group) for _, group in itertools.groupby(powers, key=lambda v: v > 0.5)]
    a, b = itertools.tee(powers)
    flat = itertools.chain.from_iterable(chunks)
    crossed = sum(u * v for u, v in itertools.product(itertools.islice(a, 2), itertools.islice(b, 3)))
    taken = list(itertools.takewhile(lambda v: v > 0.2, flat))
    longest = itertools.zip_longest(taken, powers, fillvalue=x)
    return (
        sum(u * v for u, v in pairs)
        + crossed
        + sum(u * v for u, v in longest)
        + sum(itertools.accumulate(powers, initial=x))
        + sum(itertools.compress(powers, [1, 0, 1]))
        + sum(math.prod(c) for c in itertools.combinations(powers, 2))
    )


@program
def partials_and_operators(x):
    half = functools.partial(operator.mul, 0.5)
    method = operator.methodcaller("get", "b", x)
    get = operator.itemgetter("a", "c")
    attribute = operator.attrgetter("inner.v")
    box = types.SimpleNamespace(inner=types.SimpleNamespace(v=x * x))
    a, c = get({"a": x, "c": half(x)})
    composed = functools.reduce(lambda f, g: lambda v: g(f(v)), [half, math.exp, operator.neg, abs])
    return method({"a": 1}) * a + c * attribute(box) + composed(x) + operator.truediv(x, 3.0) + operator.pow(x, 2)


class Dispatching:
    def __init__(self, k):
        self.k = k

    @functools.singledispatchmethod
    def size(self, value):
        return value * self.k

    @size.register(list)
    def _(self, value):
        return sum(self.size(item) for item in value)

    @size.register(str)
    def _(self, value):
        return len(value) * self.k

    twice = functools.partialmethod(size.func, 2.0)


@program
def dispatch_by_type(x):
    d = Dispatching(x)
    return d.size([x, 2, "abc", [x * x]]) + d.twice()


# --- containers -------------------------------------------------------------------------------------------


@program
def dictionaries(x):
    d = {"a": x, **{"b": x * x}}
    d |= {"c": d["a"] * d["b"]}
    d.setdefault("e", []).append(x)
    inverted = {round(v, 3): k for k, v in d.items() if isinstance(v, float)}
    popped = d.pop("b")
    counts = collections.Counter({"p": x, "q": 2.0})
    counts.update({"p": x * x, "r": 1.0})
    counts.subtract({"q": x})
    chain = collections.ChainMap({"a": x * 3}, d)
    first, *_ = d.values()
    view = d.keys() - {"e"}
    last = d.popitem()
    return (
        popped * chain["a"] + chain["c"] + len(inverted) + counts["p"] * counts["q"] + sum(counts.values())
        + first + len(view) + last[1][0]
    )  # fmt: skip


class Defaults(dict):
    def __missing__(self, key):
        self[key] = value = key * 0.5
        return value


class History(collections.UserList):
    def append(self, item):
        super().append(item * 2)


@program
def containers_of_the_users(x):
    d = Defaults(a=x)
    h = History([x])
    h.append(x * x)
    h.extend([1.0, x])
    h[1:3] = [v * x for v in h[1:3]]
    del h[0]
    u = collections.UserDict(k=x)
    u["m"] = u["k"] * 2
    groups = collections.defaultdict(list)
    for i, v in enumerate(h):
        groups[i % 2].append(v)
    return d[4.0] * d["a"] + sum(h) + u["m"] + sum(sum(v) * k for k, v in groups.items()) + len(d)


@program
def lists(x):
    items = [x, 2.0, x * x]
    items += [items[0] * items[2]]
    items *= 2
    items[::2] = [v + x for v in items[::2]]
    items.insert(1, x**3)
    items.reverse()
    items.remove(2.0)
    items.sort(key=lambda v: (round(v), -v))
    where = items.index(items[2])
    nested = [[v * w for w in items[:2]] for v in items if v > 0.1]
    swapped = nested[:]
    swapped[0], swapped[-1] = swapped[-1], swapped[0]
    (a, (b, *c)), d = (x, items[:4]), items[-1]
    return sum(map(sum, swapped)) * items[where] + a * b + sum(c) * d + items.count(x)


@program
def sets_and_tuples(x):
    seen = {x, 2.0} | {x * x} - {2.0}
    frozen = frozenset((x, 1.5))
    Point = collections.namedtuple("Point", "x y", defaults=[0.5])
    p = Point(x)._replace(y=x * x)
    table = {(p.x, 1): p.y, frozen: x}
    return max(seen) * min(seen ^ frozen) + table[x, 1] * table[frozen] + sum(p) + (p < (x, x))


class Pair(typing.NamedTuple):
    a: float
    b: float = 2.0

    def dot(self, other):
        return self.a * other.a + self.b * other.b


@program
def named_tuples(x):
    p = Pair(x)
    q = p._replace(b=x * x)
    a, b = q
    return p.dot(q) * Pair._make([b, a]).a + sum(q._asdict().values()) + q[-1]


@program
def heaps(x):
    heap = []
    for k in range(6):
        heapq.heappush(heap, (math.sin(k + x), -k, {"k": k * x}))
    first = heapq.heappop(heap)
    replaced = heapq.heapreplace(heap, (x * 3, 0, {"k": x}))
    merged = list(heapq.merge([x, 3.0], [2 * x, 2.5]))
    best = heapq.nlargest(2, [x, x * x, 0.1], key=lambda v: math.cos(v))
    place = bisect.bisect([0.1, 0.5, 2.0], x)
    return (
        first[0] + replaced[2]["k"] + sum(u * v for u, v in zip(merged, heap[0][:1] * 4, strict=True)) + best[0] + place
    )


@program
def queues_and_deques(x):
    q = queue.Queue()
    for v in (x, x * x, 2.0):
        q.put(v)
    d = collections.deque(maxlen=3)
    while not q.empty():
        d.append(q.get() * x)
    d.rotate(1)
    d.extendleft([x])
    stack = queue.LifoQueue()
    stack.put((x, "last"))
    return d[0] * d[-1] + sum(d) + stack.get()[0]


# --- control ----------------------------------------------------------------------------------------------


class Missing(LookupError):
    def __init__(self, value):
        super().__init__(value, "missing")
        self.value = value


@program
def exceptions_chained(x):
    log = []

    def find(k):
        try:
            return {"a": x}[k]
        except KeyError as error:
            raise Missing(x * 3) from error
        finally:
            log.append(x * len(k))

    def outer(k):
        try:
            found = find(k)
        except Missing as error:
            if error.__cause__ is None:
                raise
            return error.args[0] * error.value
        else:
            return found * 2
        finally:
            log.append(x)

    def overridden():
        try:
            raise ValueError(x)
        finally:
            return x * x  # noqa: B012

    for k in ("a", "zz"):
        try:
            log.append(outer(k))
            if k == "zz":
                break
        except Missing:
            continue
    else:
        log.append(100.0)
    return sum(log) + overridden()


@program
def numbers_in_exceptions(x):
    def safe(fn, v):
        try:
            return fn(v)
        except ZeroDivisionError:
            return v * 2
        except (ValueError, OverflowError) as error:
            return x * len(type(error).__name__)

    return (
        safe(lambda v: 1 / (v - v), x) + safe(lambda v: math.sqrt(-v), x) + safe(math.exp, x * 1e4)
        + safe(lambda v: v**1000, x + 9.0) + safe(lambda v: math.log(v * 0), x) + safe(lambda v: math.acos(v + 1), x)
        + safe(lambda v: v % 0, x)
    )  # fmt: skip


@program
def contexts(x):
    log = []

    @contextlib.contextmanager
    def scaled(k):
        log.append(k)
        try:
            yield k * x
        except ArithmeticError:
            log.append(k * k)
        finally:
            log.append(1.0)

    class Open(contextlib.AbstractContextManager):
        def __exit__(self, *error):
            log.append(x)

    with contextlib.ExitStack() as stack:
        values = [stack.enter_context(scaled(k * x)) for k in (1.0, 2.0)]
        stack.callback(lambda v: log.append(v * v), values[0])
        stack.push(Open())
        y = values[0] * values[1]
        if y > -1e9:
            raise ZeroDivisionError
    with scaled(x) as a, contextlib.suppress(KeyError), Open():
        y = a * y
        raise KeyError
    return y + sum(log)


VARIABLE: contextvars.ContextVar[Any] = contextvars.ContextVar("VARIABLE", default=1.0)


@program
def context_variables(x):
    token = VARIABLE.set(x * 2)

    def run():
        VARIABLE.set(VARIABLE.get() * x)
        return VARIABLE.get()

    y = contextvars.copy_context().run(run)
    y += VARIABLE.get()
    VARIABLE.reset(token)
    return y * VARIABLE.get()


@program
def loops_with_else(x):
    total, k = 0.0, 0
    while (k := k + 1) < 10:
        if k % 2:
            continue
        for j in range(k):
            if x * j > 1.5:
                break
            total += (x if j & 1 else -x * x) ** (j % 3)
        else:
            total += k * x
    else:
        total *= x
    return total if 0 < k < 11 <= 12 else 0.0


class Color(enum.Enum):
    RED = 2.0
    BLUE = 3.0

    def shade(self, x):
        return self.value * math.sin(x)

    @classmethod
    def of(cls, x):
        return cls.RED if x > 0.5 else cls.BLUE


class Level(enum.IntEnum):
    LOW = 1
    HIGH = enum.auto()


@program
def enumerations(x):
    weights = {Color.RED: x, Color.BLUE: x * x}
    return sum(color.shade(x) * weights[color] for color in Color) + Color.of(x).value * x + Level.HIGH * x


# --- the standard library ---------------------------------------------------------------------------------


@program
def text(x):
    out = io.StringIO()
    print(f"{x=:.3f}", "%5.2f" % x, "{:>10}".format(x), file=out)  # noqa: UP031, UP032
    words = out.getvalue().split()
    filled = string.Template("$a and $b").substitute(a=x, b=[x])
    doubled = re.sub(r"\d+", lambda m: str(int(m.group()) * 2), f"{x:.0f}1")
    logging.getLogger("programs").debug("x is %s", x)
    return x * len(words) + len(filled.split()) * x * x + int(doubled) + float("2.5") * x


@program
def json_both_ways(x):
    sent = json.dumps({"x": x, "n": [1, 2], "t": (x,)})
    read = json.loads(sent, object_hook=lambda d: types.SimpleNamespace(**d), parse_int=lambda s: int(s) + 1)
    return x * sum(read.n) + (read.x > 0) * x


@program
def random_numbers(x):
    rng = random.Random(3)
    items = [x * k for k in range(1, 5)]
    rng.shuffle(items)
    chosen = rng.choices(items, weights=[1, 2, 3, 4], k=2) + rng.sample(items, 2) + [rng.choice(items)]
    noise = rng.gauss(0.0, 1.0) * x + rng.uniform(0.0, 1.0)
    return sum(v * w for v, w in zip(chosen, items * 2, strict=False)) + noise + (x if rng.random() < 0.5 else 2 * x)


@program
def statistics_of_numbers(x):
    data = [x, x * x, 2.0, math.sin(x)]
    mean = statistics.fmean(data)
    return mean * sum((v - mean) ** 2 for v in data) + statistics.median([x, 0.1, x * 5])


@program
def copies(x):
    tree = {"w": [x, {"b": x * x}], "f": math.sin}
    other = copy.deepcopy(tree)
    other["w"][1]["b"] *= 2
    shallow = copy.copy(tree)
    shallow["w"].append(x * 3)
    return tree["w"][1]["b"] * other["w"][1]["b"] + len(tree["w"]) * other["f"](other["w"][0]) + tree["w"][-1]


@program
def threads(x):
    results, lock = {}, threading.Lock()
    ready, local = threading.Event(), threading.local()

    def work(k):
        ready.wait(1)
        local.value = math.sin(k * x)
        with lock:
            results[k] = local.value * x

    crowd = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in crowd:
        thread.start()
    ready.set()
    for thread in crowd:
        thread.join()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        mapped = list(pool.map(lambda v: v * x, [x, 2.0]))
        later = pool.submit(math.exp, x)
        return sum(results[k] for k in range(3)) + sum(mapped) * later.result()


@program
def coroutines(x):
    async def slow(v):
        await asyncio.sleep(0)
        return math.exp(v) * x

    async def numbers(n):
        for k in range(n):
            yield k * x

    class Scope:
        async def __aenter__(self):
            return x * 2

        async def __aexit__(self, *error):
            return False

    async def main():
        gathered = await asyncio.gather(slow(x), slow(2 * x))
        async with Scope() as k:
            return sum(gathered) * k + sum([v * v async for v in numbers(3)])

    return asyncio.run(main())


@program
def weak_references(x):
    class Node:
        def __init__(self, v, parent=None):
            self.v = v
            self.parent = None if parent is None else weakref.ref(parent)
            self.children = []
            if parent is not None:
                parent.children.append(self)

        def total(self):
            return self.v + sum(child.total() * self.v for child in self.children)

    root = Node(x)
    child = Node(x * x, root)
    Node(2.0, child)
    return root.total() * child.parent().v


@program
def pickles_of_constants(x):
    kept = pickle.loads(pickle.dumps({"k": [1.5, 2]}))
    return kept["k"][0] * x + sum(kept["k"]) * x * x


@program
def decimals_of_constants(x):
    price = decimal.Decimal("1.25") * 2
    return x * float(price) + x**2


@program
def modules_and_names(x):
    import math as m
    from operator import mul as times

    module = types.ModuleType("made")
    exec("def cube(v): return v * v * v\nK = 2.5", vars(module))
    space = {"x": x, "math": m}
    y = eval("x * 2 + x ** 2", space)
    exec("z = x * 3", space)
    return times(m.sin(x), module.cube(x)) * module.K + y + space["z"] + getattr(m, "cos")(x) + globals()["_two"]()  # noqa: B009


def _two():
    return 2.0


@program
def assignments(x):
    a = b = x
    a += b
    c, d = d0, (e, *f) = ([a], [x, 2.0, x * x])
    (g := x * 2)
    h: float = g
    del g
    y = a * c[0] + d[2] * e + sum(f) + h + d0[0] * (b if (k := x * x) > 0 else k)
    return y + (lambda *v, w=k: sum(v) * w)(x, b)


# --- numbers of NumPy -------------------------------------------------------------------------------------


@program
def arrays_of_numbers(x):
    a = np.array([x, x * x, 1.0])
    m = np.outer(a, a) + np.eye(3) * x
    m[0, 1:] *= 2.0
    m[[0, 2]] = m[[2, 0]]
    m[m > 1.5] += x
    s = np.linalg.solve(m + 3 * np.eye(3), a)
    total = 0.0
    for i, j in np.ndindex(2, 3):
        total += m[i, j] * s[j]
    for _, v in np.ndenumerate(a):
        total += v**2
    return total + np.einsum("i,ij,j", a, m, s) + float(np.max(m)) + np.interp(0.3, [0.0, 1.0], [x, 2.0])


class Network:
    def __init__(self, rng, x):
        self.layers = [{"w": rng.normal(size=(3, 3)) * x, "b": np.full(3, x)} for _ in range(2)]
        self.seen = []

    def __call__(self, v):
        for layer in self.layers:
            v = np.tanh(layer["w"] @ v + layer["b"])
            self.seen.append(v.mean())
        return v

    def decay(self, k):
        for layer in self.layers:
            for name in layer:
                layer[name] *= 1 - k


@program
def objects_with_arrays(x):
    net = Network(np.random.default_rng(1), x)
    a = net(np.ones(3))
    net.decay(x * 0.1)
    b = net(a[::-1])
    return a @ b + sum(net.seen) + np.linalg.norm(net.layers[0]["b"])


@program
def scalars_of_numpy(x):
    s = np.sin(x) * np.float64(2.0)
    t = np.float64(x) ** 2 + np.exp(np.float64(0.5)) * x
    clipped = np.clip(x, 0.0, 0.6)
    return s * t + clipped + np.maximum(x, 0.2) + np.sum([x, 2 * x]) + np.dot(x, 3.0) + np.abs(-x) + np.mean((x, 1.0))
