"""Calls with arrays that native code does not read as they are: transposed ones, slices, other widths of ints.

To find their specialisation in Python takes some hundred times as long as in native code, where arrays lie in C order.
So the call is made again with copies.  That it is for nothing but native code that writes into none of them, the call
itself tells: where no specialisation fits it comes back here, and what is done is what would have been done at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from zyg.buffers import in_order
from zyg.entry import Caller, Specialised

NOTHING = object()
_MISSED = object()


class _Attempts(threading.local):
    """The arguments of the call that is being made again."""

    args: Sequence[Any] | None = None


_attempts = _Attempts()


def with_copies(caller: Caller, args: Sequence[Any], kws: dict[str, Any]) -> Any:
    """What a call gives, made with arrays in C order; `NOTHING` where that cannot be."""
    tried = _attempts.args
    if tried is not None and len(tried) == len(args) and all(a is b for a, b in zip(tried, args, strict=True)):
        _attempts.args = None
        return _MISSED
    copies = [in_order(arg) for arg in args]
    if all(a is b for a, b in zip(copies, args, strict=True)):
        return NOTHING
    entries = caller._chain.entries
    if not entries or any(
        isinstance(entry, Specialised) and (entry.lowered.written or entry.lowered.ordered) for entry in entries
    ):
        return NOTHING
    _attempts.args = copies
    try:
        found = caller(*copies, **kws)
        return NOTHING if found is _MISSED else found
    finally:
        _attempts.args = None
