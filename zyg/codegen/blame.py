"""The user's lines in the traceback of an exception that native code reported."""

from __future__ import annotations

import ast
import sys
import types

from zyg.ir.program import Pos

_NO_COLUMN = -1


def _template() -> types.CodeType:
    """Code that hands its frame over, from line 1, no columns: tracebacks should underline nothing."""
    tree = ast.parse("hand_over()")
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = _NO_COLUMN
    return compile(tree, "", "exec")


_TEMPLATE = _template()


def raised_at(error: BaseException, pos: Pos | None, raised: bool = False) -> BaseException:
    """`error`, its traceback ending in the line `pos`, below the calls that this was inlined at.

    raised: it has a traceback already, which goes on from there.
    """
    trace = error.__traceback__ if raised else None
    inner: Pos | None = None
    while pos is not None and pos.line:
        if inner is None or (inner.file, inner.function) != (pos.file, pos.function):
            trace = _entry(trace, pos)
        pos, inner = pos.caller, pos
    return error.with_traceback(trace)


def _entry(below: types.TracebackType | None, pos: Pos) -> types.TracebackType:
    found: list[types.TracebackType] = []

    def hand_over() -> None:
        frame = sys._getframe(1)
        found.append(types.TracebackType(below, frame, frame.f_lasti, pos.line))

    code = _TEMPLATE.replace(co_filename=pos.file, co_name=pos.function, co_firstlineno=pos.line)
    exec(code, {"hand_over": hand_over})
    return found[0]
