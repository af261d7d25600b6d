"""Reductions with `where=`, `initial=` or `dtype=`, which are written in Python (`rules.masked`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zyg.ir.program import Const
from zyg.reading import array_reductions  # noqa: F401  whose handlers these go round
from zyg.reading.handlers import HANDLERS, Handler
from zyg.reading.values import Static, Value
from zyg.rules.masked import MASKED

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _is_usual(name: str, value: Value) -> bool:
    """Whether a keyword says what holds without it."""
    if name == "where":
        return isinstance(value, Const) and value.value is True
    return isinstance(value, Static) and value.obj is None


def _in_general(usual: Handler, written: Static) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        kws = {
            name: value
            for name, value in kws.items()
            if name not in ("where", "initial", "dtype", "out") or not _is_usual(name, value)
        }
        if len(args) > 2 or not {"where", "initial", "dtype"} & set(kws) or "out" in kws:
            return usual(reader, args, kws)
        return reader.spec.calls.call(reader, written, args, kws)

    return handler


for _fn, _written in MASKED.items():
    HANDLERS[_fn] = _in_general(HANDLERS[_fn], Static(_written))
