"""Tapes: one handle is two registers, the memory and its number of rows.

A tape of known length is a structure of arrays, so that sweeps over one field are contiguous; one that grows is an
array of rows, so that growing is one `realloc`.  A short tape of constant length, made outside loops and not given
away, lies in the function's frame, where LLVM can take it apart.  There, too, are the first rows of tapes that grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zyg.codegen import arena
from zyg.codegen.arena_layout import TAPES
from zyg.codegen.assembly import Body, Value
from zyg.codegen.failures import OUT_OF_MEMORY
from zyg.codegen.frame import Frame
from zyg.codegen.machine import Parts, alignment, integer_constant, known_integer, load, store, width
from zyg.ir.program import Call, Const, Op, Operand, Pos, Program, Return, edges
from zyg.ir.tape import TapeType, push, tape_new, tape_put, tape_zeros

_LARGEST_IN_FRAME = 2048
_FIRST_IN_FRAME = 1024
_FIRST_ROWS = 128
_NULL = Value("ptr", "null")


def type_of(tape: Operand) -> TapeType:
    assert isinstance(tape.type, TapeType)
    return tape.type


def _layout(type: TapeType) -> tuple[dict[int, int], int]:
    """The offset of each field in a row, and the row's width; the most aligned fields come first."""
    offsets: dict[int, int] = {}
    end = 0
    for field in sorted(range(len(type.fields)), key=lambda f: -alignment(type.fields[f])):
        offsets[field] = end
        end += width(type.fields[field])
    if type.growable and type.fields:
        unit = max(map(alignment, type.fields))
        end = -(-end // unit) * unit
    return offsets, end


def _in_loop(program: Program, number: int) -> bool:
    todo = [edge.target for edge in edges(program.blocks[number].end)]
    seen: set[int] = set()
    while todo:
        target = todo.pop()
        if target == number:
            return True
        if target not in seen:
            seen.add(target)
            todo.extend(edge.target for edge in edges(program.blocks[target].end))
    return False


def _gives_tapes_away(program: Program) -> bool:
    for block in program.blocks.values():
        for op in block.ops:
            values = op.args[1:] if op.fn is push else op.args[3:] if op.fn is tape_put else ()
            if isinstance(op.fn, Call):
                values = op.results
            if any(isinstance(value.type, TapeType) for value in values):
                return True
        if isinstance(block.end, Return) and any(isinstance(value.type, TapeType) for value in block.end.values):
            return True
    return False


def framed_tapes(program: Program) -> dict[Op, int]:
    """The ops whose tape lies in the function's frame, and its number of rows there."""
    if not any(op.fn is tape_new for op in program.ops()) or _gives_tapes_away(program):
        return {}
    framed: dict[Op, int] = {}
    rows_of: dict[Operand, int] = {}
    left = _LARGEST_IN_FRAME
    for number, block in program.blocks.items():
        for op in block.ops:
            if op.fn not in (tape_new, tape_zeros):
                continue
            if type_of(op.result).growable:
                row_width = _layout(type_of(op.result))[1]
                fits = 0 < row_width <= _FIRST_IN_FRAME <= left and not program.recursive
                if op.fn is tape_new and fits and _is_zero(op.args[0]) and not _in_loop(program, number):
                    left -= _FIRST_IN_FRAME
                    framed[op] = _FIRST_IN_FRAME // row_width
                continue
            rows = rows_of.get(op.args[0])
            if isinstance(op.args[0], Const):
                rows = int(op.args[0].value.real)
            if rows is None:
                continue
            rows_of[op.result] = rows
            bytes = rows * _layout(type_of(op.result))[1]
            if 0 <= bytes <= left and not _in_loop(program, number):
                left -= bytes
                framed[op] = rows
    return framed


def _is_zero(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value == 0


def in_frame(b: Body, framed: Mapping[Op, int]) -> dict[Op, Value]:
    """Where the tapes are that `framed_tapes` has found."""
    return {op: b.slot(max(1, rows * _layout(type_of(op.result))[1])) for op, rows in framed.items()}


def new(f: Frame, type: TapeType, rows: Value, framed_rows: int | None, op: Op) -> Parts:
    row_width = _layout(type)[1]
    if framed_rows is not None:
        return f.tapes[op], integer_constant(framed_rows)
    if type.growable and known_integer(rows) == 0:
        return _NULL, rows
    if op in f.rooms:
        data = arena.piece(f.body, f.context, rows, row_width, zero=False, repeated=f.rooms[op])
    else:
        data = arena.allocate(f.body, arena.ring(f.body, f.context, TAPES), rows, row_width)
    f.ensure(f.body.compare("icmp ne", data, _NULL), OUT_OF_MEMORY, op.pos)
    return data, rows


def zeros(f: Frame, type: TapeType, like: Parts, framed_rows: int | None, op: Op) -> Parts:
    row_width = _layout(type)[1]
    if framed_rows is not None:
        bytes, data = max(1, framed_rows * row_width), f.tapes[op]
        f.body.assembly.declare("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])
        f.body.call("void", "llvm.memset.p0.i64", data, Value("i8", "0"), integer_constant(bytes), Value("i1", "false"))
        return data, integer_constant(framed_rows)
    data = arena.allocate(f.body, arena.ring(f.body, f.context, TAPES), like[1], row_width, zero=True)
    f.ensure(f.body.compare("icmp ne", data, _NULL), OUT_OF_MEMORY, op.pos)
    return data, like[1]


def reserve(f: Frame, type: TapeType, tape: Parts, row: Value, pos: Pos) -> Parts:
    """Only the comparison lies on the way of the loop."""
    b = f.body
    data, capacity = tape
    full, ready = b.label("full"), b.label("ready")
    before = b.here
    b.branch(b.compare("icmp ult", row, capacity), ready, full, expect=True)
    b.here = full
    wanted = b.binary("add", row, integer_constant(_FIRST_ROWS))
    doubled = b.binary("shl", capacity, integer_constant(1))
    least = b.select(b.compare("icmp ugt", wanted, doubled), wanted, doubled)
    row_width = _layout(type)[1]
    ring = arena.ring(b, f.context, TAPES)
    first = [slot for op, slot in f.tapes.items() if op.result.type == type]
    moved = _left(f, first, ring, tape, least, row_width) if first else arena.grow(b, ring, data, least, row_width)
    f.ensure(b.compare("icmp ne", moved, _NULL), OUT_OF_MEMORY, pos)
    rows = arena.rows_of(b, moved, row_width) if row_width else least
    after = b.here
    b.jump(ready)
    b.here = ready
    handle = []
    for old, new_value in zip(tape, (moved, rows), strict=True):
        phi = b.phi(ready, old.type, "tape")
        phi.incoming.extend([(old.ref, before.name), (new_value.ref, after.name)])
        handle.append(phi.value)
    return tuple(handle)


def _left(f: Frame, first: Sequence[Value], ring: Value, tape: Parts, least: Value, row_width: int) -> Value:
    """The memory of a tape that grows, which leaves the frame if it still is where `first` rows are."""
    b = f.body
    data, capacity = tape
    leaving, growing, moved = b.label("leaving"), b.label("growing"), b.label("moved")
    here = Value("i1", "false")
    for slot in first:
        here = b.binary("or", here, b.compare("icmp eq", data, slot))
    b.branch(here, leaving, growing)
    b.here = leaving
    outside = arena.allocate(b, ring, least, row_width)
    there, copied = b.label("there"), b.label("copied")
    b.branch(b.compare("icmp ne", outside, _NULL), there, copied, expect=True)
    b.here = there
    b.assembly.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1"])
    bytes = b.binary("mul nuw nsw", capacity, integer_constant(row_width))
    b.call("void", "llvm.memcpy.p0.p0.i64", outside, data, bytes, Value("i1", "false"))
    b.jump(copied)
    b.here = copied
    b.jump(moved)
    b.here = growing
    grown = arena.grow(b, ring, data, least, row_width)
    b.jump(moved)
    b.here = moved
    phi = b.phi(moved, "ptr", "moved")
    phi.incoming.extend([(outside.ref, copied.name), (grown.ref, growing.name)])
    return phi.value


def _place(f: Frame, tape: Operand, handle: Parts, row: Value, field: int) -> tuple[Value, str]:
    """The address of a field, and the attachments that say what else does not reach it."""
    b = f.body
    type = type_of(tape)
    data, rows = handle
    offsets, row_width = _layout(type)
    tag = b.assembly.tag(f"{type.name}.{field}") + f.regions.attachment(tape)
    if type.growable:
        at = b.offset(data, b.binary("mul nsw", row, integer_constant(row_width)))
        return b.offset(at, offsets[field]), tag
    if offsets[field]:
        data = b.offset(data, b.binary("mul nsw", rows, integer_constant(offsets[field])))
    return b.offset(data, b.binary("mul nsw", row, integer_constant(width(type.fields[field])))), tag


def put(f: Frame, tape: Operand, handle: Parts, row: Value, field: int, value: Parts) -> None:
    address, tag = _place(f, tape, handle, row, field)
    store(f.body, value, address, tag)


def get(f: Frame, tape: Operand, handle: Parts, row: Value, field: int) -> Parts:
    address, tag = _place(f, tape, handle, row, field)
    return load(f.body, type_of(tape).fields[field], address, tag)
