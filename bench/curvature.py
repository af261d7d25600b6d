"""Second derivatives of the Gaussian mixture: the Hessian and its product with a vector.

s = Q (x − μ);  main = α + Σ q − ½ ‖s‖²;  weights w = softmax(main) of a point
f″ = Σ over points (Σ_k w_k (main_k″ + main_k′ main_k′ᵀ) − (Σ_k w_k main_k′) (Σ_k w_k main_k′)ᵀ) + the priors'
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.derivative import HESSIAN, PRODUCT
from bench.mixture import mixture_arguments, mixture_arrays, mixture_jax, mixture_loops
from bench.row import Row, by_hand


@by_hand
def _factors(icf, d):
    """Q of each component, its diagonal exponentiated, by rows."""
    Q = np.zeros((len(icf), d, d))
    for k in range(len(icf)):
        at = d
        for j in range(d):
            Q[k, j, j] = math.exp(icf[k, j])
            for row in range(j + 1, d):
                Q[k, row, j] = icf[k, at]
                at += 1
    return Q


@by_hand
def _factors_along(icf, Q, v):
    """The change of Q along v, and the sums of its logarithms'."""
    K, d = len(icf), Q.shape[1]
    along, shift = np.zeros(Q.shape), np.zeros(K)
    for k in range(K):
        at = d
        for j in range(d):
            along[k, j, j] = Q[k, j, j] * v[k, j]
            shift[k] += v[k, j]
            for row in range(j + 1, d):
                along[k, row, j] = v[k, at]
                at += 1
    return along, shift


@by_hand
def mixture_product(alphas, means, icf, x, gamma, m, v):
    """The tangent of the adjoint, by products of matrices: component by component over all points."""
    va, vm, vi = v
    n, d = x.shape
    K = len(alphas)
    Q = _factors(icf, d)
    dQ, shift = _factors_along(icf, Q, vi)
    scaled, slopes = np.empty((K, n, d)), np.empty((K, n, d))
    main, dmain = np.empty((K, n)), np.empty((K, n))
    centred = np.empty((n, d))
    for k in range(K):
        for i in range(n):
            for j in range(d):
                centred[i, j] = x[i, j] - means[k, j]
        np.dot(centred, Q[k].T, scaled[k])
        np.dot(centred, dQ[k].T, slopes[k])
        moved = np.dot(Q[k], vm[k])
        level = alphas[k]
        for j in range(d):
            level += icf[k, j]
        for i in range(n):
            square = change = 0.0
            for j in range(d):
                slopes[k, i, j] -= moved[j]
                square += scaled[k, i, j] * scaled[k, i, j]
                change += scaled[k, i, j] * slopes[k, i, j]
            main[k, i] = level - 0.5 * square
            dmain[k, i] = va[k] + shift[k] - change
    top, total, mean = np.full(n, -np.inf), np.zeros(n), np.zeros(n)
    for k in range(K):
        for i in range(n):
            top[i] = max(top[i], main[k, i])
    for k in range(K):
        for i in range(n):
            main[k, i] = math.exp(main[k, i] - top[i])
            total[i] += main[k, i]
            mean[i] += main[k, i] * dmain[k, i]
    for i in range(n):
        total[i] = 1.0 / total[i]
        mean[i] *= total[i]
    most, mixed, drift = np.max(alphas), 0.0, 0.0
    for k in range(K):
        mixed += math.exp(alphas[k] - most)
        drift += math.exp(alphas[k] - most) * va[k]
    by_alphas, by_means, by_icf = np.empty(K), np.empty((K, d)), np.empty(icf.shape)
    M, pulled, dpulled, corner = np.empty((d, d)), np.empty(d), np.empty(d), np.empty(d)
    for k in range(K):
        s, ds = scaled[k], slopes[k]
        weight = 0.0
        pulled[:] = dpulled[:] = corner[:] = 0.0
        for i in range(n):
            w = main[k, i] * total[i]
            dw = w * (dmain[k, i] - mean[i])
            weight += dw
            for j in range(d):
                centred[i, j] = x[i, j] - means[k, j]
                pull = -w * s[i, j]
                pulled[j] += pull
                corner[j] += pull * centred[i, j]
                ds[i, j] = -(dw * s[i, j] + w * ds[i, j])
                dpulled[j] += ds[i, j]
        np.dot(ds.T, centred, M)
        by_means[k] = -(np.dot(dpulled, Q[k]) + np.dot(pulled, dQ[k]))
        part = math.exp(alphas[k] - most) / mixed
        by_alphas[k] = weight - n * part * (va[k] - drift / mixed)
        at = d
        for j in range(d):
            e, de = Q[k, j, j], dQ[k, j, j]
            own = M[j, j] - vm[k, j] * pulled[j] + gamma * gamma * de
            by_icf[k, j] = weight + de * (corner[j] + gamma * gamma * e) + e * own
            for row in range(j + 1, d):
                by_icf[k, at] = M[row, j] - vm[k, j] * pulled[row] + gamma * gamma * vi[k, at]
                at += 1
    return by_alphas, by_means, by_icf


