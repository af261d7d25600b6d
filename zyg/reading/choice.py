"""What depends on which kind of value there is at run time: calls of a function that is chosen, operations on a number
that may be an array."""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir.program import Block, Branch, Call, Const, Edge, End, Jump, Op, Program, Return, Var
from zyg.ir.scalars import b1, i8
from zyg.reading.heads import UnionHead
from zyg.reading.joins import coerced, join
from zyg.reading.values import Node, Static, Value, is_array, is_operand, rebuild, structure, variables

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Reading = Callable[["FunctionReader", Sequence[Value]], Value]


def may_be_array(value: Value | None) -> bool:
    """Is it a number or an array, or one of several arrays, which only shows at run time?"""
    if not (isinstance(value, Node) and isinstance(value.head, UnionHead)):
        return False
    return all(is_operand(item) or is_array(item) for item in value.items[1:])


def by_kind(reader: FunctionReader, args: Sequence[Value], read: Reading) -> Value:
    """What `read` makes of values of which one may be a number or an array."""
    reader.spec.calls.settle_all(reader, None)
    args = [reader.spec.calls.settle(reader, arg) for arg in args]
    place = next(n for n, arg in enumerate(args) if may_be_array(arg))

    def of(inner: FunctionReader, alternative: Value, given: Sequence[Value]) -> Value:
        return read(inner, [*given[:place], alternative, *given[place:]])

    union = args[place]
    assert isinstance(union, Node)
    return _chosen(reader, union, [*args[:place], *args[place + 1 :]], of)


def chosen_call(reader: FunctionReader, union: Node, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of a function chosen at run time."""
    names = tuple(kws)

    cannot = [n for n, item in enumerate(union.items[1:]) if isinstance(item, Static) and not callable(item.obj)]
    tag = union.items[0]
    assert isinstance(tag, (Var, Const))
    if len(cannot) == len(union.items) - 1:
        raise unsupported("this is not callable", reader.pos, "Call a function.")
    for number in cannot:
        other = reader.emit(op.ne, (tag, Const(number, i8)), b1)
        reader.guard(other, _not_callable(union.items[1 + number]), "TypeError(callable)")

    def of(inner: FunctionReader, alternative: Value, given: Sequence[Value]) -> Value:
        named = dict(zip(names, given[len(args) :], strict=True))
        return inner.spec.calls.call(inner, alternative, list(given[: len(args)]), named)

    return _chosen(reader, union, [*args, *kws.values()], of, frozenset(cannot))


def _not_callable(value: Value) -> Callable[[], BaseException]:
    assert isinstance(value, Static)
    text = f"{type(value.obj).__name__!r} object is not callable"
    return lambda: TypeError(text)


def _chosen(
    reader: FunctionReader,
    union: Node,
    args: Sequence[Value],
    read: Callable[[FunctionReader, Value, Sequence[Value]], Value],
    left_out: frozenset[int] = frozenset(),
) -> Value:
    """A call of a program that branches on which alternative of a union there is.

    left_out: the numbers of alternatives that it is known not to be.
    """

    def formal(value: Value) -> Value:
        return rebuild(value, lambda leaf: Var(leaf.type) if isinstance(leaf, Var) else leaf)

    one = formal(union)
    formals = [formal(arg) for arg in args]
    assert isinstance(one, Node)
    params = tuple(leaf for value in (one, *formals) for leaf in variables(value) if isinstance(leaf, Var))
    saved = reader.ops
    found: list[tuple[int, list[Op], Value]] = []
    result: Value | None = None
    for number, alternative in enumerate(one.items[1:]):
        if number in left_out:
            continue
        reader.ops = []
        value = reader.spec.calls.settle(reader, read(reader, alternative, formals))
        found.append((number, reader.ops, value))
        result = value if result is None else join(reader, result, value, "the result of this call")
    reader.ops = saved
    assert result is not None
    tag = one.items[0]
    assert isinstance(tag, (Var, Const))
    blocks: dict[int, Block] = {0: Block((), (), Jump(Edge(1)))}
    last = len(found) - 1
    for place, (number, ops, value) in enumerate(found):
        ops = list(ops)
        end: End = Return(tuple(coerced(reader, value, result, ops)))
        body, test = 2 * place + 2, 2 * place + 1
        if place == last:
            blocks[test] = Block((), (), Jump(Edge(body)))
        else:
            same = Var(b1)
            here = Op(op.eq, (tag, Const(number, i8)), (same,), reader.pos)
            blocks[test] = Block((), (here,), Branch(same, Edge(body), Edge(test + 2)))
        blocks[body] = Block((), tuple(ops), end)
    name = reader.spec.unique("choose")
    kinds = tuple(leaf.type for leaf in variables(result))
    reader.spec.programs[name] = Program(name, params, kinds, blocks)
    actual = [leaf for value in (union, *args) for leaf in variables(value)]
    assert structure(one) == structure(union)
    results = tuple(Var(kind) for kind in kinds)
    reader.ops.append(Op(Call(name), tuple(actual), results, reader.pos))
    fresh = iter(results)
    return rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)
