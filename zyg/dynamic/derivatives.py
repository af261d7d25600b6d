"""The kinds of derivatives of `zyg.api`, in dynamic mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import zyg.dynamic.own_calls as _own_calls
from zyg.dynamic.array import is_array
from zyg.dynamic.run import Recorded, gradient, implicit, jvp, pullback
from zyg.errors import ArgumentError
from zyg.reading.derive import Options

assert _own_calls  # imported for what it registers

__all__ = ["derivative", "implicit", "jvp", "pullback"]


def derivative(fn: Callable[..., Any], args: Sequence[Any], kws: dict[str, Any], options: Options) -> Any:
    """What `grad(fn, …)(*args, **kws)` gives, or what else `options` say."""
    gives = options.gives
    argnums: Any = options.argnums
    if gives in ("grad", "value_and_grad"):
        return gradient(fn, args, kws, argnums, gives, options.has_aux)
    if gives in ("jacobian", "jacrev", "jacfwd"):
        return _jacobian(fn, args, kws, argnums)

    def slope(*given: Any) -> Any:
        return gradient(fn, given, kws, argnums, "grad", False)

    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if gives == "hvp":
        *own, v = args
        along: list[Any] = [None] * len(own)
        for n, part in zip(chosen, v if isinstance(argnums, tuple) else (v,), strict=True):
            along[n] = part
        return jvp(slope, own, along)[1]
    found = _jacobian(slope, args, {}, argnums)
    if gives == "hessian":
        return found
    if isinstance(argnums, tuple):
        return tuple(_diagonal(found[i][i]) for i in range(len(argnums)))
    return _diagonal(found)


def _diagonal(found: Any) -> Any:
    if not is_array(found):
        return found
    size = int(np.sqrt(found.size))
    half = found.shape[: found.ndim // 2]
    return np.diagonal(np.reshape(found, (size, size))).copy().reshape(half)


def _jacobian(fn: Callable[..., Any], args: Sequence[Any], kws: dict[str, Any], argnums: int | tuple[int, ...]) -> Any:
    """By rows: one reverse sweep for each entry of the value."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    run = Recorded(fn, args, kws, [n % len(args) for n in chosen], False)
    y = run.value
    if isinstance(y, tuple):
        parts = [_rows(run, y, run.outputs, k) for k in range(len(y))]
        return tuple(part if isinstance(argnums, tuple) else part[0] for part in parts)
    found = _rows(run, y, run.outputs, None)
    return found if isinstance(argnums, tuple) else found[0]


def _rows(run: Recorded, y: Any, refs: Any, k: int | None) -> tuple[Any, ...]:
    part = y if k is None else y[k]
    root = getattr(part, "__zyg_root__", part)
    if np.asarray(root).dtype.kind not in "fiub":
        raise ArgumentError(
            "a Jacobian needs a real number or array as the function's value", None, "Use zyg.pullback."
        )
    shape = np.shape(root)
    rows: list[list[Any]] = []
    for index in np.ndindex(shape):
        seed: Any = 1.0
        if shape:
            seed = np.zeros(shape)
            seed[index] = 1.0
        rows.append(run.sweep(seed if k is None else [seed if i == k else None for i in range(len(y))]))
    found = []
    for column in zip(*rows, strict=True):
        first = column[0]
        inner = np.shape(getattr(first, "__zyg_root__", first))
        if not shape:
            found.append(first)
        else:
            found.append(
                np.reshape(
                    np.stack([np.asarray(item) if not hasattr(item, "__zyg_root__") else item for item in column]),
                    shape + inner,
                )
            )
    return tuple(found)
