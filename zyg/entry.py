"""Calling from Python: the right specialisation found or made, and run.

A call usually goes by `zyg.codegen.caller_call`, without any of this: it comes here when no specialisation fits.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast

from numba.core.compiler_lock import global_compiler_lock

from zyg.buffers import check_apart, check_in_order, write_back
from zyg.codegen.caller import Chain, Entry
from zyg.codegen.caller_type import NativeCallable
from zyg.codegen.failures import Number
from zyg.codegen.guards import Path, guard_rows
from zyg.errors import UnsupportedError, ZygError, wants_dynamic_mode, wants_stretching
from zyg.fallback import NotNative, signature
from zyg.foreign import plain
from zyg.ir.graph import graph_of
from zyg.ir.program import Module
from zyg.ir.tree import Tree
from zyg.looking import Looking
from zyg.pipeline import Lowered, lower
from zyg.reading.custom import RULES, marks
from zyg.reading.foreign import acts
from zyg.reading.python_rule import KindMismatch, guessing, learn
from zyg.reading.values import Value
from zyg.shapes import as_read, assemble, tree

_LIMIT = 1024
_ATTEMPTS = 100
_chains: dict[Hashable, Specialisations] = {}
_every_chain: weakref.WeakSet[Specialisations] = weakref.WeakSet()
CACHES: list[dict[Any, Any]] = [_chains]
WITH_RULES: list[Callable[[frozenset[Hashable]], None]] = []  # what else forgets calls of functions with these marks


def refresh() -> None:
    """Forget everything compiled.  Never needed for correctness."""
    with global_compiler_lock:
        for chain in list(_every_chain):
            chain.clear()
        for cache in CACHES:
            cache.clear()


def forget_calls_of(fn: Any) -> None:
    """Forget what was compiled of code that calls `fn`, which has another rule now, and what could not be compiled."""
    concerned = marks(fn)
    with global_compiler_lock:
        for chain in list(_every_chain):
            for entry in chain.entries:
                if not isinstance(entry, Specialised) or not concerned.isdisjoint(entry.lowered.called):
                    chain.remove(entry)
            chain.refused.clear()
            chain.left = None
        for forget in WITH_RULES:
            forget(concerned)


# --- specialisations --------------------------------------------------------------------------------------


class Specialised(Entry):
    """An entry, and what it was compiled from."""

    __slots__ = ("_looking", "_shapes", "lowered")

    def __init__(self, lowered: Lowered, arguments: Sequence[Tree], names: tuple[str, ...], given: int) -> None:
        self.lowered, self._shapes = lowered, tuple(arguments)
        self._looking: Looking | None = None
        native = lowered.compile(packed=True)
        rows = guard_rows(arguments, lowered.looked, written=lowered.written)
        super().__init__(native, rows, given - len(names), names, lowered.result, 0, may_run_long(lowered.module))

    def inputs(self, function: Any, given: Sequence[Any], names: tuple[str, ...]) -> list[Any] | None:
        """The inputs of the native function for these arguments, arrays copied if need be; None if they do not fit."""
        if self._looking is None:
            self._looking = Looking(self.lowered, self._shapes, len(given), self.names)
        return self._looking.inputs(function, given, names)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Its results; arrays that it was given hold what it wrote."""
        written = self.lowered.written
        if not written:
            return self.native.call(*inputs)
        check_apart(inputs, written)
        try:
            return self.native.call(*inputs)
        finally:
            write_back(inputs, written)

    def error(self, status: int, report: bytes) -> BaseException | None:
        found = self.native.error(status, report)
        return None if self.is_given_up(found) else found

    def is_given_up(self, error: BaseException) -> bool:
        """Whether other code takes the place of this, since `error` was raised: that stretches dimensions, or expects
        another kind of value from a function that Python runs; or dynamic mode.

        Not where something may have been written: the call is made again.
        """
        mismatch = isinstance(error, KindMismatch)
        stretching = wants_stretching(error) and not self.lowered.stretching
        leaving = wants_dynamic_mode(error) and not acts(self.lowered.module.programs.values())
        if not mismatch and (not (stretching or leaving) or self.lowered.written):
            return False
        if isinstance(error, KindMismatch):
            learn(error, tree(error.value))
        for chain in list(_every_chain):
            if self in chain.entries:
                chain.stretching |= stretching
                chain.remove(self)
                if leaving and isinstance(error, UnsupportedError):
                    chain.left = error.again()
        return not self.lowered.written


