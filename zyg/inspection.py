"""Looking inside: LLVM IR, assembly, and the adjoint as text."""

from __future__ import annotations

from typing import Any

from zyg.entry import Specialised
from zyg.printing.source import source
from zyg.transformed import Called, Transformed


def inspect_llvm(fn: Any, *args: Any) -> str:
    """The optimised LLVM IR of the native entry of `fn` for arguments of these types.

    >>> import zyg
    >>> "ret i64 5" in inspect_llvm(zyg.grad(lambda x: 5 * x + 3), 10)
    True
    """
    return str(_compiled(fn, args).native.llvm)


def inspect_asm(fn: Any, *args: Any) -> str:
    """Its assembly."""
    return str(_compiled(fn, args).native.asm)


def inspect_adjoint(fn: Any, *args: Any) -> str:
    """The forward and reverse program as readable text, each line with the user's line that it came from."""
    return source(_compiled(fn, args).lowered.module)


def _compiled(fn: Any, args: tuple[Any, ...]) -> Specialised:
    caller = fn if isinstance(fn, Transformed) else Called(fn, "call")
    return caller.find(args)[0]
