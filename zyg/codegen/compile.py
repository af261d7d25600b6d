"""Modules compiled to native code in this process."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from llvmlite.binding import parse_bitcode
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock

from zyg.codegen import jit
from zyg.codegen.assembly import Assembly, symbol
from zyg.codegen.blame import raised_at
from zyg.codegen.failures import SLOT, Number, Site, Slots
from zyg.codegen.outer import Outer, emit_module, emit_packed
from zyg.ir.program import Module

_UNNUMBERED = ".unnumbered"
_PACKED = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)
_serials = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Native:
    """A compiled module.

    outer: its function for callers in LLVM, by value.  sites: what its statuses mean, from 1 on.
    bitcode: the optimised module.  large: does LLVM spend much time on it?
    """

    outer: Outer
    sites: tuple[Site, ...]
    bitcode: bytes
    _library: JITCodeLibrary
    large: bool = False

    def call(self, *leaves: Number) -> tuple[Number, ...]:
        """Run it on Python numbers, and buffers as pairs of address and count, without the GIL while it runs.

        Buffers that the call leaves to its caller are freed as `arena.block_of` says.
        """
        report = ctypes.create_string_buffer(max(1, self.outer.report_slots) * SLOT)
        out = ctypes.create_string_buffer(max(1, len(self.outer.results)) * SLOT)
        status = self._entry(self._packed_inputs(leaves), out, report)
        if status:
            raise self.error(status, report.raw)
        return tuple(self._outputs.read(out.raw))

    def error(self, status: int, report: bytes) -> BaseException:
        """The exception that a status stands for, given what the failing code left in the report."""
        site = self.sites[status - 1]
        return raised_at(site.error(report), site.pos, site.failure.raised)

    def _packed_inputs(self, leaves: tuple[Number, ...]) -> bytes:
        try:
            return self._inputs.filled(leaves)
        except struct.error as problem:
            if any(isinstance(leaf, int) and not -(2**63) <= leaf < 2**63 for leaf in leaves):
                raise OverflowError("an integer argument does not fit in 64 bits") from None
            raise TypeError(f"arguments of native code: {problem}") from None

    @cached_property
    def _inputs(self) -> Slots:
        return Slots(self.outer.params)

    @cached_property
    def _outputs(self) -> Slots:
        return Slots(self.outer.results)

    @cached_property
    def _entry(self) -> Any:
        return _PACKED(self.address)

    @cached_property
    def address(self) -> int:
        """Of the packed function."""
        assembly, name = Assembly(), self.outer.packed_symbol
        own = self.address_of(name)
        if own:
            return own
        emit_packed(assembly, self.outer)
        with global_compiler_lock:
            library, _ = jit.load(str(assembly), name)
            return jit.address_of(library, name)

    def address_of(self, symbol: str) -> int:
        """Where another function or variable of the module is; 0 if there is none of this name."""
        return jit.address_of(self._library, symbol)

    @cached_property
    def library(self) -> JITCodeLibrary:
        """For code that calls the outer function to be linked with."""
        return jit.linkable(self._library, self.bitcode)

    @property
    def llvm(self) -> str:
        """The outer function, optimised."""
        return str(parse_bitcode(self.bitcode).get_function(self.outer.symbol)).strip()

    @property
    def asm(self) -> str:
        """The assembly of the module."""
        return jit.assembly_of(self.bitcode)


def _numbered(text: str, name: str) -> tuple[str, str]:
    """The text with a name that no other code has: of the same text in another process it is the same name."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    number = f".{digest}"
    while jit.is_defined(name + number):
        number = f".{digest}.{next(_serials)}"
    return text.replace(_UNNUMBERED, number), name + number


def compile_module(
    module: Module, packed: bool = False, fast: frozenset[str] = frozenset(), linked: bool = False
) -> Native:
    """Native code for the entry of `module`, its arithmetic with the fast-math flags `fast`.

    packed: also the packed function, which is otherwise compiled when it is first asked for.  linked: is it for being
    linked with other code?
    """
    with global_compiler_lock:
        assembly = Assembly(fast)
        name = f"zyg.{symbol(module.main.name)[2:-1]}"
        outer, sites = emit_module(assembly, module, name + _UNNUMBERED)
        if packed:
            emit_packed(assembly, outer)
        text, numbered = _numbered(str(assembly), name)
        outer = Outer(numbered, outer.params, outer.results, outer.fails, outer.report_slots)
        for load in assembly.required:
            load()
        large = jit.is_large(text)
        library, bitcode = jit.load(text, numbered, runs=not (linked and large))
        library._reload_init.update(assembly.required)
        return Native(outer, sites.all, bitcode, library, large)
