"""Strings: compared, as keys, and made of numbers, as programs with dicts of parameters make them; in both modes."""

# ruff: noqa: UP031

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg

MODES = pytest.mark.parametrize("mode", ["native", "dynamic"])
rng = np.random.default_rng(0)
V = np.array([0.3, -0.4, 0.5])
P: dict[str, Any] = {f"{kind}{i}": rng.normal(size=(3, 3) if kind == "W" else 3) for i in range(3) for kind in "Wb"}
P |= {"rate": 0.1, "inner": {f"l{i}": {"w": rng.normal(size=3), "s": i + 1.0} for i in range(2)}}
MANY = {f"k{i}": float(i) for i in range(12)}


class Net:
    def __init__(self) -> None:
        self.layer0, self.layer1 = P["W0"], P["W1"]

    def __call__(self, v: Any) -> Any:
        for i in range(2):
            v = np.tanh(getattr(self, f"layer{i}") @ v)
        return np.sum(v)


net = Net()

# --- by x -------------------------------------------------------------------------------------------------------


def compared(x):
    total = 0.0
    for i in range(4):
        if str(i) == "1":
            total += x
        if f"l{i}" in ("l1", "l2"):
            total += x * x
        if f"{i}" != "0":
            total += x**3
        for name in ("l0", "l3"):
            total += 2 * x if name == "l%d" % i else x
    return total


def methods_of_known_strings(x):
    total = 0.0
    for name in ("a", "bb"):
        total += x if name.upper() == "BB" else x * x
        total += x**3 if name.startswith("b") and name.replace("b", "a") == "aa" else 0.0
        total += 2 * x if name.split("b")[0] == "a" and "_".join([name, "z"]) == "a_z" else 0.0
        total += 3 * x if f"{name}{1}" == "a1" or "{}!".format(name) == "bb!" else 0.0  # noqa: UP032
        total += name.count("b") * x + (4 * x if name.endswith(("b", "c")) and not name.isdigit() else 0.0)
        total += {"a": x, "BB": x * x}[name.upper() if len(name) > 1 else name.lower()]
    return total


def digits_side_by_side(x):
    powers = {"1": x, "11": x * x, "111": x**3, "0-1": 5 * x}
    total = powers["0" + str(-1)]
    for i in (1, 11):
        for j in range(1, 2):
            total += powers[f"{i}{j}"] * i
    for i in range(1):
        total += powers[f"{i}{i - 1}"]
    return total


def keys_that_may_be_missing(x):
    d = {"a0": x, "a1": x * x}
    total = 0.0
    for i in range(-1, 4):
        total += d.get(f"a{i}", 3 * x) * (i + 1)
        if f"a{i}" in d:
            total += d["a" + str(i)]
    return total


def captured_dicts(x):
    total = 0.0
    for i in range(2):
        part = P["inner"][f"l{i}"]
        total = total + np.sum(part["w"] * x) * part["s"]
    for i in range(12):
        total += MANY["k%d" % i] * x * i
    return total


def sorted_names(x):
    total = 0.0
    for name in sorted({"bb": x, "a": x * x}, key=len, reverse=True):
        total = total * x + len(name)
    for _, value in sorted([("z", x), ("y", x * x), ("a", 2.0)]):
        total = total * x + value
    for item in sorted([("k", 2, x), ("k", 1, x * x)]):
        total = total * x + item[2]
    for d in sorted([{"n": "q", "v": x}, {"n": "b", "v": x * x}], key=lambda d: d["n"]):
        total = total * x + d["v"]
    return total


def text_of_the_argument(x):
    return x * x if f"{x:.1f}" == "0.7" else x


FUNCTIONS = {"f0": math.sin, "f1": lambda v: v * v, "f2": np.exp}


def names_of_functions(x):
    steps = (math.cos, lambda v: v * x)
    y = x
    for i in range(4):
        y = FUNCTIONS[f"f{i % 3}"](y) * 0.5 + steps[i % 2](y)
    return y


def items_of_different_kinds(x):
    items = (x, np.array([x, 2.0]), 3)
    choices = (None, x)
    total = 0.0
    for i in range(3):
        total = total + np.sum(items[i] * x)
        if choices[i % 2] is not None:
            total = total + choices[i % 2] * x
    return total


def names_of_attributes(x):
    return net(np.array([x, 1.0, x * x]))


