"""What an `@njit` function calls: a derivative that zyg reads for the kinds of arguments that Numba infers.

As for every function that Numba calls, what it captures is looked at once, when the caller is compiled.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numba import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import TypingError

from zyg.codegen.compile import Native, compile_module
from zyg.entry import CACHES, WITH_RULES
from zyg.errors import ArgumentError, ZygError
from zyg.ir.program import Module, Type
from zyg.ir.tree import ArrayTree, Tree
from zyg.nopython.failing import gives_up_on_ones
from zyg.nopython.kinds import Absent, arrays_in, count_of, members, tree_of_type
from zyg.nopython.origin import Origin
from zyg.nopython.subject import key_of
from zyg.pipeline import Lowered, lower
from zyg.reading.derive import Options
from zyg.reading.front import definition
from zyg.reading.values import Node, Static, Value
from zyg.transformed import Transformed, innermost

_LIMIT = 512
_specialisations: dict[Hashable, Specialisation] = {}
_frozen: weakref.WeakKeyDictionary[Any, object] = weakref.WeakKeyDictionary()
CACHES.append(_specialisations)


def _forget(marks: frozenset[Hashable]) -> None:
    for key in [key for key, found in _specialisations.items() if not marks.isdisjoint(found.called)]:
        del _specialisations[key]


WITH_RULES.append(_forget)


@dataclass(eq=False)
class Specialisation:
    """A callee read for one kind of arguments; compiled when code that calls it is.

    frozen: copies of the arrays that it captures, whose buffers and dimensions follow its arguments; code may hold
    their addresses as long as that of `native` lives.  written: the numbers of the parameters into which it writes.
    called: the marks of the functions that it calls; files: those it was read from (see `Lowered`).
    again: reads it so that dimensions are stretched which only happen to be 1.
    """

    module: Module
    result: Tree
    fast: frozenset[str]
    frozen: tuple[tuple[np.ndarray[Any, Any], ArrayTree], ...]
    written: frozenset[int]
    called: frozenset[Hashable]
    files: frozenset[str]
    again: Callable[[], Specialisation] | None = None

    @cached_property
    def stretched(self) -> Specialisation | None:
        """What is called where `native` gives up since a dimension happens to be 1; not if it writes into arguments."""
        if self.again is None or self.written or not any(map(gives_up_on_ones, self.native.sites)):
            return None
        try:
            found = self.again()
        except ZygError:
            return None
        same = found.result == self.result and found.module.main.results == self.module.main.results
        return found if same else None

    @cached_property
    def native(self) -> Native:
        native = compile_module(self.module, fast=self.fast, linked=True)
        native.library._reload_init.add(Origin.of(self.files))
        _frozen[native.library] = self.frozen
        return native


def _specialisation(read: Lowered, again: Callable[[], Specialisation] | None = None) -> Specialisation:
    frozen = []
    for path, (_, shape) in sorted(read.looked.inputs.items(), key=lambda pair: pair[1][0]):
        ((_, identity),) = path
        assert isinstance(shape, ArrayTree)
        frozen.append((identity.obj, shape))
    copies = tuple(frozen)
    return Specialisation(read.module, read.result, read.fast, copies, read.written, read.called, read.files, again)


def _alike(kind: Any) -> Any:
    """The same for types of arrays that are passed in the same way."""
    if isinstance(kind, types.Array):
        return tree_of_type(kind)
    if isinstance(kind, types.BaseTuple):
        return (getattr(kind, "instance_class", None), *map(_alike, members(kind)))
    return kind


class Callee:
    """A function of Numba's, given by how zyg reads a call of it."""

    name: str

    @property
    def key(self) -> Hashable:
        """Equal for callees that code may be shared of."""
        raise NotImplementedError

    def signature(self) -> inspect.Signature | None:
        """What calls are bound to; None where Python doesn't know it: then all arguments are positional."""
        raise NotImplementedError

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        """The value of a call."""
        raise NotImplementedError

    @cached_property
    def parameters(self) -> inspect.Signature | None:
        """The signature as Numba can bind to it: keyword-only parameters are among the others."""
        own = self.signature()
        if own is None:
            return None
        parameters = [parameter.replace(annotation=parameter.empty) for parameter in own.parameters.values()]
        kinds = {parameter.kind for parameter in parameters}
        if _KEYWORDS in kinds or {_STAR, _KEYWORD_ONLY} <= kinds:
            raise ArgumentError(f"{self.name} takes {own}: such keyword arguments cannot be passed inside @njit code")
        return inspect.Signature([p.replace(kind=_PLAIN) if p.kind is _KEYWORD_ONLY else p for p in parameters])

    def specialise(self, kinds: tuple[Type, ...]) -> Specialisation:
        """The callee for arguments of these of Numba's types, one per parameter."""
        key = (self.key, tuple(map(_alike, kinds)))
        with global_compiler_lock:
            if key not in _specialisations:
                if len(_specialisations) >= _LIMIT:
                    _specialisations.pop(next(iter(_specialisations)))
                read = partial(lower, self.name, [tree_of_type(kind) for kind in kinds], self._call, frozen=True)
                _specialisations[key] = _specialisation(read(), lambda: _specialisation(read(stretching=True)))
            found = _specialisations[key]
        first = 0
        for kind in kinds:
            for number, array in arrays_in(kind, first):
                if number in found.written and not array.mutable:
                    raise TypingError(f"{self.name} writes into its arguments, one of which is a read-only array")
            first += count_of(kind)
        return found

    def _call(self, reader: Any, values: list[Value]) -> Value:
        own = self.signature()
        if own is None:
            return self.read(reader, values, {})
        args: list[Value] = []
        kws: dict[str, Value] = {}
        by_name = False
        for value, parameter in zip(values, own.parameters.values(), strict=True):
            by_name = by_name or parameter.kind is _KEYWORD_ONLY
            if parameter.kind is _STAR and isinstance(value, Node):
                args += value.items
            elif isinstance(value, Static) and value.obj is Absent:
                by_name = True
            elif by_name:
                kws[parameter.name] = value
            else:
                args.append(value)
        return self.read(reader, args, kws)


_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
_STAR = inspect.Parameter.VAR_POSITIONAL
_KEYWORDS = inspect.Parameter.VAR_KEYWORD
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


class Derivative(Callee):
    """What `grad` gave."""

    def __init__(self, transformed: Transformed) -> None:
        self.transformed = transformed
        self.name = transformed.name

    @property
    def key(self) -> Hashable:
        return key_of(self.transformed)

    def signature(self) -> inspect.Signature | None:
        if takes_more(self.transformed.options):
            return None
        fn = innermost(self.transformed)
        try:
            return inspect.signature(getattr(fn, "py_func", fn))
        except ValueError:
            return None

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        reader.pos = definition(self.transformed)
        return self.transformed.__zyg_read__(reader, None, args, kws)


def takes_more(options: Options) -> bool:
    """Whether the derivative has arguments behind those of the function."""
    return options.own != slice(None)
