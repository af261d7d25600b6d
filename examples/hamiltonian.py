"""Hamiltonian Monte Carlo inside one `@njit` function: logistic regression, sampled.

The leapfrog steps need the gradient of the log density at every step; the sampler is compiled by Numba, and what
`zyg.value_and_grad` gives is called in its loops like any other compiled function.

Run it: python examples/hamiltonian.py
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

import zyg

TRUE = np.array([0.5, -1.0, 2.0])
_rng = np.random.default_rng(2)
FEATURES = np.column_stack((np.ones(500), _rng.normal(size=(500, 2))))
LABELS = (_rng.random(500) < 1.0 / (1.0 + np.exp(-FEATURES @ TRUE))).astype(float)


def log_density(q: np.ndarray) -> float:
    """Of the posterior: the likelihood of the labels, and a wide prior."""
    z = FEATURES @ q
    return np.sum(LABELS * z - np.logaddexp(0.0, z)) - 0.5 * np.sum(q * q) / 100.0


density_and_slope = zyg.value_and_grad(log_density)


@njit
def sample(start: np.ndarray, count: int, step: float, leaps: int, seed: int) -> tuple[np.ndarray, float]:
    """Draws from the density, and the part of the proposals that were accepted."""
    np.random.seed(seed)
    draws = np.empty((count, len(start)))
    accepted = 0
    q = start.copy()
    density, slope = density_and_slope(q)
    for n in range(count):
        p = np.random.normal(0.0, 1.0, len(q))
        energy = density - 0.5 * np.sum(p * p)
        new, new_density, new_slope = q, density, slope
        for _ in range(leaps):
            p = p + 0.5 * step * new_slope
            new = new + step * p
            new_density, new_slope = density_and_slope(new)
            p = p + 0.5 * step * new_slope
        if math.log(np.random.random()) < new_density - 0.5 * np.sum(p * p) - energy:
            q, density, slope = new, new_density, new_slope
            accepted += 1
        draws[n] = q
    return draws, accepted / count


def main(count: int = 4000) -> tuple[np.ndarray, float]:
    """The draws behind the first tenth, and the rate of acceptance."""
    draws, rate = sample(np.zeros(3), count, 0.08, 10, 1)
    return draws[count // 10 :], rate


if __name__ == "__main__":
    draws, rate = main()
    print(f"accepted: {rate:.2f}")
    for true, mean, deviation in zip(TRUE, draws.mean(axis=0), draws.std(axis=0), strict=True):
        print(f"{mean:7.3f} ± {deviation:.3f} (true {true})")
