"""What lists do: their methods, operators, slices, and the functions that take them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import lists
from zyg.reading.heads import MethodHead, SliceHead, TupleHead
from zyg.reading.sites import Reread
from zyg.reading.values import Node, Static, Value, constant, is_list, tuple_of
from zyg.rules import lists as written

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_NAMES = frozenset((*written.METHODS, "append", "clear", "<append>"))


def list_attribute(reader: FunctionReader, value: Node, name: str) -> Value:
    """`value.name`"""
    if name not in _NAMES:
        raise unsupported(f"a list has no attribute {name!r} in native code", reader.pos)
    return Node(MethodHead(name), (value,))


def _call(reader: FunctionReader, fn: Any, *args: Value, **kws: Value) -> Value:
    return reader.spec.call(reader, Static(fn), list(args), kws)


def list_method(reader: FunctionReader, value: Node, name: str, args: list[Value], kws: dict[str, Value]) -> Value:
    """`value.name(*args, **kws)`"""
    if name == "<append>":
        lists.grown(reader, value, args[0])
        return Static(None)
    if name == "append" and len(args) == 1 and not kws:
        lists.append(reader, value, args[0])
        return Static(None)
    if name == "clear" and not args:
        lists.clear(reader, value)
        return Static(None)
    if name == "pop" and (not args or args[0] in (Const(-1, i8),)):
        return lists.pop(reader, value)
    if name == "copy" and lists.is_display(value):
        return lists.display(reader, value.items)
    if name == "count" and lists.is_display(value):
        return reader.spec.calls.call(reader, Node(MethodHead(name), (tuple_of(value.items),)), args, kws)
    if name == "extend":
        return extended(reader, value, args[0])
    settled = _readable(reader, value) if name in _READING else _in_memory(reader, value)
    return _call(reader, written.METHODS[name], settled, *args, **kws)


def _in_memory(reader: FunctionReader, value: Node) -> Node:
    """`value`, which is in memory when its maker has been read again."""
    lists.settle_in_memory(reader, value)
    if lists.is_display(value):
        raise Reread
    return value


def _readable(reader: FunctionReader, value: Node) -> Node:
    """`value` in memory, to be read only: a list from outside, which cannot be changed, may be copied."""
    if lists.is_display(value) and value.head.site is None:
        return lists.display(reader, value.items, "copy", in_memory=True)
    return _in_memory(reader, value)


_READING = frozenset(("index", "count", "copy"))


def extended(reader: FunctionReader, value: Node, items: Value) -> Value:
    """`value.extend(items)`"""
    if lists.in_memory(items):
        _call(reader, written.extend_by_list, _in_memory(reader, value), items)
    elif (known := _known(reader, items)) is not None:
        for item in known:
            lists.append(reader, value, item)
    else:
        _call(reader, written.extend, _in_memory(reader, value), items)
    return Static(None)


def _known(reader: FunctionReader, value: Value) -> list[Value] | None:
    """The elements of what is no list in memory, if their number is known."""
    if isinstance(value, Node) and (lists.is_display(value) or isinstance(value.head, TupleHead)):
        return list(value.items)
    return None


def list_item(reader: FunctionReader, value: Node, index: Value) -> Value:
    """`value[index]`"""
    bounds = _slice(index)
    if bounds is not None:
        constants = _constants(bounds)
        if lists.is_display(value) and constants is not None:
            return lists.display(reader, value.items[slice(*constants)])
        return _call(reader, written.part, _readable(reader, value), *bounds)
    if lists.is_display(value) and isinstance(index, Const) and index.type == i8:
        place = int(index.value.real)
        if -len(value.items) <= place < len(value.items):
            return value.items[place]
    return lists.get(reader, _readable(reader, value), index)


def _slice(index: Value) -> list[Value] | None:
    if isinstance(index, Static) and isinstance(index.obj, slice):
        parts = (index.obj.start, index.obj.stop, index.obj.step)
        return [Static(None) if part is None else constant(part) for part in parts]
    if isinstance(index, Node) and isinstance(index.head, SliceHead):
        return list(index.items)
    return None


def _constants(bounds: Sequence[Value]) -> list[int | None] | None:
    found: list[int | None] = []
    for bound in bounds:
        if isinstance(bound, Const):
            found.append(int(bound.value.real))
        elif isinstance(bound, Static) and bound.obj is None:
            found.append(None)
        else:
            return None
    return found


def set_list_item(reader: FunctionReader, value: Node, index: Value, new: Value) -> None:
    """`value[index] = new`"""
    bounds = _slice(index)
    if bounds is None:
        lists.put(reader, value, index, new)
    else:
        _call(reader, written.set_part, _in_memory(reader, value), *bounds, new)


def delete_list_item(reader: FunctionReader, value: Node, index: Value) -> None:
    """`del value[index]`"""
    bounds = _slice(index)
    settled = _in_memory(reader, value)
    if bounds is None:
        _call(reader, written.delete, settled, index)
    else:
        _call(reader, written.delete_part, settled, *bounds)


def list_operator(reader: FunctionReader, fn: Any, args: list[Value]) -> Value | None:
    """An operator with a list among its operands; None where lists are like tuples."""
    a, b = (args[0], args[1]) if len(args) == 2 else (args[0], None)
    if fn is operator.add and is_list(a) and is_list(b):
        assert isinstance(a, Node) and isinstance(b, Node)
        if lists.is_display(a) and lists.is_display(b):
            return lists.display(reader, [*a.items, *b.items])
        return _call(reader, written.joined, _readable(reader, a), _readable(reader, b))
    if fn is operator.mul and b is not None:
        for one, times in ((a, b), (b, a)):
            if is_list(one) and isinstance(times, (Var, Const)):
                assert isinstance(one, Node)
                _check_times(reader, times)
                if lists.is_display(one) and isinstance(times, Const) and int(times.value.real) <= _MOST_KNOWN:
                    items = [reader.spec.calls.settle(reader, item) for item in one.items]  # one array, several times
                    return lists.display(reader, items * int(times.value.real))
                return _call(reader, written.repeated, _readable(reader, one), reader.cast(times, i8))
    if fn in (operator.eq, operator.ne) and is_list(a) and is_list(b):
        assert isinstance(a, Node) and isinstance(b, Node)
        if lists.is_display(a) and lists.is_display(b):
            return reader.spec.calls.operator(reader, fn, [tuple_of(a.items), tuple_of(b.items)])
        same = _call(reader, written.equal, _readable(reader, a), _readable(reader, b))
        return same if fn is operator.eq else reader.spec.calls.operator(reader, operator.not_, [same])
    if fn in (operator.eq, operator.ne):
        return constant(fn is operator.ne)
    return None


_MOST_KNOWN = 8


def update_list(reader: FunctionReader, fn: Any, value: Node, other: Value) -> Value | None:
    """`value += other` and `value *= other`, in place."""
    if fn is operator.add:
        extended(reader, value, other)
        return value
    if fn is operator.mul and isinstance(other, (Var, Const)):
        _check_times(reader, other)
        return _call(reader, written.repeat_in_place, _in_memory(reader, value), reader.cast(other, i8))
    return None


def _check_times(reader: FunctionReader, times: Operand) -> None:
    if times.type not in (i8, b1):
        raise unsupported("a list times a number that is no int", reader.pos, "Make an array of it: np.array(…).")


def contains(reader: FunctionReader, value: Node, item: Value) -> Value:
    """`item in value`"""
    if lists.is_display(value):
        return reader.spec.calls.operator(reader, operator.contains, [tuple_of(value.items), item])
    return _call(reader, written.contains, value, item)


def made_of(reader: FunctionReader, items: Value) -> Value:
    """`list(items)`"""
    if lists.in_memory(items):
        return _call(reader, written.copy, items)
    known = _known(reader, items)
    if known is None and isinstance(items, Node) and _is_short(items):
        known = reader.spec.calls.elements(reader, items)
    if known is not None:
        return lists.display(reader, known)
    return _call(reader, written.collected, items)


def _is_short(value: Node) -> bool:
    """Is it an iterator over something whose elements are known?"""
    kind = getattr(value.head, "kind", None)
    if kind == "tuple":
        return True
    inner = {"zip": value.items, "enumerate": value.items[:1], "map": value.items[1:]}.get(str(kind))
    return inner is not None and all(isinstance(item, Node) and _is_short(item) for item in inner)
