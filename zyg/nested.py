"""`grad` and the like met inside code that is read: they give abstract values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zyg.errors import ArgumentError
from zyg.ir.program import Const
from zyg.reading import calls
from zyg.reading.custom import without_gradient
from zyg.reading.derive import GradientHead, Options, gradient_call
from zyg.reading.heads import ClosureHead, TupleHead
from zyg.reading.values import Node, Static, Value, constant
from zyg.transformed import options_among, options_of


@dataclass(frozen=True, slots=True)
class NoGradientHead:
    """`nograd(fn)` made while reading; its item is fn."""

    def __zyg_call__(self, reader: Any, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        return without_gradient(reader, calls.call(reader, node.items[0], args, kws))


def read_grad(gives: str) -> Any:
    def handler(reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        fn = args[0]
        given = dict(kws)
        if len(args) > 1:
            given["argnums"] = args[1]
        argnums = _static(given.pop("argnums", constant(0)))
        argnames = _static(given.pop("argnames", Static(None)))
        has_aux = bool(_static(given.pop("has_aux", constant(False))))
        if isinstance(fn, Static):
            options = options_of(fn.obj, argnums, argnames, gives, has_aux)
        else:
            names, by_name = _parameters(fn)
            options = options_among(names, argnums, argnames, gives, has_aux, by_name)
        return Node(GradientHead(options), (fn,))

    return handler


def _parameters(fn: Value) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the parameters of a function, and of those among them that are passed by name only."""
    code = fn.head.code if isinstance(fn, Node) and isinstance(fn.head, ClosureHead) else None
    if code is None:
        return (), ()
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names, names[code.co_argcount :]


def _static(value: Value) -> Any:
    if isinstance(value, Static):
        return value.obj
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Node) and isinstance(value.head, TupleHead):
        return tuple(_static(item) for item in value.items)
    raise ArgumentError("argnums, argnames and has_aux must be constants")


def read_gradient(gives: str) -> Any:
    def handler(reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        argnums: Any = 0 if len(args) == 2 else tuple(range(len(args) - 1))
        if kws.keys() - {"mode"}:
            raise ArgumentError(f"there is no argument {next(iter(kws))!r}", reader.pos, "Call it with arguments only.")
        return gradient_call(reader, args[0], args[1:], {}, Options(argnums, gives))

    return handler
