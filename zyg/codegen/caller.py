"""Specialisations as entries that callers try, one after the other.

chain = Chain()
chain.attach(callable, f)                    # callable: a NativeCallable that stands for f
chain.add(Entry(native, guard_rows(...), result, ...))
callable(1.0)                                # runs the first entry whose guards hold
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from zyg.codegen.caller_call import routines
from zyg.codegen.caller_layout import WORD
from zyg.codegen.caller_table import NUMBERS, UNKNOWN, Expect, Make, Ref, Word, Words
from zyg.codegen.caller_table import Chain as ChainWord
from zyg.codegen.caller_table import Entry as EntryWord
from zyg.codegen.caller_table import Guard as GuardWord
from zyg.codegen.caller_type import NativeCallable
from zyg.codegen.compile import Native
from zyg.codegen.failures import SLOT, Number, read_slots
from zyg.codegen.guards import Row
from zyg.errors import UnsupportedError
from zyg.ir.kinds import CLASSES, DTYPES
from zyg.ir.program import Type
from zyg.ir.tree import ArrayTree, ConstTree, Leaf, ListTree, ObjectTree, Tree, TupleTree, leaves
from zyg.reading.instances import is_plain


class Entry:
    """What a caller runs: a native function, the guards under which it is right, and the shape of its result.

    count: of positional arguments.  names: of keyword arguments, interned.  result: the tree of the result, whose
    numbers are those that the function gives from the one of number `first` on.  release: without the GIL?
    """

    __slots__ = ("__weakref__", "_guards", "_held", "_parts", "_words", "names", "native", "result", "scratch")

    def __init__(
        self,
        native: Native,
        guards: Sequence[Row],
        count: int,
        names: tuple[str, ...],
        result: Tree,
        first: int,
        release: bool,
    ) -> None:
        outer = native.outer
        self.native, self.result, self.names = native, result, names
        self._guards = Words.of_rows(guards)
        parts = list(_parts(result, iter(range(first, len(outer.results)))))
        self._parts = Words.of_rows(parts)
        out = len(outer.params) * SLOT
        report = out + len(outer.results) * SLOT
        seen = report + outer.report_slots * SLOT
        stack = seen + len(guards) * WORD
        self.scratch = stack + len(parts) * WORD
        held = [seen + k * WORD for k, row in enumerate(guards) if release and row[GuardWord.EXPECT] == Expect.ARRAY]
        self._held = Words(held)
        words = dict.fromkeys(EntryWord, 0) | {
            EntryWord.OWNER: id(self),
            EntryWord.SCRATCH: self.scratch,
            EntryWord.COUNT: count,
            EntryWord.NAMES: id(names) if names else 0,
            EntryWord.GUARDS: self._guards.address,
            EntryWord.GUARD_COUNT: len(guards),
            EntryWord.SEEN: seen,
            EntryWord.CODE: native.address,
            EntryWord.OUT: out,
            EntryWord.REPORT: report,
            EntryWord.REPORT_SIZE: outer.report_slots * SLOT,
            EntryWord.RELEASE: int(release),
            EntryWord.PARTS: self._parts.address,
            EntryWord.PART_COUNT: len(parts),
            EntryWord.STACK: stack,
            EntryWord.HELD: self._held.address,
            EntryWord.HELD_COUNT: len(held),
        }
        self._words = Words([words[word] for word in EntryWord])

    @property
    def address(self) -> int:
        return self._words.address

    def lead_to(self, following: Entry | None) -> None:
        self._words[EntryWord.NEXT] = following.address if following is not None else 0

    def error(self, status: int, report: bytes) -> BaseException | None:
        """The exception for a status of the native function; generated code calls this.

        None: this entry is not tried again, and the call is to be resolved anew.
        """
        return self.native.error(status, report)


def _parts(tree: Tree, numbers: Iterator[int]) -> Iterator[tuple[Word, Word, Word]]:
    """The rows that make an object of this shape; see `caller_table.Part`."""
    if isinstance(tree, Leaf):
        yield (Make.NUMBER + NUMBERS.index(tree.type), next(numbers) * SLOT, 0)
    elif isinstance(tree, ConstTree):
        yield (Make.OBJECT, Ref(tree.value), 0)
    elif isinstance(tree, ArrayTree):
        first, *_ = [next(numbers) for _ in leaves(tree)]
        yield (Make.ARRAY, _array_words(tree), first * SLOT)
    else:
        bare = isinstance(tree, ObjectTree) and tree.cls is not SimpleNamespace
        if isinstance(tree, ObjectTree) and bare:
            _require_members(tree.cls)
            yield (Make.BARE, Ref(tree.cls), 0)
        for item in tree.items:
            yield from _parts(item, numbers)
        size = len(tree.items)
        if isinstance(tree, TupleTree) and tree.cls is None:
            yield (Make.TUPLE, 0, size)
        elif isinstance(tree, TupleTree):
            assert tree.cls is not None
            _require_plain(tree.cls)
            yield (Make.INSTANCE, Ref(tree.cls), size)
        elif isinstance(tree, ListTree):
            yield (Make.LIST, 0, size)
        else:
            names = tree.names if isinstance(tree, ObjectTree) else tree.keys
            yield (Make.MEMBERS if bare else Make.DICT, Ref(tuple(map(sys.intern, names))), size)
            if isinstance(tree, ObjectTree) and not bare:
                yield (Make.SPACE, 0, 0)


def _array_words(tree: ArrayTree) -> Words:
    dtype = DTYPES[tree.dtype]
    known = (UNKNOWN if value is None else value for value in tree.known)
    return Words([tree.ndim, Ref(dtype), int(tree.layout == "A"), dtype.itemsize, *known])


def _require_members(cls: type) -> None:
    """Instances of a class derived from one in C may be more than their attributes."""
    if not is_plain(cls):
        raise UnsupportedError(
            f"native code cannot make an instance of {cls.__name__}", None, "Return a tuple, a dict or numbers."
        )


def _require_plain(cls: type) -> None:
    """Instances of a class derived from tuple in C may be more than their items."""
    try:
        tuple.__new__(cls, ())
    except TypeError:
        raise UnsupportedError(
            f"native code cannot make a {cls.__name__}", None, "Return a tuple or numbers."
        ) from None


class Chain:
    """The entries that callables with the same code try, the newest first.

    Callables may be running through it while it is changed, with the GIL: so an entry leads to older ones only.
    """

    LIMIT = 32
    __slots__ = ("__weakref__", "_entries", "_lock", "_words")

    def __init__(self) -> None:
        self._words = Words([0] * len(ChainWord))
        self._lock = threading.RLock()
        self._entries: tuple[Entry, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._entries

    def attach(self, callable: NativeCallable, function: Any) -> None:
        """Make calls of `callable`, which wraps `function`, try this chain."""
        callable._function, callable._chain = function, self
        callable._first = self._words.address
        callable._routine = routines().call

    def add(self, entry: Entry) -> None:
        with self._lock:
            entry.lead_to(self._entries[0] if self._entries else None)
            self._entries = (entry, *self._entries[: self.LIMIT - 1])
            self._words[ChainWord.SCRATCH] = max(entry.scratch for entry in self._entries)
            self._entries[-1].lead_to(None)
            self._words[ChainWord.FIRST] = entry.address

    def remove(self, entry: Entry) -> None:
        """Try an entry no more."""
        with self._lock:
            kept = [other for other in self._entries if other is not entry]
            self.clear()
            for other in reversed(kept):
                self.add(other)

    def clear(self) -> None:
        with self._lock:
            self._words[ChainWord.FIRST] = 0
            self._entries = ()

    def find(
        self, callable: NativeCallable, args: Sequence[Any], names: tuple[str, ...]
    ) -> tuple[Entry, list[Number]] | None:
        """The entry that fits a call, and the inputs of its function; `args`: the positional ones, those by name."""
        entries = self._entries
        scratch = ctypes.create_string_buffer(self._words[ChainWord.SCRATCH] + 1)
        given = (ctypes.py_object * len(args))(*args)
        count = len(args) - len(names)
        keywords = id(names) if names else None
        found = routines().find(callable, ctypes.addressof(given), count, keywords, scratch, len(scratch))
        for entry in entries:
            if entry.address == found:
                return entry, read_slots(entry.native.outer.params, scratch.raw)
        return None


def numbers_as_read(types: Sequence[Type], numbers: Sequence[Number]) -> tuple[Any, ...]:
    """Objects that guards read as these numbers of these types."""
    return tuple(CLASSES[type][0](number) for type, number in zip(types, numbers, strict=True))
