"""What cached code was made from: code that Numba keeps on disk (`cache=True`) is made anew when that has changed.

Numba compares the file of the `@njit` function alone. The derivative in it rests on other files too: those of the
functions that zyg read, and zyg itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import zyg

_STARTED = time.time()
Stamp = tuple[float, int] | None


@dataclass(frozen=True, slots=True)
class Origin:
    """The files that code was made from, as they were then; checked when a pickle of it is loaded.

    Part of what Numba calls when it has loaded a library, and therefore keeps with it.
    """

    files: tuple[tuple[str, Stamp], ...]
    package: int
    started: float = field(compare=False)

    @classmethod
    def of(cls, files: Iterable[str]) -> Origin:
        return cls(tuple((file, _stamp(file)) for file in sorted(files)), _package(), _STARTED)

    @property
    def uncertain(self) -> bool:
        """Whether a file was changed behind the start of the process, which may have read what was in it before."""
        return any(stamp is not None and stamp[0] > self.started for _, stamp in self.files)

    def __call__(self) -> None:
        """Nothing is left to do: it has been compared."""

    def __reduce__(self) -> tuple[object, ...]:
        return _same, (self.files, self.package, self.started)


def _same(files: tuple[tuple[str, Stamp], ...], package: int, started: float) -> Origin:
    """The origin, if it is still the same; else an error that Numba takes for a missing file of its cache."""
    known = Origin(files, package, started)
    if known.uncertain or known != Origin.of(file for file, _ in files):
        raise FileNotFoundError("this code was made from other files")
    return known


def _stamp(file: str) -> Stamp:
    """None for what is not a file, such as a cell of a notebook."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime, found.st_size


@cache
def _package() -> int:
    """A number that is another one for another zyg."""
    home = Path(zyg.__file__).parent
    return hash(tuple((_stamp(str(file)), len(file.parts)) for file in sorted(home.rglob("*.py"))))
