"""What a thread is differentiating at the moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from zyg.dynamic.tape import Tape


class _State(threading.local):
    """tape: that of the innermost derivative, while its function runs.  hidden: one by whose parameters nothing may be
    computed at the moment, as a rule is running."""

    tape: Tape | None = None
    hidden: Tape | None = None


STATE = _State()


@contextmanager
def recording(tape: Tape | None) -> Iterator[None]:
    """Make `tape` the innermost one."""
    before, STATE.tape = STATE.tape, tape
    try:
        yield
    finally:
        STATE.tape = before


@contextmanager
def hiding(tape: Tape) -> Iterator[None]:
    """While a rule runs that gives cotangents of its arguments only: make the tape outside of `tape` the innermost."""
    before = STATE.hidden
    STATE.hidden = tape if tape.parameters else before
    try:
        with recording(tape.outer):
            yield
    finally:
        STATE.hidden = before


def note(error: Exception, tape: Tape | None) -> None:
    """What has no derivative: a derivative that is being taken fails with it, even if the function goes on."""
    while tape is not None:
        if tape.refused is None:
            tape.refused = error
        tape = tape.outer


@contextmanager
def attempt() -> Iterator[None]:
    """While zyg tries what may be refused: there is another way."""
    tape = STATE.tape
    tapes = []
    while tape is not None:
        tapes.append((tape, tape.refused))
        tape = tape.outer
    try:
        yield
    except Exception:
        for tape, before in tapes:
            tape.refused = before
        raise


def carried(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`, to be called in another thread on behalf of this one."""
    tape = STATE.tape

    def run(*args: Any, **kws: Any) -> Any:
        with recording(tape):
            return fn(*args, **kws)

    return run
