"""The lowering of every primitive: which instructions compute it, by the type of its operands."""

from __future__ import annotations

from typing import Any

from numba import types

from zyg.codegen import complexes, integer, lanes, real
from zyg.codegen.assembly import Body, Value
from zyg.codegen.libm import real as real_literal
from zyg.codegen.machine import Parts, parts
from zyg.ir.lanes import LanesType, extract, splat, unit
from zyg.ir.program import Op, Type
from zyg.rules.primitives import cast, is_nonzero, make_complex, polygamma, select


def has_lowering(fn: Any, type: Type) -> bool:
    """Can `fn` be compiled for operands of `type`?"""
    return fn in _rows(type) or fn in (select, cast) or (fn is make_complex and isinstance(type, types.Float))


def _rows(type: Type) -> dict[Any, Any]:
    if isinstance(type, LanesType):
        return lanes.lowering
    if isinstance(type, types.Boolean):
        return integer.bool_lowering
    if isinstance(type, types.Integer):
        return integer.lowering
    return real.lowering if isinstance(type, types.Float) else complexes.lowering


def lower(b: Body, op: Op, args: tuple[Parts, ...]) -> Parts:
    """The registers that hold the result of `op`."""
    if op.fn is select:
        (cond,) = args[0]
        return tuple(b.select(cond, x, y) for x, y in zip(args[1], args[2], strict=True))
    if op.fn in (splat, unit, extract):
        return (lanes.moved(b, op, [value for arg in args for value in arg]),)
    if op.fn is cast:
        return convert(b, args[0], op.args[0].type, op.result.type)
    if op.fn is make_complex:
        return args[0] + args[1]
    deciding = op.args[1 if op.fn is polygamma else 0].type
    row = _rows(deciding).get(op.fn)
    if row is None:
        raise TypeError(f"{getattr(op.fn, '__name__', op.fn)} is not defined for {deciding}")
    if isinstance(deciding, types.Complex):
        result: Parts = row(b, *args)
        return result
    return (row(b, *(value for arg in args for value in arg)),)


def convert(b: Body, x: Parts, source: Type, target: Type) -> Parts:
    """`x` as a number of type `target`."""
    if isinstance(target, LanesType):
        return (_between_floats(b, x[0], parts(target)[0]),)
    if isinstance(target, types.Complex):
        part = parts(target)[0]
        if isinstance(source, types.Complex):
            return tuple(_between_floats(b, v, part) for v in x)
        (re,) = convert(b, x, source, target.underlying_float)
        return re, real_literal(re, 0.0)
    if isinstance(target, types.Boolean):
        return _truth(b, x, source)
    value, (part,) = x[0], parts(target)
    if isinstance(target, types.Integer):
        return (_to_integer(b, value, part),)
    return (_to_float(b, value, part),)


def _truth(b: Body, x: Parts, source: Type) -> Parts:
    row = _rows(source)[is_nonzero]
    if isinstance(source, types.Complex):
        result: Parts = row(b, x)
        return result
    return (row(b, *x),)


def _to_integer(b: Body, x: Value, part: str) -> Value:
    if x.type == "i1":
        return b.convert("zext", x, part)
    if x.type.startswith("i"):
        return x
    # A plain conversion of what does not fit would be undefined
    name = f"llvm.fptosi.sat.{part}.{'f64' if x.type == 'double' else 'f32'}"
    b.assembly.declare(name, part, [x.type])
    return b.call(part, name, x)


def _to_float(b: Body, x: Value, part: str) -> Value:
    if x.type == "i1":
        return b.convert("uitofp", x, part)
    if x.type.startswith("i"):
        return b.convert("sitofp", x, part)
    return _between_floats(b, x, part)


def _between_floats(b: Body, x: Value, part: str) -> Value:
    if x.type == part:
        return x
    return b.convert("fpext" if "double" in part else "fptrunc", x, part)
