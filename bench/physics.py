"""The energy of many bodies, and the likelihood of a Gaussian process by a hand-written Cholesky factorisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.row import Row, by_hand

_SOFT = 0.01


def potential(x, m):
    total = 0.0
    for i in range(len(m)):
        for j in range(i):
            square = _SOFT
            for k in range(3):
                square += (x[i, k] - x[j, k]) ** 2
            total -= m[i] * m[j] / math.sqrt(square)
    return total


@by_hand
def potential_adjoint(x, m):
    dx, dm = np.zeros(x.shape), np.zeros(len(m))
    for i in range(len(m)):
        a = b = c = dmi = 0.0
        for j in range(i):
            u, v, w = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            inverse = 1.0 / math.sqrt(_SOFT + u * u + v * v + w * w)
            dmi -= m[j] * inverse
            dm[j] -= m[i] * inverse
            force = m[i] * m[j] * inverse * inverse * inverse
            u, v, w = force * u, force * v, force * w
            a, b, c = a + u, b + v, c + w
            dx[j, 0] -= u
            dx[j, 1] -= v
            dx[j, 2] -= w
        dx[i, 0] += a
        dx[i, 1] += b
        dx[i, 2] += c
        dm[i] += dmi
    return dx, dm


def potential_jax(x, m):
    import jax.numpy as jnp

    i, j = np.tril_indices(len(m), -1)
    return -jnp.sum(m[i] * m[j] / jnp.sqrt(_SOFT + jnp.sum((x[i] - x[j]) ** 2, axis=1)))


def likelihood(theta, t, y):
    n = len(t)
    amplitude, rate, noise = math.exp(theta[0]), math.exp(theta[1]), math.exp(theta[2])
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            L[i, j] = amplitude * math.exp(-rate * (t[i] - t[j]) ** 2)
        L[i, i] += noise
    for i in range(n):
        for j in range(i):
            L[i, j] = (L[i, j] - np.dot(L[i, :j], L[j, :j])) / L[j, j]
        L[i, i] = math.sqrt(L[i, i] - np.dot(L[i, :i], L[i, :i]))
    z = np.zeros(n)
    total = 0.0
    for i in range(n):
        z[i] = (y[i] - np.dot(L[i, :i], z[:i])) / L[i, i]
        total += 0.5 * z[i] ** 2 + math.log(L[i, i])
    return total


@by_hand
def likelihood_adjoint(theta, t, y):
    n = len(t)
    amplitude, rate, noise = math.exp(theta[0]), math.exp(theta[1]), math.exp(theta[2])
    K, L = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            K[i, j] = amplitude * math.exp(-rate * (t[i] - t[j]) ** 2)
    z = np.zeros(n)
    for i in range(n):
        for j in range(i):
            s = K[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            L[i, j] = s / L[j, j]
        s = K[i, i] + noise
        for k in range(i):
            s -= L[i, k] * L[i, k]
        L[i, i] = math.sqrt(s)
        s = y[i]
        for k in range(i):
            s -= L[i, k] * z[k]
        z[i] = s / L[i, i]
    dL, dz, dy = np.zeros((n, n)), z.copy(), np.empty(n)
    for i in range(n - 1, -1, -1):
        inverse = 1.0 / L[i, i]
        d = dz[i] * inverse
        dy[i] = d
        dL[i, i] = inverse - d * z[i]
        for k in range(i):
            dL[i, k] = -d * z[k]
            dz[k] -= d * L[i, k]
    dtheta = np.zeros(3)
    for i in range(n - 1, -1, -1):
        d = 0.5 * dL[i, i] / L[i, i]
        dL[i, i] = d
        for k in range(i):
            dL[i, k] -= 2.0 * d * L[i, k]
        for j in range(i - 1, -1, -1):
            d = dL[i, j] / L[j, j]
            dL[j, j] -= d * L[i, j]
            dL[i, j] = d
            for k in range(j):
                dL[i, k] -= d * L[j, k]
                dL[j, k] -= d * L[i, k]
    for i in range(n):
        for j in range(i + 1):
            d = dL[i, j] * K[i, j]
            dtheta[0] += d
            dtheta[1] -= d * rate * (t[i] - t[j]) ** 2
        dtheta[2] += dL[i, i] * noise
    return dtheta, dy


def likelihood_jax(theta, t, y):
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    amplitude, rate, noise = jnp.exp(theta)
    K = amplitude * jnp.exp(-rate * (t[:, None] - t[None, :]) ** 2) + noise * jnp.eye(len(t))
    L = jnp.linalg.cholesky(K)
    z = solve_triangular(L, y, lower=True)
    return 0.5 * jnp.sum(z**2) + jnp.sum(jnp.log(jnp.diag(L)))


def _bodies(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(8)
    return rng.normal(size=(n, 3)), rng.uniform(0.5, 2, n)


def _process(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(9)
    t = np.sort(rng.uniform(0, 10, n))
    return np.array([0.1, 0.2, -2.0]), t, np.sin(t) + 0.3 * rng.normal(size=n)


ROWS = (
    Row(
        "energy of 200 bodies",
        potential,
        {"": potential_adjoint},
        _bodies(200),
        (0, 1),
        1.2,
        _bodies(5),
        jax=potential_jax,
    ),
    Row(
        "Gaussian process by Cholesky, n = 200",
        likelihood,
        {"": likelihood_adjoint},
        _process(200),
        (0, 2),
        1.2,
        _process(6),
        jax=likelihood_jax,
    ),
)
