"""What an op contributes to the adjoints of its operands, by its rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from zyg.adjoint.trace import Emitter
from zyg.errors import ValueArgumentError, ZygError, not_differentiable, unsupported
from zyg.ir.program import Callback, Op, Operand, Pos, Type
from zyg.ir.scalars import c8, c16, f8
from zyg.rules import primitives as p
from zyg.rules.elementwise import Domain, nonholomorphic
from zyg.rules.foreign import DRAWS
from zyg.rules.registry import Partial


def tangent_kind(kind: Type) -> Type:
    """The type in which rules of users receive and give the cotangent of a value of type `kind`."""
    return f8 if isinstance(kind, types.Integer) and not isinstance(kind, types.Boolean) else kind


def domain(op: Op) -> Domain:
    """What the rule of an op is about: ints, real or complex numbers."""
    kinds = [arg.type for arg in op.args]
    if op.fn is p.make_complex or any(kind in (c8, c16) for kind in kinds):
        return "complex"
    return "integer" if all(isinstance(kind, (types.Integer, types.Boolean)) for kind in kinds) else "real"


def of_python(op: Op) -> ZygError:
    """That native code has no derivative of what Python runs."""
    assert isinstance(op.fn, Callback)
    if op.fn.name.startswith(DRAWS):
        return not_differentiable(f"a call of Python's {op.fn.name}", op.pos)
    hint = "Write it so that it can be compiled, or use mode='dynamic'."
    return unsupported(f"a derivative of {op.fn.name}, which Python runs", op.pos, hint)


def check_taken(op: Op) -> None:
    """An error where a rule leaves an argument out, or calls its own function, which has no native derivative."""
    if op.fn is p.without_cotangent:
        raise ValueArgumentError(
            "the pullback of the function that is called here gives no cotangent of an argument that is passed by name "
            "only, and by which a derivative is taken",
            op.pos,
            "Let back(dy) return one cotangent for each argument.",
        )
    if op.fn is not p.within_rule:
        return
    raise unsupported(
        "a second derivative of a rule that calls the function that it is for",
        op.pos,
        "Compute the value in another way in the rule, or use mode='dynamic'.",
    )


def check_known(op: Op, rule: Partial) -> None:
    """An error where an operand is differentiated by which there is no derivative."""
    if rule.unknown:
        name = getattr(op.fn, "__name__", op.fn)
        raise not_differentiable(f"no derivative of {name} by {rule.unknown} is known", op.pos)


def cotangents(
    ops: list[Op], op: Op, dy: Operand, partials: Any, pos: Pos, need: Callable[[list[Op], Operand], Operand]
) -> list[Operand | None]:
    """The contribution of `op` to each operand, by its rule."""
    emitter = Emitter(ops, pos, gates=True)
    is_complex = dy.type in (c8, c16)
    conjugate = is_complex and not (op.fn in nonholomorphic and domain(op) == "complex")
    found: list[Operand | None] = []
    for rule in partials(op):
        if rule is None:
            found.append(None)
            continue
        check_known(op, rule)
        seed = emitter.emit(np.conj, (dy,), dy.type) if conjugate else dy
        values: dict[str, Any] = {"dy": emitter.symbol(seed)}
        for name, arg in zip("abc", op.args, strict=False):
            if name in rule.names:
                values[name] = emitter.symbol(need(ops, arg))
        if "y" in rule.names:
            values["y"] = emitter.symbol(need(ops, op.result))
        out = emitter.operand(rule(values), dy.type)
        found.append(emitter.emit(np.conj, (out,), out.type) if conjugate and out.type in (c8, c16) else out)
    return found
