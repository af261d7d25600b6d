"""ADBench's bundle adjustment: the sparse Jacobian of the residuals, by blocks of one observation each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

import zyg
from bench.bundle import ARGUMENTS, TRIAL, rotated
from bench.derivative import Derivative
from bench.row import Row, by_hand


def residual(cam, point, w, feat):
    moved = (point[0] - cam[3], point[1] - cam[4], point[2] - cam[5])
    y = rotated((cam[0], cam[1], cam[2]), moved)
    a, b = y[0] / y[2], y[1] / y[2]
    rho = a * a + b * b
    stretch = cam[6] * (1.0 + cam[9] * rho + cam[10] * rho * rho)
    return np.array([w * (stretch * a + cam[7] - feat[0]), w * (stretch * b + cam[8] - feat[1])])


def residuals(cams, X, w, obs, feats):
    found = np.empty(3 * len(obs))
    for i in range(len(obs)):
        first, second = residual(cams[obs[i, 0]], X[obs[i, 1]], w[i], feats[i])
        found[2 * i] = first
        found[2 * i + 1] = second
        found[2 * len(obs) + i] = 1.0 - w[i] ** 2
    return found


def assembled(block: Any) -> Any:
    """The values of the sparse matrix, row by row: `block` gives the derivatives of a residual."""

    @njit
    def values(cams, X, w, obs, feats):
        count = len(obs)
        found = np.empty(31 * count)
        for i in range(count):
            by_cam, by_point, by_weight = block(cams[obs[i, 0]], X[obs[i, 1]], w[i], feats[i])
            for row in range(2):
                at = 30 * i + 15 * row
                for j in range(11):
                    found[at + j] = by_cam[row, j]
                for j in range(3):
                    found[at + 11 + j] = by_point[row, j]
                found[at + 14] = by_weight[row]
            found[30 * count + i] = -2.0 * w[i]
        return found

    return values


def assembled_jax(form: Any, argnums: Any) -> Any:
    import jax
    import jax.numpy as jnp

    def values(cams, X, w, obs, feats):
        block = jax.vmap(jax.jacrev(form, argnums))
        by_cam, by_point, by_weight = block(cams[obs[:, 0]], X[obs[:, 1]], w, feats)
        rows = jnp.concatenate([by_cam, by_point, by_weight[:, :, None]], axis=2)
        return jnp.concatenate([rows.ravel(), -2.0 * w])

    return values


def residual_jax(cam, point, w, feat):
    import jax.numpy as jnp

    r, v = cam[:3], point - cam[3:6]
    square = jnp.sum(r * r)
    angle = jnp.sqrt(square)
    cos, sin = jnp.cos(angle), jnp.sin(angle) / angle
    y = v * cos + jnp.cross(r, v) * sin + r * jnp.sum(r * v) * (1.0 - cos) / square
    ab = y[:2] / y[2]
    rho = jnp.sum(ab**2)
    return w * (cam[6] * (1.0 + cam[9] * rho + cam[10] * rho**2) * ab + cam[7:9] - feat)


@by_hand
def residuals_blocks(cams, X, w, obs, feats):
    """The adjoint of a pair of residuals, both rows of the block at once."""
    count = len(obs)
    found = np.empty(31 * count)
    for i in range(count):
        k, p = obs[i, 0], obs[i, 1]
        r0, r1, r2 = cams[k, 0], cams[k, 1], cams[k, 2]
        v0, v1, v2 = X[p, 0] - cams[k, 3], X[p, 1] - cams[k, 4], X[p, 2] - cams[k, 5]
        c0, c1, c2 = r1 * v2 - r2 * v1, r2 * v0 - r0 * v2, r0 * v1 - r1 * v0
        square = r0 * r0 + r1 * r1 + r2 * r2
        dot = r0 * v0 + r1 * v1 + r2 * v2
        c, s, h, inverse = 1.0, 1.0, 0.0, 0.0
        angle = math.sqrt(square)
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
        slope = 2.0 * weight * f * (k1 + 2.0 * k2 * rho)
        stretch = weight * f * L
        for row in range(2):
            if row == 0:
                here, by_a, by_b = a, stretch + slope * a * a, slope * a * b
                error = f * L * a + cams[k, 7] - feats[i, 0]
            else:
                here, by_a, by_b = b, slope * a * b, stretch + slope * b * b
                error = f * L * b + cams[k, 8] - feats[i, 1]
            g0, g1 = by_a * depth, by_b * depth
            g2 = -(g0 * a + g1 * b)
            ddot = (g0 * r0 + g1 * r1 + g2 * r2) * h
            dh = (g0 * r0 + g1 * r1 + g2 * r2) * dot
            ds = g0 * c0 + g1 * c1 + g2 * c2
            dc = g0 * v0 + g1 * v1 + g2 * v2
            n0, n1, n2 = g0 * s, g1 * s, g2 * s
            dsquare = (dc - dh * inverse) * (-0.5 * s) - dh * h * inverse + ds * 0.5 * (c - s) * inverse
            if square == 0.0:
                dsquare = 0.0
            q0 = g0 * c + n1 * r2 - n2 * r1 + ddot * r0
            q1 = g1 * c - n0 * r2 + n2 * r0 + ddot * r1
            q2 = g2 * c + n0 * r1 - n1 * r0 + ddot * r2
            at = 30 * i + 15 * row
            found[at] = g0 * along + ddot * v0 + 2.0 * dsquare * r0 - n1 * v2 + n2 * v1
            found[at + 1] = g1 * along + ddot * v1 + 2.0 * dsquare * r1 + n0 * v2 - n2 * v0
            found[at + 2] = g2 * along + ddot * v2 + 2.0 * dsquare * r2 - n0 * v1 + n1 * v0
            found[at + 3], found[at + 4], found[at + 5] = -q0, -q1, -q2
            found[at + 6] = weight * L * here
            found[at + 7] = weight * (1 - row)
            found[at + 8] = weight * row
            found[at + 9] = weight * f * rho * here
            found[at + 10] = weight * f * rho * rho * here
            found[at + 11], found[at + 12], found[at + 13] = q0, q1, q2
            found[at + 14] = error
        found[30 * count + i] = -2.0 * w[i]
    return found


def _along(values: Any, directions: Sequence[Any]) -> Any:
    """The change of all residuals that the sparse matrix tells."""
    dcams, dX, dw = directions
    obs = TRIAL[3]
    change = np.concatenate([dcams[obs[:, 0]], dX[obs[:, 1]], dw[:, None]], axis=1)
    blocks = values[: 30 * len(obs)].reshape(len(obs), 2, 15)
    return np.concatenate([np.einsum("irj,ij->ir", blocks, change).ravel(), values[30 * len(obs) :] * dw])


BLOCKS = Derivative(lambda _, argnums: assembled(zyg.jacobian(residual, argnums)), assembled_jax, _along)

ROWS = (
    Row(
        "bundle adjustment, sparse Jacobian, 31,843 observations",
        residuals,
        {"": residuals_blocks},
        ARGUMENTS,
        (0, 1, 2),
        1.3,
        TRIAL,
        jax=residual_jax,
        derivative=BLOCKS,
    ),
)
