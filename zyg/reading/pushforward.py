"""Pushforwards while reading: what a call of `jvp` means, along one direction or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from numba import types

from zyg.adjoint.directions import has_tangent
from zyg.adjoint.partials import tangent_kind
from zyg.adjoint.tangent import jvp
from zyg.errors import ValueArgumentError, unsupported
from zyg.ir.lanes import LanesType, width_of
from zyg.ir.memory import MemoryType, mem_copy
from zyg.ir.program import Call, Op, Operand, Var
from zyg.ir.verify import checked_module
from zyg.passes.results import written_parameters
from zyg.reading.arrays import dtype_of, memory
from zyg.reading.cotangents import carriers, matching, slope_of
from zyg.reading.derive import check_list, seeded
from zyg.reading.functions import open_functions
from zyg.reading.inner import check_apart, read_inner, settled
from zyg.reading.values import (
    Node,
    Static,
    Value,
    is_array,
    rebuild,
    tuple_of,
)

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def jvp_call(
    reader: FunctionReader,
    fn: Value,
    args: list[Value],
    directions: Sequence[list[Value]],
    lent: bool = False,
    wide: bool = False,
) -> Value:
    """(y, ẏ, …): the derivative along each direction, which holds a tangent per argument.

    lent: tangents that are arrays lie in shadows of the arguments', and may be shared with what is given back.
    wide: each holds a direction in each lane; lent ones are copied where they are written into.
    """
    for tangents in directions:
        if len(tangents) != len(args):
            raise ValueArgumentError(
                f"{len(args)} primals but {len(tangents)} tangents", reader.pos, "Give one tangent for each argument."
            )
    moving = [not all(map(_is_none, given)) for given in zip(*directions, strict=True)]
    args, _ = settled(reader, args, {}, [number for number, on in enumerate(moving) if on])
    module, result, formals, operands, captured = read_inner(reader, fn, args, {})
    for number, (formal, on) in enumerate(zip(formals, moving, strict=True)):
        if on:
            check_list(formal, number, reader)
    chosen = [number for number, on in enumerate(moving) if on]
    module, formals, operands = open_functions(reader, module, formals, operands, chosen, captured)
    # Ints in containers are structure, whatever is given for them
    wanted = {
        leaf
        for formal, on in zip(formals, moving, strict=True)
        if on
        for leaf in carriers(formal)
        if formal is leaf or not isinstance(leaf.type, types.Integer)
    }
    if not all(has_tangent(leaf.type) for leaf in wanted):
        raise unsupported(
            "forward mode by an array of ints or truth values",
            reader.pos,
            "Pass an array of floats, or use zyg.pullback.",
        )
    varied = tuple(param in wanted for param in module.main.params)
    width = _lanes_of(directions[0]) if wide else len(directions)
    done = checked_module(jvp(module, varied, width, wide))
    lent = lent and not written_parameters(done)
    actual = dict(zip(module.main.params, operands, strict=True))
    dots: list[Operand] = []
    for tangents in directions:
        by_param: dict[Var, Operand] = {}
        for arg, formal, given, on in zip(args, formals, tangents, moving, strict=True):
            if not on:
                continue
            if lent and is_array(given) and isinstance(given, Node):
                by_param |= dict.fromkeys(carriers(formal), memory(given))
                continue
            if wide and is_array(given) and isinstance(given, Node):
                copy = reader.emit(mem_copy, (memory(given),), memory(given).type)
                by_param |= dict.fromkeys(carriers(formal), copy)
                continue
            seeds = matching(_at(formal, arg, actual), given, reader)
            for leaf, dot in zip(carriers(formal), seeds, strict=True):
                kind = None if isinstance(leaf.type, MemoryType) else tangent_kind(leaf.type)
                kind = LanesType(kind, width) if wide and kind is not None else kind
                by_param[leaf] = dot if kind is None else seeded(reader, dot, kind)
        dots += [by_param[param] for param in module.main.params if param in wanted]
    check_apart(reader, module, operands)
    name = reader.spec.adopt(done)
    outs = tuple(Var(kind) for kind in done.main.results)
    reader.ops.append(Op(Call(name), (*operands, *dots), outs, reader.pos))
    count = len(module.main.results)
    values, slopes = iter(outs[:count]), iter(outs[count:])
    y = rebuild(result, lambda leaf: next(values) if isinstance(leaf, Var) else leaf)
    return tuple_of([y, *(slope_of(y, result, slopes, top=True) for _ in directions)])


def _lanes_of(direction: Sequence[Value]) -> int:
    """How many lanes the tangents have that are given for some arguments."""
    (width,) = {width_of(dtype_of(given)) for given in direction}
    return width


def _at(formal: Value, arg: Value, actual: Mapping[Var, Operand]) -> Value:
    """A parameter with the arrays in it that it is given: their dimensions are known where the call is.

    Those that a function captures are parameters without an argument; actual: what is given for these.
    """
    if isinstance(formal, Node) and isinstance(arg, Node) and not is_array(formal):
        return Node(formal.head, tuple(_at(a, b, actual) for a, b in zip(formal.items, arg.items, strict=True)))
    if isinstance(formal, Node) and isinstance(arg, Static):
        return _arrays_at(formal, actual)
    return arg if is_array(arg) else formal


def _arrays_at(value: Value, actual: Mapping[Var, Operand]) -> Value:
    if not isinstance(value, Node):
        return value
    if is_array(value):
        return rebuild(value, lambda leaf: actual.get(leaf, leaf) if isinstance(leaf, Var) else leaf)
    return Node(value.head, tuple(_arrays_at(item, actual) for item in value.items))


def _is_none(value: Value) -> bool:
    return isinstance(value, Static) and value.obj is None
