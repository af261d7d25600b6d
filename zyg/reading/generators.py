"""Generator expressions: what their consumer makes of them, as functions.

A generator expression that is given to a function directly is run by it to its end, or until `any` and `all` have
decided.  So its code becomes that of a function: `yield v` adds `v` to a sum or a list, or returns.
"""

from __future__ import annotations

import operator
import types
from typing import Any

from numba.core import ir as nir

FORMS = ("sum", "any", "all", "list")
_PREFIX = "<genexpr> as "


def form_of(code: types.CodeType) -> str | None:
    """What the generator of this code is made into; None for other code."""
    return code.co_name.removeprefix(_PREFIX) if code.co_name.startswith(_PREFIX) else None


def is_generator(code: types.CodeType) -> bool:
    return code.co_name == "<genexpr>"


def made_into(code: types.CodeType, form: str) -> types.CodeType:
    """The code of a generator expression, marked as what it is made into."""
    return code.replace(co_name=_PREFIX + form)


def as_function(func_ir: Any, form: str) -> Any:
    """Numba's IR of a generator, as that of a function that gives what `form` says."""
    first = min(func_ir.blocks)
    scope, loc = func_ir.blocks[first].scope, func_ir.blocks[first].loc
    made = nir.Var(scope, "$made", loc)
    start = nir.Expr.build_list([], loc) if form == "list" else nir.Const(_START[form], loc)
    after_arguments = next(
        (i for i, stmt in enumerate(func_ir.blocks[first].body) if not _is_argument(stmt)),
        len(func_ir.blocks[first].body),
    )
    func_ir.blocks[first].body.insert(after_arguments, nir.Assign(start, made, loc))
    for label in list(func_ir.blocks):
        _rewrite(func_ir, label, form, made)
    return func_ir


_START = {"sum": 0, "any": False, "all": True}


def _is_argument(stmt: Any) -> bool:
    return isinstance(stmt, nir.Assign) and isinstance(stmt.value, nir.Arg)


def _rewrite(func_ir: Any, label: int, form: str, made: Any) -> None:
    block = func_ir.blocks[label]
    body, block.body = block.body, []
    for stmt in body:
        if isinstance(stmt, nir.Return):
            block.append(nir.Return(made, stmt.loc))
        elif isinstance(stmt, nir.Assign) and isinstance(stmt.value, nir.Yield):
            block = _yielded(func_ir, block, stmt, form, made)
        else:
            block.append(stmt)


def _yielded(func_ir: Any, block: Any, stmt: Any, form: str, made: Any) -> Any:
    """What `yield` becomes; the block in which what follows it goes."""
    scope, loc, value = block.scope, stmt.loc, stmt.value.value
    if form == "sum":
        block.append(nir.Assign(nir.Expr.binop(operator.add, made, value, loc), made, loc))
        block.append(nir.Assign(nir.Const(None, loc), stmt.target, loc))
        return block
    if form == "list":
        append = nir.Var(scope, f"$append{id(stmt)}", loc)
        block.append(nir.Assign(nir.Expr.getattr(made, "<append>", loc), append, loc))
        block.append(nir.Assign(nir.Expr.call(append, (value,), (), loc), stmt.target, loc))
        return block
    decided, rest = nir.Block(scope, loc), nir.Block(scope, loc)
    labels = []
    for one in (decided, rest):
        labels.append(max(func_ir.blocks) + 1)
        func_ir.blocks[labels[-1]] = one
    to_decided, to_rest = labels if form == "any" else labels[::-1]
    block.append(nir.Branch(value, to_decided, to_rest, loc))
    answer = nir.Var(scope, "$answer", loc)
    decided.append(nir.Assign(nir.Const(form == "any", loc), answer, loc))
    decided.append(nir.Return(answer, loc))
    rest.append(nir.Assign(nir.Const(None, loc), stmt.target, loc))
    return rest
