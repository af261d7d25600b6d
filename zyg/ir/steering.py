"""What steers differentiation, while reading: hooks on cotangents, recomputing instead of keeping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zyg.errors import ValueArgumentError, ZygError, unsupported
from zyg.ir.cotangents import carriers
from zyg.ir.derive import pairing, vjp_call
from zyg.ir.given import Derivative, given_call
from zyg.ir.inner import read_inner
from zyg.ir.program import Call, Module, Op, Var
from zyg.ir.simplify import inline
from zyg.ir.values import Node, Static, Value, leaves, parameter, rebuild, tuple_of, variables
from zyg.ir.verify import checked_module

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader


def hook_call(reader: FunctionReader, fn: Value, x: Value) -> Value:
    """`x`, with `fn` applied to its cotangent.

    Original:  y = hook(fn, x)        Adjoint:  dx += fn(dy)
    """

    def refuse(what: str) -> ZygError:
        return ValueArgumentError(f"the function of hook {what}", reader.pos, "Let it return a cotangent like its own.")

    def forward(inner: FunctionReader, formals: list[Value]) -> tuple[Value, Value]:
        return formals[1], tuple_of([])

    def backward(inner: FunctionReader, saved: Value, formals: list[Value], dy: Value) -> Sequence[Value]:
        return [Static(None), reader.spec.calls.call(inner, formals[0], [dy], {})]

    return given_call(reader, Derivative("hook", forward, backward, refuse, plain=True), [fn, x])


def checkpoint_call(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of `fn` of which nothing is kept but what it is given.

    Original:  y = fn(a…)        Adjoint:  da… += the pullback of fn at a…, for dy, with all that it computes in between
    """
    spec = reader.spec
    args = [spec.calls.settle(reader, arg) for arg in args]
    kws = {name: spec.calls.settle(reader, arg) for name, arg in kws.items()}
    module, result, _, operands, _ = read_inner(reader, fn, args, kws)
    name = spec.adopt(module)

    def refuse(what: str) -> ZygError:
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
        paired = checked_module(inline(checked_module(Module(spec.programs, entry).reachable())))
        operands = [leaf for value in (*formals, dy) for leaf in variables(value)]
        chosen = [n for n, value in enumerate(given) if any(True for _ in carriers(value))]
        _, dx, _ = vjp_call(inner, paired, total, given, operands, chosen, total, None)
        found = dict(zip(chosen, dx, strict=True))
        return [found.get(n, Static(None)) for n in range(len(given))]

    how = Derivative(f"checkpoint.{name}", forward, backward, refuse, apart=True, plain=True)
    return given_call(reader, how, list(operands))


@dataclass(frozen=True, slots=True)
class CheckpointHead:
    """`checkpoint(fn)` made while reading; its item is fn."""

    def __zyg_call__(self, reader: FunctionReader, node: Node, args: list[Value], kws: dict[str, Value]) -> Value:
        return checkpoint_call(reader, node.items[0], args, kws)
