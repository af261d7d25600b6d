"""Structures as arguments, captures and results: dicts, lists, dataclasses, objects, functions."""

from __future__ import annotations

import collections
import dataclasses
import functools
import types
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numba.experimental import jitclass, structref
from numba.typed import Dict, List

import zyg
from zyg import Params, check_grads, grad, gradient, pullback, value_and_grad


def network(seed=0):
    rng = np.random.default_rng(seed)
    layers = [{"w": rng.standard_normal((n, m)), "b": rng.standard_normal(n)} for n, m in ((4, 3), (2, 4))]
    return {"layers": layers, "scale": 0.5, "name": "net", "frozen": False, "version": 3}


def forward(params, x):
    for layer in params["layers"]:
        x = np.tanh(layer["w"] @ x + layer["b"])
    return x * params["scale"]


def loss(params, x):
    return np.sum(forward(params, x) ** 2)


def by_hand(params, x):
    """Gradients of `loss` for two layers."""
    (one, two), s = params["layers"], params["scale"]
    h = np.tanh(one["w"] @ x + one["b"])
    y = np.tanh(two["w"] @ h + two["b"])
    dz = 2 * s * s * y * (1 - y * y)
    dh = (two["w"].T @ dz) * (1 - h * h)
    return [(np.outer(dh, x), dh), (np.outer(dz, h), dz)], 2 * s * np.sum(y * y)


x0 = np.array([0.3, -0.2, 0.5])


def test_the_gradient_of_a_dict_has_its_structure():
    params = network()
    g = grad(loss)(params, x0)
    layers, scale = by_hand(params, x0)
    assert list(g) == ["layers", "scale", "name", "frozen", "version"]
    assert type(g["layers"]) is list and type(g["layers"][0]) is dict
    assert g["name"] is None and g["frozen"] is None and g["version"] is None
    assert g["scale"] == pytest.approx(scale)
    for found, (w, b) in zip(g["layers"], layers, strict=True):
        np.testing.assert_allclose(found["w"], w)
        np.testing.assert_allclose(found["b"], b)
    assert g["layers"][0]["w"].base is not params["layers"][0]["w"]


def test_captured_dicts_are_differentiated_as_parameters():
    params = network()
    found = Params([layer[name] for layer in params["layers"] for name in layer])
    g = gradient(lambda: loss(params, x0), found)
    layers, _ = by_hand(params, x0)
    for layer, (w, b) in zip(params["layers"], layers, strict=True):
        np.testing.assert_allclose(g[layer["w"]], w)
        np.testing.assert_allclose(g[layer["b"]], b)


def test_order_and_kinds_of_keys_are_told_apart():
    def first(p):
        for value in p.values():
            return value * 1.0
        return 0.0

    g = grad(first)
    assert g({"a": 2.0, "b": 3.0}) == {"a": 1.0, "b": 0.0}
    assert g({"b": 2.0, "a": 3.0}) == {"b": 1.0, "a": 0.0}
    assert g({"a": 2}) == {"a": None}
    assert g({"a": 2.0, "b": 3.0}) == {"a": 1.0, "b": 0.0}


def test_reading_dicts_and_lists():
    def f(p):
        total = 0.0
        for k, (name, value) in enumerate(p["d"].items()):
            if name != "skip":
                total += (k + 1) * value
        for a, b in zip(p["l"], reversed(p["l"]), strict=False):
            total += a * b
        if "x" in p and "y" not in p:
            total += p.get("x") + p.get("none", 2.0) + len(p["l"])
        total += sum(p["l"]) + max(p["l"][1:]) + p["l"][-1]
        assert p["l"]
        for key in p:
            total += p["d"]["a"] if key == "d" else 0.0
        return total

    p = {"d": {"a": 1.5, "skip": 2.0, "c": 3.0}, "l": [1.0, 2.0, 4.0], "x": 7.0}
    y, g = value_and_grad(f)(p)
    assert y == pytest.approx(f(p))
    assert g == {"d": {"a": 2.0, "skip": 0.0, "c": 3.0}, "l": [9.0, 5.0, 5.0], "x": 1.0}
    check_grads(f, (p,))


