"""Calls, attributes, items and iteration on abstract values."""

from __future__ import annotations

import functools
import operator as op
import types as pytypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import operators, scalars
from zyg.ir.builtin import HANDLERS
from zyg.ir.custom import RULES, rule_call
from zyg.ir.program import Call, Const, Op, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.ir.values import (
    ClosureHead,
    DictHead,
    ErrorHead,
    IterHead,
    LazyHead,
    MethodHead,
    NextHead,
    Node,
    PartialHead,
    RangeHead,
    SliceHead,
    Static,
    TupleHead,
    UnionHead,
    Value,
    constant,
    leaves,
    rebuild,
    tuple_of,
    variables,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader

UNROLL = 64
operator = operators.apply
truth = operators.truth


def call(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]) -> Value:
    """`fn(*args, **kws)`."""
    if isinstance(fn, Static):
        return _call_static(reader, fn, args, kws)
    if isinstance(fn, Node):
        head = fn.head
        if isinstance(head, ClosureHead):
            return reader.spec.call(reader, fn, args, kws)
        if isinstance(head, PartialHead):
            positional = fn.items[1 : len(fn.items) - len(head.names)]
            named = dict(zip(head.names, fn.items[len(fn.items) - len(head.names) :], strict=True))
            return call(reader, fn.items[0], [*positional, *args], named | kws)
        if isinstance(head, MethodHead):
            return _method(reader, fn, args, kws)
        if isinstance(head, UnionHead):
            return _dispatch(reader, fn, args, kws)
        special = getattr(head, "__zyg_call__", None)
        if special is not None:
            return special(reader, fn, args, kws)  # type: ignore[no-any-return]
    raise unsupported(f"a {operators.kind_name(fn)} is not callable", reader.pos)


def _call_static(reader: FunctionReader, fn: Static, args: list[Value], kws: dict[str, Value]) -> Value:
    obj = fn.obj
    if _has_rule(obj):
        return rule_call(reader, obj, args, kws)
    read = None if isinstance(obj, type) else getattr(obj, "__zyg_read__", None)
    if read is not None:
        return read(reader, args, kws)  # type: ignore[no-any-return]
    handler = _handler(obj)
    if handler is not None:
        return handler(reader, args, kws)
    if isinstance(obj, pytypes.FunctionType):
        return reader.spec.call(reader, fn, args, kws)
    if hasattr(obj, "py_func") and isinstance(obj.py_func, pytypes.FunctionType):
        return reader.spec.call(reader, Static(obj.py_func), args, kws)
    if isinstance(obj, functools.partial):
        captures = reader.spec.captures
        path = fn.path
        inner = captures.value(obj.func, None if path is None else (*path, ("attr", "func")), reader.pos)
        own = captures.value(obj.args, None if path is None else (*path, ("attr", "args")), reader.pos)
        assert isinstance(own, Node)
        named = {name: captures.value(value, None, reader.pos) for name, value in obj.keywords.items()}
        return call(reader, inner, [*own.items, *args], named | kws)
    if isinstance(obj, pytypes.MethodType):
        raise unsupported("methods of objects cannot be compiled yet", reader.pos, "Use a function.")
    if isinstance(obj, type):
        return _construct(reader, obj, args, kws)
    name = getattr(obj, "__qualname__", repr(obj))
    raise unsupported(
        f"{name} has no native code and no derivative rule", reader.pos, f"Write one: @zyg.adjoint({name})."
    )


def _has_rule(obj: Any) -> bool:
    try:
        return obj in RULES
    except TypeError:
        return False


def _handler(obj: Any) -> Callable[..., Value] | None:
    try:
        return HANDLERS.get(obj)
    except TypeError:
        return None


def _construct(reader: FunctionReader, cls: type, args: list[Value], kws: dict[str, Value]) -> Value:
    if issubclass(cls, BaseException):
        return Node(ErrorHead(cls), tuple(args))
    fields = getattr(cls, "_fields", None)
    if issubclass(cls, tuple) and fields is not None:
        defaults = cls._field_defaults  # type: ignore[attr-defined]
        items = list(args)
        for name in fields[len(args) :]:
            if name in kws:
                items.append(kws[name])
            elif name in defaults:
                items.append(reader.spec.captures.value(defaults[name], None, reader.pos))
            else:
                raise unsupported(f"{cls.__name__}() is missing the field {name!r}", reader.pos)
        return tuple_of(items, cls)
    raise unsupported(f"instances of {cls.__name__} cannot be compiled", reader.pos)


