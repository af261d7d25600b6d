"""NumPy's operations that are computed together: across names and calls, and not where memory changes in between."""

import traceback

import numpy as np
import pytest
from numba import njit

import zyg

X = np.array([0.3, -0.7, 1.2, 0.5])
Y = np.array([1.1, 0.4, -0.2, 0.9])


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def residual(a, b, x, y):
    return y - a * sigmoid(b * x)


def both(x, y=2.0, *, shift=0.5):
    product = x * y
    return product + shift, product - shift


def pick(pair, which):
    return pair[which] * 2.0


def last(x):
    return x[-1] * x


def twice(fn, x):
    return fn(fn(x))


@njit
def compiled(x):
    return np.tanh(x) * 3.0


def written(x):
    x[0] = 7.0
    return x


def first_written(x, a):
    return written(a)[0] + np.sum(x)


def over_calls(x, y):
    return np.sum(residual(0.8, 1.5, x, y) ** 2)


def over_names(x, y):
    scaled = 1.5 * x
    gate = 1.0 / (1.0 + np.exp(-scaled))
    off = y - 0.8 * gate
    return np.sum(off**2)


def pairs(x, y):
    up, down = both(x, y, shift=0.25)
    more = both(up)
    return np.sum(up * down) + np.sum(pick(more, 1))


def functions(x, y):
    def double(z):
        return z * y

    return np.sum(twice(double, x) + twice(sigmoid, y))


def of_numba(x, y):
    return np.sum(compiled(x * y) + compiled(y))


def used_twice(x, y):
    z = sigmoid(x) * y
    return np.sum(z * z) + np.sum(last(z))


def before_a_write(x, y):
    x = x.copy()
    z = sigmoid(x)
    x[1] = 3.0
    return np.sum(z * x * y)


def before_a_write_in_a_call(x, y):
    x = x.copy()
    return first_written(x * y, x) + np.sum(x)


def before_a_write_behind_a_call(x, y):
    x = x.copy()
    a = b = x * y
    return first_written(a, x) + first_written(b, x)


def in_loops(x, y):
    total = 0.0
    for i in range(3):
        x = sigmoid(x * y) + i
        if i == 1:
            x = last(x - y)
        total += np.sum(x)
    return total


def stretched(x, y):
    return np.sum(np.exp(x) * np.outer(y, x)) + np.sum(sigmoid(x)[:, None] * (y + 1.0))


PROGRAMS = [
    over_calls,
    over_names,
    pairs,
    functions,
    of_numba,
    used_twice,
    before_a_write,
    before_a_write_in_a_call,
    before_a_write_behind_a_call,
    in_loops,
    stretched,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_derivatives(f):
    y, gradient = zyg.value_and_grad(f, (0, 1), mode="native")(X, Y)
    assert y == pytest.approx(f(X, Y), rel=1e-13)
    for dx in (0, 1):
        for k in range(4):
            h = np.zeros(4)
            h[k] = 1e-6
            shifted = [f(*(a + s * h if n == dx else a for n, a in enumerate((X, Y)))) for s in (1, -1)]
            assert gradient[dx][k] == pytest.approx((shifted[0] - shifted[1]) / 2e-6, rel=1e-6, abs=1e-8)
    zyg.check_grads(f, (X, Y), order=2)


@pytest.mark.parametrize("f", [over_calls, over_names], ids=lambda f: f.__name__)
def test_one_loop_does_it_all(f):
    text = zyg.inspect_adjoint(zyg.grad(f), X, Y)
    assert text.count("while") == 1
    assert text.count("exp(") == 1
    assert text.count("mem_new") == 1  # the gradient


def test_what_is_stretched_is_computed_once_an_element():
    def f(x, y):
        return np.sum(np.exp(x) * y)

    text = zyg.inspect_adjoint(f, X, np.ones((3, 4)))
    assert "[i] = exp(" in text


def test_failures_name_the_lines_of_the_function_that_is_called():
    def shifted(x, y):
        return x + y  # here

    def f(x, y):
        return np.sum(shifted(x, y))

    with pytest.raises(ValueError, match="broadcast") as caught:
        zyg.grad(f)(X, np.ones(3))
    lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "return x + y  # here" in lines
    assert "return np.sum(shifted(x, y))" in lines


def test_what_cannot_be_compiled_names_the_lines_of_both():
    def spoken(x):
        return x * len(input())  # here

    def f(x):
        return np.sum(spoken(x))

    with pytest.raises(zyg.UnsupportedError) as caught:
        zyg.grad(f, mode="native")(X)
    assert "return x * len(input())  # here" in str(caught.value)
    assert "np.sum(spoken(x))" in str(caught.value)
