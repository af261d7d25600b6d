"""The reference interpreter: what a module means, in plain Python on NumPy scalars."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types

from zyg.ir.matrices import Matrix, careful, flags, matrix, mem_gemm, mem_pack, mem_product, mem_sum
from zyg.ir.memory import (
    MemoryType,
    mem_add,
    mem_apart,
    mem_clear,
    mem_clear_from,
    mem_clear_unless,
    mem_copy,
    mem_give,
    mem_keep,
    mem_like,
    mem_load,
    mem_new,
    mem_reserve,
    mem_size,
    mem_store,
    mem_zeros,
)
from zyg.ir.program import (
    Branch,
    Call,
    Callback,
    Const,
    Guard,
    Jump,
    Module,
    Op,
    Operand,
    Program,
    Raise,
    Return,
    Type,
    Var,
)
from zyg.ir.tape import (
    TapeType,
    pop,
    push,
    stack_new,
    tape_get,
    tape_larger,
    tape_new,
    tape_put,
    tape_reserve,
    tape_zeros,
)


class Growable:
    """A growable buffer: its elements are in an array that is replaced when it grows."""

    def __init__(self, elements: Any) -> None:
        self.elements = elements


class InterpretTape:
    """Rows of fields; growable ones are never full."""

    def __init__(self, rows: int, kind: TapeType) -> None:
        self.rows, self.kind = rows, kind
        self.cells: dict[tuple[int, int], Any] = {}


def number(value: Any, kind: Type) -> Any:
    """`value` as a NumPy scalar of a machine type; ints wrap at 64 bits."""
    if isinstance(kind, types.Boolean):
        return np.bool_(value)
    if isinstance(kind, types.Integer):
        value = int(value.real) if isinstance(value, (complex, np.complexfloating)) else value
        if isinstance(value, (float, np.floating)) and not np.isfinite(value):
            return np.int64(0)
        return np.int64((int(value) + 2**63) % 2**64 - 2**63)
    if isinstance(kind, types.Float):
        return (np.float32 if kind.bitwidth == 32 else np.float64)(np.real(value))
    if isinstance(kind, types.Complex):
        return (np.complex64 if kind.bitwidth == 64 else np.complex128)(value)
    return value


def interpret(module: Module, args: Sequence[Any]) -> tuple[Any, ...]:
    """The results of the module's entry.

    Buffers are flat NumPy arrays.  Raises what the program raises; AssertionError where it breaks the rules of tapes
    or buffers.
    """
    with np.errstate(all="ignore"):
        main = module.main
        return _run(module, main, [number(a, q.type) for a, q in zip(args, main.params, strict=True)])


def _run(module: Module, program: Program, args: Sequence[Any]) -> tuple[Any, ...]:
    env: dict[Var, Any] = dict(zip(program.params, args, strict=True))

    def value(operand: Operand) -> Any:
        return number(operand.value, operand.type) if isinstance(operand, Const) else env[operand]

    label = program.entry
    while True:
        block = program.blocks[label]
        for op in block.ops:
            values = [value(arg) for arg in op.args]
            for result, found in zip(op.results, _apply(module, op, values), strict=True):
                env[result] = found
        end = block.end
        if isinstance(end, Return):
            return tuple(value(v) for v in end.values)
        if isinstance(end, Raise):
            raise end.failure.build(*(value(v).item() for v in end.args))
        if isinstance(end, Jump):
            edge = end.to
        else:
            assert isinstance(end, Branch)
            edge = end.then if value(end.cond) else end.other
        arguments = [value(arg) for arg in edge.args]
        label = edge.target
        env.update(zip(program.blocks[label].params, arguments, strict=True))


def _apply(module: Module, op: Op, values: list[Any]) -> tuple[Any, ...]:
    fn = op.fn
    if isinstance(fn, Call):
        return _run(module, module.programs[fn.callee], values)
    if isinstance(fn, Callback):
        found = fn.fn(*(v.item() if isinstance(v, np.generic) else v for v in values))
        return tuple(number(v, r.type) for v, r in zip(found, op.results, strict=True))
    if isinstance(fn, Guard):
        if not values[0]:
            raise fn.failure.build(*(v.item() for v in values[1:]))
        return ()
    if fn is stack_new:
        return ([],)
    if fn is push:
        values[0].append(tuple(values[1:]))
        return ()
    if fn is pop:
        record = values[0].pop()
        assert len(record) == len(op.results), "a record of another size is popped"
        return tuple(record)
    if fn in (tape_new, tape_zeros, tape_larger, tape_reserve, tape_put, tape_get):
        return _tape(op, values)
    if fn is mem_product:
        values[0].fill(0)
    if fn in (mem_gemm, mem_product, mem_pack, mem_sum):
        return _matrices(op, values)
    if fn in _MEMORY:
        return _memory(op, values)
    kind = op.result.type
    if fn is operator.floordiv and isinstance(kind, types.Integer) and values[1] == 0:
        return (np.int64(0),)
    if fn is operator.mod and isinstance(kind, types.Integer) and values[1] == 0:
        return (np.int64(0),)
    if isinstance(kind, types.Integer) and fn in (operator.add, operator.sub, operator.mul, operator.neg, operator.pow):
        if fn is operator.pow and values[1] < 0:
            return (np.int64(0),)
        return (number(fn(*(int(v) for v in values)), kind),)
    if fn is operator.not_:
        return (np.bool_(not values[0]),)
    if fn is operator.truediv and isinstance(kind, types.Float) and values[1] == 0:
        return (np.divide(*values),)
    return (number(fn(*values), kind),)


def _tape(op: Op, values: list[Any]) -> tuple[Any, ...]:
    if op.fn is tape_new or op.fn is tape_zeros:
        kind = op.result.type
        assert isinstance(kind, TapeType)
        if op.fn is tape_new:
            assert values[0] >= 0, "a tape of negative size"
            return (InterpretTape(int(values[0]), kind),)
        tape = InterpretTape(values[0].rows, kind)
        for row in range(tape.rows):
            for i, field in enumerate(kind.fields):
                tape.cells[row, i] = number(0, field)
        return (tape,)
    if op.fn is tape_larger:
        return (max(values[:2], key=lambda tape: tape.rows),)
    tape, row = values[0], int(values[1])
    if op.fn is tape_reserve:
        tape.rows = max(tape.rows, row + 1)
        return (tape,)
    column = int(values[2])
    assert 0 <= row < tape.rows, f"row {row} of a tape with {tape.rows}"
    if op.fn is tape_put:
        tape.cells[row, column] = values[3]
        return ()
    return (
        tape.cells.get(
            (row, column), number(np.nan if not isinstance(op.result.type, types.Boolean) else 0, op.result.type)
        ),
    )


def _matrices(op: Op, values: list[Any]) -> tuple[Any, ...]:
    operands = dict(zip(op.args, values, strict=True))

    def places(found: Matrix, m: int, n: int) -> Any:
        first, rows, columns = (operands[x] for x in found.operands[1:])
        at = first + rows * np.arange(m)[:, np.newaxis] + columns * np.arange(n)
        size = operands[found.buffer].size
        assert at.size == 0 or (at.min() >= 0 and at.max() < size), f"elements {at} of {size} at {op.pos}"
        return at

    a = matrix(op, 0)
    if op.fn is mem_pack:
        return (operands[a.buffer][places(a, *values[4:])].ravel(),)
    c, a = a, matrix(op, 1)
    if op.fn is mem_sum:
        added = operands[a.buffer][places(a, *values[8:])]
        extents = values[8:]
    else:
        b = matrix(op, 2)
        m, n, k = values[12:15]
        one, two = operands[a.buffer][places(a, m, k)], operands[b.buffer][places(b, k, n)]
        conj_a, conj_b = flags(op)
        one, two = (one.conj() if conj_a else one), (two.conj() if conj_b else two)
        added = one @ two
        if any(careful(op)):
            factors = one[:, :, np.newaxis], two[np.newaxis]
            none = (factors[0] == 0) | (factors[1] == 0)
            with np.errstate(invalid="ignore"):
                added = np.where(none, 0, factors[0] * factors[1]).sum(1)
        extents = [m, n]
    np.add.at(operands[c.buffer], places(c, *extents), added)
    return ()


def _zeros(count: int, kind: MemoryType) -> Any:
    """Handles are objects, which NumPy's zeros of such elements stand for where there is none."""
    dtype = object if isinstance(kind.dtype, MemoryType) else np.dtype(type(number(0, kind.dtype)))
    return np.zeros(count, dtype)


