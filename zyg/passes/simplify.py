"""Simplification: constants, copies, common subexpressions, invariants, dead code.

Run before the adjoint pass (what it does not see it need not reverse) and after.  LLVM would do most of it,
but only after residuals have been chosen.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Hashable, Mapping

from numba import types

from zyg.ir import scalars
from zyg.ir.graph import Loop, graph_of, substitute
from zyg.ir.memory import ALLOCATIONS, mem_load
from zyg.ir.program import (
    Block,
    Branch,
    Call,
    Capture,
    Const,
    Edge,
    Guard,
    Jump,
    Module,
    Op,
    Operand,
    Program,
    Var,
    edges,
    end_operands,
    with_edges,
)
from zyg.ir.tape import is_pure as _is_pure
from zyg.ir.tape import tape_get
from zyg.ir.verify import checked
from zyg.passes.ranges import leave_as_proved, prove_comparisons
from zyg.rules import primitives as p


def simplify(module: Module) -> Module:
    return module.with_programs({name: simplify_program(program) for name, program in module.programs.items()})


def simplify_program(program: Program) -> Program:
    """`program` simplified until no step finds anything; the same object if none does."""
    if _SIMPLE in program.facts:
        return program
    pending = set(_FOLLOWING)
    while pending:
        for step, following in _FOLLOWING.items():
            if step in pending:
                pending.discard(step)
                new = checked(step(program))
                if new is not program:
                    program = new
                    pending.update(following)
    program.facts[_SIMPLE] = True
    return program


_SIMPLE = "simple"


def folded(program: Program) -> Program:
    """`program` with constants, branches on them and parameters of blocks that are always the same value resolved."""
    return _fold(program)


def is_pure(op: Op) -> bool:
    return isinstance(op.fn, Capture) or _is_pure(op)


def _removable(op: Op) -> bool:
    return op.fn in (tape_get, mem_load) or op.fn in ALLOCATIONS or is_pure(op)


class _Renaming(dict[Var, Operand]):
    def __call__(self, operand: Operand) -> Operand:
        while isinstance(operand, Var) and operand in self:
            operand = self[operand]
        return operand


def _fold(program: Program) -> Program:
    """Constant folding, branches on constants, and parameters that are always the same value."""
    renamed = _Renaming()
    blocks = dict(program.blocks)
    reachable = graph_of(program).order
    found = list(blocks) != list(reachable)
    first = True
    while True:
        resolved = False
        for label in reachable:
            block = blocks[label]
            end = block.end
            if isinstance(end, Branch):
                cond = renamed(end.cond)
                if isinstance(cond, Const) or end.then == end.other:
                    taken = end.then if end.then == end.other or (isinstance(cond, Const) and cond.value) else end.other
                    blocks[label] = Block(block.params, block.ops, Jump(taken))
                    resolved = True
        if resolved:
            reachable = graph_of(program.with_blocks(blocks)).order
        blocks = {label: blocks[label] for label in reachable}
        incoming: dict[int, list[Edge]] = {label: [] for label in blocks}
        for block in blocks.values():
            for edge in edges(block.end):
                incoming[edge.target].append(edge)
        kept = {label: _varying(block.params, incoming[label], renamed) for label, block in blocks.items()}
        trimmed = any(len(kept[label]) < len(block.params) for label, block in blocks.items())
        if trimmed:
            blocks = _with_params(blocks, kept)
        if not (first or resolved or trimmed):
            break
        found = found or resolved or trimmed
        # An op's operands are known when it is looked at first, unless a parameter turns out to be something else
        if first or trimmed:
            found = _fold_ops(blocks, renamed) or found
        first = False
    if not found:
        return program
    return program.with_blocks({label: substitute(block, renamed) for label, block in blocks.items()})


def _fold_ops(blocks: dict[int, Block], renamed: _Renaming) -> bool:
    """Remove the ops from blocks, which come in order, whose results are constants or other operands; are there any?"""
    found = False
    for label, block in blocks.items():
        ops = []
        tests: dict[Operand, Operand] = {}
        nonzero: set[Operand] = set()
        for op in block.ops:
            args = tuple([renamed(arg) for arg in op.args]) if renamed else op.args
            if op.fn is p.is_nonzero:
                tests[op.result] = args[0]
            elif isinstance(op.fn, Guard) and args[0] in tests:
                nonzero.add(tests[args[0]])
            value = _value(op, args)
            if op.fn is operator.eq and args[0] in nonzero and isinstance(args[1], Const) and args[1].value == 0:
                value = Const(False, types.boolean)
            if value is not None:
                renamed[op.result] = value
            elif not (isinstance(op.fn, Guard) and isinstance(args[0], Const) and args[0].value):
                ops.append(op)
        if len(ops) < len(block.ops):
            blocks[label] = Block(block.params, tuple(ops), block.end)
            found = True
    return found


def _varying(params: tuple[Var, ...], incoming: list[Edge], renamed: _Renaming) -> list[int]:
    """Which of a block's parameters are not always the same value; the others are renamed to theirs."""
    kept = []
    for i, param in enumerate(params):
        values = {_key(value): value for edge in incoming if (value := renamed(edge.args[i])) != param}
        if len(values) == 1:
            (renamed[param],) = values.values()
        else:
            kept.append(i)
    return kept


