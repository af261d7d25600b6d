"""Reverse mode on modules: the program to differentiate, and programs for every callee that could not be inlined, that
is, for recursive ones.

A callee that gives one number of numbers is reversed as soon as it is called, for the cotangent 1: so it keeps nothing,
and what it gives for later are its partial derivatives.

    Original:  y = f(a, b)        Forward:  y, ya, yb = grad f(a, b)        Reverse:  da += ya · dy;  db += yb · dy

Any other has a forward and a reverse program; these share a stack, on which each call leaves its residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from numba import types

from zyg.adjoint.activity import differentiable, fractional
from zyg.adjoint.adjoint import reverse
from zyg.adjoint.deferred import without_deferred
from zyg.adjoint.finite import is_singular
from zyg.adjoint.known_values import with_known_values
from zyg.adjoint.mirrored import CUT, STACK, Callees, Reversed
from zyg.adjoint.record import record
from zyg.adjoint.sums_at_once import Adopt, with_sums_at_once
from zyg.adjoint.sweep import all_reverse, mark_reverse
from zyg.ir.graph import graph_of, substitute, uses
from zyg.ir.program import Block, Edge, Jump, Module, Op, Operand, Pos, Program, Raise, Return, Type, Var
from zyg.ir.scalars import f8, i8
from zyg.ir.tape import StackType, pop, push, stack_new
from zyg.passes.handed_on import handed_on
from zyg.passes.ranges import prove_comparisons
from zyg.passes.simplify import simplify_program
from zyg.passes.simplify_memory import simplify_memory
from zyg.passes.slots import Load, Store, zero
from zyg.passes.unroll import unrolled

Mask = tuple[bool, ...]


class _Differentiation:
    def __init__(self, module: Module, int_adjoint: Type) -> None:
        self.int_adjoint = int_adjoint
        self.programs = dict(module.programs)
        self.pairs: dict[tuple[str, Mask, Mask], tuple[str, str]] = {}
        self.immediate: dict[tuple[str, Mask, Mask], str | None] = {}
        # May cotangents be infinite that a callee is given?
        self.infinite = any(map(self.is_singular, module.programs))

    def at_once(self, callee: str, varied: Mask, useful: Mask) -> str | None:
        """The program that gives the callee's results and, for a cotangent of 1, the cotangents of what is varied; None
        where there may be more than one cotangent given, or arrays."""
        key = (callee, varied, useful)
        if key not in self.immediate:
            program = self.programs[callee]
            given = [kind for kind, on in zip(program.results, useful, strict=True) if on]
            taken = [param.type for param, on in zip(program.params, varied, strict=True) if on]
            numbers = all(isinstance(kind, (types.Float, types.Integer)) for kind in taken)
            self.immediate[key] = None
            if len(given) == 1 and isinstance(given[0], types.Float) and numbers and self.int_adjoint == f8:
                marks = "".join("x" if on else "." for on in varied)
                name = self.immediate[key] = self.unique(f"{callee}.grad[{marks}]")
                self.fused(callee, varied, useful, True, name)
        return self.immediate[key]

    def pair_of(self, callee: str, varied: Mask, useful: Mask) -> tuple[str, str]:
        key = (callee, varied, useful)
        if key not in self.pairs:
            marks = "".join("x" if on else "." for on in varied)
            forward, backward = self.unique(f"{callee}.forward[{marks}]"), self.unique(f"{callee}.reverse[{marks}]")
            self.pairs[key] = forward, backward
            self.programs[forward] = self.programs[backward] = self.programs[callee]  # the names are taken
            self.split(callee, varied, useful, forward, backward)
        return self.pairs[key]

    def iteration(self, program: Program, varied: Mask, useful: Mask, apart: bool, infinite: bool) -> str:
        """The name of what runs and reverses an iteration of a loop; apart: what it keeps is free when it is done."""
        name = self.adopted(program)
        made = self.unique(f"{name}.reverse")
        self.fused(name, varied, useful, False, made, infinite)
        self.programs[made] = replace(all_reverse(self.programs[made]), apart=apart, hidden=True)
        return made

    def adopted(self, program: Program) -> str:
        """Take in a program under a name that is free."""
        name = self.unique(program.name)
        self.programs[name] = simplify_program(replace(program, name=name))
        return name

    def reverse_with_sums(self, program: Program, varied: Mask, useful: Mask) -> str:
        """As `iteration`; it gives what the iteration adds to the sums, too, and takes finite cotangents."""
        name = self.adopted(program)
        made = self.unique(f"{name}.reverse")
        self.fused(name, varied, useful, True, made)
        self.programs[made] = replace(self.programs[made], apart=True, hidden=True)
        return made

    def is_singular(self, callee: str) -> bool:
        """Whether the program, or one that it calls, contains a function with an infinite derivative or a given one."""
        seen: set[str] = set()
        todo = [callee]
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            program = self.programs[name]
            if program.custom is not None or is_singular(program):
                return True
            todo += program.calls()
        return False

    def unique(self, base: str) -> str:
        name, number = base, 1
        while name in self.programs:
            number += 1
            name = f"{base}.{number}"
        return name

    def mirrored(
        self,
        program: Program,
        varied: Mask,
        useful: Mask,
        infinite: bool,
        restoring: bool = False,
        wanted: bool = True,
    ) -> Reversed:
        signature = self.programs.__getitem__
        callees = Callees(signature, self.pair_of, self.at_once, self.iteration, self.is_singular)
        ready = _ready(program)
        if restoring and self.int_adjoint == f8:
            adopt = Adopt(self.adopted, self.reverse_with_sums, self.is_singular)
            ready = with_sums_at_once(ready, varied, useful, wanted, adopt)
        made = reverse(ready, varied, useful, self.int_adjoint, callees, restoring, wanted, infinite)
        made = with_known_values(made)
        return replace(made, program=mark_reverse(made.program))

    def fused(
        self, name: str, varied: Mask, useful: Mask, values: bool, made: str | None = None, infinite: bool = False
    ) -> str:
        """The name, `made`, of the program and its reverse sweep in one.

        It gives the primal's results (zeros unless `values`), then cotangents.  infinite: may those be that it takes?
        """
        made = made or self.unique(f"grad.{name}")
        self.programs[made] = self.programs[name]  # the name is taken
        mirrored = self.mirrored(self.programs[name], varied, useful, infinite, restoring=True, wanted=values)
        if not values:
            mirrored = _without_values(mirrored, self.programs[name])
        whole = without_deferred(record(_with_stack(replace_program(mirrored, made), None)), mirrored.deferred)
        self.programs[made] = simplify_program(_without_cut(whole))
        return made

    def split(self, callee: str, varied: Mask, useful: Mask, forward: str, backward: str) -> None:
        program = self.programs[callee]
        mirrored = self.mirrored(program, varied, useful, self.infinite)
        stack = Var(StackType("residuals"), "stack")
        whole = record(_with_stack(mirrored, stack))
        seeds = mirrored.cotangents
        self.programs[forward], self.programs[backward] = _cut(whole, program, seeds, stack, forward, backward)


def _ready(program: Program) -> Program:
    """`program` as the adjoint pass likes it best."""
    plain = unrolled(program)
    if plain is not program:
        plain = simplify_program(prove_comparisons(simplify_memory(plain)))
    direct = handed_on(plain)
    return plain if direct is plain else simplify_program(direct)


def _without_values(mirrored: Reversed, original: Program) -> Reversed:
    """Nobody asks for the primal's results, so the forward sweep need not compute them."""
    program = mirrored.program
    nothing = tuple(zero(kind) for kind in original.results)
    blocks = {
        label: Block(block.params, block.ops, Return((*nothing, *block.end.values[len(nothing) :])))
        if isinstance(block.end, Return)
        else block
        for label, block in program.blocks.items()
    }
    return replace(mirrored, program=program.with_blocks(blocks))


