"""A failure inside zyg's code becomes an exception of the `@njit` function that called it, as Numba raises its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.callconv import RETCODE_USEREXC
from numba.core.ir import Loc

from zyg.codegen.failures import SLOT, Site
from zyg.errors import wants_stretching
from zyg.ir.program import Const, Type, Var
from zyg.reading.values import Node, Recipe, Static


def leave(context: Any, builder: Any, sites: Sequence[Site], status: Any, report: Any) -> None:
    """Leave the function that is generated with the exception that `status` stands for."""
    impossible = builder.append_basic_block("zyg.impossible")
    switch = builder.switch(status, impossible)
    for number, site in enumerate(sites, 1):
        block = builder.append_basic_block("zyg.raise")
        switch.add_case(status.type(number), block)
        builder.position_at_end(block)
        _raise(context, builder, site, report)
    builder.position_at_end(impossible)
    builder.unreachable()


def gives_up_on_ones(site: Site) -> bool:
    """Whether code fails here that would not if it stretched dimensions that only happen to be 1."""
    try:
        return wants_stretching(site.failure.build(*(_value(operand, 1) for operand in site.operands)))
    except Exception:
        return False


def _value(operand: Const | Type, example: Any) -> Any:
    return operand.value if isinstance(operand, Const) else example


def _raise(context: Any, builder: Any, site: Site, report: Any) -> None:
    cls, wanted = _call_of(site)
    args, kinds, slot = [], [], 0
    for arg in wanted:
        if isinstance(arg, Type):
            args.append(_reported(context, builder, arg, report, slot))
            slot += 1
        else:
            args.append(arg)
        kinds.append(arg if isinstance(arg, Type) else None)
    convention = context.call_conv
    where = {"loc": Loc(site.pos.file, site.pos.line), "func_name": site.pos.function}
    if not slot:
        convention.return_user_exc(builder, cls, tuple(args), **where)
        return
    convention.set_dynamic_user_exc(builder, cls, tuple(args), kinds, **where)
    convention.check_try_status(builder)
    handler = getattr(builder, "_in_try_block", None)
    if handler:
        builder.branch(handler["target"])
    else:
        convention._return_errcode_raw(builder, RETCODE_USEREXC)


def _call_of(site: Site) -> tuple[type[BaseException], Sequence[Any]]:
    """The class whose call gives the exception, and its arguments: objects, or types of what the report holds."""
    build = site.failure.build
    operands = [operand.value if isinstance(operand, Const) else operand for operand in site.operands]
    if isinstance(build, Recipe) and isinstance(build.value, Node):
        items = build.value.items
        if all(isinstance(item, (Var, Const, Static)) for item in items):
            supply = iter(operands)
            return build.value.head.cls, [item.obj if isinstance(item, Static) else next(supply) for item in items]
    try:
        error = build(*(_EXAMPLES[operand] if isinstance(operand, Type) else operand for operand in operands))
    except Exception as own:
        error = own
    if not site.operands:
        return type(error), error.args
    return _rebuilt(type(error), build), operands


def _rebuilt(cls: type[BaseException], build: Callable[..., BaseException]) -> type[BaseException]:
    """A class whose call gives `build`'s exception, of class `cls`; Numba accepts only classes, and checks `cls`."""

    def new(_: type, *operands: Any) -> BaseException:
        return build(*operands)

    return type(cls.__name__, (cls,), {"__new__": new})


_EXAMPLES: dict[Type, Any] = {
    types.boolean: False,
    types.int64: 0,
    types.float32: 0.0,
    types.float64: 0.0,
    types.complex64: 0j,
    types.complex128: 0j,
}


def _reported(context: Any, builder: Any, kind: Type, report: Any, slot: int) -> Any:
    """The number in a slot of the report."""
    place = builder.gep(report, [ir.IntType(64)(slot * SLOT)])
    return context.unpack_value(builder, kind, builder.bitcast(place, context.get_data_type(kind).as_pointer()))
