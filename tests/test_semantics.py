"""Programs mean in native code and in dynamic mode what they mean in a plain call."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import pytest
import semantics
from semantics.registry import PROGRAMS

import zyg

assert semantics.__all__


def slope(fn: Any, x: float, h: float = 1e-3) -> float:
    """f'(x), by differences of fourth order."""
    return float(8 * (fn(x + h) - fn(x - h)) - (fn(x + 2 * h) - fn(x - 2 * h))) / (12 * h)


@pytest.mark.parametrize("mode", ["auto", "dynamic"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, mode: str) -> None:
    fn = PROGRAMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zyg.DynamicModeWarning)
        first = zyg.grad(fn, mode=mode)
        for x in (0.37, 0.81):
            y, g = zyg.value_and_grad(fn, mode=mode)(x)
            assert math.isclose(y, fn(x), rel_tol=1e-13)
            assert g == pytest.approx(slope(fn, x), rel=1e-7, abs=1e-7)
            assert zyg.grad(first, mode=mode)(x) == pytest.approx(slope(first, x), rel=1e-6, abs=1e-6)
        if mode == "auto":
            assert zyg.jvp(fn, (x,), (1.0,))[1] == pytest.approx(g, rel=1e-7, abs=1e-7)


class Point(NamedTuple):
    x: float
    y: float = 2.0

    def __add__(self, other: Any) -> Any:
        return Point(self.x + other.x, self.y + other.y)


def always(x: float) -> float:
    raise KeyError(f"no {x}", x)


def reraised(x: float) -> float:
    raise ValueError("v") from KeyError("k")


def not_implemented(x: float) -> float:
    raise NotImplementedError


def calls_it(x: float) -> float:
    return 2 * not_implemented(x)


def too_many(x: float) -> Any:
    return Point(x, x, x).x


def number_and_text(x: Any) -> Any:
    return x + "s"


def text_compared(x: Any) -> Any:
    return x < "s"


def none_added(x: Any) -> Any:
    return x + [None][int(x)]


def number_indexed(x: Any) -> Any:
    return x[0]


def no_absolute_value(x: Any) -> Any:
    return abs([x, x])


def popped(x: Any) -> Any:
    return [].pop() * x


@pytest.mark.parametrize("mode", ["auto", "dynamic"])
@pytest.mark.parametrize(
    "fn",
    [
        *(always, reraised, not_implemented, calls_it, too_many, number_and_text, text_compared, none_added),
        *(number_indexed, no_absolute_value, popped),
    ],
)
def test_exceptions_are_those_of_a_plain_call(fn: Any, mode: str) -> None:
    with pytest.raises(Exception) as plain:
        fn(0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zyg.DynamicModeWarning)
        with pytest.raises(type(plain.value)) as caught:
            zyg.grad(fn, mode=mode)(0.5)
    assert type(caught.value) is type(plain.value)
    assert caught.value.args == plain.value.args
    assert repr(caught.value.__cause__) == repr(plain.value.__cause__)
    assert caught.traceback[-1].lineno == plain.traceback[-1].lineno


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_what_classes_define_is_seen_again(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Holder:
        def __init__(self, x: Any) -> None:
            self._x = x

        @property
        def x(self) -> Any:
            return self._x

        @x.setter
        def x(self, value: Any) -> None:
            self._x = value

    def added(x: Any) -> Any:
        return (Point(x) + Point(x)).x

    def assigned(x: Any) -> Any:
        made = Holder(x)
        made.x = x * x
        return made.x

    def tested(x: Any) -> Any:
        return x if Holder(x) else 3 * x

    sums, sets, tests = (zyg.grad(fn, mode=mode) for fn in (added, assigned, tested))
    assert (sums(3.0), sets(3.0), tests(3.0)) == (2.0, 6.0, 1.0)
    monkeypatch.setattr(Point, "__add__", lambda self, other: Point(self.x * other.x))

    def fivefold(self: Any, value: Any) -> None:
        self._x = 5 * value

    monkeypatch.setattr(Holder, "x", Holder.x.setter(fivefold))
    monkeypatch.setattr(Holder, "__bool__", lambda self: False, raising=False)
    assert (sums(3.0), sets(3.0), tests(3.0)) == (6.0, 30.0, 3.0)
