"""Training a two-layer perceptron to read handwritten digits.

The network is a plain NumPy function of its parameters; `value_and_grad` gives the loss and the gradients of all
four arrays in one sweep, and Adam is a few lines on top.

Run it: python examples/digits.py
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

import zyg


class Network(NamedTuple):
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray


def logits(net: Network, x: np.ndarray) -> np.ndarray:
    """Scores of the ten digits, a row for each image."""
    hidden = np.maximum(x @ net.w1 + net.b1, 0.0)
    return hidden @ net.w2 + net.b2


def loss(net: Network, x: np.ndarray, onehot: np.ndarray) -> float:
    """Mean cross entropy of the softmax."""
    z = logits(net, x)
    top = np.max(z, axis=1)
    normaliser = top + np.log(np.sum(np.exp(z - top[:, None]), axis=1))
    return np.mean(normaliser - np.sum(z * onehot, axis=1))


loss_and_gradient = zyg.value_and_grad(loss)


def start(rng: np.random.Generator, inputs: int, hidden: int, outputs: int) -> Network:
    def weights(n: int, m: int) -> np.ndarray:
        return rng.normal(size=(n, m)) * np.sqrt(2.0 / n)

    return Network(weights(inputs, hidden), np.zeros(hidden), weights(hidden, outputs), np.zeros(outputs))


def train(net: Network, x: np.ndarray, digits: np.ndarray, rng: np.random.Generator, epochs: int = 15) -> list[float]:
    """Adam on batches of 64, in place; gives the mean loss of each epoch."""
    onehot = np.eye(10)[digits]
    mean, square = Network(*map(np.zeros_like, net)), Network(*map(np.zeros_like, net))
    history, step = [], 0
    for _ in range(epochs):
        total = 0.0
        order = rng.permutation(len(x))
        batches = [order[k : k + 64] for k in range(0, len(x) - 63, 64)]
        for batch in batches:
            value, gradient = loss_and_gradient(net, x[batch], onehot[batch])
            total += value
            step += 1
            for p, g, m, s in zip(net, gradient, mean, square, strict=True):
                m += 0.1 * (g - m)
                s += 0.001 * (g * g - s)
                p -= 0.005 * (m / (1 - 0.9**step)) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)
        history.append(total / len(batches))
    return history


def main() -> tuple[list[float], float]:
    """The loss of each epoch, and the part of the images not seen in training that is read correctly."""
    rng = np.random.default_rng(0)
    images, digits = load_digits(return_X_y=True)
    images = images / 16.0
    order = rng.permutation(len(images))
    seen, unseen = order[:1437], order[1437:]
    net = start(rng, 64, 32, 10)
    history = train(net, images[seen], digits[seen], rng)
    found = np.argmax(logits(net, images[unseen]), axis=1)
    return history, float(np.mean(found == digits[unseen]))


if __name__ == "__main__":
    history, accuracy = main()
    for epoch, value in enumerate(history, 1):
        print(f"epoch {epoch:2}: loss {value:.4f}")
    print(f"accuracy on images not seen: {accuracy:.3f}")
