"""The public functions."""

from __future__ import annotations

import copy
import functools
import types as pytypes
from collections.abc import Callable, Sequence
from typing import Any

from zyg.array_back import ArrayBack
from zyg.back import Back
from zyg.entry import forget_calls_of
from zyg.errors import ArgumentError, UnsupportedError, ValueArgumentError, check_callable
from zyg.fallback import NotNative, instead, unless_dynamic
from zyg.implicit import gradient_by, value_and_gradient_by
from zyg.nested import NoGradientHead, read_grad, read_gradient
from zyg.params import Params
from zyg.reading import calls, iteration
from zyg.reading.builtin import HANDLERS
from zyg.reading.custom import RULES, without_gradient
from zyg.reading.front import definition
from zyg.reading.pulled import read_pullback
from zyg.reading.pushforward import jvp_call
from zyg.reading.steering import CheckpointHead, hook_call, show_call
from zyg.reading.values import Node, Path, Value, constant, extended
from zyg.shapes import holds_array
from zyg.steering import checkpoint, hook, isderiving, showgrad
from zyg.transformed import Called, Transformed, options_of


def grad(
    fn: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    argnames: str | tuple[str, ...] | None = None,
    has_aux: bool = False,
    mode: str = "auto",
) -> Transformed:
    """A function of `fn`'s own arguments that returns the gradient of scalar `fn`.

    One gradient for an int `argnums`, a tuple for a tuple; `argnames` in its place.  With `has_aux`, `fn`
    returns `(y, aux)` and the result is `(gradient, aux)`.

    Raises ArgumentError (a TypeError) if `fn` does not return a real number, ValueArgumentError if argnums
    are out of range, UnsupportedError if `fn` cannot be compiled.

    >>> grad(lambda x: 5 * x + 3)(10)
    5
    """
    return Transformed(fn, options_of(fn, argnums, argnames, "grad", has_aux), mode)


def value_and_grad(
    fn: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    argnames: str | tuple[str, ...] | None = None,
    has_aux: bool = False,
    mode: str = "auto",
) -> Transformed:
    """Like `grad`, with the value: `(y, gradient)`; with `has_aux`, `((y, aux), gradient)`.

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """
    return Transformed(fn, options_of(fn, argnums, argnames, "value_and_grad", has_aux), mode)


def gradient(fn: Callable[..., Any], *args: Any, mode: str = "auto") -> Any:
    """The gradient now, for every argument: the bare gradient for one argument, a tuple for several.

    `gradient(f, params)` with a `Params`: f takes no arguments, and the result is a `Grads`, the gradients by arrays
    that f reaches as globals, in closures, in containers and objects, or in functions that it calls.

    >>> gradient(lambda x, y: x * y, 2.0, 3.0)
    (3.0, 2.0)
    >>> import numpy as np
    >>> W = np.array([1.0, 2.0])
    >>> gradient(lambda: np.sum(W**2), Params([W]))[W]
    array([2., 4.])
    """
    if len(args) == 1 and isinstance(args[0], Params):
        return gradient_by(fn, args[0], mode)
    if not args:
        raise ArgumentError("gradient needs arguments to differentiate with respect to")
    return grad(fn, 0 if len(args) == 1 else tuple(range(len(args))), mode=mode)(*args)


def withgradient(fn: Callable[..., Any], *args: Any, mode: str = "auto") -> Any:
    """`(y, what gradient gives)`.

    >>> withgradient(lambda x: x * x, 3.0)
    (9.0, 6.0)
    """
    if len(args) == 1 and isinstance(args[0], Params):
        return value_and_gradient_by(fn, args[0], mode)
    return value_and_grad(fn, 0 if len(args) == 1 else tuple(range(len(args))), mode=mode)(*args)


