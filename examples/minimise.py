"""Fitting with SciPy: gradients of a plain NumPy function, handed to `scipy.optimize.minimize`.

Run it: python examples/minimise.py
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import zyg


def rosenbrock(x: np.ndarray) -> float:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def with_gradient() -> OptimizeResult:
    """`jac` is the gradient."""
    return minimize(rosenbrock, np.zeros(5), jac=zyg.grad(rosenbrock))


def with_value_and_gradient() -> OptimizeResult:
    """`jac=True`: the function gives its value and its gradient together."""
    return minimize(zyg.value_and_grad(rosenbrock), np.zeros(5), jac=True)


if __name__ == "__main__":
    for found in (with_gradient(), with_value_and_gradient()):
        print(found.x, found.nit)
