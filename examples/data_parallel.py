"""A data-parallel gradient with Dask: each worker takes the gradient of its part of the data.

The gradient function is pickled to the workers like any other function; each process compiles it once.

Run it: python examples/data_parallel.py
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dask.distributed import Client, LocalCluster
from scipy.optimize import OptimizeResult, minimize

import zyg

TRUE = np.array([1.0, -2.0, 0.5, 3.0])


def loss(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """A part's sum of squares of a regression."""
    return np.sum((np.tanh(x @ w) - y) ** 2)


loss_and_gradient = zyg.value_and_grad(loss)


def parts(count: int, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(size, len(TRUE))) for _ in range(count)]
    return [(x, np.tanh(x @ TRUE) + rng.normal(0.0, 0.1, size)) for x in features]


def main(workers: int = 2) -> OptimizeResult:
    """The weights that fit best, found by SciPy with values and gradients from the workers."""
    data = parts(4, 5000)
    count = sum(len(y) for _, y in data)
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        held = client.scatter(data)

        def mean_and_gradient(w: np.ndarray) -> tuple[float, np.ndarray]:
            tasks = [client.submit(on_part, loss_and_gradient, w, part, pure=False) for part in held]
            values, gradients = zip(*client.gather(tasks), strict=True)
            return sum(values) / count, sum(gradients) / count

        return minimize(mean_and_gradient, np.zeros(len(TRUE)), jac=True)


def on_part(function: Callable, w: np.ndarray, part: tuple[np.ndarray, np.ndarray]) -> tuple[float, np.ndarray]:
    return function(w, *part)


if __name__ == "__main__":
    found = main()
    print(f"weights: {found.x.round(3)} (true: {TRUE})")
    print(f"mean square: {found.fun:.4f} after {found.nfev} evaluations")
