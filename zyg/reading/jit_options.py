"""What `@njit` says about the arithmetic of a function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_ALL_FAST = frozenset(("fast",))


@dataclass(frozen=True, slots=True)
class JitOptions:
    """numpy_errors: dividing by zero gives inf or nan (of ints, 0).  fast: the fast-math flags of LLVM.

    numba: whether the function is `@njit`.
    """

    numpy_errors: bool = False
    fast: frozenset[str] = frozenset()
    numba: bool = field(default=False, compare=False, repr=False)


PYTHON = JitOptions()


def options_of(dispatcher: Any) -> JitOptions:
    """The options that `dispatcher` was made with.

    >>> from numba import njit
    >>> options_of(njit(error_model="numpy")(lambda x: x))
    JitOptions(numpy_errors=True, fast=frozenset())
    """
    given = getattr(dispatcher, "targetoptions", {})
    fast = given.get("fastmath", False)
    flags = getattr(fast, "flags", fast)  # Numba may wrap them
    if isinstance(flags, (bool, int)):
        flags = _ALL_FAST if flags else ()
    return JitOptions(given.get("error_model") == "numpy", frozenset(flags), True)
