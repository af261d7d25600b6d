"""Greeks of a barrier option: a call that is worth nothing once the price has touched a barrier below.

The Monte Carlo price multiplies each path's payoff with the probability that the path, between its points, has not
touched the barrier.  So the price is a smooth function of spot, volatility and rate, and one gradient gives delta, vega
and rho of the simulation.  The closed formula is differentiated, too, for comparison; its second derivative is gamma.

Run it: python examples/barrier.py
"""

from __future__ import annotations

import math

import numpy as np

import zyg

STRIKE, BARRIER, YEARS, STEPS = 100.0, 90.0, 1.0, 12


def simulated(spot: float, volatility: float, rate: float, normals: np.ndarray) -> float:
    """The price by simulation; `normals`: a row of random numbers for each path."""
    dt = YEARS / normals.shape[1]
    drift, deviation = (rate - 0.5 * volatility**2) * dt, volatility * math.sqrt(dt)
    total = 0.0
    for path in range(normals.shape[0]):
        above = math.log(spot / BARRIER)
        alive = 1.0
        for step in range(normals.shape[1]):
            after = above + drift + deviation * normals[path, step]
            if after <= 0.0:
                alive = 0.0
                break
            alive *= 1.0 - math.exp(-2.0 * above * after / deviation**2)
            above = after
        if alive > 0.0:
            total += alive * max(BARRIER * math.exp(above) - STRIKE, 0.0)
    return math.exp(-rate * YEARS) * total / normals.shape[0]


def call(spot: float, volatility: float, rate: float) -> float:
    """Black's and Scholes' price of a call without a barrier."""
    deviation = volatility * math.sqrt(YEARS)
    d = (math.log(spot / STRIKE) + rate * YEARS) / deviation
    return spot * normal(d + 0.5 * deviation) - STRIKE * math.exp(-rate * YEARS) * normal(d - 0.5 * deviation)


def normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def closed(spot: float, volatility: float, rate: float) -> float:
    """The price by reflection at the barrier, which lies below the strike."""
    power = 2.0 * rate / volatility**2 - 1.0
    return call(spot, volatility, rate) - (BARRIER / spot) ** power * call(BARRIER**2 / spot, volatility, rate)


greeks = zyg.value_and_grad(simulated, argnums=(0, 1, 2))
exact_greeks = zyg.value_and_grad(closed, argnums=(0, 1, 2))
gamma = zyg.grad(zyg.grad(closed))


def main(paths: int = 40_000) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Price, delta, vega and rho: simulated and exact."""
    normals = np.random.default_rng(0).normal(size=(paths, STEPS))
    normals = np.concatenate((normals, -normals))
    (price, slopes), (exact, exact_slopes) = greeks(105.0, 0.2, 0.05, normals), exact_greeks(105.0, 0.2, 0.05)
    return (price, *slopes), (exact, *exact_slopes)


if __name__ == "__main__":
    for name, found, exact in zip(("price", "delta", "vega", "rho"), *main(), strict=True):
        print(f"{name:5}: {found:9.4f} simulated, {exact:9.4f} exact")
    print(f"gamma: {gamma(105.0, 0.2, 0.05):9.4f} exact")
