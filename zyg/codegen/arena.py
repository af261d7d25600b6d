"""Memory of one outermost call.  Every block is on a list in the call's context, so that all exits free all of it.

A block begins with its neighbours in a ring (previous, next) and the context holds the rings' heads.  A program that
gives no memory away puts a mark (a ring member in its own frame) on the list and frees what is newer when it leaves.
What is given to the caller from outside moves to a ring of its own, which is freed only if the call fails.

Small buffers that nobody else will know share blocks: each is the next piece of a *room*, and a mark remembers how much
of it was taken.  The first room is in the frame of the outer function; buffers that are made in loops get further ones.

The system maps large blocks afresh each time, and touching new pages costs more than what most sweeps do with them.  So
some large blocks that are freed are kept for the next call, in a table that all threads share.  Every block is the
C library's, so that `free` may free it as well.
"""

from __future__ import annotations

from zyg.codegen import arena_routines
from zyg.codegen.arena_layout import (
    END,
    FIRST_ROOM,
    FRAME_ROOM,
    FREE,
    HEADER,
    LINE,
    MARKED_END,
    MARKED_FREE,
    NEXT,
    TAPES,
)
from zyg.codegen.assembly import Assembly, Body, Value
from zyg.codegen.machine import integer_constant
from zyg.codegen.support import Routine, Support

_support = Support(arena_routines.__name__, "text")
# Nothing but these routines reads or writes what lies before a block's data, so an allocation that is not used may go
_FRESH = (
    'nounwind willreturn allocsize(1, 2) "alloc-family"="zyg" memory(argmem: readwrite, inaccessiblemem: readwrite)'
)
_ALLOC = Routine(
    _support, "zyg.alloc", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,uninitialized")'
)
_PIECE = Routine(
    _support, "zyg.piece", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,uninitialized")'
)
_PIECE_ZEROS = Routine(
    _support, "zyg.piece.zeros", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,zeroed")'
)
_SMALL = Routine(
    _support, "zyg.small", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,uninitialized")'
)
_SMALL_ZEROS = Routine(
    _support, "zyg.small.zeros", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,zeroed")'
)
_ZEROS = Routine(_support, "zyg.zeros", "noalias ptr", ("ptr", "i64", "i64"), f'{_FRESH} allockind("alloc,zeroed")')
_GROW = Routine(_support, "zyg.grow", "ptr", ("ptr", "ptr", "i64", "i64"), "cold nounwind willreturn")
_LINK = Routine(_support, "zyg.link", "ptr", ("ptr", "ptr"), "nounwind willreturn")
_MOVE = Routine(_support, "zyg.move", "void", ("ptr", "ptr"), "nounwind willreturn")
DROP = Routine(_support, "zyg.drop", "void", ("ptr",), "nounwind willreturn")
_RELEASE = Routine(_support, "zyg.release", "void", ("ptr", "ptr"), "nounwind willreturn")


def ring(b: Body, context: Value, which: int) -> Value:
    return b.offset(context, which)


def empty_ring(b: Body, head: Value) -> None:
    b.store(head, head)
    b.store(head, b.offset(head, 8))


def first_room(b: Body, context: Value) -> None:
    """Begin with a room in this frame."""
    room = b.slot(FRAME_ROOM, align=LINE)
    b.store(room, b.offset(context, FREE))
    b.store(b.offset(room, FRAME_ROOM), b.offset(context, END))
    b.store(integer_constant(FIRST_ROOM), b.offset(context, NEXT))


def allocate(b: Body, head: Value, rows: Value, width: int, zero: bool = False) -> Value:
    """Fresh memory for `rows` rows of `width` bytes; null if there is none."""
    return (_ZEROS if zero else _ALLOC)(b, head, rows, integer_constant(width))


def piece(b: Body, context: Value, rows: Value, width: int, zero: bool, repeated: bool) -> Value:
    """Likewise, of the room if it is small: neither `grow` nor `move` can have it.  repeated: there will be many."""
    if repeated:
        return (_PIECE_ZEROS if zero else _PIECE)(b, context, rows, integer_constant(width))
    return (_SMALL_ZEROS if zero else _SMALL)(b, context, rows, integer_constant(width))


def grow(b: Body, head: Value, data: Value, rows: Value, width: int) -> Value:
    """The memory `data` (or null) extended to `rows` rows or more, wherever it is then; null if there is none."""
    return _GROW(b, head, data, rows, integer_constant(width))


def rows_of(b: Body, data: Value, width: int) -> Value:
    """How many rows there is room for in memory that has grown."""
    all = b.load("i64", b.offset(data, 16 - HEADER))
    return b.binary("udiv", b.binary("sub", all, integer_constant(HEADER)), integer_constant(width))


def move(b: Body, head: Value, data: Value) -> None:
    """Put allocated memory on another ring."""
    _MOVE(b, head, data)


def block_of(data: int) -> int:
    """What the C library's `free` wants to be given, for memory at `data` that a call has left to its caller.

    A call may leave the same memory several times, in several of its results; it is freed once.
    """
    return data - HEADER


def drop(b: Body, block: Value) -> None:
    """Free what `block_of` gives; it may be kept for the next call."""
    DROP(b, block)


def mark(b: Body, context: Value) -> Value:
    """Remember what the ring of tapes and buffers, and the room, hold now."""
    member = b.slot(HEADER)
    _LINK(b, ring(b, context, TAPES), member)
    for place, remembered in ((FREE, MARKED_FREE), (END, MARKED_END)):
        b.store(b.load("ptr", b.offset(context, place)), b.offset(member, remembered))
    return member


def release(b: Body, context: Value, since: Value) -> None:
    """Free all that is newer than the mark, and drop the mark."""
    for place, remembered in ((FREE, MARKED_FREE), (END, MARKED_END)):
        b.store(b.load("ptr", b.offset(since, remembered)), b.offset(context, place))
    _RELEASE(b, ring(b, context, TAPES), since)


def release_all(b: Body, head: Value) -> None:
    """Free all that is on a ring."""
    _RELEASE(b, head, head)


def is_used(assembly: Assembly) -> bool:
    """Does anything in the module allocate?"""
    return _support in assembly.required
