"""What dicts do that are changed: items, methods, comparison (see `records`)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zyg.errors import UnsupportedError, unsupported
from zyg.ir.program import Const, Operand
from zyg.ir.scalars import b1, i8
from zyg.reading import records, tables, texts
from zyg.reading.arrays import ZERO
from zyg.reading.describe import described
from zyg.reading.either import choose
from zyg.reading.heads import DictHead
from zyg.reading.sites import Reread
from zyg.reading.values import Node, Static, Value, tuple_of
from zyg.rules.lists import item_or

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def key_of(reader: FunctionReader, index: Value) -> Any:
    """The key that an index is, which must be known when compiling."""
    if isinstance(index, Static) and isinstance(index.obj, (str, bytes, type(None))):
        return index.obj
    if isinstance(index, Const):
        return index.value
    raise unsupported(
        f"a dict is indexed by {described(index)} that is not known when compiling", reader.pos, "Use constant keys."
    )


def key_in(reader: FunctionReader, value: Node, index: Value) -> Any:
    """The key of a dict that an index is; a dict that has others than constants is a table from now on."""
    if tables.is_key(index) and not isinstance(index, Const) and value.head.site is not None:
        tables.become_table(reader, value.head.site)
    return key_of(reader, index)


def dict_item(reader: FunctionReader, record: Node, index: Value) -> Value:
    """`record[index]` of a dict."""
    if texts.is_made_at_run_time(index) and not records.is_record(record):
        return texts.item_at(reader, index, entries_of(reader, record))
    key = key_in(reader, record, index)
    if not records.is_record(record):
        if key not in record.head.keys:
            raise unsupported(f"this dict has no key {key!r}", reader.pos, "Use one of its keys.")
        found: Value = record.items[record.head.keys.index(key)]
        return found
    return records.get(reader, record, key, lambda: KeyError(key))


def _grown(reader: FunctionReader, value: Node, index: Value, new: Value) -> Value:
    """A key of a dict comprehension, whose dict has no names but those that the compiler gives it."""
    key, site = key_in(reader, value, index), value.head.site
    if records.is_record(value) or type(key) is not str or site.top.in_memory:
        records.put(reader, value, key, new)
        return Static(None)
    new = reader.spec.calls.settle(reader, new)
    entries = dict(zip(value.head.keys, value.items, strict=True)) | {key: new}
    made = Node(DictHead(tuple(entries), site), tuple(entries.values()))
    for name, held in reader.env.items():
        if name.startswith("$") and isinstance(held, Node) and held.head == value.head and held.head.site is site:
            reader.env[name] = made
    return Static(None)


def dict_method(reader: FunctionReader, value: Node, name: str, args: list[Value], kws: dict[str, Value]) -> Value:
    """`value.name(*args, **kws)` of a dict that the code which is read has made."""
    if name == "update":
        given = dict(kws)
        if args:
            given = entries_of(reader, args[0]) | given
        for key, item in given.items():
            records.put(reader, value, key, item)
        return Static(None)
    if name == "<put>":
        return _grown(reader, value, args[0], args[1])
    if name in ("clear", "pop", "setdefault", "popitem"):
        records.settle_in_memory(reader, value)
        if not records.is_record(value):
            raise Reread
    if name == "copy":
        return records.dict_display(reader, entries_of(reader, value), "copy")
    if name == "keys":
        return tuple_of([Static(key) if isinstance(key, str) else Const(key, i8) for key in entries_of(reader, value)])
    if name == "values":
        return _view(reader, value, name, list(entries_of(reader, value).values()))
    if name == "items":
        pairs = entries_of(reader, value).items()
        rows = [tuple_of([Static(k) if isinstance(k, str) else Const(k, i8), item]) for k, item in pairs]
        return _view(reader, value, name, rows)
    if name == "clear":
        for number in range(len(value.head.kind)):
            records.set_turn(reader, value, number, ZERO)
        return Static(None)
    if name not in ("get", "pop", "setdefault") or not args or kws:
        raise unsupported(f"the method {name!r} of dicts cannot be compiled here", reader.pos)
    key = key_in(reader, value, args[0])
    default = args[1] if len(args) > 1 else None
    if name == "setdefault":
        if records.cell_number(value, key) is None:
            records.put(reader, value, key, default or Static(None))
            raise Reread
        there = records.has(reader, value, key)
        chosen = choose(reader, there, records.load(reader, value, key), default or Static(None))
        records.put(reader, value, key, chosen)
        return chosen
    if name == "pop" and default is None:
        found = records.get(reader, value, key, lambda: KeyError(key))
        records.remove(reader, value, key)
        return found
    default = default or Static(None)
    if records.cell_number(value, key) is None:
        return default
    there = records.has(reader, value, key)
    try:
        found = choose(reader, there, records.load(reader, value, key), default)
    except UnsupportedError:  # they are of different kinds
        found = reader.spec.call(reader, Static(item_or), [value, args[0], default], {})
    if name == "pop":
        records.remove(reader, value, key)
    return found


def _view(reader: FunctionReader, value: Node, name: str, entries: Sequence[Value]) -> Value:
    """What a dict holds now; a loop over it asks for each entry when it is its turn (see `iteration`)."""
    found = tuple_of(entries)
    if records.is_record(value):
        reader.spec.views[id(found)] = value, name
        reader.spec.keep.append(found)
    return found


def entries_of(reader: FunctionReader, value: Value) -> dict[Any, Value]:
    """All that a dict holds."""
    if records.is_record(value):
        assert isinstance(value, Node)
        return records.entries(reader, value)
    if isinstance(value, Node) and isinstance(value.head, DictHead):
        return dict(zip(value.head.keys, value.items, strict=True))
    raise unsupported(f"{described(value)} is no dict with constant keys", reader.pos)


def delete(reader: FunctionReader, value: Node, index: Value) -> None:
    """`del value[index]`"""
    key = key_in(reader, value, index)
    records.settle_in_memory(reader, value)
    if not records.is_record(value):
        raise Reread
    records.get(reader, value, key, lambda: KeyError(key))
    records.remove(reader, value, key)


def equal(reader: FunctionReader, a: Value, b: Value) -> Operand:
    """`a == b` of dicts"""
    one, other = entries_of(reader, a), entries_of(reader, b)
    same: Operand = Const(one.keys() == other.keys(), b1)
    for key in [key for key in one if key in other]:
        calls = reader.spec.calls
        alike = calls.truth(reader, calls.operator(reader, operator.eq, [one[key], other[key]]))
        same = reader.emit(operator.and_, (same, alike), b1)
    return same
