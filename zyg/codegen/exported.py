"""Functions that SciPy's Cython modules export to compiled code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from importlib.machinery import PathFinder

import llvmlite.binding as llvm
from numba.extending import get_cython_function_address


@cache
def exported(module: str, name: str) -> int:
    """The address of a function.

    To import the module's package as well, which it needs not for this, would take longer than to compile most
    programs.
    """
    loaded = module in sys.modules or _load_alone(module)
    try:
        return int(get_cython_function_address(module, name))
    finally:
        if not loaded:
            # Who imports it with its package gets this one
            sys.modules.pop(module, None)


def _load_alone(module: str) -> bool:
    """Make a module known without its package.  Whether it is known for good, with its package."""
    parent = module.rpartition(".")[0]
    if parent in sys.modules:
        return True
    try:
        package = importlib.util.find_spec(parent)
        spec = PathFinder.find_spec(module, package.submodule_search_locations) if package is not None else None
        if spec is None or spec.loader is None:
            return True
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        sys.modules[module] = found
    except Exception:
        sys.modules.pop(module, None)
        return True
    return False


def name_blas(letter: str, *names: str) -> None:
    """Give functions of SciPy's BLAS, for one type of numbers, names that generated code calls them by."""
    for name in names:
        llvm.add_symbol(f"zyg.blas.{letter}{name}", exported("scipy.linalg.cython_blas", letter + name))
