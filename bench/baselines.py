"""Derivatives written by hand, as well as one can, under Numba's default flags like the programs themselves.

Where there are several ways of which none is always best, all are here and the fastest is the one to compare with.
Divisions are done once and their inverses kept, since under the Python error model each is checked.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bench.programs import G0, G1, G2, G3, G4, G5, G6, G7, G8, G9, LORENZ_STEP

DEEPEST_NEWTON = 64


@njit
def sin_cos(x):
    return -math.cos(math.cos(x)) * math.sin(x)


@njit
def guarded(x):
    d = 1.0 + 2.0 * G0 * x
    x = x + G0 * x * x - 0.1
    d *= 1.0 + 2.0 * G1 * x
    x = x + G1 * x * x + 0.1
    d *= 1.0 + 2.0 * G2 * x
    x = x + G2 * x * x - 0.2
    d *= 1.0 + 2.0 * G3 * x
    x = x + G3 * x * x + 0.2
    d *= 1.0 + 2.0 * G4 * x
    x = x + G4 * x * x - 0.3
    d *= 1.0 + 2.0 * G5 * x
    x = x + G5 * x * x + 0.3
    d *= 1.0 + 2.0 * G6 * x
    x = x + G6 * x * x - 0.4
    d *= 1.0 + 2.0 * G7 * x
    x = x + G7 * x * x + 0.4
    d *= 1.0 + 2.0 * G8 * x
    x = x + G8 * x * x - 0.5
    return d * (1.0 + 2.0 * G9 * x)


@njit
def paper_loop(x, n):
    """Reverse, with every r kept."""
    s = math.sin(x)
    turns = max(n, 0)
    kept = np.empty(turns)
    r = 1.0
    for i in range(turns):
        kept[i] = r
        r *= s
    ds, dr = 0.0, 1.0
    for i in range(turns - 1, -1, -1):
        ds += dr * kept[i]
        dr *= s
    return ds * math.cos(x)


@njit
def paper_loop_tangent(x, n):
    """Forward, which for one argument needs no memory."""
    s = math.sin(x)
    r, dr = 1.0, 0.0
    for _ in range(n):
        dr = dr * s + r
        r *= s
    return dr * math.cos(x)


@njit
def _slope_transposed(x, y, z, da, db, dc, sigma, rho, beta):
    return (rho - z) * db - sigma * da + y * dc, sigma * da - db + x * dc, -x * db - beta * dc


@njit
def lorenz(x, y, z, sigma, rho, beta, n):
    """Three residuals a step; the stages are computed again in reverse."""
    return lorenz_with(x, y, z, sigma, rho, beta, n, np.empty(n), np.empty(n), np.empty(n))


@njit
def lorenz_with(x, y, z, sigma, rho, beta, n, xs, ys, zs):
    """`lorenz`, its memory given."""
    h = LORENZ_STEP
    half, sixth, third = h / 2, h / 6, h / 3
    for i in range(n):
        xs[i], ys[i], zs[i] = x, y, z
        a1, b1, c1 = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
        x2, y2, z2 = x + half * a1, y + half * b1, z + half * c1
        a2, b2, c2 = sigma * (y2 - x2), x2 * (rho - z2) - y2, x2 * y2 - beta * z2
        x3, y3, z3 = x + half * a2, y + half * b2, z + half * c2
        a3, b3, c3 = sigma * (y3 - x3), x3 * (rho - z3) - y3, x3 * y3 - beta * z3
        x4, y4, z4 = x + h * a3, y + h * b3, z + h * c3
        a4, b4, c4 = sigma * (y4 - x4), x4 * (rho - z4) - y4, x4 * y4 - beta * z4
        x += sixth * (a1 + 2 * a2 + 2 * a3 + a4)
        y += sixth * (b1 + 2 * b2 + 2 * b3 + b4)
        z += sixth * (c1 + 2 * c2 + 2 * c3 + c4)
    dx = dy = dz = 1.0
    dsigma = drho = dbeta = 0.0
    for j in range(n):
        i = n - 1 - j
        x, y, z = xs[i], ys[i], zs[i]
        a1, b1, c1 = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
        x2, y2, z2 = x + half * a1, y + half * b1, z + half * c1
        a2, b2, c2 = sigma * (y2 - x2), x2 * (rho - z2) - y2, x2 * y2 - beta * z2
        x3, y3, z3 = x + half * a2, y + half * b2, z + half * c2
        a3, b3, c3 = sigma * (y3 - x3), x3 * (rho - z3) - y3, x3 * y3 - beta * z3
        x4, y4, z4 = x + h * a3, y + h * b3, z + h * c3
        da4, db4, dc4 = sixth * dx, sixth * dy, sixth * dz
        dx4, dy4, dz4 = _slope_transposed(x4, y4, z4, da4, db4, dc4, sigma, rho, beta)
        da3, db3, dc3 = third * dx + h * dx4, third * dy + h * dy4, third * dz + h * dz4
        dx3, dy3, dz3 = _slope_transposed(x3, y3, z3, da3, db3, dc3, sigma, rho, beta)
        da2, db2, dc2 = third * dx + half * dx3, third * dy + half * dy3, third * dz + half * dz3
        dx2, dy2, dz2 = _slope_transposed(x2, y2, z2, da2, db2, dc2, sigma, rho, beta)
        da1, db1, dc1 = da4 + half * dx2, db4 + half * dy2, dc4 + half * dz2
        dx1, dy1, dz1 = _slope_transposed(x, y, z, da1, db1, dc1, sigma, rho, beta)
        dsigma += (da1 * (y - x) + da2 * (y2 - x2)) + (da3 * (y3 - x3) + da4 * (y4 - x4))
        drho += (db1 * x + db2 * x2) + (db3 * x3 + db4 * x4)
        dbeta -= (dc1 * z + dc2 * z2) + (dc3 * z3 + dc4 * z4)
        dx += (dx1 + dx2) + (dx3 + dx4)
        dy += (dy1 + dy2) + (dy3 + dy4)
        dz += (dz1 + dz2) + (dz3 + dz4)
    return dx, dy, dz, dsigma, drho, dbeta


@njit
def kepler_sum(m, e, n):
    """Each anomaly is reversed at once, from a few numbers kept; what cancels in Newton's step is left out."""
    sines, cosines = np.empty(DEEPEST_NEWTON), np.empty(DEEPEST_NEWTON)
    steps, inverses = np.empty(DEEPEST_NEWTON), np.empty(DEEPEST_NEWTON)
    dm = de = 0.0
    for k in range(n):
        mean = m + 0.001 * k
        anomaly, step, turns = mean, 1.0, 0
        while abs(step) > 1e-10:
            if turns == DEEPEST_NEWTON:
                raise RuntimeError("no convergence")
            s, c = math.sin(anomaly), math.cos(anomaly)
            inverse = 1.0 / (1.0 - e * c)
            step = (anomaly - e * s - mean) * inverse
            sines[turns], cosines[turns], steps[turns], inverses[turns] = s, c, step, inverse
            anomaly -= step
            turns += 1
        d = -math.sin(anomaly)
        for t in range(turns - 1, -1, -1):
            by_inverse = d * inverses[t]
            d_slope = by_inverse * steps[t]
            de += by_inverse * sines[t] - d_slope * cosines[t]
            dm += by_inverse
            d = d_slope * e * sines[t]
        dm += d
    return dm, de


