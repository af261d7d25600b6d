"""Specialisation: one program per function and kind of arguments, and the module that holds them.

A recursive call is met before the kind of its result is known: reading stops there (`Bottom`), the other
paths give a first answer, and the function is read again until the answer is stable.
"""

from __future__ import annotations

import os
import types as pytypes
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zyg import rules
from zyg.errors import ZygError, unsupported
from zyg.ir.memory import is_memory
from zyg.ir.program import Block, Call, Module, Op, Operand, Pos, Program, Return, Var
from zyg.passes.simplify import folded
from zyg.reading.captures import Captures
from zyg.reading.custom import RULES
from zyg.reading.front import is_expression
from zyg.reading.heads import ArrayHead, ClosureHead, ElementHead, ListHead, MapHead, MappedHead, MemoryListHead
from zyg.reading.jit_options import PYTHON, JitOptions
from zyg.reading.joins import join
from zyg.reading.origins import Origins
from zyg.reading.read import Bottom, Env, FunctionReader
from zyg.reading.semantics import Semantics
from zyg.reading.signature import bind, widened
from zyg.reading.sites import Reread, Sites
from zyg.reading.values import (
    Identity,
    Node,
    Static,
    Value,
    extended,
    parameter,
    passed,
    rebuild,
    shared_parameters,
    structure,
    variables,
)

if TYPE_CHECKING:
    from zyg.reading.inner import Inner

_MOST_ORDERS = 4
# Functions made by functions there know the constants that they are given
_LIBRARY = f"{Path(rules.__file__).parent}{os.sep}"


@dataclass(slots=True)
class Specialisation:
    name: str
    result: Value | None = None
    program: Program | None = None
    active: bool = True
    used: bool = False
    key: Any = None
    formals: Env = field(default_factory=dict)
    passing: Mapping[int, int] = field(default_factory=dict)
    """The results, by number, that are always one parameter, and its number."""
    returns: bool = True
    """Does any path return, as far as it has been read?"""