def test_captured_structures_are_read_where_they_are_needed():
    table = {"sin": np.sin, "cos": np.cos, 3: "three", "strange": object()}
    settings = {"gain": 2.0, "n": 3, "names": ["a", "b"], "deep": [{"k": 1.5}]}

    def f(x):
        return table["sin"](x) * settings["gain"] * settings["n"] + settings["deep"][0]["k"] * x

    assert grad(f)(0.5) == pytest.approx(np.cos(0.5) * 6 + 1.5)
    settings["gain"] = 4.0
    assert grad(f)(0.5) == pytest.approx(np.cos(0.5) * 12 + 1.5)
    table["sin"] = np.cos
    assert grad(f)(0.5) == pytest.approx(-np.sin(0.5) * 12 + 1.5)
    settings["n"] = 1
    assert grad(f)(0.5) == pytest.approx(-np.sin(0.5) * 4 + 1.5)
    settings["deep"][0]["k"] = 0.5
    assert grad(f)(0.5) == pytest.approx(-np.sin(0.5) * 4 + 0.5)
    settings["deep"] = [{"k": 10.0}, None]
    assert grad(f)(0.5) == pytest.approx(-np.sin(0.5) * 4 + 10)


@dataclasses.dataclass(frozen=True)
class Linear:
    w: np.ndarray
    b: float
    power: int = 2

    def __post_init__(self):
        if self.b is None or self.power is None:
            raise ValueError("checked by the constructor")

    def __call__(self, x):
        return np.sum(self.w * x) ** self.power + self.b

    @property
    def twice(self):
        return 2 * self.b


@dataclasses.dataclass(slots=True)
class Point:
    x: float
    y: float


class Counted:
    __slots__ = ("b", "k")

    def __init__(self, k, b):
        self.k, self.b = k, b


class Base:
    factor = 10.0

    def shared(self, x):
        return self.factor * x


class Model(Base):
    limit = 3.0

    def __init__(self):
        self.w = np.array([1.0, 2.0])
        self.linear = Linear(np.array([3.0, 4.0]), 5.0)
        self.activation = np.tanh
        self.parts = [1.5, np.ones(2), "text", 7]

    def loss(self, x):
        return np.sum(self.activation(self.w * x)) + self.linear(x) + self.parts[0] * self.shared(x[0]) + self.limit

    @staticmethod
    def double(x):
        return 2 * x

    @classmethod
    def scaled(cls, x):
        return cls.factor * x


def test_dataclasses_are_built_past_their_checks():
    m = Linear(np.array([1.0, 2.0]), 3.0)
    g, gx = gradient(lambda m, x: m(x) + m.twice, m, np.array([5.0, 6.0]))
    assert type(g) is Linear and g.power is None and g.b == 3.0
    np.testing.assert_allclose(g.w, 2 * 17.0 * np.array([5.0, 6.0]))
    np.testing.assert_allclose(gx, 2 * 17.0 * m.w)


def test_slots_and_other_instances():
    g = grad(lambda p: p.x * p.y)(Point(2.0, 3.0))
    assert g == Point(3.0, 2.0)
    assert grad(lambda c: c.k * c.b)(Counted(2.0, 4)) == SimpleNamespace(k=4.0)
    space = SimpleNamespace(a=2.0, inner=SimpleNamespace(b=[3.0, 1]))
    assert grad(lambda s: s.a * s.inner.b[0])(space) == SimpleNamespace(a=3.0, inner=SimpleNamespace(b=[2.0, None]))


