"""What a value is, in words, for messages."""

from __future__ import annotations

import types as pytypes

import numpy as np

from zyg.ir.program import Const, Type, Var
from zyg.ir.scalars import b1, c16, f8, i8
from zyg.reading.heads import (
    ArrayHead,
    ClosureHead,
    DictHead,
    ErrorHead,
    FlatHead,
    GeneratorHead,
    IterHead,
    LazyHead,
    ListHead,
    MapHead,
    MemoryListHead,
    MethodHead,
    ObjectHead,
    PartialHead,
    RangeHead,
    RecordHead,
    SliceHead,
    TupleHead,
    UnionHead,
)
from zyg.reading.values import Node, Static, Value
from zyg.rules.tables import STANDING_FOR

_NUMBERS: dict[Type, str] = {b1: "a bool", i8: "an int", f8: "a float", c16: "a complex number"}
_NODES: dict[type, str] = {
    ArrayHead: "an array",
    MapHead: "an array",
    ListHead: "a list",
    MemoryListHead: "a list",
    ClosureHead: "a function",
    DictHead: "a dict",
    ErrorHead: "an exception",
    FlatHead: "what `.flat` gives",
    GeneratorHead: "a generator",
    IterHead: "an iterator",
    LazyHead: "a string",
    MethodHead: "a method",
    PartialHead: "a function",
    RangeHead: "a range",
    RecordHead: "a dict or instance",
    SliceHead: "a slice",
    TupleHead: "a tuple",
}
_OBJECTS: dict[type, str] = {
    pytypes.NoneType: "None",
    str: "a string",
    dict: "a dict",
    list: "a list",
    set: "a set",
    pytypes.ModuleType: "a module",
    pytypes.FunctionType: "a function",
    pytypes.BuiltinFunctionType: "a function",
    np.ndarray: "an array",
    np.ufunc: "a function",
}


def described(value: Value) -> str:
    """`value` with its article.

    >>> described(Const(2, i8)), described(Static(None)), described(Static(2.5j))
    ('an int', 'None', 'an instance of complex')
    """
    if isinstance(value, (Var, Const)):
        return _NUMBERS.get(value.type, f"a {value.type}")
    if isinstance(value, Static):
        if isinstance(value.obj, type):
            return f"the class {value.obj.__name__}"
        return _OBJECTS.get(type(value.obj), f"an instance of {type(value.obj).__name__}")
    if isinstance(value.head, ObjectHead):
        return f"an instance of {value.head.cls.__name__}"
    if isinstance(value.head, RecordHead) and value.head.site.top.cls in STANDING_FOR:
        return f"a {STANDING_FOR[value.head.site.top.cls].__name__}"
    if isinstance(value.head, UnionHead):
        return " or ".join(described(item) for item in value.items[1:])
    name = type(value.head).__name__.removesuffix("Head").lower()
    return _NODES.get(type(value.head), f"an {name}" if name[0] in "aeiou" else f"a {name}")


def with_names(value: Value) -> str:
    """`value` with its article and, of a dict or instance, the names of what it holds."""
    head = value.head if isinstance(value, Node) else None
    names = head.keys if isinstance(head, DictHead) else head.names if isinstance(head, ObjectHead) else ()
    return described(value) + (f" with {', '.join(map(str, names))}" if names else "")
