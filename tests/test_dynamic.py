"""Dynamic mode: what only CPython can run, differentiated.  Each test starts from a program that a user would write."""

from __future__ import annotations

import bisect
import contextlib
import copy
import ctypes
import ctypes.util
import dataclasses
import functools
import gc
import heapq
import io
import itertools
import json
import math
import operator
import queue
import random
import sys
import threading
import warnings
import weakref
from collections import defaultdict, deque, namedtuple
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import zyg


def slope(fn, x, h=1e-6):
    return (fn(x + h) - fn(x - h)) / (2 * h)


def dynamic(fn, argnums=0, **options):
    return zyg.grad(fn, argnums, mode="dynamic", **options)


def check(fn, *points, rtol=1e-6):
    """The gradient by the one argument against differences, and the value against a plain call."""
    for x in points:
        y, g = zyg.value_and_grad(fn, mode="dynamic")(x)
        assert y == fn(x)
        assert type(y) is type(fn(x))
        assert type(g) is float
        assert g == pytest.approx(slope(fn, x), rel=rtol, abs=1e-7)


# --- the example ------------------------------------------------------------------------------------------

FS = {"sin": math.sin, "cos": math.cos, "tan": math.tan}


@pytest.mark.parametrize(
    ("typed", "expected"), [("sin", math.cos(1)), ("cos", -math.sin(1)), ("tan", 1 + math.tan(1) ** 2)]
)
def test_a_function_chosen_by_input(monkeypatch, typed, expected):
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed + "\n"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zyg.DynamicModeWarning)
        assert zyg.gradient(lambda x: FS[input()](x), 1) == pytest.approx(expected, rel=1e-15)


def test_the_warning_comes_once_per_function_and_says_why():
    def opened(x):
        with contextlib.nullcontext(2.0) as k:  # the reason
            return k * x

    with pytest.warns(zyg.DynamicModeWarning) as caught:
        assert zyg.grad(opened)(1.0) == 2.0
        assert zyg.grad(opened)(2.0) == 2.0
        assert zyg.value_and_grad(opened)(2.0) == (4.0, 2.0)
    (warning,) = caught
    assert "opened runs in dynamic mode" in str(warning.message)
    assert "# the reason" in str(warning.message)
    assert warning.filename == __file__


def test_native_mode_refuses_and_runs_nothing():
    ran = []

    def recorded(x):
        ran.append(x)
        with contextlib.nullcontext():
            return x

    with pytest.raises(zyg.UnsupportedError):
        zyg.grad(recorded, mode="native")(1.0)
    assert ran == []
    with pytest.warns(zyg.DynamicModeWarning):
        assert zyg.grad(recorded)(3.0) == 1.0
    assert ran == [3.0]
    assert type(ran[0]) is float


def test_there_are_three_modes():
    with pytest.raises(zyg.ValueArgumentError, match="modes are 'auto', 'native' and 'dynamic'"):
        zyg.grad(math.sin, mode="fast")


# --- containers, strings, arguments -----------------------------------------------------------------------


def test_dictionaries_and_lists():
    def program(x):
        table = {"a": x, "b": [x * x, 2.0], 3: (x, "text")}
        table["c"] = table["a"] * table["b"][0]
        table["b"].append(table.pop("a") + 1)
        table.update(d=math.exp(table["c"]))
        total = sum(v for k, v in table.items() if k in ("c", "d"))
        return total + table["b"][-1] * table[3][0] + table.get("none", 2.5) * x

    check(program, 0.3, -0.7)


def test_sets_and_views_of_dictionaries():
    def program(x):
        seen = {x, x, 2.0}
        d = {"p": x, "q": 2 * x}
        assert d.keys() & {"p"} == {"p"}
        return sum(sorted(seen)) * max(d.values()) + len(seen)

    check(program, 1.5)


def test_positional_keyword_and_star_arguments():
    def f(a, /, b, *rest, c=2.0, **named):
        return a * b + sum(rest) * c + named["d"] * a

    def program(x):
        args, named = (x, x * x), {"d": x, "c": 3.0 * x}
        return f(x, 2.0, *args, **named) + f(*args, d=1.0) + f(b=x, *[x], d=x)  # noqa: B026

    check(program, 0.8, -1.2)


def test_strings_and_output(capsys):
    def program(x):
        text = f"{x:.3f} {x!r:>8}" + " %.2f %s" % (x, {"x": x}) + "{:5.1f}".format(x) + str(x)  # noqa: UP031, UP032
        print("x is", x, text)
        return x * len(text.split())

    check(program, 1.25)
    assert "x is 1.25 1.250     1.25 1.25 {'x': 1.25}  1.21.25" in capsys.readouterr().out