def test_bound_methods_and_callable_instances():
    model, x = Model(), np.array([0.5, -0.5])
    expected = model.w / np.cosh(model.w * x) ** 2 + 2 * np.sum(model.linear.w * x) * model.linear.w
    expected[0] += 15.0
    np.testing.assert_allclose(grad(model.loss)(x), expected)
    np.testing.assert_allclose(grad(model.linear)(x), 2 * np.sum(model.linear.w * x) * model.linear.w)
    model.w[0] = 4.0
    expected[0] += 4.0 / np.cosh(2.0) ** 2 - 1.0 / np.cosh(0.5) ** 2
    np.testing.assert_allclose(grad(model.loss)(x), expected)
    model.linear = Linear(np.zeros(2), 0.0)
    np.testing.assert_allclose(grad(model.loss)(x)[1], 2.0 / np.cosh(-1.0) ** 2)


def test_the_gradient_of_an_instance_is_a_namespace():
    model, x = Model(), np.array([0.5, -0.5])
    g = grad(lambda m, x: m.loss(x) + m.double(m.parts[0]) + m.scaled(m.parts[0]))(model, x)
    assert type(g) is SimpleNamespace and list(vars(g)) == ["w", "linear", "parts"]
    assert type(g.linear) is Linear and g.linear.b == 1.0
    assert g.parts[0] == 10.0 * 0.5 + 2.0 + 10.0 and g.parts[2:] == [None, None]
    np.testing.assert_array_equal(g.parts[1], np.zeros(2))


def test_arrays_in_attributes_are_parameters():
    model = Model()
    g = gradient(lambda: model.loss(np.ones(2)), Params([model.w, model.linear.w]))
    np.testing.assert_allclose(g[model.w], 1 / np.cosh(model.w) ** 2)
    np.testing.assert_allclose(g[model.linear.w], [14.0, 14.0])


def test_what_a_class_has_is_seen_again():
    class Shape:
        side = 2.0

        def area(self, x):
            return self.side * x

    shape = Shape()

    def f(x):
        return shape.area(x)

    g = grad(f)
    assert g(1.0) == 2.0
    Shape.side = 3.0
    assert g(1.0) == 3.0
    shape.side = 4.0
    assert g(1.0) == 4.0
    Shape.area = lambda self, x: self.side * x * x
    assert g(1.0) == 8.0
    del shape.side
    assert g(1.0) == 6.0
    shape.area = lambda x: 7.0 * x
    assert g(1.0) == 7.0
    shape = Shape()
    assert g(1.0) == 6.0


def test_overriding_in_a_subclass_is_seen():
    class Above:
        def value(self):
            return 2.0

    class Below(Above):
        pass

    thing = Below()
    g = grad(lambda x: x * thing.value())
    assert g(1.0) == 2.0
    Below.value = lambda self: 5.0
    assert g(1.0) == 5.0


def test_properties_of_captured_instances_are_seen_again():
    class Box:
        def __init__(self):
            self.size = 2.0

        @property
        def twice(self):
            return 2 * self.size

    box = Box()
    g = grad(lambda x: x * box.twice)
    assert g(1.0) == 4.0
    box.size = 5.0
    assert g(1.0) == 10.0
    Box.twice = property(lambda self: 3 * self.size)
    assert g(1.0) == 15.0


def test_functions_as_arguments_have_namespaces():
    def adder(a, k):
        array = np.array([1.0, 2.0])
        return lambda x: a * x * k + np.sum(array) * x, array

    f, array = adder(2.0, 3)
    g = gradient(lambda f, x: f(x), f, 5.0)
    assert g[0].a == 15.0 and g[1] == 9.0
    np.testing.assert_array_equal(g[0].array, [5.0, 5.0])
    assert "k" not in vars(g[0]) and array is not g[0].array
    assert gradient(lambda f, x: f(x), np.sin, 0.0) == (None, 1.0)

    def outer():
        q = 3.0

        def inner(x):
            return q * x

        return lambda x: inner(x) * x

    assert gradient(lambda f, x: f(x), outer(), 2.0) == (SimpleNamespace(inner=SimpleNamespace(q=4.0)), 12.0)