_MEMORY = frozenset(
    (
        *(mem_new, mem_zeros, mem_like, mem_copy, mem_size, mem_load, mem_store, mem_add, mem_reserve),
        *(mem_apart, mem_give, mem_keep, mem_clear, mem_clear_unless, mem_clear_from),
    )
)


def _memory(op: Op, values: list[Any]) -> tuple[Any, ...]:
    fn = op.fn
    if fn is mem_new or fn is mem_zeros:
        assert values[0] >= 0, "a buffer of negative size"
        kind = op.result.type
        assert isinstance(kind, MemoryType)
        buffer = _zeros(int(values[0]), kind)
        if fn is mem_new and buffer.dtype.kind in "fc" and not kind.growable:
            buffer.fill(np.nan)
        return (Growable(buffer) if kind.growable else buffer,)
    if fn is mem_reserve:
        growable = values[0]
        gained = max(0, int(values[1]) - growable.elements.size)
        growable.elements = np.concatenate((growable.elements, np.zeros(gained, growable.elements.dtype)))
        return ()
    if fn is mem_apart and any(isinstance(value, Growable) for value in values):
        return (np.bool_(values[0] is not values[1]),)
    memory = values[0].elements if isinstance(values[0], Growable) else values[0]
    assert isinstance(memory, np.ndarray) and memory.ndim == 1, "a buffer is a flat array"
    if fn is mem_like:
        kind = op.result.type
        assert isinstance(kind, MemoryType)
        buffer = _zeros(memory.size, kind)
        return (Growable(buffer) if kind.growable else buffer,)
    if fn is mem_copy:
        return (memory.copy(),)
    if fn is mem_size:
        return (np.int64(memory.size),)
    if fn is mem_apart:
        return (np.bool_(not np.may_share_memory(memory, values[1])),)
    if fn is mem_clear or (fn is mem_clear_unless and memory.size != values[1]):
        memory.fill(0)
    if fn is mem_clear_from:
        assert 0 <= values[1] <= memory.size
        memory[values[1] :] = 0
    if fn in (mem_give, mem_keep, mem_clear, mem_clear_unless, mem_clear_from):
        return ()
    index = int(values[1])
    assert 0 <= index < memory.size, f"element {index} of {memory.size} at {op.pos}"
    if fn is mem_load:
        return (memory[index],)
    memory[index] = values[2] if fn is mem_store else memory[index] + values[2]
    return ()
