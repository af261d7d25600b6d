"""Times of several functions on the same arguments, measured in turns so that the machine's moods hit all alike."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Mapping
from typing import Any

SAMPLE = 0.02
ROUNDS = 9
PATIENCE = 1.0


def interleaved(contenders: Mapping[str, Callable[..., Any]], args: tuple[Any, ...]) -> dict[str, float | Exception]:
    """Seconds a call, by name: the least of several samples; or why there is none.

    A function that needs more than `PATIENCE` is called twice only.
    """
    times: dict[str, float | Exception] = {}
    timers: dict[str, tuple[timeit.Timer, int]] = {}
    for name, fn in contenders.items():
        timer = _timer(fn, args)
        try:
            timer.timeit(1)
            times[name] = timer.timeit(1)
        except Exception as error:
            times[name] = error
            continue
        if times[name] < PATIENCE:
            timers[name] = timer, _repetitions(timer)
    for _ in range(ROUNDS):
        for name, (timer, count) in timers.items():
            times[name] = min(times[name], timer.timeit(count) / count)
    return times


def _timer(fn: Callable[..., Any], args: tuple[Any, ...]) -> timeit.Timer:
    names = [f"a{number}" for number in range(len(args))]
    return timeit.Timer(f"fn({', '.join(names)})", globals={"fn": fn, **dict(zip(names, args, strict=True))})


def _repetitions(timer: timeit.Timer) -> int:
    """How often to call for a sample of useful length."""
    count, taken = 1, 0.0
    while taken < SAMPLE / 4:
        taken = timer.timeit(count)
        count *= 4 if taken < SAMPLE / 4 else 1
    return max(1, round(count * SAMPLE / taken))
