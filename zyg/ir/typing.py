"""The typing of primitives: the operand types that each admits, and the type of its result."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from zyg.ir.lanes import LanesType, dtype_of_lanes
from zyg.ir.program import Type
from zyg.ir.scalars import COMPARISONS, b1, c8, c16, f4, f8, i8, real_of
from zyg.rules import primitives as p
from zyg.rules.special import SPECIAL

FLOATS = (f8, f4)
COMPLEX = (c16, c8)
REALS = (i8, *FLOATS)
NUMBERS = (*REALS, *COMPLEX)
SCALARS = (b1, *NUMBERS)

signatures: dict[Any, dict[tuple[Type, ...], Type]] = {}


def _state(
    fns: Iterable[Any],
    operands: Iterable[Type],
    arity: int,
    result: Callable[[Type], Type] = lambda kind: kind,
) -> None:
    """Each of `fns` takes `arity` operands of one type."""
    kinds = tuple(operands)
    for fn in fns:
        signatures.setdefault(fn, {}).update({(kind,) * arity: result(kind) for kind in kinds})


def _truth(_: Type) -> Type:
    return b1


def complex_of(kind: Type) -> Type:
    """The complex type whose parts are of the type `kind`."""
    return c8 if kind == f4 else c16


_state((operator.add, p.reassociate_add, operator.sub, operator.mul, operator.pow), NUMBERS, 2)
_state((operator.neg,), NUMBERS, 1)
_state((p.identity, p.stop_gradient, p.within_rule, p.without_cotangent), SCALARS, 1)
_state((p.attach,), (*FLOATS, *COMPLEX), 2)
_state((operator.truediv,), (*FLOATS, *COMPLEX), 2)
_state((operator.floordiv, operator.mod), REALS, 2)
_state((operator.and_, operator.or_, operator.xor), (b1, i8), 2)
_state((operator.invert,), (i8,), 1)
_state((operator.lshift, operator.rshift, math.gcd), (i8,), 2)
_state(COMPARISONS, (b1, *REALS), 2, _truth)
_state((operator.eq, operator.ne), COMPLEX, 2, _truth)
_state((operator.not_,), (b1,), 1, _truth)
_state((p.is_nonzero,), SCALARS, 1, _truth)
_state((operator.abs,), NUMBERS, 1, real_of)
_state((np.real, np.imag, np.angle), COMPLEX, 1, real_of)
_state((np.conj,), COMPLEX, 1)
_state((p.make_complex,), FLOATS, 2, complex_of)
_state(
    (
        *(np.sqrt, np.exp, np.log, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh),
        *(np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh),
        *(np.log10, np.log2, np.exp2, np.expm1, np.log1p),
    ),
    (*FLOATS, *COMPLEX),
    1,
)
_state((np.cbrt, math.erf, math.erfc, math.gamma, math.lgamma), FLOATS, 1)
_state((np.floor, np.ceil, np.trunc, np.rint, np.spacing, p.frexp_mantissa), FLOATS, 1)
_state((np.sign,), REALS, 1)
_state((p.frexp_exponent,), FLOATS, 1, lambda _: i8)
_state((np.isnan, np.isinf, np.isfinite, np.signbit), FLOATS, 1, _truth)
_state((np.arctan2, np.hypot, np.logaddexp, np.logaddexp2, np.copysign), FLOATS, 2)
_state((np.fmod, math.remainder, np.nextafter, np.heaviside), FLOATS, 2)
_state((p.fma,), FLOATS, 3)
for _fn in SPECIAL:
    _state((_fn,), FLOATS, _fn.arity)
_state((p.annihilated, p.over, p.times), (*REALS, *COMPLEX), 2)
_state((np.maximum, np.minimum, np.fmax, np.fmin), REALS, 2)
signatures[p.powi] = {(kind, i8): kind for kind in (*FLOATS, *COMPLEX)}
signatures[np.ldexp] = signatures[p.round_digits] = {(kind, i8): kind for kind in FLOATS}
signatures[p.polygamma] = {(i8, kind): kind for kind in FLOATS}
signatures[p.select] = {(b1, kind, kind): kind for kind in SCALARS}
signatures[p.if_true] = signatures[p.if_false] = {(b1, kind): kind for kind in SCALARS}


def result_type(fn: Any, args: Sequence[Type]) -> Type:
    """The type of `fn`'s result on operands of these types; TypeError where `fn` does not admit them.

    The results of `cast` and of the functions on tapes and stacks do not follow from their operands.

    >>> result_type(operator.abs, [c16])
    float64
    """
    widths = {kind.width for kind in args if isinstance(kind, LanesType)}
    if widths:
        one = result_type(fn, [dtype_of_lanes(kind) for kind in args])
        if len(widths) > 1 or not all(isinstance(kind, LanesType) or kind == b1 for kind in args):
            raise TypeError(f"lanes and numbers together: ({', '.join(map(str, args))})")
        return LanesType(one, widths.pop())
    rows = signatures.get(fn)
    name = getattr(fn, "__name__", str(fn))
    if rows is None:
        raise TypeError(f"the type of {name} does not follow from its operands")
    found = rows.get(tuple(args))
    if found is None:
        raise TypeError(f"{name} does not admit operands of types ({', '.join(map(str, args))})")
    return found
