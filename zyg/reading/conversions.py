"""Conversions and what asks for the kind of a value: `int`, `round`, `complex`, `bool`, `str`, `isinstance`, …"""

from __future__ import annotations

import math
import operator
import types as pytypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand, Type, Var
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8
from zyg.reading import operators, record_instances, records, texts
from zyg.reading.captured import has_attribute, is_object, opened_object
from zyg.reading.custom import without_gradient
from zyg.reading.describe import described
from zyg.reading.either import choose
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.heads import UnionHead
from zyg.reading.instances import class_attribute, stands_for
from zyg.reading.values import Node, Static, Value, class_of_node
from zyg.rules import numbers as library
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


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


@handles(np.round, np.around)
def _np_round(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """Like `round` with digits: the result is no int."""
    digits = args[1] if len(args) > 1 else kws.get("decimals", Const(0, i8))
    a = number(reader, args[0], "round")
    if a.type in (f4, f8) and digits == Const(0, i8):
        return reader.emit(np.rint, (a,), a.type)
    return _round(reader, [a, digits], {})


@handles(round)
def _round(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a = number(reader, args[0], "round")
    digits = args[1] if len(args) > 1 else kws.get("ndigits", Static(None))
    if isinstance(digits, Static):
        return _rounding(np.rint)(reader, [a], {})
    n = number(reader, digits, "round")
    if a.type in (i8, b1):
        if isinstance(n, Const) and n.value.real >= 0:
            return reader.cast(a, i8)
        whole = without_gradient(reader, reader.cast(a, i8))
        return reader.spec.calls.call(reader, Static(library.round_int), [whole, n], {})
    return reader.emit(p.round_digits, (a, reader.cast(n, i8)), a.type)


def _conversion(kind: Type) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        if not args:
            return Const(0.0, kind)
        if isinstance(args[0], Static) and isinstance(args[0].obj, str):
            try:
                return reader.cast(Const(float(args[0].obj), f8), kind)
            except ValueError as error:
                raise unsupported(str(error), reader.pos) from None
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


@handles(callable)
def _callable(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = args[0]
    if isinstance(value, Static):
        return Const(callable(value.obj), b1)
    if is_object(value) or (isinstance(value, Node) and records.is_own_instance(value)):
        return _has_attribute(reader, value, "__call__")
    cls = class_of_node(value) if isinstance(value, Node) else None
    return Const(isinstance(value, Node) and (cls is None or class_attribute(cls, "__call__") is not None), b1)


@handles(type)
def _type(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = operators.known(reader, args[0])
    if len(args) > 1 or kws or isinstance(value, (Var, Const)):
        raise unsupported("the class of a number is not known when compiling", reader.pos, "Use isinstance.")
    cls = type(value.obj) if isinstance(value, Static) else class_of_node(value)
    if cls is None:
        raise unsupported(f"the class of {described(value)} is not known when compiling", reader.pos)
    return Static(cls)


@handles(getattr)
def _getattr(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = operators.known(reader, args[0])
    if texts.is_made_at_run_time(args[1]) and is_object(value):
        return _attribute_at(reader, value, args[1], *args[2:])
    name = _name(reader, args[1], "getattr")
    if len(args) == 2:
        return reader.spec.calls.attribute(reader, value, name)
    there = _has_attribute(reader, value, name)
    if isinstance(there, Const):
        return reader.spec.calls.attribute(reader, value, name) if there.value else args[2]
    assert isinstance(value, Node)  # an instance that the code has made
    return choose(reader, there, records.load(reader, value, name), args[2])


def _attribute_at(reader: FunctionReader, value: Value, name: Value, default: Value | None = None) -> Value:
    """`getattr(value, name)` of an instance from outside, by a string that is made at run time."""
    node = opened_object(reader, value) if isinstance(value, Static) else value
    assert isinstance(node, Node)
    cls = node.head.cls
    if class_attribute(cls, "__getattr__") is not None or texts.chosen_by(reader, name, dir(cls)):
        raise unsupported("getattr needs a name that is known when compiling, or of an own attribute", reader.pos)
    entries = dict(zip(node.head.names, node.items, strict=True))
    shown = f"{cls.__name__!r} object has no attribute %r"
    return texts.item_at(reader, name, entries, default, lambda text: AttributeError(shown % text))


@handles(hasattr)
def _hasattr(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _has_attribute(reader, operators.known(reader, args[0]), _name(reader, args[1], "hasattr"))


def _has_attribute(reader: FunctionReader, value: Value, name: str) -> Operand:
    if isinstance(value, Node) and records.is_own_instance(value):
        return record_instances.has_attribute(reader, value, name)
    if is_object(value):
        assert isinstance(value, (Static, Node))
        return Const(has_attribute(reader, value, name), b1)
    if isinstance(value, Static):
        if isinstance(value.obj, _WITHOUT_ATTRIBUTES) and not isinstance(value.obj, type):
            return Const(hasattr(value.obj, name), b1)
    elif isinstance(value, (Var, Const)):
        classes = _NUMBERS.get(value.type, ())
        if classes and len({hasattr(cls, name) for cls in classes}) == 1:
            return Const(hasattr(classes[0], name), b1)
    else:
        own = class_of_node(value)
        if own is not None:
            return Const(hasattr(own, name), b1)
    raise unsupported(f"whether {described(value)} has an attribute {name!r} is not known when compiling", reader.pos)


_WITHOUT_ATTRIBUTES = (str, type(None), list, dict, pytypes.ModuleType, pytypes.BuiltinFunctionType)
# What a number may be: one of Python's or of NumPy's
_NUMBERS: dict[Type, tuple[type, type]] = {
    b1: (bool, np.bool_),
    i8: (int, np.int64),
    f8: (float, np.float64),
    c16: (complex, np.complex128),
}


@handles(setattr)
def _setattr(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value, name, new = args
    reader.spec.calls.set_attribute(reader, value, _name(reader, name, "setattr"), new)
    return Static(None)


def _name(reader: FunctionReader, value: Value, what: str) -> str:
    if isinstance(value, Static) and isinstance(value.obj, str):
        return value.obj
    raise unsupported(
        f"{what} needs a name that is known when compiling", reader.pos, "Write the attribute as object.name."
    )


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
        return Const(_is_of(reader, value, classes), b1)
    if isinstance(value, Static):
        return Const(isinstance(value.obj, classes), b1)
    own = class_of_node(value)
    if own is None:
        raise unsupported(f"isinstance of {described(value)} cannot be compiled", reader.pos)
    return Const(issubclass(own, classes) or stands_for(own, classes), b1)


def _is_of(reader: FunctionReader, number: Operand, classes: tuple[Any, ...]) -> bool:
    """Is a number of one of these classes?  Elements of arrays and results of NumPy's functions are of NumPy's."""
    of_python, of_numpy = (issubclass(cls, classes) for cls in _NUMBERS.get(number.type, (_CLASSES[number.type],) * 2))
    if of_python == of_numpy or isinstance(number, Const):
        return of_python
    if number in reader.spec.of_numpy:
        return of_numpy
    if of_numpy:
        what = "whether a number is NumPy's is not known here"
        raise unsupported(what, reader.pos, "Ask for int, float or complex.")
    return of_python


_CLASSES: dict[Type, type] = {b1: bool, i8: int, f8: float, c16: complex, f4: np.float32, c8: np.complex64}


def _text(fn: Callable[..., str]) -> Handler:
    return lambda reader, args, kws: texts.made(reader, fn, args)


HANDLERS |= {str: _text(str), repr: _text(repr), ascii: _text(ascii), format: _text(format)}
