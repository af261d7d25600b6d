"""Methods that the interpreter calls by itself (`__init__`, `__add__`, properties …), made to run with hooks.

No call instruction stands for them, so their code is exchanged in the functions of the class, while derivatives are
taken; outside of these the hooks do nothing.
"""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from zyg.dynamic.functions import code_by_rule, hooked_code, is_left
from zyg.dynamic.rewrite import Hooks
from zyg.reading.custom import RULES

_lock = threading.RLock()
_running = 0
_exchanged: list[tuple[types.FunctionType, types.CodeType, types.CodeType]] = []
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_FROM_C = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)

KNOWN: set[type] = set()  # classes whose methods have hooks, or need none


def from_statement(cls: type) -> bool:
    """Whether a class was made by a class statement, and not in C."""
    return bool(cls.__flags__ & _HEAP) and not any(
        isinstance(member, _FROM_C) and name not in ("__dict__", "__weakref__") for name, member in vars(cls).items()
    )


def begin() -> None:
    """A derivative begins."""
    global _running
    with _lock:
        _running += 1


def end() -> None:
    """A derivative ends; after the last one, all is as it was."""
    global _running
    with _lock:
        _running -= 1
        if _running == 0:
            for fn, before, now in _exchanged:
                if fn.__code__ is now:
                    fn.__code__ = before
            _exchanged.clear()
            KNOWN.clear()


def meet(cls: type, hooks: Hooks) -> None:
    """Give the methods of a class, and of those that it inherits from, their hooks."""
    with _lock:
        if not _running:
            return
        for base in cls.__mro__:
            if base in KNOWN or base is np.ndarray:
                continue
            if base.__flags__ & _HEAP and base.__module__.partition(".")[0] not in ("zyg", "numpy", "numba", "enum"):
                for fn in _implicit(base):
                    if not is_left(fn):
                        before = fn.__code__
                        now = code_by_rule(fn, hooks) if fn in RULES else hooked_code(before, hooks)
                        fn.__code__ = now
                        _exchanged.append((fn, before, now))
            KNOWN.add(base)


def _implicit(cls: type) -> Iterator[types.FunctionType]:
    """The functions of a class that are called without a call."""
    for name, member in list(vars(cls).items()):
        found: tuple[Any, ...] = ()
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        if isinstance(member, property):
            found = member.fget, member.fset, member.fdel
        elif isinstance(member, functools.cached_property):
            found = (member.func,)
        elif name.startswith("__") and name.endswith("__"):
            found = (member,)
        for fn in found:
            if isinstance(fn, types.FunctionType):
                yield fn
