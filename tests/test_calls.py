"""Calls from Python: arguments and results, what is looked at again, errors, threads, memory, and their price."""

import copy
import functools
import gc
import math
import operator
import pickle
import sys
import threading
import time
import traceback
import tracemalloc
import types
import weakref
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from numba import njit

import zyg
import zyg.entry
from zyg import adjoint, grad, gradient, nograd, pullback, value_and_grad, withgradient

Point = namedtuple("Point", "x y")
Pair = namedtuple("Pair", "first second")


class Sub(float):
    """A number of a class that native code does not know."""


class SubInt(int):
    pass


@pytest.fixture
def lowered(monkeypatch):
    """A list that gets an item for every program that is read in order to be compiled."""
    found = []
    lower = zyg.entry.lower
    monkeypatch.setattr(zyg.entry, "lower", lambda *args, **kws: found.append(args) or lower(*args, **kws))
    return found


def alike(a, b):
    """The same type and value, nan included, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    return repr(a) == repr(b)


# --- arguments and results ------------------------------------------------------------------------------------


def scaled(p, k):
    return p.x * p.x * k + p.y


CALLS = {
    "float": (grad(lambda x: x * x), (3.0,), 6.0),
    "int": (grad(lambda x: 5 * x + 3), (10,), 5),
    "int64": (grad(lambda x: x * x), (np.int64(4),), 8),
    "int8": (grad(lambda x: x * x), (np.int8(-4),), -8),
    "uint32": (grad(lambda x: x * x), (np.uint32(2**32 - 1),), 2**33 - 2),
    "longlong": (grad(lambda x: x * x), (np.longlong(4),), 8),
    "float64": (grad(lambda x: x * x), (np.float64(3.0),), 6.0),
    "float32": (grad(lambda x: x * x), (np.float32(0.1),), 0.20000000298023224),
    "zero-dimensional": (grad(lambda x: x * x), (np.array(3.0),), 6.0),
    "subclass": (grad(lambda x: x * x), (Sub(3.0),), 6.0),
    "int subclass": (grad(lambda x: 3 * x), (SubInt(3),), 3),
    "complex": (grad(lambda z: abs(z)), (3 + 4j,), 0.6 + 0.8j),
    "complex64": (grad(lambda z: z.real * z.imag), (np.complex64(3 + 4j),), 4 + 3j),
    "bool": (grad(lambda x, b: x * x if b else x), (3.0, True), 6.0),
    "numpy's bool": (grad(lambda x, b: x * x if b else x), (3.0, np.False_), 1.0),
    "by a bool": (grad(lambda x, b: x * x if b else x, (0, 1)), (3.0, True), (6.0, None)),
    "bool result": (value_and_grad(lambda x: (x * x, x > 2), has_aux=True), (3.0,), ((9.0, True), 6.0)),
    "tuple": (grad(lambda t: t[0] * t[1]), ((2.0, 3.0),), (3.0, 2.0)),
    "nested": (grad(lambda t: t[0] * t[1][0] ** 2), ((2.0, (3.0, 7, "label", None)),), (9.0, (12.0, None, None, None))),
    "namedtuple": (grad(scaled), (Point(2.0, 3.0), 5.0), Point(20.0, 1.0)),
    "nested namedtuple": (
        grad(lambda p: p.first.x * p.second),
        (Pair(Point(2.0, 1.0), 3.0),),
        Pair(Point(3.0, 0.0), 2.0),
    ),
    "several": (grad(lambda x, y: x * y, argnums=(0, 1)), (2.0, 3.0), (3.0, 2.0)),
    "pair": (value_and_grad(lambda x, y: x * y, argnums=(1, 0)), (2.0, 3.0), (6.0, (2.0, 3.0))),
    "string": (grad(lambda x, how: x * x if how == "square" else x), (3.0, "square"), 6.0),
    "None": (grad(lambda x, y=None: x * x if y is None else x * y), (3.0, None), 6.0),
    "empty": (grad(lambda t, x: x * x), ((), 3.0), ()),
    "function": (grad(lambda f, x: f(x), argnums=1), (math.sin, 0.0), 1.0),
    "functions": (grad(lambda t, x: t[0](x) * t[1][0](x), argnums=1), ((math.sin, (math.cos,)), 0.0), 1.0),
    "not a number": (grad(lambda x: x * x), (math.nan,), math.nan),
    "minus zero": (grad(lambda x: x * x), (-0.0,), -0.0),
    "least": (grad(lambda x: x), (-(2**63),), 1),
    "nested grad": (grad(grad(lambda x: x * x * x)), (2.0,), 12.0),
    "many": (grad(lambda t: t[0] * t[1499]), (tuple(map(float, range(1500))),), (1499.0, *[0.0] * 1499)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_results_of_the_first_and_of_later_calls(call):
    g, args, expected = call
    resolved = g._resolve(*args)
    assert alike(resolved, expected), resolved
    for _ in range(3):
        assert alike(g(*args), expected)


def test_later_calls_are_native(monkeypatch):
    odd = ("longlong", "zero-dimensional", "subclass", "int subclass")
    native = [g for name, (g, _, _) in CALLS.items() if name not in odd]
    calls = [args for g, args, _ in CALLS.values() if g in native]
    for g, args in zip(native, calls, strict=True):
        g(*args)
    monkeypatch.setattr(zyg.entry.Caller, "_resolve", None)
    for g, args in zip(native, calls, strict=True):
        g(*args)


def test_kinds_of_arguments_alternate(lowered):
    g = grad(lambda x, y: x * y)
    kinds = [2, 3.0, np.float32(4), 5j.imag, True, np.int16(2)]
    expected = [g(2.0, y) for y in kinds]
    before = len(lowered)
    for _ in range(5):
        for y, e in zip(kinds, expected, strict=True):
            assert alike(g(2.0, y), e)
    assert len(lowered) == before


def test_more_kinds_than_are_kept():
    g = grad(lambda t: t[0] * t[0])
    for _ in range(2):
        for size in range(1, 40):
            assert g((3.0,) * size) == (6.0, *[0.0] * (size - 1))
    assert len(g._chain.entries) == g._chain.LIMIT


def test_keyword_arguments_and_defaults():
    def f(x, y=2.0, *, k=3.0):
        return x * y * k

    g = grad(f)
    for _ in range(2):
        assert g(1.0) == 6.0
        assert g(1.0, 5.0) == 15.0
        assert g(1.0, y=5.0) == 15.0
        assert g(x=1.0, y=5.0) == g(y=5.0, x=1.0) == 15.0
        assert g(1.0, k=1.0) == 2.0
        assert g(k=1.0, x=1.0) == 2.0
        assert g(**{"".join("x"): 1.0, "".join(["k"]): 7.0}) == 14.0
    assert grad(f, argnames="y")(4.0, y=1.0) == 12.0
    assert grad(f, argnums=(0, 1))(y=1.0, x=4.0) == (3.0, 12.0)
    with pytest.raises(TypeError):
        g(1.0, z=2.0)
    with pytest.raises(TypeError):
        g()
    with pytest.raises(TypeError):
        g(1.0, 2.0, 3.0)


def test_defaults_between_are_read_where_a_later_argument_is_differentiated():
    def f(x, y=2.0, z=3.0):
        return x * y * z

    g = grad(f, argnames="z")
    assert g(1.0, z=5.0) == 2.0
    f.__defaults__ = (4.0, 3.0)
    assert g(1.0, z=5.0) == 4.0


def test_calls_by_keyword_are_native_too(monkeypatch):
    g = grad(lambda x, y: x * y)
    assert g(2.0, y=3.0) == g(x=2.0, y=3.0) == 3.0
    monkeypatch.setattr(zyg.entry.Caller, "_resolve", None)
    assert g(2.0, y=3.0) == g(x=2.0, y=3.0) == 3.0


# --- what is looked at again ----------------------------------------------------------------------------------


def namespace(source, **given):
    """Functions in a module of their own."""
    space = {"math": math, "zyg": zyg, **given}
    exec(source, space)
    return types.SimpleNamespace(space=space, **{name: value for name, value in space.items() if callable(value)})


def test_globals_rebound():
    m = namespace("def h(x): return k * x\ndef f(x): return h(x) * x", k=2.0)
    g = grad(m.f, mode="native")
    assert [g(3.0), g(3.0)] == [12.0, 12.0]
    m.space["k"] = 5.0
    assert g(3.0) == 30.0
    m.space["k"] = 5
    assert g(3.0) == 30.0
    m.space["k"] = 1j
    with pytest.raises(TypeError):
        g(3.0)
    m.space["k"] = np.float32(2)
    assert g(3.0) == 12.0
    m.space["h"] = lambda x: x * x
    assert g(3.0) == 27.0
    del m.space["h"]
    with pytest.raises(zyg.UnsupportedError, match="'h' is not defined"):
        g(3.0)
    m.space["h"] = math.sin
    assert g(0.0) == 0.0


def test_ints_and_other_constants_rebound(lowered):
    m = namespace(
        "def f(x):\n    r = 1.0\n    for i in range(n):\n        r *= x\n    return r if up else -r", n=2, up=True
    )
    g = grad(m.f)
    assert g(2.0) == 4.0
    for n in range(3, 20):
        m.space["n"] = n
        assert g(2.0) == n * 2.0 ** (n - 1)
    assert len(lowered) == 3  # with 2, with 3, and then for any
    m.space["up"] = False
    assert g(2.0) == -19 * 2.0**18
    m.space["up"] = True
    assert g(2.0) == 19 * 2.0**18


def test_an_int_that_must_be_constant():
    m = namespace("def f(t): return t[n] * t[n]", n=0)
    g = grad(m.f)
    for _ in range(2):
        for n in range(3):
            m.space["n"] = n
            assert g((1.0, 2.0, 3.0))[n] == 2.0 * (n + 1)


def test_builtins_hidden_by_globals():
    m = namespace("def f(x): return abs(x) * x")
    g = grad(m.f)
    assert g(-3.0) == 6.0
    m.space["abs"] = lambda x: x
    assert g(-3.0) == -6.0
    del m.space["abs"]
    assert g(-3.0) == 6.0


def test_builtins_replaced(monkeypatch):
    m = namespace("def f(x): return abs(x) * x")
    g = grad(m.f)
    assert g(-3.0) == 6.0
    monkeypatch.setattr("builtins.abs", lambda x: x)
    assert g(-3.0) == -6.0
    monkeypatch.undo()
    assert g(-3.0) == 6.0


def test_cells_rebound():
    k = 2.0

    def h(x):
        return x * k

    def f(x):
        return h(x) * x

    g = grad(f)
    assert g(3.0) == 12.0
    k = 5.0
    assert g(3.0) == 30.0
    h = lambda x: x * x  # noqa: E731, F811
    assert g(3.0) == 27.0
    f.__closure__[0].cell_contents = lambda x: x
    assert g(3.0) == 6.0


def test_defaults_replaced():
    def h(x, a=2.0, *, b=1.0):
        return a * b * x

    def f(x):
        return h(x)

    g = grad(f)
    assert g(1.0) == 2.0
    h.__defaults__ = (5.0,)
    assert g(1.0) == 5.0
    h.__kwdefaults__["b"] = 2.0
    assert g(1.0) == 10.0
    h.__kwdefaults__ = {"b": 3.0}
    assert g(1.0) == 15.0
    h.__defaults__ = (4.0, 7.0)
    assert g(1.0) == 21.0
    h.__defaults__ = None
    with pytest.raises(TypeError, match="'a'"), pytest.warns(zyg.DynamicModeWarning):
        g(1.0)


def test_code_replaced():
    def h(x):
        return x * x

    def f(x):
        return h(x)

    g = grad(f)
    assert g(3.0) == 6.0
    h.__code__ = (lambda x: x * x * x).__code__
    assert g(3.0) == 27.0
    f.__code__ = (lambda x: x + h(x)).__code__.replace(co_freevars=f.__code__.co_freevars)
    assert g(3.0) == 28.0


def test_attributes_of_modules_rebound():
    module = types.ModuleType("constants")
    module.k, module.h = 2.0, lambda x: x
    m = namespace("def f(x): return c.k * c.h(x) * x", c=module)
    g = grad(m.f)
    assert g(3.0) == 12.0
    module.k = 3.0
    assert g(3.0) == 18.0
    module.h = lambda x: 1.0
    assert g(3.0) == 3.0


def test_tuples_rebound():
    m = namespace(
        "def f(x):\n    s = 0.0\n    for w, h in ws:\n        s += w * h(x)\n    return s", ws=((1.0, math.sin),)
    )
    g = grad(m.f)
    assert g(0.0) == 1.0
    m.space["ws"] = ((3.0, math.sin),)
    assert g(0.0) == 3.0
    m.space["ws"] = ((3.0, math.sin), (4.0, lambda x: 2 * x))
    assert g(0.0) == 11.0


def test_functions_with_the_same_code_are_told_apart():
    def scaling(k):
        return lambda x: k * x

    a, b = scaling(2.0), scaling(3.0)
    first = second = a

    def f(x):
        return first(x) * second(x)

    g = grad(f)
    assert g(1.0) == 8.0
    second = b
    assert g(1.0) == 12.0
    first = b
    assert g(1.0) == 18.0
    second = a
    assert g(1.0) == 12.0

    h = grad(lambda t, x: t[0](x) * t[1](x), argnums=1)
    assert [h((a, a), 1.0), h((a, b), 1.0), h((b, b), 1.0), h((b, a), 1.0)] == [8.0, 12.0, 18.0, 12.0]


@pytest.mark.parametrize("value", [3.0, np.array([3.0])], ids=["number", "array"])
def test_functions_of_another_module_with_the_same_code(value):
    m = namespace("def h(x): return k * x\ndef f(x): return (h(x) * k * x).sum()", k=2.0)
    if isinstance(value, float):
        m = namespace("def h(x): return k * x\ndef f(x): return h(x) * k * x", k=2.0)
    g = grad(m.f)
    assert g(value) == 24.0
    own = m.space["h"]
    m.space["h"] = types.FunctionType(own.__code__, {"k": 5.0})
    assert g(value) == 60.0
    m.space["h"] = own
    assert g(value) == 24.0


def test_identity_of_functions_with_the_same_code():
    def making():
        return lambda x: x

    a, b = making(), making()
    chosen = a

    def f(x):
        return x * x if chosen is a else x

    g = grad(f)
    assert g(3.0) == 6.0
    chosen = b
    assert g(3.0) == 1.0
    chosen = a
    assert g(3.0) == 6.0


def test_a_rule_belongs_to_one_function_of_its_code():
    def making():
        return lambda x: x * x

    a, b = making(), making()
    adjoint(a)(lambda x: (x * x, lambda dy: 100.0 * dy))
    chosen = b

    def f(x):
        return chosen(x)

    g = grad(f)
    assert g(3.0) == 6.0
    chosen = a
    assert g(3.0) == 100.0
    chosen = b
    assert g(3.0) == 6.0
    try:
        adjoint(b)(lambda x: (x * x, lambda dy: 7.0 * dy))
        assert g(3.0) == 7.0
    finally:
        zyg.api.RULES.pop(a)
        zyg.api.RULES.pop(b)


def test_what_rules_capture():
    k = 1.0

    def square(x):
        return x * x

    @adjoint(square)
    def rule(x):
        return x * x, lambda dy: k * dy

    g = grad(lambda x: square(x))
    try:
        assert g(3.0) == 1.0
        k = 2.0
        assert g(3.0) == 2.0
    finally:
        zyg.api.RULES.pop(square)


def test_partial_functions(lowered):
    def f(a, x, *, b):
        return a * x * x + b * x

    def derivative(a, b, x):
        return grad(functools.partial(f, a, b=b))(x)

    assert derivative(1.0, 0.0, 3.0) == 6.0
    before = len(lowered)
    assert derivative(2.0, 5.0, 3.0) == 17.0
    assert len(lowered) == before
    p = functools.partial(f, 1.0, b=1.0)
    g = grad(lambda x: p(x))
    assert g(3.0) == 7.0
    p.keywords["b"] = 2.0
    assert g(3.0) == 8.0
    p = functools.partial(f, 2.0, b=1.0)
    assert g(3.0) == 13.0


def test_captured_derivatives(lowered):
    def outer(k):
        inner = grad(lambda t: k * t * t)
        return grad(lambda x: inner(x) * nograd(lambda t: k * t)(x))(3.0)

    assert outer(1.0) == 6.0
    before = len(lowered)
    assert outer(2.0) == 24.0
    assert len(lowered) == before

    k = 1.0
    inner = grad(lambda t: k * t * t)
    g = grad(lambda x: inner(x) * x, mode="native")
    assert g(3.0) == 12.0
    k = 2.0
    assert g(3.0) == 24.0
    inner = value_and_grad(lambda t: k * t * t)
    with pytest.raises(zyg.ZygError):
        g(3.0)


def test_njit_functions_are_frozen():
    m = namespace("from numba import njit\n@njit\ndef h(x): return k * x\ndef f(x): return h(x) * x", k=2.0)
    g = grad(m.f)
    assert g(3.0) == 12.0
    m.space["k"] = 5.0
    assert g(3.0) == 12.0


def test_functions_as_arguments():
    g = grad(lambda f, x: f(x), argnums=1)
    for k in (1.0, 2.0):
        assert g(lambda x, k=k: k * x * x, 3.0) == 6.0 * k
        assert g(functools.partial(operator.mul, k), 3.0) == k


def test_a_lambda_written_anew_is_not_compiled_anew(lowered):
    def run(count):
        found = 0.0
        for i, k in enumerate([1.5] * count):
            found += gradient(lambda x: k * x * x + i * x, 1.0)  # noqa: B023
        return found

    run(3)
    before = len(lowered)
    start = time.perf_counter()
    assert run(1000) == 3000.0 + sum(range(1000))
    each = (time.perf_counter() - start) / 1000
    assert len(lowered) == before
    assert each < 100e-6, each


def test_refresh(lowered):
    g = grad(lambda x: x * x)
    g(1.0)
    before = len(lowered)
    zyg.refresh()
    assert g(3.0) == 6.0
    assert len(lowered) == before + 1


# --- errors ---------------------------------------------------------------------------------------------------


def picky(x, n):
    if x > n:
        raise ValueError("too large", x)  # the user's line
    return x * x


def calls_picky(x):
    return picky(x, 2.0)


def test_exceptions_keep_their_type_message_and_line():
    g = grad(calls_picky)
    assert g(1.0) == 2.0
    for call in (g, g, grad(lambda x: calls_picky(x))):
        with pytest.raises(ValueError) as raised:
            call(3.0)
        assert type(raised.value) is ValueError
        assert raised.value.args == ("too large", 3.0)
        shown = "".join(traceback.format_exception(raised.value))
        assert 'raise ValueError("too large", x)  # the user\'s line' in shown
        assert f'File "{__file__}", line {picky.__code__.co_firstlineno + 2}, in picky' in shown
        assert f"line {calls_picky.__code__.co_firstlineno + 1}, in calls_picky" in shown
        assert shown.index("in calls_picky") < shown.index("in picky")
    assert g(1.0) == 2.0


def test_exceptions_are_chained_like_pythons():
    g = grad(calls_picky)
    with pytest.raises(ValueError) as raised:
        try:
            raise KeyError(1)
        except KeyError:
            g(3.0)
    assert isinstance(raised.value.__context__, KeyError)


@dataclass
class Unlucky(Exception):
    code: int

    def __post_init__(self):
        raise LookupError("no exception for you")


def test_an_exception_whose_making_fails():
    def f(x):
        if x > 1:
            raise Unlucky(3)
        return x * x

    g = grad(f)
    assert g(1.0) == 2.0
    with pytest.raises(LookupError, match="for you"):
        g(2.0)


def test_ints_beyond_64_bits():
    g = grad(lambda x, n: x * n)
    assert g(2.0, 3) == 3.0
    for n in (2**63, -(2**63) - 1, 10**100):
        with pytest.raises(OverflowError, match="64 bits"):
            g(2.0, n)
        with pytest.raises(OverflowError, match="64 bits"):
            grad(lambda t: t[0] * t[1])((2.0, n))
    assert g(2.0, 2**63 - 1) == float(2**63 - 1)


def test_captured_ints_beyond_64_bits():
    m = namespace("def f(x): return x * n", n=1)
    g = grad(m.f, mode="native")
    for n in (1, 2, 2**70, 3):
        m.space["n"] = n
        if n < 2**63:
            assert g(1.0) == float(n)
        else:
            with pytest.raises(zyg.ZygError, match="64 bits"):
                g(1.0)


def test_arguments_that_are_not_for_native_code():
    g = grad(lambda x: x * x, mode="native")
    for bad in ({1.0}, {1: 2}, np.ones(3), np.uint64(3), object()):
        with pytest.raises(zyg.ArgumentError):
            g(bad)


def test_tuples_that_python_cannot_make():
    now = time.struct_time(range(9))
    g = grad(lambda t: t[0] * 1.0, mode="native")
    for _ in range(2):
        with pytest.raises(zyg.UnsupportedError, match="struct_time"):
            g(now)
    assert grad(lambda t, x: x * t[1], argnums=1)(now, 2.0) == 1.0


# --- objects --------------------------------------------------------------------------------------------------


def cube(x):
    return x * x * x


def test_pickling_and_copying():
    for make in (grad, value_and_grad, lambda f: grad(grad(f))):
        g = make(cube)
        for h in (pickle.loads(pickle.dumps(g)), copy.copy(g), copy.deepcopy(g)):
            assert alike(h(2.0), g(2.0))
            assert h._chain is g._chain
    assert pickle.loads(pickle.dumps(grad(cube, 0, has_aux=False))).fn is cube


def test_what_grad_gives_is_a_function_of_a_kind():
    g = grad(cube)
    assert callable(g)
    assert repr(g) == "<zyg grad(cube)>" and g.__name__ == "grad(cube)" and g.__wrapped__ is cube
    assert list(map(grad(cube), (1.0, 2.0))) == [3.0, 12.0]
    assert functools.reduce(lambda s, x: s + g(x), (1.0, 2.0), 0.0) == 15.0
    assert g.__call__(1.0) == 3.0

    class Holder:
        slope = grad(lambda self, x: x * x, argnums=1)

    assert Holder.slope(None, 3.0) == 6.0
    blank = type(g).__new__(type(g))
    with pytest.raises(TypeError):
        blank(1.0)


def test_callers_are_collected():
    def making():
        k = 2.0
        f = lambda x: k * x * x  # noqa: E731
        return f, grad(f)

    f, g = making()
    assert g(1.0) == 4.0
    refs = [weakref.ref(f), weakref.ref(g)]
    del f, g
    assert [ref() for ref in refs] == [None, None]  # no cycle needs to be found

    f, g = making()
    _, back = pullback(f, 1.0)
    assert back(1.0) == (4.0,)
    f.g = g
    refs = [weakref.ref(f), weakref.ref(g), weakref.ref(back)]
    del f, g, back
    gc.collect()
    assert [ref() for ref in refs] == [None, None, None]


def balance(call, objects, count=2000):
    """How the reference counts of objects change over many calls."""
    call()
    gc.collect()
    before = [sys.getrefcount(obj) for obj in objects]
    for _ in range(count):
        call()
    gc.collect()
    return list(map(operator.sub, [sys.getrefcount(obj) for obj in objects], before))


def test_reference_counts():
    k, scale, label = 2.5, (1.5, Point(0.5, 3.25)), "a label that is not interned"
    big = 10**15 + 7

    def helper(x, a=7.25):
        return x * k * a

    def f(p, n, how):
        if p.x > 1e6:
            raise ValueError(label, p.x)
        return helper(p.x) * scale[1].y * n if how == label else p.y

    g = value_and_grad(f)
    point = Point(3.5, 4.5)
    held = (k, scale, label, big, point, point.x, helper, helper.__code__, f, g, Point, None, *scale)
    assert balance(lambda: g(point, big, label), held) == [0] * len(held)
    assert balance(lambda: g(n=big, how=label, p=point), held) == [0] * len(held)
    far = Point(1e7, 0.0)

    def failing():
        with pytest.raises(ValueError):
            g(far, big, label)

    assert balance(failing, (*held, far, far.x), 200) == [0] * (len(held) + 2)

    def misses():
        with pytest.raises(OverflowError):
            g(point, 2**70, label)

    assert balance(misses, held, 200) == [0] * len(held)
    _, back = pullback(f, point, big, label)
    assert balance(lambda: back(1.0), (*held, back)) == [0] * (len(held) + 1)
    assert balance(lambda: grad(f), held) == [0] * len(held)


def test_memory_does_not_grow():
    g = value_and_grad(lambda p, x: p[0] * p[1] * x * x, (0, 1))

    def run(count):
        for _ in range(count):
            g((1.5, 2.5), 3.5)

    run(1000)
    tracemalloc.start()
    run(1000)
    before = tracemalloc.get_traced_memory()[0]
    run(100_000)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 10_000, after - before


def test_results_are_fresh_and_complete():
    g = grad(lambda p: p.x * p.y)
    first, second = g(Point(1.0, 2.0)), g(Point(1.0, 2.0))
    assert first == second and first is not second
    assert gc.is_tracked(first) or not gc.is_tracked(tuple(first))
    assert hash(first) == hash(Point(2.0, 1.0))
    assert first._replace(x=0.0) == Point(0.0, 1.0)


# --- recursion ------------------------------------------------------------------------------------------------


def nested_sine(x, n):
    return x if n < 1 else math.sin(nested_sine(x, n - 1)) * 1.5


def reach(g, deepest):
    """Calls deeper and deeper: the first that is refused."""
    n = 16
    while n < deepest:
        try:
            g(0.5, n)
        except RecursionError as error:
            assert "recursion" in str(error)
            return n
        n = n * 5 // 4
    raise AssertionError("never too deep")


def test_too_deep_a_recursion():
    g = grad(nested_sine)
    assert reach(g, 10**8) > 1000
    assert math.isfinite(g(0.5, 100))
    assert reach(grad(grad(nested_sine)), 10**8) > 300


def test_too_deep_a_recursion_in_a_thread_with_a_small_stack():
    g = grad(nested_sine)
    g(0.5, 3)
    found = []
    before = threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=lambda: found.append(reach(g, 10**8)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert found and found[0] > 100


# --- threads --------------------------------------------------------------------------------------------------


def in_threads(count, work):
    """Run work(number) in threads that start together; the first exception of theirs is raised here."""
    barrier, failures = threading.Barrier(count), []

    def run(number):
        try:
            barrier.wait()
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_first_calls_in_several_threads(lowered):
    def f(x):
        s = 0.0
        for i in range(10):
            s += math.sin(x * i)
        return s

    g = grad(f)
    expected = sum(i * math.cos(0.5 * i) for i in range(10))

    def work(number):
        for _ in range(100):
            assert math.isclose(g(0.5), expected)
            assert math.isclose(grad(f)(0.5), expected)

    in_threads(8, work)
    assert len(lowered) == 1


def test_rebinding_while_others_call():
    m = namespace("def h(x): return k * x\ndef f(x):\n    return h(x) + 0.0 * k", k=1.0)
    g = grad(m.f)
    choices = [2.0, 3, True, 4, 5.0, 2**40]
    valid = {float(k) for k in choices} | {1.0, 10.0}
    helpers = [m.h, lambda x: 10.0 * x]

    def work(number):
        if number < 2:
            for turn in range(600):
                m.space["k"] = choices[turn % len(choices)]
                m.space["h"] = helpers[turn // 7 % 2]
                if turn % 50 == 0:
                    time.sleep(0.001)
        else:
            for _ in range(300):
                assert g(1.0) in valid

    in_threads(8, work)
    m.space["k"], m.space["h"] = 3.0, helpers[0]
    assert g(1.0) == 3.0


def long_loop(x, n):
    s = 0.0
    for _ in range(n):
        s = math.sin(s + x)
    return s


def test_others_run_while_it_computes():
    g = grad(lambda x, n: nograd(long_loop)(x, n) * x)
    g(0.5, 10)
    count, stop = 0, threading.Event()

    def counting():
        nonlocal count
        while not stop.is_set():
            count += 1

    thread = threading.Thread(target=counting)
    thread.start()
    try:
        n, counted = 1 << 20, 0
        while counted < 1000 and n < 1 << 27:
            n *= 2
            before = count
            g(0.5, n)
            counted = count - before
    finally:
        stop.set()
        thread.join()
    assert counted >= 1000


# --- pullbacks ------------------------------------------------------------------------------------------------


def test_pullbacks_hold_what_was_captured():
    k = 2.0
    y, back = pullback(lambda x, p: k * x * p.x, 3.0, Point(5.0, 1.0))
    assert y == 30.0
    k = 7.0
    for dy, expected in ((1.0, 10.0), (2, 20.0), (True, 10.0), (np.float32(0.5), 5.0), (None, 0.0), (Sub(1.0), 10.0)):
        for _ in range(2):
            assert alike(back(dy), (expected, Point(expected * 0.6, 0.0)))


def test_pullbacks_of_structures():
    y, back = pullback(lambda x: Point(x * x, (x, "label")), 3.0)
    assert y == Point(9.0, (3.0, "label"))
    assert back(Point(1.0, (1.0, "label"))) == (7.0,)
    assert back((1.0, (1.0, None))) == (7.0,)
    assert back((1.0, None)) == (6.0,)
    assert back(None) == (0.0,)
    with pytest.raises(zyg.ValueArgumentError, match="a tuple of 2"):
        back((1.0, 2.0, 3.0))


def test_pullbacks_are_shared(lowered):
    for k in (1.0, 2.0, 3.0):
        y, back = pullback(lambda x, k=k: k * x * x, 2.0)
        assert (y, back(1.0), back(0.5)) == (4.0 * k, (4.0 * k,), (2.0 * k,))
    assert len(lowered) == 2


# --- price ----------------------------------------------------------------------------------------------------


def nanoseconds(fn, *args, number=2000, repeat=50):
    """The least time of a call, by a loop without anything else."""
    best = math.inf
    for _ in range(repeat):
        numbers = range(number)
        start = time.perf_counter()
        for _ in numbers:
            fn(*args)
        best = min(best, time.perf_counter() - start)
    return best / number * 1e9


def twenty_callees(count):
    callees = "".join(f"def c{i}(x): return x * {i}.5\n" for i in range(count))
    captured = "".join(f"k{i} = {i}.25\n" for i in range(count // 2))
    calls = "".join(f"    s += c{i}(x)\n" for i in range(count))
    uses = "".join(f"    s *= k{i}\n" for i in range(count // 2))
    return namespace(f"{callees}{captured}def f(x):\n    s = x\n{calls}{uses}    return s").f


def test_the_price_of_a_call():
    compiled = njit(lambda x: -math.sin(x) * math.cos(math.cos(x)))
    g, few, many = grad(lambda x: math.sin(math.cos(x))), grad(twenty_callees(0)), grad(twenty_callees(20))
    for fn in (compiled, g, few, many):
        fn(0.5)
    dispatcher, own = nanoseconds(compiled, 0.5), nanoseconds(g, 0.5)
    guards = nanoseconds(many, 0.5) - nanoseconds(few, 0.5)
    print(f"a call: njit {dispatcher:.0f} ns, zyg {own:.0f} ns; 20 callees and 10 captures: {guards:.0f} ns more")
    assert own < 3 * dispatcher
    assert guards < 1500


def test_withgradient_is_native(monkeypatch):
    assert withgradient(cube, 2.0) == (8.0, 12.0)
    monkeypatch.setattr(zyg.entry.Caller, "_resolve", None)
    assert withgradient(cube, 2.0) == (8.0, 12.0)
