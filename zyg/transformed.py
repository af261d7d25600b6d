"""Functions of Python's that stand for compiled ones: what `grad` gives, and calls with a pullback or tangents."""

from __future__ import annotations

import functools
import inspect
import types as pytypes
from collections.abc import Callable, Hashable
from typing import Any

from zyg.entry import Caller
from zyg.errors import ArgumentError, UnsupportedError, ValueArgumentError
from zyg.ir import calls
from zyg.ir.custom import RULES
from zyg.ir.derive import Options, gradient_call, jvp_call, pullback_call
from zyg.ir.values import Static, Value


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
        self.caller = Caller(f"{options.gives}_{plain_name(fn)}", innermost(root), self.key, self._build)
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
            args = positional(self.fn, args, kws)
        self.caller.key = (self.key, RULES.version)
        return self.caller(*args)

    def __reduce__(self) -> Any:
        return Transformed, (self.fn, self.options, self.mode)

    def __repr__(self) -> str:
        return f"<zyg {self.__name__}>"


def innermost(root: Any) -> Any:
    while isinstance(root, Transformed):
        root = root.fn
    return root


def plain_name(fn: Any) -> str:
    return str(getattr(fn, "__name__", type(fn).__name__)).replace("<lambda>", "lambda")


def positional(fn: Any, args: tuple[Any, ...], kws: dict[str, Any]) -> tuple[Any, ...]:
    """Keyword arguments in their places."""
    while isinstance(fn, Transformed):
        fn = fn.fn
    bound = inspect.signature(getattr(fn, "py_func", fn)).bind(*args, **kws)
    if bound.kwargs:
        bound.apply_defaults()
    if bound.kwargs:
        raise UnsupportedError(f"keyword-only arguments {tuple(bound.kwargs)} cannot be passed in native mode")
    return bound.args


def options_of(fn: Any, argnums: Any, argnames: Any, gives: str, has_aux: bool) -> Options:
    if argnames is not None:
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
        parameters = list(inspect.signature(getattr(innermost(fn), "py_func", innermost(fn))).parameters)
        for name in names:
            if name not in parameters:
                raise ValueArgumentError(f"{plain_name(fn)} has no argument {name!r}; it has {', '.join(parameters)}")
        numbers = tuple(parameters.index(name) for name in names)
        argnums = numbers[0] if isinstance(argnames, str) else numbers
    if isinstance(argnums, (list, range)):
        argnums = tuple(argnums)
    if not (type(argnums) is int or (isinstance(argnums, tuple) and all(type(n) is int for n in argnums))):
        raise ArgumentError(f"argnums must be an int or a tuple of ints, not {argnums!r}")
    return Options(argnums, gives, has_aux)


class Called:
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

        key = (self.kind, self.fn_key, count, RULES.version)
        return Caller(f"{self.kind}_{plain_name(self.fn)}", innermost(self.root), key, build)
