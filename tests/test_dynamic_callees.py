"""Functions that dynamic mode calls and native code runs: the same values, classes, exceptions and derivatives."""

from __future__ import annotations

import contextlib
import math
import traceback
import warnings
from typing import Any

import numpy as np
import pytest

import zyg
from zyg.dynamic import callees, native_functions


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Native code is tried at the second call."""
    monkeypatch.setattr(callees, "WORTH", 1)
    monkeypatch.setattr(callees, "EACH", 0)


def runs(fn):
    """How often native code ran a function, and how often it gave up; None where it was refused or not tried."""
    known = callees.CALLEES.get(id(fn.__code__))
    found = [native for native in known.native.values() if native is not None] if known else []
    return (sum(n.runs for n in found), sum(n.given_up for n in found)) if found else None


def plainly(fn):
    """The value and gradient with everything run by CPython."""

    def run(*args):
        before, callees.WORTH = callees.WORTH, math.inf
        try:
            return fn(*args)
        finally:
            callees.WORTH = before

    return run


def same(program, *args, argnums=0):
    """Several derivatives, the later ones with native code, against CPython's."""
    derivative = zyg.value_and_grad(program, argnums, mode="dynamic")
    y, g = plainly(derivative)(*args)
    for _ in range(3):
        value, slope = derivative(*args)
        assert type(value) is type(y)
        assert value == pytest.approx(y, rel=1e-13)
        assert np.allclose(np.asarray(slope, float), np.asarray(g, float), rtol=1e-11, atol=1e-13)


SCALE = 1.5


def series(x, n, k=2.0):
    total = 0
    for i in range(n):
        total += math.sin(x * i) * SCALE / k
    return total


def test_a_function_with_a_loop_is_run_by_native_code():
    def program(x):
        return series(x, 5) * series(x, n=4, k=x) + series(k=3.0, x=x, n=2)

    same(program, 0.7)
    ran, given_up = runs(series)
    assert ran > 4
    assert given_up == 0


def test_what_is_short_is_not_compiled(monkeypatch):
    monkeypatch.setattr(callees, "WORTH", 50_000)

    def loop(x):
        y = x
        for _ in range(100):
            y = math.sin(y)
        return y

    zyg.grad(lambda x: loop(x) + loop(x), mode="dynamic")(1.0)
    assert runs(loop) is None


def test_a_refusal_is_remembered(monkeypatch):
    tried = []
    attempt = callees.tried
    monkeypatch.setattr(callees, "tried", lambda *args: tried.append(args[0].fn.__name__) or attempt(*args))

    def untyped(x, n):
        table = {}
        for i in range(n):
            table[str(i)] = x * i
        return sum(table.values())

    same(lambda x: untyped(x, 3) * untyped(x, 4) * untyped(x, 5), 0.5)
    assert tried == ["untyped"]


def test_zero_rounds_give_an_int():
    def program(x, seen):
        seen.append((series(x, 0), type(series(x, 0))))
        return x * series(x, 3) + series(x, 0)

    for _ in range(3):
        seen: list[Any] = []
        zyg.grad(program, mode="dynamic")(0.3, seen)
        assert seen == [(0, int)]


def element_sum(a, b):
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b * a[i]
    return total / len(a)


def running(a, k):
    y = np.zeros(len(a))
    for i in range(len(a)):
        y[i] = a[i] * k
        if i > 0:
            y[i] += y[i - 1] * 0.5
    return y, y[-1], len(a)


def test_numbers_are_of_the_class_that_cpython_gives():
    classes = []

    def program(x, a):
        s, (y, last, n) = element_sum(a, x), running(a, x)
        classes.append((type(series(x, 3)), type(s), type(y), type(last), type(n), y.dtype))
        return s * np.sum(y) + last / n + element_sum(y, 2.0)

    same(program, 0.7, np.linspace(0.2, 1.0, 5), argnums=0)
    same(program, 0.7, np.linspace(0.2, 1.0, 5), argnums=1)
    assert set(classes) == {(float, np.float64, np.ndarray, np.float64, int, np.dtype(float))}
    assert runs(element_sum)[0] > 0
    assert runs(running)[0] > 0


