"""Cotangents and tangents of structures, in both modes: of results, and of the arguments of rules."""

import math
from collections import deque, namedtuple
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import zyg
from zyg import adjoint, grad, jvp, pullback

MODES = pytest.mark.parametrize("mode", ["native", "dynamic"])
Pair = namedtuple("Pair", "p q")


@dataclass
class Both:
    a: Any
    b: Any


class Plain:
    def __init__(self, a: Any, b: Any = None) -> None:
        self.a, self.b = a, b


RESULTS: list[tuple[Any, Any, float]] = [
    (lambda x: Both(x * 2, (x, x * 3)), Both(1.0, (2.0, None)), 4.0),
    (lambda x: Both(x * 2, x), SimpleNamespace(b=1.0), 1.0),
    (lambda x: SimpleNamespace(a=x * 2, b=np.ones(2) * x), SimpleNamespace(b=np.ones(2), a=1.0), 4.0),
    (lambda x: Pair(x * 2, x), Pair(1, 2.0), 4.0),
    (lambda x: Plain(x * x), SimpleNamespace(a=1), 6.0),
    (lambda x: Plain(x * x, x), {"b": 1.0, "a": 1.0}, 7.0),
    (lambda x: {"d": Both(x, x), "n": 3}, {"n": None, "d": Both(1.0, 2.0)}, 3.0),
    (lambda x: {"a": x * x, "b": [x, (x * 3, 1)]}, {"b": [1, (0.0, None)], "a": 1}, 7.0),
]


@MODES
@pytest.mark.parametrize("n", range(len(RESULTS)))
def test_cotangents_of_results(n: int, mode: str) -> None:
    fn, dy, expected = RESULTS[n]
    assert pullback(fn, 3.0, mode=mode)[1](dy) == (expected,)
    assert pullback(fn, 3.0, mode=mode)[1](None) == (0.0,)


@MODES
def test_tangents_of_results(mode: str) -> None:
    y, dy = jvp(lambda x: Both(x * 2, {"k": x * x}), (3.0,), (1.0,), mode=mode)
    assert (y, dy) == (Both(6.0, {"k": 9.0}), Both(2.0, {"k": 6.0}))
    assert jvp(lambda x: Plain(x * x), (3.0,), (1.0,), mode=mode)[1].a == 6.0


@MODES
@pytest.mark.parametrize(
    "dy", [1.0, {"a": 1.0}, {"a": 1.0, "b": 1.0}, {"a": 1.0, "b": (1.0,), "c": 0.0}, {"a": 1j, "b": (0.0, 0.0)}]
)
def test_cotangents_of_another_structure(dy: Any, mode: str) -> None:
    _, back = pullback(lambda x: {"a": x * x, "b": (x, x)}, 3.0, mode=mode)
    with pytest.raises(zyg.ValueArgumentError, match="cotangent"):
        back(dy)


@MODES
def test_cotangents_of_numbers(mode: str) -> None:
    _, back = pullback(lambda x: x * x, 3.0, mode=mode)
    for dy in (1j, "text", [1.0], np.ones(1)):
        with pytest.raises(zyg.ValueArgumentError, match="cotangent"):
            back(dy)
    for tangent in ("text", np.ones(2)):
        with pytest.raises(zyg.ValueArgumentError, match="tangent"):
            jvp(lambda x: x * x, (2.0,), (tangent,), mode=mode)


@MODES
def test_namespaces_are_arguments(mode: str) -> None:
    n = SimpleNamespace(a=2.0, b=[1.0, np.ones(2)], c="text")
    found = grad(lambda n: n.a * np.sum(n.b[1]) * n.b[0], mode=mode)(n)
    assert found.a == 2.0
    assert found.b[0] == 4.0
    assert found.b[1].tolist() == [2.0, 2.0]


@MODES
def test_namespaces_are_made(mode: str) -> None:
    def program(x: float) -> float:
        made = SimpleNamespace(a=x)
        made.a *= x
        made.b = made.a + 1
        return made.a * made.b

    assert grad(program, mode=mode)(2.0) == 36.0


