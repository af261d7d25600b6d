"""Calls from native code to Python: by a C function that takes the GIL, whether the thread holds it or not."""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from zyg.codegen.assembly import Value
from zyg.codegen.failures import SLOT, Slots
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, load, store
from zyg.ir.kinds import DTYPES
from zyg.ir.memory import MemoryType
from zyg.ir.program import Callback, Failure, Op, Type

_C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_serials = itertools.count(1)
_pending = threading.local()
_made: dict[Callback, _Entry] = {}


def _raised() -> BaseException:
    """What the Python function raised that this thread called last."""
    error: BaseException = _pending.error
    del _pending.error
    return error


RAISED = Failure(_raised, "what Python raised", raised=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A C function by the name by which LLVM knows it; as a requirement of a module, it makes that known."""

    symbol: str
    function: Any = field(repr=False)

    def __call__(self) -> None:
        llvm.add_symbol(self.symbol, ctypes.cast(self.function, ctypes.c_void_p).value or 0)


def lower(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    """Call the Python function of an op; what it raises ends the program."""
    b = f.body
    entry = _entry(op)
    given, out = (b.slot(max(1, len(values)) * SLOT) for values in (args, op.results))
    for number, value in enumerate(args):
        store(b, value, b.offset(given, number * SLOT), "")
    b.assembly.require(entry)
    b.assembly.declare(entry.symbol, "i32", ["ptr", "ptr"])
    status = b.call("i32", entry.symbol, given, out)
    f.ensure(b.compare("icmp eq", status, Value("i32", "0")), RAISED, op.pos)
    return [load(b, var.type, b.offset(out, number * SLOT), "") for number, var in enumerate(op.results)]


def _entry(op: Op) -> _Entry:
    callback = op.fn
    assert isinstance(callback, Callback)
    if callback not in _made:
        function = _function(callback, [arg.type for arg in op.args], [result.type for result in op.results])
        _made[callback] = _Entry(f"zyg.callback.{next(_serials)}", function)
    return _made[callback]


def _function(callback: Callback, takes: Sequence[Type], gives: Sequence[Type]) -> Any:
    inputs, outputs = Slots(takes), Slots(gives)

    def call(given: int, out: int) -> int:
        try:
            values = inputs.read(ctypes.string_at(given, max(1, len(takes)) * SLOT))
            found = callback.fn(*[_array(v, kind) for v, kind in zip(values, takes, strict=True)])
            ctypes.memmove(out, outputs.filled(found), len(gives) * SLOT)
        except BaseException as error:
            _pending.error = error
            return 1
        return 0

    return _C_FUNCTION(call)


def _array(value: Any, kind: Type) -> Any:
    """A number, or a view of a buffer."""
    if not isinstance(kind, MemoryType):
        return value
    address, count = value
    dtype = DTYPES[kind.dtype]
    if count == 0:
        return np.zeros(0, dtype)
    return np.frombuffer((ctypes.c_char * (count * dtype.itemsize)).from_address(address), dtype)
