"""Rules of users: `@adjoint` for functions of every kind, of numbers, arrays and structures."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import os
import traceback

import numba
import numpy as np
import pytest
import scipy.integrate
from scipy import linalg, special

import zyg
from zyg import adjoint, grad, gradient, jvp
from zyg.reading.custom import RULES
from zyg.reading.python_rule import _kept

x0 = np.array([0.1, 0.2])


@pytest.fixture(autouse=True)
def own_rules():
    """Rules are gone after each test."""
    before = list(RULES)
    yield
    for fn in list(RULES):
        if not any(fn is other for other in before):
            del RULES[fn]
    zyg.refresh()


def exponential(x):
    return np.exp(x)


def product(a, b):
    return a @ b


def test_functions_of_arrays():
    @adjoint(exponential)
    def _(x):
        y = np.exp(x)
        return y, lambda dy: (10 * dy * y,)

    np.testing.assert_allclose(grad(lambda x: np.sum(exponential(x) ** 2))(x0), 20 * np.exp(2 * x0))
    assert grad(exponential)(1.0) == pytest.approx(10 * math.e)

    @adjoint(product)
    def _(a, b):
        return a @ b, lambda dy: (np.outer(dy, b), a.T @ dy)

    A, b = np.arange(6.0).reshape(2, 3), np.ones(3)
    found = gradient(lambda A, b: np.sum(product(A, b) ** 2), A, b)
    for one, other in zip(found, gradient(lambda A, b: np.sum((A @ b) ** 2), A, b), strict=True):
        np.testing.assert_allclose(one, other)


def test_what_is_written_later_is_kept():
    @adjoint(product)
    def _(a, b):
        return a @ b, lambda dy: (np.outer(dy, b), a.T @ dy)

    def f(A, b):
        y = product(A, b)
        A[0, 0] = 100.0
        b[0] = 7.0
        y[0] = y[0] * 2
        return np.sum(y**2)

    def reference(A, b):
        y = A @ b
        y[0] = y[0] * 2
        return np.sum(y**2)

    A, b = np.arange(6.0).reshape(2, 3), np.ones(3)
    found = gradient(f, A.copy(), b.copy())
    for one, other in zip(found, gradient(reference, A, b), strict=True):
        np.testing.assert_allclose(one, other)


def test_loops_and_second_order():
    def loop(x):
        total = 0.0
        for _ in range(3):
            x = exponential(x) * 0.1
            total += np.sum(x)
        return total

    first, second = grad(loop), grad(lambda x: np.sum(grad(loop)(x)))
    expected = first(x0), second(x0)
    RULES[exponential] = lambda x: (lambda y: (y, lambda dy: (dy * y,)))(np.exp(x))
    zyg.refresh()
    np.testing.assert_allclose(first(x0), expected[0])
    np.testing.assert_allclose(second(x0), expected[1])


def test_views_and_strides():
    @adjoint(exponential)
    def _(x):
        return np.exp(x), lambda dy: (dy * np.exp(x),)

    X = np.arange(6.0).reshape(2, 3) / 10
    found = grad(lambda X: np.sum(exponential(X.T[1:]) ** 2) + np.sum(exponential(X[0, ::2])))(X)
    expected = grad(lambda X: np.sum(np.exp(X.T[1:]) ** 2) + np.sum(np.exp(X[0, ::2])))(X)
    np.testing.assert_allclose(found, expected)


def test_keyword_arguments_several_outputs_and_defaults():
    def both(x, *, k=2.0):
        return x * k, np.sum(x)

    @adjoint(both)
    def _(x, *, k=2.0):
        return (x * k, np.sum(x)), lambda d: (d[0] * k + d[1], np.sum(d[0] * x))

    def use(x, k):
        a, b = both(x, k=k)
        return np.sum(a) + b

    gx, gk = gradient(use, x0, 3.0)
    np.testing.assert_allclose(gx, [4.0, 4.0])
    assert gk == pytest.approx(0.3)

    def scaled(x, factor=3.0):
        return x * factor

    @adjoint(scaled)
    def _(x, factor=3.0):
        return x * factor, lambda dy: (dy * factor * 10, dy * x)

    assert grad(lambda x: scaled(x))(2.0) == 30.0
    assert grad(lambda x: scaled(x, factor=x))(2.0) == 20.0 + 2.0
    assert grad(lambda x: scaled(factor=2.0, x=x))(2.0) == 20.0


def test_structures_as_arguments_and_values():
    def model(p, x):
        return {"y": p["w"] * x, "n": 1}

    @adjoint(model)
    def _(p, x):
        def back(d):
            return {"w": 10 * d["y"] * x, "name": None}, np.sum(p["w"] * d["y"])

        return {"y": p["w"] * x, "n": 1}, back

    g, gx = gradient(lambda p, x: np.sum(model(p, x)["y"]), {"w": x0, "name": "m"}, 2.0)
    np.testing.assert_allclose(g["w"], [20.0, 20.0])
    assert gx == pytest.approx(0.3)


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def power(self, x, *, order=2, scale=1.0):
        return scale * self.factor * x**order


def by_python(x, *, w, scale=1.0):
    return float(special.jv(0, x)) * np.sum(w) * scale


@pytest.mark.parametrize("mode", ["auto", "native", "dynamic"])
def test_what_is_passed_by_name_only_may_be_left_out(mode):
    @adjoint(Scaled.power)
    def _(self, x, *, order=2, scale=1.0):
        return scale * self.factor * x**order, lambda dy: (None, dy * scale * self.factor * order * x ** (order - 1))

    @adjoint(by_python)
    def _(x, *, w, scale=1.0):
        return by_python(x, w=w, scale=scale), lambda dy: -dy * float(special.jv(1, x)) * np.sum(w) * scale

    cubic, w = Scaled(3.0), np.array([1.0, 2.0])

    def steps(x):
        return sum([cubic.power(x, order=i + 1, scale=cubic.factor) for i in range(3)])

    assert grad(steps, mode=mode)(0.5) == pytest.approx(9 * (1 + 1 + 0.75))
    assert grad(grad(steps, mode=mode), mode=mode)(0.5) == pytest.approx(9 * (2 + 3))
    g = grad(lambda x: by_python(x, w=w, scale=cubic.factor), mode=mode)
    assert g(0.7) == pytest.approx(-9 * special.jv(1, 0.7))
    for wrong in (lambda x: cubic.power(1.0, scale=x), lambda x: by_python(1.0, w=w, scale=x)):
        with pytest.raises(ValueError, match="gives"):
            grad(wrong, mode=mode)(0.5)


def test_methods():
    class Scale:
        def __init__(self, k):
            self.k = k

        def apply(self, x):
            return self.k * x

    @adjoint(Scale.apply)
    def _(self, x):
        return self.k * x, lambda dy: (None, 10 * self.k * dy)

    scale = Scale(3.0)
    assert grad(lambda x: scale.apply(x))(2.0) == 30.0
    np.testing.assert_allclose(grad(lambda x: np.sum(scale.apply(x)))(x0), [30.0, 30.0])


class Squared:
    def __init__(self, v):
        self.v = v

    @property
    def area(self):
        return self.v**2

    def __mul__(self, k):
        return Squared(self.v * k)


class SquaredToo(Squared):
    @property
    def area(self):
        return super().area * 2

    def __init__(self, v):
        super().__init__(v)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_methods_that_the_interpreter_calls(mode):
    def area(x):
        return Squared(x).area

    def product(x):
        return (Squared(x) * x).v

    assert grad(area, mode=mode)(2.0) == grad(product, mode=mode)(2.0) == 4.0
    adjoint(Squared.area.fget)(lambda s: (s.v**2, lambda dy, v=s.v: {"v": dy * 10 * v}))
    adjoint(Squared.__mul__)(lambda s, k: (Squared(s.v * k), lambda d, v=s.v, k=k: ({"v": d.v * k * 10}, d.v * v)))
    assert grad(area, mode=mode)(2.0) == 20.0
    assert grad(grad(area, mode=mode), mode=mode)(2.0) == 10.0
    assert grad(product, mode=mode)(2.0) == 22.0
    assert Squared(3.0).area == 9.0
    assert grad(lambda x: SquaredToo(x).area, mode="dynamic")(2.0) == 40.0
    adjoint(SquaredToo.__init__)(lambda s, v: (None, lambda d: (None, 0.0)))
    with pytest.raises(zyg.DifferentiationError, match="changes its instance"):
        grad(lambda x: SquaredToo(x).area, mode="dynamic")(2.0)


def test_njit_numpy_and_builtin_functions():
    @numba.njit
    def square(x):
        return x * x

    @adjoint(square)
    def _(x):
        return x * x, lambda dy: 20 * x * dy

    assert grad(lambda x: square(x))(3.0) == 60.0

    @adjoint(math.floor)
    def _(x):
        return math.floor(x), lambda dy: dy

    assert grad(lambda x: math.floor(x) * x)(2.5) == 4.5

    @adjoint(np.sign)
    def _(x):
        return np.sign(x), lambda dy: dy * 0.5

    np.testing.assert_allclose(grad(lambda x: np.sum(np.sign(x)))(x0), [0.5, 0.5])


def test_rules_that_call_their_own_function():
    adjoint(exponential)(lambda x: (lambda y: (y, lambda dy: 10 * dy * y))(exponential(x)))
    np.testing.assert_allclose(grad(lambda x: np.sum(exponential(x)))(x0), 10 * np.exp(x0))
    adjoint(np.tanh)(lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2) * 10))
    assert grad(np.tanh)(0.5) == pytest.approx(10 / math.cosh(0.5) ** 2)
    bend = -200 * math.tanh(0.5) / math.cosh(0.5) ** 2  # the rule gives the derivative of its own calls, too
    assert grad(grad(np.tanh, mode="native"), mode="native")(0.5) == pytest.approx(bend)
    assert grad(grad(np.tanh, mode="dynamic"), mode="dynamic")(0.5) == pytest.approx(bend)
    assert zyg.jvp(grad(np.tanh), (0.5,), (1.0,), mode="native")[1] == pytest.approx(bend)


def log_of_power(x, n):
    return math.log(x**n) if n > 1 else math.log(x)


def softmax(v):
    e = np.exp(v - np.max(v))
    return e / np.sum(e)


def sum_of_tree(t):
    return sum(sum_of_tree(c) for c in t) if isinstance(t, list) else t * t


def sine(x):
    return math.sin(x)


def cosine(x):
    return math.cos(x)


def half(x):
    return zyg.grad(softmax_at)(x) * 0.5


def softmax_at(x):
    return softmax(np.array([x, x * x, 1.0]))[0] * sine(x)


PROGRAMS = {
    "loop": lambda x: log_of_power(x, 3) * log_of_power(log_of_power(x + 2, 2), 1),
    "softmax": softmax_at,
    "twice": lambda x: softmax(softmax(np.array([x, 1.0])) * x)[0],
    "tree": lambda x: sum_of_tree([x, [x * x, [3.0 * x]]]) * x,
    "each other's": lambda x: sine(x) * cosine(x * 2),
    "a derivative": half,
    "checkpoint": lambda x: zyg.checkpoint(softmax_at)(x * x),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_second_derivatives_of_rules_that_call_their_own_function(name):
    @adjoint(log_of_power)
    def _(x, n):
        return log_of_power(x, n), lambda dy: (dy * n / x + 0.0 * log_of_power(x, n), None)

    @adjoint(softmax)
    def _(v):
        y = softmax(v)
        return y, lambda dy: y * (dy - np.sum(dy * y))

    @adjoint(sum_of_tree)
    def _(t):
        def scaled(t, dy):
            return [scaled(c, dy) for c in t] if isinstance(t, list) else 2 * t * dy

        return sum_of_tree(t), lambda dy: scaled(t, dy)

    adjoint(sine)(lambda x: (sine(x), lambda dy: dy * cosine(x)))
    adjoint(cosine)(lambda x: (cosine(x), lambda dy: -dy * sine(x)))
    fn = PROGRAMS[name]
    first = grad(fn, mode="native")
    h = 1e-5
    bend = (first(0.7 + h) - first(0.7 - h)) / (2 * h)
    assert first(0.7) == pytest.approx((fn(0.7 + h) - fn(0.7 - h)) / (2 * h))
    for mode in ("native", "dynamic"):
        assert grad(grad(fn, mode=mode), mode=mode)(0.7) == pytest.approx(bend)
        assert jvp(grad(fn, mode=mode), (0.7,), (1.0,), mode=mode)[1] == pytest.approx(bend)
        assert grad(lambda x: jvp(fn, (x,), (1.0,))[1], mode=mode)(0.7) == pytest.approx(bend)
    assert zyg.hvp(fn)(0.7, 2.0) == pytest.approx(2 * bend)
    if name in ("softmax", "a derivative", "checkpoint", "twice"):
        return  # some seconds
    third = (grad(first, mode="native")(0.7 + h) - grad(first, mode="native")(0.7 - h)) / (2 * h)
    assert grad(grad(first, mode="native"), mode="native")(0.7) == pytest.approx(third)


def test_rules_may_be_replaced():
    def f(x):
        return x

    g = grad(lambda x: f(x) * 2)
    assert g(1.0) == 2.0
    adjoint(f)(lambda x: (x, lambda dy: 10 * dy))
    assert g(1.0) == 20.0
    adjoint(f)(lambda x: (x, lambda dy: 100 * dy))
    assert g(1.0) == 200.0


def test_pullbacks_capture_what_they_like():
    table = {"k": 7.0}

    def f(x):
        return x * x

    @adjoint(f)
    def _(x):
        half = x / 2
        values = (x, half)

        def back(dy):
            def inner(t):
                return t * values[1] * table["k"]

            return inner(dy)

        return x * x, back

    assert grad(f)(4.0) == 14.0
    table["k"] = 1.0
    assert grad(f)(4.0) == 2.0


def test_wrong_cotangents_name_the_rule_and_the_line():
    def f(x):
        return x * 1.0

    wrong = {
        "gives 2 cotangents for 1 argument": lambda x: (x, lambda dy: (dy, dy)),
        "with 1 elements along axis 0, where that has 2": lambda x: (x, lambda dy: dy[:1]),
        "gives a float as the cotangent of an array": lambda x: (x, lambda dy: 1.0),
        "must return a pair": lambda x: x,
        "writes into an array that it is given": lambda x: (_write(x), lambda dy: dy),
    }
    for message, rule in wrong.items():
        adjoint(f)(rule)
        with pytest.raises(zyg.ZygError, match=message) as found:
            grad(lambda x: np.sum(f(x)))(x0.copy())
        assert "of f" in str(found.value) and "np.sum(f(x))" in str(found.value)


def _write(x):
    x[0] = 1.0
    return x


def test_complex_cotangents_of_real_arrays_are_their_real_parts():
    adjoint(exponential)(lambda x: (np.exp(x), lambda dy: dy * (1 + 2j)))
    np.testing.assert_allclose(grad(lambda x: np.sum(exponential(x)))(x0), [1.0, 1.0])


def test_forward_mode():
    def cube(x):
        return x * x * x

    adjoint(cube)(lambda x: (x**3, lambda dy: 30 * x * x * dy))
    assert jvp(cube, (2.0,), (1.0,)) == (8.0, 120.0)
    adjoint(exponential)(lambda x: (np.exp(x), lambda dy: dy * np.exp(x)))
    np.testing.assert_allclose(jvp(exponential, (x0,), (x0,))[1], np.exp(x0) * x0)


def test_what_a_function_has_made_is_an_argument():
    def total(p):
        return p["a"] * p["b"]

    adjoint(total)(lambda p: (p["a"] * p["b"], lambda dy: {"a": 10 * dy * p["b"], "b": dy * p["a"]}))

    def f(a):
        made = {"a": a}
        for _ in range(3):
            made["a"] = made["a"] * 2
        made["b"] = a
        return total(made)

    assert grad(f, mode="native")(2.0) == 8 * 10 * 2.0 + 16.0


# --- rules that only Python can run ---------------------------------------------------------------------------


def spence_slope(x):
    return np.log(x) / (1 - x)


def test_scipy_functions_are_called_back():
    adjoint(special.spence)(lambda x: (special.spence(x), lambda dy: dy * spence_slope(x)))

    def f(x):
        total = 0.0
        for k in range(1, 4):
            total += special.spence(x * k)
        return total

    assert grad(f)(2.5) == pytest.approx(sum(k * spence_slope(2.5 * k) for k in range(1, 4)))
    g = grad(lambda x: np.sum(special.spence(x) ** 2))
    x = np.array([2.0, 3.0, 4.5])
    for _ in range(2):
        np.testing.assert_allclose(g(x), 2 * special.spence(x) * spence_slope(x))
    assert not _kept


def test_values_may_be_of_another_kind_than_arguments():
    matrix = np.array([[0.1, 0.2], [0.3, 0.4]])
    adjoint(linalg.norm)(lambda A: (linalg.norm(A), lambda d: d * A / linalg.norm(A)))
    g = grad(lambda A: linalg.norm(A) ** 2 + A[0, 0])
    np.testing.assert_allclose(g(matrix), 2 * matrix + [[1, 0], [0, 0]])
    np.testing.assert_allclose(g(2 * matrix), 4 * matrix + [[1, 0], [0, 0]])

    @adjoint(linalg.eigh)
    def _(A):
        w, v = linalg.eigh(A)
        return (w, v), lambda d: (v * d[0]) @ v.T

    symmetric = np.array([[2.0, 1.0], [1.0, 3.0]])
    found = grad(lambda A: np.sum(linalg.eigh(A)[0] ** 2))(symmetric)
    np.testing.assert_allclose(found, 2 * symmetric)

    def count(x):
        return len(os.fspath("ab")) + int(x)

    adjoint(count)(lambda x: (count(x), lambda dy: 7.0))
    assert grad(lambda x: count(x) * 2.0)(1.5) == 7.0
    assert grad(lambda x: x[int(count(1.0))] * 2.0)(np.arange(5.0))[3] == 2.0


def test_c_functions():
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    libm.cbrt.restype, libm.cbrt.argtypes = ctypes.c_double, [ctypes.c_double]
    adjoint(libm.cbrt)(lambda x: (libm.cbrt(x), lambda dy: dy / (3 * libm.cbrt(x) ** 2)))
    assert grad(lambda x: libm.cbrt(x) * 2)(8.0) == pytest.approx(2 / 12)


def test_exceptions_of_called_back_rules_keep_their_traceback():
    def fails(x):
        raise KeyError(os.fspath("missing"))

    def f(x):
        return os.getpid() * x

    adjoint(f)(lambda x: (fails(x), lambda dy: dy))
    with pytest.raises(KeyError, match="missing") as caught:
        grad(lambda x: f(x))(1.0)
    assert "fails" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


def test_wrong_cotangents_of_called_back_rules():
    x = np.full(3, 2.0)
    for message, back in {
        "gives 2 cotangents for 1 argument": lambda dy: (dy, dy),
        r"gives an array of shape \(2,\)": lambda dy: dy[:2],
        r"gives an array of shape \(\)": lambda dy: ("text",),
    }.items():
        adjoint(special.spence)(lambda x: (special.spence(x), back))  # noqa: B023
        with pytest.raises(ValueError, match=message):
            grad(lambda x: np.sum(special.spence(x)))(x)


def area(a, b):
    return scipy.integrate.quad(lambda t: math.exp(-t * t), a, b)[0]


@adjoint(area)
def _(a, b):
    return area(a, b), lambda dy: (-dy * math.exp(-a * a), dy * math.exp(-b * b))


def test_second_derivatives_of_rules_of_functions_that_only_python_can_run():
    def program(b):
        return area(0.0, b) * b**2

    first = math.exp(-1) + 2 * area(0.0, 1.0)
    second = -2 * math.exp(-1) + 4 * math.exp(-1) + 2 * area(0.0, 1.0)
    assert grad(program, mode="native")(1.0) == pytest.approx(first)
    for mode in ("native", "dynamic"):
        assert grad(grad(program, mode=mode), mode=mode)(1.0) == pytest.approx(second)
    assert zyg.hessian(program)(1.0) == pytest.approx(second)
    assert zyg.pullback(grad(program), 1.0)[1](1.0)[0] == pytest.approx(second)
    for along in (zyg.jvp(grad(program), (1.0,), (1.0,))[1], zyg.hvp(program)(1.0, 1.0)):
        assert along == pytest.approx(second)


def test_forward_mode_over_called_back_rules_of_arrays_is_not_zero():
    adjoint(special.spence)(lambda x: (special.spence(x), lambda dy: dy * spence_slope(x)))
    x = np.array([0.5, 1.5])
    with pytest.warns(zyg.DynamicModeWarning, match="which Python runs"):
        found = zyg.hessian(lambda x: np.sum(special.spence(x) * x))(x)
    curve = 2 * spence_slope(x) + x * (1 / x / (1 - x) + np.log(x) / (1 - x) ** 2)
    assert np.allclose(found, np.diag(curve), rtol=1e-10)


def test_a_rule_forgets_only_what_calls_its_function(monkeypatch):
    def used(x):
        return x * x

    def unused(x):
        return x * x * x

    def caller(x):
        return 2 * used(x)

    compiled = []
    lower = zyg.entry.lower
    monkeypatch.setattr(
        zyg.entry, "lower", lambda name, *args, **kws: compiled.append(name) or lower(name, *args, **kws)
    )
    g, h = zyg.grad(caller, mode="native"), zyg.grad(lambda x: x + 1.0, mode="native")
    inner = numba.njit(lambda x: g(x))
    assert (g(3.0), h(3.0), inner(3.0)) == (12.0, 1.0, 12.0)
    compiled.clear()
    zyg.adjoint(unused)(lambda x: (unused(x), lambda dy: dy))
    assert (g(3.0), h(3.0), compiled) == (12.0, 1.0, [])
    zyg.adjoint(used)(lambda x: (x * x, lambda dy: 7 * dy))
    assert (g(3.0), h(3.0), len(compiled)) == (14.0, 1.0, 1)
    assert numba.njit(lambda x: g(x))(3.0) == 14.0
    zyg.adjoint(math.erf)(lambda x: (math.erf(x), lambda dy: 5 * dy))
    try:
        compiled.clear()
        assert (g(3.0), h(3.0), compiled) == (14.0, 1.0, [])
        assert zyg.grad(math.erf)(1.0) == 5.0
    finally:
        del zyg.reading.custom.RULES[math.erf]
        zyg.refresh()
    assert zyg.grad(math.erf)(0.0) == pytest.approx(2 / math.sqrt(math.pi))


def test_functions_of_one_code_are_told_apart_by_their_rules():
    def make(k):
        return lambda x: k * x

    one, other = make(2.0), make(3.0)
    g = zyg.grad(lambda f, x: f(x), argnums=1, mode="native")
    assert (g(one, 1.0), g(other, 1.0)) == (2.0, 3.0)
    zyg.adjoint(other)(lambda x: (3.0 * x, lambda dy: 50 * dy))
    assert (g(one, 1.0), g(other, 1.0)) == (2.0, 50.0)

    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            return self.k * x

    first, second = Scale(2.0), Scale(3.0)
    h = zyg.grad(lambda x: first(x) + second(x), mode="native")
    assert h(1.0) == 5.0
    zyg.adjoint(second)(lambda x: (3.0 * x, lambda dy: 50 * dy))
    assert h(1.0) == 52.0


def test_rules_of_bound_methods_are_refused():
    class Model:
        def f(self, x):
            return x

    with pytest.raises(TypeError, match=r"Model\.f is bound to an instance"):
        zyg.adjoint(Model().f)


def halved(x):
    return x * 2


@zyg.adjoint(halved)
def _(x):
    return x * 2, lambda dy: 0.5 * x * dy


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_fractional_cotangents_of_ints_are_kept(mode):
    def loop(n):
        total = 0
        for i in range(4):
            total += halved(n) * i
        return total

    for fn, first, second in (
        (lambda n: halved(n), 1.5, 0.5),
        (lambda n: zyg.hook(lambda d: d * 0.5, n) * n, 4.5, 1.5),
        (lambda n: zyg.checkpoint(lambda t: halved(t) * 3)(n), 4.5, 1.5),
        (loop, 9.0, 3.0),
    ):
        slope = grad(fn, mode=mode)
        assert (slope(3), grad(slope, mode=mode)(3)) == (first, second)
    whole = grad(lambda n: zyg.checkpoint(lambda t: t * t)(n), mode=mode)(3)
    assert whole == 6 and type(whole) is int


def scaled_by(x, z):
    return x * z


@zyg.adjoint(scaled_by)
def _(x, z):
    return x * z, lambda dy: (z.conjugate() * dy, x * dy)


def turned(x):
    return x * x


@zyg.adjoint(turned)
def _(x):
    return x * x, lambda dy: 2 * x * dy * (1 + 1j)


def entries(p):
    return p["a"] * p["b"][0]


@zyg.adjoint(entries)
def _(p):
    return p["a"] * p["b"][0], lambda dy: {"a": p["b"][0] * dy * (1 + 2j), "b": (p["a"] * dy * (1 - 1j),)}


def integral(x):
    return scipy.integrate.quad(lambda t: t, 0, x)[0]


@zyg.adjoint(integral)
def _(x):
    return integral(x), lambda dy: x * dy * (1 + 1j)


@pytest.mark.parametrize("mode", ["auto", "dynamic"])
@pytest.mark.filterwarnings("ignore::zyg.DynamicModeWarning")
@pytest.mark.parametrize(
    ("fn", "x", "first", "second"),
    [
        (lambda x: (scaled_by(x, 1 + 2j) ** 2).real, 1.5, -9.0, -6.0),
        (lambda x: turned(x) * 3, 1.5, 9.0, 6.0),
        (lambda x: turned(x) * 3, 2, 12.0, 6.0),
        (lambda x: entries({"a": x, "b": (x * 2,)}), 1.5, 6.0, 4.0),
        (lambda x: integral(x) * 2, 1.5, 3.0, 2.0),
        (lambda x: zyg.hook(lambda d: d * (2 + 1j), x) * x, 1.5, 4.5, 3.0),
    ],
)
def test_complex_cotangents_of_real_numbers_are_their_real_parts(fn, x, first, second, mode):
    assert grad(fn, mode=mode)(x) == first
    assert type(grad(fn, mode=mode)(x)) is float
    assert grad(grad(fn, mode=mode), mode=mode)(x) == second
    assert zyg.pullback(fn, x, mode=mode)[1](1.0) == (first,)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_hooks_have_no_part_in_forward_mode(mode):
    fn = lambda x: zyg.hook(lambda d: 5 * d, x) * x  # noqa: E731
    assert jvp(fn, (1.5,), (1.0,), mode=mode)[1] == 3.0
    assert grad(fn, mode=mode)(1.5) == 9.0


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize(
    ("fn", "n", "first"),
    [(lambda n: n << 2, 3, 4), (lambda n: round(n) * n, 4, 8), (lambda n: math.floor(n) * n, 4, 8)],
)
def test_whole_numbers_of_ints(fn, n, first, mode):
    assert grad(fn, mode=mode)(n) == first