# --- rules ------------------------------------------------------------------------------------------------


class Model:
    def __init__(self, w: Any) -> None:
        self.w, self.name, self.inner = w, "model", {"k": np.ones(2)}

    def predict(self, x: Any) -> Any:
        return self.w * x * np.sum(self.inner["k"])

    def both(self, x: Any) -> Any:
        return SimpleNamespace(y=self.w * x, z=x)


@MODES
@pytest.mark.parametrize("runs", ["native", "only Python"])
def test_rules_of_methods(runs: str, mode: str) -> None:
    @adjoint(Model.predict)
    def native(self: Any, x: Any) -> Any:
        inner = {"k": np.full(2, 3.0)}
        return self.w * x * 2.0, lambda dy: (SimpleNamespace(w=dy * x * 10, inner=inner), dy * self.w)

    @adjoint(Model.predict)
    def python(self: Any, x: Any) -> Any:
        exec("1")
        return native(self, x)

    adjoint(Model.predict)(native if runs == "native" else python)
    dm, dx = grad(lambda m, x: m.predict(x), (0, 1), mode=mode)(Model(3.0), 2.0)
    assert (dm.w, dx, dm.inner["k"].tolist()) == (20.0, 3.0, [3.0, 3.0])
    assert grad(Model(3.0).predict, mode=mode)(2.0) == 3.0

    @adjoint(Model.predict)
    def wrong(self: Any, x: Any) -> Any:
        return self.w * x, lambda dy: (SimpleNamespace(other=dy), dy * self.w)

    with pytest.raises(zyg.ValueArgumentError, match="the pullback of predict gives"):
        grad(lambda m, x: m.predict(x), (0, 1), mode=mode)(Model(3.0), 2.0)


@MODES
def test_rules_that_give_instances(mode: str) -> None:
    @adjoint(Model.both)
    def rule(self: Any, x: Any) -> Any:
        def back(dy: Any) -> Any:
            return {"w": dy.y * x * 10}, dy.y * self.w + dy.z

        return SimpleNamespace(y=self.w * x, z=x), back

    def program(m: Any, x: float) -> float:
        found = m.both(x)
        return found.y * 2 + found.z

    dm, dx = grad(program, (0, 1), mode=mode)(Model(3.0), 2.0)
    assert (dm.w, dx) == (40.0, 7.0)
    if mode == "native":
        return

    @adjoint(Model.both)
    def python(self: Any, x: Any) -> Any:
        exec("1")
        return rule(self, x)

    dm, dx = grad(program, (0, 1), mode=mode)(Model(3.0), 2.0)
    assert (dm.w, dx) == (40.0, 7.0)


def product(x: Any, a: Any = 1.0, b: Any = 2.0, *, c: Any = 3.0, d: Any = 4.0) -> Any:
    return x * a * b * c * d


def ruled(x: Any, a: Any = 1.0, b: Any = 2.0, *, c: Any = 3.0, d: Any = 4.0) -> Any:
    return x * a * b * c * d


@adjoint(ruled)
def _(x: Any, a: Any = 1.0, b: Any = 2.0, *, c: Any = 3.0, d: Any = 4.0) -> Any:
    def back(dy: Any) -> Any:
        return dy * a * b * c * d, dy * x * b * c * d, dy * x * a * c * d, dy * x * a * b * d, dy * x * a * b * c

    return x * a * b * c * d, back


CALLS: list[Any] = [
    lambda f, v: f(v),
    lambda f, v: f(v, b=v * 2),
    lambda f, v: f(2.0, b=v),
    lambda f, v: f(a=v, x=v * v),
    lambda f, v: f(v, d=v * 3),
    lambda f, v: f(v, d=v * 3, c=v * v),
    lambda f, v: f(b=v * 3, c=v * v, x=1.0),
    lambda f, v: f(v, v, v * 2, c=2.0 * v),
]