class Specialisations(Chain):
    """The specialisations that callers with the same key share.

    kept: the objects that the key names by their ids.  lifted: captured ints that have changed, and are inputs
    since.  constant: those that cannot be inputs.  stretching: dimensions that only happened to be 1 were met.
    refused: why native mode cannot take arguments of some kinds, and how many calls had such.  left: why it has been
    given up while it ran.
    """

    __slots__ = ("constant", "kept", "left", "lifted", "refused", "stretching")

    def __init__(self, kept: object) -> None:
        super().__init__()
        self.kept = kept
        self.lifted: frozenset[Path] = frozenset()
        self.constant: frozenset[Path] = frozenset()
        self.stretching = False
        self.refused: dict[Hashable, tuple[UnsupportedError, int]] = {}
        self.left: UnsupportedError | None = None
        _every_chain.add(self)

    def clear(self) -> None:
        super().clear()
        self.refused.clear()
        self.left = None

    def changed_ints(self, lowered: Lowered) -> frozenset[Path]:
        """The captured ints that are constants in `lowered` and were others in an earlier specialisation."""
        found = set()
        for path, (check, what) in lowered.looked.checks.items():
            if check == "equal" and type(what) is int and path not in self.constant:
                for entry in self.entries:
                    before = entry.lowered.looked.checks.get(path) if isinstance(entry, Specialised) else None
                    if before is not None and before[0] == "equal" and before[1] != what:
                        found.add(path)
        return frozenset(found)


def may_run_long(module: Module) -> bool:
    """Is it worth to release the GIL, which costs as much as some ten divisions?"""
    programs = module.reachable().programs.values()
    return len(programs) > 1 or any(program.calls() or any(graph_of(program).loop_of.values()) for program in programs)


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
        return any(isinstance(entry, Specialised) and entry.lowered.has_arrays for entry in chain.entries)

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

    def lowering(self) -> dict[str, Any]:
        """Further arguments of `lower`."""
        return {}

    def _resolve(self, *args: Any, **kws: Any) -> Any:
        try:
            found, inputs = self.find_or_recall(args, kws)
            if found.lowered.ordered:
                check_in_order(inputs)
        except UnsupportedError as reason:
            raise NotNative(reason) from None
        try:
            found, values = self._run_found(found, inputs, args, kws)
        except UnsupportedError as reason:
            if cast(Specialisations, self._chain).left is None:
                raise
            raise NotNative(reason) from None
        return assemble(found.result, iter(values))

    def run(self, args: Sequence[Any], kws: dict[str, Any] | None = None) -> tuple[Specialised, tuple[Any, ...]]:
        """The specialisation for a call, and its results."""
        found, inputs = self.find(args, kws)
        if found.lowered.ordered:
            check_in_order(inputs)
        return self._run_found(found, inputs, args, kws)

    def _run_found(
        self, found: Specialised, inputs: list[Number], args: Sequence[Any], kws: dict[str, Any] | None
    ) -> tuple[Specialised, tuple[Any, ...]]:
        try:
            return found, found.run(inputs)
        except (ValueError, IndexError, UnsupportedError) as error:
            if not found.is_given_up(error):
                raise
        return self.run(args, kws)

    def find(self, args: Sequence[Any], kws: dict[str, Any] | None = None) -> tuple[Specialised, list[Number]]:
        """The specialisation for a call, compiled if need be, and the inputs of its native function."""
        names = tuple(map(sys.intern, kws or ()))
        given = tuple(as_read(plain(value)) for value in (*args, *(kws or {}).values()))
        left = cast(Specialisations, self._chain).left
        if left is not None:
            raise left.again()
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

    def find_or_recall(self, args: Sequence[Any], kws: dict[str, Any]) -> tuple[Specialised, list[Number]]:
        """`find`; after a refusal, ever fewer calls try again, in case that what the function captures has changed."""
        chain: Specialisations = self._chain
        kinds = signature(args, kws)
        known, calls = chain.refused.get(kinds, (None, 0))
        if known is not None and calls & (calls - 1):
            chain.refused[kinds] = known, calls + 1
            raise known.again()
        try:
            return self.find(args, kws)
        except UnsupportedError as error:
            chain.refused[kinds] = error.again(), calls + 1
            raise

    def _fitting(self, given: Sequence[Any], names: tuple[str, ...]) -> tuple[Specialised, list[Number]] | None:
        chain: Specialisations = self._chain
        found = chain.find(self, given, names)
        if found is not None and not cast(Specialised, found[0]).lowered.has_arrays:
            return cast(Specialised, found[0]), found[1]
        for entry in chain.entries:
            if isinstance(entry, Specialised) and entry.lowered.has_arrays:
                inputs = entry.inputs(self._function, given, names)
                if inputs is not None:
                    return entry, inputs
        return None

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

        options: dict[str, Any] = {"sought": sought or (), "stretching": chain.stretching, **self.lowering()}
        lowered = guessing(lambda: lower(self.name, shapes, build, chain.lifted, **options))
        if lowered.has_arrays and not chain.stretching and acts(lowered.module.programs.values()):
            options["stretching"] = chain.stretching = True  # it cannot begin anew
            lowered = guessing(lambda: lower(self.name, shapes, build, chain.lifted, **options))
        changed = chain.changed_ints(lowered)
        if changed:
            try:
                lowered = lower(self.name, shapes, build, chain.lifted | changed, **options)
                chain.lifted |= changed
            except ZygError:
                chain.constant |= changed
        entry = Specialised(lowered, shapes, names, len(given))
        if RULES.version == version:
            chain.add(entry)
