"""Names for values that have none, so that listings speak of the user's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from zyg.ir.graph import substitute
from zyg.ir.program import Call, Operand, Program, Var
from zyg.reading.heads import ArrayHead, DictHead, ObjectHead, TupleHead
from zyg.reading.values import Node, Value


def base_name(var: Var) -> str:
    """The user's name of a variable, or ""; Numba's own names begin with $."""
    name = "" if var.name.startswith("$") else var.name.split(".")[0]
    return name if name.isidentifier() else ""


def named_after(value: Value, name: str) -> Value:
    """`value` with its unnamed variables named after a parameter: `p`; for members of tuples `p_0`, `p_field`."""
    if isinstance(value, Var):
        return value if value.name else Var(value.type, name)
    if not isinstance(value, Node):
        return value
    if isinstance(value.head, ArrayHead):
        labels = [name, *(f"{name}_{'offset' if i == 0 else f'n{i - 1}'}" for i in range(len(value.items) - 1))]
        return Node(value.head, tuple(named_after(v, label) for label, v in zip(labels, value.items, strict=True)))
    head = value.head
    fields = getattr(head.cls, "_fields", None) if isinstance(head, TupleHead) else None
    if isinstance(head, (DictHead, ObjectHead)):
        fields = head.names if isinstance(head, ObjectHead) else head.keys
    members = fields or range(len(value.items))
    return Node(value.head, tuple(named_after(v, f"{name}_{i}") for i, v in zip(members, value.items, strict=True)))


def name_parameters(program: Program, programs: Mapping[str, Program]) -> Program:
    """`program`, its unnamed parameters named as in the programs that it passes them to."""
    names: dict[Var, Var] = {}
    for op in program.ops():
        if isinstance(op.fn, Call):
            for arg, param in zip(op.args, programs[op.fn.callee].params, strict=True):
                if isinstance(arg, Var) and arg in program.params and not arg.name and param.name:
                    names.setdefault(arg, Var(arg.type, param.name))

    def new(operand: Operand) -> Operand:
        return names.get(operand, operand) if isinstance(operand, Var) else operand

    blocks = {label: substitute(block, new) for label, block in program.blocks.items()}
    return replace(program, params=tuple(names.get(param, param) for param in program.params), blocks=blocks)
