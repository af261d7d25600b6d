"""zyg's own functions, called by a function that is being differentiated."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg import api, steering
from zyg.dynamic.array import Array, fresh
from zyg.dynamic.contents import active_in, changed
from zyg.dynamic.custom import recorded_call, top_in
from zyg.dynamic.instances import attributes
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

    return changed(value, plain, instances={})


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
        if top is None or top.parameters or active_in(_held(fn.fn)):
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
                return tuple(run.sweep(dy))

            return resolve(fn.fn)(*given, **named), back

        return recorded_call(rule, getattr(fn, "__name__", "fn"), args, kws, top)

    return call


def _held(fn: Any) -> Any:
    """What a function holds besides its arguments."""
    held = [attributes(fn.__self__)] if hasattr(fn, "__self__") else []
    for cell in getattr(getattr(fn, "__func__", fn), "__closure__", None) or ():
        with contextlib.suppress(ValueError):
            held.append(cell.cell_contents)
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
