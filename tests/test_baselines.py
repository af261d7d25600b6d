"""The hand-written derivatives that zyg is measured against are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from reference import Line

import zyg
from bench.row import Row
from bench.rows import ARRAY_ROWS, LONG_LOOP, SCALAR_ROWS

PROGRAMS = {(row.program, row.derivative): row for row in ARRAY_ROWS}.values()


def cases(rows: Any) -> list[Any]:
    return [
        pytest.param(row, fn, id=f"{row.program.__name__} {way}".strip())
        for row in rows
        for way, fn in row.hand.items()
    ]


@pytest.mark.parametrize(("row", "fn"), cases((*SCALAR_ROWS, LONG_LOOP)))
def test_agrees_with_differences(row: Row, fn: Callable[..., Any]) -> None:
    argnums = (row.argnums,) if isinstance(row.argnums, int) else row.argnums
    expected = Line(row.program, row.trial, argnums).gradient()
    actual = fn(*row.trial)
    actual = (actual,) if isinstance(row.argnums, int) else actual
    for got, want in zip(actual, expected, strict=True):
        assert abs(got - want.value) <= 1e-10 * max(1.0, abs(want.value))


def slopes(row: Row, places: tuple[int, ...], directions: Sequence[Any]) -> list[Any]:
    """The derivatives along `directions`, by differences of the fourth order, of what the row's derivative is of."""
    fn = zyg.grad(row.program, row.argnums) if row.derivative.second else row.program

    def at(step: float) -> list[Any]:
        args = [np.copy(arg) if isinstance(arg, np.ndarray) else arg for arg in row.derivative.own(row.trial)]
        for place, direction in zip(places, directions, strict=True):
            args[place] = args[place] + step * direction
        return parts(fn(*args))

    h = 1e-3
    ends = zip(at(h), at(-h), at(2 * h), at(-2 * h), strict=True)
    return [(8 * (one - other) - (two - far)) / (12 * h) for one, other, two, far in ends]


def parts(derivative: Any) -> list[Any]:
    """The arrays in it."""
    if isinstance(derivative, tuple):
        return [part for item in derivative for part in parts(item)]
    return [np.asarray(derivative, float)]


@pytest.mark.parametrize(("row", "fn"), cases(PROGRAMS))
def test_arrays_agree_with_differences_and_zyg(row: Row, fn: Callable[..., Any]) -> None:
    found = fn(*row.trial)
    own = row.derivative.zyg(row.program, row.argnums)(*row.trial)
    for by_zyg, by_hand in zip(parts(own), parts(found), strict=True):
        np.testing.assert_allclose(by_zyg, by_hand, rtol=1e-9, atol=1e-12)
    places = (row.argnums,) if isinstance(row.argnums, int) else row.argnums
    rng = np.random.default_rng(0)
    directions = tuple(rng.normal(size=np.shape(row.trial[place])) for place in places)
    if row.derivative.vector:
        directions = row.trial[-1] if isinstance(row.argnums, tuple) else row.trial[-1:]
    along, expected = parts(row.derivative.along(found, directions)), slopes(row, places, directions)
    for one, other in zip(along, expected, strict=True):
        assert np.max(np.abs(one - other)) <= 1e-8 * max(1.0, np.max(np.abs(other)))