def pullback(fn: Callable[..., Any], *args: Any, mode: str = "auto") -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`(y, back)`: `back(dy)` is a tuple with one cotangent per argument; it may be called any number of times.

    >>> y, back = pullback(lambda x, y: x * y, 2.0, 3.0)
    >>> y, back(1.0), back(2.0)
    (6.0, (3.0, 2.0), (6.0, 4.0))
    """
    called = Called(fn, "primal")
    involved = holds_array(args)
    kept = copy.deepcopy(args) if involved else args
    try:
        y = unless_dynamic(called, mode)(*args)
    except NotNative as refused:
        instead(fn, mode, refused)
        from zyg.dynamic.derivatives import pullback as recorded

        return recorded(fn, args)
    try:
        if involved or called.takes_arrays or holds_array(y):
            return y, ArrayBack(Called(fn, "pullback"), kept, y)
        return y, Back(fn, args, y)
    except (NotNative, UnsupportedError) as error:
        instead(fn, mode, error if isinstance(error, NotNative) else NotNative(error))
        from zyg.dynamic.derivatives import pullback as recorded

        return y, recorded(fn, kept)[1]


vjp = pullback


def jvp(
    fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, mode: str = "auto"
) -> tuple[Any, Any]:
    """`(y, dy)`: forward mode.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise ArgumentError(f"the {name} of jvp are a tuple, one for each argument; not {given!r}")
    if len(primals) != len(tangents):
        raise ValueArgumentError(f"jvp needs a tangent for each primal: {len(primals)} and {len(tangents)} are given")
    called = Called(fn, "jvp", len(primals))
    try:
        result = unless_dynamic(called, mode)(*primals, *tangents)
    except NotNative as refused:
        instead(fn, mode, refused)
        from zyg.dynamic.derivatives import jvp as recorded

        return recorded(fn, primals, tangents)
    return result[0], result[1]


pushforward = jvp


def adjoint(fn: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Custom gradient of `fn`: the decorated rule returns `(y, back)`, and `back(dy)` one cotangent per argument.

    >>> def cube(x): return x * x * x
    >>> @adjoint(cube)
    ... def rule(x): return x ** 3, lambda dy: 3 * x * x * dy
    >>> grad(cube)(2.0)
    12.0
    """

    if not callable(fn):
        raise ArgumentError(f"adjoint takes the function that the rule is for, not {fn!r}")
    if isinstance(fn, pytypes.MethodType):  # each look at it makes another one
        of = getattr(fn.__func__, "__qualname__", "the function in its class")
        raise ArgumentError(
            f"adjoint takes functions, and {of} is bound to an instance or class here, anew at each look",
            definition(fn),
            "Give the function in the class the rule, whose first argument is then self.",
        )

    def register(rule: Callable[..., Any]) -> Callable[..., Any]:
        check_callable(rule, "a rule")
        RULES[fn] = rule
        forget_calls_of(fn)
        return rule

    return register


class nograd:
    """A function whose results carry no gradient; also a decorator.

    >>> grad(lambda x: x * nograd(lambda t: t * t)(x))(3.0)
    9.0
    """

    __slots__ = ("__dict__", "__weakref__", "fn")

    def __init__(self, fn: Callable[..., Any]) -> None:
        check_callable(fn, "what carries no gradient")
        self.fn = fn
        functools.update_wrapper(self, fn)

    def __call__(self, *args: Any, **kws: Any) -> Any:
        return self.fn(*args, **kws)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Stored in a class, it is a method, as a function is."""
        return self if instance is None else functools.partial(self, instance)

    def __zyg_read__(self, reader: Any, path: Path | None, args: list[Value], kws: dict[str, Value]) -> Value:
        fn = reader.spec.captures.value(self.fn, extended(path, "attr", "fn"), reader.pos)
        return without_gradient(reader, calls.call(reader, fn, args, kws))


def stop_gradient(x: Any) -> Any:
    """`x`; no gradient flows through.  Of an array it gives a copy.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return copy.deepcopy(x) if holds_array(x) else x


dropgrad = stop_gradient


def ignore(thunk: Callable[[], Any]) -> Any:
    """`thunk()`, without gradient."""
    return thunk()


HANDLERS[grad] = read_grad("grad")
HANDLERS[value_and_grad] = read_grad("value_and_grad")
HANDLERS[gradient] = read_gradient("grad")
HANDLERS[withgradient] = read_gradient("value_and_grad")
HANDLERS[stop_gradient] = lambda reader, args, kws: without_gradient(reader, args[0])
HANDLERS[ignore] = lambda reader, args, kws: without_gradient(reader, calls.call(reader, args[0], [], {}))
HANDLERS[hook] = lambda reader, args, kws: hook_call(reader, args[0], args[1])
HANDLERS[showgrad] = lambda reader, args, kws: show_call(reader, args[0])
HANDLERS[isderiving] = lambda reader, args, kws: constant(reader.spec.deriving > 0)
HANDLERS[checkpoint] = lambda reader, args, kws: Node(CheckpointHead(), (args[0],))
HANDLERS[nograd] = lambda reader, args, kws: Node(NoGradientHead(), (args[0],))
HANDLERS[pullback] = read_pullback
HANDLERS[jvp] = lambda reader, args, kws: jvp_call(
    reader, args[0], iteration.elements(reader, args[1]), [iteration.elements(reader, args[2])]
)
