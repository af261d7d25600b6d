"""The corpus of native mode in dynamic mode: the same values and gradients."""

from __future__ import annotations

import types
from typing import Any

import corpus
import pytest
from reference import is_number, reals, rebuilt
from test_corpus import assert_fits, assert_near, assert_same_value, expected_gradient, float_of_int, line_of

import zyg
from zyg.dynamic import callees
from zyg.dynamic.callees import callee_of

CASES = [
    pytest.param(program, point, id=program.name if k == 0 else f"{program.name}-{k}")
    for program in corpus.load()
    if not program.refused
    for k, point in enumerate(program.points)
]


@pytest.mark.parametrize(("program", "point"), CASES)
def test_reverse(program: corpus.Program, point: tuple[Any, ...]) -> None:
    line = line_of(program, point)
    plain = program.fn(*point)
    if is_number(plain):
        y, gradients = zyg.value_and_grad(program.fn, line.argnums, mode="dynamic")(*point)
    else:
        y, back = zyg.pullback(program.fn, *point, mode="dynamic")
        everything = back(line.cotangent)
        gradients = tuple(everything[i] for i in line.argnums)
    assert_same_value(y, plain, 1e-14)
    for i, gradient in zip(line.argnums, gradients, strict=True):
        assert_fits(gradient, point[i])
    actual = list(reals(rebuilt(tuple(gradients), float_of_int)))
    assert_near(actual, expected_gradient(program, point), program.rtol, "gradient")


def _has_loop(fn: Any) -> bool:
    return isinstance(fn, types.FunctionType) and callee_of(fn.__code__) is not None


LOOPS = [case for case in CASES if _has_loop(case.values[0].fn)]


@pytest.mark.parametrize(("program", "point"), LOOPS[::4])
def test_called(monkeypatch: Any, program: corpus.Program, point: tuple[Any, ...]) -> None:
    """As functions that are called, which native code runs: results are of the class that CPython gives."""
    plain = program.fn(*point)
    if not is_number(plain):
        return
    argnums = line_of(program, point).argnums
    seen: list[Any] = []

    def program_called(*args: Any) -> Any:
        y = program.fn(*args)
        seen.append(type(y))
        return y

    y, expected = zyg.value_and_grad(program_called, argnums, mode="dynamic")(*point)
    monkeypatch.setattr(callees, "WORTH", -1)
    value, found = zyg.value_and_grad(program_called, argnums, mode="dynamic")(*point)
    assert_same_value(value, y, 1e-13)
    assert_near(list(reals(found)), list(reals(expected)), 1e-10, "gradient")
    assert seen == [type(plain)] * 2
