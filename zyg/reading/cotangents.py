"""Cotangents and tangents as values: in the structure of what they belong to, with None where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from numba import types

from zyg.adjoint.activity import differentiable, shadow_type
from zyg.adjoint.directions import has_tangent
from zyg.adjoint.partials import tangent_kind
from zyg.errors import ValueArgumentError
from zyg.ir.memory import mem_like
from zyg.ir.program import Const, Op, Operand, Var
from zyg.passes.slots import zero
from zyg.reading.captured import opened_whole
from zyg.reading.describe import with_names
from zyg.reading.heads import ClosureHead, DictHead, ListHead, ObjectHead, TupleHead
from zyg.reading.instances import gives_same_class
from zyg.reading.values import Node, Static, Value, array_like, is_array, is_container

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def carriers(value: Value) -> Iterator[Var]:
    """The variables in a value that a derivative may be taken by: numbers, and the buffers of arrays."""
    if isinstance(value, Var):
        if differentiable(value.type) or shadow_type(value.type) is not None:
            yield value
    elif isinstance(value, Node):
        for item in value.items[:1] if is_array(value) else value.items:
            yield from carriers(item)


def gradient_of(formal: Value, by_param: dict[Var, Var], actual: dict[Var, Operand], top: bool) -> Value:
    """The gradient of an argument: its structure, with None for what is not a float inside containers."""
    if isinstance(formal, Var):
        if isinstance(formal.type, types.Boolean) or (not top and isinstance(formal.type, types.Integer)):
            return Static(None)
        return by_param.get(formal, zero(formal.type))
    if isinstance(formal, Node) and (is_container(formal) or isinstance(formal.head, ClosureHead)):
        return container_like(formal, [gradient_of(item, by_param, actual, False) for item in formal.items])
    if is_array(formal) and isinstance(formal, Node) and isinstance(memory := formal.items[0], Var):
        if memory not in by_param:
            return Static(None)
        return array_like(formal, by_param[memory], lambda leaf: actual.get(leaf, leaf))
    return Static(None)


def container_like(value: Node, items: Sequence[Value]) -> Value:
    """A gradient or tangent of a container: the same kind of container, or a namespace of the attributes that have one.

    Such a namespace belongs to a function made while reading, too, with the variables that it captures.
    """
    head = value.head
    if isinstance(head, ClosureHead):
        names, items = head.captures, items[: len(head.captures)]
    elif isinstance(head, ObjectHead) and not gives_same_class(head.cls):
        names = head.names
    else:
        return Node(head, tuple(items))
    kept = [(n, item) for n, item in zip(names, items, strict=True) if not (isinstance(item, Static) and not item.obj)]
    if isinstance(head, ClosureHead) and not kept:
        return Static(None)
    return Node(ObjectHead(SimpleNamespace, tuple(n for n, _ in kept)), tuple(item for _, item in kept))


def placed(given: Value, like: Node, partly: bool = False) -> Sequence[Value] | None:
    """The items of a cotangent or tangent in the order of those of the value that it belongs to, None where it has
    another structure.  Attributes of an instance may be left out, keys of a dict where it is given `partly`: there is
    no derivative by them."""
    if not isinstance(given, Node):
        return None
    own, names = _names(like), _names(given)
    if own is None or names is None:
        fits = own is names and isinstance(given.head, (TupleHead, ListHead)) and len(given.items) == len(like.items)
        return given.items if fits else None
    if not set(names) <= set(own) or (isinstance(like.head, DictHead) and not partly and len(names) < len(own)):
        return None
    items = dict(zip(names, given.items, strict=False))
    return [items.get(name, Static(None)) for name in own] + [Static(None)] * (len(like.items) - len(own))


def _names(value: Node) -> tuple[str, ...] | None:
    """The keys of a dict, the attributes of an instance, what a function captures; None for what goes by position."""
    head = value.head
    if isinstance(head, ClosureHead):
        return head.captures
    return head.keys if isinstance(head, DictHead) else head.names if isinstance(head, ObjectHead) else None


def matching(result: Value, given: Value, reader: FunctionReader) -> list[Operand]:
    """The leaves of a cotangent (or tangent) that belong to the differentiable variables of `result`."""
    given = opened_whole(reader, given)
    if isinstance(result, Const):
        return []
    if isinstance(result, Var):
        if not differentiable(result.type):
            return []
        if isinstance(given, Static) and given.obj is None:
            return [zero(tangent_kind(result.type))]
        if isinstance(given, (Var, Const)):
            return [given]
    elif isinstance(result, Static):
        return []
    elif is_array(result) and isinstance(result, Node):
        if isinstance(given, Static) and given.obj is None:
            shadow = Var(shadow_type(result.items[0].type), "dot")  # type: ignore[union-attr,arg-type]
            reader.ops.append(Op(mem_like, (result.items[0],), (shadow,), reader.pos))  # type: ignore[arg-type]
            return [shadow]
        return [reader.spec.calls.like(reader, result, given)]
    elif isinstance(given, Static) and given.obj is None:
        return [zero(tangent_kind(leaf.type)) for leaf in carriers(result)]
    elif isinstance(result, Node) and (items := placed(given, result)) is not None:
        return [leaf for a, b in zip(result.items, items, strict=True) for leaf in matching(a, b, reader)]
    raise ValueArgumentError(
        f"the cotangent or tangent of {with_names(result)} cannot be {with_names(given)}",
        reader.pos,
        "Give it the structure of the value, with None where there is none.",
    )


def slope_of(y: Value, inner: Value, slopes: Iterator[Var], top: bool) -> Value:
    """The tangent of a result `y` (`inner` inside the program): its structure, with None for what is not a float
    inside containers."""
    if isinstance(y, Node) and isinstance(inner, Node) and is_container(y):
        pairs = zip(y.items, inner.items, strict=True)
        return container_like(y, [slope_of(a, b, slopes, False) for a, b in pairs])
    if is_array(y) and isinstance(y, Node) and isinstance(inner, Node):
        buffer = y.items[0]
        assert isinstance(buffer, Var)
        found = array_like(y, next(slopes), lambda leaf: leaf) if has_tangent(buffer.type) else Static(None)
        for item in inner.items[1:]:
            if isinstance(item, Var):
                next(slopes)
        return found
    if not isinstance(inner, (Var, Const)) or not differentiable(inner.type):
        return Static(None)
    slope = next(slopes) if isinstance(inner, Var) else zero(tangent_kind(inner.type))
    return Static(None) if isinstance(inner.type, types.Integer) and not top else slope