def test_text_is_as_in_a_plain_call():
    def program(x, out):
        out.append((str(x), repr(x), f"{x}", f"{x:.2e}", "%g" % x, "%d" % x, f"{np.sin(x)}", json.dumps({"a": [x]})))  # noqa: UP031
        return x

    plain, tracked = [], []
    program(0.125, plain)
    dynamic(lambda x: program(x, tracked))(0.125)
    assert plain == tracked


# --- classes ----------------------------------------------------------------------------------------------


class Account:
    rate = 0.5

    def __init__(self, balance):
        self.balance = balance
        self.history = []

    def deposit(self, amount):
        self.history.append(amount)
        self.balance += math.sqrt(amount) * self.rate
        return self

    @property
    def worth(self):
        return math.exp(self.balance)

    @worth.setter
    def worth(self, value):
        self.balance = math.log(value)

    @staticmethod
    def bonus(x):
        return math.sin(x)

    @classmethod
    def of(cls, x):
        return cls(x * x)


class Saving(Account):
    rate = 2.0

    def deposit(self, amount):
        super().deposit(amount * amount)
        return super().deposit(amount)


def test_classes_with_mutated_attributes():
    def program(x):
        account = Account.of(x).deposit(x).deposit(2 * x)
        account.worth = account.worth * 2 + account.bonus(x)
        return account.balance + sum(account.history)

    check(program, 0.6, 1.4)


def test_inheritance_and_super():
    check(lambda x: Saving(x).deposit(x).worth + isinstance(Saving(x), Account), 0.4)


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * math.sin(k))

    __rmul__ = __mul__

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __lt__(self, other):
        return math.exp(self.x) < math.exp(other.x)

    def __getitem__(self, i):
        return math.tanh((self.x, self.y)[i])

    def __iter__(self):
        yield math.cos(self.x)
        yield self.y

    def __call__(self, t):
        return math.exp(self.x * t)

    def __len__(self):
        return 2

    def __contains__(self, v):
        return math.floor(self.x) == v

    def __eq__(self, other):
        return math.exp(self.x) == math.exp(other.x)

    __hash__ = None

    def __getattr__(self, name):
        if name == "norm":
            return math.sqrt(self.x**2 + self.y**2)
        raise AttributeError(name)


def test_operators_of_classes():
    def program(x):
        a, b = Vector(x, 2 * x), Vector(x * x, 1.0)
        c = 2.0 * (a + b) * x
        p, q = c
        return abs(c) + p * q + c[0] + c(0.1) + len(c) + min(a, b).y + c.norm + (0 in a) + (a == b)

    check(program, 0.7)


@dataclasses.dataclass
class Point:
    x: float
    y: float = 2.0
    tags: list = dataclasses.field(default_factory=list)
    z: float = dataclasses.field(init=False)

    def __post_init__(self):
        self.z = math.exp(self.x)


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any


def test_dataclasses():
    def program(x):
        p = Point(x, y=x * x)
        q = dataclasses.replace(Frozen(x, p), a=p.z)
        assert dataclasses.asdict(q)["b"]["x"] == x
        return q.a * q.b.y + sum(dataclasses.astuple(Frozen(x, 1.0)))

    check(program, 0.3)


def test_classes_made_inside():
    def program(x):
        class Local(Account):
            scale = x * 2

            def worth2(self):
                return self.worth * self.scale

        Pair = namedtuple("Pair", "a b")
        pair = Pair(x, b=Local(x).worth2())
        return pair.a * pair.b + pair._replace(a=x * x).a

    check(program, 0.4)


class Cached:
    def __init__(self, x):
        self.x = x

    @functools.cached_property
    def value(self):
        return math.sin(self.x)


def test_cached_properties_and_descriptors():
    check(lambda x: (c := Cached(x)).value + c.value * c.x, 0.9)


def test_what_runs_a_method_leaves_it_as_it_was():
    before = Vector.__abs__.__code__, Account.__init__.__code__, Account.worth.fget.__code__
    check(lambda x: abs(Vector(x, x)) + Account(x).worth, 0.9)
    assert before == (Vector.__abs__.__code__, Account.__init__.__code__, Account.worth.fget.__code__)
    with pytest.raises(ZeroDivisionError):
        dynamic(lambda x: abs(Vector(x, x)) / 0)(1.0)
    assert before[0] is Vector.__abs__.__code__


# --- functions --------------------------------------------------------------------------------------------


def test_closures_that_rebind():
    def program(x):
        total = 0.0
        count = 0

        def add(v):
            nonlocal total, count
            total += math.sin(v) * x
            count += 1
            return total

        for k in range(3):
            add(x * k)
        return total * count

    check(program, 0.6)


