"""What is inside an abstract value: attributes, methods and items."""

from __future__ import annotations

import operator as op
import types as pytypes
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, captured, indexing, maps, operators, record_dicts, record_instances, records, texts
from zyg.reading.array_making import as_array, is_sequence
from zyg.reading.array_members import array_attribute, array_method
from zyg.reading.describe import described
from zyg.reading.either import one_of
from zyg.reading.heads import DictHead, FlatHead, ListHead, MethodHead, ObjectHead, SliceHead, SuperHead, TupleHead
from zyg.reading.index_tricks import array_between_brackets
from zyg.reading.instances import class_attribute, is_plain
from zyg.reading.list_members import delete_list_item, list_attribute, list_item, list_method, set_list_item
from zyg.reading.places import flat_item, is_flat, set_flat_item, without_flat
from zyg.reading.special_methods import special_method
from zyg.reading.values import Node, Static, Value, is_list, is_same_array, tuple_of
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_FIELD = type(vars(namedtuple("Example", "field"))["field"])  # what a named tuple's class has under a field's name


def attribute(reader: FunctionReader, value: Value, name: str) -> Value:
    """`value.name`."""
    value = operators.known(reader, value)
    if isinstance(value, (Var, Const)):
        if name == "real" and value.type in (scalars.c8, scalars.c16):
            return reader.emit(np.real, (value,), scalars.real_of(value.type))
        if name == "imag":
            if value.type in (scalars.c8, scalars.c16):
                return reader.emit(np.imag, (value,), scalars.real_of(value.type))
            return Const(0 if value.type in (i8, b1) else 0.0, i8 if value.type == b1 else value.type)
        if name == "real":
            return reader.cast(value, i8) if value.type == b1 else value
        if name in ("conjugate", "is_integer"):
            return Node(MethodHead(name), (value,))
    if arrays.is_arraylike(value):
        return array_attribute(reader, value, name)
    if isinstance(value, Node):
        head = value.head
        if is_list(value):
            return list_attribute(reader, value, name)
        if isinstance(head, FlatHead):
            return array_attribute(reader, without_flat(reader, value), name)
        if isinstance(head, SuperHead):
            return record_instances.attribute_of_super(reader, value, name)
        if records.is_own_instance(value):
            return record_instances.attribute(reader, value, name)
        if records.is_shared_dict(value) and (hasattr(dict, name) or name == "<put>"):
            return Node(MethodHead(name), (value,))
        if isinstance(head, TupleHead):
            fields = getattr(head.cls, "_fields", ())
            of_class = None if head.cls is None else class_attribute(head.cls, name)
            if name in fields and (of_class is None or type(of_class[1]) is _FIELD):
                return value.items[fields.index(name)]
            if name in ("index", "count", "_replace", "_asdict"):
                return Node(MethodHead(name), (value,))
            if head.cls is not None and of_class is not None:
                return captured.bound(reader, value, head.cls, of_class[1], name)
        if isinstance(head, DictHead) and name in ("get", "items", "keys", "values"):
            return Node(MethodHead(name), (value,))
    if captured.is_object(value):
        assert isinstance(value, (Static, Node))
        found = captured.attribute_of(reader, value, name)
        if found is not None:
            return found
    if isinstance(value, Static):
        if isinstance(value.obj, pytypes.ModuleType):
            return reader.spec.captures.attribute(value.obj, name, value.path, reader.pos)
        if isinstance(value.obj, str):
            return Node(MethodHead(name), (value,))
        if captured.is_captured(value):
            return attribute(reader, captured.opened(reader, value), name)
        if isinstance(value.obj, type) and is_plain(value.obj):
            found = captured.class_value(reader, value.obj, name)
            if found is not None:
                return found
        if hasattr(value.obj, name) and (isinstance(value.obj, type) or callable(getattr(value.obj, name))):
            return Static(getattr(value.obj, name))
    raise unsupported(f"{described(value)} has no attribute {name!r} in native code", reader.pos)


