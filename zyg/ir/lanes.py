"""Lanes: as many numbers as a sweep carries at once, each computed as the others are, in one vector register.

An op on lanes is that on numbers, lane by lane.  All its operands are lanes, but for a condition that holds for all.
"""

from __future__ import annotations

from typing import Any

from numba import types

from zyg.ir.program import Type
from zyg.rules.primitives import Primitive, table


class LanesType(types.Type):
    """The type of `width` numbers (or truth values) of the machine type `dtype`."""

    def __init__(self, dtype: Type, width: int) -> None:
        self.dtype: Type = dtype
        self.width: int = width
        super().__init__(name=f"{dtype} x {width}")


def splat(x: Any) -> Any:
    """The number `x` in every lane."""
    raise RuntimeError(_PLACES)


def unit(x: Any, number: Any) -> Any:
    """`x` in the lane `number` (int64), 0 in the others."""
    raise RuntimeError(_PLACES)


def extract(lanes: Any, number: Any) -> Any:
    """What is in the lane `number` (int64)."""
    raise RuntimeError(_PLACES)


_PLACES = "lanes exist in compiled programs only"

for _fn in (splat, unit, extract):
    table[_fn] = Primitive(_fn.__name__, 1)


def dtype_of_lanes(kind: Type) -> Type:
    """The type of what is in a lane; of one number, its own."""
    return kind.dtype if isinstance(kind, LanesType) else kind


def width_of(kind: Type) -> int:
    """How many lanes there are; of one number, 1."""
    return kind.width if isinstance(kind, LanesType) else 1


def lanes_for(count: int) -> int:
    """How many lanes hold so many numbers: 2, 4, 8, …"""
    return 1 << max(count - 1, 1).bit_length()


def truth_of(kind: Type) -> Type:
    """The type of what comparisons of operands of this type give."""
    return LanesType(types.boolean, kind.width) if isinstance(kind, LanesType) else types.boolean
