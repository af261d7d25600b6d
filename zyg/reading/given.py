"""Calls whose derivative is given, by a rule or otherwise: programs that carry a forward and a backward part.

See `zyg.ir.program.Custom`.  Forward and backward parts are read like any function, so they are differentiated in turn
where a second derivative is taken.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from zyg.adjoint.activity import differentiable, shadow_type
from zyg.adjoint.partials import tangent_kind
from zyg.adjoint.trace import Emitter
from zyg.errors import ZygError, unsupported
from zyg.ir.graph import uses
from zyg.ir.memory import MemoryType, mem_add, mem_keep
from zyg.ir.program import Block, Call, Const, Custom, Op, Operand, Program, Return, Var
from zyg.ir.scalars import b1, c8, c16, f8
from zyg.ir.verify import checked_module
from zyg.ir.whole import whole_copy, whole_sum
from zyg.passes.results import origins, writes_given
from zyg.passes.simplify import inline
from zyg.passes.slots import zero
from zyg.reading import arrays, maps
from zyg.reading.captured import is_closed, opened_whole
from zyg.reading.cotangents import placed
from zyg.reading.describe import with_names
from zyg.reading.inner import module_of
from zyg.reading.sites import Reread
from zyg.reading.values import (
    Node,
    Static,
    Value,
    array_like,
    has_memory_list,
    is_array,
    parameter,
    passed,
    rebuild,
    tuple_of,
    variables,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Forward: TypeAlias = "Callable[[FunctionReader, list[Value]], tuple[Value, Value]]"
Backward: TypeAlias = "Callable[[FunctionReader, Value, list[Value], Value], Sequence[Value]]"
Refuse: TypeAlias = Callable[..., ZygError]


@dataclass(frozen=True, slots=True)
class Derivative:
    """How a call is differentiated.

    forward: of the arguments, the value and what backward wants kept.  backward: of that, the arguments and the
    cotangent of the value, a cotangent per argument.  refuse: the error for a cotangent that does not fit; with True
    behind the text, for a forward part that cannot be used.
    apart, plain, whole: see `Program` and `Custom`.  primal: of the arguments, the value where no derivative is taken.
    """

    name: str
    forward: Forward
    backward: Backward
    refuse: Refuse
    apart: bool = False
    plain: bool = False
    whole: bool = False
    primal: Callable[[FunctionReader, list[Value]], Value] | None = None


def given_call(reader: FunctionReader, how: Derivative, args: Sequence[Value]) -> Value:
    """The value of a call whose derivative is given."""
    spec = reader.spec
    args = [spec.calls.frozen(reader, maps.without_parts(reader, spec.calls.settle(reader, arg))) for arg in args]
    spec.calls.settle_all(reader, None)
    check_lists(reader, how.name, args)
    while True:
        made = _Given(reader, how, [parameter(arg) for arg in args])
        try:
            primal = made.program()
            break
        except _Closed as found:
            args[found.number] = opened_whole(reader, args[found.number])
    check_lists(reader, how.name, (made.y, made.saved))
    outs = tuple(Var(kind) for kind in primal.results)
    given = tuple(leaf for arg in args for leaf in passed(arg))
    reader.ops.append(Op(Call(primal.name, writes=False), given, outs, reader.pos))
    for out in outs:
        if isinstance(out.type, MemoryType):
            spec.origins.made(out)
    fresh = iter(outs)
    return reader.measured(rebuild(made.y, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf))


def check_lists(reader: FunctionReader, name: str, values: Sequence[Value]) -> None:
    if any(map(has_memory_list, values)):
        what = f"{name}: a list whose length is not known when compiling"
        raise unsupported(what, reader.pos, "Make an array of it: np.array(…).")


class _Closed(Exception):
    """There is a cotangent of what an argument holds, a captured list, dict or instance: that has to be known."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Given:
    """The programs of a call while they are made."""

    def __init__(self, reader: FunctionReader, how: Derivative, formals: list[Value]) -> None:
        self.reader, self.how, self.formals = reader, how, formals
        self.params = tuple(leaf for value in formals for leaf in variables(value) if isinstance(leaf, Var))
        self.y: Value = Static(None)
        self.saved: Value = Static(None)
        self.values: tuple[Operand, ...] = ()
        self.kept: tuple[Operand, ...] = ()
        self.extra: tuple[Operand, ...] = ()

    def program(self) -> Program:
        spec = self.reader.spec
        forward = self._forward()
        backward, kept = self._backward()
        if self.how.primal is not None:
            return self._primal(self.how.primal, Custom(forward.name, backward, kept, self.how.plain, self.how.whole))
        name = spec.unique(self.how.name)
        every = tuple(Var(kind) for kind in forward.results)
        count = len(self.values)
        body = Block((), (Op(Call(forward.name), self.params, every, self.reader.pos),), Return(every[:count]))
        custom = Custom(forward.name, backward, kept, self.how.plain, self.how.whole)
        made = Program(name, self.params, forward.results[:count], {0: body}, custom=custom)
        spec.programs[name] = made
        return made

    def _primal(self, primal: Callable[[FunctionReader, list[Value]], Value], custom: Custom) -> Program:
        main, _ = self._read(f"{self.how.name}.primal", self.params, lambda inner: primal(inner, self.formals))
        made = replace(main, custom=custom)
        self.reader.spec.programs[main.name] = made
        return made

    def _read(
        self, name: str, params: tuple[Var, ...], build: Callable[[FunctionReader], Value]
    ) -> tuple[Program, Value]:
        """A program of its own, with what it calls inlined."""
        spec = self.reader.spec

        def body(inner: FunctionReader) -> Value:
            inner.pos = self.reader.pos
            return build(inner)

        entry, result = spec.synthetic(name, params, body)
        if spec.sites.changed:
            raise Reread
        module = checked_module(inline(module_of(self.reader, entry)))
        return spec.programs[spec.adopt(module)], result

    # --- forward --------------------------------------------------------------------------------------------

    def _forward(self) -> Program:
        spec = self.reader.spec

        def build(inner: FunctionReader) -> Value:
            y, saved = (spec.calls.settle(inner, value) for value in self.how.forward(inner, self.formals))
            return tuple_of([spec.calls.frozen(inner, y), saved])

        main, result = self._read(f"{self.how.name}.rule", self.params, build)
        assert isinstance(result, Node)
        self.y, self.saved = result.items
        if writes_given(main, spec.programs):
            raise self.how.refuse("writes into an array that it is given", True)
        count = sum(1 for _ in variables(self.y))
        self.values = tuple(Var(leaf.type) for leaf in variables(self.y))
        blocks = dict(main.blocks)
        for label, block in blocks.items():
            if isinstance(block.end, Return):
                self.values, self.kept = block.end.values[:count], block.end.values[count:]
                known = {*main.params, *self.values}
                self.extra = tuple(dict.fromkeys(v for v in self.kept if isinstance(v, Var) and v not in known))
                blocks[label] = self._returning(block, origins(main))
        results = tuple(v.type for v in (*self.values, *self.extra))
        done = replace(main, blocks=blocks, results=results, apart=self.how.apart)
        spec.programs[main.name] = done
        return done

    def _returning(self, block: Block, made_by: dict[Var, frozenset[object]]) -> Block:
        """The end of the forward part: the buffers that it gives are its own, and those of the value are distinct."""
        taken: set[object] = set()
        ops = list(block.ops)
        given: list[Operand] = []
        for value in (*self.values, *self.extra):
            if isinstance(value, Var) and isinstance(value.type, MemoryType):
                made = made_by.get(value, frozenset((None,)))
                if made & taken or not all(isinstance(origin, Op) for origin in made):
                    copying, value = whole_copy(value, self.reader.pos)
                    ops += copying
                taken |= made
                if self.how.apart:
                    ops.append(Op(mem_keep, (value,), (), self.reader.pos))
            given.append(value)
        return Block(block.params, tuple(ops), Return(tuple(given)))

    # --- backward -------------------------------------------------------------------------------------------

    def _backward(self) -> tuple[str, tuple[int, ...]]:
        """The name of the backward part, and the numbers of the arguments and results that it wants."""
        spec = self.reader.spec
        args = {param: Var(param.type, param.name) for param in self.params}
        results = [Var(leaf.type, "y") for leaf in variables(self.y)]
        extra = {value: Var(value.type, "saved") for value in self.extra if isinstance(value, Var)}
        there = {value: var for value, var in zip(self.values, results, strict=True) if isinstance(value, Var)}
        known = {**there, **args, **extra}
        kept = iter(self.kept)
        saved = rebuild(self.saved, lambda leaf: _known(known, next(kept)) if isinstance(leaf, Var) else leaf)
        ys = iter(results)
        y = rebuild(self.y, lambda leaf: next(ys) if isinstance(leaf, Var) else leaf)
        dys = {var: _cotangent(var) for var in results if _has_cotangent(var)}
        dy = _cotangent_of(y, dys)
        formals = [rebuild(f, lambda leaf: args[leaf] if isinstance(leaf, Var) else leaf) for f in self.formals]
        shadows = {arg: Var(kind, "d") for arg in args.values() if (kind := shadow_type(arg.type)) is not None}

        def build(inner: FunctionReader) -> Value:
            found = self.how.backward(inner, saved, formals, dy)
            adding = _Adding(inner, self.how, shadows)
            for number, (formal, given) in enumerate(zip(formals, found, strict=True)):
                cotangent = spec.calls.frozen(inner, spec.calls.settle(inner, given))
                adding.add(formal, opened_whole(inner, cotangent), number)
            return tuple_of(adding.numbers)

        always = (*dys.values(), *shadows.values())
        params = (*extra.values(), *args.values(), *results, *always)
        main, _ = self._read(f"{self.how.name}.pullback", params, build)
        used = {v for block in main.blocks.values() for v in uses(block)}
        every = dict(zip(params, main.params, strict=True))
        wanted = [i for i, var in enumerate((*args.values(), *results)) if every[var] in used]
        picked = [(*args.values(), *results)[i] for i in wanted]
        takes = tuple(every[var] for var in (*extra.values(), *picked, *always))
        spec.programs[main.name] = replace(main, params=takes, apart=self.how.apart)
        return main.name, tuple(wanted)


