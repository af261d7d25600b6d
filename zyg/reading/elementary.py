"""Elementary functions of numbers: those of `math`, `cmath` and NumPy that a primitive computes."""

from __future__ import annotations

import cmath
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8
from zyg.reading import operators
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.values import Value, tuple_of
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _elementary(fn: Any, primitive: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        _no_keywords(reader, fn, kws)
        if len(args) != 1:
            raise unsupported(f"{fn.__name__} takes one argument here", reader.pos)
        a = number(reader, args[0], fn.__name__)
        kind = scalars.to_float(a.type)
        if _module(fn) == "cmath" and primitive not in _TESTS:
            kind = c8 if kind in (f4, c8) else c16
        if kind in (c8, c16) and _module(fn) == "math":
            raise unsupported(f"math.{fn.__name__} needs a real number", reader.pos, "Use cmath or numpy.")
        if kind in (c8, c16) and primitive not in _COMPLEX:
            raise unsupported(f"{fn.__name__} of a complex number has no native code", reader.pos)
        result = b1 if primitive in _TESTS else kind
        if primitive in _TESTS and kind in (c8, c16):
            parts = [reader.emit(part, (a,), scalars.real_of(kind)) for part in (np.real, np.imag)]
            flags = [reader.emit(primitive, (part,), b1) for part in parts]
            join = operator.and_ if primitive is np.isfinite else operator.or_
            return reader.emit(join, (flags[0], flags[1]), b1)
        return reader.emit(primitive, (reader.cast(a, kind),), result)

    return handler


_TESTS = frozenset((np.isnan, np.isinf, np.isfinite, np.signbit))
_COMPLEX = _TESTS | frozenset(
    getattr(np, name)
    for name in [
        "sqrt",
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "arcsinh",
        "arccosh",
        "arctanh",
        "log10",
        "log2",
        "exp2",
        "expm1",
        "log1p",
    ]
)


def _module(fn: Any) -> str:
    return getattr(fn, "__module__", None) or "numpy"


def _no_keywords(reader: FunctionReader, fn: Any, kws: dict[str, Value]) -> None:
    if kws:
        raise unsupported(f"{fn.__name__}: the keyword {next(iter(kws))!r} is not supported", reader.pos)


_OF_TRUTH_VALUES: dict[Any, Any] = {np.maximum: operator.or_, np.minimum: operator.and_}


def binary(fn: Any, primitive: Any, floating: bool) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        _no_keywords(reader, fn, kws)
        if len(args) != 2:
            raise unsupported(f"{fn.__name__} takes two arguments here", reader.pos)
        a, b = (number(reader, arg, fn.__name__) for arg in args)
        if a.type == b.type == b1 and primitive in _OF_TRUTH_VALUES:
            return reader.emit(_OF_TRUTH_VALUES[primitive], (a, b), b1)
        kind = scalars.promote(a.type, b.type)
        if floating:
            kind = scalars.to_float(kind)
        if kind in (c8, c16):
            raise unsupported(f"{fn.__name__} of complex numbers has no native code", reader.pos)
        return reader.emit(primitive, (reader.cast(a, kind), reader.cast(b, kind)), kind)

    return handler


for _fn, _primitive in scalars.FLOAT.items():
    HANDLERS[_fn] = _elementary(_fn, _primitive)
HANDLERS[np.fix] = _elementary(np.fix, np.trunc)
for _fn, _primitive in scalars.FLOAT2.items():
    HANDLERS[_fn] = binary(_fn, _primitive, True)
for _fn, _primitive in scalars.ARITHMETIC2.items():
    HANDLERS[_fn] = binary(_fn, _primitive, False)


@handles(math.fabs)
def _fabs(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "fabs")
    if a.type in (c8, c16):
        raise unsupported("math.fabs needs a real number", reader.pos, "Use abs().")
    return reader.emit(operator.abs, (reader.cast(a, scalars.to_float(a.type)),), scalars.to_float(a.type))


def _logarithm(fn: Any) -> Handler:
    """`log(x)` and `log(x, base)`."""
    natural = _elementary(fn, np.log)

    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        if len(args) == 1:
            return natural(reader, args, kws)
        return operators.apply(reader, operator.truediv, [natural(reader, [arg], {}) for arg in args], False)

    return handler


HANDLERS |= {fn: _logarithm(fn) for fn in (math.log, cmath.log)}


@handles(math.degrees, np.degrees, np.rad2deg)
def _degrees(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _scaled(reader, args, 180.0 / math.pi)


@handles(math.radians, np.radians, np.deg2rad)
def _radians(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _scaled(reader, args, math.pi / 180.0)


def _scaled(reader: FunctionReader, args: list[Value], factor: float) -> Value:
    a = number(reader, args[0], "an angle")
    kind = scalars.to_float(a.type)
    return reader.emit(operator.mul, (reader.cast(a, kind), Const(factor, kind)), kind)


def _part(primitive: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        a = number(reader, args[0], primitive.__name__)
        if a.type not in (c8, c16):
            if primitive in (np.real, np.conj):
                return a
            if primitive is np.imag:
                return Const(0 if a.type in (i8, b1) else 0.0, a.type)
            a = reader.cast(a, c8 if a.type == f4 else c16)
        return reader.emit(primitive, (a,), a.type if primitive is np.conj else scalars.real_of(a.type))

    return handler


for _fn, _primitive in (
    (np.real, np.real),
    (np.imag, np.imag),
    (np.conj, np.conj),
    (np.angle, np.angle),
    (cmath.phase, np.angle),
):
    HANDLERS[_fn] = _part(_primitive)


@handles(cmath.polar)
def _polar(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = reader.cast(number(reader, args[0], "polar"), c16)
    return tuple_of([reader.emit(operator.abs, (a,), f8), reader.emit(np.angle, (a,), f8)])


@handles(cmath.rect)
def _rect(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    r, phi = (reader.cast(number(reader, arg, "rect"), f8) for arg in args)
    parts = [reader.emit(operator.mul, (r, reader.emit(fn, (phi,), f8)), f8) for fn in (np.cos, np.sin)]
    return reader.emit(p.make_complex, (parts[0], parts[1]), c16)


@handles(math.modf, np.modf)
def _modf(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "modf")
    a = reader.cast(a, scalars.to_float(a.type))
    whole = reader.emit(np.trunc, (a,), a.type)
    fraction = reader.emit(operator.sub, (a, whole), a.type)
    return tuple_of([reader.emit(np.copysign, (fraction, a), a.type), whole])


@handles(math.frexp, np.frexp)
def _frexp(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "frexp")
    a = reader.cast(a, scalars.to_float(a.type))
    return tuple_of([reader.emit(p.frexp_mantissa, (a,), a.type), reader.emit(p.frexp_exponent, (a,), i8)])


@handles(math.ldexp, np.ldexp)
def _ldexp(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, n = (number(reader, arg, "ldexp") for arg in args)
    a = reader.cast(a, scalars.to_float(a.type))
    return reader.emit(np.ldexp, (a, reader.cast(n, i8)), a.type)


@handles(np.sign)
def _sign(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "sign")
    if a.type in (i8, b1):
        return reader.cast(reader.emit(np.sign, (reader.cast(a, f8),), f8), i8)
    if a.type in (c8, c16):
        raise unsupported("np.sign of a complex number has no native code", reader.pos, "Write z / abs(z).")
    return reader.emit(np.sign, (a,), a.type)
