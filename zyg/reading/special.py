"""SciPy's functions as the reader meets them: none of SciPy's modules is imported for their sake."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand
from zyg.ir.scalars import c8, c16, i8
from zyg.reading import arrays, maps
from zyg.reading.array_functions import LIFTED
from zyg.reading.array_making import as_array, is_sequence
from zyg.reading.handlers import HANDLERS, Handler, number
from zyg.reading.values import Node, Value
from zyg.rules import primitives as p
from zyg.rules.library import LIBRARY
from zyg.rules.scipy_linalg import LINALG
from zyg.rules.special import SPECIAL, i0
from zyg.rules.special_written import WRITTEN

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_MODULE = "scipy.special"
_LINALG = "scipy.linalg"

# Those that are primitives under another name
SAME: dict[str, Any] = {
    "gamma": math.gamma,
    "gammaln": math.lgamma,
    "erf": math.erf,
    "erfc": math.erfc,
    **{name: getattr(np, name) for name in ("expm1", "log1p", "cbrt", "exp2")},
    **{fn.name: fn for fn in SPECIAL},
    **{alias: fn for fn in SPECIAL for alias in {"jv": ("jn",), "kv": ("kn",), "yv": ("yn",)}.get(fn.name, ())},
}


def imported() -> Any:
    """SciPy's module, if somebody has imported it."""
    if _MODULE not in sys.modules:
        return None
    from scipy import special

    return special


def learn() -> None:
    """Enter them into the tables, as soon as somebody has imported them."""
    if _LINALG in sys.modules and _LINALG not in _learnt:
        from scipy import linalg

        _learnt.append(_LINALG)
        LIBRARY.update({getattr(linalg, name): written for name, written in LINALG.items()})
    if _MODULE in _learnt or _MODULE not in sys.modules:
        return
    special = imported()
    _learnt.append(_MODULE)
    for name, primitive in SAME.items():
        fn = getattr(special, name, None)
        if isinstance(fn, np.ufunc):
            HANDLERS[fn] = _elementary(name, primitive)
            LIFTED.add(fn)
    for name, written in WRITTEN.items():
        if hasattr(special, name):
            LIBRARY[getattr(special, name)] = written
    HANDLERS[special.polygamma] = _polygamma
    for fn in (special.psi, special.digamma):
        HANDLERS[fn] = lambda reader, args, kws: _polygamma(reader, [Const(0, i8), *args], kws)


_learnt: list[str] = []


def _elementary(name: str, primitive: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        given = [number(reader, arg, name) for arg in args]
        kind = scalars.to_float(scalars.promote(*(a.type for a in given)))
        if kws or kind in (c8, c16):
            what = f"the keyword {next(iter(kws))!r}" if kws else "complex numbers"
            raise unsupported(f"scipy.special.{name} with {what} has no native code", reader.pos)
        return reader.emit(primitive, tuple(reader.cast(a, kind) for a in given), kind)

    return handler


def _polygamma(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """The order is part of the code, of which there is another for each."""
    order, x = args if not kws else (args[0] if args else kws["n"], kws["x"])
    if not isinstance(order, Const) or order.value != int(order.value.real) or order.value.real < 0:
        raise unsupported("scipy.special.polygamma needs an order that is known when compiling", reader.pos)
    n = Const(int(order.value.real), i8)

    def compute(reader: FunctionReader, operands: list[Operand], **_: Any) -> Value:
        a = operands[0]
        if a.type in (c8, c16):
            raise unsupported("scipy.special.polygamma of complex numbers has no native code", reader.pos)
        kind = scalars.to_float(a.type)
        return reader.emit(p.polygamma, (n, reader.cast(a, kind)), kind)

    value = as_array(reader, x) if is_sequence(x) else x
    if isinstance(value, Node) and arrays.is_arraylike(value):
        return maps.elementwise(reader, compute, [value])
    return compute(reader, [number(reader, value, "polygamma")])


for _fn in SPECIAL:  # as functions written in Python here call them
    HANDLERS[_fn] = _elementary(_fn.name, _fn)
    LIFTED.add(_fn)
HANDLERS[np.i0] = HANDLERS[i0]
LIFTED.add(np.i0)
