"""Python's operators on abstract values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.memory import mem_apart
from zyg.ir.program import Const, Operand, Type, Var
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8
from zyg.reading import arrays, lists, maps, record_dicts, records, texts
from zyg.reading.captured import opened
from zyg.reading.choice import by_kind, may_be_array
from zyg.reading.describe import described
from zyg.reading.heads import (
    ArrayHead,
    DictHead,
    LazyHead,
    ListHead,
    MapHead,
    ObjectHead,
    RangeHead,
    RecordHead,
    TupleHead,
    UnionHead,
)
from zyg.reading.list_members import contains as list_contains
from zyg.reading.list_members import list_operator
from zyg.reading.special_methods import is_instance_value, special_method, special_operator
from zyg.reading.texts import is_text
from zyg.reading.values import Node, Static, Value, constant, is_array, is_list, is_operand, structure, tuple_of
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_ZERO_GUARDED = (operator.truediv, operator.floordiv, operator.mod)
_SYMBOL = {operator.truediv: "/", operator.floordiv: "//", operator.mod: "%"}
_SAMPLE: dict[Type, Any] = {i8: 1, b1: True, c16: 1j, c8: 1j}


def apply(reader: FunctionReader, fn: Any, args: list[Value], checked: bool = True) -> Value:
    """`fn(*args)` for an operator of the `operator` module.  `checked`: a zero divisor raises."""
    if fn in (operator.is_, operator.is_not):
        return _identity(reader, args[0], args[1], fn is operator.is_)
    if any(map(may_be_array, args)):
        return by_kind(reader, args, lambda inner, given: apply(inner, fn, list(given), checked))
    if fn in (operator.eq, operator.ne) and any(_is_union(arg) for arg in args):
        if any(isinstance(arg, Static) and arg.obj is None for arg in args):
            return _identity(reader, args[0], args[1], fn is operator.eq)
        raise unsupported(f"== of {' and '.join(map(described, args))}", reader.pos, "Test it with 'is None' before.")
    args = [opened(reader, known(reader, arg, _none_error(fn, args))) for arg in args]
    if fn is operator.contains and not is_text(args[0]):
        return _contains(reader, args)
    if any(is_text(arg) for arg in args):
        return _text(reader, fn, args)
    found = special_operator(reader, fn, args)
    if found is not None:
        return found
    if fn is operator.not_:
        return reader.emit(operator.not_, (truth(reader, args[0]),), b1)
    if fn is operator.matmul:
        return reader.spec.calls.call(reader, Static(np.matmul), args, {})
    if any(arrays.is_arraylike(arg) for arg in args):
        args = [arg if is_operand(arg) or arrays.is_arraylike(arg) else _as_array(reader, arg) for arg in args]
        return maps.elementwise(reader, numbers, args, (("fn", fn),))
    if all(is_operand(arg) for arg in args):
        operands = [arg for arg in args if isinstance(arg, (Var, Const))]
        if all(operand.type == b1 for operand in operands) and fn in _AMBIGUOUS:
            return _of_truth_values(reader, fn, operands)
        one, *rest = operands
        found = binary(reader, fn, one, rest[0], checked) if rest else unary(reader, fn, one)
        if reader.spec.of_numpy.intersection(operands):
            reader.spec.of_numpy.add(found)
        return found
    args = [opened(reader, arg) for arg in args]
    if any(is_list(arg) for arg in args):
        found = list_operator(reader, fn, args)
        if found is not None:
            return found
    return _on_tuples(reader, fn, args)


def _as_array(reader: FunctionReader, value: Value) -> Value:
    found = reader.spec.calls.call(reader, Static(np.asarray), [value], {})
    return reader.spec.calls.settle(reader, found)


_AMBIGUOUS = frozenset((operator.invert, operator.add, operator.mul, operator.sub))


def _of_truth_values(reader: FunctionReader, fn: Any, operands: list[Operand]) -> Value:
    """Arithmetic of truth values: Python's are ints, NumPy's are not; in @njit functions they are, but for `~`."""
    of_numpy = not reader.spec.of_numpy.isdisjoint(operands)
    if fn is operator.invert and not (of_numpy or reader.options.numba):
        raise unsupported("`~` of a truth value, which in Python is -1 or -2", reader.pos, "Write `not`.")
    if fn is operator.invert or (of_numpy and not reader.options.numba):
        found = numbers(reader, operands, fn)
        assert isinstance(found, (Var, Const))
        reader.spec.of_numpy.add(found)
        return found
    return binary(reader, fn, operands[0], operands[1])


def numbers(reader: FunctionReader, operands: list[Operand], fn: Any) -> Value:
    """An operator of array elements, as NumPy computes it."""
    if len(operands) == 1:
        a = operands[0]
        return reader.emit(operator.not_, (a,), b1) if fn is operator.invert and a.type == b1 else unary(reader, fn, a)
    a, b = operands
    if a.type == b.type == b1 and fn in _OF_TRUTH_VALUES:
        return reader.emit(_OF_TRUTH_VALUES[fn], (a, b), b1)
    if a.type == b.type == b1 and fn is operator.sub:
        raise unsupported("NumPy does not subtract truth values", reader.pos, "Use ^, or np.logical_xor.")
    return binary(reader, fn, a, b, checked=False)


_OF_TRUTH_VALUES: dict[Any, Any] = {operator.add: operator.or_, operator.mul: operator.and_}


def unary(reader: FunctionReader, fn: Any, a: Operand) -> Operand:
    if a.type == b1 and fn is not operator.not_:
        a = reader.cast(a, i8)
    if fn is operator.pos:
        return a
    if fn in (operator.abs, abs) and a.type in (c8, c16):
        return reader.emit(operator.abs, (a,), scalars.real_of(a.type))
    if fn is operator.invert and a.type != i8:
        raise _refused(reader, fn, [a])
    return reader.emit(operator.abs if fn is abs else fn, (a,), a.type)


def binary(reader: FunctionReader, fn: Any, a: Operand, b: Operand, checked: bool = True) -> Operand:
    kind = scalars.promote(a.type, b.type)
    if fn in (operator.and_, operator.or_, operator.xor) and a.type == b.type == b1:
        return reader.emit(fn, (a, b), b1)
    if fn in (operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift) and kind != i8:
        raise _refused(reader, fn, [a, b])
    if fn is operator.pow:
        return power(reader, a, b, kind)
    if fn is operator.truediv:
        kind = scalars.to_float(kind)
    if kind in (c8, c16) and fn in (
        operator.lt,
        operator.le,
        operator.gt,
        operator.ge,
        operator.mod,
        operator.floordiv,
    ):
        raise _refused(reader, fn, [a, b])
    x, y = reader.cast(a, kind), reader.cast(b, kind)
    if fn in scalars.COMPARISONS:
        return reader.emit(fn, (x, y), b1)
    unguarded = reader.options.numpy_errors and kind not in (c8, c16)
    if fn in _ZERO_GUARDED and checked and not unguarded and not (isinstance(y, Const) and y.value):
        reader.guard(
            reader.emit(p.is_nonzero, (y,), b1),
            _division_error(fn, a.type, b.type),
            f"ZeroDivisionError({_SYMBOL[fn]})",
        )
    return reader.emit(fn, (x, y), kind)


def power(reader: FunctionReader, a: Operand, b: Operand, kind: Type) -> Operand:
    """a ** b: by multiplication for an int exponent, by logarithms otherwise."""
    if b.type in (i8, b1):
        n = reader.cast(b, i8)
        base = reader.cast(a, i8) if a.type == b1 else a
        if base.type == i8:
            if isinstance(n, Const) and n.value < 0:  # type: ignore[operator]
                return reader.emit(p.powi, (reader.cast(base, f8), n), f8)
            ok = reader.emit(operator.ge, (n, Const(0, i8)), b1)
            reader.guard(ok, _negative_exponent, "negative exponent of an int")
            return reader.emit(operator.pow, (base, n), i8)
        return reader.emit(p.powi, (base, n), base.type)
    if isinstance(b, Const) and b.type in (f4, f8):
        exponent = float(b.value)  # type: ignore[arg-type]
        if exponent == 0.5:
            return reader.emit(np.sqrt, (reader.cast(a, kind),), kind)
        if exponent.is_integer() and abs(exponent) < 64:
            return reader.emit(p.powi, (reader.cast(a, kind), Const(int(exponent), i8)), kind)
    kind = scalars.to_float(kind)
    return reader.emit(operator.pow, (reader.cast(a, kind), reader.cast(b, kind)), kind)


def _negative_exponent() -> BaseException:
    return ValueError("an int to a negative int power is a float in Python; write float(a)**b")


def _division_error(fn: Any, a: Type, b: Type) -> Callable[..., BaseException]:
    def build() -> BaseException:
        try:
            fn(_SAMPLE.get(a, 1.0), type(_SAMPLE.get(b, 1.0))())
        except ZeroDivisionError as error:
            return error
        return ZeroDivisionError("division by zero")

    return build


def truth(reader: FunctionReader, value: Value) -> Operand:
    """`bool(value)` as an operand."""
    if isinstance(value, (Var, Const)):
        return value if value.type == b1 else reader.emit(p.is_nonzero, (value,), b1)
    value = opened(reader, value)
    assert isinstance(value, (Static, Node))
    for name in ("__bool__", "__len__"):
        method = special_method(reader, value, name)
        if method is not None:
            return truth(reader, reader.spec.calls.call(reader, method, [], {}))
    if isinstance(value, Static):
        return Const(bool(value.obj), b1)
    if records.is_shared_dict(value) and isinstance(value.head, RecordHead):
        return reader.emit(operator.gt, (records.length(reader, value), Const(0, i8)), b1)
    if lists.in_memory(value):
        return reader.emit(operator.gt, (lists.of_length(reader, value), Const(0, i8)), b1)
    if isinstance(value.head, (TupleHead, ListHead, DictHead)):
        return Const(len(value.items) > 0, b1)
    if isinstance(value.head, UnionHead):
        out: Operand = Const(False, b1)
        for number, item in enumerate(value.items[1:]):
            out = reader.emit(p.select, (_is_alternative(reader, value, number), truth(reader, item), out), b1)
        return out
    if isinstance(value.head, (ArrayHead, MapHead)):
        return _array_truth(reader, value)
    if isinstance(value.head, RangeHead):
        return truth(reader, reader.spec.calls.call(reader, Static(len), [value], {}))
    if isinstance(value.head, LazyHead):
        raise unsupported("strings made at run time cannot be tested in native code", reader.pos)
    return Const(True, b1)


def _array_truth(reader: FunctionReader, value: Node) -> Operand:
    """That of its only element."""
    from zyg.reading import arrays

    array = maps.settle(reader, value)
    assert isinstance(array, Node)
    one = reader.emit(operator.eq, (arrays.size(reader, arrays.shape(array)), Const(1, i8)), b1)
    reader.guard(one, _ambiguous, "ValueError(ambiguous)")
    return truth(reader, arrays.load(reader, array, [arrays.ZERO] * array.head.ndim))


def _ambiguous() -> BaseException:
    return ValueError("The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()")


def known(reader: FunctionReader, value: Value, error: Callable[[], BaseException] | None = None) -> Value:
    """A value that may be None or something else, used where only one alternative is possible.

    error: what Python raises where it is another one.
    """
    if not (isinstance(value, Node) and isinstance(value.head, UnionHead)):
        return value
    usable = [i for i, item in enumerate(value.items[1:]) if not isinstance(item, Static)]
    if may_be_array(value):  # whose elements or attributes are asked for
        usable = [i for i in usable if is_array(value.items[1 + i])]
        error = lambda: TypeError("a number is there at run time, where an array is needed")  # noqa: E731
    if len(usable) != 1:
        raise unsupported(f"this may be {described(value)} here", reader.pos, "Give it one kind on all paths.")
    ok = _is_alternative(reader, value, usable[0])
    reader.guard(ok, error or _none_error(operator.pos, [value]), "TypeError(NoneType)")
    return value.items[1 + usable[0]]


def _is_union(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, UnionHead)


def _none_error(fn: Any, args: list[Value]) -> Callable[[], BaseException]:
    """What Python says where operands that may be None are."""
    examples = [None if _is_union(arg) else _SAMPLE.get(getattr(arg, "type", f8), 1.0) for arg in args]

    def build() -> BaseException:
        try:
            fn(*examples)
        except TypeError as error:
            return error
        return TypeError(f"unsupported operand type(s) for {fn.__name__}: 'NoneType'")

    return build


def _is_alternative(reader: FunctionReader, union: Node, number: int) -> Operand:
    tag = union.items[0]
    assert isinstance(tag, (Var, Const))
    return reader.emit(operator.eq, (tag, Const(number, i8)), b1)


def _identity(reader: FunctionReader, a: Value, b: Value, positive: bool) -> Value:
    for value in (a, b):
        union = value.items[1:] if isinstance(value, Node) and isinstance(value.head, UnionHead) else (value,)
        for item in union:
            if isinstance(item, Static):
                reader.spec.captures.identity(item)
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Node) and isinstance(one.head, UnionHead):
            for number, item in enumerate(one.items[1:]):
                if structure(item) == structure(other) and isinstance(item, Static):
                    same = _is_alternative(reader, one, number)
                    return same if positive else reader.emit(operator.not_, (same,), b1)
            return Const(not positive, b1)
    if isinstance(a, Static) and isinstance(b, Static):
        return Const((a.obj is b.obj) is positive, b1)
    if isinstance(a, Const) and isinstance(b, Const) and a.type == b.type == b1:
        return Const((a.value is b.value) is positive, b1)
    if isinstance(a, Static) or isinstance(b, Static):
        return Const(not positive, b1)
    found = _is_one_record(reader, a, b)
    if found is not None:
        return found if positive else reader.emit(operator.not_, (found,), b1)
    raise unsupported("'is' between values made at run time cannot be compiled", reader.pos, "Use ==.")


def _is_one_record(reader: FunctionReader, a: Value, b: Value) -> Operand | None:
    """Are two values one dict or instance that the code has made?  None where that is not known."""
    if not (records.is_record(a) or records.is_record(b)):
        return None
    if not (isinstance(a, Node) and isinstance(b, Node)):
        return Const(False, b1)
    if not (records.is_record(a) and records.is_record(b)):  # one of a kind that may stand for a record, too?
        return None if isinstance(a.head, _SAME_KINDS) and isinstance(b.head, _SAME_KINDS) else Const(False, b1)
    if a.head.site.top is not b.head.site.top:
        return Const(False, b1)
    if a.items == b.items:
        return Const(True, b1)
    apart = reader.emit(mem_apart, (records.turns(a), records.turns(b)), b1)
    return reader.emit(operator.not_, (apart,), b1)


_SAME_KINDS = (RecordHead, DictHead, ObjectHead)


def _text(reader: FunctionReader, fn: Any, args: list[Value]) -> Value:
    if all(isinstance(arg, (Static, Const)) for arg in args):
        raw = [arg.obj if isinstance(arg, Static) else arg.value for arg in args if isinstance(arg, (Static, Const))]
        try:
            result = fn(*raw)
        except (TypeError, ValueError, IndexError) as error:
            raise unsupported(f"this raises {type(error).__name__}: {error}", reader.pos) from None
        return constant(result) if isinstance(result, (bool, int, float)) else Static(result)
    if fn in (operator.eq, operator.ne):
        same = texts.equal(reader, *args) if all(map(is_text, args)) else Const(False, b1)
        return same if fn is operator.eq else reader.emit(operator.not_, (same,), b1)
    if not (fn is operator.mod and is_text(args[0])) and not (fn is operator.add and all(map(is_text, args))):
        raise _refused(reader, fn, args)
    return texts.made(reader, fn, args)


def _contains(reader: FunctionReader, args: list[Value]) -> Value:
    container, item = args
    method = special_method(reader, container, "__contains__")
    if method is not None:
        return truth(reader, reader.spec.calls.call(reader, method, [item], {}))
    if isinstance(container, Node) and is_list(container):
        return list_contains(reader, container, item)
    if isinstance(container, Node) and isinstance(container.head, TupleHead):
        out: Operand = Const(False, b1)
        for one in container.items:
            same = truth(reader, apply(reader, operator.eq, [one, item]))
            out = reader.emit(operator.or_, (out, same), b1)
        return out
    if isinstance(container, Node) and records.is_record(container) and records.is_shared_dict(container):
        return records.has(reader, container, record_dicts.key_in(reader, container, item))
    if isinstance(container, Node) and isinstance(container.head, DictHead) and texts.is_made_at_run_time(item):
        return texts.is_in(reader, item, container.head.keys)
    if isinstance(container, Node) and isinstance(container.head, DictHead) and isinstance(item, Static):
        return Const(item.obj in container.head.keys, b1)
    if isinstance(container, Node) and records.is_shared_dict(container):
        return Const(record_dicts.key_in(reader, container, item) in container.head.keys, b1)
    if isinstance(container, Node) and arrays.is_arraylike(container) and is_operand(item):
        equal = apply(reader, operator.eq, [container, item])
        return truth(reader, reader.spec.calls.call(reader, Static(np.any), [equal], {}))
    if isinstance(container, Node) and isinstance(container.head, RangeHead):
        return _in_range(reader, container, item)
    raise unsupported("'in' needs a tuple here", reader.pos)


def _in_range(reader: FunctionReader, container: Node, item: Value) -> Operand:
    start, stop, step = container.items
    if not (isinstance(item, (Var, Const)) and item.type in (i8, b1) and isinstance(step, Const)):
        raise unsupported("'in' of a range needs an int, and a constant step", reader.pos)
    low, high = (operator.ge, operator.lt) if int(step.value.real) > 0 else (operator.le, operator.gt)
    inside = [apply(reader, low, [item, start]), apply(reader, high, [item, stop])]
    steps = apply(reader, operator.mod, [apply(reader, operator.sub, [item, start]), step])
    out: Operand = truth(reader, apply(reader, operator.eq, [steps, Const(0, i8)]))
    for one in inside:
        out = reader.emit(operator.and_, (truth(reader, one), out), b1)
    return out


def _on_tuples(reader: FunctionReader, fn: Any, args: list[Value]) -> Value:
    heads = [isinstance(arg, Node) and isinstance(arg.head, TupleHead) for arg in args]
    if len(args) == 2 and all(heads):
        a, b = (arg.items for arg in args if isinstance(arg, Node))
        if fn is operator.add:
            return tuple_of([*a, *b])
        if fn in (operator.eq, operator.ne):
            same: Operand = Const(len(a) == len(b), b1)
            for x, y in zip(a, b, strict=False):
                same = reader.emit(operator.and_, (same, truth(reader, apply(reader, operator.eq, [x, y]))), b1)
            return same if fn is operator.eq else reader.emit(operator.not_, (same,), b1)
        if fn in scalars.COMPARISONS:
            strict = {operator.le: operator.lt, operator.ge: operator.gt}.get(fn, fn)
            out: Operand = Const(fn(len(a), len(b)), b1)
            for x, y in reversed(list(zip(a, b, strict=False))):
                less = truth(reader, apply(reader, strict, [x, y]))
                equal = truth(reader, apply(reader, operator.eq, [x, y]))
                out = reader.emit(operator.or_, (less, reader.emit(operator.and_, (equal, out), b1)), b1)
            return out
    if len(args) == 2 and fn is operator.mul:
        for one, times in (args, args[::-1]):
            if (
                isinstance(one, Node)
                and isinstance(one.head, TupleHead)
                and isinstance(times, Const)
                and times.type in (i8, b1)
            ):
                items = [reader.spec.calls.settle(reader, item) for item in one.items]  # one array, several times
                return tuple_of(items * int(times.value.real))
    if fn is operator.or_ and all(map(records.is_dict, args)):
        first, second = (record_dicts.entries_of(reader, arg) for arg in args)
        return records.dict_display(reader, first | second)
    if fn in (operator.eq, operator.ne):
        if all(map(records.is_dict, args)):
            same = record_dicts.equal(reader, args[0], args[1])
            return same if fn is operator.eq else reader.emit(operator.not_, (same,), b1)
        if any(map(is_instance_value, args)) and not any(isinstance(arg, Static) and arg.obj is None for arg in args):
            raise unsupported("== of instances whose class does not define it cannot be compiled", reader.pos)
        if all(isinstance(arg, Static) for arg in args):
            a0, b0 = (arg.obj for arg in args if isinstance(arg, Static))
            return Const(bool(fn(a0, b0)), b1)
        if any(isinstance(arg, Static) and isinstance(arg.obj, int) for arg in args):  # an IntEnum
            as_numbers = [constant(int(a.obj)) if isinstance(a, Static) and isinstance(a.obj, int) else a for a in args]
            return apply(reader, fn, as_numbers)
        return Const(fn is operator.ne, b1)
    raise _refused(reader, fn, args)


def _refused(reader: FunctionReader, fn: Any, args: Any) -> Exception:
    kinds = " and ".join(described(arg) for arg in args)
    return unsupported(f"{getattr(fn, '__name__', fn)} of {kinds} has no native code", reader.pos)
