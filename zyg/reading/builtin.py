"""Python's and NumPy's functions that native code knows; importing their modules fills the table."""

from __future__ import annotations

import numpy as np

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
    copying,
    elementary,
    imports,
    iterating,
    masked_reductions,
    places,
    shown,
)
from zyg.reading.handlers import HANDLERS
from zyg.rules import (
    assembling,
    combining,
    fourier,
    grids,
    linalg,
    ordering,
    polynomials,
    quantiles,
    random_draws,
    rearranging,
    sets,
    writing,
)
from zyg.rules.library import LIBRARY

# The array API's names for functions that have handlers
HANDLERS |= {getattr(np.linalg, name): HANDLERS[getattr(np, name)] for name in ("matmul", "tensordot")}
LIBRARY[np.linalg.cross] = LIBRARY[np.cross]

__all__ = [
    "HANDLERS",
    "arithmetic",
    "array_contractions",
    "array_joining",
    "array_making",
    "array_members",
    "array_products",
    "array_reductions",
    "assembling",
    "combining",
    "composites",
    "containers",
    "conversions",
    "copying",
    "elementary",
    "fourier",
    "grids",
    "imports",
    "iterating",
    "linalg",
    "masked_reductions",
    "ordering",
    "places",
    "polynomials",
    "quantiles",
    "random_draws",
    "rearranging",
    "sets",
    "shown",
    "writing",
]
