"""What instances do whose attributes are changed (see `records`)."""

from __future__ import annotations

import types as pytypes
from types import SimpleNamespace
from typing import TYPE_CHECKING

from zyg.errors import UnsupportedError, for_dynamic_mode, unsupported
from zyg.ir.program import Const, Operand
from zyg.ir.scalars import b1
from zyg.reading import records, tables
from zyg.reading.captured import bound, class_of, class_part, expect_absent, in_class
from zyg.reading.either import choose
from zyg.reading.heads import PartialHead
from zyg.reading.instances import class_attribute
from zyg.reading.values import Node, Static, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def attribute(reader: FunctionReader, record: Node, name: str) -> Value:
    """`record.name` of an instance."""
    cls: type = record.head.site.top.cls
    kind = tables.stands_for(record)
    if name == "__class__":
        return Static(kind or cls)
    if kind is not None:
        name = tables.known_name(reader, cls, name)
    found = class_attribute(cls, name)
    if found is not None and isinstance(found[1], property):
        return bound(reader, record, cls, found[1], name)
    if found is not None and isinstance(found[1], pytypes.MemberDescriptorType):  # a slot
        found = None
    if found is not None and records.cell_number(record, name) is None and name not in record.head.site.top.fields:
        return bound(reader, record, cls, found[1], name)
    text = f"{cls.__name__!r} object has no attribute {name!r}"
    if found is not None and records.cell_number(record, name) is not None:
        there = records.has(reader, record, name)
        try:
            return choose(reader, there, records.load(reader, record, name), bound(reader, record, cls, found[1], name))
        except UnsupportedError:  # they are of different kinds: it is taken to have its own
            where = reader.pos
            what = f"native code takes the attribute {name!r} of this {cls.__name__} for its own, not its class's"
            return records.get(reader, record, name, lambda: for_dynamic_mode(unsupported(what, where)))
    return records.get(reader, record, name, lambda: AttributeError(text))


def has_attribute(reader: FunctionReader, record: Node, name: str) -> Operand:
    """`hasattr(record, name)` of an instance."""
    return Const(True, b1) if in_class(reader, record.head.site.top.cls, name) else records.has(reader, record, name)


def attribute_of_super(reader: FunctionReader, value: Node, name: str) -> Value:
    """`super().name` of an instance."""
    (own,) = value.items
    assert isinstance(own, (Static, Node))
    cls = own.head.site.top.cls if isinstance(own, Node) and records.is_own_instance(own) else class_of(own)
    if not issubclass(cls, value.head.cls):
        raise unsupported("super() of another class cannot be compiled", reader.pos)
    behind = cls.__mro__[cls.__mro__.index(value.head.cls) + 1 :]
    found = next((vars(base)[name] for base in behind if name in vars(base)), None)
    if name == "__init__" and found is object.__init__:
        return Static(_nothing)
    if not isinstance(found, pytypes.FunctionType):
        raise unsupported(f"super().{name} cannot be compiled unless it is a method made in Python", reader.pos)
    return Node(PartialHead(()), (class_part(reader, cls, name, after=value.head.cls), own))


def _nothing() -> None:
    """What `object.__init__` does."""


def set_attribute(reader: FunctionReader, record: Node, name: str, value: Value) -> None:
    """`record.name = value` of an instance."""
    cls: type = record.head.site.top.cls
    if class_attribute(cls, "__setattr__") != (object, object.__setattr__) and cls is not SimpleNamespace:
        raise unsupported(f"{cls.__name__} defines how attributes are set, which cannot be compiled", reader.pos)
    found = class_attribute(cls, name)
    if found is None:
        expect_absent(reader, cls, name)
    elif isinstance(found[1], property):
        if found[1].fset is None:
            raise unsupported(f"property {name!r} of {cls.__name__} has no setter", reader.pos)
        reader.spec.calls.call(reader, class_part(reader, cls, name, "fset"), [record, value], {})
        return
    elif hasattr(type(found[1]), "__set__") and not isinstance(found[1], pytypes.MemberDescriptorType):
        raise unsupported(f"attribute {name!r} of {cls.__name__} is a descriptor, which cannot be compiled", reader.pos)
    records.put(reader, record, name, value)
