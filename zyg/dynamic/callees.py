"""Python functions called by one that is being differentiated that native code runs, where it pays and is the same.

Only functions with a loop are tried, once enough has been recorded while they ran.  Whatever Python would see otherwise
(an exception, ints beyond 2**53, a write, an array that is not new, a captured value that is tracked) is CPython's.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, top_tape
from zyg.dynamic.native_functions import Kinds, NativeFunction, codes_of, tried
from zyg.dynamic.number import Number
from zyg.dynamic.places import is_library
from zyg.dynamic.tape import Tape
from zyg.entry import CACHES, WITH_RULES
from zyg.passes.exact import LARGEST

WORTH = 50_000  # operations recorded while a function ran, after which it is compiled
_ATTEMPTS = 3  # with arguments of other kinds, where native code takes none
_FRAMES = frozenset(("_getframe", "currentframe", "stack", "warn", "extract_stack", "format_stack", "print_stack"))
_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))


def has_loop(code: types.CodeType) -> bool:
    """Is it a function of the user's that goes round, gives a value in the end, and looks at no frames?"""
    if is_library(code) or code.co_flags & (0x20 | 0x80 | 0x100 | 0x200):  # generators, coroutines
        return False
    if _FRAMES & {name for own in codes_of(code) for name in own.co_names}:
        return False
    return any(
        instruction.opname == "FOR_ITER" or (instruction.opcode in _JUMPS and instruction.argval < instruction.offset)
        for own in codes_of(code)
        for instruction in dis.get_instructions(own)
    )


class Callee:
    """The functions that share a code.  work: how many operations have been recorded while they ran.

    native: by kinds of arguments, how native code runs them; None where it cannot.  given_up: it never could.
    """

    __slots__ = ("code", "given_up", "native", "work")

    def __init__(self, code: types.CodeType) -> None:
        self.code = code
        self.work = 0
        self.given_up = False
        self.native: dict[Kinds, NativeFunction | None] = {}

    def begun(self, tape: Tape) -> bool:
        """A call begins.  Is native code to be tried?"""
        settle_work(tape)
        tape.callee, tape.begun = self, len(tape.entries)
        return self.work >= WORTH and not self.given_up


def settle_work(tape: Tape) -> None:
    """What has been recorded since a function was called counts as its work, until another one is called."""
    if tape.callee is not None:
        tape.callee.work += len(tape.entries) - tape.begun
        tape.callee = None


CALLEES: dict[int, Callee] = {}  # by the ids of codes
_without: dict[int, types.CodeType] = {}  # codes that have no loop


def callee_of(code: types.CodeType) -> Callee | None:
    """What is known of a function with a loop."""
    found = CALLEES.get(id(code))
    if found is not None and found.code is code:
        return found
    if _without.get(id(code)) is code:
        return None
    if not has_loop(code):
        _without[id(code)] = code
        return None
    made = CALLEES[id(code)] = Callee(code)
    return made


class _Forgotten(dict[Any, Any]):
    def clear(self) -> None:
        for callee in CALLEES.values():
            callee.native.clear()
            callee.given_up = False


_forgotten = _Forgotten()
CACHES.append(_forgotten)
WITH_RULES.append(lambda _: _forgotten.clear())


def natively(callee: Callee, fn: Any, plain: Callable[..., Any]) -> Any:
    """What is called in place of `fn`: native code where that can take the arguments, `plain` otherwise."""

    def call(*args: Any, **kws: Any) -> Any:
        found = _attempt(callee, fn, args, kws)
        return plain(*args, **kws) if found is None else found[0]

    return call


def _attempt(callee: Callee, fn: Any, args: Sequence[Any], kws: dict[str, Any]) -> tuple[Any] | None:
    """The value of a call, recorded; None if it is not for native code."""
    given = _positional(fn, args, kws)
    top = None if given is None else top_tape(given)
    if given is None or top is None:
        return None
    kinds = tuple([_kind(value) for value in given])
    if None in kinds or not {*np.geterr().values()} <= {"ignore", "warn"}:
        return None
    if kinds not in callee.native:
        callee.native[kinds] = tried(fn, kinds, given)
        callee.given_up = len(callee.native) >= _ATTEMPTS and not any(callee.native.values())
    native = callee.native[kinds]
    return None if native is None else native.run(fn, given, top)


def _positional(fn: Any, args: Sequence[Any], kws: dict[str, Any]) -> list[Any] | None:
    """All arguments, as positional ones."""
    code, defaults = fn.__code__, fn.__defaults__ or ()
    given, named = list(args), dict(kws)
    for place in range(len(args), code.co_argcount):
        name = code.co_varnames[place]
        if name in named:
            given.append(named.pop(name))
        elif place >= code.co_argcount - len(defaults):
            given.append(defaults[place - code.co_argcount])
        else:
            return None
    return None if named or len(given) != code.co_argcount or fn.__kwdefaults__ else given


def _kind(value: Any) -> Hashable | None:
    """What native code is made for; None where it is for CPython."""
    kind = type(value)
    if kind is Number:
        own = type(value.__zyg_root__)
        return ("number", own) if own in (float, np.float64) else None
    if kind is Array:
        root = value.__zyg_root__
        known = type(root) is np.ndarray and root.ndim > 0 and root.dtype.str[1:] in ("f8", "i8", "b1")
        return ("array", root.dtype, root.ndim, root.flags.c_contiguous) if known else None
    if kind is int:
        return (int,) if -LARGEST <= value <= LARGEST else None
    if kind in (float, bool, np.float64):
        return (kind,)
    if value is None or kind is str:
        return ("value", value)
    return ("function", id(value.__code__)) if kind is types.FunctionType else None
