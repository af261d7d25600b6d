"""Loops whose iterations meet in sums only are reversed iteration by iteration, with the memory of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg

RNG = np.random.default_rng(5)
X = RNG.uniform(0.4, 1.4, size=(20, 3))
W = RNG.uniform(0.4, 1.4, size=(4, 3))


def of_rows(x, w):
    total = 0.0
    for i in range(len(x)):
        s = 0.0
        for j in range(x.shape[1]):
            s += x[i, j] * w[i % 4, j]
        total += math.log(1.0 + s * s)
    return total


def with_work_arrays(x, w):
    k, d = w.shape
    scaled, scores = np.zeros(d), np.zeros(k)
    total = 0.0
    for i in range(len(x)):
        for c in range(k):
            for j in range(d):
                scaled[j] = x[i, j] * w[c, j]
            for j in range(1, d):
                scaled[j] += 0.5 * scaled[j - 1]
            scores[c] = 0.0
            for j in range(d):
                scores[c] += math.sin(scaled[j])
        top = scores[0]
        for c in range(1, k):
            top = max(top, scores[c])
        s = 0.0
        for c in range(k):
            s += math.exp(scores[c] - top)
        total += top + math.log(s)
    return total


def with_arrays_of_its_own(x, w):
    total = 0.0
    for i in range(len(x)):
        h = np.tanh(w @ x[i])
        total += np.sum(h * h) + h[0]
    return total


def carried_work_array(x, w):
    state = np.zeros(x.shape[1])
    total = 0.0
    for i in range(len(x)):
        for j in range(x.shape[1]):
            state[j] = 0.5 * state[j] + x[i, j] * w[0, j]
        s = 0.0
        for j in range(x.shape[1]):
            s += state[j] ** 2
        total += math.sqrt(1.0 + s)
    return total


def partly_overwritten(x, w):
    state = np.zeros(x.shape[1])
    total = 0.0
    for i in range(len(x)):
        for j in range(x.shape[1] - 1):
            state[j] = x[i, j] * w[0, j]
        state[2] += 0.1 * x[i, 0]
        for j in range(x.shape[1]):
            total += math.sin(state[j])
    return total


def sums_by_branches(x, w):
    a, b = 0.0, 1.0
    for i in range(0, len(x), 2):
        s = 0.0
        for j in range(x.shape[1]):
            s += x[i, j] * w[0, j] ** 2
        if s > 2.5:
            a += s * s
        elif s > 2.0:
            b -= math.cos(s)
            a += 1.0
        if x[i, 0] > 1.2:
            continue
        b += s * w[1, 1]
    return a + 2.0 * b - 0.25 * a


def written_behind(x, w):
    y = w.copy()
    total = 0.0
    for i in range(len(x)):
        for j in range(3):
            total += x[i, j] ** 2 * y[1, j] ** 2
    for j in range(3):
        y[1, j] = total * y[1, j]
    return np.sum(y)


def backwards_by_twos(x, w):
    total = 0.0
    for i in range(len(x) - 1, 0, -2):
        for j in range(x.shape[1]):
            total += x[i, j] * w[0, j] * x[i - 1, j]
    return -total / len(x)


def in_a_loop(x, w):
    total = 0.0
    scale = 1.0
    for k in range(3):
        part = 0.0
        for i in range(len(x)):
            s = 0.0
            for j in range(x.shape[1]):
                s += x[i, j] * w[k, j] * scale
            part += math.sin(s)
        total += part * part
        scale = scale * 0.5 + 0.01 * part
    return total


def with_loops_that_end_by_values(x, w):
    total = 0.0
    for i in range(len(x)):
        y = x[i, 0]
        while y < 3.0:
            y = y * (1.5 + 0.1 * math.sin(y)) + 0.01 * w[0, 0]
        total += math.cos(y)
    return total


def with_a_sum_of_sums(x, w):
    total = 0.0
    for i in range(len(x)):
        for j in range(x.shape[1]):
            total += x[i, j] * w[0, j]
            total += x[i, 0] ** 2
    return total


def sum_behind_which_all_is_scaled(x, w):
    """As a likelihood: the sum is needed for the derivative by the scale."""
    scale = w[0, 1] ** 2
    squares = 0.0
    for i in range(len(x)):
        for j in range(x.shape[1]):
            squares += (x[i, j] - w[1, j]) ** 2
    return 0.5 * squares / scale + len(x) * math.log(scale) + np.sum(w * w)


def sum_in_a_branch(x, w):
    total = 1.0
    if w[0, 0] > 0.0:
        for i in range(len(x)):
            s = x[i, 0]
            for j in range(1, x.shape[1]):
                s *= x[i, j]
            total -= math.sqrt(s) * w[1, 1]
    return total * math.exp(-0.1 * total) if total < 0.0 else w[0, 1]


def two_sums(x, w):
    hits, total = 0.0, 0.0
    for i in range(len(x)):
        y = x[i, 0]
        while y < 3.0:
            y = y * (1.5 + 0.1 * math.sin(y)) + 0.01 * w[0, 0]
            hits += 1.0
        total += math.cos(y)
    return total * total / (1.0 + hits)


def scalars_in_a_loop(x, w):
    """The inner sum's partial derivatives are numbers, which the outer loop keeps."""
    y = w[0, 0]
    for _ in range(3):
        part = 0.0
        for i in range(2, 22):
            t = y
            for j in range(i % 3 + 1):
                t = math.sin(t + 0.1 * i + 0.2 * j)
            part += t
        y = 0.3 * y + 0.1 * part * part
    return y * np.sum(x[0]) + w[1, 0]


