"""The form of rules: one expression per operand, linear in `dy`, its parameters bound by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Partial:
    """One operand's expression: `dy` times the partial derivative; names any of dy, a, b, c and y."""

    fn: Callable[..., Any]
    names: tuple[str, ...]

    def __call__(self, values: Mapping[str, Any]) -> Any:
        return self.fn(**{name: values[name] for name in self.names})


def partial(fn: Callable[..., Any] | None) -> Partial | None:
    return None if fn is None else Partial(fn, tuple(inspect.signature(fn).parameters))


class Table:
    """Rules by primitive: `table[np.sin] = lambda dy, a: dy * np.cos(a)`; a tuple for several operands, in
    which None stands for an operand that never carries a gradient."""

    def __init__(self) -> None:
        self._rules: dict[Any, tuple[Partial | None, ...]] = {}

    def __setitem__(self, fn: Any, rules: Any) -> None:
        several = rules if isinstance(rules, tuple) else (rules,)
        self._rules[fn] = tuple(partial(rule) for rule in several)

    def get(self, fn: Any) -> tuple[Partial | None, ...] | None:
        return self._rules.get(fn)

    def __contains__(self, fn: Any) -> bool:
        return fn in self._rules

    def __iter__(self) -> Any:
        return iter(self._rules)
