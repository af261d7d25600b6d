"""Dicts with keys that are not known when compiling, and sets: instances of classes of `zyg.rules.tables`.

A dict that the code makes is taken to have constant keys until it is asked for another one.  Then its site is marked,
and what has made it is read again (see `sites`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import Const, Var
from zyg.ir.scalars import i8
from zyg.reading.describe import described
from zyg.reading.heads import RecordHead, TupleHead
from zyg.reading.sites import Reread, Site
from zyg.reading.values import Node, Static, Value, constant
from zyg.rules.tables import STANDING_FOR, KeySet, Table

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def stands_for(value: Value | None) -> type | None:
    """`dict` or `set`, if a value is one with keys that are not known when compiling."""
    if not isinstance(value, Node) or not isinstance(value.head, RecordHead):
        return None
    return STANDING_FOR.get(value.head.site.top.cls)


def is_key(index: Value) -> bool:
    """May it be a key that is not known when compiling: an int or a tuple of ints?"""
    if isinstance(index, Node) and isinstance(index.head, TupleHead):
        return index.head.cls is None and len(index.items) > 0 and all(map(is_key, index.items))
    return isinstance(index, (Var, Const)) and index.type == i8


def become_table(reader: FunctionReader, site: Site) -> None:
    """From now on the dicts that are made at the site are tables."""
    site.top.table = True
    reader.spec.sites.changed.add(site.top)
    raise Reread


def table(reader: FunctionReader, entries: dict[Any, Value]) -> Node:
    """A new dict."""
    call = reader.spec.calls.call
    made = call(reader, Static(Table), [], {})
    assert isinstance(made, Node)
    for key, item in entries.items():
        if type(key) is not int:
            raise unsupported(
                "a dict whose keys are not all known when compiling has keys that are ints, or tuples of ints",
                reader.pos,
            )
        reader.spec.calls.set_item(reader, made, constant(key), item)
    return made


def key_set(reader: FunctionReader, keys: list[Value]) -> Node:
    """A new set."""
    call, attribute = reader.spec.calls.call, reader.spec.calls.attribute
    made = call(reader, Static(KeySet), [], {})
    assert isinstance(made, Node)
    for key in keys:
        if not is_key(key):
            raise unsupported(
                f"a set of {described(key)} cannot be compiled, one of ints or of tuples of ints can", reader.pos
            )
        call(reader, attribute(reader, made, "add"), [key], {})
    return made


def known_name(reader: FunctionReader, cls: type, name: str) -> str:
    """The name of an attribute of a table, unless that is only Python's."""
    if name == "<put>":  # of what a comprehension makes
        return "__setitem__"
    if name == "__dict__" or (
        not hasattr(cls, name) and not any(name in vars(base).get("__annotations__", ()) for base in cls.__mro__)
    ):
        kind = STANDING_FOR[cls].__name__
        raise unsupported(
            f"the method {name!r} of a {kind} with keys that are not constants cannot be compiled", reader.pos
        )
    return name


def keys_of(reader: FunctionReader, value: Node) -> Value:
    """An iterator over a table's keys."""
    if stands_for(value) is set:
        raise unsupported(
            "sets cannot be iterated over in native code, as their order is Python's secret",
            reader.pos,
            "Iterate over sorted(…) of the set, or use a dict.",
        )
    return reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, value, "keys"), [], {})
