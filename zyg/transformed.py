"""Functions of Python's that stand for compiled ones: what `grad` gives, and calls with a pullback or tangents."""

from __future__ import annotations

import functools
import inspect
import types as pytypes
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from zyg.entry import Caller
from zyg.errors import ArgumentError, ValueArgumentError
from zyg.fallback import NotNative, checked_mode, instead
from zyg.foreign import plain
from zyg.in_order import NOTHING, with_copies
from zyg.reading import calls
from zyg.reading.derive import Argnums, Options, derivative_call, pullback_call
from zyg.reading.foreign import repeating
from zyg.reading.front import definition
from zyg.reading.instances import is_instance
from zyg.reading.pushforward import jvp_call
from zyg.reading.values import Path, Static, Value, extended
from zyg.shapes import assemble


def code_key(fn: Any) -> tuple[Hashable, object]:
    """A key equal for functions that may share code, and what must live as long; captures are guarded."""
    if isinstance(fn, pytypes.FunctionType):
        return id(fn.__code__), fn.__code__
    if isinstance(fn, Transformed):
        return fn.key, fn._chain
    if type(fn) is functools.partial:
        key, kept = code_key(fn.func)
        return ("partial", key), kept
    if isinstance(fn, pytypes.MethodType):
        key, kept = code_key(fn.__func__)
        return ("method", key, id(type(fn.__self__))), (kept, type(fn.__self__))
    if is_instance(fn):
        return ("instance", id(type(fn))), type(fn)
    return id(fn), fn


