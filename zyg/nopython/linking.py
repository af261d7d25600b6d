"""Native code of zyg's as part of the code of an `@njit` function.

What is small is linked before Numba optimises its own, so that it is inlined.  What is large is linked behind that: it
has been optimised already, and to do it again, twice, as Numba would, takes several times as long as all the rest.
"""

from __future__ import annotations

from typing import Any

from zyg.codegen import jit
from zyg.codegen.compile import Native

_LATE = "_zyg_late"


def link(library: Any, native: Native) -> None:
    """Make `native` part of `library`, which is being made."""
    if not native.large:
        library.add_linking_library(native.library)
        return
    library._reload_init.update(native.library._reload_init)
    late: dict[str, Native] | None = library.__dict__.get(_LATE)
    if late is None:
        late = {}
        library.__dict__[_LATE] = late
        usual = library._finalize_final_module

        def finalize() -> None:
            for one in late.values():
                library._final_module.link_in(jit.module_to_link(one.bitcode), preserve=True)
            with jit.reducing_strength(False):
                usual()

        library._finalize_final_module = finalize
    late[native.outer.symbol] = native
