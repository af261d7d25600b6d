"""A row of the tables: a program with its arguments, its hand-written derivatives, and the goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from numba import njit

from bench import others
from bench.derivative import GRADIENT, Derivative

# What zyg's reverse sweeps may do: sums in any order, and a division by zero is nobody's error.
by_hand = njit(error_model="numpy", fastmath={"reassoc", "nsz", "contract"})


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

    A row's contenders are callables on the same arguments: `primal` under `@njit` (or by NumPy, where `numpy` says that
    Numba does not compile it), `hand` written derivatives, zyg's, and those of other tools.  A row that is measured
    inside compiled code wraps each contender in the same `@njit` loop.
    derivative: which one is taken.
    trial: arguments for which differences are a reference, to check the derivatives themselves.
    jax: the same program as one writes it for JAX.  taped: autograd and PyTorch can take the program as it is.
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
    jax: Callable[..., Any] | None = None
    taped: bool = False
    numpy: bool = False
    derivative: Derivative = GRADIENT

    def ways(self) -> list[str]:
        """The names of the hand-written derivatives among the contenders."""
        return [f"hand: {way}" if way else "hand" for way in self.hand]

    def contenders(self) -> dict[str, Callable[..., Any]]:
        """By name, all ready to be called with `args`."""
        if self.wrapped is not None:
            return {name: self.wrapped(fn) for name, fn in self.unwrapped().items()} | others.looped(self.args)
        return self.unwrapped() | self.others(self.args)

    def others(self, args: tuple[Any, ...]) -> dict[str, Callable[..., Any]]:
        """The derivatives of other tools, to be called with `args`."""
        found = {}
        if self.jax is not None:
            found |= others.jax_derivative(self.jax, args, self.argnums, self.derivative)
        if self.taped:
            found |= others.autograd_gradient(self.program, args, self.argnums)
            found |= others.torch_gradient(self.program, args, self.argnums)
        return found or others.contenders(self.program, args, self.argnums)

    def unwrapped(self) -> dict[str, Callable[..., Any]]:
        """The primal, what was written by hand, and zyg's."""
        named = {"primal": self.derivative.primal(self.program if self.numpy else compiled(self.program))}
        named |= dict(zip(self.ways(), self.hand.values(), strict=True))
        return named | {"zyg": self.derivative.zyg(self.program, self.argnums)}