def test_functions_as_arguments_that_call_checkpoints_or_have_rules():
    def recomputing(k):
        w = np.ones(2) * k

        @zyg.checkpoint
        def inner(x):
            return np.sum(w) * x * k

        return lambda x: inner(x)

    g, gx = gradient(lambda f, x: f(x), recomputing(2.0), 3.0)
    assert g.inner.k == 12.0 and gx == 8.0
    np.testing.assert_array_equal(g.inner.w, [6.0, 6.0])

    def ruled(k):
        def inner(x):
            return x * k

        zyg.adjoint(inner)(lambda x: (x * k, lambda dy: dy * k))
        return lambda x: inner(x)

    f = ruled(2.0)
    assert gradient(f, 3.0) == 2.0
    with pytest.raises(zyg.DifferentiationError, match="the rule of inner gives no cotangents of what"):
        gradient(lambda f, x: f(x), f, 3.0)


def test_methods_and_partials_as_arguments():
    model = Model()
    g, gx = gradient(lambda f, x: f(x), model.linear.__call__, np.ones(2))
    assert type(g) is Linear and g.b == 1.0
    np.testing.assert_array_equal(g.w, [14.0, 14.0])
    np.testing.assert_array_equal(gx, 14 * model.linear.w)
    part = functools.partial(lambda a, x, k: a * x * k, 2.0, k=5.0)
    g, gx = gradient(lambda f, x: f(x), part, 3.0)
    assert g.args == (15.0,) and g.keywords == {"k": 6.0} and gx == 10.0


def test_structures_as_results():
    params = {"a": 2.0, "b": [3.0, np.array([1.0, 2.0])]}

    def f(p):
        return p["a"] * p["b"][0], {"out": p["b"][1] * 2, "list": [p["a"], 1, "s"], "point": p}

    (y, aux), g = value_and_grad(f, has_aux=True)(params)
    assert y == 6.0 and aux["list"] == [2.0, 1, "s"] and aux["point"]["a"] == 2.0
    np.testing.assert_array_equal(aux["out"], [2.0, 4.0])
    assert g["a"] == 3.0 and g["b"][0] == 2.0
    np.testing.assert_array_equal(g["b"][1], [0.0, 0.0])


def test_pullbacks_of_structures():
    def f(p):
        return {"s": p["x"] * 2, "t": [p["x"][0], 5]}

    y, back = pullback(f, {"x": np.array([1.0, 2.0])})
    np.testing.assert_array_equal(y["s"], [2.0, 4.0])
    (g,) = back({"t": [1.0, None], "s": np.array([1.0, 10.0])})
    np.testing.assert_array_equal(g["x"], [3.0, 20.0])
    with pytest.raises(ValueError, match="cotangent"):
        back({"s": np.ones(2)})


def test_namedtuples_in_dicts():
    Pair = collections.namedtuple("Pair", "a b")
    g = grad(lambda p: p["pair"].a * p["pair"].b)({"pair": Pair(2.0, 5.0), "t": (1, "x")})
    assert g == {"pair": Pair(5.0, 2.0), "t": (None, None)} and type(g["pair"]) is Pair


def test_one_array_in_two_places():
    w = np.array([1.0, 2.0])
    g = grad(lambda p: np.sum(p["a"] * p["b"] * p["b"]))({"a": w, "b": w})
    np.testing.assert_array_equal(g["a"], w**2)
    np.testing.assert_array_equal(g["b"], 2 * w**2)


def test_arrays_in_structures_may_be_written():
    def f(p):
        p["a"][0] = p["a"][1] * p["k"]
        return np.sum(p["a"] ** 2)

    p = {"a": np.array([1.0, 2.0]), "k": 3.0}
    g = grad(f)(p)
    np.testing.assert_array_equal(p["a"], [6.0, 2.0])
    np.testing.assert_array_equal(g["a"], [0.0, 4.0 + 36.0])
    assert g["k"] == 24.0
    with pytest.raises(ValueError, match="overlap"):
        grad(f)({"a": p["a"], "b": p["a"][1:], "k": 1.0})


