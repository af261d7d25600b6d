"""Facts about programs that several passes ask for: each is found out once, since programs never change."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from zyg.ir.program import Program

T = TypeVar("T")


def fact(find: Callable[[Program], T]) -> Callable[[Program], T]:
    """`find`, which looks at a program only the first time that it is asked.  What it gives must not be changed."""

    @wraps(find)
    def known(program: Program) -> T:
        facts = program.facts
        if find not in facts:
            facts[find] = find(program)
        found: T = facts[find]
        return found

    return known
