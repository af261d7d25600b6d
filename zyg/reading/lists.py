"""Lists while reading: those that are changed, or indexed at run time, live in memory.

A list in memory is a buffer that holds its length, and a growable buffer for every number in its elements.  All names
of a list lead to the same buffers, so that aliases, callees, branches and loops need nothing more; its shadow is the
shadows of these buffers.  Elements that are arrays or lists are held by the handles of their buffers.

A list that nobody changes is known element by element (`ListHead`), until it shows that it has to be in memory.  Then
its site is marked, and what has made it is read again (see `sites`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir.memory import MemoryType, mem_load, mem_new, mem_reserve, mem_store
from zyg.ir.program import Const, Op, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, joins
from zyg.reading.arrays import ONE, ZERO
from zyg.reading.describe import described
from zyg.reading.heads import (
    ArrayHead,
    DictHead,
    ElementHead,
    IterHead,
    ListHead,
    MapHead,
    MappedHead,
    MemoryListHead,
    NextHead,
    RecordHead,
)
from zyg.reading.sites import Reread, Site
from zyg.reading.values import Node, Value, is_list, rebuild, structure, variables
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def is_display(value: Value | None) -> bool:
    """Is it a list that is known element by element?"""
    return isinstance(value, Node) and isinstance(value.head, ListHead)


def in_memory(value: Value | None) -> bool:
    """Is it a list in memory?"""
    return isinstance(value, Node) and isinstance(value.head, MemoryListHead)


# --- sites ----------------------------------------------------------------------------------------------


def element_of(site: Site) -> Value | None:
    """A value over variables that covers the elements of a site's lists."""
    element = site.top.element
    return None if element is None else current(element)


def current(value: Value) -> Value:
    if not isinstance(value, Node):
        return value
    if isinstance(value.head, (MemoryListHead, RecordHead)):
        return model(value.head.site)
    return Node(value.head, tuple(map(current, value.items)))


def model(site: Site) -> Node:
    """A list or record of this site, over new variables."""
    if site.top.cls is not list:
        fields = {key: current(value) for key, value in site.top.fields.items()}
        cells = (Var(MemoryType(leaf.type)) for field in fields.values() for leaf in variables(field))
        kinds = tuple((key, structure(field)) for key, field in fields.items())
        return Node(RecordHead(site.top, kinds), (Var(MemoryType(i8)), *cells))
    element = element_of(site)
    leaves = () if element is None else variables(element)
    columns = (Var(MemoryType(leaf.type, growable=True)) for leaf in leaves)
    kind = None if element is None else structure(element)
    return Node(MemoryListHead(site.top, kind), (Var(MemoryType(i8)), *columns))


def is_stale(value: Node) -> bool:
    """Was this list or record made before all that is known now of its site?"""
    return bool(value.head != model(value.head.site).head)


def change(reader: FunctionReader, site: Site) -> None:
    """The site has changed: whoever owns it is read again, at the latest when it has been read."""
    sites = reader.spec.sites
    sites.changed.add(site)
    if sites.owned_at([one.key for one in reader.spec.stack]) < 0:
        raise Reread


def settle_in_memory(reader: FunctionReader, value: Node) -> Site:
    """From now on the lists that are made where `value` was are in memory."""
    site: Site | None = value.head.site
    if site is None:
        raise unsupported(f"{described(value)} that was made elsewhere cannot be changed here", reader.pos, _COPY)
    site = site.top
    if not site.in_memory:
        site.in_memory = True
        change(reader, site)
    for item in value.items if is_display(value) else ():
        note(reader, site, item)
    return site


_COPY = "Make a copy with list(…) first."


def note(reader: FunctionReader, site: Site, value: Value) -> None:
    """An element that the site's lists may have."""
    value = general(reader, value)
    if site in sites_in(value):
        raise unsupported("a list that holds itself cannot be compiled", reader.pos)
    before = element_of(site)
    joined = value if before is None else joins.join(reader, before, value, "an element of this list")
    if before is None or structure(joined) != structure(before):
        site.top.element = joined
        change(reader, site.top)


