"""Whether CPython would give a number of its own, or one of NumPy's, where a program gives a machine number.

Elements of arrays are NumPy's numbers, and so is what arithmetic makes of them; `math` gives Python's.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from enum import Enum

from zyg.ir.memory import MemoryType, length, mem_load, mem_size
from zyg.ir.program import Capture, Const, Guard, Op, Operand, Program, Return, Var, edges
from zyg.ir.scalars import FLOAT, FLOAT2
from zyg.rules import primitives as p


class Origin(Enum):
    """ZERO: Python's, and 0.  NUMPY_OR_ZERO: NumPy's, or Python's 0 (a sum that begins with it)."""

    ZERO = 0
    PYTHON = 1
    NUMPY = 2
    NUMPY_OR_ZERO = 3
    UNKNOWN = 4


_ZERO, _PYTHON, _NUMPY, _EITHER, _UNKNOWN = Origin
_ELEMENTARY = frozenset((*FLOAT.values(), *FLOAT2.values()))
_KEEPS_ZERO = frozenset((operator.truediv, operator.neg, p.cast, p.identity))  # in their first operand


def origins_of_results(program: Program, params: Mapping[Var, Origin], elementary: Origin, lists: bool) -> list[Origin]:
    """One for each result.

    params: of the parameters that are numbers.  elementary: of what elementary functions give.  lists: buffers that
    the program makes may be lists.
    """
    known: dict[Var, Origin] = dict(params)
    outside = {param for param in program.params if isinstance(param.type, MemoryType)}
    outside |= {op.result for op in program.ops() if isinstance(op.fn, Capture)}

    def of(operand: Operand) -> Origin | None:
        if isinstance(operand, Const):
            return _ZERO if operand.value == 0 else _PYTHON
        return known.get(operand)

    changed = True
    while changed:
        changed = False
        for block in program.blocks.values():
            for op in block.ops:
                if len(op.results) == 1 and not isinstance(op.result.type, MemoryType):
                    found = _of_op(op, [of(arg) for arg in op.args], elementary, not lists or op.args[0] in outside)
                    if found is not None and known.get(op.result) is not found:
                        known[op.result] = found
                        changed = True
            for edge in edges(block.end):
                for param, arg in zip(program.blocks[edge.target].params, edge.args, strict=True):
                    before, given = known.get(param), of(arg)
                    if given is not None:
                        found = given if before is None else _joined(before, given)
                        if found is not before:
                            known[param] = found
                            changed = True
    ends = [block.end for block in program.blocks.values() if isinstance(block.end, Return)]
    results: list[Origin] = []
    for values in zip(*(end.values for end in ends), strict=True):
        total = of(values[0]) or _UNKNOWN
        for value in values[1:]:
            total = _joined(total, of(value) or _UNKNOWN)
        results.append(total)
    return results


def _of_op(op: Op, args: list[Origin | None], elementary: Origin, is_array: bool) -> Origin | None:
    """Of the result of an op; None where nothing is known of its operands yet."""
    if isinstance(op.fn, Guard):
        return None
    if isinstance(op.fn, Capture) or op.fn in (length, mem_size):
        return _PYTHON
    if op.fn is mem_load:
        return _NUMPY if is_array else _UNKNOWN
    if op.fn is p.select:
        args = args[1:]
        if None in args:
            return None
        return _joined(args[0] or _UNKNOWN, args[1] or _UNKNOWN)
    numbers = [one for arg, one in zip(op.args, args, strict=True) if not isinstance(arg.type, MemoryType)]
    if len(numbers) < len(args) or not numbers:
        return _UNKNOWN
    if None in numbers:
        return None
    if op.fn in _ELEMENTARY and elementary is not _PYTHON:
        return elementary
    if op.fn in _ELEMENTARY or all(one in (_ZERO, _PYTHON) for one in numbers):
        return _PYTHON
    if _NUMPY in numbers:
        return _NUMPY
    if _UNKNOWN in numbers:
        return _UNKNOWN
    if op.fn is operator.mul or (numbers[0] is _EITHER and op.fn in _KEEPS_ZERO):
        return _EITHER
    return _EITHER if all(one is _EITHER for one in numbers) else _UNKNOWN


def _joined(a: Origin, b: Origin) -> Origin:
    if a is b:
        return a
    both = {a, b}
    if both <= {_ZERO, _PYTHON}:
        return _PYTHON
    return _EITHER if both <= {_ZERO, _NUMPY, _EITHER} else _UNKNOWN