def paths(x, w):
    """Walks that may end early, averaged."""
    total = 0.0
    for i in range(len(x)):
        s, alive = w[0, 0], True
        for j in range(x.shape[1]):
            s *= math.exp(0.2 * w[0, 1] + 0.3 * w[1, 0] * (x[i, j] - 0.9))
            if s > 1.6:
                alive = False
                break
        if alive and s > w[2, 0]:
            total += s - w[2, 0]
    return math.exp(-w[3, 0]) * total / len(x)


PROGRAMS = (
    sum_behind_which_all_is_scaled,
    sum_in_a_branch,
    two_sums,
    scalars_in_a_loop,
    paths,
    of_rows,
    with_work_arrays,
    with_arrays_of_its_own,
    carried_work_array,
    partly_overwritten,
    sums_by_branches,
    written_behind,
    backwards_by_twos,
    in_a_loop,
    with_a_sum_of_sums,
    with_loops_that_end_by_values,
)


@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda fn: fn.__name__)
def test_derivatives(fn: Callable[..., Any]) -> None:
    zyg.check_grads(fn, (X, W), order=1)
    value, (dx, dw) = zyg.value_and_grad(fn, (0, 1))(X, W)
    alone = zyg.grad(fn, (0, 1))(X, W)
    assert value == pytest.approx(fn(X, W), rel=1e-13)
    np.testing.assert_allclose(alone[0], dx, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(alone[1], dw, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("fn", PROGRAMS[:11], ids=lambda fn: fn.__name__)
def test_second_derivatives(fn: Callable[..., Any]) -> None:
    direction = RNG.normal(size=W.shape)
    product = zyg.grad(lambda w: np.sum(zyg.grad(fn, 1)(X, w) * direction))(W)
    h = 1e-6
    by_differences = (zyg.grad(fn, 1)(X, W + h * direction) - zyg.grad(fn, 1)(X, W - h * direction)) / (2 * h)
    np.testing.assert_allclose(product, by_differences, rtol=1e-5, atol=1e-6)


def adjoint(fn: Callable[..., Any]) -> str:
    return zyg.inspect_adjoint(zyg.grad(fn, (0, 1)), X, W)


def is_by_iterations(fn: Callable[..., Any]) -> bool:
    return "iteration_reverse" in adjoint(fn)


def test_which_loops() -> None:
    assert all(map(is_by_iterations, (of_rows, with_work_arrays, with_arrays_of_its_own)))
    assert is_by_iterations(backwards_by_twos)
    assert not is_by_iterations(in_a_loop)  # whose partial derivatives, arrays, the outer loop would have to keep
    assert not is_by_iterations(carried_work_array)
    assert not is_by_iterations(partly_overwritten)


def test_loops_that_nobody_waits_for_are_left_to_the_reverse_sweep() -> None:
    text = adjoint(with_loops_that_end_by_values)
    main, iteration = ("\n".join(line.split("#")[0] for line in part.splitlines()) for part in text.split("\ndef ", 1))
    assert main.count("while") == 1
    assert "sin(" not in main
    assert "sin(" in iteration


@pytest.mark.parametrize("fn", (sum_behind_which_all_is_scaled, paths), ids=lambda fn: fn.__name__)
def test_loops_whose_sums_are_needed_run_once(fn: Callable[..., Any]) -> None:
    """The forward sweep reverses each iteration at once, and keeps nothing; so it does for the value."""
    text = adjoint(fn)
    main = text[: text.index("\ndef ")] if "\ndef " in text else text
    assert "tape" not in main
    both = zyg.inspect_adjoint(zyg.value_and_grad(fn, (0, 1)), X, W)
    assert both.count("_iteration_2_reverse(") + both.count("_iteration_reverse(") == 2  # its call, and itself


def test_second_derivatives_where_the_first_is_zero() -> None:
    """The cotangent of the sum is 0 there, but it moves."""

    def f(x, w):
        total = 0.0
        for i in range(len(x)):
            s = 0.0
            for j in range(x.shape[1]):
                s += x[i, j] * w[0, j]
            total += math.sqrt(s)
        off = total - goal
        return off * off * off * w[1, 0] + off * off

    at = np.array([[1.0, 1.0, 1.0], [0.3, 0.2, 0.1]])
    goal = sum(math.sqrt(row.sum()) for row in X)
    gradient, hessian = zyg.grad(f, 1)(X, at), zyg.hessian(f, 1)(X, at)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-12)
    slope = sum(0.5 * row / math.sqrt(row.sum()) for row in X)
    np.testing.assert_allclose(hessian[0, :, 0, :], 2.0 * np.outer(slope, slope), rtol=1e-10)


def test_sums_that_nothing_comes_of_have_no_derivative_where_theirs_is_infinite() -> None:
    def f(x, w):
        total = 0.0
        for i in range(len(x)):
            s = 0.0
            for j in range(x.shape[1]):
                s += x[i, j] ** 2
            total += math.sqrt(s) * w[0, 0]
        return total * total * w[1, 1]

    gradient = zyg.grad(f, (0, 1))(np.zeros((9, 3)), W)
    assert all(np.all(part == 0.0) for part in gradient)


def test_no_iterations_and_none_at_all() -> None:
    for fn in (sum_behind_which_all_is_scaled, paths):
        if fn is paths:
            with pytest.raises(ZeroDivisionError):
                zyg.grad(fn, (0, 1))(X[:0], W)
        else:
            dx, _ = zyg.grad(fn, (0, 1))(X[:0], W)
            assert dx.shape == (0, 3)


def test_exceptions_are_those_of_the_first_iteration_that_fails() -> None:
    def f(x, w):
        total = 0.0
        for i in range(len(x)):
            s = 0.0
            for j in range(x.shape[1]):
                s += 1.0 / (x[i, j] - w[0, 0])
            if s > 1e6:
                raise ValueError(f"large at {i}")
            total += s
        return total

    g = zyg.grad(f)
    x = X.copy()
    x[11, 1] = W[0, 0]
    with pytest.raises(ZeroDivisionError):
        g(x, W)
    x[7, 2] = W[0, 0] + 1e-9
    with pytest.raises(ValueError, match="large at 7"):
        g(x, W)
    np.testing.assert_allclose(g(X + 2.0, W), -1.0 / (X + 2.0 - W[0, 0]) ** 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_widths(dtype: Any) -> None:
    """Partial derivatives have the width of what they belong to, the sum's cotangent its own."""
    x, w = X.astype(dtype), W.astype(dtype)
    value, (dx, dw) = zyg.value_and_grad(sum_behind_which_all_is_scaled, (0, 1))(x, w)
    wide = zyg.value_and_grad(sum_behind_which_all_is_scaled, (0, 1))(X, W)
    assert dx.dtype == dw.dtype == dtype
    np.testing.assert_allclose(value, wide[0], rtol=1e-5)
    np.testing.assert_allclose(dx, wide[1][0], rtol=1e-4)
    np.testing.assert_allclose(dw, wide[1][1], rtol=1e-4)


def test_complex_partial_derivatives_of_real_sums() -> None:
    """Of arrays and of numbers, where the value is needed: the gradient of s² is 2 s times that of s."""

    def f(z: Any, c: complex) -> float:
        s = 0.0
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                s += (z[i, j] * c).imag
        return s * s

    z, c = X + 1j * np.cos(X), 0.3 + 2.0j
    s = np.sum((z * c).imag)
    by_z, by_c = zyg.grad(f, (0, 1))(z, c)
    np.testing.assert_allclose(by_z, np.full(z.shape, 2.0 * s * np.conj(c * -1j)), rtol=1e-12)
    assert by_c == pytest.approx(2.0 * s * np.conj(np.sum(z) * -1j), rel=1e-12)
    view, back = zyg.pullback(lambda x: (x * c)[:, 1:], X)
    dy = np.sin(view.real) + 1j * np.cos(view.imag)
    np.testing.assert_allclose(back(dy)[0][:, 1:], (np.conj(c) * dy).real, rtol=1e-12)
