"""What is called in place of a callable that rewritten code is about to call, and the other hooks."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from zyg.dynamic import classes
from zyg.dynamic.array import Array, wrapped
from zyg.dynamic.buffers import is_parameter
from zyg.dynamic.callees import natively
from zyg.dynamic.contents import active_in, plain_text, released
from zyg.dynamic.functions import found_copy, hooked, is_boxed, is_compiled_package
from zyg.dynamic.holders import HOLDERS
from zyg.dynamic.numpy_calls import call_numpy, tracked_in
from zyg.dynamic.places import is_own, refusal
from zyg.dynamic.rewrite import Hooks
from zyg.dynamic.state import STATE
from zyg.dynamic.ufuncs import call_ufunc
from zyg.foreign import is_jitclass, plain, stand_in
from zyg.reading.custom import RULES
from zyg.rules.library import LIBRARY

_KNOWN = classes.KNOWN
_FunctionType = types.FunctionType

CALLS: dict[Any, Callable[..., Any]] = {}  # what is called in place of these
AS_THEY_ARE: set[Any] = set()  # functions that hand on what they are given, or read frames
BY_TYPE: dict[type, Callable[[Any], Any]] = {}  # makers of what is called in place of an instance
_replaced: dict[int, tuple[Any, Any]] = {}  # of callables that live as long as their module
_version = -1
_MOST = 10_000


def call_in_place_of(*functions: Any) -> Callable[[Any], Any]:
    """Register the decorated function as what is called in place of `functions`."""

    def register(handler: Any) -> Any:
        for fn in functions:
            CALLS[fn] = handler
        return handler

    return register


# --- values -----------------------------------------------------------------------------------------------


def seen(value: Any) -> Any:
    """A value that comes from outside: arrays are tracked, so that writes are; classes get their hooks."""
    if type(value) in _KNOWN:
        return value
    return _met(value)


def _met(value: Any) -> Any:
    kind = type(value)
    if kind is np.ndarray or kind is Array:
        if STATE.hidden is not None and is_parameter(getattr(value, "__zyg_root__", value), STATE.hidden):
            raise refusal(
                "a rule reads an array by which a derivative is taken and which is none of its arguments",
                "Pass it as an argument.",
            )
        return wrapped(value, STATE.tape)
    if STATE.tape is not None:
        classes.meet(kind, HOOKS)
    return value


def unpacked(value: Any) -> Any:
    """What is about to be taken apart into names."""
    kind = type(value)
    if kind is tuple or kind is list:
        for item in value:
            if type(item) not in _KNOWN:
                return [seen(item) for item in value]
        return value
    return seen(value)


def modulo(a: Any, b: Any) -> Any:
    """`a % b`, which for strings is formatting."""
    return operator.mod(a, plain_text(b) if isinstance(a, (str, bytes)) else b)


# --- callables --------------------------------------------------------------------------------------------


def resolve(fn: Any) -> Any:
    """What to call in place of `fn`."""
    if RULES.version != _version:
        _forget()
    known = _replaced.get(id(fn))
    if known is not None and known[0] is fn:
        return known[1]
    kind = type(fn)
    if kind is _FunctionType:
        if fn in RULES or fn in CALLS or fn in LIBRARY or is_compiled_package(fn):
            return _remembered(fn)
        found = found_copy(fn, HOOKS)
        if found[4] is not None and STATE.tape is not None and found[4].begun(STATE.tape):
            return natively(found[4], fn, found[3])
        return found[3]
    maker = BY_TYPE.get(kind)
    if maker is not None:
        return maker(fn)
    if isinstance(fn, type):
        return _remembered(fn) if fn in RULES or fn in CALLS or not fn.__flags__ & _HEAP else _class(fn)
    if fn in RULES:
        return _remembered(fn)
    for base in kind.__mro__:
        if base in BY_TYPE:
            return BY_TYPE[base](fn)
    call = vars(kind).get("__call__") or getattr(kind, "__call__", None)  # noqa: B004
    if type(call) is _FunctionType:
        return fn if is_own(call.__code__) else types.MethodType(resolve(call), fn)
    return _guarded(fn)


def resolve_outermost(fn: Any) -> Any:
    """The same for the function that is differentiated, which CPython runs in any case."""
    if type(fn) is _FunctionType and not (fn in RULES or fn in CALLS or is_compiled_package(fn)):
        return hooked(fn, HOOKS)
    return resolve(fn)


def _forget() -> None:
    global _version
    _replaced.clear()
    _version = RULES.version


def _remembered(fn: Any) -> Any:
    """The replacement of a function or class, found once."""
    found = _replacement(fn)
    if len(_replaced) < _MOST:
        _replaced[id(fn)] = fn, found
    return found


def _replacement(fn: Any) -> Any:
    if fn in RULES:
        from zyg.dynamic.custom import by_rule

        return by_rule(fn)
    return plain_replacement(fn)


def without_rule(fn: Any) -> Any:
    """What is called in place of a function with a rule where nothing is differentiated."""
    return hooked(fn, HOOKS) if type(fn) is _FunctionType else plain_replacement(fn)


def plain_replacement(fn: Any) -> Any:
    """What is called in place of something that is no Python function, whatever rule users gave."""
    try:
        known = CALLS.get(fn)
    except TypeError:  # a function of a C library, which has no hash
        return _guarded(fn)
    if known is not None:
        return known
    if fn in AS_THEY_ARE:
        return _with_seen(fn) if getattr(fn, "__module__", "") == "_operator" else fn
    if isinstance(fn, (np.ufunc, type(np.sum))) or (fn in LIBRARY and type(fn) is _FunctionType):
        return _with_seen(fn)
    if is_boxed(fn):
        return _boxed(fn)
    return _class(fn) if isinstance(fn, type) else _guarded(fn)


def _class(cls: type) -> Any:
    """Instances are made by the class itself, its methods with hooks."""
    if is_jitclass(cls):
        return functools.partial(_jitclass, cls)
    if classes.from_statement(cls) and not is_compiled_package(cls) and not is_own_class(cls):
        if STATE.tape is not None:
            classes.meet(cls, HOOKS)
            if type(cls) is not type:
                classes.meet(type(cls), HOOKS)
        return cls
    return cls if cls in AS_THEY_ARE or issubclass(cls, BaseException) else _guarded(cls)


def _jitclass(cls: Any, /, *args: Any, **kws: Any) -> Any:
    """An instance of a jitclass: an object of Python where something is differentiated, as for arguments."""
    from zyg.dynamic.custom import top_in

    if top_in((args, kws)) is None:
        return cls(*released(args), **released(kws))
    return stand_in(cls, args, kws, lambda fn, *given, **named: resolve(fn)(*given, **named))


def is_own_class(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "zyg"


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def _builtin(fn: Any) -> Any:
    """A function or method written in C."""
    owner = getattr(fn, "__self__", None)
    if owner is None or type(owner) is types.ModuleType:
        return _remembered(fn)
    kind = type(owner)
    if kind is np.ndarray:
        return getattr(wrapped(owner, STATE.tape), fn.__name__, fn)
    if kind is np.ufunc:
        return _with_seen(fn)
    if issubclass(kind, type):
        if fn.__name__ == "__call__":  # an instance is about to be made
            _class(owner)
            return fn
        return fn if fn.__name__ in _MAKERS or issubclass(owner, HOLDERS) else _guarded(fn)
    if issubclass(kind, HOLDERS):
        return with_callable(fn, None) if fn.__name__ in _CALLING else fn
    if issubclass(kind, (str, bytes, bytearray)):
        return _as_text(fn) if fn.__name__ in ("format", "join", "format_map") else fn
    return fn if fn.__name__.startswith("__") and kind.__flags__ & _HEAP else _guarded(fn)


_MAKERS = frozenset(("__new__", "__init__", "__init_subclass__", "fromkeys", "__subclasses__", "mro"))
_CALLING = frozenset(("sort",))  # methods of containers that call what they are given


def _descriptor(fn: Any) -> Any:
    """A method of a C class, not bound: `list.append`, `object.__setattr__`, `str.lower`."""
    if fn in CALLS or fn in RULES:
        return _remembered(fn)
    owner = fn.__objclass__
    if owner is np.ndarray:
        return lambda array, *args, **kws: getattr(wrapped(array, STATE.tape), fn.__name__)(*args, **kws)
    if owner is np.ufunc:
        return _with_seen(fn)
    if owner is object or issubclass(owner, HOLDERS) or issubclass(owner, BaseException):
        return with_callable(fn, None) if fn.__name__ in _CALLING else fn
    return _as_text(fn) if owner in (str, bytes, bytearray) else _guarded(fn)


def _method(fn: Any) -> Any:
    inner = fn.__func__
    if type(inner) is _FunctionType and is_own(inner.__code__) and inner not in RULES:
        return fn
    found = resolve(inner)
    return fn if found is inner else types.MethodType(found, fn.__self__)


def _partial(fn: Any) -> Any:
    return functools.partial(resolve(fn.func), *fn.args, **fn.keywords)


def _boxed(fn: Any) -> Any:
    """A method of a jitclass: where something is differentiated, the Python function that it was compiled from runs, on
    an object of Python with the same attributes."""

    def call(owner: Any, *args: Any, **kws: Any) -> Any:
        if not active_in((args, kws)):
            return fn(owner, *args, **kws)
        stand_in = plain(owner)
        before = dict(vars(stand_in))
        y = resolve(getattr(stand_in, fn.__name__))(*args, **kws)
        if any(vars(stand_in)[name] is not item for name, item in before.items()):
            raise refusal(
                f"{fn.__qualname__} changes attributes of an instance of a jitclass that is no argument",
                "Pass it as an argument.",
            )
        return y

    return call


def _cached(fn: Any) -> Any:
    """A function behind `functools.lru_cache`: what is differentiated goes by the cache."""

    def call(*args: Any, **kws: Any) -> Any:
        if active_in((args, kws)):
            return resolve(fn.__wrapped__)(*args, **kws)
        return fn(*args, **kws)

    return call


def _as_text(fn: Any) -> Any:
    """Text carries no gradient."""
    return lambda *args, **kws: fn(*plain_text(args), **plain_text(kws))


def guarded_call(fn: Any, args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
    """A call of something whose derivative is not known."""
    if args or kws:
        if active_in((args, kws)):
            module = getattr(fn, "__module__", None)
            name = getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None) or repr(fn)
            name = f"{module}.{name}" if module and module != "builtins" else name
            raise refusal(f"{name} has no derivative rule, and a value that is being differentiated reaches it")
        args, kws = released(args), released(kws)
    return fn(*args, **kws)


def _guarded(fn: Any) -> Any:
    return functools.partial(_call_guarded, fn)


def _call_guarded(fn: Any, /, *args: Any, **kws: Any) -> Any:
    return guarded_call(fn, args, kws)


def _with_seen(fn: Any) -> Any:
    """A function that overloads: arrays that come from containers are tracked, too, so that it knows them."""

    overload = _overload(fn)
    whole = type(fn) is _FunctionType  # of SciPy, which knows no tracked arrays

    def call(*args: Any, **kws: Any) -> Any:
        args = tuple([_seen_in(arg) for arg in args])
        if whole and tracked_in((args, kws)):
            return call_numpy(fn, args, kws)
        for arg in args:
            if type(arg) in (list, tuple) and tracked_in(arg):  # NumPy asks arrays only, not what is in lists
                return overload(args, kws)
        return fn(*args, **kws)

    return call


def _overload(fn: Any) -> Callable[[Any, dict[str, Any]], Any]:
    """How `fn` is called on lists with tracked values in them."""
    if isinstance(fn, np.ufunc):
        return lambda args, kws: call_ufunc(fn, "__call__", args, kws)
    if isinstance(fn, type(np.sum)):
        return lambda args, kws: call_numpy(fn, args, kws)
    return lambda args, kws: fn(*args, **kws)


def _seen_in(arg: Any) -> Any:
    kind = type(arg)
    if kind is np.ndarray:
        return seen(arg)
    if (kind is list or kind is tuple) and any(type(item) is np.ndarray for item in arg):
        return kind([seen(item) for item in arg])
    return arg


def with_callable(fn: Any, place: int | None) -> Any:
    """A function that calls its argument at `place`, or those given as `key=` and `func=`."""

    def call(*args: Any, **kws: Any) -> Any:
        if place is not None and len(args) > place:
            args = (*args[:place], _called_later(args[place]), *args[place + 1 :])
        return fn(*args, **{name: _called_later(arg) if name in ("key", "func") else arg for name, arg in kws.items()})

    return call


def _called_later(fn: Any) -> Any:
    """What C is given to call in place of `fn`: it passes arrays as they are."""
    if fn is None:
        return None
    found = resolve(fn)
    return found if type(found) is _FunctionType else lambda *args: found(*[seen(arg) for arg in args])


def _method_caller(fn: Any) -> Any:
    """`operator.methodcaller`: the method runs with hooks."""
    made, given = fn.__reduce__()[:2]
    kws: dict[str, Any] = {}
    if made is not operator.methodcaller:  # with keywords: a partial one
        given, kws = (*made.args, *given), made.keywords
    name, args = given[0], given[1:]
    return lambda owner: resolve(getattr(owner, name))(*args, **kws)


def _compiled(fn: Any) -> Any:
    if fn in RULES:
        return _remembered(fn)
    from zyg.dynamic.native import compiled_call

    return compiled_call(fn)


BY_TYPE |= {
    Dispatcher: _compiled,
    types.BuiltinFunctionType: _builtin,
    types.MethodWrapperType: _builtin,
    types.MethodDescriptorType: _descriptor,
    types.WrapperDescriptorType: _descriptor,
    types.ClassMethodDescriptorType: _descriptor,
    types.MethodType: _method,
    functools.partial: _partial,
    functools._lru_cache_wrapper: _cached,
    np.ufunc: lambda fn: _remembered(fn),
    type(np.sum): lambda fn: _remembered(fn),
    np.poly1d: lambda fn: functools.partial(resolve(np.polyval), fn.coeffs),
    operator.itemgetter: lambda fn: fn,
    operator.attrgetter: lambda fn: fn,
    operator.methodcaller: _method_caller,
}

HOOKS = Hooks(resolve, seen, unpacked, modulo)
