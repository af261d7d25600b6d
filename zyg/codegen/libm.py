"""Functions from outside: LLVM's intrinsics, the C library's mathematics, SciPy's special functions.

They are named, never reached by an address, so that generated code may be kept on disk.  All are declared free of
memory effects, errno included, which lets LLVM merge, move and drop calls.
"""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

from zyg.codegen import vectors
from zyg.codegen.assembly import Body, Value
from zyg.codegen.exported import exported
from zyg.codegen.jit import codegen
from zyg.codegen.machine import Parts, real_constant
from zyg.errors import UnsupportedError

_PURE = "nounwind willreturn nofree nosync memory(none)"

# An addition that may be taken in any order with others of its kind
FREE_SUM = "fadd reassoc nsz contract"


def intrinsic(b: Body, name: str, *args: Value, opcode: str = "call") -> Value:
    """`llvm.<name>` of operands of one type, giving that type."""
    type = args[0].type
    suffix = {"float": "f32", "double": "f64"}.get(type, type)
    full = f"llvm.{name}.{suffix}"
    b.assembly.declare(full, type, [type] * len(args))
    attributes = vectors.attributes(b, name, len(args), type, full)
    return b.call(type, full, *args, attributes=attributes, opcode=opcode)


def flagged(b: Body, name: str, x: Value) -> Value:
    """`llvm.<name>(x, false)`, as `abs` and the bit counts take it."""
    full = f"llvm.{name}.{x.type}"
    b.assembly.declare(full, x.type, [x.type, "i1"])
    return b.call(x.type, full, x, Value("i1", "false"))


@cache
def _check(name: str) -> None:
    codegen()  # Numba's code generator opens the process to look-ups by name
    if not llvm.address_of_symbol(name):
        raise UnsupportedError(f"the C library of this platform has no {name}()")


def function(b: Body, name: str, *args: Value) -> Value:
    """The C library's `name` (with the suffix f for floats) of operands of one type, giving that type."""
    type = args[0].type
    full = name + "f" if type == "float" else name
    _check(full)
    b.assembly.declare(full, type, [type] * len(args), _PURE)
    return b.call(type, full, *args, attributes=vectors.attributes(b, name, len(args), type, full))


def complex_function(b: Body, name: str, re: Value, im: Value) -> Parts:
    """The C library's complex `name`.

    A `double _Complex` travels as two doubles in both calling conventions supported; what a `float _Complex` is
    depends on the platform, so single precision is computed in double and rounded.
    """
    if sys.platform == "win32" or platform.machine().lower() not in ("x86_64", "amd64", "arm64", "aarch64"):
        raise UnsupportedError(f"complex {name}() is not supported on this platform")
    _check(name)
    pair = "{ double, double }"
    b.assembly.declare(name, pair, ["double", "double"], _PURE)
    result = b.call(pair, name, widen(b, re), widen(b, im))
    return tuple(narrow(b, b.member(result, k, "double"), re.type) for k in (0, 1))


@dataclass(frozen=True, slots=True)
class Registered:
    """Gives one of SciPy's special functions its name."""

    symbol: str

    def __call__(self) -> None:
        _register(self.symbol)


@cache
def _register(symbol: str) -> None:
    llvm.add_symbol(_scipy(symbol), _address(symbol))


def _address(symbol: str) -> int:
    """Older versions of SciPy have one function where others have one for each type."""
    module = "scipy.special.cython_special"
    try:
        return exported(module, symbol)
    except ValueError:
        plain = re.sub(r"^__pyx_fuse_\d", "", symbol)
    try:
        return exported(module, plain)
    except ValueError:
        raise UnsupportedError(f"this version of SciPy has no compiled {plain}") from None


def _scipy(symbol: str) -> str:
    return f"zyg.scipy.{symbol.removeprefix('__pyx_')}"


def special(b: Body, symbol: str, *args: Value) -> Value:
    """SciPy's function of doubles; Cython gives its functions one more parameter, of no use here."""
    name = _scipy(symbol)
    b.assembly.require(Registered(symbol))
    b.assembly.declare(name, "double", [*["double"] * len(args), "i32"], _PURE)
    return b.call("double", name, *args, Value("i32", "0"))


def widen(b: Body, x: Value) -> Value:
    known = x.type == "float" and x.ref.startswith("0x")
    return Value("double", x.ref) if known else b.convert("fpext", x, "double")


def narrow(b: Body, x: Value, type: str) -> Value:
    return b.convert("fptrunc", x, type)


def real(x: Value, value: float) -> Value:
    """The literal `value` in the type of `x`."""
    return real_constant(value, x.type)
