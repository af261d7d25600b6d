"""Derivatives while reading: what a call of `grad(f)` means, at the outside and inside other functions.

The function is read into a program of its own, which is transformed; the call becomes a call of the result.
So derivatives of functions that take derivatives need nothing more, to any depth, and an inner derivative
sees outer variables as plain inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from zyg.errors import ArgumentError, ValueArgumentError
from zyg.ir.activity import differentiable, shadow_type
from zyg.ir.adjoint import tangent_kind
from zyg.ir.describe import described
from zyg.ir.differentiate import vjp
from zyg.ir.memory import MemoryType, mem_apart, mem_like
from zyg.ir.naming import named_after
from zyg.ir.program import Call, Const, Module, Op, Operand, Var
from zyg.ir.results import writes_parameters
from zyg.ir.scalars import c8, c16, f8, i8
from zyg.ir.simplify import inline
from zyg.ir.slots import zero
from zyg.ir.tangent import has_tangent, jvp
from zyg.ir.tape import pop, push
from zyg.ir.trace import Emitter
from zyg.ir.values import (
    Node,
    Static,
    TupleHead,
    Value,
    array_like,
    is_array,
    parameter,
    passed,
    rebuild,
    tuple_of,
    variables,
)
from zyg.ir.verify import checked_module
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader


@dataclass(frozen=True, slots=True)
class Options:
    """argnums: an int or a tuple of them.  gives: what the result holds."""

    argnums: int | tuple[int, ...] = 0
    gives: str = "grad"
    has_aux: bool = False


def _read_inner(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]
) -> tuple[Module, Value, list[Value], list[Operand], Value]:
    """`fn` as a module whose entry's parameters are the variables of [fn, *args, *kws]."""
    spec = reader.spec
    formal_fn, *formals = [parameter(value) for value in (fn, *args, *kws.values())]
    for number, name in enumerate(_parameter_names(fn)[: len(args)]):
        formals[number] = named_after(formals[number], name)
    named = dict(zip(kws, formals[len(args) :], strict=True))
    params = tuple(v for value in (formal_fn, *formals) for v in variables(value) if isinstance(v, Var))

    def build(inner: FunctionReader) -> Value:
        inner.pos = reader.pos
        return spec.calls.call(inner, formal_fn, formals[: len(args)], named)

    entry, result = spec.synthetic(_name(fn), params, build)
    module = checked_module(inline(checked_module(Module(spec.programs, entry).reachable())))
    operands = [leaf for value in (fn, *args, *kws.values()) for leaf in passed(value)]
    return module, result, formals, operands, formal_fn


def carriers(value: Value) -> Iterator[Var]:
    """The variables in a value that a derivative may be taken by: numbers, and the buffers of arrays."""
    if isinstance(value, Var):
        if differentiable(value.type) or shadow_type(value.type) is not None:
            yield value
    elif isinstance(value, Node):
        for item in value.items[:1] if is_array(value) else value.items:
            yield from carriers(item)


def _parameter_names(fn: Value) -> tuple[str, ...]:
    code = (
        getattr(fn.obj, "__code__", None)
        if isinstance(fn, Static)
        else getattr(getattr(fn, "head", None), "code", None)
    )
    return code.co_varnames[: code.co_argcount] if code is not None else ()


def _name(fn: Value) -> str:
    if isinstance(fn, Static):
        return getattr(fn.obj, "__name__", "f").replace("<lambda>", "lambda")
    return "closure"


def _argnums(argnums: int | tuple[int, ...], count: int, reader: FunctionReader) -> list[int]:
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    found = []
    for n in wanted:
        if not -count <= n < count:
            raise ValueArgumentError(
                f"argnums {n} is out of range for {count} arguments",
                reader.pos,
                f"Use {-count} to {count - 1}." if count else "Call it with an argument.",
            )
        found.append(n % count)
    return found