def test_a_number_of_unknown_class_is_left_to_cpython():
    def either(a, x, first):
        y = x if first else a[0]
        for _ in range(3):
            y = y * 1.25
        return y

    def program(x, a, seen):
        seen.append((type(either(a, x, True)), type(either(a, x, False))))
        return either(a, x, True) * either(a, x, False)

    for _ in range(3):
        seen: list[Any] = []
        zyg.grad(program, mode="dynamic")(0.7, np.array([0.3]), seen)
        assert seen == [(float, np.float64)]


def test_exceptions_are_cpythons():
    def logarithms(x):
        y = 0.0
        for i in range(3):
            y += math.log(x - i)  # fails
        return y

    def program(x):
        try:
            return logarithms(x)
        except ValueError as error:
            lines = [frame.line for frame in traceback.extract_tb(error.__traceback__)]
            assert any("y += math.log(x - i)  # fails" in line for line in lines)
            return x * len(str(error))

    same(program, 5.5)
    same(program, 1.5)
    same(program, 5.5)
    assert runs(logarithms)[1] > 0

    def hidden(x):  # infinite inside, finite in the end
        y = 0.0
        for i in range(3):
            y += 1.0 / math.exp(x * i)
        return y

    def overflowing(x):
        try:
            return hidden(x) * x
        except OverflowError:
            return x * 7

    same(overflowing, 0.5)
    same(overflowing, 700.0)
    assert zyg.grad(overflowing, mode="dynamic")(700.0) == 7.0

    def asserted(x):
        for i in range(3):
            assert x > i, f"{x} is not above {i}"
        return x * x

    for _ in range(3):
        with pytest.raises(AssertionError, match=r"1\.5 is not above 2"):
            zyg.grad(lambda x: asserted(x), mode="dynamic")(1.5)


def test_ints_do_not_wrap():
    def powers(x, n):
        k = 1
        for _ in range(n):
            k = k * 3
        return x / k

    def added(x, n):
        a, b = 0, 1
        for _ in range(n):
            a, b = b, a + b
        return x / b

    same(lambda x: powers(x, 50) + powers(x, 20) * added(x, 100) + added(x, 30), 0.7)
    exact = 1 / 3**50
    assert zyg.grad(lambda x: powers(x, 50), mode="dynamic")(0.7) == exact
    huge = 2**70

    def with_huge(x, k):
        for _ in range(2):
            x = x / k
        return x

    same(lambda x: with_huge(x, huge) * 1e30 + with_huge(x, 3), 0.7)


def test_writes_and_identity():
    def doubled(a):
        for i in range(len(a)):
            a[i] = a[i] * 2.0
        return a

    def part(a):
        n = 0
        for i in range(2):
            n += i
        return a[n:]

    def program(x, a):
        b = a * x
        assert doubled(b) is b
        view = part(b)
        view[0] = x * x
        assert b[1] == x * x
        return np.sum(b) * view[1]

    same(program, 0.7, np.array([1.0, 2.0, 3.0]))


def test_captured_values_that_are_differentiated():
    kept = np.zeros(3)

    def reads(x):
        y = 0.0
        for i in range(3):
            y += kept[i] * x
        return y

    def program(x):
        def inner(n):
            y = 1.0
            for _ in range(n):
                y = y * x
            return y

        def mixed(v, n):
            y = v
            for _ in range(n):
                y = y * x
            return y

        a = inner(2) * mixed(x, 3) + mixed(2.0 * x, 2)
        before = reads(x)
        kept[:] = [x, 2.0, x * x]
        after = reads(x)
        kept[1] = 0.5 * x
        return a + before * 2 + after * 3 + reads(x) * 5

    for x in (0.7, 0.9):
        kept[:] = 1.0
        expected = plainly(zyg.grad(program, mode="dynamic"))(x)
        kept[:] = 1.0
        assert zyg.grad(program, mode="dynamic")(x) == pytest.approx(expected, rel=1e-12)
        kept[:] = 1.0
        assert zyg.grad(program, mode="dynamic")(x) == pytest.approx(expected, rel=1e-12)


FACTOR = 2.0
ROW = np.array([1.0, 2.0])