def test_arrays_that_must_be_copied():
    w = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    g = grad(lambda p: np.sum(p["w"] * p["v"]))({"w": w, "v": np.arange(6, dtype=np.int32).reshape(2, 3)})
    np.testing.assert_array_equal(g["w"], np.arange(6.0).reshape(2, 3))
    assert g["v"].dtype == np.float64


def test_what_is_no_structure_is_refused():
    loop = []
    loop.append(loop)
    for bad in (loop, {1: 2.0}, {"a"}, collections.OrderedDict(a=1.0)):
        with pytest.raises(zyg.ArgumentError):
            grad(lambda p: 1.0, mode="native")(bad)
    with pytest.raises(zyg.UnsupportedError, match="made elsewhere"):

        def assign(p):
            p["a"] = 1.0
            return p["a"]

        grad(assign, mode="native")({"a": 2.0})


def test_results_are_distinct_objects():
    g = grad(lambda p: p["a"] * p["a"])
    first, second = g({"a": 1.0}), g({"a": 2.0})
    assert first == {"a": 2.0} and second == {"a": 4.0} and first is not second


def test_many_calls_leak_nothing():
    import gc
    import sys

    params = network()
    g = grad(loss)
    g(params, x0)
    gc.collect()
    before = sys.getrefcount(params), sys.getrefcount(params["layers"][0]["w"]), sys.getrefcount("name")
    blocks = sys.getallocatedblocks()
    for _ in range(200):
        g(params, x0)
    gc.collect()
    assert abs(sys.getallocatedblocks() - blocks) < 50
    assert before == (sys.getrefcount(params), sys.getrefcount(params["layers"][0]["w"]), sys.getrefcount("name"))


def test_second_order_through_structures():
    def f(p):
        return p["a"] ** 3 * p["b"][0]

    g = grad(lambda p: grad(f)(p)["a"])({"a": 2.0, "b": [5.0]})
    assert g == {"a": 60.0, "b": [12.0]}


def test_methods_of_types_are_functions():
    assert isinstance(Model().loss, types.MethodType)
    assert grad(Base.shared, argnums=1)(Model(), 2.0) == 10.0
    assert grad(Model.scaled)(2.0) == 10.0


def test_captured_arrays_of_other_classes_are_not_taken_for_plain_ones():
    w = np.arange(4.0).reshape(2, 2)

    def f(x):
        return np.sum((w * w) * x)

    g = grad(f, mode="native")
    assert g(1.0) == 14.0
    w = w.view(type("Own", (np.ndarray,), {"__mul__": lambda self, other: self @ other}))
    with pytest.raises(zyg.UnsupportedError, match="a captured Own"):
        g(1.0)


def test_check_grads_looks_into_structures():
    def f(p, m, t):
        return np.sum(p["a"] * m.w) * p["b"][0] * t + m.b

    args = ({"a": x0, "b": [2.0, "text"]}, Linear(np.ones(3), 2.0), 1.5)
    check_grads(f, args)
    check_grads(lambda p: {"y": p["a"] * 2, "z": [p["b"] ** 2, 1]}, ({"a": x0, "b": 2.0},), order=2)

    def wrong(v):
        return v * v

    zyg.adjoint(wrong)(lambda v: (v * v, lambda dy: dy))
    for g, arg in ((lambda p: wrong(p["l"][0]["k"]), {"l": [{"k": 3.0}]}), (lambda m: wrong(m.b), args[1])):
        with pytest.raises(AssertionError, match="reverse mode: argument 0"):
            check_grads(g, (arg,), modes=("rev",))


# --- Numba's containers ---------------------------------------------------------------------------------------


@jitclass
class Spring:
    k: numba.float64
    points: numba.float64[:]

    def __init__(self, k, points):
        self.k = k
        self.points = points

    def energy(self, x):
        return 0.5 * self.k * np.sum((self.points - x) ** 2)

    @property
    def stiff(self):
        return 2 * self.k


