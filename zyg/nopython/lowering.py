"""Calls of zyg's functions in the code that Numba generates: by value, without Python objects, open to inlining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel.models import OpaqueModel
from numba.core.imputils import lower_constant
from numba.extending import NativeValue, lower_builtin, register_model, unbox

from zyg.codegen.failures import SLOT
from zyg.codegen.outer import Outer
from zyg.nopython.failing import leave
from zyg.nopython.function_type import FunctionOfZyg
from zyg.nopython.giving import TypeOfGiver
from zyg.nopython.kinds import members

for _valueless in (FunctionOfZyg, TypeOfGiver):
    register_model(_valueless)(OpaqueModel)
_REGISTERS = {
    "i1": ir.IntType(1),
    "i32": ir.IntType(32),
    "i64": ir.IntType(64),
    "float": ir.FloatType(),
    "double": ir.DoubleType(),
    "ptr": cgutils.voidptr_t,
}


@lower_constant(FunctionOfZyg)  # type: ignore[untyped-decorator]
@lower_constant(TypeOfGiver)  # type: ignore[untyped-decorator]
def _no_value(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.get_dummy_value()


@unbox(FunctionOfZyg)  # type: ignore[untyped-decorator]
def _no_native_value(kind: Any, value: Any, c: Any) -> Any:
    return NativeValue(c.context.get_dummy_value())


@lower_builtin(FunctionOfZyg, FunctionOfZyg, types.VarArg(types.Any))  # type: ignore[untyped-decorator]
def _call(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
    callee, *kinds = sig.args
    native = callee.callee.specialise(tuple(kinds)).native
    context.active_code_library.add_linking_library(native.library)
    outer = native.outer
    registers = [r for kind, arg in zip(kinds, args[1:], strict=True) for r in _registers(builder, kind, arg)]
    report = None
    if outer.report_slots:
        buffer = ir.ArrayType(ir.IntType(8), outer.report_slots * SLOT)
        place = cgutils.alloca_once(builder, buffer)
        place.align = SLOT
        report = builder.bitcast(place, cgutils.voidptr_t)
        registers.append(report)
    found = _results(builder, outer, builder.call(_declaration(builder.module, outer), registers))
    if outer.fails:
        status = next(found)
        with cgutils.if_unlikely(builder, builder.icmp_unsigned("!=", status, status.type(0))):
            leave(context, builder, native.sites, status, report)
    return _value(context, builder, sig.return_type, found)


@lower_builtin(TypeOfGiver, TypeOfGiver, types.Any)  # type: ignore[untyped-decorator]
def _give(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
    return context.get_dummy_value()


def _declaration(module: Any, outer: Outer) -> Any:
    given = [_REGISTERS[part] for part in outer.result_parts()]
    result = ir.VoidType() if not given else given[0] if len(given) == 1 else ir.LiteralStructType(given)
    function = cgutils.get_or_insert_function(
        module, ir.FunctionType(result, [_REGISTERS[part] for part in outer.parameter_parts()]), outer.symbol
    )
    for parameter, part in zip(function.args, outer.parameter_parts(), strict=True):
        if part == "i1":
            parameter.add_attribute("zeroext")
    function.attributes.add("nounwind")
    return function


def _results(builder: Any, outer: Outer, whole: Any) -> Iterator[Any]:
    count = len(outer.result_parts())
    return iter([whole] * count if count <= 1 else [builder.extract_value(whole, index) for index in range(count)])


def _registers(builder: Any, kind: Any, value: Any) -> list[Any]:
    """The registers in which an argument is passed."""
    if isinstance(kind, types.Complex):
        return [builder.extract_value(value, index) for index in range(2)]
    if isinstance(kind, types.BaseTuple):
        items = ((item, builder.extract_value(value, index)) for index, item in enumerate(members(kind)))
        return [register for item, member in items for register in _registers(builder, item, member)]
    return [value] if isinstance(kind, (types.Number, types.Boolean)) else []


def _value(context: Any, builder: Any, kind: Any, registers: Iterator[Any]) -> Any:
    """A value of Numba's from the registers of a result."""
    if isinstance(kind, types.Complex):
        number = context.make_complex(builder, kind)
        number.real, number.imag = next(registers), next(registers)
        return number._getvalue()
    if isinstance(kind, types.BaseTuple):
        items = [_value(context, builder, item, registers) for item in members(kind)]
        return context.make_tuple(builder, kind, items)
    return next(registers) if isinstance(kind, (types.Number, types.Boolean)) else context.get_dummy_value()
