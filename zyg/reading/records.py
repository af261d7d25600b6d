"""Dicts and instances while reading, those that are changed: records in memory.

A record has a cell for every number in what it holds under its keys, and a buffer of ints: how many keys it has been
given so far, and for each key which in turn it was (0: it is not there).  Which keys there may be is known when
compiling; it shows while reading, as the kinds of lists do (see `sites`).  Where a record has one name, all of its
cells become variables (see `cells`).
"""

from __future__ import annotations

import operator
import types as pytypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from zyg.errors import UnsupportedError, for_dynamic_mode, unsupported
from zyg.ir.memory import mem_load, mem_store, mem_zeros
from zyg.ir.program import Const, Op, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import joins, lists, tables
from zyg.reading.arrays import ONE, ZERO
from zyg.reading.captured import bound, class_of, class_part, expect_absent, in_class
from zyg.reading.describe import described
from zyg.reading.either import choose
from zyg.reading.instances import class_attribute
from zyg.reading.sites import Reread, Site
from zyg.reading.values import (
    DictHead,
    Node,
    ObjectHead,
    PartialHead,
    RecordHead,
    Static,
    Value,
    rebuild,
    structure,
    tuple_of,
    variables,
)
from zyg.rules import primitives as p
from zyg.rules.lists import item_or

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


def _number(record: Node, key: Any) -> int | None:
    keys = [known for known, _ in record.head.kind]
    return keys.index(key) if key in keys else None


def turns(record: Node) -> Operand:
    found = record.items[0]
    assert isinstance(found, (Var, Const))
    return found


def _turn(reader: FunctionReader, record: Node, number: int) -> Operand:
    return reader.emit(mem_load, (turns(record), Const(number + 1, i8)), i8)


def _set_turn(reader: FunctionReader, record: Node, number: int, turn: Operand) -> None:
    reader.ops.append(Op(mem_store, (turns(record), Const(number + 1, i8), turn), (), reader.pos))


def has(reader: FunctionReader, record: Node, key: Any) -> Operand:
    """`key in record`"""
    number = _number(record, key)
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
    number = _number(record, key)
    assert number is not None
    model, cells = _cells(record, number)
    left = iter(cells)

    def number_of(leaf: Operand) -> Operand:
        return reader.emit(mem_load, (next(left), ZERO), leaf.type) if isinstance(leaf, Var) else leaf

    return reader.measured(rebuild(model, number_of))


def get(reader: FunctionReader, record: Node, key: Any, missing: Callable[[], BaseException]) -> Value:
    """`record[key]`; raises what `missing` gives where there is no such key."""
    if _number(record, key) is None:
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
    number = _number(record, key)
    assert number is not None
    before, count = _turn(reader, record, number), reader.emit(mem_load, (turns(record), ZERO), i8)
    more = reader.emit(operator.add, (count, ONE), i8)
    there = reader.emit(operator.gt, (before, ZERO), b1)
    _set_turn(reader, record, number, reader.emit(p.select, (there, before, more), i8))
    after = reader.emit(p.select, (there, count, more), i8)
    reader.ops.append(Op(mem_store, (turns(record), ZERO, after), (), reader.pos))
    model, cells = _cells(record, number)
    for cell, operand in zip(cells, joins.coerced(reader, value, model, reader.ops), strict=True):
        reader.ops.append(Op(mem_store, (cell, ZERO, operand), (), reader.pos))


def is_plain_dict(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, DictHead) and value.head.site is not None


def remove(reader: FunctionReader, record: Node, key: Any) -> None:
    """Without a key that is there."""
    number = _number(record, key)
    assert number is not None
    _set_turn(reader, record, number, ZERO)


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


# --- dicts ----------------------------------------------------------------------------------------------


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
    key = key_in(reader, record, index)
    if not is_record(record):
        if key not in record.head.keys:
            raise unsupported(f"this dict has no key {key!r}", reader.pos, "Use one of its keys.")
        found: Value = record.items[record.head.keys.index(key)]
        return found
    return get(reader, record, key, lambda: KeyError(key))


