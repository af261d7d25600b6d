"""`copy.copy` and `copy.deepcopy` of numbers, arrays and containers, in both modes."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest

import zyg

PARAMS = {"w": np.array([1.0, 2.0]), "layers": [{"b": np.ones(2), "s": 2.0}, {"b": np.zeros(2), "s": 3.0}], "name": "n"}


def shallow(x):
    values = [x, x * x]
    d = {"a": values, "b": x}
    other, e, v = copy.copy(values), copy.copy(d), copy.copy(np.array([x, 1.0]))
    other.append(3 * x)
    e["b"] = 5.0
    e["a"][0] = 7.0
    v[0] = 2.0
    return sum(values) * sum(other) + d["b"] * e["b"] + np.sum(v) * copy.copy(x) + len(copy.copy(("a", x)))


def deep(x):
    d = {"a": [x, [x * x, 1.0]], "v": np.array([x, 2.0]), "t": (np.array([x]), "s", None)}
    e = copy.deepcopy(d)
    e["v"][0] = 3.0
    e["a"][1][0] = 5 * x
    e["t"][0][0] *= 2
    return np.sum(d["v"] * e["v"]) * d["a"][1][0] * e["a"][1][0] + d["t"][0][0] * e["t"][0][0] + e["a"][0]


def held_twice(x):
    v = np.array([x, 1.0])
    d = copy.deepcopy({"a": v, "b": [v]})
    d["a"][0] = x * x
    return np.sum(d["b"][0] * v)


def of_a_changed_list(x):
    values = []
    for i in range(3):
        values.append(x * i)
    other = copy.deepcopy(values)
    other[1] = 9.0
    return sum(values) * sum(other)


def of_what_is_captured(x):
    p = copy.deepcopy(PARAMS)
    for layer in p["layers"]:
        layer["b"] += x * layer["s"]
    p["w"] *= x
    return sum([np.sum(layer["b"] * p["w"]) for layer in p["layers"]])


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize(
    "program", [shallow, deep, held_twice, of_a_changed_list, of_what_is_captured], ids=lambda fn: fn.__name__
)
def test_copies(program, mode: str) -> None:
    x, h = 0.7, 1e-6
    y, slope = zyg.value_and_grad(program, mode=mode)(x)
    assert y == pytest.approx(program(x))
    assert slope == pytest.approx((program(x + h) - program(x - h)) / (2 * h), rel=1e-6)
    bend = (zyg.grad(program, mode=mode)(x + h) - zyg.grad(program, mode=mode)(x - h)) / (2 * h)
    assert zyg.grad(zyg.grad(program, mode=mode), mode=mode)(x) == pytest.approx(bend)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_copies_of_arguments(mode: str) -> None:
    def updated(p, x):
        q = copy.deepcopy(p)
        q["w"] -= 0.1 * x * p["w"] ** 2
        q["layers"][0]["b"][0] = 5 * x
        return np.sum(q["w"] * p["w"]) + np.sum(q["layers"][0]["b"]) + np.sum(p["layers"][0]["b"] ** 2)

    before = copy.deepcopy(PARAMS)
    dp, dx = zyg.grad(updated, (0, 1), mode=mode)(PARAMS, 2.0)
    w = PARAMS["w"]
    assert np.allclose(dp["w"], 2 * w - 0.6 * w**2)
    assert np.allclose(dp["layers"][0]["b"], [2.0, 3.0])
    assert dx == pytest.approx(-0.1 * np.sum(w**3) + 5)
    assert np.array_equal(PARAMS["layers"][0]["b"], before["layers"][0]["b"])


def test_copies_of_instances_are_for_dynamic_mode() -> None:
    n = SimpleNamespace(v=2.0)
    with pytest.raises(zyg.UnsupportedError, match="a copy of an instance"):
        zyg.grad(lambda x: copy.copy(n).v * x, mode="native")(1.0)
    assert zyg.grad(lambda x: copy.copy(n).v * x, mode="dynamic")(1.0) == 2.0


def test_a_view_beside_its_array_is_copied_apart() -> None:
    def program(x):
        a = np.array([x, 2 * x])
        d = copy.deepcopy([a, a[:]])
        d[0][0] = x * x
        return d[1][0] * d[1][1]

    with pytest.raises(zyg.UnsupportedError, match="or a view of it"):
        zyg.grad(program, mode="native")(0.7)
    assert zyg.grad(program, mode="dynamic")(0.7) == pytest.approx(4 * 0.7)
