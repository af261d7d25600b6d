"""Derivatives given by users: `@adjoint(fn)`, `@nograd`, `stop_gradient`."""

from __future__ import annotations

import types as pytypes
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zyg.errors import ValueArgumentError, unsupported
from zyg.ir import arrays
from zyg.ir.activity import differentiable
from zyg.ir.describe import described
from zyg.ir.front import definition
from zyg.ir.memory import MemoryType
from zyg.ir.partials import tangent_kind
from zyg.ir.program import Block, Call, Const, Custom, Op, Operand, Pos, Program, Return, Var
from zyg.ir.slots import zero
from zyg.ir.trace import Emitter
from zyg.ir.values import (
    Identity,
    Node,
    Static,
    TupleHead,
    Value,
    leaves,
    parameter,
    passed,
    rebuild,
    tuple_of,
    variables,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader


class Rules(dict[Any, Any]):
    """The rules that users gave.  What was compiled before `version` grew may have used others."""

    version = 0

    def __init__(self) -> None:
        super().__init__()
        self._kinds: set[Any] = set()

    def __setitem__(self, fn: Any, rule: Any) -> None:
        self._kinds.add(_kind(fn))
        super().__setitem__(fn, rule)
        self.version += 1

    def concern(self, fn: Any) -> bool:
        """Has something a rule that only its identity tells from `fn`?"""
        return _kind(fn) in self._kinds


def _kind(fn: Any) -> Any:
    return fn.__code__ if isinstance(fn, pytypes.FunctionType) else type(fn)


RULES = Rules()


def without_gradient(reader: FunctionReader, value: Value) -> Value:
    """`value` with its numbers cut off from differentiation; arrays in it are copies."""
    if arrays.is_arraylike(value):
        return arrays.elementwise(reader, _stopped, [value])
    if isinstance(value, Node):
        items = (reader.spec.calls.settle(reader, without_gradient(reader, item)) for item in value.items)
        return Node(value.head, tuple(items))
    if isinstance(value, Var) and isinstance(value.type, MemoryType):
        raise unsupported("gradients cannot be stopped in a container that can be changed", reader.pos)
    return _stopped(reader, [value])


def _stopped(reader: FunctionReader, operands: Sequence[Value]) -> Value:
    (number,) = operands
    if not isinstance(number, Var) or not differentiable(number.type):
        return number
    return reader.emit(p.stop_gradient, (number,), number.type)


def rule_call(reader: FunctionReader, fn: Any, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of `fn`, whose value and pullback are those of its rule."""
    spec = reader.spec
    rule = RULES[fn]
    name = getattr(fn, "__name__", "rule")
    args = [reader.spec.calls.settle(reader, arg) for arg in args]
    if any(isinstance(leaf.type, MemoryType) for value in (*args, *kws.values()) for leaf in leaves(value)):
        raise unsupported("custom rules of functions of arrays are not compiled yet", reader.pos)
    formals = [parameter(value) for value in (*args, *kws.values())]
    named = dict(zip(kws, formals[len(args) :], strict=True))
    params = tuple(v for value in formals for v in variables(value) if isinstance(v, Var))

    def forward_body(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        known = spec.captures.value(rule, (("object", Identity(rule)),), reader.pos)
        return spec.calls.call(inner, known, formals[: len(args)], named)

    forward, result = spec.synthetic(f"{name}.rule", params, forward_body)
    if not (isinstance(result, Node) and isinstance(result.head, TupleHead) and len(result.items) == 2):
        raise ValueArgumentError(
            f"the rule of {name} must return a pair (y, back), not {described(result)}",
            *_at(rule, reader, "Return the value and a function of its cotangent."),
        )
    y, back = result.items
    if any(isinstance(leaf.type, MemoryType) for leaf in leaves(result)):
        raise unsupported("custom rules that give or keep arrays are not compiled yet", reader.pos)
    dy = rebuild(y, lambda leaf: Var(tangent_kind(leaf.type), "dy") if differentiable(leaf.type) else leaf)
    saved = parameter(back)
    targets = [leaf for formal in formals for leaf in variables(formal) if differentiable(leaf.type)]
    parameters = tuple(v for value in (saved, dy) for v in variables(value) if isinstance(v, Var))

    def backward_body(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        found = spec.calls.call(inner, saved, [dy], {})
        if len(formals) == 1 and not (
            isinstance(found, Node) and isinstance(found.head, TupleHead) and len(found.items) == 1
        ):
            found = tuple_of([found])
        if not (isinstance(found, Node) and isinstance(found.head, TupleHead) and len(found.items) == len(formals)):
            count = len(found.items) if isinstance(found, Node) else 1
            one = "1 cotangent" if count == 1 else f"{count} cotangents"
            wanted = "1 argument" if len(formals) == 1 else f"{len(formals)} arguments"
            raise ValueArgumentError(
                f"the pullback of {name} gives {one} for {wanted}",
                *_at(rule, reader, "Let back(dy) return one cotangent for each argument."),
            )
        out: list[Value] = []
        for formal, given in zip(formals, found.items, strict=True):
            out += _flat(inner, formal, given, name)
        return tuple_of(out)

    backward, _ = spec.synthetic(f"{name}.pullback", parameters, backward_body)
    results = tuple(variables(y))
    kinds = tuple(leaf.type for leaf in results)
    primal = spec.unique(name)
    every = tuple(Var(leaf.type) for leaf in variables(result))
    body = Block((), (Op(Call(forward), params, every, reader.pos),), Return(every[: len(kinds)]))
    custom = Custom(forward, backward)
    spec.programs[primal] = Program(primal, params, kinds, {0: body}, custom=custom)
    assert len(targets) == len(spec.programs[backward].results)
    outs = tuple(Var(kind) for kind in kinds)
    reader.ops.append(
        Op(Call(primal), tuple(leaf for value in (*args, *kws.values()) for leaf in passed(value)), outs, reader.pos)
    )
    fresh = iter(outs)
    return rebuild(y, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)


def _at(rule: Any, reader: FunctionReader, hint: str) -> tuple[Pos, str]:
    """The rule that is at fault, where it was used, and what to do."""
    return replace(definition(rule), caller=reader.pos), hint


def _flat(reader: FunctionReader, formal: Value, given: Value, name: str) -> list[Value]:
    assert not isinstance(formal, Const)
    if isinstance(formal, Var):
        if not differentiable(formal.type):
            return []
        kind = tangent_kind(formal.type)
        if isinstance(given, Static) and given.obj is None:
            return [_as_variable(reader, zero(kind))]
        if isinstance(given, Var) or not isinstance(given, (Static, Node)):
            return [_as_variable(reader, Emitter(reader.ops, reader.pos).convert(given, kind))]
    elif isinstance(formal, Static):
        return []
    elif isinstance(given, Static) and given.obj is None:
        return [v for item in formal.items for v in _flat(reader, item, given, name)]
    elif isinstance(given, Node) and len(given.items) == len(formal.items):
        pairs = zip(formal.items, given.items, strict=True)
        return [v for a, b in pairs for v in _flat(reader, a, b, name)]
    raise ValueArgumentError(
        f"the pullback of {name} gives {described(given)} as the cotangent of {described(formal)}",
        reader.pos,
        "Give it the structure of the argument, with None where there is none.",
    )


def _as_variable(reader: FunctionReader, operand: Operand) -> Var:
    """A variable, so that it is one of the results of the program."""
    var = Var(operand.type)
    reader.ops.append(Op(p.identity, (operand,), (var,), reader.pos))
    return var
