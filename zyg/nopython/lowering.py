"""Calls of zyg's functions in the code that Numba generates: by value, without Python objects, open to inlining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel.models import OpaqueModel, StructModel
from numba.core.errors import TypingError
from numba.core.imputils import lower_constant
from numba.extending import NativeValue, box, lower_builtin, register_model, unbox

from zyg.codegen.failures import SLOT, Site
from zyg.codegen.outer import Outer
from zyg.ir.tree import ArrayTree, Tree, TupleTree
from zyg.nopython.arrays import Loans, constant_registers, element, taken
from zyg.nopython.callee import Specialisation
from zyg.nopython.failing import gives_up_on_ones, leave
from zyg.nopython.function_type import FunctionOfZyg, TypeOfBack
from zyg.nopython.giving import TypeOfGiver
from zyg.nopython.kinds import count_of, members
from zyg.nopython.linking import link

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
    called, *kinds = sig.args
    return _called(context, builder, called.callee.specialise(tuple(kinds)), kinds, args[1:], sig.return_type)


@lower_builtin(TypeOfBack, TypeOfBack, types.Any)  # type: ignore[untyped-decorator]
def _call_back(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
    called, cotangent = sig.args
    kinds = called.kinds(cotangent)
    kept = cgutils.unpack_tuple(builder, _back(context, builder, called, args[0]).kept)
    specialised = called.callee.specialise(kinds)
    return _called(context, builder, specialised, kinds, [*kept, args[1]], sig.return_type)


def _called(
    context: Any, builder: Any, specialised: Specialisation, kinds: Sequence[Any], args: Sequence[Any], result: Any
) -> Any:
    """The result, of type `result`, of a call with arguments of types `kinds`."""
    passing = _Passing(context, builder, specialised.written)
    registers = [r for kind, arg in zip(kinds, args, strict=True) for r in passing.registers(kind, arg)]
    passing.loans.check_apart()
    stretched = specialised.stretched
    report = _report(builder, [one.native.outer for one in (specialised, stretched) if one is not None])
    sites = specialised.native.sites
    status, parts = _run(context, builder, specialised, registers, report)
    if status is not None and stretched is not None:
        before = builder.block
        with cgutils.if_unlikely(builder, _is_one_of(builder, status, sites)):
            failed, again = _run(context, builder, stretched, registers, report)
            shifted = _shifted(builder, failed, len(sites)) if failed is not None else status.type(0)
            after = builder.block
        status, *parts = _merged(builder, (before, (status, *parts)), (after, (shifted, *again)))
        sites = (*sites, *stretched.native.sites)
    passing.loans.end()
    if status is not None:
        with cgutils.if_unlikely(builder, builder.icmp_unsigned("!=", status, status.type(0))):
            leave(context, builder, sites, status, report)
    return _value(context, builder, result, specialised.result, iter(parts))


def _report(builder: Any, outers: Sequence[Outer]) -> Any:
    """The place for what failures report; None if there are none that do."""
    slots = max(outer.report_slots for outer in outers)
    if not slots:
        return None
    place = cgutils.alloca_once(builder, ir.ArrayType(ir.IntType(8), slots * SLOT))
    place.align = SLOT
    return builder.bitcast(place, cgutils.voidptr_t)


def _run(
    context: Any, builder: Any, specialised: Specialisation, registers: Sequence[Any], report: Any
) -> tuple[Any, list[Any]]:
    """The status (None if it cannot fail) and the result's registers, from those of the arguments."""
    native = specialised.native
    outer = native.outer
    link(context.active_code_library, native)
    given = list(registers)
    for array, shape in specialised.frozen:
        given += constant_registers(context, builder, array, shape)
    if outer.report_slots:
        given.append(report)
    found = list(_results(builder, outer, builder.call(_declaration(builder.module, outer), given)))
    return (found[0], found[1:]) if outer.fails else (None, found)


def _is_one_of(builder: Any, status: Any, sites: Sequence[Site]) -> Any:
    """Whether code has failed that stretches no dimensions, for want of that."""
    found = cgutils.false_bit
    for number, site in enumerate(sites, 1):
        if gives_up_on_ones(site):
            found = builder.or_(found, builder.icmp_unsigned("==", status, status.type(number)))
    return found


def _shifted(builder: Any, status: Any, by: int) -> Any:
    """A status among those behind `by` others."""
    fine = builder.icmp_unsigned("==", status, status.type(0))
    return builder.select(fine, status, builder.add(status, status.type(by)))


def _merged(builder: Any, *ways: tuple[Any, Sequence[Any]]) -> list[Any]:
    """Registers that have different values by the block that is come from."""
    found = []
    for values in zip(*(values for _, values in ways), strict=True):
        phi = builder.phi(values[0].type)
        for (block, _), value in zip(ways, values, strict=True):
            phi.add_incoming(value, block)
        found.append(phi)
    return found


@register_model(TypeOfBack)
class _ModelOfBack(StructModel):
    def __init__(self, manager: Any, kind: TypeOfBack) -> None:
        super().__init__(manager, kind, [("kept", kind.kept)])  # type: ignore[no-untyped-call]


@box(TypeOfBack)  # type: ignore[untyped-decorator]
@box(FunctionOfZyg)  # type: ignore[untyped-decorator]
def _no_object(kind: Any, value: Any, c: Any) -> Any:
    raise TypingError(f"{kind.callee.name} cannot leave @njit code; call it there, or make it outside")


def _back(context: Any, builder: Any, kind: TypeOfBack, value: Any = None) -> Any:
    return cgutils.create_struct_proxy(kind)(context, builder, value)


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


class _Passing:
    """Arguments, one behind the other, and the registers in which they are passed.

    written: the numbers of the parameters into which the callee writes.
    """

    def __init__(self, context: Any, builder: Any, written: frozenset[int]) -> None:
        self.loans = Loans(context, builder)
        self._context, self._builder = context, builder
        self._written, self._count = written, 0

    def registers(self, kind: Any, value: Any) -> list[Any]:
        if isinstance(kind, types.BaseTuple):
            items = ((item, self._builder.extract_value(value, index)) for index, item in enumerate(members(kind)))
            return [register for item, member in items for register in self.registers(item, member)]
        first, self._count = self._count, self._count + count_of(kind)
        if isinstance(kind, types.Array) and kind.ndim:
            return self.loans.lend(kind, value, first in self._written)
        if isinstance(kind, types.Array):
            kind, value = element(self._context, self._builder, kind, value)
        if isinstance(kind, types.Complex):
            return [self._builder.extract_value(value, index) for index in range(2)]
        return [value] if isinstance(kind, (types.Number, types.Boolean)) else []


def _value(context: Any, builder: Any, kind: Any, shape: Tree, registers: Iterator[Any]) -> Any:
    """A value of Numba's from the registers of a result."""
    if isinstance(shape, ArrayTree):
        return taken(context, builder, kind, shape, registers)
    if isinstance(kind, TypeOfBack):
        back = _back(context, builder, kind)
        back.kept = _value(context, builder, kind.kept, shape, registers)
        return back._getvalue()
    if isinstance(kind, types.Complex):
        number = context.make_complex(builder, kind)
        number.real, number.imag = next(registers), next(registers)
        return number._getvalue()
    if isinstance(shape, TupleTree):
        parts = zip(members(kind), shape.items, strict=True)
        items = [_value(context, builder, item, part, registers) for item, part in parts]
        return context.make_tuple(builder, kind, items)
    return next(registers) if isinstance(kind, (types.Number, types.Boolean)) else context.get_dummy_value()
