"""Numbers that are tracked: Python's arithmetic on them is recorded on the tape of the innermost derivative."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.cotangents import cotangents, kind_of
from zyg.dynamic.places import refusal
from zyg.dynamic.steps import Step, step_of
from zyg.dynamic.tape import Operation, Tape
from zyg.dynamic.tracked import Tracked
from zyg.rules import primitives as p
from zyg.rules.elementwise import elementwise, inactive, nonholomorphic

_PLAIN = (float, int, complex, bool)


class Number(Tracked):
    """A number on a tape; `value` is the number on the level below, at last one of Python's or NumPy's.

    To `isinstance` it is what its value is.  Once its tape is closed it behaves as its value does.

    The result of an operation on Python's floats is on the tape itself, with the operation's `step`, its operands a
    and b, and their numbers i and j, which are -1 for an operand that is not there, or not differentiated.
    """

    __slots__ = ("a", "b", "i", "index", "j", "step", "tape", "value")
    _is = "a number"

    value: Any
    tape: Tape
    index: int
    step: Step
    i: int
    j: int
    a: Any
    b: Any

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__zyg_root__)

    @property
    def __zyg_root__(self) -> Any:
        value = self.value
        while type(value) is Number:
            value = value.value
        return value

    @property
    def __zyg_active__(self) -> bool:
        return lowered(self) is not self.__zyg_root__

    def __zyg_apply__(self, fn: Any, args: tuple[Any, ...]) -> Any:
        return operate(fn, fn, args)

    def __zyg_convert__(self, to: Callable[[Any], Any]) -> Any:
        return operate(p.identity, lambda value: converted(value, to), (self,))

    def reverse_carefully(self, sweep: Any, dy: Any) -> None:
        """The reverse of the operation that it is the result of, where that is not one on finite floats."""
        step: Any = self.step
        values, places = (self.a, self.b)[: step.operands], (self.i, self.j)
        for index, da in zip(places, cotangents(step.primitive, dy, values, self.value, places), strict=False):
            if da is not None:
                sweep.accumulate(index, da)

    # What the number is to the interpreter and to functions that read it: text and decisions carry no gradient.
    def __trunc__(self) -> Any:
        return self._rounded(math.trunc)

    def __floor__(self) -> Any:
        return self._rounded(math.floor)

    def __ceil__(self) -> Any:
        return self._rounded(math.ceil)

    def _rounded(self, to: Callable[[Any], Any]) -> Any:
        """An int is its own whole number."""
        root = self.__zyg_root__
        return self if type(root) is int else to(root)

    def __hash__(self) -> int:
        return hash(self.__zyg_root__)

    def __round__(self, digits: Any = None) -> Any:
        return self._rounded(round) if digits is None else round(self.__zyg_root__, digits)

    def __copy__(self) -> Number:
        return self

    def __deepcopy__(self, memo: Any) -> Number:
        return self

    # Members that numbers have
    @property
    def real(self) -> Any:
        return operate(np.real, np.real, (self,)) if isinstance(self, COMPLEX) else self

    @property
    def imag(self) -> Any:
        return operate(np.imag, np.imag, (self,)) if isinstance(self, COMPLEX) else self.__zyg_root__.imag

    def conjugate(self) -> Any:
        return operate(np.conj, np.conj, (self,)) if isinstance(self, COMPLEX) else self

    def item(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        """Members without a derivative: `is_integer`, `dtype`, `shape`, `bit_length` …"""
        root = self.__zyg_root__
        if name in _DISCRETE or (name in _OF_NUMPY and isinstance(root, np.generic)):
            return getattr(root, name)
        if hasattr(root, name) and self.__zyg_active__ and not name.startswith("__"):
            raise refusal(f"the member {name!r} of a number that is being differentiated has no derivative")
        return getattr(root, name)

    def __pos__(self) -> Any:
        return self

    def __lshift__(self, other: Any) -> Any:
        if type(other) is Number or isinstance(other, (*_PLAIN, np.generic)):
            return operate(operator.lshift, operator.lshift, (self, lowest(other)))
        return _mixed(operator.lshift, self, other)

    def __rlshift__(self, other: Any) -> Any:
        if isinstance(other, (*_PLAIN, np.generic)):
            return other << self.__zyg_root__
        return _mixed(operator.lshift, other, self)

    def __divmod__(self, other: Any) -> Any:
        divmod(self.__zyg_root__, lowest(other))  # which raises what Python says
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        divmod(lowest(other), self.__zyg_root__)
        return other // self, other % self

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        if modulo is not None:
            return pow(self.__zyg_root__, lowest(other), lowest(modulo))
        return power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return power(other, self)


def number(value: Any, tape: Tape) -> Number:
    """A new number on a tape."""
    made = Number()
    made.value, made.tape, made.index = value, tape, tape.new()
    tape.made.append(made)
    return made


Number.__name__ = "float"  # which the interpreter's messages say, as "unsupported operand type(s)"
_DISCRETE = frozenset(("is_integer", "bit_length", "bit_count"))
_OF_NUMPY = frozenset(("dtype", "shape", "ndim", "size", "itemsize", "nbytes"))


def lowered(value: Any) -> Any:
    """`value`, or what it is on the first level below that still records."""
    while type(value) is Number and not value.tape.open:
        value = value.value
    return value


def lowest(value: Any) -> Any:
    """The plain number."""
    return value.__zyg_root__ if type(value) is Number else value


def converted(value: Any, to: Callable[[Any], Any]) -> Any:
    return value.__zyg_convert__(to) if type(value) is Number else to(value)


def operate(primitive: Any, evaluate: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """`evaluate(*args)`, recorded as `primitive`."""
    args = tuple([lowered(arg) for arg in args])
    top: Tape | None = None
    for arg in args:
        if type(arg) is Number and (top is None or arg.tape.level > top.level):
            top = arg.tape
    if top is None:
        return evaluate(*args)
    values = tuple([arg.value if type(arg) is Number and arg.tape is top else arg for arg in args])
    y = operate(primitive, evaluate, values)
    if primitive in nonholomorphic:
        primitive = of_kind(primitive, values, y)
    if primitive in inactive or not _has_rule(primitive):
        return y
    operands = tuple([arg.index if type(arg) is Number and arg.tape is top else -1 for arg in args])
    return kept(primitive, top, operands, values, y)


def result_of(step: Any, y: float, a: Number) -> Number:
    """The result `y` of a function of one float, recorded."""
    tape = a.tape
    made = Number()
    made.value, made.tape, made.index, made.step = y, tape, tape.new(), step
    made.i, made.a, made.j, made.b = a.index, a.value, -1, None
    tape.record(made)
    return made


def kept(primitive: Any, tape: Tape, operands: tuple[int, ...], values: tuple[Any, ...], y: Any) -> Number:
    """The result `y` of an operation on numbers, recorded."""
    if type(y) in _FLOATS and len(values) <= 2 and all(type(value) in _REALS for value in values):
        step = step_of(primitive)
        if step is not None:
            made = Number()
            made.value, made.tape, made.index, made.step = y, tape, tape.new(), step
            (made.i, made.j), (made.a, made.b) = (
                (operands, values) if len(values) == 2 else ((operands[0], -1), (values[0], None))
            )
            tape.record(made)
            return made
    made = number(y, tape)
    real = type(y) is Number and type(y.__zyg_root__) is float and all(type(lowest(v)) in _REALS for v in values)
    tape.record(Operation(primitive, made.index, operands, values, y, real))
    return made


COMPLEX = (complex, np.complexfloating)  # complex64 is no class of Python's
_FLOATS = frozenset((float, np.float64))
_REALS = frozenset((float, int, bool, np.float64))


def of_kind(primitive: Any, values: Sequence[Any], y: Any) -> Any:
    """The primitive that a function of complex numbers comes to where it is called with a real one; truth values
    carry no gradient through operators."""
    if primitive is operator.invert and getattr(getattr(y, "__zyg_root__", y), "dtype", None) == np.bool_:
        return np.sign
    if primitive not in _PARTS or any(kind_of(value) == "c" for value in (*values, y)):
        return primitive
    return p.identity if primitive in (np.real, np.conj) else np.sign  # no gradient


_PARTS = frozenset((np.real, np.imag, np.conj, np.angle))


def _has_rule(primitive: Any) -> bool:
    if primitive not in elementwise and primitive not in nonholomorphic:
        raise refusal(f"{getattr(primitive, '__name__', primitive)} has no derivative rule")
    return True


def power(a: Any, b: Any) -> Any:
    """`a ** b`, by the rule of repeated multiplication for an int exponent of a number that is none."""
    exponent, base = lowest(b), lowest(a)
    whole: Any = isinstance(exponent, (int, np.integer)) and not isinstance(base, (int, np.integer))
    whole = whole or (isinstance(base, (int, np.integer)) and isinstance(exponent, (int, np.integer)) and exponent < 0)
    return operate(p.powi if whole else operator.pow, operator.pow, (a, b))


_OPERATOR = """
def forward(self, other):
    tape = self.tape
    kind = type(other)
    if kind is Number:
        if other.tape is not tape or not tape.open:
            return operate(fn, fn, (self, other))
        a, b, j = self.value, other.value, other.index
    elif (kind is float or kind is int) and tape.open:
        a, b, j = self.value, other, -1
    else:
        return mixed(fn, self, other)
    y = a {0} b
    if type(y) is not float and type(y) is not float64:
        return kept(fn, tape, (self.index, j), (a, b), y)
    made = Number()
    made.value = y
    made.tape = tape
    made.index = tape.new()
    made.step = step
    made.i = self.index
    made.j = j
    made.a = a
    made.b = b
    tape.record(made)
    return made


