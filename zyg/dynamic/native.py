"""NumPy's functions whose derivatives native code knows: that code is asked for their cotangents.

A small function is written for the call, with its constant arguments in it; the value is NumPy's own.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from zyg.dynamic.array import fresh, is_array, loaded, operand, recorded, saved, top_tape
from zyg.dynamic.array_steps import Result
from zyg.dynamic.cotangents import is_finite, kind_of
from zyg.dynamic.places import refusal
from zyg.dynamic.state import STATE, attempt
from zyg.dynamic.tape import Sweep, Tape
from zyg.dynamic.ufuncs import plain_root
from zyg.errors import DifferentiationError, ZygError

_made: dict[Any, Any] = {}
_MOST = 1000


class _Call:
    """A call taken apart: the source text of its arguments, the operands among them, and objects named in the text."""

    def __init__(self) -> None:
        self.operands: list[Any] = []
        self.objects: dict[str, Any] = {}

    def text(self, value: Any) -> str:
        root = getattr(value, "__zyg_root__", value)
        if is_array(root) or (root is not value) or isinstance(root, (float, complex, np.inexact)):
            self.operands.append(value)
            return f"p{len(self.operands) - 1}"
        if isinstance(root, (tuple, list)) and type(root) in (tuple, list):
            items = [self.text(item) for item in root]
            return (
                f"({', '.join(items)}{',' if len(items) == 1 else ''})"
                if type(root) is tuple
                else f"[{', '.join(items)}]"
            )
        if isinstance(root, (int, str, bool, type(None))):
            return repr(root)
        name = f"o{len(self.objects)}"
        self.objects[name] = root
        return name


def compiled_call(fn: Any) -> Any:
    """What is called in place of an `@njit` function: itself, and for its derivative native code.

    Where that does not know the function, or the function writes into arrays, it runs as the plain function does.
    """

    def call(*args: Any, **kws: Any) -> Any:
        found = tracked_in((args, kws))
        if not any(value.__zyg_active__ for value in found):
            return guarded_call(fn, args, kws)
        if _is_pure(fn, args, kws):
            with contextlib.suppress(DifferentiationError), attempt():
                return by_native_code(fn, args, kws)
        return resolve(fn.py_func)(*args, **kws)

    from zyg.dynamic.numpy_calls import tracked_in
    from zyg.dynamic.resolve import guarded_call, resolve

    return call


def _is_pure(fn: Any, args: Any, kws: Any) -> bool:
    """Does native code know the function, and see that it writes into no array that it is given?"""
    from zyg.dynamic.contents import changed
    from zyg.transformed import Called

    given = changed(tuple(args), plain_root)
    if kws or any(isinstance(arg, (list, dict, set)) for arg in args):
        return False
    try:
        found, _ = Called(fn, "call").find_or_recall(given, {})
    except ZygError:
        return False
    return not found.lowered.written


def by_native_code(fn: Any, args: Sequence[Any], kws: dict[str, Any], evaluate: Any = None) -> Any:
    """`fn(*args, **kws)`, recorded with the pullback that native code has for it.

    evaluate: what gives its value on the levels below, in place of `fn`.
    """
    call = _Call()
    texts = [call.text(arg) for arg in args] + [f"{name}={call.text(value)}" for name, value in kws.items()]
    top = top_tape(call.operands)
    assert top is not None
    return _run(fn, ", ".join(texts), call, top, args, kws, evaluate)


def _run(fn: Any, text: str, call: _Call, top: Tape, args: Any, kws: Any, evaluate: Any = None) -> Any:
    """The call recorded on `top`.  evaluate: what gives its value on the levels below, in place of `fn`."""
    from zyg.dynamic.contents import changed

    pairs = [operand(value, top) for value in call.operands]
    lows = [low for _, low in pairs]
    below = changed(tuple(args), lambda v: operand(v, top)[1]), changed(kws, lambda v: operand(v, top)[1])
    evaluate = evaluate or (compiled_call(fn) if hasattr(fn, "py_func") else fn)
    y = evaluate(*below[0], **below[1])
    active = tuple(i for i, (ref, _) in enumerate(pairs) if ref is not None)
    plain = [plain_root(low) for low in lows]
    results = y if isinstance(y, tuple) else (y,)
    shapes = tuple(np.shape(plain_root(item)) for item in results)
    complex_ = tuple(kind_of(item) == "c" for item in results)
    make = functools.partial(_pulled, fn, text, call.objects, len(lows), active, isinstance(y, tuple), shapes, complex_)
    pulled = make(False)
    unit = [
        np.zeros(s, complex if c else float) if s else (0j if c else 0.0) for s, c in zip(shapes, complex_, strict=True)
    ]
    try:
        pulled.derivative.find((*plain, *unit))
    except ZygError as error:
        own = str(getattr(fn, "__name__", fn))
        name = f"np.{own}" if getattr(np, own, None) is fn else f"{getattr(fn, '__module__', '')}.{own}"
        raise refusal(f"{name} has no derivative rule for these arguments ({error.what})") from None
    kept = [saved(value, low, top) for value, low in zip(call.operands, lows, strict=True)]
    refs = [pairs[i][0] for i in active]
    step = Native(make, refs, kept, unit)
    if not isinstance(y, tuple):
        result = recorded(y, top, lambda ref: step.with_results([ref]))
        return fresh(result, STATE.tape)
    places: list[Any] = []
    items = [fresh(recorded(item, top, lambda ref: Result(places, ref)), STATE.tape) for item in y]
    top.entries.append(step.with_results(places))
    return tuple.__new__(type(y), items)


def _pulled(
    fn: Any,
    text: str,
    objects: dict[str, Any],
    count: int,
    active: Any,
    several: bool,
    shapes: Any,
    complex_: Any,
    infinite: bool,
) -> Any:
    """A function of the cotangents of the results, and of the operands, that gives those of the active operands.

    infinite: may the cotangents be infinite?
    """
    key = (
        fn,
        text,
        tuple((name, id(value)) for name, value in objects.items()),
        count,
        active,
        several,
        shapes,
        complex_,
        infinite,
    )
    found = _made.get(key)
    if found is None:
        if len(_made) >= _MOST:
            _made.clear()
        found = _made[key] = _Pulled(fn, text, objects, count, active, several, shapes, complex_, infinite)
    return found


class _Pulled:
    """The pullback of a call, in native code; itself a function that can be differentiated."""

    def __init__(
        self,
        fn: Any,
        text: str,
        objects: dict[str, Any],
        count: int,
        active: Any,
        several: bool,
        shapes: Any,
        complex_: Any,
        infinite: bool,
    ) -> None:
        from zyg.api import grad
        from zyg.steering import hook

        names = [f"p{i}" for i in range(count)]
        seeds = [f"d{i}" for i in range(len(shapes))]
        results = [f"y[{i}]" for i in range(len(shapes))] if several else ["y"]
        terms = []
        for y, dy, shape, is_complex in zip(results, seeds, shapes, complex_, strict=True):
            product = f"np.real({y} * np.conj({dy}))" if is_complex else f"{y} * {dy}"
            terms.append(f"np.sum({product})" if shape else product)
        # What is behind a function given by its rule may have infinite cotangents
        y = f"hook(same, fn({text}))" if infinite else f"fn({text})"
        source = (
            f"def product({', '.join(names + seeds)}):\n    y = {y}\n    return {' + '.join(terms)}\n"
            f"def pulled({', '.join(seeds + names)}):\n    return derivative({', '.join(names + seeds)})\n"
        )
        space: dict[str, Any] = {"fn": fn, "np": np, "hook": hook, "same": _same, **objects}
        exec(source, space)
        self.derivative = space["derivative"] = grad(space["product"], tuple(active), mode="native")
        self.count = len(seeds)
        self.__name__ = f"the pullback of {fn.__name__}"
        self.__module__ = "numpy"
        self.pulled = space["pulled"]
        self.objects = objects

    def __call__(self, *args: Any) -> Any:
        seeds, values = args[: self.count], args[self.count :]
        top = top_tape(args)
        if top is not None:
            call = _Call()
            text = ", ".join(call.text(value) for value in args)
            return _run(self.pulled, text, call, top, args, {}, self)
        plain = [getattr(value, "__zyg_root__", value) for value in (*values, *seeds)]
        return self.derivative(*plain)


def _same(dy: Any) -> Any:
    return dy


class Native:
    """A call whose cotangents native code computes."""

    __slots__ = ("make", "refs", "results", "unit", "values")

    def __init__(self, make: Any, refs: Sequence[Any], values: Sequence[Any], unit: Sequence[Any]) -> None:
        """make: gives the pullback; whether cotangents may be infinite is its argument."""
        self.make, self.refs, self.values, self.unit = make, refs, values, unit
        self.results: list[Any] = []

    def with_results(self, results: list[Any]) -> Native:
        self.results = results
        return self

    def reverse(self, sweep: Sweep) -> None:
        found = [ref.take(sweep) for ref in self.results]
        if all(dy is None for dy in found):
            return
        seeds = [unit if dy is None else dy for dy, unit in zip(found, self.unit, strict=True)]
        given = self.make(not all(map(is_finite, seeds)))(*seeds, *[loaded(value) for value in self.values])
        for ref, da in zip(self.refs, given, strict=True):
            ref.give(sweep, da)
