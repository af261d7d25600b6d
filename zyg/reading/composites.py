"""Functions made of others: those of the library, and sums that keep what rounding loses."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand
from zyg.ir.scalars import b1, f8, i8
from zyg.reading import elementary, operators
from zyg.reading.custom import without_gradient
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.values import Node, Static, Value, constant, is_array
from zyg.rules import numbers as library
from zyg.rules import primitives as p
from zyg.rules.combining import isclose
from zyg.rules.library import refuse, still

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _read(fn: Callable[..., Any]) -> Handler:
    """The function of the library, read like the user's own."""

    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        return reader.spec.calls.call(reader, Static(fn), args, kws)

    return handler


def _of_ints(fn: Callable[..., Any]) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        return reader.spec.calls.call(reader, Static(fn), [_int(reader, arg, fn.__name__) for arg in args], kws)

    return handler


def _int(reader: FunctionReader, value: Value, name: str) -> Value:
    if isinstance(value, Static) and value.obj is None:
        return value
    n = number(reader, value, name)
    if n.type not in (i8, b1):
        raise unsupported(f"{name} needs an int, not a {n.type}", reader.pos)
    return without_gradient(reader, reader.cast(n, i8))


@handles(still)
def _still(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return without_gradient(reader, args[0])


@handles(refuse)
def _refuse(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    assert isinstance(args[0], Static)
    raise unsupported(str(args[0].obj), reader.pos)


HANDLERS |= {
    math.factorial: _of_ints(library.factorial),
    math.comb: _of_ints(library.comb),
    math.perm: _of_ints(library.perm),
    math.isqrt: _of_ints(library.isqrt),
    math.lcm: _of_ints(library.lcm),
    np.lcm: _of_ints(library.lcm),
    math.dist: _read(library.dist),
    math.prod: _read(library.prod),
}


@handles(np.sinc)
def _sinc(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    of_array = len(args) == 1 and is_array(args[0])
    return _read(library.sinc_of_array if of_array else library.sinc)(reader, args, kws)


@handles(math.gcd, np.gcd)
def _gcd(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if len(args) != 2:
        return _of_ints(library.gcd)(reader, args, kws)
    a, b = (_int(reader, arg, "gcd") for arg in args)
    return reader.emit(math.gcd, (number(reader, a, "gcd"), number(reader, b, "gcd")), i8)


_hypot = elementary.binary(math.hypot, np.hypot, floating=True)


@handles(math.hypot)
def _hypot_of_several(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _hypot(reader, args, kws) if len(args) == 2 else _read(library.hypot)(reader, args, kws)


def _closeness(fn: Callable[..., bool]) -> Handler:
    """A test: how its operands come about does not matter to derivatives."""

    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        plain = [without_gradient(reader, arg) for arg in args]
        return _read(fn)(reader, plain, {name: without_gradient(reader, arg) for name, arg in kws.items()})

    return handler


HANDLERS |= dict.fromkeys((math.isclose, cmath.isclose), _closeness(library.isclose))
_is_close = _closeness(library.np_isclose)


@handles(np.isclose)
def _isclose(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if any(isinstance(arg, Node) for arg in args[:2]):
        return _read(isclose)(reader, args, kws)
    return _is_close(reader, args, kws)


@handles(math.ulp)
def _ulp(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = reader.cast(number(reader, args[0], "ulp"), f8)
    size = reader.emit(operator.abs, (a,), f8)
    finite = reader.emit(np.isfinite, (size,), b1)
    return reader.emit(p.select, (finite, reader.emit(np.spacing, (size,), f8), size), f8)


@handles(math.fsum)
def _fsum(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    items = reader.spec.calls.elements(reader, args[0])
    return _exact_sum(reader, [reader.cast(number(reader, item, "fsum"), f8) for item in items], [])


def _exact_sum(reader: FunctionReader, terms: list[Operand], small: list[Operand]) -> Operand:
    """The sum of `terms`, and of `small` ones without gradients, as if each addition were exact.

    What adding rounds off, as Knuth's two-sum gives it, is added last, after it has been through that itself
    (Ogita, Rump and Oishi, Accurate Sum and Dot Product, 2005).
    """
    total: Operand = Const(0.0, f8)
    for term in terms:
        total = reader.emit(operator.add, (total, term), f8)
    rest = [_plain(reader, term) for term in terms] + small
    for _ in range(3):
        rest = _distilled(reader, rest)
    exact: Operand = Const(0.0, f8)
    for term in rest:
        exact = reader.emit(operator.add, (exact, term), f8)
    # Of the plain sum remains nothing but its gradient.
    nothing = reader.emit(operator.sub, (total, _plain(reader, total)), f8)
    whole = reader.emit(operator.add, (exact, nothing), f8)
    finite = reader.emit(np.isfinite, (whole,), b1)
    return reader.emit(p.select, (finite, whole, total), f8)


def _plain(reader: FunctionReader, operand: Operand) -> Operand:
    return operand if isinstance(operand, Const) else reader.emit(p.stop_gradient, (operand,), f8)


def _distilled(reader: FunctionReader, terms: list[Operand]) -> list[Operand]:
    """Terms with the same exact sum, of which the last is that of a plain addition."""
    out = list(terms)
    for i in range(1, len(out)):
        a, b = out[i - 1 : i + 1]
        added = reader.emit(operator.add, (a, b), f8)
        second = reader.emit(operator.sub, (added, a), f8)
        first = reader.emit(operator.sub, (added, second), f8)
        errors = [reader.emit(operator.sub, pair, f8) for pair in ((a, first), (b, second))]
        out[i] = added
        out[i - 1] = reader.emit(operator.add, (errors[0], errors[1]), f8)
    return out


def _fma(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, b, c = (reader.cast(number(reader, arg, "fma"), f8) for arg in args)
    return reader.emit(p.fma, (a, b, c), f8)


def _sumprod(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    columns = [reader.spec.calls.elements(reader, arg) for arg in args]
    if len(columns[0]) != len(columns[1]):
        raise unsupported("sumprod needs tuples of one length", reader.pos)
    pairs = [[number(reader, item, "sumprod") for item in pair] for pair in zip(*columns, strict=True)]
    if all(item.type in (i8, b1) for pair in pairs for item in pair):
        total: Value = constant(0)
        for pair in pairs:
            product = operators.apply(reader, operator.mul, list(pair))
            total = operators.apply(reader, operator.add, [total, product])
        return total
    terms: list[Operand] = []
    errors: list[Operand] = []
    for pair in pairs:
        a, b = (reader.cast(item, f8) for item in pair)
        product_ = reader.emit(operator.mul, (a, b), f8)
        terms.append(product_)
        plain = [_plain(reader, item) for item in (a, b)]
        opposite = reader.emit(operator.neg, (_plain(reader, product_),), f8)
        errors.append(reader.emit(p.fma, (plain[0], plain[1], opposite), f8))
    return _exact_sum(reader, terms, errors)


for _name, _handler in (("fma", _fma), ("sumprod", _sumprod)):  # of Python 3.13 and 3.12
    if hasattr(math, _name):
        HANDLERS[getattr(math, _name)] = _handler
