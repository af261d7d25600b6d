"""What is measured: the rows of programs on numbers, and those of the files on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from bench import (
    baselines,
    bundle,
    curvature,
    distances,
    finance,
    loops,
    lstm,
    mixture,
    networks,
    physics,
    programs,
    second,
    sparse,
    stepping,
    tracking,
)
from bench.row import Row


def looped(contender: Callable[[float], float]) -> Callable[[float, int], float]:
    """A million calls inside compiled code."""

    @njit
    def driver(x: float, n: int) -> float:
        total = 0.0
        for i in range(n):
            total += contender(x + 1e-7 * i)
        return total

    return driver


def lorenz_with_memory() -> Callable[..., Any]:
    """The hand-written adjoint with memory that is allocated once."""
    memory = np.empty((3, 100_000))

    def adjoint(*args: Any) -> Any:
        return baselines.lorenz_with(*args, memory[0], memory[1], memory[2])

    return adjoint


LORENZ = (1.0, 1.0, 1.0, 10.0, 28.0, 2.5)

SCALAR_ROWS = (
    Row("sin(cos(x)), called from Python", programs.sin_cos, {"": baselines.sin_cos}, (0.5,), 0, 1.3, (0.5,)),
    Row(
        "sin(cos(x)), 10^6 calls inside @njit",
        programs.sin_cos,
        {"": baselines.sin_cos},
        (0.5, 1_000_000),
        0,
        1.05,
        (0.5,),
        looped,
    ),
    Row("20 callees, 10 globals", programs.guarded, {"": baselines.guarded}, (0.5,), 0, None, (0.5,), margin=0.5e-6),
    Row(
        "the paper's loop, n = 500",
        programs.paper_loop,
        {"adjoint": baselines.paper_loop, "tangent": baselines.paper_loop_tangent},
        (1.2, 500),
        0,
        1.1,
        (1.2, 20),
    ),
    Row(
        "Runge–Kutta on Lorenz, 10^5 steps",
        programs.lorenz,
        {"adjoint": baselines.lorenz, "adjoint, memory kept": lorenz_with_memory()},
        (*LORENZ, 100_000),
        (0, 1, 2, 3, 4, 5),
        1.2,
        (*LORENZ, 40),
    ),
    Row(
        "Newton in a for, 10^4 solutions",
        programs.kepler_sum,
        {"": baselines.kepler_sum},
        (0.3, 0.4, 10_000),
        (0, 1),
        1.2,
        (0.3, 0.4, 7),
    ),
    Row(
        "tree fold, depth 15",
        programs.fold,
        {"adjoint": baselines.fold, "tangents": baselines.fold_tangent},
        (0.7, 0.4, 0.5, 15),
        (0, 1, 2),
        1.2,
        (0.7, 0.4, 0.5, 4),
    ),
)

ARRAY_ROWS = (
    *networks.ROWS,
    *loops.ROWS,
    *finance.ROWS,
    *physics.ROWS,
    *mixture.ROWS,
    *lstm.ROWS,
    *bundle.ROWS,
    *tracking.ROWS,
    *second.ROWS,
    *curvature.ROWS,
    *stepping.ROWS,
    *sparse.ROWS,
    *distances.ROWS,
)

ROWS = (*SCALAR_ROWS, *ARRAY_ROWS)

# Seconds that zyg's first call may take.
FIRST_CALLS = {
    SCALAR_ROWS[0].name: 0.25,
    SCALAR_ROWS[4].name: 0.6,
    "perceptron, batch 1": 1.0,
    "perceptron, batch 64": 1.0,
    "heat equation in place, 1,000 points, 500 steps": 0.5,
}

LONG_LOOP = Row(
    "10^7 steps, one residual a step",
    programs.long_loop,
    {"": baselines.long_loop},
    (0.5, 10_000_000),
    0,
    None,
    (0.5, 30),
)