def sites_in(value: Value) -> set[Site]:
    if not isinstance(value, Node):
        return set()
    if isinstance(value.head, MemoryListHead):
        element = element_of(value.head.site)
        return {value.head.site.top} | (set() if element is None else sites_in(element))
    if isinstance(value.head, RecordHead):
        fields = map(current, value.head.site.top.fields.values())
        return {value.head.site.top}.union(*map(sites_in, fields))
    return {site for item in value.items for site in sites_in(item)}


def general(reader: FunctionReader, value: Value) -> Value:
    """What kind of element a value is: its numbers variable, lists in it in memory."""
    if isinstance(value, Const):
        return Var(value.type)
    if isinstance(value, Node) and isinstance(value.head, ArrayHead) and value.head.part:
        raise unsupported("a part of a complex array in a list", reader.pos, "Put a copy of it into the list.")
    if not isinstance(value, Node) or isinstance(value.head, ArrayHead):
        return value
    if isinstance(value.head, MapHead):  # as it will be when it has been computed
        return arrays.c_array(Var(MemoryType(value.head.dtype)), ZERO, arrays.shape(value))
    if isinstance(value.head, (IterHead, NextHead, ElementHead, MappedHead)):
        raise unsupported(f"{described(value)} cannot be kept in a list", reader.pos)
    if is_list(value):
        return model(settle_in_memory(reader, value))
    if isinstance(value.head, RecordHead):
        return model(value.head.site)
    if isinstance(value.head, DictHead) and value.head.site is not None:
        return model(reader.spec.calls.settle_dict(reader, value))
    return Node(value.head, tuple(general(reader, item) for item in value.items))


def join(reader: FunctionReader, old: Node, new: Node) -> Node:
    """Two lists of different sites or lengths may be the same: from now on they are of one site."""
    if is_display(old) and is_display(new) and len(old.items) == len(new.items):
        if old.head == new.head or None in (old.head.site, new.head.site):
            pairs = zip(old.items, new.items, strict=True)
            return Node(old.head, tuple(joins.join(reader, a, b, "an element of this list") for a, b in pairs))
        _unite(reader, old.head.site.top, new.head.site.top)
    else:
        _unite(reader, settle_in_memory(reader, old), settle_in_memory(reader, new))
    raise Reread


def _unite(reader: FunctionReader, one: Site, other: Site) -> None:
    if one is not other:
        one, other = sorted((one, other), key=operator.attrgetter("number"))
        element = other.element
        one.absorb(other)
        reader.spec.sites.changed.add(one)
        if element is not None:
            note(reader, one, element)
    reader.spec.sites.changed.add(one)


# --- memory ---------------------------------------------------------------------------------------------


def display(reader: FunctionReader, items: Sequence[Value], tag: str = "", in_memory: bool = False) -> Node:
    """A new list with these elements, made by the statement that is being read (`tag` tells several apart)."""
    site = reader.spec.sites.at(reader.key, (*reader.at, tag))
    site.in_memory |= in_memory
    if not site.in_memory:
        return Node(ListHead(site), tuple(items))
    settled = [reader.spec.calls.settle(reader, item) for item in items]
    for item in settled:
        note(reader, site, item)
    count = reader.emit(mem_new, (ONE,), MemoryType(i8))
    made = model(site)
    room = Const(len(items), i8)
    columns = [reader.emit(mem_new, (room,), column.type) for column in variables(Node(made.head, made.items[1:]))]
    value = Node(made.head, (count, *columns))
    for number, item in enumerate(settled):
        _store(reader, value, Const(number, i8), item)
    _set_length(reader, value, room)
    return value


def of_length(reader: FunctionReader, value: Node) -> Operand:
    """The length that a list in memory has now."""
    return reader.length(_length(reader, value))


