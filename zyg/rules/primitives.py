"""The vocabulary of programs: every elementwise function that an op may name.

Elementary functions are named by NumPy's ufunc where there is one (`np.sin` also stands for `math.sin` and
`cmath.sin`), by `operator`'s or `math`'s function otherwise; what Python has no name for is defined here.
Calling the key on NumPy scalars gives the value, so the table is its own reference semantics.  Those that rules use
take arrays too, element by element.

All operands of an arithmetic op have one type; the reader inserts `cast`s.  No primitive raises: division by
zero, say, is a `Guard` of its own in front of `truediv`, which itself gives inf or nan.
"""

from __future__ import annotations

import fractions
import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# --- primitives that Python has no name for; each body is the meaning -------------------------------------


def apply(fn: Callable[..., Any], *args: Any) -> Any:
    """`fn(*args)`, also where an argument is a symbol of a traced rule, which plain functions don't know."""
    for arg in args:
        if hasattr(arg, "__zyg_apply__"):
            return arg.__zyg_apply__(fn, args)
    return fn(*args)


def traceable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`, made to leave an op where an argument is a symbol of a traced rule."""

    @functools.wraps(fn)
    def traced(*args: Any) -> Any:
        for arg in args:
            if hasattr(arg, "__zyg_apply__"):
                return arg.__zyg_apply__(traced, args)
        return fn(*args)

    return traced


def cast(x: Any) -> Any:
    """`x` converted to the type of the result: int, float, complex widths; bool to 0 or 1; complex to real
    keeps the real part; float to int truncates."""
    return x


@traceable
def select(cond: Any, a: Any, b: Any) -> Any:
    """`a if cond else b`, both already evaluated."""
    return np.where(cond, a, b) if np.ndim(cond) else a if cond else b


@traceable
def if_true(cond: Any, dy: Any) -> Any:
    """A cotangent where `cond` is true, else none: 0 whatever is done with it linearly, as multiplied by inf."""
    return select(cond, dy, 0)


@traceable
def if_false(cond: Any, dy: Any) -> Any:
    """A cotangent where `cond` is false, else none (see `if_true`)."""
    return select(cond, 0, dy)


@traceable
def make_complex(re: Any, im: Any) -> Any:
    """The complex number re + im·i; operands float64 (float32), result complex128 (complex64)."""
    return re + 1j * im


@traceable
def powi(x: Any, n: Any) -> Any:
    """x ** n for float or complex x and int64 n, as repeated multiplication would; 1 / x**-n for n < 0."""
    return x**n if np.ndim(n) else x ** int(n)


@traceable
def reassociate_add(a: Any, b: Any) -> Any:
    """a + b as a step of a sum whose order is free, so that a loop may keep several partial sums."""
    return a + b


@traceable
def is_nonzero(x: Any) -> Any:
    """Truth of a number, as a bool."""
    return x != 0


def identity(x: Any) -> Any:
    """`x`, and the gradient flows through."""
    return x


def stop_gradient(x: Any) -> Any:
    """`x`, and no gradient flows through."""
    return x


def within_rule(x: Any) -> Any:
    """`x`, which a rule has from the function that it is for: there is no derivative, as that would be of the rule."""
    return x


def without_cotangent(x: Any) -> Any:
    """`x`, by which there is no derivative: the rule of the function that it is passed to leaves it out."""
    return x


@traceable
def attach(a: Any, b: Any) -> Any:
    """The value of `a` with the derivative of `b`, which is equal to it but for rounding."""
    return a


@traceable
def frexp_mantissa(x: Any) -> Any:
    """The mantissa of `math.frexp(x)`."""
    return np.frexp(x)[0]


@traceable
def frexp_exponent(x: Any) -> Any:
    """The exponent of `math.frexp(x)`, as int64."""
    return np.int64(np.frexp(x)[1])


@traceable
def round_digits(x: Any, n: Any) -> Any:
    """Python's `round(x, n)` for float x and int64 n (correctly rounded half to even)."""
    return type(x)(round(float(x), int(n)))


@traceable
def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once."""
    exact = fractions.Fraction(float(x)) * fractions.Fraction(float(y)) + fractions.Fraction(float(z))
    return type(x)(exact)


@traceable
def annihilated(dy: Any, slope: Any) -> Any:
    """dy * slope, and 0 for a zero slope whatever dy is, inf say."""
    return np.where(slope == 0, 0, dy * slope) if np.ndim(slope) else dy * slope if slope != 0 else slope * 0


@traceable
def over(dy: Any, d: Any) -> Any:
    """dy / d, and 0 for 0 / 0."""
    return select((dy == 0) & (d == 0), 0, dy / d)


@traceable
def times(dy: Any, slope: Any) -> Any:
    """dy * slope, and 0 for a zero `dy` at a pole."""
    return select((dy == 0) & (slope - slope != 0), 0, dy * slope)


# Arithmetic of rules, which is what its body does once no more derivatives are taken.
composed: frozenset[Callable[..., Any]] = frozenset((over, times))


@traceable
def polygamma(n: Any, x: Any) -> Any:
    """The (n + 1)-th derivative of log Γ at x; n = 0 is the digamma function."""
    from scipy.special import polygamma as poly
    from scipy.special import psi

    return psi(x) if int(n) == 0 else poly(int(n), x)


@dataclass(frozen=True, slots=True)
class Primitive:
    """What passes may ask about a function.

    name: as printed.  cost: of one evaluation, in additions (what `record` weighs against a store).
    effect: must not be removed, repeated or reordered with other effects.
    """

    name: str
    cost: int = 1
    effect: bool = False


table: dict[Callable[..., Any], Primitive] = {}


def _add(cost: int, *functions: Any, effect: bool = False) -> None:
    for fn in functions:
        table[fn] = Primitive(fn.__name__.rstrip("_"), cost, effect)


# int64, float32/64, complex64/128 (same type in and out); bool only for and/or/xor
_add(
    1,
    operator.add,
    reassociate_add,
    operator.sub,
    operator.mul,
    operator.neg,
    operator.and_,
    operator.or_,
    operator.xor,
)
# int64 only
_add(1, operator.invert, operator.lshift, operator.rshift)
_add(5, operator.truediv)  # float and complex; IEEE, never raises
_add(20, operator.floordiv, operator.mod)  # int64 and float, Python's signs; a zero divisor gives 0 (int), inf or nan
_add(40, operator.pow)  # float ** float, complex ** complex, int64 ** int64 (negative exponent: 0 as in Numba)
_add(40, powi)
# comparisons: two operands of one type (complex: eq and ne only); result bool
_add(1, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
_add(1, operator.not_)  # bool to bool
_add(1, is_nonzero)
_add(1, select, if_true, if_false, cast, identity, stop_gradient, within_rule, without_cotangent, attach)
_add(0, make_complex, np.real, np.imag, np.conj)
_add(1, operator.abs)  # int64, float; complex gives float
# float and complex
_add(10, np.sqrt)
_add(40, np.exp, np.log, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh)
_add(40, np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh, np.log10, np.log2, np.exp2)
_add(40, np.expm1, np.log1p)
# float only
_add(40, np.cbrt, np.arctan2, np.hypot, math.erf, math.erfc, math.gamma, math.lgamma)
_add(40, np.logaddexp, np.logaddexp2)
_add(40, np.angle)  # complex to float
_add(2, np.floor, np.ceil, np.trunc, np.rint, np.sign, np.copysign)
_add(2, np.maximum, np.minimum, np.fmax, np.fmin)  # also int64
_add(20, np.fmod, math.remainder)
_add(2, fma)
_add(2, annihilated, times)
_add(6, over)
_add(2, np.isnan, np.isinf, np.isfinite, np.signbit)  # to bool
_add(5, np.nextafter, np.spacing, np.heaviside, np.ldexp, frexp_mantissa, frexp_exponent, round_digits)
_add(40, math.gcd)  # int64
_add(60, polygamma)  # (int64 Const order, float)
