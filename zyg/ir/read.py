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
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from numba import types
from numba.core import ir as nir
from numba.core.analysis import compute_cfg_from_blocks, compute_live_map, compute_use_defs

from zyg.errors import ArgumentError, unsupported
from zyg.ir import arrays, scalars
from zyg.ir.front import CellName, LookUp, Unassigned, numba_ir, parameter_names, position
from zyg.ir.graph import substitute
from zyg.ir.jit_options import PYTHON
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
from zyg.ir.values import (
    ArrayHead,
    ClosureHead,
    DictHead,
    ElementHead,
    ErrorHead,
    GeneratorHead,
    IterHead,
    MaybeHead,
    NextHead,
    Node,
    Recipe,
    Static,
    TupleHead,
    UnionHead,
    Value,
    constant,
    is_array,
    is_list,
    is_operand,
    is_view,
    leaves,
    one_class,
    rebuild,
    structure,
    tuple_of,
    variables,
)
from zyg.rules import primitives as p

if TYPE_CHECKING:
    from zyg.ir.specialise import Specialiser

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

    def __init__(self, spec: Specialiser, code: pytypes.CodeType, arguments: Env, caller: Pos | None) -> None:
        self.spec = spec
        self.code = code
        self.caller = caller
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
        self.at: tuple[int, int] = (0, 0)
        self.options = PYTHON
        self.ops: list[Op] = []
        self.env: Env = {}
        self.names: dict[Var, str] = {}
        self.assigned: dict[str, Pos] = {}
        self.renamed: dict[Var, Var] = {}
        self.pos = position(code, code.co_firstlineno, caller)

    # --- fixpoint ---------------------------------------------------------------------------------

    def read(self) -> Value | None:
        """The kind of the result, or None if no path returns."""
        entry = min(self.ir.blocks)
        self._enter((entry, None), {})
        while self.work:
            self.work.sort(key=lambda key: (key[0], str(key[1])), reverse=True)
            state = self.states[self.work.pop()]
            if not state.done:
                self._read_block(state)
        self.result = None
        for state in self.states.values():
            if state.result is not None:
                self.result = self.join(self.result, state.result, "the function's results")
        return self.result

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
            joined = self._join_local(name, old, new)
            self.pos = here
            if old is None or structure(joined) != structure(old):
                merged[name] = self._fresh(joined, name)
                changed = True
        if changed:
            state.env, state.done = merged, False
            self.work.append(key)

    def _fresh(self, value: Value, name: str) -> Value:
        """The same kind of value over new variables."""

        def new(leaf: Operand) -> Operand:
            return self._as_frozen(Var(leaf.type, name), leaf) if isinstance(leaf, Var) else leaf

        return rebuild(value, new)

    def _as_frozen(self, var: Var, *leaves: Operand) -> Var:
        """`var`; it must not be written into if one of the buffers that it stands for must not."""
        for leaf in leaves:
            if leaf in self.spec.frozen:
                self.spec.frozen[var] = self.spec.frozen[leaf]
        return var

    # --- joins ------------------------------------------------------------------------------------

    def _join_local(self, name: str, old: Value | None, new: Value | None) -> Value:
        plain = name.split(".")[0]
        shown = "a value" if name.startswith("$") else f"variable {plain!r}"
        if old is None or new is None or _is_unassigned(old) != _is_unassigned(new):
            known = new if old is None or _is_unassigned(old) else old
            assert known is not None
            if isinstance(known, Node) and isinstance(known.head, MaybeHead):
                return known
            return Node(MaybeHead(plain), (Var(types.boolean), known))
        maybe = [v for v in (old, new) if isinstance(v, Node) and isinstance(v.head, MaybeHead)]
        if maybe:
            a, b = (v.items[1] if isinstance(v, Node) and isinstance(v.head, MaybeHead) else v for v in (old, new))
            return Node(MaybeHead(plain), (Var(types.boolean), self.join(a, b, shown)))
        return self.join(old, new, shown)

    def join(self, old: Value | None, new: Value, what: str) -> Value:
        """The kind of value that covers both."""
        if old is None or structure(old) == structure(new):
            return new if old is None else old
        if (
            isinstance(old, Node)
            and isinstance(new, Node)
            and old.head != new.head
            and one_class(old) is one_class(new)
        ):
            if one_class(old) is not None:
                return self.spec.calls.join_records(self, old, new)
        if is_list(old) and is_list(new):
            assert isinstance(old, Node) and isinstance(new, Node)
            return self.spec.calls.join_lists(self, old, new)
        if isinstance(old, (Var, Const)) and isinstance(new, (Var, Const)):
            if old.type == new.type:
                return self._as_frozen(Var(old.type), old, new)
            return Var(scalars.promote(old.type, new.type))
        if (
            isinstance(old, Node)
            and isinstance(new, Node)
            and old.head == new.head
            and len(old.items) == len(new.items)
            and not isinstance(old.head, UnionHead)
        ):
            return Node(old.head, tuple(self.join(a, b, what) for a, b in zip(old.items, new.items, strict=True)))
        strided = _as_strided(old, new)
        if strided is not None:
            return self.join(*strided, what)
        if any(isinstance(v, Node) and isinstance(v.head, TupleHead) for v in (old, new)) and not any(
            isinstance(v, Static) for v in (old, new)
        ):
            raise unsupported(
                f"{what} may be tuples of different sizes, or a tuple and a number, depending on the path taken",
                self.pos,
                "Give it one kind of value on all paths.",
            )
        return self._union(old, new)

    def _union(self, old: Value, new: Value) -> Value:
        alternatives: list[Value] = []
        for value in (old, new):
            several = isinstance(value, Node) and isinstance(value.head, UnionHead)
            for one in value.items[1:] if several and isinstance(value, Node) else (value,):
                index = _alternative(one, alternatives)
                if index is None:
                    alternatives.append(one)
                elif structure(alternatives[index]) != structure(one):
                    alternatives[index] = self.join(alternatives[index], one, "a value")
        return Node(UnionHead(), (Var(types.int64), *alternatives))

    def _coerce(self, value: Value | None, target: Value, ops: list[Op]) -> list[Operand]:
        """The operands that pass `value` where values of kind `target` are expected (one per variable leaf)."""
        if isinstance(target, Const):
            return []
        if isinstance(target, Var):
            if value is None or not isinstance(value, (Var, Const)):
                return [_zero(target.type)]
            return [self._cast_into(value, target.type, ops)]
        if isinstance(target, Static):
            return []
        items: tuple[Value | None, ...]
        if isinstance(target.head, MaybeHead):
            if value is None or _is_unassigned(value):
                items = (Const(False, types.boolean), None)
            elif isinstance(value, Node) and isinstance(value.head, MaybeHead):
                items = value.items
            else:
                items = (Const(True, types.boolean), value)
        elif isinstance(target.head, UnionHead):
            if value is None:
                items = (Const(0, types.int64), *[None] * (len(target.items) - 1))
            elif isinstance(value, Node) and isinstance(value.head, UnionHead):
                return self._coerce_union(value, target, ops)
            else:
                index = _alternative(value, target.items[1:])
                assert index is not None
                items = tuple(value if i == index else None for i in range(len(target.items) - 1))
                items = (Const(index, types.int64), *items)
        elif isinstance(value, Node) and is_array(value) and len(value.items) < len(target.items):
            self.ops, outer = ops, self.ops
            items = (*value.items, *arrays.strides(self, value))
            self.ops = outer
        elif isinstance(value, Node):
            items = value.items
        else:
            items = (None,) * len(target.items)
        return [
            operand for item, goal in zip(items, target.items, strict=True) for operand in self._coerce(item, goal, ops)
        ]

    def _coerce_union(self, value: Node, target: Node, ops: list[Op]) -> list[Operand]:
        """A union passed where one with more alternatives is expected: its alternatives come first there."""
        by_target: list[Value | None] = [None] * (len(target.items) - 1)
        tag: Operand = Const(0, types.int64)
        for number, one in enumerate(value.items[1:]):
            index = _alternative(one, target.items[1:])
            assert index is not None
            if by_target[index] is not None:
                raise unsupported("one of several values of one kind, as a call has given it", self.pos)
            by_target[index] = one
            first = value.items[0]
            assert isinstance(first, (Var, Const))
            same = Var(types.boolean)
            ops.append(Op(_EQ, (first, Const(number, types.int64)), (same,), self.pos))
            chosen = Var(types.int64)
            ops.append(Op(p.select, (same, Const(index, types.int64), tag), (chosen,), self.pos))
            tag = chosen
        out: list[Operand] = [tag]
        for one_or_none, goal in zip(by_target, target.items[1:], strict=True):
            out += self._coerce(one_or_none, goal, ops)
        return out

    def _cast_into(self, operand: Operand, kind: Type, ops: list[Op]) -> Operand:
        if operand.type == kind:
            return operand
        folded = scalars.fold(p.cast, (operand,), kind)
        if folded is not None:
            return folded
        var = Var(kind, getattr(operand, "name", ""))
        ops.append(Op(p.cast, (operand,), (var,), self.pos))
        return var

    # --- emission ---------------------------------------------------------------------------------

    def emit(self, fn: Any, args: tuple[Operand, ...], kind: Type) -> Operand:
        folded = scalars.fold(fn, args, kind)
        if folded is not None:
            return folded
        var = Var(kind)
        self.ops.append(Op(fn, args, (var,), self.pos))
        return var

    def cast(self, operand: Operand, kind: Type) -> Operand:
        return self._cast_into(operand, kind, self.ops)

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
            waiting = isinstance(moved, Node) and isinstance(moved.head, ElementHead)
            value = moved if waiting and moved is not None else self._expression(stmt.value)
            if not name.startswith("$") and isinstance(value, Node) and isinstance(value.head, GeneratorHead):
                raise unsupported("a generator with a name cannot be compiled", self.pos, "Make a list of it.")
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
        else:
            raise unsupported(
                f"{_STATEMENTS.get(type(stmt), type(stmt).__name__.lower())} statements cannot be compiled", self.pos
            )

    def _forbid_rebinding(self, name: str) -> None:
        """Closures capture by value here; a variable rebound while one is alive would be read stale."""
        if name not in self.code.co_cellvars:
            return
        old = self.env.get(name)
        if old is None or _is_unassigned(old):
            return
        for other, value in self.env.items():
            if other != name and _captures(value, self.code, name) and self._used_later(other):
                raise unsupported(
                    f"{name!r} is rebound while a function that captured it ({other.split('.')[0].lstrip('$')}) "
                    "is still in use",
                    self.pos,
                    "Pass it as an argument, or use another name.",
                )

    def _used_later(self, name: str) -> bool:
        return not name.startswith("$")

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
        if value is None or _is_unassigned(value):
            shown = name.split(".")[0]
            raise unsupported(f"local variable {shown!r} is not assigned here", self.pos, "Assign it first.")
        if isinstance(value, Node) and isinstance(value.head, MaybeHead):
            flag, inner = value.items
            assert isinstance(flag, (Var, Const))
            self.guard(flag, _unbound(value.head.name), f"UnboundLocalError({value.head.name})")
            self.env[name] = inner
            return inner
        if isinstance(value, Node) and isinstance(value.head, ElementHead):
            self.env[name] = value = self.spec.calls.settle(self, value)
        return value

    def _expression(self, expr: Any) -> Value:
        if isinstance(expr, nir.Var):
            value = self.env.get(expr.name)
            return self.load(expr.name) if value is None or not _is_unassigned(value) else value
        if isinstance(expr, nir.Arg):
            return self.measured(self.arguments[expr.name])
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
            handler = getattr(self, f"_expr_{expr.op}", None)
            if handler is not None:
                return handler(expr)  # type: ignore[no-any-return]
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

    def _expr_binop(self, expr: Any) -> Value:
        return self.spec.calls.operator(self, expr.fn, [self.load(expr.lhs.name), self.load(expr.rhs.name)])

    def _expr_inplace_binop(self, expr: Any) -> Value:
        operands = [self.load(expr.lhs.name), self.load(expr.rhs.name)]
        if is_array(operands[0]):
            return self.spec.calls.update(self, expr.immutable_fn, operands)
        if isinstance(operands[0], Node) and is_list(operands[0]):
            updated = self.spec.calls.update_list(self, expr.immutable_fn, operands[0], operands[1])
            if updated is not None:
                return updated
        return self.spec.calls.operator(self, expr.immutable_fn, operands)

    def _set_item(self, target: str, index: Value, index_name: str, value: str) -> None:
        """`target[index] = value`; after `target[index] += …` the view itself, which has been written already."""
        new, container = self.load(value), self.load(target)
        if self.got.get(id(new)) != (id(container), index_name):
            self.spec.calls.set_item(self, container, index, new)

    def _expr_unary(self, expr: Any) -> Value:
        return self.spec.calls.operator(self, _UNARY.get(expr.fn, expr.fn), [self.load(expr.value.name)])

    def _expr_call(self, expr: Any) -> Value:
        fn = self.load(expr.func.name)
        args = [self.load(arg.name) for arg in expr.args]
        kws = {name: self.load(arg.name) for name, arg in expr.kws}
        if expr.vararg is not None:
            args += self.spec.calls.elements(self, self.load(expr.vararg.name))
        if expr.varkwarg is not None:
            extra = self.spec.calls.frozen(self, self.load(expr.varkwarg.name))
            if not (isinstance(extra, Node) and isinstance(extra.head, DictHead)):
                raise unsupported("** needs a dict with constant keys", self.pos)
            kws |= dict(zip(extra.head.keys, extra.items, strict=True))
        return self.spec.calls.call(self, fn, args, kws)

    def _expr_getattr(self, expr: Any) -> Value:
        return self.spec.calls.attribute(self, self.load(expr.value.name), expr.attr)

    def _expr_getitem(self, expr: Any) -> Value:
        return self._get_item(expr.value.name, self.load(expr.index.name), expr.index.name)

    def _get_item(self, name: str, index: Value, index_name: str) -> Value:
        container = self.load(name)
        found = self.spec.calls.item(self, container, index)
        if is_view(found, container):
            self.got[id(found)] = (id(container), index_name)
            self.spec.keep += (found, container)
        return found

    _expr_typed_getitem = _expr_getitem

    def _expr_static_getitem(self, expr: Any) -> Value:
        name = expr.index_var.name if expr.index_var is not None else repr(expr.index)
        return self._get_item(expr.value.name, static_index(expr.index), name)

    def _expr_build_list(self, expr: Any) -> Value:
        return self.spec.calls.display(self, [self.load(item.name) for item in expr.items])

    def _expr_build_tuple(self, expr: Any) -> Value:
        return tuple_of([self._raw(item.name) for item in expr.items])

    def _raw(self, name: str) -> Value:
        return self.load(name)

    def _expr_build_map(self, expr: Any) -> Value:
        keys = [self.load(key.name) for key, _ in expr.items]
        if not all(isinstance(key, Const) or (isinstance(key, Static) and isinstance(key.obj, str)) for key in keys):
            raise unsupported("only dicts with constant strings or numbers as keys can be compiled", self.pos)
        names = (key.obj if isinstance(key, Static) else key.value for key in keys if isinstance(key, (Static, Const)))
        entries = dict(zip(names, (self.load(value.name) for _, value in expr.items), strict=True))
        return self.spec.calls.dict_display(self, entries)

    def _expr_cast(self, expr: Any) -> Value:
        return self.load(expr.value.name)

    def _expr_getiter(self, expr: Any) -> Value:
        return self.spec.calls.iterator(self, self.load(expr.value.name))

    def _expr_iternext(self, expr: Any) -> Value:
        name = expr.value.name
        value, after = self.spec.calls.advance(self, self.load(name))
        self.env[name] = after
        return value

    def _expr_pair_first(self, expr: Any) -> Value:
        value = self.load(expr.value.name)
        assert isinstance(value, Node) and isinstance(value.head, NextHead)
        return value.items[1]

    def _expr_pair_second(self, expr: Any) -> Value:
        value = self.load(expr.value.name)
        assert isinstance(value, Node) and isinstance(value.head, NextHead)
        return value.items[0]

    def _expr_exhaust_iter(self, expr: Any) -> Value:
        items = self.spec.calls.elements(self, self.load(expr.value.name), expr.count)
        if len(items) != expr.count:
            relation = "not enough" if len(items) < expr.count else "too many"
            raise unsupported(f"{relation} values to unpack (expected {expr.count}, got {len(items)})", self.pos)
        return tuple_of(items)

    def _expr_make_function(self, expr: Any) -> Value:
        return self.spec.captures.closure(self, expr)

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
                end = Return(tuple(self._coerce(state.result, result, ops)))
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
            args += self._coerce(env.get(name), target, ops)
        return Edge(number, tuple(args))


