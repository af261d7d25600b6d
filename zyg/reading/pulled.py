"""`pullback(fn, *args)` in code that is read: the value, and a function of its cotangent.

Of one real number the cotangents for 1 are computed at once, in the same sweep, and multiplied later.  Of anything else
the function is run again, at copies of the arrays that it was given.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numba import types

from zyg.errors import ArgumentError, ValueArgumentError
from zyg.ir.program import Const, Operand, Var
from zyg.reading.array_making import converted
from zyg.reading.cotangents import matching
from zyg.reading.derive import check_list, pullback_call, vjp_call
from zyg.reading.describe import described
from zyg.reading.functions import open_functions
from zyg.reading.inner import read_inner, settled
from zyg.reading.values import Node, Static, Value, is_array, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def read_pullback(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    """The value of `pullback(fn, *args)`."""
    if not args or kws.keys() - {"mode"}:
        raise ArgumentError("pullback takes a function and its arguments", reader.pos, "Call it as pullback(f, x, …).")
    fn, own = args[0], settled(reader, args[1:], {}, range(len(args) - 1))[0]
    module, result, formals, operands, captured = read_inner(reader, fn, own, {})
    if isinstance(result, Const) or (isinstance(result, Var) and isinstance(result.type, types.Float)):
        for number, formal in enumerate(formals):
            check_list(formal, number, reader)
        seeds = matching(result, Const(1.0, types.float64), reader)
        chosen = list(range(len(own)))
        module, formals, operands = open_functions(reader, module, formals, operands, chosen, captured)
        y, dx, _ = vjp_call(reader, module, result, formals, operands, chosen, result, seeds)
        return tuple_of([y, Node(ScaledHead(), (tuple_of(dx),))])
    kept = [_copied(reader, value) for value in (fn, *own)]
    y = reader.spec.calls.call(reader, fn, own, {})
    return tuple_of([y, Node(PulledHead(), tuple(kept))])


def _copied(reader: FunctionReader, value: Value) -> Value:
    """`value` with copies of the arrays in it, into which others may write."""
    if is_array(value) and isinstance(value, Node):
        return converted(reader, value, value.head.dtype)
    if isinstance(value, Node):
        return Node(value.head, tuple(_copied(reader, item) for item in value.items))
    return value


def _cotangent(args: list[Value], kws: dict[str, Value], reader: FunctionReader) -> Value:
    if len(args) != 1 or kws:
        raise ArgumentError(
            f"back takes one argument, the cotangent; {len(args) + len(kws)} were given",
            reader.pos,
            "Call it as back(dy).",
        )
    return args[0]


@dataclass(frozen=True, slots=True)
class ScaledHead:
    """The pullback of a real number; its item holds the cotangents for 1."""

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        dy = _cotangent(args, kws, reader)
        if isinstance(dy, Static) and dy.obj is None:
            dy = Const(0.0, types.float64)
        if not isinstance(dy, (Var, Const)) or isinstance(dy.type, types.Complex):
            raise ValueArgumentError(
                f"the cotangent of a real number cannot be {described(dy)}", reader.pos, "Give it a real number."
            )
        return _times(reader, node.items[0], dy)


def _times(reader: FunctionReader, value: Value, dy: Operand) -> Value:
    if isinstance(value, (Var, Const)):
        return reader.spec.calls.operator(reader, operator.mul, [value, dy])
    if not isinstance(value, Node):
        return value
    if is_array(value):
        settle = reader.spec.calls.settle
        same = reader.cast(dy, value.head.dtype) if not isinstance(value.head.dtype, types.Complex) else dy
        return settle(reader, reader.spec.calls.operator(reader, operator.mul, [value, same]))
    return Node(value.head, tuple(_times(reader, item, dy) for item in value.items))


@dataclass(frozen=True, slots=True)
class PulledHead:
    """The pullback of any other value; its items are the function and its arguments as they were."""

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        dy = _cotangent(args, kws, reader)
        fn, *own = node.items
        found = pullback_call(reader, fn, own, dy)
        assert isinstance(found, Node)
        return found.items[1]
