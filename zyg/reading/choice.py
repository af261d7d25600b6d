"""Calls of a function that is chosen at run time."""

from __future__ import annotations

import operator as op
from typing import TYPE_CHECKING

from zyg.ir.program import Block, Branch, Call, Const, Edge, End, Jump, Op, Program, Return, Var
from zyg.ir.scalars import b1, i8
from zyg.reading.joins import coerced, join
from zyg.reading.values import (
    Node,
    Value,
    rebuild,
    structure,
    variables,
)

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def chosen_call(reader: FunctionReader, union: Node, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of a function chosen at run time: a program that branches on which one it is."""

    def formal(value: Value) -> Value:
        return rebuild(value, lambda leaf: Var(leaf.type) if isinstance(leaf, Var) else leaf)

    fn = formal(union)
    formals = [formal(arg) for arg in args]
    named = {name: formal(arg) for name, arg in kws.items()}
    assert isinstance(fn, Node)
    values = [fn, *formals, *named.values()]
    params = tuple(leaf for value in values for leaf in variables(value) if isinstance(leaf, Var))
    saved = reader.ops
    found: list[tuple[list[Op], Value]] = []
    result: Value | None = None
    for alternative in fn.items[1:]:
        reader.ops = []
        value = reader.spec.calls.settle(reader, reader.spec.calls.call(reader, alternative, formals, named))
        found.append((reader.ops, value))
        result = value if result is None else join(reader, result, value, "the result of this call")
    reader.ops = saved
    assert result is not None
    tag = fn.items[0]
    assert isinstance(tag, (Var, Const))
    blocks: dict[int, Block] = {0: Block((), (), Jump(Edge(1)))}
    last = len(found) - 1
    for number, (ops, value) in enumerate(found):
        ops = list(ops)
        end: End = Return(tuple(coerced(reader, value, result, ops)))
        body, test = 2 * number + 2, 2 * number + 1
        if number == last:
            blocks[test] = Block((), (), Jump(Edge(body)))
        else:
            same = Var(b1)
            here = Op(op.eq, (tag, Const(number, i8)), (same,), reader.pos)
            blocks[test] = Block((), (here,), Branch(same, Edge(body), Edge(test + 2)))
        blocks[body] = Block((), tuple(ops), end)
    name = reader.spec.unique("choose")
    kinds = tuple(leaf.type for leaf in variables(result))
    reader.spec.programs[name] = Program(name, params, kinds, blocks)
    actual = [leaf for value in (union, *args, *kws.values()) for leaf in variables(value)]
    assert structure(fn) == structure(union)
    results = tuple(Var(kind) for kind in kinds)
    reader.ops.append(Op(Call(name), tuple(actual), results, reader.pos))
    fresh = iter(results)
    return rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)
