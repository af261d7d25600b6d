"""Functions as arguments that a derivative is taken by: what is meant are the variables that they capture."""

from __future__ import annotations

import functools
import types as pytypes
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from zyg.errors import not_differentiable, unsupported
from zyg.ir.memory import mem_load
from zyg.ir.program import Capture, Module, Operand, Var
from zyg.passes.lift import check_rules, open_captures
from zyg.reading.captured import is_captured, is_object, opened
from zyg.reading.cotangents import carriers
from zyg.reading.custom import RULES, marks
from zyg.reading.heads import DictHead, ObjectHead
from zyg.reading.instances import attributes_of
from zyg.reading.values import Node, Static, Value, extended, is_container, rebuild

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def open_functions(
    reader: FunctionReader,
    module: Module,
    formals: list[Value],
    operands: list[Operand],
    chosen: list[int],
    captured: Mapping[int, Var],
) -> tuple[Module, list[Value], list[Operand]]:
    """The module with what the functions in the arguments `chosen` capture as further parameters.

    In the place of such a function stands a namespace of the variables that it captures.  captured: those that are
    parameters already, by their numbers.
    """
    start = len(reader.ops)
    spread = {n: _spread(reader, formals[n], ()) for n in chosen if _holds_function(formals[n])}
    if not spread:
        return module, formals, operands
    numbers = {op.result: op.fn.index for op in reader.ops[start:] if isinstance(op.fn, Capture)}
    held = [leaf for value in spread.values() for leaf in carriers(value)]
    if any(op.fn is mem_load and op.result in held for op in reader.ops[start:]):
        raise unsupported(
            "a derivative by a captured array without dimensions", reader.pos, "Capture a number instead."
        )
    wanted = [leaf for leaf in held if leaf in numbers]
    first = {numbers[leaf]: leaf for leaf in wanted if numbers[leaf] not in captured}
    opened_for = sorted(first)
    found = open_captures(module, [(number, first[number].type) for number in opened_for], ".open")
    check_rules(found, {numbers[leaf] for leaf in wanted}, reader.pos)
    params = dict(captured) | dict(zip(opened_for, found.main.params[len(module.main.params) :], strict=True))

    def new(leaf: Operand) -> Value:
        return params[numbers[leaf]] if isinstance(leaf, Var) and leaf in wanted else leaf

    formals = [rebuild(spread[n], new) if n in spread else formal for n, formal in enumerate(formals)]
    return found, formals, [*operands, *(first[number] for number in opened_for)]


_FUNCTIONS = (pytypes.FunctionType, pytypes.MethodType, functools.partial)


def _is_function(value: Value) -> bool:
    if not isinstance(value, Static) or value.path is None:
        return False
    return isinstance(value.obj, _FUNCTIONS) or _is_derivative(value.obj)


def _is_derivative(obj: object) -> bool:
    """Is it what `grad` gave for a function?"""
    return hasattr(type(obj), "__zyg_read__") and hasattr(obj, "fn")


def _holds_function(value: Value) -> bool:
    if isinstance(value, Node) and is_container(value):
        return any(map(_holds_function, value.items))
    return _is_function(value)


def _spread(reader: FunctionReader, value: Value, inside: tuple[int, ...]) -> Value:
    """A captured value with all that it holds: for a function, a namespace of what it captures; for a method, what its
    object holds; for a partial, a namespace of its arguments.
    """
    captures = reader.spec.captures
    if is_captured(value):
        value = opened(reader, value)
    if is_container(value) and isinstance(value, Node):
        return Node(value.head, tuple(_spread(reader, item, inside) for item in value.items))
    if not isinstance(value, Static) or id(value.obj) in inside:
        return value
    found = _spread_object(reader, value, (*inside, id(value.obj)))
    if any(True for _ in carriers(found)) and captures.is_shared(value):
        raise unsupported(
            "a function or object by which a derivative is taken is reached in two ways", reader.pos, "Pass a copy."
        )
    return found


def _spread_object(reader: FunctionReader, value: Static, inside: tuple[int, ...]) -> Value:
    captures = reader.spec.captures
    if isinstance(value.obj, pytypes.FunctionType):
        items: dict[str, Value] = {}
        for number, cell in enumerate(value.obj.__closure__ or ()):
            name = value.obj.__code__.co_freevars[number]
            try:
                contents = cell.cell_contents
            except ValueError:
                continue
            held = captures.value(contents, extended(value.path, "cell", number), reader.pos, name)
            items[name] = _spread(reader, held, inside)
        if not any(True for item in items.values() for _ in carriers(item)):
            return value
        reader.spec.called_functions |= marks(value.obj)
        if value.obj in RULES:
            name = value.obj.__name__
            raise not_differentiable(
                f"the rule of {name} gives no cotangents of what that captures, by which a derivative is taken",
                reader.pos,
                "Pass what it captures as an argument.",
            )
        return Node(ObjectHead(SimpleNamespace, tuple(items)), tuple(items.values()))
    if _is_derivative(value.obj):
        name = "_function" if hasattr(value.obj, "_function") else "fn"  # where calls of it look
        wrapped = captures.value(getattr(value.obj, name), extended(value.path, "attr", name), reader.pos)
        return _spread(reader, wrapped, inside)
    if isinstance(value.obj, pytypes.MethodType):
        owner = captures.value(value.obj.__self__, extended(value.path, "attr", "__self__"), reader.pos)
        return _spread(reader, owner, inside)
    if isinstance(value.obj, functools.partial):
        named = captures.items(value.obj.keywords, extended(value.path, "attr", "keywords"), reader.pos)
        given = captures.value(value.obj.args, extended(value.path, "attr", "args"), reader.pos)
        parts = {
            "func": captures.value(value.obj.func, extended(value.path, "attr", "func"), reader.pos),
            "args": given,
            "keywords": Node(DictHead(tuple(named)), tuple(named.values())),
        }
        items = {name: _spread(reader, item, inside) for name, item in parts.items()}
        return Node(ObjectHead(SimpleNamespace, tuple(items)), tuple(items.values()))
    if is_object(value):
        found = {name: reader.spec.calls.attribute(reader, value, name) for name in attributes_of(value.obj)}
        items = {name: _spread(reader, item, inside) for name, item in found.items()}
        return Node(ObjectHead(type(value.obj), tuple(items)), tuple(items.values()))
    return value