def _grown(reader: FunctionReader, value: Node, index: Value, new: Value) -> Value:
    """A key of a dict comprehension, whose dict has no names but those that the compiler gives it."""
    key, site = key_in(reader, value, index), value.head.site
    if is_record(value) or type(key) is not str or site.top.in_memory:
        put(reader, value, key, new)
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
            put(reader, value, key, item)
        return Static(None)
    if name == "<put>":
        return _grown(reader, value, args[0], args[1])
    if name in ("clear", "pop", "setdefault", "popitem"):
        settle_in_memory(reader, value)
        if not is_record(value):
            raise Reread
    if name == "copy":
        return dict_display(reader, entries_of(reader, value), "copy")
    if name == "keys":
        return tuple_of([Static(key) if isinstance(key, str) else Const(key, i8) for key in entries_of(reader, value)])
    if name == "values":
        return tuple_of(list(entries_of(reader, value).values()))
    if name == "items":
        pairs = entries_of(reader, value).items()
        return tuple_of([tuple_of([Static(k) if isinstance(k, str) else Const(k, i8), item]) for k, item in pairs])
    if name == "clear":
        for number in range(len(value.head.kind)):
            _set_turn(reader, value, number, ZERO)
        return Static(None)
    if name not in ("get", "pop", "setdefault") or not args or kws:
        raise unsupported(f"the method {name!r} of dicts cannot be compiled here", reader.pos)
    key = key_in(reader, value, args[0])
    default = args[1] if len(args) > 1 else None
    if name == "setdefault":
        if _number(value, key) is None:
            put(reader, value, key, default or Static(None))
            raise Reread
        there = has(reader, value, key)
        chosen = choose(reader, there, load(reader, value, key), default or Static(None))
        put(reader, value, key, chosen)
        return chosen
    if name == "pop" and default is None:
        found = get(reader, value, key, lambda: KeyError(key))
        remove(reader, value, key)
        return found
    default = default or Static(None)
    if _number(value, key) is None:
        return default
    there = has(reader, value, key)
    try:
        found = choose(reader, there, load(reader, value, key), default)
    except UnsupportedError:  # they are of different kinds
        found = reader.spec.call(reader, Static(item_or), [value, args[0], default], {})
    if name == "pop":
        remove(reader, value, key)
    return found


def entries_of(reader: FunctionReader, value: Value) -> dict[Any, Value]:
    """All that a dict holds."""
    if is_record(value):
        assert isinstance(value, Node)
        return entries(reader, value)
    if isinstance(value, Node) and isinstance(value.head, DictHead):
        return dict(zip(value.head.keys, value.items, strict=True))
    raise unsupported(f"{described(value)} is no dict with constant keys", reader.pos)


def delete(reader: FunctionReader, value: Node, index: Value) -> None:
    """`del value[index]`"""
    key = key_in(reader, value, index)
    settle_in_memory(reader, value)
    if not is_record(value):
        raise Reread
    get(reader, value, key, lambda: KeyError(key))
    remove(reader, value, key)


def equal(reader: FunctionReader, a: Value, b: Value) -> Operand:
    """`a == b` of dicts"""
    one, other = entries_of(reader, a), entries_of(reader, b)
    same: Operand = Const(one.keys() == other.keys(), b1)
    for key in [key for key in one if key in other]:
        calls = reader.spec.calls
        alike = calls.truth(reader, calls.operator(reader, operator.eq, [one[key], other[key]]))
        same = reader.emit(operator.and_, (same, alike), b1)
    return same


# --- instances ------------------------------------------------------------------------------------------


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
    if found is not None and _number(record, name) is None and name not in record.head.site.top.fields:
        return bound(reader, record, cls, found[1], name)
    text = f"{cls.__name__!r} object has no attribute {name!r}"
    if found is not None and _number(record, name) is not None:
        there = has(reader, record, name)
        try:
            return choose(reader, there, load(reader, record, name), bound(reader, record, cls, found[1], name))
        except UnsupportedError:  # they are of different kinds: it is taken to have its own
            where = reader.pos
            what = f"native code takes the attribute {name!r} of this {cls.__name__} for its own, not its class's"
            return get(reader, record, name, lambda: for_dynamic_mode(unsupported(what, where)))
    return get(reader, record, name, lambda: AttributeError(text))


def has_attribute(reader: FunctionReader, record: Node, name: str) -> Operand:
    """`hasattr(record, name)` of an instance."""
    return Const(True, b1) if in_class(reader, record.head.site.top.cls, name) else has(reader, record, name)


def attribute_of_super(reader: FunctionReader, value: Node, name: str) -> Value:
    """`super().name` of an instance."""
    (own,) = value.items
    assert isinstance(own, (Static, Node))
    cls = own.head.site.top.cls if isinstance(own, Node) and is_own_instance(own) else class_of(own)
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
    put(reader, record, name, value)
