"""Prices of options: Black–Scholes with the error function, and a barrier option by Monte Carlo."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.row import Row, by_hand

_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)


def normal(x):
    return 0.5 * (1.0 + math.erf(x * _ROOT_HALF))


def black_scholes(S, K, T, sigma, r):
    total = 0.0
    for i in range(len(S)):
        spread = sigma[i] * math.sqrt(T[i])
        d1 = (math.log(S[i] / K[i]) + (r + 0.5 * sigma[i] ** 2) * T[i]) / spread
        d2 = d1 - spread
        total += S[i] * normal(d1) - K[i] * math.exp(-r * T[i]) * normal(d2)
    return total


@by_hand
def black_scholes_adjoint(S, K, T, sigma, r):
    n = len(S)
    dS, dK, dT, dsigma = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    dr = 0.0
    for i in range(n):
        root = math.sqrt(T[i])
        spread = sigma[i] * root
        inverse = 1.0 / spread
        rate = r + 0.5 * sigma[i] * sigma[i]
        d1 = (math.log(S[i] / K[i]) + rate * T[i]) * inverse
        d2 = d1 - spread
        discount = math.exp(-r * T[i])
        n1, n2 = 0.5 * (1.0 + math.erf(d1 * _ROOT_HALF)), 0.5 * (1.0 + math.erf(d2 * _ROOT_HALF))
        dd2 = -K[i] * discount * (_DENSITY * math.exp(-0.5 * d2 * d2))
        dd1 = S[i] * (_DENSITY * math.exp(-0.5 * d1 * d1)) + dd2
        dnumerator = dd1 * inverse
        dspread = -dd2 - dnumerator * d1
        ddiscount = -K[i] * n2
        dS[i] = n1 + dnumerator / S[i]
        dK[i] = -discount * n2 - dnumerator / K[i]
        dsigma[i] = dnumerator * T[i] * sigma[i] + dspread * root
        dT[i] = dnumerator * rate + dspread * sigma[i] * 0.5 / root - r * discount * ddiscount
        dr += dnumerator * T[i] - T[i] * discount * ddiscount
    return dS, dK, dT, dsigma, dr


def black_scholes_jax(S, K, T, sigma, r):
    import jax.numpy as jnp
    from jax.scipy.special import erf

    def normal(x: Any) -> Any:
        return 0.5 * (1.0 + erf(x * _ROOT_HALF))

    spread = sigma * jnp.sqrt(T)
    d1 = (jnp.log(S / K) + (r + 0.5 * sigma**2) * T) / spread
    return jnp.sum(S * normal(d1) - K * jnp.exp(-r * T) * normal(d1 - spread))


def barrier(S0, sigma, r, strike, limit, Z):
    paths, steps = Z.shape
    dt = 1.0 / steps
    drift, spread = (r - 0.5 * sigma**2) * dt, sigma * math.sqrt(dt)
    total = 0.0
    for i in range(paths):
        S, alive = S0, True
        for j in range(steps):
            S *= math.exp(drift + spread * Z[i, j])
            if limit < S:
                alive = False
                break
        if alive and strike < S:
            total += S - strike
    return math.exp(-r) * total / paths


@by_hand
def barrier_adjoint(S0, sigma, r, strike, limit, Z):
    paths, steps = Z.shape
    dt = 1.0 / steps
    root = math.sqrt(dt)
    drift, spread = (r - 0.5 * sigma * sigma) * dt, sigma * root
    discount = math.exp(-r) / paths
    kept = np.empty(steps)
    total = dS0 = dstrike = ddrift = dspread = 0.0
    for i in range(paths):
        S, alive = S0, True
        for j in range(steps):
            kept[j] = math.exp(drift + spread * Z[i, j])
            S *= kept[j]
            if limit < S:
                alive = False
                break
        if alive and strike < S:
            total += S - strike
            dstrike -= discount
            dS = discount
            for j in range(steps - 1, -1, -1):
                dexponent = dS * S
                ddrift += dexponent
                dspread += dexponent * Z[i, j]
                dS *= kept[j]
                S /= kept[j]
            dS0 += dS
    return dS0, dspread * root - ddrift * sigma * dt, ddrift * dt - discount * total, dstrike


@by_hand
def barrier_adjoint_short(S0, sigma, r, strike, limit, Z):
    """The adjoint of S times S is the same at all steps of a path."""
    paths, steps = Z.shape
    dt = 1.0 / steps
    root = math.sqrt(dt)
    drift, spread = (r - 0.5 * sigma * sigma) * dt, sigma * root
    discount = math.exp(-r) / paths
    total = dS0 = dstrike = ddrift = dspread = 0.0
    for i in range(paths):
        S, alive = S0, True
        sum_z = 0.0
        for j in range(steps):
            sum_z += Z[i, j]
            S *= math.exp(drift + spread * Z[i, j])
            if limit < S:
                alive = False
                break
        if alive and strike < S:
            total += S - strike
            dstrike -= discount
            dS0 += S
            ddrift += S * steps
            dspread += S * sum_z
    ddrift, dspread, dS0 = ddrift * discount, dspread * discount, dS0 * discount / S0
    return dS0, dspread * root - ddrift * sigma * dt, ddrift * dt - discount * total, dstrike


def barrier_jax(S0, sigma, r, strike, limit, Z):
    import jax.numpy as jnp

    dt = 1.0 / Z.shape[1]
    drift, spread = (r - 0.5 * sigma**2) * dt, sigma * jnp.sqrt(dt)
    S = S0 * jnp.cumprod(jnp.exp(drift + spread * Z), axis=1)
    alive = jnp.max(S, axis=1) <= limit
    return jnp.exp(-r) * jnp.mean(jnp.where(alive, jnp.maximum(S[:, -1] - strike, 0.0), 0.0))


def _options(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(6)
    return rng.uniform(80, 120, n), rng.uniform(80, 120, n), rng.uniform(0.5, 2, n), rng.uniform(0.1, 0.4, n), 0.03


def _paths(paths: int, steps: int) -> tuple[Any, ...]:
    return 100.0, 0.2, 0.03, 95.0, 140.0, np.random.default_rng(7).normal(size=(paths, steps))


ROWS = (
    Row(
        "Black–Scholes, 10^5 options",
        black_scholes,
        {"": black_scholes_adjoint},
        _options(100_000),
        (0, 1, 2, 3, 4),
        1.2,
        _options(5),
        jax=black_scholes_jax,
    ),
    Row(
        "barrier option, 1,000 paths × 100 steps",
        barrier,
        {"adjoint": barrier_adjoint, "adjoint, shortened": barrier_adjoint_short},
        _paths(1000, 100),
        (0, 1, 2, 3),
        1.2,
        _paths(9, 6),
        jax=barrier_jax,
    ),
)
