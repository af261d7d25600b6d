"""Numbers of repetitions: loops whose tapes have exactly as many rows as iterations, and right gradients."""

from __future__ import annotations

import math

import pytest

import zyg


def down(x, n):
    r = 1.0
    while n > 0:
        r *= math.sin(x + n)
        n -= 1
    return r


def down_by_three(x, n):
    r = 1.0
    while n >= 2:
        r *= math.sin(x + n)
        n -= 3
    return r


def up(x, n):
    r, i = 1.0, -4
    while i < n:
        r *= math.sin(x + i)
        i += 2
    return r


def up_to(x, n):
    r, i = 1.0, -3
    while n >= i:
        i += 1
        r *= math.sin(x + i)
    return r


def until_zero(x, n):
    r, n = 1.0, abs(n)
    while n:
        r *= math.sin(x + n)
        n -= 1
    return r


def leaving_in_the_middle(x, n):
    r = 1.0
    while True:
        r *= math.sin(x + n)
        n -= 1
        if n < 0:
            break
        r *= math.cos(x - n)
    return r


def nested(x, n):
    r, i = 1.0, 0
    while i < n:
        j = 3
        while j > 0:
            r *= math.sin(x + i * j)
            j -= 1
        i += 1
    return r


KNOWN = [down, down_by_three, up, up_to, until_zero, leaving_in_the_middle, nested]


@pytest.mark.parametrize("fn", KNOWN)
@pytest.mark.parametrize("n", [-7, -1, 0, 1, 2, 3, 9, 10])
def test_gradients(fn, n):
    zyg.check_grads(lambda x: fn(x, n), (0.7,), order=2 if n == 3 else 1)


@pytest.mark.parametrize("fn", KNOWN)
def test_tapes_do_not_grow(fn):
    listing = zyg.inspect_adjoint(zyg.grad(fn), 0.7, 5)
    assert "tape_new(" in listing and "tape_reserve" not in listing


def leaving_early(x, n):
    r = 1.0
    while n > 0:
        r *= math.sin(x + n)
        if r < 0.1:
            return r
        n -= 1
    return r


def step_that_changes(x, n):
    r, i, step = 1.0, 0, 1
    while i < n:
        r *= math.sin(x + i)
        i += step
        step += 1
    return r


def bound_that_changes(x, n):
    r, i = 1.0, 0
    while i < n:
        r *= math.sin(x + i)
        i += 1
        n -= 1
    return r


@pytest.mark.parametrize("fn", [leaving_early, step_that_changes, bound_that_changes])
@pytest.mark.parametrize("n", [-1, 0, 1, 5, 12])
def test_what_is_not_known(fn, n):
    zyg.check_grads(lambda x: fn(x, n), (0.7,), order=2 if n == 3 else 1)
