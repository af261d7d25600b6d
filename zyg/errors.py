"""Errors and warnings.  Every message says what, where (file, line, source text), why, and what to do."""

from __future__ import annotations

import linecache
from typing import TypeVar

from zyg.ir.program import Pos

_MOST_PLACES = 8
_REWRITE = "Write this line differently; docs/limitations.md says what native code does not know."
_GIVE_RULE = "Give the function around it a derivative: @zyg.adjoint."


_Error = TypeVar("_Error", bound="ZygError")


class ZygError(Exception):
    """Base of all errors that zyg raises itself: what is wrong, where, and what to do."""

    def __init__(self, what: str, pos: Pos | None = None, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint
        self.places = [pos] if pos is not None else []

    def again(self: _Error) -> _Error:
        """An equal error, to be raised anew."""
        made = type(self)(self.what, None, self.hint)
        made.places = list(self.places)
        return made

    def reached_from(self, pos: Pos) -> None:
        """Note a call through which the place was reached."""
        known = any((place.file, place.function) == (pos.file, pos.function) for place in self.places[-1:])
        if not known and len(self.places) < _MOST_PLACES:
            self.places.append(pos)

    def __str__(self) -> str:
        places = [where(place) for place in self.places if place.line]
        return "\n".join(part for part in (self.what, "\n  called from\n".join(places), self.hint) if part)


class DifferentiationError(ZygError):
    """Something on the way from inputs to outputs has no derivative rule."""


class UnsupportedError(ZygError):
    """Native mode cannot compile the function; the message names the line."""


class ArgumentError(ZygError, TypeError):
    """A wrong argument: a non-scalar result of `grad`, an argument that is not a number, ..."""


def check_callable(fn: object, what: str) -> None:
    """Raise unless `fn` can be called."""
    if not callable(fn):
        raise ArgumentError(f"{what} must be a function, not {fn!r:.80}")


class UnsupportedArgumentError(UnsupportedError, ArgumentError):
    """Native mode cannot take the argument."""


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
    return UnsupportedError(what, pos, hint or _REWRITE)


def not_differentiable(what: str, pos: Pos | None, hint: str = "") -> DifferentiationError:
    """A `DifferentiationError` that shows the user's line."""
    return DifferentiationError(what, pos, hint or _GIVE_RULE)


def for_dynamic_mode(error: BaseException) -> BaseException:
    """`error`, marked as one that dynamic mode does not raise."""
    error.__dict__["zyg_dynamic"] = True
    return error


def wants_dynamic_mode(error: BaseException) -> bool:
    """Whether an error was marked so."""
    return "zyg_dynamic" in error.__dict__


def by_stretching(error: BaseException) -> BaseException:
    """`error`, marked as one that code does not raise which stretches dimensions that only happen to be 1."""
    error.__dict__["zyg_stretch"] = True
    return error


def wants_stretching(error: BaseException) -> bool:
    """Whether an error was marked so."""
    return "zyg_stretch" in error.__dict__
