"""Calls of functions of this package that have a rule: one that gives value and pullback, and may call the function.

Such a function is read once for each kind of arguments.  See `zyg.ir.program.Custom` for what becomes of its rule, and
`given` for rules of users.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zyg.adjoint.activity import differentiable, shadow_type
from zyg.adjoint.partials import tangent_kind
from zyg.adjoint.trace import Emitter
from zyg.ir.memory import MemoryType, mem_add
from zyg.ir.program import Call, Const, Custom, Op, Operand, Type, Var
from zyg.passes.slots import zero
from zyg.reading import arrays, maps
from zyg.reading.array_making import as_array, converted
from zyg.reading.arrays import ZERO
from zyg.reading.heads import ArrayHead, TupleHead
from zyg.reading.values import (
    Identity,
    Node,
    Static,
    Value,
    is_array,
    shared_parameters,
    structure,
    tuple_of,
    variables,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


@dataclass(frozen=True, slots=True)
class Ruled:
    """A function with a rule: `value` is the function without it, `rule` gives (y, back)."""

    name: str
    rule: Static
    value: Callable[[FunctionReader, list[Value]], Value]


def ruled_call(reader: FunctionReader, fn: Ruled, args: list[Value]) -> Value:
    """A call of a function whose value and pullback are those of its rule."""
    given = [maps.without_parts(reader, reader.spec.calls.settle(reader, value)) for value in args]
    reader.spec.calls.settle_all(reader, None)
    operands, formals, pattern = shared_parameters(given, fixed=True)
    key: Hashable = (Identity(fn.rule.obj), pattern, tuple(map(structure, given)))
    if key not in reader.spec.ruled:
        _read_value(reader, fn, key, formals)
    primal, y, params = reader.spec.ruled[key]
    known = dict(zip(params, operands, strict=True))
    results = _results(y, params)
    outs = tuple(Var(leaf.type) for leaf, _ in results)
    reader.ops.append(Op(Call(primal, writes=False), tuple(operands), outs, reader.pos))
    known |= {leaf: out for (leaf, is_dim), out in zip(results, outs, strict=True) if is_dim}
    numbers = (out for (_, is_dim), out in zip(results, outs, strict=True) if not is_dim)
    return _returned(reader, y, numbers, known)


def _results(y: Value, params: Sequence[Var]) -> list[tuple[Var, bool]]:
    """What a program that gives `y` returns, and whether it is a dimension; one is returned once, and not at all if it
    is a parameter."""
    found: list[tuple[Var, bool]] = []
    for leaf, is_dim in _marked(y):
        if not (is_dim and (leaf in params or (leaf, True) in found)):
            found.append((leaf, is_dim))
    return found


def _marked(value: Value) -> Iterator[tuple[Var, bool]]:
    """The variables of a value, and whether each is part of the layout of an array."""
    if isinstance(value, Var):
        yield value, False
    elif isinstance(value, Node):
        for item in value.items:
            if is_array(value):
                if isinstance(item, Var):
                    yield item, not isinstance(item.type, MemoryType)
            else:
                yield from _marked(item)


def _returned(reader: FunctionReader, y: Value, numbers: Iterator[Var], known: Mapping[Var, Operand]) -> Value:
    """What a call gives: with its numbers and buffers, and dimensions that are those of arguments where they are."""
    if isinstance(y, Var):
        return next(numbers)
    if not isinstance(y, Node):
        return y
    if not is_array(y):
        return Node(y.head, tuple(_returned(reader, item, numbers, known) for item in y.items))
    buffer = next(numbers)
    reader.spec.origins.made(buffer)
    dims = (known[item] if isinstance(item, Var) else item for item in y.items[2:])
    return Node(y.head, (buffer, y.items[1], *(_length(reader, dim) for dim in dims)))


def _length(reader: FunctionReader, dim: Value) -> Operand:
    assert isinstance(dim, (Var, Const))
    return dim if isinstance(dim, Const) or reader.spec.is_length(dim) else reader.length(dim)


def _own(reader: FunctionReader, value: Value) -> Value:
    """`value` with copies of the arrays in it, but for those that were made here."""
    value = maps.without_parts(reader, reader.spec.calls.settle(reader, value))
    if is_array(value) and isinstance(value, Node):
        fresh = reader.spec.origins.is_new(arrays.memory(value)) and value.head.layout == "C" and value.items[1] == ZERO
        return value if fresh else converted(reader, value, value.head.dtype)
    if isinstance(value, Node) and isinstance(value.head, TupleHead):
        return Node(value.head, tuple(_own(reader, item) for item in value.items))
    return value


def _read_value(reader: FunctionReader, fn: Ruled, key: Hashable, formals: list[Value]) -> None:
    """Make the program of the function, and those of its rule as soon as no other rule is being read.

    For that may call this function, and this one's the other.
    """
    spec = reader.spec
    params = tuple(dict.fromkeys(v for value in formals for v in variables(value) if isinstance(v, Var)))
    found: list[Value] = []

    def body(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        found.append(_own(inner, fn.value(inner, formals)))
        return tuple_of([leaf for leaf, _ in _results(found[0], params)])

    primal, _ = spec.synthetic(fn.name, params, body)
    spec.ruled[key] = primal, found[0], params
    spec.rules_to_read.append(lambda: _read_rule(reader, fn, key, formals))
    if len(spec.rules_to_read) == 1:
        while spec.rules_to_read:
            spec.rules_to_read[0]()
            del spec.rules_to_read[0]


def _read_rule(reader: FunctionReader, fn: Ruled, key: Hashable, formals: list[Value]) -> None:
    """Make the programs of the function's rule."""
    spec = reader.spec
    primal, y, params = spec.ruled[key]
    found: list[Value] = []

    def forward_body(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        pair = spec.calls.settle(inner, spec.calls.call(inner, fn.rule, formals, {}))
        assert isinstance(pair, Node) and len(pair.items) == 2, f"the rule of {fn.name} gives a pair"
        found.append(_own(inner, pair.items[0]))
        found.append(pair.items[1])
        values = [leaf for leaf, _ in _results(found[0], params)]
        return tuple_of([*values, *_saved(found[1], (*params, *values))])

    forward, _ = spec.synthetic(f"{fn.name}.rule", params, forward_body)
    again, back = found
    results = [leaf for leaf, _ in _results(y, params)]
    same = [leaf for leaf, _ in _results(again, params)]
    assert [leaf.type for leaf in results] == [leaf.type for leaf in same], f"the rule of {fn.name} gives its value"
    # What backward takes: what the rule has saved, parameters and results, cotangents, shadows
    args = {param: Var(param.type, param.name) for param in params}
    values = {leaf: Var(leaf.type, "y") for leaf in results}
    extra = {leaf: Var(leaf.type, "saved") for leaf in _saved(back, (*params, *same))}
    names = {**args, **values, **dict(zip(same, values.values(), strict=True)), **extra}
    forms = [_renewed(formal, names) for formal in formals]
    model = _renewed(y, names)
    dys = {var: Var(kind, "dy") for var in values.values() if (kind := _cotangent_type(var)) is not None}
    shadows = {var: Var(kind, "d") for var in args.values() if (kind := shadow_type(var.type)) is not None}

    def backward_body(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        dy = _measured(inner, _cotangent(model, dys))
        given = spec.calls.settle(inner, spec.calls.call(inner, _renewed(back, names), [dy], {}))
        cotangents = given.items if isinstance(given, Node) and isinstance(given.head, TupleHead) else (given,)
        numbers: dict[Var, Operand] = {}
        for form, cotangent in zip(forms, cotangents, strict=True):
            _give_back(inner, form, cotangent, shadows, numbers)
        out = [numbers.get(v, zero(tangent_kind(v.type))) for v in args.values() if differentiable(v.type)]
        return tuple_of([_as_variable(inner, number) for number in out])

    kept = tuple(args.values()) + tuple(values.values())
    parameters = (*extra.values(), *kept, *dys.values(), *shadows.values())
    backward, _ = spec.synthetic(f"{fn.name}.pullback", parameters, backward_body)
    used = {arg for op in spec.programs[backward].ops() for arg in op.args}
    wanted = tuple(i for i, var in enumerate(kept) if var in used)
    takes = (*extra.values(), *(kept[i] for i in wanted), *dys.values(), *shadows.values())
    spec.programs[backward] = replace(spec.programs[backward], params=takes)
    spec.programs[primal] = replace(spec.programs[primal], custom=Custom(forward, backward, wanted))


def _saved(back: Value, known: Sequence[Operand]) -> list[Var]:
    """The variables that a pullback captures, once each, but for parameters and results."""
    return list(dict.fromkeys(leaf for leaf, _ in _marked(back) if leaf not in known))


def _renewed(value: Value, names: Mapping[Var, Var]) -> Value:
    """`value` over other variables."""
    if isinstance(value, Var):
        return names[value]
    if isinstance(value, Node):
        return Node(value.head, tuple(_renewed(item, names) for item in value.items))
    return value


def _cotangent_type(var: Var) -> Type | None:
    return shadow_type(var.type) or (tangent_kind(var.type) if differentiable(var.type) else None)


def _cotangent(model: Value, dys: Mapping[Var, Var]) -> Value:
    """The cotangent of a value: variables for its numbers, arrays of its layout for its arrays, None for others."""
    if isinstance(model, Var):
        return dys.get(model, Static(None))
    if not isinstance(model, Node):
        return Static(None)
    if not is_array(model):
        return Node(model.head, tuple(_cotangent(item, dys) for item in model.items))
    buffer = dys.get(arrays.memory(model))
    return Static(None) if buffer is None else _array_over(model, buffer)


def _array_over(model: Node, buffer: Var) -> Node:
    """An array of the layout of `model` in another buffer."""
    assert isinstance(buffer.type, MemoryType)
    return Node(ArrayHead(buffer.type.dtype, model.head.ndim, model.head.layout), (buffer, *model.items[1:]))


def _measured(reader: FunctionReader, value: Value) -> Value:
    return reader.measured(value)


def _give_back(
    reader: FunctionReader, form: Value, given: Value, shadows: Mapping[Var, Var], numbers: dict[Var, Operand]
) -> None:
    """Cotangents of an argument: of its numbers into `numbers`, of its arrays into their shadows."""
    if isinstance(given, Static) or isinstance(form, (Static, Const)):
        return
    if isinstance(form, Var):
        assert isinstance(given, (Var, Const))
        numbers[form] = Emitter(reader.ops, reader.pos).convert(given, tangent_kind(form.type))
    elif is_array(form):
        buffer = shadows.get(arrays.memory(form))
        if buffer is not None:
            _add_to(reader, _array_over(form, buffer), given)
    else:
        assert isinstance(given, Node)
        for item, its in zip(form.items, given.items, strict=True):
            _give_back(reader, item, its, shadows, numbers)


def _add_to(reader: FunctionReader, shadow: Node, given: Value) -> None:
    """shadow += given, the real part of it where the shadow is real."""
    target = _measured(reader, shadow)
    assert isinstance(target, Node)
    value = reader.spec.calls.check_same(reader, target, as_array(reader, given))
    kind = target.head.dtype

    def body(elements: maps.Elements, index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        number = Emitter(reader.ops, reader.pos).convert(elements.at(value, index), kind)
        start = arrays.offset(target)
        where = arrays.add(reader, start, index[0]) if elements.flat else arrays.place(reader, target, index)
        reader.ops.append(Op(mem_add, (arrays.memory(target), where, number), (), reader.pos))
        return ()

    maps.over(reader, "add", arrays.shape(target), [target, value], (), body)


def _as_variable(reader: FunctionReader, operand: Operand) -> Var:
    """A variable, so that it is one of the results of the program."""
    var = Var(operand.type)
    reader.ops.append(Op(p.identity, (operand,), (var,), reader.pos))
    return var