def _dispatch(reader: FunctionReader, union: Node, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of a function chosen at run time: a program that branches on which one it is."""
    from zyg.ir.program import Block, Branch, Edge, End, Jump, Program, Return
    from zyg.ir.values import structure

    def formal(value: Value) -> Value:
        return rebuild(value, lambda leaf: Var(leaf.type) if isinstance(leaf, Var) else leaf)

    fn = formal(union)
    formals = [formal(arg) for arg in args]
    named = {name: formal(arg) for name, arg in kws.items()}
    assert isinstance(fn, Node)
    values = [fn, *formals, *named.values()]
    params = tuple(leaf for value in values for leaf in variables(value) if isinstance(leaf, Var))
    saved = reader.ops
    found: list[tuple[list[Op], Value]] = []
    result: Value | None = None
    for alternative in fn.items[1:]:
        reader.ops = []
        value = call(reader, alternative, formals, named)
        found.append((reader.ops, value))
        result = value if result is None else reader.join(result, value, "the result of this call")
    reader.ops = saved
    assert result is not None
    tag = fn.items[0]
    assert isinstance(tag, (Var, Const))
    blocks: dict[int, Block] = {0: Block((), (), Jump(Edge(1)))}
    last = len(found) - 1
    for number, (ops, value) in enumerate(found):
        ops = list(ops)
        end: End = Return(tuple(reader._coerce(value, result, ops)))
        body, test = 2 * number + 2, 2 * number + 1
        if number == last:
            blocks[test] = Block((), (), Jump(Edge(body)))
        else:
            same = Var(b1)
            here = Op(op.eq, (tag, Const(number, i8)), (same,), reader.pos)
            blocks[test] = Block((), (here,), Branch(same, Edge(body), Edge(test + 2)))
        blocks[body] = Block((), tuple(ops), end)
    name = reader.spec.unique("choose")
    kinds = tuple(leaf.type for leaf in variables(result))
    reader.spec.programs[name] = Program(name, params, kinds, blocks)
    actual = [leaf for value in (union, *args, *kws.values()) for leaf in variables(value)]
    assert structure(fn) == structure(union)
    results = tuple(Var(kind) for kind in kinds)
    reader.ops.append(Op(Call(name), tuple(actual), results, reader.pos))
    fresh = iter(results)
    return rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)


# --- attributes and methods -------------------------------------------------------------------------


def attribute(reader: FunctionReader, value: Value, name: str) -> Value:
    """`value.name`."""
    value = operators.known(reader, value)
    if isinstance(value, (Var, Const)):
        if name == "real" and value.type in (scalars.c8, scalars.c16):
            return reader.emit(np.real, (value,), scalars.real_of(value.type))
        if name == "imag":
            if value.type in (scalars.c8, scalars.c16):
                return reader.emit(np.imag, (value,), scalars.real_of(value.type))
            return Const(0 if value.type in (i8, b1) else 0.0, i8 if value.type == b1 else value.type)
        if name == "real":
            return reader.cast(value, i8) if value.type == b1 else value
        if name in ("conjugate", "is_integer"):
            return Node(MethodHead(name), (value,))
    if isinstance(value, Node):
        head = value.head
        if isinstance(head, TupleHead):
            fields = getattr(head.cls, "_fields", ())
            if name in fields:
                return value.items[fields.index(name)]
            if name in ("index", "count", "_replace", "_asdict"):
                return Node(MethodHead(name), (value,))
            if head.cls is not None and isinstance(getattr(head.cls, name, None), pytypes.FunctionType):
                return Node(PartialHead(()), (Static(getattr(head.cls, name)), value))
            if head.cls is not None and isinstance(getattr(head.cls, name, None), property):
                return call(reader, Static(getattr(head.cls, name).fget), [value], {})
        if isinstance(head, DictHead) and name in ("get", "items", "keys", "values"):
            return Node(MethodHead(name), (value,))
    if isinstance(value, Static):
        if isinstance(value.obj, pytypes.ModuleType):
            return reader.spec.captures.attribute(value.obj, name, value.path, reader.pos)
        if isinstance(value.obj, str):
            return Node(MethodHead(name), (value,))
        if hasattr(value.obj, name) and (isinstance(value.obj, type) or callable(getattr(value.obj, name))):
            return Static(getattr(value.obj, name))
    raise unsupported(f"a {operators.kind_name(value)} has no attribute {name!r} in native code", reader.pos)


def _method(reader: FunctionReader, bound: Node, args: list[Value], kws: dict[str, Value]) -> Value:
    (value,), name = bound.items, bound.head.name
    if isinstance(value, (Var, Const)):
        if name == "conjugate":
            return reader.emit(np.conj, (value,), value.type) if value.type in (scalars.c8, scalars.c16) else value
        if name == "is_integer" and value.type == scalars.f8:
            return reader.emit(op.eq, (reader.emit(np.floor, (value,), value.type), value), b1)
    if isinstance(value, Static):
        return Node(LazyHead(lambda text, *rest: getattr(text, name)(*rest)), (value, *args))
    if isinstance(value, Node) and isinstance(value.head, TupleHead):
        if name == "count":
            total: Value = Const(0, i8)
            for item in value.items:
                same = truth(reader, operator(reader, op.eq, [item, args[0]]))
                total = operator(reader, op.add, [total, reader.cast(same, i8)])
            return total
        if name == "_replace" and value.head.cls is not None:
            fields = value.head.cls._fields  # type: ignore[attr-defined]
            return tuple_of([kws.get(f, item) for f, item in zip(fields, value.items, strict=True)], value.head.cls)
        if name == "_asdict" and value.head.cls is not None:
            return Node(DictHead(tuple(value.head.cls._fields)), value.items)  # type: ignore[attr-defined]
    if isinstance(value, Node) and isinstance(value.head, DictHead):
        keys: list[Value] = [Static(key) for key in value.head.keys]
        if name == "keys":
            return tuple_of(keys)
        if name == "values":
            return tuple_of(value.items)
        if name == "items":
            return tuple_of([tuple_of(pair) for pair in zip(keys, value.items, strict=True)])
        if name == "get" and isinstance(args[0], Static):
            default = args[1] if len(args) > 1 else Static(None)
            return dict(zip(value.head.keys, value.items, strict=True)).get(args[0].obj, default)
    raise unsupported(f"the method {name!r} cannot be compiled here", reader.pos)


# --- items ------------------------------------------------------------------------------------------


def item(reader: FunctionReader, value: Value, index: Value) -> Value:
    """`value[index]`."""
    value = operators.known(reader, value)
    if isinstance(value, Node) and isinstance(value.head, DictHead) and isinstance(index, Static):
        if index.obj not in value.head.keys:
            raise unsupported(f"no such key: {index.obj!r}", reader.pos)
        return value.items[value.head.keys.index(index.obj)]
    if not (isinstance(value, Node) and isinstance(value.head, TupleHead)):
        raise unsupported(f"a {operators.kind_name(value)} cannot be indexed in native code", reader.pos)
    if isinstance(index, Static) and isinstance(index.obj, slice):
        return tuple_of(value.items[index.obj])
    if isinstance(index, Node) and isinstance(index.head, SliceHead):
        parts = [_index_constant(reader, part) for part in index.items]
        return tuple_of(value.items[slice(*parts)])
    if not isinstance(index, (Var, Const)) or index.type not in (i8, b1):
        raise unsupported("tuple indices must be integers", reader.pos)
    if isinstance(index, Const):
        try:
            return value.items[int(index.value)]  # type: ignore[arg-type]
        except IndexError:
            raise unsupported("tuple index out of range", reader.pos) from None
    return _dynamic_item(reader, value, reader.cast(index, i8))


def _index_constant(reader: FunctionReader, part: Value) -> int | None:
    if isinstance(part, Static) and part.obj is None:
        return None
    if isinstance(part, Const) and isinstance(part.value, int):
        return part.value
    raise unsupported("slices of tuples need constant bounds", reader.pos)


def _dynamic_item(reader: FunctionReader, value: Node, index: Operand) -> Value:
    size = len(value.items)
    negative = reader.emit(op.lt, (index, Const(0, i8)), b1)
    wrapped = reader.emit(op.add, (index, Const(size, i8)), i8)
    at = reader.emit(p.select, (negative, wrapped, index), i8)
    low = reader.emit(op.ge, (at, Const(0, i8)), b1)
    high = reader.emit(op.lt, (at, Const(size, i8)), b1)
    ok = reader.emit(op.and_, (low, high), b1)
    reader.guard(ok, lambda: IndexError("tuple index out of range"), "IndexError")
    if size == 0:
        raise unsupported("an empty tuple cannot be indexed", reader.pos)
    kind = value.items[0]
    for other in value.items[1:]:
        kind = reader.join(kind, other, "the item of this tuple")
    if isinstance(kind, Node) and isinstance(kind.head, UnionHead):
        raise unsupported("a tuple of different kinds needs a constant index", reader.pos)
    columns = [reader._coerce(item, _open(kind), reader.ops) for item in value.items]
    chosen: list[Operand] = list(columns[-1])
    for number in range(size - 2, -1, -1):
        here = reader.emit(op.eq, (at, Const(number, i8)), b1)
        chosen = [
            reader.emit(p.select, (here, a, b), a.type) for a, b in zip(columns[number], chosen, strict=True)
        ]
    picked = iter(chosen)
    return rebuild(_open(kind), lambda leaf: next(picked))


def _open(kind: Value) -> Value:
    return rebuild(kind, lambda leaf: Var(leaf.type))


# --- iteration --------------------------------------------------------------------------------------


def elements(reader: FunctionReader, value: Value) -> list[Value]:
    """All elements of an iterable whose length is known when reading."""
    value = operators.known(reader, value)
    if isinstance(value, Node):
        if isinstance(value.head, TupleHead):
            return list(value.items)
        if isinstance(value.head, DictHead):
            return [Static(key) for key in value.head.keys]
        if isinstance(value.head, RangeHead) and all(isinstance(part, Const) for part in value.items):
            parts = [int(part.value) for part in value.items if isinstance(part, Const)]  # type: ignore[arg-type]
            if len(range(*parts)) <= UNROLL:
                return [constant(i) for i in range(*parts)]
        if isinstance(value.head, IterHead) and value.head.kind == "tuple":
            return list(value.items[value.head.position :])
        if isinstance(value.head, IterHead) and value.head.kind == "zip":
            columns = [elements(reader, inner) for inner in value.items]
            return [tuple_of(row) for row in zip(*columns, strict=False)]
        if isinstance(value.head, IterHead) and value.head.kind == "enumerate":
            inner = elements(reader, value.items[0])
            start = value.items[1]
            return [tuple_of([operator(reader, op.add, [start, constant(i)]), item]) for i, item in enumerate(inner)]
    raise unsupported(f"the length of this {operators.kind_name(value)} is not known when compiling", reader.pos)


def iterator(reader: FunctionReader, value: Value) -> Node:
    """`iter(value)`."""
    value = operators.known(reader, value)
    if isinstance(value, Node):
        head = value.head
        if isinstance(head, IterHead):
            return value
        if isinstance(head, (TupleHead, DictHead)):
            return Node(IterHead("tuple", 0), tuple(elements(reader, value)))
        if isinstance(head, RangeHead):
            start, stop, step = (part for part in value.items if isinstance(part, (Var, Const)))
            count = _range_count(reader, start, stop, step)
            return Node(IterHead("range"), (start, step, count, Const(0, i8)))
    raise unsupported(f"a {operators.kind_name(value)} is not iterable in native code", reader.pos)


def _range_count(reader: FunctionReader, start: Operand, stop: Operand, step: Operand) -> Operand:
    """len(range(start, stop, step)), possibly negative for an empty range."""
    if isinstance(step, Const):
        distance = reader.emit(op.sub, (stop, start), i8)
        if step.value == 1:
            return distance
        if step.value == 0:
            raise unsupported("range() arg 3 must not be zero", reader.pos)
        positive = int(step.value) > 0  # type: ignore[arg-type]
        if not positive:
            distance = reader.emit(op.neg, (distance,), i8)
        size = abs(int(step.value))  # type: ignore[arg-type]
        rounded = reader.emit(op.add, (distance, Const(size - 1, i8)), i8)
        return reader.emit(op.floordiv, (rounded, Const(size, i8)), i8)
    reader.guard(
        reader.emit(p.is_nonzero, (step,), b1),
        lambda: ValueError("range() arg 3 must not be zero"),
        "ValueError(range)",
    )
    positive_step = reader.emit(op.gt, (step, Const(0, i8)), b1)
    ahead = reader.emit(op.sub, (stop, start), i8)
    distance = reader.emit(p.select, (positive_step, ahead, reader.emit(op.neg, (ahead,), i8)), i8)
    size_ = reader.emit(op.abs, (step,), i8)
    rounded = reader.emit(op.add, (distance, reader.emit(op.sub, (size_, Const(1, i8)), i8)), i8)
    return reader.emit(op.floordiv, (rounded, size_), i8)


def advance(reader: FunctionReader, value: Value) -> tuple[Node, Node]:
    """What `next` gives (as a `NextHead` node) and the iterator after it."""
    assert isinstance(value, Node) and isinstance(value.head, IterHead)
    kind = value.head.kind
    if kind == "range":
        start, step, count, position = (part for part in value.items if isinstance(part, (Var, Const)))
        ok = reader.emit(op.lt, (position, count), b1)
        offset = reader.emit(op.mul, (position, step), i8) if step != Const(1, i8) else position
        element = reader.emit(op.add, (start, offset), i8) if start != Const(0, i8) else offset
        after = reader.emit(op.add, (position, Const(1, i8)), i8)
        return Node(NextHead(), (ok, element)), Node(value.head, (start, step, count, after))
    if kind == "tuple":
        at = value.head.position
        if at >= len(value.items):
            return Node(NextHead(), (Const(False, b1), Static(None))), value
        later = Node(IterHead("tuple", at + 1), value.items)
        return Node(NextHead(), (Const(True, b1), value.items[at])), later
    if kind == "enumerate":
        inner, position_value, _ = value.items
        found, inner_after = advance(reader, inner)
        next_position = operator(reader, op.add, [position_value, Const(1, i8)])
        pair = tuple_of([position_value, found.items[1]])
        return Node(NextHead(), (found.items[0], pair)), Node(value.head, (inner_after, next_position, Static(None)))
    ok_all: Operand = Const(True, b1)
    items: list[Value] = []
    inners: list[Value] = []
    for inner in value.items:
        found, inner_after = advance(reader, inner)
        flag = found.items[0]
        assert isinstance(flag, (Var, Const))
        ok_all = reader.emit(op.and_, (ok_all, flag), b1)
        items.append(found.items[1])
        inners.append(inner_after)
    return Node(NextHead(), (ok_all, tuple_of(items))), Node(value.head, tuple(inners))


# --- Python objects rebuilt when an exception needs them --------------------------------------------


def python_builder(value: Value) -> tuple[Callable[..., Any], tuple[Operand, ...]]:
    """A function of the run-time operands that gives the Python object, and those operands."""
    operands = tuple(leaves(value))

    def build(*values: Any) -> Any:
        supply = iter(values)

        def make(node: Value) -> Any:
            if isinstance(node, (Var, Const)):
                return next(supply)
            if isinstance(node, Static):
                return node.obj
            parts = [make(item) for item in node.items]
            if isinstance(node.head, ErrorHead):
                return node.head.cls(*parts)
            if isinstance(node.head, LazyHead):
                return node.head.fn(*parts)
            if isinstance(node.head, TupleHead):
                return node.head.cls(*parts) if node.head.cls else tuple(parts)
            return parts

        return make(value)

    return build, operands
