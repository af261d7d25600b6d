"""Calls of routines: own ones and those of SciPy's LAPACK and BLAS, by name, so that code may be kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

from zyg.codegen.exported import exported
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, integer_constant, size
from zyg.codegen.support import Routine, Support
from zyg.ir.external import External
from zyg.ir.program import Op


@dataclass(frozen=True, slots=True)
class Registered:
    """Gives one of SciPy's functions its name."""

    home: str
    name: str

    def __call__(self) -> None:
        _register(self)

    @property
    def symbol(self) -> str:
        return f"zyg.{self.home}.{self.name}"


@cache
def _register(routine: Registered) -> None:
    llvm.add_symbol(routine.symbol, exported(f"scipy.linalg.cython_{routine.home}", routine.name))


def _call_own(f: Frame, fn: External, args: tuple[Parts, ...]) -> Parts:
    """A routine of this package takes ints, and the addresses of buffers."""
    types = tuple("ptr" if param == "b" else "i64" for param in fn.routine.params)
    support = Support(fn.routine.home, f"text_{fn.letter}")
    routine = Routine(support, f"zyg.{fn.routine.name}.{fn.letter}", "void", types)
    routine(f.body, *(arg[0] for arg in args))
    return (integer_constant(0),)


def call(f: Frame, op: Op, args: tuple[Parts, ...]) -> Parts:
    """The status of a routine, which takes all its arguments by address."""
    b = f.body
    assert isinstance(op.fn, External)
    routine = op.fn.routine
    if routine.is_own:
        return _call_own(f, op.fn, args)
    registered = Registered(routine.home, routine.symbol(op.fn.letter))
    given = []
    for param, arg in zip(routine.params, args, strict=True):
        if param == "b":
            given.append(arg[0])
            continue
        parts = (b.convert("trunc", arg[0], "i8" if param == "c" else "i32"),) if param in "ci" else arg
        place = b.slot(16)
        for k, part in enumerate(parts):
            b.store(part, b.offset(place, k * size(parts[0].type) if k else 0))
        given.append(place)
    has_status = routine.home == "lapack"
    status = b.slot(8)
    if has_status:
        given.append(status)
    b.assembly.require(registered)
    b.assembly.declare(registered.symbol, "void", ["ptr"] * len(given), "nounwind")
    b.call("void", registered.symbol, *given)
    if not has_status:
        return (integer_constant(0),)
    return (b.value("i64", f"sext {b.load('i32', status)} to i64"),)