def _length(reader: FunctionReader, value: Node) -> Operand:
    (count,) = operands(value.items[:1])
    return reader.emit(mem_load, (count, ZERO), i8)


def operands(values: Sequence[Value]) -> list[Operand]:
    found = [value for value in values if isinstance(value, (Var, Const))]
    assert len(found) == len(values)
    return found


def _set_length(reader: FunctionReader, value: Node, length: Operand) -> None:
    (count,) = operands(value.items[:1])
    reader.ops.append(Op(mem_store, (count, ZERO, length), (), reader.pos))


def _load(reader: FunctionReader, value: Node, index: Operand) -> Value:
    element = _element(reader, value)
    columns = iter(operands(value.items[1:]))

    def number(leaf: Operand) -> Operand:
        return reader.emit(mem_load, (next(columns), index), leaf.type) if isinstance(leaf, Var) else leaf

    return reader.measured(rebuild(element, number))


def _element(reader: FunctionReader, value: Node) -> Value:
    """The kind of the elements of a list that has some."""
    if is_stale(value):
        reader.spec.sites.changed.add(value.head.site.top)
        raise Reread
    element = element_of(value.head.site)
    assert element is not None
    return element


def _store(reader: FunctionReader, value: Node, index: Operand, new: Value) -> None:
    """Whoever calls this has noted the element at the site."""
    element = _element(reader, value)
    if any(is_display(part) or _is_plain_dict(part) for part in parts(new)):
        raise Reread  # it will be in memory
    numbers = joins.coerced(reader, new, element, reader.ops)
    for column, operand in zip(operands(value.items[1:]), numbers, strict=True):
        reader.ops.append(Op(mem_store, (column, index, operand), (), reader.pos))


def _is_plain_dict(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, DictHead) and value.head.site is not None


def parts(value: Value) -> list[Value]:
    if not isinstance(value, Node):
        return []
    return [value, *(part for item in value.items for part in parts(item))]


def _changing(reader: FunctionReader, value: Node) -> bool:
    """Before a list is changed: whether it is in memory by now.  If not, it will be when its maker is read again."""
    site = settle_in_memory(reader, value)
    for name, held in reader.env.items():
        if any(isinstance(part, Node) and isinstance(part.head, (ElementHead, MappedHead)) for part in parts(held)):
            reader.env[name] = reader.spec.calls.settle(reader, held)
    if in_memory(value) and site is value.head.site:
        return True
    reread_later(reader, site)
    return False


def reread_later(reader: FunctionReader, site: Site) -> None:
    """A list or dict is not in memory although it should be: what has been read so far does not stand."""
    if not reader.spec.sites.changed:
        change(reader, site)


def append(reader: FunctionReader, value: Node, new: Value) -> None:
    """`value.append(new)`"""
    new = reader.spec.calls.settle(reader, new)
    known = _changing(reader, value)
    site = value.head.site.top
    note(reader, site, new)
    if not known or is_stale(value):
        if in_memory(value) and value.head.kind is not None:
            raise Reread
        return
    last = _length(reader, value)
    length = reader.emit(operator.add, (last, ONE), i8)
    for column in operands(value.items[1:]):
        reader.ops.append(Op(mem_reserve, (column, length), (), reader.pos))
    _store(reader, value, last, new)
    _set_length(reader, value, length)


def grown(reader: FunctionReader, value: Node, new: Value) -> None:
    """The append of a list comprehension, whose list has no names but those that the compiler gives it."""
    if in_memory(value):
        append(reader, value, new)
        return
    new = reader.spec.calls.settle(reader, new)
    for name, held in reader.env.items():
        if name.startswith("$") and isinstance(held, Node) and held.head == value.head:
            reader.env[name] = Node(held.head, (*held.items, new))


