"""Python's and NumPy's functions that native code knows, on abstract values."""

from __future__ import annotations

import cmath
import functools
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import operators, scalars
from zyg.ir.program import Const, Operand, Type, Var
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8
from zyg.ir.values import (
    IterHead,
    LazyHead,
    Node,
    PartialHead,
    RangeHead,
    SliceHead,
    Static,
    TupleHead,
    UnionHead,
    Value,
    constant,
    tuple_of,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader

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
    raise unsupported(f"{what} needs a number, not a {operators.kind_name(value)}", reader.pos)


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
    ]
)


def _module(fn: Any) -> str:
    return getattr(fn, "__module__", None) or "numpy"


def _no_keywords(reader: FunctionReader, fn: Any, kws: dict[str, Value]) -> None:
    if kws:
        raise unsupported(f"{fn.__name__}: the keyword {next(iter(kws))!r} is not supported", reader.pos)


def _binary_float(fn: Any, primitive: Any, floating: bool) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        _no_keywords(reader, fn, kws)
        if len(args) != 2:
            raise unsupported(f"{fn.__name__} takes two arguments here", reader.pos)
        a, b = (number(reader, arg, fn.__name__) for arg in args)
        kind = scalars.promote(a.type, b.type)
        if floating:
            kind = scalars.to_float(kind)
        if kind in (c8, c16):
            raise unsupported(f"{fn.__name__} of complex numbers has no native code", reader.pos)
        return reader.emit(primitive, (reader.cast(a, kind), reader.cast(b, kind)), kind)

    return handler


def _operator(fn: Any, checked: bool) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        if kws:
            raise unsupported(f"the keyword {next(iter(kws))!r} is not supported", reader.pos)
        return operators.apply(reader, fn, args, checked)

    return handler


for _fn, _primitive in scalars.FLOAT.items():
    HANDLERS[_fn] = _elementary(_fn, _primitive)
for _fn, _primitive in scalars.FLOAT2.items():
    HANDLERS[_fn] = _binary_float(_fn, _primitive, True)
for _fn, _primitive in scalars.ARITHMETIC2.items():
    HANDLERS[_fn] = _binary_float(_fn, _primitive, False)
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
for _fn in (abs, operator.abs, np.absolute, math.fabs, np.fabs):
    HANDLERS[_fn] = _operator(operator.abs, True)
HANDLERS[np.negative] = _operator(operator.neg, True)
HANDLERS[np.positive] = _operator(operator.pos, True)
HANDLERS[np.logical_not] = _operator(operator.not_, True)
HANDLERS[operator.is_] = _operator(operator.is_, True)
HANDLERS[operator.is_not] = _operator(operator.is_not, True)


@handles(math.fabs)
def _fabs(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "fabs")
    return reader.emit(operator.abs, (reader.cast(a, scalars.to_float(a.type)),), scalars.to_float(a.type))


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


