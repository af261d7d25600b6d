"""`zyg.grad(f)` inside an `@njit` function, with `f` of any sort that is known there, becomes what it gives.

Numba has types neither for plain Python functions nor for functions written inside that capture variables, so this
is done on its untyped program: the call of `grad` is made now.  What a function written inside captures is passed
to it as arguments.
"""

from __future__ import annotations

import types as pytypes
from typing import Any

from numba.core import ir

from zyg.errors import unsupported
from zyg.ir.program import Pos
from zyg.nopython.at_once import AT_ONCE, at_once
from zyg.nopython.callee import Derivative
from zyg.nopython.closure import Closure, ClosureDerivative, Known, Made, Passed, Source
from zyg.nopython.giving import GIVERS, Giver
from zyg.reading.derive import Options
from zyg.reading.front import position


class Unknown(Exception):
    """The value of a variable is not known before types are."""


class Rewriting:
    def __init__(self, func_ir: Any) -> None:
        self.ir = func_ir
        self.changed = False
        self.origins: dict[ClosureDerivative, tuple[Any, tuple[Options, ...]]] = {}

    def run(self) -> None:
        for block in self.ir.blocks.values():
            body: list[Any] = []
            for stmt in block.body:
                self._statement(stmt, body)
            block.body = body
        if self.changed:
            self._drop_unused()

    def _statement(self, stmt: Any, body: list[Any]) -> None:
        """Append what becomes of `stmt`."""
        expr = stmt.value if isinstance(stmt, ir.Assign) else None
        giver = self._gives(expr)
        if giver is None:
            body.append(stmt)
        else:
            self.changed = True
            self._derivative(stmt, expr, giver, body)

    def _gives(self, expr: Any) -> Any:
        """The function that `expr` calls, if that one gives derivatives."""
        if not (isinstance(expr, ir.Expr) and expr.op == "call"):
            return None
        try:
            called = self._known(expr.func)
        except Unknown:
            return None
        known = isinstance(called, pytypes.FunctionType) and (called in GIVERS or called in AT_ONCE)
        return called if known else None

    def _derivative(self, stmt: Any, expr: Any, called: Any, body: list[Any]) -> None:
        if expr.vararg is not None or expr.varkwarg is not None:
            raise unsupported(f"{called.__name__} cannot be called with * or ** in @njit code", self._pos(expr))
        if called in GIVERS:
            given = GIVERS[called].bind(*expr.args, **dict(expr.kws)).arguments
            fn = given.pop("fn")
            options = tuple((name, self._option(name, var, expr)) for name, var in given.items())
            value, passed = self._given(Giver(called, options), fn, stmt, body)
            if passed:
                self._pass_on(stmt.target.name, passed)
            self._assign(stmt.target, value, stmt, body)
            return
        fn, *args = expr.args
        value, passed = self._given(Giver(called), fn, stmt, body)
        callee = self._variable(stmt)
        self._assign(callee, value, stmt, body)
        call = ir.Expr.call(callee, [*passed, *args], expr.kws, expr.loc)
        self._assign(stmt.target, call, stmt, body)

    def _given(self, giver: Giver, fn: Any, stmt: Any, body: list[Any]) -> tuple[Any, list[Any]]:
        """The value that `giver` gives for the function in variable `fn`; the variables to pass with its calls."""
        made = self._definition(fn)
        if isinstance(made, ir.Expr) and made.op == "make_function":
            return self._closure(giver, made, (), stmt)
        if isinstance(made, ir.Global) and isinstance(made.value, ClosureDerivative):
            return self._closure(giver, *self.origins[made.value], stmt)
        try:
            function = self._known(fn)
        except Unknown:
            target = self._variable(stmt)
            self._assign(target, ir.Global(giver.give.__name__, giver, stmt.loc), stmt, body)
            return ir.Expr.call(target, [fn], (), stmt.loc), []
        callee = giver.callee(function)
        value = callee.transformed if isinstance(callee, Derivative) else callee
        return ir.Global(callee.name, value, stmt.loc), []

    # --- functions written inside ---------------------------------------------------------------------------

    def _closure(self, giver: Giver, made: Any, before: tuple[Options, ...], stmt: Any) -> tuple[Any, list[Any]]:
        """The derivative of a function written in this one, and the variables that it captures."""
        pos = position(made.code, made.code.co_firstlineno)
        passed: list[Any] = []
        source = self._made(made, passed, (), pos)
        options = before
        if not giver.at_once:
            options = (*before, giver.among(made.code.co_varnames[: made.code.co_argcount]))
        closure = Closure(source, self.ir.func_id.func, options)
        if giver.at_once:
            callee = at_once(giver.give, closure)
            return ir.Global(callee.name, callee, stmt.loc), passed
        derivative = ClosureDerivative(closure)
        self.origins[derivative] = made, options
        return ir.Global(derivative.name, derivative, stmt.loc), passed

    def _made(self, made: Any, passed: list[Any], inside: tuple[Any, ...], pos: Pos) -> Made:
        if made.code in inside:
            raise unsupported("a recursive function written inside @njit code has no derivative there", pos, _MOVE)
        inside = (*inside, made.code)
        captured = self._items(made.closure)
        defaults = self._items(made.defaults)
        names = zip(made.code.co_freevars, captured, strict=True)
        captures = tuple((name, self._source(var, passed, inside, pos)) for name, var in names)
        before = len(passed)
        sources = tuple(self._source(var, passed, inside, pos) for var in defaults)
        if any(len(self.ir._definitions[var.name]) != 1 for var in passed[before:]):
            raise unsupported("the default of a parameter is a variable that changes", pos, "Capture it instead.")
        return Made(made.code, captures, sources)

    def _items(self, var: Any) -> tuple[Any, ...]:
        if var is None or isinstance(var, tuple):
            return var or ()
        return tuple(self._definition(var).items)

    def _source(self, var: Any, passed: list[Any], inside: tuple[Any, ...], pos: Pos) -> Source:
        value = self._definition(var)
        if isinstance(value, ir.Expr) and value.op == "make_function":
            return self._made(value, passed, inside, pos)
        try:
            return Known(self._known(var))
        except Unknown:
            passed.append(var)
            return Passed()

    def _pass_on(self, name: str, passed: list[Any]) -> None:
        """Add the arguments `passed` to all calls of variable `name`, which must not be used otherwise."""
        if len(self.ir._definitions[name]) != 1:
            raise unsupported(
                "a variable holds different derivatives of functions that capture variables", self._pos(passed[0])
            )
        for block in self.ir.blocks.values():
            for stmt in block.body:
                if name not in _reads(stmt):
                    continue
                expr = stmt.value if isinstance(stmt, ir.Assign) else None
                if isinstance(expr, ir.Var):
                    self._pass_on(stmt.target.name, passed)
                elif isinstance(expr, ir.Expr) and expr.op == "call" and expr.func.name == name:
                    expr.args = [*passed, *expr.args]
                elif not self._gives(expr):
                    raise unsupported(
                        "the derivative of a function that captures variables can only be called in @njit code",
                        self._pos(stmt),
                        "Pass what it captures as arguments.",
                    )

    # --- what is known --------------------------------------------------------------------------------------

    def _definition(self, var: Any) -> Any:
        found = self.ir._definitions.get(var.name, ())
        if len(found) == 1 and isinstance(found[0], ir.Var):
            return self._definition(found[0])
        return found[0] if len(found) == 1 else None

    def _known(self, var: Any) -> Any:
        """The Python object that is the value of a variable."""
        value = self._definition(var)
        if isinstance(value, (ir.Global, ir.FreeVar, ir.Const)):
            return value.value
        if isinstance(value, ir.Expr):
            if value.op == "getattr":
                owner = self._known(value.value)
                if isinstance(owner, pytypes.ModuleType) and hasattr(owner, value.attr):
                    return getattr(owner, value.attr)
            if value.op == "build_tuple":
                return tuple(self._known(item) for item in value.items)
        raise Unknown

    def _option(self, name: str, var: Any, call: Any) -> Any:
        try:
            return self._known(var)
        except Unknown:
            raise unsupported(f"{name} must be a constant in @njit code", self._pos(call)) from None

    # --- the program ----------------------------------------------------------------------------------------

    def _assign(self, target: Any, value: Any, stmt: Any, body: list[Any]) -> None:
        body.append(ir.Assign(value, target, stmt.loc))
        self.ir._definitions[target.name] = [
            *(old for old in self.ir._definitions.get(target.name, ()) if old is not stmt.value),
            value,
        ]

    def _variable(self, stmt: Any) -> Any:
        return stmt.target.scope.redefine("$zyg", stmt.loc)

    def _drop_unused(self) -> None:
        """Functions that only calls of `grad` named may have no type of Numba's."""
        while True:
            used: set[str] = set()
            for block in self.ir.blocks.values():
                for stmt in block.body:
                    used |= _reads(stmt)
            before = sum(len(block.body) for block in self.ir.blocks.values())
            for block in self.ir.blocks.values():
                block.body = [stmt for stmt in block.body if not _is_idle(stmt, used)]
            if before == sum(len(block.body) for block in self.ir.blocks.values()):
                return

    def _pos(self, at: Any) -> Pos:
        return position(self.ir.func_id.code, at.loc.line)


_MOVE = "Define it outside of the @njit function."


def _reads(stmt: Any) -> set[str]:
    """The variables whose values a statement uses."""
    if isinstance(stmt, ir.Del):
        return set()
    if not isinstance(stmt, ir.Assign):
        return {var.name for var in stmt.list_vars()}
    if isinstance(stmt.value, ir.Var):
        return {stmt.value.name}
    return {var.name for var in stmt.value.list_vars()} if isinstance(stmt.value, ir.Inst) else set()


def _is_idle(stmt: Any, used: set[str]) -> bool:
    if isinstance(stmt, ir.Del):
        return stmt.value not in used
    if not isinstance(stmt, ir.Assign) or stmt.target.name in used:
        return False
    value = stmt.value
    loads = isinstance(value, (ir.Global, ir.FreeVar, ir.Const))
    return loads or (isinstance(value, ir.Expr) and value.op in ("getattr", "make_function", "build_tuple"))