def test_generators_and_comprehensions():
    def powers(x, n):
        y = 1.0
        for _ in range(n):
            got = yield y
            y *= x if got is None else got

    def delegating(x):
        last = yield from powers(x, 3)
        assert last is None
        yield math.exp(x)

    def program(x):
        g = powers(x, 5)
        first = next(g) + g.send(x * x)
        squares = [math.sin(v) ** 2 for v in powers(x, 4) if v > 0]
        table = {k: v * x for k, v in enumerate(delegating(x))}
        return first + sum(squares) + sum(table.values()) + sum(v * v for v in {x, 2 * x}) + max(delegating(x))

    check(program, 0.5, 1.3)


def test_map_filter_zip_reduce_sorted():
    def program(x):
        items = [x, 2 * x, x * x, 0.1]
        a = sum(map(math.sin, items)) + sum(map(operator.mul, items, items[1:]))
        b = functools.reduce(lambda p, q: p * q + 1, filter(lambda v: v > 0.2, items))
        c = sum(i * v * w for i, (v, w) in enumerate(zip(items, reversed(items), strict=True)))
        d = sorted(items, key=lambda v: -math.cos(v))[0] * max(items, key=math.exp) * min(items, key=lambda v: v)
        items.sort(key=math.sin)
        e = list(itertools.accumulate(items, lambda p, q: p * math.cos(q)))[-1]
        f = functools.partial(math.atan2, x)(2.0) + sum(itertools.starmap(math.hypot, [(x, 1.0)]))
        return a + b + c + d + e + f + functools.reduce(operator.mul, items) + operator.itemgetter(1)(items)

    check(program, 0.7, 1.1)


def test_recursion_over_nested_data():
    def total(data, x):
        match data:
            case {"op": "mul", "args": [a, b]}:
                return total(a, x) * total(b, x)
            case {"op": str(name), "args": [a]}:
                return getattr(math, name)(total(a, x))
            case [first, *rest]:
                return total(first, x) + (total(rest, x) if rest else 0.0)
            case "x":
                return x
            case Point(x=px, y=py):
                return px * x + py
            case int() | float() as number:
                return number
        raise TypeError(data)

    tree = {"op": "mul", "args": ["x", {"op": "sin", "args": [["x", 2, "x", Point(3.0, 4.0)]]}]}
    check(lambda x: total(tree, x), 0.4)


def test_isinstance_and_type_see_plain_values():
    def program(x):
        assert isinstance(x, float)
        assert not isinstance(x, (int, complex))
        assert type(x) is float
        assert x.__class__ is float
        assert type(x).__name__ == "float"
        assert isinstance([x], list)
        assert float(x) == x
        assert int(x) == 1
        assert round(x) == 2
        assert round(x, 1) == 1.6
        assert math.floor(x) == 1
        assert bool(x)
        assert x == 1.625
        assert hash(x) == hash(1.625)
        assert {1.625: "hit"}[x] == "hit"
        assert x.is_integer() is False
        assert divmod(x, 1)[0] == 1
        assert [10, 20, 30][int(x)] == 20
        return x * int(x) if isinstance(x, float) else 0.0

    assert dynamic(program)(1.625) == 1.0


@functools.singledispatch
def size(v):
    raise TypeError(type(v))


@size.register
def _(v: float):
    return math.exp(v)


@size.register(list)
def _(v):
    return sum(size(item) for item in v)


def test_single_dispatch_and_caches():
    @functools.lru_cache
    def cached(v, k):
        return math.sin(v) * k

    check(lambda x: size([x, [x * x]]) + cached(x, 2) + cached(x, 2) * cached(0.5, 1), 0.3)


def test_decorators():
    def twice(fn):
        @functools.wraps(fn)
        def wrapped(*args, **kws):
            return fn(fn(*args, **kws))

        return wrapped

    @twice
    def inner(v):
        return math.sin(v) + v

    check(lambda x: inner(x), 0.3)


# --- exceptions and contexts ------------------------------------------------------------------------------


def test_try_except_else_finally():
    def program(x):
        log = []
        try:
            math.log(-abs(x))
        except ValueError as error:
            y = x * len(type(error).__name__)
        else:
            y = 0.0
        finally:
            log.append(x * x)
        try:
            y *= math.exp(x)
        except ArithmeticError:
            y = 0.0
        else:
            y += {}.get("k", x)
        try:
            [][0]
        except (KeyError, IndexError):
            y += log[0]
        return y

    check(program, 0.6)


def test_the_raising_path_of_an_exception_with_a_value():
    class Stop(Exception):
        def __init__(self, value):
            super().__init__("stop", value)
            self.value = math.sin(value)

    def search(x):
        for k in range(10):
            if k * x > 2:
                raise Stop(k * x)

    def program(x):
        try:
            search(x)
        except Stop as stop:
            return stop.value * stop.args[1]

    check(program, 0.9)


@contextlib.contextmanager
def scaled(x):
    k = math.exp(x)
    try:
        yield k
    finally:
        k = None


