"""Rules that only Python can run, of functions that native code does not know: programs call them, with the GIL.

What kind of value the function gives is not known when a program is compiled.  It is taken to be like the largest
argument; where it turns out to be of another kind, `KindMismatch` says so, and the program is compiled again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zyg.adjoint.activity import differentiable, moves
from zyg.adjoint.partials import tangent_kind
from zyg.errors import ValueArgumentError, ZygError
from zyg.ir.kinds import DTYPES
from zyg.ir.program import Operand, Type, Var
from zyg.ir.scalars import b1, c8, c16, f8, i8
from zyg.ir.tree import ArrayTree, ConstTree, DictTree, Leaf, ListTree, ObjectTree, Tree, TupleTree
from zyg.reading import arrays
from zyg.reading.callback import call_python, owned
from zyg.reading.captured import is_closed, opened_whole
from zyg.reading.given import Derivative, Refuse, given_call
from zyg.reading.heads import DictHead, ListHead, ObjectHead
from zyg.reading.instances import attributes_of, is_instance
from zyg.reading.rule_arguments import by_argument, counted
from zyg.reading.values import Identity, Node, Static, Value, is_container, leaves, parameter, structure, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_serials = itertools.count(1)
_kept: dict[int, tuple[Any, list[Any]]] = {}
_kinds: dict[Hashable, Tree] = {}
_guessed: dict[Hashable, Tree] = {}
_leaving: dict[Hashable, bool] = {}
_opened: set[Hashable] = set()  # rules that give cotangents of what is in captured containers
_CLOSED = object()  # in the place of such a container
Made = TypeVar("Made")


class KindMismatch(ValueArgumentError):
    """A function gave a value of another kind than a program was compiled for."""

    def __init__(self, key: Hashable, value: Any, name: str) -> None:
        super().__init__(
            f"what {name} gives, {value!r:.80}, is of another kind than expected; that is known now, but arrays have "
            "been written: call again with new ones"
        )
        self.key, self.value = key, value


class LeftOut(KindMismatch):
    """A pullback gave no cotangents of arguments that are passed by name only."""


class Closed(KindMismatch):
    """A pullback gave a cotangent of what is in a captured list, dict or instance that had not been looked into."""


class _Unopened(Exception):
    """There is a cotangent for `_CLOSED`."""


def learn(mismatch: KindMismatch, tree: Tree) -> None:
    """From now on, programs expect a value of this shape there, or no such cotangents."""
    if isinstance(mismatch, LeftOut):
        _leaving[mismatch.key] = True
        return
    if isinstance(mismatch, Closed):
        _opened.add(mismatch.key)
        return
    _kinds[mismatch.key] = _of_any_size(tree)


def leaves_out(rule: Any) -> bool:
    """Has a pullback of this rule given no cotangents of arguments that are passed by name only?"""
    return Identity(rule) in _leaving


def guessing(make: Callable[[], Made]) -> Made:
    """What `make` gives; once more, with numbers in their place, if it fails where values were guessed to be arrays."""
    _guessed.clear()
    try:
        return make()
    except ZygError:
        others = {key: Leaf(tree.dtype) for key, tree in _guessed.items() if isinstance(tree, ArrayTree)}
        if not others:
            raise
        _kinds.update(others)
        try:
            return make()
        except ZygError:
            for key in others:
                del _kinds[key]
        raise


def _of_any_size(tree: Tree) -> Tree:
    if isinstance(tree, (Leaf, ConstTree)):
        return tree
    if isinstance(tree, ArrayTree):
        return ArrayTree(tree.dtype, tree.ndim, "C", (0, *[None] * tree.ndim))
    items = tuple(map(_of_any_size, tree.items))
    if isinstance(tree, TupleTree):
        return TupleTree(items, tree.cls)
    if isinstance(tree, ListTree):
        return ListTree(items)
    return DictTree(tree.keys, items) if isinstance(tree, DictTree) else ObjectTree(tree.cls, tree.names, items)


def python_rule_call(
    reader: FunctionReader, fn: Any, rule: Any, args: list[Value], names: tuple[str, ...], refuse: Refuse
) -> Value:
    """A call of `fn`, whose rule Python runs; the last arguments are passed by these names."""
    if Identity(rule) in _opened:
        args = [opened_whole(reader, arg) for arg in args]
    key = (Identity(fn), tuple(structure(parameter(arg)) for arg in args))
    expected = _kinds.get(key) or _guessed.setdefault(key, _guess(fn, args))
    name = getattr(fn, "__name__", "rule")

    def calling(called: Any, given: tuple[Any, ...]) -> Any:
        positional = [owned(value) for value in given[: len(given) - len(names)]]
        return called(*positional, **dict(zip(names, map(owned, given[len(positional) :]), strict=True)))

    def value(inner: FunctionReader, formals: list[Value], run: Callable[..., tuple[Any, Any]]) -> tuple[Value, Var]:
        """What `run` gives besides a pullback, and the number by which that is found again."""

        def called(*given: Any) -> Sequence[Any]:
            y, back = run(*given)
            numbers: list[Any] = []
            found: list[Any] = []
            if not _take(y, expected, numbers, found):
                raise KindMismatch(key, y, name)
            serial = next(_serials)
            _kept[serial] = back, found
            return [serial, *numbers]

        handle, *numbers = call_python(inner, called, name, formals, [i8, *_numbers(expected)])
        counter = itertools.count()
        return _value(inner, expected, iter(numbers), handle, counter), handle

    def without_rule(inner: FunctionReader, formals: list[Value]) -> Value:
        y, handle = value(inner, formals, lambda *given: (calling(fn, given), None))
        call_python(inner, _forget, name, [handle], [])
        return y

    def forward(inner: FunctionReader, formals: list[Value]) -> tuple[Value, Value]:
        def run(*given: Any) -> tuple[Any, Any]:
            found = calling(rule, given)
            if not (isinstance(found, tuple) and len(found) == 2 and callable(found[1])):
                raise refuse(f"must return a pair (y, back), not {found!r:.80}", True)
            return found

        return value(inner, formals, run)

    def backward(inner: FunctionReader, saved: Value, formals: list[Value], dy: Value) -> Sequence[Value]:
        outs = [_zeros(inner, formal) for formal in formals]
        kinds = [tangent_kind(leaf.type) for out in outs for leaf in _numbers_in(out)]

        def called(serial: int, dy: Any, *outs: Any) -> Sequence[Any]:
            back, _ = _kept.pop(serial)
            found = back(owned(dy))
            several = isinstance(found, tuple) and not (
                len(outs) == 1 and isinstance(outs[0], tuple) and len(found) != 1
            )
            items = list(found) if several else [found]
            count = len(outs) - len(names)

            def in_order(wanted: int) -> list[Any] | None:
                """The cotangents, if all but of the first `wanted` arguments may be left out."""
                is_wanted = lambda n: n < wanted and outs[n] is not None and outs[n] is not _CLOSED  # noqa: E731
                return by_argument(rule, count, names, items, None, is_wanted)

            chosen = in_order(count if leaves_out(rule) else len(outs))
            if chosen is None:
                raise refuse(counted(items, outs)) if in_order(count) is None else LeftOut(Identity(rule), None, name)
            given: list[Any] = []
            try:
                for number, (out, item) in enumerate(zip(outs, chosen, strict=True)):
                    _fill(out, item, given, refuse, number)
            except _Unopened:
                raise Closed(Identity(rule), None, name) from None
            return given

        results = iter(call_python(inner, called, f"the pullback of {name}", [saved, dy, *outs], kinds, writes=True))
        return [_with_numbers(out, results) for out in outs]

    how = Derivative(name, forward, backward, refuse, primal=without_rule)
    return given_call(reader, how, args)


def _guess(fn: Any, args: Sequence[Value]) -> Tree:
    """The shape of a value like the largest of the arguments, or of as many such values as NumPy's function gives."""
    if isinstance(fn, np.ufunc) and fn.nout > 1:
        return TupleTree((_like_largest(args),) * fn.nout, None)
    return _like_largest(args)