def test_jitclass_instances_give_namespaces():
    spring = Spring(3.0, np.array([1.0, 2.0]))
    g, gx = gradient(lambda s, x: s.energy(x) + s.stiff, spring, 0.5)
    assert type(g) is SimpleNamespace and list(vars(g)) == ["k", "points"]
    assert g.k == pytest.approx(0.5 * (0.25 + 2.25) + 2) and gx == pytest.approx(-3 * (0.5 + 1.5))
    np.testing.assert_allclose(g.points, [1.5, 4.5])


def test_jitclass_instances_in_dynamic_mode():
    spring = Spring(3.0, np.array([1.0, 2.0]))
    expected = gradient(lambda s, x: s.energy(x) + s.stiff, spring, 0.5)
    found = grad(lambda s, x: s.energy(x) + s.stiff, (0, 1), mode="dynamic")(spring, 0.5)
    assert (found[0].k, found[1]) == (expected[0].k, expected[1])
    assert grad(lambda x: spring.energy(x) * spring.stiff, mode="dynamic")(0.5) == expected[1] * 6.0
    assert grad(spring.energy, mode="dynamic")(0.5) == expected[1]
    with pytest.raises(zyg.UnsupportedError, match="made by Numba, can be an argument only"):
        grad(lambda x: spring.energy(x), mode="native")(0.5)


def test_jitclass_instances_that_a_function_makes():
    def energy(x):
        spring = Spring(x, np.array([1.0, 2.0 * x]))
        still = Spring(2, np.ones(2))
        return spring.energy(0.5) * spring.stiff * still.k if isinstance(spring, Spring) else 0.0

    slope = (energy(1.5 + 1e-6) - energy(1.5 - 1e-6)) / 2e-6
    assert grad(energy, mode="dynamic")(1.5) == pytest.approx(slope, rel=1e-6)
    checked = lambda s: s.k**2 if isinstance(s, (int, Spring)) else s.k  # noqa: E731
    for mode in ("native", "dynamic"):
        assert grad(checked, mode=mode)(Spring(3.0, np.ones(2))).k == 6.0


def test_typed_lists_and_dicts_are_arguments():
    numbers = List([2.0, 3.0])
    table = Dict.empty(numba.types.unicode_type, numba.float64)
    table["a"], table["b"] = 2.0, 5.0
    assert gradient(lambda n, t: n[0] * n[1] * t["a"], numbers, table) == ([6.0, 4.0], {"a": 6.0, "b": 0.0})
    assert grad(lambda p: p["n"][0] ** 2)({"n": numbers}) == {"n": [4.0, 0.0]}


@structref.register
class PairType(numba.types.StructRef):
    def preprocess_fields(self, fields):
        return tuple((name, numba.types.unliteral(kind)) for name, kind in fields)


class Pair(structref.StructRefProxy):
    def __new__(cls, a, w):
        return structref.StructRefProxy.__new__(cls, a, w)

    def total(self, x):
        return self.a * np.sum(self.w) * x


structref.define_proxy(Pair, PairType, ["a", "w"])


def test_structref_instances_are_arguments():
    g, gx = gradient(lambda p, x: p.total(x) + p.a, Pair(2.0, np.array([1.0, 2.0])), 5.0)
    assert type(g) is SimpleNamespace and g.a == 16.0 and gx == 6.0
    np.testing.assert_array_equal(g.w, [10.0, 10.0])


def test_long_lists_are_not_for_native_code():
    with pytest.raises(zyg.UnsupportedError, match="lists of up to 200 items"):
        grad(lambda p: p[0], mode="native")([1.0] * 201)


@dataclasses.dataclass(frozen=True)
class Pendulum:
    angles: np.ndarray
    rate: float
    count: int = 3


