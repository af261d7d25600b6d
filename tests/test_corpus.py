"""The corpus: values, gradients, tangents and second derivatives against differences of the plain function."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import corpus
import pytest
from reference import (
    Estimate,
    Line,
    cotangent_for,
    differentiable,
    inner,
    is_complex,
    is_integer,
    is_number,
    is_real,
    reals,
    rebuilt,
    weights,
)
from scalarised import contracted, direction, scalarised

import zyg

PROGRAMS = [program for program in corpus.load() if not program.refused]
REFUSED = [pytest.param(program, id=program.name) for program in corpus.load() if program.refused]
CASES = [
    pytest.param(program, point, id=program.name if k == 0 else f"{program.name}-{k}")
    for program in PROGRAMS
    for k, point in enumerate(program.points)
]
# Half of the tangents and second derivatives by default, all with ZYG_CORPUS=all.
STEP = 1 if os.environ.get("ZYG_CORPUS") == "all" else 2
FORWARD = CASES[::STEP]
SECOND = [case for case in CASES if case.values[0].order == 2][::STEP]

RTOL_SECOND = 1e-7


def line_of(program: corpus.Program, point: tuple[Any, ...]) -> Line:
    """The program at a point, contracted with a cotangent of its result."""
    argnums = program.argnums if program.argnums is not None else differentiable(point)
    y = program.fn(*point)
    return Line(program.fn, point, argnums, 1.0 if is_number(y) else cotangent_for(y))


@cache
def _gradient(name: str, index: int) -> tuple[Estimate, ...]:
    program = next(program for program in PROGRAMS if program.name == name)
    return tuple(line_of(program, program.points[index]).gradient())


def expected_gradient(program: corpus.Program, point: tuple[Any, ...]) -> list[float]:
    """The gradient by all arguments asked for, as real numbers."""
    index = program.points.index(point)
    if program.exact is not None:
        return list(reals(tuple(rebuilt(program.exact[index], float_of_int))))
    return [estimate.value for estimate in _gradient(program.name, index)]


def float_of_int(x: Any) -> Any:
    return float(x) if is_integer(x) else x


def assert_near(actual: list[float], expected: list[float], rtol: float, what: str) -> None:
    scale = max([1.0, *map(abs, expected)])
    assert len(actual) == len(expected), f"{what}: {len(actual)} numbers, expected {len(expected)}"
    for got, want in zip(actual, expected, strict=True):
        assert abs(got - want) <= rtol * scale, f"{what}: got {actual}, expected {expected}"


def assert_same_value(actual: Any, expected: Any, rtol: float) -> None:
    """Equal in structure, exactly equal where not floating, equal to rounding elsewhere."""
    if isinstance(expected, tuple):
        assert type(actual) is type(expected)
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same_value(a, e, rtol)
    elif is_real(expected) or is_complex(expected):
        assert is_complex(actual) == is_complex(expected)
        assert abs(actual - expected) <= rtol * max(1.0, abs(expected))
    else:
        assert actual == expected


def assert_fits(gradient: Any, argument: Any, top: bool = True) -> None:
    """A gradient has the structure of its argument; ints inside containers have None."""
    if isinstance(argument, tuple):
        assert type(gradient) is type(argument)
        assert len(gradient) == len(argument)
        for g, a in zip(gradient, argument, strict=True):
            assert_fits(g, a, top=False)
    elif is_complex(argument):
        assert isinstance(gradient, complex)
    elif is_real(argument):
        assert isinstance(gradient, float)
    elif top and is_integer(argument):
        assert isinstance(gradient, int | float)
    else:
        assert gradient is None


@pytest.mark.parametrize(("program", "point"), CASES)
def test_reference_is_trustworthy(program: corpus.Program, point: tuple[Any, ...]) -> None:
    """Points are far enough from kinks for differences to converge."""
    line = line_of(program, point)
    if program.exact is not None:
        assert len(expected_gradient(program, point)) == line.size
        return
    first = _gradient(program.name, program.points.index(point))
    assert max((e.error for e in first), default=0.0) <= 1e-12 * max([1.0, *(abs(e.value) for e in first)])
    if program.order == 2:
        second = line.hessian_times(weights(line.size))
        assert max((e.error for e in second), default=0.0) <= 1e-9 * max([1.0, *(abs(e.value) for e in second)])


@pytest.mark.parametrize(("program", "point"), CASES)
def test_reverse(program: corpus.Program, point: tuple[Any, ...]) -> None:
    line = line_of(program, point)
    plain = program.fn(*point)
    if is_number(plain):
        y, gradients = zyg.value_and_grad(program.fn, line.argnums)(*point)
    else:
        y, back = zyg.pullback(program.fn, *point)
        everything = back(line.cotangent)
        gradients = tuple(everything[i] for i in line.argnums)
    assert_same_value(y, plain, min(program.rtol, 1e-11) if program.rtol < 1e-8 else program.rtol)
    for i, gradient in zip(line.argnums, gradients, strict=True):
        assert_fits(gradient, point[i])
    actual = list(reals(rebuilt(tuple(gradients), float_of_int)))
    assert_near(actual, expected_gradient(program, point), program.rtol, "gradient")


@pytest.mark.parametrize(("program", "point"), FORWARD)
def test_forward(program: corpus.Program, point: tuple[Any, ...]) -> None:
    line = line_of(program, point)
    steps = weights(line.size)
    feed = iter(steps)

    def tangent(x: Any) -> Any:
        return complex(next(feed), next(feed)) if is_complex(x) else next(feed) if is_real(x) else None

    tangents: list[Any] = [0 if is_integer(arg) else rebuilt(arg, lambda x: 0.0 * x) for arg in point]
    for i in line.argnums:
        tangents[i] = next(feed) if is_integer(point[i]) else rebuilt(point[i], tangent)
    y, dy = zyg.jvp(program.fn, point, tuple(tangents))
    plain = program.fn(*point)
    assert_same_value(y, plain, max(1e-11, program.rtol if program.rtol > 1e-8 else 0.0))
    along = sum(g * s for g, s in zip(expected_gradient(program, point), steps, strict=True))
    assert_near([inner(line.cotangent, dy)], [along], program.rtol, "tangent")


@pytest.mark.parametrize(("program", "point"), SECOND)
def test_second_order(program: corpus.Program, point: tuple[Any, ...]) -> None:
    line = line_of(program, point)
    flat = scalarised(program.name, program.fn, point, line.argnums, program.fn(*point), line.cotangent)
    gradient = zyg.grad(flat.fn, flat.active)
    hessian_times = zyg.grad(contracted(program.name, gradient, flat), flat.active)
    actual = list(reals(rebuilt(tuple(hessian_times(*flat.leaves)), float_of_int)))
    expected = [estimate.value for estimate in line.hessian_times(direction(flat))]
    assert_near(actual, expected, RTOL_SECOND, "Hessian times a direction")


@pytest.mark.parametrize("program", REFUSED)
def test_refused(program: corpus.Program) -> None:
    """The error names the reason and the user's line."""
    (point,) = program.points
    program.fn(*point)
    with pytest.raises(zyg.UnsupportedError, match=program.refused) as raised:
        zyg.gradient(program.fn, *point, mode="native")
    assert corpus.__path__[0] in str(raised.value)
