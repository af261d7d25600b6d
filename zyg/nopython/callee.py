"""What an `@njit` function calls: a derivative that zyg reads for the kinds of arguments that Numba infers.

As for every function that Numba calls, what it captures is looked at once, when the caller is compiled.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

from zyg.codegen.compile import Native, compile_module
from zyg.entry import CACHES
from zyg.errors import ArgumentError
from zyg.ir.custom import RULES
from zyg.ir.front import definition
from zyg.ir.program import Module, Type
from zyg.ir.tree import Tree
from zyg.ir.values import Identity, Node, Static, Value
from zyg.nopython.kinds import Absent, tree_of_type
from zyg.pipeline import lower
from zyg.transformed import Transformed, innermost

_LIMIT = 512
_specialisations: dict[Hashable, Specialisation] = {}
CACHES.append(_specialisations)


@dataclass(eq=False)
class Specialisation:
    """A callee read for one kind of arguments; compiled when code that calls it is."""

    module: Module
    result: Tree
    fast: frozenset[str]

    @cached_property
    def native(self) -> Native:
        return compile_module(self.module, fast=self.fast)


class Callee:
    """A function of Numba's, given by how zyg reads a call of it."""

    name: str

    @property
    def key(self) -> Hashable:
        """Equal for callees that code may be shared of."""
        raise NotImplementedError

    def signature(self) -> inspect.Signature | None:
        """What calls are bound to; None where Python doesn't know it."""
        raise NotImplementedError

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
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
        key = (self.key, kinds, RULES.version)
        with global_compiler_lock:
            if key not in _specialisations:
                if len(_specialisations) >= _LIMIT:
                    _specialisations.pop(next(iter(_specialisations)))
                trees = [tree_of_type(kind) for kind in kinds]
                read = lower(self.name, trees, self._call, frozen=True)
                _specialisations[key] = Specialisation(read.module, read.result, read.fast)
            return _specialisations[key]

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
        return _key_of(self.transformed)

    def signature(self) -> inspect.Signature | None:
        fn = innermost(self.transformed)
        try:
            return inspect.signature(getattr(fn, "py_func", fn))
        except ValueError:
            return None

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        reader.pos = definition(self.transformed)
        return self.transformed.__zyg_read__(reader, None, args, kws)


def _key_of(transformed: Transformed) -> Hashable:
    fn = transformed.fn
    return (_key_of(fn) if isinstance(fn, Transformed) else Identity(fn), transformed.options)
