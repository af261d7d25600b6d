"""What was not chosen gets no cotangent, whatever its derivative is where it is undefined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg
from zyg.adjoint.gates import through_gates
from zyg.adjoint.mirrored import accumulate
from zyg.ir.program import Block, Const, Op, Pos, Program, Return, Var
from zyg.ir.scalars import b1, f8
from zyg.rules import primitives as p

SUMS: dict[str, tuple[Callable[[Any], Any], list[float], list[float], list[float]]] = {
    # at these points, the first and the second derivatives of the terms
    "log": (lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), [0.0, 2.0, -1.0], [0, 0.5, 0], [0, -0.25, 0]),
    "reciprocal": (lambda x: np.sum(np.where(x != 0, 1 / x, x)), [0.0, 2.0], [1, -0.25], [0, 0.25]),
    "sinc": (lambda x: np.sum(np.where(x == 0, 1.0, np.sin(x) / x)), [0.0, np.pi], [0, -1 / np.pi], [0, 2 / np.pi**2]),
    "entropy": (lambda x: np.sum(np.where(x > 0, x * np.log(x), 0.0)), [0.0, 1.0, -1.0], [0, 1, 0], [0, 1, 0]),
    "sqrt": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), [0.0, 4.0, -4.0], [0, 0.25, 0], [0, -1 / 32, 0]),
    "power": (lambda x: np.sum(np.where(x > 0, x**0.5, 0.0)), [0.0, 4.0, -4.0], [0, 0.25, 0], [0, -1 / 32, 0]),
    "floor": (lambda x: np.sum(np.maximum(np.log(x), -3.0)), [0.0, 2.0], [0, 0.5], [0, -0.25]),
    "ceiling": (lambda x: np.sum(np.minimum(1 / x, 3.0)), [0.0, 2.0], [0, -0.25], [0, 0.25]),
    "root of a floor": (lambda x: np.sum(np.sqrt(np.maximum(x, 0.0))), [-1.0, 4.0], [0, 0.25], [0, -1 / 32]),
}


@pytest.mark.parametrize("name", SUMS)
def test_there_is_no_cotangent_of_what_was_not_chosen(name: str) -> None:
    f, at, first, second = SUMS[name]
    x, ones = np.array(at), np.ones(len(at))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(zyg.grad(f)(x), first, atol=1e-15)
        np.testing.assert_allclose(zyg.hvp(f)(x, ones), second, atol=1e-14)
        np.testing.assert_allclose(zyg.grad(lambda x: np.sum(zyg.grad(f)(x)))(x), second, atol=1e-14)


def test_roots_of_floors_in_memory_have_second_derivatives() -> None:
    """The variance of a stochastic volatility model, cut off at 0: arrays that several statements read."""

    def f(p: Any) -> Any:
        v, s = np.full(2, p[0]), np.full(2, 1.0)
        for t in range(3):
            positive = np.maximum(v, 0)
            s *= np.exp(0.1 * np.sqrt(positive) * steps[:, t])
            v += 0.3 * (0.04 - positive) + p[1] * np.sqrt(positive) * steps[:, t]
        return np.sum(s)

    steps = np.array([[-3.0, 0.1, 0.4], [0.2, 0.5, -0.3]])
    p_, w = np.array([0.04, 0.5]), np.array([0.3, 0.2])
    forward = zyg.hvp(f)(p_, w)
    h = 1e-6
    differences = (zyg.grad(f)(p_ + h * w) - zyg.grad(f)(p_ - h * w)) / (2 * h)
    np.testing.assert_allclose(forward, differences, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(zyg.grad(lambda p: np.sum(zyg.grad(f)(p) * w))(p_), forward, rtol=1e-12)


def test_nan_of_the_users_own_stays() -> None:
    x = np.array([0.0, 2.0])
    with np.errstate(all="ignore"):
        value, gradient = zyg.value_and_grad(lambda x: np.sum(np.where(x > 0, x, 0.0) * np.log(x)))(x)
    assert np.isnan(value)
    assert np.isnan(gradient[0]) or np.isinf(gradient[0])


def test_a_gate_moves_behind_what_is_linear() -> None:
    pos = Pos("", 0, "f")
    cond, dy, d, gated, share, total, out = Var(b1), Var(f8), Var(f8), Var(f8), Var(f8), Var(f8), Var(f8)
    ops = (
        Op(p.if_false, (cond, dy), (gated,), pos),
        Op(p.over, (gated, d), (share,), pos),
        Op(accumulate, (share, gated), (total,), pos),
        Op(p.times, (total, Const(3.0, f8)), (out,), pos),
    )
    program = through_gates(Program("f", (cond, dy, d), (f8,), {0: Block((), ops, Return((out,)))}))
    (last,) = (op for op in program.ops() if op.result == out)
    assert last.fn is p.select and last.args[0] == cond
    made = {op.result: op for op in program.ops()}
    behind = [last.args[2]]
    while behind:
        op = made.get(behind.pop())
        if op is not None:
            assert op.fn is not p.select
            behind += [arg for arg in op.args if isinstance(arg, Var)]
