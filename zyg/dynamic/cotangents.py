"""The rules of elementwise functions, evaluated: cotangents of operands from that of the result.

The rules are those of `zyg.rules.elementwise`, which native code uses too.  Here they are called on the values
themselves: Python's and NumPy's numbers, arrays, and tracked values of the levels below (for second derivatives).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.places import refusal
from zyg.rules import primitives as p
from zyg.rules.elementwise import Domain, find
from zyg.rules.registry import Partial, Partials

_KINDS = {int: "i", bool: "i", float: "f", complex: "c"}
_OF_DTYPE = {"b": "i", "i": "i", "u": "i", "f": "f", "c": "c"}
# Their rules read no operand, or one that must stay an int
_UNCONVERTED = frozenset((operator.add, operator.sub, operator.neg, p.reassociate_add, np.ldexp))


def kind_of(value: Any) -> str:
    """ "i" for ints and bools, "f" for real, "c" for complex numbers and arrays of them, "" for anything else."""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    root = getattr(value, "__zyg_root__", value)
    if root is not value:
        return kind_of(root)
    return _OF_DTYPE.get(value.dtype.kind, "") if isinstance(value, (np.generic, np.ndarray)) else ""


def domain_of(values: Sequence[Any], y: Any) -> Domain:
    kinds = {kind_of(value) for value in values}
    if "c" in kinds or kind_of(y) == "c":
        return "complex"
    return "integer" if kinds == {"i"} and kind_of(y) == "i" else "real"


def add(a: Any, b: Any) -> Any:
    return a + b


def cotangents(fn: Any, dy: Any, values: Sequence[Any], y: Any, wanted: Sequence[int]) -> list[Any]:
    """One cotangent per operand, None for those whose number in `wanted` is negative."""
    domain = domain_of(values, y)
    careful = not is_finite(dy)
    rules = find(fn, domain, False, careful)
    assert rules is not None, fn
    if domain == "complex":
        return [
            _real_where(da, value) for da, value in zip(_complex(fn, rules, dy, values, y, wanted), values, strict=True)
        ]
    if domain == "real" and fn not in _UNCONVERTED:
        values = [floating(value) for value in values]
        y = floating(y)
    return _evaluated(rules, dy, values, y, wanted)


def of_reals(fn: Any, dy: Any, values: Sequence[Any], y: Any, wanted: Sequence[int]) -> list[Any]:
    """The same for floats of lower levels."""
    root = getattr(dy, "__zyg_root__", dy)
    if type(root) is not float or root - root != 0.0:
        return cotangents(fn, dy, values, y, wanted)
    if fn not in _UNCONVERTED:
        values = [floating(value) if type(value) is not float else value for value in values]
    known = (dy, y, *values)
    try:
        return [
            None if rule is None or index < 0 else rule[0](*[known[place] for place in rule[1]])
            for rule, index in zip(_by_place(fn), wanted, strict=False)
        ]
    except ArithmeticError:
        return cotangents(fn, dy, values, y, wanted)


_PLACES = {"dy": 0, "y": 1, "a": 2, "b": 3, "c": 4}


@functools.cache
def _by_place(fn: Any) -> list[tuple[Any, tuple[int, ...]] | None]:
    """The rules of `fn` for real numbers, with the places of what they read."""
    rules = find(fn, "real")
    assert rules is not None, fn
    return [None if rule is None else (expression(rule), tuple(_PLACES[name] for name in rule.names)) for rule in rules]


def expression(rule: Partial) -> Callable[..., Any]:
    """The rule's expression; where it has none, an error as soon as it is asked for."""
    return rule.fn if not rule.unknown else lambda *_: _known(rule)


def _known(rule: Partial) -> Partial:
    if rule.unknown:
        raise refusal(f"no derivative of a function by {rule.unknown} is known")
    return rule


def _complex(fn: Any, rules: Partials, dy: Any, values: Sequence[Any], y: Any, wanted: Sequence[int]) -> list[Any]:
    """Of holomorphic functions, the conjugate of the rule of the conjugate."""
    from zyg.rules.elementwise import nonholomorphic

    if fn in nonholomorphic:
        return _evaluated(rules, dy, values, y, wanted)
    found = _evaluated(rules, _conjugate(dy), values, y, wanted)
    return [None if da is None else _conjugate(da) for da in found]


def _evaluated(rules: Partials, dy: Any, values: Sequence[Any], y: Any, wanted: Sequence[int]) -> list[Any]:
    try:
        return _plainly(rules, dy, values, y, wanted)
    except ArithmeticError:  # Python's numbers raise at poles; NumPy's give inf or nan there
        return _plainly(rules, wide(dy), [wide(value) for value in values], wide(y), wanted)


def _plainly(rules: Partials, dy: Any, values: Sequence[Any], y: Any, wanted: Sequence[int]) -> list[Any]:
    named = {"dy": dy, "y": y, **dict(zip("abc", values, strict=False))}
    pairs = zip(rules, wanted, strict=False)
    return [None if rule is None or index < 0 else _known(rule)(named) for rule, index in pairs]


def is_finite(dy: Any) -> bool:
    kind = type(dy)
    if kind is float:
        return dy - dy == 0.0  # type: ignore[no-any-return]
    if kind is int:
        return True
    root = getattr(dy, "__zyg_root__", dy)
    return bool(np.isfinite(root).all())


def floating(value: Any) -> Any:
    """Ints as floats, in whose arithmetic the result was computed."""
    if type(value) is float or kind_of(value) != "i":
        return value
    return converted(value, float)


def wide(value: Any) -> Any:
    """Python's floats as NumPy's."""
    root = getattr(value, "__zyg_root__", value)
    if type(root) in (float, int) and not isinstance(root, bool):
        return converted(value, np.float64)
    return converted(value, np.complex128) if type(root) is complex else value


def converted(value: Any, to: Any) -> Any:
    """A number or array in another type, recorded where it is tracked."""
    convert = getattr(value, "__zyg_convert__", None)
    if convert is not None:
        return convert(to)
    return value.astype(np.dtype(to)) if isinstance(value, np.ndarray) else to(value)


def _conjugate(value: Any) -> Any:
    return value if kind_of(value) != "c" else p.apply(np.conj, value)


def _real_where(da: Any, value: Any) -> Any:
    """The part that a real operand takes."""
    if da is None or kind_of(value) == "c" or kind_of(da) != "c":
        return da
    return p.apply(np.real, da)
