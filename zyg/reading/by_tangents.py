"""Cotangents by forward mode."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numba import types

from zyg.adjoint.activity import differentiable
from zyg.adjoint.directions import has_tangent
from zyg.adjoint.partials import tangent_kind
from zyg.adjoint.tangent import jvp
from zyg.adjoint.trace import Emitter
from zyg.ir.program import Call, Const, Module, Op, Operand, Var
from zyg.ir.scalars import c16, f8
from zyg.ir.tape import pop, push
from zyg.ir.verify import checked_module
from zyg.passes.slots import zero
from zyg.reading.cotangents import gradient_of
from zyg.reading.foreign import check_runs_once
from zyg.reading.values import Node, Value, rebuild, variables
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def uses_stack(module: Module) -> bool:
    return any(op.fn in (push, pop) for program in module.programs.values() for op in program.ops())


def by_tangents(
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
    check_runs_once(reader, module.programs.values(), "a second derivative of recursion")
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
    dx = [gradient_of(formals[n], found, {}, top=True) for n in chosen]
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
