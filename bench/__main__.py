"""Prints the tables of README's performance section, in Markdown: `python -m bench [words of row names]`.

Ratios come from one process, the contenders in turns; a first call and a peak of memory from processes of their own.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.threads import pin

pin()

from bench.processes import first_call, peak  # noqa: E402
from bench.row import Row  # noqa: E402
from bench.rows import FIRST_CALLS, LONG_LOOP, ROWS  # noqa: E402
from bench.timing import interleaved  # noqa: E402

OTHERS = ("JAX", "autograd", "torch")
Times = Mapping[str, float | Exception]


def duration(seconds: float | Exception | None) -> str:
    """A time in the unit that suits it.

    >>> duration(2.5e-7), duration(0.0125)
    ('250 ns', '12.5 ms')
    """
    if seconds is None:
        return "–"
    if isinstance(seconds, Exception):
        return type(seconds).__name__
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def ratio(one: float | Exception | None, other: float | Exception | None) -> str:
    return f"{one / other:.2f}" if isinstance(one, float) and isinstance(other, float) else "–"


def best_hand(times: Times) -> float | None:
    return min((t for name, t in times.items() if name.startswith("hand") and isinstance(t, float)), default=None)


def goal(row: Row, zyg: float | Exception, hand: float | None) -> str:
    """The goal and whether it is met."""
    if row.goal is None and row.margin is None:
        return ""
    text = f"{row.goal}" if row.goal is not None else f"+{duration(row.margin)}"
    if not isinstance(zyg, float) or hand is None:
        return f"{text} ✗"
    allowed = hand * row.goal if row.goal is not None else hand + (row.margin or 0.0)
    return f"{text} {'✓' if zyg <= allowed else '✗'}"


def speed(rows: Sequence[Row]) -> list[list[str]]:
    """Times of a call, and zyg's as multiples of the primal's and of the fastest hand-written derivative's."""
    table = [["", "primal", "by hand", "zyg", "zyg / primal", "zyg / by hand", "goal", *OTHERS]]
    for row in rows:
        times = interleaved(row.contenders(), row.args)
        hand, zyg = best_hand(times), times["zyg"]
        cells = [row.name, *map(duration, (times["primal"], hand, zyg)), ratio(zyg, times["primal"]), ratio(zyg, hand)]
        table.append([*cells, goal(row, zyg, hand), *(duration(times.get(name)) for name in OTHERS)])
    return table


def first_calls(rows: Sequence[Row]) -> list[list[str]]:
    """Seconds from the first call in a process to its result."""
    table = [["first call", "primal", "by hand", "zyg", "goal", "JAX"]]
    for row in rows:
        hand = min((t for way in row.ways() if (t := first_call(row.name, way)) is not None), default=None)
        zyg, limit = first_call(row.name, "zyg"), FIRST_CALLS.get(row.name)
        met = "" if limit is None else f"{duration(limit)} {'✓' if zyg is not None and zyg <= limit else '✗'}"
        cells = [duration(first_call(row.name, "primal")), duration(hand), duration(zyg)]
        table.append([row.name, *cells, met, duration(first_call(row.name, "JAX"))])
    return table


def memory(rows: Sequence[Row]) -> list[list[str]]:
    """Peak bytes of one gradient, where a hand-written one needs a megabyte; the long loop's beside its residuals."""
    table = [["memory", "by hand", "zyg", "zyg / by hand", "goal"]]
    residual = 8 * LONG_LOOP.args[-1]
    for row in (LONG_LOOP, *rows):
        hand = min((b for way in row.ways() if (b := peak(row.name, way)) is not None), default=None)
        if hand is None or hand < _SMALL:
            continue
        zyg = peak(row.name, "zyg")
        limit = 1.5 * residual if row is LONG_LOOP else 1.2 * hand
        met = "" if zyg is None else f"{limit / hand:.2f} {'✗✓'[zyg <= limit]}"
        table.append([row.name, megabytes(hand), megabytes(zyg), ratio(zyg, hand), met])
    return table


def megabytes(count: float | None) -> str:
    return "–" if count is None else f"{count / 1e6:.1f} MB"


_SMALL = 1e6


def markdown(table: Sequence[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join([cells[0].ljust(widths[0]), *padded])} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(table[0]), line(rule), *map(line, table[1:])])


def machine() -> str:
    """The processor and the versions that the figures depend on."""
    names = ["numba", "llvmlite", "numpy", "jax", "autograd", "torch"]
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    versions = [f"Python {platform.python_version()}"]
    for name in names:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{cpu}, one thread. {', '.join(versions)}."


def main() -> None:
    """Measure the rows whose names contain any of the words given, or all."""
    words = sys.argv[1:]
    rows = [row for row in ROWS if not words or any(word in row.name for word in words)]
    print(machine(), end="\n\n")
    alone = [row for row in rows if row.wrapped is None]
    print(markdown(speed(rows)), end="\n\n")
    print(markdown(first_calls(alone)), end="\n\n")
    print(markdown(memory(alone)))


if __name__ == "__main__":
    main()
