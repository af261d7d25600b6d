"""Operators that classes define themselves: `a + b` is `type(a).__add__(a, b)` for instances made in Python."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from zyg.reading import records
from zyg.reading.captured import class_of, is_object
from zyg.reading.instances import class_attribute
from zyg.reading.values import Node, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_BINARY = {
    operator.add: ("__add__", "__radd__"),
    operator.sub: ("__sub__", "__rsub__"),
    operator.mul: ("__mul__", "__rmul__"),
    operator.truediv: ("__truediv__", "__rtruediv__"),
    operator.floordiv: ("__floordiv__", "__rfloordiv__"),
    operator.mod: ("__mod__", "__rmod__"),
    operator.pow: ("__pow__", "__rpow__"),
    operator.matmul: ("__matmul__", "__rmatmul__"),
    operator.lt: ("__lt__", "__gt__"),
    operator.le: ("__le__", "__ge__"),
    operator.gt: ("__gt__", "__lt__"),
    operator.ge: ("__ge__", "__le__"),
    operator.eq: ("__eq__", "__eq__"),
}
_UNARY = {operator.neg: "__neg__", operator.pos: "__pos__", operator.abs: "__abs__", abs: "__abs__"}


def special_method(reader: FunctionReader, value: Value, name: str) -> Value | None:
    """The method of this name that the class of an instance defines."""
    if records.is_own_instance(value) and isinstance(value, Node):
        cls: type = value.head.site.top.cls
    elif is_object(value):
        cls = class_of(value)
    else:
        return None
    found = class_attribute(cls, name)
    if found is None or found[0] is object:
        return None
    return reader.spec.calls.attribute(reader, value, name)


def is_instance_value(value: Value) -> bool:
    """Is it an instance of a class made in Python?"""
    return records.is_own_instance(value) or is_object(value)


def special_operator(reader: FunctionReader, fn: Any, args: list[Value]) -> Value | None:
    """`fn(*args)` where an operand's class says what it is; None elsewhere."""
    if len(args) == 1 and fn in _UNARY:
        method = special_method(reader, args[0], _UNARY[fn])
        return None if method is None else reader.spec.calls.call(reader, method, [], {})
    if len(args) == 2 and fn is operator.ne and any(map(is_instance_value, args)):
        for one, other in (args, args[::-1]):
            method = special_method(reader, one, "__ne__")
            if method is not None:
                return reader.spec.calls.call(reader, method, [other], {})
        same = special_operator(reader, operator.eq, args)
        return None if same is None else reader.spec.calls.operator(reader, operator.not_, [same])
    if len(args) == 2 and fn in _BINARY:
        for one, other, name in zip(args, args[::-1], _BINARY[fn], strict=True):
            method = special_method(reader, one, name)
            if method is not None:
                return reader.spec.calls.call(reader, method, [other], {})
    return None
