"""The public functions."""

from __future__ import annotations

import functools
import inspect
import types as pytypes
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from zyg.entry import Caller, assemble, follow, leaves, tree
from zyg.errors import ArgumentError, UnsupportedError, ValueArgumentError
from zyg.ir import calls, iteration
from zyg.ir.builtin import HANDLERS
from zyg.ir.custom import RULES, rule_call, without_gradient
from zyg.ir.derive import GradientHead, Options, gradient_call, jvp_call, pullback_call
from zyg.ir.program import Const
from zyg.ir.values import Node, Static, TupleHead, Value, constant
from zyg.pipeline import Build

_epoch = 0


def _root(fn: Any) -> tuple[Any, Hashable, Static]:
    """The function that code is read from, the key of its code, and its abstract value."""
    if isinstance(fn, pytypes.FunctionType):
        return fn, fn.__code__, Static(fn, ())
    if isinstance(fn, Transformed):
        return fn, ("transformed", fn.key), Static(fn)
    if isinstance(fn, functools.partial):
        return fn, (id(fn.func), len(fn.args), tuple(fn.keywords), id(fn)), Static(fn, ())
    return fn, id(fn), Static(fn)


class Transformed:
    """What `grad` and `value_and_grad` give: a function of the arguments of the function that it wraps."""

    def __init__(self, fn: Callable[..., Any], options: Options, mode: str) -> None:
        if not callable(fn):
            raise ArgumentError(f"{fn!r} is not a function")
        if mode not in ("auto", "native"):
            raise ValueArgumentError(f"mode {mode!r} is not available: this version has 'auto' and 'native'")
        self.fn, self.options, self.mode = fn, options, mode
        root, key, _ = _root(fn)
        self.key: Hashable = (key, options)
        self.caller = Caller(f"{options.gives}_{_plain_name(fn)}", _captures_of(root), self.key, self._build)
        self.__name__ = f"{options.gives}({getattr(fn, '__name__', fn)})"
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__wrapped__ = fn

    def _build(self, reader: Any, values: list[Value]) -> Value:
        return self.__zyg_read__(reader, values, {})

    def __zyg_read__(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        inner = self.fn
        while isinstance(inner, Transformed):
            inner = inner.fn
        path: Any = () if isinstance(inner, (pytypes.FunctionType, functools.partial)) else None
        outer = self.fn if isinstance(self.fn, Transformed) else inner
        value = Static(outer, None if isinstance(outer, Transformed) or reader.pos.function != "_EMPTY" else path)
        return gradient_call(reader, value, args, kws, self.options)

    def __call__(self, *args: Any, **kws: Any) -> Any:
        if kws:
            args = _positional(self.fn, args, kws)
        self.caller.key = (self.key, _epoch)
        return self.caller(*args)

    def __reduce__(self) -> Any:
        return Transformed, (self.fn, self.options, self.mode)

    def __repr__(self) -> str:
        return f"<zyg {self.__name__}>"


def _captures_of(root: Any) -> Any:
    while isinstance(root, Transformed):
        root = root.fn
    return root


def _plain_name(fn: Any) -> str:
    return str(getattr(fn, "__name__", type(fn).__name__)).replace("<lambda>", "lambda")


def _positional(fn: Any, args: tuple[Any, ...], kws: dict[str, Any]) -> tuple[Any, ...]:
    """Keyword arguments in their places."""
    while isinstance(fn, Transformed):
        fn = fn.fn
    bound = inspect.signature(getattr(fn, "py_func", fn)).bind(*args, **kws)
    if bound.kwargs:
        bound.apply_defaults()
    if bound.kwargs:
        raise UnsupportedError(f"keyword-only arguments {tuple(bound.kwargs)} cannot be passed in native mode")
    return bound.args


def _options(fn: Any, argnums: Any, argnames: Any, gives: str, has_aux: bool) -> Options:
    if argnames is not None:
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
        parameters = list(inspect.signature(getattr(_captures_of(fn), "py_func", _captures_of(fn))).parameters)
        for name in names:
            if name not in parameters:
                raise ValueArgumentError(f"{_plain_name(fn)} has no argument {name!r}; it has {', '.join(parameters)}")
        numbers = tuple(parameters.index(name) for name in names)
        argnums = numbers[0] if isinstance(argnames, str) else numbers
    if isinstance(argnums, (list, range)):
        argnums = tuple(argnums)
    if not (type(argnums) is int or (isinstance(argnums, tuple) and all(type(n) is int for n in argnums))):
        raise ArgumentError(f"argnums must be an int or a tuple of ints, not {argnums!r}")
    return Options(argnums, gives, has_aux)


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
    return Transformed(fn, _options(fn, argnums, argnames, "grad", has_aux), mode)


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
    return Transformed(fn, _options(fn, argnums, argnames, "value_and_grad", has_aux), mode)


def gradient(fn: Callable[..., Any], *args: Any) -> Any:
    """The gradient now, for every argument: the bare gradient for one argument, a tuple for several.

    >>> gradient(lambda x, y: x * y, 2.0, 3.0)
    (3.0, 2.0)
    """
    if not args:
        raise ArgumentError("gradient needs arguments to differentiate with respect to")
    return grad(fn, 0 if len(args) == 1 else tuple(range(len(args))))(*args)


def withgradient(fn: Callable[..., Any], *args: Any) -> Any:
    """`(y, what gradient gives)`.

    >>> withgradient(lambda x: x * x, 3.0)
    (9.0, 6.0)
    """
    return value_and_grad(fn, 0 if len(args) == 1 else tuple(range(len(args))))(*args)


class _Call:
    """A function read as it is, or with a cotangent or tangents as further arguments."""

    def __init__(self, fn: Any, kind: str) -> None:
        self.root, self.fn_key, _ = _root(fn)
        self.fn, self.kind = fn, kind

    def caller(self, count: int = 0) -> Caller:
        def build(reader: Any, values: list[Value]) -> Value:
            known = isinstance(self.fn, (pytypes.FunctionType, functools.partial))
            value = Static(self.fn, () if known else None)
            if self.kind == "call":
                return calls.call(reader, value, values, {})
            if self.kind == "pullback":
                return pullback_call(reader, value, values[:-1], values[-1])
            return jvp_call(reader, value, values[:count], values[count:])

        key = (self.kind, self.fn_key, count, _epoch)
        return Caller(f"{self.kind}_{_plain_name(self.fn)}", _captures_of(self.root), key, build)


def pullback(fn: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`(y, back)`: `back(dy)` is a tuple with one cotangent per argument; it may be called any number of times.

    >>> y, back = pullback(lambda x, y: x * y, 2.0, 3.0)
    >>> y, back(1.0), back(2.0)
    (6.0, (3.0, 2.0), (6.0, 4.0))
    """
    y = _Call(fn, "call").caller()(*args)
    caller = _Call(fn, "pullback").caller()
    shapes = [tree(arg) for arg in (*args, y)]
    held: list[Any] = []
    compiled, captured = caller.find((*args, _unit(y)), [*shapes[:-1], tree(_unit(y))])
    for arg, shape in zip(args, shapes, strict=False):
        leaves(arg, shape, held)

    def back(dy: Any) -> tuple[Any, ...]:
        nonlocal compiled
        shape = tree(dy)
        entry = compiled
        if shape != tree(_unit(y)):
            entry, _ = caller.find((*args, dy), [*shapes[:-1], shape])
        values = list(held)
        leaves(dy, shape, values)
        found = assemble(entry.result, iter(entry.native.call(*values, *captured)))
        return tuple(found[1])

    return y, back


vjp = pullback


def _unit(y: Any) -> Any:
    if isinstance(y, tuple):
        items = tuple(_unit(item) for item in y)
        return items if type(y) is tuple else tuple.__new__(type(y), items)
    return 1.0 if isinstance(y, int) and not isinstance(y, bool) else y


def jvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """`(y, dy)`: forward mode.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    if len(primals) != len(tangents):
        raise ValueArgumentError(f"{len(primals)} primals but {len(tangents)} tangents")
    result = _Call(fn, "jvp").caller(len(primals))(*primals, *tangents)
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

    def register(rule: Callable[..., Any]) -> Callable[..., Any]:
        global _epoch
        RULES[fn] = rule
        _epoch += 1
        return rule

    return register


class nograd:
    """A function whose results carry no gradient; also a decorator.

    >>> grad(lambda x: x * nograd(lambda t: t * t)(x))(3.0)
    9.0
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn
        functools.update_wrapper(self, fn)

    def __call__(self, *args: Any, **kws: Any) -> Any:
        return self.fn(*args, **kws)

    def __zyg_read__(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        return without_gradient(reader, calls.call(reader, Static(self.fn), args, kws))


def stop_gradient(x: Any) -> Any:
    """`x`; no gradient flows through.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return x


dropgrad = stop_gradient


def ignore(thunk: Callable[[], Any]) -> Any:
    """`thunk()`, without gradient."""
    return thunk()


def inspect_llvm(fn: Any, *args: Any) -> str:
    """The optimised LLVM IR of the native entry of `fn` for arguments of these types.

    >>> "ret i64 5" in inspect_llvm(grad(lambda x: 5 * x + 3), 10)
    True
    """
    return str(_compiled(fn, args).native.llvm)


def inspect_asm(fn: Any, *args: Any) -> str:
    """Its assembly."""
    return str(_compiled(fn, args).native.asm)


def inspect_adjoint(fn: Any, *args: Any) -> str:
    """The forward and reverse program as readable text, each line with the user's line that it came from."""
    from zyg.ir.show import show

    return show(_compiled(fn, args).module, source=True)


def _compiled(fn: Any, args: tuple[Any, ...]) -> Any:
    caller = fn.caller if isinstance(fn, Transformed) else _Call(fn, "call").caller()
    return caller.find(args, [tree(arg) for arg in args])[0]


@dataclass(frozen=True, slots=True)
class NoGradientHead:
    """`nograd(fn)` made while reading; its item is fn."""

    def __zyg_call__(self, reader: Any, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        return without_gradient(reader, calls.call(reader, node.items[0], args, kws))


# --- the same functions inside compiled code --------------------------------------------------------


def _handle_grad(gives: str) -> Any:
    def handler(reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        fn = args[0]
        given = dict(kws)
        if len(args) > 1:
            given["argnums"] = args[1]
        argnums = _static(given.pop("argnums", constant(0)))
        argnames = _static(given.pop("argnames", Static(None)))
        has_aux = bool(_static(given.pop("has_aux", constant(False))))
        options = _options(fn.obj if isinstance(fn, Static) else None, argnums, argnames, gives, has_aux)
        return Node(GradientHead(options), (fn,))

    return handler


def _static(value: Value) -> Any:
    if isinstance(value, Static):
        return value.obj
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Node) and isinstance(value.head, TupleHead):
        return tuple(_static(item) for item in value.items)
    raise ArgumentError("argnums, argnames and has_aux must be constants")


def _handle_gradient(gives: str) -> Any:
    def handler(reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        argnums: Any = 0 if len(args) == 2 else tuple(range(len(args) - 1))
        return gradient_call(reader, args[0], args[1:], kws, Options(argnums, gives))

    return handler


HANDLERS[grad] = _handle_grad("grad")
HANDLERS[value_and_grad] = _handle_grad("value_and_grad")
HANDLERS[gradient] = _handle_gradient("grad")
HANDLERS[withgradient] = _handle_gradient("value_and_grad")
HANDLERS[stop_gradient] = lambda reader, args, kws: without_gradient(reader, args[0])
HANDLERS[ignore] = lambda reader, args, kws: without_gradient(reader, calls.call(reader, args[0], [], {}))
HANDLERS[nograd] = lambda reader, args, kws: Node(NoGradientHead(), (args[0],))
HANDLERS[jvp] = lambda reader, args, kws: jvp_call(
    reader, args[0], iteration.elements(reader, args[1]), iteration.elements(reader, args[2])
)

__all__ = [
    "Build",
    "adjoint",
    "dropgrad",
    "follow",
    "grad",
    "gradient",
    "ignore",
    "inspect_adjoint",
    "inspect_asm",
    "inspect_llvm",
    "jvp",
    "nograd",
    "pullback",
    "pushforward",
    "rule_call",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "withgradient",
]
