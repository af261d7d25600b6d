"""Derivatives by arrays that a function captures: what `gradient(f, params)` means while reading.

Where f, or what it calls, reaches a parameter, that is a lifted capture (see `Captures`, sought).  The program of f is
opened for these captures: they become parameters of it, and its derivative by them is taken as by any argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zyg.adjoint.activity import shadow_type
from zyg.errors import ValueArgumentError
from zyg.ir.memory import mem_apart, mem_like
from zyg.ir.program import Capture, Op, Operand, Type, Var
from zyg.ir.scalars import b1
from zyg.passes.lift import check_rules
from zyg.reading.derive import check_scalar, vjp_call
from zyg.reading.inner import read_inner
from zyg.reading.values import Node, Value, array_like, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Known = dict[int, Type]


def implicit_gradient(reader: FunctionReader, fn: Value, params: list[Node], gives: str) -> Value:
    """The gradients of `fn()` by captured arrays, or its value and these.

    params: what is captured by the paths of the arguments, in order.
    """
    numbers = [_number(reader, place) for place in range(len(params))]
    module, result, _, operands, captured = read_inner(reader, fn, [], {})
    check_scalar(result, reader)
    _check_apart(reader, params, {n: memory.type for n, memory in captured.items() if n not in numbers})
    check_rules(module, set(numbers), reader.pos)
    used = [k for k, number in enumerate(numbers) if number in captured]
    formals: list[Value] = [Node(params[k].head, (captured[numbers[k]], *params[k].items[1:])) for k in used]
    y, dx, _ = vjp_call(reader, module, result, formals, operands, list(range(len(used))), result, None)
    found = dict(zip(used, dx, strict=True))
    gradients = tuple_of([found.get(k) or _zeros(reader, param) for k, param in enumerate(params)])
    return gradients if gives == "grad" else tuple_of([y, gradients])


def _number(reader: FunctionReader, place: int) -> int:
    number, _ = reader.spec.captures.inputs[(("arg", place),)]
    return number


def _memory(array: Node) -> Operand:
    memory = array.items[0]
    assert isinstance(memory, Var)
    return memory


def _zeros(reader: FunctionReader, param: Node) -> Value:
    memory = _memory(param)
    kind = shadow_type(memory.type)
    assert kind is not None
    shadow = Var(kind)
    reader.ops.append(Op(mem_like, (memory,), (shadow,), reader.pos))
    return array_like(param, shadow, lambda leaf: leaf)


def _check_apart(reader: FunctionReader, params: list[Node], others: Known) -> None:
    """Other captured arrays must not share memory with parameters: what f reads of a parameter there would be lost."""
    for number, kind in others.items():
        other = reader.emit(Capture(number), (), kind)
        for param in params:
            apart = reader.emit(mem_apart, (other, _memory(param)), b1)
            reader.guard(apart, _overlap, "ValueError(overlap)")


def _overlap() -> BaseException:
    return ValueArgumentError(
        "the function reads an array that overlaps one of the parameters in memory, but is another object; "
        "read the parameter itself and take views of it inside the function, or read a copy"
    )