def method(reader: FunctionReader, bound: Node, args: list[Value], kws: dict[str, Value]) -> Value:
    (value,), name = bound.items, bound.head.name
    if arrays.is_arraylike(value):
        return array_method(reader, value, name, args, kws)
    if isinstance(value, Node) and is_list(value):
        return list_method(reader, value, name, args, kws)
    if (
        isinstance(value, Node)
        and records.is_shared_dict(value)
        and not (isinstance(value.head, DictHead) and name in ("get", "items", "keys", "values"))
    ):
        return record_dicts.dict_method(reader, value, name, args, kws)
    if isinstance(value, (Var, Const)):
        if name == "conjugate":
            return reader.emit(np.conj, (value,), value.type) if value.type in (scalars.c8, scalars.c16) else value
        if name == "is_integer" and value.type == scalars.f8:
            return reader.emit(op.eq, (reader.emit(np.floor, (value,), value.type), value), b1)
    if isinstance(value, Static):
        return texts.method(reader, value, name, args, kws)
    if isinstance(value, Node) and isinstance(value.head, TupleHead):
        if name == "count":
            total: Value = Const(0, i8)
            for item in value.items:
                same = operators.truth(reader, operators.apply(reader, op.eq, [item, args[0]]))
                total = operators.apply(reader, op.add, [total, reader.cast(same, i8)])
            return total
        if name == "_replace" and value.head.cls is not None:
            fields = value.head.cls._fields  # type: ignore[attr-defined]
            if kws.keys() - set(fields):
                raise unsupported(f"{value.head.cls.__name__} has no such field", reader.pos)
            return tuple_of([kws.get(f, item) for f, item in zip(fields, value.items, strict=True)], value.head.cls)
        if name == "_asdict" and value.head.cls is not None:
            return Node(DictHead(tuple(value.head.cls._fields)), value.items)  # type: ignore[attr-defined]
    if isinstance(value, Node) and isinstance(value.head, DictHead):
        keys: list[Value] = [Static(key) for key in value.head.keys]
        if name == "keys":
            return tuple_of(keys)
        if name == "values":
            return tuple_of(value.items)
        if name == "items":
            return tuple_of([tuple_of(pair) for pair in zip(keys, value.items, strict=True)])
        if name == "get" and texts.is_made_at_run_time(args[0]):
            entries = dict(zip(value.head.keys, value.items, strict=True))
            return texts.item_at(reader, args[0], entries, args[1] if len(args) > 1 else Static(None))
        if name == "get" and records.is_shared_dict(value):
            args = [Static(record_dicts.key_in(reader, value, args[0])), *args[1:]]
        if name == "get" and isinstance(args[0], Static):
            default = args[1] if len(args) > 1 else Static(None)
            return dict(zip(value.head.keys, value.items, strict=True)).get(args[0].obj, default)
    raise unsupported(f"the method {name!r} cannot be compiled here", reader.pos)


def item(reader: FunctionReader, value: Value, index: Value) -> Value:
    """`value[index]`."""
    value = operators.known(reader, value)
    if arrays.is_arraylike(value):
        array = maps.settle(reader, value)
        assert isinstance(array, Node)
        return indexing.get(reader, array, index)
    if isinstance(value, Node) and is_flat(value):
        if isinstance(index, (Var, Const)):
            return flat_item(reader, value, index)
        return item(reader, without_flat(reader, value), index)
    if isinstance(value, Static) and isinstance(value.obj, str):
        key = index.value if isinstance(index, Const) else getattr(index, "obj", None)
        if isinstance(index, Node) and isinstance(index.head, SliceHead):
            key = slice(*(_index_constant(reader, part) for part in index.items))
        if isinstance(key, slice) or (type(key) is int and -len(value.obj) <= key < len(value.obj)):
            return Static(value.obj[key])
    if isinstance(value, Static) and isinstance(value.obj, types.Type):
        return Static(value.obj[_dimensions(reader, index)])
    if isinstance(value, Static):
        made = array_between_brackets(reader, value.obj, index)
        if made is not None:
            return made
    if isinstance(value, Static) and captured.is_captured(value):
        found = captured.item_of(reader, value, index)
        if found is not None:
            return found
        value = captured.opened(reader, value)
    if isinstance(value, Node) and records.is_dict(value):
        return record_dicts.dict_item(reader, value, index)
    getter = special_method(reader, value, "__getitem__")
    if getter is not None:
        return reader.spec.calls.call(reader, getter, [index], {})
    if isinstance(value, Node) and is_list(value):
        return list_item(reader, value, index)
    if not (isinstance(value, Node) and isinstance(value.head, TupleHead)):
        raise unsupported(f"{described(value)} cannot be indexed in native code", reader.pos)
    if isinstance(index, Static) and isinstance(index.obj, slice):
        return tuple_of(value.items[index.obj])
    if isinstance(index, Node) and isinstance(index.head, SliceHead):
        parts = [_index_constant(reader, part) for part in index.items]
        return tuple_of(value.items[slice(*parts)])
    if not isinstance(index, (Var, Const)) or index.type not in (i8, b1):
        raise unsupported("tuple indices must be integers", reader.pos)
    if isinstance(index, Const):
        try:
            return value.items[int(index.value)]  # type: ignore[arg-type]
        except IndexError:
            raise unsupported("tuple index out of range", reader.pos) from None
    return _dynamic_item(reader, value, reader.cast(index, i8))