def test_captured_values_that_change():
    global FACTOR

    def scaled(x):
        y = 0.0
        for i in range(2):
            y += x * FACTOR * ROW[i]
        return y

    def program(x):
        global FACTOR
        FACTOR = 2.0
        ROW[:] = 1.0, 2.0
        a = scaled(x)
        FACTOR = 3.0
        b = scaled(x)
        ROW[0] = 10.0  # the derivatives are those of what was then
        c = scaled(x)
        FACTOR, ROW[1] = 100.0, 100.0
        return a * b * c

    same(program, 0.7)
    assert runs(scaled)[0] > 0
    FACTOR = 2.0


def test_functions_as_arguments_and_closures():
    def simpson(f, a, b, n):
        h = (b - a) / n
        total = f(a) + f(b)
        for i in range(1, n):
            total += f(a + i * h) * (4 if i % 2 else 2)
        return total * h / 3

    def program(x):
        k = 2.5

        def inner(t):
            return math.exp(-k * t)

        return simpson(math.sin, 0.0, x, 6) + simpson(inner, x, 2.0, 4) + simpson(lambda t: t * x, 0.0, 1.0, 4)

    same(program, 0.7)
    assert runs(simpson)[0] > 0


def test_output_and_order(capsys):
    def shows(x):
        for i in range(2):
            print("round", i)
        return x * x

    same(lambda x: shows(x) + shows(x), 0.7)
    assert capsys.readouterr().out == "round 0\nround 1\n" * 8


def test_steering_inside():
    def steered(x):
        y = x
        for _ in range(2):
            y = y * zyg.stop_gradient(x) if zyg.isderiving() else 0.0
        return y

    seen = []

    def hooked(x):
        y = x
        for _ in range(2):
            y = zyg.hook(lambda dy: seen.append(dy) or dy * 2, y * x)
        return y

    def external(x):
        return float(str(x * x))

    @zyg.adjoint(external)
    def _(x):
        return float(str(x * x)), lambda dy: 2 * x * dy

    def calls(x):
        y = 0.25
        for i in range(3):
            y += external(x * i)
        return y

    same(lambda x: steered(x) + steered(x) + calls(x) * calls(x), 0.7)
    same(lambda x: hooked(x) + hooked(x), 0.7)
    assert all(type(dy) is float for dy in seen)


def test_higher_orders_forward_mode_and_pullbacks():
    def cubes(x, n):
        y = 0.25
        for i in range(n):
            y += x * x * x * i
        return y

    def program(x):
        with contextlib.nullcontext():
            return cubes(x, 3) + cubes(x, 2) * x

    first = zyg.grad(program, mode="dynamic")
    for _ in range(3):
        assert first(0.7) == pytest.approx(9 * 0.49 + 0.25 + 4 * 0.7**3, rel=1e-12)
        assert zyg.grad(first, mode="dynamic")(0.7) == pytest.approx(18 * 0.7 + 12 * 0.49, rel=1e-12)
        assert zyg.jvp(program, (0.7,), (2.0,), mode="dynamic")[1] == pytest.approx(2 * first(0.7), rel=1e-12)
        back = zyg.pullback(program, 0.7, mode="dynamic")[1]
        assert back(2.0)[0] == pytest.approx(2 * first(0.7), rel=1e-12)
        slope = zyg.grad(lambda d, back=back: back(d * d)[0], mode="dynamic")(3.0)
        assert slope == pytest.approx(6 * first(0.7), rel=1e-12)
    assert runs(cubes)[0] > 0


def waves(x, n):
    y = x
    for i in range(n):
        y = y + math.sin(y * x) * 0.01 * (i + 0.5)
    return y


def weighted(v, w):
    y = 0.0
    for i in range(len(v)):
        y += math.exp(v[i]) * w[i] + 0.1
    return y