class Guard:
    def __init__(self, x):
        self.x, self.log = x, []

    def __enter__(self):
        return math.sin(self.x)

    def __exit__(self, kind, error, trace):
        self.log.append(math.cos(self.x))
        return kind is KeyError


def test_with_blocks():
    def program(x):
        guard = Guard(x)
        with scaled(x) as k, guard as s:
            y = k * s
            raise KeyError("swallowed")
        return y + guard.log[0]

    check(program, 0.3)


def test_exceptions_keep_type_message_and_line():
    def program(x):
        table = {"a": x}
        return table["missing"]  # raises

    with pytest.raises(KeyError, match="missing") as raised:
        dynamic(program)(1.0)
    frames = [entry for entry in raised.traceback if "zyg/dynamic" in str(entry.path)]
    assert "# raises" in str(raised.traceback[-1].statement)
    assert len(frames) <= 3  # those that called the program

    with pytest.raises(ValueError, match=r"math domain error|nonnegative") as raised:
        dynamic(lambda x: math.sqrt(x))(-1.0)
    assert "math.sqrt(x)" in str(raised.traceback[-1].statement)


# --- the rest of Python -----------------------------------------------------------------------------------


def test_random_numbers():
    def program(x):
        generator = random.Random(3)
        return sum(generator.gauss(x, 1 + x * x) for _ in range(3)) + generator.uniform(0, x) * generator.random()

    check(program, 0.7)


def test_json():
    def program(x, out):
        config = json.loads('{"k": 2.5, "terms": ["sin", "exp"]}')
        out.append(json.dumps({"x": x, "l": [x, 1]}))
        return config["k"] * sum(getattr(math, name)(x) for name in config["terms"])

    out = []
    y, g = zyg.value_and_grad(program, mode="dynamic")(0.5, out)
    assert y == program(0.5, [])
    assert g == pytest.approx(2.5 * (math.cos(0.5) + math.exp(0.5)))
    assert json.loads(out[0]) == {"x": 0.5, "l": [0.5, 1]}


def test_threads_and_queues():
    def program(x):
        results, tasks = queue.Queue(), queue.SimpleQueue()

        def work():
            while (k := tasks.get()) is not None:
                results.put((k, math.sin(k * x)))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for k in range(6):
            tasks.put(k)
        for _ in threads:
            tasks.put(None)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = dict(results.get() for _ in range(6))
        return sum(found[k] * (k + 1) for k in sorted(found))

    check(program, 0.8)


def test_copies():
    def program(x):
        data = {"a": [x, 1], "p": Point(x)}
        one, two = copy.deepcopy(data), copy.copy(data)
        one["a"][0] *= 3
        one["p"].x += data["p"].x
        return one["a"][0] * two["a"][0] + one["p"].x * data["p"].x

    check(program, 0.8)


def test_deque_defaultdict():
    def program(x):
        d, q = defaultdict(lambda: x * 2), deque(maxlen=2)
        for k in "abca":
            d[k] += math.sin(x)
            q.append(d[k])
        return sum(d.values()) * q[0] + q.popleft()

    check(program, 0.8)