_STATEMENTS = {nir.EnterWith: "with", nir.PopBlock: "with"}
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


def _is_unassigned(value: Value) -> bool:
    return isinstance(value, Static) and value.obj is Unassigned


def _as_strided(a: Value, b: Value) -> tuple[Node, Node] | None:
    """Two arrays of one type, of which one has strides of its own, as such; None for anything else."""
    if not (isinstance(a, Node) and isinstance(b, Node) and is_array(a) and is_array(b)):
        return None
    if (a.head.dtype, a.head.ndim) != (b.head.dtype, b.head.ndim) or a.head.layout == b.head.layout:
        return None

    def strided(array: Node) -> Node:
        missing = 2 + 2 * array.head.ndim - len(array.items)
        head = ArrayHead(array.head.dtype, array.head.ndim, "A")
        return Node(head, (*array.items, *(Var(types.int64) for _ in range(missing))))

    return strided(a), strided(b)


def _alternative(value: Value, among: Any) -> int | None:
    """Which alternative of a union `value` belongs to: one of the same kind, up to machine types."""

    def kind(v: Value) -> Hashable:
        if is_operand(v):
            return "number"
        if isinstance(v, Static):
            return v.key()
        assert isinstance(v, Node)
        if isinstance(v.head, ArrayHead):
            return (v.head.dtype, v.head.ndim)
        return (v.head, tuple(kind(item) for item in v.items))

    for number, one in enumerate(among):
        if kind(one) == kind(value):
            return number
    return None