def _without_cut(program: Program) -> Program:
    blocks = {
        label: Block(block.params, tuple(op for op in block.ops if op.fn is not CUT), block.end)
        for label, block in program.blocks.items()
    }
    return program.with_blocks(blocks)


def replace_program(mirrored: Reversed, name: str) -> Reversed:
    return replace(mirrored, program=replace(mirrored.program, name=name))


def _with_stack(mirrored: Reversed, stack: Var | None) -> Reversed:
    """Give the slot of the stack its value: the parameter `stack`, or a new one where it is used at all."""
    program = mirrored.program
    used = any(isinstance(op.fn, Load) and op.fn.key == STACK for op in program.ops())
    label = program.entry
    entry = program.blocks[label]
    pos = Pos("", 0, program.name)
    ops: list[Op] = []
    if stack is None and used:
        made = Var(StackType("residuals"), "stack")
        ops.append(Op(stack_new, (), (made,), pos))
        ops.append(Op(Store(STACK), (made,), (), pos))
    elif stack is not None:
        ops.append(Op(Store(STACK), (stack,), (), pos))
    blocks = {**program.blocks, label: Block(entry.params, (*ops, *entry.ops), entry.end)}
    params = program.params if stack is None else (*program.params, stack)
    return replace(mirrored, program=replace(program, blocks=blocks, params=params))