def _known(known: dict[Var, Var], value: Operand) -> Operand:
    return known[value] if isinstance(value, Var) else value


def _has_cotangent(var: Var) -> bool:
    return differentiable(var.type) or shadow_type(var.type) is not None


def _cotangent(var: Var) -> Var:
    return Var(shadow_type(var.type) or tangent_kind(var.type), "dy")


def _cotangent_of(y: Value, dys: dict[Var, Var]) -> Value:
    """The cotangent of a value as rules are given it: of its structure, for bools and the like the value itself."""
    if isinstance(y, Var):
        return dys.get(y, y)
    if is_array(y) and isinstance(y, Node) and isinstance(memory := y.items[0], Var):
        return array_like(y, dys[memory], lambda leaf: leaf) if memory in dys else y
    if isinstance(y, Node):
        return Node(y.head, tuple(_cotangent_of(item, dys) for item in y.items))
    return y


class _Adding:
    """Cotangents of arguments added to their shadows; those of numbers are gathered."""

    def __init__(self, reader: FunctionReader, how: Derivative, shadows: dict[Var, Var]) -> None:
        self.reader, self.how, self.shadows = reader, how, shadows
        self.numbers: list[Value] = []

    def add(self, formal: Value, given: Value, number: int) -> None:
        none = isinstance(given, Static) and given.obj is None
        if isinstance(formal, (Const, Static)):
            if is_closed(formal) and not none:
                raise _Closed(number)
            return
        if isinstance(formal, Var):
            if isinstance(formal.type, MemoryType):
                if isinstance(given, Var) and formal in self.shadows:
                    self.reader.ops += whole_sum(self.shadows[formal], given, self.reader.pos)
            elif differentiable(formal.type):
                kind = tangent_kind(formal.type)
                if not none and not isinstance(given, (Var, Const)):
                    raise self._unfit(formal, given, number)
                found = zero(kind) if none or not isinstance(given, (Var, Const)) else given
                self.numbers.append(self._variable(Emitter(self.reader.ops, self.reader.pos).convert(found, kind)))
        elif is_array(formal):
            if not none:
                self._array(formal, given, number)
            self.numbers += [self._variable(zero(f8)) for leaf in formal.items[1:] if isinstance(leaf, Var)]
        elif none:
            for item in formal.items:
                self.add(item, given, number)
        else:
            items = placed(given, formal, partly=True)
            if items is None:
                raise self._unfit(formal, given, number)
            for item, its in zip(formal.items, items, strict=True):
                self.add(item, its, number)

    def _unfit(self, formal: Value, given: Value, number: int) -> ZygError:
        return self.how.refuse(
            f"gives {with_names(given)} as the cotangent of {with_names(formal)} (argument {number})"
        )

    def _variable(self, operand: Operand) -> Var:
        """A variable, so that it is one of the results of the program."""
        var = Var(operand.type)
        self.reader.ops.append(Op(p.identity, (operand,), (var,), self.reader.pos))
        return var

    def _array(self, formal: Node, given: Value, number: int) -> None:
        """Original: a (an array)    Adjoint: da[i, …] += given[i, …]"""
        memory = formal.items[0]
        assert isinstance(memory, Var)
        if memory not in self.shadows:
            return
        if not arrays.is_arraylike(given) or arrays.ndim_of(given) != arrays.ndim_of(formal):
            raise self._unfit(formal, given, number)
        reader = self.reader
        target = array_like(formal, self.shadows[memory], lambda leaf: leaf)
        if arrays.dtype_of(given) in (c8, c16) and arrays.dtype_of(target) not in (c8, c16):
            given = reader.spec.calls.call(reader, Static(np.real), [given], {})
            given = reader.spec.calls.settle(reader, given)
        dims, own = arrays.shape(target), arrays.shape(given)
        for axis, (dim, its) in enumerate(zip(dims, own, strict=True)):
            same = reader.emit(operator.eq, (dim, its), b1)
            reader.guard(same, _misshapen(self.how, number, axis), "ValueError(cotangent)", dim, its)

        def body(elements: maps.Elements, index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
            value = elements.at(given, index)
            if elements.flat:
                at = arrays.add(reader, arrays.offset(target), index[0])
                value = arrays.cast_to(reader, value, target.head.dtype)
                reader.ops.append(Op(mem_add, (arrays.memory(target), at, value), (), reader.pos))
            else:
                arrays.store(reader, target, index, value, mem_add)
            return ()

        maps.over(reader, "accumulate", dims, [target, given], (), body)


def _misshapen(how: Derivative, number: int, axis: int) -> Callable[..., BaseException]:
    refuse = how.refuse

    def build(wanted: int, found: int) -> BaseException:
        return refuse(
            f"gives a cotangent of argument {number} with {found} elements along axis {axis}, where that has {wanted}"
        )

    return build
