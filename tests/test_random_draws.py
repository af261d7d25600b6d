"""Random numbers drawn inside of functions that are differentiated: NumPy's own, in its order, for its seeds."""

from __future__ import annotations

import numpy as np
import pytest

import zyg

X = np.array([0.3, 0.7, 1.1, 0.5])

# Draws, with the derivative of the sum of their elements by s
DRAWS = [
    *("np.random.rand()", "np.random.rand(3)", "np.random.random((2, 2))", "np.random.standard_normal(4)"),
    *("np.random.randn(2, 3)", "np.random.uniform(1, 2 + s)", "np.random.uniform(-s, s, 5)", "np.random.normal(s, 1)"),
    *("np.random.normal(0.0, s, (2, 2))", "np.random.normal(s * X)", "np.random.lognormal(s, 0.5, 2)"),
    *("np.random.exponential(s, 3)", "np.random.standard_exponential()", "np.random.laplace(s, s, 2)"),
    *("np.random.logistic(s)", "np.random.gumbel(s, 2.0)", "np.random.rayleigh(s, 2)", "np.random.gamma(2.0, s, 3)"),
    *("np.random.randint(5) * s", "np.random.randint(2, 9, size=4) * s", "np.random.poisson(2.0, 3) * s"),
    *("np.random.binomial(5, 0.3) * s", "np.random.beta(2.0, 3.0) * s", "np.random.chisquare(3.0, 2) * s"),
    *("np.random.standard_gamma(2.0) * s", "np.random.permutation(4) * s", "np.random.permutation(X) * s"),
    *("np.random.choice(5, 3) * s", "np.random.choice(X) * s", "np.random.choice(X, 2, False) * s"),
    "np.random.choice(X, (2, 2), True, X / np.sum(X)) * s",
]


@pytest.mark.parametrize("draws", [DRAWS[k : k + 8] for k in range(0, len(DRAWS), 8)])
def test_draws(draws):
    terms = " + ".join(f"np.sum({draw}) * {k + 1.0}" for k, draw in enumerate(draws))
    f = eval(f"lambda s: {terms}", {"np": np, "X": X})

    def seeded(fn, s):
        np.random.seed(7)
        return fn(s)

    g = zyg.value_and_grad(f, mode="native")
    for s in (0.8, 1.3):
        value, slope = seeded(g, s)
        assert value == pytest.approx(seeded(f, s), rel=1e-12)
        quotient = (seeded(f, s + 1e-6) - seeded(f, s - 1e-6)) / 2e-6
        assert slope == pytest.approx(quotient, rel=1e-6, abs=1e-7)
        assert np.random.rand() != 0.0
    first = g(0.8)[0]
    assert g(0.8)[0] != first


def test_dropout_in_a_loop_at_second_order():
    def loss(w):
        total = 0.0
        for _ in range(20):
            keep = np.random.rand(4) < 0.5
            total += np.sum(np.exp(np.where(keep, w, 0.0)) * np.random.normal(1.0, 0.1))
        return total

    g = zyg.grad(loss, mode="native")
    np.random.seed(3)
    gradient, curve = zyg.jvp(g, (X,), (np.ones(4),))
    np.random.seed(3)
    weights = np.zeros(4)
    for _ in range(20):
        keep = np.random.rand(4) < 0.5
        weights += keep * np.random.normal(1.0, 0.1)
    np.testing.assert_allclose(gradient, weights * np.exp(X))
    np.testing.assert_allclose(curve, weights * np.exp(X))


def test_seed_inside():
    def f(x):
        np.random.seed(5)
        return x * np.random.rand()

    slope = zyg.grad(f, mode="native")(2.0)
    np.random.seed(5)
    assert slope == np.random.rand()


def test_no_derivative_by_the_shape_of_a_distribution():
    for f in (lambda s: np.random.gamma(s), lambda s: np.random.beta(s, 2.0), lambda s: np.random.chisquare(s) * s):
        with pytest.raises(zyg.DifferentiationError, match=r"a call of Python's np.random"):
            zyg.grad(f, mode="native")(1.5)
    assert zyg.grad(lambda s: np.random.poisson(zyg.stop_gradient(s)) * 0.0 + s, mode="native")(2.0) == 1.0


def test_refused_where_the_function_runs_several_times():
    def f(x):
        return x * np.random.rand(4)

    for call in (
        lambda: zyg.pullback(f, X, mode="native"),
        lambda: zyg.pullback(lambda x: x * np.random.rand(), 2.0, mode="native"),
        lambda: zyg.grad(lambda x: np.sum(zyg.checkpoint(f)(x)), mode="native")(X),
        lambda: zyg.grad(lambda x: np.sum(zyg.jacobian(f)(x)), mode="native")(X),
    ):
        with pytest.raises(zyg.UnsupportedError, match="other numbers each time"):
            call()


@pytest.mark.filterwarnings("ignore::zyg.DynamicModeWarning")
def test_dynamic_mode_keeps_what_was_drawn():
    y, back = zyg.pullback(lambda x: x * np.random.rand(4), X)
    np.testing.assert_allclose(back(np.ones(4))[0], y / X)
    np.testing.assert_allclose(back(np.ones(4))[0], y / X)
    found = zyg.jacobian(lambda x: x * np.random.rand())(X)
    np.testing.assert_allclose(found, found[0, 0] * np.eye(4))
