"""Reading a function: Numba's IR of its bytecode → a typed `Program` of flat operands.

An abstract interpretation.  The state at the start of a block says, for every live local, what kind of value
it holds (`values`); a block is read again when a new way into it makes its state more general, until nothing
changes.  The machine operands inside the state become the block's parameters.

Loops over tuples are unrolled: a block is read once per position of the tuple iterators alive in it.
"""

from __future__ import annotations

import sys
import types as pytypes
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from numba import types
from numba.core import ir as nir
from numba.core.analysis import compute_cfg_from_blocks, compute_live_map, compute_use_defs

from zyg.errors import unsupported
from zyg.ir import scalars
from zyg.ir.graph import substitute
from zyg.ir.memory import length
from zyg.ir.program import (
    Block,
    Branch,
    Const,
    Edge,
    End,
    Failure,
    Guard,
    Jump,
    Op,
    Operand,
    Pos,
    Program,
    Raise,
    Return,
    Type,
    Var,
)
from zyg.reading.contexts import check_context
from zyg.reading.expressions import EXPRESSIONS, static_index
from zyg.reading.front import LookUp, Unassigned, numba_ir, position
from zyg.reading.heads import (
    ArrayHead,
    ElementHead,
    ErrorHead,
    GeneratorHead,
    IterHead,
    MappedHead,
    MaybeHead,
    NextHead,
)
from zyg.reading.jit_options import PYTHON
from zyg.reading.joins import cast_into, coerced, is_unassigned, join, join_local
from zyg.reading.maps import is_element
from zyg.reading.rebinding import check_rebinding
from zyg.reading.rolled import roll_large
from zyg.reading.sites import Site
from zyg.reading.values import Node, Recipe, Static, Value, constant, is_iterator, rebuild, structure, variables

if TYPE_CHECKING:
    from zyg.reading.specialise import Specialiser

Env = dict[str, Value]
BlockKey = tuple[int, Hashable]
UNROLL = 64


class Bottom(Exception):
    """Reading cannot go on here yet: the result of a recursive call is not known so far."""


class _State:
    """What is known of one block: the state at its start, and what reading it gave."""

    def __init__(self, key: BlockKey, env: Env) -> None:
        self.key = key
        self.env = env
        self.ops: list[Op] = []
        self.exits: list[tuple[BlockKey, Env]] = []
        self.end: Callable[[list[Edge]], End] | None = None
        self.result: Value | None = None
        self.done = False


