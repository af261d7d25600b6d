"""Python's operations on abstract values: the `Semantics` that the reader is given."""

from __future__ import annotations

from zyg.ir.arrays import settle, settle_all
from zyg.ir.calls import call
from zyg.ir.indexing import check_same, like, update
from zyg.ir.iteration import advance, elements, iterator
from zyg.ir.members import attribute, item, set_item
from zyg.ir.operators import apply as operator
from zyg.ir.operators import truth

__all__ = [
    "advance",
    "attribute",
    "call",
    "check_same",
    "elements",
    "item",
    "iterator",
    "like",
    "operator",
    "set_item",
    "settle",
    "settle_all",
    "truth",
    "update",
]