PROGRAMS: list[Callable[[float], Any]] = [
    compared,
    methods_of_known_strings,
    digits_side_by_side,
    keys_that_may_be_missing,
    captured_dicts,
    sorted_names,
    names_of_attributes,
    names_of_functions,
    items_of_different_kinds,
]


@MODES
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda fn: fn.__name__)
def test_programs_with_strings(program: Any, mode: str) -> None:
    x, h = 0.7, 1e-6
    y, slope = zyg.value_and_grad(program, mode=mode)(x)
    assert y == pytest.approx(program(x))
    assert slope == pytest.approx((program(x + h) - program(x - h)) / (2 * h), rel=1e-6)
    bend = (zyg.grad(program, mode=mode)(x + h) - zyg.grad(program, mode=mode)(x - h)) / (2 * h)
    assert zyg.grad(zyg.grad(program, mode=mode), mode=mode)(x) == pytest.approx(bend, rel=1e-6)
    assert zyg.jvp(program, (x,), (1.0,), mode=mode)[1] == pytest.approx(slope)


def test_what_is_not_known_of_strings_is_for_dynamic_mode() -> None:
    with pytest.raises(zyg.UnsupportedError, match="cannot be compared"):
        zyg.grad(text_of_the_argument, mode="native")(0.72)
    assert zyg.grad(text_of_the_argument, mode="dynamic")(0.72) == 1.44


@MODES
def test_missing_keys_raise(mode: str) -> None:
    def program(x: float, n: int) -> Any:
        d = {"a0": x, "a1": x * x}
        return sum([d[f"a{i}"] for i in range(n)])

    assert zyg.grad(program, mode=mode)(3.0, 2) == 7.0
    with pytest.raises(KeyError, match="a2"):
        zyg.grad(program, mode=mode)(3.0, 3)


# --- by a dict of parameters --------------------------------------------------------------------------------------


def layers(p, v):
    for i in range(3):
        v = np.tanh(p[f"W{i}"] @ v + p["b" + str(i)])
    return np.sum(v)


def as_many_as_there_are(p, v):
    i = 0
    while f"W{i}" in p:
        v = np.tanh(p["W%d" % i] @ v)
        i += 1
    return np.sum(v)


def pairs(p, v):
    steps = [(p[f"W{i}"], p[f"b{i}"]) for i in range(3)]
    for w, b in steps[:-1]:
        v = np.maximum(w @ v + b, 0)
    w, b = steps[-1]
    return np.sum(w @ v + b) * p["rate"]


def by_names(p, v):
    total = 0.0
    for name, value in sorted(p.items()):
        if name == "rate" or name in ("inner",):
            continue
        total = total + np.sum(value) ** 2 * (2.0 if name.startswith("W") else 1.0)
        total += np.sum(value) if name[1:] == "1" else 0.0
    return total + sum([np.sum(p[name]) for name in sorted(p, reverse=True) if name.endswith("2")])


def renamed(p, v):
    q = {name.lower(): value * 2 for name, value in p.items() if name.startswith(("W", "b"))}
    for i in range(3):
        v = q[f"w{i}"] @ v + q[f"b{i}"]
    return np.sum(v)


@pytest.mark.parametrize(
    "program", [layers, as_many_as_there_are, pairs, by_names, renamed], ids=lambda fn: fn.__name__
)
def test_dicts_of_parameters(program: Any) -> None:
    native, dynamic = (zyg.grad(program, mode=mode)(P, V) for mode in ("native", "dynamic"))
    direction = {name: np.cos(np.arange(np.size(value))).reshape(np.shape(value)) for name, value in P.items()}
    moving = {**P, **{name: P[name] + 1e-6 * d for name, d in direction.items() if name not in ("inner", "rate")}}
    back = {**P, **{name: P[name] - 1e-6 * d for name, d in direction.items() if name not in ("inner", "rate")}}
    slope = sum(np.sum(native[name] * d) for name, d in direction.items() if name not in ("inner", "rate"))
    assert slope == pytest.approx((program(moving, V) - program(back, V)) / 2e-6, rel=1e-6)
    for name in P:
        if name != "inner":
            np.testing.assert_allclose(native[name], dynamic[name], rtol=1e-12, atol=1e-14)
    assert math.isfinite(zyg.withgradient(lambda: program(P, V), zyg.Params([P["W0"]]), mode="native")[0])
