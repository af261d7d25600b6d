"""Functions of numbers applied to arrays, element by element; and what else Python's functions do with arrays."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.program import Const, Operand
from zyg.reading import arrays, maps, operators
from zyg.reading.array_making import as_array, is_sequence
from zyg.reading.handlers import HANDLERS
from zyg.reading.values import Node, Static, Value, constant, tuple_of
from zyg.rules.combining import largest_so_far, log2_of_sum, log_of_sum, root_of_squares, smallest_so_far

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_OTHERS = (
    *(np.where, np.clip, np.real, np.imag, np.conj, np.angle, np.sign, np.square, np.reciprocal, np.negative),
    *(np.positive, np.absolute, np.fabs, np.logical_not, np.rad2deg, np.deg2rad, np.degrees, np.radians, np.divmod),
    *(np.ldexp, np.round, np.around, np.logical_and, np.logical_or, np.logical_xor, abs),
    *(np.float_power, np.gcd, np.modf, np.frexp, divmod, np.fix, np.left_shift, np.right_shift, np.invert),
)
# Functions of numbers that give two
_PAIRS = frozenset((np.modf, np.frexp, np.divmod, divmod))


LIFTED: set[Any] = {
    fn
    for fn in (
        *scalars.FLOAT,
        *scalars.FLOAT2,
        *scalars.ARITHMETIC2,
        *scalars.BINARY,
        *_OTHERS,
    )
    if isinstance(fn, np.ufunc) or fn in _OTHERS
}


@functools.cache
def _computing(fn: Any) -> Callable[..., Value]:
    """How `fn` is computed of numbers, as what an elementwise result keeps."""

    def compute(reader: FunctionReader, operands: list[Operand], **kws: Any) -> Value:
        if fn in scalars.BINARY:
            return operators.numbers(reader, operands, scalars.BINARY[fn])
        if fn is np.invert:
            return operators.numbers(reader, operands, operator.invert)
        return HANDLERS[fn](reader, list(operands), {name: Static(value) for name, value in kws.items()})

    return compute


@functools.cache
def _part(fn: Any, place: int) -> Callable[..., Value]:
    """How one of the two numbers that `fn` gives is computed."""

    def compute(reader: FunctionReader, operands: list[Operand]) -> Value:
        pair = HANDLERS[fn](reader, list(operands), {})
        assert isinstance(pair, Node)
        return pair.items[place]

    return compute


def array_call(reader: FunctionReader, fn: Any, args: list[Value], kws: dict[str, Value]) -> Value | None:
    """A call with arrays (or lists) among its arguments, if `fn` works element by element or is a builtin of them."""
    try:
        lifted = fn in LIFTED
    except TypeError:
        return None
    if fn in (abs, divmod) and not any(map(arrays.is_arraylike, args)):  # they take no lists for arrays
        return None
    if fn is np.where and len(args) == 1:
        return reader.spec.calls.call(reader, Static(np.nonzero), args, kws)
    if lifted:
        return _elementwise(reader, fn, args, kws)
    if fn in (sum, min, max) and len(args) == 1 and arrays.is_arraylike(args[0]) and arrays.ndim_of(args[0]) == 1:
        return HANDLERS[{sum: np.sum, min: np.min, max: np.max}[fn]](reader, args, kws)
    if fn is float and isinstance(args[0], Node) and not is_sequence(args[0]):
        raise unsupported("only arrays of one element become numbers", reader.pos, "Index the array.")
    return None


def _elementwise(reader: FunctionReader, fn: Any, args: list[Value], kws: dict[str, Value]) -> Value:
    out = kws.get("out")
    if out is None and isinstance(fn, np.ufunc) and len(args) > fn.nin:
        out = args[fn.nin]
        args = args[: fn.nin]
    kws = {name: value for name, value in kws.items() if name not in ("out", "decimals")} | (
        {"ndigits": kws["decimals"]} if "decimals" in kws else {}
    )
    given = [as_array(reader, arg) if is_sequence(arg) else arg for arg in args]
    if fn is np.clip:
        bounds = [[kws.pop(name) for name in (f"a_{end}", end) if name in kws] for end in ("min", "max")]
        given += [bound[0] if bound else Static(None) for bound in bounds[len(given) - 1 :]]
    where = kws.pop("where", None) if out is not None and fn not in _PAIRS else None
    if where is not None and not (isinstance(where, Const) and where.value is True):
        # where the mask is False the result is what `out` holds
        value = _elementwise(reader, fn, args, kws)
        kept = reader.spec.calls.call(reader, Static(np.where), [where, value, out], {})  # type: ignore[list-item]
        return write_into(reader, out, kept)  # type: ignore[arg-type]
    fixed = {k: v for k, v in enumerate(given) if isinstance(v, Static)}
    if kws or (fixed and fn is not np.clip):
        name = next(iter(kws), "None")
        raise unsupported(f"{fn.__name__} of arrays with {name!r} is not compiled", reader.pos)
    if fn in _PAIRS and any(isinstance(arg, Node) for arg in given):
        given = [maps.settle(reader, arg) if isinstance(arg, Node) else arg for arg in given]
        return tuple_of([maps.elementwise(reader, _part(fn, place), given) for place in (0, 1)])
    if fixed:
        waiting: Value = _clipped(reader, given)
    elif any(isinstance(arg, Node) for arg in given):
        part = _own_part(reader, fn, given) if out is None else None
        waiting = part or maps.elementwise(reader, _computing(fn), given)
    else:
        return HANDLERS[fn](reader, given, {})
    if out is None:
        return waiting
    return write_into(reader, out, waiting)


def _own_part(reader: FunctionReader, fn: Any, given: list[Value]) -> Value | None:
    """The view that np.real and np.imag give of an array; the imaginary part of reals is no view."""
    if fn not in (np.real, np.imag) or not arrays.is_array(given[0]):
        return None
    array = given[0]
    assert isinstance(array, Node)
    if array.head.dtype in (scalars.c8, scalars.c16):
        return maps.part_of(reader, array, fn.__name__)
    return array if fn is np.real else None


def _clipped(reader: FunctionReader, given: list[Value]) -> Value:
    value = given[0]
    for bound, fn in zip(given[1:], (np.maximum, np.minimum), strict=False):
        if not isinstance(bound, Static):
            value = maps.elementwise(reader, _computing(fn), [value, bound])
    return value


def write_into(reader: FunctionReader, out: Value, value: Value, exactly: bool = False) -> Value:
    """What `out=` asks for: `value` written into an array, of the same number of dimensions where `exactly`."""
    from zyg.reading.indexing import keeps_kind, ready

    if not arrays.is_array(out):
        raise unsupported("out= needs an array", reader.pos)
    assert isinstance(out, Node)
    if exactly and arrays.ndim_of(value) != arrays.ndim_of(out):
        raise unsupported("out= needs an array of as many dimensions as the result has", reader.pos)
    arrays.check_writable(reader, out)
    keeps_kind(reader, out, value)
    settled = ready(reader, out, value)
    maps.settle_all(reader)
    maps.assign(reader, out, settled)
    return out


_REDUCTIONS: dict[Any, Any] = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
_REDUCTIONS |= {np.logical_and: np.all, np.logical_or: np.any}
_REDUCTIONS |= {np.logaddexp: log_of_sum, np.logaddexp2: log2_of_sum, np.hypot: root_of_squares}
_ACCUMULATIONS: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}
_ACCUMULATIONS |= {np.maximum: largest_so_far, np.minimum: smallest_so_far}


def ufunc_method(
    reader: FunctionReader, ufunc: np.ufunc, name: str, args: list[Value], kws: dict[str, Value]
) -> Value | None:
    """`np.add.reduce(x)` and the like, in terms of functions that do the same."""
    calls = reader.spec.calls
    if name == "outer" and len(args) == 2 and not kws:
        a, b = (as_array(reader, arg) for arg in args)
        for _ in range(arrays.ndim_of(b)):
            a = calls.call(reader, Static(np.expand_dims), [a, constant(-1)], {}) if isinstance(a, Node) else a
        return calls.call(reader, Static(ufunc), [a, b], {})
    same = (_REDUCTIONS if name == "reduce" else _ACCUMULATIONS if name == "accumulate" else {}).get(ufunc)
    if same is None or len(args) > 2 or set(kws) - {"axis", "keepdims"}:
        return None
    axis = args[1] if len(args) > 1 else kws.get("axis", constant(0))
    return calls.call(reader, Static(same), args[:1], kws | {"axis": axis})
