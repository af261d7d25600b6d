"""Every contender of every row, for pytest-benchmark: `python -m pytest -n 0 bench --benchmark-only`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.threads import pin

pin()

import numpy as np  # noqa: E402

from bench.row import Row  # noqa: E402
from bench.rows import LONG_LOOP, ROWS  # noqa: E402

CASES = [
    pytest.param(row, contender, id=f"{row.name}: {name}")
    for row in (*ROWS, LONG_LOOP)
    for name, contender in row.contenders().items()
]


def parts(derivative: Any) -> list[Any]:
    """The arrays in it."""
    if isinstance(derivative, tuple):
        return [part for item in derivative for part in parts(item)]
    return [np.asarray(derivative, float)]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in (*ROWS, LONG_LOOP)])
def test_contenders_agree(row: Row) -> None:
    trial = row.others(row.trial) | row.unwrapped()
    del trial["primal"]
    values = {name: parts(fn(*row.trial)) for name, fn in trial.items()}
    for name, value in values.items():
        for got, want in zip(value, values["zyg"], strict=True):
            assert np.allclose(got, want, rtol=1e-9, atol=1e-11), name


@pytest.mark.benchmark(max_time=0.5, min_rounds=1)
@pytest.mark.parametrize(("row", "contender"), CASES)
def test_speed(benchmark: Any, row: Row, contender: Callable[..., Any]) -> None:
    benchmark.group = row.name
    contender(*row.args)
    benchmark(contender, *row.args)
