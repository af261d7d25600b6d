"""How a value of a program's type is held by the machine: in which registers, and in which bytes.

A complex number is two registers, a handle of a tape is two (memory, rows) and so is that of a buffer, so that LLVM
sees plain scalars in phis and calls and never an aggregate.  That of a growable buffer is one, the address of both.
"""

from __future__ import annotations

import struct as bytes_format
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numba import types

from zyg.codegen.assembly import Body, Value, vector
from zyg.ir.lanes import LanesType
from zyg.ir.memory import MemoryType
from zyg.ir.program import Const, Type
from zyg.ir.tape import StackType, TapeType

Parts: TypeAlias = tuple[Value, ...]

_SIZES = {"i1": 1, "i8": 1, "i64": 8, "float": 4, "double": 8, "ptr": 8}


def parts(type: Type) -> tuple[str, ...]:
    """The LLVM types of the registers that hold a value of `type`."""
    if isinstance(type, types.Boolean):
        return ("i1",)
    if type == types.int64:
        return ("i64",)
    if isinstance(type, types.Float):
        return ("double" if type.bitwidth == 64 else "float",)
    if isinstance(type, types.Complex):
        return parts(type.underlying_float) * 2
    if isinstance(type, LanesType):
        return tuple(vector(type.width, part) for part in parts(type.dtype))
    if isinstance(type, MemoryType) and type.growable:
        return ("ptr",)
    if isinstance(type, (TapeType, MemoryType)):
        return ("ptr", "i64")
    if isinstance(type, StackType):
        return ("ptr",)
    raise TypeError(f"no machine type for {type}")


def all_parts(many: Sequence[Type]) -> tuple[str, ...]:
    return tuple(part for type in many for part in parts(type))


def size(part: str) -> int:
    """The bytes that a register's value takes in memory; also what it is aligned to."""
    if part.startswith("<"):
        count, _, number = part[1:-1].split()
        return int(count) * _SIZES[number]
    return _SIZES[part]


def width(type: Type) -> int:
    """The bytes that a value of `type` takes in memory."""
    return sum(map(size, parts(type)))


def alignment(type: Type) -> int:
    return alignment(type.dtype) if isinstance(type, LanesType) else max(map(size, parts(type)))


def real_constant(value: float, part: str) -> Value:
    """A floating-point literal; LLVM writes also a float's with the digits of a double."""
    if part == "float":
        with np.errstate(over="ignore"):
            value = float(np.float32(value))
    return Value(part, "0x" + bytes_format.pack(">d", value).hex())


def integer_constant(value: int) -> Value:
    return Value("i64", str(value))


def constant(literal: Const) -> Parts:
    if isinstance(literal.type, LanesType):
        return tuple(splat(number, literal.type.width) for number in constant(Const(literal.value, literal.type.dtype)))
    registers = parts(literal.type)
    if isinstance(literal.type, (TapeType, StackType, MemoryType)):  # where control cannot come to use it
        return tuple(Value(part, "null" if part == "ptr" else "0") for part in registers)
    if registers == ("i1",):
        return (Value("i1", "true" if literal.value else "false"),)
    if isinstance(literal.value, complex) and len(registers) == 2:
        both = literal.value.real, literal.value.imag
        return tuple(real_constant(v, p) for v, p in zip(both, registers, strict=True))
    if isinstance(literal.type, types.Complex):
        return (real_constant(float(literal.value.real), registers[0]), real_constant(0.0, registers[1]))
    if registers[0].startswith("i"):
        return (Value(registers[0], str(int(literal.value.real))),)
    return (real_constant(float(literal.value.real), registers[0]),)


def splat(number: Value, width: int) -> Value:
    """A literal in every lane."""
    return Value(vector(width, number.type), f"<{', '.join([str(number)] * width)}>")


def known_integer(value: Value) -> int | None:
    """The number, where an integer operand is a literal."""
    return None if value.ref.startswith("%") else int(value.ref)


def known_real(value: Value) -> float | None:
    """The number, where a floating-point operand is a literal."""
    if value.ref.startswith("%"):
        return None
    number: float = bytes_format.unpack(">d", bytes.fromhex(value.ref[2:]))[0]
    return number


def store(b: Body, value: Parts, address: Value, tag: str) -> None:
    """Put a value's registers into memory, one behind the other."""
    for register in value:
        b.store(b.convert("zext", register, "i8") if register.type == "i1" else register, address, tag)
        address = b.offset(address, size(register.type)) if register is not value[-1] else address


def load(b: Body, type: Type, address: Value, tag: str) -> Parts:
    """The registers that `store` put into memory."""
    found: list[Value] = []
    offset = 0
    for part in parts(type):
        at = b.offset(address, offset)
        offset += size(part)
        if part == "i1":
            found.append(b.convert("trunc", b.load("i8", at, tag), "i1"))
        else:
            found.append(b.load(part, at, tag))
    return tuple(found)
