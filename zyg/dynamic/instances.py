"""Instances of the user's classes, and functions, as what holds values: in attributes, and in cells."""

from __future__ import annotations

import contextlib
import dataclasses
import types
from typing import Any

from zyg.reading.instances import is_plain


def attributes(value: Any) -> dict[str, Any]:
    """What an instance holds, in its dictionary and its slots."""
    found = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                try:
                    found[name] = object.__getattribute__(value, name)
                except AttributeError:
                    continue
    return found


def is_open(cls: type) -> bool:
    """Is all that its instances hold in attributes?"""
    return is_plain(cls) and cls.__module__.partition(".")[0] not in _OTHERS


_OTHERS = frozenset(("zyg", "numpy", "numba", "threading", "_thread", "queue"))


def members(value: Any) -> dict[str, Any] | None:
    """What an instance holds in its attributes, or a function in its cells; None for anything else."""
    if isinstance(value, types.FunctionType):
        found = {}
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # not assigned yet
                found[name] = cell.cell_contents
        return found
    return attributes(value) if is_open(type(value)) else None


def with_members(value: Any, items: dict[str, Any]) -> Any:
    """A copy of an instance with other attributes."""
    cls = type(value)
    made: Any = types.SimpleNamespace() if cls is types.SimpleNamespace else object.__new__(cls)
    for name, item in items.items():
        object.__setattr__(made, name, item)
    return made


def cotangent_like(value: Any, items: dict[str, Any]) -> Any:
    """A cotangent or tangent of an instance or function from those of what it holds: None where there is none."""
    if dataclasses.is_dataclass(value):
        return with_members(value, items)
    kept = {name: item for name, item in items.items() if item is not None}
    return types.SimpleNamespace(**kept) if kept or not isinstance(value, types.FunctionType) else None