def _captures(value: Value, code: pytypes.CodeType, name: str) -> bool:
    if not isinstance(value, Node):
        return False
    head = value.head
    if isinstance(head, ClosureHead) and head.code in code.co_consts and name in head.captures:
        return True
    return any(_captures(item, code, name) for item in value.items)


def _unrolled(value: Value) -> Hashable | None:
    """The static positions of the iterators over tuples inside an iterator."""
    if not isinstance(value, Node) or not isinstance(value.head, (IterHead, NextHead, MaybeHead)):
        return None
    own = (value.head.position,) if isinstance(value.head, IterHead) and value.head.kind == "tuple" else ()
    inner = tuple(at for item in value.items if (at := _unrolled(item)) is not None)
    return (*own, *inner) or None


def _zero(kind: Type) -> Const:
    if kind == types.boolean:
        return Const(False, kind)
    return Const(0 if isinstance(kind, types.Integer) else 0.0, kind)


def static_index(index: Any) -> Value:
    """An index that is written out in the source."""
    return constant(index) if isinstance(index, int) else Static(index)


def _uses(func_ir: Any) -> Counter[str]:
    """How often each local is named, also where it is assigned."""
    return Counter(var.name for block in func_ir.blocks.values() for stmt in block.body for var in stmt.list_vars())


