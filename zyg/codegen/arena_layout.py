"""Where things are in a call's context, in a block of memory and in a mark; and the sizes of rooms.  See `arena`."""

from __future__ import annotations

# The context: three rings (tapes and buffers; stacks, which outlive the programs that push; what is given away), the
# lowest address that the machine stack may reach, the report of the failure, and the room: what is free of it, its end,
# and how large the next one will be.
TAPES, STACKS, GIVEN, FLOOR, REPORT, FREE, END, NEXT, CONTEXT_SIZE = 0, 16, 32, 48, 56, 64, 72, 80, 96

# Of a block: its neighbours, its bytes, and one word that is not used.  Of a mark: its neighbours, and what was free of
# the room and the room's end.
HEADER = 32
MARKED_FREE, MARKED_END = 16, 24

# The rooms in the frame and behind it; pieces of them begin at lines of the cache
FRAME_ROOM = 1 << 11
FIRST_ROOM = 1 << 16
LINE = 64
