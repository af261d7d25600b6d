"""Bytecode that Numba's front end does not read by itself: formats of f-strings, `a, *b = c` and `f(**d)`.

Its analyses make their helpers by global names; here they run with such names bound to what knows more.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from numba.core import byteflow, errors, interpreter
from numba.core import ir as nir

_CONVERSIONS: tuple[Any, ...] = (None, str, repr, ascii)


def with_globals(fn: Any, **names: Any) -> Any:
    """A function of Python's that finds other objects under these global names."""
    return types.FunctionType(fn.__code__, {**fn.__globals__, **names}, fn.__name__, fn.__defaults__, fn.__closure__)


def without_cleanup(code: Any) -> Any:
    """Bytecode without the handlers that give a comprehension's variables their values back where it raises.

    CPython 3.12 and later write comprehensions into the function; Numba takes some of these handlers for `try`.
    """
    entries = getattr(code, "exception_entries", ())
    kept = tuple(entry for entry in entries if code.table[entry.target].opname != "SWAP")
    if len(kept) < len(entries):
        code.exception_entries = kept
    return code


class _Runner(byteflow.TraceRunner):
    """What is on the stack where."""

    def _format(self, state: Any, inst: Any, has_spec: bool, conversion: int) -> None:
        spec = state.pop() if has_spec else None
        value = state.pop()
        made = [state.make_temp() for _ in range(4)]
        state.append(inst, value=value, spec=spec, conversion=conversion, made=made)
        state.push(made[-1])

    def op_FORMAT_VALUE(self, state: Any, inst: Any) -> None:
        self._format(state, inst, bool(inst.arg & 4), inst.arg & 3)

    def op_FORMAT_SIMPLE(self, state: Any, inst: Any) -> None:
        self._format(state, inst, False, 0)

    def op_FORMAT_WITH_SPEC(self, state: Any, inst: Any) -> None:
        self._format(state, inst, True, 0)

    def op_CONVERT_VALUE(self, state: Any, inst: Any) -> None:
        self._format(state, inst, False, inst.arg)

    def op_UNPACK_EX(self, state: Any, inst: Any) -> None:
        before, after = inst.arg & 0xFF, inst.arg >> 8
        value = state.pop()
        stores = [state.make_temp() for _ in range(before + 1 + after)]
        made = [state.make_temp() for _ in range(6)]
        state.append(inst, value=value, stores=stores, before=before, after=after, made=made)
        for name in reversed(stores):
            state.push(name)

    def op_IMPORT_NAME(self, state: Any, inst: Any) -> None:
        names, level = state.pop(), state.pop()
        made = [state.make_temp() for _ in range(3)]
        state.append(inst, names=names, level=level, made=made)
        state.push(made[-1])

    def op_IMPORT_FROM(self, state: Any, inst: Any) -> None:
        made = [state.make_temp() for _ in range(3)]
        state.append(inst, module=state.peek(1), made=made)
        state.push(made[-1])

    def op_DICT_MERGE(self, state: Any, inst: Any) -> None:
        value = state.pop()
        fn, res = state.make_temp(), state.make_temp()
        state.append(inst, target=state.peek(inst.arg), value=value, fn=fn, res=res)
        state._stack[-inst.arg] = res

    op_DICT_UPDATE = op_DICT_MERGE


class _Flow(byteflow.Flow):
    run = with_globals(byteflow.Flow.run, TraceRunner=_Runner)


def unpacked(value: Any, before: int, after: int) -> Any:
    """The items of a value in a tuple, those between the first and the last ones in a tuple of their own."""
    items = tuple(value)
    end = len(items) - after
    return (*items[:before], items[before:end], *items[end:])


def merged(target: Any, value: Any) -> Any:
    """The keyword arguments of a call, with more of them."""
    return {**target, **value}


def imported(name: str, names: Any, level: int) -> Any:
    """What an import statement in a function has from Python: a module."""
    raise NotImplementedError


def imported_from(module: Any, name: str) -> Any:
    """What is under a name in a module that has been imported, which may be a module itself."""
    raise NotImplementedError


def updated(target: Any, value: Any) -> Any:
    """A dict display, with what another dict holds."""
    return {**target, **value}


class Reader(interpreter.Interpreter):
    """Numba's reader of bytecode, which knows more of it."""

    interpret: Callable[..., Any] = with_globals(interpreter.Interpreter.interpret, Flow=_Flow)

    def _called(self, fn: Any, args: list[Any], name: str, res: str) -> None:
        self.store(nir.Global(fn.__name__, fn, loc=self.loc), name)
        self.store(nir.Expr.call(self.get(name), args, (), loc=self.loc), res)

    def op_FORMAT_VALUE(  # type: ignore[override]
        self, inst: Any, value: str, spec: str | None, conversion: int, made: list[str]
    ) -> None:
        first, second, third, res = made
        convert = _CONVERSIONS[conversion]
        if spec is None:
            self._called(convert or str, [self.get(value)], first, res)
            return
        if convert is not None:
            self._called(convert, [self.get(value)], first, second)
        self._called(format, [self.get(value if convert is None else second), self.get(spec)], third, res)

    op_FORMAT_SIMPLE = op_FORMAT_WITH_SPEC = op_CONVERT_VALUE = op_FORMAT_VALUE  # type: ignore[assignment]

    def op_LOAD_FAST_AND_CLEAR(self, inst: Any, res: str) -> None:
        """What a variable is in front of a comprehension that has one of the same name: perhaps nothing."""
        try:
            value = self.get(self.code_locals[inst.arg])
        except errors.NotDefinedError:
            self.store(nir.Expr.undef(loc=self.loc), res)
        else:
            self.store(nir.Expr("saved", loc=self.loc, value=value), res)

    def op_IMPORT_NAME(self, inst: Any, names: str, level: str, made: list[str]) -> None:
        name, fn, res = made
        self.store(nir.Const(self.code_names[inst.arg], loc=self.loc), name)
        self._called(imported, [self.get(name), self.get(names), self.get(level)], fn, res)

    def op_IMPORT_FROM(self, inst: Any, module: str, made: list[str]) -> None:
        name, fn, res = made
        self.store(nir.Const(self.code_names[inst.arg], loc=self.loc), name)
        self._called(imported_from, [self.get(module), self.get(name)], fn, res)

    def op_DICT_MERGE(self, inst: Any, target: str, value: str, fn: str, res: str) -> None:
        self._called(merged, [self.get(target), self.get(value)], fn, res)

    def op_DICT_UPDATE(self, inst: Any, target: str, value: str, fn: str, res: str) -> None:
        self._called(updated, [self.get(target), self.get(value)], fn, res)

    def op_UNPACK_EX(self, inst: Any, value: str, stores: list[str], before: int, after: int, made: list[str]) -> None:
        one, two, fn, whole, listing, middle = made
        self.store(nir.Const(before, loc=self.loc), one)
        self.store(nir.Const(after, loc=self.loc), two)
        self._called(unpacked, [self.get(value), self.get(one), self.get(two)], fn, whole)
        for i, name in enumerate(stores):
            item = nir.Expr.static_getitem(self.get(whole), index=i, index_var=None, loc=self.loc)
            self.store(item, middle if i == before else name)
            if i == before:
                self._called(list, [self.get(middle)], listing, name)
