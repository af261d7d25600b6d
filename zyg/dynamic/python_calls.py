"""What is called in place of functions of Python's: those with derivatives by their rules, others as they are."""

from __future__ import annotations

import _thread
import bisect
import builtins
import cmath
import collections
import contextvars
import functools
import heapq
import inspect
import itertools
import json
import math
import operator
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numba.typed import Dict, List

from zyg.dynamic.array import Array
from zyg.dynamic.array_members import copied
from zyg.dynamic.contents import plain_text
from zyg.dynamic.number import COMPLEX, Number, lowest, operate, power, result_of
from zyg.dynamic.numpy_calls import as_array, make_array
from zyg.dynamic.resolve import AS_THEY_ARE, CALLS, call_in_place_of, resolve, seen, with_callable
from zyg.dynamic.state import carried
from zyg.dynamic.steps import step_of
from zyg.dynamic.ufuncs import plain_root
from zyg.ir import scalars
from zyg.reading.instances import stands_for
from zyg.rules import primitives as p
from zyg.rules.elementwise import elementwise, nonholomorphic


@call_in_place_of(isinstance)
def _isinstance(value: Any, classes: Any) -> bool:
    return isinstance(value, classes) or stands_for(type(value), classes)


def _scalar(value: Any) -> Any:
    """An array of one element as that, and an instance as the number that it says it is, where Python's functions take
    it so."""
    if type(value) is Array:
        return value.item() if value.__zyg_active__ else value.__zyg_root__
    return _converted(value, "__float__")


_NUMBERS = frozenset((Number, Array, np.ndarray, float, int, bool, complex, np.float64, str))


def _converted(value: Any, name: str) -> Any:
    """What a method of this name in the class of an instance gives, which need not be a plain number here."""
    if type(value) in _NUMBERS:
        return value
    method = next((vars(base)[name] for base in type(value).__mro__ if name in vars(base)), None)
    return resolve(method)(value) if isinstance(method, types.FunctionType) else value


# --- classes of numbers -----------------------------------------------------------------------------------


@call_in_place_of(float)
def float_of(x: Any = 0.0) -> Any:
    x = _scalar(x)
    if type(x) is not Number:
        return float(x)
    root = lowest(x)
    return x if type(root) is float else x.__zyg_convert__(float)


@call_in_place_of(complex)
def _complex(real: Any = 0.0, imag: Any = 0.0) -> Any:
    real, imag = _scalar(_converted(real, "__complex__")), _scalar(imag)
    if type(real) is not Number and type(imag) is not Number:
        return complex(real) if isinstance(real, str) else complex(real, imag)
    if isinstance(real, COMPLEX) or isinstance(imag, COMPLEX):
        found = real + imag * 1j if lowest(imag) != 0 or type(imag) is Number else real
        return found if isinstance(found, complex) else found.__zyg_convert__(complex)
    return operate(p.make_complex, lambda re, im: complex(re, im), (float_of(real), float_of(imag)))


_WHOLE = (int, np.bool_, *(np.dtype(code).type for code in np.typecodes["AllInteger"]))


@call_in_place_of(int)
def _int(*args: Any, **kws: Any) -> Any:
    if len(args) == 1:
        args = (_converted(args[0], "__int__"),)
    if len(args) == 1 and type(args[0]) is Number and type(lowest(args[0])) in _WHOLE:
        return args[0].__zyg_convert__(int)
    return int(*plain_text(args), **kws)


def _numpy_number(cls: Any) -> Callable[..., Any]:
    def make(*args: Any) -> Any:
        if args and type(args[0]) is Number:
            return args[0].__zyg_convert__(cls)
        return as_array(args[0]).astype(cls) if args and type(args[0]) is Array else cls(*args)

    return make


for _cls in (np.float64, np.float32, np.complex128, np.complex64):
    CALLS[_cls] = _numpy_number(_cls)


@call_in_place_of(type)
def _type(*args: Any, **kws: Any) -> Any:
    if len(args) == 1 and type(args[0]) in (Number, Array):
        return args[0].__class__
    return type(*args, **kws)


@call_in_place_of(range)
def _range(*args: Any) -> Any:
    return range(*plain_text(args))


# --- elementary functions ---------------------------------------------------------------------------------


def _elementary(fn: Any, primitive: Any) -> Callable[..., Any]:
    step = step_of(primitive) if primitive in elementwise and primitive not in nonholomorphic else None
    alone = step is not None and step.operands == 1  # type: ignore[attr-defined]

    def call(*args: Any) -> Any:
        if alone and len(args) == 1 and type(args[0]) is Number:
            (x,) = args
            if x.tape.open and type(x.value) is float:
                return result_of(step, fn(x.value), x)
        for arg in args:
            if type(arg) is Number or type(arg) is Array:
                return operate(primitive, fn, tuple([_scalar(arg) for arg in args]))
        given = [_scalar(arg) for arg in args]
        return call(*given) if any(type(arg) is Number for arg in given) else fn(*args)

    return call


