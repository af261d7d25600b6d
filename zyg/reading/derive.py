"""Derivatives while reading: what a call of `grad(f)` means, at the outside and inside other functions.

The function is read into a program of its own, which is transformed; the call becomes a call of the result.
So derivatives of functions that take derivatives need nothing more, to any depth, and an inner derivative
sees outer variables as plain inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numba import types

from zyg.adjoint.activity import differentiable, shadow_type
from zyg.adjoint.differentiate import vjp
from zyg.adjoint.trace import Emitter
from zyg.errors import ArgumentError, UnsupportedArgumentError, ValueArgumentError, unsupported
from zyg.ir.memory import MemoryType, mem_like
from zyg.ir.program import Call, Const, Module, Op, Operand, Program, Return, Var
from zyg.ir.scalars import c8, c16, i8
from zyg.ir.verify import checked_module
from zyg.reading.by_tangents import by_tangents, uses_stack
from zyg.reading.captured import opened_whole
from zyg.reading.cotangents import carriers, gradient_of, matching, placed
from zyg.reading.describe import described
from zyg.reading.foreign import repeating
from zyg.reading.functions import open_functions
from zyg.reading.heads import ClosureHead, TupleHead, UnionHead
from zyg.reading.inner import check_apart, read_inner, settled
from zyg.reading.values import (
    Node,
    Static,
    Value,
    has_memory_list,
    is_container,
    rebuild,
    tuple_of,
    variables,
)

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


Argnums: TypeAlias = int | str | tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """argnums: an int or a tuple of them; names in place of ints for arguments that are passed by name only.

    gives: what the result holds.
    """

    argnums: Argnums = 0
    gives: str = "grad"
    has_aux: bool = False

    @property
    def own(self) -> slice:
        """Which of the arguments are the function's own: of what `hvp` gives, all but the vector."""
        return slice(None, -1) if self.gives == "hvp" else slice(None)


Derivative = Callable[["FunctionReader", Value, list[Value], dict[str, Value], Options], Value]
DERIVATIVES: dict[str, Derivative] = {}
"""How a call of each kind of derivative is read, by what it gives."""


