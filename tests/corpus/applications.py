"""Somewhat longer programs, as in numerical work."""

import math
from collections import namedtuple

import numpy as np

from . import add, program

Lorenz = namedtuple("Lorenz", ["sigma", "rho", "beta"])


def lorenz_slope(parameters, x, y, z):
    return (
        parameters.sigma * (y - x),
        x * (parameters.rho - z) - y,
        x * y - parameters.beta * z,
    )


@program((Lorenz(10.0, 28.0, 2.5), (1.0, 1.0, 1.0)), exercises="Runge–Kutta with namedtuple, tuples and a helper")
def runge_kutta(parameters, start):
    x, y, z = start
    h = 0.01
    for _ in range(5):
        a1, b1, c1 = lorenz_slope(parameters, x, y, z)
        a2, b2, c2 = lorenz_slope(parameters, x + h / 2 * a1, y + h / 2 * b1, z + h / 2 * c1)
        a3, b3, c3 = lorenz_slope(parameters, x + h / 2 * a2, y + h / 2 * b2, z + h / 2 * c2)
        a4, b4, c4 = lorenz_slope(parameters, x + h * a3, y + h * b3, z + h * c3)
        x += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        y += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
        z += h / 6 * (c1 + 2 * c2 + 2 * c3 + c4)
    return x * y + z


