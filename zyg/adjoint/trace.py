"""Tracing of rules: a rule's expression, run on symbols, leaves ops behind."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.ir import scalars
from zyg.ir.lanes import LanesType, splat, truth_of
from zyg.ir.program import Const, Op, Operand, Pos, Type, Var
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8
from zyg.rules import primitives as p
from zyg.rules.special import SPECIAL

_TESTS = frozenset((np.isnan, np.isinf, np.isfinite, np.signbit, p.is_nonzero, operator.not_))
_TO_REAL = frozenset((np.real, np.imag, np.angle, operator.abs))
_UFUNCS: dict[Any, Any] = {
    **scalars.BINARY,
    np.negative: operator.neg,
    np.absolute: operator.abs,
    np.fabs: operator.abs,
}


class Emitter:
    """Appends ops to a list, with the conversions that Python's arithmetic implies."""

    def __init__(self, ops: list[Op], pos: Pos, gates: bool = False) -> None:
        """gates: may cotangents be marked as none where something else was chosen?"""
        self.ops = ops
        self.pos = pos
        self.gates = gates

    def emit(self, fn: Any, args: tuple[Operand, ...], kind: Type) -> Operand:
        folded = scalars.fold(fn, args, kind)
        if folded is not None:
            return folded
        var = Var(kind)
        self.ops.append(Op(fn, args, (var,), self.pos))
        return var

    def convert(self, operand: Operand, kind: Type) -> Operand:
        """`operand` as `kind`; a complex number becomes real by its real part."""
        if operand.type == kind:
            return operand
        if isinstance(operand, Const):
            value = operand.value
            if isinstance(kind, LanesType) and not isinstance(operand.type, LanesType):
                return Const(self.convert(operand, kind.dtype).value, kind)  # type: ignore[union-attr]
            if kind in (f4, f8):
                return Const(float(value.real), kind)
            if kind in (c8, c16):
                return Const(complex(value), kind)
        if operand.type in (c8, c16) and kind not in (c8, c16):
            return self.convert(self.emit(np.real, (operand,), scalars.real_of(operand.type)), kind)
        if isinstance(kind, LanesType) and not isinstance(operand.type, LanesType):
            return self.emit(splat, (self.convert(operand, kind.dtype),), kind)
        return self.emit(p.cast, (operand,), kind)

    def symbol(self, operand: Operand) -> Symbol:
        return Symbol(self, operand)

    def operand(self, value: Any, like: Type) -> Operand:
        """A rule's result as an operand; a plain number takes the type `like`."""
        if isinstance(value, Symbol):
            return value.operand
        return _literal(value, like)


def _literal(value: Any, like: Type) -> Const:
    if isinstance(like, LanesType):
        return Const(_literal(value, like.dtype).value, like)
    if isinstance(value, (bool, np.bool_)):
        return Const(bool(value), b1)
    if isinstance(value, (complex, np.complexfloating)):
        return Const(complex(value), like if like in (c8, c16) else c16)
    if like in (c8, c16):
        return Const(complex(value), like)
    if like in (f4, f8):
        return Const(float(value), like)
    return Const(int(value), i8) if isinstance(value, (int, np.integer)) else Const(float(value), f8)


class Symbol:
    """A number inside a rule that is being traced."""

    __slots__ = ("emitter", "operand")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, emitter: Emitter, operand: Operand) -> None:
        self.emitter = emitter
        self.operand = operand

    def __pos__(self) -> Symbol:
        return self

    def __invert__(self) -> Symbol:
        return _apply(self.emitter, operator.not_, (self,))

    def __zyg_apply__(self, fn: Any, args: tuple[Any, ...]) -> Symbol:
        return _apply(self.emitter, fn, args)

    def one(self) -> Symbol:
        kind = self.operand.type
        return Symbol(self.emitter, _literal(1.0 if kind != i8 else 1, kind))

    def zero(self) -> Symbol:
        kind = self.operand.type
        return Symbol(self.emitter, _literal(0.0 if kind != i8 else 0, kind))

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Symbol:
        return _apply(self.emitter, _UFUNCS.get(ufunc, ufunc), args)


