"""Calls of routines: own ones and those of SciPy's LAPACK, by name, so that code may be kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

from zyg.codegen.exported import exported
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, integer_constant
from zyg.codegen.support import Routine, Support
from zyg.ir.external import External
from zyg.ir.program import Op


@dataclass(frozen=True, slots=True)
class Registered:
    """Gives one of SciPy's functions its name."""

    name: str

    def __call__(self) -> None:
        _register(self)

    @property
    def symbol(self) -> str:
        return f"zyg.lapack.{self.name}"


@cache
def _register(routine: Registered) -> None:
    llvm.add_symbol(routine.symbol, exported("scipy.linalg.cython_lapack", routine.name))


def _call_own(f: Frame, fn: External, args: tuple[Parts, ...]) -> Parts:
    """A routine of this package takes ints, characters as ints, and the addresses of buffers."""
    types = tuple("ptr" if param == "b" else "i64" for param in fn.routine.params)
    support = Support(fn.routine.home, f"text_{fn.letter}")
    gives = fn.routine.gives
    routine = Routine(support, f"zyg.{fn.routine.name}.{fn.letter}", "i64" if gives else "void", types)
    found = routine(f.body, *(arg[0] for arg in args))
    return (found if gives else integer_constant(0),)


def call(f: Frame, op: Op, args: tuple[Parts, ...]) -> Parts:
    """The status of a routine, which takes all its arguments by address."""
    b = f.body
    assert isinstance(op.fn, External)
    routine = op.fn.routine
    if routine.home:
        return _call_own(f, op.fn, args)
    registered = Registered(routine.symbol(op.fn.letter))
    given = []
    for param, arg in zip(routine.params, args, strict=True):
        if param == "b":
            given.append(arg[0])
            continue
        place = b.slot(8)
        b.store(b.convert("trunc", arg[0], "i8" if param == "c" else "i32"), place)
        given.append(place)
    status = b.slot(8)
    given.append(status)
    b.assembly.require(registered)
    b.assembly.declare(registered.symbol, "void", ["ptr"] * len(given), "nounwind")
    b.call("void", registered.symbol, *given)
    return (b.value("i64", f"sext {b.load('i32', status)} to i64"),)
