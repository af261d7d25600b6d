"""Support routines: functions in LLVM's own language, compiled once in a process, when code first names them.

Modules only declare them, which saves compiling them again in every module that, say, has a tape.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

from zyg.codegen import jit
from zyg.codegen.assembly import Body, Value


@dataclass(frozen=True, slots=True)
class Support:
    """Routines compiled together: the function `text` of module `module` gives their definitions.

    They may call those of `needs`, which therefore exist before them, in whatever order code names its supports.
    """

    module: str
    text: str
    needs: tuple[Support, ...] = ()

    def __call__(self) -> None:
        """Compile them, if that was not yet done, under their own names, by which all code here finds them."""
        _load(self)


@cache
def _load(support: Support) -> None:
    for needed in support.needs:
        needed()
    text: Callable[[], str] = getattr(importlib.import_module(support.module), support.text)
    library, _ = jit.load(text(), f"{support.module}.{support.text}")
    defined: Callable[[], list[llvm.ValueRef]] = library.get_defined_functions
    for function in defined():
        llvm.add_symbol(function.name, jit.address_of(library, function.name))


@dataclass(frozen=True, slots=True, eq=False)
class Routine:
    """One function of a support, as code that calls it declares it."""

    support: Support
    symbol: str
    result: str
    params: tuple[str, ...]
    attributes: str = "nounwind"

    def __call__(self, b: Body, *args: Value) -> Value:
        b.assembly.require(self.support)
        b.assembly.declare(self.symbol, self.result, self.params, self.attributes)
        return b.call(self.result.removeprefix("noalias "), self.symbol, *args)
