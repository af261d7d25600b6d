"""What is measured: each program with its arguments, its hand-written derivatives, and the goal.

A row's contenders are callables on the same arguments: `primal` under `@njit`, `hand` written derivatives, zyg's,
and those of other tools.  A row that is measured inside compiled code wraps each contender in the same `@njit` loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit

import zyg
from bench import baselines, others, programs


def compiled(program: Callable[..., Any], known: dict[Any, Any] | None = None) -> Any:
    """`program` under `@njit`, with the plain functions that it calls, itself included, under `@njit` too."""
    known = {} if known is None else known
    globals_ = dict(program.__globals__)
    copy = FunctionType(program.__code__, globals_, program.__name__, program.__defaults__, program.__closure__)
    known[program] = njit(copy)
    for name in program.__code__.co_names:
        callee = globals_.get(name)
        if isinstance(callee, FunctionType):
            globals_[name] = known[callee] if callee in known else compiled(callee, known)
    return known[program]


@dataclass(frozen=True, slots=True)
class Row:
    """goal: zyg's time as a multiple of the best hand-written one's; margin: seconds more than that one's.

    trial: arguments for which differences are a reference, to check the derivatives themselves.
    """

    name: str
    program: Callable[..., Any]
    hand: Mapping[str, Callable[..., Any]]
    args: tuple[Any, ...]
    argnums: int | tuple[int, ...]
    goal: float | None
    trial: tuple[Any, ...]
    wrapped: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None
    margin: float | None = None

    def contenders(self) -> dict[str, Callable[..., Any]]:
        """By name, all ready to be called with `args`."""
        if self.wrapped is None:
            return self.unwrapped() | others.contenders(self.program, self.args, self.argnums)
        return {name: self.wrapped(fn) for name, fn in self.unwrapped().items()} | others.looped(self.args)

    def unwrapped(self) -> dict[str, Callable[..., Any]]:
        """The primal, what was written by hand, and zyg's."""
        named = {"primal": compiled(self.program)}
        named |= {f"hand: {way}" if way else "hand": fn for way, fn in self.hand.items()}
        return named | {"zyg": zyg.grad(self.program, self.argnums)}


def looped(contender: Callable[[float], float]) -> Callable[[float, int], float]:
    """A million calls inside compiled code."""

    @njit
    def driver(x: float, n: int) -> float:
        total = 0.0
        for i in range(n):
            total += contender(x + 1e-7 * i)
        return total

    return driver


def lorenz_with_memory() -> Callable[..., Any]:
    """The hand-written adjoint with memory that is allocated once."""
    memory = np.empty((3, 100_000))

    def adjoint(*args: Any) -> Any:
        return baselines.lorenz_with(*args, memory[0], memory[1], memory[2])

    return adjoint


LORENZ = (1.0, 1.0, 1.0, 10.0, 28.0, 2.5)

ROWS = (
    Row("sin(cos(x)), called from Python", programs.sin_cos, {"": baselines.sin_cos}, (0.5,), 0, 1.3, (0.5,)),
    Row(
        "sin(cos(x)), 10^6 calls inside @njit",
        programs.sin_cos,
        {"": baselines.sin_cos},
        (0.5, 1_000_000),
        0,
        1.05,
        (0.5,),
        looped,
    ),
    Row("20 callees, 10 globals", programs.guarded, {"": baselines.guarded}, (0.5,), 0, None, (0.5,), margin=0.5e-6),
    Row(
        "the paper's loop, n = 500",
        programs.paper_loop,
        {"adjoint": baselines.paper_loop, "tangent": baselines.paper_loop_tangent},
        (1.2, 500),
        0,
        1.1,
        (1.2, 20),
    ),
    Row(
        "Runge–Kutta on Lorenz, 10^5 steps",
        programs.lorenz,
        {"adjoint": baselines.lorenz, "adjoint, memory kept": lorenz_with_memory()},
        (*LORENZ, 100_000),
        (0, 1, 2, 3, 4, 5),
        1.2,
        (*LORENZ, 40),
    ),
    Row(
        "Newton in a for, 10^4 solutions",
        programs.kepler_sum,
        {"": baselines.kepler_sum},
        (0.3, 0.4, 10_000),
        (0, 1),
        1.2,
        (0.3, 0.4, 7),
    ),
    Row(
        "tree fold, depth 15",
        programs.fold,
        {"adjoint": baselines.fold, "tangents": baselines.fold_tangent},
        (0.7, 0.4, 0.5, 15),
        (0, 1, 2),
        1.2,
        (0.7, 0.4, 0.5, 4),
    ),
)

# Seconds that zyg's first call may take.
FIRST_CALLS = {ROWS[0].name: 0.25, ROWS[4].name: 0.6}

LONG_LOOP = Row(
    "10^7 steps, one residual a step",
    programs.long_loop,
    {"": baselines.long_loop},
    (0.5, 10_000_000),
    0,
    None,
    (0.5, 30),
)