def backward(self, other):
    tape = self.tape
    kind = type(other)
    if (kind is not float and kind is not int) or not tape.open:
        return mixed(fn, other, self)
    b = self.value
    y = other {0} b
    if type(y) is not float and type(y) is not float64:
        return kept(fn, tape, (-1, self.index), (other, b), y)
    made = Number()
    made.value = y
    made.tape = tape
    made.index = tape.new()
    made.step = step
    made.i = -1
    made.j = self.index
    made.a = other
    made.b = b
    tape.record(made)
    return made
"""


def _binary(fn: Callable[[Any, Any], Any], sign: str) -> tuple[Any, Any]:
    """An operator and its reflected form, their text written out since they are what most programs do most."""
    names = {"fn": fn, "Number": Number, "operate": operate, "mixed": _mixed, "kept": kept, "float64": np.float64}
    space: dict[str, Any] = {**names, "step": step_of(fn)}
    exec(compile(_OPERATOR.format(sign), __file__, "exec"), space)
    return space["forward"], space["backward"]


def _mixed(fn: Callable[..., Any], *args: Any) -> Any:
    """An operator on a number and something that is none of Python's."""
    if all(type(arg) is Number or isinstance(arg, (*_PLAIN, np.generic)) for arg in args):
        return operate(fn, fn, args)
    if any(isinstance(arg, np.ndarray) for arg in args):
        from zyg.dynamic.ufuncs import apply_operator

        return apply_operator(fn, args)
    if any(isinstance(arg, (list, tuple, str, bytes)) for arg in args):  # a sequence repeated
        return fn(*[lowest(arg) for arg in args])
    return NotImplemented


