"""Buffers: one handle is two registers, the address of the first element and the number of elements.

Elements lie as in a NumPy array of their type, so that the data of such arrays are buffers without further ado.
The handle of a growable buffer is the address of these two, which change when it grows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zyg.codegen import arena
from zyg.codegen.arena_layout import GIVEN, TAPES
from zyg.codegen.assembly import Value
from zyg.codegen.failures import OUT_OF_MEMORY
from zyg.codegen.frame import Frame
from zyg.codegen.libm import FREE_SUM
from zyg.codegen.machine import Parts, integer_constant, size, width
from zyg.codegen.machine import parts as registers_of
from zyg.ir.graph import graph_of
from zyg.ir.memory import (
    ALLOCATIONS,
    MemoryType,
    mem_add,
    mem_apart,
    mem_clear,
    mem_clear_from,
    mem_clear_unless,
    mem_copy,
    mem_give,
    mem_like,
    mem_load,
    mem_new,
    mem_reserve,
    mem_size,
    mem_store,
    mem_zeros,
)
from zyg.ir.program import Op, Operand, Program, Type
from zyg.ir.tape import tape_new
from zyg.passes.memory_facts import buffers_of

_NULL = Value("ptr", "null")
_ZERO = integer_constant(0)
_LEAST_ROOM = integer_constant(8)
_HEADER_WIDTH = 16


def element_of(memory: Operand) -> Type:
    assert isinstance(memory.type, MemoryType)
    return memory.type.dtype


def is_growable(memory: Operand) -> bool:
    return isinstance(memory.type, MemoryType) and memory.type.growable


def in_memory(part: str) -> str:
    """The LLVM type that a register's value has in a buffer."""
    return "i8" if part == "i1" else part


def in_rooms(program: Program) -> dict[Op, bool]:
    """The allocations that share rooms, and whether they are in loops: tapes, and buffers that nobody else will know,
    unless they grow."""
    graph = graph_of(program)
    found = {
        op: loop is not None
        for label, loop in graph.loop_of.items()
        for op in program.blocks[label].ops
        if (op.fn in ALLOCATIONS or op.fn is tape_new) and not getattr(op.result.type, "growable", False)
    }
    if not found:
        return {}
    buffers = buffers_of(program)
    return {op: on for op, on in found.items() if op.fn is tape_new or buffers.is_local(buffers.of[op.result])}


def allocated(f: Frame, kind: Type, count: Value, op: Op, zero: bool) -> Parts:
    if op in f.rooms:
        data = arena.piece(f.body, f.context, count, width(kind), zero, f.rooms[op])
    else:
        data = arena.allocate(f.body, arena.ring(f.body, f.context, TAPES), count, width(kind), zero)
    f.ensure(f.body.compare("icmp ne", data, _NULL), OUT_OF_MEMORY, op.pos)
    return data, count


def _made(f: Frame, op: Op, count: Value, zero: bool) -> list[Parts]:
    """A new buffer; one that may grow has its data from the start, so that it keeps its place in the arena."""
    kind = element_of(op.result)
    if not is_growable(op.result):
        return [allocated(f, kind, count, op, zero)]
    b = f.body
    room = b.select(b.compare("icmp ugt", count, _LEAST_ROOM), count, _LEAST_ROOM)
    header = arena.allocate(b, arena.ring(b, f.context, TAPES), integer_constant(1), _HEADER_WIDTH)
    f.ensure(b.compare("icmp ne", header, _NULL), OUT_OF_MEMORY, op.pos)
    data, room = allocated(f, kind, room, op, zero=True)
    b.store(data, header, _header_tag(f, op.result))
    b.store(room, b.offset(header, 8), _header_tag(f, op.result))
    return [(header,)]


def _header_tag(f: Frame, memory: Operand) -> str:
    return f.body.assembly.tag("growable") + f.regions.attachment(memory)


def _data(f: Frame, memory: Operand, handle: Parts) -> Value:
    """The address of the first element."""
    return f.body.load("ptr", handle[0], _header_tag(f, memory)) if is_growable(memory) else handle[0]


def _room(f: Frame, memory: Operand, handle: Parts) -> Value:
    """How many elements there is room for."""
    if is_growable(memory):
        return f.body.load("i64", f.body.offset(handle[0], 8), _header_tag(f, memory))
    return handle[1]