def _like_largest(args: Sequence[Value]) -> Tree:
    given = [arg for arg in args if arrays.is_arraylike(arg)]
    numbers = [leaf.type for arg in args for leaf in leaves(arg)]
    dtype = c16 if any(kind in (c8, c16) for kind in numbers) else f8
    if not given:
        return Leaf(dtype)
    ndim = max(map(arrays.ndim_of, given))
    return ArrayTree(dtype, ndim, "C", (0, *[None] * ndim))


def _forget(serial: int) -> Sequence[Any]:
    del _kept[serial]
    return ()


# --- values ---------------------------------------------------------------------------------------------------


def _take(y: Any, tree: Tree, numbers: list[Any], found: list[Any]) -> bool:
    """Gather the numbers of a value, the dimensions of its arrays and these, if it has this shape."""
    if isinstance(tree, Leaf):
        kind = DTYPES[tree.type].kind
        if not isinstance(y, (bool, int, float, complex, np.generic, np.ndarray)) or np.ndim(y) > 0:
            return False
        number = y.item() if isinstance(y, (np.generic, np.ndarray)) else y
        if isinstance(number, bool) != (kind == "b") or (isinstance(number, complex) and kind != "c"):
            return False
        if isinstance(number, int) and kind == "f":
            number = float(number)
        elif isinstance(number, float) and kind == "i":
            return False
        numbers.append(number)
        return True
    if isinstance(tree, ConstTree):
        return y is tree.value or (isinstance(y, str) and y == tree.value)
    if isinstance(tree, ArrayTree):
        dtype = DTYPES[tree.dtype]
        if not isinstance(y, np.ndarray) or y.ndim != tree.ndim or not np.can_cast(y.dtype, dtype, "safe"):
            return False
        numbers.extend(y.shape)
        found.append(y)
        return True
    if isinstance(tree, (TupleTree, ListTree)):
        cls = list if isinstance(tree, ListTree) else tree.cls or tuple
        items: Any = y if type(y) is cls else ()
        return type(y) is cls and len(items) == len(tree.items) and _take_all(items, tree, numbers, found)
    if isinstance(tree, DictTree):
        return type(y) is dict and tuple(y) == tree.keys and _take_all(list(y.values()), tree, numbers, found)
    if isinstance(tree, ObjectTree) and type(y) is tree.cls:
        held = attributes_of(y)
        return tuple(held) == tree.names and _take_all(list(held.values()), tree, numbers, found)
    return False