def test_replaced_fields_of_dataclasses():
    def swung(angles, rate):
        state = Pendulum(angles, rate)
        for _ in range(3):
            state = dataclasses.replace(
                state, angles=state.angles + 0.1 * state.rate * np.sin(state.angles), rate=state.rate * 0.9
            )
        return np.sum(state.angles**2) * state.count + state.rate

    angles = np.array([0.3, 0.7])
    value, _ = zyg.value_and_grad(swung, (0, 1), mode="native")(angles, 1.2)
    assert value == pytest.approx(swung(angles, 1.2))
    zyg.check_grads(swung, (angles, 1.2), order=2)
    gradient = zyg.grad(lambda p: np.sum(dataclasses.replace(p, rate=p.rate * 2).angles) * p.rate, mode="native")
    np.testing.assert_allclose(gradient(Pendulum(angles, 2.0)).angles, [2.0, 2.0])


class Weights:
    def __init__(self, w):
        self.w = w

    def scaled(self, k):
        self.w *= k
        return self


class Slotted:
    __slots__ = ("w",)

    def __init__(self, w):
        self.w = w


@dataclasses.dataclass(frozen=True)
class FrozenWeights:
    w: np.ndarray


def test_updates_in_place_of_arrays_in_arguments():
    """`o.w *= k` changes the array's elements, and sets the attribute to what it is."""

    def of_object(o, k):
        return np.sum(o.scaled(k).w ** 2)

    def of_slot(o, k):
        o.w *= k
        return np.sum(o.w**2)

    def of_dict(d, k):
        d["w"] *= k
        return np.sum(d["w"] ** 2)

    def of_list(items, k):
        items[0] *= k
        items[-1] += items[0]
        return np.sum((items[0] - k) ** 2)

    for f, make, array in (
        (of_object, Weights, lambda o: o.w),
        (of_slot, Slotted, lambda o: o.w),
        (of_dict, lambda w: {"w": w}, lambda o: o["w"]),
        (of_list, lambda w: [w, np.zeros(2)], lambda o: o[0]),
    ):
        w, k = np.array([0.3, 0.8]), 1.5
        given = make(w)
        y, (g, by_k) = value_and_grad(f, (0, 1), mode="native")(given, k)
        np.testing.assert_allclose(array(given), [0.45, 1.2])
        assert y == pytest.approx(f(make(np.array([0.3, 0.8])), k))
        expected = zyg.grad(f, (0, 1), mode="dynamic")(make(np.array([0.3, 0.8])), k)
        np.testing.assert_allclose(array(g), array(expected[0]), rtol=1e-12)
        assert by_k == pytest.approx(expected[1], rel=1e-12)

    def replaced(d):
        d["w"] = d["v"]
        return np.sum(d["w"])

    with pytest.raises(zyg.UnsupportedError, match="cannot be set"):
        zyg.grad(of_slot, mode="native")(FrozenWeights(np.ones(2)), 2.0)
    with pytest.raises(zyg.UnsupportedError, match="cannot be changed"):
        zyg.grad(replaced, mode="native")({"w": np.ones(2), "v": np.ones(2)})


class Gain:
    scale = 2.0

    def __init__(self, w):
        self.w = w


def amplified(gain, x):
    y = gain.w * x * (gain.c if hasattr(gain, "c") else 1.0)
    if hasattr(gain, "scale") and hasattr(gain, "__init__") and not hasattr(x, "append"):
        y *= gain.scale
    return y + getattr(gain, "offset", x)


def test_attributes_that_may_be_there():
    gain = Gain(3.0)
    g = grad(lambda x: amplified(gain, x), mode="native")
    assert g(0.5) == 7.0
    gain.c = 2.0
    assert g(0.5) == 13.0
    assert grad(amplified, (0, 1), mode="native")(gain, 0.5) == (SimpleNamespace(w=2.0, c=3.0), 13.0)
    gain.offset = 4.0
    assert g(0.5) == 12.0
    del gain.c, gain.offset
    Gain.offset = 1.0
    try:
        assert g(0.5) == 6.0
    finally:
        del Gain.offset
    assert g(0.5) == 7.0
