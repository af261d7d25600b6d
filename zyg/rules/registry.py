"""The form of rules: one expression per operand, linear in `dy`, its parameters bound by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Partial:
    """One operand's expression: `dy` times the partial derivative; names any of dy, a, b, c and y.

    unknown: what the operand is, if no expression is known.
    """

    fn: Callable[..., Any]
    names: tuple[str, ...]
    unknown: str = ""

    def __call__(self, values: Mapping[str, Any]) -> Any:
        return self.fn(**{name: values[name] for name in self.names})


Partials = tuple[Partial | None, ...]


def unknown(operand: str) -> Partial:
    """The rule of an operand by which there is no derivative: an error where one is taken, never a zero."""
    return Partial(lambda dy: dy, ("dy",), operand)


def partials(rules: Any) -> Partials:
    """A rule as written in a table: one function, or a tuple with None for an operand without a gradient."""
    several = rules if isinstance(rules, tuple) else (rules,)
    return tuple(rule if rule is None or isinstance(rule, Partial) else _partial(rule) for rule in several)


def _partial(rule: Callable[..., Any]) -> Partial:
    return Partial(rule, tuple(inspect.signature(rule).parameters))


class Table:
    """Rules by primitive: `table[np.sin] = lambda dy, a: dy * np.cos(a)`; a tuple for several operands, in
    which None stands for an operand that never carries a gradient."""

    def __init__(self) -> None:
        self._rules: dict[Any, Partials] = {}

    def __setitem__(self, fn: Any, rules: Any) -> None:
        self._rules[fn] = partials(rules)

    def get(self, fn: Any) -> Partials | None:
        return self._rules.get(fn)

    def __contains__(self, fn: Any) -> bool:
        return fn in self._rules

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rules)
