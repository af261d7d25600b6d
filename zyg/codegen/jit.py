"""LLVM text made runnable in this process, with the code generator that Numba set up.

LLVM's passes run once, at level 3; a library of Numba's own would run them twice and look for reference counts, of
which there are none here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

_OPTIMISATION = 3
# Lines of a module's text from which on loops are not searched for cheaper induction variables: in modules with many
# loops LLVM needs longer for that than for everything else in code generation, and the loops are as fast without it
_LARGE = 600


def codegen() -> Any:
    """Numba's code generator for this machine."""
    return cpu_target.target_context.codegen()


def features() -> frozenset[str]:
    """What the processor can do that code is generated for, as `+avx2`."""
    return frozenset(codegen()._get_host_cpu_features().split(","))


@cache
def _set_options() -> None:
    """Loops with sums in the order written are vectorised but for the sums.

    There is no other way to say so.  It holds for all code in this process, whose results do not change by it.
    """
    llvm.set_option("zyg", "-force-ordered-reductions")


def _optimise(module: Any, machine: Any) -> None:
    """Straight code is not searched for vectors, as by Numba: here that costs more than all other passes."""
    _set_options()
    options = llvm.create_pipeline_tuning_options(_OPTIMISATION)
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _tidy(module: Any, machine: Any) -> None:
    """The little that code without arithmetic needs: memory in registers, fewer blocks."""
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(_OPTIMISATION))
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)


def load(text: str, name: str, arithmetic: bool = True, runs: bool = True) -> tuple[JITCodeLibrary, bytes]:
    """Optimise a module and put it into this process; also its bitcode, since code generation works on the module.

    runs: else no code is generated before it is asked for.
    """
    with global_compiler_lock:
        generator = codegen()
        module = llvm.parse_assembly(text)
        module.triple = generator._llvm_module.triple
        module.data_layout = generator._data_layout
        module.verify()
        with _unrolling(not is_large(text)):
            (_optimise if arithmetic else _tidy)(module, generator._tm)
        bitcode = module.as_bitcode()
        library = generator.create_library(name)
        library._final_module = module
        if runs:
            with reducing_strength(not is_large(text)):
                library._finalize_final_module()
        return library, bitcode


@contextmanager
def _unrolling(usual: bool) -> Iterator[None]:
    """How large loops of known length may become as straight code: as usual at this level, or half of that.

    In modules with many arrays of known size code generation takes many times as long with the usual limit, for code
    that is no faster.  Under the compiler lock.
    """
    if usual:
        yield
        return
    llvm.set_option("zyg", "-unroll-threshold=150")
    try:
        yield
    finally:
        llvm.set_option("zyg", "-unroll-threshold=300")


@contextmanager
def reducing_strength(on: bool) -> Iterator[None]:
    """Whether LLVM reduces the strength of induction variables while it generates code; under the compiler lock."""
    if on:
        yield
        return
    llvm.set_option("zyg", "-disable-lsr=true")
    try:
        yield
    finally:
        llvm.set_option("zyg", "-disable-lsr=false")


def is_large(text: str) -> bool:
    """Whether a module is one that LLVM spends much time on."""
    return text.count("\n") >= _LARGE


def address_of(library: Any, symbol: str) -> int:
    """Where a function of a loaded library is; 0 if it has none of this name."""
    with global_compiler_lock:
        return int(library.get_pointer_to_function(symbol))


def is_defined(symbol: str) -> bool:
    """Has any code in this process a function of this name?"""
    return bool(codegen()._engine.is_symbol_defined(symbol))


def assembly_of(bitcode: bytes) -> str:
    """The machine code of a module as text."""
    with global_compiler_lock:
        return str(codegen()._tm.emit_assembly(llvm.parse_bitcode(bitcode)))


def linkable(library: JITCodeLibrary, bitcode: bytes) -> JITCodeLibrary:
    """`library` prepared for being linked into others from the module as it was before code generation."""
    library._shared_module = module_to_link(bitcode)
    return library


def module_to_link(bitcode: bytes) -> Any:
    """A module of which several others may have parts."""
    with global_compiler_lock:
        module = llvm.parse_bitcode(bitcode)
        for function in module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.external:
                function.linkage = "linkonce_odr"
        for variable in module.global_variables:
            if not variable.is_declaration and variable.linkage == llvm.Linkage.external:
                variable.linkage = "internal"
        return module