@program((100.0, 105.0, 0.05, 0.2, 1.5), exercises="Black–Scholes")
def black_scholes(spot, strike, rate, volatility, time):
    def normal(t):
        return 0.5 * math.erfc(-t / math.sqrt(2.0))

    root = volatility * math.sqrt(time)
    d1 = (math.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / root
    d2 = d1 - root
    return spot * normal(d1) - strike * math.exp(-rate * time) * normal(d2)


@program((0.9, 0.1), (3.0, 0.8), exercises="Kepler's equation by Newton")
def kepler(mean, eccentricity):
    anomaly = mean
    for _ in range(50):
        step = (anomaly - eccentricity * math.sin(anomaly) - mean) / (1.0 - eccentricity * math.cos(anomaly))
        anomaly -= step
        if abs(step) < 1e-14:
            break
    return anomaly * math.cos(anomaly)


@program((1.5, 0.6), exercises="arithmetic-geometric mean in a while loop")
def agm(a, b):
    while abs(a - b) > 1e-15 * a:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


@program((0.8,), exercises="Simpson's rule with a lambda")
def simpson(x):
    def integrate(f, low, high, n):
        h = (high - low) / n
        total = f(low) + f(high)
        for i in range(1, n):
            total += (4.0 if i % 2 else 2.0) * f(low + i * h)
        return total * h / 3.0

    return integrate(lambda t: math.exp(-x * t * t), 0.0, x, 10)


@program((0.5, -0.3, 0.2), exercises="a small neural network with tied weights")
def perceptron(w1, w2, b):
    def layer(f, x, y):
        return f(w1 * x + w2 * y + b), f(w2 * x - w1 * y + b)

    loss = 0.0
    for (x, y), target in (((0.0, 1.0), 1.0), ((1.0, 0.0), 0.0), ((1.0, 1.0), 0.5)):
        u, v = layer(math.tanh, x, y)
        u, v = layer(lambda t: 1.0 / (1.0 + math.exp(-t)), u, v)
        loss += (u + v - target) ** 2
    return loss


@program((1.1, 0.4), exercises="leapfrog integration of a pendulum with an event")
def pendulum(angle, momentum):
    step = 0.05
    swings = 0
    for i in range(40):
        momentum -= 0.5 * step * math.sin(angle)
        angle += step * momentum
        momentum -= 0.5 * step * math.sin(angle)
        if momentum < 0.0 and swings == 0:
            swings = i
    return 0.5 * momentum**2 - math.cos(angle) + 0.01 * angle * swings


@program((0.3, 1.7), exercises="Bessel's function by its series, stopped by size")
def bessel(x, nu):
    term = (x / 2) ** nu / math.gamma(nu + 1)
    total = term
    k = 1
    while abs(term) > 1e-17 * abs(total):
        term *= -(x * x / 4) / (k * (k + nu))
        total += term
        k += 1
    return total


@program((0.4, 0.7), exercises="continued fraction, backwards")
def continued_fraction(x, y):
    value = 0.0
    for k in range(12, 0, -1):
        value = k * x / (y + value)
    return 1.0 / (1.0 + value)


@program((2.0, 3.0, -1.0), exercises="golden section with branches on values")
def rosenbrock_line(x, y, z):
    def rosenbrock(a, b):
        return (1.0 - a) ** 2 + 100.0 * (b - a * a) ** 2

    return rosenbrock(x, y) + rosenbrock(y, z)


@program((0.2, 0.5, 0.8), exercises="Thomas' algorithm unrolled over tuples")
def tridiagonal(a, b, c):
    d1, d2, d3 = 2.0 + a, 2.0 + b, 2.0 + c
    u1 = a / d1
    d2 = d2 - b * u1
    u2 = b / d2
    d3 = d3 - c * u2
    x3 = (1.0 - c) / d3
    x2 = (1.0 - u2 * x3) / d2
    x1 = (1.0 - u1 * x2) / d1
    return x1 * x2 * x3


@program((0.31,), exercises="interpolation in a table held in a tuple")
def interpolated(x):
    knots = (0.0, 0.1, 0.25, 0.5, 1.0)
    values = (1.0, 2.0, 1.5, -0.5, 0.0)
    for i in range(4):
        if knots[i] <= x < knots[i + 1]:
            t = (x - knots[i]) / (knots[i + 1] - knots[i])
            return values[i] * (1.0 - t) ** 2 + values[i + 1] * t * t
    return values[4]


@program((1.2, 0.3), exercises="two-body step with complex numbers")
def kepler_complex(radius, speed):
    position = complex(radius, 0.0)
    velocity = complex(0.0, speed)
    for _ in range(8):
        velocity -= 0.05 * position / abs(position) ** 3
        position += 0.05 * velocity
    return position.imag + abs(velocity)


@program((3.0, 0.5), exercises="log-density of a gamma distribution with support check")
def gamma_density(shape, rate):
    x = 2.5
    if not (shape > 0.0 and rate > 0.0):
        return -math.inf
    return shape * math.log(rate) - math.lgamma(shape) + (shape - 1.0) * math.log(x) - rate * x


@program((0.2, -0.4, 0.9), exercises="log-sum-exp with the running maximum")
def log_sum_exp(a, b, c):
    top = -math.inf
    for v in (a, b, c):
        top = max(top, v)
    total = 0.0
    for v in (a, b, c):
        total += math.exp(v - top)
    return top + math.log(total)


@program((4.0, 0.7), (0.2, 0.7), exercises="Huber's loss with np functions")
def huber(residual, width):
    magnitude = np.abs(residual)
    if magnitude <= width:
        return 0.5 * residual**2
    return width * (magnitude - 0.5 * width)


@program((0.9, 4), exercises="Legendre polynomials by recurrence")
def legendre(x, n):
    previous, current = 1.0, x
    for k in range(1, n):
        previous, current = current, ((2 * k + 1) * x * current - k * previous) / (k + 1)
    return current


@program((0.3, 0.8), exercises="Horner's rule with derivative, by hand, differentiated again")
def newton_polynomial(x, a):
    for _ in range(3):
        value, slope = 0.0, 0.0
        for c in (a, 1.0, -2.0, 0.5):
            slope = slope * x + value
            value = value * x + c
        x = x - value / (slope + 3.0)
    return x


add(
    "applications.paper_loop",
    lambda x, n: _paper_loop(x, n),
    (1.2, 40),
    exercises="the loop of the Zygote paper",
)


def _paper_loop(x, n):
    r = 1.0
    while n > 0:
        r *= math.sin(x)
        n -= 1
    return r
