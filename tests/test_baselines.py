"""The hand-written derivatives that zyg is measured against are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from reference import Line

from bench.rows import LONG_LOOP, ROWS, Row

CASES = [
    pytest.param(row, fn, id=f"{row.program.__name__} {way}".strip())
    for row in (*ROWS, LONG_LOOP)
    for way, fn in row.hand.items()
]


@pytest.mark.parametrize(("row", "fn"), CASES)
def test_agrees_with_differences(row: Row, fn: Callable[..., Any]) -> None:
    argnums = (row.argnums,) if isinstance(row.argnums, int) else row.argnums
    expected = Line(row.program, row.trial, argnums).gradient()
    actual = fn(*row.trial)
    actual = (actual,) if isinstance(row.argnums, int) else actual
    for got, want in zip(actual, expected, strict=True):
        assert abs(got - want.value) <= 1e-10 * max(1.0, abs(want.value))
