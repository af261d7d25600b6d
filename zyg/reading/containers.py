"""Builtin functions of containers, iterables and functions: `len`, `range`, `zip`, `max`, `map`, `partial`, …"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import prange
from numba.typed import Dict, List

from zyg.errors import unsupported
from zyg.ir.program import Const, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, lists, operators, record_dicts, records, texts
from zyg.reading.captured import opened
from zyg.reading.either import choose
from zyg.reading.front import parameter_names
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.heads import DictHead, IterHead, ListHead, PartialHead, RangeHead, SliceHead, SuperHead, TupleHead
from zyg.reading.iteration import elements, iterator
from zyg.reading.list_arrays import total as total_of
from zyg.reading.list_members import made_of
from zyg.reading.special_methods import special_method
from zyg.reading.tables import key_set, stands_for
from zyg.reading.tracing import merged, unpacked, updated
from zyg.reading.values import Node, Static, Value, class_of_node, constant, is_iterator, tuple_of
from zyg.rules import lists as written
from zyg.rules.tables import KeySet, Table, members

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


@handles(len)
def _len(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if arrays.is_arraylike(args[0]):
        return arrays.shape(args[0])[0]
    if is_iterator(args[0]):
        raise unsupported("an iterator has no len()", reader.pos, "Make a list of it.")
    counting = special_method(reader, args[0], "__len__")
    if counting is not None:
        return reader.spec.calls.call(reader, counting, [], {})
    if isinstance(args[0], Node) and records.is_record(args[0]) and records.is_shared_dict(args[0]):
        return records.length(reader, args[0])
    if isinstance(args[0], Node) and lists.in_memory(args[0]):
        return lists.of_length(reader, args[0])
    return constant(len(elements(reader, args[0])))


@handles(tuple)
def _tuple(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return tuple_of(elements(reader, args[0]) if args else [])


@handles(list)
def _list(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return made_of(reader, args[0]) if args else lists.display(reader, ())


@handles(dict)
def _dict(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = opened(reader, args[0]) if args else None
    if stands_for(value) is dict and not kws:
        return reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, args[0], "copy"), [], {})
    if value is None or records.is_dict(value):
        given = {} if value is None else record_dicts.entries_of(reader, value)
    else:
        pairs = [elements(reader, pair, 2) for pair in elements(reader, value)]
        if not all(len(pair) == 2 for pair in pairs):
            raise unsupported("dict() needs pairs", reader.pos)
        given = {record_dicts.key_of(reader, key): item for key, item in pairs}
    return records.dict_display(reader, given | kws)


@handles(List)
def _typed_list(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """Native code's own lists, which have one type anyway; so it is with dicts."""
    return _list(reader, args, {})