def _discrete(fn: Callable[..., Any]) -> tuple[Any, Any]:
    """Operators whose results carry no gradient."""

    def forward(self: Number, other: Any) -> Any:
        if type(other) is Number or isinstance(other, (*_PLAIN, np.generic)):
            return fn(self.__zyg_root__, lowest(other))
        return _mixed(fn, self, other)

    def backward(self: Number, other: Any) -> Any:
        if isinstance(other, (*_PLAIN, np.generic)):
            return fn(other, self.__zyg_root__)
        return _mixed(fn, other, self)

    return forward, backward


def _comparison(fn: Callable[..., Any]) -> Any:
    def compare(self: Number, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return _mixed(fn, self, other)
        return fn(self.__zyg_root__, lowest(other))

    return compare


for _name, _sign in (("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/"), ("mod", "%")):
    _forward, _backward = _binary(getattr(operator, _name), _sign)
    setattr(Number, f"__{_name}__", _forward)
    setattr(Number, f"__r{_name}__", _backward)
for _name in ("floordiv", "and_", "or_", "xor", "rshift", "matmul"):
    _forward, _backward = _discrete(getattr(operator, _name))
    setattr(Number, f"__{_name.rstrip('_')}__", _forward)
    setattr(Number, f"__r{_name.rstrip('_')}__", _backward)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Number, f"__{_name}__", _comparison(getattr(operator, _name)))


def _unary(fn: Callable[..., Any]) -> Any:
    return lambda self: operate(fn, fn, (self,))


for _name in ("neg", "abs", "invert"):
    setattr(Number, f"__{_name}__", _unary(getattr(operator, _name)))
