"""Python's operations on abstract values: the `Semantics` that the reader is given."""

from __future__ import annotations

from zyg.ir.arrays import settle, settle_all
from zyg.ir.calls import call
from zyg.ir.indexing import check_same, like, update
from zyg.ir.iteration import advance, elements, iterator
from zyg.ir.list_members import update_list
from zyg.ir.lists import display
from zyg.ir.lists import element as list_element
from zyg.ir.lists import join as join_lists
from zyg.ir.members import attribute, delete_item, item, set_attribute, set_item
from zyg.ir.operators import apply as operator
from zyg.ir.operators import truth
from zyg.ir.records import dict_display, frozen
from zyg.ir.records import join as join_records
from zyg.ir.records import settle_in_memory as settle_dict

__all__ = [
    "advance",
    "attribute",
    "call",
    "check_same",
    "delete_item",
    "dict_display",
    "display",
    "elements",
    "frozen",
    "item",
    "iterator",
    "join_lists",
    "join_records",
    "like",
    "list_element",
    "operator",
    "set_attribute",
    "set_item",
    "settle",
    "settle_all",
    "settle_dict",
    "truth",
    "update",
    "update_list",
]