def gradient_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `grad(fn, …)(*args, **kws)`."""
    chosen = _argnums(options.argnums, len(args), reader)
    module, result, formals, operands, _ = _read_inner(reader, fn, args, kws)
    primal, aux = result, None
    if options.has_aux:
        if not (isinstance(result, Node) and isinstance(result.head, TupleHead) and len(result.items) == 2):
            raise ArgumentError(
                f"has_aux: the function must return a pair (y, aux), not {described(result)}",
                reader.pos,
                "Return (y, aux), or leave out has_aux.",
            )
        primal, aux = result.items
    _check_scalar(primal, reader)
    for n in chosen:
        _check_argument(formals[n], n, reader)
    y, dx, values = _vjp_call(reader, module, result, formals, operands, chosen, primal, None)
    gradient: Value = dx[0] if isinstance(options.argnums, int) else tuple_of(dx)
    if aux is not None:
        assert isinstance(values, Node)
        y, aux = values.items
    if options.gives == "grad":
        return gradient if aux is None else tuple_of([gradient, aux])
    return tuple_of([y if aux is None else tuple_of([y, aux]), gradient])


def _check_scalar(primal: Value, reader: FunctionReader) -> None:
    if isinstance(primal, (Var, Const)) and primal.type not in (c8, c16, types.boolean):
        return
    raise ArgumentError(
        f"grad needs a function that returns a real number; this one returns {described(primal)}",
        reader.pos,
        "Return one number, or use zyg.pullback for the cotangent that you need.",
    )


def _check_argument(formal: Value, n: int, reader: FunctionReader) -> None:
    if isinstance(formal, (Var, Const)) and formal.type == types.boolean:
        raise ArgumentError(
            f"argument {n} is a bool, which has no derivative", reader.pos, "Leave it out of argnums, or pass a number."
        )


def _vjp_call(
    reader: FunctionReader,
    module: Module,
    result: Value,
    formals: list[Value],
    operands: list[Operand],
    chosen: list[int],
    primal: Value,
    seeds: list[Operand] | None,
) -> tuple[Value, list[Value], Value]:
    """A call of the module's derivative: the primal part, the cotangents of `chosen`, the whole result."""
    main = module.main
    _check_apart(reader, module, operands)
    wanted = {leaf for n in chosen for leaf in carriers(formals[n])}
    varied = tuple(param in wanted for param in main.params)
    targets = {id(leaf) for leaf in carriers(primal)}
    useful = tuple(id(leaf) in targets for leaf in variables(result))
    if _uses_stack(module) and not any(isinstance(leaf.type, MemoryType) for leaf in wanted):
        return _by_tangents(reader, module, result, formals, operands, chosen, primal, seeds)
    buffers = any(isinstance(leaf.type, MemoryType) for leaf in wanted)
    whole = not buffers and (seeds is None or all(isinstance(s.type, types.Integer) for s in seeds))
    done = checked_module(vjp(module, varied, useful, whole))
    name = reader.spec.adopt(done)
    wants = [q.type for q in done.main.params[len(main.params) :] if not isinstance(q.type, MemoryType)]
    if seeds is None:
        seeds = [Const(1, kind) if kind == i8 else Const(1.0, kind) for kind in wants]
    seeds = [_seed(reader, seed, kind) for seed, kind in zip(seeds, wants, strict=True)]
    values = tuple(Var(kind) for kind in main.results)
    cotangents = tuple(Var(kind) for kind in done.main.results[len(values) :])
    by_param: dict[Var, Var] = {}
    for q, operand in zip(main.params, operands, strict=True):
        kind = shadow_type(q.type)
        if q in wanted and kind is not None:
            by_param[q] = Var(kind, f"d_{q.name}")
            reader.ops.append(Op(mem_like, (operand,), (by_param[q],), reader.pos))
    given = (*operands, *seeds, *by_param.values())
    reader.ops.append(Op(Call(name), given, (*values, *cotangents), reader.pos))
    fresh = iter(values)
    found = rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)
    numbers = (q for q, on in zip(main.params, varied, strict=True) if on and differentiable(q.type))
    by_param.update(zip(numbers, cotangents, strict=True))
    actual = dict(zip(main.params, operands, strict=True))
    dx = [_gradient_of(formals[n], by_param, actual, top=True) for n in chosen]
    part = found
    if primal is not result and isinstance(found, Node) and isinstance(result, Node):
        part = found.items[result.items.index(primal)]
    return part, dx, found


def _uses_stack(module: Module) -> bool:
    return any(op.fn in (push, pop) for program in module.programs.values() for op in program.ops())


