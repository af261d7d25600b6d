"""Functions that call themselves with parts of an array, whose starts and strides are ever others."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import zyg


def pairs(x: Any) -> Any:
    if len(x) == 1:
        return x[0]
    return np.sin(pairs(x[::2])) + pairs(x[1::2]) ** 2


def backwards(x: Any) -> Any:
    if len(x) == 1:
        return x[0]
    return np.sin(backwards(x[: len(x) // 2])) + x[-1] * backwards(x[len(x) // 2 :][::-1])


def plane(x: Any) -> Any:
    if x.shape[0] == 1:
        return x[0, 0] ** 2
    return plane(x[::2, 1::2]) + x[1, 0] * plane(x[1::2, ::2].T)


def fft(x: Any) -> Any:
    n = len(x)
    if n == 1:
        return x
    even, odd = fft(x[::2]), fft(x[1::2])
    turned = np.exp(-2j * np.pi * np.arange(n // 2) / n) * odd
    return np.concatenate((even + turned, even - turned))


@pytest.mark.parametrize("f", [pairs, backwards, plane], ids=lambda f: f.__name__)
def test_a_number_of_halves_of_halves(f: Any) -> None:
    x = np.linspace(0.1, 0.9, 8) if f is not plane else np.linspace(0.1, 0.9, 16).reshape(4, 4)
    v = np.cos(x)
    value, gradient = zyg.value_and_grad(f, mode="native")(x)
    assert value == pytest.approx(f(x), rel=1e-14)
    h = 1e-6
    slope = (f(x + h * v) - f(x - h * v)) / (2 * h)
    assert np.sum(gradient * v) == pytest.approx(slope, rel=1e-8)
    assert zyg.jvp(f, (x,), (v,))[1] == pytest.approx(slope, rel=1e-8)


def test_arrays_that_recursion_gives_are_left_to_dynamic_mode() -> None:
    def power(x: Any) -> Any:
        return np.sum(np.abs(fft(x.astype(complex))) ** 2 * np.arange(len(x)))

    x = np.cos(np.arange(8.0))
    with pytest.raises(zyg.UnsupportedError, match="a recursive function that returns arrays"):
        zyg.grad(power, mode="native")(x)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gradient = zyg.grad(power)(x)
    assert [w.category for w in said] == [zyg.DynamicModeWarning]
    whole = zyg.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2 * np.arange(len(x))))(x)
    np.testing.assert_allclose(gradient, whole, rtol=1e-10, atol=1e-10)
