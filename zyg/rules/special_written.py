"""Functions of `scipy.special` written in Python, which the reader compiles like the user's own code, by name."""

from __future__ import annotations

import math
from types import FunctionType
from typing import Any

import numpy as np

from zyg.rules.library import library, still
from zyg.rules.special import i0, loggamma

WRITTEN: dict[str, FunctionType] = {}


def _written(function: Any) -> Any:
    WRITTEN[function.__name__] = function
    return function


def _top(a: Any, axis: Any) -> Any:
    """The largest element, which is subtracted before exponentials are taken; the result does not depend on it."""
    largest = still(np.max(a, axis=axis, keepdims=True))
    return np.where(np.isfinite(largest), largest, 0.0)


@_written
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    if b is not None:
        a = np.where(b == 0, -np.inf, a)
    top = _top(a, axis)
    terms = np.exp(a - top)
    if b is not None:
        terms = b * terms
    total = np.sum(terms, axis=axis, keepdims=keepdims)
    if not keepdims:
        top = np.squeeze(top, axis=axis)
    if return_sign:
        return np.log(np.abs(total)) + top, np.sign(total)
    return np.log(total) + top


@_written
def softmax(x: Any, axis: Any = None) -> Any:
    terms = np.exp(x - _top(x, axis))
    return terms / np.sum(terms, axis=axis, keepdims=True)


@_written
def log_softmax(x: Any, axis: Any = None) -> Any:
    shifted = x - _top(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@_written
def softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


@_written
def exp10(x: Any) -> Any:
    return 10.0**x


@_written
def huber(delta: Any, r: Any) -> Any:
    size = np.abs(r)
    near = np.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return np.where(delta < 0, np.inf, near)


@_written
def pseudo_huber(delta: Any, r: Any) -> Any:
    ratio = r / delta
    return delta * delta * ratio * ratio / (1.0 + np.sqrt(1.0 + ratio * ratio))


@_written
def multigammaln(a: Any, d: int) -> Any:
    """Sum of the logarithms of Γ(a - j / 2) for j < d, and d (d - 1) / 4 · log π."""
    total = 0.25 * d * (d - 1) * math.log(math.pi) + loggamma(a)
    for j in range(1, d):
        total = total + loggamma(a - 0.5 * j)
    return total


@library(np.kaiser)
def _kaiser(M: int, beta: Any) -> Any:
    if M == 1:
        return np.ones(1)
    middle = 0.5 * (M - 1)
    distance = (np.arange(M) - middle) / middle
    return i0(beta * np.sqrt(1.0 - distance * distance)) / i0(beta)