def _by_tangents(
    reader: FunctionReader,
    module: Module,
    result: Value,
    formals: list[Value],
    operands: list[Operand],
    chosen: list[int],
    primal: Value,
    seeds: list[Operand] | None,
) -> tuple[Value, list[Value], Value]:
    """Cotangents by forward mode, a sweep per number: for derivatives of reverse sweeps over recursion."""
    main = module.main
    emitter = Emitter(reader.ops, reader.pos)
    targets = {id(leaf) for leaf in variables(primal)}
    on = [
        i
        for i, leaf in enumerate(leaf for leaf in variables(result))
        if id(leaf) in targets and differentiable(leaf.type)
    ]
    every = [i for i, kind in enumerate(main.results) if has_tangent(kind)]
    wanted = [
        leaf for n in chosen for leaf in variables(formals[n]) if isinstance(leaf, Var) and differentiable(leaf.type)
    ]
    given = seeds or [Const(1.0, tangent_kind(main.results[i])) for i in on]
    found: dict[Var, Var] = {}
    values: tuple[Var, ...] = ()
    for leaf in wanted:
        done = checked_module(jvp(module, tuple(param is leaf for param in main.params)))
        name = reader.spec.adopt(done)
        kind = tangent_kind(leaf.type)
        units = (1.0, 1j) if isinstance(kind, types.Complex) else (1.0,)
        parts = []
        for unit in units:
            outs = tuple(Var(kind) for kind in done.main.results)
            reader.ops.append(Op(Call(name), (*operands, Const(unit, kind)), outs, reader.pos))
            values, dots = outs[: len(main.results)], outs[len(main.results) :]
            pairs = [(seed, dots[every.index(i)]) for i, seed in zip(on, given, strict=True)]
            parts.append(_inner(emitter, pairs))
        total = parts[0]
        if len(parts) == 2:
            total = emitter.emit(p.make_complex, (parts[0], parts[1]), c16)
        var = Var(kind)
        reader.ops.append(Op(p.identity, (emitter.convert(total, kind),), (var,), reader.pos))
        found[leaf] = var
    if not wanted:
        values = tuple(Var(kind) for kind in main.results)
        reader.ops.append(Op(Call(module.entry), tuple(operands), values, reader.pos))
    fresh = iter(values)
    whole = rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)
    dx = [_gradient_of(formals[n], found, {}, top=True) for n in chosen]
    part_value = whole
    if primal is not result and isinstance(whole, Node) and isinstance(result, Node):
        part_value = whole.items[result.items.index(primal)]
    return part_value, dx, whole


def _inner(emitter: Emitter, pairs: Iterable[tuple[Operand, Operand]]) -> Operand:
    """The sum of ⟨seed, tangent⟩ over the real numbers."""
    total: Operand = zero(f8)
    for seed, dot in pairs:
        seed = emitter.convert(seed, dot.type)
        if isinstance(dot.type, types.Complex):
            seed = emitter.emit(np.conj, (seed,), dot.type)
        product = emitter.emit(operator.mul, (seed, dot), dot.type)
        total = emitter.emit(operator.add, (total, emitter.convert(product, f8)), f8)
    return total


def _gradient_of(formal: Value, by_param: dict[Var, Var], actual: dict[Var, Operand], top: bool) -> Value:
    """The gradient of an argument: its structure, with None for what is not a float inside containers."""
    if isinstance(formal, Var):
        if not top and isinstance(formal.type, (types.Integer, types.Boolean)):
            return Static(None)
        return by_param.get(formal, zero(formal.type))
    if isinstance(formal, Node) and isinstance(formal.head, TupleHead):
        return tuple_of([_gradient_of(item, by_param, actual, False) for item in formal.items], formal.head.cls)
    if is_array(formal) and isinstance(formal, Node) and isinstance(memory := formal.items[0], Var):
        if memory not in by_param:
            return Static(None)
        return array_like(formal, by_param[memory], lambda leaf: actual.get(leaf, leaf))
    return Static(None)


def pullback_call(reader: FunctionReader, fn: Value, args: list[Value], cotangent: Value) -> Value:
    """(y, cotangents of all arguments) for a given cotangent of the result."""
    module, result, formals, operands, _ = _read_inner(reader, fn, args, {})
    if any(isinstance(leaf.type, MemoryType) for leaf in carriers(result)):
        return _array_pullback(reader, fn, args, cotangent)
    seeds = _matching(result, cotangent, reader)
    chosen = list(range(len(args)))
    y, dx, _ = _vjp_call(reader, module, result, formals, operands, chosen, result, seeds)
    return tuple_of([y, tuple_of(dx)])


def _check_apart(reader: FunctionReader, module: Module, operands: Sequence[Operand]) -> None:
    """Arrays that a function writes into must not overlap others that it is given: its program rests on that."""
    buffers = [operand for operand in operands if isinstance(operand.type, MemoryType)]
    if len(buffers) < 2 or not writes_parameters(module):
        return
    for k, one in enumerate(buffers):
        for other in buffers[:k]:
            apart = reader.emit(mem_apart, (one, other), types.boolean)
            reader.guard(apart, _overlap_error, "ValueError(overlap)")


def _overlap_error() -> BaseException:
    return ValueArgumentError(
        "a differentiated function writes into an array that overlaps another of its arguments; pass a copy"
    )


def _array_pullback(reader: FunctionReader, fn: Value, args: list[Value], cotangent: Value) -> Value:
    """The cotangents of f for dy are the gradient of ⟨dy, f⟩."""
    head = PairingHead(fn if isinstance(fn, Static) else None)
    paired = Node(head, () if isinstance(fn, Static) else (fn,))
    options = Options(tuple(range(len(args))), "value_and_grad", has_aux=True)
    found = gradient_call(reader, paired, [*args, cotangent], {}, options)
    assert isinstance(found, Node) and isinstance(found.items[0], Node)
    return tuple_of([found.items[0].items[1], found.items[1]])


