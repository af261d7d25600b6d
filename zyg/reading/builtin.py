"""Python's and NumPy's functions that native code knows; importing their modules fills the table."""

from __future__ import annotations

from zyg.reading import (
    arithmetic,
    array_contractions,
    array_joining,
    array_making,
    array_members,
    array_products,
    array_reductions,
    composites,
    containers,
    conversions,
    elementary,
)
from zyg.reading.handlers import HANDLERS
from zyg.rules import combining, linalg, ordering, rearranging

__all__ = [
    "HANDLERS",
    "arithmetic",
    "array_contractions",
    "array_joining",
    "array_making",
    "array_members",
    "array_products",
    "array_reductions",
    "combining",
    "composites",
    "containers",
    "conversions",
    "elementary",
    "linalg",
    "ordering",
    "rearranging",
]
