"""What each kind of expression in Numba's IR means."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import (
    Const,
)
from zyg.reading import records
from zyg.reading.arrays import is_arraylike
from zyg.reading.choice import by_kind, may_be_array
from zyg.reading.front import Unassigned
from zyg.reading.heads import DictHead, NextHead
from zyg.reading.special_methods import special_update
from zyg.reading.tables import key_set
from zyg.reading.values import Node, Static, Value, constant, is_array, is_iterator, is_list, is_view, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_UNARY = {"-": operator.neg, "+": operator.pos, "~": operator.invert, "not": operator.not_}


def static_index(index: Any) -> Value:
    """An index that is written out in the source."""
    return constant(index) if isinstance(index, int) else Static(index)


def _binop(reader: FunctionReader, expr: Any) -> Value:
    return reader.spec.calls.operator(reader, expr.fn, [reader.load(expr.lhs.name), reader.load(expr.rhs.name)])


def _inplace_binop(reader: FunctionReader, expr: Any) -> Value:
    return _updated(reader, [reader.load(expr.lhs.name), reader.load(expr.rhs.name)], expr)


def _updated(reader: FunctionReader, operands: Sequence[Value], expr: Any) -> Value:
    operands = list(operands)
    if may_be_array(operands[0]):
        return by_kind(reader, operands, lambda inner, given: _updated(inner, given, expr))
    if is_array(operands[0]):
        return reader.spec.calls.update(reader, expr.immutable_fn, operands)
    if isinstance(operands[0], Node) and is_list(operands[0]) and not is_arraylike(operands[1]):  # else NumPy adds
        updated = reader.spec.calls.update_list(reader, expr.immutable_fn, operands[0], operands[1])
        if updated is not None:
            return updated
    if expr.immutable_fn is operator.or_ and records.is_shared_dict(operands[0]):
        reader.spec.calls.call(reader, reader.spec.calls.attribute(reader, operands[0], "update"), operands[1:], {})
        return operands[0]
    updated = special_update(reader, expr.immutable_fn, operands)
    if updated is not None:
        return updated
    return reader.spec.calls.operator(reader, expr.immutable_fn, operands)


def _unary(reader: FunctionReader, expr: Any) -> Value:
    return reader.spec.calls.operator(reader, _UNARY.get(expr.fn, expr.fn), [reader.load(expr.value.name)])


def _call(reader: FunctionReader, expr: Any) -> Value:
    fn = reader.load(expr.func.name)
    args = [reader.load(arg.name) for arg in expr.args]
    kws = {name: reader.load(arg.name) for name, arg in expr.kws}
    if expr.vararg is not None:
        args += reader.spec.calls.elements(reader, reader.load(expr.vararg.name))
    if expr.varkwarg is not None:
        extra = reader.spec.calls.frozen(reader, reader.load(expr.varkwarg.name))
        if not (isinstance(extra, Node) and isinstance(extra.head, DictHead)):
            raise unsupported("** needs a dict with constant keys", reader.pos)
        kws |= dict(zip(extra.head.keys, extra.items, strict=True))
    return reader.spec.calls.call(reader, fn, args, kws)


def _getattr(reader: FunctionReader, expr: Any) -> Value:
    return reader.spec.calls.attribute(reader, reader.load(expr.value.name), expr.attr)


def _getitem(reader: FunctionReader, expr: Any) -> Value:
    return item_of(reader, expr.value.name, reader.load(expr.index.name), expr.index.name)


def _static_getitem(reader: FunctionReader, expr: Any) -> Value:
    name = expr.index_var.name if expr.index_var is not None else repr(expr.index)
    return item_of(reader, expr.value.name, static_index(expr.index), name)


def _build_list(reader: FunctionReader, expr: Any) -> Value:
    return reader.spec.calls.display(reader, _kept(reader, expr))


def _build_tuple(reader: FunctionReader, expr: Any) -> Value:
    return tuple_of(_kept(reader, expr))


def _kept(reader: FunctionReader, expr: Any) -> list[Value]:
    """What is put into a list or tuple."""
    items = [reader.load(item.name) for item in expr.items]
    if any(map(is_iterator, items)):
        raise unsupported("an iterator cannot be kept in native code", reader.pos, "Make a list of it.")
    return items


def _build_map(reader: FunctionReader, expr: Any) -> Value:
    keys = [reader.load(key.name) for key, _ in expr.items]
    if not all(isinstance(key, Const) or (isinstance(key, Static) and isinstance(key.obj, str)) for key in keys):
        raise unsupported("only dicts with constant strings or numbers as keys can be compiled", reader.pos)
    names = (key.obj if isinstance(key, Static) else key.value for key in keys if isinstance(key, (Static, Const)))
    entries = dict(zip(names, (reader.load(value.name) for _, value in expr.items), strict=True))
    return reader.spec.calls.dict_display(reader, entries)


def _build_set(reader: FunctionReader, expr: Any) -> Value:
    return key_set(reader, _kept(reader, expr))


def _cast(reader: FunctionReader, expr: Any) -> Value:
    return reader.load(expr.value.name)


def _getiter(reader: FunctionReader, expr: Any) -> Value:
    return reader.spec.calls.iterator(reader, reader.load(expr.value.name))


def _iternext(reader: FunctionReader, expr: Any) -> Value:
    name = expr.value.name
    value, after = reader.spec.calls.advance(reader, reader.load(name))
    reader.env[name] = after
    return value


def _pair_first(reader: FunctionReader, expr: Any) -> Value:
    value = reader.load(expr.value.name)
    assert isinstance(value, Node) and isinstance(value.head, NextHead)
    return value.items[1]


def _pair_second(reader: FunctionReader, expr: Any) -> Value:
    value = reader.load(expr.value.name)
    assert isinstance(value, Node) and isinstance(value.head, NextHead)
    return value.items[0]


def _exhaust_iter(reader: FunctionReader, expr: Any) -> Value:
    items = reader.spec.calls.elements(reader, reader.load(expr.value.name), expr.count)
    if len(items) != expr.count:
        relation = "not enough" if len(items) < expr.count else "too many"
        raise unsupported(f"{relation} values to unpack (expected {expr.count}, got {len(items)})", reader.pos)
    return tuple_of(items)


def _make_function(reader: FunctionReader, expr: Any) -> Value:
    return reader.spec.captures.closure(reader, expr)


def item_of(reader: FunctionReader, name: str, index: Value, index_name: str) -> Value:
    container = reader.load(name)
    found = reader.spec.calls.item(reader, container, index)
    if is_view(found, container):
        reader.got[id(found)] = (id(container), index_name)
        reader.spec.keep += (found, container)
    return found


EXPRESSIONS: dict[str, Callable[[FunctionReader, Any], Value]] = {
    "binop": _binop,
    "inplace_binop": _inplace_binop,
    "unary": _unary,
    "call": _call,
    "getattr": _getattr,
    "getitem": _getitem,
    "static_getitem": _static_getitem,
    "build_list": _build_list,
    "build_tuple": _build_tuple,
    "build_map": _build_map,
    "build_set": _build_set,
    "cast": _cast,
    "getiter": _getiter,
    "iternext": _iternext,
    "pair_first": _pair_first,
    "pair_second": _pair_second,
    "exhaust_iter": _exhaust_iter,
    "make_function": _make_function,
    "typed_getitem": _getitem,
    # What a comprehension's variable was before, which need not be assigned
    "undef": lambda reader, expr: Static(Unassigned),
    "saved": lambda reader, expr: reader.env.get(expr.value.name, Static(Unassigned)),
}
