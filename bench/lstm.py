"""ADBench's LSTM: the negative mean log likelihood of a diagonal long short-term memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.row import Row, by_hand

WIDTH = 14


def gate(x):
    return 1.0 / (1.0 + math.exp(-x))


def lstm_loops(main, extra, state, sequence):
    steps, b = sequence.shape
    layers = len(main) // 2
    kept = state.copy()
    z, y = np.zeros(b), np.zeros(b)
    total = 0.0
    for t in range(steps - 1):
        for j in range(b):
            z[j] = sequence[t, j] * extra[0, j]
        for i in range(layers):
            for j in range(b):
                h, cell = kept[2 * i, j], kept[2 * i + 1, j]
                forget = gate(z[j] * main[2 * i, j] + main[2 * i + 1, j])
                ingate = gate(h * main[2 * i, b + j] + main[2 * i + 1, b + j])
                outgate = gate(z[j] * main[2 * i, 2 * b + j] + main[2 * i + 1, 2 * b + j])
                change = math.tanh(h * main[2 * i, 3 * b + j] + main[2 * i + 1, 3 * b + j])
                cell = cell * forget + ingate * change
                h = outgate * math.tanh(cell)
                kept[2 * i, j], kept[2 * i + 1, j], z[j] = h, cell, h
        s = 2.0
        for j in range(b):
            y[j] = z[j] * extra[1, j] + extra[2, j]
            s += math.exp(y[j])
        log_sum = math.log(s)
        for j in range(b):
            total += sequence[t + 1, j] * (y[j] - log_sum)
    return -total / ((steps - 1) * b)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm_arrays(main, extra, state, sequence):
    steps, b = sequence.shape
    kept = state.copy()
    total = 0.0
    for t in range(steps - 1):
        z = sequence[t] * extra[0]
        for i in range(0, len(main), 2):
            weight, bias = main[i], main[i + 1]
            h, cell = kept[i], kept[i + 1]
            forget = sigmoid(z * weight[:b] + bias[:b])
            ingate = sigmoid(h * weight[b : 2 * b] + bias[b : 2 * b])
            outgate = sigmoid(z * weight[2 * b : 3 * b] + bias[2 * b : 3 * b])
            change = np.tanh(h * weight[3 * b :] + bias[3 * b :])
            kept[i + 1] = cell * forget + ingate * change
            z = outgate * np.tanh(kept[i + 1])
            kept[i] = z
        y = z * extra[1] + extra[2]
        total += np.sum(sequence[t + 1] * (y - np.log(2.0 + np.sum(np.exp(y)))))
    return -total / ((steps - 1) * b)


@by_hand
def lstm_adjoint(main, extra, state, sequence):
    """Each gate is kept once."""
    steps, b = sequence.shape
    layers = len(main) // 2
    hs, cells = np.empty((steps, layers, b)), np.empty((steps, layers, b))
    Keep, In = np.empty((steps, layers, b)), np.empty((steps, layers, b))
    Out, G, H = np.empty((steps, layers, b)), np.empty((steps, layers, b)), np.empty((steps, layers, b))
    ys = np.empty((steps, b))
    for i in range(layers):
        for j in range(b):
            hs[0, i, j], cells[0, i, j] = state[2 * i, j], state[2 * i + 1, j]
    z = np.empty(b)
    for t in range(steps - 1):
        for j in range(b):
            z[j] = sequence[t, j] * extra[0, j]
        for i in range(layers):
            w, v = main[2 * i], main[2 * i + 1]
            for j in range(b):
                Keep[t, i, j] = 1.0 / (1.0 + math.exp(-(z[j] * w[j] + v[j])))
                In[t, i, j] = 1.0 / (1.0 + math.exp(-(hs[t, i, j] * w[b + j] + v[b + j])))
                Out[t, i, j] = 1.0 / (1.0 + math.exp(-(z[j] * w[2 * b + j] + v[2 * b + j])))
                G[t, i, j] = math.tanh(hs[t, i, j] * w[3 * b + j] + v[3 * b + j])
                cells[t + 1, i, j] = cells[t, i, j] * Keep[t, i, j] + In[t, i, j] * G[t, i, j]
                H[t, i, j] = math.tanh(cells[t + 1, i, j])
                hs[t + 1, i, j] = Out[t, i, j] * H[t, i, j]
                z[j] = hs[t + 1, i, j]
        s, weight = 2.0, 0.0
        for j in range(b):
            ys[t, j] = math.exp(z[j] * extra[1, j] + extra[2, j])
            s += ys[t, j]
            weight += sequence[t + 1, j]
        s = weight / s
        for j in range(b):
            ys[t, j] = sequence[t + 1, j] - s * ys[t, j]
    dmain, dextra = np.zeros(main.shape), np.zeros(extra.shape)
    dh, dcell = np.zeros((layers, b)), np.zeros((layers, b))
    scale = -1.0 / ((steps - 1) * b)
    dz = np.empty(b)
    for t in range(steps - 2, -1, -1):
        for j in range(b):
            dy = scale * ys[t, j]
            dextra[1, j] += dy * hs[t + 1, layers - 1, j]
            dextra[2, j] += dy
            dz[j] = dy * extra[1, j]
        for i in range(layers - 1, -1, -1):
            w, dw, dv = main[2 * i], dmain[2 * i], dmain[2 * i + 1]
            for j in range(b):
                zin = hs[t + 1, i - 1, j] if i > 0 else sequence[t, j] * extra[0, j]
                d = dh[i, j] + dz[j]
                f, g, o, c, tc = Keep[t, i, j], In[t, i, j], Out[t, i, j], G[t, i, j], H[t, i, j]
                dc = dcell[i, j] + d * o * (1.0 - tc * tc)
                do = d * tc * o * (1.0 - o)
                df = dc * cells[t, i, j] * f * (1.0 - f)
                di = dc * c * g * (1.0 - g)
                dg = dc * g * (1.0 - c * c)
                dcell[i, j] = dc * f
                dw[j] += df * zin
                dv[j] += df
                dw[b + j] += di * hs[t, i, j]
                dv[b + j] += di
                dw[2 * b + j] += do * zin
                dv[2 * b + j] += do
                dw[3 * b + j] += dg * hs[t, i, j]
                dv[3 * b + j] += dg
                dz[j] = df * w[j] + do * w[2 * b + j]
                dh[i, j] = di * w[b + j] + dg * w[3 * b + j]
        for j in range(b):
            dextra[0, j] += dz[j] * sequence[t, j]
    return dmain, dextra


def lstm_jax(main, extra, state, sequence):
    import jax
    import jax.numpy as jnp

    b = sequence.shape[1]

    def step(kept: Any, pair: Any) -> Any:
        now, later = pair
        z = now * extra[0]
        rows = []
        for i in range(0, len(main), 2):
            weight, bias = main[i].reshape(4, b), main[i + 1].reshape(4, b)
            h, cell = kept[i], kept[i + 1]
            forget, outgate = jax.nn.sigmoid(z * weight[0] + bias[0]), jax.nn.sigmoid(z * weight[2] + bias[2])
            ingate, change = jax.nn.sigmoid(h * weight[1] + bias[1]), jnp.tanh(h * weight[3] + bias[3])
            cell = cell * forget + ingate * change
            z = outgate * jnp.tanh(cell)
            rows += [z, cell]
        y = z * extra[1] + extra[2]
        return jnp.stack(rows), jnp.sum(later * (y - jnp.log(2.0 + jnp.sum(jnp.exp(y)))))

    _, terms = jax.lax.scan(step, state, (sequence[:-1], sequence[1:]))
    return -jnp.sum(terms) / ((len(sequence) - 1) * b)


def _lstm(layers: int, steps: int, b: int = WIDTH) -> tuple[Any, ...]:
    rng = np.random.default_rng(11)
    sequence = (rng.uniform(size=(steps, b)) < 0.3).astype(np.float64)
    shapes = (2 * layers, 4 * b), (3, b), (2 * layers, b)
    return (*(0.5 * rng.normal(size=shape) for shape in shapes), sequence)


def _row(way: str, program: Any, layers: int, steps: int) -> Row:
    name = f"LSTM, {way}, l = {layers}, c = {steps:,}"
    trial = _lstm(2, 5, 3)
    return Row(name, program, {"": lstm_adjoint}, _lstm(layers, steps), (0, 1), 1.2, trial, jax=lstm_jax)


ROWS = tuple(
    _row(way, program, layers, steps)
    for layers, steps in ((2, 1024), (4, 4096))
    for way, program in (("loops", lstm_loops), ("vectorised", lstm_arrays))
)
