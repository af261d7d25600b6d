"""NumPy's universal functions, and Python's operators, on tracked numbers and arrays."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import fresh, is_array, loaded, operand, recorded, saved, top_tape
from zyg.dynamic.cotangents import cotangents, domain_of, kind_of
from zyg.dynamic.number import of_kind, operate, power
from zyg.dynamic.places import refusal
from zyg.dynamic.state import STATE
from zyg.dynamic.tape import Sweep
from zyg.ir import scalars
from zyg.reading.custom import RULES
from zyg.rules import primitives as p
from zyg.rules.elementwise import elementwise, find, inactive, nonholomorphic
from zyg.rules.special import Special

PRIMITIVES: dict[Any, Any] = {
    **scalars.FLOAT,
    **scalars.FLOAT2,
    **scalars.ARITHMETIC2,
    **scalars.BINARY,
    np.negative: operator.neg,
    np.absolute: operator.abs,
    np.fabs: operator.abs,
    np.invert: operator.invert,
    np.conjugate: np.conj,
    np.left_shift: operator.lshift,
    np.right_shift: operator.rshift,
    np.float_power: operator.pow,
    np.sign: np.sign,
    np.ldexp: np.ldexp,
    np.gcd: math.gcd,
    np.lcm: math.gcd,
    **dict.fromkeys((np.logical_and, np.logical_or, np.logical_not, np.logical_xor), np.isnan),
}
_OPERATORS = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.true_divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.pow: np.power,
    operator.matmul: np.matmul,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.xor: np.bitwise_xor,
    operator.lshift: np.left_shift,
    operator.rshift: np.right_shift,
}


def _divmod(a: Any, b: Any) -> Any:
    return np.floor_divide(a, b), np.remainder(a, b)


def _modf(a: Any) -> Any:
    whole = np.trunc(a)
    return np.copysign(a - whole, a), whole


def _frexp(a: Any) -> Any:
    _, exponent = np.frexp(plain_root(a))
    return np.ldexp(a, -exponent), exponent


def plain_root(value: Any) -> Any:
    return getattr(value, "__zyg_root__", value)


# Universal functions in terms of others
COMPOSITES: dict[Any, Callable[..., Any]] = {
    np.square: lambda a: a * a,
    np.reciprocal: lambda a: 1 / a,
    np.positive: lambda a: a * 1,
    np.deg2rad: lambda a: a * (math.pi / 180),
    np.radians: lambda a: a * (math.pi / 180),
    np.rad2deg: lambda a: a * (180 / math.pi),
    np.degrees: lambda a: a * (180 / math.pi),
    np.divmod: _divmod,
    np.modf: _modf,
    np.frexp: _frexp,
}


def apply_operator(fn: Any, args: Sequence[Any]) -> Any:
    """One of Python's operators where an operand is an array."""
    return _OPERATORS[fn](*args)


def call_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kws: dict[str, Any]) -> Any:
    """`ufunc` and its methods on operands of which one is tracked."""
    if method != "__call__":
        from zyg.dynamic.ufunc_methods import call_method

        return call_method(ufunc, method, inputs, kws)
    if not kws and ufunc not in RULES and ufunc not in COMPOSITES and (primitive := PRIMITIVES.get(ufunc)) is not None:
        from zyg.dynamic.whole import on_whole

        y = on_whole(primitive, ufunc, inputs)
        if y is not None:
            return y
    inputs = [_converted(value) for value in inputs]
    outs = kws.pop("out", None)
    where = kws.pop("where", True)
    dtype = kws.pop("dtype", None)
    casting = kws.pop("casting", "same_kind")
    if kws and top_tape(inputs) is not None:
        raise refusal(f"np.{ufunc.__name__} with {next(iter(kws))}= has no derivative rule")
    if dtype is not None:
        inputs = [value.astype(dtype) if is_array(value) else value for value in inputs]
    y = _called(ufunc, inputs, kws)
    if outs is None:
        if where is not True:
            raise refusal(f"np.{ufunc.__name__} with where= and without out= leaves elements undefined")
        return y
    results = y if isinstance(y, tuple) else (y,)
    return _into(outs, results, where, casting)


def _into(outs: Sequence[Any], results: Sequence[Any], where: Any, casting: Any) -> Any:
    """The results written where `out=` says."""
    for out, result in zip(outs, results, strict=True):
        if out is None:
            continue
        kind = getattr(plain_root(result), "dtype", np.dtype(type(plain_root(result))))
        if not np.can_cast(kind, out.dtype, casting):
            raise TypeError(
                f"Cannot cast ufunc output from dtype('{kind}') to dtype('{out.dtype}') with casting rule '{casting}'"
            )
        if where is not True:
            result = np.where(where, result, out)
        out[...] = result
    given = tuple(result if out is None else out for out, result in zip(outs, results, strict=True))
    return given if len(given) > 1 else given[0]


