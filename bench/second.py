"""Second derivatives of Rosenbrock's function: the Hessian and its product with a vector."""

from __future__ import annotations

import numpy as np

from bench.derivative import HESSIAN, PRODUCT
from bench.loops import rosenbrock_loop, rosenbrock_slices
from bench.others import with_numpy
from bench.row import Row, by_hand


@by_hand
def rosenbrock_product(x, v):
    n = len(x)
    out = np.empty(n)
    if n > 1:
        out[0] = (1200.0 * x[0] * x[0] - 400.0 * x[1] + 2.0) * v[0] - 400.0 * x[0] * v[1]
        for i in range(1, n - 1):
            diagonal = 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 202.0
            out[i] = diagonal * v[i] - 400.0 * (x[i - 1] * v[i - 1] + x[i] * v[i + 1])
        out[n - 1] = 200.0 * v[n - 1] - 400.0 * x[n - 2] * v[n - 2]
    return out


@by_hand
def rosenbrock_hessian(x):
    n = len(x)
    H = np.zeros((n, n))
    for i in range(n - 1):
        H[i, i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0
        H[i + 1, i + 1] = 200.0
        H[i, i + 1] = H[i + 1, i] = -400.0 * x[i]
    return H


@by_hand
def rosenbrock_hessian_columns(x):
    """As forward mode does it, without a look at what is zero."""
    n = len(x)
    H = np.empty((n, n))
    for k in range(n):
        v = np.zeros(n)
        v[k] = 1.0
        H[:, k] = rosenbrock_product(x, v)
    return H


_X = np.random.default_rng(14).normal(size=(2, 100_000))
_SMALL = (_X[0, :9], _X[1, :9])
_JAX = with_numpy(rosenbrock_slices, "jax.numpy")
_HESSIANS = {"bands": rosenbrock_hessian, "columns": rosenbrock_hessian_columns}

ROWS = tuple(
    row
    for way, program in (("slices", rosenbrock_slices), ("loop", rosenbrock_loop))
    for row in (
        Row(
            f"hvp of Rosenbrock by {way}, 10^5",
            program,
            {"": rosenbrock_product},
            (_X[0], _X[1]),
            0,
            1.3,
            _SMALL,
            jax=_JAX,
            derivative=PRODUCT,
        ),
        Row(
            f"Hessian of Rosenbrock by {way}, 100",
            program,
            _HESSIANS,
            (_X[0, :100],),
            0,
            1.3,
            _SMALL[:1],
            jax=_JAX,
            derivative=HESSIAN,
        ),
    )
)
