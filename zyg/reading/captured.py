"""Lists, dicts and instances that a function captures: looked at item by item, only where it reads them."""

from __future__ import annotations

import functools
import types as pytypes
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import Const
from zyg.reading.describe import described
from zyg.reading.heads import DictHead, ListHead, ObjectHead, PartialHead
from zyg.reading.instances import attributes_of, class_attribute, is_instance
from zyg.reading.values import Identity, Node, Path, Static, Value, extended, is_container

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def is_captured(value: Value) -> bool:
    """Whether a value is a list or dict that is known, not what it holds."""
    return isinstance(value, Static) and type(value.obj) in (list, dict)


def opened(reader: FunctionReader, value: Value) -> Value:
    """A captured list or dict with all that it holds; another value as it is."""
    if not (isinstance(value, Static) and type(value.obj) in (list, dict)):
        return value
    captures = reader.spec.captures
    if len(value.obj) > LONGEST:
        raise unsupported(
            f"a captured {type(value.obj).__name__} of {len(value.obj)} items", reader.pos, "Use an array."
        )
    if isinstance(value.obj, list):
        items = [_entry(reader, value, number) for number in range(len(captures.seen_list(value)))]
        return Node(ListHead(), tuple(items))
    keys = captures.keys(value)
    if not all(type(key) is str for key in keys):
        raise unsupported("only dicts with strings as keys can be compiled", reader.pos)
    return Node(DictHead(keys), tuple(_at_key(reader, value, key) for key in keys))


def opened_whole(reader: FunctionReader, value: Value, inside: tuple[int, ...] = ()) -> Value:
    """A captured list, dict or instance with all that is in it, however deep; containers with those that they hold."""
    if is_closed(value) and isinstance(value, Static):
        if id(value.obj) in inside:
            raise unsupported(f"a captured {type(value.obj).__name__} that holds itself", reader.pos)
        inside = (*inside, id(value.obj))
        value = opened(reader, value) if is_captured(value) else opened_object(reader, value)
    if isinstance(value, Node) and is_container(value):
        return Node(value.head, tuple(opened_whole(reader, item, inside) for item in value.items))
    return value


def opened_object(reader: FunctionReader, value: Static) -> Node:
    """A captured instance with its attributes."""
    found = {name: _own_attribute(reader, value, name) for name in attributes_of(value.obj)}
    items = {name: item for name, item in found.items() if item is not None}
    return Node(ObjectHead(type(value.obj), tuple(items)), tuple(items.values()))


def function_parts(reader: FunctionReader, fn: Static) -> Value:
    """A captured closure, method or partial with what it holds as values; another function as it is."""
    obj, captures = fn.obj, reader.spec.captures

    def part(name: str) -> Value:
        return captures.value(getattr(obj, name), extended(fn.path, "attr", name), reader.pos)

    if isinstance(obj, functools.partial):
        own = part("args")
        assert isinstance(own, Node)
        named = captures.items(obj.keywords, extended(fn.path, "attr", "keywords"), reader.pos)
        return Node(PartialHead(tuple(named)), (part("func"), *own.items, *named.values()))
    if isinstance(obj, pytypes.MethodType):
        return Node(PartialHead(()), (part("__func__"), part("__self__")))
    if isinstance(obj, pytypes.FunctionType) and obj.__closure__:
        return captures.as_closure(fn, reader.pos)
    return fn


def is_closed(value: Value) -> bool:
    """Is it a captured list, dict or instance, which has not been looked into?"""
    return is_captured(value) or (isinstance(value, Static) and is_object(value))


def item_of(reader: FunctionReader, value: Static, index: Value) -> Value | None:
    """`value[index]` for a captured list or dict and a constant index; None for another index."""
    if type(value.obj) is dict:
        key = index.obj if isinstance(index, Static) else index.value if isinstance(index, Const) else None
        if type(key) not in (str, int):
            return None
        if key not in value.obj:
            raise unsupported(f"this dict has no key {key!r}", reader.pos, "Use one of its keys.")
        return _at_key(reader, value, key)
    size = len(reader.spec.captures.seen_list(value))
    if isinstance(index, Const) and type(index.value) is int and -size <= index.value < size:
        return _entry(reader, value, index.value % size)
    return None


def _entry(reader: FunctionReader, value: Static, number: int) -> Value:
    captures = reader.spec.captures
    return captures.value(captures.seen_list(value)[number], extended(value.path, "entry", number), reader.pos)


def _at_key(reader: FunctionReader, value: Static, key: Any) -> Value:
    name = key if isinstance(key, str) else ""
    return reader.spec.captures.value(value.obj[key], extended(value.path, "key", key), reader.pos, name)


# --- attributes ---------------------------------------------------------------------------------------------


def is_object(value: Value) -> bool:
    """Whether a value is an instance of a class made in Python."""
    if isinstance(value, Static):
        return is_instance(value.obj)
    return isinstance(value, Node) and isinstance(value.head, ObjectHead)


def class_of(value: Value) -> type:
    """The class of an instance."""
    found: type = type(value.obj) if isinstance(value, Static) else value.head.cls  # type: ignore[union-attr]
    return found