def derivative_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `grad(fn, …)(*args, **kws)`, or of what else `options` say."""
    wanted = options.argnums if isinstance(options.argnums, tuple) else (options.argnums,)
    names = tuple(dict.fromkeys(name for name in wanted if isinstance(name, str)))
    if names:
        for name in names:
            if name not in kws:
                raise ValueArgumentError(f"the argument {name!r} is not given", reader.pos, "Pass it by name.")
        numbers = tuple(len(args) + names.index(n) if isinstance(n, str) else n for n in wanted)
        fn = Node(NamedHead(names), (fn,))
        args = [*args, *(kws[name] for name in names)]
        kws = {name: value for name, value in kws.items() if name not in names}
        options = replace(options, argnums=numbers if isinstance(options.argnums, tuple) else numbers[0])
    return DERIVATIVES[options.gives](reader, fn, args, kws, options)


@dataclass(frozen=True, slots=True)
class NamedHead:
    """The function whose last arguments are passed by these names to another one, its item."""

    names: tuple[str, ...]

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        own = len(args) - len(self.names)
        named = dict(zip(self.names, args[own:], strict=True))
        return reader.spec.calls.call(reader, node.items[0], args[:own], kws | named)


def chosen_arguments(argnums: Argnums, count: int, reader: FunctionReader) -> list[int]:
    """The numbers of the arguments that `argnums` names."""
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    found = []
    for n in wanted:
        assert isinstance(n, int)
        if not -count <= n < count:
            raise ValueArgumentError(
                f"argnums {n} is out of range for {count} argument{'' if count == 1 else 's'}",
                reader.pos,
                f"Use {-count} to {count - 1}." if count else "Call it with an argument.",
            )
        found.append(n % count)
    return found


def gradient_call(
    reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value], options: Options
) -> Value:
    """The value of `grad(fn, …)(*args, **kws)`."""
    chosen = chosen_arguments(options.argnums, len(args), reader)
    args, kws = settled(reader, args, kws, chosen)
    module, result, formals, operands, captured = read_inner(reader, fn, args, kws)
    primal, aux = result, None
    if options.has_aux:
        if not (isinstance(result, Node) and isinstance(result.head, TupleHead) and len(result.items) == 2):
            raise ArgumentError(
                f"has_aux: the function must return a pair (y, aux), not {described(result)}",
                reader.pos,
                "Return (y, aux), or leave out has_aux.",
            )
        primal, aux = result.items
    if isinstance(primal, Static) and not all(map(_returns, module.programs.values())):
        if any(program.recursive and not _returns(program) for program in module.programs.values()):
            raise ArgumentError(
                "this function never returns: every path calls it again", reader.pos, "Give the recursion an end."
            )
        raise unsupported("this function raises an exception on every path", reader.pos, "Return a number.")
    check_scalar(primal, reader)
    for n in chosen:
        check_list(formals[n], n, reader)
    module, formals, operands = open_functions(reader, module, formals, operands, chosen, captured)
    with_values = options.gives != "grad" or aux is not None
    y, dx, values = vjp_call(reader, module, result, formals, operands, chosen, primal, None, with_values)
    gradient: Value = dx[0] if isinstance(options.argnums, int) else tuple_of(dx)
    if aux is not None:
        assert isinstance(values, Node)
        y, aux = values.items
    if options.gives == "grad":
        return gradient if aux is None else tuple_of([gradient, aux])
    return tuple_of([y if aux is None else tuple_of([y, aux]), gradient])


DERIVATIVES["grad"] = DERIVATIVES["value_and_grad"] = gradient_call


def _returns(program: Program) -> bool:
    return any(isinstance(block.end, Return) for block in program.blocks.values())


def check_scalar(primal: Value, reader: FunctionReader) -> None:
    if isinstance(primal, (Var, Const)) and primal.type not in (c8, c16, types.boolean):
        return
    several = isinstance(primal, Node) and isinstance(primal.head, UnionHead)  # it may be a number at run time
    raise (UnsupportedArgumentError if several else ArgumentError)(
        f"grad needs a function that returns a real number; this one returns {described(primal)}",
        reader.pos,
        "Return one number, or use zyg.pullback for the cotangent that you need.",
    )


def check_list(formal: Value, n: int, reader: FunctionReader) -> None:
    if has_memory_list(formal):
        what = f"argument {n} is a list whose length is not known when compiling"
        raise unsupported(what, reader.pos, "Make an array of it: np.array(…).")


def vjp_call(
    reader: FunctionReader,
    module: Module,
    result: Value,
    formals: list[Value],
    operands: list[Operand],
    chosen: list[int],
    primal: Value,
    seeds: list[Operand] | None,
    values: bool = True,
    infinite: bool = False,
) -> tuple[Value, list[Value], Value]:
    """A call of the module's derivative: the primal part, the cotangents of `chosen`, the whole result.

    values: whether anything but cotangents is asked for.  infinite: may the cotangents of the result be infinite?
    """
    main = module.main
    check_apart(reader, module, operands)
    wanted = {leaf for n in chosen for leaf in carriers(formals[n])}
    varied = tuple(param in wanted for param in main.params)
    targets = {id(leaf) for leaf in carriers(primal)}
    useful = tuple(id(leaf) in targets for leaf in variables(result))
    if uses_stack(module) and not any(isinstance(leaf.type, MemoryType) for leaf in wanted):
        return by_tangents(reader, module, result, formals, operands, chosen, primal, seeds)
    buffers = any(isinstance(leaf.type, MemoryType) for leaf in wanted)
    whole = not buffers and (seeds is None or all(isinstance(s.type, types.Integer) for s in seeds))
    done = checked_module(vjp(module, varied, useful, whole, values, infinite or seeds is not None))
    name = reader.spec.adopt(done)
    wants = [q.type for q in done.main.params[len(main.params) :] if not isinstance(q.type, MemoryType)]
    if seeds is None:
        seeds = [Const(1, kind) if kind == i8 else Const(1.0, kind) for kind in wants]
    seeds = [seeded(reader, seed, kind) for seed, kind in zip(seeds, wants, strict=True)]
    primals = tuple(Var(kind) for kind in main.results)
    cotangents = tuple(Var(kind) for kind in done.main.results[len(primals) :])
    by_param: dict[Var, Var] = {}
    for q, operand in zip(main.params, operands, strict=True):
        kind = shadow_type(q.type)
        if q in wanted and kind is not None:
            by_param[q] = Var(kind, f"d_{q.name}")
            reader.ops.append(Op(mem_like, (operand,), (by_param[q],), reader.pos))
    given = (*operands, *seeds, *by_param.values())
    reader.ops.append(Op(Call(name), given, (*primals, *cotangents), reader.pos))
    fresh = iter(primals)
    found = rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)
    numbers = (q for q, on in zip(main.params, varied, strict=True) if on and differentiable(q.type))
    by_param.update(zip(numbers, cotangents, strict=True))
    actual = dict(zip(main.params, operands, strict=True))
    dx = [gradient_of(formals[n], by_param, actual, top=True) for n in chosen]
    part = found
    if primal is not result and isinstance(found, Node) and isinstance(result, Node):
        part = found.items[result.items.index(primal)]
    return part, dx, found


def pullback_call(reader: FunctionReader, fn: Value, args: list[Value], cotangent: Value) -> Value:
    """(y, cotangents of all arguments) for a given cotangent of the result."""
    with repeating(reader, "pullback"):
        return _pulled_back(reader, fn, args, cotangent)


def _pulled_back(reader: FunctionReader, fn: Value, args: list[Value], cotangent: Value) -> Value:
    args, _ = settled(reader, args, {}, range(len(args)))
    module, result, formals, operands, captured = read_inner(reader, fn, args, {})
    if any(isinstance(leaf.type, MemoryType) for leaf in carriers(result)):
        return _array_pullback(reader, fn, args, cotangent)
    seeds = matching(result, cotangent, reader)
    chosen = list(range(len(args)))
    for n in chosen:
        check_list(formals[n], n, reader)
    module, formals, operands = open_functions(reader, module, formals, operands, chosen, captured)
    y, dx, _ = vjp_call(reader, module, result, formals, operands, chosen, result, seeds)
    return tuple_of([y, tuple_of(dx)])


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
        calls = reader.spec.calls
        y = calls.frozen(reader, calls.settle(reader, calls.call(reader, fn, args[:-1], kws)))
        return tuple_of([pairing(reader, y, args[-1]), y])


def pairing(reader: FunctionReader, y: Value, dy: Value) -> Operand:
    """⟨dy, y⟩ = Re Σ conj(dyᵢ) yᵢ over all numbers in y."""
    calls = reader.spec.calls
    if isinstance(dy, Static) and dy.obj is None:
        return Const(0.0, types.float64)
    if isinstance(y, Node) and is_container(y):
        if (items := placed(opened_whole(reader, dy), y)) is None:
            raise ValueArgumentError("the cotangent does not have the structure of the value", reader.pos)
        total: Operand = Const(0.0, types.float64)
        for a, b in zip(y.items, items, strict=True):
            total = reader.emit(operator.add, (total, pairing(reader, a, b)), types.float64)
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


def seeded(reader: FunctionReader, seed: Operand, kind: Any) -> Operand:
    return Emitter(reader.ops, reader.pos).convert(seed, kind)


@dataclass(frozen=True, slots=True)
class GradientHead:
    """`grad(fn, …)` made while reading; its item is fn."""

    options: Options

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        args, kws = _by_position(node.items[0], args, kws, self.options.argnums)
        return derivative_call(reader, node.items[0], args, kws, self.options)


def _by_position(
    fn: Value, args: list[Value], kws: dict[str, Value], argnums: Argnums
) -> tuple[list[Value], dict[str, Value]]:
    """The arguments, those in their places that are passed by name and differentiated by their numbers."""
    code = getattr(fn.obj, "__code__", None) if isinstance(fn, Static) else None
    if isinstance(fn, Node) and isinstance(fn.head, ClosureHead):
        code = fn.head.code
    numbers = [n for n in (argnums if isinstance(argnums, tuple) else (argnums,)) if isinstance(n, int)]
    if code is None or not numbers:
        return args, kws
    args, kws = list(args), dict(kws)
    for name in code.co_varnames[len(args) : min(max(numbers) + 1, code.co_argcount)]:
        if name not in kws:
            break
        args.append(kws.pop(name))
    return args, kws