class Transformed(Caller):
    """What `grad` and `value_and_grad` give: a function of the arguments of the function that it wraps."""

    __slots__ = ("mode", "options")

    def __init__(self, fn: Callable[..., Any], options: Options, mode: str) -> None:
        if not callable(fn):
            raise ArgumentError(f"{fn!r} is not a function")
        self.options, self.mode = options, checked_mode(mode)
        key, kept = code_key(fn)
        # In dynamic mode there is no native code to share.
        super().__init__(fn, (key, id(options), mode == "dynamic"), (kept, options))

    @property
    def fn(self) -> Any:
        return self._function

    def of(self, fn: Callable[..., Any]) -> Transformed:
        """The same derivative of another function."""
        return type(self)(fn, self.options, self.mode)

    @property
    def __wrapped__(self) -> Any:
        return self._function

    @property
    def __name__(self) -> str:
        return f"{self.options.gives}({getattr(self.fn, '__name__', self.fn)})"

    @property
    def name(self) -> str:
        return f"{self.options.gives}_{plain_name(self.fn)}"

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        reader.pos = definition(self.fn)
        fn = reader.spec.captures.value(self.fn, (), reader.pos)
        own = self.options.own
        check_call(self, args[own], kws)
        given, kws = placed(reader, fn, args[own], kws, self.options.argnums)
        args = [*given, *args[len(args[own]) :]]
        return derivative_call(reader, fn, args, kws, self.options)

    def _resolve(self, *args: Any, **kws: Any) -> Any:
        found = with_copies(self, args, kws)
        if found is not NOTHING:
            return found
        args, kws = plain(args), plain(kws)
        if self.mode != "dynamic":
            if self.mode == "native":
                found, values = self.run(args, kws)
                return assemble(found.result, iter(values))
            try:
                return super()._resolve(*args, **kws)
            except NotNative as refused:
                instead(self.fn, self.mode, refused)
        from zyg.dynamic.derivatives import derivative

        return derivative(self.fn, args, kws, self.options)

    def __zyg_read__(self, reader: Any, path: Path | None, args: list[Value], kws: dict[str, Value]) -> Value:
        """A call met while reading; `path`: how this object was reached."""
        captures = reader.spec.captures
        options = extended(path, "attr", "options")
        if options is not None:
            captures.expect(options, "is", self.options)
        fn = captures.value(self.fn, extended(path, "attr", "_function"), reader.pos)
        own = self.options.own
        given, kws = placed(reader, fn, args[own], kws, self.options.argnums)
        return derivative_call(reader, fn, [*given, *args[len(args[own]) :]], kws, self.options)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Stored in a class, it is a method, as a function is."""
        return self if instance is None else pytypes.MethodType(self, instance)

    def __reduce__(self) -> Any:
        return _transformed, (self.fn, self.options, self.mode)

    def __repr__(self) -> str:
        return f"<zyg {self.__name__}>"


def _transformed(fn: Any, options: Options, mode: str) -> Transformed:
    """For unpickling: options of the same value are one object in a process."""
    return Transformed(fn, _one_options(options.argnums, options.gives, options.has_aux), mode)


def innermost(root: Any) -> Any:
    while isinstance(root, Transformed):
        root = root.fn
    return root


def plain_name(fn: Any) -> str:
    return str(getattr(fn, "__name__", type(fn).__name__)).replace("<lambda>", "lambda")


def _signature(fn: Any) -> inspect.Signature | None:
    """The signature of a function or of what `grad` gave for it; None where Python does not know it."""
    own = innermost(fn)
    try:
        return inspect.signature(getattr(own, "py_func", own))
    except ValueError:
        return None


def check_call(caller: Caller, args: list[Value], kws: dict[str, Value]) -> None:
    """Raise the error of a call with arguments that the function does not take."""
    signature = _signature(caller._function)
    if signature is not None:
        try:
            signature.bind(*args, **kws)
        except TypeError as error:
            fn = caller._function
            hint = "Pass what its signature says."
            raise ArgumentError(f"{getattr(fn, '__name__', fn)}(): {error}", definition(fn), hint) from None


def placed(
    reader: Any, fn: Static, args: list[Value], kws: dict[str, Value], argnums: Argnums
) -> tuple[list[Value], dict[str, Value]]:
    """The arguments with those in their places that are passed by name and differentiated."""
    signature = _signature(fn.obj)
    wanted = [n for n in (argnums if isinstance(argnums, tuple) else (argnums,)) if isinstance(n, int)]
    if signature is None or all(n < len(args) for n in wanted):
        return args, kws
    args, kws = list(args), dict(kws)
    positional = [p for p in signature.parameters.values() if p.kind in _BY_POSITION]
    last = max(wanted)
    for number, parameter in enumerate(positional[len(args) : last + 1], len(args)):
        if parameter.name in kws:
            args.append(kws.pop(parameter.name))
        elif parameter.default is not parameter.empty:
            args.append(_default(reader, fn, number, parameter.name))
        else:
            break
    return args, kws


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _default(reader: Any, fn: Static, number: int, name: str) -> Value:
    captures = reader.spec.captures
    if isinstance(fn.obj, pytypes.FunctionType):
        values, path = captures.defaults(fn)
        item = number - fn.obj.__code__.co_argcount + len(values)
        if item >= 0:
            found: Value = captures.value(values[item], extended(path, "item", item), reader.pos)
            return found
    raise ArgumentError(f"argument {name!r} stands before one that is differentiated", reader.pos, "Pass it, too.")


def options_of(fn: Any, argnums: Any, argnames: Any, gives: str, has_aux: bool) -> Options:
    """The options of `grad` of a function."""
    own = innermost(fn)
    if argnames is None:
        return options_among((), argnums, None, gives, has_aux)
    parameters = inspect.signature(getattr(own, "py_func", own)).parameters.values()
    by_name = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    return options_among([p.name for p in parameters], argnums, argnames, gives, has_aux, by_name)


def options_among(
    parameters: Sequence[str],
    argnums: Any,
    argnames: Any,
    gives: str,
    has_aux: bool,
    by_name: Sequence[str] = (),
) -> Options:
    """The options of `grad` of a function with parameters of these names, some of which are passed by name only."""
    if argnames is not None:
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
        for name in names:
            if name not in parameters:
                raise ValueArgumentError(f"the function has no argument {name!r}; it has {', '.join(parameters)}")
        found = tuple(name if name in by_name else tuple(parameters).index(name) for name in names)
        return _one_options(found[0] if isinstance(argnames, str) else found, gives, bool(has_aux))
    if isinstance(argnums, (list, range)):
        argnums = tuple(argnums)
    if not (type(argnums) is int or (isinstance(argnums, tuple) and all(type(n) is int for n in argnums))):
        raise ArgumentError(f"argnums must be an int or a tuple of ints, not {argnums!r}")
    return _one_options(argnums, gives, bool(has_aux))


@functools.cache
def _one_options(argnums: Argnums, gives: str, has_aux: bool) -> Options:
    """Options of the same value are one object, so that guards may compare them by identity."""
    return Options(argnums, gives, has_aux)


class Called(Caller):
    """A function read as it is, or with a cotangent or tangents as further arguments.

    kind: "call", "primal" (the same where a derivative is to be taken), "pullback" or "jvp".
    count: the number of its own arguments, for "jvp".
    """

    __slots__ = ("count", "kind")

    def __init__(self, fn: Any, kind: str, count: int = 0) -> None:
        if not callable(fn):
            raise ArgumentError(f"{fn!r} is not a function")
        self.kind, self.count = kind, count
        key, kept = code_key(fn)
        super().__init__(fn, (key, kind, count), kept)

    @property
    def name(self) -> str:
        return f"{self.kind}_{plain_name(self._function)}"

    def read(self, reader: Any, args: list[Value], kws: dict[str, Value]) -> Value:
        reader.pos = definition(self._function)
        fn = reader.spec.captures.value(self._function, (), reader.pos)
        if self.kind in ("call", "primal"):
            check_call(self, args, kws)
            if self.kind == "call":
                return calls.call(reader, fn, args, kws)
            reader.spec.deriving += 1
            try:
                with repeating(reader, "pullback"):
                    return calls.call(reader, fn, args, kws)
            finally:
                reader.spec.deriving -= 1
        if self.kind == "pullback":
            return pullback_call(reader, fn, args[:-1], args[-1])
        return jvp_call(reader, fn, args[: self.count], [args[self.count :]])