class Specialiser:
    """Reads functions and everything that they call into one module."""

    def __init__(
        self,
        calls: Semantics,
        captures: Captures | None = None,
        sites: Sites | None = None,
        stretching: bool = False,
    ) -> None:
        self.calls = calls
        self.captures = captures or Captures()
        self.sites = sites or Sites()
        self.memo: dict[Hashable, Specialisation] = {}
        self.inner: dict[Hashable, Inner] = {}  # the functions that are differentiated, as they were read
        self.programs: dict[str, Program] = {}
        self.stack: list[Specialisation] = []
        self.keep: list[Any] = []
        self.fast: frozenset[str] | None = None
        self.origins = Origins()
        self.frozen: dict[Operand, str] = {}
        self.stretching = stretching
        self.lengths: set[Operand] = set()
        # Buffers whose elements NumPy may keep in another order than C, those that lie in C order because they
        # are computed of such, and those that were given other dimensions; whether writes into these rest on that
        self.unsure: set[Operand] = set()
        self.following: set[Operand] = set()
        self.reshaped: set[Operand] = set()
        self.ordered = False
        self.turned: set[int] = set()  # arrays whose axes were exchanged
        self.views: dict[int, tuple[Node, str]] = {}  # what `values` and `items` of dicts that change gave
        self.flat: set[int] = set()  # what `x.flat` gave: slices of it are copies
        self.of_numpy: set[Operand] = set()  # numbers known to be NumPy's scalars, not Python's
        self.ruled: dict[Hashable, tuple[str, Value, tuple[Var, ...]]] = {}
        self.rules_to_read: list[Callable[[], None]] = []
        self.called_functions: set[Hashable] = set()  # the marks of those that rules may be given for
        self.files: set[str] = set()  # those of the functions that have been read
        self.deriving = 0
        self.repeated = ""  # what is being read that runs functions several times, if it does
        self.own_rules: tuple[Identity, ...] = ()

    def is_length(self, number: Operand) -> bool:
        """Whether an int is known not to be negative."""
        return number in self.lengths

    @property
    def orders(self) -> int:
        """How often what is being read may be differentiated by rules that call their own functions."""
        return min(self.deriving, _MOST_ORDERS)

    @contextmanager
    def inside_rule_of(self, fn: Any) -> Iterator[None]:
        """While the rule of a function is read, that function is called as if it had none."""
        before, self.own_rules = self.own_rules, (*self.own_rules, Identity(fn))
        try:
            yield
        finally:
            self.own_rules = before

    def unique(self, base: str) -> str:
        base = base.replace("<lambda>", "lambda").replace("<locals>.", "")
        name, number = base, 1
        taken = {spec.name for spec in self.memo.values()} | set(self.programs)
        while name in taken:
            number += 1
            name = f"{base}.{number}"
        return name

    def adopt(self, module: Module) -> str:
        """Take in a module that a pass has made, under names that are free; gives that of its entry."""
        names: dict[str, str] = {}
        for name, program in module.programs.items():
            names[name] = name if self.programs.get(name, program) is program else self.unique(name)
            self.programs[names[name]] = program
        for name in names.values():
            self.programs[name] = self.programs[name].renamed(names)
        return names[module.entry]

    def call(
        self,
        reader: FunctionReader,
        fn: Static | Node,
        args: Sequence[Value],
        kws: dict[str, Value],
        options: JitOptions = PYTHON,
        fixed: bool = False,
    ) -> Value:
        """A call of a Python function or closure: an op `Call` and the kind of value that it gives.

        fixed: constants among the arguments are known to it, and dimensions that are the same.
        """
        if not fixed and options == reader.options and any(_holds(arg, _ARRAYS) for arg in (*args, *kws.values())):
            code, env = self.bound(fn, list(args), kws, reader.pos)
            if self._can_be_in_place(reader, code, env):
                return self._in_place(reader, fn, code, env)
        args = [self.calls.settle(reader, arg) for arg in args]
        kws = {name: self.calls.settle(reader, arg) for name, arg in kws.items()}
        self.calls.settle_all(reader, None)
        return self.called(reader, fn, args, kws, options, fixed)

    def called(
        self,
        reader: FunctionReader,
        fn: Static | Node,
        args: Sequence[Value],
        kws: dict[str, Value],
        options: JitOptions,
        fixed: bool = False,
    ) -> Value:
        """`call`, where nothing waits that the function could see."""
        code, env = self.bound(fn, list(args), kws, reader.pos)
        outer = next((spec for spec in reversed(self.stack) if spec.key[0] is code), None)
        if outer is not None:
            env = {name: widened(reader, value, outer.formals.get(name)) for name, value in env.items()}
        fixed = fixed or (isinstance(fn, Node) and fn.head.code.co_filename.startswith(_LIBRARY))
        operands, formal_fn, formals, pattern = _formals(fn, env, fixed)
        spec = self.specialise(fn, formal_fn, code, formals, reader.pos, options, pattern)
        if spec.result is None:
            raise Bottom
        results = tuple(Var(leaf.type, "") for leaf in variables(spec.result))
        reader.ops.append(Op(Call(spec.name), tuple(operands), results, reader.pos))
        if not spec.returns and code.co_filename.startswith(_LIBRARY):
            raise Bottom  # it may, once more is known of lists and dicts
        passing = spec.passing
        given = [operands[passing[i]] if i in passing else result for i, result in enumerate(results)]
        for inner, own in zip(variables(spec.result), given, strict=True):
            if inner in self.unsure:
                self.unsure.add(own)
        fresh = iter(given)
        return rebuild(spec.result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)

    def _can_be_in_place(self, reader: FunctionReader, code: pytypes.CodeType, env: Env) -> bool:
        """Whether a function is a few expressions over arrays, which are computed with those around its call, and
        nothing else needs what waits among its arguments."""
        outer: FunctionReader | None = reader
        while outer is not None:
            if outer.code in (code, _EMPTY.__code__):
                return False
            outer = outer.outer
        waiting = _waiting(reader, env)
        once = all(reader.uses[name] <= 2 for name in waiting) and len(set(map(id, waiting.values()))) == len(waiting)
        return once and is_expression(code)

    def _in_place(self, reader: FunctionReader, fn: Static | Node, code: pytypes.CodeType, env: Env) -> Value:
        inner = FunctionReader(self, code, env, reader)
        inner.scope, inner.options, inner.key = fn, reader.options, reader.key
        for name in _waiting(reader, env):
            del reader.env[name]  # it is the called function's now
        before, self.captures.reader = self.captures.reader, inner
        try:
            return inner.read_in_place()
        except ZygError as error:
            if reader.pos.line:
                error.reached_from(reader.pos)
            raise
        finally:
            self.captures.reader = before

    def bound(
        self, fn: Static | Node, args: list[Value], kws: dict[str, Value], pos: Pos
    ) -> tuple[pytypes.CodeType, Env]:
        defaults: dict[str, Value] = {}
        if isinstance(fn, Node):
            head: ClosureHead = fn.head
            code = head.code
            after = len(head.captures)
            given = fn.items[after : after + head.defaults]
            defaults |= dict(
                zip(code.co_varnames[code.co_argcount - head.defaults : code.co_argcount], given, strict=True)
            )
            defaults |= dict(zip(head.kwdefaults, fn.items[after + head.defaults :], strict=True))
        else:
            code = self.captures.code(fn)
            missing = {name for name in code.co_varnames[len(args) : code.co_argcount] if name not in kws}
            if missing:
                values, path = self.captures.defaults(fn)
                names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
                for i, (name, obj) in enumerate(zip(names, values, strict=True)):
                    if name in missing:
                        defaults[name] = self.captures.value(obj, extended(path, "item", i), pos)
            for name, obj in (fn.obj.__kwdefaults__ or {}).items():
                if name not in kws:
                    defaults[name] = self.captures.value(obj, extended(fn.path, "kwdefault", name), pos)
        return code, bind(code, args, kws, defaults, pos)

    def specialise(
        self,
        fn: Static | Node,
        formal_fn: Static | Node,
        code: pytypes.CodeType,
        formals: Env,
        pos: Pos,
        options: JitOptions,
        pattern: tuple[int, ...],
    ) -> Specialisation:
        where: Hashable = (id(fn.obj), fn.path) if isinstance(fn, Static) else structure(formal_fn)
        key = (
            code,
            where,
            options,
            self.orders if RULES else self.deriving > 0,
            self.own_rules,
            pattern,
            tuple((name, structure(value)) for name, value in formals.items()),
        )
        found = self.memo.get(key)
        if found is not None:
            found.used = found.used or found.active
            return found
        if len(self.stack) > 100:
            raise unsupported("functions call each other with ever new kinds of arguments", pos)
        self.keep.append(fn)
        self.fast = options.fast if self.fast is None else self.fast & options.fast
        name = self.unique(getattr(code, "co_qualname", code.co_name))
        spec = self.memo[key] = Specialisation(name, key=key, formals=formals)
        inside = formal_fn.items if isinstance(formal_fn, Node) else ()
        params = dict.fromkeys(leaf for value in (*inside, *formals.values()) for leaf in variables(value))
        self.stack.append(spec)
        try:
            self._read(spec, formal_fn, code, formals, tuple(p for p in params if isinstance(p, Var)), options)
        except BaseException as error:
            del self.memo[key]
            if isinstance(error, ZygError) and pos.line:
                error.reached_from(pos)
            raise
        finally:
            self.stack.pop()
        spec.active = False
        return spec

    def _read(
        self,
        spec: Specialisation,
        fn: Static | Node,
        code: pytypes.CodeType,
        formals: Env,
        params: tuple[Var, ...],
        options: JitOptions,
    ) -> None:
        while True:
            before = dict(self.memo), dict(self.inner)
            spec.used = False
            reader = FunctionReader(self, code, formals)
            reader.scope, reader.options, reader.key = fn, options, self._owner(spec)
            outer, self.captures.reader = self.captures.reader, reader
            found, again, where = None, False, reader.pos
            try:
                found = reader.read()
            except Reread as reread:
                again, where = True, reread.pos or reader.pos
            except Exception:
                if not self.sites.changed:
                    raise
                again = True  # it may be wrong only because of what has changed
            finally:
                self.captures.reader = outer
            keys = [one.key for one in self.stack]
            owned = self.sites.owned_at(keys)
            own = any(spec.key in site.top.owners for site in self.sites.changed)
            if (again or own or owned < 0) and owned < len(keys) - 1:
                raise Reread(where)
            if again or owned == len(keys) - 1:
                self.sites.start_over(where)
                (self.memo, self.inner), spec.result = before, None
                continue
            known = found if spec.result is None or found is None else join(reader, spec.result, found, "the result")
            stable = known is None or (spec.result is not None and structure(known) == structure(spec.result))
            spec.result = known
            if not spec.used or stable:
                break
            self.memo, self.inner = before  # what was read inside rested on the earlier answer
        if spec.result is None:
            spec.result, spec.returns = Static(None), False
        program = reader.program(spec.name, params, spec.result, recursive=spec.used)
        if not spec.used and any(is_memory(kind) for kind in program.results):
            # What calls it sees which dimensions and buffers are those of its arguments
            program = folded(program)
            spec.passing = _passing(program)
        spec.program = self.programs[spec.name] = program

    def _owner(self, spec: Specialisation) -> Hashable:
        """What the sites in a function belong to.  Inside a recursion lists from different sites are not told apart:
        each level would make sites for the next one."""
        codes = [one.key[0] for one in self.stack]
        return _without_sites(spec.key) if len(set(codes)) < len(codes) else spec.key

    def synthetic(
        self, name: str, params: tuple[Var, ...], build: Callable[[FunctionReader], Value]
    ) -> tuple[str, Value]:
        """A program of one block whose ops `build` emits."""
        reader = FunctionReader(self, _EMPTY.__code__, {})
        reader.key = ("synthetic", name)
        outer, self.captures.reader = self.captures.reader, reader
        try:
            value = build(reader)
        finally:
            self.captures.reader = outer
        results = tuple(variables(value))
        end = Return(results)
        name = self.unique(name)
        kinds = tuple(leaf.type for leaf in results)
        self.programs[name] = Program(name, params, kinds, {0: Block((), tuple(reader.ops), end)})
        return name, value


