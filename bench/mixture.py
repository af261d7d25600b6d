"""ADBench's Gaussian mixture: the log posterior, with loops and with NumPy's operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.row import Row, by_hand

_LOG_TWO_PI = math.log(2.0 * math.pi)


def wishart_constant(d, gamma, m):
    n = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi)
    for j in range(1, d + 1):
        log_gamma += math.lgamma(0.5 * n + 0.5 * (1 - j))
    return n * d * (math.log(gamma) - 0.5 * math.log(2.0)) - log_gamma


def log_sum_exp(x):
    top = x[0]
    for i in range(1, len(x)):
        top = max(top, x[i])
    s = 0.0
    for i in range(len(x)):
        s += math.exp(x[i] - top)
    return top + math.log(s)


def mixture_loops(alphas, means, icf, x, gamma, m):
    n, d = x.shape
    K = len(alphas)
    diagonal, sums = np.zeros((K, d)), np.zeros(K)
    prior = 0.0
    for k in range(K):
        for j in range(d):
            diagonal[k, j] = math.exp(icf[k, j])
            sums[k] += icf[k, j]
            prior += 0.5 * gamma**2 * diagonal[k, j] ** 2
        for j in range(d, icf.shape[1]):
            prior += 0.5 * gamma**2 * icf[k, j] ** 2
        prior -= m * sums[k]
    centred, scaled, main = np.zeros(d), np.zeros(d), np.zeros(K)
    total = 0.0
    for i in range(n):
        for k in range(K):
            for j in range(d):
                centred[j] = x[i, j] - means[k, j]
                scaled[j] = diagonal[k, j] * centred[j]
            at = d
            for j in range(d):
                for row in range(j + 1, d):
                    scaled[row] += icf[k, at] * centred[j]
                    at += 1
            square = 0.0
            for j in range(d):
                square += scaled[j] ** 2
            main[k] = alphas[k] + sums[k] - 0.5 * square
        total += log_sum_exp(main)
    constant = -0.5 * n * d * _LOG_TWO_PI - K * wishart_constant(d, gamma, m)
    return constant + total - n * log_sum_exp(alphas) + prior


def mixture_arrays(alphas, means, icf, x, gamma, m):
    n, d = x.shape
    K = len(alphas)
    total_prior = 0.0
    main = np.zeros((n, K))
    for k in range(K):
        L, at = np.zeros((d, d)), d
        for j in range(d):
            L[j + 1 :, j] = icf[k, at : at + d - 1 - j]
            at += d - 1 - j
        diagonal = np.exp(icf[k, :d])
        total_prior = total_prior + 0.5 * gamma**2 * (np.sum(diagonal**2) + np.sum(icf[k, d:] ** 2))
        total_prior = total_prior - m * np.sum(icf[k, :d])
        centred = x - means[k]
        scaled = centred * diagonal + centred @ L.T
        main[:, k] = alphas[k] + np.sum(icf[k, :d]) - 0.5 * np.sum(scaled**2, axis=1)
    top = np.max(main, axis=1)
    total = np.sum(top + np.log(np.sum(np.exp(main - top[:, None]), axis=1)))
    most = np.max(alphas)
    mixed = most + np.log(np.sum(np.exp(alphas - most)))
    constant = -0.5 * n * d * _LOG_TWO_PI - K * wishart_constant(d, gamma, m)
    return constant + total - n * mixed + total_prior


@by_hand
def mixture_adjoint(alphas, means, icf, x, gamma, m):
    """Point by point, with nothing kept but the point's own values; L by rows, so that all accesses are in order."""
    n, d = x.shape
    K = len(alphas)
    width = icf.shape[1]
    diagonal = np.empty((K, d))
    dalphas, dmeans, dicf = np.zeros(K), np.zeros((K, d)), np.zeros((K, width))
    sums = np.zeros(K)
    ddiagonal = np.zeros((K, d))
    for k in range(K):
        for j in range(d):
            diagonal[k, j] = math.exp(icf[k, j])
            sums[k] += icf[k, j]
    centred, scaled = np.empty((K, d)), np.empty((K, d))
    main, dcentred = np.empty(K), np.empty(d)
    for i in range(n):
        top = -np.inf
        for k in range(K):
            c, s = centred[k], scaled[k]
            for j in range(d):
                c[j] = x[i, j] - means[k, j]
                s[j] = diagonal[k, j] * c[j]
            at = d
            for j in range(d - 1):
                here = c[j]
                start = at - j - 1
                for row in range(j + 1, d):
                    s[row] += icf[k, start + row] * here
                at += d - 1 - j
            square = 0.0
            for j in range(d):
                square += s[j] * s[j]
            main[k] = alphas[k] + sums[k] - 0.5 * square
            top = max(top, main[k])
        total = 0.0
        for k in range(K):
            main[k] = math.exp(main[k] - top)
            total += main[k]
        total = 1.0 / total
        for k in range(K):
            weight = main[k] * total
            dalphas[k] += weight
            c, s = centred[k], scaled[k]
            for j in range(d):
                s[j] *= -weight
                ddiagonal[k, j] += s[j] * c[j]
                dcentred[j] = s[j] * diagonal[k, j]
            at = d
            for j in range(d - 1):
                here = c[j]
                start = at - j - 1
                reverse = 0.0
                for row in range(j + 1, d):
                    dicf[k, start + row] += s[row] * here
                    reverse += s[row] * icf[k, start + row]
                dcentred[j] += reverse
                at += d - 1 - j
            for j in range(d):
                dmeans[k, j] -= dcentred[j]
    top = alphas[0]
    for k in range(K):
        top = max(top, alphas[k])
    total = 0.0
    for k in range(K):
        total += math.exp(alphas[k] - top)
    for k in range(K):
        weight = dalphas[k]
        dalphas[k] = weight - n * math.exp(alphas[k] - top) / total
        for j in range(d):
            e = diagonal[k, j]
            dicf[k, j] = weight - m + e * (ddiagonal[k, j] + gamma * gamma * e)
        for j in range(d, width):
            dicf[k, j] += gamma * gamma * icf[k, j]
    return dalphas, dmeans, dicf


