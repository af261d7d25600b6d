"""From native code to dynamic mode, where a function cannot be compiled."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable, Sequence
from types import CodeType
from typing import Any

import numpy as np

from zyg.errors import DynamicModeWarning, UnsupportedError, ValueArgumentError, where
from zyg.reading.front import definition

MODES = ("auto", "native", "dynamic")
_warned: dict[int, Any] = {}


def checked_mode(mode: str) -> str:
    if mode not in MODES:
        raise ValueArgumentError(f"there is no mode {mode!r}: modes are 'auto', 'native' and 'dynamic'")
    return mode


def signature(args: Sequence[Any], kws: dict[str, Any]) -> Hashable:
    """What a refusal of native mode is remembered by."""
    return tuple([_kind(value) for value in (*args, *kws.values())]), tuple(kws)


def _kind(value: Any) -> Hashable:
    if isinstance(value, np.ndarray):
        return "array", value.dtype, value.ndim
    return tuple(map(_kind, value)) if type(value) is tuple else id(type(value))


def warn(fn: Any, reason: UnsupportedError) -> None:
    """Say once per function that it runs in dynamic mode, and why."""
    key = _code(fn)
    if _warned.get(id(key)) is key:
        return
    _warned[id(key)] = key
    name = getattr(fn, "__qualname__", None) or type(fn).__name__
    places = [where(place) for place in reason.places[:1] if place.line] or [where(definition(fn))]
    text = f"{name} runs in dynamic mode, slower than native code: {reason.what}\n" + "\n".join(places)
    warnings.warn(text, DynamicModeWarning, stacklevel=_outside())


class NotNative(Exception):
    """A call that native code cannot run, and why; nothing has been run."""

    def __init__(self, reason: UnsupportedError) -> None:
        super().__init__(reason)
        self.reason = reason


def unless_dynamic(caller: Any, mode: str) -> Any:
    """`caller`, or what refuses every call in mode "dynamic"."""
    return _refuse if checked_mode(mode) == "dynamic" else caller


def _refuse(*args: Any) -> Any:
    raise NotNative(UnsupportedError("dynamic mode is asked for"))


def instead(fn: Any, mode: str, refused: NotNative) -> None:
    """Dynamic mode takes over: it is announced, unless asked for; in mode "native" the refusal is raised."""
    if mode == "native":
        raise refused.reason
    if mode == "auto":
        warn(fn, refused.reason)


def _code(fn: Any) -> Any:
    for inner in ("__func__", "func", "py_func", "fn"):
        while not isinstance(getattr(fn, "__code__", None), CodeType) and hasattr(fn, inner):
            fn = getattr(fn, inner)
    return getattr(fn, "__code__", None) or type(fn)


def _outside() -> int:
    """The level of the first frame that is none of zyg's."""
    level, frame = 1, sys._getframe(1)
    own = __file__.rpartition("fallback")[0]
    while frame.f_back is not None and frame.f_code.co_filename.startswith(own):
        frame = frame.f_back
        level += 1
    return level
