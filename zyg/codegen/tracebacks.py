"""Tracebacks that show the user's lines, for exceptions that native code asked for."""

from __future__ import annotations

import sys
import types as pytypes
from functools import lru_cache

from zyg.ir.program import Pos


def traceback_to(pos: Pos | None) -> pytypes.TracebackType | None:
    """What the traceback would be if Python had run the code: from the outermost call that is known to the line."""
    found: pytypes.TracebackType | None = None
    while pos is not None:
        frame = _frame(pos.file, pos.line, pos.function)
        # No position among the instructions, or else Python would underline something in the line
        found = pytypes.TracebackType(found, frame, -1, pos.line)
        pos = pos.caller
    return found


@lru_cache(maxsize=1024)
def _code(file: str, line: int, function: str) -> pytypes.CodeType:
    code = compile("own_frame()", file, "eval").replace(co_name=function, co_firstlineno=max(1, line))
    return code.replace(co_qualname=function) if sys.version_info >= (3, 11) else code


def _frame(file: str, line: int, function: str) -> pytypes.FrameType:
    """A frame of code that claims to be at this line."""
    frame: pytypes.FrameType = eval(_code(file, line, function), {"own_frame": lambda: sys._getframe(1)})
    return frame
