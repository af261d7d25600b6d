"""Arguments of a call, by the names of the parameters."""

from __future__ import annotations

import types as pytypes
from typing import TYPE_CHECKING

from zyg.errors import UnsupportedArgumentError
from zyg.ir.program import Const, Op, Pos, Var
from zyg.reading.front import parameter_names
from zyg.reading.heads import ArrayHead, DictHead
from zyg.reading.values import Node, Value, tuple_of
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Env = dict[str, Value]


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


_SIGNATURE = "Call it with the arguments that it takes."


def bind(code: pytypes.CodeType, args: list[Value], kws: dict[str, Value], defaults: dict[str, Value], pos: Pos) -> Env:
    """Arguments by parameter name, as CPython binds them."""
    names = parameter_names(code)
    positional = names[: code.co_argcount]
    keyword_only = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest = names[code.co_argcount + code.co_kwonlyargcount :]
    bound = dict(zip(positional, args, strict=False))
    star = rest.pop(0) if code.co_flags & 0x04 else None
    if star is not None:
        bound[star] = tuple_of(args[len(positional) :])
    elif len(args) > len(positional):
        raise UnsupportedArgumentError(
            f"{code.co_name}() takes {_arguments(len(positional))} by position, not {len(args)}", pos, _SIGNATURE
        )
    extra = {name: value for name, value in kws.items() if name not in positional + keyword_only}
    for name, value in kws.items():
        if name in extra:
            continue
        if name in bound:
            raise UnsupportedArgumentError(
                f"{code.co_name}() got multiple values for argument {name!r}", pos, _SIGNATURE
            )
        bound[name] = value
    if code.co_flags & 0x08:
        bound[rest[0]] = Node(DictHead(tuple(extra)), tuple(extra.values()))
    elif extra:
        raise UnsupportedArgumentError(
            f"{code.co_name}() got an unexpected keyword argument {next(iter(extra))!r}", pos, _SIGNATURE
        )
    for name in positional + keyword_only:
        if name not in bound:
            if name not in defaults:
                raise UnsupportedArgumentError(f"{code.co_name}() is missing the argument {name!r}", pos, _SIGNATURE)
            bound[name] = defaults[name]
    return bound


def widened(reader: FunctionReader, value: Value, before: Value | None) -> Value:
    """An argument of a function that calls itself: where arrays start and their strides, if they are constants, are
    known to the callee only if they are the same as in the call `before`.  Halves of halves have ever others."""
    if not isinstance(value, Node):
        return value
    same = isinstance(before, Node) and before.head == value.head and len(before.items) == len(value.items)
    given = before.items if isinstance(before, Node) and same else [None] * len(value.items)
    items = [widened(reader, item, one) for item, one in zip(value.items, given, strict=True)]
    if isinstance(value.head, ArrayHead):
        for i in (1, *range(2 + value.head.ndim, len(items))):
            item, one = items[i], given[i]
            if isinstance(item, Const) and not (one is None or (isinstance(one, Const) and one.value == item.value)):
                var = Var(item.type)
                reader.ops.append(Op(p.identity, (item,), (var,), reader.pos))
                items[i] = var
    return Node(value.head, tuple(items))
