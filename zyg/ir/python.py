"""Python's operations on abstract values: the `Semantics` that the reader is given."""

from __future__ import annotations

from zyg.ir.calls import call
from zyg.ir.iteration import advance, elements, iterator
from zyg.ir.members import attribute, item
from zyg.ir.operators import apply as operator
from zyg.ir.operators import truth

__all__ = ["advance", "attribute", "call", "elements", "item", "iterator", "operator", "truth"]
