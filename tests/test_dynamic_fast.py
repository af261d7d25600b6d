"""The short ways of dynamic mode against the general ones: floats, single elements, whole arrays of doubles."""

from __future__ import annotations

import gc
import itertools
import math
import operator
from typing import Any

import numpy as np
import pytest

import zyg
from zyg.dynamic.cotangents import cotangents
from zyg.dynamic.steps import step_of
from zyg.rules import primitives as p
from zyg.rules.elementwise import elementwise, find, inactive, nonholomorphic

POINTS = (-1.5, -1.0, -0.3, 0.0, 0.3, 1.0, 2.5)


def of_floats(fn: Any) -> bool:
    rules = find(fn, "real") if fn in elementwise and fn not in inactive and fn not in nonholomorphic else None
    return rules is not None and len(rules) <= 2 and fn in p.table and not any(r and r.unknown for r in rules)


def value_of(fn: Any, values: tuple[float, ...]) -> Any:
    """The value of a primitive at floats; None where that is no finite float."""
    try:
        with np.errstate(all="ignore"):
            y = fn(*[np.float64(v) for v in values])
    except (ArithmeticError, ValueError, TypeError):
        return None
    return float(y) if isinstance(y, (float, np.floating)) and np.isfinite(y) else None


@pytest.mark.parametrize("fn", [fn for fn in elementwise if of_floats(fn)], ids=lambda fn: fn.__name__)
def test_steps_of_floats(fn: Any) -> None:
    """A step gives what the rule gives, or raises, so that the rule is asked."""
    step: Any = step_of(fn)
    if fn in (np.ldexp, p.powi, operator.invert, operator.lshift):  # of ints
        return
    tried = 0
    for values in itertools.product(POINTS, repeat=step.operands):
        y = value_of(fn, values)
        if y is None:
            continue
        numbers: list[Any] = [None, None]
        a, b = (*values, None)[:2]
        j = 1 if step.operands == 2 else -1
        with np.errstate(all="ignore"):
            try:
                step(numbers, 0.7, 0, j, a, b, y)
            except (ArithmeticError, ValueError):
                continue
            expected = cotangents(fn, 0.7, [np.float64(v) for v in values], np.float64(y), (0, j)[: step.operands])
        for got, wanted in zip(numbers, expected, strict=False):
            assert (got is None) == (wanted is None)
            assert got is None or got == pytest.approx(float(wanted), rel=1e-13, nan_ok=True)
        tried += 1
    assert tried or fn.__name__ in ("arccosh", "polygamma")


def test_operators_of_floats_ints_and_numbers_of_numpy() -> None:
    def program(x: Any) -> Any:
        y = (2 - x) * (x / 3 + 3.0 / x) - x % 0.7 + 5 % x - True * x + x * np.float64(2.0) + np.float64(1.5) - x
        return y * (1 + 2j).real + abs(-y) + y**2 + 2**y + y**0.5

    assert zyg.grad(program, mode="dynamic")(0.9) == pytest.approx(
        (program(0.9 + 1e-6) - program(0.9 - 1e-6)) / 2e-6, rel=1e-7
    )


def test_poles_and_kinks() -> None:
    def derivative(fn: Any, x: float) -> Any:
        return zyg.grad(fn, mode="dynamic")(x)

    assert derivative(lambda x: math.sqrt(x), 0.0) == math.inf
    assert derivative(lambda x: x * math.sqrt(x), 0.0) == 0.0
    assert derivative(lambda x: math.sqrt(x**2), 0.0) == 0.0
    assert derivative(lambda x: abs(x), 0.0) == 0.0
    assert derivative(lambda x: 1e-200 / x, 1e-200) == pytest.approx(-1e200)
    assert derivative(lambda x: x**0, 0.0) == 0.0
    assert derivative(lambda x: np.sum(np.sqrt(np.array([x, 1.0]) ** 2)), 0.0) == 0.0
    a = np.array([0.0, 4.0])
    assert np.array_equal(zyg.grad(lambda a: np.sum(np.sqrt(a)), mode="dynamic")(a), [math.inf, 0.25])
    assert np.array_equal(zyg.grad(lambda a: np.sum(np.sqrt(a * a)), mode="dynamic")(a), [0.0, 1.0])