def test_two_functions_at_once_in_threads():
    def program(x):
        y = 0.0
        for k in range(200):
            y += math.sin(k * x) * abs(Vector(x, k))
        return y

    expected = dynamic(program)(0.3)
    found = []
    threads = [threading.Thread(target=lambda: found.append(dynamic(program)(0.3))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


# --- what is left behind ----------------------------------------------------------------------------------

HISTORY: list[Any] = []
STATE: dict[str, Any] = {}


def test_values_that_outlive_the_call_are_plain():
    holder = Point(1.0)
    kept = []

    def program(x):
        HISTORY.append(x * 2)
        HISTORY.append(("step", [x]))
        STATE["last"] = x * x
        holder.x = x + 1
        kept.append({x, 3.0})
        kept.append(functools.partial(pow, x))
        kept.append((frozenset([x]), {x: x}))
        return math.exp(x)

    HISTORY.clear()
    dynamic(program)(0.5)
    assert HISTORY == [1.0, ("step", [0.5])]
    assert type(HISTORY[0]) is type(STATE["last"]) is type(holder.x) is float
    assert type(HISTORY[1][1][0]) is float
    assert {type(v) for v in (*kept[0], *kept[1].args, *kept[2][0], *kept[2][1])} == {float}
    assert json.dumps([HISTORY[0], STATE["last"], holder.x]) == "[1.0, 0.25, 1.5]"


Row = namedtuple("Row", "step values")


def test_what_stays_near_is_found_without_a_search_through_memory(monkeypatch):
    def none(*_):
        raise AssertionError("all objects are looked at")

    model = Point(1.0)
    model.log = []

    def keeps(x):
        def factorial(n):  # holds itself
            return x if n == 0 else n * factorial(n - 1)

        y = factorial(3)
        HISTORY.append(Row(1, (y, [x])))
        model.log.append(y * 2)
        model.x = y
        return y * x

    def moves(point, dt):
        for _ in range(3):
            point.x += point.x * dt
        point.log = [point.x]
        return point.x

    dynamic(keeps)(0.5)  # the collector runs while code is rewritten
    HISTORY.clear()
    model.log.clear()
    gc.collect()
    monkeypatch.setattr("zyg.dynamic.leaks._strip", none)
    assert dynamic(keeps)(0.5) == 6.0
    assert (len(HISTORY), HISTORY[0].values) == (1, (3.0, [0.5]))
    assert type(HISTORY[0]) is Row
    kept = [HISTORY[0].values[0], HISTORY[0].values[1][0], model.log[0], model.x]
    moved = Point(1.0)
    assert dynamic(moves, 1)(moved, 0.5) == pytest.approx(3 * 1.5**2)
    assert {type(v) for v in (*kept, moved.x, moved.log[0])} == {float}


def test_nested_functions_are_freed():
    def program(x):
        data = np.ones(3)
        alive.append(weakref.ref(data))

        def inner():
            return np.sum(data) * x

        def recursive(n):
            return inner() + data.sum() * 0.0 if n == 0 else recursive(n - 1)

        return recursive(2)

    alive = []
    assert dynamic(program)(2.0) == 3.0
    gc.collect()  # the recursive one holds itself
    assert alive[0]() is None


def test_what_a_generator_keeps_behaves_as_a_number():
    def numbers(x):
        while True:
            yield x
            x = x * 2

    made = []

    def program(x):
        made.append(numbers(x))
        return next(made[0]) * x

    assert dynamic(program)(3.0) == 6.0
    left = next(made[0])
    assert left == 6.0
    assert math.sin(left) == math.sin(6.0)
    assert [1, 2][int(left) - 6] == 1
    assert left + 1 == 7.0
    assert np.asarray(left) == 6.0


def test_a_number_cannot_lose_its_derivative_silently():
    code = compile("import math\ndef hidden(x): return math.sin(x)", "hidden.py", "exec")

    def program(x):
        space = {}
        exec(code, space)
        return eval("hidden(x)", space, {"x": x})

    with pytest.raises(zyg.DifferentiationError, match="the derivative would be lost"):
        dynamic(program)(1.0)


def test_refusals_that_the_function_catches_are_raised_all_the_same():
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    libm.erf.restype, libm.erf.argtypes = ctypes.c_double, [ctypes.c_double]

    def suppressed(x):
        with contextlib.suppress(Exception):
            bisect.bisect([0.0, 1.0], libm.erf(x))
        return x * x

    def replaced(x):
        try:
            return libm.erf(x)
        except zyg.ZygError as error:
            raise RuntimeError("no value") from error

    for fn in (suppressed, replaced):
        for g in (dynamic(fn), dynamic(dynamic(fn))):
            with pytest.raises(zyg.DifferentiationError, match=r"erf has no derivative rule"):
                g(0.5)
    for _ in range(2):  # C code that calls back says something else
        with pytest.raises(zyg.DifferentiationError, match="brentq") as caught_error:
            dynamic(lambda x: scipy.optimize.brentq(lambda z: z**3 - x, 0.0, 2.0))(0.5)
        assert "brentq(lambda" in str(caught_error.value)


def test_a_c_function_without_a_rule():
    def program(x):
        return math.nextafter(1.0, 2.0) * x + sum(struct_of(x))

    def struct_of(x):
        import array

        return array.array("d", [x])  # no rule

    with pytest.raises(zyg.DifferentiationError) as raised:
        dynamic(program)(1.0)
    text = str(raised.value)
    assert "array.array has no derivative rule" in text
    assert f'File "{__file__}"' in text
    assert 'return array.array("d", [x])  # no rule' in text
    assert "@zyg.adjoint" in text
    assert "zyg.stop_gradient" in text
    assert dynamic(lambda x: x * sum(struct_of(zyg.stop_gradient(x))))(3.0) == 3.0


# --- results ----------------------------------------------------------------------------------------------


def test_gradients_of_structures():
    def program(p):
        return p["w"] * p["layers"][0]["b"] ** 2 + p["pair"][0] * p["point"].x + p["n"] * p["w"] + p["frozen"].a

    params = {
        "w": 2.0,
        "layers": [{"b": 3.0, "name": "first"}],
        "pair": (4.0, 5),
        "point": Point(6.0),
        "n": 7,
        "frozen": Frozen(1.0, "text"),
        "none": None,
    }
    found = dynamic(program)(params)
    assert type(found["point"]) is Point
    assert (found["point"].x, found["point"].y, found["point"].z, found["point"].tags) == (4.0, 0.0, 0.0, [])
    assert found["frozen"] == Frozen(1.0, None)
    assert {k: v for k, v in found.items() if k not in ("point", "frozen")} == {
        "w": 16.0,
        "layers": [{"b": 12.0, "name": None}],
        "pair": (6.0, None),
        "n": None,
        "none": None,
    }
    assert params["point"].x == 6.0


def test_gradients_of_objects_and_functions():
    account = Account(2.0)
    found = dynamic(lambda a: a.worth * a.balance)(account)
    assert found.balance == pytest.approx(3 * math.exp(2.0))
    assert vars(found).keys() == {"balance", "history"} or vars(found).keys() == {"balance"}

    def made(k, name):
        return lambda x: k * x if name else x

    found = dynamic(lambda f: f(3.0) ** 2)(made(2.0, "n"))
    assert found.k == 36.0
    assert dynamic(lambda f, x: f(x), 0)(math.sin, 1.0) is None
    assert dynamic(lambda t, x: x, 0)("text", 1.0) is None


def test_arguments_that_are_written():
    def program(p, items, account):
        p["w"] = p["w"] * 2
        p["new"] = p["w"] * 3
        items.append(p["new"])
        items[0] = 5.0
        account.balance = account.balance * p["w"]
        account.count = 3
        return p["w"] * p["new"] + account.balance + sum(items)

    p, items, account = {"w": 1.5}, [1.0, 2.0], Account(2.0)
    plain = {"w": 1.5}, [1.0, 2.0], Account(2.0)
    y = program(*plain)
    value, (dp, ditems, daccount) = zyg.value_and_grad(program, (0, 1, 2), mode="dynamic")(p, items, account)
    assert value == y
    assert (p, items, vars(account)) == (plain[0], plain[1], vars(plain[2]))
    assert all(type(v) is float for v in (*p.values(), *items, account.balance))
    assert dp == {"w": pytest.approx(2 * 2 * 6 * 1.5 + 2 * 2.0 + 6)}
    assert ditems == [0.0, 1.0]
    assert daccount.balance == 3.0


def test_a_list_that_is_held_twice():
    shared = [1.0]
    program = {"a": shared, "b": shared}
    assert dynamic(lambda p: p["a"][0] * 2 + p["b"][0] * 3)(program) == {"a": [2.0], "b": [3.0]}
    with pytest.raises(zyg.DifferentiationError, match="a list is changed that is reached in two ways"):
        dynamic(lambda p: p["a"].append(p["b"][0]) or p["b"][-1])(program)
    assert shared == [1.0]
    with pytest.raises(zyg.DifferentiationError, match="a list is changed that is reached in two ways"):
        dynamic(lambda p: shared.append(2.0) or p[-1])(shared)
    loop: list[Any] = [2.0]
    loop.append(loop)
    found = dynamic(lambda p: p[0] * p[1][1][0])([loop, loop][0])
    assert found[0] == 4.0


def test_results_keep_their_identity():
    kept: list[Any] = []

    def program(x, p):
        kept.append(x)
        return x * p["w"], (kept, p, [x])

    p = {"w": 2.0}
    _, (same, also, made) = zyg.grad(program, (0, 1), has_aux=True, mode="dynamic")(3.0, p)
    assert same is kept
    assert also is p
    assert kept == made == [3.0]
    assert type(kept[0]) is type(made[0]) is float


def test_exceptions_carry_plain_values():
    log: list[Any] = []

    def program(x):
        log.append(x)
        raise ValueError("bad", x * 2)

    with pytest.raises(ValueError, match="bad") as raised:
        dynamic(program)(1.5)
    assert raised.value.args == ("bad", 3.0)
    assert type(raised.value.args[1]) is type(log[0]) is float


def test_heaps_and_sorted_lists():
    def program(x):
        heap: list[Any] = []
        for k in range(4):
            heapq.heappush(heap, (math.sin(k * x), k))
        tasks: queue.PriorityQueue[Any] = queue.PriorityQueue()
        for item in heap:
            tasks.put(item)
        values = [0.1, 0.5]
        bisect.insort(values, x)
        return heapq.heappop(heap)[0] + tasks.get()[0] * tasks.get()[0] + values[1] * values[2]

    check(program, 0.8, 0.3)


def test_result_types():
    assert dynamic(lambda x: 5 * x + 3)(10) == 5
    assert type(dynamic(lambda x: 5 * x + 3)(10)) is int
    assert dynamic(math.sin)(1) == math.cos(1)
    assert type(dynamic(lambda x: 3 * x)(2.0)) is float
    assert type(dynamic(lambda x, y: 3 * x, 1)(2.0, 3.0)) is float
    assert dynamic(lambda z: abs(z) ** 2)(3 + 4j) == pytest.approx(6 + 8j)
    assert dynamic(lambda z: (z * z).real)(1 + 2j) == pytest.approx(2 - 4j)
    assert zyg.pullback(lambda z: z**3, 1 + 2j, mode="dynamic")[1](1)[0] == pytest.approx(
        (3 * (1 + 2j) ** 2).conjugate()
    )
    assert dynamic(lambda x: x * 1.0)(np.float64(2.0)) == 1.0


def test_errors_of_results_and_arguments():
    with pytest.raises(zyg.ArgumentError, match="real number"):
        dynamic(lambda x: (x, x))(1.0)
    with pytest.raises(zyg.ArgumentError, match="real number"):
        dynamic(lambda x: x * 1j)(1.0)
    with pytest.raises(zyg.ArgumentError, match="real number"):
        dynamic(lambda x: x * np.ones(2))(1.0)
    assert dynamic(lambda x: x * 2.0)(True) is None
    with pytest.raises(zyg.ValueArgumentError, match="argnums 3 is out of range"):
        dynamic(lambda x: x, 3)(1.0)
    with pytest.raises(TypeError):
        dynamic(lambda x: x)(1.0, 2.0)


def test_aux_argnums_and_argnames():
    def program(a, b, *, c=1.0):
        return a * b * b, {"c": [a, c]}

    assert zyg.grad(program, (0, 1), has_aux=True, mode="dynamic")(2.0, 3.0) == ((9.0, 12.0), {"c": [2.0, 1.0]})
    (y, aux), g = zyg.value_and_grad(program, argnames="b", has_aux=True, mode="dynamic")(2.0, b=3.0)
    assert (y, aux, g) == (18.0, {"c": [2.0, 1.0]}, 12.0)
    assert type(aux["c"][0]) is float
    assert zyg.grad(lambda a, b: a * b, -1, mode="dynamic")(2.0, 3.0) == 2.0


def test_pullbacks_run_often_and_structures():
    def program(x, y):
        return {"a": x * y, "b": [x + y, "text"], "c": (y * y, 3)}

    value, back = zyg.pullback(program, 2.0, 3.0, mode="dynamic")
    assert value == {"a": 6.0, "b": [5.0, "text"], "c": (9.0, 3)}
    assert back({"a": 1.0, "b": [0.0, None], "c": (0.0, None)}) == (3.0, 2.0)
    assert back({"a": 0.0, "b": [1.0, None], "c": (1.0, None)}) == (1.0, 7.0)
    with pytest.raises(zyg.ValueArgumentError):
        back(1.0)


def test_forward_mode():
    def program(x, p):
        with contextlib.nullcontext():
            return {"y": math.sin(x) * p["k"]}, [x]

    y, dy = zyg.jvp(program, (0.5, {"k": 2.0}), (1.0, {"k": 3.0}), mode="dynamic")
    assert y == ({"y": math.sin(0.5) * 2.0}, [0.5])
    assert dy[0]["y"] == pytest.approx(2 * math.cos(0.5) + 3 * math.sin(0.5))
    assert dy[1] == [1.0]


# --- custom rules and stops -------------------------------------------------------------------------------


class Solver:
    def solve(self, x):
        return float(str(math.sqrt(float(str(x)))))


def external(x, y=1.0):
    return float(f"{x * x * y}")


@zyg.adjoint(external)
def _(x, y=1.0):
    return x * x * y, lambda dy: (2 * x * y * dy, x * x * dy)


@zyg.adjoint(Solver.solve)
def _(self, x):
    root = x**0.5

    def back(dy):
        return None, dy / (2 * root)

    return root, back


def test_custom_rules():
    def program(x):
        y = 0.0
        for k in range(1, 3):
            y += external(k * x, 1.0) * {"f": external}["f"](x, y=x)
        return y + Solver().solve(x)

    expected = slope(lambda x: sum((k * x) ** 2 * x**3 for k in (1, 2)) + math.sqrt(x), 0.7)
    assert dynamic(program)(0.7) == pytest.approx(expected, rel=1e-6)
    second = slope(lambda x: 25 * x**4 + 0.5 / math.sqrt(x), 0.7)
    assert dynamic(dynamic(program))(0.7) == pytest.approx(second, rel=1e-6)


def test_wrong_custom_rules_name_the_call():
    def broken(x):
        return x

    zyg.adjoint(broken)(lambda x: (x, lambda dy: (dy, dy)))

    def program(x):
        return broken(x) * 2.0  # called here

    with pytest.raises(zyg.ValueArgumentError, match="gives 2 cotangents for 1 argument") as raised:
        dynamic(program)(1.0)
    assert "# called here" in str(raised.value)

    def failing(x):
        return x

    @zyg.adjoint(failing)
    def _(x):
        def back(dy):
            return dy / 0  # fails

        return x, back

    with pytest.raises(ZeroDivisionError) as failed:
        dynamic(lambda x: failing(x))(1.0)
    assert "# fails" in str(failed.traceback[-1].statement)
    if sys.version_info >= (3, 11):
        assert "in the pullback of failing, called at" in failed.value.__notes__[0]


def test_stops():
    cut = zyg.nograd(lambda t: {"v": [t * t]})
    assert dynamic(lambda x: x * cut(x)["v"][0])(3.0) == 9.0
    assert dynamic(lambda x: x * zyg.stop_gradient(x))(3.0) == 3.0
    assert dynamic(lambda x: x * zyg.ignore(lambda: math.exp(x)))(1.0) == math.exp(1.0)
    a = np.array([1.0, 2.0])
    assert np.array_equal(dynamic(lambda x: np.sum(x * zyg.stop_gradient(x)))(a), a)


def test_hooks_and_checkpoints(capsys):
    assert dynamic(lambda x: zyg.hook(lambda dy: 10 * dy, x) ** 2)(3.0) == 60.0
    assert dynamic(lambda x: zyg.showgrad(x) ** 2)(3.0) == 6.0
    assert capsys.readouterr().out == "∂ = 6.0\n"
    assert dynamic(lambda x: x * 2 if zyg.isderiving() else x)(1.0) == 2.0
    calls = []

    @zyg.checkpoint
    def cubed(x, k=1.0):
        calls.append(1)
        return [x**3 * k]

    assert dynamic(lambda x: cubed(x)[0] * cubed(x, k=x)[0])(2.0) == 7 * 2.0**6
    assert len(calls) == 4
    assert dynamic(dynamic(lambda x: cubed(x)[0]))(2.0) == 12.0

    def capturing(x):
        return zyg.checkpoint(lambda y: x * y)(2.0 * x)

    assert dynamic(capturing)(3.0) == 12.0

    def hiding(x):
        STATE["hidden"] = x
        return zyg.checkpoint(lambda y: STATE["hidden"] * y)(x)

    with pytest.raises(zyg.DifferentiationError, match="none of its arguments"):
        dynamic(hiding)(3.0)
    writing = zyg.checkpoint(lambda a: a.fill(0.0) or np.sum(a))
    with pytest.raises(ValueError, match="read-only"):
        dynamic(lambda a: writing(a))(np.ones(2))


# --- higher order -----------------------------------------------------------------------------------------


def test_second_and_third_derivatives():
    def program(x):
        table = {"y": math.sin(x)}
        with contextlib.nullcontext():
            return table["y"] * math.exp(x) / (1 + x * x) + x**3

    g = dynamic(program)
    check(g, 0.4, rtol=1e-5)
    check(dynamic(g), 0.4, rtol=1e-5)


def test_levels_are_told_apart():
    # The inner derivative must not see the outer variable as its own.
    assert dynamic(lambda x: x * dynamic(lambda y: x + y)(1.0))(2.0) == 1.0
    assert dynamic(lambda x: x * dynamic(lambda y: x * y)(1.0))(2.0) == 4.0
    assert dynamic(lambda x: dynamic(lambda y: x * y * y)(x))(3.0) == 12.0
    assert dynamic(lambda x: x * zyg.gradient(lambda y: y * y * x, 2.0))(3.0) == 24.0

    left = []

    def inner(y, x):
        left.append(x * y)
        return y * y

    def outer(x):
        dynamic(inner)(2.0, x)
        return left[-1] * x

    assert dynamic(outer)(3.0) == 2 * 2.0 * 3.0


def test_jacobians_and_hessians_of_dynamic_functions():
    def program(x):
        with contextlib.suppress(KeyError):
            return np.array([x[0] * x[1], math.sin(x[0])])

    x = np.array([0.5, 2.0])
    expected = np.array([[2.0, 0.5], [math.cos(0.5), 0.0]])

    def scalar(x):
        with contextlib.suppress(KeyError):
            return x[0] ** 2 * x[1] ** 3

    second = np.array([[2 * 8.0, 6 * 0.5 * 4.0], [6 * 0.5 * 4.0, 6 * 0.25 * 2.0]])
    with pytest.warns(zyg.DynamicModeWarning):
        assert np.allclose(zyg.jacobian(program)(x), expected)
    with pytest.warns(zyg.DynamicModeWarning):
        assert np.allclose(zyg.hessian(scalar)(x), second)
        assert np.allclose(zyg.hvp(scalar)(x, np.array([1.0, 2.0])), second @ [1.0, 2.0])
        assert np.allclose(zyg.diaghessian(scalar)(x), np.diag(second))


def test_what_does_not_move_has_no_part_in_forward_mode() -> None:
    """The derivative by the exponent of a negative number is nan."""
    assert zyg.jvp(lambda x, n: x**n, (-1.7, 4), (1.0, 0), mode="dynamic")[1] == pytest.approx(4 * (-1.7) ** 3)