def _cut(
    whole: Program, original: Program, seeds: tuple[Var, ...], stack: Var, forward: str, backward: str
) -> tuple[Program, Program]:
    """Separate the sweeps: what the reverse sweep uses of the forward one travels over the stack."""
    count = len(original.results)
    at = next(
        ((label, i) for label, block in whole.blocks.items() for i, op in enumerate(block.ops) if op.fn is CUT), None
    )
    params = tuple(v for v in whole.params if v not in seeds)
    if at is None:  # never returns
        dead = tuple(whole.results[count:])
        back = replace(whole, name=backward, params=(*seeds, stack), results=dead, recursive=True)
        back = back.with_blocks({0: _endless_block(whole)})
        return replace(whole, name=forward, params=params, results=original.results, recursive=True), back
    label, index = at
    block = whole.blocks[label]
    first = max(whole.blocks) + 1
    blocks = dict(whole.blocks)
    blocks[first] = Block((), block.ops[index + 1 :], block.end)
    blocks[label] = Block(block.params, block.ops[:index], Jump(Edge(first)))
    graph = graph_of(whole.with_blocks(blocks))
    after = [at for at in graph.order if graph.dominates(first, at)]
    before = [at for at in graph.order if at not in after]
    made_after = {v for at in after for v in (*blocks[at].params, *(r for op in blocks[at].ops for r in op.results))}
    made_before = [v for at in before for v in (*blocks[at].params, *(r for op in blocks[at].ops for r in op.results))]
    used_after = {v for at in after for v in uses(blocks[at])} - made_after - set(seeds) - {stack}
    crossing = [v for v in (*params, *made_before) if v in used_after]
    primal = block.ops[index].args
    needed = [v for v in crossing if any(v in _uses_without_results(blocks[at], count) for at in after)]
    pos = Pos("", 0, whole.name)
    ops = (*blocks[label].ops, *((Op(push, (stack, *needed), (), pos),) if needed else ()))
    going = {**{at: blocks[at] for at in before}, label: Block(block.params, ops, Return(primal))}
    one = Program(forward, params, original.results, {at: going[at] for at in before}, True)
    copies = {v: Var(v.type, v.name) for v in needed}

    def new(operand: Operand) -> Operand:
        return copies.get(operand, operand) if isinstance(operand, Var) else operand

    start = tuple([Op(pop, (stack,), tuple(copies[v] for v in needed), pos)] if needed else [])
    entry = max(blocks) + 1
    back_blocks = {entry: Block((), start, Jump(Edge(first)))}
    for at_label in after:
        body = substitute(_without_results(blocks[at_label], count), new)
        back_blocks[at_label] = body
    results = tuple(whole.results[count:])
    two = Program(backward, (*seeds, stack), results, back_blocks, True)
    return simplify_program(one), simplify_program(two)


def _endless_block(whole: Program) -> Block:
    for block in whole.blocks.values():
        if isinstance(block.end, Raise):
            return Block((), (), replace(block.end, args=()))
    return Block((), (), Jump(Edge(0)))


def _without_results(block: Block, count: int) -> Block:
    if isinstance(block.end, Return):
        return Block(block.params, block.ops, Return(block.end.values[count:]))
    return block


def _uses_without_results(block: Block, count: int) -> set[Var]:
    return uses(_without_results(block, count))


def vjp(
    module: Module,
    varied: Sequence[bool],
    useful: Sequence[bool],
    whole: bool = True,
    values: bool = True,
    infinite: bool = False,
) -> Module:
    """A module whose entry takes the entry's parameters and a cotangent per useful result, and gives the
    entry's results (zeros in their place unless `values`) and a cotangent per varied parameter.

    Adjoints of ints are ints themselves where they can only be whole: if all useful results are ints, the
    cotangents given are (`whole`), and nothing in between makes fractions of them.  infinite: may the given ones be?
    """
    kinds = [kind for kind, on in zip(module.main.results, useful, strict=True) if on and differentiable(kind)]
    whole = whole and all(isinstance(kind, types.Integer) for kind in kinds)
    whole = whole and not fractional(module.main, varied, module.programs.__getitem__)
    work = _Differentiation(module, i8 if whole else f8)
    made = work.fused(module.entry, tuple(varied), tuple(useful), values, infinite=infinite)
    return Module(work.programs, made).reachable()


def adjoint_of(module: Module, varied: Sequence[bool]) -> tuple[dict[str, Program], str]:
    """The programs of `module` and, among them, the name of its entry's adjoint for all of its results."""
    work = _Differentiation(module, f8)
    made = work.fused(module.entry, tuple(varied), (True,) * len(module.main.results), False, infinite=True)
    return work.programs, made
