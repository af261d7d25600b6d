"""Arithmetic called by name: the functions of `operator`, and NumPy's and `math`'s that mean operators."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.scalars import b1, c8, c16, f8, i8
from zyg.reading import operators
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.values import Static, Value, constant, tuple_of
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _operator(fn: Any, checked: bool) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        if kws:
            raise unsupported(f"the keyword {next(iter(kws))!r} is not supported", reader.pos)
        return operators.apply(reader, fn, args, checked)

    return handler


for _fn, _primitive in scalars.BINARY.items():
    HANDLERS[_fn] = _operator(_primitive, False)
for _name in [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "neg",
    "pos",
    "and_",
    "or_",
    "xor",
    "invert",
    "lshift",
    "rshift",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "not_",
]:
    HANDLERS[getattr(operator, _name)] = _operator(getattr(operator, _name), True)
for _fn in (abs, operator.abs, np.absolute, np.fabs):
    HANDLERS[_fn] = _operator(operator.abs, True)
for _fn, _primitive in (
    (np.left_shift, operator.lshift),
    (np.right_shift, operator.rshift),
    (np.invert, operator.invert),
):
    HANDLERS[_fn] = _operator(_primitive, True)
HANDLERS[np.negative] = _operator(operator.neg, True)
HANDLERS[np.positive] = _operator(operator.pos, True)
HANDLERS[np.logical_not] = _operator(operator.not_, True)
HANDLERS[operator.is_] = _operator(operator.is_, True)
HANDLERS[operator.is_not] = _operator(operator.is_not, True)


@handles(math.pow)
def _math_pow(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, b = (number(reader, arg, "pow") for arg in args)
    exponent = b if b.type == i8 else reader.cast(b, scalars.to_float(b.type))
    return operators.apply(reader, operator.pow, [reader.cast(a, scalars.to_float(a.type)), exponent])


@handles(pow)
def _pow(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if len(args) != 2:
        raise unsupported("pow with a modulus has no derivative", reader.pos)
    return operators.apply(reader, operator.pow, args)


def _of_truths(fn: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        a, b = (operators.truth(reader, arg) for arg in args)
        return reader.emit(fn, (a, b), b1)

    return handler


HANDLERS |= {
    np.logical_and: _of_truths(operator.and_),
    np.logical_or: _of_truths(operator.or_),
    np.logical_xor: _of_truths(operator.xor),
}


@handles(np.float_power)
def _float_power(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """`**` in double precision, also of ints."""
    numbers = [number(reader, arg, "float_power") for arg in args]
    kind = c16 if any(a.type in (c8, c16) for a in numbers) else f8
    return operators.apply(reader, operator.pow, [reader.cast(a, kind) for a in numbers])


@handles(np.square)
def _square(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return operators.apply(reader, operator.mul, [args[0], args[0]])


@handles(np.reciprocal)
def _reciprocal(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if number(reader, args[0], "reciprocal").type in (i8, b1):
        raise unsupported("np.reciprocal of an int is an int", reader.pos, "Write 1 / x.")
    return operators.apply(reader, operator.truediv, [constant(1.0), args[0]], False)


@handles(np.where)
def _where(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    cond, a, b = (number(reader, arg, "where") for arg in args)
    kind = a.type if a.type == b.type else scalars.promote(a.type, b.type)
    return reader.emit(p.select, (operators.truth(reader, cond), reader.cast(a, kind), reader.cast(b, kind)), kind)


@handles(np.clip)
def _clip(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    x = args[0]
    low = args[1] if len(args) > 1 else kws.get("a_min", kws.get("min", Static(None)))
    high = args[2] if len(args) > 2 else kws.get("a_max", kws.get("max", Static(None)))
    for bound, fn in ((low, np.maximum), (high, np.minimum)):
        if not (isinstance(bound, Static) and bound.obj is None):
            x = HANDLERS[fn](reader, [x, bound], {})
    return x


@handles(divmod, np.divmod)
def _divmod(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return tuple_of([operators.apply(reader, fn, list(args)) for fn in (operator.floordiv, operator.mod)])
