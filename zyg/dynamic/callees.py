"""Python functions called by one that is being differentiated that native code runs, where it pays and is the same.

Only functions with a loop are tried, once enough has been recorded while they ran.  Whatever Python would see otherwise
(an exception, ints beyond 2**53, a write, an array that is not new, a captured value that is tracked) is CPython's.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zyg.dynamic.native_functions import Given, Kinds, NativeFunction, codes_of, tried
from zyg.dynamic.opened import NotOpen
from zyg.dynamic.places import is_library, is_own
from zyg.dynamic.tape import Tape
from zyg.entry import CACHES, WITH_RULES

WORTH = 50_000  # operations recorded while a function ran, after which it is compiled
EACH = 100  # and in each call, on average: that is what a call of native code costs
_RECENT = 100  # calls that this average is of, about
_ATTEMPTS = 3  # with arguments of other kinds, where native code takes none
_MOST = 16  # kinds of arguments that native code is made for
_REFUSALS = 20  # calls with arguments that native code does not take, where it takes none
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
    """The functions that share a code.  work: how many operations have been recorded while they ran; recent: in the
    last `calls` calls.

    native: by kinds of arguments, how native code runs them; None where it cannot.  given_up: it never could.
    refused: calls with arguments that it does not take.
    """

    __slots__ = ("calls", "code", "given_up", "native", "recent", "refused", "work")

    def __init__(self, code: types.CodeType) -> None:
        self.code = code
        self.work = self.recent = self.calls = self.refused = 0
        self.given_up = False
        self.native: dict[Kinds, NativeFunction | None] = {}

    def begun(self, tape: Tape) -> bool:
        """A call begins.  Is native code to be tried?"""
        frame = sys._getframe(2)
        while is_own(frame.f_code) and frame.f_back is not None:
            frame = frame.f_back
        settle_work(tape, frame)
        if self.work >= WORTH and not self.given_up and self.recent >= EACH * self.calls:
            return True
        if self.calls >= _RECENT:
            self.calls //= 2
            self.recent //= 2
        self.calls += 1
        tape.running.append((self, id(frame), len(tape.entries)))
        return False


def settle_work(tape: Tape, frame: types.FrameType | None = None) -> None:
    """What has been recorded since a function was called is its work, once another one is called that it does not call
    itself.  frame: where that is called; None when the derivative ends."""
    while tape.running:
        callee, caller, begun = tape.running[-1]
        if frame is not None and _is_inside(frame, caller):
            break
        tape.running.pop()
        callee.work += len(tape.entries) - begun
        callee.recent += len(tape.entries) - begun


def _is_inside(frame: types.FrameType, caller: int) -> bool:
    """Was the function that runs in a frame called, over others, by the frame of this id?"""
    if id(frame) == caller:
        return False
    outer = frame.f_back
    while outer is not None and id(outer) != caller:
        outer = outer.f_back
    return outer is not None


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
    values = _positional(fn, args, kws)
    if values is None or not {*np.geterr().values()} <= {"ignore", "warn"}:
        return None
    try:
        given = Given.of(fn, values)
    except NotOpen:
        callee.refused += 1
        callee.given_up = callee.refused >= _REFUSALS and not any(callee.native.values())
        return None
    if given.top is None:
        return None
    if given.kinds not in callee.native:
        if len(callee.native) >= _MOST:
            return None
        callee.native[given.kinds] = tried(given)
        callee.given_up = len(callee.native) >= _ATTEMPTS and not any(callee.native.values())
    native = callee.native[given.kinds]
    return None if native is None else native.run(given)


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
