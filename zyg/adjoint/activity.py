"""Activity: which values depend on a differentiated input (varied) and reach the output (useful)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numba import types

from zyg.ir.external import External
from zyg.ir.graph import Graph, graph_of
from zyg.ir.matrices import mem_pack
from zyg.ir.memory import ELEMENT_WRITES, WRITES, MemoryType, length, mem_load, read_buffers
from zyg.ir.program import Call, Callback, Const, Op, Operand, Program, Return, Type, Var, edges
from zyg.ir.scalars import i8
from zyg.ir.tape import StackType, TapeType, pop, push, tape_get, tape_larger, tape_put, tape_reserve
from zyg.passes.memory_facts import held, unite_held, with_held
from zyg.rules import primitives as p
from zyg.rules.elementwise import inactive

_NUMBERS = (types.Float, types.Complex, types.Integer)
NEVER = frozenset((p.stop_gradient, operator.not_, p.is_nonzero, length))


def differentiable(kind: Type) -> bool:
    """Whether values of a type can carry a cotangent."""
    return isinstance(kind, _NUMBERS) and not isinstance(kind, types.Boolean)


def moves(kind: Type) -> bool:
    """The same inside programs: elements of boolean arrays count as the numbers that they are converted to."""
    return isinstance(kind, types.Boolean) or differentiable(kind)


def passes(op: Op, i: int) -> bool:
    """Whether operand `i` of an elementwise op can influence its result differentiably."""
    if op.fn in inactive or op.fn in NEVER:
        return False
    if op.fn is p.cast:
        kind = op.result.type
        return not isinstance(kind, types.Boolean) and not (
            isinstance(kind, types.Integer) and not isinstance(op.args[0].type, (types.Integer, types.Boolean))
        )
    if op.fn in (p.select, p.if_true, p.if_false):
        return i > 0
    if op.fn in (np.ldexp, p.round_digits):
        return i == 0
    if op.fn in (p.polygamma, p.attach):
        return i == 1
    return moves(op.args[i].type)


def shadow_type(kind: Type) -> MemoryType | None:
    """The type of the shadow of a buffer of type `kind`; None if it has none."""
    if not isinstance(kind, MemoryType):
        return None
    if isinstance(kind.dtype, MemoryType):
        inner = shadow_type(kind.dtype)
        return None if inner is None else MemoryType(inner, kind.growable)
    if not moves(kind.dtype):
        return None
    return MemoryType(types.float64, kind.growable) if isinstance(kind.dtype, (types.Integer, types.Boolean)) else kind


def active(program: Program, graph: Graph, inputs: Iterable[Var], outputs: Iterable[int]) -> set[Var]:
    """The variables that are varied (for `inputs`) and useful (for the results numbered `outputs`).

    Buffers among the inputs are both: what they hold may be looked at after the program.  A buffer of handles is active
    if what it holds is.
    """
    given = set(inputs)
    classes = handle_classes(program, graph)
    holds = held(program, classes)
    numbers = with_held((classes.get(v, v) for v in given if isinstance(v.type, MemoryType)), holds)
    varied_cells: set[Cell] = {(cls, None) for cls in numbers}
    useful_cells = set(varied_cells)
    varied = _varied(program, graph, classes, given, varied_cells)
    useful = _useful(program, graph, classes, set(outputs), useful_cells)
    found = {var for var in varied & useful if moves(var.type)}
    cells = varied_cells & useful_cells
    reached = {cls for cls in classes.values() if any((inner, None) in cells for inner in with_held((cls,), holds))}
    return found | {v for v, kind in classes.items() if kind in reached and shadow_type(v.type) is not None}


def fractional(program: Program, varied: Sequence[bool], find: Callable[[str], Program]) -> bool:
    """Whether a derivative of ints by ints may not be whole: where the exponent of an int power is varied, or by rules
    of users and hooks, which give what they like."""
    seen: set[tuple[str, tuple[bool, ...]]] = set()

    def visit(program: Program, mask: tuple[bool, ...]) -> bool:
        if (program.name, mask) in seen:
            return False
        seen.add((program.name, mask))
        graph = graph_of(program)
        found = _varied(
            program,
            graph,
            handle_classes(program, graph),
            {v for v, on in zip(program.params, mask, strict=True) if on},
            set(),
        )
        return any(
            op.args[1] in found
            if op.fn is operator.pow and op.result.type == i8
            else isinstance(op.fn, Call) and called(find(op.fn.callee), tuple(arg in found for arg in op.args))
            for op in program.ops()
        )

    def called(program: Program, mask: tuple[bool, ...]) -> bool:
        given = program.custom is not None and not program.custom.whole
        return any(mask) if given else visit(program, mask)

    return visit(program, tuple(varied))


def handle_classes(program: Program, graph: Graph) -> dict[Var, Var]:
    """For every variable that holds a tape or a buffer, a representative of all that may hold the same one."""
    parent: dict[Var, Var] = {}

    def find(var: Var) -> Var:
        parent.setdefault(var, var)
        while parent[var] is not var:
            var = parent[var]
        return var

    def unite(a: Operand, b: Operand) -> None:
        if isinstance(a, Var) and isinstance(b, Var) and isinstance(a.type, _HANDLES):
            parent[find(a)] = find(b)

    for q in program.params:
        if isinstance(q.type, _HANDLES):
            find(q)
    for label in graph.order:
        block = program.blocks[label]
        for op in block.ops:
            if op.fn in (tape_reserve, tape_larger):
                unite(op.result, op.args[0])
            if op.fn is tape_larger:
                unite(op.result, op.args[1])
            for result in op.results:
                if isinstance(result.type, _HANDLES):
                    find(result)
            if op.fn is p.select:
                unite(op.result, op.args[1])
                unite(op.result, op.args[2])
        for edge in edges(block.end):
            for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                unite(param, arg)
    changed = True
    while changed:
        fields: dict[tuple[Var, object], Var] = {}
        for op in program.ops():
            # A buffer that a tape keeps is the one that is found there again
            kept = op.args[3] if op.fn is tape_put else op.result if op.fn is tape_get else None
            if isinstance(kept, Var) and isinstance(kept.type, MemoryType):
                tape, field = op.args[0], op.args[2]
                assert isinstance(tape, Var) and isinstance(field, Const)
                unite(kept, fields.setdefault((find(tape), field.value), kept))
        changed = unite_held(program, find, unite)
    return {var: find(var) for var in list(parent)}


_HANDLES = (TapeType, MemoryType)
Cell = tuple[Var, object]


_NOWHERE = Var(i8, "nowhere")  # what a constant handle leads to, in code that is never reached


def cell_of(classes: dict[Var, Var], op: Op) -> Cell:
    """Class and field number that a `tape_put` or `tape_get` is about; class and None for the elements of a buffer."""
    if op.fn in (mem_load, *WRITES):
        memory = op.args[0]
        return classes.get(memory, memory) if isinstance(memory, Var) else _NOWHERE, None
    tape, field = op.args[0], op.args[2]
    assert isinstance(tape, Var) and isinstance(field, Const)
    return classes.get(tape, tape), field.value


def _until_stable(step: Callable[[set[Var]], None], found: set[Var]) -> set[Var]:
    size = -1
    while len(found) != size:
        size = len(found)
        step(found)
        step(found)  # cells of tapes may have changed what the first round found
    return found


def _on_stack(program: Program, classes: dict[Var, Var]) -> set[Var]:
    """The classes of tapes and buffers that are pushed, popped or given: who holds them besides is not seen here."""
    handles = {v for op in program.ops() if op.fn in (push, pop) for v in (*op.args, *op.results)}
    handles |= {q for q in program.params if isinstance(q.type, TapeType)}
    return {classes.get(v, v) for v in handles if isinstance(v, Var) and isinstance(v.type, _HANDLES)}


def _varied(program: Program, graph: Graph, classes: dict[Var, Var], inputs: set[Var], cells: set[Cell]) -> set[Var]:
    holds = held(program, classes)
    shared = _on_stack(program, classes)
    cells.update(_buffers(classes, holds, shared))

    def reaches(op: Op, found: set[Var]) -> bool:
        return any(
            arg in found
            or isinstance(arg.type, StackType)
            or (isinstance(arg.type, MemoryType) and _buffers(classes, holds, (arg,)) & cells)
            for arg in op.args
        )

    def step(found: set[Var]) -> None:
        for label in graph.order:
            for op in program.blocks[label].ops:
                if isinstance(op.fn, (Call, Callback)) or op.fn is pop:
                    if reaches(op, found):
                        found.update(r for r in op.results if differentiable(r.type))
                        cells.update(_buffers(classes, holds, _changed(op)))
                elif op.fn is tape_put or op.fn in ELEMENT_WRITES:
                    if op.args[-1] in found:
                        cells.add(cell_of(classes, op))
                elif op.fn in _WHOLE:
                    if _buffers(classes, holds, read_buffers(op)) & cells:
                        cells.update(_buffers(classes, holds, (_target(op),)))
                elif isinstance(op.fn, External):
                    some = _buffers(classes, holds, op.args) & cells or any(arg in found for arg in op.args)
                    if some and not op.fn.is_constant:
                        cells.update(_buffers(classes, holds, op.args))
                elif op.fn in (tape_get, mem_load):
                    cell = cell_of(classes, op)
                    if cell in cells or cell[0] in shared:
                        found.update(op.results)
                        cells.update(_buffers(classes, holds, op.results))
                elif len(op.results) == 1 and not isinstance(op.result.type, (TapeType, StackType, MemoryType)):
                    if any(arg in found and passes(op, i) for i, arg in enumerate(op.args)):
                        found.add(op.result)
            for edge in edges(program.blocks[label].end):
                params = program.blocks[edge.target].params
                found.update(q for q, arg in zip(params, edge.args, strict=True) if arg in found)

    return _until_stable(step, inputs)


# Ops that pass elements of buffers on to a buffer
_WHOLE = (WRITES - ELEMENT_WRITES) | {mem_pack}


def _changed(op: Op) -> tuple[Operand, ...]:
    """What a call may give or write."""
    return op.results if isinstance(op.fn, (Call, Callback)) and not op.fn.writes else (*op.args, *op.results)


def _target(op: Op) -> Operand:
    return op.result if op.fn is mem_pack else op.args[0]


def _buffers(classes: dict[Var, Var], holds: dict[Var, Var], operands: Iterable[Operand]) -> set[Cell]:
    """The elements of buffers, and of those that they hold."""
    of = (classes.get(v, v) for v in operands if isinstance(v, Var) and isinstance(v.type, MemoryType))
    return {(cls, None) for cls in with_held(of, holds)}


def _useful(program: Program, graph: Graph, classes: dict[Var, Var], outputs: set[int], cells: set[Cell]) -> set[Var]:
    holds = held(program, classes)
    shared = _on_stack(program, classes)
    cells.update(_buffers(classes, holds, shared))

    def add(found: set[Var], operand: Operand) -> None:
        if isinstance(operand, Var):
            found.add(operand)

    def step(found: set[Var]) -> None:
        for label in reversed(graph.order):
            block = program.blocks[label]
            if isinstance(block.end, Return):
                for i, value in enumerate(block.end.values):
                    if i in outputs:
                        add(found, value)
                        cells.update(_buffers(classes, holds, (value,)))
            for edge in edges(block.end):
                for q, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                    if q in found:
                        add(found, arg)
            for op in reversed(block.ops):
                if isinstance(op.fn, (Call, Callback)):
                    touched = _buffers(classes, holds, _changed(op))
                    if (
                        any(r in found for r in op.results)
                        or any(isinstance(a.type, StackType) for a in op.args)
                        or touched & cells
                    ):
                        cells.update(_buffers(classes, holds, (*op.args, *op.results)))
                        for arg in op.args:
                            add(found, arg)
                elif op.fn is tape_put or op.fn in ELEMENT_WRITES:
                    cell = cell_of(classes, op)
                    if cell in cells or cell[0] in shared:
                        add(found, op.args[-1])
                        cells.update(_buffers(classes, holds, op.args[-1:]))
                elif op.fn in _WHOLE:
                    if _buffers(classes, holds, (_target(op),)) & cells:
                        cells.update(_buffers(classes, holds, read_buffers(op)))
                elif isinstance(op.fn, External):
                    if _buffers(classes, holds, op.args) & cells and not op.fn.is_constant:
                        cells.update(_buffers(classes, holds, op.args))
                elif op.fn in (tape_get, mem_load):
                    if op.result in found:
                        cells.add(cell_of(classes, op))
                elif op.fn is push:
                    for arg in op.args[1:]:
                        add(found, arg)
                elif len(op.results) == 1 and op.result in found:
                    for i, arg in enumerate(op.args):
                        if passes(op, i):
                            add(found, arg)

    return _until_stable(step, set())