@MODES
@pytest.mark.parametrize("n", range(len(CALLS)))
def test_arguments_of_rules_by_name(n: int, mode: str) -> None:
    call = CALLS[n]
    expected = grad(lambda v: call(product, v))(1.5)
    assert grad(lambda v: call(ruled, v), mode=mode)(1.5) == pytest.approx(expected, rel=1e-12)


# --- pullbacks in functions that are differentiated ---------------------------------------------------------


def by_pullback(f: Any) -> Any:
    return lambda x: pullback(f, x)[1](1.0)[0]


@MODES
def test_pullbacks_inside(mode: str) -> None:
    def wave(x: float) -> float:
        return math.sin(x) * x**2

    assert grad(by_pullback(wave), mode=mode)(1.3) == pytest.approx(grad(grad(wave))(1.3), rel=1e-12)
    third = grad(grad(grad(wave)))(1.3)
    assert grad(by_pullback(by_pullback(wave)), mode=mode)(1.3) == pytest.approx(third, rel=1e-12)

    def structures(x: Any) -> Any:
        y, back = pullback(lambda v, p: {"a": np.sin(v) * p["s"], "b": p["s"] ** 2}, x, {"s": 2.0, "n": 1})
        dx, dp = back({"a": np.ones(2) * 3, "b": 1.0})
        return np.sum(dx * x) + dp["s"] + y["b"]

    x = np.array([0.3, 0.5])
    expected = 6 * np.cos(x) - 6 * x * np.sin(x) + 3 * np.cos(x)
    assert np.allclose(grad(structures, mode=mode)(x), expected, rtol=1e-12)

    def written(x: Any) -> Any:
        a = x * 2
        _, back = pullback(lambda v: v * v, a)
        a[:] = 7.0  # what it was when the pullback was taken counts
        return np.sum(back(np.ones(2))[0])

    assert grad(written, mode=mode)(x).tolist() == [4.0, 4.0]


# --- arguments by name ------------------------------------------------------------------------------------


@MODES
def test_arguments_that_are_passed_by_name_only(mode: str) -> None:
    def f(a: Any, *, c: Any = 4.0, d: Any = 1.0) -> Any:
        return a * c**2 * d

    assert grad(f, argnames="c", mode=mode)(2.0, c=3.0) == 12.0
    assert grad(f, argnames=("d", "a", "c"), mode=mode)(2.0, d=5.0, c=3.0) == (18.0, 45.0, 60.0)
    assert grad(grad(f, argnames="c", mode=mode), mode=mode)(2.0, c=3.0) == 6.0
    with pytest.raises(zyg.ValueArgumentError, match="'c' is not given"):
        grad(f, argnames="c", mode=mode)(2.0)
    assert grad(lambda a, b=3.0: a * b, argnames="b", mode=mode)(2.0) == 2.0


def test_parameters_as_vectors() -> None:
    w, b = np.arange(4.0).reshape(2, 2), np.array([5.0, 6.0])
    params = zyg.Params([w, b])
    flat = params.copy_to(np.empty(6))
    assert flat.tolist() == [0.0, 1.0, 2.0, 3.0, 5.0, 6.0]
    params.copy_from(flat * 2)
    assert (w[1].tolist(), b.tolist()) == ([4.0, 6.0], [10.0, 12.0])
    with pytest.raises(ValueError, match="a vector of 6 elements"):
        params.copy_from(np.zeros(5))


# --- what no gradient goes through, and no derivative is taken by -----------------------------------------------


@MODES
def test_instances_without_gradient(mode: str) -> None:
    assert grad(lambda d: zyg.stop_gradient(d).a * d.a, mode=mode)(Both(2.0, np.ones(2))).a == 2.0
    assert grad(lambda x: zyg.nograd(lambda v: Both(v, np.ones(2) * v))(x).a * x, mode=mode)(2.0) == 2.0
    assert grad(lambda x: zyg.ignore(lambda: Plain(x)).a * x, mode=mode)(2.0) == 2.0


