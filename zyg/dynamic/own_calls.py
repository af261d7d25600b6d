"""zyg's own functions, called by a function that is being differentiated."""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg import api, steering
from zyg.dynamic.array import Array, fresh
from zyg.dynamic.contents import changed, held
from zyg.dynamic.custom import recorded_call, top_in
from zyg.dynamic.places import refusal
from zyg.dynamic.resolve import BY_TYPE, CALLS, call_in_place_of, resolve
from zyg.dynamic.run import Recorded, gradient, jvp, pullback
from zyg.dynamic.state import STATE
from zyg.transformed import Transformed


def _cut(value: Any) -> Any:
    """`value`, through which no gradient flows."""

    def plain(item: Any) -> Any:
        root = item.__zyg_root__
        if type(item) is not Array:
            return root
        if not item.__zyg_active__:
            return item
        kept = root.copy()
        kept.flags.writeable = False  # it is not the array itself, into which the function might write
        return fresh(kept, STATE.tape)

    return changed(value, plain, instances={}, functions=True)


CALLS[api.stop_gradient] = _cut


@call_in_place_of(api.ignore)
def _ignore(thunk: Callable[[], Any]) -> Any:
    return _cut(resolve(thunk)())


def _without_gradient(fn: Any) -> Callable[..., Any]:
    return lambda *args, **kws: _cut(resolve(fn.fn)(*args, **kws))


def _transformed(fn: Transformed) -> Callable[..., Any]:
    return functools.partial(_derivative, fn)


def _derivative(fn: Transformed, /, *args: Any, **kws: Any) -> Any:
    from zyg.dynamic.derivatives import derivative

    return derivative(fn.fn, args, kws, fn.options)


@call_in_place_of(steering.hook)
def _hook(fn: Any, x: Any) -> Any:
    top = top_in(x)
    return x if top is None or top.forward else recorded_call(lambda value: (value, fn), "hook", (x,), {}, top)


@call_in_place_of(steering.showgrad)
def _showgrad(x: Any) -> Any:
    def show(dy: Any) -> Any:
        print(f"∂ = {dy!r}")
        return dy

    return _hook(show, x)


CALLS[steering.isderiving] = lambda: STATE.tape is not None


def _checkpoint(fn: Any) -> Callable[..., Any]:
    def call(*args: Any, **kws: Any) -> Any:
        top = top_in((args, kws))
        if top is None or top.parameters or top_in(_held(fn.fn)) is not None:
            return resolve(fn.fn)(*args, **kws)

        def rule(*given: Any, **named: Any) -> Any:
            _protect((given, named))
            names = tuple(named)

            def positional(*values: Any) -> Any:
                own = len(values) - len(names)
                return resolve(fn.fn)(*values[:own], **dict(zip(names, values[own:], strict=True)))

            def back(dy: Any) -> Any:
                values = (*given, *named.values())
                run = Recorded(positional, values, {}, range(len(values)), False)
                if not _is_alike(run.value, y):
                    raise refusal(
                        f"the checkpointed function {name} gives another value when it is run again",
                        "Let it depend on nothing that changes, nor draw random numbers, or do not checkpoint it.",
                    )
                return tuple(run.sweep(dy))

            y = resolve(fn.fn)(*given, **named)
            return y, back

        return recorded_call(rule, name, args, kws, top)

    name = getattr(fn, "__name__", "fn")

    return call


def _is_alike(value: Any, before: Any) -> bool:
    """Are all numbers in two values the same, but for rounding?"""
    value, before = (getattr(item, "__zyg_root__", item) for item in (value, before))
    if isinstance(value, (int, float, complex, np.generic, np.ndarray)):
        a, b = np.asarray(value), np.asarray(before)
        if a.dtype.kind not in "fc":
            return np.array_equal(a, b)
        with np.errstate(all="ignore"):
            return a.shape == b.shape and np.allclose(a, b, 1e-4, 1e-4 * np.max(np.abs(b), initial=0.0), equal_nan=True)
    one, other = held(value), held(before)
    if one is None or other is None:
        return True
    return len(one) == len(other) and all(map(_is_alike, one, other))


def _held(fn: Any, seen: set[int] | None = None) -> list[Any]:
    """What a function holds besides its arguments, and the functions that it captures."""
    seen = set() if seen is None else seen
    if id(fn) in seen:
        return []
    seen.add(id(fn))
    if isinstance(fn, types.MethodType):
        return [fn.__self__, *_held(fn.__func__, seen)]
    if type(fn) is functools.partial:
        return [fn.args, fn.keywords, *_held(fn.func, seen)]
    if not isinstance(fn, types.FunctionType):
        return [fn]
    held: list[Any] = []
    for cell in fn.__closure__ or ():
        with contextlib.suppress(ValueError):
            found = cell.cell_contents
            held += _held(found, seen) if callable(found) else [found]
    return held


def _protect(value: Any) -> None:
    """A checkpointed function runs on copies, which it must not write."""
    if isinstance(value, np.ndarray):
        getattr(value, "__zyg_root__", value).flags.writeable = False
    elif isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _protect(item)


@call_in_place_of(api.gradient)
def _gradient(fn: Any, *args: Any, **options: Any) -> Any:
    return gradient(fn, args, {}, 0 if len(args) == 1 else tuple(range(len(args))), "grad", False)


@call_in_place_of(api.withgradient)
def _withgradient(fn: Any, *args: Any, **options: Any) -> Any:
    return gradient(fn, args, {}, 0 if len(args) == 1 else tuple(range(len(args))), "value_and_grad", False)


CALLS[api.pullback] = lambda fn, *args, **options: pullback(fn, args)
CALLS[api.jvp] = lambda fn, primals, tangents, **options: jvp(fn, primals, tangents)
BY_TYPE[api.nograd] = _without_gradient
BY_TYPE[steering.checkpoint] = _checkpoint
BY_TYPE[Transformed] = _transformed