# --- elements ---------------------------------------------------------------------------------------------


def differences(fn: Any, a: Any) -> Any:
    g = np.zeros(a.shape)
    for index in np.ndindex(a.shape):
        up, down = a.copy(order="K"), a.copy(order="K")
        up[index] += 1e-6
        down[index] -= 1e-6
        g[index] = (fn(up) - fn(down)) / 2e-6
    return g


def check(fn: Any, a: Any) -> None:
    g = zyg.grad(fn, mode="dynamic")
    assert np.allclose(g(a.copy(order="K")), differences(fn, a), rtol=1e-6, atol=1e-7)
    weights = np.arange(1.0, a.size + 1).reshape(a.shape)

    def along(a: Any) -> Any:
        return np.sum(g(a) * weights)

    assert np.allclose(zyg.grad(along, mode="dynamic")(a.copy(order="K")), differences(along, a), rtol=1e-5, atol=1e-6)


def reads(a: Any) -> Any:
    return a[0] * a[-1] + a[1] * a[1] + a[::-2][0] * a[1:][0] + sum(a[i] * i for i in range(len(a)))


def writes(a: Any) -> Any:
    y = np.zeros(len(a))
    for i in range(1, len(a)):
        y[i] = y[i - 1] * 0.5 + a[i] * a[-i]
    y[0] = 2.0
    y[-1] = y[0] * y[1]
    z = y * a
    y[1] = a[0]
    part = y[1:3]
    part[0] *= a[1]
    y[2] = 7
    return np.sum(y * y) + np.sum(z) + part[1] * part[0]


def tables(a: Any) -> Any:
    m = np.zeros((3, 2))
    for i in range(3):
        for j in range(2):
            m[i, j] = a[i] * a[j] + m[i - 1, -1]
    t = m.T
    t[1, 0] = a[0]
    row = m[2]
    row[0] = row[1] * m[0, 1]
    return m[0, 1] * t[0, 2] + np.sum(m**2) + m[-1, -1]


@pytest.mark.parametrize("fn", [reads, writes, tables])
def test_elements(fn: Any) -> None:
    a = np.array([0.7, -0.4, 0.3, 1.1])
    check(fn, a)
    y, dy = zyg.jvp(fn, (a,), (np.ones(4),), mode="dynamic")
    assert y == pytest.approx(fn(a.copy()))
    assert dy == pytest.approx(np.sum(zyg.grad(fn, mode="dynamic")(a)), rel=1e-12)
    back = zyg.pullback(fn, a.copy(), mode="dynamic")[1]
    assert np.allclose(back(2.0)[0], 2 * back(1.0)[0], rtol=1e-14)
    slopes = zyg.grad(lambda d: np.sum(back(d * d)[0]), mode="dynamic")(3.0)
    assert slopes == pytest.approx(6 * dy, rel=1e-12)


def test_elements_of_arrays_in_other_layouts() -> None:
    def program(m: Any) -> Any:
        m[1, 0] = m[0, 1] * m[2, 1]
        return m[1, 0] * m[0, 0] + np.sum(m * m) + m[:, 1][2] * m.T[0, 1]

    a = np.arange(6.0).reshape(3, 2) / 5 + 0.3
    check(program, a)
    check(program, np.asfortranarray(a))
    for array in (np.arange(12.0).reshape(6, 2)[::2] / 7, np.asfortranarray(a)):
        expected = differences(program, np.ascontiguousarray(array))
        assert np.allclose(zyg.grad(program, mode="dynamic")(array.copy(order="K")), expected, atol=1e-7)