def _apply(emitter: Emitter, fn: Any, args: tuple[Any, ...]) -> Symbol:
    fn = _UFUNCS.get(fn, fn)
    known = [arg.operand.type for arg in args if isinstance(arg, Symbol)]
    if fn is p.select:
        known = [arg.operand.type for arg in args[1:] if isinstance(arg, Symbol)] or [f8]
        kind = known[0] if len(set(known)) == 1 else scalars.promote(*known)
        cond = emitter.operand(args[0], b1)
        branches = [emitter.convert(emitter.operand(arg, kind), kind) for arg in args[1:]]
        return Symbol(emitter, emitter.emit(fn, (cond, branches[0], branches[1]), kind))
    if fn in (p.if_true, p.if_false):
        return _gate(emitter, fn, *args)
    kind = known[0] if len(set(known)) == 1 else scalars.promote(*known)
    operands = [emitter.operand(arg, kind) for arg in args]
    if fn in (p.powi, np.ldexp, p.polygamma, p.round_digits):
        floating = [o for o, arg in zip(operands, args, strict=True) if isinstance(arg, Symbol) and o.type != i8]
        kind = floating[0].type if floating else f8
        if fn is p.polygamma:
            operands = [emitter.operand(args[0], i8), operands[1]]
        else:
            second = operands[1] if operands[1].type == i8 else Const(int(operands[1].value), i8)  # type: ignore[union-attr,arg-type]
            operands = [operands[0], second]
            kind = operands[0].type
        return Symbol(emitter, emitter.emit(fn, tuple(operands), kind))
    if fn is operator.pow and isinstance(operands[1], Const) and not isinstance(args[1], (float, complex)):
        if kind != i8:
            return _apply(emitter, p.powi, (args[0], args[1]))
    kind = scalars.promote(*(o.type for o in operands)) if len({o.type for o in operands}) > 1 else operands[0].type
    if fn is operator.truediv or (fn not in p.table):
        kind = scalars.to_float(kind)
    if fn in _FLOATING:
        kind = scalars.to_float(kind)
    if fn in _CAREFUL and isinstance(operands[1], Const) and operands[1].value:
        fn = _CAREFUL[fn]
    converted = tuple(emitter.convert(o, kind) for o in operands)
    result = kind
    if fn in scalars.COMPARISONS or fn in _TESTS:
        result = truth_of(kind)
    elif fn in _TO_REAL:
        result = scalars.real_of(kind)
    elif fn is p.make_complex:
        result = c8 if kind == f4 else c16
    elif fn is p.frexp_exponent:
        result = i8
    return Symbol(emitter, emitter.emit(fn, converted, result))


def _gate(emitter: Emitter, fn: Any, cond: Any, dy: Any) -> Symbol:
    if not emitter.gates:
        return _apply(emitter, p.select, (cond, dy, 0) if fn is p.if_true else (cond, 0, dy))
    kind = dy.operand.type
    return Symbol(emitter, emitter.emit(fn, (emitter.operand(cond, b1), dy.operand), kind))


# Arithmetic that takes care of zeros and poles, and what it is where there are none
_CAREFUL = {p.annihilated: operator.mul, p.over: operator.truediv, p.times: operator.mul}

_FLOATING = frozenset((p.over, *scalars.FLOAT.values(), *SPECIAL))


def _method(fn: Any, reflected: bool = False) -> Callable[..., Any]:
    def method(self: Symbol, *others: Any) -> Any:
        args = (others[0], self) if reflected else (self, *others)
        return _apply(self.emitter, fn, args)

    return method


for _name in [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "and",
    "or",
    "xor",
]:
    _fn = getattr(operator, _name + "_" if _name in ("and", "or") else _name)
    setattr(Symbol, f"__{_name}__", _method(_fn))
    if _fn not in scalars.COMPARISONS:
        setattr(Symbol, f"__r{_name}__", _method(_fn, True))
for _name in ["neg", "abs"]:
    setattr(Symbol, f"__{_name}__", _method(getattr(operator, _name)))