@njit
def _fold_keeping(x, w, b, depth, node, kept):
    """Forward: a node keeps its children's values.  The left child is node + 1, the right one node + 2^(depth-1)."""
    if depth == 0:
        return x * w + b
    left = _fold_keeping(x * 0.5 + 0.1, w, b, depth - 1, node + 1, kept)
    right = _fold_keeping(x - 0.3, w, b, depth - 1, node + (1 << (depth - 1)), kept)
    kept[2 * node] = left
    kept[2 * node + 1] = right
    return w * left + b * right - 0.1 * left * right


@njit
def _fold_back(x, w, b, depth, node, kept, d):
    """Reverse: the cotangents of x, w and b."""
    if depth == 0:
        return d * w, d * x, d
    left, right = kept[2 * node], kept[2 * node + 1]
    left_x, left_w, left_b = _fold_back(x * 0.5 + 0.1, w, b, depth - 1, node + 1, kept, d * (w - 0.1 * right))
    right_x, right_w, right_b = _fold_back(
        x - 0.3, w, b, depth - 1, node + (1 << (depth - 1)), kept, d * (b - 0.1 * left)
    )
    return 0.5 * left_x + right_x, left_w + right_w + d * left, left_b + right_b + d * right


@njit
def fold(x, w, b, depth):
    kept = np.empty(2 << depth)
    _fold_keeping(x, w, b, depth, 0, kept)
    return _fold_back(x, w, b, depth, 0, kept, 1.0)


@njit
def _fold_with_gradient(x, w, b, depth):
    """The value with its gradient by the call's own arguments."""
    if depth == 0:
        return x * w + b, w, x, 1.0
    left, left_x, left_w, left_b = _fold_with_gradient(x * 0.5 + 0.1, w, b, depth - 1)
    right, right_x, right_w, right_b = _fold_with_gradient(x - 0.3, w, b, depth - 1)
    by_left, by_right = w - 0.1 * right, b - 0.1 * left
    return (
        w * left + b * right - 0.1 * left * right,
        by_left * (0.5 * left_x) + by_right * right_x,
        by_left * left_w + by_right * right_w + left,
        by_left * left_b + by_right * right_b + right,
    )


@njit
def fold_tangent(x, w, b, depth):
    """One pass up the tree with three tangents."""
    _, dx, dw, db = _fold_with_gradient(x, w, b, depth)
    return dx, dw, db


@njit
def long_loop(x, n):
    """Reverse, with the slope of each step kept."""
    kept = np.empty(n)
    y = x
    for i in range(n):
        kept[i] = math.cos(y)
        y = math.sin(y) + 0.5
    d = 1.0
    for i in range(n - 1, -1, -1):
        d *= kept[i]
    return d
