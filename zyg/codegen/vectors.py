"""Elementary functions of whole vectors: what LLVM may call for several elements at once in a loop.

They are glibc's libmvec, four units in the last place exact, and used only where a loop is vectorised; elsewhere a
call stays what it is.
"""

from __future__ import annotations

import platform
from functools import cache

import llvmlite.binding as llvm

from zyg.codegen import jit
from zyg.codegen.assembly import Body

_LIBRARY = "libmvec.so.1"
# The instruction sets with the letters by which glibc names them and the bytes of their vectors; all have the first
_SETS = {"+avx2": ("d", 32), "+avx512f": ("e", 64)}
_FIRST = ("b", 16)


@cache
def load() -> bool:
    """Load the library; is it there?"""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        llvm.load_library_permanently(_LIBRARY)
    except RuntimeError:
        return False
    return True


@cache
def _widths() -> tuple[tuple[str, int], ...]:
    features = jit.features()
    return (_FIRST, *(kind for name, kind in _SETS.items() if name in features))


@cache
def _variants(name: str, arity: int, type: str, called: str) -> tuple[tuple[str, str, str], ...]:
    """For each width: the vector function, its type, and how LLVM is told that it stands for the function `called`."""
    found = []
    if load():
        for letter, bytes in _widths():
            lanes = bytes // (4 if type == "float" else 8)
            shape = f"N{lanes}{'v' * arity}"
            vector = f"_ZGV{letter}{shape}_{name}{'f' * (type == 'float')}"
            if llvm.address_of_symbol(vector):
                found.append((vector, f"<{lanes} x {type}>", f"_ZGV_LLVM_{shape}_{called}({vector})"))
    return tuple(found)


def attributes(b: Body, name: str, arity: int, type: str, called: str) -> str:
    """What to write behind a call of the scalar function `called` that is `name` for operands of `type`."""
    variants = _variants(name, arity, type, called)
    if not variants:
        return ""
    b.assembly.require(load)
    for vector, kind, _ in variants:
        b.assembly.declare(vector, kind, [kind] * arity, "nounwind willreturn memory(none)")
        b.assembly.keep(vector)
    return b.assembly.attribute_group(f'"vector-function-abi-variant"="{",".join(rule for *_, rule in variants)}"')
