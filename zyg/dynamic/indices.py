"""Indices of arrays: what they hold that is tracked, and what kind of place they name."""

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.dynamic.number import lowest
from zyg.dynamic.tracked import Tracked


def plain_index(index: Any) -> Any:
    """An index without tracked values: places carry no gradient."""
    kind = type(index)
    if kind is tuple:
        return tuple([plain_index(item) for item in index])
    if issubclass(kind, Tracked):
        return index.__zyg_root__
    if kind is slice:
        return slice(lowest(index.start), lowest(index.stop), lowest(index.step))
    return [plain_index(item) for item in index] if kind is list else index


def is_basic(index: Any) -> bool:
    """Does it give a view, or one element?"""
    for item in _as_tuple(index):
        if not (
            item is None or item is Ellipsis or (isinstance(item, (slice, int, np.integer)) and type(item) is not bool)
        ):
            return False
    return True


def _as_tuple(index: Any) -> tuple[Any, ...]:
    return index if type(index) is tuple else (index,)


def as_view(index: Any) -> tuple[Any, ...]:
    """An index that gives a view where `index` would give an element."""
    items = _as_tuple(index)
    return items if any(item is Ellipsis for item in items) else (*items, ...)


def copied_index(index: Any) -> Any:
    """The same index, which nobody else changes."""
    if type(index) is tuple:
        return tuple([copied_index(item) for item in index])
    return index.copy() if isinstance(index, (np.ndarray, list)) else index
