"""Operators that classes define themselves: `a + b` is `type(a).__add__(a, b)` for instances made in Python."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from zyg.reading import records
from zyg.reading.captured import class_of, expect_absent, is_object
from zyg.reading.heads import TupleHead
from zyg.reading.instances import class_attribute
from zyg.reading.values import Node, Static, Value

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
    operator.and_: ("__and__", "__rand__"),
    operator.or_: ("__or__", "__ror__"),
    operator.xor: ("__xor__", "__rxor__"),
    operator.lshift: ("__lshift__", "__rlshift__"),
    operator.rshift: ("__rshift__", "__rrshift__"),
    operator.lt: ("__lt__", "__gt__"),
    operator.le: ("__le__", "__ge__"),
    operator.gt: ("__gt__", "__lt__"),
    operator.ge: ("__ge__", "__le__"),
    operator.eq: ("__eq__", "__eq__"),
}
_UNARY = {
    operator.neg: "__neg__",
    operator.pos: "__pos__",
    operator.invert: "__invert__",
    operator.abs: "__abs__",
    abs: "__abs__",
}


_IN_PLACE = {
    operator.add: "__iadd__",
    operator.sub: "__isub__",
    operator.mul: "__imul__",
    operator.truediv: "__itruediv__",
    operator.floordiv: "__ifloordiv__",
    operator.mod: "__imod__",
    operator.pow: "__ipow__",
    operator.matmul: "__imatmul__",
    operator.and_: "__iand__",
    operator.or_: "__ior__",
    operator.xor: "__ixor__",
    operator.lshift: "__ilshift__",
    operator.rshift: "__irshift__",
}


def special_method(reader: FunctionReader, value: Value, name: str) -> Value | None:
    """The method of this name that the class of an instance, or of a named tuple, defines."""
    cls = _class_that_defines(value)
    if cls is None:
        return None
    found = class_attribute(cls, name)
    if found is None:
        expect_absent(reader, cls, name)
        return None
    if found[0] in (object, tuple):
        return None
    return reader.spec.calls.attribute(reader, value, name)


def _class_that_defines(value: Value) -> type | None:
    """The class of an instance or named tuple, made in Python."""
    if isinstance(value, Node) and isinstance(value.head, TupleHead):
        return value.head.cls
    if records.is_own_instance(value) and isinstance(value, Node):
        found: type = value.head.site.top.cls
        return found
    return class_of(value) if is_object(value) else None


def is_instance_value(value: Value) -> bool:
    """Is it an instance of a class made in Python?"""
    return records.is_own_instance(value) or is_object(value)


def special_operator(reader: FunctionReader, fn: Any, args: list[Value]) -> Value | None:
    """`fn(*args)` where an operand's class says what it is; None elsewhere."""
    if len(args) == 1 and fn in _UNARY:
        method = special_method(reader, args[0], _UNARY[fn])
        return None if method is None else reader.spec.calls.call(reader, method, [], {})
    if len(args) == 2 and fn is operator.ne:
        found = _first_answer(reader, args, ("__ne__", "__ne__"))
        if found is None and any(map(is_instance_value, args)):
            found = special_operator(reader, operator.eq, args)
            found = None if found is None else reader.spec.calls.operator(reader, operator.not_, [found])
        return found
    return _first_answer(reader, args, _BINARY[fn]) if len(args) == 2 and fn in _BINARY else None


def _first_answer(reader: FunctionReader, args: list[Value], names: tuple[str, str]) -> Value | None:
    """What the operands' methods of these names say, the left one's first, unless the right one's class derives from
    the left one's."""
    tried = list(zip(args, args[::-1], names, strict=True))
    left, right = map(_class_that_defines, args)
    if left is not None and right is not None and left is not right and issubclass(right, left):
        tried.reverse()
    for one, other, name in tried:
        method = special_method(reader, one, name)
        if method is not None:
            found = reader.spec.calls.call(reader, method, [other], {})
            if not (isinstance(found, Static) and found.obj is NotImplemented):
                return found
    return None


def special_update(reader: FunctionReader, fn: Any, args: list[Value]) -> Value | None:
    """What `a += b` (for `fn` the operator of `a + b`) makes of `a` where its class says so; None elsewhere."""
    method = special_method(reader, args[0], _IN_PLACE[fn]) if fn in _IN_PLACE else None
    if method is None:
        return None
    found = reader.spec.calls.call(reader, method, args[1:], {})
    return None if isinstance(found, Static) and found.obj is NotImplemented else found
