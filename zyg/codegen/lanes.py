"""Lanes of floating-point numbers: vectors, computed as LLVM computes numbers.

Tangents are all that lanes hold, so that only what is linear in one of its operands is computed of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from zyg.codegen.assembly import Body, Value
from zyg.codegen.libm import FREE_SUM
from zyg.codegen.machine import parts
from zyg.ir.lanes import LanesType, extract, unit
from zyg.ir.program import Op
from zyg.rules import primitives as p


def _binary(opcode: str) -> Callable[[Body, Value, Value], Value]:
    return lambda b, x, y: b.binary(opcode, x, y)


def _compare(predicate: str) -> Callable[[Body, Value, Value], Value]:
    return lambda b, x, y: b.compare(f"fcmp {predicate}", x, y)


def _same(b: Body, x: Value) -> Value:
    return x


def _zero(type: str) -> Value:
    return Value(type, "zeroinitializer")


def _annihilated(b: Body, dy: Value, slope: Value) -> Value:
    zero = _zero(slope.type)
    return b.select(b.compare("fcmp une", slope, zero), b.binary("fmul", dy, slope), zero)


lowering: dict[Any, Callable[..., Value]] = {
    operator.add: _binary("fadd"),
    p.reassociate_add: _binary(FREE_SUM),
    operator.sub: _binary("fsub"),
    operator.mul: _binary("fmul"),
    operator.truediv: _binary("fdiv"),
    operator.neg: lambda b, x: b.unary("fneg", x),
    operator.eq: _compare("oeq"),
    operator.ne: _compare("une"),
    operator.and_: _binary("and"),
    p.annihilated: _annihilated,
    p.identity: _same,
    p.stop_gradient: _same,
    p.within_rule: _same,
    p.without_cotangent: _same,
}


def moved(b: Body, op: Op, values: Sequence[Value]) -> Value:
    """Numbers into lanes, or one out of its lane."""
    if op.fn is extract:
        return b.value(parts(op.result.type)[0], f"extractelement {values[0]}, {values[1]}")
    kind = op.result.type
    assert isinstance(kind, LanesType)
    (part,) = parts(kind)
    if op.fn is unit:
        return b.value(part, f"insertelement {_zero(part)}, {values[0]}, {values[1]}")
    made = b.value(part, f"insertelement {part} poison, {values[0]}, i64 0")
    return b.value(part, f"shufflevector {made}, {part} poison, <{kind.width} x i32> zeroinitializer")
