"""Arguments and captures looked at from Python: where arrays must be copied before native code can take them.

Otherwise generated code does this (`zyg.codegen.caller_walk`), by the same paths and checks.
"""

from __future__ import annotations

import builtins
import types as pytypes
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from zyg.buffers import lend
from zyg.codegen.guards import Path, check_of
from zyg.ir.kinds import ARRAYS, DTYPES, array_shape, numba_type
from zyg.ir.tree import ArrayTree, ConstTree, Leaf, ObjectTree, Tree
from zyg.pipeline import Lowered
from zyg.reading.instances import attributes_of
from zyg.shapes import items_of

_MISSING = object()
Step: TypeAlias = tuple[int, str, Any, str, Any]


class Looking:
    """How the inputs of a native function come from arguments and captures, and under which conditions."""

    __slots__ = ("_captured", "_count", "_homes", "_names", "_plan", "_shapes")

    def __init__(self, lowered: Lowered, arguments: Sequence[Tree], count: int, names: tuple[str, ...]) -> None:
        self._shapes, self._count, self._names = tuple(arguments), count, names
        captured = sorted(lowered.looked.inputs.items(), key=lambda pair: pair[1][0])
        places: dict[Path, int] = {}
        homes = lowered.looked.homes
        wanted = [*(path for path, _ in captured), *homes, *homes.values()]
        self._plan = plan_of(lowered.looked.checks, wanted, places)
        self._homes = [(places[fn], places[home]) for fn, home in homes.items()]
        self._captured = [(places[path], shape) for path, (_, shape) in captured]

    def inputs(self, function: Any, given: Sequence[Any], names: tuple[str, ...]) -> list[Any] | None:
        """The inputs of the native function for these arguments, or None if it is for others."""
        if names != self._names or len(given) != self._count:
            return None
        found: list[Any] = []
        for value, shape in zip(given, self._shapes, strict=False):
            if not _take(value, shape, found):
                return None
        seen = look(self._plan, function, given)
        if seen is None:
            return None
        if any(seen[fn].__globals__ is not seen[home].__globals__ for fn, home in self._homes):
            return None
        for place, shape in self._captured:
            if not _take(seen[place], shape, found):
                return None
        return found


def _take(value: Any, shape: Tree, out: list[Any]) -> bool:
    """Append the machine values of `value` to `out`, if it has this shape."""
    if isinstance(shape, ArrayTree):
        if type(value) not in ARRAYS or array_shape(value) != shape:
            return False
        lend(value, shape, out)
        return True
    if isinstance(shape, Leaf):
        if value is _MISSING or isinstance(value, tuple) or numba_type(value) != shape.type:
            return False
        out.append(value.item() if isinstance(value, (np.generic, np.ndarray)) else value)
        return True
    if isinstance(shape, ConstTree):
        return _same(value, shape.value)
    check, expected = check_of(shape)
    if not _holds(check, expected, value, []):
        return False
    if isinstance(shape, ObjectTree) and shape.names != tuple(attributes_of(value)):
        return False
    return all(_take(item, part, out) for item, part in zip(items_of(value) or (), shape.items, strict=True))


def _plain(*arrays: Any) -> bool:
    """Whether arrays are lent as they are, so that native code can tell whether they overlap."""
    return all(array.flags.c_contiguous and array.dtype in DTYPES.values() for array in arrays)


def _same(value: Any, known: Any) -> bool:
    if isinstance(known, str):
        return isinstance(value, str) and value == known
    if isinstance(known, pytypes.FunctionType):
        return isinstance(value, pytypes.FunctionType) and value.__code__ is known.__code__
    return value is known or (type(value) is type(known) and hasattr(type(value), "__zyg_read__"))


def plan_of(checks: Mapping[Path, tuple[str, Any]], wanted: Sequence[Path], places: dict[Path, int]) -> list[Step]:
    """What to look at, each path behind the one that it continues; `places` tells where each is then found.

    A step: the place it starts from, its kind and what (see `zyg.codegen.guards`), and the check of what is there.
    """
    plan: list[Step] = []
    places[()] = 0

    def place(path: Path) -> int:
        if path not in places:
            kind, what = path[-1]
            start = 0 if kind in ("arg", "object") else place(path[:-1])
            check, expected = checks.get(path, ("", None))
            if check == "one":
                expected = place(expected)
            elif check == "other":
                expected = [place(other) for other in expected]
            plan.append((start, kind, what, check, expected))
            places[path] = len(plan)
        return places[path]

    if () in checks:
        plan.append((0, "self", None, *checks[()]))
    for path in (*checks, *wanted):
        place(path)
    return plan


def look(plan: Sequence[Step], function: Any, given: Sequence[Any]) -> list[Any] | None:
    """What the steps of a plan lead to, the function first; None if a check fails."""
    seen = [function]
    for start, kind, what, check, expected in plan:
        parent = seen[start]
        try:
            if kind == "globals":
                value = parent.__globals__.get(what, _MISSING)
            elif kind == "arg":
                value = given[what]
            elif kind == "cell":
                value = parent.__closure__[what].cell_contents
            elif kind == "self":
                value = parent
            elif kind == "object":
                value = what.obj
            elif kind == "defaults":
                value = parent.__defaults__ or ()
            elif kind == "kwdefault":
                value = (parent.__kwdefaults__ or {}).get(what, _MISSING)
            elif kind == "members":
                value = vars(parent)
            elif kind == "attr" and isinstance(parent, type):
                value = vars(parent)[what]
            else:
                value = getattr(parent, what) if kind == "attr" else parent[what]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            value = _MISSING
        if check and not _holds(check, expected, value, seen):
            return None
        seen.append(value)
    return seen


def _holds(check: str, expected: Any, value: Any, seen: list[Any]) -> bool:
    if check == "code":
        return isinstance(value, pytypes.FunctionType) and value.__code__ is expected
    if check == "is":
        return value is expected
    if check == "equal":
        return type(value) is type(expected) and bool(value == expected)
    if check == "builtin":
        return value is _MISSING and hasattr(builtins, expected)
    if check == "type":
        return type(value) is expected
    if check == "tuple":
        return type(value) is expected[0] and len(value) == expected[1]
    if check in ("dict", "list"):
        return type(value) is (dict if check == "dict" else list) and len(value) == expected
    if check == "keys":
        return type(value) is dict and tuple(value) == expected
    if check == "missing":
        return value is _MISSING
    if check == "other":
        others = [seen[place] for place in expected]
        return all(value is not one and (_plain(value, one) or not np.may_share_memory(value, one)) for one in others)
    return value is seen[expected]
