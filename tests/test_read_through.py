"""Buffers whose elements are little work on those of another one are not made; where that one changes, they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

import zyg


def scattered(x, at):
    y = np.zeros(len(x))
    for k in range(len(at)):
        y[at[k]] += x[k] ** 2
    return np.sum(y**2)


def changed_between(x, at):
    y = np.zeros(len(x))
    for k in range(len(at)):
        y[at[k]] += x[k] ** 2
    z = np.empty(len(x))
    for k in range(len(x)):
        z[k] = 2.0 * y[k]
    y[1] = x[0]
    s = 0.0
    for k in range(len(at)):
        s += z[at[k]] * y[at[k]]
    return s


def named(x, at):
    z = np.empty(len(x))
    for k in range(len(x)):
        z[k] = -x[k]
    s = 0.0
    for k in range(len(at)):
        s += z[at[k]] ** 3
    return s


def in_steps(x, at):
    y, z = x.copy(), np.empty(len(x))
    s = 0.0
    for step in range(3):
        for k in range(len(x)):
            z[k] = 0.5 * y[k]
        for k in range(len(at)):
            s += z[at[k]] ** 2 * (step + 1)
            y[k] = math.sin(y[k])
    return s


def partly(x, at):
    y, z = x.copy(), np.empty(len(x))
    s = 0.0
    for step in range(3):
        for k in range(len(x) - step):
            z[k] = 2.0 * y[k]
        y *= 1.5
        for k in range(len(at)):
            s += z[at[k]] ** 2
    return s


def shifted(x, at):
    y = np.sin(x)
    z = np.empty(len(x))
    for k in range(len(x)):
        z[k] = 2.0 * y[k - 1]
    return z[at[0]] * z[at[1]] + np.sum(z)


X, AT = np.array([0.3, -0.7, 1.2, 0.5]), np.array([2, 0, 1, 2])
PROGRAMS = (scattered, changed_between, named, in_steps, partly, shifted)


def _buffers(f):
    text = zyg.inspect_adjoint(zyg.grad(f, mode="native"), X, AT)
    return sum(text.count(word) for word in ("mem_new(", "mem_zeros(", "mem_like("))


def test_no_buffer_of_its_own():
    assert _buffers(scattered) == 2  # y and what is given back


@pytest.mark.parametrize("f", PROGRAMS)
def test_against_differences(f):
    h, g = 1e-6, zyg.grad(f, mode="native")
    slopes = [(f(X + h * d, AT) - f(X - h * d, AT)) / (2 * h) for d in np.eye(4)]
    np.testing.assert_allclose(g(X, AT), slopes, rtol=1e-7, atol=1e-8)
    assert zyg.value_and_grad(f)(X, AT)[0] == pytest.approx(f(X, AT), rel=1e-14)
    curves = [(g(X + h * d, AT) - g(X - h * d, AT)) / (2 * h) for d in np.eye(4)]
    np.testing.assert_allclose(zyg.hessian(f)(X, AT), curves, rtol=1e-6, atol=1e-8)