def _take_all(items: Sequence[Any], tree: Any, numbers: list[Any], found: list[Any]) -> bool:
    return all(_take(item, part, numbers, found) for item, part in zip(items, tree.items, strict=True))


def _numbers(tree: Tree) -> Iterator[Type]:
    """The types of the numbers that `_take` gathers."""
    if isinstance(tree, Leaf):
        yield tree.type
    elif isinstance(tree, ArrayTree):
        yield from [i8] * tree.ndim
    elif not isinstance(tree, ConstTree):
        for item in tree.items:
            yield from _numbers(item)


def _value(reader: FunctionReader, tree: Tree, numbers: Iterator[Var], handle: Var, counter: Iterator[int]) -> Value:
    """The value of this shape; its arrays are copied from where they wait."""
    if isinstance(tree, Leaf):
        return next(numbers)
    if isinstance(tree, ConstTree):
        return Static(tree.value)
    if isinstance(tree, ArrayTree):
        dims: list[Operand] = [reader.length(next(numbers)) for _ in range(tree.ndim)]
        array = arrays.allocate(reader, dims, tree.dtype)
        place = next(counter)

        def fill(serial: int, out: Any) -> Sequence[Any]:
            np.copyto(out, _kept[serial][1][place])
            return ()

        call_python(reader, fill, "copy", [handle, array], [], writes=True)
        return array
    items = tuple(_value(reader, item, numbers, handle, counter) for item in tree.items)
    if isinstance(tree, TupleTree):
        return tuple_of(items, tree.cls)
    if isinstance(tree, ListTree):
        return Node(ListHead(), items)
    return Node(DictHead(tree.keys) if isinstance(tree, DictTree) else ObjectHead(tree.cls, tree.names), items)