def test_derivatives_of_derivatives_are_native_code_s(monkeypatch):
    tried = []
    run = native_functions.NativeFunction._differentiable
    monkeypatch.setattr(
        native_functions.NativeFunction,
        "_differentiable",
        lambda self, *args: tried.append(run(self, *args)) or tried[-1],
    )

    def number(x):
        with contextlib.nullcontext():
            return waves(x, 5) * waves(x * 1.5, 4)

    def array(v):
        with contextlib.nullcontext():
            return weighted(v, v * 2.0) * weighted(v * 1.5, v)

    def plain_number(x):
        return waves(x, 5) * waves(x * 1.5, 4)

    def plain_array(v):
        return weighted(v, v * 2.0) * weighted(v * 1.5, v)

    for program, plain, x, u in (
        (number, plain_number, 0.7, 1.3),
        (array, plain_array, np.linspace(0.1, 0.9, 5), np.linspace(1.0, 2.0, 5)),
    ):
        slope = zyg.grad(program, mode="dynamic")
        first, second = zyg.grad(plain)(x), zyg.hvp(plain)(x, u)
        for _ in range(3):
            slope(x)
        tried.clear()
        for _ in range(2):
            along = zyg.grad(lambda x, slope=slope, u=u: np.sum(slope(x) * u), mode="dynamic")(x)
            assert np.allclose(along, second, rtol=1e-12)
            assert np.allclose(zyg.jvp(slope, (x,), (u,), mode="dynamic")[1], second, rtol=1e-12)
            moved = zyg.jvp(program, (x,), (u,), mode="dynamic")[1]
            assert np.allclose(moved, np.sum(first * u), rtol=1e-12)
            back = zyg.pullback(program, x, mode="dynamic")[1]
            assert np.allclose(back(1.0)[0], first, rtol=1e-12)
            assert np.allclose(back(2.0)[0], 2 * first, rtol=1e-12)
        assert len(tried) > 8 and None not in tried
    third = zyg.grad(zyg.grad(zyg.grad(number, mode="dynamic"), mode="dynamic"), mode="dynamic")(0.7)
    assert third == pytest.approx(zyg.grad(zyg.grad(zyg.grad(plain_number)))(0.7), rel=1e-10)


def test_warnings_and_errors_of_numpy():
    def roots(a):
        y = np.zeros(len(a))
        for i in range(len(a)):
            y[i] = np.sqrt(a[i]) * 1.5
        return y

    def program(x, a):
        return np.sum(roots(a * x)[:2]) + np.sum(roots(a * x)[:2])

    a = np.array([1.0, 2.0, 3.0])
    same(program, 0.7, a)
    a[2] = -1.0
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="invalid value"):
            zyg.grad(program, mode="dynamic")(0.7, a)
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
            zyg.grad(program, mode="dynamic")(0.7, a)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a[2] = 1.5
        same(program, 0.7, a)


def test_redefined_functions_and_methods():
    class Model:
        def __init__(self, w):
            self.w = w

        def __call__(self, x):
            for _ in range(2):
                x = x * self.w
            return x

        @staticmethod
        def powers(x, n):
            y = 1.25
            for _ in range(n):
                y = y * x
            return y

    space: dict[str, Any] = {}

    def define(k):
        exec(f"def helper(x):\n    for _ in range(2):\n        x = x * {k}\n    return x", space)

    define(2.5)

    def program(x):
        model = Model(x)
        return model(x) + model.powers(x, 3) + model.powers(x, 2) + space["helper"](x) * space["helper"](x)

    same(program, 0.7)
    define(3.5)
    same(program, 0.7)


def test_isinstance_in_a_loop():
    def total(items, x):
        y = 0.25
        for _ in range(2):
            y += x if isinstance(x, float) else 2 * x
        return y

    same(lambda x: total(1, x) + total(1, np.float64(2.0) * x) + total(1, 3 * x), 0.7)


def test_closures_that_capture_something_else_each_time(monkeypatch):
    """Attempts to make native code are few, whatever functions of one code capture."""
    failed = []
    find = callees.NativeFunction.find

    def counted(self, *args):
        try:
            return find(self, *args)
        except Exception:
            failed.append(1)
            raise

    monkeypatch.setattr(callees.NativeFunction, "find", counted)

    def made(k):
        def scaled(x, n):
            y = 0.25
            for i in range(n):
                y += x * i * k[i % len(k)]
            return y

        return scaled

    def program(x):
        total = made([2.5, 1.5])(x, 3) + made([2.5, 1.5])(x, 3)
        for _ in range(20):
            total += made([x, 1.0])(x, 3) + made([0.5] * 300)(x, 3)
        return total

    same(program, 0.7)
    assert len(failed) <= 6
