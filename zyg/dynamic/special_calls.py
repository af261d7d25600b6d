"""SciPy's special functions on tracked values: by the rules that native code uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.dynamic.functions import hooked
from zyg.dynamic.numpy_calls import as_array, tracked_in
from zyg.dynamic.resolve import CALLS, HOOKS
from zyg.dynamic.ufuncs import COMPOSITES, PRIMITIVES
from zyg.reading import special
from zyg.rules import primitives as p
from zyg.rules.library import LIBRARY
from zyg.rules.special_written import WRITTEN


def learn() -> None:
    """Enter them into the tables, once somebody has imported SciPy's module."""
    special.learn()
    module = special.imported()
    if module is None or module.psi in COMPOSITES:
        return
    for name, primitive in special.SAME.items():
        fn = getattr(module, name, None)
        if isinstance(fn, np.ufunc):
            PRIMITIVES[fn] = primitive
    for fn in (module.psi, module.digamma):
        COMPOSITES[fn] = lambda a: p.polygamma(0, a)
    for name, written in WRITTEN.items():
        if hasattr(module, name):
            CALLS[getattr(module, name)] = _instead(getattr(module, name), written)
    CALLS[module.polygamma] = _instead(module.polygamma, p.polygamma)


def _instead(fn: Callable[..., Any], written: Any) -> Callable[..., Any]:
    """`fn` where nothing is tracked, else what is written for it."""

    def call(*args: Any, **kws: Any) -> Any:
        if not tracked_in((args, kws)):
            return fn(*args, **kws)
        args = tuple([as_array(arg) if isinstance(arg, list) else arg for arg in args])
        return (written if written is p.polygamma else hooked(written, HOOKS, always=True))(*args, **kws)

    return call


CALLS[np.kaiser] = _instead(np.kaiser, LIBRARY[np.kaiser])