@by_hand
def mixture_hessian(alphas, means, icf, x, gamma, m):
    """By its blocks; the outer products of all points are products of matrices."""
    n, d = x.shape
    K, width = len(alphas), icf.shape[1]
    size = 1 + d + width
    Q = _factors(icf, d)
    main, scaled = np.empty((n, K)), np.empty((n, K, d))
    for i in range(n):
        top, total = -np.inf, 0.0
        for k in range(K):
            level, square = alphas[k], 0.0
            for r in range(d):
                s = 0.0
                for j in range(r + 1):
                    s += Q[k, r, j] * (x[i, j] - means[k, j])
                scaled[i, k, r] = s
                level += icf[k, r]
                square += s * s
            main[i, k] = level - 0.5 * square
            top = max(top, main[i, k])
        for k in range(K):
            main[i, k] = math.exp(main[i, k] - top)
            total += main[i, k]
        for k in range(K):
            main[i, k] /= total
    G = np.empty((n, K * size))
    H = np.zeros((K * size, K * size))
    rooted, change, c = np.empty((n, size)), np.zeros(size), np.empty(d)
    for k in range(K):
        block = np.zeros((size, size))
        for i in range(n):
            w = main[i, k]
            root = math.sqrt(w)
            for j in range(d):
                c[j] = x[i, j] - means[k, j]
            g = rooted[i]
            g[0] = 1.0
            at = 1 + 2 * d
            for j in range(d):
                pull = 0.0
                for r in range(j, d):
                    pull += Q[k, r, j] * scaled[i, k, r]
                g[1 + j] = pull
                g[1 + d + j] = 1.0 - scaled[i, k, j] * c[j] * Q[k, j, j]
                for r in range(j + 1, d):
                    g[at] = -scaled[i, k, r] * c[j]
                    at += 1
            for p in range(size):
                G[i, k * size + p] = w * g[p]
                g[p] *= root
            for r in range(d):
                # −w (∂s_r ∂s_rᵀ + s_r ∂²s_r): s_r depends on μ_j, j ≤ r, on q_r and on L_rj, j < r
                s, e = scaled[i, k, r], Q[k, r, r]
                for j in range(r + 1):
                    change[j] = -Q[k, r, j]
                change[r + 1] = e * c[r]
                for j in range(r):
                    change[r + 2 + j] = c[j]
                for a in range(2 * r + 2):
                    pa = _place(a, r, d)
                    for b in range(2 * r + 2):
                        block[pa, _place(b, r, d)] -= w * change[a] * change[b]
                q = 1 + d + r
                block[1 + r, q] += w * s * e
                block[q, 1 + r] += w * s * e
                block[q, q] -= w * s * e * c[r]
                for j in range(r):
                    p = _place(r + 2 + j, r, d)
                    block[1 + j, p] += w * s
                    block[p, 1 + j] += w * s
        block += np.dot(rooted.T, rooted)
        for p in range(1 + d, size):
            block[p, p] += gamma * gamma * (2.0 * Q[k, p - 1 - d, p - 1 - d] ** 2 if p < 1 + 2 * d else 1.0)
        H[k * size : (k + 1) * size, k * size : (k + 1) * size] = block
    H -= np.dot(G.T, G)
    part = np.exp(alphas - np.max(alphas))
    part /= np.sum(part)
    for k in range(K):
        H[k * size, k * size] -= n * part[k]
        for other in range(K):
            H[k * size, other * size] += n * part[k] * part[other]
    D = H.reshape(K, size, K, size)
    a, b, e = 1, 1 + d, size
    return (
        (D[:, 0, :, 0].copy(), D[:, 0, :, a:b].copy(), D[:, 0, :, b:e].copy()),
        (D[:, a:b, :, 0].copy(), D[:, a:b, :, a:b].copy(), D[:, a:b, :, b:e].copy()),
        (D[:, b:e, :, 0].copy(), D[:, b:e, :, a:b].copy(), D[:, b:e, :, b:e].copy()),
    )


@by_hand
def _place(number, r, d):
    """Where the number-th of what s_r depends on stands among a component's parameters."""
    if number <= r:
        return 1 + number
    if number == r + 1:
        return 1 + d + r
    j = number - r - 2
    return 1 + 2 * d + j * d - j * (j + 1) // 2 + r - j - 1


def _with_vectors(args: tuple[Any, ...]) -> tuple[Any, ...]:
    rng = np.random.default_rng(16)
    return *args, tuple(rng.normal(size=np.shape(part)) for part in args[:3])


_WHICH = (0, 1, 2)
_TRIAL = mixture_arguments(3, 2, 4)

ROWS = tuple(
    row
    for way, program in (("loops", mixture_loops), ("vectorised", mixture_arrays))
    for row in (
        Row(
            f"hvp of the Gaussian mixture, {way}, d = 10, K = 25",
            program,
            {"": mixture_product},
            _with_vectors(mixture_arguments(10, 25, 1000)),
            _WHICH,
            1.3,
            _with_vectors(_TRIAL),
            jax=mixture_jax,
            derivative=PRODUCT,
        ),
        Row(
            f"Hessian of the Gaussian mixture, {way}, d = 3, K = 4, n = 500",
            program,
            {"": mixture_hessian},
            mixture_arguments(3, 4, 500),
            _WHICH,
            1.3,
            _TRIAL,
            jax=mixture_jax,
            derivative=HESSIAN,
        ),
    )
)