@handles(math.log)
def _log(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    natural = _elementary(math.log, np.log)
    if len(args) == 1:
        return natural(reader, args, kws)
    return operators.apply(reader, operator.truediv, [natural(reader, [arg], {}) for arg in args], False)


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


@handles(np.square)
def _square(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return operators.apply(reader, operator.mul, [args[0], args[0]])


@handles(np.reciprocal)
def _reciprocal(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
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


def _rounding(primitive: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        a = number(reader, args[0], primitive.__name__)
        if a.type in (i8, b1):
            return reader.cast(a, i8)
        rounded = reader.emit(primitive, (a,), a.type)
        return _float_to_int(reader, rounded)

    return handler


def _float_to_int(reader: FunctionReader, a: Operand) -> Operand:
    if a.type in (c8, c16):
        raise unsupported("a complex number has no int value", reader.pos)
    size = reader.emit(operator.abs, (a,), a.type)
    fits = reader.emit(operator.lt, (size, Const(2.0**63, a.type)), b1)
    reader.guard(fits, _int_error, "OverflowError(int)", reader.cast(a, f8))
    return reader.cast(a, i8)


def _int_error(value: float) -> BaseException:
    try:
        number_ = int(value)
    except (ValueError, OverflowError) as error:
        return error
    return OverflowError(f"the int {number_} does not fit in 64 bits")


for _fn, _primitive in ((math.floor, np.floor), (math.ceil, np.ceil), (math.trunc, np.trunc), (int, np.trunc)):
    HANDLERS[_fn] = _rounding(_primitive)


@handles(round, np.round, np.around)
def _round(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "round")
    digits = args[1] if len(args) > 1 else kws.get("ndigits", Static(None))
    if isinstance(digits, Static):
        return _rounding(np.rint)(reader, [a], {})
    n = number(reader, digits, "round")
    if a.type in (i8, b1):
        return reader.cast(a, i8)
    return reader.emit(p.round_digits, (a, reader.cast(n, i8)), a.type)


def _conversion(kind: Type) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        if not args:
            return Const(0.0, kind)
        a = number(reader, args[0], "a conversion")
        if a.type in (c8, c16) and kind in (f4, f8):
            raise unsupported("a complex number has no float value", reader.pos, "Use .real or abs().")
        return reader.cast(a, kind)

    return handler


HANDLERS |= {float: _conversion(f8), np.float64: _conversion(f8), np.float32: _conversion(f4)}
HANDLERS |= {np.complex128: _conversion(c16), np.complex64: _conversion(c8)}
HANDLERS |= {np.int64: HANDLERS[int], np.int_: HANDLERS[int]}


@handles(bool, np.bool_)
def _bool(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return operators.truth(reader, args[0]) if args else Const(False, b1)


@handles(complex)
def _complex(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    args = args + ([kws["imag"]] if "imag" in kws else [])
    numbers = [number(reader, arg, "complex") for arg in args]
    if any(x.type in (c8, c16) for x in numbers) or len(numbers) == 1:
        total: Operand = reader.cast(numbers[0], c16)
        if len(numbers) == 2:
            turned = reader.emit(operator.mul, (reader.cast(numbers[1], c16), Const(1j, c16)), c16)
            total = reader.emit(operator.add, (total, turned), c16)
        return total
    if not numbers:
        return Const(0j, c16)
    return reader.emit(p.make_complex, (reader.cast(numbers[0], f8), reader.cast(numbers[1], f8)), c16)


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


@handles(math.modf)
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


@handles(math.gcd)
def _gcd(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, b = (reader.cast(number(reader, arg, "gcd"), i8) for arg in args)
    return reader.emit(math.gcd, (a, b), i8)


@handles(np.sign)
def _sign(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "sign")
    if a.type in (i8, b1):
        return reader.cast(reader.emit(np.sign, (reader.cast(a, f8),), f8), i8)
    return reader.emit(np.sign, (a,), a.type)


@handles(divmod, np.divmod)
def _divmod(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return tuple_of([operators.apply(reader, fn, list(args)) for fn in (operator.floordiv, operator.mod)])


# --- containers and iteration -----------------------------------------------------------------------


@handles(len)
def _len(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return constant(len(reader.spec.calls.elements(reader, args[0])))


@handles(tuple)
def _tuple(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return tuple_of(reader.spec.calls.elements(reader, args[0]) if args else [])


@handles(range)
def _range(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    numbers = [number(reader, arg, "range") for arg in args]
    if any(x.type not in (i8, b1) for x in numbers):
        raise unsupported("range needs integers", reader.pos)
    ints = [reader.cast(x, i8) for x in numbers]
    if len(ints) == 1:
        ints = [Const(0, i8), *ints]
    if len(ints) == 2:
        ints.append(Const(1, i8))
    return Node(RangeHead(), tuple(ints))


@handles(enumerate)
def _enumerate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    start = args[1] if len(args) > 1 else kws.get("start", constant(0))
    inner = reader.spec.calls.iterator(reader, args[0])
    return Node(IterHead("enumerate"), (inner, start, Static(None)))


@handles(zip)
def _zip(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if kws:
        raise unsupported("zip(strict=...) cannot be compiled", reader.pos)
    return Node(IterHead("zip"), tuple(reader.spec.calls.iterator(reader, arg) for arg in args))


@handles(reversed)
def _reversed(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = args[0]
    if isinstance(value, Node) and isinstance(value.head, RangeHead):
        forward = reader.spec.calls.iterator(reader, value)
        start, step, count, _ = (part for part in forward.items if isinstance(part, (Var, Const)))
        before = reader.emit(operator.sub, (count, Const(1, i8)), i8)
        last = reader.emit(operator.add, (start, reader.emit(operator.mul, (before, step), i8)), i8)
        back = reader.emit(operator.neg, (step,), i8)
        return Node(IterHead("range"), (last, back, count, Const(0, i8)))
    return Node(IterHead("tuple", 0), tuple(reversed(reader.spec.calls.elements(reader, value))))


@handles(iter)
def _iter(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return reader.spec.calls.iterator(reader, args[0])


@handles(sum)
def _sum(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    total = args[1] if len(args) > 1 else kws.get("start", constant(0))
    for item in reader.spec.calls.elements(reader, args[0]):
        total = operators.apply(reader, operator.add, [total, item])
    return total


def _extremum(better: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        items = args if len(args) > 1 else reader.spec.calls.elements(reader, args[0])
        key = kws.get("key")
        if not items:
            if "default" in kws:
                return kws["default"]
            raise unsupported("min or max of an empty tuple", reader.pos)

        def rank(item: Value) -> Value:
            return item if key is None else reader.spec.calls.call(reader, key, [item], {})

        best, best_rank = items[0], rank(items[0])
        for item in items[1:]:
            its = rank(item)
            wins = operators.truth(reader, operators.apply(reader, better, [its, best_rank]))
            best, best_rank = _choose(reader, wins, item, best), _choose(reader, wins, its, best_rank)
        return best

    return handler


def _choose(reader: FunctionReader, cond: Operand, a: Value, b: Value) -> Value:
    """`a if cond else b` of two values of one kind."""
    if isinstance(cond, Const):
        return a if cond.value else b
    if isinstance(a, (Var, Const)) and isinstance(b, (Var, Const)):
        kind = a.type if a.type == b.type else scalars.promote(a.type, b.type)
        return reader.emit(p.select, (cond, reader.cast(a, kind), reader.cast(b, kind)), kind)
    if isinstance(a, Node) and isinstance(b, Node) and a.head == b.head and len(a.items) == len(b.items):
        return Node(a.head, tuple(_choose(reader, cond, x, y) for x, y in zip(a.items, b.items, strict=True)))
    if a == b:
        return a
    raise unsupported("min or max of values of different kinds", reader.pos)


HANDLERS[max] = _extremum(operator.gt)
HANDLERS[min] = _extremum(operator.lt)


@handles(slice)
def _slice(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    parts = [Static(None), *args] if len(args) == 1 else list(args)
    return Node(SliceHead(), tuple([*parts, Static(None)][:3]))


@handles(map)
def _map(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    columns = [reader.spec.calls.elements(reader, arg) for arg in args[1:]]
    rows = zip(*columns, strict=False)
    return Node(IterHead("tuple", 0), tuple(reader.spec.calls.call(reader, args[0], list(row), {}) for row in rows))


@handles(functools.reduce)
def _reduce(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    items = reader.spec.calls.elements(reader, args[1])
    total = args[2] if len(args) > 2 else items.pop(0)
    for item in items:
        total = reader.spec.calls.call(reader, args[0], [total, item], {})
    return total


@handles(functools.partial)
def _partial(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Node(PartialHead(tuple(kws)), (*args, *kws.values()))


@handles(callable)
def _callable(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = args[0]
    return Const(callable(value.obj) if isinstance(value, Static) else isinstance(value, Node), b1)


@handles(isinstance)
def _isinstance(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value, against = args
    classes = (
        tuple(item.obj for item in against.items if isinstance(item, Static))
        if isinstance(against, Node)
        else (against.obj,)
        if isinstance(against, Static)
        else ()
    )
    if isinstance(value, Node) and isinstance(value.head, UnionHead):
        raise unsupported("isinstance of a value of several kinds cannot be compiled", reader.pos)
    if isinstance(value, (Var, Const)):
        return Const(issubclass(_CLASSES[value.type], classes), b1)
    if isinstance(value, Static):
        return Const(isinstance(value.obj, classes), b1)
    own = (value.head.cls or tuple) if isinstance(value.head, TupleHead) else object
    return Const(issubclass(own, classes), b1)


_CLASSES: dict[Type, type] = {b1: bool, i8: int, f8: float, c16: complex, f4: np.float32, c8: np.complex64}

for _fn in (str, repr, format):
    HANDLERS[_fn] = lambda reader, args, kws, fn=_fn: Node(LazyHead(fn), tuple(args))  # type: ignore[misc]