class FunctionReader:
    """Reads one function for arguments of given kinds."""

    def __init__(
        self, spec: Specialiser, code: pytypes.CodeType, arguments: Env, outer: FunctionReader | None = None
    ) -> None:
        """outer: the reader of the function that calls this one, if it is read in the place of the call."""
        self.spec = spec
        spec.files.add(code.co_filename)
        self.code = code
        self.outer = outer
        self.caller: Pos | None = outer.pos if outer else None
        self.ir = numba_ir(code)
        self.live = _live_in(self.ir)
        self.uses = _uses(self.ir)
        self.got: dict[int, tuple[int, str]] = {}
        self.states: dict[BlockKey, _State] = {}
        self.work: list[BlockKey] = []
        self.arguments = arguments
        self.result: Value | None = None
        self.scope: Static | Node = Static(None)
        self.key: Hashable = None
        self.at: tuple[Hashable, ...] = (0, 0)
        self.options = PYTHON
        self.ops: list[Op] = []
        self.env: Env = {}
        self.names: dict[Var, str] = {}
        self.assigned: dict[str, Pos] = {}
        self.renamed: dict[Var, Var] = {}
        self.unrolled: list[Site] = []
        self.pos: Pos = position(code, code.co_firstlineno, self.caller)

    # --- fixpoint ---------------------------------------------------------------------------------

    def read(self) -> Value | None:
        """The kind of the result, or None if no path returns."""
        entry = min(self.ir.blocks)
        if self.outer is None:
            self.spec.origins.outside(self.arguments.values())
        self._enter((entry, None), {})
        while self.work:
            self.work.sort(key=lambda key: (key[0], str(key[1])), reverse=True)
            state = self.states[self.work.pop()]
            if not state.done:
                self._read_block(state)
        roll_large(self)
        self.result = None
        for state in self.states.values():
            if state.result is not None:
                self.result = join(self, self.result, state.result, "the function's results")
        return self.result

    def read_in_place(self) -> Value:
        """What a function of one block gives, whose ops become the caller's; it may wait as if written there."""
        assert self.outer is not None
        ((label, block),) = self.ir.blocks.items()
        self.ops, self.names, place = self.outer.ops, self.outer.names, self.outer.at
        state = _State((label, None), {})
        for number, stmt in enumerate(block.body):
            self.at = *place, self.code, label, number
            self.pos = position(self.code, stmt.loc.line, self.caller)
            if isinstance(stmt, nir.Return):
                return self.load(stmt.value.name)
            self._statement(stmt, state)
        raise AssertionError

    def _read_block(self, state: _State) -> None:
        state.done = True
        state.ops, state.exits, state.end, state.result = [], [], None, None
        self.ops, self.env = state.ops, dict(state.env)
        try:
            for number, stmt in enumerate(self.ir.blocks[state.key[0]].body):
                self.at = state.key[0], number
                self.pos = position(self.code, stmt.loc.line, self.caller)
                self._statement(stmt, state)
        except Bottom:
            state.exits, state.end = [], None
        for key, env in state.exits:
            self._enter(key, env)

    def _enter(self, key: BlockKey, env: Env) -> None:
        state = self.states.get(key)
        if state is None:
            fresh = {name: self._fresh(value, name) for name, value in env.items()}
            self.states[key] = _State(key, fresh)
            self.work.append(key)
            return
        merged = dict(state.env)
        changed = False
        for name in self.live[key[0]]:
            old, new = state.env.get(name), env.get(name)
            if old is None and new is None:
                continue
            here, self.pos = self.pos, self.assigned.get(name, self.pos)
            joined = join_local(self, name, old, new)
            self.pos = here
            if old is None or structure(joined) != structure(old):
                merged[name] = self._fresh(joined, name)
                self.spec.origins.forget(merged[name])
                changed = True
            elif self.spec.origins.extend(old, new):
                changed = True
        if changed:
            state.env, state.done = merged, False
            self.work.append(key)

    def _fresh(self, value: Value, name: str) -> Value:
        """The same kind of value over new variables."""

        def new(leaf: Operand) -> Operand:
            return self.as_frozen(Var(leaf.type, name), leaf) if isinstance(leaf, Var) else leaf

        return rebuild(value, new)

    def as_frozen(self, var: Var, *leaves: Operand) -> Var:
        """`var`; it must not be written into if one of the buffers that it stands for must not."""
        for leaf in leaves:
            if leaf in self.spec.frozen:
                self.spec.frozen[var] = self.spec.frozen[leaf]
        self.spec.origins.stands_for(var, *leaves)
        return var

    # --- joins ------------------------------------------------------------------------------------

    # --- emission ---------------------------------------------------------------------------------

    def emit(self, fn: Any, args: tuple[Operand, ...], kind: Type) -> Operand:
        folded = scalars.fold(fn, args, kind)
        if folded is not None:
            return folded
        var = Var(kind)
        self.ops.append(Op(fn, args, (var,), self.pos))
        return var

    def cast(self, operand: Operand, kind: Type) -> Operand:
        return cast_into(self, operand, kind, self.ops)

    def length(self, operand: Operand) -> Operand:
        """`operand`, an int that is known not to be negative."""
        found = self.emit(length, (operand,), types.int64) if isinstance(operand, Var) else operand
        self.spec.lengths.add(found)
        return found

    def guard(self, ok: Operand, build: Callable[..., BaseException], text: str, *args: Operand) -> None:
        if isinstance(ok, Const) and ok.value:
            return
        self.ops.append(Op(Guard(Failure(build, text)), (ok, *args), (), self.pos))

    # --- statements -------------------------------------------------------------------------------

    def _statement(self, stmt: Any, state: _State) -> None:
        if isinstance(stmt, nir.Assign):
            name = stmt.target.name
            moved = self.env.get(stmt.value.name) if isinstance(stmt.value, nir.Var) and name.startswith("$") else None
            # What iteration has come to is only moved here: whether it exists is decided at the end of the block
            waiting = is_element(moved)
            value = moved if waiting and moved is not None else self._expression(stmt.value)
            if not name.startswith("$"):
                self._check_once(name, value)
            self._forbid_rebinding(name)
            self.assigned[name] = self.pos
            if not name.startswith("$") and self.uses[name] > 2:
                value = self.spec.calls.settle(self, value)
            if isinstance(value, Var) and not value.name and not name.startswith("$"):
                self.names.setdefault(value, name.split(".")[0])
            self.env[name] = value
        elif isinstance(stmt, nir.Jump):
            self._exit(state, [stmt.target])
            state.end = lambda to: Jump(to[0])
        elif isinstance(stmt, nir.Branch):
            cond = self.spec.calls.truth(self, self.load(stmt.cond.name))
            if isinstance(cond, Const):
                self._exit(state, [stmt.truebr if cond.value else stmt.falsebr])
                state.end = lambda to: Jump(to[0])
            else:
                self._exit(state, [stmt.truebr, stmt.falsebr])
                state.end = lambda to, cond=cond: Branch(cond, to[0], to[1])
        elif isinstance(stmt, nir.Return):
            state.result = self.spec.calls.settle(self, self.load(stmt.value.name))
        elif isinstance(stmt, nir.Raise):
            self._raise(stmt, state)
        elif isinstance(stmt, nir.StaticRaise):
            cls, args = stmt.exc_class, stmt.exc_args or ()
            assert cls is not None
            failure = Failure(lambda: cls(*args), f"{cls.__name__}{args}")
            state.end = lambda to, pos=self.pos: Raise(failure, (), pos)
        elif isinstance(stmt, nir.Del):
            self.env[stmt.value] = Static(Unassigned)
        elif isinstance(stmt, nir.SetItem):
            self._set_item(stmt.target.name, self.load(stmt.index.name), stmt.index.name, stmt.value.name)
        elif isinstance(stmt, nir.StaticSetItem):
            name = stmt.index_var.name if stmt.index_var is not None else repr(stmt.index)
            self._set_item(stmt.target.name, static_index(stmt.index), name, stmt.value.name)
        elif isinstance(stmt, nir.DelItem):
            self.spec.calls.delete_item(self, self.load(stmt.target.name), self.load(stmt.index.name))
        elif isinstance(stmt, nir.StoreMap):
            raise unsupported("item assignment of dicts is not compiled yet", self.pos)
        elif isinstance(stmt, nir.SetAttr):
            self.spec.calls.set_attribute(self, self.load(stmt.target.name), stmt.attr, self.load(stmt.value.name))
        elif isinstance(stmt, nir.DelAttr):
            raise unsupported("attributes cannot be deleted in native code", self.pos)
        elif isinstance(stmt, nir.EnterWith):
            check_context(self, self.load(stmt.contextmanager.name))
        elif not isinstance(stmt, nir.PopBlock):
            raise unsupported(f"{type(stmt).__name__.lower()} statements cannot be compiled", self.pos)

    def _check_once(self, name: str, value: Value) -> None:
        """Raise where a variable holds an iterator or generator that may be asked for more in several places."""
        if isinstance(value, Node) and isinstance(value.head, GeneratorHead):
            raise unsupported("a generator with a name cannot be compiled", self.pos, "Make a list of it.")
        if is_iterator(value) and name != "implicit0":  # which a comprehension goes through once
            block = self.ir.blocks[self.at[0]].body if self.outer is None else ()
            if self.uses[name] != 2 or _named(block)[name] != 2:
                raise unsupported(
                    f"the iterator {name.split('.')[0]!r} may be used in several places", self.pos, "Make a list of it."
                )

    def _forbid_rebinding(self, name: str) -> None:
        """Closures capture by value here; a variable rebound while one is alive would be read stale."""
        old = self.env.get(name) if name in self.code.co_cellvars else None
        if old is not None and not is_unassigned(old) and self.outer is None:
            label, number = self.at[:2]
            assert isinstance(label, int) and isinstance(number, int)
            check_rebinding(self, label, number, name)

    def _exit(self, state: _State, targets: list[int]) -> None:
        for target in targets:
            self.spec.calls.settle_all(self, self.live[target])
            env = {name: self.env[name] for name in self.live[target] if name in self.env}
            positions = tuple(sorted((name, at) for name, value in env.items() if (at := _unrolled(value)) is not None))
            state.exits.append(((target, positions or None), env))

    def _raise(self, stmt: Any, state: _State) -> None:
        if stmt.exception is None:
            raise unsupported("a bare raise cannot be compiled", self.pos)
        value = self.load(stmt.exception.name)
        if isinstance(value, Static) and isinstance(value.obj, type) and issubclass(value.obj, BaseException):
            value = Node(ErrorHead(value.obj), ())
        if not (isinstance(value, Node) and isinstance(value.head, ErrorHead)):
            raise unsupported("only exceptions made in the raise statement can be compiled", self.pos)
        recipe = Recipe(value)
        operands = recipe.operands
        failure = Failure(recipe, value.head.cls.__name__)
        state.end = lambda to, pos=self.pos: Raise(failure, operands, pos)

    # --- expressions ------------------------------------------------------------------------------

    def load(self, name: str) -> Value:
        value = self.env.get(name)
        if value is None or is_unassigned(value):
            shown = name.split(".")[0]
            raise unsupported(f"local variable {shown!r} is not assigned here", self.pos, "Assign it first.")
        if isinstance(value, Node) and isinstance(value.head, MaybeHead):
            flag, inner = value.items
            assert isinstance(flag, (Var, Const))
            self.guard(flag, _unbound(value.head.name), f"UnboundLocalError({value.head.name})")
            self.env[name] = inner
            return inner
        if (isinstance(value, Node) and isinstance(value.head, ElementHead)) or (
            not isinstance(getattr(value, "head", None), NextHead) and is_element(value, (MappedHead,))
        ):
            self.env[name] = value = self.spec.calls.settle(self, value)
        return value

    def _expression(self, expr: Any) -> Value:
        if isinstance(expr, nir.Var):
            value = self.env.get(expr.name)
            saved = expr.name.startswith("$") and isinstance(value, Node) and isinstance(value.head, MaybeHead)
            if value is not None and (saved or is_unassigned(value)):
                return value
            return self.load(expr.name)
        if isinstance(expr, nir.Arg):
            given = self.arguments[expr.name]
            return given if self.outer else self.measured(given)
        if isinstance(expr, nir.Const):
            if isinstance(expr.value, (bool, int, float, complex)):
                if isinstance(expr.value, int) and not -(2**63) <= expr.value < 2**63:
                    raise unsupported(f"the integer {expr.value} does not fit in 64 bits", self.pos)
                return constant(expr.value)
            if isinstance(expr.value, tuple):
                return self.spec.captures.value(expr.value, None, self.pos)
            return Static(expr.value)
        if isinstance(expr, (nir.Global, nir.FreeVar)):
            if expr.value is not LookUp:
                return Static(expr.value)
            if isinstance(expr, nir.FreeVar):
                return self.spec.captures.free(self, expr.name)
            return self.spec.captures.name(self.scope, expr.name, self.pos)
        if isinstance(expr, nir.Expr):
            handler = EXPRESSIONS.get(expr.op)
            if handler is not None:
                return handler(self, expr)
        op = expr.op if isinstance(expr, nir.Expr) else type(expr).__name__
        raise unsupported(f"{_WORDS.get(op, f'{op} expressions')} cannot be compiled", self.pos)

    def measured(self, value: Value) -> Value:
        """A parameter; of the dimensions of arrays in it is noted that they are not negative."""
        if not isinstance(value, Node):
            return value
        if not isinstance(value.head, ArrayHead):
            return Node(value.head, tuple(self.measured(item) for item in value.items))
        last = 2 + value.head.ndim
        dims = (self.length(dim) if isinstance(dim, Var) else dim for dim in value.items[2:last])
        return Node(value.head, (*value.items[:2], *dims, *value.items[last:]))

    def _set_item(self, target: str, index: Value, index_name: str, value: str) -> None:
        """`target[index] = value`; after `target[index] += …` the view itself, which has been written already."""
        new, container = self.load(value), self.load(target)
        if self.got.get(id(new)) != (id(container), index_name):
            self.spec.calls.set_item(self, container, index, new)

    # --- the program ------------------------------------------------------------------------------

    def program(self, name: str, params: tuple[Var, ...], result: Value, recursive: bool) -> Program:
        """The program read; `result` may be more general than what this reading found (recursion)."""
        numbers = {key: number for number, key in enumerate(self.states, 1)}
        for param in params:
            self.names.pop(param, None)
        blocks: dict[int, Block] = {}
        entry = next(iter(self.states))
        blocks[0] = Block((), (), Jump(Edge(numbers[entry])))
        for key, state in self.states.items():
            ops = list(state.ops)
            params_here = tuple(leaf for v in state.env.values() for leaf in variables(v) if isinstance(leaf, Var))
            end: End
            if state.result is not None:
                end = Return(tuple(coerced(self, state.result, result, ops)))
            elif state.end is not None:
                end = state.end([self._edge(numbers[to], self.states[to], env, ops) for to, env in state.exits])
            else:
                failure = Failure(_endless, "RecursionError")
                end = Raise(failure, (), position(self.code, self.code.co_firstlineno, self.caller))
            blocks[numbers[key]] = self._named(Block(params_here, tuple(ops), end))
        results = tuple(leaf.type for leaf in variables(result))
        return Program(name, params, results, blocks, recursive)

    def _named(self, block: Block) -> Block:
        """`block` with values under the names that the user has assigned them to."""
        block = substitute(block, lambda operand: self._under_name(operand) if isinstance(operand, Var) else operand)
        ops = tuple(Op(op.fn, op.args, tuple(map(self._under_name, op.results)), op.pos) for op in block.ops)
        return Block(block.params, ops, block.end)

    def _under_name(self, var: Var) -> Var:
        if var not in self.names:
            return var
        return self.renamed.setdefault(var, Var(var.type, self.names[var]))

    def _edge(self, number: int, state: _State, env: Env, ops: list[Op]) -> Edge:
        args: list[Operand] = []
        for name, target in state.env.items():
            args += coerced(self, env.get(name), target, ops)
        return Edge(number, tuple(args))


