"""Memory: buffers of numbers that programs read and write, and what their shadows rest on.

A buffer is a flat run of elements; arrays and their views are arithmetic on the index (see `arrays`), so that a
view's shadow is the same arithmetic on the shadow of its buffer.  Indices are in range: whoever emits an access has
emitted the guard.  Different parameters of a program that is `distinct` are different buffers if one of them is
written; those of other programs may be the same.

A *growable* buffer stays the same buffer while `mem_reserve` gives it more room.  The elements of a buffer may be
handles of buffers; the shadow of such a buffer holds the shadows of those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types

from zyg.ir.external import External
from zyg.ir.matrices import mem_gemm, mem_pack, mem_product, mem_sum
from zyg.ir.program import Op, Operand, Type
from zyg.rules.primitives import Primitive, table


class MemoryType(types.Type):
    """The type of a buffer with elements of the type `dtype`: a machine type, or that of a buffer."""

    def __init__(self, dtype: Type, growable: bool = False) -> None:
        self.dtype = dtype
        self.growable = growable
        super().__init__(name=f"memory({dtype}{', ...' if growable else ''})")


def mem_new(count: Any) -> Any:
    """A buffer of `count` (int64, ≥ 0) elements, their values undefined."""
    raise RuntimeError(_PLACES)


def mem_zeros(count: Any) -> Any:
    """A buffer of `count` (int64, ≥ 0) elements, all zero."""
    raise RuntimeError(_PLACES)


def mem_like(memory: Any) -> Any:
    """A buffer with as many elements as `memory`, all zero."""
    raise RuntimeError(_PLACES)


def mem_copy(memory: Any) -> Any:
    """A buffer with the elements that `memory` has now."""
    raise RuntimeError(_PLACES)


def mem_size(memory: Any) -> Any:
    """The number of elements (int64)."""
    raise RuntimeError(_PLACES)


def length(n: Any) -> Any:
    """`n`, the extent of an array along a dimension (int64), which is known to be in [0, 2**62)."""
    return n


def mem_load(memory: Any, index: Any) -> Any:
    """The element number `index` (int64)."""
    raise RuntimeError(_PLACES)


def mem_store(memory: Any, index: Any, value: Any) -> None:
    """Make `value` the element number `index`; no result."""
    raise RuntimeError(_PLACES)


def mem_add(memory: Any, index: Any, value: Any) -> None:
    """Add `value` to the element number `index`; no result."""
    raise RuntimeError(_PLACES)


def mem_clear(memory: Any) -> None:
    """Make all elements zero; no result.  It is written by the last passes and has no derivative."""
    raise RuntimeError(_PLACES)


def mem_clear_unless(memory: Any, count: Any) -> None:
    """Make all elements zero unless there are `count` (int64) of them; no result.  Likewise."""
    raise RuntimeError(_PLACES)


def mem_clear_from(memory: Any, start: Any) -> None:
    """Make the elements from number `start` (int64, not more than there are) on zero; no result.  Likewise."""
    raise RuntimeError(_PLACES)


def mem_reserve(memory: Any, count: Any) -> None:
    """Give a growable buffer room for `count` (int64) elements at least; those that it gains are zero.  No result."""
    raise RuntimeError(_PLACES)


def mem_apart(a: Any, b: Any) -> Any:
    """Whether two buffers share no element (bool)."""
    raise RuntimeError(_PLACES)


def mem_keep(memory: Any) -> None:
    """Keep `memory`, which this program has made and gives, when all else that it has made is freed; no result."""
    raise RuntimeError(_PLACES)


def mem_give(memory: Any) -> None:
    """Leave `memory`, which this call has made, to whoever called from outside; no result."""
    raise RuntimeError(_PLACES)


_PLACES = "buffers exist in compiled or interpreted programs only"

ALLOCATIONS = frozenset((mem_new, mem_zeros, mem_like, mem_copy, mem_pack))
ELEMENT_WRITES = frozenset((mem_store, mem_add))
# What writes to the buffer that is its first operand
WRITES = ELEMENT_WRITES | {mem_gemm, mem_product, mem_sum, mem_clear, mem_clear_unless, mem_clear_from}

_EFFECTS: tuple[Callable[..., Any], ...] = (
    *(mem_new, mem_zeros, mem_like, mem_copy, mem_store, mem_add, mem_clear, mem_reserve),
    *(mem_clear_unless, mem_clear_from, mem_give, mem_keep),
)
_READS: tuple[Callable[..., Any], ...] = (mem_load, mem_size, mem_apart, length)
for _fn in (*_EFFECTS, *_READS):
    table[_fn] = Primitive(_fn.__name__, 1, effect=_fn in _EFFECTS)


def is_memory(kind: Type) -> bool:
    return isinstance(kind, MemoryType)


def read_buffers(op: Op) -> tuple[Operand, ...]:
    """The buffers whose elements an op looks at, but for those that it only adds to."""
    if isinstance(op.fn, External):
        return tuple(arg for arg in op.args if is_memory(arg.type))
    return tuple(op.args[i] for i in _READ.get(op.fn, ()))


_READ: dict[Callable[..., Any], tuple[int, ...]] = {
    mem_load: (0,),
    mem_copy: (0,),
    mem_pack: (0,),
    mem_gemm: (4, 8),
    mem_product: (4, 8),
    mem_sum: (4,),
}


def holds_handles(kind: Type) -> bool:
    """Is this the type of a buffer whose elements are handles of buffers?"""
    return isinstance(kind, MemoryType) and isinstance(kind.dtype, MemoryType)
