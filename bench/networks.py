"""Sums of exponentials and small networks, as array expressions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.others import with_numpy
from bench.row import Row, by_hand


def logsumexp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


@by_hand
def logsumexp_adjoint(x):
    m = x[0]
    for i in range(len(x)):
        m = max(m, x[i])
    dx, s = np.empty(len(x)), 0.0
    for i in range(len(x)):
        dx[i] = math.exp(x[i] - m)
        s += dx[i]
    s = 1.0 / s
    for i in range(len(x)):
        dx[i] *= s
    return dx


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def logistic(W, b, x):
    return np.sum(sigmoid(W @ x + b))


@by_hand
def logistic_adjoint(W, b, x):
    m, n = W.shape
    dW, db, dx = np.empty((m, n)), np.empty(m), np.zeros(n)
    for i in range(m):
        z = b[i]
        for j in range(n):
            z += W[i, j] * x[j]
        y = 1.0 / (1.0 + math.exp(-z))
        d = y * (1.0 - y)
        db[i] = d
        for j in range(n):
            dW[i, j] = d * x[j]
            dx[j] += d * W[i, j]
    return dW, db, dx


def perceptron(W1, b1, W2, b2, X, T):
    H = np.maximum(X @ W1 + b1, 0.0)
    Z = H @ W2 + b2
    Z = Z - np.max(Z, axis=1, keepdims=True)
    L = np.log(np.sum(np.exp(Z), axis=1, keepdims=True))
    return -np.sum(T * (Z - L)) / len(X)


@by_hand
def perceptron_adjoint(W1, b1, W2, b2, X, T):
    n, hidden, out = len(X), len(b1), len(b2)
    H = np.dot(X, W1)
    for i in range(n):
        for j in range(hidden):
            H[i, j] = max(H[i, j] + b1[j], 0.0)
    Z = np.dot(H, W2)
    db2 = np.zeros(out)
    scale = 1.0 / n
    for i in range(n):
        top = Z[i, 0] + b2[0]
        for j in range(out):
            Z[i, j] += b2[j]
            top = max(top, Z[i, j])
        s, weight = 0.0, 0.0
        for j in range(out):
            Z[i, j] = math.exp(Z[i, j] - top)
            s += Z[i, j]
            weight += T[i, j]
        factor = weight * scale / s
        for j in range(out):
            Z[i, j] = Z[i, j] * factor - T[i, j] * scale
            db2[j] += Z[i, j]
    dW2 = np.dot(H.T, Z)
    dH = np.dot(Z, W2.T)
    db1 = np.zeros(hidden)
    for i in range(n):
        for j in range(hidden):
            dH[i, j] = dH[i, j] if H[i, j] > 0.0 else 0.0
            db1[j] += dH[i, j]
    return np.dot(X.T, dH), db1, dW2, db2


def _layers(batch: int, sizes: tuple[int, int, int]) -> tuple[Any, ...]:
    rng = np.random.default_rng(3)
    inputs, hidden, outputs = sizes
    T = np.eye(outputs)[rng.integers(0, outputs, batch)]
    W1, W2 = 0.05 * rng.normal(size=(inputs, hidden)), 0.3 * rng.normal(size=(hidden, outputs))
    return W1, 0.1 * rng.normal(size=hidden), W2, np.zeros(outputs), rng.uniform(size=(batch, inputs)), T


def _units(m: int, n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(4)
    return 0.1 * rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=n)


_X = np.random.default_rng(5).normal(size=100_000)


def _logsumexp(n: int) -> Row:
    name = f"logsumexp, {n:,}"
    return Row(
        name,
        logsumexp,
        {"": logsumexp_adjoint},
        (_X[:n],),
        0,
        1.2,
        (_X[:7],),
        jax=with_numpy(logsumexp, "jax.numpy"),
        taped=True,
    )


def _perceptron(batch: int) -> Row:
    args, trial = _layers(batch, (784, 32, 10)), _layers(3, (5, 4, 3))
    hand = {"": perceptron_adjoint}
    form = with_numpy(perceptron, "jax.numpy")
    name = f"perceptron, batch {batch}"
    return Row(name, perceptron, hand, args, (0, 1, 2, 3), 1.2, trial, jax=form, taped=True, numpy=True)


ROWS = (
    _logsumexp(100),
    _logsumexp(100_000),
    Row(
        "logistic regression, 10 × 784",
        logistic,
        {"": logistic_adjoint},
        _units(10, 784),
        (0, 1, 2),
        1.2,
        _units(3, 4),
        jax=with_numpy(logistic, "jax.numpy"),
        taped=True,
    ),
    _perceptron(1),
    _perceptron(64),
)