@MODES
def test_one_argument_twice(mode: str) -> None:
    assert grad(lambda x, y: x * y, (0, 0), mode=mode)(3.0, 4.0) == (4.0, 4.0)
    first, second = grad(lambda x, y: np.sum(x * y), (0, -2), mode=mode)(np.ones(2), 4.0)
    assert first.tolist() == second.tolist() == [4.0, 4.0]
    assert not np.shares_memory(first, second)


@pytest.mark.parametrize(
    "value", [{2.0, 3.0}, deque([2.0]), Fraction(1, 2), Decimal("0.5"), np.ma.array([1.0]), np.array([1.0], object)]
)
def test_arguments_that_no_derivative_is_taken_by(value: Any) -> None:
    with pytest.raises(zyg.ArgumentError, match="no derivative is taken by an argument of type"):
        grad(lambda x, y: y * 2.0, mode="dynamic")(value, 1.0)
    assert grad(lambda x, y: y * 2.0, 1, mode="dynamic")(value, 1.0) == 2.0


@MODES
def test_what_must_be_functions(mode: str) -> None:
    for wrong in (
        lambda: adjoint(math.sinh)(5),  # type: ignore[arg-type]
        lambda: zyg.nograd(5),  # type: ignore[arg-type]
        lambda: zyg.checkpoint(5),  # type: ignore[arg-type]
        lambda: zyg.hook(5, 2.0),  # type: ignore[arg-type]
    ):
        with pytest.raises(zyg.ArgumentError, match="must be a function, not 5"):
            wrong()
    assert grad(math.sinh, mode=mode)(0.5) == pytest.approx(math.cosh(0.5))

    def f(x: float) -> float:
        return x

    @adjoint(f)
    def _(x: float) -> Any:
        return x, 5

    with pytest.raises(zyg.ValueArgumentError, match="must return a pair"):
        grad(lambda x: f(x) * 2.0, mode=mode)(2.0)
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        grad(f, mode=mode)()


class Member:
    """One of a tree whose members know their parent."""

    def __init__(self, w: float) -> None:
        self.w, self.children, self.parent = w, [], None  # type: ignore[var-annotated]

    def add(self, child: Any) -> Any:
        self.children.append(child)
        child.parent = self
        return self

    def value(self, x: Any) -> Any:
        return self.w * x + sum(child.value(x) for child in self.children)


def test_rules_of_instances_that_hold_each_other() -> None:
    root = Member(2.0)
    for _ in range(5):
        root.add(Member(1.0).add(Member(3.0)))

    @adjoint(Member.value)
    def _(self: Any, x: Any) -> Any:
        return self.w * x, lambda dy: ({"w": dy * x * 10}, dy * self.w)

    dm, dx = grad(lambda m, x: m.value(x), (0, 1), mode="dynamic")(root, 3.0)
    assert (dm.w, dm.children[0].w, dm.children[0].parent is dm, dx) == (30.0, 0.0, True, 2.0)
    assert grad(lambda m: zyg.stop_gradient(m).children[0].w * m.w, mode="dynamic")(root).w == 1.0


def held(p: Any) -> Any:
    a, b = (p["a"], p["b"]) if isinstance(p, dict) else (p.a, p.b) if hasattr(p, "a") else (p[0], p[1])
    return a * b * b


COTANGENTS: list[tuple[Any, Any, bool]] = [  # an argument of `held`, a cotangent for 1, does it fit?
    ({"a": 2.0, "b": 3.0}, {"b": 12.0, "a": 9.0}, True),
    ({"a": 2.0, "b": 3.0}, {"a": 9.0}, True),
    ({"a": 2.0, "b": 3.0}, {"a": 9.0, "c": 12.0}, False),
    ({"a": 2.0, "b": 3.0}, (9.0, 12.0), False),
    (Both(2.0, 3.0), {"b": 12.0, "a": 9.0}, True),
    (Both(2.0, 3.0), SimpleNamespace(a=9.0), True),
    (Both(2.0, 3.0), ((9.0, 12.0),), False),
    (Pair(2.0, 3.0), [9.0, 12.0], True),
    (Pair(2.0, 3.0), SimpleNamespace(q=12.0, p=9.0), False),
    ([2.0, 3.0], {"b": 12.0, "a": 9.0}, False),
]


