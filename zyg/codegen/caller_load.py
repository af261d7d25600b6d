"""Assembly made ready to run, in the process and under the settings in which Numba runs its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from zyg.codegen.assembly import Assembly


def load(assembly: Assembly, name: str) -> Callable[[str], int]:
    """Compile a module of glue code; gives the function from a name in it to its address.

    There is nothing in it for a vectoriser or a second round of inlining, so it gets the short pipeline.
    """
    with global_compiler_lock:
        codegen: Any = cpu_target.target_context.codegen()
        module = llvm.parse_assembly(str(assembly))
        module.name = name
        module.verify()
        module.data_layout = codegen._data_layout
        module.triple = llvm.get_process_triple()
        passes, builder = codegen._module_pass_manager(opt=1, loop_vectorize=False, slp_vectorize=False)
        passes.run(module, builder)
        engine = codegen._engine
        engine.add_module(module)
        engine.finalize_object()

    def address(symbol: str) -> int:
        found: int = engine.get_global_value_address(symbol)
        if not found:
            raise AssertionError(f"{symbol} is not in {name}")
        return found

    return address