def set_item(reader: FunctionReader, value: Value, index: Value, new: Value) -> None:
    """`value[index] = new`."""
    value = operators.known(reader, value)
    if isinstance(value, Node) and is_list(value):
        outside = isinstance(value.head, ListHead) and value.head.site is None
        at = index.value if isinstance(index, Const) and type(index.value) is int else len(value.items)
        known = outside and -len(value.items) <= at < len(value.items)
        if not (known and is_same_array(value.items[at], new)):  # `value[0] *= 2`
            set_list_item(reader, value, index, new)
        return
    setter = special_method(reader, value, "__setitem__")
    if setter is not None:
        reader.spec.calls.call(reader, setter, [index, new], {})
        return
    if isinstance(value, Node) and records.is_dict(value):
        key = record_dicts.key_in(reader, value, index)
        outside = isinstance(value.head, DictHead) and value.head.site is None and key in value.head.keys
        if not (outside and is_same_array(value.items[value.head.keys.index(key)], new)):  # `value[key] *= 2`
            records.put(reader, value, key, new)
        return
    if isinstance(value, Node) and is_flat(value):
        set_flat_item(reader, value, index, new)
        return
    if not arrays.is_arraylike(value):
        raise unsupported(f"{described(value)} does not support item assignment", reader.pos)
    array = maps.settle(reader, value)
    assert isinstance(array, Node)
    indexing.put(reader, array, index, as_array(reader, new) if is_sequence(new) else new)


def set_attribute(reader: FunctionReader, value: Value, name: str, new: Value) -> None:
    """`value.name = new`."""
    value = operators.known(reader, value)
    if isinstance(value, Node) and records.is_own_instance(value):
        record_instances.set_attribute(reader, value, name, new)
        return
    if arrays.is_arraylike(value) and name in ("real", "imag"):
        array = maps.settle(reader, value)
        set_item(reader, attribute(reader, array, name), Static(Ellipsis), new)
        return
    if isinstance(value, Node) and isinstance(value.head, ObjectHead) and name in value.head.names:
        cls: type = value.head.cls
        plain = cls is pytypes.SimpleNamespace or class_attribute(cls, "__setattr__") == (object, object.__setattr__)
        found = class_attribute(cls, name)
        slot = found is not None and isinstance(found[1], pytypes.MemberDescriptorType)
        plain = plain and (found is None or slot or not hasattr(type(found[1]), "__set__"))
        if plain and is_same_array(value.items[value.head.names.index(name)], new):  # `value.name *= 2`
            return
    raise unsupported(
        f"attributes of {described(value)} that was made elsewhere cannot be set in native code", reader.pos
    )


def delete_item(reader: FunctionReader, value: Value, index: Value) -> None:
    """`del value[index]`."""
    value = operators.known(reader, value)
    if isinstance(value, Node) and records.is_dict(value):
        record_dicts.delete(reader, value, index)
        return
    deleter = special_method(reader, value, "__delitem__")
    if deleter is not None:
        reader.spec.calls.call(reader, deleter, [index], {})
        return
    if not (isinstance(value, Node) and is_list(value)):
        raise unsupported(f"items of {described(value)} cannot be deleted in native code", reader.pos)
    delete_list_item(reader, value, index)


def _dimensions(reader: FunctionReader, index: Value) -> Any:
    """What stands between the brackets of `float64[:, :]`."""
    if isinstance(index, Node) and isinstance(index.head, SliceHead):
        return slice(*[_index_constant(reader, part) for part in index.items])
    if isinstance(index, Node) and isinstance(index.head, TupleHead):
        return tuple(_dimensions(reader, part) for part in index.items)
    if isinstance(index, Static):
        return index.obj
    raise unsupported(f"a type of Numba's is indexed by {described(index)}", reader.pos)


def _index_constant(reader: FunctionReader, part: Value) -> int | None:
    if isinstance(part, Static) and part.obj is None:
        return None
    if isinstance(part, Const) and isinstance(part.value, int):
        return part.value
    raise unsupported("slices of tuples need constant bounds", reader.pos)


def _dynamic_item(reader: FunctionReader, value: Node, index: Operand) -> Value:
    size = len(value.items)
    negative = reader.emit(op.lt, (index, Const(0, i8)), b1)
    wrapped = reader.emit(op.add, (index, Const(size, i8)), i8)
    at = reader.emit(p.select, (negative, wrapped, index), i8)
    low = reader.emit(op.ge, (at, Const(0, i8)), b1)
    high = reader.emit(op.lt, (at, Const(size, i8)), b1)
    ok = reader.emit(op.and_, (low, high), b1)
    reader.guard(ok, lambda: IndexError("tuple index out of range"), "IndexError")
    if size == 0:
        raise unsupported("an empty tuple cannot be indexed", reader.pos)
    conditions = [reader.emit(op.eq, (at, Const(number, i8)), b1) for number in range(size)]
    return one_of(reader, value.items, conditions)