def _live_in(func_ir: Any) -> dict[int, tuple[str, ...]]:
    blocks = func_ir.blocks
    usedefs = compute_use_defs(blocks)
    live = compute_live_map(compute_cfg_from_blocks(blocks), blocks, usedefs.usemap, usedefs.defmap)
    cells = set(func_ir.func_id.code.co_cellvars)
    return {label: tuple(sorted(names | cells)) for label, names in live.items()}


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


_SIGNATURE = "Call it with the arguments that it takes."


def bind(code: pytypes.CodeType, args: list[Value], kws: dict[str, Value], defaults: dict[str, Value], pos: Pos) -> Env:
    """Arguments by parameter name, as CPython binds them."""
    names = parameter_names(code)
    positional = names[: code.co_argcount]
    keyword_only = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest = names[code.co_argcount + code.co_kwonlyargcount :]
    bound = dict(zip(positional, args, strict=False))
    star = rest.pop(0) if code.co_flags & 0x04 else None
    if star is not None:
        bound[star] = tuple_of(args[len(positional) :])
    elif len(args) > len(positional):
        raise ArgumentError(
            f"{code.co_name}() takes {_arguments(len(positional))} by position, not {len(args)}", pos, _SIGNATURE
        )
    extra = {name: value for name, value in kws.items() if name not in positional + keyword_only}
    for name, value in kws.items():
        if name in extra:
            continue
        if name in bound:
            raise ArgumentError(f"{code.co_name}() got multiple values for argument {name!r}", pos, _SIGNATURE)
        bound[name] = value
    if code.co_flags & 0x08:
        bound[rest[0]] = Node(DictHead(tuple(extra)), tuple(extra.values()))
    elif extra:
        raise ArgumentError(
            f"{code.co_name}() got an unexpected keyword argument {next(iter(extra))!r}", pos, _SIGNATURE
        )
    for name in positional + keyword_only:
        if name not in bound:
            if name not in defaults:
                raise ArgumentError(f"{code.co_name}() is missing the argument {name!r}", pos, _SIGNATURE)
            bound[name] = defaults[name]
    return bound


import operator  # noqa: E402

_EQ = operator.eq
_UNARY = {"-": operator.neg, "+": operator.pos, "~": operator.invert, "not": operator.not_}
__all__ = ["Bottom", "CellName", "FunctionReader", "bind", "leaves"]
