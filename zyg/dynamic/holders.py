"""Classes whose instances hold values without looking at them; their methods are called as they are."""

from __future__ import annotations

import collections
import contextvars
import itertools
import queue
import types
import weakref
from typing import Any

_ITERATED: tuple[Any, ...] = ([], (), {}, set(), {}.values(), {}.items(), range(0), "", b"", collections.deque())
_iterators: tuple[type, ...] = tuple(type(iter(made)) for made in _ITERATED)

HOLDERS: tuple[Any, ...] = (
    *(list, tuple, dict, set, frozenset, collections.deque, collections.OrderedDict),
    *(type({}.keys()), type({}.values()), type({}.items()), types.MappingProxyType),
    *(types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.CellType, types.FrameType),
    *(queue.SimpleQueue, contextvars.ContextVar, contextvars.Context, weakref.ref, slice, property),
    *_iterators,
    *(zip, enumerate, map, filter, reversed),
    *(member for member in vars(itertools).values() if isinstance(member, type)),
)