def attribute_of(reader: FunctionReader, value: Static | Node, name: str) -> Value | None:
    """`value.name` of an instance; None where there is no such attribute."""
    cls = class_of(value)
    found = class_attribute(cls, name)
    if found is not None and isinstance(found[1], property):
        return bound(reader, value, cls, found[1], name)
    if isinstance(value, Node):
        if name in value.head.names:
            inside: Value = value.items[value.head.names.index(name)]
            return inside
    else:
        own = _own_attribute(reader, value, name)
        if own is not None:
            return own
    if found is None:
        if name == "__dict__" or class_attribute(cls, "__getattr__") is None:
            return None
        raise unsupported(f"{cls.__name__} looks for attributes in __getattr__, which cannot be compiled", reader.pos)
    if isinstance(value, Static) and value.path is not None and hasattr(value.obj, "__dict__"):
        reader.spec.captures.expect((*value.path, ("members", None), ("key", name)), "missing", None)
    return bound(reader, value, cls, found[1], name)


def has_attribute(reader: FunctionReader, value: Static | Node, name: str) -> bool:
    """Has an instance from outside such an attribute?"""
    cls = class_of(value)
    if in_class(reader, cls, name):
        return True
    if isinstance(value, Node):
        return name in value.head.names
    if _own_attribute(reader, value, name) is not None:
        return True
    if value.path is not None and hasattr(value.obj, "__dict__"):
        reader.spec.captures.expect((*value.path, ("members", None), ("key", name)), "missing", None)
    return False


def in_class(reader: FunctionReader, cls: type, name: str) -> bool:
    """Have all instances of a class such an attribute, by their class?"""
    found = class_attribute(cls, name)
    is_slot = found is not None and isinstance(found[1], pytypes.MemberDescriptorType)
    if (found is not None and isinstance(found[1], property)) or class_attribute(cls, "__getattr__") is not None:
        what = f"whether an instance of {cls.__name__} has an attribute {name!r} is for a method of its class to say"
        raise unsupported(what, reader.pos)
    if found is None or is_slot:
        expect_absent(reader, cls, "__getattr__")
        if found is None:
            expect_absent(reader, cls, name)
        return False
    bound(reader, Static(None), cls, found[1], name)
    return True


def _own_attribute(reader: FunctionReader, value: Static, name: str) -> Value | None:
    """An attribute that is in a captured instance itself."""
    own = attributes_of(value.obj)
    if name not in own:
        return None
    slot = name not in getattr(value.obj, "__dict__", {})
    path = extended(value.path, "attr", name) if slot else extended(extended(value.path, "members", None), "key", name)
    return reader.spec.captures.value(own[name], path, reader.pos, name)


def bound(reader: FunctionReader, value: Static | Node, cls: type, found: Any, name: str) -> Value:
    """What an instance makes of what it finds in its class."""
    if isinstance(found, property):
        got: Value = reader.spec.calls.call(reader, class_part(reader, cls, name, "fget"), [value], {})
        return got
    if isinstance(found, pytypes.FunctionType):
        return Node(PartialHead(()), (class_part(reader, cls, name), value))
    if isinstance(found, staticmethod):
        return class_part(reader, cls, name, "__func__")
    if isinstance(found, classmethod):
        return Node(PartialHead(()), (class_part(reader, cls, name, "__func__"), Static(cls)))
    if hasattr(type(found), "__get__"):
        if not hasattr(type(found), "__zyg_read__"):
            raise unsupported(f"attribute {name!r} of {cls.__name__} cannot be compiled", reader.pos)
        return Node(PartialHead(()), (class_part(reader, cls, name), value))
    return class_part(reader, cls, name)


def class_value(reader: FunctionReader, cls: type, name: str) -> Value | None:
    """`cls.name` of a class made in Python; None where there is no such attribute."""
    found = class_attribute(cls, name)
    if found is None:
        return None
    if isinstance(found[1], staticmethod):
        return class_part(reader, cls, name, "__func__")
    if isinstance(found[1], classmethod):
        return Node(PartialHead(()), (class_part(reader, cls, name, "__func__"), Static(cls)))
    if hasattr(type(found[1]), "__get__") and not isinstance(found[1], pytypes.FunctionType):
        return None
    return class_part(reader, cls, name)


def class_part(reader: FunctionReader, cls: type, name: str, part: str = "", after: type | None = None) -> Value:
    """What is under `name` in the first class that has it (or a `part` of that), seen again when it changes.

    after: only classes behind this one count.
    """
    captures = reader.spec.captures
    for base in cls.__mro__[0 if after is None else cls.__mro__.index(after) + 1 :]:
        path: Path = (("object", Identity(base)),)
        seen = not captures.frozen and base.__flags__ & _HEAP
        if seen:
            captures.expect(path, "is", base)
        path = (*path, ("attr", name))
        if name in vars(base):
            found = vars(base)[name]
            if not part:
                return captures.value(found, path if seen else None, reader.pos, name)
            if seen:
                captures.expect(path, "type", type(found))
            return captures.value(getattr(found, part), (*path, ("attr", part)) if seen else None, reader.pos, name)
        if seen:
            captures.expect(path, "missing", None)
    raise unsupported(f"{described(Static(cls))} has no attribute {name!r}", reader.pos)


def expect_absent(reader: FunctionReader, cls: type, name: str) -> None:
    """What is read rests on it that no class of `cls` has an attribute of this name."""
    captures = reader.spec.captures
    if captures.frozen:
        return
    for base in cls.__mro__:
        if base.__flags__ & _HEAP:
            path: Path = (("object", Identity(base)),)
            captures.expect(path, "is", base)
            captures.expect((*path, ("attr", name)), "missing", None)


_HEAP = 1 << 9
LONGEST = 200
"""Programs are compiled for every item of a list that comes from outside, so it must not be long."""
