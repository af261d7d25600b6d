"""Calls of `gradient(f, params)`: native code that takes the parameters and gives the gradients by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zyg.entry import Caller
from zyg.fallback import NotNative, checked_mode, instead
from zyg.params import Grads, Params
from zyg.reading.front import definition
from zyg.reading.implicit import implicit_gradient
from zyg.reading.values import Node, Value
from zyg.transformed import check_call, code_key, plain_name


class Implicit(Caller):
    """A function without arguments, differentiated by arrays that it captures: they are the arguments of calls."""

    __slots__ = ("gives",)

    def __init__(self, fn: Any, gives: str) -> None:
        self.gives = gives
        key, kept = code_key(fn)
        super().__init__(fn, (key, "implicit", gives), kept)

    @property
    def name(self) -> str:
        return f"{self.gives}_{plain_name(self._function)}"

    def sought(self, given: Sequence[Any]) -> Sequence[Any]:
        return given

    def read_sought(self, reader: Any, given: Sequence[Any]) -> Value:
        reader.pos = definition(self._function)
        captures = reader.spec.captures
        check_call(self, [], {})
        params = [captures.value(array, (("arg", k),), reader.pos, f"param{k}") for k, array in enumerate(given)]
        fn = captures.value(self._function, (), reader.pos)
        assert all(isinstance(param, Node) for param in params)
        return implicit_gradient(reader, fn, params, self.gives)


def gradient_by(fn: Any, params: Params, mode: str = "auto") -> Grads:
    """The gradient of `fn()` by the arrays of `params`."""
    return value_and_gradient_by(fn, params, mode, "grad")[1]


def value_and_gradient_by(
    fn: Any, params: Params, mode: str = "auto", gives: str = "value_and_grad"
) -> tuple[Any, Grads]:
    """The value of `fn()`, and its gradient by the arrays of `params`."""
    if checked_mode(mode) != "dynamic":
        try:
            found = Implicit(fn, gives)(*params.arrays)
        except NotNative as refused:
            instead(fn, mode, refused)
        else:
            y, gradients = (None, found) if gives == "grad" else found
            return y, Grads(params, gradients)
    from zyg.dynamic.derivatives import implicit

    y, gradients = implicit(fn, params.arrays)
    return y, Grads(params, gradients)