_elementary_functions = {
    **scalars.FLOAT,
    **scalars.FLOAT2,
    **scalars.ARITHMETIC2,
    math.fabs: operator.abs,
    math.ldexp: np.ldexp,
}
_elementary_functions |= {cmath.phase: np.angle, math.pow: operator.pow}
for _fn, _primitive in _elementary_functions.items():
    if getattr(_fn, "__module__", "") in ("math", "cmath"):
        CALLS[_fn] = _elementary(_fn, _primitive)
if hasattr(math, "fma"):
    CALLS[math.fma] = _elementary(math.fma, p.fma)


@call_in_place_of(math.log, cmath.log)
def _log(x: Any, *base: Any) -> Any:
    fn = cmath.log if isinstance(x, COMPLEX) else math.log
    value = _natural(fn, x)
    return value / _natural(fn, base[0]) if base else value


def _natural(fn: Any, x: Any) -> Any:
    return _elementary(fn, np.log)(x)


CALLS[cmath.log] = lambda x, *base: (
    _natural(cmath.log, x) / _natural(cmath.log, base[0]) if base else _natural(cmath.log, x)
)
CALLS[math.degrees] = lambda x: _tracked_or(math.degrees, lambda v: v * (180.0 / math.pi), x)
CALLS[math.radians] = lambda x: _tracked_or(math.radians, lambda v: v * (math.pi / 180.0), x)


def _tracked_or(fn: Any, written: Callable[..., Any], *args: Any) -> Any:
    """`written` where an argument is tracked, `fn` otherwise."""
    given = [_scalar(arg) for arg in args]
    tracked = any(type(one) in (Number, Array) for arg in (args, given) for one in arg)
    return written(*given) if tracked else fn(*args)


@call_in_place_of(math.hypot)
def _hypot(*sides: Any) -> Any:
    def written(*sides: Any) -> Any:
        if len(sides) == 2:
            return operate(np.hypot, math.hypot, sides)
        return functools.reduce(lambda a, b: operate(np.hypot, math.hypot, (a, b)), sides, 0.0)

    return _tracked_or(math.hypot, written, *sides)


@call_in_place_of(math.dist)
def _dist(a: Iterable[Any], b: Iterable[Any]) -> Any:
    return _hypot(*[x - y for x, y in zip(a, b, strict=True)])


@call_in_place_of(math.fsum)
def _fsum(items: Iterable[Any]) -> Any:
    items = list(items)
    exact = math.fsum(map(lowest, items))
    if not any(type(item) is Number for item in items):
        return exact
    return p.attach(exact, functools.reduce(operator.add, items))


@call_in_place_of(math.prod)
def _prod(items: Iterable[Any], *, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, items, start)


if hasattr(math, "sumprod"):

    @call_in_place_of(math.sumprod)
    def _sumprod(a: Iterable[Any], b: Iterable[Any]) -> Any:
        return functools.reduce(operator.add, [x * y for x, y in zip(a, b, strict=True)], 0)


@call_in_place_of(math.modf)
def _modf(x: Any) -> Any:
    return _tracked_or(math.modf, lambda x: (x - math.modf(lowest(x))[1], math.modf(lowest(x))[1]), x)


@call_in_place_of(math.frexp)
def _frexp(x: Any) -> Any:
    def written(x: Any) -> Any:
        exponent = math.frexp(lowest(x))[1]
        return operate(np.ldexp, math.ldexp, (x, -exponent)), exponent

    return _tracked_or(math.frexp, written, x)


@call_in_place_of(cmath.polar)
def _polar(z: Any) -> Any:
    return _tracked_or(cmath.polar, lambda z: (abs(z), operate(np.angle, cmath.phase, (z,))), z)


@call_in_place_of(cmath.rect)
def _rect(r: Any, phi: Any) -> Any:
    def written(r: Any, phi: Any) -> Any:
        return operate(p.make_complex, p.make_complex, (r * _cos(phi), r * _sin(phi)))

    return _tracked_or(cmath.rect, written, r, phi)


_sin, _cos = CALLS[math.sin], CALLS[math.cos]
CALLS[math.pow] = lambda x, y: _tracked_or(math.pow, lambda x, y: power(float_of(x), float_of(y)), x, y)


def _discrete(fn: Any) -> Callable[..., Any]:
    """A function of numbers whose results carry no gradient."""
    return lambda *args, **kws: fn(*plain_text(args), **plain_text(kws))


for _name in ("isclose", "gcd", "lcm", "factorial", "comb", "perm", "isqrt", "ulp", "isinf", "isnan", "isfinite"):
    if hasattr(math, _name):
        CALLS[getattr(math, _name)] = _discrete(getattr(math, _name))
CALLS[cmath.isclose] = _discrete(cmath.isclose)

# --- what is built in -------------------------------------------------------------------------------------


@call_in_place_of(sum)
def _sum(items: Iterable[Any], /, start: Any = 0) -> Any:
    known = [start, *[seen(item) for item in items]]
    total = functools.reduce(operator.add, known)
    if type(total) is Number:  # as `sum` rounds it
        return p.attach(sum(map(lowest, known[1:]), lowest(start)), total)
    return total