@dataclass(frozen=True, slots=True)
class PairingHead:
    """The function of (*args, dy) that gives (⟨dy, f(*args)⟩, f(*args)); `fn`, or its item, is f."""

    fn: Static | None

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        fn = self.fn or node.items[0]
        y = reader.spec.calls.settle(reader, reader.spec.calls.call(reader, fn, args[:-1], kws))
        return tuple_of([_pairing(reader, y, args[-1]), y])


def _pairing(reader: FunctionReader, y: Value, dy: Value) -> Operand:
    """⟨dy, y⟩ = Re Σ conj(dyᵢ) yᵢ over all numbers in y."""
    calls = reader.spec.calls
    if isinstance(dy, Static) and dy.obj is None:
        return Const(0.0, types.float64)
    if isinstance(y, Node) and isinstance(y.head, TupleHead):
        if not (isinstance(dy, Node) and isinstance(dy.head, TupleHead) and len(dy.items) == len(y.items)):
            raise ValueArgumentError("the cotangent does not have the structure of the value", reader.pos)
        total: Operand = Const(0.0, types.float64)
        for a, b in zip(y.items, dy.items, strict=True):
            total = reader.emit(operator.add, (total, _pairing(reader, a, b)), types.float64)
        return total
    if isinstance(y, Static):
        return Const(0.0, types.float64)
    same = calls.check_same(reader, y, dy)
    product = calls.operator(reader, operator.mul, [calls.call(reader, Static(np.conj), [same], {}), y])
    real = calls.call(reader, Static(np.real), [product], {})
    if isinstance(real, Node):
        real = calls.call(reader, Static(np.sum), [real], {})
    assert isinstance(real, (Var, Const))
    return reader.cast(real, types.float64)


def _seed(reader: FunctionReader, seed: Operand, kind: Any) -> Operand:
    return Emitter(reader.ops, reader.pos).convert(seed, kind)


def _tangent_leaves(value: Value) -> list[Operand]:
    return list(carriers(value))


def _matching(result: Value, given: Value, reader: FunctionReader) -> list[Operand]:
    """The leaves of a cotangent (or tangent) that belong to the differentiable variables of `result`."""
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
        return [zero(tangent_kind(leaf.type)) for leaf in _tangent_leaves(result)]
    elif isinstance(given, Node) and len(given.items) == len(result.items):
        pairs = zip(result.items, given.items, strict=True)
        return [leaf for a, b in pairs for leaf in _matching(a, b, reader)]
    raise ValueArgumentError(
        f"the cotangent or tangent of {described(result)} cannot be {described(given)}",
        reader.pos,
        "Give it the structure of the value, with None where there is none.",
    )


def jvp_call(reader: FunctionReader, fn: Value, args: list[Value], tangents: list[Value]) -> Value:
    """(y, ẏ) for given tangents of the arguments."""
    module, result, formals, operands, _ = _read_inner(reader, fn, args, {})
    if len(tangents) != len(args):
        raise ValueArgumentError(
            f"{len(args)} primals but {len(tangents)} tangents", reader.pos, "Give one tangent for each argument."
        )
    wanted = {leaf for formal in formals for leaf in _tangent_leaves(formal)}
    varied = tuple(param in wanted for param in module.main.params)
    dots: list[Operand] = []
    for arg, formal, given in zip(args, formals, tangents, strict=True):
        for leaf, dot in zip(
            _tangent_leaves(formal), _matching(arg if is_array(arg) else formal, given, reader), strict=True
        ):
            dots.append(dot if isinstance(leaf.type, MemoryType) else _seed(reader, dot, tangent_kind(leaf.type)))
    _check_apart(reader, module, operands)
    done = checked_module(jvp(module, varied))
    name = reader.spec.adopt(done)
    outs = tuple(Var(kind) for kind in done.main.results)
    reader.ops.append(Op(Call(name), (*operands, *dots), outs, reader.pos))
    count = len(module.main.results)
    values, slopes = iter(outs[:count]), iter(outs[count:])
    y = rebuild(result, lambda leaf: next(values) if isinstance(leaf, Var) else leaf)
    dy = _slope(y, result, slopes, top=True)
    return tuple_of([y, dy])


def _slope(y: Value, inner: Value, slopes: Iterator[Var], top: bool) -> Value:
    """The tangent of a result `y` (`inner` inside the program): its structure, with None for what is not a float
    inside containers."""
    if isinstance(y, Node) and isinstance(inner, Node) and isinstance(y.head, TupleHead):
        pairs = zip(y.items, inner.items, strict=True)
        return tuple_of([_slope(a, b, slopes, False) for a, b in pairs], y.head.cls)
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


@dataclass(frozen=True, slots=True)
class GradientHead:
    """`grad(fn, …)` made while reading; its item is fn."""

    options: Options

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        return gradient_call(reader, node.items[0], args, kws, self.options)
