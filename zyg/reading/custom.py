"""Derivatives given by users: `@adjoint(fn)`, `@nograd`, `stop_gradient`."""

from __future__ import annotations

import functools
import types as pytypes
from collections.abc import Hashable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numba import types

from zyg.adjoint.activity import differentiable
from zyg.errors import UnsupportedError, ValueArgumentError, ZygError, unsupported
from zyg.ir.memory import MemoryType
from zyg.ir.program import Var
from zyg.reading import arrays, maps
from zyg.reading.captured import function_parts, opened_whole
from zyg.reading.cotangents import carriers
from zyg.reading.describe import described
from zyg.reading.front import definition
from zyg.reading.given import Derivative, given_call
from zyg.reading.heads import TupleHead
from zyg.reading.instances import is_instance
from zyg.reading.python_rule import leaves_out, python_rule_call
from zyg.reading.rule_arguments import by_argument, counted, parameters
from zyg.reading.values import Identity, Node, Static, Value, is_container
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


class Rules(MutableMapping[Any, Any]):
    """The rules that users gave, by the functions' identities: C functions need not be hashable.

    What was compiled before `version` grew may have used others.
    """

    def __init__(self) -> None:
        self.version = 0
        self._rules: dict[Identity, Any] = {}
        self._kinds: set[Any] = set()

    def __getitem__(self, fn: Any) -> Any:
        return self._rules[Identity(fn)]

    def __setitem__(self, fn: Any, rule: Any) -> None:
        self._kinds.add(_kind(fn))
        self._rules[Identity(fn)] = rule
        self.version += 1

    def __delitem__(self, fn: Any) -> None:
        del self._rules[Identity(fn)]
        self.version += 1

    def __contains__(self, fn: object) -> bool:
        return Identity(fn) in self._rules

    def __iter__(self) -> Iterator[Any]:
        return (known.obj for known in self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def concern(self, fn: Any) -> bool:
        """Has something a rule that only its identity tells from `fn`?"""
        return _kind(fn) in self._kinds


def marks(fn: Any) -> frozenset[Hashable]:
    """What code that calls `fn` rests on, and what code that a rule for `fn` concerns has called.

    Code is made for functions that share a code object, and for instances that share a class.
    """
    if isinstance(fn, pytypes.FunctionType):
        return frozenset((fn.__code__,))
    of_class = isinstance(fn, _BY_CLASS) or is_instance(fn) or hasattr(type(fn), "__zyg_read__")
    return frozenset((Identity(fn), Identity(type(fn))) if of_class else (Identity(fn),))


_BY_CLASS = (functools.partial, pytypes.MethodType)


def _kind(fn: Any) -> Any:
    return fn.__code__ if isinstance(fn, pytypes.FunctionType) else type(fn)


RULES = Rules()


def without_gradient(reader: FunctionReader, value: Value, inside: tuple[int, ...] = ()) -> Value:
    """`value` with its numbers cut off from differentiation, those that functions hold, too; arrays are copies."""
    if arrays.is_arraylike(value):
        return maps.elementwise(reader, _stopped, [value])
    value = opened_whole(reader, reader.spec.calls.frozen(reader, value))
    if isinstance(value, Static) and isinstance(value.obj, _HOLDING) and value.obj not in RULES:
        if id(value.obj) in inside:
            raise unsupported("gradients are to be stopped in a function that captures itself", reader.pos)
        inside = (*inside, id(value.obj))
        value = function_parts(reader, value)
    if isinstance(value, Node):
        items = (reader.spec.calls.settle(reader, without_gradient(reader, item, inside)) for item in value.items)
        return Node(value.head, tuple(items))
    if isinstance(value, Var) and isinstance(value.type, MemoryType):
        raise unsupported("gradients cannot be stopped in a container that can be changed", reader.pos)
    return _stopped(reader, [value])


_HOLDING = (pytypes.FunctionType, pytypes.MethodType, functools.partial)


def _stopped(reader: FunctionReader, operands: Sequence[Value]) -> Value:
    (number,) = operands
    if not isinstance(number, Var) or not differentiable(number.type):
        return number
    return reader.emit(p.stop_gradient, (number,), number.type)


def in_own_rule(reader: FunctionReader, value: Value) -> Value:
    """What a rule has from a call of its own function, which is made as if there were no rule."""
    return marked(reader, value, p.within_rule)


def marked(reader: FunctionReader, value: Value, mark: Any) -> Value:
    """`value`, whose numbers have passed through an operation that says what their derivative is."""

    def number(reader: FunctionReader, operands: Sequence[Value]) -> Value:
        (number,) = operands
        if not isinstance(number, Var) or not differentiable(number.type):
            return number
        return reader.emit(mark, (number,), number.type)

    if arrays.is_arraylike(value):
        return reader.spec.calls.settle(reader, maps.elementwise(reader, number, [value]))
    if isinstance(value, Node):
        return Node(value.head, tuple(marked(reader, item, mark) for item in value.items))
    return number(reader, [value])


def rule_call(reader: FunctionReader, fn: Any, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of `fn`, whose value and pullback are those of its rule."""
    rule = RULES[fn]
    name = getattr(fn, "__name__", "rule")
    args, kws = _by_position(rule, args, kws)
    names = tuple(kws)

    def refuse(what: str, forward: bool = False) -> ZygError:
        part = "rule" if forward else "pullback"
        hint = "Let back(dy) return one cotangent for each argument, of its structure; None where there is none."
        return ValueArgumentError(f"the {part} of {name} {what}", replace(definition(rule), caller=reader.pos), hint)

    def forward(inner: FunctionReader, formals: list[Value]) -> tuple[Value, Value]:
        known = reader.spec.captures.value(rule, (("object", Identity(rule)),), reader.pos)
        named = dict(zip(names, formals[len(args) :], strict=True))
        with reader.spec.inside_rule_of(fn):
            found = reader.spec.calls.call(inner, known, formals[: len(args)], named)
        if not (isinstance(found, Node) and isinstance(found.head, TupleHead) and len(found.items) == 2):
            raise refuse(f"must return a pair (y, back), not {described(found)}", True)
        return found.items[0], found.items[1]

    left_out = False  # those that are passed by name only

    def backward(inner: FunctionReader, saved: Value, formals: list[Value], dy: Value) -> Sequence[Value]:
        def in_order(wanted: int) -> list[Any] | None:
            """The cotangents, if all but of the first `wanted` arguments may be left out."""
            is_wanted = lambda n: n < wanted and _is_varying(formals[n])  # noqa: E731
            return by_argument(rule, len(args), names, given, Static(None), is_wanted)

        with reader.spec.inside_rule_of(fn):
            found = reader.spec.calls.call(inner, saved, [dy], {})
        several = isinstance(found, Node) and isinstance(found.head, TupleHead)
        if not several and len(formals) == 1:
            return [found]
        given = found.items if several and isinstance(found, Node) else [found]
        items = in_order(len(args) if left_out else len(formals))
        if items is None and len(formals) == 1 and isinstance(formals[0], Node) and is_container(formals[0]):
            return [found]
        if items is None:
            raise refuse(counted(given, formals)) if in_order(len(args)) is None else _LeftOut
        return items

    given = [maps.without_parts(reader, reader.spec.calls.settle(reader, arg)) for arg in (*args, *kws.values())]
    how = Derivative(name, forward, backward, refuse)
    try:
        try:
            return given_call(reader, how, given)
        except _LeftOut:
            left_out = True
            return given_call(reader, how, [*given[: len(args)], *_opaque(reader, given[len(args) :])])
    except UnsupportedError:
        if leaves_out(rule):
            given[len(args) :] = _opaque(reader, given[len(args) :])
        return python_rule_call(reader, fn, rule, given, names, refuse)


class _LeftOut(Exception):
    """A pullback gives no cotangents of arguments that are passed by name only."""


def _opaque(reader: FunctionReader, values: Sequence[Value]) -> list[Value]:
    """Values by which there is no derivative."""
    return [marked(reader, value, p.without_cotangent) for value in values]


def _by_position(rule: Any, args: list[Value], kws: dict[str, Value]) -> tuple[list[Value], dict[str, Value]]:
    """Arguments in the order of the rule's parameters, as far as that takes them by position."""
    args, kws = list(args), dict(kws)
    for name in parameters(rule)[len(args) :]:
        if name not in kws:
            break
        args.append(kws.pop(name))
    return args, kws


def _is_varying(value: Value) -> bool:
    """Whether a derivative may be taken by something in a value."""
    return any(not isinstance(leaf.type, types.Integer) for leaf in carriers(value))
