"""Functions of Python's that stand for compiled ones: what `grad` gives, and calls with a pullback or tangents."""

from __future__ import annotations

import inspect
import types as pytypes
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from zyg.entry import Caller
from zyg.errors import ArgumentError, UnsupportedError, ValueArgumentError
from zyg.ir import calls
from zyg.ir.custom import RULES
from zyg.ir.derive import Options, gradient_call, jvp_call, pullback_call
from zyg.ir.front import definition
from zyg.ir.values import Identity, Path, Static, Value, inside


def _code_key(fn: Any) -> Hashable:
    """Equal for functions that may share code; what they captured is guarded."""
    if isinstance(fn, pytypes.FunctionType):
        return fn.__code__
    return ("transformed", fn.key) if isinstance(fn, Transformed) else Identity(fn)


class Transformed:
    """What `grad` and `value_and_grad` give: a function of the arguments of the function that it wraps."""

    def __init__(self, fn: Callable[..., Any], options: Options, mode: str) -> None:
        if not callable(fn):
            raise ArgumentError(f"{fn!r} is not a function")
        if mode not in ("auto", "native"):
            raise ValueArgumentError(f"mode {mode!r} is not available: this version has 'auto' and 'native'")
        self.fn, self.options, self.mode = fn, options, mode
        self.key: Hashable = (_code_key(fn), options)
        self.caller = Caller(f"{options.gives}_{plain_name(fn)}", innermost(fn), self.key, self._build)
        self.__name__ = f"{options.gives}({getattr(fn, '__name__', fn)})"
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__wrapped__ = fn

    def _build(self, reader: Any, values: list[Value]) -> Value:
        reader.pos = definition(self.fn)
        return self.__zyg_read__(reader, (), values, {})

    def __zyg_read__(self, reader: Any, path: Path | None, args: list[Value], kws: dict[str, Value]) -> Value:
        """A call met while reading; `path`: how this object was reached."""
        return gradient_call(reader, Static(self.fn, inside(path, self.fn)), args, kws, self.options)

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
    """The options of `grad` of a function."""
    own = innermost(fn)
    parameters = () if argnames is None else tuple(inspect.signature(getattr(own, "py_func", own)).parameters)
    return options_among(parameters, argnums, argnames, gives, has_aux)


def options_among(parameters: Sequence[str], argnums: Any, argnames: Any, gives: str, has_aux: bool) -> Options:
    """The options of `grad` of a function with parameters of these names."""
    if argnames is not None:
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
        for name in names:
            if name not in parameters:
                raise ValueArgumentError(f"the function has no argument {name!r}; it has {', '.join(parameters)}")
        numbers = tuple(tuple(parameters).index(name) for name in names)
        argnums = numbers[0] if isinstance(argnames, str) else numbers
    if isinstance(argnums, (list, range)):
        argnums = tuple(argnums)
    if not (type(argnums) is int or (isinstance(argnums, tuple) and all(type(n) is int for n in argnums))):
        raise ArgumentError(f"argnums must be an int or a tuple of ints, not {argnums!r}")
    return Options(argnums, gives, has_aux)


class Called:
    """A function read as it is, or with a cotangent or tangents as further arguments."""

    def __init__(self, fn: Any, kind: str) -> None:
        self.fn, self.kind = fn, kind

    def caller(self, count: int = 0) -> Caller:
        def build(reader: Any, values: list[Value]) -> Value:
            reader.pos = definition(self.fn)
            value = Static(self.fn, ())
            if self.kind == "call":
                return calls.call(reader, value, values, {})
            if self.kind == "pullback":
                return pullback_call(reader, value, values[:-1], values[-1])
            return jvp_call(reader, value, values[:count], values[count:])

        key = (self.kind, _code_key(self.fn), count, RULES.version)
        return Caller(f"{self.kind}_{plain_name(self.fn)}", innermost(self.fn), key, build)