@handles(List.empty_list.__func__)
def _empty_list(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return lists.display(reader, ())


@handles(Dict)
def _typed_dict(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _dict(reader, args, {})


@handles(Dict.empty.__func__)
def _empty_dict(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return records.dict_display(reader, {})


@handles(set)
def _set(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    made = key_set(reader, [])
    if args:
        reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, made, "update"), args, {})
    return made


def _table_of(cls: type) -> Handler:
    """`cls()` of a class of `zyg.rules.tables`.  Its lists are of the place where it is made."""

    def make(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        call = reader.spec.calls.call
        codes = call(reader, Static(np.empty), [constant(0), Static(np.int64)], {})
        places = call(reader, Static(np.full), [constant(4), constant(-1)], {})
        names = ("names", "there", "held") if cls is Table else ("names", "there")
        made = {name: lists.display(reader, (), f"{cls.__name__} {name}", in_memory=True) for name in names}
        return records.instance(reader, cls, {**made, "codes": codes, "places": places, "count": constant(0)})

    return make


@handles(members)
def _members(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    (keys,) = args
    if isinstance(keys, Static) and isinstance(keys.obj, (set, frozenset)):
        return tuple_of([reader.spec.captures.value(key, None, reader.pos) for key in keys.obj])
    if stands_for(keys) is set:
        return reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, keys, "_all"), [], {})
    return keys


HANDLERS[Table] = _table_of(Table)
HANDLERS[KeySet] = _table_of(KeySet)


@handles(super)
def _super(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    names = parameter_names(reader.code)
    if args or "__class__" not in reader.code.co_freevars or not names:
        raise unsupported("super() with arguments, or outside methods, cannot be compiled", reader.pos)
    cls = reader.spec.captures.free(reader, "__class__")
    assert isinstance(cls, Static)
    return Node(SuperHead(cls.obj), (reader.arguments[names[0]],))


@handles(object.__setattr__)
def _setattr(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    target, name, new = args
    if not (isinstance(target, Node) and records.is_own_instance(target) and isinstance(name, Static)):
        raise unsupported("object.__setattr__ of this cannot be compiled", reader.pos)
    records.put(reader, target, name.obj, new)
    return Static(None)


@handles(sorted)
def _sorted(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if stands_for(args[0]) is set and "key" not in kws:
        args = [reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, args[0], "_all"), [], {})]
    order = _known_order(reader, args[0], kws)
    if order is not None:
        return lists.display(reader, order)
    return reader.spec.call(reader, Static(written.sorted_list), args, kws)


def _known_order(reader: FunctionReader, value: Value, kws: dict[str, Value]) -> list[Value] | None:
    """The items in their order, where that is known: of the keys of a dict, say, or pairs that begin with them."""
    value = opened(reader, value)
    if not (isinstance(value, Node) and isinstance(value.head, (TupleHead, ListHead, DictHead))):
        return None
    reverse, key = kws.get("reverse", Const(False, b1)), kws.get("key", Static(None))
    if not isinstance(reverse, Const):
        return None
    items = reader.spec.calls.elements(reader, value)
    before = len(reader.ops)
    whole = isinstance(key, Static) and key.obj is None
    ranks = items if whole else [reader.spec.calls.call(reader, key, [item], {}) for item in items]
    known = [_known_prefix(reader, rank) for rank in ranks]
    if not items or not _tell_apart(ranks, known):
        del reader.ops[before:]
        return None
    order = sorted(range(len(items)), key=known.__getitem__, reverse=bool(reverse.value))
    return [items[number] for number in order]


def _known_prefix(reader: FunctionReader, rank: Value) -> list[Any]:
    """What is known when compiling of the first parts of a tuple, or of a value that is none."""
    found: list[Any] = []
    for part in rank.items if isinstance(rank, Node) and isinstance(rank.head, TupleHead) else (rank,):
        known = texts.known(reader, part)
        if not known:
            break
        found += known
    return found


def _tell_apart(ranks: Sequence[Value], known: Sequence[list[Any]]) -> bool:
    """Does what is known say which of any two comes first?"""
    kinds = [tuple(map(type, parts)) for parts in known]
    if len({isinstance(rank, Node) for rank in ranks}) > 1 or not all(
        a == b for one in kinds for other in kinds for a, b in zip(one, other, strict=False)
    ):
        return False
    whole = [len(parts) == (len(r.items) if isinstance(r, Node) else 1) for r, parts in zip(ranks, known, strict=True)]
    shortest = min(map(len, known))
    heads = {tuple(parts[:shortest]) for parts in known}
    return all(whole) or (shortest > 0 and len(heads) == len(known))


@handles(unpacked)
def _unpacked(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value, *ends = args
    before, after = (end.value for end in ends if isinstance(end, Const))
    assert isinstance(before, int) and isinstance(after, int)
    if isinstance(value, Node) and lists.in_memory(value):
        return _unpacked_list(reader, value, before, after)
    items = reader.spec.calls.elements(reader, value)
    end = len(items) - after
    if end < before:
        raise unsupported(f"{before + after} values or more are needed, and there are {len(items)}", reader.pos)
    return tuple_of([*items[:before], tuple_of(items[before:end]), *items[end:]])


def _unpacked_list(reader: FunctionReader, value: Node, before: int, after: int) -> Value:
    """The first and the last items of a list, and a list of those between them."""
    length = lists.of_length(reader, value)
    enough = reader.emit(operator.ge, (length, Const(before + after, i8)), b1)
    reader.guard(enough, _too_few, "ValueError(unpack)", length, Const(before + after, i8))
    stop = Const(-after, i8) if after else Static(None)
    places: list[Value] = [Const(k, i8) for k in range(before)]
    places.append(Node(SliceHead(), (Const(before, i8), stop, Static(None))))
    places += [Const(k, i8) for k in range(-after, 0)]
    return tuple_of([reader.spec.calls.item(reader, value, place) for place in places])


def _too_few(length: int, wanted: int) -> BaseException:
    return ValueError(f"not enough values to unpack (expected at least {wanted}, got {length})")


@handles(merged)
def _merged(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    found: dict[str, Value] = {}
    for arg in args:
        value = reader.spec.calls.frozen(reader, opened(reader, arg))
        if not (isinstance(value, Node) and isinstance(value.head, DictHead)):
            raise unsupported("** needs a dict whose keys are known when compiling", reader.pos)
        more = dict(zip(value.head.keys, value.items, strict=True))
        if found.keys() & more.keys():
            raise unsupported("a keyword argument is given twice", reader.pos)
        found |= more
    return Node(DictHead(tuple(found)), tuple(found.values()))


@handles(updated)
def _updated(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    first, second = (record_dicts.entries_of(reader, opened(reader, arg)) for arg in args)
    return records.dict_display(reader, first | second)


@handles(any)
def _any(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return reader.spec.call(reader, Static(written.any_of), args, kws)


@handles(all)
def _all(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return reader.spec.call(reader, Static(written.all_of), args, kws)


def _is_known(value: Value) -> bool:
    """Are the elements of this iterable known one by one?"""
    if not isinstance(value, Node):
        return True
    if isinstance(value.head, IterHead) and value.head.kind != "tuple":
        if value.head.kind == "map":
            return all(map(_is_known, value.items[1:]))
        return value.head.kind in ("zip", "enumerate") and all(map(_is_known, value.items))
    if isinstance(value.head, RangeHead):
        return all(isinstance(part, Const) for part in value.items)
    return not lists.in_memory(value) and not arrays.is_arraylike(value)


@handles(range, prange)
def _range(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    numbers = [number(reader, arg, "range") for arg in args]
    if any(x.type not in (i8, b1) for x in numbers):
        raise unsupported("range needs integers", reader.pos)
    ints = [reader.cast(x, i8) for x in numbers]
    if len(ints) == 1:
        ints = [Const(0, i8), *ints]
    if len(ints) == 2:
        ints.append(Const(1, i8))
    return Node(RangeHead(), tuple(ints))


@handles(enumerate)
def _enumerate(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    start = args[1] if len(args) > 1 else kws.get("start", constant(0))
    inner = iterator(reader, args[0])
    return Node(IterHead("enumerate"), (inner, start, Static(None)))


@handles(zip)
def _zip(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    strict = kws.get("strict", constant(False))
    if not (isinstance(strict, Const) and not strict.value):
        if not isinstance(strict, Const) or len({len(elements(reader, arg)) for arg in args}) > 1:
            raise unsupported("zip(strict=True) of iterables of different lengths", reader.pos)
    return Node(IterHead("zip"), tuple(iterator(reader, arg) for arg in args))


@handles(reversed)
def _reversed(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = args[0]
    if isinstance(value, Node) and isinstance(value.head, RangeHead):
        forward = iterator(reader, value)
        start, step, count, _ = (part for part in forward.items if isinstance(part, (Var, Const)))
        before = reader.emit(operator.sub, (count, Const(1, i8)), i8)
        last = reader.emit(operator.add, (start, reader.emit(operator.mul, (before, step), i8)), i8)
        back = reader.emit(operator.neg, (step,), i8)
        return Node(IterHead("range"), (last, back, count, Const(0, i8)))
    if isinstance(value, Node) and lists.in_memory(value):
        last = reader.emit(operator.sub, (lists.of_length(reader, value), Const(1, i8)), i8)
        return Node(IterHead("reversed list"), (value, last))
    if arrays.is_arraylike(value) and arrays.shape(value):  # which a loop over it may write
        backwards = Node(SliceHead(), (Static(None), Static(None), Const(-1, i8)))
        return iterator(reader, reader.spec.calls.item(reader, value, backwards))
    return Node(IterHead("tuple", 0), tuple(reversed(elements(reader, value))))


@handles(iter)
def _iter(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return iterator(reader, args[0])


@handles(sum)
def _sum(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    total = args[1] if len(args) > 1 else kws.get("start", constant(0))
    if not _is_known(args[0]):
        return total_of(reader, args[0], total)
    for item in elements(reader, args[0]):
        total = operators.apply(reader, operator.add, [total, item])
    return total


def _extremum(better: Any) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        if len(args) == 1 and not _is_known(args[0]):
            fn = written.largest if better is operator.gt else written.smallest
            return reader.spec.call(reader, Static(fn), args, kws)
        items = args if len(args) > 1 else elements(reader, args[0])
        key = kws.get("key")
        if not items:
            if "default" in kws:
                return kws["default"]
            raise unsupported("min or max of an empty tuple", reader.pos)

        def rank(item: Value) -> Value:
            return item if key is None else reader.spec.calls.call(reader, key, [item], {})

        best, best_rank = items[0], rank(items[0])
        for item in items[1:]:
            its = rank(item)
            wins = operators.truth(reader, operators.apply(reader, better, [its, best_rank]))
            best, best_rank = choose(reader, wins, item, best), choose(reader, wins, its, best_rank)
        return best

    return handler


HANDLERS[max] = _extremum(operator.gt)
HANDLERS[min] = _extremum(operator.lt)


@handles(slice)
def _slice(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    parts = [Static(None), *args] if len(args) == 1 else list(args)
    return Node(SliceHead(), tuple([*parts, Static(None)][:3]))


@handles(map)
def _map(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Node(IterHead("map"), (args[0], *(iterator(reader, arg) for arg in args[1:])))


@handles(filter)
def _filter(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Node(IterHead("filter"), (args[0], iterator(reader, args[1])))


@handles(functools.reduce)
def _reduce(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    items = elements(reader, args[1])
    total = args[2] if len(args) > 2 else items.pop(0)
    for item in items:
        total = reader.spec.calls.call(reader, args[0], [total, item], {})
    return total


@handles(functools.partial)
def _partial(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return Node(PartialHead(tuple(kws)), (*args, *kws.values()))


@handles(dataclasses.replace)
def _replaced(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """A new instance of a dataclass, made by its class of the old one's fields and what is given in their place."""
    (value,) = args
    cls = class_of_node(value) if isinstance(value, Node) else type(getattr(value, "obj", None))
    if cls is None or not dataclasses.is_dataclass(cls):
        raise unsupported("dataclasses.replace of what is no dataclass", reader.pos)
    own = {field.name: field.init for field in dataclasses.fields(cls)}
    if any(not own.get(name, True) for name in kws):
        raise unsupported("dataclasses.replace of a field that the class itself fills", reader.pos)
    kept = (name for name, given in own.items() if given and name not in kws)
    fields = {name: reader.spec.calls.attribute(reader, value, name) for name in kept}
    return reader.spec.calls.call(reader, Static(cls), [], fields | kws)
