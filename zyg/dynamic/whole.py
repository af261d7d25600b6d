"""Elementwise functions of arrays of doubles that are differentiated by the innermost derivative alone: the usual case.

What is done is what `zyg.dynamic.ufuncs` does in general, without looking at what cannot be.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zyg.dynamic.array import Array, loaded
from zyg.dynamic.buffers import ArrayRef, Buffer, NumberRef, Saved, WholeRef, reference
from zyg.dynamic.cotangents import cotangents
from zyg.dynamic.number import Number
from zyg.dynamic.state import STATE
from zyg.dynamic.tape import Sweep
from zyg.rules import primitives as p
from zyg.rules.elementwise import elementwise, find, inactive, nonholomorphic

_DOUBLE = np.dtype(np.float64)
_PLAIN = frozenset((float, int, np.float64))
_PLACES = {"dy": 0, "y": 1, "a": 2, "b": 3, "c": 4}


@dataclass(frozen=True, slots=True)
class _Rules:
    """How a primitive of real numbers is reversed.

    rules: each with the places of what it reads.  reads: these places.  careful: whether cotangents that are not finite
    have rules of their own.
    """

    rules: list[tuple[Callable[..., Any], tuple[int, ...]] | None]
    reads: list[frozenset[int]]
    careful: bool


@functools.cache
def _rules_of(primitive: Any) -> _Rules | None:
    if primitive not in elementwise or primitive in inactive or primitive in nonholomorphic:
        return None
    found = find(primitive, "real")
    if found is None or any(rule is not None and rule.unknown for rule in found):
        return None
    rules = [None if rule is None else (rule.fn, tuple(_PLACES[name] for name in rule.names)) for rule in found]
    return _Rules(
        rules,
        [frozenset() if rule is None else frozenset(rule[1]) for rule in rules],
        find(primitive, "real", False, True) is not found,
    )


def on_whole(primitive: Any, ufunc: Any, inputs: Sequence[Any]) -> Any:
    """`ufunc(*inputs)`, recorded as `primitive`; None where that takes the general way."""
    tape = STATE.tape
    if tape is None or tape.outer is not None or not tape.open:
        return None
    if primitive is operator.pow and type(inputs[1]) is int:
        primitive = p.powi
    rules = _rules_of(primitive)
    if rules is None or len(rules.rules) != len(inputs):
        return None
    lows: list[Any] = []
    active: list[int] = []
    has_array = False
    for n, value in enumerate(inputs):
        kind = type(value)
        if kind is Array:
            low, buffer = value.value, value.buffer
            if type(low) is not np.ndarray or low.dtype != _DOUBLE or not low.ndim or buffer.tape is not tape:
                return None
            has_array = True
            if buffer.active:
                active.append(n)
        elif kind is Number:
            low = value.value
            if value.tape is not tape or type(low) not in _PLAIN:
                return None
            active.append(n)
        elif kind in _PLAIN:
            low = value
        else:
            return None
        lows.append(low)
    if not active or not has_array:
        return None
    y = ufunc(*lows)
    buffer = Buffer(tape, y)
    buffer.active = True
    result = Array(y, buffer)
    needed = frozenset().union(*[rules.reads[n] for n in active])
    kept = [
        _kept(value, low, n + 2 in needed) if type(value) is Array else low
        for n, (value, low) in enumerate(zip(inputs, lows, strict=True))
    ]
    refs: list[Any] = [None] * len(inputs)
    for n in active:
        value = inputs[n]
        refs[n] = NumberRef(value) if type(value) is Number else reference(value.buffer, value.value)
    tape.record(WholeOperation(primitive, rules, refs, kept, buffer, _kept(result, y, 1 in needed)))
    return result


def _kept(array: Array, low: Any, needed: bool) -> Any:
    if not needed:
        return _NOT_READ
    made = Saved(low)
    array.buffer.saved.append(made)
    return made


_NOT_READ = np.zeros(1)


class WholeOperation:
    """An elementwise function, by its rule."""

    __slots__ = ("primitive", "refs", "result", "rules", "values", "y")

    def __init__(self, primitive: Any, rules: _Rules, refs: Any, values: Any, result: Buffer, y: Any) -> None:
        self.primitive, self.rules, self.refs, self.values = primitive, rules, refs, values
        self.result, self.y = result, y

    def reverse(self, sweep: Sweep) -> None:
        whole = sweep.shadows.pop(self.result, None)  # nothing has been done to the result before it was made
        if whole is None or not self.result.root.size:
            return
        values = [loaded(value) for value in self.values]
        y = loaded(self.y)
        root = self.result.root
        if root.flags.c_contiguous:
            dy = whole.reshape(root.shape)
        else:
            sweep.shadows[self.result] = whole
            dy = ArrayRef.of(self.result, root).take(sweep)
        if type(whole) is not np.ndarray or (self.rules.careful and not _is_finite(whole)):
            wanted = [-1 if ref is None else 0 for ref in self.refs]
            for ref, da in zip(self.refs, cotangents(self.primitive, dy, values, y, wanted), strict=True):
                if da is not None:
                    ref.give(sweep, da)
            return
        known = (dy, y, *values)
        for ref, rule in zip(self.refs, self.rules.rules, strict=True):
            if ref is not None and rule is not None:
                da = rule[0](*[known[place] for place in rule[1]])
                if da is not dy and type(ref) is WholeRef and ref.adopts(sweep, da):
                    continue
                ref.give(sweep, da)


def _is_finite(whole: Any) -> bool:
    square = whole.dot(whole)
    return bool(square - square == 0.0)
