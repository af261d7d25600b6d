"""The hand-written derivatives that zyg is measured against are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from reference import Line

import zyg
from bench.row import Row
from bench.rows import ARRAY_ROWS, LONG_LOOP, SCALAR_ROWS

PROGRAMS = {row.program: row for row in ARRAY_ROWS}


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


def slope(row: Row, places: tuple[int, ...], directions: list[Any]) -> float:
    """The derivative of the program along `directions`, by differences of the fourth order."""

    def at(step: float) -> float:
        args = list(row.trial)
        for place, direction in zip(places, directions, strict=True):
            args[place] = args[place] + step * direction
        return float(row.program(*args))

    h = 1e-3
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@pytest.mark.parametrize(("row", "fn"), cases(PROGRAMS.values()))
def test_arrays_agree_with_differences_and_zyg(row: Row, fn: Callable[..., Any]) -> None:
    places = (row.argnums,) if isinstance(row.argnums, int) else row.argnums
    found = [
        g if isinstance(row.argnums, tuple) else (g,)
        for g in (fn(*row.trial), zyg.grad(row.program, row.argnums)(*row.trial))
    ]
    for by_hand, own in zip(*found, strict=True):
        np.testing.assert_allclose(own, by_hand, rtol=1e-9, atol=1e-12)
    rng = np.random.default_rng(0)
    directions = [rng.normal(size=np.shape(row.trial[place])) for place in places]
    expected = slope(row, places, directions)
    along = sum(float(np.sum(g * d)) for g, d in zip(found[0], directions, strict=True))
    assert abs(along - expected) <= 1e-8 * max(1.0, abs(expected))
