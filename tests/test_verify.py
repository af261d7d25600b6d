"""The verifier accepts a good program and names what is wrong with bad ones."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from numba import types

from zyg.ir.program import Block, Branch, Call, Const, Edge, Jump, Module, Op, Pos, Program, Return, Var
from zyg.ir.verify import VerifyError, checked_closed, verify
from zyg.passes.canonical import canonical

X, Y, Z = Var(types.float64, "x"), Var(types.float64, "y"), Var(types.int64, "z")
HERE = Pos("f.py", 1, "f")
NEG = Op(operator.neg, (X,), (Y,), HERE)


def module(*blocks: Block) -> Module:
    return Module({"f": Program("f", (X,), (types.float64,), dict(enumerate(blocks)))}, "f")


def test_good_program() -> None:
    verify(module(Block((), (NEG,), Return((Y,)))))


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ((Block((), (), Return((Y,))),), "before it is defined"),
        ((Block((), (NEG, NEG), Return((Y,))),), "double definition"),
        ((Block((), (), Jump(Edge(1, (X,)))), Block((Z,), (), Return((X,)))), "edge to 1"),
        ((Block((), (), Jump(Edge(0))),), "predecessor"),
        ((Block((), (), Return(())),), "returns"),
        ((Block((), (Op(Call("g"), (X,), (Y,), HERE),), Return((Y,))),), "no program g"),
        ((Block((), (Op(print, (X,), (Y,), HERE),), Return((Y,))),), "unknown function"),
    ],
)
def test_bad_programs(blocks: tuple[Block, ...], text: str) -> None:
    with pytest.raises(VerifyError, match=text):
        verify(module(*blocks))


def two_loops() -> Program:
    """What the first one computes is handed on by an edge that leaves the second one."""
    n, b = types.int64, types.boolean
    i, i1, k, k1 = (Var(n, name) for name in ("i", "i1", "k", "k1"))
    a, a1, r = (Var(types.float64, name) for name in ("a", "a1", "r"))
    goes_on, again, more = (Var(b, name) for name in ("goes_on", "again", "more"))

    def op(fn: Any, *args: Any) -> Op:
        return Op(fn, args[:-1], args[-1:], HERE)

    one, nothing = Const(1, n), Const(0, n)
    blocks = (
        Block((), (), Jump(Edge(1, (nothing, X)))),
        Block((i, a), (op(operator.lt, i, Const(9, n), goes_on),), Branch(goes_on, Edge(2), Edge(3))),
        Block((), (op(operator.mul, a, X, a1), op(operator.add, i, one, i1)), Jump(Edge(1, (i1, a1)))),
        Block((), (), Jump(Edge(4, (nothing,)))),
        Block((k,), (op(operator.lt, a, X, again),), Branch(again, Edge(5), Edge(6, (a,)))),
        Block(
            (),
            (op(operator.add, k, one, k1), op(operator.lt, k1, Const(5, n), more)),
            Branch(more, Edge(4, (k1,)), Edge(6, (X,))),
        ),
        Block((r,), (), Return((r,))),
    )
    return module(*blocks).main


def test_loop_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    program = two_loops()
    monkeypatch.setenv("ZYG_VERIFY", "1")
    with pytest.raises(VerifyError, match="has left its loop"):
        checked_closed(program)
    checked_closed(canonical(program).program)
