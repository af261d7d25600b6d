"""Reductions of arrays along all or some axes: `np.sum`, `np.max`, `np.mean`, …"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.memory import mem_add
from zyg.ir.program import Const, Operand, Type, Var
from zyg.ir.scalars import b1, f8, i8
from zyg.passes.slots import zero
from zyg.reading import arrays, maps, operators
from zyg.reading.array_making import as_array
from zyg.reading.arrays import ONE, ZERO, dtype_of, shape
from zyg.reading.handlers import HANDLERS, Handler, handles
from zyg.reading.heads import TupleHead
from zyg.reading.maps import Elements
from zyg.reading.nest import nest
from zyg.reading.values import Node, Static, Value
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Fold = Callable[[list[Operand], Operand], Sequence[Operand]]


def axes_of(reader: FunctionReader, axis: Value | None, ndim: int) -> tuple[int, ...]:
    """The axes that an axis argument names, counted from the start."""
    if axis is None or (isinstance(axis, Static) and axis.obj is None):
        return tuple(range(ndim))
    items = axis.items if isinstance(axis, Node) and isinstance(axis.head, TupleHead) else (axis,)
    found = []
    for item in items:
        if not isinstance(item, Const):
            raise unsupported("axis must be known when compiling", reader.pos)
        number = int(item.value.real)
        if not -ndim <= number < ndim:
            raise unsupported(f"axis {number} is out of bounds for an array of {ndim} dimensions", reader.pos)
        found.append(number % ndim)
    if len(set(found)) < len(found):
        raise unsupported("an axis is named twice", reader.pos)
    return tuple(sorted(found))


class _Arguments:
    """What a call of a reduction says besides the array."""

    def __init__(self, reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> None:
        unknown = set(kws) - {"axis", "keepdims", "ddof", "a", "initial", "dtype"}
        if unknown or "initial" in kws or "dtype" in kws:
            name = next(iter(unknown or {"initial", "dtype"} & set(kws)))
            raise unsupported(f"the keyword {name!r} of this reduction is not compiled", reader.pos)
        if any(not (isinstance(arg, Static) and arg.obj is None) for arg in args[2:]):
            raise unsupported("this reduction takes its options by keyword in native code", reader.pos)
        value = as_array(reader, args[0] if args else kws["a"])
        self.value: Node | Operand = value  # type: ignore[assignment]
        self.ndim = arrays.ndim_of(value)
        self.axes = axes_of(reader, args[1] if len(args) > 1 else kws.get("axis"), self.ndim)
        keep = kws.get("keepdims", Const(False, b1))
        if not isinstance(keep, Const):
            raise unsupported("keepdims must be known when compiling", reader.pos)
        self.keepdims = bool(keep.value)
        self.dims = shape(value)
        self.kept = tuple(k for k in range(self.ndim) if k not in self.axes)

    def result(self, reader: FunctionReader, out: Value) -> Value:
        """`out`, over the kept axes, with the others as dimensions of 1 where `keepdims` asks for them."""
        if not self.keepdims:
            return out
        if isinstance(out, (Var, Const)):
            made = arrays.allocate(reader, (ONE,) * self.ndim, out.type)
            arrays.store(reader, made, (ZERO,) * self.ndim, out)
            return made
        assert isinstance(out, Node)
        steps = iter(zip(shape(out), arrays.strides(reader, out), strict=True))
        pairs = [next(steps) if k in self.kept else (ONE, ZERO) for k in range(self.ndim)]
        return arrays.view(reader, out, arrays.offset(out), [d for d, _ in pairs], [s for _, s in pairs])


def total(reader: FunctionReader, value: Node, dtype: Type) -> Operand:
    """The sum of all elements."""
    add = operator.add if dtype == i8 else p.reassociate_add

    def body(elements: Elements, index: list[Operand], state: list[Operand]) -> Sequence[Operand]:
        return [reader.emit(add, (state[0], reader.cast(elements.at(value, index), dtype)), dtype)]

    return maps.over(reader, "sum", shape(value), [value], [zero(dtype)], body)[0]


def _summed(reader: FunctionReader, given: _Arguments, dtype: Type) -> Value:
    value = given.value
    if not isinstance(value, Node):
        return reader.cast(value, dtype)
    if not given.kept:
        return total(reader, value, dtype)
    out = arrays.allocate(reader, [given.dims[k] for k in given.kept], dtype, zeros=True)

    def body(elements: Elements, index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        arrays.store(reader, out, [index[k] for k in given.kept], elements.at(value, index), mem_add)
        return ()

    nest(reader, "sum", given.dims, (), lambda index, _: body(Elements(reader, False), index, []))
    return out


def _sum_type(kind: Type) -> Type:
    return i8 if kind == b1 else kind


@handles(np.sum)
def _sum(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    given = _Arguments(reader, args, kws)
    return given.result(reader, _summed(reader, given, _sum_type(dtype_of(given.value))))


def _count(reader: FunctionReader, given: _Arguments) -> Operand:
    return arrays.size(reader, [given.dims[k] for k in given.axes])


@handles(np.mean)
def _mean(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    given = _Arguments(reader, args, kws)
    kind = scalars.to_float(dtype_of(given.value))
    summed = _summed(reader, given, kind)
    part = reader.cast(reader.cast(_count(reader, given), f8), scalars.real_of(kind))
    return given.result(reader, _settled(reader, operators.apply(reader, operator.truediv, [summed, part], False)))


def _settled(reader: FunctionReader, value: Value) -> Value:
    return maps.materialise(reader, value) if arrays.is_map(value) and isinstance(value, Node) else value


def _var(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    given = _Arguments(reader, args, kws)
    freedom = kws.get("ddof", Const(0, i8))
    value = given.value
    if isinstance(value, Node) and arrays.is_map(value):
        value = maps.materialise(reader, value)
        args = [value, *args[1:]]
    center = _mean(reader, args, {**{k: v for k, v in kws.items() if k == "axis"}, "keepdims": Const(True, b1)})
    distance = operators.apply(reader, operator.sub, [value, center])
    if dtype_of(distance) in (scalars.c8, scalars.c16):
        parts = [reader.spec.calls.call(reader, Static(part), [distance], {}) for part in (np.real, np.imag)]
        squares = [operators.apply(reader, operator.mul, [part, part]) for part in parts]
        square = operators.apply(reader, operator.add, squares)
    else:
        square = operators.apply(reader, operator.mul, [distance, distance])
    kept = {k: v for k, v in kws.items() if k in ("axis", "keepdims")}
    summed = _sum(reader, [square, *args[1:]], kept)
    assert isinstance(freedom, (Var, Const))
    n = operators.binary(reader, operator.sub, reader.cast(_count(reader, given), f8), freedom)
    n = reader.cast(n, scalars.real_of(dtype_of(square)))
    return _settled(reader, operators.apply(reader, operator.truediv, [summed, n], False))


HANDLERS[np.var] = _var


@handles(np.std)
def _std(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    variance = _var(reader, args, kws)
    if isinstance(variance, Node):
        return maps.elementwise(reader, _root, [variance])
    return _root(reader, [variance])  # type: ignore[list-item]


def _root(reader: FunctionReader, operands: list[Operand]) -> Value:
    return reader.emit(np.sqrt, (operands[0],), operands[0].type)


def _folded(reader: FunctionReader, given: _Arguments, start: Sequence[Operand], fold: Any, finish: Any) -> Value:
    """A reduction by a loop over the reduced axes for every place of the kept ones.

    fold(element, state, position) gives the next state; finish(state) the result at one place.
    """
    value = given.value
    assert isinstance(value, Node)

    def at_place(place: list[Operand]) -> Operand:
        def body(index: list[Operand], state: list[Operand]) -> Sequence[Operand]:
            where: list[Operand] = [ZERO] * given.ndim
            for k, i in zip(given.kept, place, strict=True):
                where[k] = i
            for k, i in zip(given.axes, index, strict=True):
                where[k] = i
            position = index[0] if index else ZERO
            for k, i in zip(given.axes[1:], index[1:], strict=True):
                position = arrays.add(reader, arrays.mul(reader, position, given.dims[k]), i)
            return fold(Elements(reader, False).at(value, where), state, position)  # type: ignore[no-any-return]

        found = nest(reader, "fold", [given.dims[k] for k in given.axes], start, body)
        return finish(found)  # type: ignore[no-any-return]

    if not given.kept:
        return at_place([])
    outer, reader.ops = reader.ops, []
    kind = at_place([ZERO] * len(given.kept)).type
    reader.ops = outer
    out = arrays.allocate(reader, [given.dims[k] for k in given.kept], kind)

    def each(place: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        arrays.store(reader, out, place, at_place(place))
        return ()

    nest(reader, "reduce", arrays.shape(out), (), each)
    return out


def _not_empty(reader: FunctionReader, given: _Arguments, name: str) -> None:
    ok = reader.emit(operator.gt, (_count(reader, given), ZERO), b1)
    if given.kept:
        nothing = reader.emit(operator.eq, (arrays.size(reader, [given.dims[k] for k in given.kept]), ZERO), b1)
        ok = reader.emit(operator.or_, (ok, nothing), b1)
    reader.guard(ok, _Empty(name), "ValueError(empty)")


class _Empty:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> BaseException:
        return ValueError(f"zero-size array to reduction operation {self.name} which has no identity")


def _extreme(name: str, primitive: Any, worst: float) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        given = _Arguments(reader, args, kws)
        value = given.value
        if not isinstance(value, Node):
            return given.result(reader, value)
        if arrays.is_map(value):
            given.value = value = maps.materialise(reader, value)
        kind = dtype_of(value)
        if kind in (scalars.c8, scalars.c16):
            raise unsupported(f"{name} of complex numbers has no native code", reader.pos)
        _not_empty(reader, given, name)
        if kind in (i8, b1):
            low: Operand = Const(-(2**63) if worst < 0 else 2**63 - 1, i8)
            return given.result(
                reader,
                _folded(
                    reader,
                    given,
                    [low],
                    lambda x, s, _: [reader.emit(primitive, (reader.cast(x, i8), s[0]), i8)],
                    lambda s: s[0] if kind == i8 else reader.emit(p.is_nonzero, (s[0],), b1),
                ),
            )
        first = Const(worst, kind)

        def best(x: Operand, state: Sequence[Operand], _: Operand) -> Sequence[Operand]:
            return [reader.emit(primitive, (state[0], reader.emit(p.stop_gradient, (x,), kind)), kind)]

        def even(place: Operand) -> tuple[Any, Any]:
            def tie(x: Operand, state: Sequence[Operand], _: Operand) -> Sequence[Operand]:
                same = reader.emit(operator.eq, (x, place), b1)
                share = reader.emit(p.select, (same, x, zero(kind)), kind)
                return [
                    reader.emit(operator.add, (state[0], share), kind),
                    reader.emit(operator.add, (state[1], reader.cast(same, kind)), kind),
                ]

            def mean(state: Sequence[Operand]) -> Operand:
                average = reader.emit(operator.truediv, (state[0], state[1]), kind)
                return reader.emit(p.attach, (place, average), kind)

            return tie, mean

        return given.result(reader, _two_sweeps(reader, given, first, best, even))

    return handler


def _two_sweeps(reader: FunctionReader, given: _Arguments, first: Operand, best: Any, even: Any) -> Value:
    """The extreme value, with the gradient split evenly between all elements that have it."""
    value = given.value
    assert isinstance(value, Node)

    def at_place(place: list[Operand]) -> Operand:
        def element(index: list[Operand]) -> Operand:
            where: list[Operand] = [ZERO] * given.ndim
            for k, i in (*zip(given.kept, place, strict=True), *zip(given.axes, index, strict=True)):
                where[k] = i
            return Elements(reader, False).at(value, where)

        extents = [given.dims[k] for k in given.axes]
        (found,) = nest(reader, "extreme", extents, [first], lambda i, s: best(element(i), s, ZERO))
        tie, mean = even(found)
        start = [zero(found.type), zero(found.type)]
        return mean(nest(reader, "ties", extents, start, lambda i, s: tie(element(i), s, ZERO)))  # type: ignore[no-any-return]

    if not given.kept:
        return at_place([])
    out = arrays.allocate(reader, [given.dims[k] for k in given.kept], value.head.dtype)

    def each(place: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        arrays.store(reader, out, place, at_place(place))
        return ()

    nest(reader, "reduce", arrays.shape(out), (), each)
    return out


for _fn in (np.max, np.amax):
    HANDLERS[_fn] = _extreme("maximum", np.maximum, -np.inf)
for _fn in (np.min, np.amin):
    HANDLERS[_fn] = _extreme("minimum", np.minimum, np.inf)


@handles(np.prod)
def _prod(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    given = _Arguments(reader, args, kws)
    if not isinstance(given.value, Node):
        return given.value
    kind = _sum_type(dtype_of(given.value))
    one = reader.cast(Const(1, i8), kind)
    folded = _folded(
        reader,
        given,
        [one],
        lambda x, s, _: [reader.emit(operator.mul, (s[0], reader.cast(x, kind)), kind)],
        lambda s: s[0],
    )
    return given.result(reader, folded)


def _test(join: Any, start: bool) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        given = _Arguments(reader, args, kws)
        if not isinstance(given.value, Node):
            return operators.truth(reader, given.value)
        folded = _folded(
            reader,
            given,
            [Const(start, b1)],
            lambda x, s, _: [reader.emit(join, (s[0], operators.truth(reader, x)), b1)],
            lambda s: s[0],
        )
        return given.result(reader, folded)

    return handler


HANDLERS[np.any] = _test(operator.or_, False)
HANDLERS[np.all] = _test(operator.and_, True)


def _arg(name: str, better: Any, worst: float) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        given = _Arguments(reader, args, kws)
        if not isinstance(given.value, Node):
            return ZERO
        kind = dtype_of(given.value)
        if kind in (scalars.c8, scalars.c16):
            raise unsupported(f"{name} of complex numbers has no native code", reader.pos)
        _not_empty(reader, given, name)
        low: Operand = Const(worst, kind) if kind not in (i8, b1) else Const(-(2**63) if worst < 0 else 2**63 - 1, i8)
        if kind == b1:
            kind = i8

        def step(x: Operand, state: Sequence[Operand], position: Operand) -> Sequence[Operand]:
            x = reader.cast(x, kind)
            wins = reader.emit(better, (x, state[0]), b1)
            first = reader.emit(operator.eq, (position, ZERO), b1)
            if kind != i8:
                empty = reader.emit(operator.eq, (state[0], state[0]), b1)
                strange = reader.emit(operator.ne, (x, x), b1)
                wins = reader.emit(operator.or_, (wins, reader.emit(operator.and_, (strange, empty), b1)), b1)
            wins = reader.emit(operator.or_, (wins, first), b1)
            return [
                reader.emit(p.select, (wins, x, state[0]), kind),
                reader.emit(p.select, (wins, position, state[1]), i8),
            ]

        return given.result(reader, _folded(reader, given, [low, ZERO], step, lambda s: s[1]))

    return handler


HANDLERS[np.argmax] = _arg("argmax", operator.gt, -np.inf)
HANDLERS[np.argmin] = _arg("argmin", operator.lt, np.inf)
