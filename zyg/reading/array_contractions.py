"""Contractions and repetitions of arrays: `np.tensordot`, `np.einsum`, `np.tile`, `np.pad`, `np.split`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_letters
from typing import TYPE_CHECKING

import numpy as np

from zyg.errors import by_stretching, unsupported
from zyg.ir import scalars
from zyg.ir.memory import mem_add
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, i8
from zyg.reading import arrays, maps, operators
from zyg.reading.array_making import as_array, filled
from zyg.reading.array_reductions import axes_of
from zyg.reading.array_views import transposed
from zyg.reading.arrays import ONE, ZERO, dtype_of, offset, shape, strides
from zyg.reading.handlers import HANDLERS, Handler, handles, number
from zyg.reading.iteration import elements
from zyg.reading.maps import STRETCH_HINT
from zyg.reading.nest import nest
from zyg.reading.reshaping import ravel
from zyg.reading.values import Node, Static, Value, constant, tuple_of
from zyg.rules.padding import padded

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def _array(reader: FunctionReader, value: Value) -> Node:
    found = maps.settle(reader, as_array(reader, value))
    if not isinstance(found, Node):
        raise unsupported("this function needs an array", reader.pos)
    return found


def _equal(reader: FunctionReader, a: Operand, b: Operand) -> None:
    if a != b:
        reader.guard(reader.emit(operator.eq, (a, b), b1), _mismatch, "ValueError(shapes)", a, b)


def _mismatch(a: int, b: int) -> BaseException:
    return ValueError(f"dimensions {a} and {b} must be equal")


def _unfit(a: int, b: int) -> BaseException:
    return _mismatch(a, b) if 1 not in (a, b) else by_stretching(ValueError(f"{_mismatch(a, b)}{STRETCH_HINT}"))


@handles(np.tensordot)
def _tensordot(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    a, b = (_array(reader, arg) for arg in args[:2])
    axes = args[2] if len(args) > 2 else kws.get("axes", constant(2))
    if isinstance(axes, Const):
        count = int(axes.value.real)
        left = list(range(a.head.ndim - count, a.head.ndim))
        right = list(range(count))
    else:
        one, two = elements(reader, axes)
        left, right = (
            [axes_of(reader, item, array.head.ndim)[0] for item in (x.items if isinstance(x, Node) else (x,))]
            for x, array in ((one, a), (two, b))
        )
    for j, k in zip(left, right, strict=True):
        _equal(reader, shape(a)[j], shape(b)[k])
    kept_a = [k for k in range(a.head.ndim) if k not in left]
    kept_b = [k for k in range(b.head.ndim) if k not in right]
    inner = arrays.size(reader, [shape(a)[k] for k in left])
    outer = [[shape(array)[k] for k in kept] for array, kept in ((a, kept_a), (b, kept_b))]
    x = ravel(reader, _array(reader, transposed(reader, a, [*kept_a, *left])))
    y = ravel(reader, _array(reader, transposed(reader, b, [*right, *kept_b])))
    rows, columns = (arrays.size(reader, dims) for dims in outer)
    one = arrays.c_array(arrays.memory(x), offset(x), (rows, inner))
    two = arrays.c_array(arrays.memory(y), offset(y), (inner, columns))
    product = maps.settle(reader, reader.spec.calls.call(reader, Static(np.matmul), [one, two], {}))
    assert isinstance(product, Node)
    dims = [*outer[0], *outer[1]]
    found = arrays.c_array(arrays.memory(product), offset(product), dims)
    return found if dims else arrays.load(reader, found, [])


@handles(np.einsum)
def _einsum(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    if set(kws) - {"optimize"}:
        raise unsupported(f"einsum with {next(iter(set(kws) - {'optimize'}))}= is not compiled", reader.pos)
    text, given = _subscripts(reader, args)
    operands = [_array(reader, arg) for arg in given]
    terms, wanted = _letters(reader, text, [array.head.ndim for array in operands])
    sizes: dict[str, list[tuple[Operand]]] = {}
    for term, array in zip(terms, operands, strict=True):
        own: dict[str, Operand] = {}
        for letter, dim in zip(term, shape(array), strict=True):
            _equal(reader, own.setdefault(letter, dim), dim)
        for letter, dim in own.items():
            sizes.setdefault(letter, []).append((dim,))
    extents: dict[str, Operand] = {}
    for letter, dims in sizes.items():  # those of 1 are stretched
        (extents[letter],) = maps.broadcast(reader, dims, _unfit, stretching=reader.spec.stretching)
    letters = [*wanted, *(c for c in extents if c not in wanted)]
    kind = scalars.promote(*(dtype_of(array) for array in operands))
    if kind == i8 and all(dtype_of(array) == b1 for array in operands):
        raise unsupported("np.einsum of truth values", reader.pos, "Use np.any and np.all.")
    if len(operands) == 1 and wanted and set(wanted) == set(terms[0]):
        return _rearranged(reader, operands[0], terms[0], wanted, extents)
    out = arrays.allocate(reader, [extents[c] for c in wanted], kind, zeros=True)

    def body(index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        at = dict(zip(letters, index, strict=True))
        product: Operand | None = None
        for term, array in zip(terms, operands, strict=True):
            where = [maps.along(reader, dim, at[c]) for c, dim in zip(term, shape(array), strict=True)]
            factor = reader.cast(arrays.load(reader, array, where), kind)
            product = factor if product is None else operators.binary(reader, operator.mul, product, factor)
        assert product is not None
        arrays.store(reader, out, [at[c] for c in wanted], product, mem_add)
        return ()

    nest(reader, "einsum", [extents[c] for c in letters], (), body)
    return out if wanted else arrays.load(reader, out, [])


def _rearranged(reader: FunctionReader, array: Node, term: str, wanted: str, extents: dict[str, Operand]) -> Node:
    """What einsum gives of one array of which nothing is summed: a view, as `np.einsum("ii->i", a)` of the diagonal."""
    steps: dict[str, Operand] = {}
    for letter, step in zip(term, strides(reader, array), strict=True):
        steps[letter] = arrays.add(reader, steps[letter], step) if letter in steps else step
    found = arrays.view(reader, array, offset(array), [extents[c] for c in wanted], [steps[c] for c in wanted])
    return found if list(steps) == list(wanted) else arrays.turned(reader, found)


def _subscripts(reader: FunctionReader, args: list[Value]) -> tuple[str, list[Value]]:
    """The subscripts as text, and the operands; they may also be given as lists of numbers behind each operand."""
    if isinstance(args[0], Static) and isinstance(args[0].obj, str):
        return args[0].obj.replace(" ", ""), args[1:]
    terms = []
    for value in args[1::2] if len(args) % 2 == 0 else [*args[1:-1:2], args[-1]]:
        items = [item.value if isinstance(item, Const) else None for item in elements(reader, value)]
        if any(item is None or not 0 <= int(item.real) < 52 for item in items):
            raise unsupported("einsum needs its subscripts known when compiling", reader.pos)
        terms.append("".join(ascii_letters[int(item.real)] for item in items if item is not None))
    if len(args) % 2 == 0:
        return ",".join(terms), args[0::2]
    return ",".join(terms[:-1]) + "->" + terms[-1], args[0:-1:2]


def _letters(reader: FunctionReader, text: str, dims: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; dimensions that an ellipsis stands for are digits."""
    given, _, wanted = text.partition("->")
    terms = given.split(",")
    if len(terms) != len(dims):
        raise unsupported("einsum's subscripts do not fit the operands", reader.pos)
    most = 0
    for k, (term, ndim) in enumerate(zip(terms, dims, strict=True)):
        count = ndim - len(term.replace("...", ""))
        if count < 0 or ("..." not in term and count > 0) or count > 9:
            raise unsupported("einsum's subscripts do not fit the operands", reader.pos)
        terms[k] = term.replace("...", "0123456789"[10 - count :] if count else "")
        most = max(most, count if "..." in term else 0)
    spare = "0123456789"[10 - most :] if most else ""
    if "->" in text:
        return terms, wanted.replace("...", spare)
    every = "".join(terms)
    return terms, spare + "".join(sorted(c for c in set(every) if every.count(c) == 1 and not c.isdigit()))


