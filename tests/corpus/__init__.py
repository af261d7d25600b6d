"""Small programs such as users write, with the points at which they are differentiated.

Each module is a table on one subject.  A program is declared by decorating it:

    @program((0.5,), (-1.5,), exercises="if/else")
    def clipped(x): ...

or, for one-liners in bulk, by `add(name, fn, *points, exercises=...)`.  Points lie away from kinks and from the
edges of domains, so that differences of the plain Python function are a reference (see `reference`); where that is
impossible, `exact` states the gradient.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MODULES = (
    "straight",
    "builtin",
    "mixes",
    "powers",
    "branches",
    "ranges",
    "iteration",
    "exits",
    "calls",
    "closures",
    "recursion",
    "structures",
    "elementary",
    "universal",
    "complexes",
    "kinks",
    "applications",
)


@dataclass(frozen=True, slots=True)
class Program:
    """One program and how to test it.

    argnums: the arguments to differentiate; by default all that hold a float or a complex number.
    exact: per point, the gradients by `argnums`; replaces the reference, and then the order is 1.
    order: up to which derivatives are compared.
    rtol: relative tolerance of values and gradients, for programs in single precision.
    refused: for a program that native mode refuses, words of the error that says so.
    """

    name: str
    fn: Callable[..., Any]
    points: tuple[tuple[Any, ...], ...]
    exercises: str
    order: int = 2
    argnums: tuple[int, ...] | None = None
    exact: tuple[tuple[Any, ...], ...] | None = None
    rtol: float = 1e-9
    refused: str = ""


PROGRAMS: list[Program] = []


def add(name: str, fn: Callable[..., Any], *points: tuple[Any, ...], exercises: str, **options: Any) -> None:
    """Declare a program by name."""
    if "exact" in options:
        options.setdefault("order", 1)
        assert len(options["exact"]) == len(points), name
    assert all(other.name != name for other in PROGRAMS), f"two programs are called {name}"
    PROGRAMS.append(Program(name, fn, points, exercises, **options))


def program(*points: tuple[Any, ...], exercises: str, **options: Any) -> Callable[[Any], Any]:
    """Declare the decorated function as a program."""

    def declare(fn: Any) -> Any:
        subject = fn.__module__.rpartition(".")[2]
        add(f"{subject}.{fn.__name__}", fn, *points, exercises=exercises, **options)
        return fn

    return declare


def load() -> list[Program]:
    """All programs, in the order of the modules."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
    return PROGRAMS
