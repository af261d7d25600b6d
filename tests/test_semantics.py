"""Programs mean in native code and in dynamic mode what they mean in a plain call."""

from __future__ import annotations

import math
import sys
import warnings
from typing import Any, NamedTuple

import numpy as np
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


NATIVE = (
    "matrix_list",
    "net_prog",
    "nbody",
    "stack_prog",
    "np_inplace",
    "np_views",
    "rk4",
    "imp1",
    "imp2",
    "imp3",
    "imp_nested",
    "imp_loop",
    "dc3",
    "dc_tree",
    "dc_gd",
    "du2",
    "du3",
    "strs",
    "zip_map",
    "iadd_obj",
)


@pytest.mark.parametrize("name", NATIVE)
def test_these_are_compiled(name: str) -> None:
    zyg.grad(PROGRAMS[name], mode="native")(0.37)


def perhaps_nothing(x: Any) -> Any:
    if x > 0:
        return x * x


def never_called_so(x: Any) -> Any:
    if x > 100:
        return (lambda a: a)(x, x)
    return 3 * x


@pytest.mark.parametrize(("fn", "slope"), [(perhaps_nothing, 1.0), (never_called_so, 3.0)])
def test_what_is_wrong_on_other_paths_does_not_matter(fn: Any, slope: float) -> None:
    with pytest.warns(zyg.DynamicModeWarning):
        assert zyg.grad(fn)(0.5) == slope
    with pytest.raises(zyg.UnsupportedError):
        zyg.grad(fn, mode="native")(0.5)


def some_keys(x: Any) -> Any:
    made = {k: v for k, v in {"a": x, "b": x * x}.items() if v > 0.5}
    return sum(made.values())


def test_keys_that_are_not_there_at_run_time_are_for_dynamic_mode() -> None:
    grad = zyg.grad(some_keys)
    assert grad(0.9) == 1 + 1.8
    with pytest.warns(zyg.DynamicModeWarning, match="all there"):
        assert grad(0.6) == 1.0
    assert grad(0.9) == 1 + 1.8
    with pytest.raises(zyg.UnsupportedError, match="all there"):
        zyg.grad(some_keys, mode="native")(0.6)
    zyg.refresh()
    assert zyg.hessian(some_keys)(0.6) == 0.0
    assert zyg.pullback(some_keys, 0.6)[1](1.0) == (1.0,)


def printing(x: Any, a: Any) -> Any:
    print("once")
    return np.sum((x + a) ** 2)


def test_what_prints_is_not_run_again_where_a_dimension_happens_to_be_1(capsys: pytest.CaptureFixture[str]) -> None:
    for n in (3, 1):
        assert np.allclose(zyg.grad(printing)(np.ones(3), np.full(n, 2.0)), 6.0)
        assert capsys.readouterr().out == "once\n"


def test_imports_of_modules_that_are_not_there_yet(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zyg_test_module.py").write_text("print('imported')\ndef f(x): return 3 * x\n")
    monkeypatch.syspath_prepend(tmp_path)

    def user(x: Any) -> Any:
        from zyg_test_module import f

        return f(x)

    with pytest.raises(zyg.UnsupportedError, match="not been imported yet"):
        zyg.grad(user, mode="native")(1.0)
    with pytest.warns(zyg.DynamicModeWarning):
        assert zyg.grad(user)(1.0) == 3.0
    grad = zyg.grad(user, mode="native")
    assert grad(1.0) == 3.0
    monkeypatch.setattr(sys.modules["zyg_test_module"], "f", lambda x: 5 * x)
    assert grad(1.0) == 5.0
    del sys.modules["zyg_test_module"]


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_arguments_by_name_of_derivatives_inside(mode: str) -> None:
    def outer(x: Any) -> Any:
        return zyg.grad(lambda a, c=2.0: a * c**2, argnames="c")(x, c=x)

    assert zyg.grad(outer, mode=mode)(1.5) == pytest.approx(4 * 1.5)
