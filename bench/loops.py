"""Loops and slices over one array: sums of sines, Rosenbrock's function, the heat equation, gather and scatter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.others import with_numpy
from bench.row import Row, by_hand


def sum_sin(x):
    s = 0.0
    for i in range(len(x)):
        s += math.sin(x[i])
    return s


@by_hand
def sum_sin_adjoint(x):
    dx = np.empty(len(x))
    for i in range(len(x)):
        dx[i] = math.cos(x[i])
    return dx


def sum_sin_jax(x):
    import jax.numpy as jnp

    return jnp.sum(jnp.sin(x))


def rosenbrock_slices(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_loop(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@by_hand
def rosenbrock_adjoint(x):
    n = len(x)
    dx = np.empty(n)
    if n > 1:
        dx[0] = -400.0 * (x[1] - x[0] * x[0]) * x[0] - 2.0 * (1.0 - x[0])
        for i in range(1, n - 1):
            before, after = x[i] - x[i - 1] * x[i - 1], x[i + 1] - x[i] * x[i]
            dx[i] = 200.0 * before - 400.0 * after * x[i] - 2.0 * (1.0 - x[i])
        dx[n - 1] = 200.0 * (x[n - 1] - x[n - 2] * x[n - 2])
    return dx


def heat(u0, alpha, steps):
    u = u0.copy()
    for _ in range(steps):
        left = u[0]
        for i in range(1, len(u) - 1):
            here = u[i]
            u[i] = here + alpha * (left - 2.0 * here + u[i + 1])
            left = here
    return np.sum(u**2)


@by_hand
def heat_adjoint(u0, alpha, steps):
    n = len(u0)
    kept = np.empty((steps + 1, n))
    kept[0] = u0
    for t in range(steps):
        u, new = kept[t], kept[t + 1]
        for i in range(1, n - 1):
            new[i] = u[i] + alpha * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        new[0], new[n - 1] = u[0], u[n - 1]
    d, other = 2.0 * kept[steps], np.empty(n)
    total = 0.0
    for t in range(steps - 1, -1, -1):
        u = kept[t]
        for i in range(1, n - 1):
            total += d[i] * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        keep = 1.0 - 2.0 * alpha
        for i in range(2, n - 2):
            other[i] = keep * d[i] + alpha * (d[i - 1] + d[i + 1])
        other[1] = keep * d[1] + alpha * d[2]
        other[n - 2] = keep * d[n - 2] + alpha * d[n - 3]
        other[0], other[n - 1] = d[0] + alpha * d[1], d[n - 1] + alpha * d[n - 2]
        d, other = other, d
    return d, total


def heat_jax(u0, alpha, steps):
    import jax
    import jax.numpy as jnp

    def step(i: Any, u: Any) -> Any:
        return u.at[1:-1].add(alpha * (u[:-2] - 2.0 * u[1:-1] + u[2:]))

    return jnp.sum(jax.lax.fori_loop(0, steps, step, u0) ** 2)


def spread(x, w, source, target):
    y = np.zeros(len(x))
    for k in range(len(source)):
        y[target[k]] += w[k] * x[source[k]] ** 2
    return np.sum(y**2)


@by_hand
def spread_adjoint(x, w, source, target):
    y = np.zeros(len(x))
    for k in range(len(source)):
        y[target[k]] += w[k] * (x[source[k]] * x[source[k]])
    dx, dw = np.zeros(len(x)), np.empty(len(w))
    for k in range(len(source)):
        dy, here = 2.0 * y[target[k]], x[source[k]]
        dw[k] = dy * (here * here)
        dx[source[k]] += 2.0 * here * (w[k] * dy)
    return dx, dw


def spread_jax(x, w, source, target):
    import jax.numpy as jnp

    return jnp.sum(jnp.zeros(len(x)).at[target].add(w * x[source] ** 2) ** 2)


def _spread_arguments(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(1)
    return rng.normal(size=n), rng.normal(size=n), rng.integers(0, n, n), rng.integers(0, n, n)


_X = np.random.default_rng(0).normal(size=1_000_000)
_U = np.random.default_rng(2).normal(size=1_000)

ROWS = (
    Row(
        "sum(sin(x[i])) by loop, 1,000",
        sum_sin,
        {"": sum_sin_adjoint},
        (_X[:1000],),
        0,
        1.2,
        (_X[:9],),
        jax=sum_sin_jax,
    ),
    Row("sum(sin(x[i])) by loop, 10^6", sum_sin, {"": sum_sin_adjoint}, (_X,), 0, 1.2, (_X[:9],), jax=sum_sin_jax),
    Row(
        "Rosenbrock by slices, 10^5",
        rosenbrock_slices,
        {"": rosenbrock_adjoint},
        (_X[:100_000],),
        0,
        1.2,
        (_X[:9],),
        jax=with_numpy(rosenbrock_slices, "jax.numpy"),
        taped=True,
    ),
    Row(
        "Rosenbrock by loop, 10^5",
        rosenbrock_loop,
        {"": rosenbrock_adjoint},
        (_X[:100_000],),
        0,
        1.2,
        (_X[:9],),
        jax=with_numpy(rosenbrock_slices, "jax.numpy"),
    ),
    Row(
        "heat equation in place, 1,000 points, 500 steps",
        heat,
        {"": heat_adjoint},
        (_U, 0.2, 500),
        (0, 1),
        1.2,
        (_U[:9], 0.2, 4),
        jax=heat_jax,
    ),
    Row(
        "gather and scatter, 10^5",
        spread,
        {"": spread_adjoint},
        _spread_arguments(100_000),
        (0, 1),
        1.2,
        _spread_arguments(9),
        jax=spread_jax,
    ),
)
