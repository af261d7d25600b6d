"""Fitting the parameters of an ordinary differential equation to measurements.

Hares and lynxes after Lotka and Volterra, integrated with Runge and Kutta's method in a plain loop; SciPy's
`least_squares` asks for residuals and their Jacobian, whose four columns `jacfwd` takes through one integration.

Run it: python examples/ode.py
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import OptimizeResult, least_squares

import zyg

TRUE = np.array([1.1, 0.4, 0.1, 0.4])
START = np.array([10.0, 5.0])
STEPS, STEP = 400, 0.05


def change(state: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Hares breed and are eaten, lynxes eat and die."""
    hares, lynxes = state
    return np.array([p[0] * hares - p[1] * hares * lynxes, p[2] * hares * lynxes - p[3] * lynxes])


def integrate(p: np.ndarray) -> np.ndarray:
    """The populations after each tenth step."""
    state = START.copy()
    found = np.empty((STEPS // 10, 2))
    for n in range(STEPS):
        k1 = change(state, p)
        k2 = change(state + 0.5 * STEP * k1, p)
        k3 = change(state + 0.5 * STEP * k2, p)
        k4 = change(state + STEP * k3, p)
        state = state + STEP / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        if n % 10 == 9:
            found[n // 10] = state
    return found


def residuals(p: np.ndarray, measured: np.ndarray) -> np.ndarray:
    return (integrate(p) - measured).ravel()


def main() -> OptimizeResult:
    """The fit to measurements with noise, from a wrong guess."""
    measured = integrate(TRUE) + np.random.default_rng(1).normal(0.0, 0.1, (STEPS // 10, 2))
    return least_squares(residuals, [0.9, 0.3, 0.15, 0.5], jac=zyg.jacfwd(residuals), args=(measured,))


if __name__ == "__main__":
    fit = main()
    error = np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac))) * 0.1
    for name, true, value, deviation in zip("abcd", TRUE, fit.x, error, strict=True):
        print(f"{name}: {value:.4f} ± {deviation:.4f} (true {true})")
    print(f"{fit.nfev} evaluations")
