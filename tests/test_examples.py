"""The examples do what they say."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

import zyg

_EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name: str) -> dict:
    return runpy.run_path(str(_EXAMPLES / f"{name}.py"))


def test_minimise() -> None:
    names = example("minimise")
    for name in ("with_gradient", "with_value_and_gradient"):
        found = names[name]()
        assert found.success
        np.testing.assert_allclose(found.x, np.ones(5), atol=1e-4)


def test_digits() -> None:
    history, accuracy = example("digits")["main"]()
    assert history[-1] < 0.12 < 1.0 < history[0]
    assert accuracy > 0.96


def test_ode() -> None:
    names = example("ode")
    fit = names["main"]()
    assert fit.success
    np.testing.assert_allclose(fit.x, names["TRUE"], rtol=0.03)


def test_barrier() -> None:
    names = example("barrier")
    found, exact = names["main"]()
    np.testing.assert_allclose(found, exact, rtol=0.03)
    at = np.array([105.0, 0.2, 0.05])
    for k, slope in enumerate(exact[1:]):
        ends = [names["closed"](*(at + sign * 1e-5 * np.eye(3)[k])) for sign in (1, -1)]
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)


def test_bundle_adjustment() -> None:
    fit, noise = example("bundle_adjustment")["main"]()
    assert fit.success
    free = fit.fun.size - (fit.x.size - 7)  # turning, shifting and scaling everything changes no picture
    assert np.sqrt(np.sum(fit.fun**2) / free) == pytest.approx(noise, rel=0.1)


def test_hamiltonian() -> None:
    names = example("hamiltonian")
    draws, rate = names["main"]()
    assert 0.6 < rate < 1.0
    mode = minimize(lambda q: -names["log_density"](q), np.zeros(3)).x
    deviation = np.sqrt(np.diag(np.linalg.inv(-zyg.hessian(names["log_density"])(mode))))
    np.testing.assert_allclose(draws.mean(axis=0), mode, atol=0.05)  # the density is nearly normal
    np.testing.assert_allclose(draws.std(axis=0), deviation, rtol=0.15)


def test_data_parallel() -> None:
    """In a process of its own, as it is run; where the machine is slow, Dask's workers say so."""
    slow = "ignore:Creating scratch directories is taking"
    command = [sys.executable, "-W", "error", "-W", slow, str(_EXAMPLES / "data_parallel.py")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    weights = [float(word) for word in run.stdout.split("[")[1].split("]")[0].split()]
    np.testing.assert_allclose(weights, [1.0, -2.0, 0.5, 3.0], rtol=0.02)
