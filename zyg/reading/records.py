"""Dicts and instances while reading, those that are changed: records in memory.

A record has a cell for every number in what it holds under its keys, and a buffer of ints: how many keys it has been
given so far, and for each key which in turn it was (0: it is not there).  Which keys there may be is known when
compiling; it shows while reading, as the kinds of lists do (see `sites`).  Where a record has one name, all of its
cells become variables (see `cells`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zyg.errors import for_dynamic_mode, unsupported
from zyg.ir.memory import mem_load, mem_store, mem_zeros
from zyg.ir.program import Const, Op, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import joins, lists, tables
from zyg.reading.arrays import ONE, ZERO
from zyg.reading.heads import DictHead, ObjectHead, RecordHead
from zyg.reading.sites import Reread, Site
from zyg.reading.values import Node, Value, rebuild, structure, variables
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def is_record(value: Value | None) -> bool:
    return isinstance(value, Node) and isinstance(value.head, RecordHead)


def is_shared_dict(value: Value | None) -> bool:
    """Is it a dict that the code which is read has made, changed or not?"""
    return isinstance(value, Node) and (
        (isinstance(value.head, DictHead) and value.head.site is not None)
        or (isinstance(value.head, RecordHead) and value.head.site.top.cls is dict)
    )


def is_dict(value: Value | None) -> bool:
    return isinstance(value, Node) and (isinstance(value.head, DictHead) or is_shared_dict(value))


def is_own_instance(value: Value | None) -> bool:
    """Is it an instance that the code which is read has made?"""
    return is_record(value) and isinstance(value, Node) and value.head.site.top.cls is not dict


# --- making ---------------------------------------------------------------------------------------------


def dict_display(reader: FunctionReader, entries: dict[Any, Value], tag: str = "") -> Node:
    """A new dict, made by the statement that is being read."""
    site = reader.spec.sites.at(reader.key, (*reader.at, "dict", tag), dict)
    if site.table:
        return tables.table(reader, entries)
    if not site.in_memory and all(type(key) is str for key in entries):
        return Node(DictHead(tuple(entries), site), tuple(entries.values()))
    site.in_memory = True
    return _made(reader, site, entries)


def instance(reader: FunctionReader, cls: type, attributes: dict[Any, Value]) -> Node:
    """A new instance, with these attributes to begin with."""
    site = reader.spec.sites.at(reader.key, (*reader.at, cls.__qualname__), cls)
    site.in_memory = True
    return _made(reader, site, attributes)


def _made(reader: FunctionReader, site: Site, entries: dict[Any, Value]) -> Node:
    settled = {key: reader.spec.calls.settle(reader, value) for key, value in entries.items()}
    for key, value in settled.items():
        note(reader, site, key, value)
    model = lists.model(site)
    buffers: list[Operand] = []
    for leaf in variables(model):
        room = len(site.top.fields) + 1 if not buffers else 1
        buffers.append(reader.emit(mem_zeros, (Const(room, i8),), leaf.type))
    record = Node(model.head, tuple(buffers))
    for key, value in settled.items():
        put(reader, record, key, value)
    return record


def note(reader: FunctionReader, site: Site, key: Any, value: Value) -> None:
    """What the site's records may hold under a key."""
    site = site.top
    value = lists.general(reader, value)
    if site in lists.sites_in(value):
        raise unsupported(
            f"{'a dict' if site.cls is dict else 'an instance'} that holds itself cannot be compiled", reader.pos
        )
    before = site.fields.get(key)
    before = None if before is None else lists.current(before)
    joined = value if before is None else joins.join(reader, before, value, f"what is under {key!r}")
    if before is None or structure(joined) != structure(before):
        site.fields[key] = joined
        lists.change(reader, site)


def settle_in_memory(reader: FunctionReader, value: Node) -> Site:
    """From now on the dicts that are made where `value` was are records."""
    site: Site | None = value.head.site
    if site is None:
        raise unsupported(
            "a dict that was made elsewhere cannot be changed here", reader.pos, "Make a copy with dict(…) first."
        )
    site = site.top
    if not site.in_memory:
        site.in_memory = True
        lists.change(reader, site)
    if isinstance(value.head, DictHead):
        for key, item in zip(value.head.keys, value.items, strict=True):
            note(reader, site, key, item)
    return site


def join(reader: FunctionReader, old: Node, new: Node) -> Node:
    """Two dicts (or instances) that may be the same are of one site."""
    for value, beside in ((old, new), (new, old)):
        if tables.stands_for(value) is dict and is_shared_dict(beside):
            if beside.head.site.top.table:  # that was noted before it became one
                return value
            tables.become_table(reader, beside.head.site)
    one, other = settle_in_memory(reader, old), settle_in_memory(reader, new)
    sites = reader.spec.sites
    if one is not other:
        one, other = sorted((one, other), key=operator.attrgetter("number"))
        one.absorb(other)
        sites.changed.add(one)
        for key, value in list(other.fields.items()):
            note(reader, one, key, value)
    sites.changed.add(one)
    raise Reread


# --- cells ----------------------------------------------------------------------------------------------


def _known(reader: FunctionReader, record: Node) -> bool:
    """Has the record all fields that are known of its site by now?"""
    if not lists.is_stale(record):
        return True
    reader.spec.sites.changed.add(record.head.site.top)
    return False


def cell_number(record: Node, key: Any) -> int | None:
    keys = [known for known, _ in record.head.kind]
    return keys.index(key) if key in keys else None


def turns(record: Node) -> Operand:
    found = record.items[0]
    assert isinstance(found, (Var, Const))
    return found


