"""Captured lists, dicts and instances given to derivatives, rules, `hook` and `stop_gradient`, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import zyg
from zyg import adjoint, gradient, hook, jvp, pullback, stop_gradient

MODES = pytest.mark.parametrize("mode", ["native", "dynamic"])
W = np.array([1.0, 2.0])
x = np.array([0.3, 0.4])
p: dict[str, Any] = {"W": W, "s": 3.0}
items = [W, 2.0]


class Layer:
    def __init__(self) -> None:
        self.W, self.log, self.inner = W, [0.5], {"W": W}

    def ruled(self, v: Any) -> Any:
        return 0.0

    def total(self, v: Any) -> Any:
        return np.sum(self.W * v)


layer = Layer()


def closures(w: Any) -> tuple[Any, Any]:
    def recursive(n: int) -> Any:
        return np.sum(w) + recursive(n - 1) if n > 0 else 0.0

    return lambda v: np.sum(w * v), recursive


weighted, recursive = closures(W)
s_of_w = float(np.sum(W))


def squared(q: Any, v: Any) -> Any:
    return np.sum(q["W"] * v) ** 2


def ruled(q: Any, v: Any) -> Any:
    return 0.0


def nested(pair: Any) -> Any:
    return 0.0


def called_back(q: Any, v: Any) -> Any:
    return 0.0


# The rules' derivatives are ten times too large, so that it shows whether they were asked


@adjoint(ruled)
def _(q: Any, v: Any) -> Any:
    s = np.sum(q["W"] * v)
    return s * s, lambda dy: ({"W": 20 * s * v * dy}, None)


@adjoint(nested)
def _(pair: Any) -> Any:
    s = np.sum(pair[0]["W"] * pair[1])
    return s * s, lambda dy: (({"W": 20 * s * pair[1] * dy}, None),)


@adjoint(called_back)
def _(q: Any, v: Any) -> Any:
    exec("1")
    s = np.sum(q["W"] * v)
    return s * s, lambda dy: ({"W": 20 * s * v * dy}, None)


@adjoint(Layer.ruled)
def _(self: Any, v: Any) -> Any:
    s = np.sum(self.inner["W"] * v)
    return s * s, lambda dy: ({"inner": {"W": 20 * s * v * dy}}, None)


s = float(np.sum(W * x))
by_w = 2 * s * x
PROGRAMS: dict[str, tuple[Callable[[], Any], Any]] = {  # functions of W, captured, and their gradients
    "rule": (lambda: ruled(p, x), 10 * by_w),
    "rule twice": (lambda: ruled(p, x) * ruled(p, x), 20 * s**2 * by_w),
    "rule of a tuple": (lambda: nested((p, x)), 10 * by_w),
    "rule that Python runs": (lambda: called_back(p, x), 10 * by_w),
    "rule of a method": (lambda: layer.ruled(x), 10 * by_w),
    "hook": (lambda: squared(hook(lambda d: {"W": d["W"] * 10, "s": d["s"]}, p), x), 10 * by_w),
    "checkpoint": (lambda: zyg.checkpoint(squared)(p, x), by_w),
    "stop_gradient": (lambda: squared(stop_gradient(p), x) + W[0], np.array([1.0, 0.0])),
    "stop_gradient of a list": (lambda: np.sum(stop_gradient(items)[0] * W), W),
    "stop_gradient of an instance": (lambda: np.sum(stop_gradient(layer).inner["W"] * W), W),
    "stop_gradient of a method": (lambda: stop_gradient(layer.total)(W), W),
    "stop_gradient of a closure": (lambda: stop_gradient(weighted)(W), W),
    "stop_gradient of a partial": (lambda: np.sum(stop_gradient(partial(np.multiply, W))(W)), W),
    "stop_gradient of what holds functions": (lambda: stop_gradient({"f": [weighted]})["f"][0](W), W),
    "ignore": (lambda: np.sum(zyg.ignore(lambda: p)["W"] * W), W),
    "grad": (lambda: np.sum(zyg.grad(squared)(p, x)["W"]), np.sum(x) * 2 * x),
    "grad of a list": (lambda: np.sum(zyg.grad(lambda q: np.sum(q[0] * x) ** 2 * q[1])(items)[0]), np.sum(x) * 4 * x),
    "grad of an instance": (lambda: np.sum(zyg.grad(lambda q: np.sum(q.W * x) ** 2)(layer).W), np.sum(x) * 2 * x),
    "jvp": (lambda: jvp(lambda q: squared(q, x), (p,), ({"W": np.ones(2), "s": 0.0},))[1], np.sum(x) * 2 * x),
    "pullback": (lambda: pullback(lambda q: squared(q, x), p)[1](1.0)[0]["W"][0], 2 * x[0] * x),
    "pullback of arrays": (
        lambda: pullback(lambda q: {"a": q["W"] ** 3, "b": q["W"]}, p)[1]({"b": np.zeros(2), "a": x})[0]["W"][1],
        np.array([0.0, 6 * W[1] * x[1]]),
    ),
}


@MODES
@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives_by_parameters_in_containers(name: str, mode: str) -> None:
    fn, expected = PROGRAMS[name]
    for _ in range(2):
        found = gradient(fn, zyg.Params([W]), mode=mode)
        assert np.allclose(found[W], expected), (found[W], expected)


@MODES
def test_derivatives_by_functions_that_capture_containers(mode: str) -> None:
    def captured(fn: Any) -> Any:
        q = {"W": W.copy(), "s": 3.0}
        return lambda: fn(q)

    def by(fn: Any) -> Any:
        return zyg.grad(lambda f: f() * 1.0, mode=mode)(captured(fn)).q

    assert np.allclose(by(lambda q: ruled(q, x))["W"], 10 * by_w)
    assert np.allclose(by(lambda q: called_back(q, x))["W"], 10 * by_w)
    assert by(lambda q: hook(lambda d: {"W": d["W"], "s": d["s"] * 10}, q)["s"] ** 2)["s"] == 60.0
    assert by(lambda q: stop_gradient(q)["s"] * q["s"])["s"] == 3.0
    assert by(lambda q: zyg.grad(lambda r: r["s"] ** 3)(q)["s"])["s"] == 18.0
    assert by(lambda q: jvp(lambda r: r["s"] ** 3, (q,), ({"W": None, "s": 1.0},))[1])["s"] == 18.0


def test_what_is_captured_and_holds_itself_is_for_dynamic_mode() -> None:
    def stopped() -> Any:
        return stop_gradient(recursive)(3) * W[0] / 3

    with pytest.raises(zyg.UnsupportedError, match="captures itself"):
        gradient(stopped, zyg.Params([W]), mode="native")
    assert gradient(stopped, zyg.Params([W]), mode="dynamic")[W].tolist() == [s_of_w, 0.0]
    ring: list[Any] = [2.0]
    ring.append(ring)
    with pytest.raises(zyg.UnsupportedError, match="holds itself"):
        zyg.grad(lambda v: v * jvp(lambda q: q[0] ** 2, (ring,), ([1.0, None],))[1], mode="native")(1.0)
    assert zyg.grad(lambda v: v * jvp(lambda q: q[0] ** 2, (ring,), ([1.0, None],))[1], mode="dynamic")(1.0) == 4.0
