"""Errors and warnings.  Every message says what, where (file, line, source text), why, and what to do."""

from __future__ import annotations

import linecache

from zyg.ir.program import Pos


class ZygError(Exception):
    """Base of all errors that zyg raises itself."""


class DifferentiationError(ZygError):
    """Something on the way from inputs to outputs has no derivative rule."""


class UnsupportedError(ZygError):
    """Native mode cannot compile the function; the message names the line."""


class ArgumentError(ZygError, TypeError):
    """A wrong argument: a non-scalar result of `grad`, an argument that is not a number, ..."""


class ValueArgumentError(ZygError, ValueError):
    """An argument of the right type but a wrong value: `argnums` out of range, a cotangent of wrong shape."""


class DynamicModeWarning(UserWarning):
    """A function runs in dynamic mode; the message names the line and the reason."""


def where(pos: Pos | None) -> str:
    """`pos` for a message: file, line, function and source text, with the call sites it was reached by.

    >>> print(where(Pos("<no file>", 3, "f")))
      File "<no file>", line 3, in f
    """
    lines = []
    while pos is not None:
        lines.append(f'  File "{pos.file}", line {pos.line}, in {pos.function}')
        text = linecache.getline(pos.file, pos.line).strip()
        if text:
            lines.append(f"    {text}")
        pos = pos.caller
    return "\n".join(lines)


def unsupported(what: str, pos: Pos | None, hint: str = "") -> UnsupportedError:
    """An `UnsupportedError` that shows the user's line."""
    return UnsupportedError(_message(what, pos, hint))


def not_differentiable(what: str, pos: Pos | None, hint: str = "") -> DifferentiationError:
    """A `DifferentiationError` that shows the user's line."""
    return DifferentiationError(_message(what, pos, hint))


def _message(what: str, pos: Pos | None, hint: str) -> str:
    parts = [what]
    if pos is not None:
        parts.append(where(pos))
    if hint:
        parts.append(hint)
    return "\n".join(parts)