def _turn(reader: FunctionReader, record: Node, number: int) -> Operand:
    return reader.emit(mem_load, (turns(record), Const(number + 1, i8)), i8)


def set_turn(reader: FunctionReader, record: Node, number: int, turn: Operand) -> None:
    reader.ops.append(Op(mem_store, (turns(record), Const(number + 1, i8), turn), (), reader.pos))


def has(reader: FunctionReader, record: Node, key: Any) -> Operand:
    """`key in record`"""
    number = cell_number(record, key)
    if number is None:
        return Const(False, b1)
    return reader.emit(operator.gt, (_turn(reader, record, number), ZERO), b1)


def _cells(record: Node, number: int) -> tuple[Value, list[Operand]]:
    """What is under a key, over variables, and the buffers that hold these."""
    fields = list(record.head.site.top.fields.values())
    models = [lists.current(field) for field in fields]
    start = 1 + sum(sum(1 for _ in variables(model)) for model in models[:number])
    count = sum(1 for _ in variables(models[number]))
    return models[number], lists.operands(record.items[start : start + count])


def load(reader: FunctionReader, record: Node, key: Any) -> Value:
    """What is under a key that is there."""
    number = cell_number(record, key)
    assert number is not None
    model, cells = _cells(record, number)
    left = iter(cells)

    def number_of(leaf: Operand) -> Operand:
        return reader.emit(mem_load, (next(left), ZERO), leaf.type) if isinstance(leaf, Var) else leaf

    return reader.measured(rebuild(model, number_of))


def get(reader: FunctionReader, record: Node, key: Any, missing: Callable[[], BaseException]) -> Value:
    """`record[key]`; raises what `missing` gives where there is no such key."""
    if cell_number(record, key) is None:
        from zyg.reading.read import Bottom

        reader.guard(Const(False, b1), missing, type(missing()).__name__)
        raise Bottom
    reader.guard(has(reader, record, key), missing, type(missing()).__name__)
    if not _known(reader, record):
        raise Reread
    return load(reader, record, key)


def put(reader: FunctionReader, record: Node, key: Any, value: Value) -> None:
    """`record[key] = value`"""
    value = reader.spec.calls.settle(reader, value)
    site = settle_in_memory(reader, record)
    note(reader, site, key, value)
    if not is_record(record) or not _known(reader, record):
        if is_record(record) and record.head.kind:
            raise Reread
        lists.reread_later(reader, site)
        return
    if any(lists.is_display(part) or is_plain_dict(part) for part in lists.parts(value)):
        raise Reread
    number = cell_number(record, key)
    assert number is not None
    before, count = _turn(reader, record, number), reader.emit(mem_load, (turns(record), ZERO), i8)
    more = reader.emit(operator.add, (count, ONE), i8)
    there = reader.emit(operator.gt, (before, ZERO), b1)
    set_turn(reader, record, number, reader.emit(p.select, (there, before, more), i8))
    after = reader.emit(p.select, (there, count, more), i8)
    reader.ops.append(Op(mem_store, (turns(record), ZERO, after), (), reader.pos))
    model, cells = _cells(record, number)
    for cell, operand in zip(cells, joins.coerced(reader, value, model, reader.ops), strict=True):
        reader.ops.append(Op(mem_store, (cell, ZERO, operand), (), reader.pos))


def is_plain_dict(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, DictHead) and value.head.site is not None


def remove(reader: FunctionReader, record: Node, key: Any) -> None:
    """Without a key that is there."""
    number = cell_number(record, key)
    assert number is not None
    set_turn(reader, record, number, ZERO)


def length(reader: FunctionReader, record: Node) -> Operand:
    """`len(record)`"""
    total: Operand = ZERO
    for key, _ in record.head.kind:
        total = reader.emit(operator.add, (total, reader.cast(has(reader, record, key), i8)), i8)
    return total


def entries(reader: FunctionReader, record: Node) -> dict[Any, Value]:
    """All that a record holds, in order; where this is not the order known when compiling, an error at run time."""
    if not _known(reader, record):
        raise Reread
    before: Operand = ZERO
    ok: Operand = Const(True, b1)
    for number in range(len(record.head.kind)):
        turn = _turn(reader, record, number)
        ok = reader.emit(operator.and_, (ok, reader.emit(operator.gt, (turn, before), b1)), b1)
        before = turn
    keys = [key for key, _ in record.head.kind]
    where = reader.pos
    text = _ORDER.format(", ".join(map(repr, keys)))
    reader.guard(ok, lambda: for_dynamic_mode(unsupported(text, where)), "UnsupportedError(keys)")
    return {key: load(reader, record, key) for key in keys}


_ORDER = "native code knows the keys of this dict as {}, all there and in this order; at run time they are not"


def frozen(reader: FunctionReader, value: Value) -> Value:
    """`value` with all records in it as they are now: plain dicts and instances, as Python is given."""
    if not isinstance(value, Node):
        return value
    kind = tables.stands_for(value)
    if kind is not None:
        raise unsupported(f"a {kind.__name__} with keys that are not constants cannot be given to Python", reader.pos)
    if not is_record(value):
        items = tuple(frozen(reader, item) for item in value.items)
        return value if all(a is b for a, b in zip(items, value.items, strict=True)) else Node(value.head, items)
    found = entries(reader, value)
    items = tuple(frozen(reader, item) for item in found.values())
    cls = value.head.site.top.cls
    if cls is dict:
        if not all(type(key) is str for key in found):
            raise unsupported("a dict whose keys are no strings cannot be given to Python", reader.pos)
        return Node(DictHead(tuple(found)), items)
    return Node(ObjectHead(cls, tuple(found)), items)
