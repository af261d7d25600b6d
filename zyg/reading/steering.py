"""What steers differentiation, while reading: hooks on cotangents, recomputing instead of keeping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import UnsupportedError, ValueArgumentError, ZygError, unsupported
from zyg.ir.memory import MemoryType
from zyg.ir.program import Call, Capture, Op, Var
from zyg.ir.verify import checked_module
from zyg.passes.lift import open_captures
from zyg.passes.simplify import inline
from zyg.reading import arrays, maps
from zyg.reading.callback import call_python, owned
from zyg.reading.captured import opened_whole
from zyg.reading.cotangents import carriers
from zyg.reading.derive import pairing, vjp_call
from zyg.reading.foreign import check_runs_once
from zyg.reading.given import Derivative, Refuse, check_lists, given_call
from zyg.reading.inner import captured_numbers, check_apart, module_of, read_inner
from zyg.reading.values import Node, Static, Value, leaves, parameter, passed, rebuild, tuple_of, variables

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader


def hook_call(reader: FunctionReader, fn: Value, x: Value) -> Value:
    """`x`, with `fn` applied to its cotangent.

    Original:  y = hook(fn, x)        Adjoint:  dx += fn(dy)
    """

    def refuse(what: str, forward: bool = False) -> ZygError:
        return ValueArgumentError(f"the function of hook {what}", reader.pos, "Let it return a cotangent like its own.")

    def forward(inner: FunctionReader, formals: list[Value]) -> tuple[Value, Value]:
        return formals[1], tuple_of([])

    def backward(inner: FunctionReader, saved: Value, formals: list[Value], dy: Value) -> Sequence[Value]:
        before = len(inner.ops)
        try:
            return [Static(None), reader.spec.calls.call(inner, formals[0], [dy], {})]
        except UnsupportedError:
            if not isinstance(fn, Static):
                raise
            del inner.ops[before:]
            return [Static(None), _hooked_by_python(inner, fn.obj, dy, refuse)]

    return given_call(reader, Derivative("hook", forward, backward, refuse, plain=True), [fn, opened_whole(reader, x)])


def show_call(reader: FunctionReader, x: Value) -> Value:
    """`x`, whose cotangent is printed."""

    def refuse(what: str, forward: bool = False) -> ZygError:
        return unsupported(f"showgrad {what}", reader.pos)

    def forward(inner: FunctionReader, formals: list[Value]) -> tuple[Value, Value]:
        return formals[0], tuple_of([])

    def backward(inner: FunctionReader, saved: Value, formals: list[Value], dy: Value) -> Sequence[Value]:
        call_python(inner, _show, "showgrad", [dy], [])
        return [dy]

    return given_call(
        reader, Derivative("showgrad", forward, backward, refuse, plain=True, whole=True), [opened_whole(reader, x)]
    )


def _show(dy: Any) -> Sequence[Any]:
    print(f"∂ = {dy!r}")
    return ()


def _hooked_by_python(reader: FunctionReader, fn: Any, dy: Value, refuse: Refuse) -> Value:
    """What the Python function `fn` gives for a cotangent: of the same structure, its numbers and arrays new."""
    given = reader.spec.calls.settle(reader, dy)
    out = _copied(reader, given)
    numbers = [leaf for leaf in carriers(out) if not isinstance(leaf.type, MemoryType)]

    def called(dy: Any, out: Any) -> Sequence[Any]:
        found: list[Any] = []
        _fill(out, fn(owned(dy)), found, refuse)
        return found

    results = iter(call_python(reader, called, "hook", [given, out], [leaf.type for leaf in numbers], True))
    fresh = {leaf: next(results) for leaf in numbers}
    return rebuild(out, lambda leaf: fresh.get(leaf, leaf) if isinstance(leaf, Var) else leaf)


def _copied(reader: FunctionReader, value: Value) -> Value:
    """`value` with its arrays copied."""
    if arrays.is_array(value):
        assert isinstance(value, Node)
        return maps.materialise(reader, value)
    if isinstance(value, Node):
        return Node(value.head, tuple(_copied(reader, item) for item in value.items))
    return value


def _fill(out: Any, found: Any, numbers: list[Any], refuse: Refuse) -> None:
    """Write a cotangent that Python gave into the arrays of `out`; its numbers are gathered."""
    if isinstance(out, np.ndarray):
        new = np.asarray(found)
        if new.shape != out.shape:
            raise refuse(f"gives an array of shape {new.shape} for one of shape {out.shape}")
        np.copyto(out, new, casting="same_kind")
    elif isinstance(out, (tuple, list)):
        if not isinstance(found, (tuple, list)) or len(found) != len(out):
            raise refuse(f"gives {found!r:.80} for a {type(out).__name__} of {len(out)}")
        for one, its in zip(out, found, strict=True):
            _fill(one, its, numbers, refuse)
    elif isinstance(out, dict):
        if not isinstance(found, dict) or found.keys() != out.keys():
            raise refuse(f"gives {found!r:.80} for a dict with the keys {', '.join(out)}")
        for key, one in out.items():
            _fill(one, found[key], numbers, refuse)
    elif isinstance(out, (float, complex)):
        if not isinstance(found, (int, float, complex, np.number)):
            raise refuse(f"gives {found!r:.80} for a number")
        numbers.append(complex(found) if isinstance(out, complex) else float(found))  # type: ignore[arg-type]


def checkpoint_call(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of `fn` of which nothing is kept but what it is given.

    Original:  y = fn(a…)        Adjoint:  da… += the pullback of fn at a…, for dy, with all that it computes in between
    """
    spec = reader.spec
    fn = spec.calls.frozen(reader, fn)
    args = [spec.calls.frozen(reader, spec.calls.settle(reader, arg)) for arg in args]
    kws = {name: spec.calls.frozen(reader, spec.calls.settle(reader, arg)) for name, arg in kws.items()}
    check_lists(reader, "checkpoint", (fn, *args, *kws.values()))
    module, result, _, operands, _ = read_inner(reader, fn, args, kws)
    check_runs_once(reader, module.programs.values(), "checkpoint")
    check_apart(reader, module, operands)
    numbers = captured_numbers(module)
    module = open_captures(module, numbers, ".open")
    operands += [reader.emit(Capture(number), (), kind) for number, kind in numbers]
    name = spec.adopt(module)

    def refuse(what: str, forward: bool = False) -> ZygError:
        return unsupported(f"the checkpointed function {what}", reader.pos, "Let it return a new array.")

    def call(inner: FunctionReader, given: Sequence[Value]) -> Value:
        outs = tuple(Var(kind) for kind in module.main.results)
        inner.ops.append(Op(Call(name), tuple(leaf for value in given for leaf in leaves(value)), outs, reader.pos))
        fresh = iter(outs)
        return rebuild(result, lambda leaf: next(fresh) if isinstance(leaf, Var) else leaf)

    def forward(inner: FunctionReader, formals: list[Value]) -> tuple[Value, Value]:
        return call(inner, formals), tuple_of([])

    def backward(inner: FunctionReader, saved: Value, formals: list[Value], dy: Value) -> Sequence[Value]:
        given, seed = [parameter(formal) for formal in formals], parameter(dy)
        params = tuple(leaf for value in (*given, seed) for leaf in variables(value) if isinstance(leaf, Var))
        entry, total = spec.synthetic(
            f"{name}.pairing", params, lambda reader: pairing(reader, call(reader, given), seed)
        )
        paired = checked_module(inline(module_of(reader, entry)))
        operands = [leaf for value in (*formals, dy) for leaf in passed(value)]
        chosen = [n for n, value in enumerate(given) if any(True for _ in carriers(value))]
        _, dx, _ = vjp_call(inner, paired, total, given, operands, chosen, total, None, infinite=True)
        found = dict(zip(chosen, dx, strict=True))
        return [found.get(n, Static(None)) for n in range(len(given))]

    how = Derivative(f"checkpoint.{name}", forward, backward, refuse, apart=True, plain=True, whole=True)
    return given_call(reader, how, list(operands))


@dataclass(frozen=True, slots=True)
class CheckpointHead:
    """`checkpoint(fn)` made while reading; its item is fn."""

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        return checkpoint_call(reader, node.items[0], args, kws)