def _passing(program: Program) -> dict[int, int]:
    """The results that are the same parameter wherever the program returns."""
    ends = [block.end.values for block in program.blocks.values() if isinstance(block.end, Return)]
    numbers = {param: i for i, param in enumerate(program.params)}
    return {
        i: numbers[values[0]]
        for i, values in enumerate(zip(*ends, strict=True))
        if isinstance(values[0], Var) and values[0] in numbers and all(value is values[0] for value in values)
    }


def _EMPTY() -> None:
    """The code that synthetic programs claim to come from."""


_ARRAYS = (ArrayHead, MapHead)


def _holds(value: Value, heads: tuple[type, ...]) -> bool:
    if not isinstance(value, Node):
        return False
    return isinstance(value.head, heads) or any(_holds(item, heads) for item in value.items)


def _waiting(reader: FunctionReader, env: Env) -> Env:
    """The locals of a caller that hold what waits among these arguments."""
    given = {id(value) for value in env.values() if _holds(value, (MapHead, ElementHead, MappedHead))}
    return {name: value for name, value in reader.env.items() if id(value) in given}


def _without_sites(key: Any) -> Hashable:
    if isinstance(key, tuple):
        return tuple(map(_without_sites, key))
    if isinstance(key, MemoryListHead):
        return "list", _without_sites(key.kind)
    return "list" if isinstance(key, ListHead) else key


def _formal_function(fn: Static | Node) -> Static | Node:
    return Node(fn.head, tuple(parameter(item, "") for item in fn.items)) if isinstance(fn, Node) else fn


def _formals(fn: Static | Node, env: Env, fixed: bool) -> tuple[list[Operand], Static | Node, Env, tuple[int, ...]]:
    """The operands of a call, the function and the arguments as its callee has them, and what else that knows."""
    inside = fn.items if isinstance(fn, Node) else ()
    if fixed:
        names = [*("" for _ in inside), *env]
        operands, formals, pattern = shared_parameters([*inside, *env.values()], True, names)
    else:
        operands = [leaf for value in (*inside, *env.values()) for leaf in passed(value)]
        formals = [*(parameter(item, "") for item in inside), *(parameter(v, name) for name, v in env.items())]
        pattern = ()
    own = Node(fn.head, tuple(formals[: len(inside)])) if isinstance(fn, Node) else fn
    return operands, own, dict(zip(env, formals[len(inside) :], strict=True)), pattern
