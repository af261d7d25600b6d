"""Running something in a process of its own, so that a crash or a loop without end is an answer, too."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from typing import Any


def in_child(answer: Callable[[], Any], seconds: int) -> tuple[Any, str]:
    """What `answer` gives, or the name of the signal that ended its process; the other is None or ''."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(seconds)
        with open(writer, "wb") as stream:
            pickle.dump(answer(), stream)
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        found = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None, signal.Signals(os.WTERMSIG(status)).name
    return pickle.loads(found), ""
