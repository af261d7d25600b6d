"""Where in the user's program something happens, for messages."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Any

from zyg.errors import DifferentiationError, not_differentiable
from zyg.ir.program import Pos
from zyg.reading.front import position

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARIES = tuple({os.path.dirname(os.__file__) + os.sep, os.path.dirname(os.path.dirname(os.__file__)) + os.sep})


def is_own(code: CodeType) -> bool:
    """Is it part of zyg?"""
    return code.co_filename.startswith(_OWN)


def is_library(code: CodeType) -> bool:
    """Is it part of the standard library or of an installed package?"""
    return code.co_filename.startswith((*_LIBRARIES, "<frozen")) or "site-packages" in code.co_filename


def here() -> Pos | None:
    """The line that is being run: where it lies in a library, with the user's line that called it."""
    frame: FrameType | None = sys._getframe(1)
    found: list[Pos] = []
    while frame is not None:
        code = frame.f_code
        if not is_own(code) and (not found or not is_library(code)):
            found.append(position(code, frame.f_lineno))
            if not is_library(code):
                break
        frame = frame.f_back
    pos: Pos | None = None
    for place in reversed(found):
        pos = Pos(place.file, place.line, place.function, pos)
    return pos


def refusal(what: str, hint: str = "") -> DifferentiationError:
    """The error of an operation whose derivative is not known, with the user's line."""
    from zyg.dynamic.state import STATE, note

    error = not_differentiable(what, here(), hint or _HINT)
    note(error, STATE.tape)
    return error


_HINT = "Give the function around it a derivative with @zyg.adjoint, or cut it off with zyg.stop_gradient."


def without_own_frames(error: BaseException) -> None:
    """Take zyg's frames out of the traceback of an error of the user's code."""
    kept: list[Any] = []
    trace = error.__traceback__
    while trace is not None:
        if not is_own(trace.tb_frame.f_code):
            kept.append(trace)
        trace = trace.tb_next
    following = None
    for trace in reversed(kept):
        trace.tb_next = following
        following = trace
    error.__traceback__ = following
