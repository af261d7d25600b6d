"""Python functions that run with hooks: copies of the user's, which share globals, cells and defaults with them."""

from __future__ import annotations

import functools
import importlib
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

from zyg.dynamic.callees import callee_of
from zyg.dynamic.places import is_own
from zyg.dynamic.rewrite import Hooks, rewritten
from zyg.reading.front import ORIGINALS

_MOST = 10_000
_codes: dict[int, tuple[types.CodeType, types.CodeType]] = {}
_copies: dict[int, tuple[Any, ...]] = {}
_closures: dict[int, tuple[Any, ...]] = {}  # of their codes
_lock = threading.RLock()
_rewriting: list[types.CodeType] = []  # what is being rewritten: functions that this calls run as they are

# Of modules that compute nothing of the user's; many of them read frames, or are used while code is rewritten.
_LEFT = frozenset(
    (
        *("importlib", "warnings", "linecache", "traceback", "tokenize", "abc", "_py_abc", "typing", "inspect", "re"),
        *("enum", "bytecode", "weakref", "_weakrefset"),
    )
)


def hooked_code(code: types.CodeType, hooks: Hooks) -> types.CodeType:
    """`code` with hooks, made once."""
    found = _codes.get(id(code))
    if found is not None:
        return found[1]
    with _lock:
        if id(code) in ORIGINALS or _rewriting:
            return code
        _rewriting.append(code)
        try:
            new = rewritten(code, hooks)
        finally:
            _rewriting.clear()
        _codes[id(code)] = code, new
        ORIGINALS[id(new)] = code
        return new


def hooked(fn: types.FunctionType, hooks: Hooks, always: bool = False) -> types.FunctionType:
    """`fn` with hooks in its code.  always: also if it is of a module that is left as it is."""
    return found_copy(fn, hooks, always)[3]  # type: ignore[no-any-return]


def found_copy(fn: types.FunctionType, hooks: Hooks, always: bool = False) -> tuple[Any, ...]:
    """What is known of `fn`: a reference to it, its code and defaults, its copy, and what is known of its code."""
    if fn.__closure__ is not None:
        return None, fn.__code__, fn.__defaults__, *_copied_closure(fn, hooks, always)
    found = _copies.get(id(fn))
    if found is not None and found[0]() is fn and found[1] is fn.__code__ and found[2] is fn.__defaults__:
        if found[3] is None:  # it is left as it is, and not kept alive
            return (*found[:3], fn, found[4])
        if found[3].__kwdefaults__ is not fn.__kwdefaults__:
            found[3].__kwdefaults__ = fn.__kwdefaults__
        return found
    now, callee = _now(fn, hooks, always)
    copy = fn if now is None else _copy(fn, now)
    if len(_copies) > _MOST:
        _copies.clear()
    known = weakref.ref(fn, functools.partial(_forget, _copies, id(fn))), fn.__code__, fn.__defaults__
    if not _rewriting:
        _copies[id(fn)] = *known, None if copy is fn else copy, callee
    return *known, copy, callee


def _copied_closure(fn: types.FunctionType, hooks: Hooks, always: bool) -> tuple[Any, Any]:
    """Its copy, made anew: it would keep alive what it shares with `fn`, which is what a closure captures, itself even.

    With it, what is known of its code.
    """
    code = fn.__code__
    known = None if always else _closures.get(id(code))
    if known is None:
        known = code, *_now(fn, hooks, always)
        if not (always or _rewriting):
            _closures[id(code)] = known
    return fn if known[1] is None else _copy(fn, known[1]), known[2]


def _now(fn: types.FunctionType, hooks: Hooks, always: bool) -> tuple[types.CodeType | None, Any]:
    """The code with hooks that runs in place of a function's, None if it is left as it is, and what is known of it."""
    code = fn.__code__
    before = ORIGINALS.get(id(code))  # a method whose code has been exchanged
    if id(code) in _by_rule:
        now: types.CodeType | None = _by_rule[id(code)][1]
    else:
        now = None if not always and is_left(fn) else hooked_code(code, hooks)
    return now, callee_of(before) if before is not None else None if now is None else callee_of(code)


def _copy(fn: types.FunctionType, now: types.CodeType) -> types.FunctionType:
    copy = types.FunctionType(now, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    if fn.__kwdefaults__ is not None:
        copy.__kwdefaults__ = fn.__kwdefaults__
    copy.__qualname__ = fn.__qualname__
    return copy


def code_by_rule(fn: types.FunctionType, hooks: Hooks) -> types.CodeType:
    """Code for `fn`, which has a rule and is called by the interpreter itself: it is called as calls in code are."""
    before = fn.__code__
    known = _by_rule_of.get(id(fn))
    if known is not None and known[0]() is fn and known[1] is before:
        found: types.CodeType = known[2]
        return found
    ref = weakref.ref(fn, functools.partial(_forget, _by_rule_of, id(fn)))

    def call(*args: Any, **kws: Any) -> Any:
        return hooks.resolve(ref())(*args, **kws)

    now = _template.__code__.replace(
        co_consts=tuple([call if item == _CALL else item for item in _template.__code__.co_consts]),
        co_freevars=before.co_freevars,
    )
    ORIGINALS[id(now)] = before
    _by_rule[id(now)] = now, hooked_code(before, hooks)
    _by_rule_of[id(fn)] = ref, before, now
    return now


def _template(*args: Any, **kws: Any) -> Any:
    call: Any = "zyg's call by a rule"
    return call(*args, **kws)


_CALL = "zyg's call by a rule"
_by_rule: dict[int, tuple[types.CodeType, types.CodeType]] = {}
_by_rule_of: dict[int, tuple[Any, ...]] = {}


def _forget(copies: dict[int, tuple[Any, ...]], key: int, dead: weakref.ref[Any]) -> None:
    """The copy of a closure goes with it, and so does what it captured."""
    if copies.get(key, (None,))[0] is dead:
        del copies[key]


def is_left(fn: types.FunctionType) -> bool:
    """Is it none of what is rewritten: zyg's own, NumPy's, or of a module that computes nothing?"""
    code = fn.__code__
    if is_own(code) or code.co_filename.startswith("<frozen") or id(code) in ORIGINALS:
        return True
    module = (fn.__module__ or "").partition(".")[0]
    return module in _LEFT or is_compiled_package(fn)


def is_compiled_package(fn: Callable[..., Any]) -> bool:
    """Is it part of a package whose functions are taken as a whole, since they end in C?"""
    module = (getattr(fn, "__module__", "") or "").partition(".")[0]
    return module in ("numpy", "numba", "llvmlite") or is_boxed(fn)


def is_boxed(fn: Callable[..., Any]) -> bool:
    """Is it a method of a jitclass, as Python sees it: one that calls compiled code?"""
    return isinstance(fn, types.FunctionType) and fn.__code__.co_filename == _BOXING


_BOXING = importlib.import_module("numba.experimental.jitclass.boxing").__file__