@MODES
@pytest.mark.parametrize("runs", ["native", "only Python"])
@pytest.mark.parametrize("n", range(len(COTANGENTS)))
def test_cotangents_go_by_name_or_by_position(n: int, runs: str, mode: str) -> None:
    argument, cotangent, fits = COTANGENTS[n]

    @adjoint(held)
    def native(p: Any) -> Any:
        return held(p), lambda dy: cotangent

    @adjoint(held)
    def python(p: Any) -> Any:
        exec("1")
        return held(p), lambda dy: cotangent

    adjoint(held)(native if runs == "native" else python)
    gradient = grad(lambda p: held(p), mode=mode)
    if not fits:
        with pytest.raises(zyg.ValueArgumentError, match="pullback of held gives"):
            gradient(argument)
        return
    found = gradient(argument)
    items = list(found.values() if isinstance(found, dict) else vars(found).values() if is_both(found) else found)
    assert items == [9.0, 12.0 if len(items_in(cotangent)) == 2 else 0.0]


def is_both(value: Any) -> bool:
    return isinstance(value, Both)


def items_in(value: Any) -> list[Any]:
    return list(vars(value)) if hasattr(value, "__dict__") else list(value)


TANGENTS: list[tuple[Any, Any, float | None]] = [  # an argument of `held`, its tangent, and what moves by it
    ({"a": 2.0, "b": 3.0}, {"b": 0.0, "a": 1.0}, 9.0),
    ({"a": 2.0, "b": 3.0}, {"a": 1.0}, None),
    ({"a": 2.0, "b": 3.0}, {"c": 1.0, "d": 0.0}, None),
    ({"a": 2.0, "b": 3.0}, (1.0, 0.0), None),
    (Both(2.0, 3.0), {"b": 1.0}, 12.0),
    (Both(2.0, 3.0), (1.0, 0.0), None),
    (Plain(2.0, 3.0), SimpleNamespace(c=1.0), None),
    ([2.0, 3.0], {"a": 1.0, "b": 0.0}, None),
]


@MODES
@pytest.mark.parametrize("n", range(len(TANGENTS)))
def test_tangents_go_by_name_or_by_position(n: int, mode: str) -> None:
    zyg.reading.custom.RULES.pop(held, None)
    argument, tangent, expected = TANGENTS[n]
    if expected is None:
        with pytest.raises(zyg.ValueArgumentError, match="tangent"):
            jvp(held, (argument,), (tangent,), mode=mode)
        with pytest.raises(zyg.ValueArgumentError, match="tangent"):
            grad(lambda x: jvp(lambda p: held(p) * x, (argument,), (tangent,))[1], mode=mode)(1.0)
    else:
        assert jvp(held, (argument,), (tangent,), mode=mode) == (18.0, expected)


@MODES
def test_tangents_of_functions(mode: str) -> None:
    def made(a: float, b: float) -> Any:
        return lambda x: a * x + b * b

    assert jvp(lambda f: f(2.0), (made(3.0, 5.0),), (SimpleNamespace(b=1.0, a=0.0),), mode=mode) == (31.0, 10.0)
    assert jvp(lambda f: f(2.0), (made(3.0, 5.0),), (SimpleNamespace(b=1.0),), mode=mode) == (31.0, 10.0)
    with pytest.raises(zyg.ValueArgumentError, match="tangent"):
        jvp(lambda f: f(2.0), (made(3.0, 5.0),), ((1.0, 0.0),), mode=mode)
