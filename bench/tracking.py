"""ADBench's hand tracking: the sum of squares of the distances between a skinned mesh and measured points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.row import Row, by_hand

BONES = 22


def turn(x, y, z):
    """Rz · Ry · Rx."""
    cx, sx, cy, sy, cz, sz = math.cos(x), math.sin(x), math.cos(y), math.sin(y), math.cos(z), math.sin(z)
    return (
        (cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz),
        (cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz),
        (-sy, sx * cy, cx * cy),
    )


def axis_angle(r):
    angle = math.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
    if angle < 0.0001:
        return (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    x, y, z = r[0] / angle, r[1] / angle, r[2] / angle
    s, c = math.sin(angle), math.cos(angle)
    return (
        (x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s),
        (x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s),
        (x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c),
    )


def skinned(theta, parents, relatives, inverses, base, weights):
    pose = np.zeros((3, 25))
    for finger in range(5):
        for k in range(3):
            pose[0, 5 + 4 * finger + k] = theta[6 + 4 * finger + (k + 1 if k > 0 else 0)]
        pose[1, 5 + 4 * finger] = theta[7 + 4 * finger]
    absolute = np.zeros((22, 3, 4))
    V = base.shape[1]
    positions = np.zeros((3, V))
    T = np.zeros((3, 4))
    for i in range(22):
        R = turn(pose[0, i + 3], pose[2, i + 3], pose[1, i + 3])
        relative = np.zeros((3, 4))
        for a in range(3):
            for b in range(3):
                relative[a, b] = (
                    relatives[i, a, 0] * R[0][b] + relatives[i, a, 1] * R[1][b] + relatives[i, a, 2] * R[2][b]
                )
            relative[a, 3] = relatives[i, a, 3]
        parent = parents[i]
        for a in range(3):
            for b in range(4):
                if parent < 0:
                    absolute[i, a, b] = relative[a, b]
                else:
                    s = absolute[parent, a, 3] if b == 3 else 0.0
                    for c in range(3):
                        s += absolute[parent, a, c] * relative[c, b]
                    absolute[i, a, b] = s
        for a in range(3):
            for b in range(4):
                s = absolute[i, a, 3] if b == 3 else 0.0
                for c in range(3):
                    s += absolute[i, a, c] * inverses[i, c, b]
                T[a, b] = s
        for a in range(3):
            for v in range(V):
                moved = T[a, 0] * base[0, v] + T[a, 1] * base[1, v] + T[a, 2] * base[2, v] + T[a, 3] * base[3, v]
                positions[a, v] += weights[i, v] * moved
    return positions


def track(theta, parents, relatives, inverses, base, weights, points, correspondences):
    positions = skinned(theta, parents, relatives, inverses, base, weights)
    R = axis_angle(theta[:3])
    total = 0.0
    for j in range(len(points)):
        v = correspondences[j]
        for a in range(3):
            p = R[a][0] * positions[0, v] + R[a][1] * positions[1, v] + R[a][2] * positions[2, v] + theta[3 + a]
            total += (points[j, a] - p) ** 2
    return total


@by_hand
def _product(A, B, out):
    for a in range(3):
        for b in range(4):
            out[a, b] = A[a, 0] * B[0, b] + A[a, 1] * B[1, b] + A[a, 2] * B[2, b]
        out[a, 3] += A[a, 3]


@by_hand
def _product_reversed(A, B, dout, dA, dB):
    for a in range(3):
        for c in range(3):
            dA[a, c] += dout[a, 0] * B[c, 0] + dout[a, 1] * B[c, 1] + dout[a, 2] * B[c, 2] + dout[a, 3] * B[c, 3]
            for b in range(4):
                dB[c, b] += A[a, c] * dout[a, b]
        dA[a, 3] += dout[a, 3]


@by_hand
def _angles(pose, i):
    x, y, z = pose[0, i + 3], pose[2, i + 3], pose[1, i + 3]
    return math.cos(x), math.sin(x), math.cos(y), math.sin(y), math.cos(z), math.sin(z)


@by_hand
def track_adjoint(theta, parents, relatives, inverses, base, weights, points, correspondences):
    pose = np.zeros((3, 25))
    for finger in range(5):
        first = 4 * finger
        pose[0, 5 + first], pose[1, 5 + first] = theta[6 + first], theta[7 + first]
        pose[0, 6 + first], pose[0, 7 + first] = theta[8 + first], theta[9 + first]
    V = base.shape[1]
    absolute, relative = np.zeros((22, 3, 4)), np.zeros((22, 3, 4))
    positions, dpositions = np.zeros((3, V)), np.zeros((3, V))
    T, R = np.empty((3, 4)), np.empty((3, 3))
    for i in range(22):
        cx, sx, cy, sy, cz, sz = _angles(pose, i)
        R[0, 0], R[0, 1], R[0, 2] = cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz
        R[1, 0], R[1, 1], R[1, 2] = cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz
        R[2, 0], R[2, 1], R[2, 2] = -sy, sx * cy, cx * cy
        B = relatives[i]
        for a in range(3):
            for b in range(3):
                relative[i, a, b] = B[a, 0] * R[0, b] + B[a, 1] * R[1, b] + B[a, 2] * R[2, b]
            relative[i, a, 3] = B[a, 3]
        if parents[i] < 0:
            absolute[i] = relative[i]
        else:
            _product(absolute[parents[i]], relative[i], absolute[i])
        _product(absolute[i], inverses[i], T)
        for a in range(3):
            t0, t1, t2, t3 = T[a, 0], T[a, 1], T[a, 2], T[a, 3]
            for v in range(V):
                moved = t0 * base[0, v] + t1 * base[1, v] + t2 * base[2, v] + t3 * base[3, v]
                positions[a, v] += weights[i, v] * moved
    dtheta, G = np.zeros(26), np.zeros((3, 3))
    r0, r1, r2 = theta[0], theta[1], theta[2]
    angle = math.sqrt(r0 * r0 + r1 * r1 + r2 * r2)
    x = y = z = s = 0.0
    c = 1.0
    if angle >= 0.0001:
        x, y, z, s, c = r0 / angle, r1 / angle, r2 / angle, math.sin(angle), math.cos(angle)
    R[0, 0], R[0, 1], R[0, 2] = x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s
    R[1, 0], R[1, 1], R[1, 2] = x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s
    R[2, 0], R[2, 1], R[2, 2] = x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c
    for j in range(len(points)):
        v = correspondences[j]
        for a in range(3):
            p0, p1, p2 = positions[0, v], positions[1, v], positions[2, v]
            d = 2.0 * (R[a, 0] * p0 + R[a, 1] * p1 + R[a, 2] * p2 + theta[3 + a] - points[j, a])
            dtheta[3 + a] += d
            G[a, 0] += d * p0
            G[a, 1] += d * p1
            G[a, 2] += d * p2
            dpositions[0, v] += d * R[a, 0]
            dpositions[1, v] += d * R[a, 1]
            dpositions[2, v] += d * R[a, 2]
    if angle >= 0.0001:
        k = 1.0 - c
        ds = z * (G[1, 0] - G[0, 1]) + y * (G[0, 2] - G[2, 0]) + x * (G[2, 1] - G[1, 2])
        xy, xz, yz = G[0, 1] + G[1, 0], G[0, 2] + G[2, 0], G[1, 2] + G[2, 1]
        dc = (
            (1 - x * x) * G[0, 0] + (1 - y * y) * G[1, 1] + (1 - z * z) * G[2, 2] - x * y * xy - x * z * xz - y * z * yz
        )
        dx = k * (2 * x * G[0, 0] + y * xy + z * xz) + s * (G[2, 1] - G[1, 2])
        dy = k * (2 * y * G[1, 1] + x * xy + z * yz) + s * (G[0, 2] - G[2, 0])
        dz = k * (2 * z * G[2, 2] + x * xz + y * yz) + s * (G[1, 0] - G[0, 1])
        dangle = ds * c - dc * s - (dx * x + dy * y + dz * z) / angle
        dtheta[0] = dx / angle + dangle * x
        dtheta[1] = dy / angle + dangle * y
        dtheta[2] = dz / angle + dangle * z
    dabsolute, drelative, unused = np.zeros((22, 3, 4)), np.zeros((3, 4)), np.zeros((3, 4))
    dpose, dT = np.zeros((3, 25)), np.empty((3, 4))
    for i in range(21, -1, -1):
        for a in range(3):
            t0 = t1 = t2 = t3 = 0.0
            for v in range(V):
                d = weights[i, v] * dpositions[a, v]
                t0 += d * base[0, v]
                t1 += d * base[1, v]
                t2 += d * base[2, v]
                t3 += d * base[3, v]
            dT[a, 0], dT[a, 1], dT[a, 2], dT[a, 3] = t0, t1, t2, t3
        _product_reversed(absolute[i], inverses[i], dT, dabsolute[i], unused)
        if parents[i] < 0:
            drelative[:] = dabsolute[i]
        else:
            drelative[:] = 0.0
            _product_reversed(absolute[parents[i]], relative[i], dabsolute[i], dabsolute[parents[i]], drelative)
        B = relatives[i]
        for c0 in range(3):
            for b in range(3):
                G[c0, b] = B[0, c0] * drelative[0, b] + B[1, c0] * drelative[1, b] + B[2, c0] * drelative[2, b]
        cx, sx, cy, sy, cz, sz = _angles(pose, i)
        A0, A1, A2 = G[0], G[1], G[2]
        dpose[0, i + 3] = (
            A0[1] * (cx * sy * cz + sx * sz)
            + A0[2] * (cx * sz - sx * sy * cz)
            + A1[1] * (cx * sy * sz - sx * cz)
            - A1[2] * (sx * sy * sz + cx * cz)
            + A2[1] * cx * cy
            - A2[2] * sx * cy
        )
        dpose[1, i + 3] = (
            -A0[0] * cy * sz
            - A0[1] * (sx * sy * sz + cx * cz)
            + A0[2] * (sx * cz - cx * sy * sz)
            + A1[0] * cy * cz
            + A1[1] * (sx * sy * cz - cx * sz)
            + A1[2] * (cx * sy * cz + sx * sz)
        )
    for finger in range(5):
        first = 4 * finger
        dtheta[6 + first], dtheta[7 + first] = dpose[0, 5 + first], dpose[1, 5 + first]
        dtheta[8 + first], dtheta[9 + first] = dpose[0, 6 + first], dpose[0, 7 + first]
    return dtheta


def track_jax(*args):
    import jax.numpy as jnp

    return jnp.sum(distances_jax(*args) ** 2)


def distances_jax(theta, parents, relatives, inverses, base, weights, points, correspondences):
    import jax.numpy as jnp

    parents = _PARENTS
    last, absolute, T = jnp.array([[0.0, 0.0, 0.0, 1.0]]), [], []
    for i in range(BONES):
        x = z = 0.0
        if i >= 2 and (i - 2) % 4 < 3:
            finger, k = divmod(i - 2, 4)
            x = theta[6 + 4 * finger + (k + 1 if k > 0 else 0)]
            z = theta[7 + 4 * finger] if k == 0 else 0.0
        cx, sx, cz, sz = jnp.cos(x), jnp.sin(x), jnp.cos(z), jnp.sin(z)
        zero, one = jnp.zeros(()), jnp.ones(())
        R = jnp.array(
            [[cz, -cx * sz, sx * sz, zero], [sz, cx * cz, -sx * cz, zero], [zero, sx, cx, zero], [zero] * 3 + [one]]
        )
        relative = jnp.concatenate([relatives[i], last]) @ R
        absolute.append(relative if parents[i] < 0 else absolute[parents[i]] @ relative)
        T.append((absolute[i] @ jnp.concatenate([inverses[i], last]))[:3])
    positions = jnp.einsum("iv,iac,cv->av", weights, jnp.stack(T), base)
    angle = jnp.sqrt(jnp.sum(theta[:3] ** 2))
    x, y, z = theta[:3] / angle
    s, c = jnp.sin(angle), jnp.cos(angle)
    K = jnp.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    axis = jnp.array([x, y, z])
    R = c * jnp.eye(3) + s * K + (1 - c) * jnp.outer(axis, axis)
    moved = R @ positions[:, correspondences] + theta[3:6, None]
    return points - moved.T


_PARENTS = np.array([-1, 0] + [0 if i % 4 == 1 else i - 1 for i in range(1, 21)])


def _hand(vertices: int, count: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(13)
    relatives, inverses = 0.5 * rng.normal(size=(BONES, 3, 4)), 0.5 * rng.normal(size=(BONES, 3, 4))
    base = np.concatenate([rng.normal(size=(3, vertices)), np.ones((1, vertices))])
    weights = rng.dirichlet(np.ones(BONES), vertices).T.copy()
    theta, points = 0.4 * rng.normal(size=26), rng.normal(size=(count, 3))
    return theta, _PARENTS, relatives, inverses, base, weights, points, rng.integers(0, vertices, count)


ARGUMENTS, TRIAL = _hand(544, 500), _hand(5, 4)

ROWS = (
    Row(
        "hand tracking, 500 points",
        track,
        {"": track_adjoint},
        ARGUMENTS,
        0,
        1.2,
        TRIAL,
        jax=track_jax,
    ),
)
