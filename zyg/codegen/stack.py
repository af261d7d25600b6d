"""The stack shared by the frames of recursive programs: a growing buffer of records.

A handle is the address of its header (top, end, buffer) in the frame of the program that made it.
"""

from __future__ import annotations

from collections.abc import Sequence

from zyg.codegen import arena
from zyg.codegen.arena_layout import STACKS
from zyg.codegen.assembly import Value
from zyg.codegen.failures import OUT_OF_MEMORY
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, integer_constant, load, size, store, width
from zyg.ir.program import Pos, Type

_TOP, _END, _BUFFER, _HEADER_SIZE = 0, 8, 16, 24
_FIRST_BYTES = 4096
_NULL = Value("ptr", "null")
_WORD = 8


def _rounded(bytes: int) -> int:
    return -(-bytes // _WORD) * _WORD


def new(f: Frame) -> Parts:
    header = f.body.slot(_HEADER_SIZE)
    for field in (_TOP, _END, _BUFFER):
        f.body.store(_NULL, f.body.offset(header, field), _header_tag(f))
    return (header,)


def _header_tag(f: Frame) -> str:
    return f.body.assembly.tag("stack header")


def _record_tag(f: Frame) -> str:
    return f.body.assembly.tag("stack")


def push(f: Frame, header: Value, values: Sequence[Parts], pos: Pos) -> None:
    b = f.body
    tag = _header_tag(f)
    bytes = sum(_rounded(sum(size(register.type) for register in value)) for value in values)
    top, end = b.load("ptr", header, tag), b.load("ptr", b.offset(header, _END), tag)
    room = b.binary("sub", b.convert("ptrtoint", end, "i64"), b.convert("ptrtoint", top, "i64"))
    full, ready = b.label("full"), b.label("ready")
    before = b.here
    b.branch(b.compare("icmp sge", room, integer_constant(bytes)), ready, full, expect=True)
    b.here = full
    moved = _grown(f, header, top, bytes, pos)
    after = b.here
    b.jump(ready)
    b.here = ready
    place = b.phi(ready, "ptr", "top")
    place.incoming.extend([(top.ref, before.name), (moved.ref, after.name)])
    at = place.value
    for value in values:
        store(b, value, at, _record_tag(f))
        at = b.offset(at, _rounded(sum(size(register.type) for register in value)))
    b.store(at, header, tag)


def _grown(f: Frame, header: Value, top: Value, bytes: int, pos: Pos) -> Value:
    """Move the records to a buffer twice as long; the new top."""
    b = f.body
    tag = _header_tag(f)
    buffer = b.load("ptr", b.offset(header, _BUFFER), tag)
    used = b.binary("sub", b.convert("ptrtoint", top, "i64"), b.convert("ptrtoint", buffer, "i64"))
    total = b.binary("add", b.binary("shl", used, integer_constant(1)), integer_constant(_FIRST_BYTES + bytes))
    moved = arena.grow(b, arena.ring(b, f.context, STACKS), buffer, total, 1)
    f.ensure(b.compare("icmp ne", moved, _NULL), OUT_OF_MEMORY, pos)
    b.store(moved, b.offset(header, _BUFFER), tag)
    b.store(b.offset(moved, arena.rows_of(b, moved, 1)), b.offset(header, _END), tag)
    return b.offset(moved, used)


def pop(f: Frame, header: Value, types: Sequence[Type]) -> list[Parts]:
    b = f.body
    tag = _header_tag(f)
    bytes = sum(_rounded(width(type)) for type in types)
    at = b.offset(b.load("ptr", header, tag), -bytes)
    b.store(at, header, tag)
    values = []
    for type in types:
        values.append(load(b, type, at, _record_tag(f)))
        at = b.offset(at, _rounded(width(type)))
    return values
