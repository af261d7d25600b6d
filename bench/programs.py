"""The programs that are differentiated in the measurements, in plain Python."""

from __future__ import annotations

import math

G0, G1, G2, G3, G4, G5, G6, G7, G8, G9 = 0.03, -0.05, 0.07, 0.02, -0.04, 0.06, -0.01, 0.08, -0.02, 0.05

LORENZ_STEP = 1e-4


def sin_cos(x):
    return math.sin(math.cos(x))


def c0(x):
    return x + G0 * x * x


def c1(x):
    return x + G1 * x * x


def c2(x):
    return x + G2 * x * x


def c3(x):
    return x + G3 * x * x


def c4(x):
    return x + G4 * x * x


def c5(x):
    return x + G5 * x * x


def c6(x):
    return x + G6 * x * x


def c7(x):
    return x + G7 * x * x


def c8(x):
    return x + G8 * x * x


def c9(x):
    return x + G9 * x * x


def d0(x):
    return c0(x) - 0.1


def d1(x):
    return c1(x) + 0.1


def d2(x):
    return c2(x) - 0.2


def d3(x):
    return c3(x) + 0.2


def d4(x):
    return c4(x) - 0.3


def d5(x):
    return c5(x) + 0.3


def d6(x):
    return c6(x) - 0.4


def d7(x):
    return c7(x) + 0.4


def d8(x):
    return c8(x) - 0.5


def d9(x):
    return c9(x) + 0.5


def guarded(x):
    """Twenty callees, ten captured globals."""
    return d9(d8(d7(d6(d5(d4(d3(d2(d1(d0(x))))))))))


def paper_loop(x, n):
    """The loop of the Zygote paper."""
    r = 1.0
    while n > 0:
        r *= math.sin(x)
        n -= 1
    return r


def lorenz_slope(x, y, z, sigma, rho, beta):
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


def lorenz(x, y, z, sigma, rho, beta, n):
    """n steps of the classical Runge–Kutta method."""
    h = LORENZ_STEP
    for _ in range(n):
        a1, b1, c1 = lorenz_slope(x, y, z, sigma, rho, beta)
        a2, b2, c2 = lorenz_slope(x + h / 2 * a1, y + h / 2 * b1, z + h / 2 * c1, sigma, rho, beta)
        a3, b3, c3 = lorenz_slope(x + h / 2 * a2, y + h / 2 * b2, z + h / 2 * c2, sigma, rho, beta)
        a4, b4, c4 = lorenz_slope(x + h * a3, y + h * b3, z + h * c3, sigma, rho, beta)
        x += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        y += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
        z += h / 6 * (c1 + 2 * c2 + 2 * c3 + c4)
    return x + y + z


def kepler_sum(m, e, n):
    """Kepler's equation solved by Newton's method for n mean anomalies."""
    total = 0.0
    for k in range(n):
        mean = m + 0.001 * k
        anomaly = mean
        step = 1.0
        while abs(step) > 1e-10:
            step = (anomaly - e * math.sin(anomaly) - mean) / (1.0 - e * math.cos(anomaly))
            anomaly -= step
        total += math.cos(anomaly)
    return total


def fold(x, w, b, depth):
    """A complete binary tree of calls."""
    if depth == 0:
        return x * w + b
    left = fold(x * 0.5 + 0.1, w, b, depth - 1)
    right = fold(x - 0.3, w, b, depth - 1)
    return w * left + b * right - 0.1 * left * right


def long_loop(x, n):
    """One residual a step."""
    y = x
    for _ in range(n):
        y = math.sin(y) + 0.5
    return y