def _with_params(blocks: Mapping[int, Block], kept: Mapping[int, list[int]]) -> dict[int, Block]:
    """The blocks with those parameters only that are listed, by number."""

    def trim(edge: Edge) -> Edge:
        return Edge(edge.target, tuple(edge.args[i] for i in kept[edge.target]))

    return {
        label: Block(tuple(block.params[i] for i in kept[label]), block.ops, with_edges(block.end, trim))
        for label, block in blocks.items()
    }


def _value(op: Op, args: tuple[Operand, ...]) -> Operand | None:
    """The operand that an op's result equals, if there is one already."""
    if len(op.results) != 1 or not (op.fn in _ALIKE or Const in map(type, args)):
        return None
    if not is_pure(op):
        return None
    kind = op.result.type
    folded = scalars.fold(op.fn, args, kind)
    if folded is not None:
        return folded
    if op.fn is p.cast and args[0].type == kind:
        return args[0]
    if op.fn is p.identity and kind == types.boolean and isinstance(args[0], Var):  # what is asked is known by its op
        return args[0]
    if op.fn is p.select:
        if isinstance(args[0], Const):
            return args[1] if args[0].value else args[2]
        if _key(args[1]) == _key(args[2]):
            return args[1]
    if op.fn in (operator.mul, operator.truediv) and _is_one(args[1]):
        return args[0]
    if op.fn is operator.mul and _is_one(args[0]):
        return args[1]
    if op.fn is p.powi and isinstance(args[1], Const) and args[1].value == 1:
        return args[0]
    if kind == types.int64 and op.fn is operator.sub and isinstance(args[1], Const) and args[1].value == 0:
        return args[0]
    if kind == types.int64 and op.fn is operator.add:
        for a, b in (args, args[::-1]):
            if isinstance(a, Const) and a.value == 0:
                return b
    if kind == types.boolean and op.fn in (operator.and_, operator.or_):
        for a, b in (args, args[::-1]):
            if isinstance(a, Const):
                return b if bool(a.value) is (op.fn is operator.and_) else a
    return None


# What may give one of its operands though none of them is constant
_ALIKE = frozenset((p.cast, p.select, p.identity))


