"""ADBench's bundle adjustment: the sum of squares of all residuals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.row import Row, by_hand


def rotated(r, v):
    square = r[0] ** 2 + r[1] ** 2 + r[2] ** 2
    cross = (r[1] * v[2] - r[2] * v[1], r[2] * v[0] - r[0] * v[2], r[0] * v[1] - r[1] * v[0])
    if square == 0.0:
        return v[0] + cross[0], v[1] + cross[1], v[2] + cross[2]
    angle = math.sqrt(square)
    c, s = math.cos(angle), math.sin(angle) / angle
    along = (r[0] * v[0] + r[1] * v[1] + r[2] * v[2]) * (1.0 - c) / square
    return (
        v[0] * c + cross[0] * s + r[0] * along,
        v[1] * c + cross[1] * s + r[1] * along,
        v[2] * c + cross[2] * s + r[2] * along,
    )


def bundle(cams, X, w, obs, feats):
    total = 0.0
    for i in range(len(obs)):
        cam, point = cams[obs[i, 0]], X[obs[i, 1]]
        moved = (point[0] - cam[3], point[1] - cam[4], point[2] - cam[5])
        y = rotated((cam[0], cam[1], cam[2]), moved)
        a, b = y[0] / y[2], y[1] / y[2]
        rho = a * a + b * b
        stretch = cam[6] * (1.0 + cam[9] * rho + cam[10] * rho * rho)
        first = w[i] * (stretch * a + cam[7] - feats[i, 0])
        second = w[i] * (stretch * b + cam[8] - feats[i, 1])
        total += first**2 + second**2 + (1.0 - w[i] ** 2) ** 2
    return total


@by_hand
def bundle_adjoint(cams, X, w, obs, feats):
    dcams, dX, dw = np.zeros(cams.shape), np.zeros(X.shape), np.empty(len(w))
    for i in range(len(obs)):
        k, p = obs[i, 0], obs[i, 1]
        r0, r1, r2 = cams[k, 0], cams[k, 1], cams[k, 2]
        v0, v1, v2 = X[p, 0] - cams[k, 3], X[p, 1] - cams[k, 4], X[p, 2] - cams[k, 5]
        c0, c1, c2 = r1 * v2 - r2 * v1, r2 * v0 - r0 * v2, r0 * v1 - r1 * v0
        square = r0 * r0 + r1 * r1 + r2 * r2
        dot = r0 * v0 + r1 * v1 + r2 * v2
        c, s, h = 1.0, 1.0, 0.0
        angle = math.sqrt(square)
        inverse = 0.0
        if square != 0.0:
            inverse = 1.0 / square
            c, s = math.cos(angle), math.sin(angle) * angle * inverse
            h = (1.0 - c) * inverse
        along = dot * h
        y0, y1, y2 = v0 * c + c0 * s + r0 * along, v1 * c + c1 * s + r1 * along, v2 * c + c2 * s + r2 * along
        depth = 1.0 / y2
        a, b = y0 * depth, y1 * depth
        rho = a * a + b * b
        f, k1, k2, weight = cams[k, 6], cams[k, 9], cams[k, 10], w[i]
        L = 1.0 + k1 * rho + k2 * rho * rho
        stretch = f * L
        e0, e1 = stretch * a + cams[k, 7] - feats[i, 0], stretch * b + cams[k, 8] - feats[i, 1]
        d0, d1 = 2.0 * weight * weight * e0, 2.0 * weight * weight * e1
        dw[i] = 2.0 * weight * (e0 * e0 + e1 * e1) - 4.0 * weight * (1.0 - weight * weight)
        dstretch = d0 * a + d1 * b
        dL = dstretch * f
        drho = dL * (k1 + 2.0 * k2 * rho)
        da, db = d0 * stretch + 2.0 * a * drho, d1 * stretch + 2.0 * b * drho
        g0, g1 = da * depth, db * depth
        g2 = -(g0 * a + g1 * b)
        dalong = g0 * r0 + g1 * r1 + g2 * r2
        ds = g0 * c0 + g1 * c1 + g2 * c2
        dc = g0 * v0 + g1 * v1 + g2 * v2
        n0, n1, n2 = g0 * s, g1 * s, g2 * s
        ddot = dalong * h
        dh = dalong * dot
        dsquare = 0.0
        if square != 0.0:
            # h = (1 − c) / square;  dc/dsquare = −s / 2;  ds/dsquare = (c − s) / (2 square)
            dsquare = (dc - dh * inverse) * (-0.5 * s) - dh * h * inverse + ds * 0.5 * (c - s) * inverse
        q0 = g0 * c + n1 * r2 - n2 * r1 + ddot * r0
        q1 = g1 * c - n0 * r2 + n2 * r0 + ddot * r1
        q2 = g2 * c + n0 * r1 - n1 * r0 + ddot * r2
        row = dcams[k]
        row[0] += g0 * along + ddot * v0 + 2.0 * dsquare * r0 - n1 * v2 + n2 * v1
        row[1] += g1 * along + ddot * v1 + 2.0 * dsquare * r1 + n0 * v2 - n2 * v0
        row[2] += g2 * along + ddot * v2 + 2.0 * dsquare * r2 - n0 * v1 + n1 * v0
        row[3] -= q0
        row[4] -= q1
        row[5] -= q2
        row[6] += dstretch * L
        row[7] += d0
        row[8] += d1
        row[9] += dL * rho
        row[10] += dL * rho * rho
        dX[p, 0] += q0
        dX[p, 1] += q1
        dX[p, 2] += q2
    return dcams, dX, dw


def bundle_jax(cams, X, w, obs, feats):
    import jax.numpy as jnp

    c, v = cams[obs[:, 0]], X[obs[:, 1]]
    r, v = c[:, :3], v - c[:, 3:6]
    square = jnp.sum(r * r, axis=1, keepdims=True)
    angle = jnp.sqrt(square)
    cos, sin = jnp.cos(angle), jnp.sin(angle) / angle
    along = jnp.sum(r * v, axis=1, keepdims=True) * (1.0 - cos) / square
    y = v * cos + jnp.cross(r, v) * sin + r * along
    ab = y[:, :2] / y[:, 2:]
    rho = jnp.sum(ab**2, axis=1, keepdims=True)
    stretch = c[:, 6:7] * (1.0 + c[:, 9:10] * rho + c[:, 10:11] * rho**2)
    errors = w[:, None] * (stretch * ab + c[:, 7:9] - feats)
    return jnp.sum(errors**2) + jnp.sum((1.0 - w**2) ** 2)


def _bundle(cameras: int, points: int, observations: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(12)
    cams = np.concatenate(
        [
            0.3 * rng.normal(size=(cameras, 3)),
            rng.normal(size=(cameras, 3)),
            rng.uniform(300, 600, (cameras, 1)),
            rng.normal(size=(cameras, 2)),
            0.01 * rng.normal(size=(cameras, 2)),
        ],
        axis=1,
    )
    X = rng.normal(size=(points, 3)) + np.array([0.0, 0.0, 10.0])
    obs = np.stack([rng.integers(0, cameras, observations), rng.integers(0, points, observations)], axis=1)
    return cams, X, rng.uniform(0.5, 1, observations), obs, 50 * rng.normal(size=(observations, 2))


ARGUMENTS, TRIAL = _bundle(49, 7776, 31_843), _bundle(2, 3, 4)

ROWS = (
    Row(
        "bundle adjustment, 31,843 observations",
        bundle,
        {"": bundle_adjoint},
        ARGUMENTS,
        (0, 1, 2),
        1.2,
        TRIAL,
        jax=bundle_jax,
    ),
)