@by_hand
def mixture_adjoint_blocked(alphas, means, icf, x, gamma, m):
    """Component by component over all points, as products of matrices."""
    n, d = x.shape
    K = len(alphas)
    width = icf.shape[1]
    main = np.empty((K, n))
    centred, scaled = np.empty((n, d)), np.empty((K, n, d))
    Q = np.zeros((K, d, d))
    dalphas, dmeans, dicf = np.zeros(K), np.zeros((K, d)), np.zeros((K, width))
    for k in range(K):
        shift = alphas[k]
        at = d
        for j in range(d):
            Q[k, j, j] = math.exp(icf[k, j])
            shift += icf[k, j]
            for row in range(j + 1, d):
                Q[k, row, j] = icf[k, at]
                at += 1
        for i in range(n):
            for j in range(d):
                centred[i, j] = x[i, j] - means[k, j]
        np.dot(centred, Q[k].T, scaled[k])
        for i in range(n):
            square = 0.0
            for j in range(d):
                square += scaled[k, i, j] * scaled[k, i, j]
            main[k, i] = shift - 0.5 * square
    top, total = np.full(n, -np.inf), np.zeros(n)
    for k in range(K):
        for i in range(n):
            top[i] = max(top[i], main[k, i])
    for k in range(K):
        for i in range(n):
            main[k, i] = math.exp(main[k, i] - top[i])
            total[i] += main[k, i]
    for i in range(n):
        total[i] = 1.0 / total[i]
    most, mixed = np.max(alphas), 0.0
    for k in range(K):
        mixed += math.exp(alphas[k] - most)
    dQ = np.empty((d, d))
    pulled = np.empty(d)
    for k in range(K):
        s = scaled[k]
        weight = 0.0
        for j in range(d):
            pulled[j] = 0.0
        for i in range(n):
            w = main[k, i] * total[i]
            weight += w
            for j in range(d):
                centred[i, j] = x[i, j] - means[k, j]
                s[i, j] *= -w
                pulled[j] += s[i, j]
        np.dot(s.T, centred, dQ)
        dmeans[k] = -np.dot(pulled, Q[k])
        dalphas[k] = weight - n * math.exp(alphas[k] - most) / mixed
        at = d
        for j in range(d):
            e = Q[k, j, j]
            dicf[k, j] = weight - m + e * (dQ[j, j] + gamma * gamma * e)
            for row in range(j + 1, d):
                dicf[k, at] = dQ[row, j] + gamma * gamma * icf[k, at]
                at += 1
    return dalphas, dmeans, dicf


def mixture_jax(alphas, means, icf, x, gamma, m):
    import jax
    import jax.numpy as jnp

    n, d = x.shape
    rows, columns = np.triu_indices(d, 1)
    diagonal = jnp.exp(icf[:, :d])
    L = jnp.zeros((len(alphas), d, d)).at[:, columns, rows].set(icf[:, d:])
    centred = x[:, None, :] - means
    scaled = centred * diagonal + jnp.einsum("kij,nkj->nki", L, centred)
    sums = jnp.sum(icf[:, :d], axis=1)
    main = alphas + sums - 0.5 * jnp.sum(scaled**2, axis=2)
    total = jnp.sum(jax.scipy.special.logsumexp(main, axis=1)) - n * jax.scipy.special.logsumexp(alphas)
    prior = 0.5 * gamma**2 * (jnp.sum(diagonal**2) + jnp.sum(icf[:, d:] ** 2)) - m * jnp.sum(sums)
    return total + prior


def mixture_arguments(d: int, K: int, n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(10)
    icf = 0.3 * rng.normal(size=(K, d * (d + 1) // 2))
    return rng.normal(size=K), rng.uniform(size=(K, d)), icf, rng.normal(size=(n, d)), 1.0, 0


_HAND = {"point by point": mixture_adjoint, "by matrices": mixture_adjoint_blocked}


def _row(way: str, program: Any, d: int, K: int) -> Row:
    name = f"Gaussian mixture, {way}, d = {d}, K = {K}"
    hand = {"point by point": mixture_adjoint} if program is mixture_loops else _HAND
    return Row(
        name, program, hand, mixture_arguments(d, K, 1000), (0, 1, 2), 1.2, mixture_arguments(3, 2, 4), jax=mixture_jax
    )


ROWS = tuple(
    _row(way, program, d, K)
    for d, K in ((10, 25), (64, 100))
    for way, program in (("loops", mixture_loops), ("vectorised", mixture_arrays))
)
