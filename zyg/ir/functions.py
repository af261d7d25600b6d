"""Functions as arguments that a derivative is taken by: what is meant are the variables that they capture."""

from __future__ import annotations

import types as pytypes
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from zyg.ir.captured import is_captured, is_object, opened
from zyg.ir.captures import Capture
from zyg.ir.cotangents import carriers
from zyg.ir.instances import attributes_of
from zyg.ir.lift import open_captures
from zyg.ir.program import Module, Operand, Var
from zyg.ir.values import Node, ObjectHead, Static, Value, extended, is_container, rebuild

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader


def open_functions(
    reader: FunctionReader,
    module: Module,
    formals: list[Value],
    operands: list[Operand],
    chosen: list[int],
    captured: Mapping[int, Var],
) -> tuple[Module, list[Value], list[Operand]]:
    """The module with what the functions among the arguments `chosen` capture as further parameters.

    In the place of such a function stands a namespace of the variables that it captures.  captured: those that are
    parameters already, by their numbers.
    """
    start = len(reader.ops)
    spread = {n: _spread(reader, formals[n], ()) for n in chosen if _is_function(formals[n])}
    if not spread:
        return module, formals, operands
    numbers = {op.result: op.fn.index for op in reader.ops[start:] if isinstance(op.fn, Capture)}
    wanted = [leaf for value in spread.values() for leaf in carriers(value) if leaf in numbers]
    first = {numbers[leaf]: leaf for leaf in wanted if numbers[leaf] not in captured}
    opened_for = sorted(first)
    found = open_captures(module, [(number, first[number].type) for number in opened_for], ".open")
    params = dict(captured) | dict(zip(opened_for, found.main.params[len(module.main.params) :], strict=True))

    def new(leaf: Operand) -> Value:
        return params[numbers[leaf]] if isinstance(leaf, Var) and leaf in wanted else leaf

    formals = [rebuild(spread[n], new) if n in spread else formal for n, formal in enumerate(formals)]
    return found, formals, [*operands, *(first[number] for number in opened_for)]


def _is_function(value: Value) -> bool:
    return isinstance(value, Static) and isinstance(value.obj, pytypes.FunctionType) and value.path is not None


def _spread(reader: FunctionReader, value: Value, inside: tuple[int, ...]) -> Value:
    """A captured value with all that it holds; for a function, a namespace of what it captures."""
    captures = reader.spec.captures
    if is_captured(value):
        value = opened(reader, value)
    if is_container(value) and isinstance(value, Node):
        return Node(value.head, tuple(_spread(reader, item, inside) for item in value.items))
    if not isinstance(value, Static) or id(value.obj) in inside:
        return value
    inside = (*inside, id(value.obj))
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
        return Node(ObjectHead(SimpleNamespace, tuple(items)), tuple(items.values()))
    if is_object(value):
        found = {name: reader.spec.calls.attribute(reader, value, name) for name in attributes_of(value.obj)}
        items = {name: _spread(reader, item, inside) for name, item in found.items()}
        return Node(ObjectHead(type(value.obj), tuple(items)), tuple(items.values()))
    return value