def put(reader: FunctionReader, value: Node, index: Value, new: Value) -> None:
    """`value[index] = new` for an int `index`."""
    new = reader.spec.calls.settle(reader, new)
    known = _changing(reader, value)
    note(reader, value.head.site.top, new)
    if not known or is_stale(value):
        if in_memory(value) and value.head.kind is not None:
            raise Reread
        return
    at = place(reader, value, index, "list assignment index out of range")
    _store(reader, value, at, new)


def get(reader: FunctionReader, value: Node, index: Value, message: str = "list index out of range") -> Value:
    """`value[index]` of a list in memory, for an int `index`."""
    return element(reader, value, place(reader, value, index, message))


def element(reader: FunctionReader, value: Node, index: Operand) -> Value:
    """The element at an index that is in range."""
    if value.head.kind is None:
        _nothing(reader)
    return _load(reader, value, index)


def _nothing(reader: FunctionReader) -> None:
    """A list that has had no element so far is read: nothing after it is known."""
    from zyg.reading.read import Bottom

    reader.guard(Const(False, b1), _index_error("list index out of range"), "IndexError")
    raise Bottom


def pop(reader: FunctionReader, value: Node) -> Value:
    """`value.pop()`"""
    known = _changing(reader, value)
    if not known or value.head.kind is None:
        if known:
            reader.guard(Const(False, b1), _index_error("pop from empty list"), "IndexError")
        _nothing(reader)
    length = _length(reader, value)
    reader.guard(reader.emit(operator.gt, (length, ZERO), b1), _index_error("pop from empty list"), "IndexError(pop)")
    last = reader.emit(operator.sub, (length, ONE), i8)
    _set_length(reader, value, last)
    return _load(reader, value, last)


def clear(reader: FunctionReader, value: Node) -> None:
    """`value.clear()`"""
    if _changing(reader, value):
        _set_length(reader, value, ZERO)


def place(reader: FunctionReader, value: Node, index: Value, message: str) -> Operand:
    """An index counted from the start; IndexError where there is no such element."""
    if not isinstance(index, (Var, Const)) or index.type not in (i8, b1):
        raise unsupported(f"list indices must be integers, not {described(index)}", reader.pos)
    i, n = reader.cast(index, i8), of_length(reader, value)
    if isinstance(i, Const):
        at: Operand = i if int(i.value.real) >= 0 else arrays.add(reader, n, i)
        ok = (
            reader.emit(operator.lt, (i, n), b1) if int(i.value.real) >= 0 else reader.emit(operator.ge, (at, ZERO), b1)
        )
    else:
        negative = reader.emit(operator.lt, (i, ZERO), b1)
        at = reader.emit(p.select, (negative, reader.emit(operator.add, (i, n), i8), i), i8)
        low = reader.emit(operator.ge, (at, ZERO), b1)
        ok = reader.emit(operator.and_, (low, reader.emit(operator.lt, (at, n), b1)), b1)
    reader.guard(ok, _index_error(message), "IndexError(list)")
    return at


def _index_error(message: str) -> Callable[[], BaseException]:
    return lambda: IndexError(message)


def advance(reader: FunctionReader, value: Node, back: bool) -> tuple[Node, Node]:
    """What `next` gives, and the iterator after it; the list may grow and shrink meanwhile."""
    made, index = value.items
    assert isinstance(made, Node) and isinstance(index, (Var, Const))
    ok = reader.emit(operator.lt, (index, of_length(reader, made)), b1)
    if back:
        ok = reader.emit(operator.and_, (ok, reader.emit(operator.ge, (index, ZERO), b1)), b1)
    after = reader.emit(operator.sub if back else operator.add, (index, ONE), i8)
    if made.head.kind is None:
        return Node(NextHead(), (Const(False, b1), Node(ListHead(), ()))), Node(value.head, (made, after))
    return Node(NextHead(), (ok, Node(ElementHead(), (made, index)))), Node(value.head, (made, after))