def _converted(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        from zyg.dynamic.numpy_calls import as_array

        return as_array(value)
    return value


def _called(ufunc: Any, inputs: Sequence[Any], kws: dict[str, Any]) -> Any:
    if ufunc in RULES:
        from zyg.dynamic.custom import by_rule

        return by_rule(ufunc)(*inputs)
    top = top_tape(inputs)
    if top is None:
        y = ufunc(*[plain_root(value) for value in inputs], **kws)
        return tuple([fresh(item, STATE.tape) for item in y]) if isinstance(y, tuple) else fresh(y, STATE.tape)
    if ufunc is np.matmul:
        from zyg.dynamic.linear import matmul

        return matmul(*inputs)
    if ufunc not in COMPOSITES and ufunc not in PRIMITIVES:
        from zyg.dynamic.special_calls import learn

        learn()
    if ufunc in COMPOSITES:
        return COMPOSITES[ufunc](*inputs)
    primitive = PRIMITIVES.get(ufunc)
    if primitive is None:
        raise refusal(f"{ufunc.__name__} has no derivative rule")
    if isinstance(primitive, Special) and "c" in map(kind_of, inputs):
        raise refusal(f"scipy.special.{ufunc.__name__} of complex numbers has no derivative rule")
    if not any(is_array(value) for value in inputs):
        if ufunc is np.power:
            return power(*inputs)
        return operate(primitive, ufunc, tuple(inputs))
    if primitive is operator.pow and domain_of(inputs[1:], 0) == "integer" and domain_of(inputs, 0) != "integer":
        primitive = p.powi
    return elementwise_call(primitive, ufunc, inputs)


def elementwise_call(primitive: Any, evaluate: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """`evaluate(*inputs)` on arrays and numbers, recorded as `primitive`."""
    top = top_tape(inputs)
    if top is None:
        return fresh(evaluate(*[plain_root(value) for value in inputs]), STATE.tape)
    pairs = [operand(value, top) for value in inputs]
    lows = [low for _, low in pairs]
    y = _below(primitive, evaluate, lows)
    primitive = of_kind(primitive, lows, y)
    if primitive in inactive:
        return fresh(y, STATE.tape)
    if primitive not in elementwise and primitive not in nonholomorphic:
        raise refusal(f"{getattr(primitive, '__name__', primitive)} has no derivative rule")
    rules = find(primitive, domain_of(lows, y))
    assert rules is not None
    names = {name for rule, (ref, _) in zip(rules, pairs, strict=False) if rule and ref for name in rule.names}
    kept = [
        saved(value, low, top) if name in names or not is_array(low) else _Like(low)
        for name, value, low in zip("abc", inputs, lows, strict=False)
    ]
    refs = [ref for ref, _ in pairs]
    keeps_y = "y" in names

    def step(ref: Any) -> Any:
        return Elementwise(primitive, refs, kept, ref, _Like(y) if not keeps_y and is_array(y) else y)

    result = recorded(y, top, step)
    if keeps_y and is_array(y):
        made = top.entries[-1]
        made.y = saved(result, y, top)
    return fresh(result, STATE.tape)


def _below(primitive: Any, evaluate: Callable[..., Any], lows: Sequence[Any]) -> Any:
    if isinstance(evaluate, np.ufunc) or top_tape(lows) is None:
        return evaluate(*lows)
    return elementwise_call(primitive, evaluate, lows)


class _Like:
    """What a rule does not read of an operand: its kind and dimensions are known."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Any, dtype: Any = None) -> None:
        self.dtype, self.shape = value.dtype if dtype is None else np.dtype(dtype), value.shape

    def __zyg_convert__(self, to: Any) -> _Like:
        return _Like(self, to)

    @property
    def __zyg_root__(self) -> Any:
        return np.empty((), self.dtype)[()]


class Elementwise:
    """An elementwise function of arrays and numbers, by its rule."""

    __slots__ = ("fn", "refs", "result", "values", "y")

    def __init__(self, fn: Any, refs: Sequence[Any], values: Sequence[Any], result: Any, y: Any) -> None:
        self.fn, self.refs, self.values, self.result, self.y = fn, refs, values, result, y

    def reverse(self, sweep: Sweep) -> None:
        dy = self.result.take(sweep)
        if dy is None:
            return
        values = [loaded(value) for value in self.values]
        wanted = [-1 if ref is None else 0 for ref in self.refs]
        for ref, da in zip(self.refs, cotangents(self.fn, dy, values, loaded(self.y), wanted), strict=True):
            if da is not None:
                ref.give(sweep, da)
