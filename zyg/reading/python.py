"""Python's operations on abstract values: the `Semantics` that the reader is given."""

from __future__ import annotations

from zyg.reading.calls import call
from zyg.reading.indexing import check_same, like, update
from zyg.reading.iteration import advance, elements, iterator
from zyg.reading.list_members import update_list
from zyg.reading.lists import display
from zyg.reading.lists import element as list_element
from zyg.reading.lists import join as join_lists
from zyg.reading.maps import settle, settle_all
from zyg.reading.members import attribute, delete_item, item, set_attribute, set_item
from zyg.reading.operators import apply as operator
from zyg.reading.operators import truth
from zyg.reading.records import dict_display, frozen
from zyg.reading.records import join as join_records
from zyg.reading.records import settle_in_memory as settle_dict

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