def test_elements_of_other_types() -> None:
    def program(a: Any, k: Any) -> Any:
        k[0] = k[1] + 2
        a[0] = a[1] * a[0] * k[0]
        return a[0] * a[0]

    a = np.array([1.5, 2.0], np.float32)
    g = zyg.grad(program, mode="dynamic")(a.copy(), np.array([1, 2]))
    assert g.dtype == np.float32
    assert np.allclose(g, [2 * 1.5 * 64, 2 * 2.0 * 1.5**2 * 16])
    z = zyg.grad(lambda z: abs(z[0] * z[1]) ** 2, mode="dynamic")(np.array([1 + 1j, 2.0]))
    assert np.allclose(z, [2 * 4 * (1 + 1j), 2 * 2 * 2.0])


def test_indices_that_are_wrong_or_odd() -> None:
    a = np.array([1.0, 2.0])
    for index in (2, -3, (0, 0), "x", 1.0):
        with pytest.raises(IndexError):
            zyg.grad(lambda a, i=index: a[i] * 1.0, mode="dynamic")(a)
    with pytest.raises(IndexError):
        zyg.grad(lambda a: a.__setitem__(5, a[0]), mode="dynamic")(a)
    assert np.array_equal(zyg.grad(lambda a: a[True].sum() + a[np.int64(1)], mode="dynamic")(a), [1.0, 2.0])
    frozen = np.array([1.0, 2.0])
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        zyg.grad(lambda a: a.__setitem__(0, a[1]), mode="dynamic")(frozen)


# --- whole arrays -----------------------------------------------------------------------------------------


def whole(a: Any) -> Any:
    b = np.exp(a) * a + a / 2 - 3 * np.tanh(a) ** 2 + a.T.T * 2.0**a
    b += a
    c = b.T
    c[0] = 1.0
    d = np.maximum(a, b) + np.arctan2(a, 2) + a[:1] * b + b[:, :1] * a[0, 0] + np.sqrt(b * b) ** 1.5
    return np.sum(d * d) + np.sum((b + b) * b) + np.sum(a[:0] * 2)


@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_arrays(order: Any) -> None:
    check(whole, np.array([[0.3, -0.4, 0.9], [1.1, 0.2, -0.7]], order=order))


def test_what_was_computed_is_kept_from_writes() -> None:
    def program(a: Any) -> Any:
        b = np.exp(a)
        c = b * b
        b[:] = 5.0
        b[0] = a[1]
        c *= b
        return np.sum(c * b)

    check(program, np.array([0.3, -0.4]))


def test_nothing_refers_to_itself() -> None:
    """Tapes are gone when they have been swept, without the garbage collector."""

    def program(x: Any, p: Any) -> Any:
        y = x
        for k in range(5):
            y = math.sin(y) * x + p["w"][k % 2] * 2
        return y + np.sum(p["w"] * x)

    derivative = zyg.grad(program, (0, 1), mode="dynamic")
    p = {"w": np.array([1.0, 2.0])}
    derivative(0.5, p)
    gc.collect()
    gc.disable()
    try:
        gc.set_debug(gc.DEBUG_SAVEALL)
        derivative(0.5, p)
        gc.collect()
        left = [type(item).__name__ for item in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not {"Number", "Array", "Tape"} & set(left)


def test_operands_by_which_no_derivative_is_known() -> None:
    """Each way refuses, at floats, arrays and second order."""
    from scipy import special

    for fn in (special.gammainc, special.jv, special.kve):
        assert zyg.grad(lambda x, f=fn: f(2.0, x), mode="dynamic")(1.5) != 0.0
        for program in (lambda x, f=fn: f(x, 1.5), lambda x, f=fn: np.sum(f(np.array([x, 1.0]), 1.5))):
            with pytest.raises(zyg.DifferentiationError):
                zyg.grad(program, mode="dynamic")(2.0)
            with pytest.raises(zyg.DifferentiationError):
                zyg.grad(zyg.grad(program, mode="dynamic"), mode="dynamic")(2.0)
