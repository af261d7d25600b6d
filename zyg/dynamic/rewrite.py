"""Code objects rewritten so that every call, and every value that comes from outside, goes by a hook.

In front of a call its callable is exchanged for what `resolve` gives for it; the interpreter makes the call itself, so
there are no frames between the user's.  Values that are loaded (globals, attributes, items, what a loop takes from an
iterator, results of calls) are exchanged for what `seen` gives.  Where the callable lies differs between versions:

    3.10         callable, arguments
    3.11, 3.12   NULL, callable, arguments  or  callable, first argument, the others
    3.13 on      callable, NULL or first argument, the others
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bytecode import BinaryOp, Bytecode, Instr
from bytecode.instr import InstrLocation

from zyg.dynamic.layout import direct_calls

_VERSION = sys.version_info[:2]
_ROOM = 4  # on the stack, for the calls of hooks
_LOADS = frozenset(
    (
        *("LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "LOAD_FROM_DICT_OR_GLOBALS"),
        *("BINARY_SUBSCR", "BINARY_SLICE", "FOR_ITER"),
    )
)
_UNPACKING = frozenset(("UNPACK_SEQUENCE", "UNPACK_EX"))


@dataclass(frozen=True, slots=True)
class Hooks:
    """resolve: of a callable.  seen: of a value.  unpacked: of what is taken apart.  modulo: of the operands of `%`."""

    resolve: Callable[[Any], Any]
    seen: Callable[[Any], Any]
    unpacked: Callable[[Any], Any]
    modulo: Callable[[Any, Any], Any]


def rewritten(code: types.CodeType, hooks: Hooks) -> types.CodeType:
    """`code` with the hooks in it; code objects nested in it stay as they are, since calls of them are resolved."""
    source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
    direct = direct_calls(source) if _VERSION in ((3, 11), (3, 12)) else frozenset()
    items = list(source)
    out: list[Any] = []
    for index, item in enumerate(items):
        if isinstance(item, Instr):
            before = items[index - 1] if index else None
            if item.name in _CALL_GROUP and not (isinstance(before, Instr) and before.name in _PREFIXES):
                out += _resolve_callable(items, index, direct, hooks)
            out += _exchanged(item, hooks)
        else:
            out.append(item)
    start = _start(out)
    out[start:start] = _parameters(code, hooks)
    source[:] = out
    return source.to_code(stacksize=code.co_stacksize + _ROOM, compute_exception_stack_depths=False)


# --- calls ------------------------------------------------------------------------------------------------

_PREFIXES = frozenset(("KW_NAMES", "PRECALL"))  # they belong to the call that follows
_CALLS = frozenset(("CALL", "CALL_KW", "CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX", "CALL_METHOD"))
_CALL_GROUP = _PREFIXES | _CALLS


def _resolve_callable(items: Sequence[Any], first: int, direct: frozenset[int], hooks: Hooks) -> list[Instr]:
    """In front of a call: its callable brought to the top of the stack, exchanged, and put back."""
    at = next(i for i in range(first, len(items)) if items[i].name in _CALLS)
    call = items[at]
    count = call.arg if isinstance(call.arg, int) else 0  # CALL_FUNCTION_EX has none from 3.14 on
    if call.name == "CALL_FUNCTION_EX":
        depth = 4 if _VERSION >= (3, 14) else (3 if _VERSION >= (3, 13) else 2) + (count & 1)
    else:
        depth = count + 1
        if call.name in ("CALL_KW", "CALL_FUNCTION_KW"):
            depth += 1
        if _VERSION >= (3, 13) or at in direct:
            depth += 1
    where = items[first].location
    up = _lifted(depth, where)
    down = [Instr("SWAP", depth, location=where)] if _VERSION >= (3, 11) else _lowered(depth, where)
    return [*up, *_hooked(hooks.resolve, where), *(down if depth > 1 else ())]


def _lifted(depth: int, where: Any) -> list[Instr]:
    if depth == 1:
        return []
    if _VERSION >= (3, 11):
        return [Instr("SWAP", depth, location=where)]
    return [Instr("ROT_N", depth, location=where) for _ in range(depth - 1)]


def _lowered(depth: int, where: Any) -> list[Instr]:
    return [Instr("ROT_N", depth, location=where)]


def _hooked(hook: Callable[..., Any], where: Any, count: int = 1) -> list[Instr]:
    """The `count` values on top of the stack exchanged for what the hook gives."""
    if _VERSION < (3, 11):
        below = [Instr("LOAD_CONST", hook, location=where), Instr("ROT_N", count + 1, location=where)]
        return [*below, Instr("CALL_FUNCTION", count, location=where)]
    load = [Instr("LOAD_CONST", hook, location=where)]
    if count == 1:
        load.append(Instr("SWAP", 2, location=where))
    else:  # a, b → hook, a, b
        load += [Instr("SWAP", 3, location=where), Instr("SWAP", 2, location=where)]
    # The hook lies where a method would, and its first argument where `self` would.
    if _VERSION == (3, 11):
        load.append(Instr("PRECALL", count - 1, location=where))
    return [*load, Instr("CALL", count - 1, location=where)]


# --- values -----------------------------------------------------------------------------------------------


def _exchanged(item: Instr, hooks: Hooks) -> list[Instr]:
    """An instruction, with the hooks around it."""
    name, where = item.name, item.location
    if name == "LOAD_METHOD" or (name in ("LOAD_ATTR", "LOAD_SUPER_ATTR") and _of_method(item)):
        return _bound(item)
    if name == "CALL_METHOD":
        item = Instr("CALL_FUNCTION", item.arg, location=where)
    if name in _UNPACKING:
        return [*_hooked(hooks.unpacked, where), item]
    if name == "BINARY_MODULO" or (name == "BINARY_OP" and item.arg == BinaryOp.REMAINDER):
        return _hooked(hooks.modulo, where, 2)
    loads = name in _LOADS or name in _CALLS or name == "LOAD_ATTR"
    loads = loads or (name == "LOAD_GLOBAL" and not (isinstance(item.arg, tuple) and item.arg[0]))
    loads = loads or (name == "BINARY_OP" and int(item.arg) == _SUBSCRIPT)  # type: ignore[arg-type]
    loads = loads or (name == "RESUME" and int(item.arg) & 3 == 1)  # type: ignore[arg-type]
    return [item, *_hooked(hooks.seen, where)] if loads else [item]


_SUBSCRIPT = 26  # the operation of BINARY_OP in 3.14


def _of_method(item: Instr) -> bool:
    """Does it leave two values on the stack, for a call of a method?"""
    return isinstance(item.arg, tuple) and item.arg[0] is True


def _bound(item: Instr) -> list[Instr]:
    """A method is loaded as any attribute; the call finds its callable in one place."""
    where = item.location
    if _VERSION >= (3, 13):
        return [item]
    name = item.arg
    if item.name == "LOAD_METHOD":
        load = Instr("LOAD_ATTR", name, location=where)
    elif item.name == "LOAD_ATTR":
        load = Instr("LOAD_ATTR", (False, name[1]), location=where)  # type: ignore[index]
    else:
        load = Instr("LOAD_SUPER_ATTR", (False, *name[1:]), location=where)  # type: ignore[index]
    if _VERSION < (3, 11):
        return [load]
    return [load, Instr("PUSH_NULL", location=where), Instr("SWAP", 2, location=where)]


def _start(items: Sequence[Any]) -> int:
    """The place behind what sets a frame up."""
    for index, item in enumerate(items):
        if isinstance(item, Instr) and item.name == "RESUME":
            return index + 1
    return 1 if items and isinstance(items[0], Instr) and items[0].name == "GEN_START" else 0


def _parameters(code: types.CodeType, hooks: Hooks) -> list[Instr]:
    """Parameters seen: native code of CPython's calls back with what it was given."""
    flags = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + flags]
    where = InstrLocation(code.co_firstlineno, None, None, None)
    found: list[Instr] = []
    for name in names:
        if name not in code.co_cellvars and not name.startswith("."):
            found.append(Instr("LOAD_FAST", name, location=where))
            found += [*_hooked(hooks.seen, where), Instr("STORE_FAST", name, location=where)]
    return found
