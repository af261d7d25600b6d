"""`with` statements whose context changes nothing in native code."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from zyg.errors import unsupported
from zyg.reading.handlers import handles
from zyg.reading.values import Static, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_WITHOUT_EFFECT = object()


@handles(np.errstate)
def _errstate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """Native code gives no warnings."""
    if not all(isinstance(value, Static) and value.obj in ("ignore", "warn") for value in kws.values()):
        raise unsupported("np.errstate that raises or calls cannot be compiled", reader.pos, "Test for it instead.")
    return Static(_WITHOUT_EFFECT)


@handles(contextlib.nullcontext)
def _nullcontext(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Static(_WITHOUT_EFFECT)


def check_context(reader: FunctionReader, value: Value) -> None:
    """Raise unless a context has no effect."""
    if not (isinstance(value, Static) and value.obj is _WITHOUT_EFFECT):
        raise unsupported(
            "with statements cannot be compiled", reader.pos, "Move it out of the differentiated function."
        )
