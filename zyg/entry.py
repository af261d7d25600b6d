"""Calling from Python: arguments taken apart, the right specialisation found or made, its result put together.

A call usually goes by `zyg.codegen.caller_call`, without any of this: it comes here when no specialisation fits.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from numba.core.compiler_lock import global_compiler_lock

from zyg.array_entry import ArrayEntry
from zyg.buffers import array_tree, lend, taken
from zyg.codegen.caller import Chain, Entry
from zyg.codegen.caller_type import NativeCallable
from zyg.codegen.failures import Number
from zyg.codegen.guards import Path, guard_rows
from zyg.errors import ArgumentError, ZygError
from zyg.ir.custom import RULES
from zyg.ir.graph import Graph
from zyg.ir.program import Module
from zyg.ir.tree import ArrayTree, ConstTree, Leaf, Tree, TupleTree
from zyg.ir.values import CLASSES, Value, fits, numba_type
from zyg.pipeline import Lowered, lower

_LIMIT = 1024
_ATTEMPTS = 100
_chains: dict[Hashable, Specialisations] = {}
_every_chain: weakref.WeakSet[Specialisations] = weakref.WeakSet()
CACHES: list[dict[Any, Any]] = [_chains]


def refresh() -> None:
    """Forget everything compiled.  Never needed for correctness."""
    with global_compiler_lock:
        for chain in list(_every_chain):
            chain.clear()
        for cache in CACHES:
            cache.clear()


# --- arguments and results --------------------------------------------------------------------------------


def tree(value: Any) -> Tree:
    """The shape of an argument.

    >>> tree((1.0, 2))
    TupleTree(items=(Leaf(type=float64), Leaf(type=int64)), cls=None)
    """
    if isinstance(value, tuple):
        return TupleTree(tuple(tree(item) for item in value), None if type(value) is tuple else type(value))
    if type(value) is np.ndarray and value.ndim > 0:
        return array_tree(value)
    kind = numba_type(value)
    if kind is not None:
        return Leaf(kind)
    if value is None or isinstance(value, (str, type)) or callable(value):
        return ConstTree(value)
    kind = numba_type(_plain(value))
    if kind is None:
        raise ArgumentError(f"native mode cannot take an argument of type {type(value).__name__}: {value!r:.80}")
    return Leaf(kind)


def _plain(value: Any) -> Any:
    """A number of a class that was derived from one of Python's, as one of that; anything else as it is."""
    if isinstance(value, int):
        return int.__pos__(value)
    if isinstance(value, float):
        return float.__pos__(value)
    return complex.__pos__(value) if isinstance(value, complex) else value


