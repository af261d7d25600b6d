"""`copy.copy` and `copy.deepcopy`."""

from __future__ import annotations

import copy
import types
from typing import TYPE_CHECKING

import numpy as np

from zyg.errors import unsupported
from zyg.reading import lists, operators, records
from zyg.reading.arrays import is_arraylike
from zyg.reading.captured import opened
from zyg.reading.describe import described
from zyg.reading.handlers import handles
from zyg.reading.heads import TupleHead
from zyg.reading.record_dicts import entries_of
from zyg.reading.values import Node, Static, Value, is_list, is_operand, is_same_array, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


@handles(copy.copy)
def _copy(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    value = opened(reader, operators.known(reader, _only(reader, args, kws)))
    maker = np.copy if is_arraylike(value) else list if is_list(value) else dict if records.is_dict(value) else None
    if maker is not None:
        return reader.spec.calls.call(reader, Static(maker), [value], {})
    return value if _is_tuple(value) else _unchanging(reader, value)


@handles(copy.deepcopy)
def _deepcopy(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    return _deep(reader, _only(reader, args, kws), [], "copy")


def _only(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if kws or len(args) != 1:
        raise unsupported("a copy by more than one argument, or by name, cannot be compiled", reader.pos)
    return args[0]


def _deep(reader: FunctionReader, value: Value, known: list[tuple[Value, Value]], tag: str) -> Value:
    """A copy of all that a value holds.  known: what has been copied, each once; tag: where it is."""
    value = opened(reader, operators.known(reader, value))
    if is_arraylike(value):
        value = reader.spec.calls.settle(reader, value)
    for one, other in known:
        if one is value:
            return other
        if is_same_array(one, value):
            raise unsupported("a copy of what may hold one array twice, or a view of it", reader.pos)
    known.append((value, _deeply(reader, value, known, tag)))
    return known[-1][1]


def _deeply(reader: FunctionReader, value: Value, known: list[tuple[Value, Value]], tag: str) -> Value:
    if is_arraylike(value):
        return reader.spec.calls.call(reader, Static(np.copy), [value], {})
    if isinstance(value, Node) and (_is_tuple(value) or lists.is_display(value)):
        items = [_deep(reader, item, known, f"{tag}.{number}") for number, item in enumerate(value.items)]
        return tuple_of(items, value.head.cls) if _is_tuple(value) else lists.display(reader, items, tag)
    if records.is_dict(value):
        entries = entries_of(reader, value)
        return records.dict_display(reader, {k: _deep(reader, v, known, f"{tag}.{k}") for k, v in entries.items()}, tag)
    if isinstance(value, Node) and lists.in_memory(value):
        element = lists.element_of(value.head.site)
        if element is None or is_operand(element):
            return reader.spec.calls.call(reader, Static(list), [value], {})
    return _unchanging(reader, value)


def _is_tuple(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, TupleHead)


def _unchanging(reader: FunctionReader, value: Value) -> Value:
    if is_operand(value) or (isinstance(value, Static) and isinstance(value.obj, _UNCHANGING)):
        return value
    raise unsupported(f"a copy of {described(value)} cannot be compiled", reader.pos)


_UNCHANGING = (str, bytes, type(None), type, types.FunctionType, types.BuiltinFunctionType, np.ufunc)
