"""Functions that a Jacobian runs several times, though they write into their arguments: each run gets copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir.memory import mem_like
from zyg.ir.program import Op, Var
from zyg.passes.results import written_parameters
from zyg.reading import arrays, maps
from zyg.reading.inner import check_apart, read_inner
from zyg.reading.values import CONTAINERS, Node, Value, array_like, has_memory_list, is_array, passed

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


@dataclass(frozen=True, slots=True)
class OnCopiesHead:
    """The function that calls another with copies of its arguments; its item is that one."""

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        own = {name: _copied(reader, arg) for name, arg in kws.items()}
        return reader.spec.calls.call(reader, node.items[0], [_copied(reader, arg) for arg in args], own)


def repeatable(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]
) -> tuple[Value, bool, Value, list[Value], dict[str, Value]]:
    """The kind of what `fn(*args, **kws)` gives, whether this has been computed (if it writes into its arguments, which
    is done then), and a function and arguments with which it can be run as often as need be."""
    module, result, _, operands, _ = read_inner(reader, fn, args, kws)
    written = written_parameters(module)
    if not written:
        return result, False, fn, args, kws
    own = sum(1 for _ in passed(fn))
    given = [*args, *kws.values()]
    count = sum(1 for value in given for _ in passed(value))
    if not all(own <= number < own + count for number in written) or any(map(has_memory_list, given)):
        raise unsupported(
            "a Jacobian of a function that writes into what it captures, or changes a list",
            reader.pos,
            "Pass it an array as an argument, or a copy.",
        )
    check_apart(reader, module, operands)
    copies = [_copied(reader, arg) for arg in args]
    named = {name: _copied(reader, arg) for name, arg in kws.items()}
    y = reader.spec.calls.settle(reader, reader.spec.calls.call(reader, fn, args, kws))
    return y, True, Node(OnCopiesHead(), (fn,)), copies, named


def _copied(reader: FunctionReader, value: Value) -> Value:
    """A value with arrays of its own, which lie in memory as the others do."""
    if not isinstance(value, Node):
        return value
    if is_array(value):
        buffer = Var(arrays.memory(value).type)
        reader.ops.append(Op(mem_like, (arrays.memory(value),), (buffer,), reader.pos))
        reader.spec.origins.made(buffer, reader.code, reader.at)
        copy = array_like(value, buffer, lambda leaf: leaf)
        maps.assign(reader, copy, value)
        return copy
    if isinstance(value.head, CONTAINERS):
        return Node(value.head, tuple(_copied(reader, item) for item in value.items))
    return value