def _new(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    return _made(f, op, args[0][0], zero=False)


def _zeros(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    return _made(f, op, args[0][0], zero=True)


def _like(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    return _made(f, op, _room(f, op.args[0], args[0]), zero=True)


def _reserve(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    """Only a load and a comparison lie on the way of the loop."""
    b = f.body
    memory, handle, wanted = op.args[0], args[0], args[1][0]
    kind = element_of(memory)
    room = _room(f, memory, handle)
    full, ready = b.label("full"), b.label("ready")
    b.branch(b.compare("icmp ugt", wanted, room), full, ready, expect=False)
    b.here = full
    doubled = b.binary("shl", room, integer_constant(1))
    more = b.select(b.compare("icmp ugt", wanted, doubled), wanted, doubled)
    data = arena.grow(b, arena.ring(b, f.context, TAPES), _data(f, memory, handle), more, width(kind))
    f.ensure(b.compare("icmp ne", data, _NULL), OUT_OF_MEMORY, op.pos)
    size_of = integer_constant(width(kind))
    start = b.offset(data, b.binary("mul nuw nsw", room, size_of))
    gained = b.binary("mul nuw nsw", b.binary("sub", more, room), size_of)
    b.assembly.declare("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])
    b.call("void", "llvm.memset.p0.i64", start, Value("i8", "0"), gained, Value("i1", "false"))
    b.store(data, handle[0], _header_tag(f, memory))
    b.store(more, b.offset(handle[0], 8), _header_tag(f, memory))
    b.jump(ready)
    b.here = ready
    return []


def _copy(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    kind = element_of(op.result)
    assert not is_growable(op.result)
    data, count = args[0]
    copied = allocated(f, kind, count, op, zero=False)
    bytes = f.body.binary("mul nuw nsw", count, integer_constant(width(kind)))
    f.body.assembly.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1"])
    f.body.call("void", "llvm.memcpy.p0.p0.i64", copied[0], data, bytes, Value("i1", "false"))
    return [copied]


def clear(f: Frame, memory: Operand, handle: Parts, start: Value = _ZERO) -> None:
    """Make all elements from number `start` on zero."""
    data, count = _data(f, memory, handle), _room(f, memory, handle)
    wide = integer_constant(width(element_of(memory)))
    if start is not _ZERO:
        data = f.body.offset(data, f.body.binary("mul nuw nsw", start, wide))
        count = f.body.binary("sub", count, start)
    bytes = f.body.binary("mul nuw nsw", count, wide)
    f.body.assembly.declare("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])
    f.body.call("void", "llvm.memset.p0.i64", data, Value("i8", "0"), bytes, Value("i1", "false"))


def clear_unless(f: Frame, memory: Operand, handle: Parts, count: Value) -> None:
    """Make all elements zero unless there are `count`."""
    b = f.body
    other, ready = b.label("other"), b.label("ready")
    b.branch(b.compare("icmp eq", count, _room(f, memory, handle)), ready, other, expect=True)
    b.here = other
    clear(f, memory, handle)
    b.jump(ready)
    b.here = ready


def _clear(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    clear(f, op.args[0], args[0])
    return []


def _clear_unless(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    clear_unless(f, op.args[0], args[0], args[1][0])
    return []


def _clear_from(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    clear(f, op.args[0], args[0], args[1][0])
    return []


def _size(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    return [(_room(f, op.args[0], args[0]),)]


class _Place:
    """An element: the address of each of its registers' values."""

    def __init__(self, f: Frame, memory: Operand, handle: Parts, index: Value) -> None:
        self._b = f.body
        self._apart = f.regions.attachment(memory)
        self._parts = registers_of(element_of(memory))
        held = [in_memory(part) for part in self._parts]
        whole = held[0] if len(held) == 1 else f"{{ {', '.join(held)} }}"
        # Indices are in range, whence they are not negative
        start = f"getelementptr inbounds nuw {whole}, {_data(f, memory, handle)}, {index}"
        self._addresses = [self._b.value("ptr", start)]
        if len(self._parts) == 2:
            self._addresses.append(self._b.offset(self._addresses[0], size(held[0])))

    def _tag(self, part: str) -> str:
        return self._b.assembly.tag(f"memory {part}") + self._apart

    def load(self) -> Parts:
        found = []
        for part, address in zip(self._parts, self._addresses, strict=True):
            value = self._b.load(in_memory(part), address, self._tag(part))
            found.append(self._b.convert("trunc", value, "i1") if part == "i1" else value)
        return tuple(found)

    def store(self, value: Parts) -> None:
        for register, address in zip(value, self._addresses, strict=True):
            held = self._b.convert("zext", register, "i8") if register.type == "i1" else register
            self._b.store(held, address, self._tag(register.type))

    def add(self, value: Parts) -> None:
        before = self.load()
        opcode = "add" if before[0].type == "i64" else FREE_SUM
        self.store(tuple(self._b.binary(opcode, x, y) for x, y in zip(before, value, strict=True)))


def _load(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    return [_Place(f, op.args[0], args[0], args[1][0]).load()]


def _store(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    _Place(f, op.args[0], args[0], args[1][0]).store(args[2])
    return []


def _add(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    _Place(f, op.args[0], args[0], args[1][0]).add(args[2])
    return []


def _apart(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    b = f.body
    if is_growable(op.args[0]) or is_growable(op.args[1]):
        # Only handles of the same growable buffer reach its elements
        same_kind = is_growable(op.args[0]) and is_growable(op.args[1])
        return [(b.compare("icmp ne", args[0][0], args[1][0]) if same_kind else Value("i1", "true"),)]
    starts = [b.convert("ptrtoint", data, "i64") for data, _ in args]
    ends = []
    empty = []
    for start, (_, count), memory in zip(starts, args, op.args, strict=True):
        bytes = b.binary("mul nuw nsw", count, integer_constant(width(element_of(memory))))
        ends.append(b.binary("add", start, bytes))
        empty.append(b.compare("icmp eq", count, _ZERO))
    before, after = (b.compare("icmp ule", ends[k], starts[1 - k]) for k in (0, 1))
    return [(b.binary("or", b.binary("or", *empty), b.binary("or", before, after)),)]


def _give(f: Frame, op: Op, args: tuple[Parts, ...]) -> list[Parts]:
    arena.move(f.body, arena.ring(f.body, f.context, GIVEN), args[0][0])
    return []


lowering: dict[Any, Callable[[Frame, Op, tuple[Parts, ...]], list[Parts]]] = {
    mem_new: _new,
    mem_zeros: _zeros,
    mem_like: _like,
    mem_copy: _copy,
    mem_size: _size,
    mem_load: _load,
    mem_store: _store,
    mem_add: _add,
    mem_reserve: _reserve,
    mem_apart: _apart,
    mem_give: _give,
    mem_clear: _clear,
    mem_clear_unless: _clear_unless,
    mem_clear_from: _clear_from,
}
