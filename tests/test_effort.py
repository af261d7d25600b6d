"""What compiling costs, in calls of Python functions: the same on every machine, and most of what a first call takes.

Programs of twice the length may cost somewhat more than twice as much, and none much more than when these bounds were
set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg
from zyg.passes import ranges

VECTOR = np.linspace(0.2, 1.1, 6)
MATRIX = np.linspace(0.2, 1.1, 9).reshape(3, 3) + np.eye(3)
STATEMENTS = {
    "elementwise": ("x = np.sin(x) * x + 1.0; x = np.where(x > 0.5, x, x * x)", VECTOR),
    "reduced": ("x = x - np.mean(x); x = x / np.sqrt(np.sum(x * x) + 1.0)", VECTOR),
    "in a loop": ("for i in range(1, len(x)): x[i] = x[i] + x[i - 1] * 0.5", VECTOR),
    "products": ("x = np.tanh(x @ x.T)", MATRIX),
    "factorized": ("x = np.linalg.cholesky(x @ x.T + np.eye(len(x)))", MATRIX),
}
# Calls in thousands, half as many again as there were
WHOLE = {
    "scalar": (60, "for i in range(9): x = np.sin(x) * (x - 0.1 * i) if x > 0.0 else x * x", 0.5),
    "ten lines": (
        2100,
        "y = np.tanh(x * x); z = y - np.mean(y); s = np.sum(z**2); m = np.maximum(z, 0.1); a = np.sort(m); "
        "b = a[1:] * a[:-1]; c = np.cumsum(b); d = np.where(c > 0.1, c, -c); x = np.dot(d, d) * s",
        VECTOR,
    ),
    "svd": (2800, "u, s, v = np.linalg.svd(x); x = u * s", MATRIX),
}


def effort(statement: str, times: int, x: Any) -> int:
    """Calls of Python functions in the first call of a gradient of a function never seen before."""

    def written() -> Callable[..., Any]:
        scope: dict[str, Any] = {"np": np}
        body = "".join(f"    {statement}\n" for _ in range(times))
        exec(f"def f(x):\n{body}    return np.sum(x)", scope)
        found: Callable[..., Any] = scope["f"]
        return found

    zyg.grad(written(), mode="native")(np.copy(x)[()])  # zyg's own functions have been read before
    ranges._exhausted.clear()
    count = 0

    def see(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event == "call"

    gradient = zyg.grad(written(), mode="native")
    before = sys.getprofile()
    sys.setprofile(see)
    try:
        gradient(np.copy(x)[()])
    finally:
        sys.setprofile(before)
    return count


@pytest.fixture(autouse=True)
def _unverified(monkeypatch):
    if "ZYG_VERIFY" in os.environ:
        monkeypatch.delenv("ZYG_VERIFY")


@pytest.mark.parametrize("statement, x", STATEMENTS.values(), ids=STATEMENTS)
def test_twice_as_much_code_costs_little_more_than_twice_as_much(statement, x):
    once, twice = effort(statement, 4, x), effort(statement, 8, x)
    assert once < twice < 2.9 * once


@pytest.mark.parametrize("thousands, statement, x", WHOLE.values(), ids=WHOLE)
def test_compiling_costs_no_more_than_it_did(thousands, statement, x):
    assert effort(statement, 1, x) < 1000 * thousands
