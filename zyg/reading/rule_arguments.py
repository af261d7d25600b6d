"""Which cotangent that a rule's pullback gives belongs to which argument of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def parameters(rule: Any, keyword_only: bool = False) -> tuple[str, ...]:
    """The names of those that a rule takes by position, and of those that it takes by name only."""
    code = getattr(rule, "__code__", None)
    if code is None:
        return ()
    return tuple(code.co_varnames[: code.co_argcount + (code.co_kwonlyargcount if keyword_only else 0)])


def by_argument(
    rule: Any, count: int, names: Sequence[str], items: Sequence[Any], none: Any, is_varying: Callable[[int], bool]
) -> list[Any] | None:
    """What a pullback gives, in the order of a call's arguments: `count` by position, then those with these names.

    A pullback gives one cotangent for each argument, or for each parameter of its rule (those that are left to their
    defaults, too), in the order of the parameters; those that are passed by name only may be left out where there is
    nothing to differentiate.  None if it gives another number.
    """
    positional, every = parameters(rule), parameters(rule, True)
    own = (*positional[:count], *names)
    if count > len(positional) or not set(own) <= set(every):  # the rule takes any number of arguments
        return list(items) if len(items) == count + len(names) else None
    given = sorted(own, key=every.index)
    for order in (given, every, positional, positional[:count]):
        if len(items) == len(order):
            found = dict(zip(order, items, strict=True))
            if all(name in found or not is_varying(n) for n, name in enumerate(own)):
                return [found.get(name, none) for name in own]
    return None


def counted(items: Sequence[Any], arguments: Sequence[Any]) -> str:
    """That a pullback gives another number of cotangents than there are arguments."""
    one = "1 cotangent" if len(items) == 1 else f"{len(items)} cotangents"
    return f"gives {one} for {'1 argument' if len(arguments) == 1 else f'{len(arguments)} arguments'}"