def as_read(value: Any) -> Any:
    """The argument as native code takes it: its numbers of the classes that guards know."""
    if isinstance(value, tuple):
        items = [as_read(item) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return tuple(items) if type(value) is tuple else tuple.__new__(type(value), items)
    if type(value) is np.ndarray and value.ndim > 0:
        return value
    kind = numba_type(value)
    if kind is None:
        value = value if callable(value) else _plain(value)
    elif type(value) not in CLASSES[kind]:
        value = CLASSES[kind][0](value.item())
    if isinstance(value, int) and not fits(value):
        raise OverflowError(f"the integer {value} does not fit in 64 bits")
    return value


def leaves(value: Any, shape: Tree, out: list[Any]) -> None:
    """Append the machine values of an argument to `out`."""
    if isinstance(shape, TupleTree):
        for item, part in zip(value, shape.items, strict=True):
            leaves(item, part, out)
    elif isinstance(shape, ArrayTree):
        lend(value, shape, out)
    elif isinstance(shape, Leaf):
        number = as_read(value)
        out.append(number.item() if isinstance(number, np.generic) else number)


def assemble(shape: Tree, values: Iterator[Any]) -> Any:
    """The Python object of a result, its numbers taken from `values`."""
    if isinstance(shape, Leaf):
        return next(values)
    if isinstance(shape, ArrayTree):
        return taken(shape, values)
    if isinstance(shape, ConstTree):
        return shape.value
    items = tuple(assemble(item, values) for item in shape.items)
    return items if shape.cls is None else tuple.__new__(shape.cls, items)


# --- specialisations --------------------------------------------------------------------------------------


class Specialised(Entry):
    """An entry, and what it was compiled from."""

    __slots__ = ("lowered",)

    def __init__(self, lowered: Lowered, arguments: Sequence[Tree], names: tuple[str, ...]) -> None:
        self.lowered = lowered
        native = lowered.compile(packed=True)
        rows = guard_rows(arguments, lowered.looked)
        count = len(arguments) - len(names)
        super().__init__(native, rows, count, names, lowered.result, 0, may_run_long(lowered.module))


class Specialisations(Chain):
    """The specialisations that callers with the same key share.

    kept: the objects that the key names by their ids.  lifted: captured ints that have changed, and are inputs
    since.  constant: those that cannot be inputs.
    """

    __slots__ = ("arrays", "constant", "kept", "lifted")

    def __init__(self, kept: object) -> None:
        super().__init__()
        self.kept = kept
        self.arrays: tuple[ArrayEntry, ...] = ()
        self.lifted: frozenset[Path] = frozenset()
        self.constant: frozenset[Path] = frozenset()
        _every_chain.add(self)

    def clear(self) -> None:
        super().clear()
        self.arrays = ()

    def changed_ints(self, lowered: Lowered) -> frozenset[Path]:
        """The captured ints that are constants in `lowered` and were others in an earlier specialisation."""
        found = set()
        for path, (check, what) in lowered.looked.checks.items():
            if check == "equal" and type(what) is int and path not in self.constant:
                for entry in (*self.entries, *self.arrays):
                    known = entry.lowered if isinstance(entry, (Specialised, ArrayEntry)) else None
                    before = known.looked.checks.get(path) if known is not None else None
                    if before is not None and before[0] == "equal" and before[1] != what:
                        found.add(path)
        return frozenset(found)


def may_run_long(module: Module) -> bool:
    """Is it worth to release the GIL, which costs as much as some ten divisions?"""
    programs = module.reachable().programs.values()
    return len(programs) > 1 or any(program.calls() or any(Graph(program).loop_of.values()) for program in programs)


def specialisations(key: Hashable, kept: object) -> Specialisations:
    """Those of a key; `kept`: what must live as long as the key is in use."""
    found = _chains.get(key)
    if found is None:
        with global_compiler_lock:
            if len(_chains) >= _LIMIT:
                _chains.pop(next(iter(_chains)))
            found = _chains.setdefault(key, Specialisations(kept))
    return found


class Caller(NativeCallable):
    """A function of Python's that runs native code, specialised for the kinds of its arguments.

    function: what it stands for; captures are reached from there.  key: what makes callers share code, together
    with objects that it names by id.
    """

    __slots__ = ("key",)

    def __init__(self, function: Any, key: Hashable, kept: object) -> None:
        self.key = key
        specialisations(key, kept).attach(self, function)

    @property
    def takes_arrays(self) -> bool:
        """Whether it has been specialised for arrays, as arguments, results or captured."""
        chain: Specialisations = self._chain
        return bool(chain.arrays)

    @property
    def name(self) -> str:
        """What its native code is called by."""
        raise NotImplementedError

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        """What a call gives, on abstract values."""
        raise NotImplementedError

    def sought(self, given: Sequence[Any]) -> Sequence[Any] | None:
        """The arrays among the arguments, if they matter only where they are captured: then `read_sought` is called."""
        return None

    def read_sought(self, reader: Any, given: Sequence[Any]) -> Value:
        """What a call gives with these arrays, which are captured by the paths of arguments."""
        raise NotImplementedError

    def _resolve(self, *args: Any, **kws: Any) -> Any:
        found, inputs = self.find(args, kws)
        values = found.run(inputs) if isinstance(found, ArrayEntry) else found.native.call(*inputs)
        return assemble(found.result, iter(values))

    def find(
        self, args: Sequence[Any], kws: dict[str, Any] | None = None
    ) -> tuple[Specialised | ArrayEntry, list[Number]]:
        """The specialisation for a call, compiled if need be, and the inputs of its native function."""
        names = tuple(map(sys.intern, kws or ()))
        given = tuple(as_read(value) for value in (*args, *(kws or {}).values()))
        for _ in range(_ATTEMPTS):
            found = self._fitting(given, names)
            if found is None:
                with global_compiler_lock:
                    found = self._fitting(given, names)
                    if found is None:
                        self._specialise(given, names)
            if found is not None:
                return found
        raise ZygError(f"what {self.name} captures changes faster than it can be compiled")

    def _fitting(
        self, given: Sequence[Any], names: tuple[str, ...]
    ) -> tuple[Specialised | ArrayEntry, list[Number]] | None:
        chain: Specialisations = self._chain
        for entry in chain.arrays:
            inputs = entry.inputs(self._function, given, names)
            if inputs is not None:
                return entry, inputs
        if chain.arrays and any(isinstance(value, np.ndarray) for value in given):
            return None
        found = chain.find(self, given, names)
        return None if found is None else (cast(Specialised, found[0]), found[1])

    def _specialise(self, given: Sequence[Any], names: tuple[str, ...]) -> None:
        chain: Specialisations = self._chain
        version = RULES.version
        sought = self.sought(given)
        shapes = [tree(value) for value in given] if sought is None else []
        count = len(given) - len(names)

        def build(reader: Any, values: list[Value]) -> Value:
            if sought is not None:
                return self.read_sought(reader, sought)
            return self.read(reader, values[:count], dict(zip(names, values[count:], strict=True)))

        lowered = lower(self.name, shapes, build, chain.lifted, sought=sought or ())
        changed = chain.changed_ints(lowered)
        if changed:
            try:
                lowered = lower(self.name, shapes, build, chain.lifted | changed, sought=sought or ())
                chain.lifted |= changed
            except ZygError:
                chain.constant |= changed
        if lowered.has_arrays:
            if RULES.version == version:
                chain.arrays = (ArrayEntry(lowered, shapes, names, len(given)), *chain.arrays[: chain.LIMIT - 1])
            return
        entry = Specialised(lowered, shapes, names)
        if RULES.version == version:
            chain.add(entry)
