"""Numba's types of the functions that zyg gives, and of those that give them."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import Signature, fold_arguments
from numba.core.typing.typeof import typeof_impl

from zyg.nopython.at_once import Primal, Pulled
from zyg.nopython.callee import Callee, Derivative
from zyg.nopython.kinds import members, passed_as, type_of_tree


class FunctionOfZyg(types.Callable, types.Opaque):
    """The type of one callee, which calls need not be passed: it has no value at run time."""

    def __init__(self, callee: Callee) -> None:
        self.callee = callee
        self.__zyg_object__ = callee.transformed if isinstance(callee, Derivative) else None
        super().__init__(f"zyg.{callee.name}.{hash(callee.key):x}")

    @property
    def key(self) -> Any:
        return self.callee.key

    def get_call_type(self, context: Any, args: tuple[Any, ...], kws: Any) -> Signature:
        import zyg.nopython.lowering  # noqa: F401  before code that calls is generated

        parameters = self.callee.parameters
        kinds = tuple(map(passed_as, args))
        if parameters is None and kws:
            raise TypingError(f"{self.callee.name} takes no keyword arguments in @njit code")
        if parameters is not None:
            named = {name: passed_as(kind) for name, kind in dict(kws).items()}
            kinds = fold_arguments(parameters, kinds, named, _given, _omitted, _rest)
        found = self.callee.specialise(kinds)
        result = type_of_tree(found.result)
        if isinstance(self.callee, Primal):
            value, kept = result
            result = types.Tuple((value, TypeOfBack(Pulled(self.callee.subject), kept)))
        return Signature(result, tuple(kinds), recvr=self, pysig=parameters)

    def get_call_signatures(self) -> tuple[list[Signature], bool]:
        return [], True

    def get_impl_key(self, sig: Signature) -> Any:
        return type(self)


class TypeOfBack(types.Callable):
    """The type of what `pullback` gives besides the value; it holds the arguments, a tuple of type `kept`."""

    def __init__(self, callee: Pulled, kept: Any) -> None:
        self.callee, self.kept = callee, kept
        super().__init__(f"zyg.back.{callee.name}.{hash(callee.key):x}.{kept}")

    @property
    def key(self) -> Any:
        return self.callee.key, self.kept

    def kinds(self, cotangent: Any) -> tuple[Any, ...]:
        """The types of all that the callee is called with."""
        return (*members(self.kept), cotangent)

    def get_call_type(self, context: Any, args: tuple[Any, ...], kws: Any) -> Signature:
        if kws or len(args) != 1:
            raise TypingError("what zyg.pullback gives takes one cotangent")
        cotangent = passed_as(args[0])
        found = self.callee.specialise(self.kinds(cotangent))
        return Signature(type_of_tree(found.result), (cotangent,), recvr=self)

    def get_call_signatures(self) -> tuple[list[Signature], bool]:
        return [], True

    def get_impl_key(self, sig: Signature) -> Any:
        return type(self)


@typeof_impl.register(Callee)
def _type_of_callee(value: Callee, context: Any) -> FunctionOfZyg:
    return FunctionOfZyg(value)


def _given(index: int, parameter: Any, kind: Any) -> Any:
    return kind


def _omitted(index: int, parameter: Any, default: Any) -> Any:
    return types.Omitted(default)


def _rest(index: int, parameter: Any, kinds: Any) -> Any:
    return types.BaseTuple.from_types(kinds)
