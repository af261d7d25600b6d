"""Modules compiled to native code in this process, with the code generator that Numba set up.

LLVM's passes run once, at level 3; a library of Numba's own would run them twice and look for reference counts, of
which there are none here.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.types import Complex

from zyg.codegen.assembly import Assembly, symbol
from zyg.codegen.failures import SLOT, Number, Site, read_slots, slot_format
from zyg.codegen.outer import Outer, emit_module
from zyg.ir.program import Module

Extend = Callable[[Assembly, Outer], None]

_OPTIMISATION = 3
_UNNUMBERED = ".unnumbered"
_PACKED = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)
_serials = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Native:
    """A compiled module.

    outer: its function for callers in LLVM, by value.  sites: what its statuses mean, from 1 on.
    bitcode: the optimised module.  address: of the packed function.
    """

    outer: Outer
    sites: tuple[Site, ...]
    bitcode: bytes
    address: int
    _library: JITCodeLibrary

    def call(self, *leaves: Number) -> tuple[Number, ...]:
        """Run it on Python numbers, without the GIL while it runs."""
        report = ctypes.create_string_buffer(max(1, self.outer.report_slots) * SLOT)
        out = ctypes.create_string_buffer(max(1, len(self.outer.results)) * SLOT)
        status = self._entry(self._packed_inputs(leaves), out, report)
        if status:
            raise self.error(status, report.raw)
        return tuple(read_slots(self.outer.results, out.raw))

    def error(self, status: int, report: bytes) -> BaseException:
        """The exception that a status stands for, given what the failing code left in the report."""
        return self.sites[status - 1].error(report)

    def _packed_inputs(self, leaves: tuple[Number, ...]) -> bytes:
        flat: list[Any] = []
        for leaf, type in zip(leaves, self.outer.params, strict=True):
            flat.extend((complex(leaf).real, complex(leaf).imag) if isinstance(type, Complex) else (leaf,))
        try:
            return self._input_format.pack(*flat)
        except struct.error as problem:
            if any(isinstance(leaf, int) and not -(2**63) <= leaf < 2**63 for leaf in leaves):
                raise OverflowError("an integer argument does not fit in 64 bits") from None
            raise TypeError(f"arguments of native code: {problem}") from None

    @cached_property
    def _input_format(self) -> struct.Struct:
        return struct.Struct("=" + "".join(map(slot_format, self.outer.params)))

    @cached_property
    def _entry(self) -> Any:
        return _PACKED(self.address)

    def address_of(self, symbol: str) -> int:
        """Where another function or variable of the module is; 0 if there is none of this name."""
        with global_compiler_lock:
            return _address(self._library, symbol)

    @cached_property
    def library(self) -> JITCodeLibrary:
        """For `add_linking_library`, by code that calls the outer function and wants it inlined."""
        with global_compiler_lock:
            module = self._parsed()
            for function in module.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    function.linkage = "linkonce_odr"
            self._library._shared_module = module
            return self._library

    @property
    def llvm(self) -> str:
        """The outer function, optimised."""
        return str(self._parsed().get_function(self.outer.symbol)).strip()

    @property
    def asm(self) -> str:
        """The assembly of the module."""
        with global_compiler_lock:
            return str(_codegen()._tm.emit_assembly(self._parsed()))

    def _parsed(self) -> Any:
        return llvm.parse_bitcode(self.bitcode)


def _address(library: Any, symbol: str) -> int:
    return int(library.get_pointer_to_function(symbol))


def _codegen() -> Any:
    return cpu_target.target_context.codegen()


def _optimise(module: Any, machine: Any) -> None:
    options = llvm.create_pipeline_tuning_options(_OPTIMISATION)
    options.loop_vectorization = True
    options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _numbered(text: str, engine: Any, name: str) -> tuple[str, str]:
    """The text with a name that no other code has: of the same text in another process it is the same name."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    number = f".{digest}"
    while engine.is_symbol_defined(name + number):
        number = f".{digest}.{next(_serials)}"
    return text.replace(_UNNUMBERED, number), name + number


def compile_module(module: Module, extend: Extend | None = None) -> Native:
    """Native code for the entry of `module`.

    `extend` may add functions of its own to the module, and then compile with it.
    """
    with global_compiler_lock:
        codegen = _codegen()
        assembly = Assembly()
        name = f"zyg.{symbol(module.main.name)[2:-1]}"
        outer, sites = emit_module(assembly, module, name + _UNNUMBERED)
        if extend is not None:
            extend(assembly, outer)
        text, numbered = _numbered(str(assembly), codegen._engine, name)
        outer = Outer(numbered, outer.params, outer.results, outer.fails, outer.report_slots)
        parsed = llvm.parse_assembly(text)
        parsed.triple = codegen._llvm_module.triple
        parsed.data_layout = codegen._data_layout
        parsed.verify()
        _optimise(parsed, codegen._tm)
        bitcode = parsed.as_bitcode()
        library = codegen.create_library(numbered)
        library._final_module = parsed
        library._finalize_final_module()
        address = _address(library, outer.packed_symbol)
        return Native(outer, sites.all, bitcode, address, library)
