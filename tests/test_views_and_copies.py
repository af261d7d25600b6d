"""Functions that give a view or the array itself, and those that give a copy: what is written into it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg

X = np.arange(9.0).reshape(3, 3) * 0.1 + 0.2
Function = Callable[[Any], Any]
# In native code each group is one program
GROUPS: dict[str, tuple[Function, ...]] = {
    "einsum": (
        lambda w: np.einsum("ii->i", w),
        lambda w: np.einsum("ij->ji", w),
        lambda w: np.einsum(w, [1, 0]),
        lambda w: np.einsum("ij", w),
        lambda w: np.einsum("ij->i", w),
        lambda w: np.einsum("...j->j...", w)[1],
    ),
    "conversions": (
        lambda w: w.astype(float, copy=False),
        lambda w: w.astype(float),
        lambda w: np.asarray(w, dtype=float),
        lambda w: np.asarray(w, copy=True),
        lambda w: np.array(w, copy=None),
        lambda w: np.array(w, np.float64),
        lambda w: w.conj(),
        lambda w: w.conjugate(),
        lambda w: np.conj(w),
        lambda w: np.real(w),
        lambda w: w.view(),
    ),
    "orders": (
        lambda w: np.ascontiguousarray(w),
        lambda w: np.ascontiguousarray(w.T),
        lambda w: np.ascontiguousarray(w[:, 1]),
        lambda w: np.asfortranarray(w),
        lambda w: np.asfortranarray(w.T),
        lambda w: np.asfortranarray(w[1]),
        lambda w: w.ravel(),
        lambda w: w.flatten(),
        lambda w: w.reshape(9)[1:].reshape(2, 4),
    ),
    "arrays": (
        lambda w: np.broadcast_arrays(w, w)[0],
        lambda w: np.trim_zeros(w[0]),
        lambda w: np.nan_to_num(w, copy=False),
        lambda w: np.linalg.matrix_power(w, 1),
        lambda w: np.linalg.matrix_transpose(w),
        lambda w: np.diff(w, 0),
        lambda w: np.atleast_2d(w, w)[0],
        lambda w: np.array_split(w, 2)[1],
        lambda w: np.expand_dims(w, (0, 1))[0, 0],
        lambda w: np.roll(w, 0),
        lambda w: np.tile(w, 1),
        lambda w: np.triu(w, -5),
    ),
    "containers": (
        lambda w: ([w] * 2)[1],
        lambda w: ([w * 1.0] * 2)[1],
        lambda w: {"a": w}["a"],
        lambda w: list(w)[1],
        lambda w: [p for p, _ in zip(w, w, strict=False)][1],
        lambda w: (lambda q: q)(w),
    ),
}


def written_into(group: tuple[Function, ...]) -> Function:
    def f(x: Any) -> Any:
        total = 0.0
        for fn in group:
            w = x * 1.0
            t = fn(w)
            t *= 2.0
            total += np.sum(w * x) + np.sum(t**2)
        return total

    return f


def check(f: Function, mode: Any) -> None:
    """In native code forward mode, which compiles faster: what memory is shared is found out while reading."""
    d = np.random.default_rng(0).standard_normal(X.shape)
    if mode == "native":
        y, slope = zyg.jvp(f, (X,), (d,), mode=mode)
    else:
        y, gradient = zyg.value_and_grad(f, mode=mode)(X)
        slope = np.sum(gradient * d)
    assert y == pytest.approx(f(X))
    assert slope == pytest.approx((f(X + 1e-5 * d) - f(X - 1e-5 * d)) / 2e-5, rel=1e-7)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("name", GROUPS)
def test_what_is_written_shows(name: str, mode: Any) -> None:
    check(written_into(GROUPS[name]), mode)


def shared_in_lists(x: Any) -> Any:
    """`[a] * 2` holds one array twice."""
    w, v, u = [x[0] * 1.0] * 2, (x[1] * 1.0,) * 2, [[x[2] * 1.0] * 2] * 2
    w[0][1] = 4.0
    w[1] = w[1] * 2
    v[0][0] *= x[0, 0]
    u[0][0][1] = x[1, 1]
    return np.sum(w[0] * w[1]) + np.sum(v[1] * v[0]) + np.sum(u[1][1] * u[0][1])


def diagonals(x: Any) -> Any:
    w = np.stack([x, x * 2, x * x])
    np.einsum("iij->ji", w)[1] *= 2
    np.einsum("iii->i", w)[...] += x[0]
    z = w[0] + 1j * w[1]
    np.einsum("ij->ji", z)[0] *= 1j
    return np.sum(w * w) + np.sum(np.abs(z) ** 2 * x)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("f", [shared_in_lists, diagonals], ids=lambda f: f.__name__)
def test_programs(f: Function, mode: Any) -> None:
    check(f, mode)
    zyg.check_grads(f, (X,), modes=("rev",))
