"""Elements one after the other, however they lie: `.flat`, `np.ndindex`, `np.ndenumerate`, `tolist`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg

X = np.array([[0.3, 1.2, -0.7], [0.9, -0.4, 0.5]])


def read_while_written(x: Any) -> Any:
    y, s = (x * 1.0).T, 0.0
    for k, v in enumerate(y.flat):
        s += v * v * (k + 1)
        if k == 0:
            y[2, 1] *= 3.0
    return s


def read_after_writing(x: Any) -> Any:
    y = x * 1.0
    w = y.T.flat
    y[1, 1] *= y[0, 0]
    return w[3] * w[-1] + np.dot(w[::2], w[1::2]) + np.sum(np.sin(y[:, ::2].flat)) + len(w)


def written(x: Any) -> Any:
    y = x * 1.0
    w = y[:, 1:].flat
    w[1] = x[0, 0] * x[1, 2]
    w[-1] *= w[1]
    return np.sum(np.sin(y)) * max(w)


def handed_on(x: Any) -> Any:
    def total(w: Any) -> Any:
        return sum(a * b for a, b in zip(w, x.flat, strict=False))

    return total(x.T.flat) + sum(list(x[::-1].flat)[:2]) + x.T.flat.copy()[1] ** 2


def indices(x: Any) -> Any:
    y = x * 1.0
    for i in np.ndindex(x.shape):
        y[i] *= y[i[0], 0] + i[1]
    for i, j in np.ndindex(*x.shape):
        y[i, j] += x[i, j] * i
    for i, j in np.ndindex(2, 2):
        y[i, j] *= x[j, i]
    for (i,) in np.ndindex(len(x)):
        y[i] += x[i] ** 2
    for _ in np.ndindex():
        y += x
    for _ in np.ndindex(0, 2):
        y += x
    return np.sum(y * np.cos(x))


def numbered(x: Any) -> Any:
    s = 0.0
    for (i, j), v in np.ndenumerate(x.T):
        s += v * v * (i + 2 * j)
    for i, v in np.ndenumerate(x[0]):
        s += v * x[1][i]
    for k, v in np.ndenumerate(np.sin(x)[..., None]):
        s += v ** k[1]
    return s


def as_lists(x: Any) -> Any:
    a, b = x[0].tolist(), x.T.tolist()
    a.append(x[1, 1])
    b[0][1] *= 2.0
    return sum(v * v * k for k, v in enumerate(a)) + b[0][1] * b[2][0] + np.sum(np.array(b) ** 3) + sum(a)


PROGRAMS = (read_while_written, read_after_writing, written, handed_on, indices, numbered, as_lists)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_agrees(f: Callable[[Any], Any]) -> None:
    y, _ = zyg.value_and_grad(f, mode="native")(X)
    assert y == pytest.approx(f(X))
    zyg.check_grads(f, (X,), order=2 if f is read_while_written else 1)


def test_bad_indices_raise() -> None:
    for k in (6, -7):
        with pytest.raises(IndexError, match="out of bounds for size 6"):
            zyg.grad(lambda x, k=k: x.T.flat[k], mode="native")(X)


def test_slices_are_not_written() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y.T.flat[::2] = 1.0
        return np.sum(y)

    with pytest.raises(zyg.UnsupportedError, match="slices of"):
        zyg.grad(f, mode="native")(X)
