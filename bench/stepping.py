"""The Jacobian of a step of Runge and Kutta's method, as implicit methods and Kalman filters want it."""

from __future__ import annotations

import numpy as np

from bench.derivative import COLUMNS
from bench.row import Row, by_hand

FORCING = 8.0


def lorenz96(y):
    n = len(y)
    slope = np.empty(n)
    for i in range(n):
        slope[i] = (y[(i + 1) % n] - y[i - 2]) * y[i - 1] - y[i] + FORCING
    return slope


def step(y, h):
    a = lorenz96(y)
    b = lorenz96(y + 0.5 * h * a)
    c = lorenz96(y + 0.5 * h * b)
    d = lorenz96(y + h * c)
    return y + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)


@by_hand
def _slope(y, Y, a, A):
    """The slope `a` at `y`, and its derivatives `A` for those of `y`: a row for each number."""
    n = len(y)
    for i in range(n):
        last, second, following = (i + n - 1) % n, (i + n - 2) % n, (i + 1) % n
        difference, factor = y[following] - y[second], y[last]
        a[i] = difference * factor - y[i] + FORCING
        for k in range(n):
            A[i, k] = difference * Y[last, k] + factor * (Y[following, k] - Y[second, k]) - Y[i, k]


@by_hand
def step_columns(y, h):
    n = len(y)
    J, X, A = np.eye(n), np.eye(n), np.zeros((n, n))
    x, a = y.copy(), np.zeros(n)
    for stage in range(4):
        _slope(x, X, a, A)
        ahead = h if stage == 2 else 0.5 * h
        weight = h / 3.0 if stage == 1 or stage == 2 else h / 6.0
        for i in range(n):
            x[i] = y[i] + ahead * a[i]
            for k in range(n):
                J[i, k] += weight * A[i, k]
                X[i, k] = ahead * A[i, k]
            X[i, i] += 1.0
    return J


def step_jax(y, h):
    import jax.numpy as jnp

    def slope(y):
        return (jnp.roll(y, -1) - jnp.roll(y, 2)) * jnp.roll(y, 1) - y + FORCING

    a = slope(y)
    b = slope(y + 0.5 * h * a)
    c = slope(y + 0.5 * h * b)
    d = slope(y + h * c)
    return y + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)


_Y = 8.0 * np.random.default_rng(15).normal(size=20)

ROWS = tuple(
    Row(
        f"Jacobian of a Runge–Kutta step, {n} numbers",
        step,
        {"": step_columns},
        (_Y[:n], 0.01),
        0,
        1.3,
        (_Y[:5], 0.01),
        jax=step_jax,
        derivative=COLUMNS,
    )
    for n in (4, 20)
)