def _is_one(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value == 1 and not isinstance(operand.type, types.Boolean)


def _merge(program: Program) -> Program:
    """Blocks with one way in joined to the only block before them, if that does nothing but go there."""
    graph = graph_of(program)
    renamed = _Renaming()
    blocks: dict[int, Block] = {}
    joined: set[int] = set()
    for label in graph.order:
        if label in joined:
            continue
        block = last = program.blocks[label]
        ops, at = list(block.ops), label
        while isinstance(last.end, Jump) and graph.preds[last.end.to.target] == (at,) and last.end.to.target != label:
            at, args = last.end.to.target, last.end.to.args
            last = program.blocks[at]
            renamed.update(zip(last.params, args, strict=True))
            ops += last.ops
            joined.add(at)
        blocks[label] = block if last is block else Block(block.params, tuple(ops), last.end)
    if len(blocks) == len(program.blocks):
        return program
    return program.with_blocks({label: substitute(block, renamed) for label, block in blocks.items()})


def _number(program: Program) -> Program:
    """Common subexpressions: an op whose twin dominates it is replaced by the twin's result."""
    graph = graph_of(program)
    renamed = _Renaming()
    seen: dict[int, dict[Hashable, Var]] = {}
    blocks: dict[int, Block] = {}
    for label in graph.order:
        table = dict(seen[graph.idom[label]]) if label != graph.order[0] else {}
        ops = []
        for op in program.blocks[label].ops:
            if len(op.results) == 1 and is_pure(op):
                key = (op.fn, tuple([_key(renamed(arg)) for arg in op.args]), op.result.type)
                twin = table.get(key)
                if twin is not None:
                    renamed[op.result] = twin
                    continue
                table[key] = op.result
            ops.append(op)
        seen[label] = table
        block = program.blocks[label]
        blocks[label] = block if len(ops) == len(block.ops) else Block(block.params, tuple(ops), block.end)
    if not renamed:
        return program
    return program.with_blocks({label: substitute(block, renamed) for label, block in blocks.items()})


def _key(operand: Operand) -> Hashable:
    return operand if isinstance(operand, Var) else (operand.type, repr(operand.value))


def _hoist(program: Program) -> Program:
    """Invariant ops of a loop that run in every iteration, moved in front of the loop."""
    graph = graph_of(program)
    if not any(graph.loop_of.values()):
        return program
    blocks = dict(program.blocks)
    home = dict(graph.homes)
    found = False
    for label in graph.order:
        loop = graph.loop_of[label]
        if loop is None or not all(graph.dominates(label, latch) for latch in loop.latches):
            continue
        outside = [pred for pred in graph.preds[loop.header] if pred not in loop.blocks]
        if len(outside) != 1 or not isinstance(blocks[outside[0]].end, Jump):
            continue
        stay, moved = [], []
        for op in blocks[label].ops:
            if is_pure(op) and all(_is_outside(arg, home, loop) for arg in op.args):
                moved.append(op)
                home[op.result] = outside[0]
            else:
                stay.append(op)
        if moved:
            found = True
            before = blocks[outside[0]]
            blocks[outside[0]] = Block(before.params, (*before.ops, *moved), before.end)
            blocks[label] = Block(blocks[label].params, tuple(stay), blocks[label].end)
    return program.with_blocks(blocks) if found else program


def _is_outside(operand: Operand, home: dict[Var, int], loop: Loop) -> bool:
    return not isinstance(operand, Var) or home.get(operand) not in loop.blocks


def _sweep(program: Program) -> Program:
    """Dead ops and block parameters removed."""
    needed: set[Var] = set()
    defining: dict[Var, Op] = {}
    removable: set[Op] = set()
    feeding: dict[Var, list[Operand]] = {}
    todo: list[Operand] = []
    for block in program.blocks.values():
        for op in block.ops:
            for result in op.results:
                defining[result] = op
            if _removable(op):
                removable.add(op)
            else:
                todo += op.args
        todo += end_operands(block.end)
        for edge in edges(block.end):
            for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                feeding.setdefault(param, []).append(arg)
    while todo:
        operand = todo.pop()
        if not isinstance(operand, Var) or operand in needed:
            continue
        needed.add(operand)
        if operand in defining:
            todo += defining[operand].args
        todo += feeding.get(operand, [])
    dead = {op for op in removable if not any(result in needed for result in op.results)}
    kept = {label: [i for i, v in enumerate(b.params) if v in needed] for label, b in program.blocks.items()}
    if not dead and all(len(kept[label]) == len(block.params) for label, block in program.blocks.items()):
        return program
    blocks = {}
    for label, block in _with_params(program.blocks, kept).items():
        ops = tuple([op for op in block.ops if op not in dead])
        blocks[label] = Block(block.params, ops, block.end)
    return program.with_blocks(blocks)


# The steps, and which of them may find something when one has changed the program
_FOLLOWING: dict[Callable[[Program], Program], tuple[Callable[[Program], Program], ...]] = {
    _fold: (_merge, _number, _hoist, _sweep),
    _merge: (_fold, _number, _hoist, _sweep),
    _number: (_fold, _hoist),
    _hoist: (_number, _hoist),
    _sweep: (_fold,),
}


_LARGEST_ONCE = 5000


def _size(program: Program) -> int:
    return sum(len(block.ops) for block in program.blocks.values())


def inline(module: Module, largest: int = 400, stay: frozenset[str] = frozenset(), prove_entry: bool = True) -> Module:
    """Calls of programs that are not recursive, not too large and not to `stay`, replaced by their bodies; one that is
    called in one place only may be larger.  prove_entry: otherwise comparisons in the entry are left for later."""
    from zyg.passes.cells import promote_cells
    from zyg.passes.counters import merge_counters
    from zyg.passes.inline import inline_calls
    from zyg.passes.simplify_memory import simplify_memory

    done: dict[str, Program] = {}
    # Of each program, how many ops have not been simplified since they were put together
    raw: dict[str, int] = {}
    reachable = module.reachable().programs.values()
    places = Counter(op.fn.callee for program in reachable for op in program.ops() if isinstance(op.fn, Call))

    def visit(name: str) -> Program:
        if name not in done:
            program = module.programs[name]
            done[name] = program
            ready = {callee: visit(callee) for callee in sorted(program.calls()) if callee != name}
            ready = {
                callee: found
                for callee, found in ready.items()
                if callee not in stay and not (program.recursive and found.recursive)
            }
            once = {callee: found for callee, found in ready.items() if places[callee] == 1}
            calls = [op for op in program.ops() if isinstance(op.fn, Call) and op.fn.callee in ready]
            program = inline_calls(program, once, max(largest, _LARGEST_ONCE))
            program = inline_calls(program, ready, largest)
            size = _size(program)
            left = set(program.ops())
            tidy = sum(_size(done[op.fn.callee]) - raw[op.fn.callee] for op in calls if op not in left)
            raw[name] = size - tidy
            moved = places[name] == 1 and size <= _LARGEST_ONCE and name != module.entry
            if moved and not (program.recursive or program.apart or program.custom is not None):
                # The rest is done where it is inlined
                if raw[name] > largest // 4:
                    program, raw[name] = simplify_program(program), 0
                done[name] = program
                return program
            raw[name] = 0
            simple = simplify_program(program)
            lighter = merge_counters(promote_cells(simple))
            if lighter is not simple:
                simple = simplify_program(lighter)
            proved = checked(prove_comparisons(simple)) if prove_entry or name != module.entry else simple
            if proved is not simple:
                proved = simplify_program(proved)
                if name != module.entry:
                    leave_as_proved(proved)
            lean = simplify_memory(proved)
            done[name] = lean if lean is proved else simplify_program(lean)
        return done[name]

    visit(module.entry)
    return Module({**module.programs, **done}, module.entry).reachable()
