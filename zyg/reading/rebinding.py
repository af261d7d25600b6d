"""Variables that nested functions capture: closures capture by value while reading, so that such a variable must not
be rebound where one that was made before could still be called."""

from __future__ import annotations

import types as pytypes
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from numba.core import ir as nir

from zyg.errors import unsupported
from zyg.reading.heads import ClosureHead, MemoryListHead, RecordHead
from zyg.reading.values import Node, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def check_rebinding(reader: FunctionReader, label: int, number: int, name: str) -> None:
    """Raise if a function that captured the variable before statement `number` of a block may be called behind it."""
    if not _may_be_captured(reader.ir, label, number, name):
        return
    used = _used_behind(reader, label, number)
    held = [(other, value) for other, value in reader.env.items() if other != name]
    holders = [other for other, value in held if other in used or not other.startswith("$")]
    for other in holders:
        if _captures(reader.env[other], reader.code, name):
            raise _rebound(reader, name, other.split(".")[0])
    for site in reader.spec.sites.in_memory():
        kinds = [site.element] if site.cls is list else list(site.fields.values())
        if any(_captures(kind, reader.code, name) for kind in kinds if kind is not None):
            raise _rebound(reader, name, "")


def _rebound(reader: FunctionReader, name: str, other: str) -> Exception:
    named = f" ({other})" if other and not other.startswith("$") else ""
    return unsupported(
        f"{name!r} is rebound while a function that captured it{named} is still in use",
        reader.pos,
        "Pass it as an argument, or use another name.",
    )


def _captures(value: Value, code: pytypes.CodeType, name: str) -> bool:
    """Is there a function in it, made by this code, that captures the variable?"""
    if not isinstance(value, Node):
        return False
    head = value.head
    if isinstance(head, ClosureHead) and head.code in code.co_consts and name in head.captures:
        return True
    if isinstance(head, (MemoryListHead, RecordHead)):  # what they hold is known of their sites
        return False
    return any(_captures(item, code, name) for item in value.items)


def _used_behind(reader: FunctionReader, label: int, number: int) -> set[str]:
    """The locals that are used behind a statement."""
    body = reader.ir.blocks[label].body
    names = {var.name for stmt in body[number + 1 :] for var in stmt.list_vars()}
    return names.union(*(reader.live[target] for target in body[-1].get_targets()))


@lru_cache(maxsize=1024)
def _made_before(func_ir: Any) -> dict[int, frozenset[str]]:
    """Which variables may have been captured where each block begins."""
    before: dict[int, frozenset[str]] = dict.fromkeys(func_ir.blocks, frozenset())
    changed = True
    while changed:
        changed = False
        for label, block in func_ir.blocks.items():
            after = before[label] | _made_in(block.body)
            for target in block.body[-1].get_targets():
                if not after <= before[target]:
                    before[target] |= after
                    changed = True
    return before


def _made_in(body: list[Any]) -> frozenset[str]:
    """The variables that functions made by these statements capture."""
    exprs = [stmt.value for stmt in body if isinstance(stmt, nir.Assign) and isinstance(stmt.value, nir.Expr)]
    return frozenset().union(*(expr.code.co_freevars for expr in exprs if expr.op == "make_function"))


def _may_be_captured(func_ir: Any, label: int, number: int, name: str) -> bool:
    return name in _made_before(func_ir)[label] or name in _made_in(func_ir.blocks[label].body[:number])