_WORDS = {
    "build_list": "lists",
    "build_set": "sets",
    "build_map": "dicts",
    "build_string": "f-strings",
    "yield": "generators",
    "Yield": "generators",
}


def _endless() -> BaseException:
    return RecursionError("this call never returns: every path calls itself again")


_UNBOUND = (
    "cannot access local variable {!r} where it is not associated with a value"
    if sys.version_info >= (3, 11)
    else "local variable {!r} referenced before assignment"
)


def _unbound(name: str) -> Callable[..., BaseException]:
    def build() -> BaseException:
        return UnboundLocalError(_UNBOUND.format(name))

    return build


def _unrolled(value: Value) -> Hashable | None:
    """The static positions of the iterators over tuples inside an iterator."""
    if not isinstance(value, Node) or not isinstance(value.head, (IterHead, NextHead, MaybeHead)):
        return None
    own = (value.head.position,) if isinstance(value.head, IterHead) and value.head.kind == "tuple" else ()
    inner = tuple(at for item in value.items if (at := _unrolled(item)) is not None)
    return (*own, *inner) or None


def _uses(func_ir: Any) -> Counter[str]:
    """How often each local is named, also where it is assigned; copies of it that nobody uses do not count."""
    return _named([stmt for block in func_ir.blocks.values() for stmt in block.body])


def _named(stmts: Sequence[Any]) -> Counter[str]:
    named = Counter(var.name for stmt in stmts for var in stmt.list_vars())
    for stmt in stmts:
        if isinstance(stmt, nir.Assign) and isinstance(stmt.value, nir.Var) and named[stmt.target.name] == 1:
            named[stmt.value.name] -= 1
    return named


def _live_in(func_ir: Any) -> dict[int, tuple[str, ...]]:
    blocks = func_ir.blocks
    usedefs = compute_use_defs(blocks)
    live = compute_live_map(compute_cfg_from_blocks(blocks), blocks, usedefs.usemap, usedefs.defmap)
    cells = set(func_ir.func_id.code.co_cellvars)
    return {label: tuple(sorted(names | cells)) for label, names in live.items()}