@handles(np.tile)
def _tile(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array = _array(reader, args[0])
    reps = [number(reader, n, "tile") for n in ([args[1]] if isinstance(args[1], Const) else elements(reader, args[1]))]
    ndim = max(len(reps), array.head.ndim)
    reps = [*[ONE] * (ndim - len(reps)), *reps]
    own = (ONE,) * (ndim - array.head.ndim) + shape(array)
    steps = (ZERO,) * (ndim - array.head.ndim) + strides(reader, array)
    dims = [reader.length(arrays.mul(reader, n, d)) for n, d in zip(reps, own, strict=True)]
    out = arrays.allocate(reader, dims, array.head.dtype)
    inner = arrays.view(reader, array, offset(array), own, steps)

    def body(index: list[Operand], _: list[Operand]) -> Sequence[Operand]:
        where: list[Operand] = []
        place: list[Operand] = []
        for k in range(ndim):
            n, i = index[2 * k], index[2 * k + 1]
            where.append(ZERO if own[k] == ONE else i)
            place.append(arrays.add(reader, arrays.mul(reader, n, own[k]), i))
        arrays.store(reader, out, place, arrays.load(reader, inner, where))
        return ()

    nest(reader, "tile", [x for pair in zip(reps, own, strict=True) for x in pair], (), body)
    return out


@handles(np.pad)
def _pad(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    array = _array(reader, args[0])
    width = args[1] if len(args) > 1 else kws["pad_width"]
    mode = args[2] if len(args) > 2 else kws.get("mode", Static("constant"))
    if not (isinstance(mode, Static) and isinstance(mode.obj, str)):
        raise unsupported("of np.pad, modes that are functions are not compiled", reader.pos)
    if set(kws) - {"mode", "pad_width", "constant_values", "end_values"}:
        raise unsupported("of np.pad, stat_length and reflect_type are not compiled", reader.pos)
    ndim = array.head.ndim
    pairs: list[tuple[Operand, Operand]] = []
    items: list[Value] = [width] if isinstance(width, Const) else list(elements(reader, width))
    if all(isinstance(item, Const) for item in items):
        ends = [number(reader, item, "pad") for item in items]
        pairs = [(ends[0], ends[-1])] * ndim
    else:
        for item in items:
            before, after = (number(reader, n, "pad") for n in elements(reader, item))
            pairs.append((before, after))
        pairs = pairs * ndim if len(pairs) == 1 else pairs
    for end in (end for pair in pairs for end in pair):
        if not isinstance(end, Const) or int(end.value.real) < 0:
            some = reader.emit(operator.ge, (end, ZERO), b1)
            reader.guard(some, _negative_width, "ValueError(pad_width)")
    fill = kws.get("constant_values", constant(0))
    if mode.obj != "constant" or not isinstance(fill, (Var, Const)):
        widths = tuple_of([tuple_of(list(pair)) for pair in pairs])
        given: list[Value] = [array, widths, mode, kws.get("end_values", constant(0)), fill]
        return reader.spec.calls.call(reader, Static(padded), given, {})
    dims = []
    for dim, (before, after) in zip(shape(array), pairs, strict=True):
        dims.append(reader.length(arrays.add(reader, arrays.add(reader, dim, before), after)))
    value = reader.cast(number(reader, fill, "pad"), array.head.dtype)
    out = filled(reader, dims, value, array.head.dtype)
    steps = strides(reader, out)
    start = offset(out)
    for (before, _), step in zip(pairs, steps, strict=True):
        start = arrays.add(reader, start, arrays.mul(reader, before, step))
    maps.assign(reader, arrays.view(reader, out, start, shape(array), steps), array)
    return out


def _negative_width() -> BaseException:
    return ValueError("index can't contain negative values")


def _splitting(axis: int | None, uneven: bool = False) -> Handler:
    def handler(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
        array = _array(reader, args[0])
        given = args[2] if len(args) > 2 else kws.get("axis", constant(0))
        along = axes_of(reader, given, array.head.ndim)[0] if axis is None else axis
        if axis == 1 and array.head.ndim == 1:
            along = 0
        dim = shape(array)[along]
        bounds: list[Operand] = []
        if isinstance(args[1], Const):
            count = int(args[1].value.real)
            size = reader.emit(operator.floordiv, (dim, Const(count, i8)), i8)
            rest = arrays.sub(reader, dim, arrays.mul(reader, size, Const(count, i8)))
            if not uneven:
                reader.guard(reader.emit(operator.eq, (rest, ZERO), b1), _uneven, "ValueError(split)")
            for k in range(count + 1):
                more = arrays.least(reader, Const(k, i8), rest) if uneven else ZERO
                bounds.append(arrays.add(reader, arrays.mul(reader, Const(k, i8), size), more))
        else:
            places = [number(reader, item, "split") for item in elements(reader, args[1])]
            bounds = [ZERO, *(arrays.least(reader, place, dim) for place in places), dim]
        steps = strides(reader, array)
        parts: list[Value] = []
        for low, high in pairwise(bounds):
            extent = reader.length(arrays.most(reader, arrays.sub(reader, high, low), ZERO))
            dims = [extent if k == along else d for k, d in enumerate(shape(array))]
            start = arrays.add(reader, offset(array), arrays.mul(reader, low, steps[along]))
            parts.append(arrays.view(reader, array, start, dims, steps))
        return tuple_of(parts)

    return handler


def _uneven() -> BaseException:
    return ValueError("array split does not result in an equal division")


HANDLERS[np.split] = _splitting(None)
HANDLERS[np.array_split] = _splitting(None, uneven=True)
HANDLERS[np.hsplit] = _splitting(1)
HANDLERS[np.vsplit] = _splitting(0)
HANDLERS[np.dsplit] = _splitting(2)


@handles(np.select)
def _select(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    conditions, choices = elements(reader, args[0]), elements(reader, args[1])
    found: Value = args[2] if len(args) > 2 else kws.get("default", constant(0.0))
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        found = reader.spec.calls.call(reader, Static(np.where), [condition, choice, found], {})
    return found
