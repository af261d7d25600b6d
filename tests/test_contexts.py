"""`with` statements in native code."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest

import zyg


def in_a_loop(x):
    total = 0.0
    for i in range(5):
        with np.errstate(divide="ignore", invalid="warn"):
            if i == 1:
                continue
            if i == 4:
                break
            total += np.log(x + i) if x < i else x**i
    return total


def returning(x):
    with np.errstate(all="ignore"), contextlib.nullcontext():
        v = np.array([x, 0.0, -1.0])
        w = np.where(v > 0, np.log(np.abs(v)), v * x)
        with np.errstate(over="ignore"):
            for _ in range(2):
                w = w * x
    with np.errstate(all="ignore"):
        return np.sum(w)


def raising(x):
    with np.errstate(all="ignore"):
        if x > 5:
            raise ValueError("big")
        y = x * x
    return y * x


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("program", [in_a_loop, returning, raising], ids=lambda fn: fn.__name__)
def test_contexts_without_effect(program, mode: str) -> None:
    x, h = 1.7, 1e-6
    slope = (program(x + h) - program(x - h)) / (2 * h)
    assert zyg.grad(program, mode=mode)(x) == pytest.approx(slope)
    bend = (zyg.grad(program, mode=mode)(x + h) - zyg.grad(program, mode=mode)(x - h)) / (2 * h)
    assert zyg.grad(zyg.grad(program, mode=mode), mode=mode)(x) == pytest.approx(bend)


def test_what_is_raised_in_them() -> None:
    with pytest.raises(ValueError, match="big"):
        zyg.grad(raising, mode="native")(6.0)


def test_others_are_for_dynamic_mode() -> None:
    def strict(x):
        with np.errstate(all="raise"):
            return np.log(x)

    def silent(x):
        with warnings.catch_warnings():
            return np.log(x)

    def named(x):
        with np.errstate(all="ignore") as state:
            return np.log(x) if state is None else x

    for program, words in ((strict, "np.errstate"), (silent, "with statements"), (named, "with statements")):
        with pytest.raises(zyg.UnsupportedError, match=words):
            zyg.grad(program, mode="native")(2.0)
        assert zyg.grad(program, mode="dynamic")(2.0) == (1.0 if program is named and named(2.0) == 2.0 else 0.5)
