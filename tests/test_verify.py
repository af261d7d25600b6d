"""The verifier accepts a good program and names what is wrong with bad ones."""

from __future__ import annotations

import operator

import pytest
from numba import types

from zyg.ir.program import Block, Call, Edge, Jump, Module, Op, Pos, Program, Return, Var
from zyg.ir.verify import VerifyError, verify

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
