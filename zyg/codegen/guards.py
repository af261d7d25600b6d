"""Guards: what must hold of the arguments and of what a function captures for compiled code to be right.

Reading a program leaves behind what it looked at: access paths from the function or an argument, what was
expected there, and which of it are numbers that the program takes as inputs.  Here this becomes one table, so that
taking the arguments apart, checking the captures and reading the lifted ones is one walk (`caller_walk`).

Paths are tuples of steps:

    ("arg", i)            where a path begins at that argument; the empty path is the function
    ("object", Identity)  where a path begins at that object
    ("globals", name)     of a function: what the name means there
    ("cell", i)           of a function: what cell i of its closure holds
    ("defaults", None)    of a function: the tuple of its defaults; ("kwdefault", name): one of the keyword-only ones
    ("item", i)           of a tuple
    ("entry", i)          of a list
    ("key", name)         of a dict
    ("attr", name)        of a module or class, or a field of an instance of a class that has been checked
    ("members", None)     of such an instance: its dict
    ("self", None)        the object again, for a further check

Checks are pairs: ("is", object), ("equal", value), ("code", code object), ("type", class), ("tuple", (class, length)),
("list", length), ("dict", length), ("keys", tuple of them in order), ("missing", None): nothing, ("builtin", name): no
global but this builtin, ("one", path): the object that is at another path, ("other", paths): none of those that are at
other paths.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from zyg.codegen import caller_layout as layout
from zyg.codegen.caller_layout import WORD
from zyg.codegen.caller_table import NUMBERS, Expect, Go, Ref, Word, Words
from zyg.codegen.failures import SLOT
from zyg.ir.kinds import DTYPES
from zyg.ir.program import Type
from zyg.ir.tree import ArrayTree, Composite, ConstTree, DictTree, Leaf, ListTree, ObjectTree, Tree, TupleTree, leaves
from zyg.reading.shape import slots_of, steps_into

Path: TypeAlias = tuple[tuple[Any, ...], ...]
Check: TypeAlias = tuple[str, Any]
Row: TypeAlias = tuple[Word, Word, Word, Word, Word, Word]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a program looked at.

    inputs: the first number, from 0, and the shape of each captured number or array.  homes: for each function whose
    globals are looked at, the one whose namespace must be the same, and where they are looked at for both.
    """

    checks: Mapping[Path, Check]
    inputs: Mapping[Path, tuple[int, Tree]]
    homes: Mapping[Path, Path]


def guard_rows(
    arguments: Sequence[Tree], looked: Looked, order: Sequence[int] | None = None, written: Collection[int] = ()
) -> list[Row]:
    """The table.  The program's inputs are the leaves of the arguments, then what is captured, or in that order.

    written: the inputs that are arrays which must be writable and overlap no other.  Arguments come first: where
    several signatures alternate, their classes tell them apart at least cost.
    """
    table = _Table(looked, written)
    own = sum(1 for tree in arguments for _ in leaves(tree))
    captured = sum(1 for _, tree in looked.inputs.values() for _ in leaves(tree))
    every = order or range(own + captured)
    slots = iter(every)
    for number, tree in enumerate(arguments):
        table.add_tree((("arg", number),), tree, slots)
    for path in looked.checks:
        table.place(path)
    for path, (first, tree) in looked.inputs.items():
        table.add_tree(path, tree, iter(every[own + first :]))
    table.add_pairs()
    return table.rows


