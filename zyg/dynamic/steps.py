"""The reverse of one operation on Python's floats: a small function, made of the operation's rules.

Of what is not finite, and where Python raises, `cotangents` knows better.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.dynamic.cotangents import expression
from zyg.ir import scalars
from zyg.rules import primitives as p
from zyg.rules.elementwise import find
from zyg.rules.registry import Partial

Step = Callable[..., None]
# step(cotangents by number, cotangent of the result, number of a, number of b, a, b, the result)


def _sign(a: float) -> float:
    return a if a != a else 1.0 if a > 0 else -1.0 if a < 0 else 0.0


_MATH: dict[Any, Any] = {
    primitive: fn for fn, primitive in scalars.FLOAT.items() if getattr(fn, "__module__", "") == "math"
} | {np.hypot: math.hypot, np.arctan2: math.atan2, np.copysign: math.copysign, np.sign: _sign}
_OPERATORS = {
    operator.add: "({} + {})",
    operator.sub: "({} - {})",
    operator.mul: "({} * {})",
    operator.truediv: "({} / {})",
    operator.floordiv: "({} // {})",
    operator.pow: "({} ** {})",
    operator.and_: "({} & {})",
    operator.or_: "({} | {})",
    operator.eq: "({} == {})",
    operator.ne: "({} != {})",
    operator.lt: "({} < {})",
    operator.gt: "({} > {})",
    operator.le: "({} <= {})",
    operator.ge: "({} >= {})",
    operator.neg: "(-{})",
    operator.abs: "abs({})",
    p.select: "({1} if {0} else {2})",
    p.powi: "({} ** int({}))",
    p.identity: "{}",
}


class _Text:
    """An operand of a rule, of which the text is wanted."""

    __slots__ = ("space", "text")

    def __init__(self, text: str, space: dict[str, Any]) -> None:
        self.text, self.space = text, space

    def __zyg_apply__(self, fn: Any, args: tuple[Any, ...]) -> _Text:
        texts = [arg.text if type(arg) is _Text else repr(arg) for arg in args]
        fn = getattr(fn, "__wrapped__", fn) if fn not in _OPERATORS else fn
        if fn in _OPERATORS:
            return _Text(_OPERATORS[fn].format(*texts), self.space)
        fn = _MATH.get(fn, fn)
        name = f"f{len(self.space)}"
        self.space[name] = fn
        return _Text(f"{name}({', '.join(texts)})", self.space)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any) -> _Text:
        return self.__zyg_apply__(ufunc, args)

    def __bool__(self) -> bool:
        raise TypeError("the text of a rule cannot depend on values")

    __hash__ = None  # type: ignore[assignment]


def _operator(fn: Any, turned: bool) -> Any:
    if turned:
        return lambda self, other: self.__zyg_apply__(fn, (other, self))
    return lambda self, *other: self.__zyg_apply__(fn, (self, *other))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "and", "or"):
    _fn = getattr(operator, f"{_name}_" if _name in ("and", "or") else _name)
    setattr(_Text, f"__{_name}__", _operator(_fn, False))
    setattr(_Text, f"__r{_name}__", _operator(_fn, True))
for _name in ("eq", "ne", "lt", "gt", "le", "ge", "neg", "abs"):
    setattr(_Text, f"__{_name}__", _operator(getattr(operator, _name), False))


@functools.cache
def step_of(fn: Any) -> Step | None:
    """The step of a primitive with one or two real operands; None where it has more, or no rule for such."""
    rules = find(fn, "real")
    if rules is None or len(rules) > 2:
        return None
    space: dict[str, Any] = {}
    lines = ["def step(numbers, dy, i, j, a, b, y):"]
    for index, rule, name in zip("ij", rules, ("da", "db"), strict=False):
        if rule is not None:
            lines.append(f"    {name} = {_text(rule, space)} if {index} >= 0 else None")
    for index, rule, name in zip("ij", rules, ("da", "db"), strict=False):
        if rule is not None:
            lines += [
                f"    if {index} >= 0:",
                f"        known = numbers[{index}]",
                f"        numbers[{index}] = {name} if known is None else known + {name}",
            ]
    exec("\n".join([*lines, "    return None"]), space)
    step: Any = space["step"]
    step.primitive, step.operands = fn, len(rules)
    return step  # type: ignore[no-any-return]


def _text(rule: Partial, space: dict[str, Any]) -> str:
    """The expression of a rule; where it has none, a call."""
    before = dict(space)
    try:
        found = None if rule.unknown else rule.fn(**{name: _Text(name, space) for name in rule.names})
    except Exception:
        found = None
        space.clear()
        space.update(before)
    if type(found) is _Text:
        return found.text
    if isinstance(found, (int, float)):
        return repr(found)
    name = f"f{len(space)}"
    space[name] = expression(rule)
    return f"{name}({', '.join(rule.names)})"