@call_in_place_of(builtins.__build_class__)
def _build_class(body: Any, name: str, *bases: Any, **kws: Any) -> Any:
    return builtins.__build_class__(resolve(body), name, *bases, **kws)


@call_in_place_of(_thread.start_new_thread)
def _start_thread(fn: Any, *args: Any) -> Any:
    return _thread.start_new_thread(carried(resolve(fn)), *args)


@call_in_place_of(contextvars.Context.run)
def _run_in_context(context: Any, fn: Any, *args: Any, **kws: Any) -> Any:
    return contextvars.Context.run(context, resolve(fn), *args, **kws)


_joinable: Any = getattr(_thread, "start_joinable_thread", None)
if _joinable is not None:
    CALLS[_joinable] = lambda fn, *args, **kws: _joinable(carried(resolve(fn)), *args, **kws)


@call_in_place_of(iter)
def _iter(*args: Any) -> Any:
    return iter(*args) if len(args) == 1 else iter(resolve(args[0]), *args[1:])


for _fn in (json.dumps, json.dump):
    CALLS[_fn] = functools.partial(lambda fn, *args, **kws: fn(*plain_text(args), **plain_text(kws)), _fn)
for _fn in (np.array, np.asarray, np.asanyarray):
    CALLS[_fn] = functools.partial(
        lambda fn, value, dtype=None, **kws: make_array(
            value,
            dtype,
            **(
                {"copy": True if fn is np.array else None}
                | {k: v for k, v in kws.items() if v is not None or k == "copy"}
            ),
        ),
        _fn,
    )


def _in_order(order: str, a: Any, dtype: Any = None, **kws: Any) -> Any:
    """An array if it lies in this order, else a copy that does."""
    found = make_array(a, dtype, copy=None, **{k: v for k, v in kws.items() if v is not None})
    if found.ndim == 0:
        found = np.reshape(found, (1,))
    lies = plain_root(found).flags
    return found if (lies.c_contiguous if order == "C" else lies.f_contiguous) else copied(found, order)


CALLS[np.ascontiguousarray] = functools.partial(_in_order, "C")
CALLS[np.asfortranarray] = functools.partial(_in_order, "F")


@call_in_place_of(np.ndenumerate)
def _ndenumerate(a: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    a = as_array(a)
    return ((index, a[index]) for index in np.ndindex(*a.shape))


@call_in_place_of(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, **kws: Any) -> Any:
    if type(fill_value) not in (Number, Array):
        return np.full(shape, fill_value, dtype, **kws)
    y = seen(np.empty(shape, dtype if dtype is not None else np.asarray(plain_text(fill_value)).dtype, **kws))
    y[...] = fill_value
    return y


_CALLED: dict[Any, int | None] = {  # functions that call an argument, and where it stands
    **dict.fromkeys((sorted, min, max)),
    **dict.fromkeys(
        (map, filter, functools.reduce, functools.cmp_to_key, collections.defaultdict, itertools.starmap), 0
    ),
    **dict.fromkeys((itertools.takewhile, itertools.dropwhile, itertools.filterfalse), 0),
    **dict.fromkeys((itertools.accumulate, itertools.groupby), 1),
}
for _fn, _place in _CALLED.items():
    CALLS[_fn] = with_callable(_fn, _place)
# Numba's containers cannot hold what is tracked: here they are Python's
CALLS[List] = lambda *args, **_: list(*args)
CALLS[List.empty_list.__func__] = lambda *_, **__: []
CALLS[Dict] = lambda *args, **_: dict(*args)
CALLS[Dict.empty.__func__] = lambda *_, **__: {}
AS_THEY_ARE.update(
    (
        *(isinstance, issubclass, len, id, repr, print, format, hash, next, getattr, setattr, hasattr, delattr),
        *(callable, any, all, abs, divmod, pow, round, vars, dir, locals, globals, eval, exec, compile, input, open),
        *(math.floor, math.ceil, math.trunc, sys._getframe, sys.exc_info, warnings.warn, ascii, __import__),
        *(str, bool, list, tuple, dict, set, frozenset, zip, enumerate, reversed, super, property, staticmethod),
        *(classmethod, object, slice, functools.partial, collections.deque, collections.OrderedDict),
        *(functools.cached_property, functools.lru_cache, types.MethodType, types.SimpleNamespace, types.FunctionType),
        *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
        *(fn for fn in vars(operator).values() if isinstance(fn, types.BuiltinFunctionType)),
        *(made for made in vars(itertools).values() if isinstance(made, type)),
        inspect.currentframe,
        *(
            fn
            for module in (heapq, bisect)
            for fn in vars(module).values()
            if isinstance(fn, types.BuiltinFunctionType)
        ),
        *(types.MappingProxyType, weakref.ref, sys.getsizeof, sys.getrefcount),
        collections._count_elements,  # type: ignore[attr-defined]
        *(getattr(sys, name) for name in ("_getframemodulename", "exception", "intern") if hasattr(sys, name)),
    )
)
