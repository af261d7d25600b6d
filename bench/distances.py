"""ADBench's hand tracking: the Jacobian of the distances between a skinned mesh and measured points by the pose."""

from __future__ import annotations

import math

import numpy as np

from bench.derivative import COLUMNS
from bench.row import Row, by_hand
from bench.tracking import ARGUMENTS, TRIAL, axis_angle, distances_jax, skinned


def distances(theta, parents, relatives, inverses, base, weights, points, correspondences):
    positions = skinned(theta, parents, relatives, inverses, base, weights)
    R = axis_angle(theta[:3])
    found = np.empty((len(points), 3))
    for j in range(len(points)):
        v = correspondences[j]
        for a in range(3):
            p = R[a][0] * positions[0, v] + R[a][1] * positions[1, v] + R[a][2] * positions[2, v] + theta[3 + a]
            found[j, a] = points[j, a] - p
    return found


@by_hand
def _turned(A, x, z, by_x, by_z, out):
    """A · Rz(z) · Rx(x), the last column being A's; or its derivative by one of the angles, whose last column is 0."""
    cx, sx, cz, sz = math.cos(x), math.sin(x), math.cos(z), math.sin(z)
    if by_x:
        cx, sx = -sx, cx
    if by_z:
        cz, sz = -sz, cz
    for a in range(3):
        along = A[a, 0] * cz + A[a, 1] * sz
        across = A[a, 1] * cz - A[a, 0] * sz
        third = 0.0 if by_z else A[a, 2]
        out[a, 0] = 0.0 if by_x else along
        out[a, 1] = across * cx + third * sx
        out[a, 2] = third * cx - across * sx
        out[a, 3] = 0.0 if by_x or by_z else A[a, 3]


@by_hand
def _times(A, B, out):
    """A · B of affine transforms: three rows of four, the last one being 0, 0, 0, 1."""
    for a in range(3):
        for b in range(4):
            out[a, b] = A[a, 0] * B[0, b] + A[a, 1] * B[1, b] + A[a, 2] * B[2, b]
        out[a, 3] += A[a, 3]


@by_hand
def _skin(T, base, weights, out):
    for a in range(3):
        t0, t1, t2, t3 = T[a, 0], T[a, 1], T[a, 2], T[a, 3]
        for v in range(base.shape[1]):
            out[a, v] += weights[v] * (t0 * base[0, v] + t1 * base[1, v] + t2 * base[2, v] + t3 * base[3, v])


@by_hand
def _rotation(r, R, dR):
    """The rotation by the vector r, and its derivatives by the three numbers."""
    angle = math.sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
    dR[:] = 0.0
    R[:] = np.eye(3)
    if angle < 0.0001:
        return
    x, y, z, s, c = r[0] / angle, r[1] / angle, r[2] / angle, math.sin(angle), math.cos(angle)
    k = 1.0 - c
    R[0, 0], R[0, 1], R[0, 2] = x * x + (1 - x * x) * c, x * y * k - z * s, x * z * k + y * s
    R[1, 0], R[1, 1], R[1, 2] = x * y * k + z * s, y * y + (1 - y * y) * c, y * z * k - x * s
    R[2, 0], R[2, 1], R[2, 2] = x * z * k - y * s, z * y * k + x * s, z * z + (1 - z * z) * c
    for n in range(3):
        along = r[n] / angle
        dx = ((1.0 if n == 0 else 0.0) - x * along) / angle
        dy = ((1.0 if n == 1 else 0.0) - y * along) / angle
        dz = ((1.0 if n == 2 else 0.0) - z * along) / angle
        ds, dc = c * along, -s * along
        dR[n, 0, 0] = 2 * x * dx * k + (1 - x * x) * dc
        dR[n, 1, 1] = 2 * y * dy * k + (1 - y * y) * dc
        dR[n, 2, 2] = 2 * z * dz * k + (1 - z * z) * dc
        xy, xz, yz = (
            (dx * y + x * dy) * k - x * y * dc,
            (dx * z + x * dz) * k - x * z * dc,
            (dy * z + y * dz) * k - y * z * dc,
        )
        xs, ys, zs = dx * s + x * ds, dy * s + y * ds, dz * s + z * ds
        dR[n, 0, 1], dR[n, 1, 0] = xy - zs, xy + zs
        dR[n, 0, 2], dR[n, 2, 0] = xz + ys, xz - ys
        dR[n, 1, 2], dR[n, 2, 1] = yz - xs, yz + xs


@by_hand
def distances_columns(theta, parents, relatives, inverses, base, weights, points, correspondences):
    """Each angle moves its bone and those that follow; the tangents of their transforms are turned as a whole."""
    V, bones, N = base.shape[1], len(parents), len(points)
    flexion, abduction = np.zeros(bones), np.zeros(bones)
    for finger in range(5):
        first = 2 + 4 * finger
        flexion[first], abduction[first] = theta[6 + 4 * finger], theta[7 + 4 * finger]
        flexion[first + 1], flexion[first + 2] = theta[8 + 4 * finger], theta[9 + 4 * finger]
    relative, absolute = np.empty((bones, 3, 4)), np.empty((bones, 3, 4))
    T, positions = np.empty((3, 4)), np.zeros((3, V))
    for i in range(bones):
        _turned(relatives[i], flexion[i], abduction[i], False, False, relative[i])
        if parents[i] < 0:
            absolute[i] = relative[i]
        else:
            _times(absolute[parents[i]], relative[i], absolute[i])
        _times(absolute[i], inverses[i], T)
        _skin(T, base, weights[i], positions)
    R, dR = np.empty((3, 3)), np.empty((3, 3, 3))
    _rotation(theta, R, dR)
    J = np.empty((N, 3, 26))
    moved, turned = np.empty((20, 3, V)), np.empty((3, 4))
    slope, moving = np.empty((bones, 3, 4)), np.empty(bones, np.bool_)
    own = np.empty((3, 4))
    for angle in range(20):
        finger, which = divmod(angle, 4)
        bone = 2 + 4 * finger + max(which - 1, 0)
        _turned(relatives[bone], flexion[bone], abduction[bone], which != 1, which == 1, own)
        moved[angle] = 0.0
        moving[:bone] = False
        for i in range(bone, bones):
            parent = parents[i]
            moving[i] = i == bone or (parent >= 0 and moving[parent])
            if not moving[i]:
                continue
            if i > bone:
                _times(slope[parent], relative[i], slope[i])
            elif parent < 0:
                slope[i] = own
            else:
                _times(absolute[parent], own, slope[i])
                for a in range(3):
                    slope[i, a, 3] -= absolute[parent, a, 3]
            _times(slope[i], inverses[i], T)
            for a in range(3):
                for b in range(4):
                    turned[a, b] = -(R[a, 0] * T[0, b] + R[a, 1] * T[1, b] + R[a, 2] * T[2, b])
            _skin(turned, base, weights[i], moved[angle])
    for j in range(N):
        v = correspondences[j]
        for a in range(3):
            row = J[j, a]
            for n in range(3):
                row[n] = -(
                    dR[n, a, 0] * positions[0, v] + dR[n, a, 1] * positions[1, v] + dR[n, a, 2] * positions[2, v]
                )
                row[3 + n] = -1.0 if n == a else 0.0
            for angle in range(20):
                row[6 + angle] = moved[angle, a, v]
    return J


ROWS = (
    Row(
        "hand tracking, Jacobian 1,500 × 26",
        distances,
        {"": distances_columns},
        ARGUMENTS,
        0,
        1.3,
        TRIAL,
        jax=distances_jax,
        derivative=COLUMNS,
    ),
)