class _Table:
    """Rows under construction; `place` adds the rows of a path and of those that it rests on."""

    def __init__(self, looked: Looked, written: Collection[int]) -> None:
        self.rows: list[Row] = []
        self._written = written
        self._arrays: list[tuple[int, int]] = []
        self._checks = dict(looked.checks)
        self._homes = looked.homes
        self._places: dict[Path, int] = {}

    # --- arguments and numbers ------------------------------------------------------------------------------

    def add_tree(self, path: Path, tree: Tree, slots: Iterator[int]) -> None:
        """The rows of an argument of this shape, its numbers going to the next slots."""
        if isinstance(tree, Leaf):
            self.add_number(path, tree.type, next(slots))
        elif isinstance(tree, ArrayTree):
            self._add_array(path, tree, slots)
        elif not isinstance(tree, ConstTree):
            self._checks[path] = check_of(tree)
            self.place(path)
            if isinstance(tree, ObjectTree) and (
                members := tuple(n for n in tree.names if n not in slots_of(tree.cls))
            ):
                self._checks[(*path, ("members", None))] = ("keys", members)
            for steps, item in zip(steps_into(tree), tree.items, strict=True):
                self.add_tree((*path, *steps), item, slots)

    def add_number(self, path: Path, kind: Type, slot: int) -> None:
        self._append(path, (Expect.NUMBER + NUMBERS.index(kind), slot * SLOT, 0))

    def _add_array(self, path: Path, tree: ArrayTree, slots: Iterator[int]) -> None:
        first, *others = [next(slots) for _ in leaves(tree)]
        assert others == list(range(first + 1, first + 1 + len(others)))
        dtype = DTYPES[tree.dtype]
        known = (0 if number is None else 1 for number in tree.known[1:])
        flags = layout.C_CONTIGUOUS | layout.ALIGNED | (layout.WRITEABLE if first in self._written else 0)
        self._append(path, (Expect.ARRAY, first * SLOT, Words([tree.ndim, Ref(dtype), flags, *known])))
        self._arrays.append((first, dtype.itemsize))

    def add_pairs(self) -> None:
        """The rows that tell that arrays which are written overlap no others."""
        for k, (one, size) in enumerate(self._arrays):
            for other, other_size in self._arrays[:k]:
                if one in self._written or other in self._written:
                    words = Words([one * SLOT, size, other * SLOT, other_size])
                    self.rows.append((Go.OBJECT, 0, Ref(None), Expect.APART, 0, words))

    # --- places ---------------------------------------------------------------------------------------------

    def place(self, path: Path) -> int:
        """The number of the row that looks at `path`."""
        if path not in self._places:
            if path not in self._checks and not (path and path[-1][0] in ("members", "arg")):
                raise ValueError(f"{path} rests on what was not looked at")
            check, what = self._checks.get(path, ("anything", None))
            if check == "builtin":
                self._append(path, (Expect.MISSING, 0, 0))
                self._add_builtin(what)
            elif check == "other":
                self._append(path, (Expect.ANYTHING, 0, 0))
                here = self._places[path] * WORD
                self.rows += [(Go.SAME, here, 0, Expect.OTHER, 0, self.place(one) * WORD) for one in what]
            else:
                self._append(path, self._expectation(path, check, what))
        return self._places[path]

    def _append(self, path: Path, expectation: tuple[Word, Word, Word]) -> None:
        way = self._way(path)
        self._places[path] = len(self.rows)
        self.rows.append((*way, *expectation))

    def _add_builtin(self, name: str) -> None:
        place = len(self.rows)
        self.rows.append((Go.OBJECT, 0, Ref(vars(builtins)), Expect.ANYTHING, 0, 0))
        self.rows.append((Go.KEY, place * WORD, _name(name), Expect.SAME, Ref(getattr(builtins, name)), 0))

    def _expectation(self, path: Path, check: str, what: Any) -> tuple[Word, Word, Word]:
        if check == "code":
            home = self._homes.get(path, path)
            if home != path:
                return (Expect.CODE_IN, Ref(what), self._namespace(home) * WORD)
            return (Expect.CODE, Ref(what), 0)
        if check == "equal":
            singleton = what is None or isinstance(what, bool)
            return (Expect.SAME if singleton else Expect.EQUAL, Ref(what), 0)
        if check == "tuple":
            return (Expect.TUPLE, Ref(what[0]), what[1])
        if check in ("dict", "list"):
            return (Expect.DICT if check == "dict" else Expect.LIST, 0, what)
        if check == "keys":
            return (Expect.KEYS, Ref(tuple(map(sys.intern, what))), 0)
        if check in ("anything", "missing"):
            return (Expect.ANYTHING if check == "anything" else Expect.MISSING, 0, 0)
        if check == "one":
            return (Expect.ONE, 0, self.place(what) * WORD)
        return ({"is": Expect.SAME, "type": Expect.CLASS}[check], Ref(what), 0)

    def _namespace(self, path: Path) -> int:
        """The place of the namespace of a function, which has been checked to be one."""
        full = (*path, ("namespace", None))
        if full not in self._places:
            parent = self.place(path)
            self._places[full] = len(self.rows)
            self.rows.append((Go.FIELD, parent * WORD, layout.FUNCTION_GLOBALS, Expect.ANYTHING, 0, 0))
        return self._places[full]

    # --- ways -----------------------------------------------------------------------------------------------

    def _way(self, path: Path) -> tuple[Word, Word, Word]:
        """How to come to `path`: the step, the parent's offset among what was seen, and where."""
        if not path:
            return (Go.FUNCTION, 0, 0)
        kind, what = path[-1]
        if kind == "arg":
            return (Go.ARGUMENT, 0, what * WORD)
        if kind == "object":
            return (Go.OBJECT, 0, Ref(what.obj))
        before = path[:-1]
        if kind == "globals":
            self._require(before, "code")
            return (Go.KEY, self._namespace(self._homes.get(before, before)) * WORD, _name(what))
        if kind == "kwdefault":
            return (Go.KEY, self._field(before, "code", layout.FUNCTION_KWDEFAULTS) * WORD, _name(what))
        check, known = self._require(before, *_NEEDED[kind])
        parent = self.place(before) * WORD
        if kind == "self":
            return (Go.SAME, parent, 0)
        if kind == "members":
            return (Go.MEMBERS, parent, 0)
        if kind == "entry":
            return (Go.ENTRY, parent, what * WORD)
        if kind == "key":
            return (Go.KEY, parent, _name(what))
        if kind == "cell":
            return (Go.CELL, parent, _item(what))
        if kind == "defaults":
            return (Go.FIELD, parent, layout.FUNCTION_DEFAULTS)
        if kind == "item":
            if what >= known[1]:
                raise ValueError(f"{path} is behind the end")
            return (Go.FIELD, parent, _item(what))
        if check == "is" and isinstance(known, type):
            self.rows.append((Go.FIELD, parent, layout.CLASS_DICT, Expect.ANYTHING, 0, 0))
            return (Go.KEY, (len(self.rows) - 1) * WORD, _name(what))
        if check == "is":
            return (Go.KEY, self._object(vars(known)) * WORD, _name(what))
        return (Go.FIELD, parent, layout.fields(known)[what])

    def _require(self, path: Path, *kinds: str) -> Check:
        """What is known of the object there, which makes sure that the step is possible."""
        check = self._checks.get(path, ("nothing", None))
        if kinds and check[0] not in kinds:
            raise ValueError(f"no way on from {path}, of which is known: {check}")
        return check

    def _field(self, path: Path, check: str, offset: int) -> int:
        self._require(path, check)
        self.rows.append((Go.FIELD, self.place(path) * WORD, offset, Expect.ANYTHING, 0, 0))
        return len(self.rows) - 1

    def _object(self, obj: object) -> int:
        self.rows.append((Go.OBJECT, 0, Ref(obj), Expect.ANYTHING, 0, 0))
        return len(self.rows) - 1


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "self": (),
    "members": ("type",),
    "entry": ("list",),
    "key": ("dict", "keys", "type", "nothing"),
    "cell": ("code",),
    "defaults": ("code",),
    "item": ("tuple",),
    "attr": ("is", "type"),
}


def check_of(tree: Composite) -> Check:
    """What is checked of an object of this shape, before its items are looked at."""
    if isinstance(tree, TupleTree):
        return ("tuple", (tree.cls or tuple, len(tree.items)))
    if isinstance(tree, ListTree):
        return ("list", len(tree.items))
    return ("keys", tree.keys) if isinstance(tree, DictTree) else ("type", tree.cls)


def _name(name: object) -> Ref:
    return Ref(sys.intern(name) if type(name) is str else name)


def _item(index: int) -> int:
    return layout.TUPLE_ITEMS + index * WORD