# --- cotangents -----------------------------------------------------------------------------------------------


def _numbers_in(value: Value) -> Iterator[Var]:
    """The numbers outside arrays that have cotangents."""
    if isinstance(value, Var):
        if differentiable(value.type):
            yield value
    elif isinstance(value, Node) and is_container(value):
        for item in value.items:
            yield from _numbers_in(item)


def _zeros(reader: FunctionReader, value: Value) -> Value:
    """The argument with zeros for its arrays, to be filled; what has no cotangent is None."""
    if is_closed(value):
        return Static(_CLOSED)
    if isinstance(value, Node) and arrays.is_array(value):
        dtype = value.head.dtype
        if not moves(dtype):
            return Static(None)
        return arrays.allocate(reader, arrays.shape(value), f8 if dtype in (i8, b1) else dtype, zeros=True)
    if isinstance(value, Node) and is_container(value):
        return Node(value.head, tuple(_zeros(reader, item) for item in value.items))
    return value if isinstance(value, Var) and differentiable(value.type) else Static(None)


def _with_numbers(out: Value, numbers: Iterator[Var]) -> Value:
    if isinstance(out, Var):
        return next(numbers)
    if isinstance(out, Node) and is_container(out):
        return Node(out.head, tuple(_with_numbers(item, numbers) for item in out.items))
    return out


def _named(value: Any) -> dict[Any, Any] | None:
    """What a dict or an instance holds."""
    return value if isinstance(value, dict) else attributes_of(value) if is_instance(value) else None


def _fill(out: Any, found: Any, numbers: list[Any], refuse: Refuse, number: int) -> None:
    """Write a cotangent that Python gave into the arrays of `out`; its numbers are gathered."""
    if isinstance(out, np.ndarray):
        if found is not None:
            new = np.asarray(found)
            if new.shape != out.shape:
                raise refuse(f"gives an array of shape {new.shape} as the cotangent of argument {number}: {out.shape}")
            np.copyto(out, new.real if new.dtype.kind == "c" and out.dtype.kind != "c" else new, casting="same_kind")
    elif out is _CLOSED:
        if found is not None:
            raise _Unopened
    elif isinstance(out, (tuple, list, dict)) or is_instance(out):
        own = None if isinstance(out, (tuple, list)) else _named(out)
        given = found if own is None else _named(found)
        if found is None:
            items = [None] * len(out if own is None else own)
        elif own is None and isinstance(given, (tuple, list)) and len(given) == len(out):
            items = list(given)
        elif own is not None and given is not None and given.keys() <= own.keys():
            items = [given.get(name) for name in own]
        else:
            raise refuse(f"gives {found!r:.80} as the cotangent of argument {number}, a {type(out).__name__}")
        inside = out if own is None else own.values()
        for one, its in zip(inside, items, strict=True):
            _fill(one, its, numbers, refuse, number)
    elif isinstance(out, (int, float, complex)):
        if found is None:
            found = 0.0
        if isinstance(found, np.ndarray) and found.ndim == 0:
            found = found.item()
        if not isinstance(found, (int, float, complex, np.number)):
            raise refuse(f"gives {found!r:.80} as the cotangent of argument {number}, a number")
        wanted = complex(found)
        numbers.append(wanted if isinstance(out, complex) else wanted.real)


__all__ = ["KindMismatch", "learn", "python_rule_call"]
