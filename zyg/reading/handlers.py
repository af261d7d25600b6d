"""The table of Python's and NumPy's functions that native code knows: each reads a call on abstract values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand, Var
from zyg.reading import operators
from zyg.reading.describe import described
from zyg.reading.values import Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


Handler = Callable[["FunctionReader", list[Value], dict[str, Value]], Value]
HANDLERS: dict[Any, Handler] = {}


def handles(*functions: Any) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for fn in functions:
            HANDLERS[fn] = handler
        return handler

    return register


def number(reader: FunctionReader, value: Value, what: str) -> Operand:
    value = operators.known(reader, value)
    if isinstance(value, (Var, Const)):
        return value
    raise unsupported(f"{what} needs a number, not {described(value)}", reader.pos)
