"""Functions that `@numba.vectorize` made of functions of numbers: element by element, as NumPy's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zyg.errors import unsupported
from zyg.ir.program import Operand
from zyg.ir.scalars import f8
from zyg.reading import arrays, maps
from zyg.reading.array_making import as_array, is_sequence
from zyg.reading.handlers import number
from zyg.reading.jit_options import options_of
from zyg.reading.values import Static, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def is_vectorized(obj: Any) -> bool:
    """Was it made so?  Numba's module for these is not imported to tell."""
    return type(obj).__name__ == "DUFunc" and type(obj).__module__.startswith("numba.")


def vectorized_call(reader: FunctionReader, obj: Any, args: list[Value], kws: dict[str, Value]) -> Value:
    """`obj(*args)`."""
    if kws or len(args) != obj.nin:
        raise unsupported("functions of @vectorize are called with as many arrays or numbers as they take", reader.pos)
    given = [as_array(reader, arg) if is_sequence(arg) else arg for arg in args]
    compute = _computing(obj)
    if any(arrays.is_arraylike(arg) for arg in given):
        return maps.elementwise(reader, compute, given)
    return compute(reader, [number(reader, arg, "a function of @vectorize") for arg in given])


@functools.cache
def _computing(obj: Any) -> Callable[..., Value]:
    options = replace(options_of(obj._dispatcher), numpy_errors=True)
    of_floats = bool(obj._frozen) and all(set(kinds) <= set("d->") for kinds in obj.types)

    def compute(reader: FunctionReader, operands: list[Operand]) -> Value:
        numbers: list[Value] = [reader.cast(x, f8) for x in operands] if of_floats else list(operands)
        return reader.spec.called(reader, Static(obj._dispatcher.py_func), numbers, {}, options)

    return compute
