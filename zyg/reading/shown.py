"""`print` in native code: Python prints, in the program's order, what a plain call would."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.kinds import DTYPES
from zyg.ir.program import Const, Var
from zyg.ir.scalars import c8, f4
from zyg.reading import arrays, maps
from zyg.reading.callback import call_python
from zyg.reading.handlers import HANDLERS
from zyg.reading.heads import LazyHead
from zyg.reading.values import Static, Value, is_array
from zyg.rules.foreign import PRINTS

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Making = Callable[[list[Any]], Any]
_OPTIONS = ("sep", "end", "flush")


def _print(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if reader.spec.repeated:
        raise unsupported(
            f"{reader.spec.repeated} runs the function several times, and print would print each time",
            reader.pos,
            "Print outside of it.",
        )
    if not all(name in _OPTIONS and isinstance(value, (Static, Const)) for name, value in kws.items()):
        raise unsupported("print with these options", reader.pos, f"Use {', '.join(_OPTIONS)} with constants.")
    options: dict[str, Any] = {name: _constant(value) for name, value in kws.items()}
    given: list[Value] = []
    makings = [_making(reader, arg, given) for arg in args]

    def shown(*values: Any) -> Sequence[Any]:
        left = list(values)
        print(*[making(left) for making in makings], **options)
        return ()

    maps.settle_all(reader)
    call_python(reader, shown, PRINTS, given, [])
    return Static(None)


def _constant(value: Value) -> Any:
    return value.obj if isinstance(value, Static) else value.value if isinstance(value, Const) else None


def _making(reader: FunctionReader, value: Value, given: list[Value]) -> Making:
    """What makes the object to print of the values that are left; those that it needs are added to `given`."""
    if isinstance(value, Static):
        if value.obj is None or isinstance(value.obj, (str, int, float, type)):
            return lambda left: value.obj
    elif isinstance(value, (Var, Const)):
        given.append(value)
        cls = DTYPES[value.type].type if value.type in (f4, c8) else None
        return lambda left: left.pop(0) if cls is None else cls(left.pop(0))
    elif arrays.is_arraylike(value):
        array = reader.spec.calls.settle(reader, value)
        if is_array(array):
            given.append(array)
            return lambda left: np.array(left.pop(0))
    elif isinstance(value.head, LazyHead) and value.head.fn is not repr:  # which tells NumPy's numbers from Python's
        head, parts = value.head, [_making(reader, item, given) for item in value.items]
        return lambda left: head.fn(*[part(left) for part in parts])
    raise unsupported("print of other things than numbers, arrays and strings", reader.pos, "Print its parts.")


HANDLERS[builtins.print] = _print
