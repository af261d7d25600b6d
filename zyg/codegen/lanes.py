"""Lanes of floating-point numbers: vectors, computed as LLVM computes numbers.

Tangents are all that lanes hold, so that only what is linear in one of its operands is computed of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from zyg.codegen import real
from zyg.codegen.assembly import Body, Value
from zyg.codegen.machine import parts
from zyg.ir.lanes import LanesType, extract, unit
from zyg.ir.program import Op
from zyg.rules import primitives as p


def _zero(type: str) -> Value:
    return Value(type, "zeroinitializer")


def _annihilated(b: Body, dy: Value, slope: Value) -> Value:
    zero = _zero(slope.type)
    return b.select(b.compare("fcmp une", slope, zero), b.binary("fmul", dy, slope), zero)


# LLVM has the same instructions for vectors and for numbers
_AS_NUMBERS = (
    *(operator.add, p.reassociate_add, operator.sub, operator.mul, operator.truediv, operator.neg),
    *(operator.eq, operator.ne, p.identity, p.stop_gradient, p.within_rule, p.without_cotangent),
)
lowering: dict[Any, Callable[..., Value]] = {
    **{fn: real.lowering[fn] for fn in _AS_NUMBERS},
    operator.and_: lambda b, x, y: b.binary("and", x, y),
    p.annihilated: _annihilated,
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
