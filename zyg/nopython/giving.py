"""`grad` itself inside `@njit` functions: what it gives is known as soon as the type of its argument is."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import Signature
from numba.core.typing.typeof import typeof_impl

from zyg.api import grad, value_and_grad
from zyg.jacobian import GIVERS as JACOBIANS
from zyg.nopython.at_once import AT_ONCE, at_once
from zyg.nopython.callee import Callee, Derivative
from zyg.nopython.function_type import FunctionOfZyg
from zyg.nopython.kinds import known_object
from zyg.nopython.subject import Given
from zyg.reading.derive import Options
from zyg.transformed import options_among

GIVERS = {give: inspect.signature(give) for give in (grad, value_and_grad, *JACOBIANS)}


@dataclass(frozen=True)
class Giver:
    """`grad` or another function that gives derivatives, with its options; or one that is called with arguments."""

    give: Any
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def at_once(self) -> bool:
        """Whether it is called with a function and arguments, and not with a function alone."""
        return self.give in AT_ONCE

    def callee(self, fn: Any) -> Callee:
        """What is called with the arguments."""
        return at_once(self.give, Given(fn)) if self.at_once else Derivative(self.give(fn, **dict(self.options)))

    def among(self, parameters: Sequence[str]) -> Options:
        """The options for a function with parameters of these names."""
        given = {"argnums": 0, "argnames": None, "has_aux": False} | dict(self.options)
        gives = self.give.__name__
        return options_among(parameters, given["argnums"], given["argnames"], gives, bool(given["has_aux"]))


class TypeOfGiver(types.Callable, types.Opaque):
    """The type of one giver; it has no value at run time."""

    def __init__(self, giver: Giver) -> None:
        self.giver = giver
        super().__init__(f"zyg.{giver.give.__name__}{giver.options}")

    @property
    def key(self) -> Any:
        return self.giver

    def get_call_type(self, context: Any, args: tuple[Any, ...], kws: Any) -> Signature:
        import zyg.nopython.lowering  # noqa: F401  before code that calls is generated

        (kind,) = args
        try:
            fn = known_object(kind)
        except KeyError:
            raise TypingError(f"zyg.{self.giver.give.__name__} needs a function, not {kind}") from None
        return Signature(FunctionOfZyg(self.giver.callee(fn)), (kind,), recvr=self)

    def get_call_signatures(self) -> tuple[list[Signature], bool]:
        return [], True

    def get_impl_key(self, sig: Signature) -> Any:
        return type(self)


@typeof_impl.register(Giver)
def _type_of_giver(value: Giver, context: Any) -> TypeOfGiver:
    return TypeOfGiver(value)
